-- What may go wrong in a night of five hundred clips: cancels, interrupts and broken answers just
-- when something was paid for, and the cost of waiting for long.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local SUBMIT = "POST /v1/text_to_video"

local function accepting(times)
  local made = 0
  return { SUBMIT, times = times, answer = function()
    made = made + 1
    return { delay = 1, json = { id = ("task-%d"):format(made) } }
  end }
end

describe("a night's work", function()
  local server

  setup(function() server = rawserver.start {} end)
  teardown(function() server:stop() end)
  after_each(mocked.close)

  describe("when a job is cancelled", function()
    it("pays for nothing more, and keeps what it paid for", function()
      local client, m = mocked.client({ accepting(20) })
      local ids = {}
      local job = runway.spawn(function()
        for _ = 1, 20 do ids[#ids + 1] = assert(client:generate(mocked.clip())).id end
      end)
      runway.step(0.5)
      assert.is_true(job:cancel())
      local done, err = job:join()
      assert.is_nil(done)
      assert.equal("cancelled", err.kind)
      assert.same({ "task-1" }, ids)
      assert.equal("task-1", err.task_id)
      assert.equal(1, #m.requests)
    end)

    it("does so in a coroutine of the job's own as well", function()
      local client, m = mocked.client({ accepting(20) })
      local paid = 0
      local job = runway.spawn(function()
        for _ in coroutine.wrap(function()
          for _ = 1, 20 do coroutine.yield(assert(client:generate(mocked.clip()))) end
        end) do
          paid = paid + 1
        end
      end)
      scheduler.at(scheduler.now() + 2.5, function() job:cancel() end)
      local _, err = job:join()
      assert.equal("cancelled", err.kind)
      assert.is_true(paid < 20)
      assert.equal(paid, #m.requests)
    end)

    it("names the task in the error although the script never saw the cancel coming", function()
      local client = mocked.client({ accepting(1) })
      local job = runway.spawn(function()
        local task = assert(client:generate(mocked.clip()))
        return task:wait()
      end)
      runway.step(0.5)
      job:cancel()
      local _, err = job:join()
      assert.equal("task-1", err.task_id)
      assert.equal("yes", err.sent)
    end)
  end)

  it("names the task when a job raises after it paid", function()
    local client = mocked.client({ accepting(1) })
    local job = runway.spawn(function()
      assert(client:generate(mocked.clip()))
      error "a bug of the script's"
    end)
    local _, err = job:join()
    assert.matches("a bug of the script's", err.message)
    assert.equal("task-1", err.task_id)
  end)

  it("raises before the C stack ends, and loses no id by it", function()
    local client, m = mocked.client({ accepting(200) })
    local ids, jobs = 0, {}
    for number = 1, 200 do
      jobs[number] = runway.spawn(function()
        coroutine.wrap(function()
          if client:generate(mocked.clip()) then ids = ids + 1 end
        end)()
      end)
    end
    runway.all(jobs)
    assert.is_true(ids > 0)
    assert.equal(#m.requests, ids)
  end)

  it("keeps an id that came with a refusal to take the task", function()
    local client, m = mocked.client({ { SUBMIT, status = 503, headers = { ["retry-after"] = "1" },
      json = { id = "taken" } } })
    local made, err = client:generate(mocked.clip())
    assert.is_nil(made)
    assert.equal("unknown_submit", err.kind)
    assert.equal("taken", err.task_id)
    assert.equal(1, #m.requests)
  end)

  it("does not call it harmless to submit again, when it is told to come back tomorrow by who took the task", function()
    local client = mocked.client({ { SUBMIT, status = 429, headers = { ["retry-after"] = "86400" },
      json = { id = "taken" } } })
    local made, err = client:generate(mocked.clip())
    assert.is_nil(made)
    assert.equal("unknown_submit", err.kind)
    assert.equal("taken", err.task_id)
    assert.is_false(err.retryable)
    assert.equal(86400, err.retry_after)
  end)

  it("takes no task from an adapter that reads none", function()
    local client = mocked.client({ { "POST /make", json = { ok = true } } }, {
      provider = adapters.own { accepted = function() return { status = "PENDING", next_poll = "soon" } end },
    })
    local made, err = client:generate { prompt_text = "a cat" }
    assert.is_nil(made)
    assert.equal("unknown_submit", err.kind)
  end)

  it("does not take a page for an answer about a task", function()
    for _, status in ipairs { 403, 404, 410, 401 } do
      local client = mocked.client({
        { "GET /v1/tasks/x", status = status, body = "<html>nginx</html>" },
        { "GET /v1/tasks/x", json = { id = "x", status = "SUCCEEDED", output = { "https://x.test/a.mp4" } } },
      })
      assert(client:task("x"):wait { timeout = 60 })
    end
  end)

  it("does not show a proxy that cannot be one, with its password", function()
    local client, err = runway.client { api_key = "test", proxy = "http://user:hunter2 x@proxy" }
    assert.is_nil(client)
    assert.equal("config", err.kind)
    assert.is_nil(tostring(err):find("hunter2", 1, true))
  end)

  it("says so when a script ends while a paid answer is out", function()
    local said = require("spec.support.child").run([[
      local runway = require "runway"
      local client = assert(runway.client { api_key = "test", base_url = ... })
      runway.spawn(function() client:request { method = "POST", path = "/hang", json = {} } end)
      for _ = 1, 3 do runway.step(0.01) end
    ]], { arguments = { server:url "" } })
    assert.matches("1 paid request%(s%) had no final answer yet", said)
  end)

  it("ends every pause when the client is closed", function()
    local client = mocked.client({ { "GET /v1/tasks/x", json = { status = "RUNNING" }, times = math.huge } })
    local task = client:task "x"
    local job = runway.spawn(function() return task:wait { timeout = 86400 } end)
    for _ = 1, 3 do runway.step(1) end         -- asked once, and asleep until the next time
    client:close()
    local began = scheduler.now()
    local done, err = job:join()
    assert.is_nil(done)
    assert.equal("cancelled", err.kind)
    assert.equal("x", err.task_id)
    assert.equal(began, scheduler.now())
  end)

  it("asks once for a task that several jobs wait for", function()
    local client, m = mocked.client({ { "GET /v1/tasks/x", json = { status = "RUNNING" }, times = math.huge } })
    local task = client:task "x"
    local jobs = {}
    for number = 1, 3 do jobs[number] = runway.spawn(task.wait, task, { timeout = 60 }) end
    runway.all(jobs)
    assert.is_true(#m.requests <= 60 / 5 + 1)
  end)

  it("forgets timers that are not needed any more", function()
    scheduler.freeze()
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 100000 do scheduler.cancel_timer(scheduler.at(scheduler.now() + 86400, function() end)) end
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 1000)
    scheduler.thaw()
  end)

  describe("over a real connection", function()
    for path, what in pairs { ["/cut-json"] = "breaks off", ["/odd-length-json"] = "has two lengths" } do
      it("keeps an id out of an answer that " .. what, function()
        local client = assert(runway.client { api_key = "test", base_url = server:url(path) })
        local made, err = client:generate(mocked.clip())
        assert.is_nil(made)
        assert.equal("unknown_submit", err.kind)
        assert.equal("task-PAID-123", err.task_id)
        assert.equal("task-PAID-123", err.task.id)
      end)
    end
  end)
end)
