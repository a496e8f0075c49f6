local calls = require "spec.runway.sandbox.calls"
local json = require "runway.json"
local scenarios = require "runway.sandbox.scenarios"

-- What each API answers to a problem: HTTP status, and a way to the words.
local function relay(answer) return answer.json.error.message end
local REFUSED = {
  official = {
    rate_limited = 429, server_error = 500, unavailable = 503, credits = 400,
    words = function(answer) return answer.json.error end,
  },
  gateway = {
    rate_limited = 429, server_error = 500, unavailable = 503, credits = 403,
    words = function(answer) return answer.json.message or relay(answer) end,
  },
  cometapi = {
    rate_limited = 429, server_error = 500, unavailable = 503, credits = 200,
    words = function(answer) return answer.json.msg or relay(answer) end,
  },
  qimu = {
    rate_limited = 429, server_error = 500, unavailable = 503, credits = 200,
    words = function(answer) return answer.json.message end,
  },
  chatgptsb = {
    rate_limited = 429, server_error = 500, unavailable = 503, credits = 400,
    words = function(answer)
      return type(answer.json.error) == "table" and relay(answer) or answer.json.error
    end,
  },
}

-- A status of the official API in the words of each other.
local WORDS = {
  PENDING = { cometapi = "QUEUED", qimu = 1 }, THROTTLED = { cometapi = "QUEUED", qimu = 1 },
  RUNNING = { cometapi = "IN_PROGRESS", qimu = 2 }, SUCCEEDED = { cometapi = "SUCCESS", qimu = 3 },
  FAILED = { cometapi = "FAILURE", qimu = 4 }, CANCELLED = { cometapi = "FAILURE", qimu = 4 },
  UNKNOWN_TO_ALL = { qimu = 9 },
}

local function word(api, status)
  for _, name in ipairs(calls.names) do
    if calls[name] == api then return WORDS[status][name] or status end
  end
end

-- Every scenario, as a promise: play(app, api, refused) for each API.
local PLAYS = {
  success = function(app, api)
    local id = api.id(calls.submit(app, api, "success").json)
    local _, url = api.read(calls.query(app, api, id, 10).json)
    assert.equal(200, calls.fetch(app, url, 10).status)
  end,

  rate_limit = function(app, api, refused)
    for _ = 1, 2 do
      local answer = calls.submit(app, api, "rate_limit=2")
      assert.same({ refused.rate_limited, "1" }, { answer.status, answer.headers["retry-after"] })
      assert.string(refused.words(answer))
      assert.equal(0, #app.tasks)
    end
    assert.string(api.id(calls.submit(app, api, "rate_limit=2").json))
    assert.equal(429, calls.submit(app, api, "rate_limit=2").status)
  end,

  unavailable = function(app, api, refused)
    local answer = calls.submit(app, api, "unavailable")
    assert.same({ refused.unavailable, "1" }, { answer.status, answer.headers["retry-after"] })
    assert.string(api.id(calls.submit(app, api, "unavailable").json))
  end,

  server_error = function(app, api, refused)
    for _ = 1, 5 do
      local answer = calls.submit(app, api, "server_error")
      assert.equal(refused.server_error, answer.status)
      assert.is_nil(answer.headers["retry-after"])
    end
    assert.equal(0, #app.tasks)
  end,

  credits = function(app, api, refused)
    local answer = calls.submit(app, api, "credits")
    assert.equal(refused.credits, answer.status)
    local words = refused.words(answer)
    assert.is_truthy(words:find("not have enough credits") or words:find("quota is not enough") or
      words:find("insufficient balance"), words)
    assert.equal(0, #app.tasks)
  end,

  html = function(app, api)
    local answer = calls.submit(app, api, "html")
    assert.equal(200, answer.status)
    assert.matches("^text/html", answer.headers["content-type"])
    assert.matches("^<!DOCTYPE html>", answer.body)
    assert.equal(0, #app.tasks)
  end,

  empty = function(app, api)
    local answer = calls.submit(app, api, "empty")
    assert.same({ 200, "" }, { answer.status, answer.body })
    assert.equal(1, #app.tasks)
  end,

  fail = function(app, api)
    local id = api.id(calls.submit(app, api, "fail").json)
    local status, url, _, words = api.read(calls.query(app, api, id, 7).json)
    assert.equal(word(api, "FAILED"), status)
    assert.is_nil(url)
    assert.equal("The generation failed. Please try again.", words)
  end,

  fail_safety = function(app, api)
    local id = api.id(calls.submit(app, api, "fail_safety").json)
    local answer = calls.query(app, api, id, 4)
    if api ~= calls.qimu then assert.matches("SAFETY.INPUT.TEXT", answer.body, 1, true) end
    local _, _, _, words = api.read(answer.json)
    assert.matches("moderation", words)
  end,

  cancelled = function(app, api)
    local id = api.id(calls.submit(app, api, "cancelled").json)
    local status = api.read(calls.query(app, api, id, 6).json)
    assert.equal(word(api, "CANCELLED"), status)
  end,

  throttle = function(app, api)
    local id = api.id(calls.submit(app, api, "throttle").json)
    local function status(now) return (api.read(calls.query(app, api, id, now).json)) end
    assert.equal(word(api, "THROTTLED"), status(5))
    assert.equal(word(api, "RUNNING"), status(15))
    assert.equal(word(api, "SUCCEEDED"), status(20))
  end,

  stall = function(app, api)
    local id = api.id(calls.submit(app, api, "stall").json)
    local status = api.read(calls.query(app, api, id, 1e6).json)
    assert.equal(word(api, "RUNNING"), status)
  end,

  unknown_status = function(app, api)
    local id = api.id(calls.submit(app, api, "unknown_status").json)
    assert.equal(word(api, "UNKNOWN_TO_ALL"), (api.read(calls.query(app, api, id, 5).json)))
    local _, url = api.read(calls.query(app, api, id, 10).json)
    assert.string(url)
  end,

  poll_error = function(app, api)
    local id = api.id(calls.submit(app, api, "poll_error=3").json)
    for now = 1, 3 do assert.equal(500, calls.query(app, api, id, now).status) end
    assert.equal(200, calls.query(app, api, id, 4).status)
  end,

  poll_rate_limit = function(app, api)
    local id = api.id(calls.submit(app, api, "poll_rate_limit=1").json)
    local answer = calls.query(app, api, id, 1)
    assert.same({ 429, "1" }, { answer.status, answer.headers["retry-after"] })
    assert.equal(200, calls.query(app, api, id, 2).status)
  end,

  poll_html = function(app, api)
    local id = api.id(calls.submit(app, api, "poll_html").json)
    for now = 1, 2 do assert.matches("<html>", calls.query(app, api, id, now).body) end
    assert.equal(200, calls.query(app, api, id, 3).status)
  end,

  task_not_exist = function(app, api)
    local id = api.id(calls.submit(app, api, "task_not_exist").json)
    for now = 1, 2 do
      local answer = calls.query(app, api, id, now)
      if api == calls.gateway or api == calls.cometapi then
        assert.same({ 400, "task_not_exist", "task_not_exist" },
          { answer.status, answer.json.code, answer.json.message })
      else
        assert.equal(404, answer.status)
      end
    end
    assert.equal(200, calls.query(app, api, id, 3).status)
  end,

  no_output = function(app, api)
    local id = api.id(calls.submit(app, api, "no_output").json)
    for now = 10, 15 do
      local status, url = api.read(calls.query(app, api, id, now).json)
      assert.equal(word(api, "SUCCEEDED"), status)
      assert.is_nil(url)
    end
    id = api.id(calls.submit(app, api, "no_output=1", 20).json)
    calls.query(app, api, id, 30)
    assert.string((select(2, api.read(calls.query(app, api, id, 31).json))))
  end,

  expire = function(app, api)
    local id = api.id(calls.submit(app, api, "expire").json)
    local _, old = api.read(calls.query(app, api, id, 10).json)
    local refused = calls.fetch(app, old, 10)
    assert.equal(403, refused.status)
    assert.matches("expired", refused.body)
    local _, fresh = api.read(calls.query(app, api, id, 11).json)
    assert.not_equal(old, fresh)
    assert.equal(200, calls.fetch(app, fresh, 11).status)
    assert.equal(403, calls.fetch(app, old, 11).status)
  end,

  cut = function(app, api)
    local id = api.id(calls.submit(app, api, "cut").json)
    local _, url = api.read(calls.query(app, api, id, 10).json)
    assert.is_nil(calls.fetch(app, url, 10, nil, "HEAD").fault)
    assert.equal("truncate", calls.fetch(app, url, 10).fault)
    assert.is_nil(calls.fetch(app, url, 10).fault)
  end,

  refused_key = function(app, api, refused)
    for _ = 1, 3 do
      local answer = calls.submit(app, api, "refused_key")
      assert.equal(401, answer.status)
      assert.string(refused.words(answer))
    end
    assert.equal(0, #app.tasks)
    assert.equal(401, calls.submit(app, api, "refused_key=1", 30).status)
    assert.string(api.id(calls.submit(app, api, "refused_key=1", 30).json))
  end,

  revoked_key = function(app, api)
    local id = api.id(calls.submit(app, api, "revoked_key=2").json)
    for now = 1, 2 do assert.equal(401, calls.query(app, api, id, now).status) end
    assert.equal(200, calls.query(app, api, id, 3).status)
  end,

  large = function(app, api)
    local id = api.id(calls.submit(app, api, "large=2").json)
    local _, url = api.read(calls.query(app, api, id, 10).json)
    local film = calls.fetch(app, url, 10)
    assert.equal(2000000, #film.body)
    local at, boxes = 1, {}                   -- it is a film still: boxes from end to end
    while at <= #film.body do
      boxes[#boxes + 1] = film.body:sub(at + 4, at + 7)
      local a, b, c, d = film.body:byte(at, at + 3)
      at = at + ((a * 256 + b) * 256 + c) * 256 + d
    end
    assert.equal(2000001, at)
    assert.same({ "ftyp", "free" }, { boxes[1], boxes[#boxes] })
    local rest = calls.fetch(app, url, 10, { range = "bytes=1999990-" })
    assert.same({ 206, 10 }, { rest.status, #rest.body })
  end,

  slow_file = function(app, api)
    local id = api.id(calls.submit(app, api, "slow_file=50").json)
    local _, url = api.read(calls.query(app, api, id, 10).json)
    local film = calls.fetch(app, url, 10)
    assert.same({ "slow", 0.5, math.ceil(#film.body / 100) }, { film.fault, film.every, film.chunk })
  end,

  slow = function(app, api)
    local answer = calls.submit(app, api, "slow=2.5")
    assert.equal(2.5, answer.delay)
    assert.equal(2.5, calls.query(app, api, api.id(answer.json), 1).delay)
    assert.is_nil(calls.submit(app, api).delay)
  end,
}

local FAULTS = { drop = "drop", hang = "stall", truncate = "truncate", garbage = "garbage" }
for name, fault in pairs(FAULTS) do
  PLAYS[name] = function(app, api)
    assert.equal(fault, calls.submit(app, api, name).fault)
    assert.equal(1, #app.tasks)
    local answer = calls.query(app, api, app.tasks[1].id, 1)
    assert.same({ 200 }, { answer.status, answer.fault })
  end
end

describe("a scenario", function()
  for _, scenario in ipairs(scenarios.names()) do
    for _, name in ipairs(calls.names) do
      it(scenario .. " is played by " .. name, function()
        local play = assert(PLAYS[scenario], "this scenario has no promise")
        play(calls.app(), calls[name], REFUSED[name])
      end)
    end
  end

  it("may be the whole sandbox's, and a word in a prompt goes before it", function()
    local app = calls.app { scenario = "fail" }
    local function outcome(scenario)
      local id = calls.submit(app, calls.official, scenario).json.id
      return calls.query(app, calls.official, id, 10).json.status
    end
    assert.equal("FAILED", outcome())
    assert.equal("SUCCEEDED", outcome "success")
    assert.is_true(app:choose(nil))
    assert.equal("SUCCEEDED", outcome())
    assert.is_nil(app:choose "flop")
  end)

  it("may be picked by a function, per request", function()
    local app = calls.app {
      scenario = function(request)
        return json.decode(request.body).duration == 5 and "fail=1" or nil
      end,
    }
    for duration, status in pairs { [5] = "FAILED", [6] = "SUCCEEDED" } do
      local body = calls.body(calls.official, { duration = duration })
      local id = calls.send(app, "official", "POST", "/v1/image_to_video", body).json.id
      assert.equal(status, calls.query(app, calls.official, id, 10).json.status)
    end
  end)

  it("is found where a request has no prompt, in any of its texts", function()
    local app = calls.app()
    local sound = "https://a.example/sandbox:stall.mp3"
    local body = { model = "eleven_voice_isolation", audioUri = sound }
    local id = calls.send(app, "official", "POST", "/v1/voice_isolation", body).json.id
    assert.equal("RUNNING", calls.query(app, calls.official, id, 99).json.status)
  end)

  it("is the first of several in a prompt, which --help says", function()
    local app = calls.app()
    local body = calls.body(calls.official, { promptText = "sandbox:fail sandbox:drop" })
    local id = calls.send(app, "official", "POST", "/v1/image_to_video", body).json.id
    assert.equal("FAILED", calls.query(app, calls.official, id, 10).json.status)
    local about = require("runway.cli.commands").commands
    for _, one in ipairs(about) do
      if one[1] == "sandbox" then assert.matches("of several the first counts", one.more(), 1, true) end
    end
  end)

  it("that is unknown is refused, and those known are named", function()
    for _, name in ipairs(calls.names) do
      local app = calls.app()
      local answer = calls.submit(app, calls[name], "flop")
      local words = "unknown sandbox scenario 'flop'; known: cancelled, credits"
      assert.matches(words, answer.body, 1, true)
      assert.equal(name == "qimu" and 200 or 400, answer.status)
      assert.equal(0, #app.tasks)
    end
  end)

  it("counts each request's retries by themselves", function()
    local app = calls.app { scenario = "rate_limit=1" }
    local function ask(seed)
      local body = calls.body(calls.official, { seed = seed })
      return calls.send(app, "official", "POST", "/v1/image_to_video", body).status
    end
    assert.same({ 429, 429, 200, 200 }, { ask(1), ask(2), ask(2), ask(1) })
  end)
end)
