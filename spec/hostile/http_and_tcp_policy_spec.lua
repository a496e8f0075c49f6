-- What a server may say of coming back, of keys and of streams, and what the user gets: one spec for each line
-- of the catalogue of hostile inputs, named as the line.

local by_path = require "spec.support.by_path"
local certs = require "spec.support.certs"
local lua = require "spec.support.interpreter"
local mocked = require "spec.support.mocked"
local retry = require "runway.retry"
local runway = require "runway"

describe("HTTP and TCP:", function()
  after_each(mocked.close)

  -- Seconds between the first two requests of a submit that is told so, and what came of it.
  local function told(headers, status)
    local client, m = mocked.client { { "POST /v1/text_to_video", status = status or 429, headers = headers },
      mocked.SUBMIT }
    local task, err = client:generate(mocked.clip())
    return m.requests[2] and m.requests[2].time - m.requests[1].time, task, err
  end

  it('Retry-After: -1, 999999999, "soon", date in the past -> clamped to 0..3600 s '
    .. "(above: fail rate_limited with the value)", function()
    local date = "Thu, 01 Jan 2026 00:00:00 GMT"
    for _, status in ipairs { 429, 503 } do
      for value, seconds in pairs { ["-1"] = 0, ["0"] = 0, ["90"] = 90, ["3600"] = 3600,
        ["Wed, 31 Dec 2025 23:59:59 GMT"] = 0, ["Thu, 01 Jan 2026 00:01:00 GMT"] = 60 } do
        local pause, task = told({ ["Retry-After"] = value, Date = date }, status)
        assert.equal("t1", task and task.id, value)
        assert.is_true(pause >= seconds and pause < seconds + 1, value .. ": " .. pause)
        local once = mocked.client({ { "POST /v1/text_to_video", status = status,
          headers = { ["Retry-After"] = value, Date = date } } }, { max_retries = 0 })
        assert.equal(seconds, select(2, once:generate(mocked.clip())).retry_after, value)
      end
      for value, seconds in pairs { ["999999999"] = 999999999, ["3601"] = 3601,
        ["Sun, 01 Feb 2026 00:00:00 GMT"] = 31 * 86400 } do
        local pause, task, err = told({ ["Retry-After"] = value, Date = date }, status)
        assert.is_nil(pause)
        assert.is_nil(task)
        assert.equal("rate_limited", err.kind)
        assert.equal(seconds, err.retry_after)
        assert.equal(1, err.attempts)
        assert.is_true(err.retryable)
        assert.equal("yes", err.sent)
      end
    end
    for _, value in ipairs { "soon", "", "NaN", "inf", "1e9", "0x10", "Thu, 99 Foo 2026", ("9"):rep(100000) } do
      local pause, task = told { ["Retry-After"] = value, Date = date }
      assert.equal("t1", task and task.id)
      assert.is_true(pause <= 1, value:sub(1, 20)) -- as if it were not there
      -- a 503 that names no time may have been taken
      pause, task = told({ ["Retry-After"] = value, Date = date }, 503)
      assert.is_nil(pause)
      assert.is_nil(task)
    end
  end)

  it("503 storm -> retry budget stops amplification <= 1.1x", function()
    local asked, paid = 0, 0
    local client = mocked.client(function(request)
      if request.paid then paid = paid + 1 else asked = asked + 1 end
      return { status = 503 }
    end)
    local function storm(calls)
      asked = 0
      for _ = 1, calls do assert.equal("server", select(2, client:task("t1"):refresh()).kind) end
      return asked
    end
    assert.is_true(storm(200) <= 200 + 100 + 20) -- a reserve is used up first
    assert.is_true(storm(1000) <= 1101)
    for _ = 1, 20 do
      local _, err = client:generate(mocked.clip())
      assert.equal("unknown_submit", err.kind)
      assert.equal(1, err.attempts)
    end
    assert.equal(20, paid)
  end)

  it("401 in the middle of polling (key revoked) -> auth, job kept, resumable after client:set_key", function()
    -- There is no set_key: the same task goes on once its key holds again, and a client with another key
    -- attaches to its id.
    local revoked, paid, asked = nil, 0, 0
    local client, m = mocked.client(function(request)
      if request.paid then
        paid = paid + 1
        return mocked.SUBMIT
      end
      asked = asked + 1
      if asked == 2 then revoked = request.headers.authorization end
      if request.headers.authorization == revoked then return { status = 401, json = { error = "revoked" } } end
      return mocked.task(asked == 1 and "RUNNING" or "SUCCEEDED")
    end)
    local task = assert(client:generate(mocked.clip()))
    local done, err = task:wait()
    assert.is_nil(done)
    assert.equal("authentication", err.kind)
    assert.equal("t1", err.task_id)
    assert.equal(task, err.task)
    assert.equal("yes", err.sent)
    assert.equal("RUNNING", task.status)
    local other = mocked.client(function() end, { transport = m, api_key = "another_key_0123456789abcdef" })
    assert.equal("SUCCEEDED", assert(other:task("t1"):wait()).status)
    revoked = nil
    assert.equal(task, task:wait())
    assert.equal(1, paid)
  end)
end)

describe("HTTP and TCP, over HTTP/2:", function()
  local directory, delay = nil, retry.delay

  setup(function()
    directory = certs.make()
    retry.delay = function() return 0 end
  end)
  teardown(function()
    retry.delay = delay
    certs.remove(directory)
  end)

  -- What a client gets of a server that does so with one request after the other, and how many it has read.
  local function against(plan, what)
    local pipe = assert(io.popen(("echo $$; exec %s spec/support/h2reset.lua %s %s 2>&1"):format(lua, directory, plan)))
    local pid, port = pipe:read "l", pipe:read "l"
    local client = by_path.client("https://localhost:" .. port, { ca_file = directory .. "/ca.pem", max_retries = 4 })
    local task, err = what(client)
    client:close()
    os.execute("kill " .. pid)
    local _, read = pipe:read("a"):gsub("request", "")
    pipe:close()
    return task, err, read
  end

  local function poll(client) return client:task("/v1/tasks/t1"):refresh() end
  local function submit(client) return by_path.submit(client, "/v1/x") end

  it("h2 GOAWAY/RST mid-poll -> retry; on submit unknown, except REFUSED_STREAM -> retry", function()
    local jobs = {}
    local function each(plans, what, expect)
      for plan in plans:gmatch "%S+" do
        jobs[#jobs + 1] = runway.spawn(function()
          local task, err, read = against(plan, what)
          expect(task, err, read, plan .. ": " .. tostring(err))
          return true
        end)
      end
    end
    each("2,ok 7,ok goaway-1,ok", poll, function(task, _, read, why)
      assert.equal("/v1/tasks/t1", task and task.id, why)
      assert.equal(2, read, why)
    end)
    each("2,ok goaway-1,ok", submit, function(task, err, read, why)
      assert.is_nil(task, why)
      assert.equal("unknown_submit", err.kind, why)
      assert.equal("yes", err.sent)
      assert.equal(1, read, why)
    end)
    -- GOAWAY below the stream says the same as REFUSED_STREAM: it was not looked at.
    each("7,ok goaway-0,ok", submit, function(task, _, read, why)
      assert.equal("17f20503-6c24-4c16-946b-35dbbce2af2f", task and task.id, why)
      assert.equal(2, read, why)
    end)
    local _, failures = runway.all(jobs)
    for _, err in pairs(failures or {}) do error(tostring(err), 0) end
  end)
end)
