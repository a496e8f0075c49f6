-- attempt.lua: one attempt to submit under a key, from before the request may leave until it is known what
-- came of it.
--
-- It holds a lease, renewed by a timer. An attempt whose process dies leaves its entry `submitting`, which
-- becomes `unknown` when the lease runs out; or free again, where it paused after a request that was turned away.

local core = require "runway.core"
local errors = require "runway.errors"
local guard = require "runway.guard"
local owner = require "runway.journal.owner"
local scheduler = require "runway.scheduler"
local sql = require "runway.journal.sql"
local text = require "runway.text"

local attempt = {}

local LEASE = 30000                           -- milliseconds
local RENEWED = 10                            -- seconds after which it is

local OUT = "the program that submitted it ended, was cut off, or has another clock, before the answer was written down"

---@class runway.Attempt
---@field key string
---@field on_lost? fun()       the lease is another's: called once
---@field book runway.Book
---@field intent runway.Intent
---@field token string            of this try
---@field fence? integer           of a worker's hold
---@field log fun(level: string, message: string)
---@field timer? table             until the lease is renewed
---@field over? boolean            it holds no lease any more
---@field rested_at integer|false  Unix ms; since then it may stand in the journal that nothing has left
local Attempt = {}
Attempt.__index = Attempt

-- Renews the lease while the attempt lasts; never two renewals at once.
local function hold(self)
  self.timer = scheduler.at(scheduler.now() + RENEWED, function()
    self.timer = nil
    scheduler.spawn(function()
      if self.over then return end
      local now = core.wall_ms()
      local results = self.book:write { sql.renew(self.key, self.token, self.fence, now, now + LEASE) }
      if self.over then return end
      if results and results[1].changes == 0 then
        if self.on_lost then self.on_lost() end
      else
        hold(self)
      end
    end)
  end)
end

local latest = 0

--- Now, in Unix ms. What one program begins in the same millisecond has an order all the same.
---@return integer
function attempt.moment()
  local now = core.wall_ms()
  if now <= latest and latest - now < 1000 then now = latest + 1 end
  latest = now
  return now
end

---@class runway.Lack          why a key that is free could not be taken
---@field charged? number      credits that are spent or held back: with the intent's they would pass the budget
---@field passing? boolean     but may not, once what is under way has given back what it does not cost; for workers
---@field full? boolean        as many tasks are under way as may be
---@field of_model? boolean    or of its model

-- nil: it could have been, a moment later. `told`: what sql.begin told of the sums.
local function lack(intent, terms, told)
  local sum = terms.budget and told[1].rows[1]
  if sum and sum.charged and sql.is_over(intent, terms, sum.charged) then
    local passing = intent.fence and not sql.is_over(intent, terms, sum.charged - sum.passing)
    return { charged = sum.charged, passing = passing or nil }
  end
  if terms.of_model and told[#told].rows[1].under_way >= terms.of_model then return { of_model = true } end
  return terms.most and { full = true } or nil
end

local function is_open_to(row, intent)
  return not row or row.state == "queued" and row.fingerprint == intent.fingerprint
    and row.provider == intent.provider and row.base_url == intent.base_url
end

-- Until when a worker that has claimed it holds it, whatever comes of the attempt.
local function lease_of(intent)
  return intent.fence and core.wall_ms() + LEASE or nil
end

-- Gives a key back that this very attempt has taken, or may have.
local function give_back(book, intent)
  book:write_surely(sql.free(intent.key, intent.token, lease_of(intent)), "nothing was submitted", intent.token)
end

--- A worker's lease was over, and someone else has it.
---@param key string
---@return runway.Error
function attempt.lost(key)
  return errors.new { kind = "cancelled", code = "lease_lost", sent = "no",
    message = ("the lease on the key %s ran out, and it is another's now"):format(text.quote(key)) }
end

local function take(book, intent, terms, log)
  intent.owner = owner.me()
  local now = attempt.moment()
  local statements, at = sql.begin(intent, now, now + LEASE, terms)
  local results, err = book:write(statements)
  if not results and err.maybe then results, err = book:write(statements) end
  if not results then
    if err.maybe then give_back(book, intent) end
    return nil, nil, err
  end
  local row = results[at].rows[1]
  if not row or row.token ~= intent.token then
    local lost = intent.fence and (not row or row.fence ~= intent.fence)
    if lost then return nil, nil, attempt.lost(intent.key) end
    return nil, row, nil, is_open_to(row, intent)
      and lack(intent, terms, { results[at + 1], results[at + 2] }) or nil
  end
  local self = setmetatable({ book = book, intent = intent, key = intent.key, token = intent.token, fence = row.fence,
    log = log, over = false, timer = false, rested_at = false }, Attempt)
  hold(self)
  return self
end

--- Takes a key. Committed when this returns; when it raises (Ctrl-C, no memory), the key is as it was.
---@param book runway.Book
---@param intent runway.Intent    without its owner
---@param terms runway.Terms
---@param log fun(level: string, message: string)
---@return runway.Attempt|nil
---@return table|nil row          whose the key is, when it is not ours
---@return runway.Error|nil err   nothing may be submitted
---@return runway.Lack|nil lack   nor as long as this is so
function attempt.begin(book, intent, terms, log)
  book:enter()
  local ok, made, row, err, short = pcall(take, book, intent, terms, log)
  if ok and made then return made end
  if not ok then guard.persist(give_back, book, intent) end
  book:leave()
  if not ok then error(made, 0) end
  return nil, row, err, short
end

-- Errors that are about the account, and not about the request.
local OF_THE_ACCOUNT = { authentication = true, insufficient_credits = true, rate_limited = true }

-- Has the provider said that it makes none of such a request, now or later? What is queued would be refused for ever.
local function is_final(err)
  return err.http_status ~= nil and not err.retryable and not OF_THE_ACCOUNT[err.kind]
end

-- Writes one of the two below. nil, err: not known to be written.
local function mark(self, statement)
  local statements = { statement }
  local results, err = self.book:write(statements)
  if not results and err.maybe then results, err = self.book:write(statements) end
  if not results then return nil, err end
  return results[1].changes == 1
end

--- It pauses: its request was turned away, and the next has not left. Where this cannot be written, the journal holds
--- that one may have.
function Attempt:rest()
  self.rested_at = attempt.moment()
  mark(self, sql.rest(self.key, self.token, self.rested_at))
end

--- It goes on. nil, err: nothing may leave, since the journal still holds that nothing has, or the key is another's.
---@return true|nil
---@return runway.Error|nil err
function Attempt:go_on()
  if not self.rested_at then return true end
  local mine, err = mark(self, sql.go_on(self.key, self.token, math.max(attempt.moment(), self.rested_at + 1)))
  if mine then
    self.rested_at = false
    return true
  end
  return nil, err or attempt.lost(self.key)
end

--- What came of it, once.
---@param t runway.Task|nil        there is a task
---@param ref table                and how it is asked for
---@param may_be boolean           there is none here, but may be one at the provider
---@param err runway.Error|nil     what is told of that
function Attempt:ends(t, ref, may_be, err)
  if self.over then return end
  local now, key = core.wall_ms(), text.quote(self.key)
  local statements, what
  if t then
    local fields = { id = t.id, status = t.status, format = ref.format, cost = t.cost,
      estimated_cost = t.estimated_cost }
    statements = { sql.submitted(self.key, self.token, now, fields, lease_of(self.intent)),
      sql.stray(self.key, self.token, self.intent, now, fields) }
    what = ("the key %s has got the task %s"):format(key, t.id)
  elseif may_be then
    statements = { sql.lose(self.key, self.token, self.fence, now, "yes", err and err.message
      or "the request left, and the program was stopped before an answer came", err and err.code) }
    what = ("what became of the key %s is unknown"):format(key)
  elseif err and self.intent.fence and is_final(err) then
    statements = { sql.refused(self.key, self.token, self.fence, now, now + LEASE, err.message, err.code) }
    what = ("the provider refused the key %s"):format(key)
  else
    statements = sql.free(self.key, self.token, lease_of(self.intent))
    what = ("nothing was submitted under the key %s"):format(key)
  end
  scheduler.cancel_timer(self.timer)
  local results, failure = self.book:write_surely(statements, what, self.token)
  if self.over then return end                -- written twice: Ctrl-C came in between
  self.over = true
  if not results then
    self.log("error", ("%s, but the journal could not take that in and will be asked again: %s"):format(what,
      failure.message))
  elseif t and results[2].changes > 0 then
    self.log("warning", ("%s, but the key has become another's meanwhile: it stands in the journal as %s"):format(what,
      text.quote(("%s (late, %s)"):format(self.key, self.token:sub(1, 8)))))
  end
  self.book:leave()
end

--- Rows of attempts that can come to nothing any more become `unknown`, or are let go of where nothing had left; not
--- those of which this program knows more than it could write. Parks.
---@param book runway.Book
---@param rows table[]
---@return boolean|nil changed   nil, err
---@return runway.Error|nil err
function attempt.expire(book, rows)
  local now, statements = core.wall_ms(), {}
  for _, row in ipairs(rows) do
    local over = row.state == "submitting" and (row.lease_until <= now or owner.is_gone(row.owner))
    if over and not book:owes(row.token) then
      local made = row.sent == "no" and sql.release(row.key, row.token, row.fence, row.lease_until, now)
        or { sql.expire(row.key, row.token, row.fence, row.lease_until, now, OUT) }
      for _, statement in ipairs(made) do statements[#statements + 1] = statement end
    end
  end
  if #statements == 0 then return false end
  local results, err = book:write(statements)
  if not results then return nil, err end
  return true
end

attempt.LEASE, attempt.RENEWED = LEASE, RENEWED

return attempt
