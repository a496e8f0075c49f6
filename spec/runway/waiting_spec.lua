-- Waiting that survives: outages, servers that ask for patience, answers out of order, and a clock that
-- stood still.

local clock = require "runway.clock"
local core = require "runway.core"
local mocked = require "spec.support.mocked"
local retry_budget = require "runway.retry_budget"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local SUBMIT = "POST /v1/text_to_video"

local function answer(id, status)
  local output = status == "SUCCEEDED" and { "https://cdn.example/a.mp4" } or nil
  return { json = { id = id, status = status, output = output } }
end

local RUNNING = { json = { status = "RUNNING" } }

-- Counts calls and requests of a mock: a wire is one call's, as often as it is sent.
local function counted(m)
  local count, known, start = { calls = 0, requests = 0 }, {}, m.start
  function m:start(wire, done)
    count.requests = count.requests + 1
    if not known[wire] then
      known[wire] = true
      count.calls = count.calls + 1
    end
    return start(self, wire, done)
  end
  return count
end

-- Tasks that are attached and waited for, each in a job.
local function waits(client, number, opts)
  local jobs = {}
  for i = 1, number do
    local task = client:task("t" .. i)
    jobs[i] = runway.spawn(task.wait, task, opts)
  end
  return jobs
end

-- KiB of Lua that each of so many tasks takes which wait in jobs; nothing of them is left.
local function taken_by(number)
  local client = assert(runway.client { provider = "runwayml", api_key = mocked.KEY, poll_interval = 1e6, transport = {
    pretends = true, made = 0,
    start = function(self, _, done)
      self.made = self.made + 1
      local body = ('{"id":"%08x-7b0e-4d1a-9c3e-2f1c9a540000"}'):format(self.made)
      scheduler.at(scheduler.now(), done, { status = 200, sent = true, headers = {}, body = body })
    end,
    cancel = function() end,
  } })
  local jobs = {}
  local function size()
    for _ = 1, 4 do collectgarbage() end      -- of a coroutine's stack each gives back a part
    return collectgarbage "count"
  end
  local function begin(more)
    for _ = 1, more do
      jobs[#jobs + 1] = runway.spawn(function() assert(client:generate(mocked.clip())):wait() end)
    end
    for _ = 1, 4 do runway.step(0, math.huge) end
    return size()
  end
  local before = begin(100)
  local taken = (begin(number) - before) / number
  for _, job in ipairs(jobs) do
    assert.is_false(job:done())
    job:cancel()
  end
  return taken
end

describe("a wait", function()
  after_each(mocked.close)

  it("keeps little of a task, whatever it took to submit it", function()
    if _VERSION ~= "Lua 5.4" then return pending "the size of tables is that of Lua 5.4" end
    local taken = taken_by(500)
    assert.is_true(taken < 6, ("%.2f KiB"):format(taken))
  end)

  for interval, what in pairs { [false] = "by itself", [0] = "also where the user asks without a pause" } do
    it("asks less and less often while queries fail, " .. what, function()
      local client, m = mocked.client(function() return { fault = "not_sent" } end,
        { max_retries = 0, poll_interval = interval or nil })
      local _, err = client:task("t1"):wait { timeout = 3600 }
      assert.equal("timeout", err.kind)
      local last
      for i = 6, #m.requests - 1 do
        local pause = m.requests[i + 1].time - m.requests[i].time
        assert.is_true(pause <= 33.01)
        last = pause
      end
      assert.is_true(last >= 30)
      assert.is_true(#m.requests > 100)
    end)
  end

  it("asks as often as before once there is an answer", function()
    local client, m = mocked.client({ { "GET /v1/tasks/t1", fault = "not_sent", times = 6 },
      { "GET /v1/tasks/t1", json = { status = "RUNNING" }, times = 3 },
      { "GET /v1/tasks/t1", json = answer("t1", "SUCCEEDED").json } }, { max_retries = 0, poll_interval = 5 })
    assert(client:task("t1"):wait())
    assert.is_true(m.requests[8].time - m.requests[7].time <= 5.01)
  end)

  it("goes on with the same task when a new key has taken the place of a revoked one", function()
    local revoked = true
    local client = mocked.client(function()
      if revoked then return { status = 401, json = { error = "revoked" } } end
      return answer("t1", "SUCCEEDED")
    end)
    local task = client:task "t1"
    local _, err = task:wait()
    assert.equal("authentication", err.kind)
    assert.equal(task, err.task)
    assert.equal("t1", err.task_id)
    revoked = false
    assert.equal("SUCCEEDED", task:wait().status)
  end)

  it("goes on when a query takes longer than a call of the client may", function()
    local client = mocked.client({ { "GET /v1/tasks/t1", fault = "timeout" },
      { "GET /v1/tasks/t1", json = answer("t1", "SUCCEEDED").json } }, { deadline = 30, timeout = 100 })
    assert(client:task("t1"):wait { timeout = 900 })
  end)

  it("of a task that was made here goes on through nonsense although it was not seen yet", function()
    local client, m = mocked.client({ { SUBMIT, json = { id = "t1" } },
      { "GET /v1/tasks/t1", body = "<html>", times = 8 },
      { "GET /v1/tasks/t1", json = answer("t1", "SUCCEEDED").json } }, { max_retries = 1 })
    assert(assert(client:generate(mocked.clip())):wait())
    m:finish()
  end)

  it("does not take an old answer for news: what runs does not wait again", function()
    local list = { "RUNNING", "PENDING", "THROTTLED", "RUNNING", "SUCCEEDED" }
    local client = mocked.client(function(_, nth) return answer("t1", list[nth]) end)
    local seen, raw = {}, {}
    assert(client:task("t1"):wait { on_progress = function(t)
      seen[#seen + 1], raw[#raw + 1] = t.status, t.raw.status
    end })
    assert.same({ "RUNNING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED" }, seen)
    assert.same(list, raw)
  end)

  describe("beside others, when the clock has jumped,", function()
    -- Queries in the seconds after a jump of hours, of so many tasks.
    local function after_jump(number)
      local done = false
      local client, m = mocked.client(function(request)
        return answer(request.path:match "[^/]*$", done and "SUCCEEDED" or "RUNNING")
      end)
      local jobs = waits(client, number, { timeout = 900 })
      while scheduler.now() - m.opened < 30 do runway.step(1) end
      clock.jump(4 * 3600)
      local at, before = scheduler.now(), #m.requests
      local most, second = 0, {}
      while scheduler.now() - at < 6 do runway.step(0.1) end
      for i = before + 1, #m.requests do
        local bin = math.floor(m.requests[i].time * 4)
        second[bin] = (second[bin] or 0) + 1
        most = math.max(most, second[bin])
      end
      done = true
      local results, failures = runway.all(jobs)
      return most, results, failures
    end

    it("does not ask in one burst", function()
      local most = after_jump(400)
      assert.is_true(most < 60, most .. " queries in a quarter of a second")
    end)

    it("is not over: nobody could ask meanwhile", function()
      local _, results, failures = after_jump(20)
      assert.is_nil(failures)
      for i = 1, 20 do assert.equal("SUCCEEDED", results[i].status) end
    end)
  end)

  it("takes the time in which the process was stopped for none", function()
    local now, wait, stopped = core.now, core.wait, 0
    finally(function() core.now, core.wait = now, wait end)
    function core.now() return now() + stopped end
    function core.wait(seconds)
      stopped = stopped + 7200                -- SIGSTOP, a machine paused
      core.wait = wait
      return wait(math.min(seconds, 0.001))
    end
    local before, fired = scheduler.now(), false
    local timer = scheduler.at(before + 3600, function() fired = true end)
    runway.step(0.001)
    assert.is_true(stopped > 0)
    assert.is_true(scheduler.now() - before < 60)
    assert.is_false(fired)
    scheduler.cancel_timer(timer)
  end)
end)

describe("in an outage", function()
  after_each(mocked.close)

  for what, entry in pairs {
    ["without a connection"] = { fault = "not_sent" }, ["of lost answers"] = { fault = "lost" },
    ["of 502s"] = { status = 502 }, ["of pages"] = { body = "<html>sorry</html>" },
    ["of answers that never come"] = { fault = "timeout" },
  } do
    it(what .. ", a server is asked 1.1 times for each time that was wanted", function()
      local client, m = mocked.client(function(_, nth) return nth <= 60 and RUNNING or entry end)
      local count = counted(m)
      local jobs = waits(client, 60, { timeout = 1800 })
      runway.all(jobs)
      assert.is_true(count.calls > 500, count.calls .. " calls")
      local warm_up = count.requests - count.calls * 1.1
      assert.is_true(warm_up <= 100.5, ("%d requests for %d"):format(count.requests, count.calls))
    end)
  end

  it("the error says that there was no further try, and why", function()
    local client = mocked.client(function() return { fault = "not_sent" } end)
    local err
    for _ = 1, 40 do err = select(2, client:generate(mocked.clip())) end
    assert.equal("network", err.kind)
    assert.equal("no", err.sent)
    assert.equal(1, err.attempts)
    assert.is_true(err.retryable)
    assert.matches("not tried again, since too many requests to this server have failed", tostring(err), 1, true)
  end)

  it("one server's does not take from another's retries", function()
    local first, m = mocked.client(function() return { fault = "not_sent" } end)
    for _ = 1, 40 do first:request { path = "/v1/organization" } end
    local other = assert(runway.client { provider = "runwayml", api_key = "any", transport = m,
      base_url = "https://other.example" })
    assert.equal(5, select(2, other:request { path = "/v1/organization" }).attempts)
  end)

  it("that is over, answers fill the reserve again", function()
    local down = true
    local client = mocked.client(function() return down and { status = 502 } or { json = {} } end)
    for _ = 1, 40 do client:request { path = "/v1/organization" } end
    assert.equal(1, select(2, client:request { path = "/v1/organization" }).attempts)
    down = false
    for _ = 1, 10 do assert(client:request { path = "/v1/organization" }) end
    down = true
    assert.equal(5, select(2, client:request { path = "/v1/organization" }).attempts)
  end)

  it("what a server asks for is no outage, and always made again", function()
    local budget
    local client, m = mocked.client(function(_, nth)
      if nth % 2 == 0 then return { json = { id = "t" .. nth } } end
      return { status = nth % 4 == 1 and 429 or 503, headers = { ["retry-after"] = "1" } }
    end)
    budget = retry_budget.of(m, "https://api.dev.runwayml.com/v1/text_to_video")
    budget.left = 0
    for _ = 1, 50 do
      budget.left = 0
      assert(client:generate(mocked.clip()))
    end
    assert.equal(100, #m.requests)
  end)

  it("all clients of a process share what retries there are", function()
    local first, m = mocked.client(function() return { fault = "not_sent" } end)
    local second = assert(runway.client { provider = "runwayml", api_key = "another", transport = m })
    for _ = 1, 40 do first:request { path = "/v1/organization" } end
    assert.equal(1, select(2, second:generate(mocked.clip())).attempts)
  end)
end)

describe("Retry-After", function()
  after_each(mocked.close)

  -- Requests of three tasks, of which one is told to come back after ten minutes.
  local function told(method, path)
    local said
    local client, m = mocked.client(function(request)
      if request.method == method and request.path:find(path) and not said then
        said = request.time
        return { status = 429, headers = { ["retry-after"] = "600" } }
      end
      if request.method == "POST" then return { json = { id = "t9" } } end
      return answer(request.path:match "[^/]*$", request.time > 2000 and "SUCCEEDED" or "RUNNING")
    end)
    return client, m, function() return said end
  end

  it("of one task's query is heeded by the queries of all that wait", function()
    local client, m, said = told("GET", "t2$")
    assert.is_nil(select(2, runway.all(waits(client, 3))))
    local early = 0
    for _, request in ipairs(m.requests) do
      if request.time > said() and request.time < said() + 600 then early = early + 1 end
    end
    assert.equal(0, early)
  end)

  it("of a submit holds no query up: what was paid for is asked after", function()
    local client, m, said = told("POST", "text_to_video")
    local jobs = waits(client, 3)
    jobs[4] = runway.spawn(client.generate, client, mocked.clip())
    assert.is_nil(select(2, runway.all(jobs)))
    local queries, submits = 0, {}
    for _, request in ipairs(m.requests) do
      if request.method == "POST" then
        submits[#submits + 1] = request.time
      elseif request.time > said() and request.time < said() + 600 then
        queries = queries + 1
      end
    end
    assert.is_true(queries > 30)
    assert.equal(2, #submits)
    assert.is_true(submits[2] - submits[1] >= 600)
  end)

  it("is heeded by another submit that is to be made again", function()
    local client, m = mocked.client(function(request, nth)
      if nth == 1 then return { fault = "not_sent", delay = 1 } end
      if nth == 2 then return { status = 503, headers = { ["retry-after"] = "90" }, delay = 0.5 } end
      return { json = { id = "t" .. request.time } }
    end)
    local jobs = {}
    for i = 1, 2 do jobs[i] = runway.spawn(client.generate, client, mocked.clip()) end
    assert.is_nil(select(2, runway.all(jobs)))
    assert.equal(SUBMIT, m.requests[3].method .. " " .. m.requests[3].path)
    assert.is_true(m.requests[3].time >= 90)
    assert.is_true(m.requests[4].time >= 90)
  end)
end)
