-- night.lua: a list of shots, made: each once, so many side by side, whatever becomes of single ones.
--
-- The journal decides what there is to do. A shot's first attempt has the shot's key, the next ones are called
-- after it (key#2, …) and begin when the one before has failed; so a program that is killed anywhere, and run
-- again, goes on with the last attempt that was begun.

local clients = require "runway.client"
local core = require "runway.core"
local errors = require "runway.errors"
local jobs = require "runway.jobs"
local names = require "runway.names"
local scheduler = require "runway.scheduler"

local night = {}

local FIRST_PAUSE, LONGEST_PAUSE = 5, 600     -- seconds before a shot that was turned away is tried again
local LONGEST_OUTAGE = 2 * 3600               -- seconds in which no submit of a shot came through

local PUT_AT_ONCE = 32                        -- so that one commit takes many

-- Errors after which nothing more of a provider's is submitted: each next shot would have the same.
local HALTING = { insufficient_credits = true, authentication = true }

-- Begun, and not at an end.
local UNDER_WAY = { submitting = true, submitted = true, downloading = true }

---@class runway.Night
---@field shots runway.Shot[]
---@field accounts table<string, runway.Client>   by provider
---@field halted table<string, runway.Halt>       by provider
---@field options table
local Night = {}
Night.__index = Night

local function tell(self)
  if self.options.on_progress then scheduler.guard(self.options.on_progress, self.shots) end
end

-- Notes what has become of a shot, and tells, if it is something new.
local function set(self, shot, changes)
  local changed = false
  for name, v in pairs(changes) do
    if shot[name] ~= v then shot[name], changed = v, true end
  end
  if changed then tell(self) end
end

local function fail(self, shot, state, err)
  set(self, shot, { state = state, error = err, task_id = err.task_id or shot.task_id })
end

--------------------------------------------------------------------- what there is already

local function credits_of(entry)
  return entry.credits or entry.state ~= "failed" and entry.estimated_credits or nil
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
  shot.state, shot.attempt, shot.spent = "queued", 1, 0
  local entry, attempt = by_key[shot.key], 1
  while entry do
    shot.attempt, shot.state, shot.task_id, shot.status = attempt, entry.state, entry.task_id, entry.status
    shot.path, shot.bytes, shot.error = entry.path, entry.bytes, error_of(entry)
    shot.submitted_at, shot.ended_at = entry.submitted_at, entry.ended_at
    shot.credits = credits_of(entry) and shot.spent + credits_of(entry) or shot.spent > 0 and shot.spent or nil
    attempt = attempt + 1
    local another = by_key[names.attempt(shot.key, attempt)]
    if another then shot.spent = shot.spent + (entry.credits or 0) end
    entry = another
  end
end

--- What the journal knows of the shots.
---@param shots runway.Shot[]
---@param journal runway.Journal
---@return true|nil
---@return runway.Error|nil err
function night.recall(shots, journal)
  local entries, err = journal:entries()
  if not entries then return nil, err end
  local by_key = {}
  for _, entry in ipairs(entries) do by_key[entry.key] = entry end
  for _, shot in ipairs(shots) do recall(shot, by_key) end
  return true
end

--------------------------------------------------------------------- one shot

-- May a failed one be made anew? By whoever asks for it, once; else where its provider says that it would have a
-- chance.
local function goes_on(self, shot)
  if shot.again then return true end
  local err = shot.error
  return err ~= nil and err.kind == "task_failed" and shot.attempt < shot.most_attempts
    and clients.may_retry(self.accounts[shot.provider], err.code)
end

-- What is known of an attempt, and is not the next one's.
local OF_AN_ATTEMPT = { "task_id", "error", "path", "bytes", "status", "progress", "submitted_at", "ended_at" }

local function begin_anew(self, shot)
  shot.again, shot.spent = nil, shot.credits or 0
  set(self, shot, { attempt = shot.attempt + 1, state = "queued" })
  for _, name in ipairs(OF_AN_ATTEMPT) do shot[name] = nil end
end

-- What a task says of itself.
local function note_task(self, shot, t)
  local cost = t.cost or t.status ~= "FAILED" and t.status ~= "CANCELLED" and t.estimated_cost or nil
  set(self, shot, { task_id = t.id, status = t.status, progress = t.progress,
    credits = cost and shot.spent + cost or shot.credits })
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

-- A submit made no task. True when it is to be tried once more.
local function turned_away(self, shot, err, patience)
  local may_be = err.kind == "unknown_submit"
  if may_be then fail(self, shot, "unknown", err)
  elseif err.kind == "task_failed" or err.kind == "task_cancelled" then fail(self, shot, "failed", err)
  elseif HALTING[err.kind] or is_lasting(err) or is_budget(err) then halt(self, shot, err)
  elseif err.kind == "cancelled" then fail(self, shot, "queued", err)
  elseif err.retryable and not err.task_id then
    fail(self, shot, "queued", err)
    if scheduler.now() >= patience.over then return false end
    scheduler.sleep(math.max(patience.pause, err.retry_after or 0))
    patience.pause = math.min(2 * patience.pause, LONGEST_PAUSE)
    return true
  else fail(self, shot, "failed", err) end
  return false
end

-- The task of a shot's attempt, attached to or submitted; nil: there is none. `fresh`: it is to be paid for.
local function submit(self, shot, fresh)
  local patience = { over = scheduler.now() + LONGEST_OUTAGE, pause = FIRST_PAUSE }
  local params = { key = names.attempt(shot.key, shot.attempt), output = self.options.directory .. "/" .. shot.output }
  for name, v in pairs(shot.params) do params[name] = v end
  repeat
    if fresh and self.halted[shot.provider] then return nil end
    if fresh then set(self, shot, { state = "submitting" }) end
    local t, err = self.accounts[shot.provider]:generate(params)
    t = t or err.kind ~= "task_failed" and err.kind ~= "task_cancelled" and err.task or nil
    if t then return t end
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
  set(self, shot, { state = "downloading" })
  local file, err = t:download(nil, { receipt = true })
  if not file and err.files then              -- it is here, but its receipt
    file, shot.error = err.files[1], err
  end
  if not file then return ended_badly(self, shot, t, err, "downloading") end
  set(self, shot, { state = "done", path = file.path, bytes = file.bytes, sha256 = file.sha256, receipt = file.receipt,
    ended_at = shot.ended_at or core.wall_ms() / 1000 })
end

-- One attempt, to its end.
local function make(self, shot)
  local was = shot.state
  local t = submit(self, shot, was == "queued")
  if not t then return end
  shot.error = nil
  note_task(self, shot, t)
  if was ~= "done" then
    set(self, shot, { state = "submitted", submitted_at = shot.submitted_at or core.wall_ms() / 1000 })
  end
  local ended, err = t:wait { timeout = self.options.timeout, on_progress = function() note_task(self, shot, t) end }
  if not ended then return ended_badly(self, shot, t, err, "submitted") end
  note_task(self, shot, t)
  fetch(self, shot, t)
end

-- A shot, and what is made anew of it.
local function carry_out(self, shot)
  while true do
    if shot.state == "failed" and goes_on(self, shot) then begin_anew(self, shot) end
    if shot.state == "failed" then return end
    make(self, shot)
    if shot.state ~= "failed" or not goes_on(self, shot) then return end
  end
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

--- Makes the shots of a list that are not there yet; comes back when nothing is left to do.
---@param shots runway.Shot[]   recalled
---@param accounts table<string, runway.Client>   by provider, with the journal
---@param options table         directory, jobs, attempts, retry_failed, timeout, on_progress
---@return table<string, runway.Halt> halted
function night.make(shots, accounts, options)
  local self = setmetatable({ shots = shots, accounts = accounts, options = options, halted = {} }, Night)
  local line, next_one = in_line(shots), 1
  for _, shot in ipairs(line) do
    shot.again = options.retry_failed and shot.state == "failed" or nil
    shot.most_attempts = options.attempts + (shot.again and shot.attempt or 0)
  end
  tell(self)
  local workers = {}
  for i = 1, math.min(options.jobs, #line) do
    workers[i] = scheduler.spawn(function()
      while next_one <= #line do
        local shot = line[next_one]
        next_one = next_one + 1
        carry_out(self, shot)
      end
    end)
  end
  local _, failures = jobs.all(workers)
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
    if options.retry_failed and shot.state == "failed" then begin_anew(self, shot) end
    if shot.state ~= "queued" then return end
    local params = { key = names.attempt(shot.key, shot.attempt), output = shot.output }
    for name, v in pairs(shot.params) do params[name] = v end
    local _, err = accounts[shot.provider]:enqueue(params)
    failure = failure or err
    tell(self)
  end
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
