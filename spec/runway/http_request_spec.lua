-- Calls of any endpoint, what is never shown of them, and the end of a client, over a mock.

local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"

local KEY, clip, SUBMIT = mocked.KEY, mocked.clip, mocked.SUBMIT

-- Entries of a mock: the answer to the submit of a clip, and to a request that costs nothing.
local function submit(more)
  local entry = { "POST /v1/text_to_video" }
  for name, value in pairs(more) do entry[name] = value end
  return entry
end

local function look(more)
  local entry = { "GET /v1/look" }
  for name, value in pairs(more) do entry[name] = value end
  return entry
end

describe("a call of the API:", function()
  after_each(mocked.close)

  local function generate(list, options)
    local client, m = mocked.client(list, options)
    local task, err = client:generate(clip())
    m:finish()
    return task, err
  end

  local function get(list, options)
    local client, m = mocked.client(list, options)
    local answer, err = client:request { path = "/v1/look" }
    m:finish()
    return answer, err
  end

  describe("request{}", function()
    it("is signed, and carries query, headers and JSON", function()
      local client, m = mocked.client { { "PATCH /v1/thing", json = { ok = true } } }
      local answer = assert(client:request {
        method = "patch", path = "/v1/thing", query = { ["a b"] = "ü&=", n = 5.0, yes = true },
        headers = { ["x-runway-version"] = "2099-01-01" }, json = { list = {}, x = 0.1 },
      })
      assert.same({ ok = true }, answer.json)
      local request = m.requests[1]
      assert.equal("Bearer " .. KEY, request.headers.authorization)
      assert.equal("2099-01-01", request.headers["x-runway-version"])
      assert.equal("application/json", request.headers["content-type"])
      assert.same({ ["a b"] = "ü&=", n = "5", yes = "true" }, request.query)
      assert.equal('{"list":{},"x":0.1}', request.body)
    end)

    it("adds its query to one that the path has already", function()
      local client, m = mocked.client { { "GET /v1/thing", json = {} } }
      assert(client:request { path = "/v1/thing?a=b", query = { c = 1 }, headers = { ["X-Number"] = 5 } })
      assert.same({ a = "b", c = "1" }, m.requests[1].query)
      assert.equal("5", m.requests[1].headers["x-number"])
    end)

    it("takes a # or a space in a path for no more than a character", function()
      local client, m = mocked.client { { "GET /v1/a%23b%20c", json = {} } }
      assert(client:request { path = "/v1/a#b c", query = { c = 1 } })
      assert.matches("/v1/a%23b%20c?c=1", m.requests[1].url, 1, true)
    end)

    it("writes any number into its query, and refuses what is none", function()
      local client, m = mocked.client { { "GET /v1/thing", json = {} } }
      assert(client:request { path = "/v1/thing", query = {
        large = 1e300, small = 1e-7, exact = 2 ^ 53, third = 1 / 3, whole = -5.0, long = 123456789012345678,
      } })
      assert.same({
        large = "1e+300", small = "1e-07", exact = "9007199254740992", third = "0.3333333333333333", whole = "-5",
        long = "123456789012345678",
      }, m.requests[1].query)
      for _, number in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
        local answer, err = client:request { path = "/v1/thing", query = { n = number } }
        assert.is_nil(answer)
        assert.equal("invalid_request", err.kind)
        assert.matches("NaN and infinity cannot be sent", err.message)
      end
      m:finish()
    end)

    for _, method in ipairs { "POST", "PATCH" } do
      it("sends a " .. method .. " once", function()
        local client, m = mocked.client { { method .. " /v1/thing", status = 500 } }
        local answer, err = client:request { method = method, path = "/v1/thing", json = {} }
        assert.is_nil(answer)
        assert.equal("unknown_submit", err.kind)
        m:finish()
      end)
    end

    for _, method in ipairs { "GET", "PUT", "DELETE", "HEAD" } do
      it("repeats a " .. method, function()
        local at = method .. " /v1/thing"
        local client, m = mocked.client { { at, status = 500 }, { at, status = 204 } }
        assert.equal(204, assert(client:request { method = method, path = "/v1/thing" }).status)
        m:finish()
      end)
    end

    it("gives back status, headers, body, and JSON where there is some", function()
      local answer = assert(get { look { body = "plain text", headers = { ["Content-Type"] = "text/plain" } } })
      assert.equal("plain text", answer.body)
      assert.is_nil(answer.json)
      assert.equal("text/plain", answer.headers["content-type"])
      assert.equal(200, answer.status)
    end)

    it("gives an error for every answer that is no 2xx, with the answer's beginning", function()
      local answer, err = get { look { status = 418, body = "I am a teapot" .. ("."):rep(1e5) } }
      assert.is_nil(answer)
      assert.equal(418, err.http_status)
      assert.truthy(err.body:find("^I am a teapot"))
      assert.is_true(#err.body <= 4096)
    end)

    it("takes a path and nothing else for an address", function()
      local client = mocked.client {}
      for _, path in ipairs { "", "v1/x", "https://other.example/v1" } do
        local ok, message = pcall(function() client:request { path = path } end)
        assert.is_false(ok)
        assert.truthy(message:find "^spec/runway/http_request_spec.lua:%d+: request: path begins with /", message)
      end
    end)
  end)

  describe("the API key, queries and data URIs", function()
    local PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="
    local ECHO = "you sent " .. KEY .. " for https://cdn.example/a?sig=SIGNATURE with " .. PICTURE

    local function never(text, where)
      for _, secret in ipairs { KEY, "SIGNATURE", "iVBORw0" } do
        assert.is_nil(tostring(text):find(secret, 1, true), where .. ": " .. tostring(text))
      end
    end

    -- No text of an error, at whatever depth, holds a secret (its task is the user's own).
    local function check(err)
      never(tostring(err), "tostring")
      for name, value in pairs(err) do
        if name ~= "task" then never(value, name) end
      end
    end

    it("are in no error and no log, whatever a server echoes", function()
      local logged = {}
      local function logger(level, message, more)
        logged[#logged + 1] = level .. " " .. message
        for name, value in pairs(more) do logged[#logged + 1] = name .. "=" .. tostring(value) end
      end
      local answers = { { body = ECHO }, { body = "<html>" .. ECHO } }
      for _, status in ipairs { 302, 400, 401, 403, 404, 429, 500, 503 } do
        answers[#answers + 1] = { status = status, json = { error = ECHO, code = ECHO, id = "t1" },
          headers = { ["x-request-id"] = ECHO, location = "https://x.example/?" .. ECHO } }
        answers[#answers + 1] = { status = status, json = { error = { message = ECHO, code = KEY } } }
        answers[#answers + 1] = { status = status, body = ECHO }
      end
      for _, entry in ipairs(answers) do
        check(select(2, generate({ submit(entry) }, { max_retries = 0, logger = logger })))
        check(select(2, get({ look(entry) }, { max_retries = 0, logger = logger })) or {})
      end
      assert.is_true(#logged > 20)
      for _, text in ipairs(logged) do never(text, "log") end
    end)

    it("are not in what a failed task says, nor in the error that wait gives", function()
      local client = mocked.client { SUBMIT, mocked.task("FAILED", { failure = ECHO, failureCode = "X." .. KEY }) }
      local task = assert(client:generate(clip()))
      local _, err = task:wait()
      check(err)
      never(task.failure, "failure")
      never(task.failure_code, "failure_code")
    end)

    it("are not in the log of a request whose path the user wrote with its query", function()
      local logged = {}
      local client = mocked.client({ { "GET /v1/look", json = {} } },
        { logger = function(_, message) logged[#logged + 1] = message end })
      assert(client:request { path = "/v1/look?SIGNATURE" })
      assert.truthy(logged[1])
      for _, text in ipairs(logged) do never(text, "log") end
    end)
  end)

  describe("the logger", function()
    it("hears of every request and every try", function()
      local heard = {}
      get({ look { status = 500 }, look { json = {} } }, { logger = function(level, message, more)
        heard[#heard + 1] = level
        assert.equal("string", type(message))
        assert.equal("table", type(more))
      end })
      assert.same({ "debug", "warning", "debug" }, heard)
    end)

    it("may break without breaking anything", function()
      local stderr = io.stderr
      io.stderr = { write = function() end } -- luacheck: ignore 122
      local answer = get({ look { status = 500 }, look { json = {} } }, { logger = function() error "a bug" end })
      io.stderr = stderr -- luacheck: ignore 122
      assert.equal(200, answer.status)
    end)
  end)

  describe("a client that is closed", function()
    it("sends nothing more", function()
      local client, m = mocked.client {}
      client:close()
      client:close()
      local _, err = client:generate(clip())
      assert.equal("cancelled", err.kind)
      assert.equal("cancelled", select(2, client:request { path = "/v1/look" }).kind)
      m:finish()
    end)

    it("ends the requests that cost nothing, at once", function()
      local client = mocked.client { look { json = {}, delay = 50 } }
      local job = runway.spawn(function() return client:request { path = "/v1/look" } end)
      runway.step(0)
      local began = scheduler.now()
      client:close()
      local _, err = job:join()
      assert.equal("cancelled", err.kind)
      assert.equal(began, scheduler.now())
    end)

    it("awaits a paid answer", function()
      local client = mocked.client { submit { json = { id = "t1" }, delay = 50 } }
      local job = runway.spawn(function() return client:generate(clip()) end)
      runway.step(0)
      client:close()
      assert.equal("t1", assert(job:join()).id)
    end)

    it("does not try again what failed before it was closed", function()
      local client, m = mocked.client { look { status = 500 } }
      local job = runway.spawn(function() return client:request { path = "/v1/look" } end)
      runway.step(0)
      runway.step(0)
      client:close()
      assert.equal("cancelled", select(2, job:join()).kind)
      m:finish()
    end)
  end)

  it("numbers keep their kind both ways", function()
    local client, m = mocked.client { { "POST /v1/n", body = '{"i":9007199254740992,"f":1.0,"e":1e2,"empty":[]}' } }
    local answer = assert(client:request {
      method = "POST", path = "/v1/n", json = { i = 2 ^ 53 | 0, f = 0.3999999999999999 },
    })
    assert.equal('{"f":0.3999999999999999,"i":9007199254740992}', m.requests[1].body)
    assert.equal("integer", math.type(answer.json.i))
    assert.equal("float", math.type(answer.json.f))
    assert.is_true(json.is_array(answer.json.empty))
  end)
end)
