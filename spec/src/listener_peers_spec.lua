-- The listener against clients that want too much, or are no clients at all.

local child = require "spec.support.child"
local listening = require "spec.support.listening"

local connect, listen, take = listening.connect, listening.listen, listening.take
local eventually = listening.eventually

describe("a listener", function()
  after_each(listening.close_all)

  describe("is not worn down:", function()
    it("a body at the limit passes, one byte more gets 413", function()
      local l = listen { max_body_bytes = 1000 }
      connect(l):request("POST", "/fits", nil, ("x"):rep(1000))
      assert.equal(1000, #take(l).body)
      local client = connect(l):request("POST", "/long", nil, ("x"):rep(1001))
      assert.equal(413, client:answer().status)
      assert.equal("", client:rest())
      assert.is_nil(l:take())
    end)

    it("a body announced far beyond the limit gets 413 before it is sent", function()
      local l = listen { max_body_bytes = 1000 }
      for _, length in ipairs { "5000000", "9223372036854775807", "18446744073709551615" } do
        local client = connect(l):request("POST", "/", { "Content-Length: " .. length })
        assert.equal(413, client:answer().status)
      end
      assert.is_nil(l:take())
    end)

    it("a chunked body is counted as it arrives", function()
      local l = listen { max_body_bytes = 1000 }
      local client = connect(l):request("POST", "/", { "Transfer-Encoding: chunked" })
      for _ = 1, 11 do client:send("64\r\n" .. ("x"):rep(100) .. "\r\n") end
      client:send("0\r\n\r\n")
      assert.equal(413, client:answer().status)
      assert.is_nil(l:take())
    end)

    it("an endless body is cut off", function()
      local l = listen { max_body_bytes = 1000 }
      local client = connect(l):request("POST", "/", { "Transfer-Encoding: chunked" })
      local chunk = "10000\r\n" .. ("x"):rep(65536) .. "\r\n"
      eventually("the connection to end", function()
        client:send(chunk)
        return client:pump()
      end)
      assert.is_nil(l:take())
    end)

    it("all bodies together have a bound, beyond it 503", function()
      local l = listen { max_body_bytes = 1000 }
      local clients = {}
      local refused = eventually("a refusal", function()
        clients[#clients + 1] = connect(l):request("POST", "/", nil, ("x"):rep(1000))
        for _, client in ipairs(clients) do
          if not client:silent() then return client end
        end
      end)
      assert.is_true(#clients > 64)
      local answer = refused:answer()
      assert.equal(503, answer.status)
      assert.equal("1", answer.headers["retry-after"])

      for _ = 1, 64 do take(l) end -- what is taken counts no more
      connect(l):request("POST", "/again", nil, ("x"):rep(1000))
      eventually("room again", function()
        local request = l:take()
        return request and request.path == "/again"
      end)
    end)

    it("endless headers get an error, not memory", function()
      local l = listen()
      local client = connect(l):send("GET / HTTP/1.1\r\nHost: test\r\n")
      local line = "X-Long: " .. ("x"):rep(1000) .. "\r\n"
      for _ = 1, 100 do client:send(line) end
      assert.truthy(client:rest():find("^HTTP/1.1 431"))
      assert.is_nil(l:take())
    end)

    it("a body whose end can be read in two ways is refused", function()
      local l = listen()
      for _, framing in ipairs {
        { "Transfer-Encoding: chunked", "Content-Length: 5" },
        { "Content-Length: 5", "transfer-encoding: chunked" },
        { "Content-Length: 5", "Content-Length: 5" },
        { "Transfer-Encoding: chunked", "Transfer-Encoding: chunked" },
        { "Transfer-Encoding: gzip, chunked" },
        { "Transfer-Encoding: identity" },
      } do
        local client = connect(l):request("POST", "/", framing):send("0\r\n\r\n")
        assert.equal(400, client:answer().status)
      end
      assert.is_nil(l:take())
    end)

    it("a header whose name is none, or that holds half the end of a line, is refused", function()
      local l = listen()
      for _, header in ipairs { "Content-Length\f: 3", "X\1: 3", "X\194\160: 3", "X(y): 3", "\"X\": 3",
        "X: a\rContent-Length: 3" } do
        local client = connect(l):request("POST", "/", { header })
        assert.equal(400, client:answer().status, header)
        assert.equal("", client:rest())
      end
      assert.is_nil(l:take())
    end)

    it("a method or a target that holds what neither may is refused", function()
      local l = listen()
      for _, line in ipairs { "P\1ST /", "P(ST /", "POST /a\rb", "POST /a\1", "POST /a\127", "POST /a\tb" } do
        local client = connect(l):send(line .. " HTTP/1.1\r\nHost: h\r\n\r\n")
        assert.equal(400, client:answer().status, line)
      end
      assert.is_nil(l:take())
    end)

    it("what is not HTTP is closed or refused", function()
      local l = listen()
      for _, text in ipairs {
        "\22\3\1\2\0\1\0\1\252\3\3\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: test\r\n\r\n", "GET / HTTP/1.1\r\nHost: test\r\nNo colon\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      } do
        local got = connect(l):send(text):rest()
        assert.is_true(got == "" or got:find("^HTTP/1.1 [45]%d%d") ~= nil, got)
      end
      assert.is_nil(l:take())
    end)

    it("by connections that say nothing: when all are taken, they make room", function()
      local output, code = child.run([[
        local socket = require "socket"
        local l = assert(require "runway.listener".listen {})
        local idle = {}
        for i = 1, 512 do idle[i] = assert(socket.connect("127.0.0.1", l:port())) end
        local client = assert(socket.connect("127.0.0.1", l:port()))
        client:send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        local deadline, request = socket.gettime() + 20
        repeat
          request = l:take()
          socket.select(nil, nil, 0.01)
        until request or socket.gettime() > deadline
        l:respond(request.id, { body = "served" })
        client:settimeout(20)
        print((client:receive("*l")))
      ]], { before = "ulimit -n 2048 &&" })
      assert.same({ "HTTP/1.1 200 OK", 0 }, { output, code })
    end)
  end)
end)
