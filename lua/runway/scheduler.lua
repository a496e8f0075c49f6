-- scheduler.lua: coroutines, timers, and the one clock.
--
-- A job is a coroutine made by `spawn`. What waits parks on a waiter: inside a
-- job it yields; anywhere else (the main program, a foreign coroutine) it
-- drives the loop itself until the waiter is woken. So the same code blocks in
-- a script and yields in a job, and nothing below needs to know which.
--
-- One turn of the loop: wait for the engine, let the sources hand out what is
-- finished, fire the timers that are due, resume the jobs that became ready.

local clock = require "runway.clock"
local core = require "runway.core"
local errors = require "runway.errors"
local guard = require "runway.guard"

local scheduler = {}

local unpack = table.unpack or unpack
local pack = table.pack or function(...) return { n = select("#", ...), ... } end
local close = coroutine.close or function() end
local is_interrupt, persist, NO_MEMORY = guard.is_interrupt, guard.persist, guard.NO_MEMORY
local yieldable = coroutine.isyieldable or function() return true end

-- The race between a signal and the wait cannot be closed from here; this
-- bounds how long an interrupt may go unseen, at one wake-up a second.
local LONGEST_NAP = 1

local PARKED = {}                             -- what a job of ours yields
local jobs = setmetatable({}, { __mode = "k" }) -- coroutine -> job
local sources = {}
local turning = 0                             -- depth of turns; > 0 inside step

-- An error that ended a turn (Ctrl-C, as a rule) is kept as guard.pending until the paid answers under
-- way are in: a task that was just paid for must not lose its id. A second one is raised at once.
local critical, criticals = 0, {}              -- waiters parked on a paid answer: how many, and which
local current                                 -- the job that is running, or nil
local unfinished = false                      -- a turn broke off: the next one must come at once

-- Waits that cannot yield nest one turn in another, and Lua's C stack is bounded: stop long before it.
local MOST_NESTED = 16

-- Tells those parked on a paid answer to stop: what has not left is dropped, what has left is awaited.
local function stop_criticals(kind, message)
  local told = {}
  for w in pairs(criticals) do told[#told + 1] = w.stop end
  for _, stop in ipairs(told) do stop(kind, message) end
end

-- Sees to it that nothing more is paid for after an interrupt.
local function heed_interrupt()
  local interrupt = guard.pending
  if not interrupt or interrupt.heeded then return end
  interrupt.heeded = true
  core.guard_signals()                        -- the next one may end the process without us
  stop_criticals("cancelled", "interrupted")
  if critical > 0 and scheduler.on_deferred then scheduler.guard(scheduler.on_deferred) end
end

local raising                                 -- the interrupt that is on its way to the caller

local function raise_interrupt()
  raising = guard.explained(guard.pending.value)
  guard.pending = nil
  error(raising, 0)
end

-- The clock is a room of its own; those who wait find it here.
scheduler.now, scheduler.at, scheduler.cancel_timer = clock.now, clock.at, clock.cancel
scheduler.freeze, scheduler.thaw = clock.freeze, clock.thaw

--------------------------------------------------------------------- callbacks

-- What may break is called through a room of its own; those who wait find that here, too.
scheduler.guard, scheduler.try, scheduler.text_of = guard.call, guard.try, guard.text_of
scheduler.is_interrupt, scheduler.explained = guard.is_interrupt, guard.explained
scheduler.interrupted_with = guard.interrupted_with

local breaks, MOST_BREAKS = 0, 3              -- turns in a row for which memory was missing
local NOTHING = { n = 0 }                     -- no values

--- Lets the next turn come at once: this one could not do all it had to.
function scheduler.again()
  unfinished = true
end

local function fire_timers()
  local now = clock.now()
  for fn in clock.due, now do
    local ok, err = scheduler.guard(fn)
    if not ok and err == NO_MEMORY then persist(clock.at, now, fn) end
  end
end

--------------------------------------------------------------------- jobs

local ready, ready_first, ready_last = {}, 1, 0

local function make_ready(job)
  ready[ready_last + 1] = job                 -- first, for it may raise
  ready_last = ready_last + 1
end

---@class runway.Job
local Job = {}
Job.__index = Job
Job.__name = "runway.job"

-- What a job raised must reach someone, if not who joins it.
function Job.__gc(job)
  if job.raised and not job.joined then
    guard.say("a job that no one joined raised: " .. job.results[2].traceback)
  end
end

local function end_job(job, results)
  job.results = results
  job.co, job.waiting, job.start = nil, nil, nil
  local joiners = job.joiners
  job.joiners = nil
  for i = 1, #joiners do joiners[i]:wake() end
end

-- What the rooms above have noted of the job, into the error that ends it.
local function with_notes(job, err)
  for _, tell in pairs(job.notes or {}) do tell(err) end
  return err
end

local function cancelled(job)
  return with_notes(job, errors.new {
    kind = "cancelled", message = "the job was cancelled; its tasks go on at the provider",
  })
end

local function end_cancelled(job)
  local co, waiter = job.co, job.waiting
  job.waiting = nil
  if waiter and waiter.abandon then scheduler.guard(waiter.abandon) end
  if job.results then return end              -- `abandon` came back here
  end_job(job, { n = 2, nil, cancelled(job) })
  local ok, err = close(co)
  if ok == false then guard.report(err) end
end

local function end_raised(job, raised)
  local err = raised
  if is_interrupt(raised) then guard.pending = guard.pending or { value = raised } end
  if job.cancelled and errors.is(raised) and raised.kind == "cancelled" then
    return end_job(job, { n = 2, nil, with_notes(job, raised) })
  end
  if not errors.is(raised) then
    err = errors.new { message = guard.text_of(raised) }
    err.kind, err.value = nil, raised
  end
  local said = guard.text_of(raised)
  err.traceback = errors.redact(debug and debug.traceback(job.co, said) or said)
  job.raised = { value = raised }
  close(job.co)
  end_job(job, { n = 2, nil, with_notes(job, err) })
end

local function resumed(job, outer, ok, ...)
  current = outer
  if coroutine.status(job.co) == "dead" then
    if ok then end_job(job, persist(pack, ...)) else persist(end_raised, job, (...)) end
  elseif (...) ~= PARKED then
    make_ready(job)                           -- a yield of the user's own: let others run
  elseif job.cancelled and not job.waiting.critical then
    end_cancelled(job)
  end
end

local function resume(job)
  if not job.co then return end               -- ended while it stood in line
  if job.cancelled and not (job.waiting and job.waiting.critical) then return end_cancelled(job) end
  if coroutine.status(job.co) == "dead" then return end_raised(job, NO_MEMORY) end -- its values were lost
  job.waiting = nil
  local start, outer = job.start or NOTHING, current
  job.start = nil
  current = job
  resumed(job, outer, coroutine.resume(job.co, unpack(start, 1, start.n)))
end

--- Notes something of the running job that its end must not lose: `tell` is called with the error
--- that ends it, and adds what it knows. Outside jobs nothing is noted: errors go to the caller.
---@param key any                       one note for each; nil as `tell` takes it back
---@param tell fun(err: runway.Error)|nil
function scheduler.note(key, tell)
  local job = current
  if not job then return end
  job.notes = job.notes or {}
  job.notes[key] = tell
end

--- Starts a job; it first runs in the next step.
---@param fn function
---@param ... any        its arguments
---@return runway.Job
function scheduler.spawn(fn, ...)
  if type(fn) ~= "function" then
    error("spawn takes a function, not " .. type(fn), 2)
  end
  local job = setmetatable({ co = coroutine.create(fn), start = pack(...), joiners = {} }, Job)
  jobs[job.co] = job
  make_ready(job)
  return job
end

--- Waits for the job to end.
---@return any ...  the function's values; or nil, err when it raised (err.traceback) or was cancelled
function Job:join()
  self.joined = true
  while not self.results do
    local w = scheduler.waiter()
    local joiners = self.joiners
    joiners[#joiners + 1] = w
    scheduler.park(w)
  end
  return unpack(self.results, 1, self.results.n)
end

--- Stops what runs here; tasks already paid for go on at their provider and
--- can be attached again by id. A submit in flight is awaited first, so that
--- its id is not lost.
---@return boolean was_running
function Job:cancel()
  if self.results then return false end
  self.cancelled = true
  if self.start then
    self.start = nil
    end_cancelled(self)
  elseif self.waiting and not self.waiting.critical then
    end_cancelled(self)
  elseif self.waiting and self.waiting.stop then
    self.waiting.stop("cancelled", "the job was cancelled")
  end
  return true
end

---@return boolean
function Job:done()
  return self.results ~= nil
end

--------------------------------------------------------------------- waiting

local Waiter = {}
Waiter.__index = Waiter

--- Something to park on: woken once, with values. Fields a parker may set:
--- critical (a cancelled job waits for it all the same), stop (called then, with a
--- kind and a message: give up what can still be given up), abandon (called when the
--- job is cancelled while parked here and it is not critical).
function scheduler.waiter()
  return setmetatable({ done = false }, Waiter)
end

-- Where memory fails on the way, a second call goes on where the first broke off.
function Waiter:wake(...)
  if self.woken then return end
  if not self.done then self.values = select("#", ...) > 0 and pack(...) or NOTHING end
  self.done = true
  if self.counted then self.counted, critical, criticals[self] = nil, critical - 1, nil end
  local job = self.job
  if job and job.waiting == self then make_ready(job) end
  self.woken = true
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
local function turn(seconds)
  local pause = clock.pause()
  local broken = unfinished
  unfinished = true                           -- until it has come to its end
  if broken or ready_last >= ready_first then pause = 0 end
  if clock.is_frozen() and not is_pending() then
    if pause and seconds and seconds > 0 then pause = math.min(pause, seconds) end
    if pause and pause > 0 then clock.jump(pause) end
  else
    if seconds and (not pause or seconds < pause) then pause = seconds end
    core.wait(math.min(pause or LONGEST_NAP, LONGEST_NAP))
  end
  turning = turning + 1
  local now_attached = { unpack(sources) }    -- one may detach itself
  unfinished = false
  for i = 1, #now_attached do
    if not scheduler.guard(now_attached[i].drain) then unfinished = true end
  end
  local again = unfinished
  unfinished = true
  fire_timers()
  local last = ready_last                     -- those made ready below wait for the next turn
  while ready_first <= last do
    local job = ready[ready_first]
    ready[ready_first] = nil
    ready_first = ready_first + 1
    local ok, err = pcall(resume, job)
    if not ok then                            -- Ctrl-C, or no memory: the job goes on in the next turn
      make_ready(job)
      error(err, 0)
    end
  end
  turning = turning - 1
  unfinished, breaks = again, 0
end

local function nothing_to_wait_for()
  return ready_last < ready_first and not unfinished and not clock.pause() and not is_pending()
end

--- Called before something is paid for: raises when there is a reason to pay for nothing more.
function scheduler.checkpoint()
  if current and current.cancelled then error(cancelled(current), 0) end
  if turning > MOST_NESTED then
    error("too many waits inside one another: wait in jobs (runway.spawn), not in callbacks or in "
      .. "coroutines of your own", 0)
  end
  if not guard.pending then return end
  if current then error(guard.explained(guard.pending.value), 0) end
  raise_interrupt()
end

-- A reason to give up a wait, raised after what it waited for was let go.
local function give_up(w, raise, ...)
  if w.abandon then scheduler.guard(w.abandon) end
  raise(...)
end

-- Takes an error that ended a turn; a second one is raised at once. What memory was missing for is
-- done by the next turn, once more.
local function interrupted_by(err)
  if err == NO_MEMORY then
    collectgarbage()
    breaks = breaks + 1
    if breaks <= MOST_BREAKS then return false end
    breaks = 0
    error(err, 0)
  end
  local second = guard.pending ~= nil
  guard.pending = { value = err }
  return second
end

-- Runs the loop until the waiter is woken.
local function drive(w)
  local depth, job = turning, current
  local told = false
  while not w.done do
    heed_interrupt()
    if w.critical then
      if w.stop and job and job.cancelled and not told then
        told = true
        w.stop("cancelled", "the job was cancelled")
      end
    else
      if job and job.cancelled then give_up(w, error, cancelled(job), 0) end
      if guard.pending and critical == 0 then give_up(w, raise_interrupt) end
      if depth > MOST_NESTED then give_up(w, scheduler.checkpoint) end
    end
    if nothing_to_wait_for() then
      error("waiting for something that cannot happen: no request, timer or job is left", 4)
    end
    local ok, err = pcall(turn)
    turning, current = depth, job             -- an interrupt may have left a turn half way
    if not ok and interrupted_by(err) then raise_interrupt() end
  end
  if guard.pending and critical == 0 and not w.critical then raise_interrupt() end
end

-- Drives, also on from where Ctrl-C came between two turns.
local function drive_through(w)
  local depth, job = turning, current
  while true do
    local ok, err = pcall(drive, w)
    if ok then return end
    turning, current = depth, job
    if rawequal(err, raising) or not is_interrupt(err) then error(err, 0) end
    if interrupted_by(err) then raise_interrupt() end
  end
end

--- Waits until `w` is woken: yields inside a job, drives the loop elsewhere.
---@return any ...  what it was woken with
function scheduler.park(w)
  if not w.done then
    local job = jobs[coroutine.running()]
    if w.critical then
      critical, criticals[w], w.counted = critical + 1, true, true
    end
    if job and yieldable() then
      job.waiting, w.job = w, job
      coroutine.yield(PARKED)
    else
      drive_through(w)
    end
  end
  return unpack(w.values, 1, w.values.n)
end

--- Within a job, lets everything else have a turn; a cancel waits until this is over. Elsewhere it
--- does nothing: who waits there has nothing else to do.
function scheduler.breathe()
  if not jobs[coroutine.running()] or not yieldable() then return end
  local w = scheduler.waiter()
  w.critical = true
  scheduler.at(scheduler.now(), function() w:wake() end)
  scheduler.park(w)
end

--- Waits for `seconds`; others run meanwhile.
---@param seconds number
function scheduler.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    error("sleep takes a number of seconds", 2)
  end
  local w = scheduler.waiter()
  local timer = scheduler.at(scheduler.now() + seconds, function() w:wake() end)
  w.abandon = function() scheduler.cancel_timer(timer) end
  scheduler.park(w)
end

--------------------------------------------------------------------- the loop, from outside

--- One step of everything under way: takes in what is finished, resumes what
--- can go on. `step(0)` never waits and does no I/O of its own.
---@param seconds? number  how long it may wait when nothing is ready (nil: as long as it takes)
---@return true
function scheduler.step(seconds)
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds or seconds < 0) then
    error("step takes a number of seconds, 0 or more", 2)
  end
  if turning > 0 then error("step was called inside a step (in a job or a callback)", 2) end
  if seconds == nil and nothing_to_wait_for() then return true end
  local ok, err = pcall(turn, seconds)
  turning, current = 0, nil
  local second = not ok and interrupted_by(err)
  heed_interrupt()
  if guard.pending and (second or critical == 0) then raise_interrupt() end
  return true
end

--- A descriptor that is readable when `step(0)` has something to do.
---@return integer|nil
---@return runway.Error|nil err  when the engine cannot start
function scheduler.pollfd()
  local fd, message, kind = core.fd()
  if fd then return fd end
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
  if unfinished or ready_last >= ready_first then return 0 end
  local pause = clock.pause()
  if pause and clock.is_frozen() then return 0 end
  return pause
end

--- Adds something that hands out finished work in every turn.
---@param source table  { drain = function(), pending = function(): boolean }; `pending`: is something
---  under way whose end rings `core.notify_fd`?
function scheduler.attach(source)
  sources[#sources + 1] = source
end

---@param source table
function scheduler.detach(source)
  for i = #sources, 1, -1 do
    if sources[i] == source then table.remove(sources, i) end
  end
end

return scheduler
