-- A journal: every paid task, remembered beyond the end of the program.
--
-- An intent to submit is committed before its request may leave; the id right after the answer. So a program
-- that is killed anywhere, and run again with the same keys, pays for nothing twice and loses nothing.

local attempt = require "runway.journal.attempt"
local book = require "runway.journal.book"
local core = require "runway.core"
local entry = require "runway.journal.entry"
local errors = require "runway.errors"
local fields = require "runway.fields"
local fingerprint = require "runway.journal.fingerprint"
local options = require "runway.options"
local owner = require "runway.journal.owner"
local queue = require "runway.journal.queue"
local scheduler = require "runway.scheduler"
local schema = require "runway.journal.schema"
local sql = require "runway.journal.sql"
local states = require "runway.journal.states"
local text = require "runway.text"
local trail = require "runway.journal.trail"
local values = require "runway.values"

local journal = {}

---@class runway.Journal
---@field path string   of the file, or the URL without a password
local Journal = {}
Journal.__index = Journal
Journal.__name = "runway.journal"

function Journal.__tostring(j) return "journal " .. j.path end

local books = setmetatable({}, { __mode = "k" })

local LONGEST_CLOSE = 300                     -- seconds; a submit has come to its end by then
local MOST = 1000000                          -- entries of one list, unless said otherwise

local function book_of(j)
  local mine = books[j]
  if not mine then options.without_self "journal" end
  return mine
end

local function refuse(code, message, ...)
  return nil, errors.new { kind = "invalid_request", code = code, sent = "no", message = message:format(...) }
end

local function open(where)
  local store, err = require("runway.store").open(where)
  local ready
  if store then
    ready, err = schema.prepare(store)
    if not ready then store:close() end
  end
  if not ready then
    err.sent = "no"
    return nil, err
  end
  local j = setmetatable({ path = store.path }, Journal)
  books[j] = book.new(store)
  return j
end

-- A write that changes nothing, and takes all that one takes: the lock, the right, the disk.
local IDLE = { "UPDATE runway_about SET value = value WHERE name = 'version'" }

local function examine(store)
  local version, err, newest = schema.look(store)
  if not version then return nil, err end
  local seen = { path = store.path, version = version, newest = newest, entries = 0, unknown = 0 }
  if version == 0 then return seen end
  local began = core.now()
  local found, failure = store:write { IDLE }
  if not found then return nil, failure end
  seen.commit_seconds = core.now() - began
  found, failure = store:read { { "SELECT state, count(*) AS n FROM runway_shots GROUP BY state" } }
  if not found then return nil, failure end
  for _, row in ipairs(found[1].rows) do
    seen.entries = seen.entries + row.n
    if row.state == "unknown" then seen.unknown = row.n end
  end
  return seen
end

--- For who looks why something does not work: can it be opened, is it sound, can it be written? Nothing in it changes;
--- of an earlier version it is left so.
---@param where string
---@return { path: string, version: integer, newest: integer, entries: integer, unknown: integer,
---  commit_seconds: number|nil }|nil   version 0: it is empty
---@return runway.Error|nil err
function journal.examine(where)
  local store, err = require("runway.store").open(where)
  if not store then return nil, err end
  local seen
  seen, err = examine(store)
  store:close()
  return seen, err
end

--- Opens a journal, and makes it where there is none.
---@param where string   a file's path, or postgresql://…
---@return runway.Journal|nil
---@return runway.Error|nil err  kind "config" (no journal, of a newer version, …) or "io"
function journal.open(where)
  if type(where) ~= "string" or where == "" or where:find("%z") then
    error("journal takes the path of a file, or a postgresql:// URL", 2)
  end
  return errors.told("runway.journal", open(where))
end

---@param v any
---@return boolean
function journal.is(v)
  return type(v) == "table" and books[v] ~= nil
end

--- As a client takes it: a journal, or where it is to be opened.
---@param given runway.Journal|string
---@return runway.Journal|nil
---@return runway.Error|nil err
---@return boolean|nil own      it was opened here
function journal.of(given)
  if journal.is(given) then return given end
  local j, err = open(given)
  return j, err, j ~= nil
end

--------------------------------------------------------------------- for people and scripts

-- Makes `unknown` of what can come to nothing any more, before anything is told of it.
local function sweep(mine)
  local found, err = mine:read { sql.submitting() }
  if not found then return nil, err end
  local swept, failure = attempt.expire(mine, found[1].rows)
  if swept == nil and failure.code ~= "readonly" then return nil, failure end
  return true
end

local function is_state(v)
  return states.is(v), "one of " .. table.concat(states.ALL, ", "), type(v) == "string" and text.quote(v) or nil
end
local function is_count(v)
  return type(v) == "number" and v >= 1 and v % 1 == 0 and v <= MOST, "a whole number, 1 to " .. text.number(MOST)
end

local ENTRIES = { state = is_state, limit = is_count }

-- The entries that a statement reads, and the first row of another one.
local function entries(mine, statement, other)
  local ok, err = sweep(mine)
  if not ok then return nil, err end
  local found
  found, err = mine:read { statement, other }
  if not found then return nil, err end
  local list = {}
  for i, row in ipairs(found[1].rows) do list[i] = entry.of(row) end
  return list, found[2] and found[2].rows[1]
end

--- The entries, the newest first.
---@param opts? runway.EntriesOptions
---@return runway.Entry[]|nil
---@return runway.Error|nil err
function Journal:entries(opts)
  local mine = book_of(self)
  opts = options.check(opts, ENTRIES, "entries", 2)
  local most = opts.limit and math.floor(opts.limit) or MOST
  return errors.told("journal:entries", entries(mine, sql.list(opts.state, most)))
end

--- Those that changed last, the newest first, and how many there are in all.
---@param j runway.Journal
---@param most integer
---@return runway.Entry[]|nil
---@return integer|runway.Error count
function journal.latest(j, most)
  local list, row = entries(book_of(j), sql.latest(most), sql.count())
  return list, list and row.entries or row
end

local function check_key(key, what)
  if type(key) ~= "string" or key == "" then error(what .. " takes a key: a string that is not empty", 3) end
end

-- The row of a key, `unknown` where its attempt can come to nothing any more. nil, err; nil: there is none.
-- `as_it_is`: it is only shown, and so also by who may not write.
local function look(mine, key, as_it_is)
  while true do
    local found, err = mine:read { sql.find(key) }
    if not found then return nil, err end
    local row = found[1].rows[1]
    if not row then return nil end
    local changed
    changed, err = attempt.expire(mine, { row })
    if changed == nil and not (as_it_is and err.code == "readonly") then return nil, err end
    if not changed then return row end
  end
end

local function get(self, mine, key)
  local row, err = look(mine, key, true)
  if err then return nil, err end
  if not row then
    return nil, errors.new { kind = "not_found", code = "no_entry", sent = "no",
      message = ("%s has no entry with the key %s"):format(self.path, text.quote(key)) }
  end
  return entry.of(row)
end

--- The entry of a key.
---@param key string
---@return runway.Entry|nil
---@return runway.Error|nil err   kind "not_found": the key is free
function Journal:get(key)
  local mine = book_of(self)
  check_key(key, "get")
  return errors.told("journal:get", get(self, mine, key))
end

local SETTLE = { task_id = "string", resubmit = "boolean", failed = "string" }

-- Statements, and which of them settles.
local function settling(key, how, id, now)
  if id then return sql.settle_as(key, now, id) end
  if how.failed then return { sql.settle_failed(key, now, how.failed) }, 1 end
  return { sql.settle_anew(key, now) }, 1
end

local function settle(self, mine, key, how, id)
  local e, err = get(self, mine, key)
  if not e then return nil, err end
  local settled, other = false, nil
  if e.state == "unknown" then
    local statements, at = settling(key, how, id, core.wall_ms())
    local results
    results, err = mine:write(queue.told(mine, statements))
    if not results then return nil, err end
    settled, other = results[at].changes > 0, id and results[at + 1].rows[1]
  end
  e, err = get(self, mine, key)
  if not e then return nil, err end
  if other then
    return refuse("task_taken", "the task %s is that of the key %s already; nothing was changed", text.quote(id),
      text.quote(other.key))
  end
  if not settled then
    return refuse("not_unknown", "the key %s is %s%s; only what is unknown can be settled%s", text.quote(key), e.state,
      e.task_id and (" (task %s)"):format(e.task_id) or "", e.state == "submitted" and ". Is that the wrong task? Ask "
      .. "for the key once more, by the same request: where its provider knows no such task, it becomes unknown" or "")
  end
  return e
end

--- Says what became of a submit that is `unknown`: it made this task; or none, and it is to be submitted again
--- when someone next asks for it; or it is given up.
---@param key string
---@param how runway.Settlement   one of them
---@return runway.Entry|nil   as it stands now
---@return runway.Error|nil err
function Journal:settle(key, how)
  local mine = book_of(self)
  check_key(key, "settle")
  how = options.check(how, SETTLE, "settle", 2)
  local said = (how.task_id and 1 or 0) + (how.resubmit and 1 or 0) + (how.failed and 1 or 0)
  local id = how.task_id and fields.id(how.task_id)
  if said ~= 1 or how.task_id == "" or how.failed == "" then
    error('settle takes one of { task_id = "…" }, { resubmit = true } and { failed = "why" }', 2)
  end
  if how.task_id and (not id or id:find(" ", 1, true)) then -- one that a provider says itself is taken as it is
    error(("settle: %s is no task's id"):format(text.quote(how.task_id)), 2)
  end
  return errors.told("journal:settle", settle(self, mine, key, how, id))
end

---@class runway.Totals
---@field entries integer
---@field states table<runway.State, integer>   how many stand in each
---@field credits number                        what is known to be spent
---@field estimated_credits number              what else is said to be, for what may still cost
---@field spent number                          what a budget counts as spent
---@field reserved number                       and holds back for what is under way or unknown
---@field providers table<string, runway.Sums>
---@field days table<string, runway.Sums>       "2026-10-31", in UTC

---@class runway.Sums
---@field entries integer
---@field spent number
---@field reserved number

-- In these what was estimated may still be charged.
local OPEN = { submitting = true, submitted = true, downloading = true, done = true, unknown = true }

local function sums() return { entries = 0, spent = 0, reserved = 0 } end

local function add(to, row)
  to.entries = to.entries + row.entries
  to.spent, to.reserved = values.whole(to.spent + row.spent), values.whole(to.reserved + row.charged - row.spent)
end

-- What is spent and held back: in all, by provider and by day.
local function charges(rows)
  local all, providers, days = sums(), {}, {}
  for _, row in ipairs(rows) do
    local day = os.date("!%Y-%m-%d", row.day * 86400)
    providers[row.provider], days[day] = providers[row.provider] or sums(), days[day] or sums()
    for _, to in ipairs { all, providers[row.provider], days[day] } do add(to, row) end
  end
  return all, providers, days
end

local function totals_of(mine)
  local ok, err = sweep(mine)
  if not ok then return nil, err end
  local found
  found, err = mine:read { sql.totals(), sql.charges() }
  if not found then return nil, err end
  local all, providers, days = charges(found[2].rows)
  local totals = { entries = 0, states = {}, credits = 0, estimated_credits = 0, spent = all.spent,
    reserved = all.reserved, providers = providers, days = days }
  for _, name in ipairs(states.ALL) do totals.states[name] = 0 end
  for _, row in ipairs(found[1].rows) do
    totals.states[row.state] = row.entries
    totals.entries = totals.entries + row.entries
    totals.credits = values.whole(totals.credits + row.credits)
    if OPEN[row.state] then totals.estimated_credits = values.whole(totals.estimated_credits + row.estimated) end
  end
  return totals
end

--- What there is, and what it cost.
---@return runway.Totals|nil
---@return runway.Error|nil err
function Journal:totals()
  return errors.told("journal:totals", totals_of(book_of(self)))
end

--- Closes it, once the submits that are under way have been written down. What is called later fails.
function Journal:close()
  local mine = book_of(self)
  local patience = scheduler.now() + LONGEST_CLOSE
  while mine.attempts > 0 and not mine.closed and scheduler.now() < patience do scheduler.sleep(0.02) end
  mine:close()
end

Journal.__close = Journal.close

--------------------------------------------------------------------- for those who submit

journal.fingerprint, journal.difference, journal.description = fingerprint.of, fingerprint.difference, entry.description

--- The row of a key, for rooms that submit; nil: the key is free. What this program still owes to it is written
--- before: else it would wait for an attempt of its own that is over.
---@param j runway.Journal
---@param key string
---@return table|nil row
---@return runway.Error|nil err
function journal.look(j, key)
  local mine = books[j]
  local row, err = look(mine, key)
  if not row or not mine:owes(row.token) then return row, err end
  local paid
  paid, err = mine:pay()
  if not paid then return nil, err end
  return look(mine, key)
end

--- Takes a key for one attempt to submit: see attempt.lua.
---@param j runway.Journal
---@param intent runway.Intent
---@param terms runway.Terms
---@param log fun(level: string, message: string)
function journal.begin(j, intent, terms, log)
  return attempt.begin(books[j], intent, terms, log)
end

--- Makes `unknown` of what can come to nothing any more.
---@param j runway.Journal
---@return true|nil
---@return runway.Error|nil err
function journal.sweep(j)
  return sweep(books[j])
end

--- The same, and opens to others what workers have left that are no more.
---@param j runway.Journal
---@return true|nil
---@return runway.Error|nil err
function journal.sweep_all(j)
  local ok, err = sweep(books[j])
  if not ok then return nil, err end
  return queue.sweep(books[j])
end

--- All in which an entry may stand.
journal.STATES = states.ALL

--- An entry as people and scripts see it.
journal.entry = entry.of

--- Who holds an entry, as people see it: "host 1234"; nil: no one, or it cannot be told.
journal.owner = owner.shown

--- What is spent, and held back beside, in credits.
---@param j runway.Journal
---@return number|nil spent
---@return number|runway.Error reserved   or err
function journal.spent(j)
  local found, err = books[j]:read { sql.charges() }
  if not found then return nil, err end
  local all = charges(found[1].rows)
  return all.spent, all.reserved
end

--- How long tasks of a model have taken, from their submit until their film was there.
---@param j runway.Journal
---@param session runway.Session
---@param ref { kind: string, model: string }
---@param most integer
---@return number[] seconds   the newest first; none, where the journal cannot be read
function journal.paces(j, session, ref, most)
  local found = books[j]:read { sql.paces({ provider = session.adapter.name, base_url = session.base, kind = ref.kind,
    model = ref.model }, most) }
  local list = {}
  for i, row in ipairs(found and found[1].rows or {}) do list[i] = row.took / 1000 end
  return list
end

--- A callback that bears an attempt's token names its task.
---@param j runway.Journal
---@param token string
---@param id string
---@return string|nil key
---@return runway.Error|nil err
function journal.called_back(j, token, id)
  local results, err = books[j]:write_surely(sql.called_back(token, core.wall_ms(), id),
    ("a callback named the task %s"):format(id), token)
  if not results then return nil, err end
  local row = results[2].rows[1]
  return row and row.key
end

--- The entry whose latest attempt has this token.
---@param j runway.Journal
---@param token string
---@return table|nil row
---@return runway.Error|nil err
function journal.of_token(j, token)
  local found, err = books[j]:read { sql.of_token(token) }
  if not found then return nil, err end
  return found[1].rows[1]
end

--- The entry of a task of an account.
---@param j runway.Journal
---@param session runway.Session
---@param id string
---@return table|nil row
---@return runway.Error|nil err
function journal.of_task(j, session, id)
  local found, err = books[j]:read { sql.of_task(id, session.adapter.name, session.base) }
  if not found then return nil, err end
  return found[1].rows[1]
end

--- What becomes of the task of a key is to be written down: see trail.lua.
---@param j runway.Journal
---@param key string
---@param id string
---@param log fun(level: string, message: string)
---@param known? { gone?: boolean, cost?: number, estimated_cost?: number, heard?: integer }   what the entry says
---  already: that the provider knew no such task when it was last asked, what it named, and when that was written
---@param hold? runway.Hold   of a worker
---@return runway.Trail
function journal.follow(j, key, id, log, known, hold)
  return trail.new(books[j], key, id, log, known, hold)
end

-- What waits to be made, and who takes it: see queue.lua. Each takes a journal where that takes its book.
for _, name in ipairs {
  "enqueue", "claim", "take_over", "renew", "hand_on", "again", "unfinished", "under_way", "queued", "has_room",
  "hear",
} do
  journal[name] = function(j, ...) return queue[name](books[j], ...) end
end

--- Now, in Unix ms, as entries have it: what one program begins in the same millisecond has an order all the same.
journal.moment = attempt.moment

--- See queue.close.
---@param j runway.Journal
---@param hold runway.Hold
function journal.close_hold(j, hold) return queue.close(books[j], hold) end

--- Seconds after which a worker renews its leases.
journal.RENEWED = attempt.RENEWED

--- Closes it by itself as soon as no submit is under way.
---@param j runway.Journal
function journal.release(j)
  books[j]:close_after()
end

return journal
