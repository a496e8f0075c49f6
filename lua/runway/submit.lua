-- submit.lua: from a caller's parameters to a task that is paid for.
--
-- Everything that can be refused is refused before the one request that may cost money; once that
-- has left, its id goes into the task, or into the error, whatever else happens.

local adapter = require "runway.adapter"
local callbacks = require "runway.callbacks"
local claim = require "runway.claim"
local description = require "runway.description"
local download = require "runway.download"
local errors = require "runway.errors"
local fields = require "runway.fields"
local fit = require "runway.fit"
local guard = require "runway.guard"
local http = require "runway.http"
local journal = require "runway.journal"
local json = require "runway.json"
local keyed = require "runway.keyed"
local ledger = require "runway.ledger"
local media = require "runway.media"
local options = require "runway.options"
local params = require "runway.params"
local prices = require "runway.prices"
local provenance = require "runway.provenance"
local scheduler = require "runway.scheduler"
local shape = require "runway.shape"
local targets = require "runway.targets"
local task = require "runway.task"
local text = require "runway.text"
local values = require "runway.values"

local NONE = {}

local submit = {}

--- Does the provider offer this kind of task?
---@param session runway.Session
---@param kind string
---@return boolean
function submit.offers(session, kind)
  local kinds = session.adapter.kinds
  for i = 1, #kinds do
    if kinds[i] == kind then return true end
  end
  return false
end

local function unsupported(session, kind)
  local name, kinds = session.adapter.name, session.adapter.kinds
  local near = options.nearest(kind, kinds)
  return ("%s has no kind %s%s; it has %s"):format(name, text.line(kind, 60) or "",
    near and (" (did you mean " .. near .. "?)") or "", table.concat(kinds, ", "))
end

--- What is wrong with a kind that a task is said to be of, and is not made as here; nil: there are such.
---@param session runway.Session
---@param kind any
---@return string|nil
function submit.kind_fault(session, kind)
  if type(kind) ~= "string" then return "it must be a word, got " .. values.show(kind) end
  if submit.offers(session, kind) then return nil end
  for _, attached in ipairs(session.adapter.attached or {}) do
    if attached == kind then return nil end
  end
  return unsupported(session, kind)
end

-- The kind that was asked for; nil, err when the provider has none such.
local function kind_of(session, given, kind)
  local problem
  kind = kind or given.kind
  if not kind then
    kind, problem = adapter.kind_of(session, given)
    if problem then return session:refuse(problem) end
  end
  kind = kind or params.kind_of(given)
  if not submit.offers(session, kind) then
    return session:refuse { field = "kind", message = unsupported(session, kind) }
  end
  return kind
end

-- The adapter's request. The client's own callback URL goes along where the provider takes one.
-- The caller's misuse comes back as the adapter's problem, to be raised where his line is known.
local function ask(session, kind, given, callback_url)
  local request, problem
  if given.callback_url == nil and callback_url then
    given.callback_url = callback_url
    request, problem = adapter.ask(session, "submit", kind, given)
    given.callback_url = nil
  end
  if not request and (not problem or problem.field == "callback_url") then
    request, problem = adapter.ask(session, "submit", kind, given)
  end
  if request then return request end
  if problem.misuse then return nil, problem end
  return session:refuse(problem)
end

-- The request with what the caller wants in it beside the parameters.
local function with_extra(session, request, extra)
  if not extra then return request end
  if type(request.json) ~= "table" then
    return session:refuse { field = "extra", message = "extra has no place in a request without a JSON body, as this "
      .. "one of " .. session.adapter.name .. " is" }
  end
  local copy, body = {}, {}
  for name, v in pairs(request) do copy[name] = v end
  for name, v in pairs(request.json) do body[name] = v end
  for name, v in pairs(extra) do body[name] = v end
  copy.json = body
  return copy
end

-- What is to be known before it is paid for: pictures that will be cropped, and what goes through though neither we nor
-- the adapter know it.
local function notes_of(order, request, looked)
  local notes = order.fit and {} or shape.warnings(looked)
  for _, warning in ipairs(order.warnings or NONE) do notes[#notes + 1] = warning end
  for _, warning in ipairs(request.warnings or NONE) do notes[#notes + 1] = warning end
  return notes
end

-- Tells it, each text once, in whatever way it comes here.
local function warn(session, notes)
  for _, note in ipairs(notes) do session:complain("warning", note) end
end

-- The whole request for such parameters.
local function compose(session, kind, order, given, callback_url)
  local request, err = ask(session, kind, given, callback_url)
  if not request then return nil, err end
  return with_extra(session, request, order.extra)
end

-- What it will cost; nil where no one knows. nil, err: there is a budget, and no price to hold against it.
local function price_of(session, kind, order, request)
  local estimate, err = prices.of(session, kind, order, request)
  if estimate or session.budget then return estimate, err end
  if session.prices then session:log("warning", err.message) end
  return nil
end

-- The request for what was looked at, what it will cost, and what its provider takes of files. nil, err.
local function weigh(session, kind, order, looked, callback_url)
  local request, estimate, limits, err
  request, err = compose(session, kind, order, looked, callback_url)
  if not request then return nil, err end
  estimate, err = price_of(session, kind, order, request)
  if err then return nil, err end
  limits, err = adapter.media(session, kind, looked)
  if not limits then return session:refuse(err) end
  return request, estimate, limits
end

-- Puts the request together; uploads what is too large to be sent inside it. The second value: what it will cost.
local function build(session, kind, order, deadline, callback_url)
  local looked, found = media.look(session, order.params, deadline)
  if not looked then return nil, found end
  local err
  if order.fit then looked, err = fit.pictures(session, looked, order.fit, order.fitted, deadline) end
  if not looked then return nil, err end
  local request, estimate, limits = weigh(session, kind, order, looked, callback_url)
  if not request then return nil, estimate end
  warn(session, notes_of(order, request, looked))
  if not found then return request, estimate end
  local settled, changed = media.settle(session, looked, limits, deadline)
  if not settled then return nil, changed end
  if changed then request, err = compose(session, kind, order, settled, callback_url) end
  if not request then return nil, err end
  return request, estimate
end

--- What a task will cost; nothing is sent.
---@param session runway.Session
---@param order runway.Order
---@return runway.Estimate|nil
---@return runway.Error|runway.Problem|nil err   with `misuse`: to be raised at the caller's line
function submit.estimate(session, order)
  local kind, err = kind_of(session, order.params)
  if not kind then return nil, err end
  local request
  request, err = compose(session, kind, order, order.params)
  if not request then return nil, err end
  warn(session, request.warnings or NONE)     -- a price is no use of what the API refuses
  return prices.of(session, kind, order, request)
end

--- What would be submitted, with all that can be refused before it refused: files are looked at, and nothing is
--- sent, uploaded or written.
---@param session runway.Session
---@param order runway.Order
---@return { kind: string, request: table, estimate: runway.Estimate|nil, notes: string[] }|nil   notes: what is to be
---  known before it is paid for
---@return runway.Error|runway.Problem|nil err   with `misuse`: the caller's
function submit.dry(session, order)
  local ok, looked
  local kind, err = kind_of(session, order.params)
  if not kind then return nil, err end
  looked, err = media.look(session, order.params)
  if not looked then return nil, err end
  local request, estimate, limits = weigh(session, kind, order, looked, session.callback_url)
  if not request then return nil, estimate end
  if not session.adapter.upload then
    ok, err = media.settle(session, looked, limits) -- else what is too large would be uploaded
    if not ok then return nil, err end
  end
  if order.fit then
    ok, err = fit.check(session, looked, order.fit)
    if not ok then return nil, err end
  end
  return { kind = kind, request = request, estimate = estimate,
    notes = notes_of(order, request, looked) }
end

-- The end of a job must not lose what it has just paid for.
local function note(t)
  scheduler.note("task", function(err)
    if not err.task then err.task, err.task_id, err.sent = t, t.id, "yes" end
  end)
end

-- What is to be known of a task whose answer was not JSON as RFC 8259 has it: it was read as far as it goes.
local function notice(session, t, answer)
  local strict, why = json.decode(answer.body)
  if strict ~= nil then return nil end
  local _, err = session:error { kind = "protocol", code = "broken_answer", task = t, task_id = t.id, sent = "yes",
    message = "the task was made; the answer that says so is no clean JSON, and was read as far as it goes: " .. why }
  return err
end

-- The paid request, and what comes of it.
local function call(session, request, ref, receipt, deadline)
  local made, failure, answer = http.call(session, request,
    { reader = "accepted", ref = ref.kind, paid = true, deadline = deadline, receipt = receipt })
  if failure and failure.kind == "invalid_request" and request.warnings then -- what it is refused for, like as not
    failure.message = ("%s; it went out although %s"):format(failure.message, table.concat(request.warnings, ", and "))
  end
  ref.id = made and fields.id(made.id) or failure and failure.task_id
  if not ref.id then
    if ref.hook and receipt.open and not session.journal then callbacks.lose(ref.hook) end
    return nil, failure
  end
  if ref.target then ref.target.task_id = ref.id end
  local t = task.new(session, ref, true)
  note(t)
  if not made then
    failure.task = t
    return nil, failure
  end
  if answer.fault then session:blame(answer.fault) end
  task.apply(t, made, answer.json)
  task.plan(t, made.next_poll)
  return t, notice(session, t, answer)
end

-- The same, with whoever keeps count told of it (the journal, above all) before the caller is.
local function pay(session, request, ref, receipt, deadline, claimed)
  ledger.keep(receipt)
  local t, err = call(session, request, ref, receipt, deadline)
  claimed:ends(t or err.task, ref, receipt, not t and err or nil)
  return t, err
end

local function name_in(err, t)
  err.task, err.task_id, err.sent = t, t.id, "yes"
end

-- Something broke in on the way from the paid request to its task: Ctrl-C, no memory, the end of the
-- job. The answer is awaited, and the id in it goes into what is raised, or told.
local function rescue(session, ref, receipt, raised, claimed)
  local id, missing = http.rescue(session, receipt, raised)
  ref.id = ref.id or id
  local t = ref.id and guard.persist(task.new, session, ref, true) or nil
  local err = missing or errors.is(raised) and raised or nil
  if err and t then guard.persist(name_in, err, t) end
  pcall(guard.persist, claimed.ends, claimed, t, ref, receipt, err)
  if missing then return nil, err end
  ledger.close(receipt)
  error(scheduler.is_interrupt(raised) and scheduler.explained(raised) or raised, 0)
end

-- Speaks for the order's file. nil, err when another task is to write it.
local function take_target(session, order, target)
  local taken, other = targets.take(target, order.overwrite)
  if taken then return true end
  return session:refuse { code = "output_taken", field = "output",
    message = ("output: %s is to be written by %s already; name another file, or let it be written over: "
      .. "output = { path =, overwrite = true }"):format(order.output,
      other.task_id and "task " .. other.task_id or "a task that is being submitted") }
end

-- What the key stands for by now: where the output cannot be written, another program may have submitted it meanwhile,
-- whose file that is.
local function overtaken(remembered, target)
  if not remembered then return nil end
  remembered.target = target
  return remembered:past()
end

-- What goes before the request, the request, and the task that it makes.
local function carry_out(session, order, kind, target, deadline, remembered)
  local request, writable, err
  if target then
    writable, err = take_target(session, order, target)
    if not writable then return nil, err end
    writable, err = download.check(session, order.output, order.overwrite, deadline)
    if writable and order.receipt then
      writable, err = provenance.check(session, nil, order.output, { overwrite = order.overwrite, deadline = deadline })
    end
    if not writable then
      local t, past = overtaken(remembered, target)
      if t or past then return t, past end
      return nil, err
    end
  end
  local token = callbacks.token(session, remembered and remembered.intent.token)
  local estimate
  request, estimate = build(session, kind, order, deadline, callbacks.url(session, token))
  if not request then return nil, estimate end
  local made_from
  if remembered then
    remembered.target = target
    local described = remembered.description  -- and no more of it
    made_from = function() return described end
  else
    made_from, err = description.read(session, order, deadline)
    if not made_from then return nil, err end
  end
  -- its id has its place before, for to make one then could fail; most orders have no more than these
  local ref = { id = false, kind = kind, model = keyed.model_of(order), made_from = made_from, format = request.format,
    output = order.output, overwrite = order.overwrite, target = target }
  ref.hook = callbacks.expect(session, token, request, order.params.callback_url ~= nil)
  ref.again = remembered and order.params.key
  local receipt = ledger.receipt(session.adapter.name, session:is_real(), session.account)
  receipt.key, receipt.again = order.params.key, ref.again
  local claimed = remembered or claim.new(session, deadline)
  local ok, mine, t
  ok, mine, t, err = pcall(claimed.begin, claimed, receipt, estimate)
  if not ok then
    t = mine
  elseif mine then
    ok, t, err = pcall(pay, session, request, ref, receipt, deadline, claimed)
  else
    claimed:ends(t, ref, receipt)
  end
  if not ok then t, err = rescue(session, ref, receipt, t, claimed) end
  ledger.close(receipt)
  return t, err
end

--- Puts an order in line for workers: nothing is sent.
---@param session runway.Session   with a journal
---@param order runway.Order
---@return table|nil row           of the journal
---@return runway.Error|runway.Problem|nil err   with `misuse`: the caller's
function submit.enqueue(session, order)
  local checked, remembered, err
  checked, err = session:is_open()
  if not checked then return nil, err end
  local moment = journal.moment()             -- those with pictures are looked at longer, and keep their place in line
  checked, err = submit.dry(session, order)
  if not checked then return nil, err end
  warn(session, checked.notes)
  remembered, err = keyed.read(session, order, checked.kind, session:deadline(order.deadline))
  if not remembered then return nil, err end
  return remembered:enqueue(moment)
end

-- What is spoken for, and what is made, for as long as the request is on its way; a job may be ended there, where it
-- runs no more.
local function on_its_way(session, order, kind, deadline, remembered)
  local target
  if order.output then
    target = targets.new(order.output)
    scheduler.note(target, function() if not target.task_id then targets.free(target) end end)
  end
  if order.fit then                           -- files that last for the request
    order.fitted = {}
    scheduler.note(order.fitted, function() fit.remove(order.fitted) end)
  end
  local ok, t, err = pcall(carry_out, session, order, kind, target, deadline, remembered)
  if order.fit then
    scheduler.note(order.fitted, nil)
    fit.remove(order.fitted)
  end
  if not ok then targets.free(target) end
  if target then scheduler.note(target, nil) end
  if not ok then error(t, 0) end
  local made = t or errors.is(err) and err.task
  if not made then targets.free(target) elseif target then target.task_id = made.id end
  return t, err
end

-- The same, of a call that has had its turn.
local function admitted(session, order, ...)
  scheduler.note(order, function() session.admission:leave() end)
  return on_its_way(session, order, ...)
end

--- Submits a task: at most once.
---@param session runway.Session
---@param order runway.Order
---@param kind string|nil        nil: as the params say
---@return runway.Task|nil
---@return runway.Error|runway.Problem|nil err   with `misuse`: to be raised at the caller's line; beside a task:
---  what was wrong with the answer that named it
function submit.make(session, order, kind)
  local open, err = session:is_open()
  if not open then return nil, err end
  local deadline = session:deadline(order.deadline)
  kind, err = kind_of(session, order.params, kind)
  if not kind then return nil, err end
  local remembered, t
  remembered, err = keyed.read(session, order, kind, deadline)
  if err then return nil, err end
  if remembered then
    t, err = remembered:past()
    if t or err then return t, err end
  end
  local admission = session.admission
  local ok, late = admission:enter(session, deadline)
  if not ok then return nil, late end
  ok, t, err = pcall(admitted, session, order, kind, deadline, remembered)
  guard.persist(scheduler.note, order, nil)
  guard.persist(admission.leave, admission)
  if not ok then error(t, 0) end
  return t, err
end

return submit
