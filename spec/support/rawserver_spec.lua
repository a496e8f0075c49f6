-- The test server itself: what it claims to do wrong, it does, seen with luasocket alone.

local rawserver = require "spec.support.rawserver"
local socket = require "socket"

describe("the misbehaving test server", function()
  local server

  setup(function() server = rawserver.start { tls = true } end)
  teardown(function() server:stop() end)

  local function connect(listener)
    local peer = assert(socket.connect("127.0.0.1", server.ports[listener or "plain"]))
    peer:settimeout(5)
    return peer
  end

  local function ask(peer, path, body)
    peer:send(("%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s"):format(
      body and "POST" or "GET", path, #(body or ""), body or ""))
  end

  local function answer(peer)
    local status = peer:receive("*l")
    local length
    repeat
      local line = peer:receive("*l")
      length = line and line:match("^Content%-Length: (%d+)") or length
    until not line or line == ""
    return status, length and peer:receive(tonumber(length))
  end

  it("answers, keeps the connection, and logs what it was sent", function()
    local peer = connect()
    ask(peer, "/echo?first", "a\0b\r\n\"")
    assert.same({ "HTTP/1.1 200 Whatever", "a\0b\r\n\"" }, { answer(peer) })
    ask(peer, "/status/503?retry_after=7&body=busy")
    assert.same({ "HTTP/1.1 503 Whatever", "busy" }, { answer(peer) })

    local first = server:seen("/echo?first")[1]
    assert.equal("POST", first.method)
    assert.equal("a\0b\r\n\"", first.body)
    assert.equal(5 + 1, first.length)
    assert.equal("test", first.headers.host)
    assert.equal(first.connection, server:seen("/status/503")[1].connection)
    peer:close()
  end)

  it("reads a chunked body", function()
    local peer = connect()
    peer:send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "3\r\nabc\r\na;ext=1\r\n0123456789\r\n0\r\n\r\n")
    assert.same({ "HTTP/1.1 200 Whatever", "abc0123456789" }, { answer(peer) })
    peer:close()
  end)

  it("closes a reused connection without an answer, and counts that request", function()
    local peer = connect()
    ask(peer, "/close-idle-reuse")
    assert.equal("HTTP/1.1 200 Whatever", (answer(peer)))
    ask(peer, "/close-idle-reuse", "pay")
    assert.is_nil((answer(peer)))
    local seen = server:seen("/close-idle-reuse")
    assert.same({ "GET", "POST" }, { seen[1].method, seen[2].method })
    assert.equal(seen[1].connection, seen[2].connection)
  end)

  it("logs a request that is never answered, before its client has gone", function()
    local peer = connect()
    ask(peer, "/hang", "pay")
    assert.equal("pay", server:seen("/hang")[1].body)
    peer:close()
  end)

  it("has listeners that are closed, deaf, resetting and speaking TLS", function()
    local refused, problem = socket.connect("127.0.0.1", server.ports.closed)
    assert.same({ nil, "connection refused" }, { refused, problem })

    local before = server:connected("deaf")
    local deaf = connect("deaf")
    ask(deaf, "/ok")
    assert.equal(before + 1, server:connected("deaf"))
    assert.equal(0, #server:seen("/never"))
    deaf:close()

    local reset = socket.connect("127.0.0.1", server.ports.reset) -- may meet the reset already
    assert.is_nil(reset and reset:receive(1))

    local ssl = require "ssl"
    local peer = assert(ssl.wrap(connect("good"), { mode = "client", protocol = "any",
      verify = "peer", cafile = server.ca_file }))
    assert(peer:dohandshake())
    ask(peer, "/ok")
    assert.same({ "HTTP/1.1 200 Whatever", "ok" }, { answer(peer) })
    peer:close()
    assert.matches("^https://localhost:%d+/ok$", server:url("/ok", "good"))
  end)

  it("makes one test body on both sides", function()
    local peer = connect()
    ask(peer, "/body/1000")
    local _, body = answer(peer)
    assert.equal(rawserver.pattern(1000), body)
    assert.equal(1000, #body)
    peer:close()
  end)

  it("ends when it is told to, and when no one listens to it any more", function()
    local one = rawserver.start()
    local port = one.port
    one:stop()
    one:stop()
    assert.is_nil((socket.connect("127.0.0.1", port)))

    local orphan = rawserver.start()
    port = orphan.port
    orphan.child:close() -- returns once the child has ended
    assert.is_nil((socket.connect("127.0.0.1", port)))
  end)
end)
