-- interrupt.lua: Ctrl-C, from when it comes to when it is raised.
--
-- It reaches Lua as an error like any other, raised wherever the program happens to be. It is nobody's
-- fault, so nothing here takes it for one: it goes through, or is kept until the paid answers under way
-- are in, for a task that was just paid for must not lose its id. A second one is raised at once.

local core = require "runway.core"

local interrupt = {}

---@class runway.PendingInterrupt
---@field value any        what was raised
---@field full? any        the same, explained: for the jobs that it ends
---@field heeded? boolean  has what can be stopped been told to stop?

---@type runway.PendingInterrupt|nil
local pending
local raising                                 -- the one that is on its way to the caller
local paid = {}                               -- the waiters parked on a paid answer
local explain, explained                      -- how a room above tells of it, and its metatable

--- Is this what Ctrl-C raises? Whoever catches it must let it go on.
---@param err any
---@return boolean
function interrupt.is(err)
  if type(err) == "table" then return explained ~= nil and getmetatable(err) == explained end
  return type(err) == "string" and err:find("interrupted!$") ~= nil
end

--- Has it told by the room that knows what is at stake.
---@param fn fun(raised: string): table   the error for the text that Ctrl-C raised
---@param metatable table                 of what it makes
function interrupt.told_with(fn, metatable)
  explain, explained = fn, metatable
end

--- An interrupt in its full form; any other value as it is.
---@param raised any
---@return any
function interrupt.explained(raised)
  if not explain or type(raised) ~= "string" or not interrupt.is(raised) then return raised end
  local ok, full = pcall(explain, raised)
  return ok and full or raised
end

--------------------------------------------------------------------- what it must not cost

--- Someone parks on a paid answer, until `came`.
---@param w table   the waiter; its `stop` gives up what has not left
function interrupt.awaits(w)
  paid[w] = true
end

function interrupt.came(w)
  paid[w] = nil
end

---@return boolean
function interrupt.awaits_paid()
  return next(paid) ~= nil
end

--- Sees to it that nothing more is paid for after it: what has not left is dropped, what has left is awaited.
---@return boolean deferred   it is told for the first time, and has to wait
function interrupt.heed()
  if not pending or pending.heeded then return false end
  pending.heeded = true
  core.guard_signals()                        -- the next one may end the process without us
  local told = {}
  for w in pairs(paid) do if w.stop then told[#told + 1] = w end end
  table.sort(told, function(a, b) return a.born > b.born end) -- see job.newest_first
  for _, w in ipairs(told) do w.stop("cancelled", "interrupted", w) end
  return interrupt.awaits_paid()
end

--------------------------------------------------------------------- kept, and raised

--- Keeps one for the loop to raise; the first one stays.
---@param err any
function interrupt.keep(err)
  pending = pending or { value = err }
end

--- Takes an error that ended a turn.
---@param err any
---@return boolean second   to be raised at once
function interrupt.take(err)
  local second = pending ~= nil
  pending = { value = err }
  return second
end

---@return boolean
function interrupt.is_pending()
  return pending ~= nil
end

--- Is there one, and nothing left to wait for?
---@return boolean
function interrupt.is_due()
  return pending ~= nil and not interrupt.awaits_paid()
end

--- What it ends a job with. All jobs have the same, for there may be many.
---@return any
function interrupt.for_job()
  pending.full = pending.full or interrupt.explained(pending.value)
  return pending.full
end

--- Raises the one that is pending.
function interrupt.raise()
  raising = interrupt.explained(pending.value)
  pending = nil
  error(raising, 0)
end

--- Is this an interrupt that broke in by itself, and was not raised here?
---@param err any
---@return boolean
function interrupt.is_new(err)
  return not rawequal(err, raising) and interrupt.is(err)
end

return interrupt
