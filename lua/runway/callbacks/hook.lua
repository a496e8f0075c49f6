-- hook.lua: what one submit is told by callbacks: how often they came, and who is to be woken by them.
--
-- Known by its token, of which only the sum is kept here: how long it takes to find one tells nothing of another. It
-- lives as long as its task does in this program.

local core = require "runway.core"
local retry = require "runway.retry"

local hook = {}

local BACKSTOP = 20                           -- seconds between two queries of a task whose callback is to come
local MOST_MISSED = 2                         -- tasks in a row that ended without one: from then on none is hoped for

---@class runway.Hook
---@field session runway.Session
---@field id string|nil       of its task, once it is known
---@field calls integer       that came
---@field over boolean        by what they say the task has ended
---@field sent boolean        the URL went out from here: a callback is to come
---@field hoped boolean       and it was asked after less often for that
---@field bells table         waiters that sleep until there is something new
local Hook = {}
Hook.__index = Hook

--- Those of an account: the sum of the token -> hook.
---@return table<string, runway.Hook>
function hook.table() return setmetatable({}, { __mode = "v" }) end

--- The hook of a token, made when there is none.
---@param session runway.Session
---@param token string
---@param sent boolean
---@return runway.Hook
function hook.of(session, token, sent)
  local hooks, sum = session.callbacks.hooks, core.sha256(token)
  local self = hooks[sum]
  if not self then
    self = setmetatable({ session = session, calls = 0, over = false, sent = false, hoped = false, bells = {} }, Hook)
    hooks[sum] = self
  end
  self.sent = self.sent or sent
  return self
end

---@param session runway.Session
---@param token string
---@return runway.Hook|nil
function hook.find(session, token)
  return session.callbacks.hooks[core.sha256(token)]
end

local function wake(self)
  for w in pairs(self.bells) do w:wake() end
end

--- Does someone wait for a callback?
---@param session runway.Session
---@return boolean
function hook.is_awaited(session)
  for _, self in pairs(session.callbacks.hooks) do
    if next(self.bells) then return true end
  end
  return false
end

local STILL = { PENDING = true, THROTTLED = true, RUNNING = true }

--- A callback came. Who waits asks; who stands in line for a place has reason to look.
---@param status string|nil   what it says, if anything
function Hook:ring(status)
  self.calls = self.calls + 1
  self.over = self.over or not STILL[status]
  self.session.callbacks.missed = 0
  wake(self)
  if self.session.places then self.session.places:stir() end
end

--- Seconds until the next query, where a callback is to come first: then that is slow. Where none is to be hoped for,
--- or the caller has chosen how often to ask, it is as it was.
---@param delay number
---@return number
function Hook:patience(delay)
  local mine = self.session.callbacks
  local hopes = self.sent and not self.over and mine.listener.listener and mine.missed < MOST_MISSED
  if not hopes or self.session.limits.poll_interval then return delay end
  self.hoped = true
  return math.max(delay, BACKSTOP * (1 + 0.1 * retry.random()))
end

--- A query has found the task ended: no one waits for a callback any more.
function Hook:ended()
  wake(self)
  if self.calls > 0 or not self.hoped then return end
  self.hoped = false
  local mine = self.session.callbacks
  mine.missed = mine.missed + 1
  if mine.missed == MOST_MISSED then
    self.session:log("warning", ("%d tasks in a row have ended and no callback came: does callback_url lead to the "
      .. "listener? Until one comes, tasks are asked after as often as without"):format(MOST_MISSED))
  end
end

return hook
