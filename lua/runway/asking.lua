-- asking.lua: when a task is asked about next: what puts that off, what hurries it, and what it teaches about those to
-- come.

local pace = require "runway.pace"
local poll = require "runway.poll"
local retry = require "runway.retry"
local scheduler = require "runway.scheduler"

local asking = {}

local INTERVAL = 5                            -- seconds, where the adapter names none
local LAST_LOOK = 1                           -- seconds before a wait is over

-- Statuses by which a provider says that it has not begun.
local QUEUED = { PENDING = true, THROTTLED = true }

---@class runway.Asking
---@field at number             on scheduler.now(): when it is asked about next
---@field soonest number        when it may be
---@field since number          from when it stood in no queue, as far as is known
---@field failures integer      queries that failed in a row
---@field package my table        what the task knows: its session, ref, born and fresh, see task.new
---@field package looked number   when it was seen last, or made
---@field package heard? integer  callbacks that were heeded
---@field package called? number  when the last of them was a reason to ask
---@field package over? boolean   by what they say it has ended
local Asking = {}
Asking.__index = Asking

---@param my table           what a task knows that was made just now
---@return runway.Asking     asked about at once
function asking.new(my)
  local now = my.born
  return setmetatable({ my = my, since = now, looked = now, at = now, soonest = now, failures = 0 }, Asking)
end

-- The least time between two looks, as the provider has it.
local function least_of(session) return session.adapter.poll_interval or INTERVAL end

--- Sets the time of the next query: by the server's estimate, or by a failed query's Retry-After.
---@param t runway.Task
---@param hint? number
---@param after? number
function Asking:plan(t, hint, after)
  local my, now, failures = self.my, scheduler.now(), self.failures
  local session, ref = my.session, my.ref
  local chosen, least, as_planned = session.limits.poll_interval, least_of(session), not after and failures == 0
  local left = as_planned and not chosen and my.fresh and t.status == "RUNNING"
    and poll.left(now - self.since, t.progress, pace.typical(session, ref)) or nil
  local delay = as_planned and chosen or poll.delay { least = least, chosen = chosen, waited = now - my.born,
    left = left, hint = hint, after = after, failures = failures }
  self.soonest = now + (as_planned and (left or chosen) and math.min(least, delay) or delay)
  self.at = now + (ref.hook and failures == 0 and ref.hook:patience(delay) or delay)
end

--- It is asked about now: until there is an answer, which plans anew, no one else need.
---@param t runway.Task
function Asking:begins(t)
  if self.failures > 0 then return self:plan(t) end
  local session = self.my.session
  self.at = scheduler.now() + (session.limits.poll_interval or least_of(session))
end

--- Looks whether there is reason to ask sooner. A callback that came since is: the first one, and the first by which
--- the task has ended; of the others one is, each time that the least interval has passed since. Who rests, or hopes
--- for one, asks once more before the wait is over.
---@param over? number   on scheduler.now(): when the wait ends
function Asking:heed(over)
  if over and self.at > over then
    local last = math.max(self.soonest, over - LAST_LOOK)
    if last < over then self.at = last end
  end
  local my = self.my
  local hook = my.ref.hook
  if not hook or hook.calls == (self.heard or 0) then return end
  local now = scheduler.now()
  self.heard = hook.calls
  if not self.called or hook.over and not self.over then
    self.called = now
  elseif self.called <= now then
    self.called = math.max(now, self.called + (my.session.limits.poll_interval or least_of(my.session)))
  end
  self.over = hook.over
  self.at = math.min(self.at, self.called)
end

--- An answer has told how the task stands. Of one that was made here, and has ended, it is known how long it took: just
--- now it ended, where a callback says so, else some time since the last look.
---@param t runway.Task
---@param had_ended boolean|nil   before
function Asking:saw(t, had_ended)
  local my, last, now = self.my, math.max(self.looked, self.since), scheduler.now()
  self.looked = now
  if QUEUED[t.status] then self.since = now end
  if my.fresh and not had_ended and t.status == "SUCCEEDED" then
    pace.note(my.session, my.ref, (self.over and now or (now + last) / 2) - self.since)
  end
end

--- The process was stopped, or its host did not call `step`: so were all who wait beside this one, and each asks at a
--- time of its own.
function Asking:scatter()
  self.at = scheduler.now() + retry.random() * least_of(self.my.session)
end

--- Reads what earlier programs know of how long it takes, where that counts.
function Asking:recall()
  local my = self.my
  if my.fresh and not my.session.limits.poll_interval then pace.recall(my.session, my.ref) end
end

return asking
