-- Where a request may lead: which URLs, which addresses, through which proxy. The listener named
-- "quiet" is met by no other kind of spec, so that a connection to it is one that was made here.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("where a request leads", function()
  local server, quiet

  setup(function()
    server = rawserver.start()
    quiet = server.ports.quiet
  end)
  teardown(function() server:stop() end)

  local function get(url, options)
    local request = { url = url, timeout = 5 }
    for name, value in pairs(options or {}) do request[name] = value end
    return exchange.run(request)
  end

  -- Refused by what core.start sees or by what the connection meets; either way no one was called.
  local function assert_refused(url, options)
    local request = { method = "GET", url = url, timeout = 5 }
    for name, value in pairs(options or {}) do request[name] = value end
    local before = server:connected "quiet" + server:connected "quiet6"
    local id, message, kind = core.start(request)
    local sent = false
    if id then
      local result = exchange.finish(id)
      assert.is_table(result.error, url .. " was not refused")
      kind, message, sent = result.error.kind, result.error.message, result.sent
      assert.is_true(result.error.permanent, url .. " might be tried again")
      assert.is_nil(result.status)
    end
    assert.equal("invalid_request", kind, url .. ": " .. tostring(message))
    assert.is_string(message)
    assert.is_false(sent)
    local after = server:connected "quiet" + server:connected "quiet6"
    assert.equal(before, after, url .. " was called")
    return message
  end

  describe("by its URL", function()
    it("is http or https and nothing else", function()
      for _, url in ipairs {
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "ws://example.org/",
        "dict://example.org/", "data:text/plain,hello", "javascript:alert(1)", "example.org/",
        "//example.org/", "/v1/tasks", "", "http:/example.org", "https://", "http://:80/",
      } do
        assert_refused(url)
      end
    end)

    it("carries no user name or password", function()
      local message = assert_refused("http://me:secret@127.0.0.1:" .. quiet .. "/")
      assert.is_nil(message:find("secret", 1, true))
      assert_refused("http://me@127.0.0.1:" .. quiet .. "/")
      assert_refused("https://api.example%40127.0.0.1:" .. quiet .. "@127.0.0.1/")
    end)

    it("holds no space and no control character", function()
      for _, bad in ipairs { "\r\n", "\n", "\r", "\0", "\t", " ", "\27", "\127" } do
        assert_refused("http://127.0.0.1:" .. quiet .. "/a" .. bad .. "b")
        assert_refused("http://127.0.0.1" .. bad .. ":" .. quiet .. "/")
      end
      assert_refused("http://127.0.0.1:" .. quiet .. "/ HTTP/1.1\r\nX-Injected: yes\r\n\r\n")
    end)

    it("names a port that exists", function()
      assert_refused "http://127.0.0.1:99999/"
      assert_refused "http://127.0.0.1:-1/"
    end)
  end)

  describe("without TLS", function()
    it("is this machine, by any of its names", function()
      for _, host in ipairs { "127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f000001" } do
        local result = get(("http://%s:%d/ok"):format(host, server.port))
        assert.equal(200, result.status, host)
      end
      if server.ports.plain6 then
        assert.equal(200, get(("http://[::1]:%d/ok"):format(server.ports.plain6)).status)
      end
    end)

    it("is nowhere else unless allowed", function()
      for _, host in ipairs { "192.0.2.1", "10.0.0.1", "[2001:db8::1]", "a.example", "0.0.0.0" } do
        assert_refused(("http://%s:%d/"):format(host, quiet))
      end
    end)

    it("is no loopback because a name was pinned there", function()
      local pinned = { ["api.example:" .. quiet] = "127.0.0.1" }
      local url = "http://api.example:" .. quiet .. "/ok"
      assert_refused(url, { resolve = pinned })
      assert.equal(200, get(url, { resolve = pinned, allow_http = true }).status)
    end)

    it("is not elsewhere because localhost was pinned there", function()
      assert_refused("http://localhost:" .. quiet .. "/",
        { resolve = { ["localhost:" .. quiet] = "192.0.2.1" } })
    end)
  end)

  describe("when only public addresses will do", function()
    local function assert_private(host, options)
      options = options or {}
      options.address = options.address or "public"
      options.allow_http = true
      assert_refused(("http://%s:%d/ok"):format(host, quiet), options)
    end

    it("is not this machine, however it is written", function()
      for _, host in ipairs {
        "127.0.0.1", "127.255.255.254", "localhost", "127.1", "0x7f000001", "2130706433",
        "017700000001", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
        "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
      } do
        assert_private(host)
      end
    end)

    it("is not a private network", function()
      for _, host in ipairs {
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "198.18.0.1", "192.0.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[ff02::1]", "[fec0::1]", "[2001:db8::1]",
        "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::a00:1]", "[2002:a00:1::]",
        "[64:ff9b:1::808:808]", "[64:ff9b:0:1::808:808]", "[::8.8.8.8]", "[::ffff:0:8.8.8.8]", "[2001::1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[3fff::1]", "[100::1]", "[5f00::1]", "[fec0::1]",
      } do
        assert_private(host)
      end
    end)

    it("is not what a public name was made to mean", function()
      assert_private("clips.example", { resolve = { ["clips.example:" .. quiet] = "127.0.0.1" } })
      assert_private("clips.example", { resolve = { ["clips.example:" .. quiet] = "10.0.0.1" } })
    end)

    it("is not a connection that an earlier request left open", function()
      local name = { ["rebound.example:" .. quiet] = "127.0.0.1" }
      local url = "http://rebound.example:" .. quiet .. "/ok"
      assert.equal(200, get(url, { resolve = name, allow_http = true }).status)
      assert_private("rebound.example", { resolve = name })
    end)

    it("may be one that a gateway takes out of an IPv6 address", function()
      for _, host in ipairs { "[64:ff9b::808:808]", "[2002:808:808::1]", "[::ffff:8.8.8.8]", "[2606:4700::1]" } do
        local target = host .. ":449"
        exchange.run { url = "https://" .. target .. "/", proxy = server:url "", address = "public" }
        assert.equal(1, #server:seen(target), host)
      end
    end)

    it("is not this machine by way of a gateway, even when this machine will do", function()
      for _, host in ipairs { "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "[64:ff9b:1::7f00:1]" } do
        assert_private(host, { address = "loopback_or_public" })
        assert_refused(("http://%s:%d/"):format(host, quiet))
      end
    end)

    it("may still be this machine when the user's own server is there", function()
      local result = get("http://127.0.0.1:" .. quiet .. "/ok", { address = "loopback_or_public" })
      assert.equal(200, result.status)
      assert_private("10.0.0.1", { address = "loopback_or_public" })
      assert_private("169.254.169.254", { address = "loopback_or_public" })
      assert_private("0.0.0.0", { address = "loopback_or_public" })
    end)
  end)

  describe("by a pinned name", function()
    it("is the address of this request, not of one before", function()
      local url = "http://pinned.invalid:" .. quiet .. "/ok"
      local function pinned(address)
        local resolve = address and { ["pinned.invalid:" .. quiet] = address }
        return get(url, { allow_http = true, timeout = 2, resolve = resolve })
      end
      assert.equal(200, pinned("127.0.0.1").status)
      for _, address in ipairs { false, "127.0.0.2" } do -- no one listens at the second
        local result = pinned(address)
        assert.is_table(result.error, "the pin outlived its request")
        assert.is_false(result.sent)
      end
      assert.equal(200, pinned("127.0.0.1").status)
    end)
  end)

  describe("through a proxy", function()
    it("is for the proxy to find", function()
      local url = "http://api.example/ok?proxied"
      local result = get(url, { proxy = server:url "", allow_http = true })
      assert.equal(200, result.status)
      assert.equal(url, server:seen("?proxied")[1].target)
    end)

    it("is still no private address that the URL spells out", function()
      for _, host in ipairs { "169.254.169.254", "10.0.0.1", "[::1]", "0x7f000001", "[fd00::1]" } do
        assert_refused("https://" .. host .. ":447/", { proxy = server:url "", address = "public" })
      end
      assert.equal(0, #server:seen ":447")
    end)

    it("is still not plain http to elsewhere", function()
      assert_refused("http://api.example/refused", { proxy = server:url "" })
      assert.equal(0, #server:seen "/refused")
    end)
  end)

  describe("by a redirect", function()
    it("is told as an absolute URL, and not gone to", function()
      local base = server:url ""
      for to, target in pairs {
        ["/next"] = base .. "/next",
        ["next?a=b"] = base .. "/next?a=b",
        ["//127.0.0.1:1/x"] = "http://127.0.0.1:1/x",
        ["https://cdn.example/x"] = "https://cdn.example/x",
        ["http://169.254.169.254/latest"] = "http://169.254.169.254/latest",
      } do
        local result = get(server:url("/redirect?code=302&to=" .. to:gsub("[?=&]", {
          ["?"] = "%3f", ["="] = "%3d", ["&"] = "%26" })))
        assert.is_nil(result.error)
        assert.equal(302, result.status)
        assert.equal(target, result.redirect)
      end
    end)

    it("to another scheme is nothing that core.start would take", function()
      for _, to in ipairs { "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/" } do
        local result = get(server:url("/redirect?code=302&to=" .. to))
        assert.equal(302, result.status)
        if result.redirect then assert_refused(result.redirect) end
      end
    end)

    it("is none on an answer that only looks like one", function()
      assert.is_nil(get(server:url "/status/200?location=/elsewhere").redirect)
    end)
  end)
end)
