-- A server that misbehaves on purpose, for specs that need real sockets. It runs in a process of
-- its own (rawserver/child.lua), so that a spec may block in the code under test; the path of a
-- request picks what goes wrong (rawserver/scenarios.lua). Needs luasocket; luasec with `tls`.
--
--   local server = rawserver.start()
--   ... server:url("/reset-after-request") ...
--   assert.equal(1, #server:seen("/reset-after-request"))
--   server:stop()
--
-- The child ends when told to, when this process is gone, and after `lifetime` in any case.

local certs = require "spec.support.certs"
local lua = require "spec.support.interpreter"
local socket = require "socket"

local HERE = debug.getinfo(1, "S").source:match("^@(.*)%.lua$") -- the directory of the child

local LIFETIME = math.tointeger(tonumber(os.getenv "SPEC_TIMEOUT")) or 180

local TLS = { good = true, wrong_host = true, expired = true, self_signed = true,
              old = true }

local rawserver = {}

---@class RawServer
---@field port integer the plain listener
---@field ports table<string, integer> every listener by name: plain, plain6 (on ::1, if there is
---IPv6), quiet (the same as plain, for specs that count connections), deaf (accepts, never reads),
---reset (accepts, then resets at once), closed (bound, not listening), and with `tls` good,
---wrong_host, expired, self_signed, old (speaks nothing newer than TLS 1.1)
---@field ca_file string|nil the authority behind the TLS listeners
local Server = {}
Server.__index = Server

--- Starts a server.
---@param options { tls: boolean?, lifetime: number? }|nil `tls` adds the TLS listeners;
---`lifetime` in seconds, as long as a spec may take unless said otherwise
---@return RawServer
function rawserver.start(options)
  options = options or {}
  local directory = options.tls and certs.make() or nil
  -- What instruments the code under test (LD_PRELOAD) is not meant for the server.
  local command = ("unset LD_PRELOAD; exec %s '%s/child.lua' '%s' %d '%s'"):format(
    lua, HERE, HERE, options.lifetime or LIFETIME, directory or "")
  local child = assert(io.popen(command, "r"))
  local first = child:read("l")
  assert(first and first:find("^%w+="), "the test server did not start: " .. tostring(first))

  local ports = {}
  for name, port in first:gmatch("([%w_]+)=(%d+)") do
    ports[name] = math.tointeger(tonumber(port))
  end
  return setmetatable({
    child = child,
    ports = ports,
    port = ports.plain,
    directory = directory,
    ca_file = directory and directory .. "/ca.pem",
  }, Server)
end

--- The URL of a path on a listener; TLS listeners are named localhost, as their certificate says.
---@param path string
---@param listener string|nil "plain" unless said otherwise
---@return string
function Server:url(path, listener)
  local port = assert(self.ports[listener or "plain"], "no such listener")
  local form = TLS[listener] and "https://localhost:%d%s" or "http://127.0.0.1:%d%s"
  return form:format(port, path)
end

-- One request over the control path, with luasocket: never with the code under test.
local function control(self, path)
  local peer = assert(socket.connect("127.0.0.1", self.port))
  peer:settimeout(60)
  peer:send("GET " .. path .. " HTTP/1.1\r\nHost: control\r\n\r\n")
  local answer = peer:receive("*a") or ""
  peer:close()
  return answer:match("\r\n\r\n(.*)$")
end

--- What reached the server so far, apart from the control path. All that a client had handed to
--- the system before this call is in it.
---@return { requests: table[], connections: table[] } log `requests` in order of arrival, each
---{ connection, method, target, version, headers (lowercase), head (the raw bytes), length, body
---(first 64 KiB), sent (bytes answered so far) }; `connections` by number (no list: the control path's
---are left out), each { number, listener, requests, closed = "peer"|"server"|nil, error }
function Server:log()
  local text = assert(control(self, "/_log"), "the test server is gone")
  return assert(load(text, "log", "t", {}))()
end

--- The requests whose target holds `fragment`.
---@param fragment string
---@return table[]
function Server:seen(fragment)
  local found = {}
  for _, request in ipairs(self:log().requests) do
    if request.target:find(fragment, 1, true) then found[#found + 1] = request end
  end
  return found
end

--- How many connections a listener has taken.
---@param listener string
---@return integer
function Server:connected(listener)
  local count = 0
  for _, connection in pairs(self:log().connections) do
    if connection.listener == listener then count = count + 1 end
  end
  return count
end

--- Lets every /held-body that is waiting go on.
function Server:release()
  control(self, "/_release")
end

--- Plans a film and what happens to each request for it (rawserver/films.lua).
---@param name string
---@param plan table   size, steps (a list), seed, and how it is served
function Server:film(name, plan)
  local parts = {}
  for key, value in pairs(plan) do
    parts[#parts + 1] = key .. "=" .. tostring(key == "steps" and table.concat(value, ",") or value)
  end
  assert(control(self, "/film-plan/" .. name .. "?" .. table.concat(parts, "&")) == "planned")
end

--- How a film stands.
---@param name string
---@return integer version, integer taken, integer given, integer lost  changes so far, requests, bytes of it that
---were sent, and those that did not arrive
function Server:film_state(name)
  local numbers = {}
  for digits in control(self, "/film-state/" .. name):gmatch "%d+" do
    numbers[#numbers + 1] = math.tointeger(tonumber(digits))
  end
  return table.unpack(numbers)
end

--- Ends the child and removes its certificates. May be called twice.
function Server:stop()
  if not self.child then return end
  pcall(control, self, "/_quit")
  self.child:close()
  self.child = nil
  if self.directory then certs.remove(self.directory) end
end

--- The bytes that /body/<count> answers.
---@param count integer
---@return string
function rawserver.pattern(count)
  local unit = "runway test body "
  return unit:rep(math.floor(count / #unit) + 1):sub(1, count)
end

rawserver.film_bytes = dofile(HERE .. "/film_bytes.lua")

return rawserver
