-- What the sandbox posts to the callback URLs that its tasks were given: as each provider does, when a task changes.

local journals = require "spec.support.journals"
local listening = require "spec.support.listening"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local transport = require "runway.transport"

describe("the sandbox", function()
  local server, raw
  before_each(function()
    server, raw = assert(sandbox.start { seconds = 0.05 }), listening.listen()
  end)
  after_each(function()
    server:close()
    listening.close_all()
    mocked.close()
  end)

  local function account(provider, options)
    local all = { provider = provider, api_key = "sk-0123456789", base_url = server.base_url, poll_interval = 0.01,
      callback_url = ("http://127.0.0.1:%d/hook?a=1"):format(raw:port()) }
    for name, v in pairs(options or {}) do all[name] = v end
    return assert(runway.client(all))
  end

  -- The next callback that is posted, answered.
  local function posted()
    return listening.eventually("a callback", function()
      runway.step(0)
      local request = raw:take()
      if request then raw:respond(request.id, {}) end
      return request
    end)
  end

  for provider, params in pairs {
    cometapi = { prompt_text = "a cat" }, chatgptsb = { prompt_text = "a cat", model = "gen3a" },
    qimu = { prompt_text = "a cat", ratio = "16:9", duration = 5 },
  } do
    it("posts each change of a task as " .. provider .. " does, which its adapter reads", function()
      local client = account(provider)
      local task = assert(client:generate(params))
      for _, status in ipairs { "RUNNING", "SUCCEEDED" } do
        local request = posted()
        assert.same({ "POST", "/hook", "a=1", "application/json" }, { request.method, request.path, request.query,
          request.headers["content-type"] })
        local hint = assert(client:read_callback(request.body, request.headers))
        assert.same({ task.id, status }, { hint.id, hint.status })
      end
      runway.sleep(0.1)
      assert.is_nil(raw:take())
    end)
  end

  it("posts nowhere but at this machine: it is offline", function()
    local start, urls = transport.start, {}
    transport.start = function(self, request, done)
      urls[#urls + 1] = request.url
      return start(self, request, done)
    end
    finally(function() transport.start = start end)
    for _, url in ipairs { "https://callback.invalid/", "http://10.0.0.1/hook", "http://203.0.113.7/" } do
      local task = assert(account("cometapi", { callback_url = url }):generate { prompt_text = "a cat" })
      assert(task:wait())
    end
    runway.sleep(0.1)
    for _, url in ipairs(urls) do assert.equal(server.base_url, url:sub(1, #server.base_url)) end
  end)

  it("posts also when no one heard of the task, and ends what is unknown in a journal", function()
    journals.setup()
    finally(journals.teardown)
    local listener = assert(runway.listener())
    local journal = journals.open()
    local client = account("cometapi", { callback = listener, journal = journal, callback_url = listener.url })
    local clip = { prompt_text = "sandbox:drop", key = "a" }
    assert.equal("unknown_submit", select(2, client:generate(clip)).kind)
    local entry
    repeat
      runway.step(0.01)
      entry = assert(journal:get "a")
    until entry.state ~= "unknown"
    assert.same({ "submitted", server.tasks[1].id }, { entry.state, entry.task_id })
    assert.equal("SUCCEEDED", assert(assert(client:generate(clip)):wait()).status)
    assert.equal(1, #server.tasks)
    listener:close()
  end)

  it("shows a callback no look: what a scenario does at the first ones is still to come", function()
    local client = account "cometapi"
    local task = assert(client:generate { prompt_text = "sandbox:no_output=1" })
    posted()
    posted()
    local waits = 0
    assert(task:refresh())
    assert.is_nil(task.output)
    repeat waits = waits + 1 until assert(task:refresh()).output
    assert.equal(1, waits)
  end)

  it("that was closed posts no more", function()
    assert(account "cometapi":generate { prompt_text = "a cat" })
    server:close()
    runway.sleep(0.2)
    assert.is_nil(raw:take())
  end)
end)
