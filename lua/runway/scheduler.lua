-- scheduler.lua: the loop, and waiting.
--
-- What waits parks on a waiter: inside a job it yields; anywhere else (the main program, a foreign
-- coroutine) it drives the loop itself until the waiter is woken. So the same code blocks in a script
-- and yields in a job, and nothing below needs to know which.
--
-- One turn of the loop: wait for the engine, let the sources hand out what is
-- finished, fire the timers that are due, resume the jobs that became ready. A host's
-- turn has a budget, see frame.lua.

local clock = require "runway.clock"
local core = require "runway.core"
local errors = require "runway.errors"
local frame = require "runway.frame"
local guard = require "runway.guard"
local interrupt = require "runway.interrupt"
local job = require "runway.job"

local scheduler = {}

---@class runway.Job
local Job = job.Job
local unpack = table.unpack or unpack
local persist, lacks_memory = guard.persist, guard.lacks_memory

-- The race between a signal and the wait cannot be closed from here; this
-- bounds how long an interrupt may go unseen, at one wake-up a second.
local LONGEST_NAP = 1

-- What a host's step may use where the host does not say: a sixteenth of a frame.
local BUDGET = 0.001

-- Waits that cannot yield nest one turn in another, and Lua's C stack is bounded: stop long before it.
local MOST_NESTED = 16

local sources = {}
local kinds                                   -- of work, in the order of a turn: those of the sources, timers, jobs
local turning = 0                             -- depth of turns; > 0 inside step
local hosted = false                          -- the outermost of them is a host's step
local unfinished = false                      -- a turn broke off, or was cut: the next one must come at once
local once_more = false                       -- something in this turn has to be done again
local rung = false                            -- the bell was rung, for what a host's step has left or what came since
local breaks, MOST_BREAKS = 0, 3              -- turns in a row for which memory was missing

-- Clock, guard, interrupt and job are rooms of their own; those who wait find them here.
scheduler.now, scheduler.at, scheduler.cancel_timer = clock.now, clock.at, clock.cancel
scheduler.freeze, scheduler.thaw = clock.freeze, clock.thaw
scheduler.guard, scheduler.try, scheduler.text_of = guard.call, guard.try, guard.text_of
scheduler.is_interrupt, scheduler.explained = interrupt.is, interrupt.explained
scheduler.interrupted_with = interrupt.told_with
scheduler.spawn, scheduler.note, scheduler.newest_first = job.spawn, job.note, job.newest_first
scheduler.kind_of_waiter, scheduler.wake, scheduler.at_end = job.kind_of_waiter, job.wake, job.at_end

--------------------------------------------------------------------- one turn

--- Lets the next turn come at once: this one could not do all it had to.
function scheduler.again()
  once_more, unfinished = true, true          -- of this turn, or between two
end

-- Those made meanwhile wait for the next turn.
local function fire_timers(over)
  local now, newest = clock.now(), clock.newest()
  local fn, given = clock.take(now, newest)
  while fn do
    local ok, err = guard.call(fn, given)
    if not ok and lacks_memory(err) then persist(clock.at, now, fn, given) end
    if over() then return true end
    fn, given = clock.take(now, newest)
  end
end

local function kind_of(source)
  return function(over)
    local ok, left = guard.call(source.drain, over)
    if not ok then once_more = true end
    return ok and left == true
  end
end

-- A new list, for a turn may be on its way through the old one.
local function list_kinds()
  local list = {}
  for i = 1, #sources do list[i] = kind_of(sources[i]) end
  list[#list + 1] = fire_timers
  list[#list + 1] = job.resume_ready
  kinds = list
end

-- Is anything under way beside jobs and timers?
local function is_pending()
  for i = 1, #sources do
    local pending = sources[i].pending
    if pending and pending() then return true end
  end
  return core.pending() > 0
end

-- One turn; waits at most `seconds` (nil: as long as it takes).
local function one_turn(seconds, budget, of_a_host)
  local pause = clock.pause()
  local broken = unfinished
  unfinished = true                           -- until it has come to its end
  if broken or job.is_any_ready() then pause = 0 end
  if clock.is_frozen() and not is_pending() then
    if rung then core.wait(0) end
    if pause and seconds and seconds > 0 then pause = math.min(pause, seconds) end
    if pause and pause > 0 then clock.jump(pause) end
  else
    if seconds and (not pause or seconds < pause) then pause = seconds end
    local nap, began = math.min(pause or LONGEST_NAP, LONGEST_NAP), core.now()
    core.wait(nap)
    clock.overslept(core.now() - began - nap)
  end
  rung = false
  if turning == 0 then hosted = of_a_host end
  turning = turning + 1
  once_more = false
  local left = frame.hand_out(kinds, budget)
  turning = turning - 1
  unfinished, breaks = left or once_more, 0
end

local TURNED = {}                             -- what the loop's coroutine yields after a turn

local function turn_by_turn(seconds, budget, of_a_host)
  while true do
    one_turn(seconds, budget, of_a_host)
    seconds, budget, of_a_host = coroutine.yield(TURNED)
  end
end

local loop                                    -- a coroutine that is between two turns, or nil

-- Ctrl-C breaks in wherever the main thread's Lua happens to be: between taking a job out of its line
-- and resuming it, and the job is lost. It breaks into no coroutine, so a turn is made in one; there it
-- is met at one place only, in core.wait.
local function turn(seconds, budget, of_a_host)
  local _, main = coroutine.running()
  if not main then return one_turn(seconds, budget, of_a_host) end
  local co, ok, said = loop or coroutine.create(turn_by_turn)
  loop = nil
  repeat                                      -- a callback that yields has no one to yield to
    ok, said = coroutine.resume(co, seconds, budget, of_a_host)
    if not ok then error(said, 0) end
  until said == TURNED
  loop = co
end

local function nothing_to_wait_for()
  return not job.is_any_ready() and not unfinished and not clock.pause() and not is_pending()
end

--------------------------------------------------------------------- waiting

--- Called before something is paid for: raises when there is a reason to pay for nothing more.
function scheduler.checkpoint()
  local mine = job.current
  if mine and mine.cancelled then error(job.cancelled(mine), 0) end
  if turning > MOST_NESTED then
    error("too many waits inside one another: wait in jobs (runway.spawn), not in callbacks or in "
      .. "coroutines of your own", 0)
  end
  if not interrupt.is_pending() then return end
  if mine then error(interrupt.for_job(), 0) end
  interrupt.raise()
end

--- Something to park on, see `job.waiter`. Made before that begins which is waited for: a host's step, which must
--- not wait, refuses here what cannot yield to it, and nothing has been sent.
---@param kind? table   of `kind_of_waiter`
function scheduler.waiter(kind)
  if hosted and turning > 0 and not job.here() then
    local place = errors.place()
    error((place and place .. ": " or "") .. "a wait cannot yield here, and would hold up the host's step: wait in "
      .. "the job itself, and not below a function of C (string.gsub, table.sort, require), in a callback or in a "
      .. "coroutine of its own", 0)
  end
  return job.waiter(kind)
end

local function wake(w) w:wake() end           -- as its kind has it

--- Wakes a waiter, with nothing, in a turn at or after `time`.
---@param time number   on scheduler.now()
---@param w table
---@return table timer
function scheduler.wake_at(time, w) return clock.at(time, wake, w) end

-- A reason to give up a wait, raised after what it waited for was let go.
local function give_up(w, raise, ...)
  if w.abandon then guard.call(w.abandon, w) end
  raise(...)
end

-- Takes an error that ended a turn; a second one is raised at once. What memory was missing for is
-- done by the next turn, once more.
local function interrupted_by(err)
  if not lacks_memory(err) then return interrupt.take(err) end
  collectgarbage()
  breaks = breaks + 1
  if breaks <= (interrupt.awaits_paid() and guard.PATIENCE or MOST_BREAKS) then return false end
  breaks = 0
  error(err, 0)
end

-- Sees to it that nothing more is paid for after an interrupt.
local function heed_interrupt()
  if interrupt.heed() and scheduler.on_deferred then guard.call(scheduler.on_deferred) end
end

-- Told at the script's line. What was under way when this process was forked ends in the parent alone.
local function never()
  local fd, why = core.fd()
  local place = errors.place()
  error((place and place .. ": " or "") .. "waiting for something that cannot happen: "
    .. (fd and "no request, timer or job is left" or why), 0)
end

-- Runs the loop until the waiter is woken.
local function drive(w)
  local depth, mine = turning, job.current
  local told = false
  while not w.done do
    heed_interrupt()
    if w.critical then
      if w.stop and mine and mine.cancelled and not told then
        told = true
        w.stop("cancelled", "the job was cancelled", w)
      end
    else
      if mine and mine.cancelled then give_up(w, error, job.cancelled(mine), 0) end
      if interrupt.is_due() then give_up(w, interrupt.raise) end
      if depth > MOST_NESTED then give_up(w, scheduler.checkpoint) end
    end
    if nothing_to_wait_for() then
      never()
    end
    local ok, err = pcall(turn, nil, math.huge)
    turning, job.current = depth, mine        -- an interrupt may have left a turn half way
    if not ok and interrupted_by(err) then interrupt.raise() end
  end
  if interrupt.is_due() and not w.critical then interrupt.raise() end
end

-- Drives, also on from where Ctrl-C came between two turns.
local function drive_through(w)
  local depth, mine = turning, job.current
  while true do
    local ok, err = pcall(drive, w)
    if ok then return end
    turning, job.current = depth, mine
    if not interrupt.is_new(err) then error(err, 0) end
    if interrupted_by(err) then interrupt.raise() end
  end
end

--- Waits until `w` is woken: yields inside a job, drives the loop elsewhere.
---@return any value   what it was woken with
function scheduler.park(w)
  if not w.done then
    local mine = job.here()
    if w.critical then interrupt.awaits(w) end
    if mine then return job.park(mine, w) end -- whose frame is the last that a task keeps which waits
    drive_through(w)
  end
  return w.value
end

-- Jobs that wait for one another would do so for ever.
local function refuse_ring(mine, other)
  while other and other ~= mine do other = other.waiting and other.waiting.joins end
  if other then
    error("join was called in the job itself, or of one that waits for it: it would wait for its own end", 3)
  end
end

--- Waits for the job to end.
---@return any ...  the function's values, true where it has none; or nil, err when it raised (err.traceback) or was
---  cancelled
function Job:join()
  job.check_self(self)
  local mine = job.current
  if mine then refuse_ring(mine, self) end
  self.joined = true
  while not self.results do
    local w = scheduler.waiter()
    job.at_end(self, w)
    w.joins = self
    scheduler.park(w)
  end
  if self.results.n == 0 then return true end -- so that `assert(job:join())` holds
  return errors.told("job:join", unpack(self.results, 1, self.results.n))
end

--- Begins what calls back, and waits until it has.
---@param begin fun(done: fun(result: any))
---@return any result
function scheduler.await(begin)
  local w = scheduler.waiter()
  begin(function(result) w:wake(result) end)
  return scheduler.park(w)
end

--- Within a job, lets everything else have a turn, in a host's step not before its slice is over; a cancel waits
--- until this is over. Elsewhere it does nothing: who waits there has nothing else to do.
function scheduler.breathe()
  if not job.here() or hosted and not frame.over() then return end
  local w = scheduler.waiter()
  w.critical = true
  scheduler.wake_at(scheduler.now(), w)
  scheduler.park(w)
end

local Sleeper = job.kind_of_waiter { abandon = function(w) clock.cancel(w.timer) end }

--- Waits for `seconds`; others run meanwhile.
---@param seconds number
function scheduler.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    error("sleep takes a number of seconds", 2)
  end
  local w = scheduler.waiter(Sleeper)
  w.timer = scheduler.wake_at(scheduler.now() + seconds, w)
  scheduler.park(w)
end

--------------------------------------------------------------------- the loop, from outside

--- One step of everything under way: takes in what is finished, resumes what
--- can go on. `step(0)` never waits and does no I/O of its own.
---@param seconds? number  how long it may wait when nothing is ready (nil: as long as it takes)
---@param budget? number   seconds (0.001) after which the rest is left to the next step; at least one piece of work is
---  done (a job, until it waits), and one that has begun is not cut; math.huge: all there is
---@return true
function scheduler.step(seconds, budget)
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds or seconds < 0) then
    error("step takes a number of seconds, 0 or more", 2)
  end
  if budget ~= nil and (type(budget) ~= "number" or budget ~= budget or budget < 0) then
    error("step takes a budget of seconds, 0 or more", 2)
  end
  if turning > 0 then error("step was called inside a step (in a job or a callback)", 2) end
  job.hosted()
  if seconds == nil and nothing_to_wait_for() then return true end
  local ok, err = pcall(turn, seconds, budget or BUDGET, true)
  turning, job.current = 0, nil
  local second = not ok and interrupted_by(err)
  heed_interrupt()
  if second and interrupt.is_pending() or interrupt.is_due() then interrupt.raise() end
  if unfinished or job.is_any_ready() then    -- a host that sleeps at the descriptor comes back
    rung = true
    core.ring()
  end
  return true
end

-- A host that sleeps at the descriptor has asked for the time before it spawned a job, or ended another's wait.
local function ring_between()
  if turning > 0 or rung then return end
  rung = true
  core.ring()
end

--- A descriptor that is readable when `step(0)` has something to do.
---@return integer|nil
---@return runway.Error|nil err  when the engine cannot start
function scheduler.pollfd()
  local fd, message, kind = core.fd()
  if fd then
    job.tell(ring_between)
    return fd
  end
  return nil, errors.new { kind = kind, message = message, sent = "no" }
end

--- What to wait for on `pollfd`.
---@return "r"
function scheduler.events()
  return "r"
end

--- Seconds until `step` has something to do without the descriptor, or nil.
---@return number|nil
function scheduler.timeout()
  if unfinished or job.is_any_ready() then return 0 end
  local pause = clock.pause()
  if pause and clock.is_frozen() then return 0 end
  return pause
end

--- Adds something that hands out finished work in every turn. A room that attaches itself has a name: where
--- memory failed while it was loaded, it is loaded once more, and takes the place of what was left of it.
---@param source table  { drain = function(over), pending = function(): boolean, name = string }; `drain` asks
---  `over()` after each piece that it has handed out, and returns true where that says so; `pending`: is something
---  under way whose end rings `core.notify_fd`?
function scheduler.attach(source)
  local at = #sources + 1
  for i = 1, #sources do
    if source.name and sources[i].name == source.name then at = i end
  end
  sources[at] = source
  list_kinds()
end

---@param source table
function scheduler.detach(source)
  for i = #sources, 1, -1 do
    if sources[i] == source then table.remove(sources, i) end
  end
  list_kinds()
end

list_kinds()

return scheduler
