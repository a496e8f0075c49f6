-- keyed.lua: what a journal knows of an order before it is paid for, and what it is told of it.
--
-- A key stands for one request, for good. When it is there already, the task that it made is attached to, or
-- it is told why there is none; when another program is about to submit it, that is waited for. Only a key
-- that is free, or was settled to be submitted again, lets a request out.

local budget = require "runway.budget"
local callbacks = require "runway.callbacks"
local core = require "runway.core"
local delivery = require "runway.delivery"
local description = require "runway.description"
local files = require "runway.files"
local journal = require "runway.journal"
local json = require "runway.json"
local ledger = require "runway.ledger"
local recipe = require "runway.recipe"
local scheduler = require "runway.scheduler"
local stragglers = require "runway.stragglers"
local targets = require "runway.targets"
local task = require "runway.task"
local text = require "runway.text"

local keyed = {}

local LONGEST_KEY = 1000                      -- bytes: what an index of any database holds
local FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2     -- seconds between two looks at another's submit

---@class runway.Keyed
---@field session runway.Session
---@field intent runway.Intent
---@field description runway.Description
---@field target? runway.Target    of the order's output, once it is spoken for
---@field sums table               of its files, by path
---@field hold? runway.Hold        of a worker, which has claimed it
---@field charge runway.Charge|false   what the client that has no journal of its own holds back for it
---@field order runway.Order
---@field deadline? number             on scheduler.now()
---@field attempt runway.Attempt|false   once it is begun
---@field log fun(level: string, message: string)
local Keyed = {}
Keyed.__index = Keyed

--- The model that a request names, where a database can hold it.
---@param order runway.Order
---@return string|nil
function keyed.model_of(order)
  local model = order.extra and order.extra.model or order.params.model
  return type(model) == "string" and text.line(model, 200) == model and model or nil
end

--- An order as its journal sees it; nil where the client has none.
---@param s runway.Session
---@param order runway.Order
---@param kind string
---@param deadline number|nil
---@return runway.Keyed|nil
---@return runway.Error|nil err
function keyed.read(s, order, kind, deadline)
  if not s.journal then return nil end
  local key = order.params.key
  if key and #key > LONGEST_KEY then
    return s:refuse { field = "key", message = ("key is longer than %d bytes"):format(LONGEST_KEY) }
  end
  local describe, described, err, sums
  describe, err = description.read(s, order, deadline)
  if describe then described, err, sums = describe(s, kind) end
  if not described then return nil, err end
  -- `attempt` has its place before: to make one then could fail, and lose it
  local self = setmetatable({ session = s, order = order, deadline = deadline, description = described,
    sums = sums, hold = order.hold, attempt = false, charge = false }, Keyed)
  self.log = function(level, message) s:log(level, message) end
  self.intent = {
    key = key or core.token(), provider = s.adapter.name, base_url = s.base, kind = kind,
    fingerprint = journal.fingerprint(described), description = json.encode(described), token = core.token(),
    model = keyed.model_of(order), fence = order.hold and order.hold.fence,
  }
  return self
end

local function shown(self) return text.quote(self.intent.key) end

--------------------------------------------------------------------- a key that is there

-- How whoever knows says what became of it.
local function advice(self)
  return ("Look at the provider's own list of tasks, then say what is true: journal:settle(%s, { task_id = \"…\" }), "
    .. "{ resubmit = true } when there is none, or { failed = \"why\" }."):format(shown(self))
end

-- What differs between an entry and a request, in words; nil: it stands for this one. `theirs`: its description.
local function difference(row, provider, base_url, described, theirs)
  if row.provider ~= provider then return ("provider was %s and is %s"):format(row.provider, provider) end
  if row.base_url ~= base_url then return ("base_url was %s and is %s"):format(row.base_url, base_url) end
  local mine = journal.fingerprint(described)
  if mine == (row.fingerprint or journal.fingerprint(theirs)) then return nil end
  return journal.difference(theirs, described) or "the request differs"
end

local function conflicting(s, key, where, said)
  return select(2, s:refuse { code = "key_conflict", field = "key",
    message = ("the key %s stands for another request in %s: %s. Nothing was submitted; give the new request a key "
      .. "of its own"):format(text.quote(key), where, said) })
end

-- Is the entry of another request? The error, if so.
local function conflict(self, row)
  local intent = self.intent
  local said = difference(row, intent.provider, intent.base_url, self.description, journal.description(row))
  return said and conflicting(self.session, intent.key, self.session.journal.path, said) or nil
end

--- The same for who only looks: does an entry stand for another request than this order? Files are read for it; what
--- cannot be read is told when it is submitted.
---@param s runway.Session
---@param order runway.Order
---@param kind string
---@param entry runway.Entry
---@param where string        the journal
---@return runway.Error|nil err   code "key_conflict"
function keyed.conflict(s, order, kind, entry, where)
  local describe = description.read(s, order)
  local described = describe and describe(s, kind)
  local said = described and difference(entry, s.adapter.name, s.base, described, entry.request)
  return said and conflicting(s, entry.key, where, said) or nil
end

-- The file of a task that is done, as it was written; nil where it is gone, or another.
local function file_of(self, row)
  if row.state ~= "done" or not row.path or not row.bytes then return nil end
  return delivery.seen(self.session, row.path, row.bytes, self.deadline)
end

-- Files are spoken for by tasks that are attached to as well; but for those it is no reason to fail.
local function target_of(self, row)
  local order = self.order
  if self.target or not order.output then return self.target end
  local target = targets.new(order.output)
  target.task_id = row.task_id
  return targets.take(target, order.overwrite) and target or nil
end

-- The task of an entry; its file is there, or spoken for.
local function task_of(self, row, here, target)
  local s, order = self.session, self.order
  local t = task.new(s, { id = row.task_id, kind = row.kind, format = row.format, output = order.output,
    overwrite = order.overwrite, target = target, here = here,
    hook = row.token and callbacks.hook(s, row.token), again = order.params.key, by_id = order.by_id,
    made_from = function() return journal.description(row) end,
    trail = journal.follow(s.journal, row.key, row.task_id, self.log, { gone = row.state == "unknown",
      cost = row.credits, estimated_cost = row.estimated, heard = row.updated_at }, self.hold) }, false)
  t.cost, t.estimated_cost = row.credits, row.estimated
  if here then t.status, t.progress = "SUCCEEDED", 1 end
  if s.places and row.state == "submitted" then s.places:enter(t) end
  return t
end

-- The task of an entry. No request is made.
local function attach(self, row)
  local here = file_of(self, row)
  local target = not here and target_of(self, row) or nil
  local ok, t = pcall(task_of, self, row, here, target)
  local open = row.state == "submitted" or row.state == "downloading" and not here
  if ok and open and not self.hold then       -- a worker's is held by who waits for it
    local s = self.session
    ledger.hold(t, s:is_real(), true, s.account, self.order.params.key)
  end
  if ok then return t end
  if target ~= self.target then targets.free(target) end
  error(t, 0)
end

--- The task of an id that the journal knows; nil: it does not, or cannot be read. No request is made, and nothing is
--- held to be at stake that the caller may only want to look at.
---@param s runway.Session
---@param ref { id: string, kind: string|nil }
---@return runway.Task|nil
function keyed.attach(s, ref)
  if not s.journal then return nil end
  local row, err = journal.of_task(s.journal, s, ref.id)
  if err then
    s:log("warning", ("the journal is told nothing of the task %s, since it could not be read: %s"):format(ref.id,
      err.message))
  end
  if not row then return nil end
  local self = setmetatable({ session = s, order = { params = {}, output = row.path, by_id = true },
    intent = { key = row.key } }, Keyed)
  self.log = function(level, message) s:log(level, message) end
  return task_of(self, row, nil, nil)
end

-- A failed task keeps its key: the error that it had.
local function failed(self, row)
  local s = self.session
  local cancelled = row.status == "CANCELLED"
  local err = select(2, s:error { kind = cancelled and "task_cancelled" or "task_failed", code = row.error_code,
    sent = row.task_id and "yes" or "unknown",
    message = ("the task of the key %s %s: %s. A failed task keeps its key; to try again, give another one")
      :format(shown(self), cancelled and "was cancelled" or "failed",
      (row.error or "no reason is known"):gsub("[ .]+$", "")) })
  if row.task_id then
    local t = task.new(s, { id = row.task_id, kind = row.kind, format = row.format }, false)
    t.status, t.failure, t.failure_code = cancelled and "CANCELLED" or "FAILED", row.error, row.error_code
    t.cost, t.estimated_cost = row.credits, row.estimated
    err.task, err.task_id = t, t.id
  end
  return nil, err
end

local function unknown(self, row)
  return self.session:error { kind = "unknown_submit", code = row.error_code, sent = row.sent or "unknown",
    message = ("a request was submitted under the key %s before, and what became of it is unknown: %s. Nothing was "
      .. "submitted now. %s"):format(shown(self), (row.error or "no more is known"):gsub("%.$", ""), advice(self)) }
end

local function busy(self)
  return self.session:error { kind = "timeout", code = "key_busy", sent = "no", retryable = true,
    message = ("another program is submitting the key %s, and the time given for this call is over")
      :format(shown(self)) }
end

local function unreadable(self, err)
  return self.session:error { kind = err.kind, code = err.code, sent = "no", retryable = err.retryable,
    message = "nothing was submitted: " .. err.message }
end

--- What the key stands for already: its task, or why there is none. nil when it is free. A submit of someone
--- else's that is under way is waited for.
---@return runway.Task|nil
---@return runway.Error|nil err
function Keyed:past()
  local pause, s = FIRST_PAUSE, self.session
  if not self.order.params.key then return nil end -- one of our own: no one else has it
  while true do
    local row, err = journal.look(s.journal, self.intent.key)
    if err then return unreadable(self, err) end
    if not row then return nil end
    err = conflict(self, row)
    if err then return nil, err end
    if row.state == "failed" then return failed(self, row) end
    if row.state == "unknown" and not row.task_id then return unknown(self, row) end
    if row.state == "queued" then return nil end
    if row.state ~= "submitting" then return attach(self, row) end
    if self.deadline and scheduler.now() + pause > self.deadline then return busy(self) end
    if not s:pause(pause) then return s:refuse { kind = "cancelled", message = "the client was closed" } end
    pause = math.min(2 * pause, LONGEST_PAUSE)
  end
end

--------------------------------------------------------------------- for workers

--- Why an order cannot be left to workers; nil: it can, as far as it is seen by its params.
---@param s runway.Session
---@param order runway.Order
---@return runway.Problem|nil
function keyed.unkept(s, order)
  local function redact(said) return s:redact(said) end
  local hidden = description.hidden(order.params, redact) or description.hidden(order.extra or {}, redact)
  if not hidden then return nil end
  return { code = "not_kept", field = hidden:match "^[A-Za-z0-9_]+", message = ("%s holds what a journal does not keep "
    .. "(a data URI, the query of a URL, or the key), and without it no worker could make the request: give a file or "
    .. "another URL"):format(text.line(hidden, 60) or "") }
end

-- What must be kept beside the description; nil, err where it may not be.
local function recipe_of(self)
  local s, order, paths = self.session, self.order, {}
  local problem = keyed.unkept(s, order)
  if problem then return s:refuse(problem) end
  for path, sum in pairs(self.sums) do
    if text.bad_byte(path) then
      return s:refuse { code = "not_kept", message = "the path of a file is not UTF-8, and a journal cannot keep it" }
    end
    paths[sum.sha256] = files.from_anywhere(path, core.working_directory())
  end
  return recipe.write { output = order.output, callback_url = order.params.callback_url, files = paths }
end

--- Puts the order in line for workers, unless its key stands for it already.
---@param moment integer   when it was asked for, see journal.moment
---@return table|nil row
---@return runway.Error|nil err
function Keyed:enqueue(moment)
  local made, err = recipe_of(self)
  if not made then return nil, err end
  local row
  row, err = journal.enqueue(self.session.journal, self.intent, made, moment)
  if not row then return unreadable(self, err) end
  err = conflict(self, row)
  if err then return nil, err end
  return row
end

--- The task of an entry that a worker has taken over from another: by its id, whatever has become of the request's
--- files. No request is made.
---@param s runway.Session
---@param row table             of the journal, with its `hold`
---@param output string
---@return runway.Task
function keyed.take_over(s, row, output)
  local self = setmetatable({ session = s, order = { params = { key = row.key }, output = output }, hold = row.hold,
    intent = { key = row.key } }, Keyed)
  self.log = function(level, message) s:log(level, message) end
  return attach(self, row)
end

--------------------------------------------------------------------- a key that is free

-- Stands in line until the key is taken, or can not be: as journal.begin gives it.
local function claim(self)
  local s, made, row, err, lack = self.session, nil, nil, nil, nil
  local terms = { budget = s.budget, most = s.places and s.places.most,
    of_model = self.intent.model and self.order.of_model }
  local function try()
    made, row, err, lack = journal.begin(s.journal, self.intent, terms, self.log)
    self.attempt = made or false              -- before anything else can fail, and lose it
    if not (lack and (lack.full or lack.of_model)) then return true end
    journal.sweep(s.journal)                  -- what died with its program is not under way for ever
    stragglers.of(s):look()
    return not lack.full
  end
  if not s.places then
    try()
  else
    local _, given_up = s.places:take(s, self.deadline, try)
    if given_up then return nil, nil, given_up end
  end
  return made, row, err, lack
end

-- Nothing was submitted; or it may have been, and is held back for ever.
local function uncharge(self, may_be)
  if self.charge and not may_be then self.session.purse:free(self.charge) end
  self.charge = false
end

-- No one waits in line for this: who has more to make makes something else meanwhile.
local function full(self)
  return self.session:error { kind = "limit", code = "concurrency", sent = "no", retryable = true, message =
    ("%d tasks of %s are under way, as many as this account may run at once; nothing was submitted"):format(
    self.order.of_model, text.line(self.intent.model, 60)) }
end

-- Takes the key, as `begin` says.
local function take_key(self, receipt, estimate)
  self.intent.reserved = estimate and estimate.credits
  while true do
    local made, row, err, lack = claim(self)
    if err then return false, unreadable(self, err) end
    if self.hold then self.hold.passing = lack and lack.passing end
    if lack and lack.of_model then return false, full(self) end
    if lack then return false, budget.refuse(self.session, estimate, lack.charged) end
    if made then
      if self.hold then self.hold.fence, self.hold.submitting = made.fence, true end
      receipt.attempt = made
      made.on_lost = function()
        ledger.revoke(receipt, "its lease in the journal ran out")
      end
      -- a job may be ended between two requests, where nothing of it runs any more
      scheduler.note(self, function(reason)
        uncharge(self, receipt.open)
        if not made.over then scheduler.spawn(made.ends, made, nil, {}, receipt.open, reason) end
      end)
      return true
    end
    if row then
      local t
      t, err = self:past()
      if t or err then return false, t, err end
    end
  end
end

--- Takes the key for one request, which may leave from now on. Or someone else was faster: then as `past`. Of a client
--- whose own this journal is not (a batch's, in its directory) the budget is held by what the client submits anywhere,
--- too.
---@param receipt runway.Receipt
---@param estimate runway.Estimate|nil
---@return boolean mine
---@return runway.Task|nil
---@return runway.Error|nil err
function Keyed:begin(receipt, estimate)
  local purse = self.session.purse
  if purse then
    self.charge = purse:reserve(estimate and estimate.credits, self.session.budget) or false
    if not self.charge then
      local spent, reserved = purse:sums()
      return false, budget.refuse(self.session, estimate, spent + reserved)
    end
  end
  local ok, mine, t, err = pcall(take_key, self, receipt, estimate)
  if not ok or not mine then uncharge(self, false) end
  if not ok then error(mine, 0) end           -- the job was ended, say
  return mine, t, err
end

--- What came of the request, once: written down before anyone is told of it. What is still unknown is told
--- with how to settle it.
---@param t runway.Task|nil
---@param ref table
---@param receipt runway.Receipt
---@param err runway.Error|nil
function Keyed:ends(t, ref, receipt, err)
  if not self.attempt then return end
  self.attempt:ends(t, ref, receipt.open, err)
  scheduler.note(self, nil)
  if self.charge and t then self.session.purse:bind(self.charge, t) else uncharge(self, receipt.open) end
  self.charge = false
  if self.hold then self.hold.submitting = false end
  local places = self.session.places
  if places then
    if t then places:enter(t) else places:free() end
  end
  if t then
    ref.trail = journal.follow(self.session.journal, self.intent.key, t.id, self.log, t, self.hold)
    ref.trail:told(t, ref.output ~= nil)
  elseif receipt.open and err then
    err.message = ("%s The journal keeps it under the key %s. %s"):format(err.message, shown(self), advice(self))
  end
end

return keyed
