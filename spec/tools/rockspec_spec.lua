-- The rockspecs name every file by hand, because luarocks reads them without looking at the disk.

local content = require "spec.support.content"
local listing = dofile "tools/rockspec.lua"

local function read(text)
  local spec = {}
  assert(load(text, "=rockspec", "t", spec))()
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

local function names_of(dependencies)
  local names = {}
  for _, line in ipairs(dependencies) do names[#names + 1] = line:match "^%S+" end
  table.sort(names)
  return names
end

for _, rock in ipairs(listing.rocks) do
  describe("the rockspec of " .. rock.name, function()
    local spec = read(content(rock.path))
    local named, present = spec.build.modules, {}
    for _, module in ipairs(listing.modules(rock)) do present[module.name] = module.path or module end

    it("names every file that is there", function()
      assert.equal("", lacking(present, named), "missing in " .. rock.path .. "; run `make rockspec`")
    end)

    it("names nothing that is gone", function()
      assert.equal("", lacking(named, present), "gone from the tree; run `make rockspec`")
    end)

    it("keeps its list sorted", function()
      assert.truthy(content(rock.path):find(listing.text(rock), 1, true), "run `make rockspec`")
    end)

    it("bears the name that luarocks expects, and the licence", function()
      assert.equal(rock.name, spec.package)
      assert.equal(rock.name .. "-" .. spec.version .. ".rockspec", rock.path:match "[^/]*$")
      assert.equal("MIT", spec.description.license)
    end)

    it("asks for nothing at run time but Lua, lua-cjson and argparse, or the core", function()
      assert.same(rock.c and { "lua", "runway" } or { "argparse", "lua", "lua-cjson" }, names_of(spec.dependencies))
    end)

    it("has in a release its number, its source, and the other rock of the same number", function()
      local name, text = listing.released(rock, "1.2.3", "https://x.test/runway-1.2.3.tar.gz")
      local released = read(text)
      assert.equal(rock.name .. "-1.2.3-1.rockspec", name)
      assert.equal("1.2.3-1", released.version)
      assert.same({ url = "https://x.test/runway-1.2.3.tar.gz", dir = "runway-1.2.3" .. (rock.c and "/src" or "") },
        released.source)
      assert.same(spec.build, released.build)
      if rock.c then assert.equal("runway == 1.2.3", released.dependencies[2]) end
      assert.is_nil(text:find("checkout", 1, true))
    end)
  end)
end

describe("the rockspecs", function()
  it("name every C file, each in one rock at least", function()
    local linked = {}
    for _, rock in ipairs(listing.rocks) do
      for _, module in ipairs(listing.modules(rock)) do
        for _, path in ipairs(module.sources or {}) do linked["src/" .. path:gsub("^src/", "")] = true end
      end
    end
    local pipe = assert(io.popen "ls src/*.c")
    for path in pipe:lines() do assert.is_true(linked[path], path .. " is in no rock") end
    pipe:close()
  end)

  it("stand where luarocks finds one, and no other, without its name", function()
    local pipe = assert(io.popen "ls *.rockspec rockspec/*.rockspec rockspecs/*.rockspec 2>/dev/null")
    local found = pipe:read "a"
    pipe:close()
    assert.equal("rockspec/runway-dev-1.rockspec\n", found)
  end)

  it("install the runway command with the first", function()
    assert.equal("bin/runway", read(content(listing.rocks[1].path)).build.install.bin.runway)
  end)

  it("bring the pages with the first, side by side as they lie here, and the types", function()
    local build, here = read(content(listing.rocks[1].path)).build, {}
    assert.same({ "docs", "examples", "types" }, build.copy_directories)
    local pipe = assert(io.popen "ls LICENSE *.md")
    for name in pipe:lines() do here["../" .. name] = name end
    pipe:close()
    assert.same(here, build.install.conf)
  end)
end)
