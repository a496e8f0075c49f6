-- The engine's own time: a time-out is called after the socket was looked at, and not on a body that moves.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local interpreter = require "spec.support.interpreter"
local rawserver = require "spec.support.rawserver"

describe("the time of a request", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  it("begins anew while its body moves", function()
    local before = core.now()
    local result = exchange.run { method = "POST", url = server:url "/sip?pause=0.05", gate = true,
      body = ("x"):rep(24 * 1024 * 1024), timeout = 1 }
    assert.is_nil(result.error)
    assert.equal(200, result.status)
    assert.is_true(core.now() - before > 1)
  end)

  it("is over when nothing moves", function()
    local result = exchange.run { method = "POST", url = server:url("/", "deaf"),
      body = ("x"):rep(64 * 1024 * 1024), timeout = 0.5 }
    assert.equal("timeout", result.error.kind)
  end)

  it("does not begin anew for an answer that drips", function()
    local result = exchange.run { url = server:url "/slow-body?pause=0.02", timeout = 0.5 }
    assert.equal("timeout", result.error.kind)
    assert.matches("no whole answer within 0.5 s", result.error.message)
  end)

  it("is called after what lies in the socket was read, when a stopped process goes on", function()
    local output = child.run([==[
      local url = ...
      local core = require "runway.core"
      local id = core.start { method = "POST", url = url .. "/held-body", body = "{}", gate = true, timeout = 0.5 }
      while core.progress(id) < 500 do core.wait(0.01) end
      -- Another process stops this one for longer than it has, and lets the server answer meanwhile.
      local pipe = io.popen "echo $PPID"
      local pid = pipe:read "l"
      pipe:close()
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write [[
        local s = require("socket").connect("127.0.0.1", tonumber(arg[1]))
        s:send "GET /_release HTTP/1.1\r\nHost: spec\r\n\r\n"
        s:receive "*a"
        os.remove(arg[0])
      ]]
      file:close()
      os.execute(("(kill -STOP %s; %s %s %s; sleep 1; kill -CONT %s) &")
        :format(pid, arg[-1], path, url:match "%d+$", pid))
      local taken, result
      repeat
        core.wait(5)
        taken, result = core.take()
      until taken
      print(result.status, #result.body, result.error and result.error.message)
    ]==], { arguments = { server:url "" } })
    assert.equal("200\t1000\tnil", output)
  end)
end)

-- A server of one thread that keeps a connection for as long as its client does.
local ONE_AT_A_TIME = [[
  local socket = require "socket"
  local listener = assert(socket.bind("127.0.0.1", 0))
  print((select(2, listener:getsockname())))
  io.stdout:flush()
  local quit
  repeat
    local peer = listener:accept()
    peer:settimeout(30)
    while not quit do
      local line = peer:receive "*l"
      if not line then break end
      local length = 0
      quit = line:find "/quit"
      repeat
        local header = peer:receive "*l"
        length = tonumber((header or ""):match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
      until not header or header == ""
      if length > 0 then peer:receive(length) end
      peer:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    end
    peer:close()
  until quit
]]

describe("a server that serves one connection at a time", function()
  it("gets to a paid request though another connection is kept", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(ONE_AT_A_TIME)
    file:close()
    local pipe = assert(io.popen(interpreter .. " " .. path))
    local url = ("http://127.0.0.1:%s/"):format(pipe:read "l")
    assert.equal(200, exchange.run({ url = url }).status)
    local paid = exchange.run { method = "POST", url = url, body = "{}", gate = true, timeout = 15 }
    exchange.run { url = url .. "quit" }
    pipe:close()
    os.remove(path)
    assert.is_nil(paid.error)
    assert.equal(200, paid.status)
  end)
end)
