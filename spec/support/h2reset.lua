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

local h2 = require "spec.support.h2"

local directory, plan = arg[1], {}
for what in arg[2]:gmatch "[^,]+" do plan[#plan + 1] = what end

local listener = h2.listen()

-- What it says to a request that is read whole.
local function reply(what, stream)
  if what == "ok" then
    return h2.head(stream, 200, {})
      .. h2.frame(h2.DATA, h2.END_STREAM, stream, '{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f"}')
  end
  local how, number = what:match "^(%a*)%-?(%d+)$"
  number = tonumber(number)
  if how == "goaway" then return h2.goaway(number) end
  if how == "bye" then return h2.reset(stream, number) .. h2.goaway(0) end
  return h2.reset(stream, number)
end

-- Serves one request; the client is to read what it is told before the connection ends.
local function serve(peer)
  local settings = h2.frame(h2.SETTINGS, 0, 0, "")
  h2.begin(peer, plan[1] == "leaving" and settings .. h2.goaway(0))
  local what, read = nil, 0
  peer:send(settings)
  while true do
    local kind, flags, stream, payload = h2.read(peer)
    if kind == h2.HEADERS then what = #plan > 1 and table.remove(plan, 1) or plan[1] end
    if kind == h2.DATA and #payload > 0 then
      read = read + #payload
      local more = string.pack(">I4", #payload)
      peer:send(h2.frame(h2.WINDOW_UPDATE, 0, 0, more) .. h2.frame(h2.WINDOW_UPDATE, 0, stream, more))
      if what:find "^half" and read > 200000 then
        peer:send(h2.reset(stream, tonumber(what:match "%d+")))
        break
      end
    end
    if (kind == h2.DATA or kind == h2.HEADERS) and flags & h2.END_STREAM ~= 0 then
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
  local peer = h2.accept(listener, directory)
  pcall(serve, peer)
  pcall(peer.close, peer)
end
