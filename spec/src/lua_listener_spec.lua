-- The listener as its clients and its taker see it.

local child = require "spec.support.child"
local lfs = require "lfs"
local listener = require "runway.listener"
local listening = require "spec.support.listening"
local socket = require "socket"

local connect, listen, take = listening.connect, listening.listen, listening.take
local eventually = listening.eventually

describe("a listener", function()
  after_each(listening.close_all)

  describe("hands over a request", function()
    it("with its method, path, query, headers and an empty body", function()
      local l = listen()
      connect(l):request("GET", "/v1/tasks/7?deep=1", { "X-Runway-Version: 2024-11-06" })
      local request = take(l)
      assert.equal("integer", math.type(request.id))
      assert.same({
        id = request.id, method = "GET", path = "/v1/tasks/7", query = "deep=1", body = "",
        headers = { host = "test", ["x-runway-version"] = "2024-11-06" },
      }, request)
      assert.is_nil(l:take())
    end)

    it("with its target as it was sent, undecoded", function()
      local l = listen()
      connect(l):request("GET", "/a%20b/%2e%2e/+?q=%41&&x=a+b&y?=\200\255")
      local request = take(l)
      assert.equal("/a%20b/%2e%2e/+", request.path)
      assert.equal("q=%41&&x=a+b&y?=\200\255", request.query)
    end)

    it("with odd bytes in a header, and repeated headers joined", function()
      local l = listen()
      connect(l):request("GET", "/",
        { "X-Odd: \1\128\255", "X-Twice: a", "x-twice: b, c", "X-Empty:" })
      local headers = take(l).headers
      assert.equal("\1\128\255", headers["x-odd"])
      assert.equal("a, b, c", headers["x-twice"])
      assert.equal("", headers["x-empty"])
    end)

    it("with a binary body of a mebibyte, byte for byte", function()
      local l = listen()
      local bytes = {}
      for i = 0, 255 do bytes[i + 1] = string.char(i) end
      local body = table.concat(bytes):rep(4096)
      connect(l):request("POST", "/up", nil, body)
      local request = take(l)
      assert.equal(1048576, #request.body)
      assert.is_true(request.body == body)
    end)

    it("with a chunked body put together", function()
      local l = listen()
      connect(l):request("PUT", "/", { "Transfer-Encoding: chunked" })
        :send("3\r\na\0b\r\n"):send("a;ext=1\r\n0123456789\r\n"):send("0\r\nX-Trailer: no\r\n\r\n")
      local request = take(l)
      assert.equal("PUT", request.method)
      assert.equal("a\0b0123456789", request.body)
      assert.is_nil(request.headers["x-trailer"])
    end)

    it("only when it is whole", function()
      local l = listen()
      local first, second = connect(l), connect(l)
      first:send("POST /late HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n1")
      second:request("GET", "/early")
      assert.equal("/early", take(l).path)
      assert.is_nil(l:take())
      first:send("2")
      assert.equal("12", take(l).body)
    end)

    it("in the order they came, each with a byte to notify", function()
      local server = assert(socket.bind("127.0.0.1", 0))
      local writing = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      local reading = assert(server:accept())
      reading:settimeout(listening.patience)
      local l = listen { notify = writing:getfd() }
      for i = 1, 5 do
        connect(l):request("GET", "/" .. i)
        assert.equal(1, #assert(reading:receive(1)))
      end
      local ids = {}
      for i = 1, 5 do
        local request = l:take()
        assert.equal("/" .. i, request.path)
        assert.is_nil(ids[request.id])
        ids[request.id] = true
      end
      assert.is_nil(l:take())
      l:close()
      assert.equal(1, writing:send("x")) -- the descriptor is still the caller's
      for _, s in ipairs { server, writing, reading } do s:close() end
    end)
  end)

  describe("closes", function()
    it("as often as you like, and is quiet then", function()
      local l = listen()
      l:close()
      l:close()
      assert.is_nil(l:port())
      assert.is_nil(l:take())
      assert.is_false(l:respond(1, { body = "late" }))
    end)

    it("at once, with requests queued, taken, stalled and half sent", function()
      local l = listen()
      local clients = {}
      for i = 1, 20 do clients[i] = connect(l):request("GET", "/") end
      for i = 1, 10 do
        local request = take(l)
        if i > 5 then l:respond(request.id, { fault = "stall" }) end
      end
      clients[21] = connect(l):request("POST", "/", { "Content-Length: 9" }):send("half")
      clients[22] = connect(l)
      l:close()                               -- one that waited for them would never come back
      for _, client in ipairs(clients) do assert.equal("", client:rest()) end
    end)

    it("only after the answers already given have left", function()
      for _ = 1, 60 do -- a race, if it is one, is lost one time in fifteen
        local l = listen()
        local client = connect(l):request("GET", "/")
        l:respond(take(l).id, { body = ("x"):rep(30000) })
        l:close()
        assert.equal(30000, #client:answer().body)
      end
    end)

    it("frees its port", function()
      local l = listen()
      local port = l:port()
      connect(l):request("GET", "/")
      l:close()
      assert.equal(port, listen { port = port }:port())
    end)

    it("at the end of its scope and when it is collected, leaving nothing behind", function()
      if not lfs.attributes("/proc/self/fd") then return pending("needs /proc") end
      local function count(what)
        collectgarbage()
        collectgarbage()
        local n = 0
        for _ in lfs.dir("/proc/self/" .. what) do n = n + 1 end
        return n
      end
      local closing = load "local l <close> = ..."
      local fds, threads = count("fd"), count("task")
      for i = 1, 10 do
        local l = assert(listener.listen {})
        local client = connect(l):request("GET", "/")
        if i % 2 == 0 then
          take(l)
          if closing then closing(l) end
        end
        l = nil -- luacheck: ignore
        client:close()
      end
      assert.equal(fds, count("fd"))
      eventually("the threads to be gone", function() return count("task") == threads end)
    end)

    it("when a script ends without closing it", function()
      local output, code = child.run [[
        local l = assert(require "runway.listener".listen {})
        local c = assert(require "socket".connect("127.0.0.1", l:port()))
        c:send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        local request repeat request = l:take() until request
        l:respond(request.id, { fault = "slow", body = ("x"):rep(1000), every = 0.001 })
        print((c:receive("*l")))
      ]]
      assert.same({ "HTTP/1.1 200 OK", 0 }, { output, code })
    end)
  end)

  describe("opens", function()
    it("on 127.0.0.1 and a free port by default", function()
      local l = listen()
      assert.equal("integer", math.type(l:port()))
      assert.is_true(l:port() > 0)
    end)

    it("on IPv6", function()
      local l, message = listener.listen { host = "::1" }
      if not l then return pending(message) end
      finally(function() l:close() end)
      local client = connect(l, "::1"):request("GET", "/six")
      l:respond(take(l).id, { body = "6" })
      assert.equal("6", client:answer().body)
    end)

    it("or says why not", function()
      local port = listen():port()
      local l, message = listener.listen { port = port }
      assert.is_nil(l)
      assert.equal(("cannot listen on 127.0.0.1:%d: Address already in use"):format(port), message)
      assert.same({ nil, "cannot listen on 192.0.2.1:80: Cannot assign requested address", n = 2 },
        table.pack(listener.listen { host = "192.0.2.1", port = 80 }))
      for _, host in ipairs { "example.com", "", "256.1.1.1" } do
        message = select(2, listener.listen { host = host })
        assert.equal(
          ("cannot listen on %s:0: the host must be an IPv4 or IPv6 address"):format(host), message)
      end
      message = select(2, listener.listen { notify = 1000000 })
      assert.equal("cannot listen on 127.0.0.1:0: 'notify' is no open descriptor", message)
    end)

    it("or says that no descriptor is left, for whichever it wanted one", function()
      local said = child.run([[
        local listener, taken = require "runway.listener", {}
        repeat taken[#taken + 1] = io.open "/dev/null" until not io.open "/dev/null"
        for _ = 1, 3 do                       -- two for its bell, one to notify by
          print(select(2, listener.listen { notify = 1 }))
          table.remove(taken):close()
        end
      ]], { before = "ulimit -n 40;" })
      assert.equal(("cannot listen on 127.0.0.1:0: Too many open files\n"):rep(3), said .. "\n")
    end)
  end)

  describe("raises on misuse:", function()
    it("of listen", function()
      for wanted, options in pairs {
        ["unknown option 'prot'"] = { prot = 1 },
        ["option names are strings, not a number"] = { "127.0.0.1" },
        ["option 'port' must be an integer from 0 to 65535"] = { port = 65536 },
        ["option 'max_body_bytes' must be an integer from 0 to"] = { max_body_bytes = "1" },
        ["option 'notify' must be an integer from 0 to"] = { notify = 0.5 },
        ["option 'host' must be a string, not a number"] = { host = 127 },
        ["option 'host' holds a NUL byte"] = { host = "127.0.0.1\0" },
      } do
        assert.error_matches(function() listener.listen(options) end, wanted, 1, true)
      end
      assert.has_error(function() listener.listen("127.0.0.1") end)
    end)

    it("of respond, and the request can still be answered", function()
      local l = listen()
      local client = connect(l):request("GET", "/")
      local id = take(l).id
      for wanted, response in pairs {
        ["unknown option 'stauts'"] = { stauts = 200 },
        ["option 'status' must be an integer from 200 to 599"] = { status = 99 },
        ["option 'body' must be a string, not a table"] = { body = {} },
        ["unknown fault 'explode'"] = { fault = "explode" },
        ["option 'every' must be seconds"] = { fault = "slow", every = 0 / 0 },
        ["option 'chunk' must be an integer"] = { fault = "slow", chunk = 0 },
        ["'body' and 'file' exclude each other"] = { body = "", file = "x" },
        ["option 'headers' must be a table, not a string"] = { headers = "X: y" },
        ["header names are strings, not a number"] = { headers = { "X: y" } },
        ["header 'X' must be a string or number, not a boolean"] = { headers = { X = true } },
        ["header 'X-Split' cannot be sent"] = { headers = { ["X-Split"] = "a\r\nX-Other: b" } },
        ["header 'X-Bell' cannot be sent"] = { headers = { ["X-Bell"] = "a\7b" } },
        ["header 'X-Nul' cannot be sent"] = { headers = { ["X-Nul"] = "a\0b" } },
        ["header 'a b' cannot be sent"] = { headers = { ["a b"] = "c" } },
        ["header 'Content-Length' cannot be sent"] = { headers = { ["Content-Length"] = 3 } },
      } do
        assert.error_matches(function() l:respond(id, response) end, wanted, 1, true)
      end
      assert.has_error(function() l:respond("first", {}) end)
      assert.has_error(function() l:respond(id) end)
      assert.has_error(function() l.take({}) end)
      assert.is_true(l:respond(id, { body = "after all" }))
      assert.equal("after all", client:answer().body)
    end)
  end)
end)
