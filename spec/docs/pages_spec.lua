-- The pages name all that there is: each public name, each option, each scenario.

local content = require "spec.support.content"
local journals = require "spec.support.journals"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local reference, testing = content "docs/reference.md", content "docs/testing.md"

-- A name, in backticks, maybe with others beside it.
local function is_named(page, name)
  for ticked in page:gmatch "`([^`\n]+)`" do
    if ticked:find("%f[%w_]" .. name .. "%f[^%w_]") then return true end
  end
  return false
end

-- The public fields that the annotations of a class tell of.
local function fields_of(path, class)
  local list, inside = {}, false
  for line in content(path):gmatch "[^\n]+" do
    local opened = line:match "^%-%-%-@class ([%w_.]+)"
    if opened then inside = opened == class end
    if not line:find "^%-%-" then inside = false end
    local field = inside and line:match "^%-%-%-@field ([%w_]+)"
    if field then list[#list + 1] = field end
  end
  assert(#list > 0, "no fields of " .. class)
  return list
end

describe("docs/reference.md", function()
  it("names all of the module", function()
    local count = 0
    for name in content "types/runway.lua":gmatch "\nfunction runway%.([%w_]+)" do
      assert.truthy(is_named(reference, "runway%." .. name), name)
      count = count + 1
    end
    assert.is_true(count > 10)
  end)

  local function methods(what, object)
    for name, method in pairs(getmetatable(object).__index) do
      if type(method) == "function" and not name:find "^__" then
        assert.truthy(is_named(reference, what .. ":" .. name) or is_named(reference, name), what .. ":" .. name)
      end
    end
  end

  it("names all of a client, a task, a job, a journal, a store", function()
    local client = assert(runway.client { api_key = "k" })
    methods("client", client)
    methods("task", client:task "t")
    client:close()
    local job = runway.spawn(function() end)
    methods("job", job)
    job:join()
    journals.setup()
    methods("journal", journals.open())
    journals.teardown()
    local files = scratch.new()
    local store = assert(require("runway.store").open(files:path "notes.db"))
    methods("store", store)
    store:close()
    files:remove()
  end)

  it("names all of runway.json and runway.progress", function()
    for _, module in ipairs { "json", "progress" } do
      for name in pairs(require("runway." .. module)) do
        assert.truthy(is_named(reference, module .. "%." .. name), module .. "." .. name)
      end
    end
  end)
end)

describe("docs/testing.md", function()
  it("tells of every scenario, in the sandbox's words", function()
    local told = {}
    for name, about in testing:gmatch "\n| `([%w_]+)` | ([^\n]+) |" do told[name] = about end
    for _, one in ipairs(sandbox.scenarios()) do assert.equal(one.about, told[one.name], one.name) end
  end)

  it("tells of every option of the sandbox", function()
    for _, field in ipairs(fields_of("lua/runway/sandbox/app.lua", "runway.sandbox.options")) do
      assert.truthy(is_named(testing, field), field)
    end
  end)

  it("tells of all that an entry of a mock and its requests hold", function()
    for _, class in ipairs { "runway.mock.Entry", "runway.mock.Request" } do
      for _, field in ipairs(fields_of("lua/runway/mock/init.lua", class)) do
        assert.truthy(is_named(testing, field), class .. "." .. field)
      end
    end
  end)
end)
