-- A server with nothing but HTTP/2. arg[1]: a directory of certificates; arg[2]: what it does with one
-- request after the other, by commas, the last for all that follow:
--
--   N           reads it whole, and ends its stream with that error code
--   bye-N       the same, and then says that it will look at no stream
--   half-N      ends it so when a part of its body is read
--   goaway-N    reads it whole, and says that it will look at no stream above N
--   leaving     says that it will look at no stream, before it has read anything
--   ok          answers with the id of a task
--
-- Prints its port first, and "request" for each that it has read whole.

local socket, ssl = require "socket", require "ssl"

local directory, plan = arg[1], {}
for what in arg[2]:gmatch "[^,]+" do plan[#plan + 1] = what end

local END_STREAM, END_HEADERS, ACK = 1, 4, 1
local DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 7, 8
local STATUS_200 = "\x88"                       -- an entry of HPACK's static table

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local function frame(kind, flags, stream, payload)
  return string.pack(">I3BBI4", #payload, kind, flags, stream) .. payload
end

local function goaway(last)
  return frame(GOAWAY, 0, 0, string.pack(">I4I4", last, 0))
end

local function reset(stream, code)
  return frame(RST_STREAM, 0, stream, string.pack(">I4", tonumber(code)))
end

-- What it says to a request that is read whole.
local function reply(what, stream)
  if what == "ok" then
    return frame(HEADERS, END_HEADERS, stream, STATUS_200)
      .. frame(DATA, END_STREAM, stream, '{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f"}')
  end
  local how, number = what:match "^(%a*)%-?(%d+)$"
  if how == "goaway" then return goaway(tonumber(number)) end
  if how == "bye" then return reset(stream, number) .. goaway(0) end
  return reset(stream, number)
end

-- Serves one request; the client is to read what it is told before the connection ends.
local function serve(peer)
  assert(peer:dohandshake())
  if plan[1] == "leaving" then peer:send(frame(SETTINGS, 0, 0, "") .. goaway(0)) end
  assert(peer:receive(24))                      -- the client's preface
  local what, read = nil, 0
  peer:send(frame(SETTINGS, 0, 0, ""))
  while true do
    local length, kind, flags, stream = string.unpack(">I3BBI4", assert(peer:receive(9)))
    if length > 0 then assert(peer:receive(length)) end
    if kind == SETTINGS and flags & ACK == 0 then peer:send(frame(SETTINGS, ACK, 0, "")) end
    if kind == HEADERS then what = #plan > 1 and table.remove(plan, 1) or plan[1] end
    if kind == DATA and length > 0 then
      read = read + length
      local more = string.pack(">I4", length)
      peer:send(frame(WINDOW_UPDATE, 0, 0, more) .. frame(WINDOW_UPDATE, 0, stream, more))
      if what:find "^half" and read > 200000 then peer:send(reset(stream, what:match "%d+")) break end
    end
    if (kind == DATA or kind == HEADERS) and flags & END_STREAM ~= 0 then
      print "request"
      io.stdout:flush()
      peer:send(reply(what, stream))
      break
    end
  end
  peer:settimeout(0.3)
  repeat local _, problem = peer:receive(1) until problem
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
