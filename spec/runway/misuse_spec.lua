-- What is used otherwise than it is meant is told at the line where that was done.

local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local function told(expected, fn)
  local ok, message = pcall(fn)
  assert.is_false(ok, "nothing was raised")
  assert.matches("^spec/runway/misuse_spec.lua:%d+: ", message)
  assert.matches(expected, message, 1, true)
end

describe("a method that is called with a dot says so:", function()
  setup(journals.setup)
  teardown(journals.teardown)
  after_each(mocked.close)

  local function says(what, name, fn)
    told(("a method of a %s was called without it: use %s:%s("):format(what, what, name), fn)
  end

  it("a client's", function()
    local client = mocked.client {}
    says("client", "generate", function() local _ = client.generate { prompt = "a cat" } end)
    says("client", "text_to_video", function() local _ = client.text_to_video { prompt = "a cat" } end)
    says("client", "credits", function() local _ = client.credits() end)
  end)

  it("a task's", function()
    local task = mocked.client({}):task "t1"
    says("task", "wait", function() local _ = task.wait() end)
    says("task", "wait", function() local _ = task.wait { timeout = 5 } end)
    says("task", "done", function() local _ = task.done() end)
    says("task", "download", function() local _ = task.download "a.mp4" end)
  end)

  it("a job's", function()
    local job = runway.spawn(function() end)
    says("job", "join", function() local _ = job.join() end)
    says("job", "cancel", function() local _ = job.cancel() end)
    says("job", "done", function() local _ = job.done {} end)
    job:join()
  end)

  it("a mock's", function()
    local _, m = mocked.client {}
    says("mock", "finish", function() m.finish() end)
    says("mock", "close", function() m.close() end)
  end)

  it("a journal's, and a store's", function()
    local j = journals.open()
    says("journal", "entries", function() local _ = j.entries { limit = 5 } end)
    says("journal", "get", function() local _ = j.get "a" end)
    says("journal", "close", function() j.close() end)
    local store = assert(require("runway.store").open(journals.path "store.db"))
    says("store", "read", function() local _ = store.read { { "SELECT 1" } } end)
    says("store", "close", function() store.close() end)
    store:close()
  end)

  it("a listener's", function()
    local listener = assert(require("runway.listener").listen())
    says("listener", "port", function() local _ = listener.port() end)
    says("listener", "take", function() local _ = listener.take() end)
    says("listener", "respond", function() local _ = listener.respond(1, { body = "x" }) end)
    says("listener", "close", function() listener.close() end)
    listener:close()
    local own = assert(runway.listener())
    says("listener", "close", function() own.close() end)
    own:close()
  end)
end)

describe("what is none is told:", function()
  after_each(mocked.close)

  it("a list with names, or with holes", function()
    local function f() end
    told('all takes a list, { a, b, … }; it has no place for ["first"]', function()
      local _ = runway.all { f, first = f }
    end)
    told("it has no place for [7]", function() local _ = runway.all { f, [7] = f } end)
    told("it has no place for [1.5]", function() local _ = runway.all { f, [1.5] = f } end)
  end)

  it("a kind", function()
    local client = mocked.client {}
    assert.is_true(client:supports "text_to_video")
    assert.is_false(client:supports "a_kind_of_magic")
    told("supports takes the name of a kind, not 5", function() local _ = client:supports(5) end)
    told("supports takes the name of a kind, not nil", function() local _ = client:supports() end)
    told("supports takes the name of a kind, not a table", function() local _ = client:supports {} end)
  end)

  it("a transport", function()
    for _, v in ipairs { {}, { {} }, { start = 5 }, { start = print, cancel = true }, runway } do
      told("client: option transport must be a transport", function()
        local _ = runway.client { api_key = "any", transport = v }
      end)
    end
  end)
end)
