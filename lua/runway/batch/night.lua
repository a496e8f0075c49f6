-- night.lua: a list of shots, made: each once, so many side by side, whatever becomes of single ones.
--
-- The journal decides what there is to do. A shot's first attempt has the shot's key, the next ones are called
-- after it (key#2, …) and begin when the one before has failed; so a program that is killed anywhere, and run
-- again, goes on with the last attempt that was begun.

local adapter = require "runway.adapter"
local allowance = require "runway.allowance"
local chain = require "runway.batch.chain"
local clients = require "runway.client"
local core = require "runway.core"
local errors = require "runway.errors"
local frames = require "runway.batch.frames"
local jobs = require "runway.jobs"
local journal = require "runway.journal"
local names = require "runway.names"
local scheduler = require "runway.scheduler"
local sheet = require "runway.sheet"
local stragglers = require "runway.stragglers"
local turns = require "runway.batch.turns"
local values = require "runway.values"

local night = {}

local FIRST_PAUSE, LONGEST_PAUSE = 5, 600     -- seconds before a shot that was turned away is tried again
local LONGEST_OUTAGE = 2 * 3600               -- seconds in which no submit of a shot came through
local ROOM_PAUSE = 5                          -- seconds until it is looked again whether others leave room for a model

local PUT_AT_ONCE = 32                        -- so that one commit takes many

-- Errors after which nothing more of a provider's is submitted: each next shot would have the same.
local HALTING = { insufficient_credits = true, authentication = true }

-- Begun, and not at an end.
local UNDER_WAY = { submitting = true, submitted = true, downloading = true }

---@class runway.Night
---@field shots runway.Shot[]
---@field accounts table<string, runway.Client>   by provider
---@field halted table<string, runway.Halt>       by provider
---@field frames runway.Frames
---@field options table
---@field keeper? runway.SheetKeeper
---@field busy integer      shots that are attended to, but for those that wait for credits
---@field waiting table[]   these
---@field turn runway.Turns
local Night = {}
Night.__index = Night

-- Tells what has become of one shot; `ended`: nothing more is done about it in this run.
local function tell(self, shot, ended)
  if self.keeper then self.keeper:news() end
  if self.options.on_progress then scheduler.guard(self.options.on_progress, self.shots, shot, ended) end
end

-- Notes what has become of a shot, and tells, if it is something new.
local function set(self, shot, changes)
  local changed = false
  for name, v in pairs(changes) do
    if shot[name] ~= v then shot[name], changed = v, true end
  end
  if changed then tell(self, shot) end
end

local function fail(self, shot, state, err)
  set(self, shot, { state = state, error = err, task_id = err.task_id or shot.task_id })
end

--------------------------------------------------------------------- what there is already

local function credits_of(entry)
  return entry.credits or entry.state ~= "failed" and entry.estimated_credits or nil
end

-- What a shot has cost with its last attempt; nil where no one knows of any cost.
local function charged(spent, cost)
  return cost and values.whole(spent + cost) or spent > 0 and spent or nil
end

-- The error that a failed task had.
local function error_of(entry)
  if not entry.error then return nil end
  return errors.new { kind = entry.state == "unknown" and "unknown_submit" or entry.status == "CANCELLED"
    and "task_cancelled" or "task_failed", code = entry.error_code, message = entry.error, task_id = entry.task_id,
    provider = entry.provider, sent = entry.sent or "yes" }
end

-- A shot as its last attempt stands in the journal.
local function recall(shot, by_key)
  shot.state, shot.attempt, shot.spent, shot.entry = "queued", 1, 0, shot.key
  local entry, attempt = by_key[shot.key], 1
  while entry do
    shot.entry, shot.attempt, shot.state, shot.task_id, shot.status = entry.key, attempt, entry.state, entry.task_id,
      entry.status
    shot.path, shot.bytes, shot.error = entry.path, entry.bytes, error_of(entry)
    shot.submitted_at, shot.ended_at = entry.submitted_at, entry.ended_at
    shot.credits = charged(shot.spent, credits_of(entry))
    attempt = attempt + 1
    local another = by_key[names.attempt(shot.key, attempt)]
    if another then shot.spent = shot.spent + (entry.credits or 0) end
    entry = another
  end
end

-- What is known of an attempt, and is not the next one's.
local OF_AN_ATTEMPT = { "task_id", "error", "path", "bytes", "status", "progress", "submitted_at", "ended_at" }

--- The key of a shot stands for another request: what that is, is told apart (`older`), and the shot is not made. What
--- is unknown stays so, until someone settles it.
---@param shot runway.Shot     recalled
---@param err runway.Error
function night.stands_for_another(shot, err)
  local film = shot.state == "done" and shot.path
  if film then err.message = ("%s. What it stands for is there: %s"):format(err.message, film) end
  shot.older = { state = shot.state ~= "queued" and shot.state or nil, task_id = shot.task_id, path = film or nil }
  for _, name in ipairs(OF_AN_ATTEMPT) do shot[name] = nil end
  shot.state, shot.error = shot.state == "unknown" and "unknown" or "failed", err
end

-- Is a shot to be submitted, by what is known of it alone?
local function is_new(shot, account, options)
  if shot.left_out or shot.older or shot.state ~= "queued" and shot.state ~= "failed" then return false end
  if shot.state == "queued" or options.retry_failed then return true end
  local err = shot.error
  return err ~= nil and err.kind == "task_failed" and shot.attempt < (options.attempts or 1)
    and adapter.may_retry(clients.session_of(account), err.code) or false
end

local COMES = { submitting = true, submitted = true, downloading = true, done = true }

-- Does it begin with what will not be made?
local function waits_in_vain(shot, by_key)
  for _, key in ipairs(shot.after or {}) do
    local other = by_key[key]
    local comes = not other or other.new or COMES[other.state] or other.state == "unknown" and other.task_id
    if not comes then return true end
  end
  return false
end

--- Says of each shot whether it is `new`: to be submitted in this run, by what is known before that.
---@param shots runway.Shot[]     recalled
---@param by_name table<string, runway.Client>
---@param options table           retry_failed, attempts
function night.find_new(shots, by_name, options)
  local by_key = chain.by_key(shots)
  for _, shot in ipairs((chain.in_order(shots))) do
    shot.new = is_new(shot, by_name[shot.provider], options) and not waits_in_vain(shot, by_key)
  end
end

--- The shots as these entries have them.
---@param shots runway.Shot[]
---@param by_key table<string, runway.Entry>
function night.recall_of(shots, by_key)
  for _, shot in ipairs(shots) do recall(shot, by_key) end
end

--- What the journal knows of the shots.
---@param shots runway.Shot[]
---@param j runway.Journal
---@return runway.Entry[]|nil      all that it holds
---@return runway.Error|table<string, runway.Entry> err   or the same by their keys
function night.recall(shots, j)
  local entries, err = j:entries()
  if not entries then return nil, err end
  local by_key = {}
  for _, entry in ipairs(entries) do by_key[entry.key] = entry end
  night.recall_of(shots, by_key)
  return entries, by_key
end

--- What became of those that were being submitted when all was stopped: what never left has no entry.
---@param shots runway.Shot[]
---@param j runway.Journal
function night.recall_begun(shots, j)
  local begun = {}
  for _, shot in ipairs(shots) do
    if shot.state == "submitting" then begun[#begun + 1] = shot end
  end
  if #begun > 0 then night.recall(begun, j) end
end

--------------------------------------------------------------------- one shot

-- May a failed one be made anew? By whoever asks for it, once; else where its provider says that it would have a
-- chance.
local function goes_on(self, shot)
  if shot.again then return true end
  local err = shot.error
  return err ~= nil and err.kind == "task_failed" and shot.attempt < shot.most_attempts
    and adapter.may_retry(clients.session_of(self.accounts[shot.provider]), err.code)
end

local function begin_anew(self, shot)
  shot.again, shot.spent = nil, shot.credits or 0
  for _, name in ipairs(OF_AN_ATTEMPT) do shot[name] = nil end
  local attempt = shot.attempt + 1
  set(self, shot, { attempt = attempt, entry = names.attempt(shot.key, attempt), state = "queued" })
end

-- What a task says of itself. Of a cost that its provider does not name, what it was estimated at is held to be
-- spent, as in the journal.
local function note_task(self, shot, t)
  local priced = t.estimated_cost or shot.estimate and shot.estimate.credits
  local credits = charged(shot.spent, t.cost or t.status ~= "FAILED" and t.status ~= "CANCELLED" and priced)
  if not credits then shot.credits = nil end  -- `set` takes nothing away
  set(self, shot, { task_id = t.id, status = t.status, progress = t.progress, credits = credits })
end

-- Nothing more is submitted to a provider in this run.
local function halt(self, shot, err)
  local lasts = err.code == "daily_limit" or err.kind == "rate_limited"
  self.halted[shot.provider] = self.halted[shot.provider] or {
    error = err, until_time = lasts and err.retry_after and core.wall_ms() / 1000 + err.retry_after or nil,
  }
  fail(self, shot, "queued", err)
end

-- A limit of the day, or one that lasts longer than a submit waits for.
local function is_lasting(err)
  return err.kind == "rate_limited" and (err.code == "daily_limit" or not err.retryable or
    (err.retry_after or 0) > 3600)
end

local function is_budget(err) return err.kind == "limit" and err.code == "budget" end

-- What is under way may cost less than is held back for it: who stood in line for that looks once more.
local function look_again(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, w in ipairs(waiting) do w:wake() end
end

-- Stands in line until something that is under way may have given credits back. False: nothing is.
local function wait_for_credits(self, shot)
  self.busy = self.busy - 1
  set(self, shot, { state = "queued" })
  local may_be = self.busy > 0
  if may_be then
    local w = scheduler.waiter()
    self.waiting[#self.waiting + 1] = w
    scheduler.park(w)
  end
  self.busy = self.busy + 1
  return may_be
end

-- That a file stands in the way, in the words of a list: nothing here is told to write over it.
local function in_the_way(err)
  local path = err.message:match "^(.-): cannot write over" or err.message:match "^(.-) is there, and is no receipt"
  if path then
    err.message = path .. " is there already, and is not this shot's: move it away, or give the shot another output"
  end
  return err
end

-- A submit made no task. True when it is to be tried once more.
local function turned_away(self, shot, err, patience)
  if err.kind == "unknown_submit" then        -- it may be paid for
    local known = (shot.credits or 0) > shot.spent
    shot.credits = not known and shot.estimate and shot.spent + shot.estimate.credits or shot.credits
    fail(self, shot, "unknown", err)
  elseif err.kind == "task_failed" or err.kind == "task_cancelled" then fail(self, shot, "failed", err)
  elseif err.code == "key_conflict" then      -- another program was faster
    shot.state = "queued"
    night.stands_for_another(shot, err)
    tell(self, shot)
  elseif is_budget(err) and wait_for_credits(self, shot) then return true
  elseif HALTING[err.kind] or is_lasting(err) or is_budget(err) then halt(self, shot, err)
  elseif err.kind == "cancelled" then fail(self, shot, "queued", err)
  elseif err.retryable and not err.task_id then
    fail(self, shot, "queued", err)
    if scheduler.now() >= patience.over then return false end
    scheduler.sleep(math.max(patience.pause, err.retry_after or 0))
    patience.pause = math.min(2 * patience.pause, LONGEST_PAUSE)
    return true
  else fail(self, shot, "failed", err.code == "exists" and in_the_way(err) or err) end
  return false
end

-- How many of a shot's model its account may run at once; nil: any number.
local function most_of(self, shot)
  return allowance.of(self.options.limits and self.options.limits[shot.provider], shot.model)
end

-- Do others that share the journal leave room for it? Asked before anything is made ready; what takes the key asks
-- once more.
local function has_room(self, shot, most)
  local account = self.accounts[shot.provider]
  if not most or journal.has_room(account.journal, account, shot.model, most) ~= false then return true end
  stragglers.of(clients.session_of(account)):look()
  return false
end

-- The task of a shot's attempt, attached to or submitted; nil: there is none. `fresh`: it is to be paid for. True
-- beside nil: it is to be tried later, others run as many of its model as may be.
local function submit(self, shot, fresh)
  local patience = { over = scheduler.now() + LONGEST_OUTAGE, pause = FIRST_PAUSE }
  local params = { key = shot.entry, output = self.options.directory .. "/" .. shot.output }
  for name, v in pairs(self.frames:params(shot)) do params[name] = v end
  local most = fresh and most_of(self, shot) or nil
  if most == 0 then
    return fail(self, shot, "queued", errors.new { kind = "limit", code = "concurrency", sent = "no",
      provider = shot.provider, message = allowance.none(shot.model) })
  end
  repeat
    if fresh and self.halted[shot.provider] then return nil end
    if not has_room(self, shot, most) then return nil, true end
    local lack = fresh and self.frames:take(shot)
    if lack then return fail(self, shot, "queued", lack) end
    if fresh then set(self, shot, { state = "submitting" }) end
    local t, err = clients.generate(self.accounts[shot.provider], params, most)
    t = t or err.kind ~= "task_failed" and err.kind ~= "task_cancelled" and err.task or nil
    if t then return t end
    if err.code == "concurrency" then
      set(self, shot, { state = "queued" })
      return nil, true
    end
  until not turned_away(self, shot, err, patience)
  return nil
end

-- A task that could not be waited for or fetched.
local function ended_badly(self, shot, t, err, state)
  note_task(self, shot, t)
  if err.kind == "task_failed" or err.kind == "task_cancelled" then state = "failed"
  elseif err.kind == "not_found" and state == "submitted" then state = "unknown" end
  fail(self, shot, state, err)
  if state == "failed" then set(self, shot, { ended_at = core.wall_ms() / 1000 }) end
end

local function fetch(self, shot, t)
  self.turn:makes_room(shot)
  set(self, shot, { state = "downloading" })
  local file, err = t:download(nil, { receipt = true })
  if not file and err.files then              -- it is here, but its receipt
    file, shot.error = err.files[1], err
  end
  if not file then return ended_badly(self, shot, t, err, "downloading") end
  set(self, shot, { state = "done", path = file.path, bytes = file.bytes, sha256 = file.sha256, receipt = file.receipt,
    ended_at = shot.ended_at or core.wall_ms() / 1000 })
end

-- One attempt, to its end. True: it is to be made later.
local function make(self, shot)
  local was = shot.state
  local t, later = submit(self, shot, was == "queued")
  if not t then return later end
  shot.error = nil
  note_task(self, shot, t)
  look_again(self)                            -- its provider may have named a cost
  if was ~= "done" then
    set(self, shot, { state = "submitted", submitted_at = shot.submitted_at or core.wall_ms() / 1000 })
  end
  local ended, err = t:wait { timeout = self.options.timeout, on_progress = function() note_task(self, shot, t) end }
  if not ended then return ended_badly(self, shot, t, err, "submitted") end
  note_task(self, shot, t)
  fetch(self, shot, t)
end

-- A shot, and what is made anew of it. True: it has given its turn back.
local function carry_out(self, shot)
  if shot.older then return end
  while true do
    if shot.state == "failed" and goes_on(self, shot) then begin_anew(self, shot) end
    if shot.state == "failed" then return end
    if make(self, shot) then
      if self.turn:give_back(shot, ROOM_PAUSE) then return true end
      scheduler.sleep(ROOM_PAUSE)
    elseif shot.state ~= "failed" or not goes_on(self, shot) then return end
  end
end

-- The same, and whoever waits for what it may give back is told.
local function attend(self, shot)
  self.busy = self.busy + 1
  local ok, err = pcall(carry_out, self, shot)
  self.busy = self.busy - 1
  if ok and err then return true end
  look_again(self)
  if not ok then error(err, 0) end
  tell(self, shot, true)
  if self.options.still then set(self, shot, { still = self.options.still(shot) }) end
end

--------------------------------------------------------------------- all of them

-- What is under way first: its films do not wait for ever.
local function in_line(shots)
  local line, rest = {}, {}
  for _, shot in ipairs(shots) do
    if not shot.left_out then
      local to = UNDER_WAY[shot.state] and line or rest
      to[#to + 1] = shot
    end
  end
  for _, shot in ipairs(rest) do line[#line + 1] = shot end
  return line
end

local function is_begun(shot) return shot.state ~= "queued" and not shot.again end

-- What must be over before a shot is begun. One that was begun is gone on with.
local function waits_for(shot, by_key)
  local others = {}
  for _, key in ipairs(not is_begun(shot) and shot.after or {}) do others[#others + 1] = by_key[key] end
  return others
end

-- Its model and provider, where these have a limit; what was begun is gone on with, whatever that is.
local function class_of(self, shot)
  local most = not is_begun(shot) and most_of(self, shot)
  if not most or most == 0 then return nil end
  return shot.provider .. "\0" .. shot.model, most
end

--- Makes the shots of a list that are not there yet; comes back when nothing is left to do. Told to stop (what is
--- raised goes on to the caller), it begins nothing more.
---@param shots runway.Shot[]   recalled
---@param accounts table<string, runway.Client>   by provider, with the journal
---@param options table         directory, jobs, attempts, retry_failed, timeout, on_progress, page, still, limits
---@return table<string, runway.Halt> halted
function night.make(shots, accounts, options)
  local self = setmetatable({ shots = shots, accounts = accounts, options = options, halted = {}, busy = 0,
    waiting = {}, frames = frames.new(shots, options) }, Night)
  local line = in_line(shots)
  for _, shot in ipairs(line) do
    shot.again = options.retry_failed and shot.state == "failed" and not shot.older or nil
    shot.most_attempts = options.attempts + (shot.again and shot.attempt or 0)
  end
  if options.page then self.keeper = sheet.keep(function() options.page(shots, self.halted) end) end
  tell(self)
  local workers = {}
  local by_key = chain.by_key(shots)
  local turn = turns.new(line, function(shot) return waits_for(shot, by_key) end,
    function(shot) return class_of(self, shot) end)
  self.turn = turn
  for i = 1, math.min(options.jobs, #line) do
    workers[i] = scheduler.spawn(function()
      for shot in turn.next, turn do
        local ok, raised = pcall(attend, self, shot)
        if not ok or not raised then turn:over(shot) end -- others may wait for it
        if not ok then error(raised, 0) end
      end
    end)
  end
  local ok, raised, failures = pcall(jobs.all, workers)
  if not ok then
    for _, worker in ipairs(workers) do worker:cancel() end
  end
  if self.keeper then self.keeper:finish() end
  if not ok then error(raised, 0) end         -- Ctrl-C, say
  for _, err in pairs(failures or {}) do error(err, 0) end
  return self.halted
end

--- Puts the shots in line that are not there yet, for workers to make; the first that cannot be ends it.
---@param shots runway.Shot[]   recalled
---@param accounts table<string, runway.Client>
---@param options table         retry_failed, on_progress
---@return true|nil
---@return runway.Error|nil err
function night.enqueue(shots, accounts, options)
  local self = setmetatable({ shots = shots, accounts = accounts, options = options }, Night)
  local line, next_one, failure = in_line(shots), 1, nil
  local function put(shot)
    if options.retry_failed and shot.state == "failed" and not shot.older then begin_anew(self, shot) end
    if shot.state ~= "queued" then return end
    local params = { key = shot.entry, output = shot.output }
    for name, v in pairs(shot.params) do params[name] = v end
    local _, err = accounts[shot.provider]:enqueue(params)
    failure = failure or err
    if not err then tell(self, shot, true) end
  end
  tell(self)
  local putting = {}
  for i = 1, math.min(PUT_AT_ONCE, #line) do
    putting[i] = function()
      while next_one <= #line and not failure do
        next_one = next_one + 1
        put(line[next_one - 1])
      end
      return true
    end
  end
  local _, failures = jobs.all(putting)
  for _, err in pairs(failures or {}) do error(err, 0) end
  if failure then return nil, failure end
  return true
end

return night
