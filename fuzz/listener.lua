-- Requests that come in: heads, bodies, whatever else is sent to a port.

local listener = require "runway.listener"
local socket = require "socket"

local MOST = 4096
local LOOKS = 10 -- with nothing to see, at a request that never ends
local l = assert(listener.listen { max_body_bytes = MOST })

local function look_at(request)
  assert(request.method:find "^[%w!#$%%&'*+.^_`|~-]+$", "no method")
  assert(not (request.path .. request.query):find "[%z\1-\32\127]", "no target")
  assert(#request.body <= MOST, "the body is too long")
  for name, value in pairs(request.headers) do
    assert(name == name:lower() and not name:find "[%s:]", "no name of a header")
    assert(not value:find "[\r\n]", "no value of a header")
  end
end

return function(bytes)
  local client = assert(socket.connect("127.0.0.1", l:port()))
  client:settimeout(0)
  client:setoption("linger", { on = true, timeout = 0 }) -- a port is free again at once
  client:send(bytes)
  client:shutdown "send"
  local looks = 0
  repeat
    for request in l.take, l do
      looks = 0
      look_at(request)
      l:respond(request.id, { body = "seen" })
    end
    local _, why = client:receive(4096)
    if why == "timeout" then socket.select({ client }, nil, 0.0005) end
    looks = looks + 1
  until why and why ~= "timeout" or looks > LOOKS
  client:close()
end
