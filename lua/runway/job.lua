-- job.lua: one job: a coroutine, from its spawn to its end; and the line of those that can go on.
--
-- What waits parks on a waiter. Whoever is woken stands in line, and goes on when the loop comes to it.

local errors = require "runway.errors"
local guard = require "runway.guard"
local interrupt = require "runway.interrupt"
local options = require "runway.options"

-- What a host may have taken away is missed here, and not after something was paid for.
local coroutine = assert(coroutine, "runway needs Lua's coroutine library")
local unpack = assert(table.unpack or unpack, "runway needs table.unpack")
local pack = table.pack or function(...) return { n = select("#", ...), ... } end
local close = coroutine.close or function() end
local yieldable = coroutine.isyieldable or function() return true end
local persist = guard.persist

local PARKED = {}                             -- what a job of ours yields

---@class runway.Job
---@field co? thread           nil once it has ended
---@field results? table       its values, packed, once it has ended
---@field waiting? table       the waiter at which it is parked
---@field start? table         its arguments, until it first runs
---@field joiners table[]|nil|false   waiters of those who wait for its end, see job.at_end
---@field joined? boolean      someone has asked for its end
---@field cancelled? boolean
---@field raised? { value: any, cut_short: boolean }
---@field broke any            what ended a turn of it that is to be made once more; false: nothing
---@field notes? table<any, fun(err: runway.Error)>   see job.note
local Job = {}
Job.__index = Job
Job.__name = "runway.job"

local job = { Job = Job }

--- The job that is running, or nil.
---@type runway.Job|nil
job.current = nil

local by_coroutine = setmetatable({}, { __mode = "k" })

--------------------------------------------------------------------- the line

local ready, first, last = {}, 1, 0
local on_ready                                -- who is told that the line is empty no more, or nil

local function make_ready(j)
  ready[last + 1] = j                         -- first, for it may raise
  last = last + 1
  if on_ready and last == first then on_ready() end
end

--- Has it told whenever there is a job that can go on, after there was none.
---@param fn fun()
function job.tell(fn) on_ready = fn end

---@return boolean
function job.is_any_ready()
  return last >= first
end

local hosted = false

--- A host lets jobs run by steps of its own, and may end with some undone whenever it likes.
function job.hosted()
  hosted = true
end

-- Collected when the state closes: a script that ends before its jobs have begun must not do so silently.
job.at_the_end = setmetatable({}, { __gc = function()
  local count = 0
  for i = first, hosted and 0 or last do
    if ready[i].start then count = count + 1 end
  end
  if count == 0 then return end
  guard.say(("the program ended before %d job(s) that it had spawned ever ran: end a script with runway.run, "
    .. "runway.all or job:join"):format(count))
end })

--------------------------------------------------------------------- how one ends

-- What a job raised must reach someone, if not who joins it. An interrupt is raised by the loop as well, and what it
-- cut short is no news.
function Job.__gc(j)
  if j.raised and not j.joined and not j.raised.cut_short then
    guard.say("a job that no one joined raised: " .. j.results[2].traceback)
  end
end

local function finish(j, results)
  j.results = results
  j.co, j.waiting, j.start = nil, nil, nil
  local joiners = j.joiners
  if not joiners then return end
  j.joiners = nil
  for i = 1, #joiners do joiners[i]:wake() end
end

--- Notes someone to be woken by the end of one that has not ended.
---@param j runway.Job
---@param one table   its `wake` is called
function job.at_end(j, one)
  local joiners = j.joiners or {}
  j.joiners = joiners
  joiners[#joiners + 1] = one
end

-- What the rooms above have noted of the job, into the error that ends it.
local function with_notes(j, err)
  for _, tell in pairs(j.notes or {}) do tell(err) end
  return err
end

--- The error that ends one that was cancelled.
---@param j runway.Job
---@return runway.Error
function job.cancelled(j)
  return with_notes(j, errors.new {
    kind = "cancelled", message = "the job was cancelled; tasks that it has made go on at the provider",
  })
end

local function end_cancelled(j)
  local co, waiter = j.co, j.waiting
  j.waiting = nil
  if waiter and waiter.abandon then guard.call(waiter.abandon, waiter) end
  if j.results then return end                -- `abandon` came back here
  finish(j, { n = 2, nil, job.cancelled(j) })
  local ok, err = close(co)
  if ok == false then guard.report(guard.text_of(err)) end
end

local function end_raised(j, raised)
  local err, said = raised, raised
  if interrupt.is(raised) then
    interrupt.keep(raised)
    if type(raised) == "table" then said = raised.message end -- its text names every open task
  end
  said = guard.text_of(said)
  if j.cancelled and errors.is(raised) and raised.kind == "cancelled" then
    return finish(j, { n = 2, nil, with_notes(j, raised) })
  end
  if not errors.is(raised) then
    err = errors.new { message = said }
    err.kind, err.value = nil, raised
  end
  err.traceback = errors.redact(debug and debug.traceback(j.co, said) or said)
  local gave_up = errors.is(raised) and raised.kind == "cancelled" and interrupt.is_pending()
  j.raised = { value = raised, cut_short = gave_up or interrupt.is(raised) }
  close(j.co)
  finish(j, { n = 2, nil, with_notes(j, err) })
end

--------------------------------------------------------------------- how one goes on

local function resumed(j, outer, ok, ...)
  job.current = outer
  if ok and (...) == PARKED then              -- as a rule
    if j.cancelled and not j.waiting.critical then end_cancelled(j) end
  elseif coroutine.status(j.co) == "dead" then
    j.broke = not ok and (...)
    if ok then finish(j, persist(pack, ...)) else persist(end_raised, j, (...)) end
  else
    make_ready(j)                             -- a yield of the user's own: let others run
  end
end

local function resume(j)
  if j.waiting then interrupt.came(j.waiting) end -- not before: a frame may be cut between its coming and this
  if not j.co then return end                 -- ended while it stood in line
  if j.cancelled and not (j.waiting and j.waiting.critical) then return end_cancelled(j) end
  if coroutine.status(j.co) == "dead" then
    if j.broke then return end_raised(j, j.broke) end -- its values were lost
    return end_cancelled(j)                   -- someone else has closed its coroutine
  end
  j.waiting, j.broke = nil, false
  local start, outer = j.start, job.current
  job.current = j
  if not start then return resumed(j, outer, coroutine.resume(j.co)) end
  j.start = nil
  resumed(j, outer, coroutine.resume(j.co, unpack(start, 1, start.n)))
end

--- Lets those in line go on, each once. An error is Ctrl-C's, of memory, or of a hook of the host's: the job goes on
--- in the next turn.
---@param over fun(): boolean   see frame.lua
---@return true|nil cut
function job.resume_ready(over)
  local latest = last                         -- those made ready below wait for the next turn
  while first <= latest do
    local j = ready[first]
    ready[first] = nil
    first = first + 1
    local ok, err = pcall(resume, j)
    if not ok then
      j.broke = j.broke or err
      make_ready(j)
      error(err, 0)
    end
    if over() then return true end
  end
end

--- Starts a job; it first runs in the next step.
---@param fn function
---@param ... any        its arguments
---@return runway.Job
function job.spawn(fn, ...)
  if type(fn) ~= "function" then
    error("spawn takes a function, not " .. type(fn), 2)
  end
  local j = setmetatable({ co = coroutine.create(fn), start = pack(...), joiners = false, broke = false }, Job)
  by_coroutine[j.co] = j
  make_ready(j)
  return j
end

--- Notes something of the running job that its end must not lose: `tell` is called with the error
--- that ends it, and adds what it knows. Outside jobs nothing is noted: errors go to the caller.
---@param key any                       one note for each; nil as `tell` takes it back
---@param tell fun(err: runway.Error)|nil
function job.note(key, tell)
  local j = job.current
  if not j then return end
  j.notes = j.notes or {}
  j.notes[key] = tell
end

--- Raises at the line that called a method of jobs with a dot.
---@param j any
local function check_self(j)
  if getmetatable(j) ~= Job then options.without_self "job" end
end
job.check_self = check_self

--- Stops what runs here; tasks already paid for go on at their provider and
--- can be attached again by id. A submit in flight is awaited first, so that
--- its id is not lost.
---@return boolean was_running
function Job:cancel()
  check_self(self)
  if self.results then return false end
  self.cancelled = true
  if self.start then
    self.start = nil
    end_cancelled(self)
  elseif self.waiting and not self.waiting.critical then
    end_cancelled(self)
  elseif self.waiting and self.waiting.stop then
    self.waiting.stop("cancelled", "the job was cancelled", self.waiting)
  end
  return true
end

---@return boolean
function Job:done()
  check_self(self)
  return self.results ~= nil
end

--------------------------------------------------------------------- waiters

local Waiter = {}
Waiter.__index = Waiter

local born = 0

--- Something to park on: woken once, with a value. `born` is greater than that of any before it. Fields a parker
--- may set:
--- critical (a cancelled job waits for it all the same), stop (called then, or when a client is closed, with a
--- kind, a message and this: give up what can still be given up), abandon (called with this when the
--- job is cancelled while parked here and it is not critical), place (in a session's list); two of his own find
--- room without the table being made anew.
---@param kind? table   of `kind_of_waiter`; nil: one that knows of no more than being woken
function job.waiter(kind)
  born = born + 1
  return setmetatable({ done = false, value = nil, born = born, woken = false, job = false, place = false },
    kind or Waiter)
end

--- What all waiters have in common that are waited at in one place: `stop`, `abandon`, and what is done when they are
--- woken; made once, and not for each.
---@param of table
---@return table kind
function job.kind_of_waiter(of)
  for name, v in next, Waiter do
    if of[name] == nil then of[name] = v end
  end
  of.__index = of
  return of
end

-- Where memory fails on the way, a second call goes on where the first broke off.
---@param self table
---@param value? any
function job.wake(self, value)
  if self.woken then return end
  if not self.done then self.value = value end
  self.done = true
  local j = self.job
  if j and j.waiting == self then make_ready(j) else interrupt.came(self) end
  self.woken = true
end
Waiter.wake = job.wake

--- What is waited for, the newest first: in this order it is given up. What stands in a line is before what it
--- waits behind, so that nothing of it gets a turn meanwhile.
---@param waiters table[]
---@return table[]   another list
function job.newest_first(waiters)
  local list = {}
  for i, w in ipairs(waiters) do list[i] = w end
  table.sort(list, function(a, b) return a.born > b.born end)
  return list
end

--- The job whose coroutine this is, if it can yield.
---@return runway.Job|nil
function job.here()
  local j = by_coroutine[coroutine.running()]
  return j and yieldable() and j or nil
end

-- Someone else has closed the coroutine that waits: its job ends in the next turn, and lets go of what it waited for.
-- One that waits for a paid answer ends with that.
function Waiter:__close()
  local j = self.job
  if j and j.waiting == self and not self.critical then make_ready(j) end
end

local function unless_woken(w)
  if not w.done then return w end
end

--- Yields in a job until `w` is woken.
---@param j runway.Job   as `here` gives it
---@return any value      what it was woken with
function job.park(j, w)
  for _ in unless_woken, w, nil, w do         -- the fourth is to be closed
    j.waiting, w.job = w, j
    coroutine.yield(PARKED)
  end
  return w.value
end

return job
