-- http.lua: policy over a transport; the only room that sends.
--
-- A call is what a caller wants: one answer. It takes as many exchanges as retry.lua allows, in the
-- one loop that stands here. What a result means to this kind of call, and how its failure is told,
-- is the call's own: an API call (below) asks the adapter, a download looks for a file.

local adapter = require "runway.adapter"
local answers = require "runway.answer"
local errors = require "runway.errors"
local fields = require "runway.fields"
local guard = require "runway.guard"
local ids = require "runway.ids"
local ledger = require "runway.ledger"
local retry = require "runway.retry"
local retry_budget = require "runway.retry_budget"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local wires = require "runway.wire"

local http = {}

---@class runway.Call
---@field wire runway.WireRequest      sent as it stands whenever the loop comes round
---@field name string                  for the log, but for its query
---@field deadline? number             on scheduler.now(): it is given up then, unless it may cost money and has left
---@field paid? boolean               it may cost money; one that does not may have a wire with a gate all the same
---@field receipt? runway.Receipt     of a paid call; who gives one closes it
---@field on_progress? fun(received: integer, total: integer|nil)
---@field read fun(call: runway.Call, session: runway.Session, result: table): runway.Reading
---@field tell fun(call: runway.Call, verdict: table, result: table, reading: runway.Reading): table  fields of an error
---@field package session runway.Session      this and the next three: of the exchange that is under way
---@field package handle any                 of the transport
---@field package given_up table|false      the error to be told instead of its own
---@field package ticking table|false         the timer of what is told on the way
---@field package attempts? integer          of one without a receipt, which counts them for itself
---@field package sent? boolean

---What a call makes of one result.
---@class runway.Reading
---@field value any           what the caller gets, when there is no verdict
---@field verdict? table      of retry.lua: what went wrong
---@field hop? boolean        the call's wire was changed to where the answer leads: send it at once
---@field moved? boolean      it failed, but came further than before: its attempts are counted anew
---@field answer? runway.Answer   with `fault`: what the adapter did wrong when it read it
---@field problem? runway.Problem
---@field id? string          of a task that the answer names

local NO_RETRY = "; it was not tried again, since too many requests to this server have failed of late"
-- Answers to conditions and ranges, which no call of the API has.
local UNASKED = { [304] = true, [412] = true, [416] = true }
local ONCE = "; it was not made again, since its request does not say safe = true"
local LOST = " The task may exist and may have been charged: look for it at the provider before submitting again."
local NAMED = " It names the task %s, which may have been charged: go on with it, and do not submit again."

--------------------------------------------------------------------- one exchange

-- Tells how far an exchange has come, until its result is there.
local function tell_progress(call, transport, w)
  local function tick()
    if w.done then return end
    scheduler.guard(call.on_progress, transport:progress(call.handle))
    call.ticking = scheduler.at(scheduler.now() + 0.1, tick)
  end
  call.ticking = scheduler.at(scheduler.now(), tick)
end

-- Something broke in on an exchange that costs nothing (no memory, say): what has begun would go on by itself.
local function break_off(transport, w, done, raised)
  if not transport.abandon then return end
  guard.persist(transport.abandon, transport, done)
  local is_ending = guard.lacks_memory(raised) and transport.awaits and transport:awaits(done)
  if is_ending then guard.persist(scheduler.park, w) end -- it still has its file
end

-- What waits for an exchange has its call, and is all that these are told: so none of them is made for each.
local function give_up(kind, message, w)
  local call = w.call
  local transport = call.session.transport
  call.given_up = { kind = kind, code = kind, message = message, permanent = kind ~= "timeout" }
  if not call.paid then
    transport:cancel(call.handle or nil)
    w:wake { sent = false, error = call.given_up }
  elseif transport.drop then
    transport:drop(call.handle or nil)        -- the result comes in either case
  end
end

local function release(w)
  local call = w.call
  call.session:strike(w)
  if call.ticking then scheduler.cancel_timer(call.ticking) end
end

local function abandon(w)
  release(w)
  w.call.session.transport:cancel(w.call.handle or nil)
end

local Exchange = scheduler.kind_of_waiter {
  stop = give_up, abandon = abandon,
  late = function(w) give_up("timeout", "the time given for the whole call is over", w) end,
}

-- Starts it, and waits for the result.
local function run(transport, call, w, done)
  local receipt = call.receipt
  call.handle = transport:start(call.wire, done)
  if receipt then receipt.handle = call.handle end
  if call.on_progress then tell_progress(call, transport, w) end
  return scheduler.park(w)
end

-- Sends a call's request once, and waits for the result.
local function exchange(session, call)
  local transport, paid, receipt, w = session.transport, call.paid, call.receipt, scheduler.waiter(Exchange)
  call.session, call.handle, call.given_up = session, false, false
  call.ticking = false                        -- its place before: to make one then could fail
  w.call = call
  session:enlist(w, call.deadline)
  if paid then
    scheduler.checkpoint()
    w.critical = true                         -- a paid answer is awaited even by a cancelled job
  end
  local function done(result) w:wake(result) end
  if receipt and receipt.revoked then         -- the right to send it has gone meanwhile
    release(w)
    return { sent = false, error = receipt.revoked }
  end
  if receipt then                             -- open last: until then nothing can have left, whatever fails here
    receipt.waiter, receipt.transport, receipt.done, receipt.handle = w, transport, done, false
    receipt.open = true
  end
  local ok, result = pcall(run, transport, call, w, done)
  if not ok then
    if not paid then break_off(transport, w, done, result) end
    guard.persist(release, w)
    error(result, 0)
  end
  release(w)
  if receipt then receipt.open = result.sent or not result.error end
  if call.given_up and not result.sent and result.error then
    if paid then scheduler.checkpoint() end   -- told to stop, it does
    result.error = call.given_up
  end
  return result
end

--------------------------------------------------------------------- one call

-- The fields of a failure that every kind of call has, into those that it tells itself.
local function failure(session, tally, verdict, result, reading, call, refused)
  local e = call:tell(verdict, result, reading)
  if refused then e.message = e.message .. NO_RETRY end
  if verdict.once then e.message = e.message .. ONCE end
  e.kind, e.retryable, e.retry_after = verdict.kind, verdict.retryable, verdict.after
  e.attempts, e.sent = tally.attempts, tally.sent and "yes" or "no"
  return session:error(e)
end

-- The client was closed while the call paused between two attempts.
local function closed(session, tally)
  return session:error { kind = "cancelled", message = "the client was closed",
    attempts = tally.attempts, sent = tally.sent and "yes" or "no" }
end

-- An error that ends the job in the middle of a paid call tells what the call has done so far.
local function account(receipt)
  return function(err)
    if receipt.attempts == 0 then return end
    err.attempts = err.attempts or receipt.attempts
    err.task_id = err.task_id or ledger.id_of(receipt)
    if not err.sent or err.sent == "no" then err.sent = (receipt.sent or err.task_id) and "yes" or "no" end
    if not ledger.is_under_way(receipt) then ledger.close(receipt) end
  end
end

-- Those that share what the account's server says of coming back.
local function sort_of(call)
  return call.wire.path and (call.paid and "paid" or "free") or nil
end

-- Seconds until the next attempt, and how many of them count for the timeout: not those that the server asked
-- for, of this call or another. nil when there is to be none, and whether it is the retry budget that allows none.
-- `tries`: attempts since it last came further.
local function next_attempt(session, call, tries, verdict, budget, left)
  if not verdict.again or tries > session.limits.max_retries or session.closed then return nil end
  local delay = retry.delay(tries, verdict.after)
  local counted = verdict.after and 0 or delay
  if call.wire.timeout > 0 and left - counted <= 0 then return nil end
  delay = math.max(delay, session:held(sort_of(call)))
  if call.deadline and scheduler.now() + delay >= call.deadline then return nil end
  if retry.is_outage(verdict) and not budget:take() then return nil, nil, true end
  return delay, counted
end

-- Pauses, and for longer when another call is told meanwhile to come back later. False: the client was closed,
-- or the call must have ended before.
local function pause(session, call, delay)
  repeat
    if call.deadline and scheduler.now() + delay >= call.deadline or not session:pause(delay) then return false end
    delay = session:held(sort_of(call))
  until delay == 0
  return true
end

-- After a pause. nil, err: the journal could not take in that the request leaves once more.
local function go_on(session, tally, call)
  local ok, why
  if not call.receipt then return true end
  ok, why = ledger.go_on(call.receipt)
  if ok then return true end
  return session:error { kind = why.kind, code = why.code, retryable = why.retryable, attempts = tally.attempts,
    sent = tally.sent and "yes" or "no", message = "it was turned away, and not sent again: " .. why.message }
end

-- The retries of the server that it goes to.
local function budget_of(session, wire)
  return retry_budget.of(session.transport, wire.path and session.base or wire.url)
end

local function attempt(session, call, tally)
  local wire = call.wire
  local timed, left = wire.timeout > 0, wire.timeout
  local before = 0                            -- attempts until it came further
  local budget = budget_of(session, wire)
  budget:wanted()
  while true do
    tally.attempts = tally.attempts + 1
    if timed and not call.paid then wire.timeout = left end
    local started = scheduler.now()
    ---@type table
    local result = exchange(session, call)
    tally.sent = tally.sent or result.sent
    local reading = call:read(session, result)
    local verdict = reading.verdict
    if verdict and verdict.kind ~= "unknown_submit" then tally.open = false end
    local seconds = result.timings and result.timings.total or scheduler.now() - started
    if session.logger then
      session:log("debug", ("%s %s: %s"):format(wire.method, call.name:match("^[^?#]*"),
        result.error and result.error.message or result.status), { seconds = seconds, attempt = tally.attempts })
    end
    if reading.hop then
      tally.attempts = tally.attempts - 1
      budget = budget_of(session, wire)
    elseif not verdict then
      budget:answered()
      return reading.value, nil, reading.answer
    else
      if reading.moved then before = tally.attempts - 1 end
      if reading.moved or retry.is_answer(verdict, result) then budget:answered() end
      session:hold(sort_of(call), verdict.after)
      left = left - seconds
      local delay, counted, refused = next_attempt(session, call, tally.attempts - before, verdict, budget, left)
      if not delay then
        local _, err = failure(session, tally, verdict, result, reading, call, refused)
        return nil, err, reading.answer
      end
      left = left - counted
      session:log("warning", ("%s: %s; trying again in %s s"):format(call.name or "another host",
        (call:tell(verdict, result, reading).message:gsub("%.$", "")), text.fixed(delay, 1)),
        { attempt = tally.attempts, kind = verdict.kind, key = call.receipt and call.receipt.key or nil,
          task_id = type(call.ref) == "table" and call.ref.id or nil })
      if call.receipt then ledger.rest(call.receipt) end
      if not pause(session, call, delay) then
        if session.closed then return closed(session, tally) end
        local _, err = failure(session, tally, verdict, result, reading, call)
        return nil, err, reading.answer
      end
      local ready, err = go_on(session, tally, call)
      if not ready then return nil, err, reading.answer end
    end
  end
end

local function without_memory(session, receipt, id)
  local _, err = session:error { kind = "limit", code = "memory", attempts = receipt.attempts, task_id = id,
    sent = (receipt.sent or id) and "yes" or "no",
    message = "memory ran out" .. (id and "; the task was submitted all the same" or "") }
  return err
end

--- Something broke in on a paid call: Ctrl-C, no memory, the end of its job. Its answer is awaited.
---@param session runway.Session
---@param receipt runway.Receipt
---@param raised any
---@return string|nil id           of the task in the answer
---@return runway.Error|nil err    to be given back where memory was missing; else `raised` is to go on
function http.rescue(session, receipt, raised)
  if guard.lacks_memory(raised) then collectgarbage() end
  local id = guard.persist(ledger.await, receipt)
  if not guard.lacks_memory(raised) then return id end
  return id, guard.persist(without_memory, session, receipt, id)
end

-- A paid call of its own: whatever breaks in, the id in its answer goes into the error.
local function send_paid(session, call)
  local receipt = ledger.receipt(session.adapter.name, session:is_real(), session.account)
  ledger.keep(receipt)
  call.receipt = receipt
  local ok, value, err, answer = pcall(http.send, session, call)
  if not ok then
    local raised, id = value
    id, err = http.rescue(session, receipt, raised)
    value = nil
    if not err then
      if errors.is(raised) then raised.task_id = raised.task_id or id end
      raised = scheduler.explained(raised)    -- while the receipt can tell of the id
      ledger.close(receipt)
      error(raised, 0)
    end
  end
  ledger.close(receipt)
  return value, err, answer
end

--- Makes one call: sends, judges, and sends again where that is safe. The wire's timeout covers all
--- requests of the call and the pauses between them, but not those that a server asked for, nor time
--- in line. A paid request always gets the whole of it, so that its answer is awaited.
---@param session runway.Session
---@param call runway.Call
---@return any value
---@return runway.Error|nil err
---@return runway.Answer|nil answer
function http.send(session, call)
  local open, refused = session:is_open()
  if not open then return nil, refused end
  if not call.paid then
    call.attempts, call.sent = 0, false
    return attempt(session, call, call)
  end
  local receipt = call.receipt
  if not receipt then return send_paid(session, call) end
  scheduler.note(receipt, account(receipt))
  local value, err, answer = attempt(session, call, receipt)
  scheduler.note(receipt, nil)
  return value, err, answer
end

--------------------------------------------------------------------- a call of the API

local Api = {}
Api.__index = Api

-- What happened, in words.
local function story(call, verdict, result, reading)
  local e, answer, problem = result.error, reading.answer or {}, reading.problem
  local advice = reading.id and NAMED:format(reading.id) or LOST
  if e then
    if verdict.kind == "unknown_submit" then
      local came = reading.id and "its answer did not come whole" or "no answer came back"
      return ("the request was sent, but %s (%s)."):format(came, e.message) .. advice
    end
    return e.message
  end
  local said = problem and problem.message
  local page = answer.page
  if verdict.kind == "unknown_submit" then
    local what = said and ("the server said: " .. said) or answer.fault or answer.why
      or reading.id and "the answer is not one of a new task" or "the answer names no task"
    if not said and not answer.fault and page then what = what .. ": " .. answers.beginning(answer.body) end
    local link = result.status < 300 and ", but" or ":"
    return ("the request was sent and answered with status %d%s %s."):format(result.status, link, what) .. advice
  end
  local message
  if UNASKED[result.status] and not said then
    message = ("the server answered with status %d, which nothing asked for"):format(result.status)
  elseif result.status >= 300 and result.status < 400 then
    message = "the API answered with a redirect, which is never followed (is the base URL right?)"
  elseif said then
    message = said
  elseif verdict.kind == "authentication" then
    message = "the API key was refused"
  elseif verdict.kind == "protocol" and result.status < 300 then
    local reader = call.reader and (", as %s of the adapter reads it"):format(call.reader) or ""
    message = answer.why or "what was asked for is not in the answer" .. reader
  elseif verdict.kind == "rate_limited" then
    message = "too many requests, or a limit of the account is reached"
  else
    message = ("the server answered with status %d"):format(result.status)
  end
  if page then                                -- whatever the status says: is it the API's?
    if message ~= answer.why then message = message .. "; " .. answer.why end
    message = message .. ": " .. answers.beginning(answer.body)
  end
  if verdict.kind == "authentication" then
    message = (call.wire.path and "%s; the key is that of %s" or "%s; no key was sent, for %s is not of the base URL")
      :format(message:gsub("%.$", ""), call.wire.path and call.session.key_from or call.wire.url:match "^[^?#]*")
  end
  return answer.fault and message .. " (" .. answer.fault .. ")" or message
end

function Api:tell(verdict, result, reading)
  local e, answer, problem = result.error, reading.answer, reading.problem
  return {
    message = story(self, verdict, result, reading), http_status = result.status,
    code = verdict.daily and "daily_limit" or problem and problem.code or e and e.code or nil,
    field = problem and problem.field, request_id = answers.request_id(result.headers),
    body = answer and answer.body ~= "" and answer.body or nil, task_id = reading.id,
  }
end

-- What the adapter makes of an answer.
local function ask_reader(call, session, answer)
  local value, problem, fault = adapter.read(session, call.reader, answer, call.ref)
  local id
  if fault then answer.fault = fault end
  if answer.page then                         -- says nothing of a task, whatever its status
    value = nil
    if answer.status >= 400 and not call.paid then
      problem = { kind = "server", message = "a page that is not the API's came instead of an answer" }
    end
  end
  if call.reader == "accepted" then
    id = value and fields.id(value.id)
    -- beside an error it is the request's own name: { id = "req_1", error = … }
    if id and (answer.status < 200 or answer.status > 299) and ids.is_foreign(id) then id = nil end
    id = id or problem and fields.id(problem.id)
    if not id then value = nil end            -- what is read without an id is not read at all
  end
  return { answer = answer, value = value, problem = problem, id = id }
end

-- Of an answer to a submit that is no JSON an adapter may say whatever it likes: the task may be made, and paid for,
-- unless it says why not by a kind, or that nothing was taken.
local function leave_open(problem)
  if not (problem.kind or problem.refused or problem.retry_after) then problem.kind = "unknown_submit" end
end

function Api:read(session, result)
  local paid, once = self.paid, self.wire.gate
  if result.error then                        -- what came before it broke off may name the task
    local reading = {}
    if paid and result.status and (result.body or "") ~= "" then
      reading.answer = answers.of(result, scheduler.breathe)
      reading.id = ids.in_answer(reading.answer)
    end
    reading.verdict = retry.judge(paid, result, nil, true, once)
    return reading
  end
  local answer = answers.of(result, scheduler.breathe)
  local reading
  if self.reader then
    reading = ask_reader(self, session, answer)
    local value = reading.value
    if type(value) == "table" and value.missing == true then -- it speaks for itself; what else it says is for people
      answer.problem = reading.problem or select(2, adapter.read(session, "problem", answer))
      return reading
    end
  else
    reading = { answer = answer, value = (answer.json or answer.status == 204 or self.raw) and answer or nil }
  end
  local good = answer.status >= 200 and answer.status <= 299
  if good and self.refusal then
    reading.problem, answer.fault = self.refusal(answer)
    if answer.fault then reading.value = nil end -- what could not be read is not believed
  elseif not reading.problem and not (good and reading.value ~= nil) then
    local _, problem, fault = adapter.read(session, "problem", answer)
    reading.problem, answer.fault = problem, answer.fault or fault
  end
  if paid and good and not answer.json and reading.problem then leave_open(reading.problem) end
  reading.verdict = retry.judge(paid, result, reading.problem, reading.value == nil, once)
  if reading.verdict and paid then
    reading.id = reading.id or reading.problem and fields.id(reading.problem.id) or ids.in_answer(answer)
    if reading.id and reading.verdict.retryable then -- who says "later" but names a task has taken the request
      reading.verdict = { kind = "unknown_submit", again = false, retryable = false, after = reading.verdict.after }
    end
  end
  return reading
end

--- Makes one API call.
---@param session runway.Session
---@param request runway.AdapterRequest
---@param opts? table          { reader = "accepted"|"task"|"balance": who reads a good answer, ref = its second
---                              argument, deadline = on scheduler.now() (default: the
---                              client's), paid = true (a submit, whatever its adapter says) or false (what costs
---                              nothing, whatever its method), raw = true (any body will do), aside = true (asked
---                              for by no one: a mock that does not expect it answers, and says nothing),
---                              refusal = a function of a good answer without a reader: the problem that stands in
---                              it, and what the adapter did wrong }
---@return any value           what the reader read (or the answer, without a reader)
---@return runway.Error|nil err
---@return runway.Answer|nil answer
function http.call(session, request, opts)
  opts = opts or {}
  local wire, problem = wires.of(session, request, opts.paid)
  if not wire then return session:refuse(problem) end
  wire.aside = opts.aside
  return http.send(session, setmetatable({
    wire = wire, paid = opts.paid ~= false and wire.gate, name = request.path or "(another host)",
    receipt = opts.receipt, reader = opts.reader, ref = opts.ref, raw = opts.raw,
    refusal = opts.refusal,
    deadline = opts.deadline or session:deadline(),
    session = session, handle = false, given_up = false, ticking = false, attempts = 0, sent = false,
  }, Api))
end

return http
