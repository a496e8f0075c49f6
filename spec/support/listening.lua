-- Listeners that are closed after each spec, and clients for them: raw sockets in the same process,
-- which never block. What is waited for is asked for again and again, within a bound.

local listener = require "runway.listener"
local socket = require "socket"

local PATIENCE = 20 -- seconds; only ever spent by a spec that fails

local listening = { patience = PATIENCE }

local open = {} -- listeners and clients of this spec

--- Asks until there is an answer, and returns it.
---@param what string for the message when there never is one
---@param ask fun(): any
---@return any
function listening.eventually(what, ask)
  local deadline = socket.gettime() + PATIENCE
  while true do
    local answer = ask()
    if answer then return answer end
    assert(socket.gettime() < deadline, "never happened: " .. what)
    socket.select(nil, nil, 0.001)
  end
end

--- A listener that `close_all` closes.
---@param options table|nil
function listening.listen(options)
  local l = assert(listener.listen(options))
  open[#open + 1] = l
  return l
end

--- The next request.
function listening.take(l)
  return listening.eventually("a request", function() return l:take() end)
end

function listening.close_all()
  for _, one in ipairs(open) do one:close() end
  open = {}
end

local client = {}
client.__index = client

--- A client, connected.
---@param l table listener
---@param host string|nil
function listening.connect(l, host)
  local sock = assert(socket.connect(host or "127.0.0.1", l:port()))
  sock:settimeout(0)
  local self = setmetatable({ sock = sock, got = "" }, client)
  open[#open + 1] = self
  return self
end

function client:close()
  self.sock:close()
end

--- Reads what has come into `got`; true once the other side has closed.
function client:pump()
  local all, err, part = self.sock:receive(65536)
  self.got = self.got .. (all or part)
  self.closed = self.closed or (err ~= nil and err ~= "timeout")
  return self.closed
end

--- Sends all of it, or until the other side closes.
function client:send(text)
  local at = 1
  listening.eventually("the request to be sent", function()
    local sent, err, last = self.sock:send(text, at)
    at = (sent or last) + 1
    return at > #text or err == "closed"
  end)
  return self
end

function client:request(method, target, headers, body)
  local lines = { method .. " " .. target .. " HTTP/1.1", "Host: test" }
  for _, line in ipairs(headers or {}) do lines[#lines + 1] = line end
  if body then lines[#lines + 1] = "Content-Length: " .. #body end
  return self:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
end

--- The next answer: { status=, headers={lowercase}, body= }.
---@param bodiless boolean|nil whatever its length says, no body follows
function client:answer(bodiless)
  local head = listening.eventually("the end of the headers", function()
    self:pump()
    return self.got:match("^.-\r\n\r\n")
  end)
  local answer = { status = tonumber(head:match("^HTTP/1.1 (%d+)")), headers = {} }
  for name, value in head:gmatch("\n([^:\r\n]+): ([^\r\n]*)") do
    answer.headers[name:lower()] = value
  end
  local stop = #head + (bodiless and 0 or tonumber(answer.headers["content-length"]))
  listening.eventually("the body", function()
    return #self.got >= stop or (self:pump() and #self.got >= stop)
  end)
  answer.body = self.got:sub(#head + 1, stop)
  self.got = self.got:sub(stop + 1)
  return answer
end

--- All that has not been read when the other side closes.
function client:rest()
  listening.eventually("the connection to end", function() return self:pump() end)
  return self.got
end

--- Nothing has come, and the connection stands.
function client:silent()
  return not self:pump() and self.got == ""
end

return listening
