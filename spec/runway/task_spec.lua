-- A task from its submit to its end, over a mock.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local clip, task_is, SUBMIT = mocked.clip, mocked.task, mocked.SUBMIT

describe("a task", function()
  after_each(mocked.close)

  -- A task just submitted, with the answers that follow; its client's mock.
  local function submitted(list, options)
    table.insert(list, 1, SUBMIT)
    local client, m = mocked.client(list, options)
    return assert(client:generate(clip())), m, client
  end

  local function fails_at(where, fn)
    local ok, message = pcall(fn)
    assert.is_false(ok, "nothing was raised")
    assert.truthy(tostring(message):find("^spec/runway/task_spec.lua:%d+: " .. where), tostring(message))
  end

  describe("wait", function()
    it("comes back when the task has succeeded, with all that is known", function()
      local task, m = submitted {
        task_is("PENDING"), task_is("THROTTLED"), task_is("RUNNING", { progress = 0.25 }), task_is("SUCCEEDED"),
      }
      assert.equal(task, assert(task:wait()))
      assert.equal("SUCCEEDED", task.status)
      assert.is_true(task:done())
      assert.same({ mocked.OUTPUT }, task.output)
      assert.equal(1767225600, task.created_at)
      assert.equal("SUCCEEDED", task.raw.status)
      m:finish()
    end)

    it("comes back at once when the task has ended", function()
      local task, m = submitted { task_is "SUCCEEDED" }
      assert(task:wait())
      local asked = #m.requests
      assert(task:wait())
      assert.equal(asked, #m.requests)
    end)

    it("tells on_progress of every answer, and survives what that raises", function()
      local task = submitted { task_is("RUNNING", { progress = 0.5 }), task_is "SUCCEEDED" }
      local seen = {}
      assert(task:wait { on_progress = function(t) seen[#seen + 1] = t.status .. " " .. tostring(t.progress) end })
      assert.same({ "RUNNING 0.5", "SUCCEEDED 1" }, seen)
      task = submitted { task_is "RUNNING", task_is "SUCCEEDED" }
      local stderr = io.stderr
      io.stderr = { write = function() end } -- luacheck: ignore 122
      local ok = task:wait { on_progress = function() error "a bug" end }
      io.stderr = stderr -- luacheck: ignore 122
      assert.equal(task, ok)
    end)

    it("goes on through pages and nonsense once the task was seen, to its own end", function()
      local page = { "GET /v1/tasks/t1", body = "<html>Maintenance</html>", times = 40 }
      local task, m = submitted { task_is "RUNNING", page, { "GET /v1/tasks/t1", body = "nonsense", times = 20 },
        task_is "SUCCEEDED" }
      assert(task:wait())
      m:finish()
      page.times = math.huge
      task = submitted { task_is "RUNNING", page }
      local before = scheduler.now()
      local none, err = task:wait { timeout = 300 }
      assert.is_nil(none)
      assert.equal("timeout", err.kind)
      assert.matches("HTML", err.message, 1, true)
      assert.is_true(scheduler.now() - before >= 300)
    end)

    it("tells at its end the provider's word that no one knows", function()
      local client = mocked.client({ { "GET /tasks/x", json = {}, times = math.huge } }, { provider = adapters.own {
        task = function() return { word = "marinating" } end,
      } })
      local _, err = client:task("x"):wait { timeout = 60 }
      assert.equal("timeout", err.kind)
      assert.matches("marinating", err.message, 1, true)
    end)

    it("gives a failed task's own words", function()
      local task, m = submitted { task_is("FAILED", { failure = "too bright", failureCode = "SAFETY.INPUT.IMAGE" }) }
      local none, err = task:wait()
      assert.is_nil(none)
      assert.equal("task_failed", err.kind)
      assert.equal("SAFETY.INPUT.IMAGE", err.code)
      assert.equal(task.failure_code, err.code)
      assert.equal("too bright", task.failure)
      assert.equal(task, err.task)
      assert.equal("t1", err.task_id)
      assert.is_false(err.retryable)
      assert.truthy(err.message:find("too bright", 1, true))
      m:finish()
    end)

    it("says of a failure whether the same would have a chance", function()
      local task = submitted { task_is("FAILED", { failure = "oops", failureCode = "INTERNAL.BAD_OUTPUT.CODE01" }) }
      assert.is_true(select(2, task:wait()).retryable)
    end)

    it("tells a cancelled task from a failed one", function()
      local task = submitted { task_is "CANCELLED" }
      local _, err = task:wait()
      assert.equal("task_cancelled", err.kind)
      assert.equal("t1", err.task_id)
    end)

    it("is over after its timeout, to the second, and can be begun again", function()
      local task, m = submitted { { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING" }, times = math.huge } }
      local began = scheduler.now()
      local none, err = task:wait { timeout = 100 }
      assert.is_nil(none)
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
      assert.equal(task, err.task)
      assert.truthy(math.abs(scheduler.now() - began - 100) < 1e-6)
      assert.equal("timeout", select(2, task:wait { timeout = 0 }).kind)
      assert.is_true(#m.requests > 10 and #m.requests < 21)
    end)

    it("is over after its timeout, too, where there is no pause between two queries", function()
      local task = submitted({ { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING" }, delay = 1,
        times = math.huge } }, { poll_interval = 0 })
      assert.equal("timeout", select(2, task:wait { timeout = 10 }).kind)
      assert.equal("timeout", select(2, task:wait { timeout = 0 }).kind)
    end)

    it("counts everything in its timeout, a slow answer too", function()
      local task = submitted({ { "GET /v1/tasks/t1", json = {}, delay = 50, times = math.huge } }, { timeout = 60 })
      local began = scheduler.now()
      assert.equal("timeout", select(2, task:wait { timeout = 20 }).kind)
      assert.truthy(math.abs(scheduler.now() - began - 20) < 1e-6)
    end)

    it("without an end waits for as long as it takes", function()
      local running = task_is "RUNNING"
      running.times = 1000
      assert(submitted({ running, task_is "SUCCEEDED" }):wait { timeout = math.huge })
    end)

    it("raises at the caller's line for an option that is none", function()
      local task = submitted {}
      fails_at("wait: unknown option \"timout\" %(did you mean timeout%?%)", function()
        local done = task:wait { timout = 5 }
        return done
      end)
      for _, seconds in ipairs { "5", -1, 0 / 0, -math.huge } do
        fails_at("wait: option timeout must be a number of seconds, 0 or more, got ", function()
          local done = task:wait { timeout = seconds }
          return done
        end)
      end
    end)
  end)

  describe("is asked", function()
    local function times(list, options, wait)
      local task, m = submitted(list, options)
      assert(task:wait(wait))
      local pauses = {}
      for i = 2, #m.requests do pauses[i - 1] = m.requests[i].time - m.requests[i - 1].time end
      return pauses
    end

    local function running(n)
      local entry = task_is "RUNNING"
      entry.times = n
      return entry
    end

    -- Two tasks, asked by turns twice each, of an adapter that makes all its requests of one table.
    local function by_turns(request, write)
      local calls = 0
      local client, m = mocked.client({
        { "GET /tasks/a", json = { status = "RUNNING" }, times = 2 },
        { "GET /tasks/b", json = { status = "RUNNING" }, times = 2 },
        any_order = true,
      }, { provider = adapters.own { query = function(ref)
        calls = calls + 1
        write(request, ref.id)
        return request
      end } })
      local a, b = client:task "a", client:task "b"
      calls = 0                               -- the client itself has asked where tasks are
      for _ = 1, 2 do assert(a:refresh() and b:refresh()) end
      m:finish()
      return calls
    end

    it("with a request that its adapter makes once, and no other task changes", function()
      assert.equal(2, by_turns({}, function(request, id) request.path = "/tasks/" .. id end))
    end)

    it("with a new one each time where it holds tables, which an adapter may share", function()
      assert.equal(4, by_turns({ headers = {} }, function(request, id)
        request.path, request.headers["X-Task"] = "/tasks/" .. id, id
      end))
    end)

    it("never more often than every five seconds, and half as often after a minute", function()
      local pauses = times { running(20), task_is "SUCCEEDED" }
      local waited = 0
      for _, pause in ipairs(pauses) do
        assert.is_true(pause >= (waited >= 60 and 10 or 5) and pause <= 11, tostring(pause))
        waited = waited + pause
      end
    end)

    it("as often as the user says", function()
      for _, pause in ipairs(times({ running(5), task_is "SUCCEEDED" }, { poll_interval = 0.5 })) do
        assert.truthy(math.abs(pause - 0.5) < 1e-6)
      end
    end)

    it("at once when it was attached by its id", function()
      local client, m = mocked.client { task_is "SUCCEEDED" }
      local task = client:task "t1"
      assert.equal("PENDING", task.status)
      assert.equal(0, #m.requests)
      assert(task:wait())
      assert.equal(0, m.requests[1].time)
    end)

    it("with no connection between", function()
      local task, m = submitted { running(1), task_is "SUCCEEDED" }
      local job = runway.spawn(task.wait, task)
      runway.step(0)
      assert.equal(1, #m.requests)
      assert.is_true(runway.timeout() ~= nil)
      assert(job:join())
    end)
  end)

  describe("keeps its id through everything:", function()
    local troubles = {
      ["a lost answer"] = { fault = "lost" }, ["no answer"] = { fault = "timeout" },
      ["no connection"] = { fault = "not_sent" }, ["a 500"] = { status = 500 }, ["a 429"] = { status = 429 },
      ["a 503"] = { status = 503, headers = { ["retry-after"] = "40" } },
      ["a 503 for hours"] = { status = 503, headers = { ["retry-after"] = "7200" } },
    }
    for what, entry in pairs(troubles) do
      it("the wait goes on after " .. what .. ", however often", function()
        entry[1], entry.times = "GET /v1/tasks/t1", 30
        local task, m = submitted({ entry, task_is "SUCCEEDED" }, { max_retries = 1 })
        assert(task:wait { timeout = 1e6 })
        for i = 2, #m.requests do assert.equal("GET", m.requests[i].method) end
        m:finish()
      end)
    end

    it("a query that failed is told to the logger", function()
      local logged = {}
      local task = submitted({ { "GET /v1/tasks/t1", status = 500 }, task_is "SUCCEEDED" }, { max_retries = 0,
        logger = function(level, message, more)
          if level == "warning" then logged[#logged + 1] = { message, more.task_id } end
        end })
      assert(task:wait())
      assert.equal(1, #logged)
      assert.matches("^a query failed, waiting goes on: server: ", logged[1][1])
      assert.equal("t1", logged[1][2])
    end)

    it("the wait obeys Retry-After also when its own tries are used up", function()
      local task, m = submitted({ { "GET /v1/tasks/t1", status = 429, headers = { ["retry-after"] = "300" } },
        task_is "SUCCEEDED" }, { max_retries = 0, poll_interval = 1 })
      assert(task:wait())
      assert.is_true(m.requests[3].time - m.requests[2].time >= 300)
    end)

    for status, kind in pairs { [401] = "authentication", [403] = "permission", [404] = "not_found" } do
      it("a " .. status .. " ends the wait, and the error holds the task", function()
        local task, m = submitted {
          task_is "RUNNING",
          { "GET /v1/tasks/t1", status = status, json = { error = "no" }, times = status == 404 and 3 or 1 },
        }
        local none, err = task:wait()
        assert.is_nil(none)
        assert.equal(kind, err.kind)
        assert.equal(task, err.task)
        assert.equal("t1", err.task_id)
        assert.equal("RUNNING", task.status)
        m:finish()
      end)
    end

    it("nothing is ever submitted again", function()
      local task, m = submitted({ { "GET /v1/tasks/t1", fault = "lost", times = math.huge } }, { max_retries = 0 })
      assert.equal("timeout", select(2, task:wait { timeout = 3600 }).kind)
      local posts = 0
      for _, request in ipairs(m.requests) do posts = posts + (request.method == "POST" and 1 or 0) end
      assert.equal(1, posts)
      assert.equal("t1", task.id)
    end)

    it("the logger hears of every query that failed", function()
      local heard = {}
      local task = submitted({ { "GET /v1/tasks/t1", fault = "not_sent" }, task_is "SUCCEEDED" }, { max_retries = 0,
        logger = function(level, message) if level == "warning" then heard[#heard + 1] = message end end })
      assert(task:wait())
      assert.matches("a query failed, waiting goes on: .*the connection was refused", table.concat(heard, "\n"))
    end)

    it("the wait's error tells of the last query that failed", function()
      local task = submitted({ { "GET /v1/tasks/t1", fault = "not_sent", times = math.huge } }, { max_retries = 0 })
      local _, err = task:wait { timeout = 60 }
      assert.truthy(err.message:find("the connection was refused", 1, true))
    end)
  end)

  describe("that the provider does not know", function()
    local UNKNOWN = { "POST /runway/feed", json = { code = "task_not_exist", message = "task_not_exist" } }

    local DONE = { "POST /runway/feed", json = { code = 200, data = {
      task_id = "c1", status = "3", video_url = "https://cdn.example/1.mp4",
    } } }

    local function unknown(times)
      return { UNKNOWN[1], json = UNKNOWN.json, times = times }
    end

    local function comet(list)
      table.insert(list, 1, { "POST /runway/pro/generate", json = { code = 200, data = { task_id = "c1" } } })
      local client, m = mocked.client(list, { provider = "cometapi" })
      return assert(client:generate { prompt_text = "a cat" }), m
    end

    it("yet is waited for: CometAPI, for ninety seconds", function()
      local task, m = comet { unknown(10), DONE }
      assert(task:wait())
      m:finish()
    end)

    it("after that is not found", function()
      local task, m = comet { unknown(math.huge) }
      local none, err = task:wait()
      assert.is_nil(none)
      assert.equal("not_found", err.kind)
      assert.equal("c1", err.task_id)
      local last = m.requests[#m.requests].time
      assert.is_true(last >= 90 and last < 110)
    end)

    local KNOWN = { "POST /runway/feed", json = { code = 200, data = { task_id = "c1", status = "1" } } }

    it("any more, having known it, is not found when that is said three times in a row", function()
      local task, m = comet { KNOWN, unknown(3) }
      assert.equal("not_found", select(2, task:wait()).kind)
      m:finish()
    end)

    it("for a moment, having known it, is waited for", function()
      local task, m = comet { KNOWN, unknown(2), KNOWN, unknown(2), DONE }
      assert(task:wait())
      m:finish()
    end)

    it("is not found at once when it is only looked at by id", function()
      local client = mocked.client({ unknown(1) }, { provider = "cometapi" })
      local none, err = client:get "c1"
      assert.is_nil(none)
      assert.equal("not_found", err.kind)
    end)

    it("but is waited for when it is attached and waited for", function()
      local client, m = mocked.client({ unknown(3), DONE }, { provider = "cometapi" })
      assert(client:task("c1"):wait())
      m:finish()
    end)
  end)

  describe("that succeeded without an output", function()
    it("is asked three times more over fifteen seconds, then is an error with its id", function()
      local client, m = mocked.client { { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = {} },
        times = math.huge } }
      local task = client:task "t1"
      local none, err = task:wait()
      assert.is_nil(none)
      assert.equal("protocol", err.kind)
      assert.equal("no_output", err.code)
      assert.is_true(err.retryable)            -- as its text says
      assert.equal("t1", err.task_id)
      assert.equal(4, #m.requests)
      assert.truthy(math.abs(m.requests[4].time - 15) < 1e-6)
    end)

    it("is fine when the output comes late", function()
      local task = submitted { task_is("SUCCEEDED", { output = {} }), task_is "SUCCEEDED" }
      assert(task:wait())
      assert.equal(1, #task.output)
    end)
  end)

  describe("believes of an answer only what can be:", function()
    local function after(json)
      json.id = "t1"
      local client = mocked.client { { "GET /v1/tasks/t1", json = json } }
      return assert(client:get "t1")
    end

    it("a status no one knows leaves the status as it was, and is kept in raw", function()
      local task = submitted { task_is "RUNNING", task_is "REVIEWING", task_is "SUCCEEDED" }
      assert(task:refresh())
      assert(task:refresh())
      assert.equal("RUNNING", task.status)
      assert.equal("REVIEWING", task.raw.status)
      assert.is_false(task:done())
      assert(task:wait())
      for _, status in ipairs { "NEW_WORD", 5, {}, true } do
        assert.equal("PENDING", after({ status = status }).status)
      end
    end)

    it("a status in another case or with spaces is that status", function()
      assert.equal("RUNNING", after({ status = " running " }).status)
    end)

    it("progress is between 0 and 1, or not known", function()
      for given, progress in pairs { [0.5] = 0.5, [-1] = 0, [250] = 1, ["37%"] = 0.37, ["0.37"] = 0.37 } do
        assert.equal(progress, after({ status = "RUNNING", progress = given }).progress)
      end
      for _, given in ipairs { "soon", {}, true } do
        assert.is_nil(after({ status = "RUNNING", progress = given }).progress)
      end
    end)

    it("an output is a list of web addresses, at most 64", function()
      assert.same({ "https://a.example/1" }, after({ status = "SUCCEEDED", output = "https://a.example/1" }).output)
      assert.same({ "https://a.example/1" }, after({ status = "SUCCEEDED",
        output = { 5, "file:///etc/passwd", "https://a.example/1", "x", {} } }).output)
      local many = {}
      for i = 1, 10000 do many[i] = "https://a.example/" .. i end
      assert.equal(64, #after({ status = "SUCCEEDED", output = many }).output)
    end)

    it("a failure's text is cut to 4 KiB", function()
      local task = after { status = "FAILED", failure = ("é"):rep(1e5) }
      assert.is_true(#task.failure <= 4096)
      assert.truthy(utf8.len(task.failure))
    end)

    it("what runs does not wait again", function()
      local task = submitted { task_is("RUNNING", { progress = 0.6 }), task_is("PENDING", { progress = 0.1 }),
        task_is("THROTTLED") }
      for _ = 1, 3 do
        assert(task:refresh())
        assert.same({ "RUNNING", 0.6 }, { task.status, task.progress })
      end
    end)

    it("what has ended stays ended", function()
      for _, ended in ipairs { "SUCCEEDED", "FAILED", "CANCELLED" } do
        local task = submitted {
          task_is(ended), task_is("RUNNING", { progress = 0.1, output = { "https://evil.example/" } }),
        }
        task:wait()
        local output = task.output
        assert(task:refresh())
        assert.equal(ended, task.status)
        assert.same(output, task.output)
      end
    end)
  end)

  describe("cancel", function()
    it("asks the provider, and the task is cancelled", function()
      local task, m = submitted { { "DELETE /v1/tasks/t1", status = 204 } }
      assert.is_true(task:cancel())
      assert.equal("CANCELLED", task.status)
      assert.equal("task_cancelled", select(2, task:wait()).kind)
      m:finish()
    end)

    it("ends the waits of other jobs as cancelled, though the provider knows it no more", function()
      local task, m = submitted { { "DELETE /v1/tasks/t1", status = 204 } }
      local job = runway.spawn(task.wait, task)
      runway.step(0)
      assert.is_true(task:cancel())
      assert.equal("task_cancelled", select(2, job:join()).kind)
      m:finish()
      task = submitted { { "GET /v1/tasks/t1", status = 404, delay = 10 }, { "DELETE /v1/tasks/t1", status = 204 } }
      job = runway.spawn(task.wait, task)
      runway.sleep(8)                         -- the query is under way
      assert.is_true(task:cancel())
      assert.equal("task_cancelled", select(2, job:join()).kind)
    end)

    it("by its id ends them, too, by whichever client of its server", function()
      for _, status in ipairs { 204, 404 } do
        local deleted = { "DELETE /v1/tasks/t1", status = status, json = { error = "no such task" } }
        local client = mocked.client { SUBMIT, deleted }
        local task = assert(client:generate(clip()))
        local job = runway.spawn(task.wait, task)
        runway.step(0)
        assert.is_true((status == 404 and client or mocked.client { deleted }):cancel "t1")
        assert.equal("task_cancelled", select(2, job:join()).kind)
        assert.same({ "CANCELLED", true }, { task.status, task:done() })
        mocked.close()
      end
      local client = mocked.client { SUBMIT, task_is "RUNNING" }
      local task = assert(client:generate(clip()))
      local other = mocked.client({ { "DELETE /v1/tasks/t1", status = 204 } }, { base_url = "https://other.example" })
      assert.is_true(other:cancel "t1")       -- another server's of the same id
      assert.equal("RUNNING", assert(task:refresh()).status)
    end)

    it("of a task already gone succeeds", function()
      local client, m = mocked.client { { "DELETE /v1/tasks/t1", status = 404, json = { error = "no such task" } } }
      assert.is_true(client:cancel "t1")
      m:finish()
    end)

    it("never deletes what has been made", function()
      local task, m = submitted { task_is "SUCCEEDED" }
      assert(task:wait())
      assert.is_true(task:cancel())
      assert.equal("SUCCEEDED", task.status)
      m:finish()
    end)

    it("that fails says so, with the id, and may be tried again", function()
      local task, m = submitted({
        { "DELETE /v1/tasks/t1", status = 500, times = 2 }, { "DELETE /v1/tasks/t1", status = 204 },
      }, { max_retries = 1 })
      local ok, err = task:cancel()
      assert.is_nil(ok)
      assert.equal("server", err.kind)
      assert.equal(task, err.task)
      assert.equal("PENDING", task.status)
      assert.is_true(task:cancel())
      m:finish()
    end)

    it("is not there at a provider without it, and leaves the task alone", function()
      local client, m = mocked.client({}, { provider = "cometapi" })
      local ok, err = client:cancel "c1"
      assert.is_nil(ok)
      assert.equal("invalid_request", err.kind)
      m:finish()
    end)
  end)

  it("says how its methods are called when one is called otherwise", function()
    local task = submitted {}
    for _, name in ipairs { "refresh", "wait", "cancel", "download", "download_all" } do
      fails_at("a method of a task was called without it", function()
        local result = task[name]("a.mp4")
        return result
      end)
    end
  end)

  it("get asks once, task asks nothing", function()
    local client, m = mocked.client { task_is("RUNNING", { progress = 0.5 }) }
    local attached = client:task("t1", "image_to_video")
    assert.equal("image_to_video", attached.kind)
    assert.equal(0, #m.requests)
    local task = assert(client:get "t1")
    assert.equal("RUNNING", task.status)
    assert.equal(0.5, task.progress)
    m:finish()
  end)

  it("shows no client, no key and no session to who prints its fields", function()
    local task = submitted {}
    for name, value in pairs(task) do
      assert.not_equal("function", type(value), name)
      assert.is_nil(tostring(value):find(mocked.KEY, 1, true), name)
    end
  end)

  it("runs beside hundreds of others with the code that runs one", function()
    local client, m = mocked.client { any_order = true,
      { "POST /v1/text_to_video", times = 300, answer = function(_, nth) return { json = { id = "n" .. nth } } end },
      { path = "^/v1/tasks/n%d+$", times = math.huge, answer = function(request, nth)
        local id = request.path:match "n%d+"
        local status = nth % 3 == 0 and "SUCCEEDED" or "RUNNING"
        return { json = { id = id, status = status, output = { "https://cdn.example/" .. id } }, delay = nth % 7 }
      end } }
    local shots = {}
    for i = 1, 300 do
      shots[i] = function()
        local task = assert(client:generate(clip()))
        assert(task:wait())
        assert(task.output[1] == "https://cdn.example/" .. task.id)
        return task.id
      end
    end
    local results, failures = runway.all(shots)
    assert.is_nil(failures)
    local seen = {}
    for i = 1, 300 do
      assert.is_nil(seen[results[i]])
      seen[results[i]] = true
    end
    m:finish()
  end)
end)
