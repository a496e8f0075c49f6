-- One connection as the scenarios see it: reads and writes that give way to the other connections
-- (they run in a coroutine), and requests taken apart with tolerance, since what is wrong with them
-- is for a spec to say. A coroutine yields "read", "write" or "pause" with the time it is due.

local socket = require "socket"

local BODY_KEPT = 65536 -- bytes of a request body that the log keeps

local Connection = {}
Connection.__index = Connection

-- Reads what is there into the buffer; nil when the peer has gone.
function Connection:fill()
  while true do
    local data, problem, partial = self.socket:receive(65536)
    data = data or partial
    if data and #data > 0 then
      self.buffer = self.buffer .. data
      return true
    elseif problem == "wantwrite" then
      coroutine.yield("write")
    elseif problem == "timeout" or problem == "wantread" then
      coroutine.yield("read")
    else
      self.entry.closed = "peer"
      return nil
    end
  end
end

-- The bytes up to and without `mark`, which is taken too.
function Connection:upto(mark)
  local from = 1
  while true do
    local first, last = self.buffer:find(mark, from, true)
    if first then
      local text = self.buffer:sub(1, first - 1)
      self.buffer = self.buffer:sub(last + 1)
      return text
    end
    from = math.max(1, #self.buffer - #mark)
    if not self:fill() then return nil end
  end
end

-- The next `count` bytes, fewer when the peer goes before.
function Connection:bytes(count)
  local parts = {}
  while count > 0 do
    if self.buffer == "" and not self:fill() then break end
    local part = self.buffer:sub(1, count)
    self.buffer = self.buffer:sub(count + 1)
    count = count - #part
    parts[#parts + 1] = part
  end
  return table.concat(parts)
end

-- Sends everything; nil when the peer has gone. After that nothing is sent any more: LuaSec goes round for
-- ever, inside a call, over a connection that has failed.
function Connection:send(data)
  if self.entry.closed == "peer" then return nil end
  local from = 1
  while from <= #data do
    local last, problem, reached = self.socket:send(data, from)
    local upto = math.max(last or reached or 0, from - 1)
    if self.request then self.request.sent = self.request.sent + upto - from + 1 end
    from = upto + 1
    if problem == "timeout" or problem == "wantwrite" then
      coroutine.yield("write")
    elseif problem == "wantread" then
      coroutine.yield("read")
    elseif not last then
      self.entry.closed = "peer"
      return nil
    end
  end
  return true
end

function Connection:pause(seconds)
  coroutine.yield("pause", socket.gettime() + seconds)
end

local releases = 0

-- Waits until a spec says to go on.
function Connection:hold()
  local seen = releases
  while releases == seen do self:pause(0.002) end
end

function Connection:release()
  releases = releases + 1
end

-- Waits for the peer to go, throwing away what it still says.
function Connection:outlast()
  repeat self.buffer = "" until not self:fill()
end

-- Sets an option of the socket, also where TLS lies over it: that knows no options.
function Connection:setoption(name, value)
  if self.socket.setoption then return self.socket:setoption(name, value) end
  local bare = socket.tcp()
  bare:setfd(self.socket:getfd())
  bare:setoption(name, value)
  bare:setfd(-1)
end

-- Makes the coming close a reset instead of an orderly end.
function Connection:arm_reset()
  self:setoption("linger", { on = true, timeout = 0 })
end

-- An answer as a well-behaved server would give it; `headers` is a list of whole lines.
function Connection:answer(status, headers, body)
  body = body or ""
  local head = { ("HTTP/1.1 %d Whatever\r\n"):format(status) }
  for _, line in ipairs(headers or {}) do head[#head + 1] = line .. "\r\n" end
  if status ~= 204 and status ~= 304 then
    head[#head + 1] = ("Content-Length: %d\r\n"):format(#body)
  end
  return self:send(table.concat(head) .. "\r\n" .. body)
end

-- ------------------------------------------------------------------- requests

local function parse_head(head)
  local method, target, version = head:match("^(%S+) (%S+) (%S+)")
  local request = { method = method or "?", target = target or "?", version = version,
                    head = head, headers = {}, body = "", length = 0, sent = 0 }
  for name, value in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    request.headers[name:lower()] = value
  end
  return request
end

local function percent_decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- /name/argument?param=value, from a target in origin or absolute form.
local function parse_target(request)
  local path, query = request.target:gsub("^http://[^/]+", ""):match("^([^?]*)%??(.*)$")
  local name, argument = path:match("^/([^/]*)/?(.*)$")
  request.name, request.argument, request.params = name or path, argument, {}
  for key, value in query:gmatch("([^&=]+)=?([^&]*)") do
    request.params[key] = percent_decode(value)
  end
end

-- The next request's head; nil when the peer has gone, or speaks TLS where none is spoken.
function Connection:read_head()
  if self.buffer == "" and not self:fill() then return nil end
  if self.buffer:byte() == 22 then
    self:send("HTTP/1.1 400 This is no place for TLS\r\n\r\n")
    return nil
  end
  local head = self:upto("\r\n\r\n")
  if not head then return nil end
  local request = parse_head(head)
  parse_target(request)
  request.connection = self.entry.number
  return request
end

local function read_chunks(self)
  local parts = {}
  while true do
    local line = self:upto("\r\n")
    local size = line and tonumber(line:match("^%x+") or "", 16)
    if not size then break end
    if size == 0 then
      self:upto("\r\n")
      break
    end
    parts[#parts + 1] = self:bytes(size)
    self:bytes(2)
  end
  return table.concat(parts)
end

-- Reads the body the head speaks of: all of it in `full`, what the log keeps in `body`.
function Connection:read_body(request)
  if request.headers["transfer-encoding"] then
    request.full = read_chunks(self)
  else
    request.full = self:bytes(tonumber(request.headers["content-length"]) or 0)
  end
  request.length = #request.full
  request.body = request.full:sub(1, BODY_KEPT)
end

return Connection
