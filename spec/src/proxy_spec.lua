-- Proxies: which one the environment names for a host, what can be one, and what is shown of it.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local socket = require "socket"

describe("a proxy", function()
  local server

  setup(function() server = rawserver.start { tls = true } end)
  teardown(function() server:stop() end)

  describe("of the environment", function()
    -- Each host is pinned to our server, and the proxy is a port at which no one listens: 200 is
    -- an answer without the proxy.
    local PROGRAM = [[
      local core = require "runway.core"
      local port = select(1, ...)
      for i = 2, select("#", ...) do
        local host = select(i, ...)
        local url = "http://" .. host .. ":" .. port .. "/ok"
        local plain = host:find "^%d" and core.url(url).host or host
        local id, why = core.start { method = "GET", url = url, timeout = 10, allow_http = true,
          resolve = { [plain .. ":" .. port] = "127.0.0.1" } }
        local taken, result = nil, { error = { code = why } }
        while id and not taken do
          core.wait(10)
          taken, result = core.take()
        end
        print(result.status == 200 and "straight" or result.error.code == "connect" and "proxy" or result.error.code)
      end
    ]]

    -- Which way each host goes: "straight" or "proxy".
    local function ways(environment, hosts)
      local arguments = { tostring(server.port), table.unpack(hosts) }
      local output = child.run(PROGRAM, {
        before = "http_proxy=http://127.0.0.1:" .. server.ports.closed .. " " .. environment,
        arguments = arguments,
      })
      local found = {}
      for word in output:gmatch "[^\n]+" do found[#found + 1] = word end
      return found
    end

    local function check(list, straight, proxied)
      local hosts, expected = {}, {}
      for _, host in ipairs(straight) do
        hosts[#hosts + 1], expected[#expected + 1] = host, host .. " straight"
      end
      for _, host in ipairs(proxied) do
        hosts[#hosts + 1], expected[#expected + 1] = host, host .. " proxy"
      end
      local found = ways("NO_PROXY='" .. list .. "'", hosts)
      for i, host in ipairs(hosts) do found[i] = host .. " " .. tostring(found[i]) end
      assert.same(expected, found, "NO_PROXY=" .. list)
    end

    it("is not for a name in NO_PROXY, nor for one below it", function()
      check("a.test", { "a.test", "b.a.test", "A.TEST", "a.test." }, { "ba.test", "test", "a.test.b" })
      check(".a.test", { "a.test", "b.a.test" }, { "ba.test" })
      check("a.test.", { "a.test", "b.a.test." }, { "ba.test" })
      check("b.test,  a.test c.test\t,d.test,", { "a.test", "b.test", "c.test", "d.test" }, { "e.test" })
    end)

    it("is for no one when NO_PROXY is *", function()
      check("*", { "a.test", "10.1.2.3", "[fd12::1]" }, {})
      check("a.test,*", { "b.test" }, {})
      check("*.test", {}, { "a.test" })
    end)

    it("is not for an address or a network in NO_PROXY", function()
      check("10.1.2.3", { "10.1.2.3", "0x0a.1.2.3", "10.1.515" }, { "10.1.2.4", "10.1.2.3.test" })
      check("10.0.0.0/8", { "10.1.2.3", "10.255.255.255" }, { "11.0.0.1", "9.255.255.255", "a.test" })
      check("10.1.2.128/25", { "10.1.2.200" }, { "10.1.2.127" })
      check("10.1.2.3/32,192.0.2.0/24", { "10.1.2.3", "192.0.2.77" }, { "10.1.2.2" })
      check("fd00::/8", { "[fd12::1]" }, { "[fe12::1]", "10.1.2.3" })
      check("[fd12:0::1]", { "[fd12::1]" }, { "[fd12::2]" })
      check("fd12::/15", { "[fd12::1]", "[fd13::1]" }, { "[fd14::1]" })
      check("[fd12::]/16", { "[fd12::1]" }, { "[fd13::1]" })
      check("[fd12::/16]", { "[fd12::1]" }, { "[fd13::1]" })
    end)

    it("is not for an address because its end stands there", function()
      check("2.3,.1.2.3,1.2.3", {}, { "10.1.2.3" })
    end)

    it("is not for a name, address or network with the port of the request", function()
      local port = tostring(server.port)
      for _, entry in ipairs { "a.test", ".test", "10.1.2.3", "10.0.0.0/8", "[fd12::1]", "[fd00::/8]" } do
        local host = entry:find "test" and "a.test" or entry:find "10" and "10.1.2.3" or "[fd12::1]"
        check(entry .. ":" .. port, { host }, {})
        check(entry .. ":1", {}, { host })
      end
    end)

    it("is for everyone else, whatever nonsense stands there", function()
      for _, list in ipairs {
        "10.0.0.0/33", "10.0.0.0/-8", "10.0.0.0/x", "10.0.0.0/", "10.0.0.0/0", "10/8", "/8", "/", ":", "::", "[",
        "]", "[]",
        "[10.1.2.3", "[fd12::1", "fd12::/129", "fd12::/999999999999999999999", "10.1.2.3/32/32", "10.1.2.3:",
        "a.test:",
        "a.test:99999999999999999999", "a.test:-1", "a.test/8", ".", "..", ",,,", "**", "http://a.test",
        ("a"):rep(5000), (",a"):rep(5000), ("10.1.2.3/"):rep(500), "%s%n", "]:80", "[]:80", "[fd12::1]x", "a.test..",
      } do
        check(list, {}, { "a.test", "10.1.2.3", "[fd12::1]" })
      end
    end)

    it("is never for this machine", function()
      local hosts = { "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "a.localhost", "127.1", "0x7f000001" }
      local expected = {}
      for i in ipairs(hosts) do expected[i] = "straight" end
      assert.same(expected, ways("", hosts))
    end)

    it("is told by the name of its variable when it cannot be one", function()
      local program = [[
        print(require "runway.core".start { method = "GET", url = "https://api.test/" })
      ]]
      for _, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
        local output = child.run(program, { before = variable .. "='http://me:hunter2 x@h:1'" })
        assert.matches("^nil\t" .. variable .. " ", output)
        assert.matches("invalid_request$", output)
        assert.is_nil(output:find("hunter", 1, true))
      end
    end)
  end)

  describe("named for a request", function()
    it("is not asked for localhost", function()
      for _, host in ipairs { "localhost", "localhost.", "LOCALHOST", "a.localhost", "loc%61lhost", "ⓛocalhost" } do
        local result = exchange.run { url = ("http://%s:%d/ok?near"):format(host, server.port),
          proxy = server:url "" }
        assert.equal(200, result.status, host)
        local id, message = core.start {
          method = "GET", url = "https://" .. host .. ":447/", proxy = server:url "", address = "public",
        }
        if id then message = exchange.finish(id).error.message end
        assert.matches("private network or this machine", message)
      end
      assert.equal(0, #server:seen ":447")
      for _, seen in ipairs(server:seen "?near") do assert.equal("/ok?near", seen.target) end
    end)

    it("is not asked for a private address that is spelled oddly", function()
      for _, host in ipairs {
        "127.0.0.1.", "0x7f%2e1", "１２７.０.０.１", "0x7f。1", "10.0.0.1.", "[::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
      } do
        local id, message = core.start {
          method = "GET", url = "https://" .. host .. ":448/", proxy = server:url "", address = "public",
        }
        if id then message = exchange.finish(id).error.message end
        assert.matches("private network or this machine", message, 1, false)
      end
      assert.equal(0, #server:seen ":448")
    end)

    it("that refuses is told by its name without a password, and for good", function()
      for status, permanent in pairs {
        [302] = true, [307] = true, [400] = true, [401] = true, [403] = true, [405] = true, [407] = true, [408] = false,
        [429] = false, [500] = false, [501] = true, [502] = false, [503] = false, [504] = false, [505] = true,
        [511] = true,
      } do
        local result = exchange.run {
          url = ("https://status-%d.example/"):format(status),
          proxy = ("http://me:hunter2@127.0.0.1:%d"):format(server.port),
        }
        assert.equal("proxy", result.error.code)
        assert.equal(permanent, result.error.permanent, status)
        assert.is_false(result.sent)
        assert.is_nil(result.error.message:find("hunter", 1, true))
        if permanent then
          assert.matches(("http://127.0.0.1:%d"):format(server.port), result.error.message, 1, true)
        end
      end
    end)

    it("that speaks no TLS where it should is told so, for good", function()
      for _, scheme in ipairs { "https", "HTTPS" } do
        local result = exchange.run {
          url = "https://api.example/", proxy = ("%s://me:hunter2@127.0.0.1:%d"):format(scheme, server.port),
        }
        assert.same({ "proxy", true, false }, { result.error.code, result.error.permanent, result.sent })
        assert.matches("does not speak TLS", result.error.message)
        assert.is_nil(result.error.message:find("hunter", 1, true))
      end
    end)

    it("of SOCKS that will never take it is told so, for good", function()
      local socks = assert(socket.bind("127.0.0.1", 0))
      socks:settimeout(10)
      local function ask(user, answers, host)
        local id = exchange.start {
          url = "https://" .. (host or "api.example") .. "/",
          proxy = ("socks5h://%s@127.0.0.1:%d"):format(user, (select(2, socks:getsockname()))),
        }
        local peer = assert(socks:accept())
        peer:settimeout(10)
        for _, one in ipairs(answers) do
          assert(peer:receive(one.after))
          peer:send(one.say)
        end
        local e = exchange.finish(id).error
        peer:close()
        assert.is_nil(e.message:find("hunter", 1, true))
        return e
      end
      -- the client's greeting, of which the second byte counts the ways it offers; then name and password
      local OFFER = { after = 4, say = "\5\2" }
      for what, e in pairs {
        ["the right user name"] = ask("me:hunter2", { OFFER, { after = 3 + 2 + 7, say = "\1\1" } }),
        ["user name and"] = ask("me:" .. ("hunter2"):rep(50), { OFFER }),
        ["name and password"] = ask(("u"):rep(300) .. ":hunter2", { OFFER }),
        ["refuses to lead there"] = ask("me:hunter2", { OFFER, { after = 3 + 2 + 7, say = "\1\0" },
          { after = 4 + 1 + 11 + 2, say = "\5\2\0\1\0\0\0\0\0\0" } }),
      } do
        assert.same({ "proxy", true }, { e.code, e.permanent }, what)
        assert.matches(what, e.message, 1, true)
      end
      socks:close()
    end)

    it("that no one listens at is named, without a password", function()
      for _, scheme in ipairs { "http", "socks5h" } do
        local result = exchange.run {
          url = "https://api.example/", proxy = ("%s://me:hunter2@127.0.0.1:%d"):format(scheme, server.ports.closed),
        }
        assert.is_false(result.sent)
        assert.matches(("through %s://127.0.0.1:%d"):format(scheme, server.ports.closed), result.error.message, 1, true)
        assert.is_nil(result.error.message:find("hunter", 1, true))
      end
    end)

    it("over TLS is trusted by the same authority as the server", function()
      local proxy = server:url("", "good")
      local through = { url = "http://api.example/ok?tls", proxy = proxy, allow_http = true,
        ca_file = server.ca_file }
      assert.equal(200, exchange.run(through).status)
      through.ca_file = nil
      local result = exchange.run(through)
      assert.equal("tls", result.error.code)
      assert.is_true(result.error.permanent)
      for _, listener in ipairs { "wrong_host", "expired", "self_signed" } do
        through.proxy, through.ca_file = server:url("", listener), server.ca_file
        assert.is_table(exchange.run(through).error, listener)
      end
    end)
  end)

  describe("as a text", function()
    local SECRET = "hunter2"

    it("is shown as scheme, host and port", function()
      for text, shown in pairs {
        ["http://h:3128"] = "http://h:3128", ["h:3128"] = "http://h:3128", ["h"] = "http://h",
        ["me:hunter2@h:3128"] = "http://h:3128", ["http://me:hunter2@h:3128/"] = "http://h:3128",
        ["HTTP://me:hunter2@h"] = "http://h", ["https://:hunter2@h:443"] = "https://h:443",
        ["socks4a://h:1"] = "socks4a://h:1", ["socks5h://me:hunter2@[::1]:1080"] = "socks5h://[::1]:1080",
        ["http://me:hunter2%20x%40y%2Fz@h:1"] = "http://h:1", ["http://hunter2%zz@h"] = "http://h",
        ["http://h:3128/proxy.pac"] = "http://h:3128", ["http://me:hun\\ter2@h"] = "http://h",
        ["http://hunter2é:é@h"] = "http://h",
      } do
        assert.equal(shown, core.proxy(text), text)
      end
      assert.equal("the proxy", core.proxy "")
    end)

    it("that cannot be one is refused, and none of it is shown", function()
      for _, text in ipairs {
        "http://me:hunter2 x@h:3128", "http://me:hunter2\n@h", "http://me:hunter2@h\t", " http://h",
        "http://me:hunter2@h:99999",
        "me:hun@ter2@h:99999", "http://me:hunter2@h:0", "http://me:hunter2@h:-1", "http://me:hunter2@h:x",
        "http://me:hunter2@h:1:2",
        "http://me:hun/ter2@h:1", "http://me:12/hunter2@h:1", "http://me:12#hunter2@h:1", "http://me:12?hunter2@h:1",
        "http://me:hun@ter2@h:1", "http://me:hunter2@", "http://", "http://@", "//me:hunter2@h",
        "foo://me:hunter2@h:1",
        "ftp://hunter2@h", "file:///hunter2", "ftp.hunter2:3128", "http://me:hunter2@[::1", "http://me:hunter2@h\\x",
        "http://me:hunter2%00@h", "http://me:hunter2%0d%0ax@h", "http://hunter2%0a@h", "http://me:hunter2\0@h",
        "://hunter2",
        "http://me:" .. ("hunter2"):rep(1000) .. "@h", "http://me:hunter2@" .. ("h"):rep(5000), "\127hunter2",
      } do
        local shown, why = core.proxy(text)
        assert.is_nil(shown, text)
        assert.is_string(why, text)
        for _, piece in ipairs { SECRET, "hun", "ter2", "me:" } do
          assert.is_nil(why:find(piece, 1, true), text)
        end
        if not text:find "%z" then
          local id, message, kind = core.start { method = "GET", url = "https://api.test/", proxy = text }
          assert.is_nil(id, text)
          assert.equal("invalid_request", kind)
          assert.is_nil(message:find("hun", 1, true), message)
        end
      end
    end)
  end)
end)
