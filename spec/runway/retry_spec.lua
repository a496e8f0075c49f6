local effort = require "spec.support.effort"
local retry = require "runway.retry"

-- What retry.judge says of an answer with this status.
local function answered(paid, status, more)
  more = more or {}
  return retry.judge(paid, { status = status, headers = more.headers or {}, sent = true }, more.problem,
    more.unreadable or false)
end

local function failed(paid, sent, e)
  return retry.judge(paid, { sent = sent, error = e })
end

local NETWORK = { kind = "network", code = "closed", message = "closed" }

describe("retry.judge", function()
  it("is content with a 2xx that was read", function()
    for _, status in ipairs { 200, 201, 202, 204 } do
      assert.is_nil(answered(true, status))
      assert.is_nil(answered(false, status))
    end
  end)

  describe("never lets a paid request that may have arrived be made again:", function()
    for _, status in ipairs { 500, 501, 502, 503, 504, 507, 520, 521, 522, 524, 529, 599 } do
      it("after " .. status, function()
        local verdict = answered(true, status)
        assert.equal("unknown_submit", verdict.kind)
        assert.is_false(verdict.again)
        assert.is_false(verdict.retryable)
      end)
    end

    for _, kind in ipairs { "network", "timeout", "protocol", "limit", "io", "cancelled" } do
      it("after it was sent and then came: " .. kind, function()
        local verdict = failed(true, true, { kind = kind, code = "x", message = "x" })
        assert.equal("unknown_submit", verdict.kind)
        assert.is_false(verdict.again)
        assert.is_false(verdict.retryable)
      end)
    end

    it("after a 2xx that cannot be read", function()
      for _, status in ipairs { 200, 202, 204 } do
        local verdict = answered(true, status, { unreadable = true })
        assert.equal("unknown_submit", verdict.kind)
        assert.is_false(verdict.again)
      end
    end)

    it("after any 4xx that does not say that it took nothing", function()
      for status = 400, 499 do
        if status ~= 408 and status ~= 421 and status ~= 425 and status ~= 429 then
          local verdict = answered(true, status)
          assert.is_false(verdict.again, tostring(status))
          assert.not_equal("unknown_submit", verdict.kind)
        end
      end
    end)

    it("after any 3xx", function()
      for _, status in ipairs { 300, 301, 302, 303, 304, 307, 308 } do
        local verdict = answered(true, status)
        assert.equal("protocol", verdict.kind)
        assert.is_false(verdict.again)
      end
    end)
  end)

  describe("lets a paid request be made again when nothing was taken:", function()
    for _, kind in ipairs { "network", "timeout" } do
      it("it was not sent: " .. kind, function()
        local verdict = failed(true, false, { kind = kind, code = "dns", message = "x" })
        assert.equal(kind, verdict.kind)
        assert.is_true(verdict.again)
        assert.is_true(verdict.retryable)
      end)
    end

    for status, kind in pairs { [408] = "timeout", [421] = "server", [425] = "server", [429] = "rate_limited" } do
      it("the server said " .. status, function()
        local verdict = answered(true, status)
        assert.equal(kind, verdict.kind)
        assert.is_true(verdict.again)
      end)
    end

    it("the server said 503 and when to come back", function()
      local verdict = answered(true, 503, { headers = { ["retry-after"] = "7" } })
      assert.equal("server", verdict.kind)
      assert.is_true(verdict.again)
      assert.equal(7, verdict.after)
      verdict = answered(true, 503, { headers = { ["retry-after"] = "Wed, 21 Oct 2015 07:28:00 GMT" } })
      assert.same({ "server", true }, { verdict.kind, verdict.again }) -- without a Date, no one knows how long
      assert.is_nil(verdict.after)
      assert.equal("unknown_submit", answered(true, 503, { headers = { ["retry-after"] = "soon" } }).kind)
    end)
  end)

  it("does not try again what the transport calls permanent", function()
    for _, paid in ipairs { true, false } do
      local verdict = failed(paid, false, { kind = "network", code = "tls", message = "x", permanent = true })
      assert.equal("network", verdict.kind)
      assert.is_false(verdict.again)
      assert.is_false(verdict.retryable)
    end
  end)

  it("does not come back to an account without credits, whatever the status", function()
    for _, status in ipairs { 408, 429 } do
      local verdict = answered(true, status, { problem = { kind = "insufficient_credits", message = "x" } })
      assert.equal("insufficient_credits", verdict.kind)
      assert.is_false(verdict.again)
      assert.is_false(verdict.retryable)
    end
  end)

  it("believes an adapter that says nothing was taken, even under a 500", function()
    local verdict = answered(true, 500, { problem = { kind = "invalid_request", refused = true, message = "x" } })
    assert.equal("invalid_request", verdict.kind)
    assert.is_false(verdict.again)
  end)

  it("counts a business error under a 2xx as that error", function()
    local verdict = answered(true, 200, { problem = { kind = "permission", message = "x" }, unreadable = true })
    assert.equal("permission", verdict.kind)
    assert.is_false(verdict.again)
  end)

  it("makes a free request again on anything that may pass", function()
    for _, sent in ipairs { true, false } do assert.is_true(failed(false, sent, NETWORK).again) end
    for _, status in ipairs { 408, 421, 425, 429, 500, 502, 503, 504, 520 } do
      assert.is_true(answered(false, status).again, tostring(status))
    end
    assert.is_true(answered(false, 200, { unreadable = true }).again)
    for _, status in ipairs { 400, 401, 402, 403, 404, 409, 410, 422, 302 } do
      assert.is_false(answered(false, status).again, tostring(status))
    end
  end)

  it("does not wait for longer than an hour, but tells how long was asked for", function()
    for _, paid in ipairs { true, false } do
      for _, status in ipairs { 429, 503 } do
        local verdict = answered(paid, status, { headers = { ["retry-after"] = "999999999" } })
        assert.is_false(verdict.again)
        assert.equal(999999999, verdict.after)
      end
      assert.equal("rate_limited", answered(paid, 429, { headers = { ["retry-after"] = "999999999" } }).kind)
      assert.is_true(answered(paid, 429, { headers = { ["retry-after"] = "3600" } }).again)
    end
  end)

  it("does not ask a limit of the day again in seconds", function()
    for _, paid in ipairs { true, false } do
      for _, said in ipairs { "Your daily task limit has been reached.", "100 tasks per day", "今日额度已用完" } do
        local verdict = answered(paid, 429, { headers = { ["retry-after"] = "5" }, problem = { message = said } })
        assert.same({ "rate_limited", false, true, true, 5 },
          { verdict.kind, verdict.again, verdict.retryable, verdict.daily, verdict.after })
      end
      assert.is_true(answered(paid, 429, { problem = { message = "Too many requests" } }).again)
    end
  end)
end)

describe("retry.kind_of_status", function()
  it("names what a status means", function()
    local kinds = {
      [400] = "invalid_request", [401] = "authentication", [402] = "insufficient_credits", [403] = "permission",
      [404] = "not_found", [409] = "invalid_request", [410] = "not_found", [422] = "invalid_request",
      [429] = "rate_limited", [500] = "server", [503] = "server", [599] = "server", [302] = "protocol",
      [412] = "protocol", [416] = "protocol",
    }
    for status, kind in pairs(kinds) do assert.equal(kind, retry.kind_of_status(status), tostring(status)) end
  end)
end)

describe("retry.retry_after", function()
  local function said(text, more)
    local headers = more or {}
    headers["retry-after"] = text
    return retry.retry_after(headers)
  end

  it("reads seconds", function()
    assert.equal(120, said "120")
    assert.equal(0, said "0")
    assert.equal(1.5, said " 1.5 ")
  end)

  it("takes less than nothing for nothing", function()
    assert.equal(0, said "-1")
    assert.equal(0, said "-999999999")
  end)

  it("reads milliseconds where they are given, before all else", function()
    assert.equal(0.25, said("9", { ["retry-after-ms"] = "250" }))
  end)

  it("reads a date against the answer's own, asking no clock of ours", function()
    local date = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert.equal(60, said("Wed, 21 Oct 2015 07:29:00 GMT", { date = date }))
    assert.equal(86400 * 2, said("Fri, 23 Oct 2015 07:28:00 GMT", { date = date }))
    assert.equal(86400, said("Tue, 01 Mar 2016 00:00:00 GMT", { date = "Mon, 29 Feb 2016 00:00:00 GMT" }))
    assert.equal(0, said("Tue, 20 Oct 2015 07:28:00 GMT", { date = date }))
    assert.is_nil(said "Wed, 21 Oct 2015 07:29:00 GMT")
  end)

  it("is never NaN, nor negative, nor of another type, whatever is sent", function()
    for _, text in ipairs { "", "soon", "nan", "NaN", "inf", "-inf", "0x10", "1e5", "--1", "5, 5", "\0", ("9"):rep(400),
      "Wed, 99 Zzz 2015 07:28:00 GMT", "Wed, 21 Oct 2015 99:99:99 GMT" } do
      local after = said(text, { date = "Wed, 21 Oct 2015 07:28:00 GMT" })
      assert.is_true(after == nil or after >= 0, text)
    end
    assert.is_nil(said "soon")
    assert.is_nil(retry.retry_after {})
  end)
end)

describe("retry.delay", function()
  it("doubles from half a second to eight, and spreads a quarter downwards", function()
    for n, most in ipairs { 0.5, 1, 2, 4, 8, 8, 8 } do
      for _ = 1, 50 do
        local delay = retry.delay(n)
        assert.is_true(delay <= most and delay >= most * 0.75, n .. ": " .. delay)
      end
    end
    assert.is_true(retry.delay(5000) <= 8)
  end)

  it("never comes back earlier than the server asked", function()
    for _ = 1, 50 do
      local delay = retry.delay(1, 30)
      assert.is_true(delay >= 30 and delay <= 31)
    end
    assert.is_true(retry.delay(3, 0) < 0.5)
  end)

  it("leaves the host's own random numbers alone", function()
    math.randomseed(42)
    local expected = math.random(1e9)
    math.randomseed(42)
    retry.delay(1)
    assert.equal(expected, math.random(1e9))
  end)
end)

describe("retry.retry_after", function()
  local NOW = "Sun, 06 Nov 1994 08:49:37 GMT"

  for given, seconds in pairs {
    ["Sun, 6 Nov 1994 08:50:37 GMT"] = 60, ["Sun Nov 6 08:50:37 1994"] = 60, ["60, 120"] = 60,
    ["Sun, 06 Nov 1994 08:50:37 GMT"] = 60,
    ["Sunday, 06-Nov-94 08:50:37 GMT"] = 60,        -- RFC 850
    ["Sun Nov  6 08:50:37 1994"] = 60,              -- asctime
    ["Wed Nov 16 08:49:37 1994"] = 864000,
    ["  5 "] = 5, ["1.5"] = 1.5, ["-3"] = 0, ["+2"] = 2, ["7."] = 7,
  } do
    it("reads " .. given, function()
      assert.equal(seconds, retry.retry_after { ["retry-after"] = given, date = NOW })
    end)
  end

  it("counts between dates of different forms", function()
    assert.equal(60, retry.retry_after { ["retry-after"] = "Fri May  1 00:01:00 2026",
      date = "Friday, 01-May-26 00:00:00 GMT" })
  end)

  it("is nil for what is neither, however long it took to write", function()
    local function none(v)
      assert.is_nil(retry.retry_after { ["retry-after"] = v, ["retry-after-ms"] = v, date = NOW }, v:sub(1, 40))
    end
    for _, v in ipairs { "", " ", "soon", "1x", "1.2.3", "0x10", "nan", "1e5", "Sun, 06 Foo 1994 08:50:37 GMT",
      "Sun, 06 Nov 199 08:50:37 GMT", "Sun, 06 Nov 1994 08:50 GMT", ("1"):rep(99000), (" "):rep(99000) .. "1" } do
      none(v)
    end
    effort.assert_linear(30000, function(size)
      none(("1"):rep(3 * size) .. "x")
      none(("01 "):rep(size + 1))
      none(("Nov "):rep(size))
    end)
  end)
end)

describe("retry.judge", function()

  it("believes an adapter that says when to come back, whatever the status", function()
    for _, status in ipairs { 200, 202, 302, 400, 403, 404, 422, 429, 500, 503 } do
      for _, paid in ipairs { true, false } do
        for _, kind in ipairs { false, "rate_limited", "server", "network", "timeout" } do
          local problem = { message = "full", kind = kind or nil, retry_after = 20 }
          local verdict = answered(paid, status, { problem = problem, unreadable = true })
          assert.same({ kind or "rate_limited", true, true, 20 },
            { verdict.kind, verdict.again, verdict.retryable, verdict.after })
        end
      end
    end
    local later = answered(true, 500, { problem = { message = "full", retry_after = 20 }, headers = {
      ["retry-after"] = "90" } })
    assert.equal(90, later.after)
  end)

  it("does not wait for longer than an hour, nor make again what is refused for good", function()
    local verdict = answered(true, 200, { problem = { message = "full", kind = "server", retry_after = 3601 } })
    assert.same({ "rate_limited", false, true, 3601 },
      { verdict.kind, verdict.again, verdict.retryable, verdict.after })
    verdict = answered(true, 200, { problem = { message = "no", kind = "permission", retry_after = 5 } })
    assert.same({ "permission", false, false }, { verdict.kind, verdict.again, verdict.retryable })
    for _, nonsense in ipairs { 0 / 0, -1, "5", true } do
      verdict = answered(true, 500, { problem = { message = "no", retry_after = nonsense } })
      assert.equal("unknown_submit", verdict.kind)
    end
  end)

  it("bears whatever an adapter says of an answer", function()
    for _, problem in ipairs { true, 5, "no", {}, print, { kind = 5 }, { kind = true, refused = true },
      { kind = true, retry_after = 1 }, { retry_after = {} } } do
      for _, status in ipairs { 200, 302, 400, 404, 408, 429, 500, 503 } do
        for _, paid in ipairs { true, false } do
          local verdict = retry.judge(paid, { status = status, headers = {}, sent = true }, problem, true)
          assert.is_string(verdict.kind)
        end
      end
    end
    assert.equal("unknown_submit", retry.judge(true, { status = 500, sent = true }, 5, true).kind)
  end)
end)

describe("retry.judge of what costs nothing, and is to leave once all the same,", function()
  local function once(result, problem)
    result.headers = result.headers or {}
    local v = retry.judge(false, result, problem, true, true)
    return { v.kind, v.again, v.once or false, v.retryable }
  end

  it("makes nothing again that may have been done, and says so", function()
    for kind, result in pairs {
      network = { sent = true, error = { kind = "network" } }, server = { sent = true, status = 502 },
      protocol = { sent = true, status = 200 },
    } do
      local retryable = kind ~= "protocol" or retry.judge(false, result, nil, true).retryable
      assert.same({ kind, false, true, retryable }, once(result))
    end
    assert.same({ "invalid_request", false, false, false }, once { sent = true, status = 400 })
  end)

  it("makes again what was not: nothing left, or the server says that it took nothing", function()
    assert.same({ "network", true, false, true }, once { sent = false, error = { kind = "network" } })
    for status, kind in pairs { [408] = "timeout", [421] = "server", [429] = "rate_limited" } do
      assert.same({ kind, true, false, true }, once { sent = true, status = status })
    end
    assert.same({ "server", true, false, true },
      once { sent = true, status = 503, headers = { ["retry-after"] = "3" } })
    assert.same({ "rate_limited", true, false, true }, once({ sent = true, status = 500 }, { retry_after = 3 }))
  end)
end)
