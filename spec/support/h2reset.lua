-- A server with nothing but HTTP/2 that reads a whole request, prints "request" and ends its stream with
-- the error code in arg[2], or with GOAWAY where that is "goaway". arg[1]: a directory of certificates.
-- Prints its port first.

local socket, ssl = require "socket", require "ssl"

local directory, how = arg[1], arg[2]
local END_STREAM, ACK = 1, 1
local DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local function frame(kind, flags, stream, payload)
  return string.pack(">I3BBI4", #payload, kind, flags, stream) .. payload
end

local function serve(peer)
  assert(peer:dohandshake())
  assert(peer:receive(24))                      -- the client's preface
  peer:send(frame(SETTINGS, 0, 0, ""))
  while true do
    local length, kind, flags, stream = string.unpack(">I3BBI4", assert(peer:receive(9)))
    if length > 0 then assert(peer:receive(length)) end
    if kind == SETTINGS and flags & ACK == 0 then peer:send(frame(SETTINGS, ACK, 0, "")) end
    if (kind == DATA or kind == HEADERS) and flags & END_STREAM ~= 0 then
      print "request"
      io.stdout:flush()
      if how == "goaway" then
        peer:send(frame(GOAWAY, 0, 0, string.pack(">I4I4", 0, 0)))
      else
        peer:send(frame(RST_STREAM, 0, stream, string.pack(">I4", tonumber(how))))
      end
      peer:settimeout(0.3)                      -- the client is to read that before the connection ends
      peer:receive(1)
      return
    end
  end
end

while true do
  local raw = listener:accept()
  raw:settimeout(5)
  local peer = assert(ssl.wrap(raw, { mode = "server", protocol = "any", alpn = function(offered)
    for _, name in ipairs(offered) do if name == "h2" then return "h2" end end
  end, key = directory .. "/good.key", certificate = directory .. "/good.pem" }))
  pcall(serve, peer)
  pcall(peer.close, peer)
end
