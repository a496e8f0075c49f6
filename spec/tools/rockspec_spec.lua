-- The rockspec names every file by hand, because luarocks reads it without looking at the disk.

local listing = dofile "tools/rockspec.lua"

local PATH = "rockspec/runway-dev-1.rockspec"

local function rockspec()
  local spec = {}
  assert(loadfile(PATH, "t", spec))()
  return spec
end

local function sources(module)
  return type(module) == "string" and { module } or module.sources
end

-- "name: path" for everything in `from` that `to` lacks.
local function lacking(from, to)
  local list = {}
  for name, module in pairs(from) do
    local there = {}
    for _, path in ipairs(to[name] and sources(to[name]) or {}) do there[path] = true end
    for _, path in ipairs(sources(module)) do
      if not there[path] then list[#list + 1] = name .. ": " .. path end
    end
  end
  table.sort(list)
  return table.concat(list, "\n")
end

describe("the rockspec", function()
  local named, present = rockspec().build.modules, {}
  for _, module in ipairs(listing.modules()) do present[module.name] = module.path or module end

  it("names every C file and every Lua file that is there", function()
    assert.equal("", lacking(present, named), "missing in " .. PATH .. "; run `make rockspec`")
  end)

  it("names nothing that is gone", function()
    assert.equal("", lacking(named, present), "gone from the tree; run `make rockspec`")
  end)

  it("keeps its list sorted", function()
    local file = assert(io.open(PATH))
    local text = file:read "a"
    file:close()
    assert.truthy(text:find(listing.text(), 1, true), "run `make rockspec`")
  end)

  it("installs the runway command", function()
    assert.equal("bin/runway", rockspec().build.install.bin.runway)
  end)

  it("asks for nothing at run time but Lua, lua-cjson and argparse", function()
    local names = {}
    for _, line in ipairs(rockspec().dependencies) do names[#names + 1] = line:match "^%S+" end
    table.sort(names)
    assert.same({ "argparse", "lua", "lua-cjson" }, names)
  end)
end)
