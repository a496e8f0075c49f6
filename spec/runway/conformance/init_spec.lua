-- The check that users run on their own adapters: it passes ours and the example. What it finds in an
-- adapter with mistakes is in mistakes_spec.lua.

local conformance = require "runway.conformance"
local json = require "runway.json"
local lua = require "spec.support.interpreter"

local own_cases = require "spec.support.cases.own"

local CLIP = "https://files.reelhouse.example/7.mp4"

-- A fresh copy of the example, so that each spec spoils its own.
local function example() return assert(loadfile "examples/own_adapter.lua")() end

local function listed(failures) return table.concat(failures, "\n") end

describe("conformance", function()
  for name, adapter in pairs(require "runway.providers") do
    it("passes " .. name .. ", with the examples of its documents", function()
      assert.equal("", listed(conformance.check(adapter, require("spec.support.cases." .. name))))
    end)
  end

  it("passes the example of a user's own adapter", function()
    assert.equal("", listed(conformance.check(example(), own_cases)))
    conformance.assert_ok(example(), own_cases)
  end)

  it("passes an adapter whose uploads lead to an id", function()
    local adapter, cases = example(), {}
    adapter.upload = function(_, answers)
      if not answers[1] then return { request = { method = "POST", path = "/v2/files", safe = true } } end
      local id = require("runway.fields").id((answers[1].json or {}).id)
      if not id then return nil, "no id" end
      return { uri = id }
    end
    for i, case in ipairs(own_cases) do cases[i] = case end
    local file = { name = "a.png", path = "/tmp/a.png", size = 9, type = "image/png" }
    cases[#cases + 1] = { upload = file, answers = { { json = { id = 5 } } }, uri = "5" }
    assert.equal("", listed(conformance.check(adapter, cases)))
  end)

  it("needs no test framework, no network and no files", function()
    local script = ([[
      package.path, package.cpath = %q, %q
      local adapter = assert(loadfile "examples/own_adapter.lua")()
      local failures = require("runway.conformance").check(adapter)
      assert(#failures > 0 and not package.loaded.busted and not package.loaded["runway.core"])
      assert(io.open and os.time() and math.random(), "everything is back in its place")
      io.write "fine"
    ]]):format(package.path, package.cpath)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local pipe = assert(io.popen(lua .. " " .. path .. " 2>&1"))
    local said = pipe:read "a"
    pipe:close()
    os.remove(path)
    assert.equal("fine", said)
  end)

  it("raises one error that tells every failure", function()
    local adapter = example()
    adapter.kinds = { "text_to_video", "image_to_video" }
    adapter.poll_interval = -1
    local ok, err = pcall(conformance.assert_ok, adapter, own_cases)
    assert.is_false(ok)
    assert.matches("reelhouse does not conform (2):\n", err, 1, true)
    assert.matches("kinds must be sorted", err, 1, true)
    assert.matches("poll_interval must be", err, 1, true)
  end)

  it("asks for a case of everything that the adapter does", function()
    local said = listed(conformance.check(example()))
    for _, what in ipairs { "the request that submits image_to_video", "the request that submits text_to_video",
      "an answer that accepts a task", "a task that goes on", "a task that succeeded", "a task that failed",
      "how a task is asked about (query)", "what cancel does", "what problem does" } do
      assert.matches("no case shows " .. what, said, 1, true)
    end
  end)

  it("tells one mistake once, with the first place and the number of others", function()
    local adapter = example()
    adapter.accepted = function(answer) return { id = answer.json.job } end
    local failures = conformance.check(adapter, own_cases)
    local raised = 0
    for _, failure in ipairs(failures) do
      if failure:find("accepted: an id must be a string, not a number", 1, true) then raised = raised + 1 end
    end
    assert.equal(1, raised)
    assert.matches("and %d+ more%)", listed(failures))
  end)
end)

describe("conformance lets an adapter", function()
  it("tell by true and false what others tell by a word", function()
    local adapter = example()
    function adapter.task(answer)
      local fields = require "runway.fields"
      local job = answer.json
      if type(job) ~= "table" or job.job == nil then return nil end
      if job.done ~= true then return { failure = fields.text(job.error) } end
      return { status = "SUCCEEDED", output = fields.urls(job.file) or nil }
    end
    local list = {
      { task = { job = 7, done = false }, fields = {} },
      { task = { job = 7, done = true, file = CLIP }, fields = { status = "SUCCEEDED", output = { CLIP } } },
    }
    for _, failure in ipairs(conformance.check(adapter, list)) do
      assert.matches("^cases: no case shows", failure)
    end
  end)

  it("hold empty lists apart from empty objects", function()
    local adapter = example()
    local submit = adapter.submit
    function adapter.submit(...)
      local request = submit(...)
      request.json.tags = json.array {}
      return request
    end
    local body = { prompt = "a cat", size = "16:9", seconds = 5, tags = {} }
    local case = { submit = { prompt = "a cat", kind = "text_to_video" },
      request = { method = "POST", path = "/v2/jobs/text_to_video", json = body } }
    assert.matches("request.json.tags is [], expected {}", listed(conformance.check(adapter, { case })), 1, true)
    body.tags = json.array {}
    assert.not_matches("tags", listed(conformance.check(adapter, { case })), 1, true)
  end)
end)
