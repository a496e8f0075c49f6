-- work.lua: a worker: takes what is queued in a journal, makes it, and goes on with what others have left.
--
-- The journal decides who works on what (journal/queue.lua). What is held here is only the leases, which are renewed
-- while this lasts; a worker that dies leaves nothing behind but leases that run out.
--
-- A journal that can tells when there is something new, and it is looked at then. What comes with time alone (an entry
-- that falls due, a lease that runs out) and what no one heard of is found by a slow poll.

local adapter = require "runway.adapter"
local allowance = require "runway.allowance"
local clients = require "runway.client"
local core = require "runway.core"
local errors = require "runway.errors"
local files = require "runway.files"
local journal = require "runway.journal"
local keyed = require "runway.keyed"
local ledger = require "runway.ledger"
local names = require "runway.names"
local options = require "runway.options"
local recipe = require "runway.recipe"
local scheduler = require "runway.scheduler"
local sheet = require "runway.sheet"
local stragglers = require "runway.stragglers"
local submit = require "runway.submit"
local text = require "runway.text"
local values = require "runway.values"

local work = {}

local JOBS = 5                                -- side by side, unless said otherwise
local POLL = 1                                -- seconds between two looks at a journal that tells of nothing
local TICK = 0.05                             -- and at what ended here, or was told to end
local LOOK = 0.2                              -- before the journal is asked again for more, while it had some
local QUIET = 0.01                            -- after a look that found nothing, whatever is told
local LONGEST_PAUSE = 60                      -- between two tries to reach a journal that is away
local PUT_BACK = 60                           -- seconds until what could not be made here is tried again
local LEFT_AT_ONCE = 100                      -- entries that are told of as left, at a time
local HALT = 600                              -- for which nothing is submitted that a whole account is refused

--- Seconds between two looks at a journal that tells of what is new, where no one waits for its end.
work.POLL = 5

local IDLE = 10                               -- seconds between two looks at whether there is nothing at all for it
local MOST_NAMED = 3                          -- accounts for which something else is queued

local OPTIONS = {
  directory = options.directory, jobs = options.count, until_empty = "boolean", timeout = options.positive,
  attempts = options.count, on_progress = "function",
}

---@class runway.WorkResult
---@field counts { done: integer, failed: integer, unknown: integer, put_back: integer }   what this worker did
---@field credits number       what its tasks cost, or are said to
---@field halted? runway.Error why it stopped submitting
---@field drained boolean      it was told to end (SIGTERM)
---@field exit_code integer    0 all well, 1 something failed or was left, 3 the budget is reached, 4 something
---  is unknown

---@class runway.Worker
---@field account runway.Client
---@field session runway.Session     the account's
---@field journal runway.Journal
---@field running table<runway.Job, table>   each with its row
---@field allowed runway.Allowance   what the account may run
---@field raised? any                 what on_progress raised
---@field page runway.SheetKeeper
---@field full integer                looks in a row that found nothing where there may be no room
---@field lack? runway.Error          that of the budget, while credits may come back
local Worker = {}
Worker.__index = Worker

local function add(self, what) self.counts[what] = self.counts[what] + 1 end

---@class runway.WorkEntry     what a worker tells of one that it works on
---@field key string
---@field state "queued"|"submitted"|"done"|"failed"|"unknown"   queued, or submitted with an error: it was put back,
---  and this worker or another goes on with it later
---@field provider string
---@field kind string
---@field task_id? string
---@field path? string        of what it made
---@field credits? number     what it cost, or is said to
---@field taken_over? boolean  its task is older than this worker's work on it: it is gone on with, not paid for again
---@field error? runway.Error

-- What a task cost, or is said to.
local function cost_of(t)
  return t.cost or t.status ~= "FAILED" and t.status ~= "CANCELLED" and t.estimated_cost or nil
end

-- Tells what has become of an entry.
local function tell(self, row, state, err, path)
  self.page:news()
  local told, t = self.options.on_progress, row.task
  if not told then return end
  scheduler.guard(told, { key = row.key, state = state, provider = self.account.provider, kind = row.kind,
    task_id = t and t.id or err and err.task_id or row.task_id, path = path, credits = t and cost_of(t),
    taken_over = row.state ~= "queued" or nil, error = err })
end

local function is_journals(err)
  return err.kind == "io" and (err.code == "lost" or err.code == "busy")
end

--------------------------------------------------------------------- one entry

-- Errors after which each next submit would have the same.
local HALTING = { insufficient_credits = true, authentication = true }

local function is_halting(err)
  return HALTING[err.kind]
    or err.kind == "rate_limited" and (err.code == "daily_limit" or not err.retryable)
end

-- Gives entries up; whoever takes them next goes on with their tasks, so that no last words need tell of these.
local function hand_on(self, rows, due, err)
  local holds = {}
  for i, row in ipairs(rows) do holds[i] = row.hold end
  if not journal.hand_on(self.journal, holds, due, err) then return end
  for _, row in ipairs(rows) do
    if row.task and not row.hold.lost then ledger.release(row.task) end
  end
end

-- Gives it back, with why; to be tried again later, by whoever can.
local function put_back(self, row, err)
  if err.code == "lease_lost" or row.hold.lost then return end
  local pause = math.max(err.retry_after or 0, err.retryable and 5 or PUT_BACK)
  if not is_journals(err) then
    self.left[row.key] = true
    add(self, "put_back")
    tell(self, row, row.task and "submitted" or "queued", err)
  end
  hand_on(self, { row }, core.wall_ms() + math.floor(pause * 1000), err)
end

-- No more may be spent. The sums that the error tells are others in a moment, and none is kept. What is under way may
-- cost less than is held back for it: then nothing more is taken for a while, and what others have left has a place.
local function beyond_budget(self, row, err)
  local now = scheduler.now()
  if row.hold.passing then
    self.back_until, self.lack = now + POLL, err
  else
    self.halted, self.halted_until = err, now + HALT
    tell(self, row, "queued", err)
  end
  hand_on(self, { row }, not row.hold.passing and core.wall_ms() + 1000 or nil, { code = err.code, message =
    ("the budget of %s credits had no room for it"):format(text.number(self.session.budget)) })
end

-- One that failed: made anew where its provider says that it would have a chance, else at its end.
local function close_failed(self, row, err)
  local made = recipe.read(row)
  local attempt, first = made.attempt or 1, made.of or row.key
  if attempt < self.options.attempts and adapter.may_retry(self.session, err.code) then
    tell(self, row, "queued", err)
    made.attempt, made.of = attempt + 1, first
    return journal.again(self.journal, row.hold, names.attempt(first, attempt + 1), recipe.write(made))
  end
  add(self, "failed")
  tell(self, row, "failed", err)
  return journal.close_hold(self.journal, row.hold)
end

local function failed(self, row, err)
  -- another program has taken the last place of its model: it waits in the queue as if it had not been claimed
  if err.code == "concurrency" then return hand_on(self, { row }, core.wall_ms() + POLL * 1000) end
  if err.kind == "task_failed" or err.kind == "task_cancelled" then return close_failed(self, row, err) end
  if err.kind == "unknown_submit" or err.kind == "not_found" and err.task_id then
    tell(self, row, "unknown", err)
    return add(self, "unknown")
  end
  if err.kind == "limit" and err.code == "budget" then return beyond_budget(self, row, err) end
  if is_halting(err) then
    self.halted, self.halted_until = err, scheduler.now() + math.max(err.retry_after or 0, HALT)
    tell(self, row, "queued", err)
    return hand_on(self, { row }, core.wall_ms() + 1000, err)
  end
  local now = journal.look(self.journal, row.key)
  if now and now.state == "failed" then return close_failed(self, row, err) end -- the provider makes none of it
  return put_back(self, row, err)
end

-- The file of an entry, in this worker's directory.
local function place(self, row)
  return self.directory .. "/" .. (recipe.read(row).output or names.output(row.key, row.kind))
end

-- Its task: what is queued is submitted, what was is attached to.
local function task_of(self, row)
  local mine, output = self.session, place(self, row)
  if row.state ~= "queued" then return keyed.take_over(mine, row, output) end
  local wanted = recipe.order(row, recipe.read(row), journal.description(row))
  wanted.output, wanted.receipt, wanted.hold = output, true, row.hold
  local model = row.model or wanted.params.model -- an earlier version has queued it without
  wanted.of_model = allowance.of(self.allowed.limits, model)
  if wanted.of_model == 0 then
    return mine:error { kind = "limit", code = "not_allowed", sent = "no", message = allowance.none(model) }
  end
  local t, err = submit.make(mine, wanted, row.kind)
  if not t and err.misuse then return mine:refuse(err) end
  return t, err
end

local function carry_out(self, row)
  if row.state == "failed" then
    return close_failed(self, row, errors.new { kind = "task_failed", code = row.error_code, task_id = row.task_id,
      message = row.error or "no reason is known", provider = self.account.provider })
  end
  local t, err = task_of(self, row)
  t = t or err.kind ~= "task_failed" and err.kind ~= "task_cancelled" and err.task or nil
  if not t then return failed(self, row, err) end
  row.task = t
  tell(self, row, "submitted")
  local ended, file
  ended, err = t:wait { timeout = self.options.timeout }
  if ended then
    file, err = t:download(nil, { receipt = true })
    if not file and err.files then file = err.files[1] end -- it is here, but its receipt
  end
  self.credits = values.whole(self.credits + (cost_of(t) or 0))
  if not file then return failed(self, row, err) end
  add(self, "done")
  tell(self, row, "done", err, file.path)
  journal.close_hold(self.journal, row.hold)
end

--------------------------------------------------------------------- all of them

local function begin(self, rows)
  for _, row in ipairs(rows) do
    self.left[row.key] = nil
    self.running[scheduler.spawn(carry_out, self, row)] = row
    self.many = self.many + 1
  end
end

-- Forgets what has ended, whose place is free; what it raised is raised here, once all is handed on.
local function reap(self)
  for job, row in pairs(self.running) do
    if job:done() then
      self.running[job], self.many = nil, self.many - 1
      self.next_look = math.min(self.next_look, scheduler.now())
      job:join()
      if job.raised then self.raised = self.raised or job.raised.value end
    elseif row.hold.lost and not row.hold.submitting then
      job:cancel()
    end
  end
end

local function holds_of(self)
  local list = {}
  for _, row in pairs(self.running) do list[#list + 1] = row.hold end
  return list
end

-- The leases are renewed by a timer, whatever the rest waits for.
local function hold_on(self)
  self.timer = scheduler.at(scheduler.now() + journal.RENEWED, function()
    scheduler.spawn(function()
      if self.over then return end
      journal.renew(self.journal, holds_of(self))
      if not self.over then hold_on(self) end
    end)
  end)
end

-- The journal could not be asked: the pauses grow. False.
local function away(self)
  self.pause = math.min(2 * (self.pause or POLL / 2), LONGEST_PAUSE)
  self.next_look = scheduler.now() + self.pause
  return false
end

-- Takes for places that are free, by one of the journal's ways. How many of them are left; nil: the journal is away.
local function take(self, way, free, ...)
  if free == 0 then return free end
  local rows = way(self.journal, self.account, free, ...)
  if not rows then return nil end
  begin(self, rows)
  return free - #rows
end

-- Takes what is new. Of what is left where nothing is given, there is no room for it, if there is any.
local function claim(self, free)
  local line, models = self.session.places, self.allowed:models()
  local left = take(self, journal.claim, free, { most = line and line.most, models = models })
  self.full = left == free and (line or models) and self.full + 1 or 0
  return left
end

-- Says, once, that there is nothing for it: else one that waits looks like one that hangs. What is queued may be for
-- another address than it asks, or for another provider.
local function tell_idle(self)
  local ends, account, now = self.options.until_empty, self.account, scheduler.now()
  if self.many > 0 or self.waits or now < (self.next_word or 0) then return end
  self.next_word = now + IDLE
  local others = {}
  for i, one in ipairs(journal.queued(self.journal) or {}) do
    if one.provider == account.provider and one.base_url == account.base_url then return end -- there is no room for it
    if i <= MOST_NAMED then
      others[i] = ("%d for %s at %s"):format(one.entries, one.provider, one.base_url)
    end
  end
  self.waits = true
  if ends and not others[1] then return end
  self.session:log(others[1] and "warning" or "info", ("nothing is queued for %s%s%s"):format(account.provider,
    others[1] and (" at %s, but %s"):format(account.base_url, table.concat(others, ", ")) or "",
    ends and "" or "; waiting for what comes"))
end

-- Takes what there is: what others have left before what is new, but that which was told of just now is mostly new.
-- False: the journal is away.
local function look(self, free)
  local left, sweeps, told = free, scheduler.now() >= (self.next_sweep or 0), self.told
  self.told = false
  if sweeps then
    self.next_sweep = scheduler.now() + POLL
    left = journal.sweep_all(self.journal) and take(self, journal.take_over, left)
  end
  self.allowed:refresh()
  local now = scheduler.now()
  local may = (not self.halted or now >= self.halted_until and not self.options.until_empty)
    and now >= (self.back_until or 0)
  if may then self.halted = nil end
  if left and may and left > 0 then left = claim(self, left) end
  if self.full > 0 or now < (self.back_until or 0) then stragglers.of(self.session):look() end
  if left and told and not sweeps then left = take(self, journal.take_over, left) end
  if not left then return away(self) end
  local poll = self.hears and not self.options.until_empty and work.POLL or POLL
  now = scheduler.now()
  self.pause, self.quiet = nil, left < free and now or now + QUIET
  self.next_look = now + (left < free and LOOK or poll)
  if may then tell_idle(self) end
  return true
end

-- Has what the journal tells looked for at once; where nothing can be heard, the poll alone is left.
local function listen(self)
  local pause = POLL
  while true do
    local heard, err = journal.hear(self.journal)
    self.hears = heard
    if heard then
      self.told, pause = true, POLL
      if self.nap then self.nap:wake() end
    elseif is_journals(err) then
      scheduler.sleep(pause)
      pause = math.min(2 * pause, LONGEST_PAUSE)
    else
      return
    end
  end
end

-- Is there no room for what is queued, and is that held by tasks whose end no one here can learn? Then it is left. One
-- look that finds nothing is no proof: something may have come since.
local function is_shut_out(self)
  local lacks_credits, theirs = scheduler.now() < (self.back_until or 0), stragglers.of(self.session)
  if not lacks_credits and self.full < 2 or theirs:may_end() then return false end
  local held = ("is held by tasks of which no one here can learn whether they have ended: %s. What is queued is left")
    :format(theirs:told())
  if lacks_credits then
    self.halted = self.lack
    self.lack.message = ("%s; a part of that %s"):format(self.lack.message, held)
  else
    self.halted = select(2, self.session:error { kind = "limit", code = "concurrency", sent = "no", retryable = true,
      message = "as many tasks are under way as may be, and their place " .. held })
  end
  return true
end

-- Another has put it back until later than is waited for here.
local function leave(self, row)
  self.left[row.key] = true
  local who = journal.owner(row.owner)
  row.task = row.task_id and { id = row.task_id }
  tell(self, row, row.task and "submitted" or "queued", errors.new { kind = "limit", code = "put_back",
    sent = row.task and "yes" or "no", retryable = true, task_id = row.task_id,
    message = ("put back until %s%s: %s"):format(os.date("!%Y-%m-%d %H:%M UTC", math.floor(row.due_at / 1000)),
      who and " by " .. who or "", row.error or "no reason is known") })
end

-- Is nothing queued or under way but what this worker cannot make, or no one before long?
local function is_empty(self)
  local most, waits, later = LEFT_AT_ONCE, false, {}
  for _ in pairs(self.left) do most = most + 1 end
  local rows = journal.unfinished(self.journal, self.account, most, PUT_BACK * 1000)
  if not rows then return away(self) end
  for _, row in ipairs(rows) do
    local given_up = self.left[row.key] or self.halted and row.state == "queued"
    if not given_up and row.stage == 1 then return false end
    waits = waits or not given_up and row.stage == 2
    if not given_up and row.stage == 3 then later[#later + 1] = row end
  end
  if waits and not is_shut_out(self) then return false end
  for _, row in ipairs(later) do leave(self, row) end
  return later[1] == nil or is_empty(self)    -- there may be more than were asked for
end

-- Nothing new is taken; what waits is left to others, and a submit that has left is awaited.
local function drain(self)
  self.ear:cancel()
  local under_way, rows = 0, {}
  for job in pairs(self.running) do
    under_way = under_way + (job:done() and 0 or 1)
    job:cancel()
  end
  if core.term_came() then
    self.session:log("info", ("told to end: nothing new is taken, and %d under way are handed on"):format(under_way))
  end
  for job, row in pairs(self.running) do
    job:join()
    rows[#rows + 1] = row
  end
  self.running, self.many = {}, 0
  hand_on(self, rows)
  self.ear:join()
end

local function finish(self, given_up)
  if self.over then return end
  self.over = true
  if given_up or core.term_came() then self.page:hurry() end
  scheduler.cancel_timer(self.timer)
  self.allowed:close()
  stragglers.of(self.session):close()
  drain(self)
  self.page:finish(self.halted and { [self.account.provider] = { error = self.halted } })
end

-- Waits for `seconds`, or until something is told.
local function nap(self, seconds)
  local w = scheduler.waiter()
  local timer = scheduler.wake_at(scheduler.now() + seconds, w)
  w.abandon = function()
    scheduler.cancel_timer(timer)
    scheduler.spawn(finish, self, true)       -- its job was cancelled, and does nothing more
  end
  self.nap = w
  scheduler.park(w)
  scheduler.cancel_timer(timer)
end

-- When the journal is to be looked at.
local function due(self) return self.told and math.min(self.next_look, self.quiet) or self.next_look end

local function go_on(self)
  self.ear = scheduler.spawn(listen, self)
  hold_on(self)
  while not self.allowed:refresh() and not core.term_came() do scheduler.sleep(TICK) end
  scheduler.sleep(0)                          -- it is to hear before the first look
  while not core.term_came() do
    reap(self)
    if self.raised then break end
    local free = self.options.jobs - self.many
    if free > 0 and scheduler.now() >= due(self) then
      local looked = look(self, free)
      if looked and self.options.until_empty and self.many == 0 and is_empty(self) then break end
    end
    local pause = self.many < self.options.jobs and due(self) - scheduler.now() or TICK
    nap(self, math.max(0, math.min(TICK, pause)))
  end
end

local function sum_up(self)
  local counts = self.counts
  local drained = core.term_came()
  local budget = self.halted and self.halted.code == "budget"
  local code = drained and 0 or counts.unknown > 0 and 4 or budget and 3
    or (counts.failed > 0 or self.halted or next(self.left)) and 1 or 0
  return { counts = counts, credits = self.credits, halted = self.halted, drained = drained, exit_code = code }
end

local function refuse(code, message, ...)
  return nil, errors.new { kind = "config", code = code, sent = "no", message = message:format(...) }
end

local function run(account, opts)
  local directory = opts.directory:gsub("(.)/+$", "%1")
  if not account.journal then return refuse("no_journal", "work needs a client with a journal") end
  local there, why = core.make_directory(directory)
  if not there then return refuse("directory", "cannot make the directory %s: %s", directory, why) end
  local self = setmetatable({ account = account, session = clients.session_of(account), journal = account.journal,
    directory = files.from_anywhere(directory, core.working_directory()), running = {}, many = 0, left = {},
    allowed = allowance.keep(clients.session_of(account)), counts = { done = 0, failed = 0, unknown = 0, put_back = 0 },
    credits = 0, next_look = scheduler.now(), quiet = 0, told = false, full = 0,
    options = { jobs = opts.jobs or JOBS, attempts = opts.attempts or 1, timeout = opts.timeout,
      until_empty = opts.until_empty, on_progress = opts.on_progress } }, Worker)
  self.page = sheet.of_journal(self.directory, self.session)
  core.catch_term()
  local ok, raised = pcall(go_on, self)
  local handed, failure = pcall(finish, self)
  if not ok then error(raised, 0) end
  if self.raised then error(self.raised, 0) end
  if not handed then error(failure, 0) end
  return sum_up(self)
end

--- Makes what is queued in the client's journal, for its provider, into a directory: any number of workers side by
--- side, each entry once. What a worker has begun and left is gone on with by another. SIGTERM, where no one else
--- handles it, ends it: what is under way is handed on.
---@param account runway.Client   with a journal
---@param opts table   directory; jobs (5), until_empty (false), timeout (s, of one task), attempts (1),
---  on_progress(entry): what has become of one, a runway.WorkEntry
---@return runway.WorkResult|nil
---@return runway.Error|nil err
function work.run(account, opts)
  if not clients.is(account) then error("work takes a client and options", 2) end
  opts = options.check(opts, OPTIONS, "work", 2)
  if not opts.directory then error("work: directory is missing", 2) end
  return errors.told("runway.work", run(account, opts))
end

return work
