-- What a provider may answer to a query instead of the task's state: the waiting goes on, and whatever
-- becomes of it, the id is kept and nothing is submitted again.

local json = require "runway.json"
local runway = require "runway"

-- Waits 100 seconds (of a clock that jumps) for a task of which every query is answered alike.
local function wait(provider, answer)
  local mock = runway.mock(function() return answer end)
  local client = assert(runway.client { api_key = "k", provider = provider, base_url = "https://x.test",
    transport = mock })
  local task = client:task "t-1"
  local done, err = task:wait { timeout = 100 }
  mock:close()
  assert.is_nil(done)
  assert.equal(task, err.task)
  assert.equal("t-1", err.task_id)
  assert.equal("PENDING", task.status)
  return err, #mock.requests
end

describe("a query that is answered with", function()
  for _, body in ipairs { { message = "system busy" }, { error = "busy" }, { code = 500, msg = "busy" },
    { error = { message = "upstream busy" } }, { code = 17, message = "still processing" } } do
    local words = body.message or "busy"
    it(json.encode(body) .. " is made again, until the time is over", function()
      for _, name in ipairs { "chatgptsb", "cometapi", "gateway", "qimu" } do
        local err, queries = wait(name, { json = body })
        assert.equal("timeout", err.kind, name)
        assert.matches(words, err.message, 1, true)
        assert.is_true(queries > 10, name)
      end
    end)
  end

  it("nothing that can be read is made again a few times, and then told", function()
    for name in pairs(runway.providers) do
      for _, answer in ipairs { { json = {} }, { body = "" }, { body = "<html>login" },
        { body = '{"id":' }, { json = { success = false } }, { json = json.array { 1 } } } do
        local err, queries = wait(name, answer)
        assert.equal("protocol", err.kind, name)
        assert.equal(5, queries, name)
      end
    end
  end)

  it("a revoked key ends the waiting and not the task", function()
    for name in pairs(runway.providers) do
      local err, queries = wait(name, { status = 401, json = { error = { message = "no such key" } } })
      assert.equal("authentication", err.kind, name)
      assert.equal(1, queries)
    end
  end)
end)
