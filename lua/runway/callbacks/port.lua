-- port.lua: where callbacks come in: a listener, as its user holds it.
--
-- Whoever posts gets the same answer at once, before anything of it is looked at: neither what it says nor how long it
-- takes tells whether there is such a task.

local companion = require "runway.companion"
local core = require "runway.core"
local errors = require "runway.errors"
local hook = require "runway.callbacks.hook"
local options = require "runway.options"
local scheduler = require "runway.scheduler"

local port = {}

local AT_ONCE = 32                            -- requests of one turn; more wait for the next one
local ANSWER = { status = 200 }

---@class runway.CallbackListener
---@field url string          where it listens; the world may reach it elsewhere: the client's callback_url
---@field port integer
---@field loopback boolean    does no other machine reach it there?
---@field sessions table<runway.Session, true>   whose callbacks come here; weak
---@field late table   see late.lua
---@field source? table          of the loop, while it listens
---@field listener any           of runway.listener, or nil
local Port = {}
Port.__index = Port
Port.__name = "runway.listener"

function Port.__tostring(self)
  return ("listener at %s%s"):format(self.url, self.listener and "" or " (closed)")
end

local function refuse(kind, message)
  return nil, errors.new { kind = kind, code = "listen", message = message, sent = "no" }
end

local function drain(self, over)
  for _ = 1, AT_ONCE do
    local request = self.listener and self.listener:take()
    if not request then return end
    self.listener:respond(request.id, ANSWER)
    if request.method == "POST" then self.deliver(self, request) end
    if over() then return true end
  end
  scheduler.again()
end

local EVERYWHERE = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "::1" }

local function url_of(host, number)
  host = EVERYWHERE[host] or host
  return ("http://%s:%d/"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, number)
end

local OPTIONS = {
  host = function(v)
    local is_text = type(v) == "string"
    return is_text and v:find "^[%x.:]+$" ~= nil, "an IPv4 or IPv6 address", is_text and ("%q"):format(v) or nil
  end,
  port = function(v) return type(v) == "number" and v >= 0 and v % 1 == 0 and v < 65536, "a number, 0 to 65535" end,
}

local function open(given, deliver)
  local module, missing = companion.load("listener", "a listener")
  if not module then return refuse("config", missing) end
  local notify, idle, kind = core.notify_fd()
  if not notify then return refuse(kind, idle) end
  local host = given.host or "127.0.0.1"
  local listener, why = module.listen { host = host, port = given.port, notify = notify }
  if not listener then return refuse("io", why) end
  local url = url_of(host, listener:port())
  local self = setmetatable({ listener = listener, url = url, port = listener:port(), deliver = deliver,
    loopback = EVERYWHERE[host] ~= nil or core.url(url).loopback,
    sessions = setmetatable({}, { __mode = "k" }), late = { bytes = 0 } }, Port)
  self.source = { drain = function(over) return drain(self, over) end }
  scheduler.attach(self.source)
  return self
end

--- Opens one; to be called as a tail, so that misuse is told at the caller's line. It answers whenever the scheduler
--- takes a step: in `wait`, `sleep`, `run`, `step`, …
---@param given? runway.CallbackOptions
---@param deliver fun(self: runway.CallbackListener, request: runway.Incoming)
---@return runway.CallbackListener|nil
---@return runway.Error|nil err   code "listen": the port is taken, a descriptor, thread or library is missing
function port.open(given, deliver)
  given = options.check(given, OPTIONS, "listener")
  return errors.told("runway.listener", open(given, deliver))
end

---@param v any
---@return boolean
function port.is(v) return getmetatable(v) == Port end

local function check_self(self)
  if not port.is(self) then options.without_self "listener" end
end

--- Whose callbacks come here, less those whose client was closed; of one that has several journals each.
---@return runway.Session[]
function Port:clients()
  local list = {}
  for s in pairs(self.sessions) do
    if not s.closed then list[#list + 1] = s end
  end
  return list
end

--- Listens no more; waits go on by asking. As often as you like.
function Port:close()
  check_self(self)
  local listener = self.listener
  if not listener then return end
  self.listener = nil
  scheduler.detach(self.source)
  listener:close()
  local told = {}
  for _, s in ipairs(self:clients()) do
    if not told[s.callbacks] and hook.is_awaited(s) then
      told[s.callbacks] = true
      s:log("warning", "the listener was closed: no callback comes in any more, and waits go on by asking")
    end
  end
end

Port.__close = Port.close

return port
