-- What an account may run, looked at beside what was really wanted.

local adapters = require "spec.support.adapters"
local allowance = require "runway.allowance"
local clients = require "runway.client"
local http = require "runway.http"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local LIMITS = { m1 = { concurrent = 2, daily = 50 }, m2 = { concurrent = 0 }, m3 = { daily = 5 } }

describe("runway.allowance", function()
  local told, m

  local function session(list, own)
    told = {}
    local client
    client, m = mocked.client(list, { provider = own or adapters.own { balance = function() return 5 end,
      credits = function() return { path = "/me" } end, limits = function(answer) return answer.json.limits end },
      logger = function(level, message) told[#told + 1] = level .. ": " .. message end })
    return clients.session_of(client)
  end

  after_each(mocked.close)

  it("reads the limits beside the balance", function()
    local credits, detail, limits = allowance.read(session { { "GET /me", json = { limits = LIMITS } } })
    assert.same({ 5, LIMITS, LIMITS }, { credits, detail.limits, limits })
    assert.equal(2, allowance.of(limits, "m1"))
    assert.equal(0, allowance.of(limits, "m2"))
    for _, model in ipairs { "m3", "m4", 5 } do assert.is_nil(allowance.of(limits, model)) end
    assert.is_nil(allowance.of(nil, "m1"))
    assert.is_nil(allowance.of(limits, nil))
  end)

  it("knows nothing where a look fails, tells why, and does not hold others up", function()
    for _, answer in ipairs { { status = 403, json = { error = "no" } }, { status = 503, json = {} },
      { body = "<html>Welcome" }, { fault = "timeout" }, { fault = "not_sent" } } do
      answer[1], answer.times = "GET /me", math.huge
      local s = session { answer }
      local began = require("runway.scheduler").now()
      assert.is_nil(allowance.look(s))
      assert.matches("^warning: what the account may run at once is not known", told[#told])
      assert.is_true(require("runway.scheduler").now() - began < 20)
      mocked.close()
    end
  end)

  it("asks no one who does not tell", function()
    assert.is_nil(allowance.look(session({}, adapters.own())))
    assert.same({ 0, 1 }, { #m.requests, #told })
    assert.matches("^debug: ", told[1])
  end)

  it("is no concern of a mock that does not expect it", function()
    local any = 0
    local function answer()
      any = any + 1
      return { json = { limits = LIMITS } }
    end
    local s = session { answer, { "POST /make", json = {} } }
    assert.is_nil(allowance.look(s))
    assert.same({ 0, 0, 0 }, { any, #m.requests, #m.unexpected })
    assert.matches("^debug: ", told[#told])
    s = session(function() return { json = { limits = LIMITS } } end)
    assert.same(LIMITS, allowance.look(s))
    m:finish()
  end)

  it("counts as nothing at a mock whose functions refuse it", function()
    local seen = {}
    local s = session(function(request, nth)
      if request.path == "/me" then return nil end
      seen[#seen + 1] = nth
      return { json = {} }
    end)
    for _ = 1, 2 do
      assert.is_nil(allowance.look(s))
      assert(http.call(s, { path = "/other" }))
    end
    assert.same({ { 1, 2 }, 2 }, { seen, #m.requests })
    m:finish()
    s = session { { path = "^/", json = { n = 1 }, check = function(request) return request.path ~= "/me" end } }
    assert.is_nil(allowance.look(s))
    assert(http.call(s, { path = "/other" }))
    m:finish()
  end)

  it("says the limits in a line", function()
    assert.equal("of each model 0-2 at once, 5-50 a day", allowance.told(LIMITS))
    assert.equal("of each model 3 a day", allowance.told { a = { daily = 3 }, b = { daily = 3 } })
    for _, none in ipairs { {}, { a = {} }, { a = { used_today = 5 } } } do assert.is_nil(allowance.told(none)) end
    assert.is_nil(allowance.told(nil))
  end)

  it("is kept by who works on: looked at every ten minutes, the last that was known", function()
    local now = { limits = { m1 = { concurrent = 2 }, m2 = { concurrent = 0 } } }
    local looks = 0
    local kept = allowance.keep(session { { "GET /me", times = math.huge, answer = function()
      looks = looks + 1
      return now and { json = now } or { status = 403, json = { error = "no" } }
    end } })
    runway.run(function()
      assert.is_false(kept:refresh())
      runway.sleep(1)
      assert.is_true(kept:refresh())
      assert.same({ m1 = 2 }, kept:models())
      now = nil
      runway.sleep(600)
      kept:refresh()
      runway.sleep(1)
      assert.same({ 2, { m1 = 2 } }, { looks, kept:models() })
      now = { limits = { m1 = { concurrent = 7 } } }
      runway.sleep(600)
      kept:refresh()
      runway.sleep(1)
      assert.same({ 3, { m1 = 7 } }, { looks, kept:models() })
    end)
  end)

  it("asks no one any more once it is closed", function()
    local kept = allowance.keep(session { { "GET /me", times = math.huge, delay = 5, json = { limits = LIMITS } } })
    runway.run(function()
      kept:refresh()
      runway.sleep(1)
      kept:close()
      runway.sleep(1000)
      kept:refresh()
      runway.sleep(10)
      assert.same({ 1, nil }, { #m.requests, kept:models() })
    end)
  end)
end)
