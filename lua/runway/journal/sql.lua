-- sql.lua: what a journal asks of its database: statements, each a list of SQL and its parameters, in the
-- words that SQLite and PostgreSQL share. Pure.
--
-- No write moves an entry but along states.lua: the states that it may come from are its condition.
-- An attempt to submit bears a token, which no other ever has, and the fence of the lease that it holds;
-- who takes an entry from it raises the fence, and from then on what the attempt writes changes nothing.
-- One thing is above the fence: the id that an attempt really got (see `submitted`). The same fence is that of a
-- worker's lease on what it was queued for: its writes bear the number under which it has claimed the entry.
--
-- An entry holds back of a budget what it cost, as soon as the provider has named that; until then what the provider
-- estimated, else what we did. One that waits to be submitted, and one that failed, hold back nothing; one that was
-- cancelled does, since no provider promises it back, and one that is unknown, for the money may be spent.

local states = require "runway.journal.states"

local sql = {}

-- All columns of an entry, as sql.find gives them.
local COLUMNS = "key, state, provider, base_url, kind, format, fingerprint, description, token, owner, fence, "
  .. "lease_until, sent, task_id, status, path, bytes, credits, estimated, reserved, error, error_code, created_at, "
  .. "updated_at, submitted_at, ended_at, recipe, due_at, model"

-- What an entry holds back, and how much of it is spent: what was named, or of a task that succeeded.
local CHARGE = "coalesce(credits, CASE WHEN state = 'queued' OR state = 'failed' "
  .. "AND coalesce(status, '') <> 'CANCELLED' THEN 0.0 ELSE coalesce(estimated, reserved, 0.0) END)"
local SPENT = "CASE WHEN credits IS NOT NULL OR state IN ('downloading', 'done', 'failed') OR status = 'SUCCEEDED' "
  .. "THEN " .. CHARGE .. " ELSE 0.0 END"

-- Entries whose tasks are under way at the provider, as far as anyone knows. A task of which no one has heard for an
-- hour has ended. One that may never have begun holds others up for a minute: that is long enough for servers that
-- refuse one more, and an outage that leaves many such must not stop everything.
local NO_NEWS, NO_ANSWER = 3600000, 60000     -- milliseconds
local RUNNING = "(state = 'submitting' OR state = 'submitted' AND updated_at > %s "
  .. "AND coalesce(status, '') NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED'))"
local UNDER_WAY = "(" .. RUNNING .. " OR state = 'unknown' AND task_id IS NULL AND updated_at > %s)"

-- "state IN ('a', 'b')": those from which `to` may be come to.
local function coming_to(to, among)
  return "state IN ('" .. table.concat(states.before(to, among), "', '") .. "')"
end

--------------------------------------------------------------------- looking

---@param key string
function sql.find(key)
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE key = $1", key }
end

--- Entries, the newest first.
---@param state string|nil
---@param limit integer
function sql.list(state, limit)
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE $1 = '' OR state = $1 "
    .. "ORDER BY created_at DESC, key LIMIT $2", state or "", limit }
end

--- Those that changed last, so many, with those that were made last first.
function sql.latest(limit)
  return { "SELECT * FROM (SELECT " .. COLUMNS .. " FROM runway_shots ORDER BY updated_at DESC, key LIMIT $1) "
    .. "AS latest ORDER BY created_at DESC, key", limit }
end

function sql.count() return { "SELECT count(*) AS entries FROM runway_shots" } end

function sql.submitting()
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE state = 'submitting'" }
end

--- For every state, how many there are and what they cost.
function sql.totals()
  return { "SELECT state, count(*) AS entries, coalesce(sum(credits), 0.0) AS credits, "
    .. "coalesce(sum(CASE WHEN credits IS NULL THEN coalesce(estimated, reserved) ELSE NULL END), 0.0) AS estimated "
    .. "FROM runway_shots GROUP BY state" }
end

--- How many are queued for each account, those with the most of them first.
function sql.queued()
  return { "SELECT provider, base_url, count(*) AS entries FROM runway_shots WHERE state = 'queued' "
    .. "GROUP BY provider, base_url ORDER BY entries DESC, provider, base_url" }
end

--- What is spent, and held back beside, by provider and by day: days since 1970, in UTC.
function sql.charges()
  return { "SELECT provider, coalesce(submitted_at, created_at) / 86400000 AS day, count(*) AS entries, "
    .. "coalesce(sum(" .. SPENT .. "), 0.0) AS spent, coalesce(sum(" .. CHARGE .. "), 0.0) AS charged "
    .. "FROM runway_shots GROUP BY provider, coalesce(submitted_at, created_at) / 86400000" }
end

--- How many milliseconds those of a model have taken that are done, the newest first.
---@param of { provider: string, base_url: string, kind: string, model: string }
---@param limit integer
function sql.paces(of, limit)
  return { "SELECT ended_at - submitted_at AS took FROM runway_shots WHERE provider = $1 AND base_url = $2 "
    .. "AND kind = $3 AND model = $4 AND state = 'done' AND ended_at > submitted_at ORDER BY ended_at DESC LIMIT $5",
    of.provider, of.base_url, of.kind, of.model, limit }
end

--------------------------------------------------------------------- an attempt to submit

---@class runway.Intent
---@field key string
---@field provider string
---@field base_url string
---@field kind string
---@field fingerprint string
---@field description string   JSON
---@field token string
---@field owner? string         once it is begun
---@field model? string         as far as the request names one
---@field reserved? number      credits that it is held to cost
---@field fence? integer        of a worker that has claimed it: it takes the key under that number alone

---@class runway.Terms          on which a key may be taken
---@field budget? number        credits that no submit may take the charges past
---@field most? integer         tasks that may be under way
---@field of_model? integer     and of the intent's model, at its provider
---@field models? table<string, integer>   the same by model, for who claims

-- Sums of decimal fractions are off by less than this.
local NEARLY = 0.000001

-- How many of a model are under way on an account, as $n, … of these values.
local function of_model(n)
  return ("SELECT count(*) AS under_way FROM runway_shots WHERE provider = $%d AND base_url = $%d AND model = $%d "
    .. "AND %s"):format(n, n + 1, n + 2, UNDER_WAY:format("$" .. n + 3, "$" .. n + 4))
end
local function of_model_with(of, now) return { of.provider, of.base_url, of.model, now - NO_NEWS, now - NO_ANSWER } end

--- The same, alone.
---@param of { provider: string, base_url: string, model: string }
function sql.of_model(of, now)
  local statement = of_model_with(of, now)
  table.insert(statement, 1, of_model(1))
  return statement
end

--- What is under way, of whoever it is, the oldest first.
---@param now integer
---@param limit integer
function sql.under_way(now, limit)
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE " .. UNDER_WAY:format("$1", "$2")
    .. " ORDER BY created_at, key LIMIT $3", now - NO_NEWS, now - NO_ANSWER, limit }
end

-- "AND …": what must be true of all entries for one more to be submitted, as $n, $n + 1, … of these values.
local function conditions(intent, now, terms, n)
  local said, with = "", {}
  if terms.budget then
    said = (" AND (SELECT coalesce(sum(%s), 0.0) FROM runway_shots) + $%d <= $%d"):format(CHARGE, n, n + 1)
    with = { intent.reserved + 0.0, terms.budget + NEARLY }
    n = n + 2
  end
  if terms.most then
    said = ("%s AND (SELECT count(*) FROM runway_shots WHERE %s) < $%d"):format(said,
      UNDER_WAY:format("$" .. n, "$" .. n + 1), n + 2)
    for _, v in ipairs { now - NO_NEWS, now - NO_ANSWER, terms.most } do with[#with + 1] = v end
    n = n + 3
  end
  if terms.of_model then
    said = ("%s AND (%s) < $%d"):format(said, of_model(n), n + 5)
    for _, v in ipairs(of_model_with(intent, now)) do with[#with + 1] = v end
    with[#with + 1] = terms.of_model
  end
  return said, with
end

-- A statement that ends with its conditions, with one more: that the entry has not become another worker's.
local function fenced(statement, fence)
  if not fence then return statement end
  local n = statement.n or #statement - 1
  statement[1], statement[n + 2], statement.n = statement[1] .. " AND fence = $" .. n + 1, fence, n + 1
  return statement
end

local function bound(statement, with)
  local n = statement.n
  for i, v in ipairs(with) do statement[n + 1 + i] = v end
  statement.n = n + #with
  return statement
end

-- Who comes next sees what was committed before: no two that have written this look at others' entries at one time.
local function in_line() return { "UPDATE runway_about SET value = value WHERE name = 'version'" } end

--- Takes a key that is free, or waits to be submitted, and tells how it stands then. The key is the intent's if the
--- entry has its token. Who has terms stands in line.
---@param intent runway.Intent
---@param now integer      Unix ms
---@param lease integer    until when
---@param terms runway.Terms
---@return table[]
---@return integer at      which of them tells how the entry stands; behind it, where there is a budget, what is spent
---  or held back of it if the key is not the intent's, and how much of that what runs may yet give back; and where its
---  model has a limit, how many of that are under way
function sql.begin(intent, now, lease, terms)
  local i = intent
  local on_insert, with = conditions(i, now, terms, 13)
  local on_update = conditions(i, now, terms, 11)
  local list = {}
  if terms.budget or terms.most or terms.of_model then
    list[1] = in_line()
  end
  if not i.fence then                         -- who has claimed it makes none
    list[#list + 1] = bound({ "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, "
      .. "description, token, owner, fence, lease_until, created_at, updated_at, reserved, model) "
      .. "SELECT $1, 'submitting', $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $10, $11, $12 WHERE 1 = 1" .. on_insert
      .. " ON CONFLICT (key) DO NOTHING",
      i.key, i.provider, i.base_url, i.kind, i.fingerprint, i.description, i.token, i.owner, lease, now, i.reserved,
      i.model, n = 12 }, with)
  end
  list[#list + 1] = fenced(bound({ "UPDATE runway_shots SET state = 'submitting', token = $2, owner = $3, "
    .. "fence = fence + 1, lease_until = $4, updated_at = $5, reserved = $9, model = $10, error = NULL, "
    .. "error_code = NULL, sent = NULL WHERE key = $1 AND fingerprint = $6 AND provider = $7 AND base_url = $8 AND "
    .. coming_to("submitting") .. on_update,
    i.key, i.token, i.owner, lease, now, i.fingerprint, i.provider, i.base_url, i.reserved, i.model,
    n = 10 }, with), i.fence)
  list[#list + 1] = sql.find(i.key)
  local at = #list
  if terms.budget then
    list[at + 1] = { ("SELECT CASE WHEN EXISTS (SELECT 1 FROM runway_shots WHERE token = $1) THEN NULL "
      .. "ELSE charged END AS charged, passing FROM (SELECT coalesce(sum(%s), 0.0) AS charged, "
      .. "coalesce(sum(CASE WHEN %s THEN %s - %s ELSE 0.0 END), 0.0) AS passing FROM runway_shots) AS sums"):format(
      CHARGE, RUNNING:format "$2", CHARGE, SPENT), i.token, now - NO_NEWS }
  end
  if terms.of_model then list[#list + 1] = sql.of_model(i, now) end
  return list, at
end

--- Would that much, held back already, leave no room for the intent?
---@return boolean
function sql.is_over(intent, terms, charged)
  return charged + intent.reserved > terms.budget + NEARLY
end

--- Holds the lease on.
function sql.renew(key, token, fence, now, lease)
  return { "UPDATE runway_shots SET lease_until = $4, updated_at = $5 "
    .. "WHERE key = $1 AND token = $2 AND fence = $3 AND state = 'submitting'", key, token, fence, lease, now }
end

--- Nothing was accepted: the key is free again, or queued as it was. The token alone tells whose it is: no other
--- attempt has it.
---@return table[]
function sql.free(key, token, lease)
  return {
    { "DELETE FROM runway_shots WHERE key = $1 AND token = $2 AND state = 'submitting' AND recipe IS NULL", key,
      token },
    { "UPDATE runway_shots SET state = 'queued', reserved = NULL, lease_until = $3, sent = NULL "
      .. "WHERE key = $1 AND token = $2 AND state = 'submitting' AND recipe IS NOT NULL", key, token, lease, n = 3 },
  }
end

--- An attempt pauses between two requests, of which the first was turned away: nothing of it has left as long as this
--- stands. One that comes late, behind a connection that was lost, changes nothing once the attempt has gone on.
function sql.rest(key, token, now)
  return { "UPDATE runway_shots SET sent = 'no', updated_at = $3 WHERE key = $1 AND token = $2 "
    .. "AND state = 'submitting' AND updated_at <= $3", key, token, now }
end

--- It goes on, and a request may leave at any time. `now` is later than when it began to rest.
function sql.go_on(key, token, now)
  return { "UPDATE runway_shots SET sent = NULL, updated_at = $3 WHERE key = $1 AND token = $2 "
    .. "AND state = 'submitting'", key, token, now }
end

--- The key of an attempt that paused is free again where its lease ran out, or its process is no more; or queued as it
--- was. `seen` is as in sql.expire.
---@return table[]
function sql.release(key, token, fence, seen, now)
  local where = "WHERE key = $1 AND token = $2 AND fence = $3 AND lease_until = $4 AND state = 'submitting' "
    .. "AND sent = 'no' AND recipe IS "
  return {
    { "DELETE FROM runway_shots " .. where .. "NULL", key, token, fence, seen },
    { "UPDATE runway_shots SET state = 'queued', fence = fence + 1, reserved = NULL, lease_until = NULL, sent = NULL, "
      .. "updated_at = $5 " .. where .. "NOT NULL", key, token, fence, seen, now },
  }
end

--- The provider made none, and says that it never will.
function sql.refused(key, token, fence, now, lease, message, code)
  return { "UPDATE runway_shots SET state = 'failed', reserved = NULL, lease_until = $5, updated_at = $4, "
    .. "ended_at = $4, "
    .. "error = $6, error_code = $7 WHERE key = $1 AND token = $2 AND fence = $3 AND "
    .. coming_to("failed", { "submitting" }), key, token, fence, now, lease, message, code, n = 7 }
end

--- The request left, and what came of it no one here knows.
function sql.lose(key, token, fence, now, sent, message, code)
  return { "UPDATE runway_shots SET state = 'unknown', lease_until = NULL, updated_at = $4, sent = $5, error = $6, "
    .. "error_code = $7 WHERE key = $1 AND token = $2 AND fence = $3 AND " .. coming_to("unknown", { "submitting" }),
    key, token, fence, now, sent, message, code, n = 7 }
end

--- The same of an attempt whose lease ran out, or whose process is no more. `seen` is the lease as it was read: one
--- that was renewed since stands.
function sql.expire(key, token, fence, seen, now, message)
  return { "UPDATE runway_shots SET state = 'unknown', fence = fence + 1, lease_until = NULL, updated_at = $5, "
    .. "sent = 'unknown', error = $6 WHERE key = $1 AND token = $2 AND fence = $3 AND lease_until = $4 "
    .. "AND sent IS NULL AND "
    .. coming_to("unknown", { "submitting" }), key, token, fence, seen, now, message }
end

--- The id that an attempt got. It counts whatever became of its lease meanwhile: no fence is asked for, only that
--- the entry is still this attempt's. `lease`: of a worker that goes on with it.
function sql.submitted(key, token, now, t, lease)
  return { "UPDATE runway_shots SET state = 'submitted', task_id = $4, status = $5, format = $6, credits = $7, "
    .. "estimated = coalesce($8, estimated), lease_until = $9, sent = 'yes', error = NULL, error_code = NULL, "
    .. "submitted_at = $3, updated_at = $3 WHERE key = $1 AND token = $2 AND "
    .. coming_to("submitted", { "submitting", "unknown" }),
    key, token, now, t.id, t.status, t.format, t.cost, t.estimated_cost, lease, n = 9 }
end

--- The same, told by a callback that bears the attempt's token.
function sql.called_back(token, now, id)
  return {
    { "UPDATE runway_shots SET state = 'submitted', task_id = $3, lease_until = NULL, sent = 'yes', error = NULL, "
      .. "error_code = NULL, submitted_at = $2, updated_at = $2 WHERE token = $1 AND "
      .. coming_to("submitted", { "submitting", "unknown" }), token, now, id },
    { "SELECT key FROM runway_shots WHERE token = $1 AND task_id = $2", token, id },
  }
end

--- What a callback is about that bears a token, before anything is written.
function sql.of_token(token)
  return { "SELECT state, provider, base_url FROM runway_shots WHERE token = $1", token }
end

--- The entry of a task.
function sql.of_task(id, provider, base_url)
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE task_id = $1 AND provider = $2 AND base_url = $3 "
    .. "ORDER BY key LIMIT 1", id, provider, base_url }
end

--- The same where the entry has become another's: an entry of its own, under a key that says so.
function sql.stray(key, token, intent, now, t)
  return { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, "
    .. "fence, sent, task_id, status, format, credits, estimated, created_at, updated_at, submitted_at, reserved, "
    .. "model) "
    .. "SELECT $1, 'submitted', $2, $3, $4, $5, $6, $7, $8, 1, 'yes', $9, $10, $11, $12, $13, $14, $14, $14, $16, $17 "
    .. "WHERE NOT EXISTS (SELECT 1 FROM runway_shots WHERE key = $15 AND task_id = $9) ON CONFLICT (key) DO NOTHING",
    ("%s (late, %s)"):format(key, token:sub(1, 8)), intent.provider, intent.base_url, intent.kind, intent.fingerprint,
    intent.description, token, intent.owner, t.id, t.status, t.format, t.cost, t.estimated_cost, now, key,
    intent.reserved, intent.model, n = 17 }
end

--------------------------------------------------------------------- what becomes of the task

-- Writes of whoever follows the task that the entry names; of another task's they change nothing. A worker's bear the
-- number of its lease.
local OF_TASK = "updated_at = $3 WHERE key = $1 AND task_id = $2"

--- How the provider says it stands, and what it says of the price.
function sql.told(key, id, now, status, credits, estimated, fence)
  return fenced({ "UPDATE runway_shots SET status = $4, credits = coalesce($5, credits), "
    .. "estimated = coalesce($6, estimated), "
    .. OF_TASK, key, id, now, status, credits, estimated, n = 6 }, fence)
end

--- It succeeded, and no file is to be written, or it is there.
function sql.done(key, id, now, path, bytes, fence)
  return fenced({ "UPDATE runway_shots SET state = 'done', path = coalesce($4, path), bytes = coalesce($5, bytes), "
    .. "error = NULL, error_code = NULL, ended_at = $3, " .. OF_TASK .. " AND " .. coming_to("done"),
    key, id, now, path, bytes, n = 5 }, fence)
end

function sql.failed(key, id, now, message, code, fence)
  return fenced({ "UPDATE runway_shots SET state = 'failed', error = $4, error_code = $5, ended_at = $3, " .. OF_TASK
    .. " AND " .. coming_to("failed"), key, id, now, message, code, n = 5 }, fence)
end

function sql.downloading(key, id, now, path, fence)
  return fenced({ "UPDATE runway_shots SET state = 'downloading', path = $4, bytes = NULL, ended_at = NULL, " .. OF_TASK
    .. " AND " .. coming_to("downloading"), key, id, now, path, n = 4 }, fence)
end

--- The provider knows no such task. The id stays: with it the task is asked after again.
function sql.gone(key, id, now, message, code, fence)
  return fenced({ "UPDATE runway_shots SET state = 'unknown', lease_until = NULL, sent = 'yes', error = $4, "
    .. "error_code = $5, " .. OF_TASK .. " AND " .. coming_to("unknown", { "submitted" }), key, id, now, message, code,
    n = 5 }, fence)
end

--- It does after all.
function sql.found(key, id, now, fence)
  return fenced({ "UPDATE runway_shots SET state = 'submitted', error = NULL, error_code = NULL, " .. OF_TASK
    .. " AND " .. coming_to("submitted", { "unknown" }), key, id, now }, fence)
end

--- A download broke off: it may be made again.
function sql.hindered(key, id, now, message, code, fence)
  return fenced({ "UPDATE runway_shots SET error = $4, error_code = $5, " .. OF_TASK .. " AND state = 'downloading'",
    key, id, now, message, code, n = 5 }, fence)
end

--------------------------------------------------------------------- what waits for workers

--- Puts a key that is free in line.
function sql.enqueue(intent, now, recipe)
  local i = intent
  return { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, "
    .. "fence, created_at, updated_at, recipe, model) "
    .. "VALUES ($1, 'queued', $2, $3, $4, $5, $6, '', '', 0, $7, $7, $8, $9) "
    .. "ON CONFLICT (key) DO NOTHING", i.key, i.provider, i.base_url, i.kind, i.fingerprint, i.description, now,
    recipe, i.model, n = 9 }
end

--- The same request once more under another key, where a worker's own has failed.
function sql.enqueue_again(key, fence, another, now, recipe)
  return { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, "
    .. "fence, created_at, updated_at, recipe, model) SELECT $3, 'queued', provider, base_url, kind, fingerprint, "
    .. "description, '', '', 0, $4, $4, $5, model FROM runway_shots WHERE key = $1 AND fence = $2 AND state = 'failed' "
    .. "ON CONFLICT (key) DO NOTHING", key, fence, another, now, recipe }
end

-- Of an account, for workers; no one has it, or whoever had it let its lease run out; and it is due by now ($3).
local OPEN = "recipe IS NOT NULL AND provider = $1 AND base_url = $2 AND coalesce(lease_until, 0) <= $3 "
  .. "AND coalesce(due_at, 0) <= $3"

-- What a worker has begun, and is to bring to its end: of what has failed, to say whether it is made anew;
-- of what is done, to see to its receipt.
local BEGUN = "(state IN ('submitted', 'downloading') OR state IN ('failed', 'done') AND lease_until IS NOT NULL)"

-- PostgreSQL passes over what others are taking; SQLite lets one write at a time.
local SKIPPING = { postgresql = " FOR UPDATE SKIP LOCKED", sqlite = "" }

-- Takes those that a condition names, so many at most, under a new number each, and gives them.
local function taking(dialect, condition, account, now, lease, owner, most, with)
  return bound({ "WITH next AS MATERIALIZED (SELECT key FROM runway_shots WHERE " .. OPEN .. " AND " .. condition
    .. " ORDER BY created_at, key LIMIT $6" .. SKIPPING[dialect] .. ") UPDATE runway_shots SET owner = $5, "
    .. "fence = fence + 1, lease_until = $4 WHERE key IN (SELECT key FROM next) RETURNING " .. COLUMNS,
    account.provider, account.base_url, now, lease, owner, most, n = 6 }, with or {})
end

-- Of models that have a limit, those of which as many are under way or claimed as may be; with its values from $9 on.
local function full_models(models)
  local with, named, limits = {}, {}, {}
  for model, most in pairs(models) do
    with[#with + 1], with[#with + 2] = model, most
    named[#named + 1] = "$" .. 7 + #with
    limits[#limits + 1] = ("WHEN $%d THEN CAST($%d AS BIGINT)"):format(7 + #with, 8 + #with)
  end
  return ("SELECT model FROM runway_shots WHERE provider = $1 AND base_url = $2 AND model IN (%s) AND (%s OR "
    .. "state = 'queued' AND lease_until > $3) GROUP BY model HAVING count(*) >= CASE model %s END"):format(
    table.concat(named, ", "), UNDER_WAY:format("$7", "$8"), table.concat(limits, " ")), with
end

-- Two that look at the sums at the same time would both find room; SQLite lets one write at a time.
local LOCK = { postgresql = "SELECT 1 FROM runway_about WHERE name = 'version' FOR UPDATE" }

--- What waits to be submitted, the oldest first; nothing while as many tasks are under way as may be, and of no model
--- of which there are. Where models have limits, one after the other: each counts for the next.
---@param most integer
---@param terms runway.Terms
---@return table[]
function sql.claim(dialect, account, now, lease, owner, most, terms)
  local room, with = "", {}
  if terms.most or terms.models then with = { now - NO_NEWS, now - NO_ANSWER } end
  if terms.models then
    local full, limits = full_models(terms.models)
    room = (" AND (model IS NULL OR model NOT IN (%s))"):format(full)
    for _, v in ipairs(limits) do with[#with + 1] = v end
  end
  if terms.most then
    room = ("%s AND (SELECT count(*) FROM runway_shots WHERE %s) < $%d"):format(room, UNDER_WAY:format("$7", "$8"),
      7 + #with)
    with[#with + 1] = terms.most
  end
  local one = taking(dialect, "state = 'queued'" .. room, account, now, lease, owner, terms.models and 1 or most, with)
  if not terms.models then return { one } end
  local list = { LOCK[dialect] and { LOCK[dialect] } }
  for _ = 1, most do list[#list + 1] = one end
  return list
end

--- What another has begun, and left.
function sql.take_over(dialect, account, now, lease, owner, most)
  return taking(dialect, BEGUN, account, now, lease, owner, most)
end

-- A worker's own.
local OWN = " WHERE key = $1 AND fence = $2 AND (state = 'queued' OR " .. BEGUN .. ")"

--- Holds a worker's lease on.
function sql.hold(key, fence, lease)
  return { "UPDATE runway_shots SET lease_until = $3" .. OWN, key, fence, lease }
end

--- Gives it to whoever wants it, from when it is due; why, where something stands in the way.
function sql.hand_on(key, fence, due, message, code)
  return { "UPDATE runway_shots SET lease_until = 0, due_at = $3, error = coalesce($4, error), "
    .. "error_code = CASE WHEN $4 IS NULL THEN error_code ELSE $5 END" .. OWN, key, fence, due, message, code, n = 5 }
end

--- A worker has brought it to its end, and seen to all that comes with that.
function sql.close(key, fence)
  return { "UPDATE runway_shots SET lease_until = NULL" .. OWN, key, fence }
end

--- Who holds leases.
function sql.owners(now)
  return { "SELECT DISTINCT owner FROM runway_shots WHERE recipe IS NOT NULL AND lease_until > $1 "
    .. "AND (state = 'queued' OR " .. BEGUN .. ")", now }
end

--- The leases of one who is no more.
function sql.let_go(owner)
  return { "UPDATE runway_shots SET lease_until = 0 WHERE owner = $1 AND recipe IS NOT NULL "
    .. "AND lease_until IS NOT NULL AND (state = 'queued' OR " .. BEGUN .. ")", owner }
end

--- What an account's workers have not brought to its end, so many at most. Its `stage`, by which it is in order: 1:
--- someone has it, or can go on with it, or that is so `soon` (Unix ms); 2: it waits for room; 3: it waits until later.
function sql.unfinished(account, now, soon, most)
  return { "SELECT key, state, kind, task_id, owner, error, due_at, stage FROM (SELECT key, state, kind, task_id, "
    .. "owner, error, due_at, CASE WHEN state = 'submitting' OR coalesce(lease_until, 0) > $3 THEN 1 "
    .. "WHEN coalesce(due_at, 0) > $4 THEN 3 WHEN state = 'queued' AND coalesce(due_at, 0) <= $3 THEN 2 ELSE 1 END "
    .. "AS stage FROM runway_shots WHERE recipe IS NOT NULL AND provider = $1 AND base_url = $2 "
    .. "AND (state IN ('queued', 'submitting') OR " .. BEGUN .. ")) AS waiting "
    .. "ORDER BY stage, CASE state WHEN 'queued' THEN 1 ELSE 0 END, key LIMIT $5",
    account.provider, account.base_url, now, soon, most }
end

--- Wakes those that wait for work; where the database can do that.
function sql.notify() return { "NOTIFY runway" } end

--------------------------------------------------------------------- settled by whoever knows

local SETTLED = "sent = NULL, updated_at = $2 WHERE key = $1 AND "

-- Of the same account, another entry that has a task ($1 is the key, the task as it is said).
local OF_ANOTHER = "SELECT other.key FROM runway_shots AS other, runway_shots AS mine WHERE mine.key = $1 "
  .. "AND other.key <> $1 AND other.task_id = %s AND other.provider = mine.provider AND other.base_url = mine.base_url"

--- An unknown is that task, unless another entry is; and whose it is then. Two such stand in line for one row.
---@return table[]
---@return integer at   which of them settles; the one behind it names another's key
function sql.settle_as(key, now, task_id)
  return { in_line(), { "UPDATE runway_shots SET state = 'submitted', task_id = $3, error = NULL, error_code = NULL, "
    .. "submitted_at = $2, " .. SETTLED .. coming_to("submitted", { "unknown" })
    .. " AND NOT EXISTS (" .. OF_ANOTHER:format "$3" .. ")", key, now, task_id },
    { OF_ANOTHER:format "$2" .. " ORDER BY other.key LIMIT 1", key, task_id } }, 2
end

--- There is no task: it is to be submitted again. The token goes, so that a late answer of the attempt that was
--- given up does not end the next one; so do the id of a task that is gone, and what it was to cost.
function sql.settle_anew(key, now)
  return { "UPDATE runway_shots SET state = 'queued', token = '', task_id = NULL, status = NULL, credits = NULL, "
    .. "estimated = NULL, reserved = NULL, error = NULL, error_code = NULL, " .. SETTLED
    .. coming_to("queued", { "unknown" }),
    key, now }
end

--- It is given up.
function sql.settle_failed(key, now, why)
  return { "UPDATE runway_shots SET state = 'failed', error = $3, error_code = 'settled', ended_at = $2, "
    .. SETTLED .. coming_to("failed", { "unknown" }), key, now, why }
end

return sql
