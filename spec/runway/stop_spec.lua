-- Told to stop, nothing more is paid for: what has not left is dropped, what has left is awaited, and
-- the error that ends a call tells of the whole call.

local core = require "runway.core"
local mocked = require "spec.support.mocked"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local clip, SUBMIT = mocked.clip, mocked.SUBMIT

describe("told to stop,", function()
  local server

  setup(function() server = rawserver.start {} end)
  teardown(function() server:stop() end)
  after_each(mocked.close)

  -- Five paid requests in a line where one runs at a time; comes back when the first has arrived.
  local function five(name)
    local client = assert(runway.client { api_key = "test", base_url = server:url "", max_in_flight = 1 })
    local jobs = {}
    for i = 1, 5 do
      jobs[i] = runway.spawn(function()
        return client:request { method = "POST", path = ("/held-body?%s%d"):format(name, i), json = {} }
      end)
    end
    local deadline = core.now() + 20
    while #server:seen("?" .. name) == 0 do
      assert(core.now() < deadline, "the request never came")
      runway.step(0.01)
    end
    return client, jobs
  end

  -- One was sent and is answered; four never left.
  local function check(name, jobs, kind)
    server:release()
    local sent, unsent = 0, 0
    for i = 1, 5 do
      local answer, err = jobs[i]:join()
      if answer or err.sent == "yes" then
        sent = sent + 1
      else
        assert.equal(kind, err.kind)
        assert.equal("no", err.sent)
        assert.equal(1, err.attempts)
        unsent = unsent + 1
      end
    end
    assert.same({ 1, 4 }, { sent, unsent })
    assert.equal(1, #server:seen("?" .. name))
  end

  it("a client that is closed drops what stands in line, and awaits what has left", function()
    local client, jobs = five "close"
    client:close()
    check("close", jobs, "cancelled")
    for i = 1, 5 do jobs[i]:join() end
  end)

  -- Each that is given up makes room for the next in line, at once: so the line is dropped from its end.
  it("a client that is closed gives no one a turn who stands behind what it gives up", function()
    local started, order = {}, {}
    local transport = {
      start = function(_, _, done)
        started[#started + 1] = done
        return #started
      end,
      cancel = function(_, number) order[#order + 1] = number end,
      drop = function(_, number)
        order[#order + 1] = number
        started[number] { sent = false, error = { kind = "cancelled", code = "cancelled", message = "dropped" } }
      end,
    }
    local client = assert(runway.client { api_key = "test", transport = transport })
    local jobs = {}
    for i = 1, 50 do
      jobs[i] = runway.spawn(client.request, client, { method = i > 10 and "POST" or nil, path = "/x" })
    end
    runway.step(0)
    assert.equal(50, #started)
    client:close()
    for i = 1, 50 do assert.same({ 51 - i, "no" }, { order[i], select(2, jobs[i]:join()).sent }) end
  end)

  it("so do jobs that are cancelled", function()
    local _, jobs = five "cancel"
    for i = 1, 5 do jobs[i]:cancel() end
    check("cancel", jobs, "cancelled")
  end)

  it("and so does all that stands in line when Ctrl-C comes", function()
    local client, jobs = five "interrupt"
    runway.spawn(error, "here: interrupted!", 0)
    runway.step(0)                            -- not raised yet: an answer is to come
    server:release()
    local deadline, ok, err = core.now() + 20
    repeat ok, err = pcall(runway.step, 0.01) until not ok or core.now() > deadline
    client:close()
    assert.matches("^here: interrupted!", tostring(err))
    for i = 1, 5 do jobs[i]:join() end
    assert.equal(1, #server:seen "?interrupt")
  end)

  describe("the error tells of the whole call:", function()
    it("a request that was refused by the server was sent, whatever became of the next", function()
      local client = mocked.client({ { "POST /v1/text_to_video", status = 429 },
        { "POST /v1/text_to_video", fault = "not_sent", times = 9 } }, { max_retries = 2 })
      local task, err = client:generate(clip())
      assert.is_nil(task)
      assert.equal("network", err.kind)
      assert.equal("yes", err.sent)
      assert.equal(3, err.attempts)
    end)

    local function between_attempts(stop)
      local client = mocked.client {
        { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "100" } }, SUBMIT,
      }
      local job = runway.spawn(function() return client:generate(clip()) end)
      scheduler.sleep(50)
      stop(client, job)
      local task, err = job:join()
      assert.is_nil(task)
      assert.equal("cancelled", err.kind)
      assert.equal("yes", err.sent)
      assert.equal(1, err.attempts)
    end

    it("when the client is closed between two attempts", function()
      between_attempts(function(client) client:close() end)
    end)

    it("when the job is cancelled between two attempts", function()
      between_attempts(function(_, job) job:cancel() end)
    end)

    it("and of a task paid for before, not of the next call, which never left", function()
      local client = mocked.client { SUBMIT, { "GET /v1/tasks/t1", status = 500, times = 99 } }
      local job = runway.spawn(function()
        assert(client:generate(clip()))
        runway.sleep(1000)
      end)
      scheduler.sleep(50)
      job:cancel()
      local _, err = job:join()
      assert.same({ "t1", "yes" }, { err.task_id, err.sent })
      assert.is_nil(err.attempts)
    end)
  end)

  describe("an answer that names a task ends the call,", function()
    for name, answer in pairs {
      ["503 beside an error"] = { status = 503, body = '{"id":"task_1","error":"overloaded"}' },
      ["429 in data"] = { status = 429, body = '{"code":429,"message":"later","data":{"taskId":"task_1"}}' },
      ["408 broken"] = { status = 408, body = '{"id":"task_1","eta":NaN}' },
      ["425 a bare string in data"] = { status = 425, body = '{"code":425,"data":"task_1"}' },
    } do
      it("whatever it says: " .. name, function()
        answer[1], answer.headers = "POST /v1/text_to_video", { ["Retry-After"] = "0" }
        local client, m = mocked.client { answer }
        local task, err = client:generate(clip())
        m:finish()
        assert.is_nil(task)
        assert.equal("unknown_submit", err.kind)
        assert.equal("task_1", err.task_id)
        answer[1] = "POST /v1/anything"
        client, m = mocked.client { answer }
        local raw
        raw, err = client:request { method = "POST", path = "/v1/anything", json = {} }
        m:finish()
        assert.is_nil(raw)
        assert.equal("task_1", err.task_id)
      end)
    end

    it("but not one that names itself beside an error: it is made again", function()
      for _, body in ipairs { '{"id":"req_8f3c1111","error":"slow down"}', '{"id":"user_77"}',
        '{"task_id":0,"error":"slow"}',
        '{"task_id":"null","error":"slow"}' } do
        local client, m = mocked.client { { "POST /v1/text_to_video", status = 429, body = body }, SUBMIT }
        assert.equal("t1", assert(client:generate(clip())).id)
        m:finish()
      end
    end)
  end)
end)
