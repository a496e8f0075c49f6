-- What a relay signs: the Standard Webhooks specification, symmetric signatures.

local core = require "runway.core"
local mocked = require "spec.support.mocked"
local base64 = require "spec.support.base64"
local runway = require "runway"
local signature = require "runway.callbacks.signature"

-- The example of the specification's own libraries.
local SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
local BODY = '{"test": 2432232314}'
local AT = 1614265330
local SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

local function headers(more)
  local all = { ["webhook-id"] = "msg_p5jXN8AQM9LWM0D4loKWxJek", ["webhook-timestamp"] = tostring(AT),
    ["webhook-signature"] = SIGNED }
  for name, v in pairs(more or {}) do all[name] = v or nil end
  return all
end

local function check(more, body, now, secret)
  return signature.check(assert(signature.keys(secret or SECRET)), body or BODY, headers(more), now or AT)
end

local function signed(secret, id, at, body)
  local key = assert(signature.keys(secret))[1]
  return "v1," .. base64(core.hmac(key, ("%s.%s."):format(id, at), body))
end

describe("a signature", function()
  it("is that of the specification's example", function()
    assert.equal("msg_p5jXN8AQM9LWM0D4loKWxJek", (check()))
    assert.equal(SIGNED, signed(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY))
  end)

  it("is of the bytes as they came, the id and the time", function()
    for _, body in ipairs { '{"test":2432232314}', BODY .. "\n", "", BODY:upper() } do
      assert.is_nil((check({}, body)))
    end
    assert.is_nil((check { ["webhook-id"] = "msg_p5jXN8AQM9LWM0D4loKWxJel" }))
    assert.is_nil((check { ["webhook-timestamp"] = tostring(AT + 1) }))
  end)

  it("is one of several, of which others may be of another kind or nonsense", function()
    for _, some in ipairs { "v1,AAAA " .. SIGNED, SIGNED .. " v1,AAAA", "v1a,xyz v2," .. SIGNED:sub(4) .. " " .. SIGNED,
      ", v1, v1,==== " .. SIGNED } do
      assert.truthy(check { ["webhook-signature"] = some }, some)
    end
    for _, none in ipairs { "v1,AAAA", SIGNED:sub(4), "v1a," .. SIGNED:sub(4), "v1", "v1,", " ", "V1," .. SIGNED:sub(4),
      SIGNED:sub(1, -3), "v1," .. SIGNED:sub(4):lower(), "v1,\0", ("v1,"):rep(1000) } do
      assert.is_nil((check { ["webhook-signature"] = none }), none)
    end
  end)

  it("is believed for five minutes, by a clock that is behind or ahead", function()
    for _, apart in ipairs { -300, -299, 0, 299, 300 } do assert.truthy(check({}, BODY, AT + apart)) end
    for _, apart in ipairs { -1e9, -301, 300.5, 360, 1e9 } do
      local id, why = check({}, BODY, AT + apart)
      assert.is_nil(id)
      assert.matches("more than 300 s", why)
    end
  end)

  it("has all three headers, whatever their case, each once", function()
    assert.truthy(check { ["webhook-id"] = false, ["Webhook-Id"] = "msg_p5jXN8AQM9LWM0D4loKWxJek" })
    for _, name in ipairs { "webhook-id", "webhook-timestamp", "webhook-signature" } do
      for _, value in ipairs { false, "", {}, 1, true, ("x"):rep(5000) } do
        assert.is_nil((check { [name] = value }), name)
      end
      assert.is_nil((check { [name] = false, [name:upper()] = headers()[name],
        [name:gsub("^w", "W")] = headers()[name] }), name)
    end
    for _, time in ipairs { "1614265330.0", "-1614265330", "0x6037B5F2", "1e9", "nan", ("9"):rep(16), " 1614265330" } do
      assert.is_nil((check { ["webhook-timestamp"] = time }), time)
    end
  end)

  it("may be made with either secret while one replaces another", function()
    local other = "whsec_" .. base64(("n"):rep(32))
    assert.is_nil((check({}, BODY, AT, other)))
    assert.truthy(check({}, BODY, AT, { other, SECRET }))
    assert.truthy(check({}, BODY, AT, { SECRET, other }))
  end)

  it("is made with a secret in base64, with its prefix, its padding and the line's end, or without", function()
    assert.truthy(check({}, BODY, AT, SECRET:sub(7)))
    assert.truthy(check({}, BODY, AT, SECRET .. "\n"))
    for length = 16, 64 do
      local bytes = ("\1\254\127"):rep(22):sub(1, length)
      assert.same({ bytes }, signature.keys("whsec_" .. base64(bytes)))
      assert.same({ bytes }, signature.keys((base64(bytes):gsub("=", ""))))
    end
    for _, secret in ipairs { "", "whsec_", "whsec_AAAA", "not base64 at all, though long enough",
      "whsec_MfKQ9r8GKYqrTwjUP!", SECRET .. "A", { SECRET, 5 }, {}, { SECRET, "" } } do
      local keys, fault = signature.keys(secret)
      assert.is_nil(keys)
      assert.is_nil(fault:find("MfKQ", 1, true))
    end
  end)
end)

describe("an id", function()
  it("counts once, for as long as it could be sent again", function()
    local seen = signature.seen(0)
    assert.is_false(signature.is_known(seen, "a", 10))
    for _, now in ipairs { 10, 300, 599, 601, 609 } do assert.is_true(signature.is_known(seen, "a", now), now) end
    assert.is_false(signature.is_known(seen, "b", 650))
    assert.is_true(signature.is_known(seen, "b", 1249))
  end)

  it("takes memory for as long, and no longer", function()
    local seen = signature.seen(0)
    for i = 1, 100000 do signature.is_known(seen, "m" .. i, i / 10) end
    local count = 0
    for _, ids in ipairs { seen.now, seen.before } do for _ in pairs(ids) do count = count + 1 end end
    assert.is_true(count < 13000, count)
  end)
end)

describe("a client's callback_secret", function()
  after_each(mocked.close)

  local function client(secret)
    return (mocked.client({}, { provider = "cometapi", callback_secret = secret }))
  end

  local CALL = '{"task_id":"c1","status":"3"}'

  local function call(id, body)
    local at = core.wall_ms() // 1000
    return { ["Webhook-Id"] = id, ["Webhook-Timestamp"] = tostring(at), ["Webhook-Signature"] = signed(SECRET, id, at,
      body or CALL) }
  end

  it("lets through what is signed with it, once, and nothing else", function()
    local comet = client(SECRET)
    assert.equal("c1", assert(comet:read_callback(CALL, call "m1")).id)
    local hint, err = comet:read_callback(CALL, call "m1")
    assert.same({ nil, "protocol", "duplicate" }, { hint, err.kind, err.code })
    assert.equal("c1", assert(comet:read_callback(CALL, call "m2")).id)
    for _, other in ipairs { {}, call("m3", "{}"), { ["webhook-id"] = "m4" } } do
      hint, err = comet:read_callback(CALL, other)
      assert.same({ nil, "protocol", "signature", "no" }, { hint, err.kind, err.code, err.sent })
      assert.is_nil(tostring(err):find("MfKQ", 1, true))
    end
    assert.equal("signature", select(2, comet:read_callback(CALL)).code)
    assert.equal("c1", assert(comet:read_callback(CALL, call "m4")).id) -- a forged one used no id up
  end)

  it("that is none is told when the client is made, and not shown", function()
    for _, secret in ipairs { "whsec_short", "SECRETSECRET!SECRETSECRET", { SECRET, "SECRETSECRET!" }, {} } do
      local made, err = runway.client { api_key = mocked.KEY, callback_secret = secret }
      assert.same({ nil, "config" }, { made, err.kind })
      assert.matches("callback_secret", err.message)
      assert.is_nil(tostring(err):find("SECRET", 1, true))
    end
    assert.error_matches(function() runway.client { callback_secret = 5 } end, "option callback_secret must be")
  end)
end)
