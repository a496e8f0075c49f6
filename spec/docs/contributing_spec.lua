-- CONTRIBUTING.md names files, targets, checks and functions: all of them are there.

local content = require "spec.support.content"

describe("CONTRIBUTING.md", function()
  local page = content "CONTRIBUTING.md"

  it("names files and folders that are there", function()
    local n = 0
    for path in page:gmatch "[%s`(]([%w_.]+/[%w_./]*)" do
      if not path:find "^build/" then
        n = n + 1
        path = path:gsub("/$", ""):gsub("NAME", "gateway")
        assert.is_true(os.rename(path, path) or false, path)
      end
    end
    assert.is_true(n > 20)
  end)

  it("names targets of make, and checks of make check", function()
    local makefile, checks = content "Makefile", content "tools/check.sh"
    for target in page:gmatch "make ([a-z]+)" do
      if target ~= "it" then assert.truthy(makefile:find("\n" .. target .. ":", 1, true), target) end
    end
    for names in page:gmatch 'ONLY="?([a-z0-9 ]+)' do
      for name in names:gmatch "%S+" do assert.truthy(checks:find("\ncheck_" .. name .. "()", 1, true), name) end
    end
  end)

  it("lists what the specs want, as tools/need.sh asks for it and the rockspec has it", function()
    local asked, rocks, n = content("tools/need.sh"):match "\nneed_test%(%) {\n(.-)\n}", {}, 0
    local section = page:match "\n## What the specs want\n(.-)\n## "
    for line in asked:gmatch "[^\n]+" do
      local apt, dnf, pacman, rock = line:match "^  need .* (%S+) (%S+) (%S+) %S+ (%S+) [%l_]+ %S+$"
      if apt then
        n = n + 1
        local columns = ("| %s | %s | %s | %s |"):format(apt, dnf, pacman, rock):gsub("%- ", "")
        if rock ~= "-" then rocks[#rocks + 1] = rock end
        assert.truthy(section:find(columns, 1, true), columns)
      end
    end
    assert.is_true(n > 8)
    table.sort(rocks)
    local spec = {}
    assert(load(content "rockspec/runway-dev-1.rockspec", "=rockspec", "t", spec))()
    assert.same(rocks, spec.test_dependencies)
  end)

  it("names functions and threads of the engine as they are", function()
    local pipe = assert(io.popen "cat src/*.c")
    local source = pipe:read "a"
    pipe:close()
    for name in page:gmatch "rw_[a-z_]+" do assert.truthy(source:find(name .. " (", 1, true), name) end
    for name in page:gmatch "`(runway%-?[a-z]*)`" do assert.truthy(source:find('"' .. name .. '"', 1, true), name) end
  end)
end)

describe("the templates of issues", function()
  it("have a name and say what they are for", function()
    for _, name in ipairs { "fault", "wish", "provider" } do
      local text = content(".github/ISSUE_TEMPLATE/" .. name .. ".md")
      assert.truthy(text:find "^%-%-%-\nname: [^\n]+\nabout: [^\n]+\n%-%-%-\n", name)
    end
  end)
end)
