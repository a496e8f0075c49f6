-- The promise everything rests on: a paid POST reaches the wire at most once, and `sent` says
-- truly whether it did. The server counts; what libcurl says of itself is not evidence.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local lfs = require "lfs"
local rawserver = require "spec.support.rawserver"

local PAID = '{"promptText":"a lighthouse"}'

describe("a paid POST", function()
  local server

  setup(function() server = rawserver.start { tls = true } end)
  teardown(function() server:stop() end)

  local function pay(path, options)
    local request = {
      method = "POST", url = server:url(path), gate = true, body = PAID,
      headers = { ["Content-Type"] = "application/json" },
    }
    for name, value in pairs(options or {}) do request[name] = value end
    return exchange.run(request)
  end

  -- What every case below must leave behind: one request, whole, and `sent` true.
  local function assert_once(path, result)
    local seen = server:seen(path)
    assert.equal(1, #seen, path .. " was seen " .. #seen .. " times")
    assert.equal("POST", seen[1].method)
    assert.is_true(result.sent)
    return seen[1]
  end

  it("is sent whole, once, with what it was given", function()
    local result = pay "/echo?plain"
    assert.is_nil(result.error)
    assert.equal(200, result.status)
    assert.equal(PAID, result.body)
    local seen = assert_once("/echo?plain", result)
    assert.equal("application/json", seen.headers["content-type"])
    assert.equal(PAID, seen.body)
  end)

  describe("where libcurl repeats requests by itself", function()
    it("does not take a connection that may be dying", function()
      -- The trap works: on a reused connection that dies, libcurl sends a free request again.
      local url = server:url "/close-idle-reuse?free"
      exchange.run { url = url }
      assert.equal(200, exchange.run({ url = url }).status)
      local free = server:seen "/close-idle-reuse?free"
      assert.equal(3, #free)
      assert.equal(free[1].connection, free[2].connection)

      exchange.run { url = server:url "/close-idle-reuse?idle" }
      local result = pay "/close-idle-reuse?paid"
      assert.equal(200, result.status)
      local paid = assert_once("/close-idle-reuse?paid", result)
      assert.not_equal(server:seen("/close-idle-reuse?idle")[1].connection, paid.connection)
    end)

    it("does not take one to a proxy either", function()
      local through = { proxy = server:url "", allow_http = true }
      through.url = "http://api.example/close-idle-reuse?via"
      exchange.run { url = through.url, proxy = through.proxy, allow_http = true }
      assert.equal(200, pay("", through).status)
      local seen = server:seen "/close-idle-reuse?via"
      assert.same({ "GET", "POST" }, { seen[1].method, seen[2].method })
      assert.equal(2, #seen)
    end)

    it("takes a connection of its own each time", function()
      local taken = {}
      for _ = 1, 3 do pay "/ok?own" end
      for _, seen in ipairs(server:seen "/ok?own") do
        assert.is_nil(taken[seen.connection])
        taken[seen.connection] = true
      end
      exchange.run { url = server:url "/ok?shared" }
      exchange.run { url = server:url "/ok?shared" }
      local shared = server:seen "/ok?shared"
      assert.equal(shared[1].connection, shared[2].connection)
    end)

    it("leaves a connection behind for who asks after it, and no other where there is one", function()
      if not lfs.attributes("/proc/self/fd") then return pending("needs /proc") end
      local function descriptors()
        local n = 0
        for _ in lfs.dir("/proc/self/fd") do n = n + 1 end
        return n
      end
      local other = rawserver.start()
      finally(function() other:stop() end)
      local function pay_other(path)
        return exchange.run { method = "POST", url = other:url(path), gate = true, body = PAID }
      end
      pay "/ok"                               -- the engine has its own
      local before = descriptors()
      assert.equal(200, pay_other("/ok?first").status)
      assert.equal(before + 1, descriptors())
      for _ = 1, 5 do assert.equal(200, pay_other("/ok?more").status) end
      assert.equal(before + 1, descriptors())
      assert.equal(200, exchange.run({ url = other:url "/ok?asked" }).status)
      assert.equal(other:seen("/ok?first")[1].connection, other:seen("/ok?asked")[1].connection)
    end)

    it("follows no redirect, 307 and 308 included", function()
      for _, code in ipairs { 301, 302, 303, 307, 308 } do
        local path = ("/redirect?to=/ok/target&code=%d"):format(code)
        local result = pay(path)
        assert.is_nil(result.error)
        assert.equal(code, result.status)
        assert.equal(server:url "/ok/target", result.redirect)
        assert_once(path, result)
      end
      assert.equal(0, #server:seen "/ok/target" - #server:seen "to=/ok/target")
    end)

    it("survives a refused expectation without a second try", function()
      local body = ("x"):rep(2 * 1024 * 1024) -- above what makes libcurl ask first
      local result = pay("/417", { body = body })
      assert.equal(417, result.status)
      local seen = assert_once("/417", result)
      assert.is_nil(seen.headers.expect)
      assert.equal(#body, seen.length)
    end)

    it("is not repeated for an expectation of the caller's own either", function()
      -- libcurl answers the 417 by starting over, without end; only the gate stops it.
      local expecting = { headers = { Expect = "100-continue" }, timeout = 1 }
      assert_once("/417?paid", pay("/417?paid", expecting))
    end)

    it("begins no authentication round", function()
      for _, scheme in ipairs { "Basic", 'Digest realm="a", nonce="b"', "Negotiate", "NTLM" } do
        local path = "/status/401?www=" .. scheme:gsub("[^%w]", function(char)
          return ("%%%02x"):format(char:byte())
        end)
        local result = pay(path)
        assert.equal(401, result.status)
        assert_once(path, result)
      end
    end)

    it("is not repeated for a status that invites it", function()
      for _, status in ipairs { 408, 413, 421, 425, 429, 500, 502, 503, 504, 520 } do
        local path = ("/status/%d?retry_after=0"):format(status)
        local result = pay(path)
        assert.is_nil(result.error)
        assert.equal(status, result.status)
        assert.equal("0", result.headers["retry-after"])
        assert_once(path, result)
      end
    end)
  end)

  describe("whose answer never comes", function()
    local function loses(path, kind, options)
      local result = pay(path, options)
      assert.is_table(result.error, path .. " was not noticed")
      assert.equal(kind, result.error.kind)
      assert.is_string(result.error.message)
      assert.is_string(result.error.code)
      assert_once(path, result)
      return result
    end

    it("counts as sent when the connection is reset", function()
      loses("/reset-after-request", "network")
    end)

    it("counts as sent when the connection is closed", function()
      loses("/close-before-answer", "network")
    end)

    it("counts as sent when the answer breaks off", function()
      local result = loses("/short-body", "network")
      assert.equal(200, result.status)
      loses("/reset-mid-body", "network")
      loses("/chunk-cut", "network")
    end)

    it("counts as sent when the answer is not HTTP", function()
      loses("/garbage", "protocol")
      loses("/http09", "protocol")
      loses("/bad-status", "protocol")
      loses("/status-0", "protocol")
      assert.equal("ok", loses("/status-2", "protocol").body)
      loses("/status-1000", "protocol")
    end)

    it("counts as sent when the time is up", function()
      loses("/hang", "timeout", { timeout = 0.3 })
      loses("/slow-header", "timeout", { timeout = 0.3 })
      loses("/1xx-forever?pause=0.02", "timeout", { timeout = 0.3 })
      loses("/stall-mid-body", "timeout", { timeout = 0.3 })
    end)

    it("counts as sent when no one reads it", function()
      local before = server:connected "deaf"
      local result = pay("/", { url = server:url("/", "deaf"), timeout = 0.3 })
      assert.equal("timeout", result.error.kind)
      assert.is_true(result.sent)
      assert.equal(before + 1, server:connected "deaf")
    end)

    it("counts as not sent when not all of it had left", function()
      local result = pay("/", { url = server:url("/", "deaf"), timeout = 0.3, body = ("x"):rep(64 * 1024 * 1024) })
      assert.equal("timeout", result.error.kind)
      assert.is_false(result.sent)
    end)

    -- More of it waits in the kernel of either side than a server has read; as little as can be.
    it("counts as not sent when the connection goes in the middle of it", function()
      for at, size in pairs { [100000] = 600000, [1000000] = 2000000, [3000000] = 5242880 } do
        for _, listener in ipairs { "plain", "good" } do
          local path = ("/cut?at=%d&by=%s"):format(at, listener)
          local result = pay("", { url = server:url(path, listener), body = ("x"):rep(size), ca_file = server.ca_file })
          assert.equal("network", result.error.kind)
          assert.equal("closed", result.error.code)
          assert.is_false(result.sent, path)
          assert.equal(1, #server:seen(path))
        end
      end
    end)

    it("counts as sent when the connection goes after all of it", function()
      local body = ("x"):rep(600000)
      local path = "/cut?at=" .. #body
      local result = pay(path, { body = body })
      assert.equal("network", result.error.kind)
      assert_once(path, result)
    end)

    it("counts as sent when the answer is too large to keep", function()
      loses("/chunked-forever", "limit", { max_body_bytes = 10000 })
      loses("/header-flood", "limit")
    end)

    it("counts as sent when it is cancelled on the way", function()
      local id = exchange.start {
        method = "POST", url = server:url "/hang?cancel", gate = true, body = PAID,
      }
      exchange.until_true(function() return #server:seen "/hang?cancel" == 1 end, "the request")
      core.cancel(id)
      local result = exchange.finish(id)
      assert.equal("cancelled", result.error.kind)
      assert_once("/hang?cancel", result)
    end)
  end)

  describe("that never left", function()
    local function stays(kind, options)
      local result = pay("/", options)
      assert.is_table(result.error)
      assert.equal(kind, result.error.kind)
      assert.is_false(result.sent)
      assert.is_nil(result.status)
      return result.error
    end

    it("is unsent when no one listens", function()
      assert.equal("connect", stays("network", { url = server:url("/", "closed") }).code)
    end)

    it("is unsent when the name does not exist", function()
      local result = pay("/", { url = "https://nowhere.invalid/", timeout = 5 })
      assert.is_false(result.sent)
      assert.is_true(result.error.kind == "network" or result.error.kind == "timeout")
    end)

    it("is unsent when the TLS handshake gets no answer", function()
      local url = server:url("/", "deaf"):gsub("^http:", "https:")
      stays("timeout", { url = url, connect_timeout = 0.3 })
      stays("timeout", { url = url, timeout = 0.3 })
    end)

    it("is unsent when the server speaks no TLS", function()
      stays("network", { url = server:url("/", "quiet"):gsub("^http:", "https:") })
    end)

    it("is unsent when the proxy refuses", function()
      for _, status in ipairs { 407, 502 } do
        local host = ("status-%d.example:443"):format(status)
        local problem = stays("network", { url = "https://" .. host .. "/", proxy = server:url "" })
        assert.equal("proxy", problem.code)
        local seen = server:seen(host)
        assert.equal(1, #seen)
        assert.equal("CONNECT", seen[1].method)
      end
    end)

    it("is unsent when the proxy is not there", function()
      stays("network", { url = "https://api.example/", proxy = server:url("", "closed") })
    end)

    it("is unsent when it was cancelled while it stood in line", function()
      local function queue(path)
        return exchange.start { method = "POST", url = server:url(path), gate = true, body = PAID,
                                lane = 3, lane_limit = 1 }
      end
      local first, second = queue "/hang?first", queue "/ok?second"
      exchange.until_true(function() return #server:seen "/hang?first" == 1 end, "the first")
      core.cancel(second)
      local result = exchange.finish(second)
      assert.equal("cancelled", result.error.kind)
      assert.is_false(result.sent)
      core.cancel(first)
      exchange.finish(first)
      assert.equal(0, #server:seen "/ok?second")
    end)
  end)

  it("is told truly of when the connection is reset at once", function()
    local before = server:connected "reset"
    local result = pay("/", { url = server:url("/", "reset") })
    assert.equal("network", result.error.kind)
    assert.is_boolean(result.sent) -- the reset may come before the connection is seen to stand
    assert.equal(before + 1, server:connected "reset")
  end)

  it("keeps what is known of an answer without a body", function()
    for _, path in ipairs { "/empty", "/status/204" } do
      local result = pay(path)
      assert.is_nil(result.error)
      assert.equal("", result.body)
      assert_once(path, result)
    end
  end)

  it("hears a refusal that comes before the body was read", function()
    local result = pay("/refuse-early", { body = ("x"):rep(8 * 1024 * 1024) })
    assert.equal(413, result.status)
    assert_once("/refuse-early", result)
  end)

  it("is counted alone among many at once", function()
    local ids, bodies = {}, {}
    for index = 1, 60 do
      local path = index % 3 == 0 and "/reset-after-request?many" or "/ok?many"
      ids[index] = exchange.start {
        method = "POST", url = server:url(path), gate = true, body = "shot " .. index,
      }
    end
    for _, id in ipairs(ids) do assert.is_true(exchange.finish(id).sent) end
    for _, seen in ipairs(server:seen "?many") do
      assert.is_nil(bodies[seen.body], seen.body .. " was sent twice")
      bodies[seen.body] = true
    end
    for index = 1, 60 do assert.is_true(bodies["shot " .. index]) end
  end)
end)
