-- task.lua: one task at a provider, as the user holds it. What it made is fetched in films.lua.

local adapter = require "runway.adapter"
local answers = require "runway.answer"
local asking = require "runway.asking"
local errors = require "runway.errors"
local http = require "runway.http"
local ledger = require "runway.ledger"
local options = require "runway.options"
local patience = require "runway.patience"
local scheduler = require "runway.scheduler"
local targets = require "runway.targets"
local text = require "runway.text"
local values = require "runway.values"

local NONE = {}                               -- options that no one gave

local TERMINAL = { SUCCEEDED = true, FAILED = true, CANCELLED = true }

-- How far on a task is; an answer that would lead back is an old one, of a server that lags behind.
local STAGE = { PENDING = 1, THROTTLED = 1, RUNNING = 2, SUCCEEDED = 3, FAILED = 3, CANCELLED = 3 }

-- How often a finished task is asked for its missing output, and how long between.
local OUTPUT_TRIES, OUTPUT_PAUSE = 3, 5

-- How often in a row a provider must say that it knows no such task, once it has known it.
local GONE_AFTER = 3

-- Seconds after success in which a film may not be where its URL says yet; and after a look that found
-- the task ended, no one knows since when.
local FILM_GRACE, SHORT_GRACE = 60, 10

-- Later than planned by so many seconds: the process was stopped, or its host did not call `step`.
local OVERSLEPT = 10

local OVERDUE = 1                             -- seconds after which no one else asks

-- Statuses by which a provider says that it has not begun.
local QUEUED = { PENDING = true, THROTTLED = true }

---@class runway.Task
---@field id string
---@field provider string         the adapter's name
---@field kind? runway.Kind
---@field status runway.Status
---@field progress? number        0..1
---@field output? string[]        URLs of the finished files; they expire (hours to days)
---@field failure? string         the provider's words
---@field failure_code? string    the provider's code
---@field created_at? number      Unix seconds
---@field cost? number            credits
---@field estimated_cost? number  credits
---@field raw? table              the last answer, decoded
local Task = {}
Task.__index = Task
Task.__name = "runway.task"

function Task.__tostring(task)
  return ("task %s %s (%s)"):format(task.id, task.status, task.provider)
end

local task = { Task = Task }

-- What a task knows beside its public fields; kept apart so that printing a
-- task never walks into its client.
local inner = setmetatable({}, { __mode = "k" })

---@param session runway.Session
---@param ref table        { id=, kind=, model=, format=, output=, overwrite=, target=, made_from=, trail=, here=,
---  hook=, again=, by_id= }; trail: whom to tell what becomes of it; here: its file, as an earlier run has left it;
---  hook: what callbacks tell; again: the key by which a script that is run again goes on with it; by_id: it was
---  attached to so
---@param fresh boolean    just submitted (asked after an interval), or attached (asked at once)
---@return runway.Task
function task.new(session, ref, fresh)
  local t = setmetatable({ id = ref.id, kind = ref.kind, provider = session.adapter.name, status = "PENDING",
    raw = nil }, Task)                        -- and with places for what an answer tells
  local my = { session = session, ref = ref, born = scheduler.now(), fresh = fresh, seen = false, asking = nil }
  my.asking = asking.new(my)
  inner[t] = my
  if ref.hook then ref.hook.id = ref.id end
  if fresh then
    ledger.hold(t, session:is_real(), true, session.account, ref.again)
    task.plan(t, nil)
  end
  return t
end

--- Is its status more than what any begins with: was it made here, has its provider told of it, or has it ended?
---@param t runway.Task
---@return boolean
function task.is_known(t)
  local my = inner[t]
  return my.fresh or my.seen or TERMINAL[t.status] == true
end

-- When it is asked about next: see asking.lua.
function task.plan(t, hint, after) inner[t].asking:plan(t, hint, after) end

-- Outputs that are not among those of a task: said once.
local function note_what_is_left_out(t, flagged)
  local my = inner[t]
  if flagged == my.flagged then return end
  my.flagged = flagged
  my.session:log("warning", ("task %s: %s"):format(t.id, flagged), { task_id = t.id })
end

-- Those who keep count of what tasks cost, and of how many are under way, in this client.
local function count_it(t)
  local session = inner[t].session
  if session.purse then session.purse:told(t) end
  if session.places then session.places:told(t) end
end

--- Takes in what an adapter read. A task that has ended stays ended, one that ran does not wait again; an
--- unknown status word changes nothing but `raw`.
---@param t runway.Task
---@param fields table
---@param raw table|nil
function task.apply(t, fields, raw)
  t.raw = raw or t.raw
  local ended = TERMINAL[t.status]
  if not ended and fields.status then
    if (STAGE[fields.status] or 0) < (STAGE[t.status] or 0) then return end
    t.status = fields.status
  end
  if ended and fields.status ~= t.status then return end
  if not ended and fields.status == "SUCCEEDED" then
    t.output = nil                            -- what it showed while it ran is not all
    local my = inner[t]
    my.made_now = my.seen or my.fresh
    my.film_by = scheduler.now() + (my.made_now and FILM_GRACE or SHORT_GRACE)
  end
  if fields.progress then t.progress = fields.progress end
  if t.status == "SUCCEEDED" then t.progress = 1 end
  if TERMINAL[t.status] then ledger.release(t) end
  if t.status == "FAILED" or t.status == "CANCELLED" then targets.free(inner[t].ref.target) end
  if fields.output then t.output = fields.output end
  if fields.flagged then note_what_is_left_out(t, fields.flagged) end
  if fields.created_at then t.created_at = fields.created_at end
  if fields.cost then t.cost = values.whole(fields.cost) end
  if fields.estimated_cost then t.estimated_cost = values.whole(fields.estimated_cost) end
  if fields.failure or fields.failure_code then -- a server may echo what it was sent
    local session = inner[t].session
    t.failure = session:redact(fields.failure) or t.failure
    t.failure_code = session:redact(fields.failure_code) or t.failure_code
  end
  if fields.cost or fields.estimated_cost or TERMINAL[t.status] then count_it(t) end
end

local function check_self(t)
  if not inner[t] then options.without_self "task" end
end

-- An error that names the task, so that the id is never lost. A task that has an id was paid for,
-- whatever became of the request that failed now.
local function mark(t, err)
  err.task, err.task_id, err.sent = t, t.id, "yes"
  return nil, err
end

local function fail(t, e)
  return mark(t, select(2, inner[t].session:error(e)))
end

-- The request that asks after a task: the same each time, for adapters are pure. It is kept unless it holds tables,
-- which an adapter may share between its requests.
local function question(my)
  if my.question then return my.question end
  local request, problem = adapter.ask(my.session, "query", my.ref)
  if not request then return nil, problem end
  local kept = {}
  for name, v in next, request do
    if type(v) == "table" then return request end
    kept[name] = v
  end
  my.question = kept
  return kept
end

-- That the adapter read in an answer that there is no such task; with the provider's own words.
local function unknown_task(session, answer)
  local said = answer.problem and answer.problem.message
  return select(2, session:error { kind = "not_found", http_status = answer.status, code = "not_found",
    message = "the provider knows no such task (deleted, or of another account or provider?)"
      .. (said and ": " .. said or "") })
end

-- One query (with its retries). True, or nil, err. A task that the provider does not know (yet) is
-- given the grace of its adapter while it is waited for, or was submitted here; a mere look at an id
-- says at once that there is no such task.
local function query(t, deadline, waiting)
  local my = inner[t]
  local session = my.session
  local request, problem = question(my)
  if not request then return mark(t, select(2, session:refuse(problem))) end
  local own = session:deadline()
  local fields, err, answer = http.call(session, request, {
    reader = "task", ref = my.ref, paid = false,
    deadline = deadline and own and math.min(deadline, own) or deadline or own,
  })
  my.fault = answer and answer.fault
  if not fields and err.kind ~= "not_found" then return mark(t, err) end
  my.asking.failures = 0
  if not fields or fields.missing then
    my.missing = (my.missing or 0) + 1
    local grace = (my.fresh or waiting) and session.adapter.missing_grace or 0
    local confirmed = not (waiting and (my.seen or my.fresh)) or my.missing >= GONE_AFTER
    if confirmed and (my.seen or scheduler.now() - my.born >= grace) then
      targets.free(my.ref.target)
      err = err or unknown_task(session, answer)
      local kept = my.ref.trail and waiting and not t:done()
      if kept then my.ref.trail:lost(err) end
      if waiting or not my.seen then ledger.doubt(t, kept) end
      return mark(t, err)
    end
  else
    if my.fault then session:blame(my.fault) end
    local had_ended = TERMINAL[t.status]
    task.apply(t, fields, answer.json)
    my.asking:saw(t, had_ended)
    my.seen, my.missing = true, nil
    my.word = not fields.status and fields.word or nil
    my.reason = my.word and fields.reason
    my.queued = QUEUED[t.status] and QUEUED[fields.status]
    if my.ref.trail then my.ref.trail:told(t, my.ref.output ~= nil or my.ref.by_id or false) end
    if my.ref.hook and t:done() then my.ref.hook:ended() end
  end
  task.plan(t, fields and fields.next_poll)
  return true
end

--- Asks the provider once how the task stands.
---@return runway.Task|nil
---@return runway.Error|nil err
function Task:refresh()
  check_self(self)
  local ok, err = query(self)
  return errors.told("task:refresh", ok and self or nil, err)
end

--- Has the task ended (as far as is known here)?
---@return boolean
function Task:done()
  check_self(self)
  return TERMINAL[self.status] == true
end

-- What `wait` gives back for an ended task.
local function outcome(t)
  if t.status == "SUCCEEDED" then return t end
  if t.status == "CANCELLED" then
    return fail(t, { kind = "task_cancelled", message = "the task was cancelled" })
  end
  return fail(t, {
    kind = "task_failed", code = t.failure_code,
    message = "the provider could not make it: " .. (t.failure or t.failure_code or "no reason given"),
    retryable = adapter.may_retry(inner[t].session, t.failure_code),
  })
end

local WAIT = {
  timeout = function(v) return type(v) == "number" and v >= 0, "a number of seconds, 0 or more" end,
  on_progress = "function",
}

-- Errors after which the next poll may still bring the answer. Of a task that is known to be there, since
-- it was seen or made here, no page and no nonsense says anything.
local function passing(t, err)
  if err.kind == "protocol" then return inner[t].seen or inner[t].fresh end
  return err.retryable or err.kind == "timeout" -- the query's own
end

-- Is it the API that speaks? One that says it is busy works, and is asked as often as before.
local function is_word(err)
  return err.kind == "server" and err.http_status ~= nil and err.http_status < 300
end

-- One query for those who wait for a place.
local function attendance(t)
  local my = inner[t]
  local ok, err = query(t, nil, true)
  if ok then return end
  if not passing(t, err) then return my.session.places:left(t.id) end
  if not is_word(err) then my.asking.failures = my.asking.failures + 1 end
  task.plan(t, nil, err.retry_after)
end

--- Asks after a task for others who wait until it has ended, when no one else does; one query at a time.
---@param t runway.Task
---@return number seconds   until there is reason to look again
function task.attend(t)
  local my, now = inner[t], scheduler.now()
  my.asking:heed()
  if my.asking.at + OVERDUE <= now then
    local held = my.session:held "free"
    task.plan(t, nil, held)
    if held == 0 and (not my.attendant or my.attendant:done()) then my.attendant = scheduler.spawn(attendance, t) end
  end
  return my.asking.at + OVERDUE - now
end

local function no_output(t)
  local flagged, fault = inner[t].flagged, inner[t].fault
  local message = ("the task succeeded but its answer names no output%s; ask again later")
    :format(flagged and " (" .. flagged .. ")" or "")
  if fault then message = "the task succeeded, but its output was not read: " .. fault end
  return fail(t, { kind = "protocol", code = "no_output", message = message, retryable = not fault })
end

local function timed_out(t, time, last)
  if t.status == "SUCCEEDED" then return no_output(t) end
  local word = inner[t].word
  if word then
    local reason = inner[t].reason
    word = (" (the provider says %q%s)"):format(word, reason and ": " .. reason or "")
  end
  local message = ("still %s after %s s%s; it goes on at the provider: wait again, or %s"):format(t.status,
    text.number(time:seconds()), word or "", inner[t].ref.again and "run it again later, which goes on with it"
    or "attach to its id later")
  local trouble = last and "the last query failed: " .. last.message or inner[t].fault
  if trouble then message = message .. " (" .. trouble .. ")" end
  return fail(t, { kind = "timeout", message = message, retryable = true })
end

-- Was the task cancelled here, by another job, while this one waited? The provider may not know it any more.
local function gone(t)
  return t.status == "CANCELLED"
end

-- Has it ended, with its files named, or here, if it succeeded?
local function finished(t)
  return TERMINAL[t.status] and (t.status ~= "SUCCEEDED" or t.output ~= nil or inner[t].ref.here ~= nil)
end

-- What was overslept does not count.
local function woke(t, time, due)
  local late = scheduler.now() - due
  if late < OVERSLEPT then return end
  inner[t].asking:scatter()
  time:overslept(late)
end

-- One query of a wait. nil, err ends it; else the error that passes, or nil.
local function look(t, time, now)
  local my = inner[t]
  my.asking:begins(t)                         -- first, so that others who wait do not ask as well
  local ok, err = query(t, time.over, true)
  if my.fault then my.session:blame(my.fault) end
  if gone(t) then return true end
  if scheduler.now() - time.over >= OVERSLEPT then time:overslept(scheduler.now() - now) end
  if ok then
    if my.queued then time:queued() end
    return true
  end
  if time:is_over() then return timed_out(t, time, err) end
  if not passing(t, err) then return nil, err end
  if not is_word(err) then my.asking.failures = my.asking.failures + 1 end
  my.session:log("warning", "a query failed, waiting goes on: " .. tostring(err), { task_id = t.id })
  task.plan(t, nil, err.retry_after)
  return true, err
end

local function ended(...) return errors.told("task:wait", ...) end

-- The end of Task:wait, called as its tail, and its only frame while it waits: of thousands that wait each keeps its
-- stack.
local function wait(t, time, on_progress)
  local my, empty, last, looked = inner[t], 0, nil, false
  local session, next_look = my.session, my.asking
  while not finished(t) do
    next_look:heed(time.over)
    local now = scheduler.now()
    if next_look.at > now then                -- until the next query is due, or the wait is over
      local due = math.min(next_look.at, time.over)
      scheduler.park(session:alarm(math.max(0, due - now), my.ref.hook and my.ref.hook.bells))
      if session.closed then
        return ended(fail(t, { kind = "cancelled",
          message = "the client was closed; the task goes on at the provider" }))
      end
      woke(t, time, due)
      if next_look.at > time.over and time:is_over() then return ended(timed_out(t, time, last)) end
    elseif session:held "free" > 0 then       -- another's query was told to come back later
      task.plan(t, nil, session:held "free")
    elseif looked and time:is_over() then     -- there may be no pause between two looks
      return ended(timed_out(t, time, last))
    else
      local ok, err = look(t, time, now)
      looked = true
      if not ok then return ended(nil, err) end
      if gone(t) then break end
      last = err
      if not err and on_progress then scheduler.guard(on_progress, t) end
      if not err and TERMINAL[t.status] and not finished(t) then
        if empty == OUTPUT_TRIES then return ended(no_output(t)) end
        empty = empty + 1
        next_look.at = scheduler.now() + OUTPUT_PAUSE
      end
    end
  end
  return ended(outcome(t))
end

--- Waits until the task has ended. Failed queries do not end the wait while
--- they may pass (network, 5xx, 429): the id is never lost and nothing is
--- submitted again.
---@param opts? runway.WaitOptions   without a timeout: the client's `deadline`, else 3600 s from when the task was last
---  seen in the provider's queue (PENDING or THROTTLED), and 86400 in all
---@return runway.Task|nil task   when it SUCCEEDED and has an output
---@return runway.Error|nil err   task_failed, task_cancelled, timeout, …; err.task is this task
function Task:wait(opts)
  check_self(self)
  opts = opts == nil and NONE or options.check(opts, WAIT, "wait", 2)
  local my = inner[self]
  if not my.fresh and not self:done() then
    ledger.hold(self, my.session:is_real(), my.seen or my.ref.trail ~= nil, my.session.account, my.ref.again)
  end
  my.asking:recall()
  local time = patience.new(opts.timeout or my.session.limits.deadline)
  return wait(self, time, opts.on_progress)
end

-- A cancel of it was taken. A task that no one has seen may be another account's, which is why its provider knows no
-- such.
local function cancelled(t, confirmed)
  local my = inner[t]
  if confirmed or my.fresh or my.seen then task.was_cancelled(t) end
end

--- Asks the provider to stop the task.
---@return true|nil
---@return runway.Error|nil err
function Task:cancel()
  check_self(self)
  if self:done() then return true end         -- a DELETE now would delete what it made
  local my = inner[self]
  local ok, err, confirmed = task.cancel(my.session, my.ref)
  if not ok then return errors.told("task:cancel", mark(self, err)) end
  cancelled(self, confirmed)
  return true
end

--- Its provider has stopped it, or knows it no more though it did.
---@param t runway.Task
function task.was_cancelled(t)
  t.status = "CANCELLED"
  ledger.release(t)
  count_it(t)
  local ref = inner[t].ref
  targets.free(ref.target)
  if ref.trail then ref.trail:told(t, false) end
end

--- A cancel by the id of a task was taken, which may be at stake here: who waits for it is told.
---@param session runway.Session
---@param id string
---@param confirmed boolean|nil   as from task.cancel
---@return boolean found
function task.cancelled_by_id(session, id, confirmed)
  local t = ledger.task(session.adapter.name, id)
  local its = t and inner[t].session
  -- one that is unknown may be so to another account alone
  if not t or TERMINAL[t.status] then return false end
  if its ~= session and not (confirmed and its.base == session.base) then return false end
  cancelled(t, confirmed)
  return true
end

--- Cancels by reference; a task already gone counts as cancelled.
---@return true|nil
---@return runway.Error|nil err
---@return boolean|nil confirmed   its provider has stopped it: false, it knows no such task
function task.cancel(session, ref)
  if not session.adapter.cancel then
    return session:refuse(session.adapter.name .. " has no cancel; the task goes on")
  end
  local request, problem = adapter.ask(session, "cancel", ref)
  if not request then return session:refuse(problem) end
  local done, err, answer = http.call(session, request, { raw = true, paid = false, refusal = function(answer)
    return select(2, adapter.read(session, "problem", answer)) -- "busy" under 200: it goes on, and is charged
  end })
  if answer and answer.page then              -- and not the API's word
    if done then
      err = select(2, session:error { kind = "protocol", http_status = answer.status, sent = "yes", attempts = 1,
        message = ("%s: %s; the task goes on"):format(answer.why, answers.beginning(answer.body)) })
    end
  elseif done or err.kind == "not_found" then
    return true, nil, done ~= nil
  end
  err.task_id = ref.id
  return nil, err
end

-- For films.lua, which fetches what a task made.
task.inner, task.query, task.fail, task.mark, task.outcome = inner, query, fail, mark, outcome

task.timeout = WAIT.timeout                   -- for progress.lua, which takes the same

return task
