-- sql.lua: what a journal asks of its database: statements, each a list of SQL and its parameters, in the
-- words that SQLite and PostgreSQL share. Pure.
--
-- No write moves an entry but along states.lua: the states that it may come from are its condition.
-- An attempt to submit bears a token, which no other ever has, and the fence of the lease that it holds;
-- who takes an entry from it raises the fence, and from then on what the attempt writes changes nothing.
-- One thing is above the fence: the id that an attempt really got (see `submitted`).

local states = require "runway.journal.states"

local sql = {}

-- All columns of an entry, as sql.find gives them.
local COLUMNS = "key, state, provider, base_url, kind, format, fingerprint, description, token, owner, fence, "
  .. "lease_until, sent, task_id, status, path, bytes, credits, estimated, error, error_code, created_at, updated_at, "
  .. "submitted_at, ended_at"

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

function sql.submitting()
  return { "SELECT " .. COLUMNS .. " FROM runway_shots WHERE state = 'submitting'" }
end

--- For every state, how many there are and what they cost.
function sql.totals()
  return { "SELECT state, count(*) AS entries, coalesce(sum(credits), 0.0) AS credits, "
    .. "coalesce(sum(CASE WHEN credits IS NULL THEN estimated ELSE NULL END), 0.0) AS estimated "
    .. "FROM runway_shots GROUP BY state" }
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
---@field owner string

--- Takes a key that is free, or waits to be submitted, and tells how it stands then: three statements. The
--- key is the intent's if the entry has its token.
---@param intent runway.Intent
---@param now integer      Unix ms
---@param lease integer    until when
---@return table[]
function sql.begin(intent, now, lease)
  local i = intent
  return {
    { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, fence, "
      .. "lease_until, created_at, updated_at) VALUES ($1, 'submitting', $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $10) "
      .. "ON CONFLICT (key) DO NOTHING",
      i.key, i.provider, i.base_url, i.kind, i.fingerprint, i.description, i.token, i.owner, lease, now },
    { "UPDATE runway_shots SET state = 'submitting', token = $2, owner = $3, fence = fence + 1, lease_until = $4, "
      .. "updated_at = $5, error = NULL, error_code = NULL, sent = NULL WHERE key = $1 AND fingerprint = $6 "
      .. "AND provider = $7 AND base_url = $8 AND " .. coming_to("submitting"),
      i.key, i.token, i.owner, lease, now, i.fingerprint, i.provider, i.base_url },
    sql.find(i.key),
  }
end

--- Holds the lease on.
function sql.renew(key, token, fence, now, lease)
  return { "UPDATE runway_shots SET lease_until = $4, updated_at = $5 "
    .. "WHERE key = $1 AND token = $2 AND fence = $3 AND state = 'submitting'", key, token, fence, lease, now }
end

--- Nothing was accepted: the key is free again. The token alone tells whose it is: no other attempt has it.
function sql.free(key, token)
  return { "DELETE FROM runway_shots WHERE key = $1 AND token = $2 AND state = 'submitting'", key, token }
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
    .. "sent = 'unknown', error = $6 WHERE key = $1 AND token = $2 AND fence = $3 AND lease_until = $4 AND "
    .. coming_to("unknown", { "submitting" }), key, token, fence, seen, now, message }
end

--- The id that an attempt got. It counts whatever became of its lease meanwhile: no fence is asked for, only that
--- the entry is still this attempt's.
function sql.submitted(key, token, now, t)
  return { "UPDATE runway_shots SET state = 'submitted', task_id = $4, status = $5, format = $6, credits = $7, "
    .. "estimated = $8, lease_until = NULL, sent = 'yes', error = NULL, error_code = NULL, submitted_at = $3, "
    .. "updated_at = $3 WHERE key = $1 AND token = $2 AND " .. coming_to("submitted", { "submitting", "unknown" }),
    key, token, now, t.id, t.status, t.format, t.cost, t.estimated_cost, n = 8 }
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

--- The same where the entry has become another's: an entry of its own, under a key that says so.
function sql.stray(key, token, intent, now, t)
  return { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, "
    .. "fence, sent, task_id, status, format, credits, estimated, created_at, updated_at, submitted_at) "
    .. "SELECT $1, 'submitted', $2, $3, $4, $5, $6, $7, $8, 1, 'yes', $9, $10, $11, $12, $13, $14, $14, $14 "
    .. "WHERE NOT EXISTS (SELECT 1 FROM runway_shots WHERE key = $15 AND task_id = $9) ON CONFLICT (key) DO NOTHING",
    ("%s (late, %s)"):format(key, token:sub(1, 8)), intent.provider, intent.base_url, intent.kind, intent.fingerprint,
    intent.description, token, intent.owner, t.id, t.status, t.format, t.cost, t.estimated_cost, now, key, n = 15 }
end

--------------------------------------------------------------------- what becomes of the task

-- Writes of whoever follows the task that the entry names; of another task's they change nothing.
local OF_TASK = "updated_at = $3 WHERE key = $1 AND task_id = $2"

--- How the provider says it stands.
function sql.told(key, id, now, status, credits)
  return { "UPDATE runway_shots SET status = $4, credits = coalesce($5, credits), " .. OF_TASK, key, id, now, status,
    credits, n = 5 }
end

--- It succeeded, and no file is to be written, or it is there.
function sql.done(key, id, now, path, bytes)
  return { "UPDATE runway_shots SET state = 'done', path = coalesce($4, path), bytes = coalesce($5, bytes), "
    .. "error = NULL, error_code = NULL, ended_at = $3, " .. OF_TASK .. " AND " .. coming_to("done"),
    key, id, now, path, bytes, n = 5 }
end

function sql.failed(key, id, now, message, code)
  return { "UPDATE runway_shots SET state = 'failed', error = $4, error_code = $5, ended_at = $3, " .. OF_TASK
    .. " AND " .. coming_to("failed"), key, id, now, message, code, n = 5 }
end

function sql.downloading(key, id, now, path)
  return { "UPDATE runway_shots SET state = 'downloading', path = $4, bytes = NULL, ended_at = NULL, " .. OF_TASK
    .. " AND " .. coming_to("downloading"), key, id, now, path, n = 4 }
end

--- The provider knows no such task. The id stays: with it the task is asked after again.
function sql.gone(key, id, now, message, code)
  return { "UPDATE runway_shots SET state = 'unknown', sent = 'yes', error = $4, error_code = $5, " .. OF_TASK
    .. " AND " .. coming_to("unknown", { "submitted" }), key, id, now, message, code, n = 5 }
end

--- It does after all.
function sql.found(key, id, now)
  return { "UPDATE runway_shots SET state = 'submitted', error = NULL, error_code = NULL, " .. OF_TASK
    .. " AND " .. coming_to("submitted", { "unknown" }), key, id, now }
end

--- A download broke off: it may be made again.
function sql.hindered(key, id, now, message, code)
  return { "UPDATE runway_shots SET error = $4, error_code = $5, " .. OF_TASK .. " AND state = 'downloading'",
    key, id, now, message, code, n = 5 }
end

--------------------------------------------------------------------- settled by whoever knows

local SETTLED = "sent = NULL, updated_at = $2 WHERE key = $1 AND state = 'unknown' AND "

--- An unknown is that task.
function sql.settle_as(key, now, task_id)
  return { "UPDATE runway_shots SET state = 'submitted', task_id = $3, error = NULL, error_code = NULL, "
    .. "submitted_at = $2, " .. SETTLED .. coming_to("submitted", { "unknown" }), key, now, task_id }
end

--- There is no task: it is to be submitted again. The token goes, so that a late answer of the attempt that was
--- given up does not end the next one; so does the id of a task that is gone.
function sql.settle_anew(key, now)
  return { "UPDATE runway_shots SET state = 'queued', token = '', task_id = NULL, status = NULL, error = NULL, "
    .. "error_code = NULL, " .. SETTLED .. coming_to("queued"), key, now }
end

--- It is given up.
function sql.settle_failed(key, now, why)
  return { "UPDATE runway_shots SET state = 'failed', error = $3, error_code = 'settled', ended_at = $2, "
    .. SETTLED .. coming_to("failed", { "unknown" }), key, now, why }
end

return sql
