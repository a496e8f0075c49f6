-- schema.lua: the tables of a journal, how an older one becomes a newer, and what is no journal.
--
-- A database is touched only once it is known to be a journal, or empty. All that leads from its version to
-- ours is one transaction.

local errors = require "runway.errors"

local schema = {}

-- Each leads from the version before it to its own; those that have left this house never change.
local MIGRATIONS = {
  {
    "CREATE TABLE runway_about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    [[CREATE TABLE runway_shots (
      key TEXT PRIMARY KEY, state TEXT NOT NULL, provider TEXT NOT NULL, base_url TEXT NOT NULL, kind TEXT,
      format TEXT, fingerprint TEXT NOT NULL, description TEXT NOT NULL,
      token TEXT NOT NULL, owner TEXT NOT NULL, fence BIGINT NOT NULL, lease_until BIGINT, sent TEXT,
      task_id TEXT, status TEXT, path TEXT, bytes BIGINT, credits DOUBLE PRECISION, estimated DOUBLE PRECISION,
      error TEXT, error_code TEXT,
      created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, submitted_at BIGINT, ended_at BIGINT)]],
    "CREATE INDEX runway_shots_state ON runway_shots (state)",
    "CREATE INDEX runway_shots_token ON runway_shots (token)",
    "INSERT INTO runway_about (name, value) VALUES ('version', '0')",
  },
  {
    -- what is held back for a task until its provider names a price: see sql.lua
    "ALTER TABLE runway_shots ADD COLUMN reserved DOUBLE PRECISION",
    "DROP INDEX runway_shots_state",
    "CREATE INDEX runway_shots_charge ON runway_shots (state, status, credits, estimated, reserved)",
  },
  {
    -- what workers take: what it takes beside the description to make the request, and when it is to be tried again
    "ALTER TABLE runway_shots ADD COLUMN recipe TEXT",
    "ALTER TABLE runway_shots ADD COLUMN due_at BIGINT",
    "CREATE INDEX runway_shots_queue ON runway_shots (created_at, key) WHERE state = 'queued'",
  },
  {
    -- of which an account may run so many at once; those that workers have claimed count with them
    "ALTER TABLE runway_shots ADD COLUMN model TEXT",
    "CREATE INDEX runway_shots_claimed ON runway_shots (model) WHERE state = 'queued' AND lease_until IS NOT NULL",
  },
  {
    -- whose task an id is, for who attaches to it so
    "CREATE INDEX runway_shots_task ON runway_shots (task_id) WHERE task_id IS NOT NULL",
  },
}

-- The names of all tables there are.
local TABLES = {
  sqlite = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'",
  postgresql = "SELECT table_name AS name FROM information_schema.tables "
    .. "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'",
}

local function refuse(code, message, ...)
  return nil, errors.new { kind = "config", code = code, sent = "no", message = message:format(...) }
end

-- The version of the journal that a database holds; 0: it is empty.
local function version_of(store)
  local found, err = store:read { { TABLES[store.dialect] } }
  if not found then return nil, err end
  local there, count = {}, 0
  for _, row in ipairs(found[1].rows) do there[row.name], count = true, count + 1 end
  if count == 0 then return 0 end
  local foreign = "%s is no runway journal: it holds other tables, and was left as it is; name another file or database"
  if not (there.runway_about and there.runway_shots) then return refuse("not_a_journal", foreign, store.path) end
  found, err = store:read { { "SELECT value FROM runway_about WHERE name = 'version'" } }
  if not found then return nil, err end
  local row = found[1].rows[1]
  local version = row and tostring(row.value):match("^[1-9]%d*$")
  if not version then return refuse("not_a_journal", foreign, store.path) end
  return tonumber(version)
end

local function migrate(store, from, migrations)
  local statements = {}
  for version = from + 1, #migrations do
    for _, statement in ipairs(migrations[version]) do statements[#statements + 1] = { statement } end
  end
  statements[#statements + 1] = { "UPDATE runway_about SET value = $1 WHERE name = 'version'",
    ("%d"):format(#migrations) }
  return store:write(statements)
end

local function too_new(store, version, newest)
  return refuse("newer_journal", "%s was written by a newer runway (its version is %d, this one knows %d); update "
    .. "runway, or name another file", store.path, version, newest)
end

--- Looks whether a database holds a sound journal that we know, and changes nothing.
---@param store runway.Store
---@return integer|nil version    0: it is empty
---@return runway.Error|nil err
---@return integer newest         ours
function schema.look(store)
  local version, err = version_of(store)
  local sound = version == 0
  if version and not sound then sound, err = store:check() end
  if not sound then return nil, err, #MIGRATIONS end
  if version > #MIGRATIONS then
    version, err = too_new(store, version, #MIGRATIONS)
  end
  return version, err, #MIGRATIONS
end

--- Sees to it that a database holds a sound journal of our version: one that is damaged may hide what was paid for.
---@param store runway.Store
---@param migrations? string[][]   for specs
---@return true|nil
---@return runway.Error|nil err
function schema.prepare(store, migrations)
  migrations = migrations or MIGRATIONS
  local tries, sound, failure = 0, false, nil
  while true do
    local version, err = version_of(store)
    if version and version > 0 and not sound then
      sound, err = store:check()
    end
    if err then return nil, err end
    if version == #migrations then return true end
    if version > #migrations then return too_new(store, version, #migrations) end
    if tries == 2 then return nil, failure end
    tries = tries + 1
    local done
    done, failure = migrate(store, version, migrations) -- another process may be at it, too: then it is looked at again
    if not done and failure.code ~= "sql" and failure.code ~= "constraint" and failure.code ~= "busy" then
      return nil, failure
    end
  end
end

schema.MIGRATIONS = MIGRATIONS

return schema
