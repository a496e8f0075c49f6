-- The queue of a journal: how many entries a second workers claim, and how long one waits that an idle
-- worker is to have.
--
-- The floor of a claim is its statement alone, in a transaction of its own, driven by the database's own program
-- (pgbench with prepared statements, sqlite3). Both databases sync each commit, as a journal does.

local chance = require "spec.support.chance"
local core = require "runway.core"
local postgres = require "spec.support.postgres"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local sql = require "runway.journal.sql"
local store = require "runway.store"
local support = require "bench.support"

local ENTRIES = 400                           -- in line for each run of claims
local CASES = { { 1, 1 }, { 2, 1 }, { 8, 1 }, { 8, 5 } } -- workers, and entries that each takes at once
local TOLD, POLLED = 100, 6                   -- entries of one run that are put in line one by one, far apart

local files = scratch.new()
local NAMES = { postgresql = "PostgreSQL", sqlite = "SQLite" }

---------------------------------------------------------------------------------------------------
-- Two databases, each with a journal in it

local function open(where)
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", journal = where })
  assert(client:enqueue { key = "seed", prompt_text = "a lamp", model = "gen4.5", ratio = "1280:720", duration = 5 })
  local beside = assert(store.open(where))
  assert(beside:write { { "UPDATE runway_shots SET state = 'failed' WHERE key = 'seed'" } })
  return { where = where, client = client, store = beside, name = beside.dialect }
end

-- Puts so many in line, and takes all else away.
local function fill(db, count)
  assert(db.store:write {
    { "DELETE FROM runway_shots WHERE key <> 'seed'" },
    { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, owner, fence, "
      .. "created_at, updated_at, recipe) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      .. "WHERE i < $1) SELECT 'k' || i, 'queued', provider, base_url, kind, fingerprint, description, '', '', 0, "
      .. "created_at + i, updated_at, recipe FROM runway_shots, n WHERE key = 'seed' AND $1 > 0", count },
  })
  if db.server then db.server:sql(("VACUUM ANALYZE %s.runway_shots"):format(db.schema)) end
end

-- How often each worker claims so many at once.
local function each(workers, most) return ENTRIES // workers // most end

-- The statement of a claim, its parameters written into it.
local function claim_text(db, most)
  local account, now = { provider = db.client.provider, base_url = db.client.base_url }, core.wall_ms()
  local statement = sql.claim(db.name, account, now, now + 600000, "the floor", most, {})[1]
  return (statement[1]:gsub("%$(%d)", function(n)
    local v = statement[n + 1]
    return type(v) == "string" and "'" .. v .. "'" or ("%d"):format(v)
  end))
end

---------------------------------------------------------------------------------------------------
-- Claims a second

local CLAIMS = files:write("claims.lua", [[
  local go, where, count, most, provider, base_url = ...
  local core, journal, runway = require "runway.core", require "runway.journal", require "runway"
  local j = assert(journal.open(where))
  local account = { provider = provider, base_url = base_url }
  io.stdout:write "ready\n":flush()
  repeat runway.sleep(0.001) until io.open(go)
  for _ = 1, count do assert(#assert(journal.claim(j, account, math.tointeger(most), {})) == most + 0) end
  print(("%.6f"):format(core.now()))
  j:close()
]])

local function claims(db, workers, most)
  fill(db, ENTRIES)
  local said, began = support.together(CLAIMS, workers, { db.where, each(workers, most), most, db.client.provider,
    db.client.base_url })
  local ended = 0
  for _, text in ipairs(said) do ended = math.max(ended, tonumber(text)) end
  return ENTRIES / (ended - began)
end

local floor = {}

function floor.postgresql(db, workers, most)
  fill(db, ENTRIES)
  local path = files:write("claim.sql", claim_text(db, most) .. ";\n")
  local said = support.said(("PGOPTIONS=-csearch_path=%s %s/pgbench -h '%s' -U runway -n -M prepared -c %d -j 2 -t %d "
    .. "-f '%s' postgres"):format(db.schema, db.server.bin, db.server.dir.directory, workers, each(workers, most),
    path))
  return most * (tonumber(said:match "tps = ([%d.]+)") or error(said))
end

function floor.sqlite(db, workers, most)
  fill(db, ENTRIES)
  local one = "BEGIN IMMEDIATE; " .. claim_text(db, most) .. "; COMMIT;\n"
  local path = files:write("claim.sql", ".timeout 60000\nPRAGMA synchronous=FULL;\n" .. one:rep(each(workers, most)))
  local began = core.now()
  assert(os.execute(("for i in $(seq %d); do sqlite3 '%s' <'%s' >/dev/null & done; wait"):format(workers, db.where,
    path)))
  local took = core.now() - began
  local left = assert(db.store:read { { "SELECT count(*) AS n FROM runway_shots WHERE owner = '' AND key <> 'seed'" } })
  assert(left[1].rows[1].n == 0, "the floor did not claim all")
  return ENTRIES / took
end

local function bench_claims(db, rows)
  for _, case in ipairs(CASES) do
    local workers, most = case[1], case[2]
    local found = support.interleaved {
      { "claims", function() return claims(db, workers, most) end },
      { "floor", function() return floor[db.name](db, workers, most) end },
    }
    local ratios = {}
    for run, ours in ipairs(found.claims) do ratios[run] = ours / found.floor[run] end
    rows[#rows + 1] = { NAMES[db.name], workers, most, ("%.0f"):format(support.median(found.claims)),
      ("%.0f"):format(support.median(found.floor)), ("%.2f"):format(support.median(ratios)) }
  end
end

---------------------------------------------------------------------------------------------------
-- From enqueue to claim

-- A worker as it is, but that what it has claimed is noted and left where it is, as if it had failed.
local WAITS = files:write("waits.lua", [[
  local where, directory, heard, ends = ...
  local core, errors, journal, runway = require "runway.core", require "runway.errors", require "runway.journal",
    require "runway"
  local claim = journal.claim
  require "runway.allowance".look = function() end -- no provider is asked
  function journal.claim(...)
    local rows, err = claim(...)
    for _, row in ipairs(rows or {}) do
      print(("%s %.6f"):format(row.key, core.now()))
      row.state = "failed"
    end
    return rows, err
  end
  function journal.close_hold() return true end
  if heard == "no" then
    function journal.hear() return nil, errors.new { kind = "io", code = "sql", message = "not here" } end
  end
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", journal = where })
  runway.spawn(runway.work, client, { directory = directory, jobs = 50 })
  repeat runway.step(0.1) until io.open(ends)
  os.exit(0, false)
]])

-- Seconds from the call of enqueue until an entry is claimed, for each of so many, and until the call was over; `pause`
-- gives those between two.
local function waits(db, workers, heard, count, pause)
  fill(db, 0)
  local ends = files:path "ends"
  os.remove(ends)
  local pipes = {}
  for i = 1, workers do
    pipes[i] = support.start(WAITS, { db.where, files:path "out", heard, ends })
  end
  runway.sleep(1)
  local put, calls = {}, {}
  for i = 1, count do
    put["e" .. i] = core.now()
    assert(db.client:enqueue { key = "e" .. i, prompt_text = "a lamp", model = "gen4.5", ratio = "1280:720",
      duration = 5 })
    calls[i] = core.now() - put["e" .. i]
    runway.sleep(pause())
  end
  runway.sleep(2)
  files:write("ends", "")
  local list = {}
  for _, pipe in ipairs(pipes) do
    for line in pipe:lines() do
      local key, at = line:match "^(e%d+) ([%d.]+)$"
      if not key then error(line) end
      list[#list + 1] = at - put[key]
    end
    pipe:close()
  end
  assert(#list == count, "not all were claimed, each once")
  return list, calls
end

local function bench_waits(dbs, rows)
  local roll = chance.of(7)
  local function soon() return (5 + roll(40)) / 1000 end
  local function late() return 1 + roll(1000) / 1000 end
  local cases = {
    { "PostgreSQL, told, 1 worker", dbs.postgresql, 1, "yes", TOLD, soon },
    { "PostgreSQL, told, 8 workers", dbs.postgresql, 8, "yes", TOLD, soon },
    { "PostgreSQL, not told, 1 worker", dbs.postgresql, 1, "no", POLLED, late },
    { "SQLite, 1 worker", dbs.sqlite, 1, "yes", POLLED, late },
  }
  local found = {}                            -- by case: lists of the runs' figures
  for run = 1, support.RUNS do
    for _, case in ipairs(cases) do
      if case[2] then
        local list, calls = waits(table.unpack(case, 2))
        local figures = found[case] or { {}, {}, {}, {} }
        found[case] = figures
        for i, of in ipairs { list, calls } do
          figures[2 * i - 1][run], figures[2 * i][run] = support.median(of), support.quantile(of, 0.99)
        end
        io.stderr:write(("  run %d, %s: %.1f ms, %.1f ms\n"):format(run, case[1], 1e3 * figures[1][run],
          1e3 * figures[2][run]))
      end
    end
  end
  for _, case in ipairs(cases) do
    local cells = { case[1], case[5] * support.RUNS }
    for i, figure in ipairs(found[case] or {}) do cells[2 + i] = ("%.1f"):format(1e3 * support.median(figure)) end
    if found[case] then rows[#rows + 1] = cells end
  end
end

---------------------------------------------------------------------------------------------------

local dbs, server, missing = { sqlite = open(files:path "shots.db") }, nil, postgres.missing()
if missing then
  print(missing)
else
  server = postgres.start { synced = true }
  dbs.postgresql = open(server:fresh())
  dbs.postgresql.server, dbs.postgresql.schema = server, "s1"
end

local taken = { { "database", "workers", "at once", "entries a second", "floor", "ratio" } }
for _, name in ipairs { "postgresql", "sqlite" } do
  if dbs[name] then bench_claims(dbs[name], taken) end
end
local waited = { { "", "entries", "p50", "p99", "of the call", "p99" } }
bench_waits(dbs, waited)

support.publish("The queue", ([[
Claims, %d entries in line, by workers that are processes, each so many entries at once; the floor is the
statement alone, by pgbench and sqlite3. Every commit is synced. The ratio is the median of the runs' own.

%s

From the call of `enqueue` in one process until an idle worker in another has claimed the entry, in milliseconds;
beside it what the call took, which ends with the entry's commit. Medians of the runs' p50 and p99.

%s]]):format(ENTRIES, support.table(taken), support.table(waited)))

for _, db in pairs(dbs) do
  db.store:close()
  db.client:close()
end
if server then server:stop() end
files:remove()
