-- The policy of runway.http, over a mock: what is sent again, what never is, and what is told.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local clip, SUBMIT = mocked.clip, mocked.SUBMIT

-- An answer to the submit of a clip; `more` goes into the entry.
local function submit(more)
  local entry = { "POST /v1/text_to_video" }
  for name, value in pairs(more) do entry[name] = value end
  return entry
end

-- The same for a request that costs nothing.
local function look(more)
  local entry = { "GET /v1/look" }
  for name, value in pairs(more) do entry[name] = value end
  return entry
end

describe("policy", function()
  after_each(mocked.close)

  -- Submits a clip; the mock must get exactly the list. Gives what generate gave, and the mock.
  local function generate(list, options, params)
    local client, m = mocked.client(list, options)
    local task, err = client:generate(params or clip())
    m:finish()
    return task, err, m
  end

  local function fails(list, options)
    local task, err, m = generate(list, options)
    assert.is_nil(task)
    return err, m
  end

  local function get(list, options)
    local client, m = mocked.client(list, options)
    local answer, err = client:request { path = "/v1/look" }
    m:finish()
    return answer, err, m
  end

  describe("a paid request is made again when it provably was not taken:", function()
    it("it never left", function()
      local task, _, m = generate { submit { fault = "not_sent", times = 3 }, SUBMIT }
      assert.equal("t1", task.id)
      assert.equal(4, #m.requests)
    end)

    for _, status in ipairs { 408, 421, 425, 429 } do
      it("the server said " .. status, function()
        local task, _, m = generate { submit { status = status, json = { error = "later" } }, SUBMIT }
        assert.equal("t1", task.id)
        assert.is_true(m.requests[2].time > 0.3)
      end)
    end

    it("the server said 503 and when to come back", function()
      local task, _, m = generate { submit { status = 503, headers = { ["Retry-After"] = "20" } }, SUBMIT }
      assert.equal("t1", task.id)
      assert.is_true(m.requests[2].time >= 20)
    end)

    it("sending the same bytes each time", function()
      local _, _, m = generate { submit { status = 429 }, submit { fault = "not_sent" }, SUBMIT }
      assert.equal(m.requests[1].body, m.requests[2].body)
      assert.equal(m.requests[1].body, m.requests[3].body)
    end)
  end)

  describe("a paid request that may have arrived is never made again:", function()
    local rows = {
      ["a lost answer"] = { fault = "lost" },
      ["no answer in time"] = { fault = "timeout" },
      ["a 503 that does not say when to come back"] = { status = 503 },
      ["a 503 that says it in no known words"] = { status = 503, headers = { ["retry-after"] = "soon" } },
      ["an empty 200"] = { body = "" },
      ["blanks"] = { body = " \r\n" },
      ["a 204"] = { status = 204 },
      ["half a JSON"] = { body = '{"id":"t' },
      ["JSON and more"] = { body = '{"x":"t1"} x' },
      ["JSON in UTF-16"] = { body = "\255\254{\0}\0" },
      ["NaN"] = { body = '{"x":NaN}' },
      ["invalid UTF-8"] = { body = '{"x":"\255"}' },
      ["an array"] = { body = '["t1"]' },
      ["a string"] = { body = '"t1"' },
      ["a number"] = { body = "5" },
      ["null"] = { body = "null" },
      ["an HTML page"] = { body = "<!DOCTYPE html><title>Welcome</title>" },
      ["JSON deep as a well"] = { body = ("["):rep(1e5) },
      ["an answer larger than allowed"] = { body = '{"id":"t1","x":"' .. ("x"):rep(5e6) .. '"}' },
      ["no id"] = { json = { status = "PENDING" } },
      ["an empty id"] = { json = { id = "" } },
      ["an id that is a float"] = { json = { id = 1.5 } },
      ["an id that is true"] = { json = { id = true } },
      ["an id that is a table"] = { json = { id = { "t1" } } },
      ["an id that is null"] = { json = { id = runway.null } },
      ["an id of 10 KB"] = { json = { id = ("x"):rep(10240) } },
      ["an id with a control character"] = { json = { id = "t\0001" } },
    }
    for _, status in ipairs { 500, 501, 502, 504, 507, 520, 522, 524, 529 } do
      rows["a " .. status] = { status = status, json = { error = "oops" } }
    end
    for what, entry in pairs(rows) do
      it("after " .. what, function()
        local err, m = fails { submit(entry) }
        assert.equal("unknown_submit", err.kind)
        assert.equal("yes", err.sent)
        assert.is_false(err.retryable)
        assert.equal(1, err.attempts)
        assert.equal(1, #m.requests)
        assert.is_true(m.requests[1].paid)
        assert.equal("runwayml", err.provider)
        assert.truthy(err.message:find("may have been charged", 1, true))
      end)
    end

    it("nor after tries that were safe", function()
      local err = fails { submit { fault = "not_sent" }, submit { status = 429 }, submit { fault = "lost" } }
      assert.equal("unknown_submit", err.kind)
      assert.equal(3, err.attempts)
    end)

    it("and the error shows the first bytes of an HTML page", function()
      local err = fails { submit { body = "<html><title>Hotel Wi-Fi</title>" .. ("x"):rep(500) } }
      assert.truthy(err.message:find("HTML", 1, true))
      assert.truthy(err.message:find("Hotel Wi-Fi", 1, true))
      assert.is_nil(err.message:find(("x"):rep(100), 1, true))
    end)

    it("even when an adapter breaks while it reads the answer", function()
      local adapter = adapters.own { accepted = function() error "a bug" end }
      local logged = {}
      local client = mocked.client({ { "POST /make", json = { id = "t9" } } },
        { provider = adapter, logger = function(level, message) logged[#logged + 1] = level .. ": " .. message end })
      local task, err = client:generate { prompt_text = "x" }
      assert.is_nil(task)
      assert.equal("unknown_submit", err.kind)
      assert.equal("t9", err.task_id)
      assert.truthy(table.concat(logged, "\n"):find "error: the adapter mine failed to read an answer: .*a bug")
    end)
  end)

  it("what is made again is told with its key, and what is refused with what was odd about it", function()
    local logged = {}
    local client = mocked.client({
      { "POST /v1/text_to_video", status = 429, headers = { ["retry-after"] = "2" }, json = { error = "Slow down." } },
      { "POST /v1/text_to_video", status = 400, json = { error = "No." } },
    }, { logger = function(level, message, fields)
      if level == "warning" then logged[#logged + 1] = { message, fields.key } end
    end })
    local task, err = client:generate(mocked.clip { model = "Gen4.5", key = "fog" })
    assert.is_nil(task)
    assert.matches('^/v1/text_to_video: Slow down; trying again in 2%.', logged[#logged][1])
    assert.equal("fog", logged[#logged][2])
    assert.matches("did you mean gen4.5?", err.message, 1, true)
  end)

  describe("an id is kept,", function()
    it("to the last digit, however it was sent", function()
      for body, id in pairs {
        ['{"id":9007199254740993}'] = "9007199254740993", ['{"id":34546339854}'] = "34546339854",
        ['{"id":18446744073709551617}'] = "18446744073709551617", ['{"id":"a b/c?d"}'] = "a b/c?d",
        ['{"task_id":"t7"}'] = "t7",
      } do
        assert.equal(id, generate({ submit { body = body } }).id)
      end
    end)

    it("also from an answer that is an error: it can be waited for", function()
      for _, status in ipairs { 500, 502, 504 } do
        local client, m = mocked.client {
          submit { status = status, json = { error = "upstream is slow", id = "t1" } }, mocked.task "SUCCEEDED",
        }
        local none, err = client:generate(clip())
        assert.is_nil(none)
        assert.equal("unknown_submit", err.kind)
        assert.equal("t1", err.task_id)
        assert.equal("SUCCEEDED", assert(err.task:wait()).status)
        m:finish()
      end
    end)

    it("also inside a relay's envelope", function()
      local client = mocked.client({
        { "POST /runway/pro/generate", status = 500, json = { code = "fail", data = { task_id = "c1" } } },
      }, { provider = "cometapi" })
      assert.equal("c1", select(2, client:generate { prompt_text = "a cat" }).task_id)
    end)

    it("and goes whole into the path of the query", function()
      local client, m = mocked.client {
        submit { json = { id = "a b/../c?d#e" } }, { path = "^", json = { status = "RUNNING" } },
      }
      assert(assert(client:generate(clip())):refresh())
      assert.equal("/v1/tasks/a%20b%2F..%2Fc%3Fd%23e", m.requests[2].path)
    end)
  end)

  describe("a refusal is told at once:", function()
    for status, kind in pairs {
      [400] = "invalid_request", [401] = "authentication", [402] = "insufficient_credits", [403] = "permission",
      [404] = "not_found", [405] = "invalid_request", [409] = "invalid_request", [413] = "invalid_request",
      [422] = "invalid_request", [451] = "invalid_request",
    } do
      it(status .. " is " .. kind, function()
        local err, m = fails { submit { status = status, json = { error = "no, thanks" },
          headers = { ["X-Request-Id"] = "r-1" } } }
        assert.equal(kind, err.kind)
        assert.equal(status, err.http_status)
        assert.equal("yes", err.sent)
        assert.is_false(err.retryable)
        assert.equal(1, err.attempts)
        assert.equal(1, #m.requests)
        assert.equal("r-1", err.request_id)
        assert.truthy(err.message:find("no, thanks", 1, true))
        assert.equal('{"error":"no, thanks"}', err.body)
      end)
    end

    it("with what the API says of each field", function()
      local err = fails { submit { status = 400, json = {
        error = "Validation of body failed", docUrl = "https://docs.example/e",
        issues = { { code = "too_big", path = { "duration" }, message = "at most 10" } },
      } } }
      assert.truthy(err.message:find("duration: at most 10", 1, true))
    end)

    it("out of credits, even where the API says it only in words", function()
      local err = fails { submit { status = 400, json = {
        error = "You do not have enough credits to run this task.",
      } } }
      assert.equal("insufficient_credits", err.kind)
      local client = mocked.client({ { "POST /runway/pro/generate", status = 500,
        json = { error = { message = "user quota is not enough", code = "insufficient_user_quota" } } } },
        { provider = "cometapi" })
      err = select(2, client:generate { prompt_text = "a cat" })
      assert.equal("insufficient_credits", err.kind)
      assert.equal("insufficient_user_quota", err.code)
      assert.is_false(err.retryable)
    end)

    it("a page instead of words", function()
      local err = fails { submit { status = 403, body = "<html>Forbidden</html>" } }
      assert.equal("permission", err.kind)
    end)
  end)

  describe("a redirect of an API call", function()
    for _, status in ipairs { 301, 302, 303, 304, 307, 308 } do
      it("is not followed: " .. status, function()
        local err, m = fails { submit { status = status, headers = { location = "https://other.example/v1" } } }
        assert.equal("protocol", err.kind)
        assert.equal(status, err.http_status)
        assert.equal(1, #m.requests)
        assert.is_false(err.retryable)
        local _, again = get { look { status = status, headers = { location = "/v1/elsewhere" } } }
        assert.equal("protocol", again.kind)
      end)
    end
  end)

  describe("max_retries", function()
    it("2 means at most three requests, and the error says how many", function()
      for _, entry in ipairs { { fault = "not_sent" }, { status = 429 } } do
        entry.times = 3
        local err, m = fails({ submit(entry) }, { max_retries = 2 })
        assert.equal(3, err.attempts)
        assert.equal(3, #m.requests)
        assert.is_true(err.retryable)
        assert.equal(entry.fault and "no" or "yes", err.sent)
      end
    end)

    it("0 means one", function()
      local err = fails({ submit { fault = "not_sent" } }, { max_retries = 0 })
      assert.equal(1, err.attempts)
      assert.equal("network", err.kind)
    end)

    it("is 4 unless said otherwise", function()
      assert.equal(5, fails({ submit { fault = "not_sent", times = 5 } }).attempts)
    end)

    it("waits longer each time, and not for long", function()
      local _, m = fails { submit { status = 429, times = 5 } }
      local last = 0
      for i = 2, 5 do
        local pause = m.requests[i].time - m.requests[i - 1].time
        assert.is_true(pause > last and pause <= 4)
        last = pause
      end
    end)
  end)

  describe("Retry-After", function()
    it("is obeyed", function()
      local _, _, m = generate { submit { status = 429, headers = { ["retry-after"] = "90" } }, SUBMIT }
      assert.is_true(m.requests[2].time >= 90 and m.requests[2].time < 92)
    end)

    it("is told and not waited for when it is longer than an hour", function()
      local err, m = fails { submit { status = 429, headers = { ["retry-after"] = "999999999" } } }
      assert.equal("rate_limited", err.kind)
      assert.equal(999999999, err.retry_after)
      assert.equal(1, #m.requests)
      assert.is_true(err.retryable)
    end)

    it("of the past, or less than nothing, is now", function()
      local _, _, m = generate { submit { status = 429, headers = { ["retry-after"] = "-1" } }, SUBMIT }
      assert.is_true(m.requests[2].time < 1)
      _, _, m = generate { submit { status = 429, headers = {
        ["retry-after"] = "Wed, 21 Oct 2015 07:28:00 GMT", date = "Thu, 22 Oct 2015 07:28:00 GMT",
      } }, SUBMIT }
      assert.is_true(m.requests[2].time < 1)
    end)

    it("that cannot be read is as if it were not there", function()
      local _, _, m = generate { submit { status = 429, headers = { ["retry-after"] = "nan" } }, SUBMIT }
      assert.is_true(m.requests[2].time > 0.3 and m.requests[2].time <= 0.5)
    end)
  end)

  describe("the timeout covers the whole call:", function()
    it("an answer that never comes uses it up", function()
      local answer, err, m = get({ look { fault = "timeout" } }, { timeout = 7 })
      assert.is_nil(answer)
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
      assert.equal(1, #m.requests)
    end)

    it("what is left of it is what the next request gets", function()
      local began = scheduler.now()
      local answer, err = get({ look { status = 500, delay = 3 }, look { fault = "timeout" } }, { timeout = 7 })
      assert.is_nil(answer)
      assert.equal("timeout", err.kind)
      assert.is_true(scheduler.now() - began < 8)  -- and not 3 and a pause and 7
    end)

    it("pauses that the server asked for do not count", function()
      assert(get({ look { status = 429, headers = { ["retry-after"] = "600" } }, look { json = {} } }, { timeout = 7 }))
    end)
  end)

  describe("what costs nothing is asked again", function()
    for what, entry in pairs {
      ["after a lost answer"] = { fault = "lost" },
      ["when it did not leave"] = { fault = "not_sent" }, ["after a 500"] = { status = 500 },
      ["after a 502"] = { status = 502 }, ["after a 503"] = { status = 503 }, ["after a 504"] = { status = 504 },
      ["after a 520"] = { status = 520 }, ["after a 429"] = { status = 429 }, ["after a 408"] = { status = 408 },
    } do
      it(what, function()
        assert.equal(7, assert(get { look(entry), look { json = { n = 7 } } }).json.n)
      end)
    end

    for what, body in pairs {
      ["an HTML page"] = "<html>", ["nothing"] = "", ["half a JSON"] = '{"id":', ["an array"] = "[]",
      ["JSON without a task"] = "{}",
    } do
      it("when the answer to a query is " .. what .. ", and then given up with the id", function()
        local client, m = mocked.client({
          { "GET /v1/tasks/t1", body = body }, mocked.task "RUNNING", { "GET /v1/tasks/t1", body = body, times = 3 },
        }, { max_retries = 2 })
        local task = client:task "t1"
        assert(task:refresh())
        local none, err = task:refresh()
        assert.is_nil(none)
        assert.equal("protocol", err.kind)
        assert.equal("t1", err.task_id)
        assert.equal(task, err.task)
        assert.equal(3, err.attempts)
        assert.equal("RUNNING", task.status)
        m:finish()
      end)
    end

    it("also where it is a POST: CometAPI's feed", function()
      local client, m = mocked.client({
        { "POST /runway/feed", fault = "lost" }, { "POST /runway/feed", status = 502 },
        { "POST /runway/feed", json = {
          task_id = "c1", status = "SUCCESS", result_url = "https://cdn.example/1.mp4",
        } },
      }, { provider = "cometapi" })
      assert.equal("SUCCEEDED", assert(client:get "c1").status)
      assert.is_false(m.requests[1].paid)
      m:finish()
    end)

    it("but not after a refusal", function()
      for _, status in ipairs { 400, 401, 403, 404 } do
        local _, err = get { look { status = status } }
        assert.equal(1, err.attempts)
      end
    end)
  end)

  it("an answer in another form than JSON's says so, and which", function()
    local function why(body)
      return fails({ submit { body = body } }).message
    end
    assert.truthy(why(""):find("the answer is empty", 1, true))
    assert.truthy(why("{]"):find("the answer is not JSON", 1, true))
    assert.truthy(why("5"):find("JSON number, not an object", 1, true))
  end)

  it("a cancelled job that waits for a paid answer gets it first: the id is not lost", function()
    local client, m = mocked.client { submit { json = { id = "t1" }, delay = 30 } }
    local id
    local job = runway.spawn(function()
      id = assert(client:generate(clip())).id
      runway.sleep(1)
      id = "never"
    end)
    runway.step(0)
    job:cancel()
    assert.equal("cancelled", select(2, job:join()).kind)
    assert.equal("t1", id)
    m:finish()
  end)
end)
