-- What holds of every store, over every database.

local child = require "spec.support.child"
local core = require "runway.core"
local databases = require "spec.support.databases"
local errors = require "runway.errors"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local store = require "runway.store"

local TABLE = [[CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT, f DOUBLE PRECISION, x TEXT)]]

databases.each("a store", function(fresh)
  local where, s

  before_each(function()
    where = fresh()
    s = assert(store.open(where))
  end)
  after_each(function() s:close() end)

  local function one(sql, ...)                -- the first row of one statement
    return assert(s:write { { sql, n = select("#", ...), ... } })[1].rows[1]
  end

  local function count()
    return assert(s:read { { "SELECT count(*) AS c FROM t" } })[1].rows[1].c
  end

  it("has what was handed over waited for, though the job that did so is cancelled", function()
    local results
    local job = runway.spawn(function() results = s:write { { TABLE } } end)
    runway.step(0)                            -- it waits now
    job:cancel()
    job:join()
    assert.truthy(results)
    assert.equal(0, count())
  end)

  it("gives back what was put in, by the names of its columns", function()
    local results = assert(s:write {
      { TABLE },
      { "INSERT INTO t (k, n, f, x) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8)", "a", 1, 1.5, "x", "b", 2, -0.1, "y" },
      { "SELECT k, n, f, x FROM t ORDER BY k" },
    })
    assert.same({ { rows = {}, changes = 0 }, { rows = {}, changes = 2 }, { rows = {
      { k = "a", n = 1, f = 1.5, x = "x" }, { k = "b", n = 2, f = -0.1, x = "y" },
    }, changes = 0 } }, results)
  end)

  it("keeps integers whole to 64 bits, both ways", function()
    assert(s:write { { TABLE } })
    for _, n in ipairs { 0, -1, 2 ^ 31 | 0, (1 << 53) + 1, math.maxinteger, math.mininteger } do
      local row = one("INSERT INTO t (k, n) VALUES ('k', $1) "
        .. "ON CONFLICT (k) DO UPDATE SET n = EXCLUDED.n RETURNING n", n)
      assert.equal("integer", math.type(row.n))
      assert.equal(n, row.n)
    end
  end)

  it("keeps floats to the last bit", function()
    assert(s:write { { TABLE } })
    for _, f in ipairs { 0.1, 1 / 3, -1e300, 5e-324, 1.7976931348623157e308, 3.0, math.pi, math.huge, -math.huge } do
      one("INSERT INTO t (k, f) VALUES ('k', $1) ON CONFLICT (k) DO UPDATE SET f = EXCLUDED.f", f)
      local row = one "SELECT f FROM t"           -- in RETURNING, SQLite gives 3.0 as 3
      assert.equal("float", math.type(row.f))
      assert.equal(f, row.f)
    end
  end)

  it("keeps any text: empty, NUL, every character, and the marks it is kept with", function()
    local all = {}
    for c = 0, 0x2fff do all[#all + 1] = utf8.char(c) end
    assert(s:write { { TABLE } })
    for _, text in ipairs { "", "\0", "\0\0", "a\0b", "\1", "\0010", "\0011", "\1\1", "\0\1\0", "\0000",
      "'; DROP TABLE t", "\xf4\x8f\xbf\xbf", "\u{1F3AC}", ("x"):rep(100000), table.concat(all) } do
      local key = text:sub(1, 2000)               -- what an index of PostgreSQL's takes
      if not utf8.len(key) then key = "all" end
      local row = one("INSERT INTO t (k, x) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET x = EXCLUDED.x "
        .. "RETURNING k, x", key, text)
      assert.equal(text, row.x)
      assert.equal(key, row.k)
      assert.equal(text, one("SELECT x FROM t WHERE k = $1", key).x)
    end
  end)

  it("takes nil for NULL, true for 1 and false for 0", function()
    assert(s:write { { TABLE } })
    assert.same({ k = "a" }, one("INSERT INTO t (k, n, x) VALUES ($1, $2, $3) RETURNING k, n, f, x", "a", nil, nil))
    assert.same({ n = 1 }, one("UPDATE t SET n = $1 RETURNING n", true))
    assert.same({ n = 0 }, one("UPDATE t SET n = $1 RETURNING n", false))
    assert.same({ k = "a" }, one("SELECT k, x FROM t WHERE coalesce($1, 'none') = 'none'", nil))
  end)

  it("knows a parameter by its number, wherever it stands", function()
    assert(s:write { { TABLE } })
    assert.same({ k = "two", x = "one", n = 3 },
      one("INSERT INTO t (k, x, n) VALUES ($2, $1, $3) RETURNING k, x, n", "one", "two", 3))
    assert.same({ k = "two" }, one("SELECT k FROM t WHERE k = $1 AND $1 <> $2", "two", "one"))
  end)

  it("counts rows changed, and none where nothing was", function()
    assert(s:write { { TABLE } })
    local function changes(sql, ...) return assert(s:write { { sql, ... } })[1].changes end
    assert.equal(2, changes "INSERT INTO t (k) VALUES ('a'), ('b')")
    assert.equal(0, changes "INSERT INTO t (k) VALUES ('a') ON CONFLICT (k) DO NOTHING")
    assert.equal(0, changes "SELECT k FROM t")
    assert.equal(1, changes("UPDATE t SET n = 1 WHERE k = $1", "a"))
    assert.equal(0, changes("UPDATE t SET n = 1 WHERE k = $1", "none"))
    assert.equal(2, changes "DELETE FROM t")
  end)

  it("does all of a transaction, or none of it", function()
    assert(s:write { { TABLE } })
    local results, err = s:write { { "INSERT INTO t (k) VALUES ('a')" }, { "INSERT INTO t (k) VALUES ('a')" } }
    assert.is_nil(results)
    assert.is_true(errors.is(err))
    assert.same({ "io", "constraint", false }, { err.kind, err.code, err.retryable })
    assert.is_nil(err.maybe)
    assert.equal(0, count())
  end)

  it("commits together what is handed in together; what fails, fails alone", function()
    assert(s:write { { TABLE } })
    local jobs = {}
    for i = 1, 50 do
      jobs[i] = runway.spawn(function()
        return s:write { { "INSERT INTO t (k, n) VALUES ($1, $2)", "k" .. (i % 10 == 0 and 1 or i), i } }
      end)
    end
    for i, job in ipairs(jobs) do
      local results, err = job:join()
      assert.equal(i % 10 ~= 0, results ~= nil, i)
      if err then assert.equal("constraint", err.code) end
    end
    assert.equal(45, count())
  end)

  it("refuses one that ends the transaction it stands in, though it stands there alone", function()
    assert(s:write { { TABLE } })
    local results, err = s:write { { "INSERT INTO t (k) VALUES ('a')" }, { "ROLLBACK" } }
    assert.same({ nil, "io", "sql" }, { results, err.kind, err.code })
    assert(s:write { { "INSERT INTO t (k) VALUES ('b')" } })
    assert.equal(1, count())
  end)

  it("takes nothing with one that ends the transaction they share", function()
    assert(s:write { { TABLE } })
    local jobs = {}
    for i = 1, 20 do
      jobs[i] = runway.spawn(function()
        return s:write { { "INSERT INTO t (k, n) VALUES ($1, $2)", "k" .. i, i }, i % 7 == 0 and { "ROLLBACK" } or nil }
      end)
    end
    for i, job in ipairs(jobs) do
      local results, err = job:join()
      assert.equal(i % 7 ~= 0, results ~= nil, i)
      if err then assert.same({ "io", "sql" }, { err.kind, err.code }, err.message) end
    end
    assert.equal(18, count())
  end)

  for name, case in pairs {
    ["a statement that is none"] = { "SELEKT 1" },
    ["a table that is not there"] = { "SELECT * FROM nowhere" },
    ["two statements in one"] = { "SELECT 1; SELECT 2" },
    ["nothing"] = { "" },
    ["a parameter that was not given"] = { "SELECT $2", "one" },
    ["a name in double quotes that is no column"] = { 'SELECT "nothing"' },
  } do
    it("says code sql to " .. name, function()
      local results, err = s:write { case }
      assert.is_nil(results)
      assert.same({ "io", "sql" }, { err.kind, err.code }, tostring(err))
      assert.truthy(err.message:find(s.path, 1, true))
    end)
  end

  it("changes nothing in a read", function()
    assert(s:write { { TABLE } })
    local results, err = s:read { { "INSERT INTO t (k) VALUES ('a')" } }
    assert.is_nil(results)
    assert.equal("sql", err.code)
    assert.equal(0, count())
    assert(s:write { { "INSERT INTO t (k) VALUES ('a')" } })
    assert.equal(1, count())
  end)

  it("refuses text that is no UTF-8, before anything is done", function()
    assert(s:write { { TABLE } })
    for _, text in ipairs { "\xff", "a\xc0\x80", "\xed\xa0\x80", "half \xe2\x82" } do
      local results, err = s:write { { "INSERT INTO t (k) VALUES ('a')" }, { "INSERT INTO t (k) VALUES ($1)", text } }
      assert.is_nil(results)
      assert.same({ "io", "not_text" }, { err.kind, err.code })
      assert.truthy(err.message:find("statement 2: parameter 1", 1, true))
    end
    assert.equal(0, count())
  end)

  it("raises on misuse", function()
    for _, statements in ipairs { { 1 }, { {} }, { { 1 } }, { { "SELECT 1\0" } }, { { "SELECT $1", {} } },
      { { "SELECT $1", 0 / 0 } }, { { "SELECT 1", n = "x" } } } do
      assert.has_error(function() s:write(statements) end)
    end
    assert.has_error(function() s:write "SELECT 1" end)
    assert.same({ one = 1 }, one "SELECT 1 AS one")
  end)

  it("never waits in step(0), and lets frames pass while it commits", function()
    assert(s:write { { TABLE } })
    local done
    runway.spawn(function()
      assert(s:write { { "INSERT INTO t (k) VALUES ('a')" } })
      done = true
    end)
    local steps = 0
    while not done do
      runway.step(0)
      steps = steps + 1
      assert.is_true(steps < 1e8)
    end
    assert.equal(1, count())
  end)

  it("is served by frames of one piece, beside another that has ever more to say", function()
    local other = assert(store.open(fresh()))
    for _, pair in ipairs { { s, other }, { other, s } } do
      local loud, quiet = pair[1], pair[2]
      local handle, hears = loud.handle, nil
      loud.handle = {
        start = function(_, _, _, among, w)
          among[1], hears = w, w
          return 1
        end,
        take = function(_, inbox)
          inbox.id, inbox.result = 2, {}
          return true
        end,
      }
      local loudly = runway.spawn(function() return loud:read {} end)
      local quietly = runway.spawn(function() return quiet:read {} end)
      local patience = core.now() + 60          -- only ever spent by what starves
      repeat runway.step(0, 0) until quietly:done() or core.now() > patience
      local was_served = quietly:done()
      hears:wake {}
      loud.waiting[1], loud.handle = nil, handle
      assert(loudly:join())
      assert.is_true(was_served)
    end
    other:close()
  end)

  it("wakes a wait by its end, not by a timer", function()
    local fd = assert(runway.pollfd())
    assert.equal("number", type(fd))
    local started = core.now()
    for _ = 1, 60 do assert(s:read { { "SELECT 1 AS one" } }) end
    assert.is_true(core.now() - started < 50)     -- a nap of the loop lasts a second each
  end)

  it("waits for it also where the clock stands still", function()
    scheduler.freeze()
    local ok, row = pcall(one, "SELECT 1 AS one")
    scheduler.thaw()
    assert.is_true(ok, row)
    assert.same({ one = 1 }, row)
  end)

  it("does what was handed in, though its job is cancelled", function()
    assert(s:write { { TABLE } })
    local job = runway.spawn(function() return s:write { { "INSERT INTO t (k) VALUES ('a')" } } end)
    runway.step(0)
    job:cancel()
    job:join()
    assert.equal(1, count())
  end)

  it("gives what was committed to who opens it next", function()
    assert(s:write { { TABLE }, { "INSERT INTO t (k) VALUES ('kept')" } })
    local other = assert(store.open(where))
    assert.equal("kept", assert(other:read { { "SELECT k FROM t" } })[1].rows[1].k)
    other:close()
  end)

  it("closes after what was handed in, and once", function()
    assert(s:write { { TABLE } })
    for i = 1, 20 do
      runway.spawn(function() s:write { { "INSERT INTO t (k) VALUES ($1)", "k" .. i } } end)
    end
    runway.step(0)
    s:close()
    s:close()
    local results, err = s:write { { "INSERT INTO t (k) VALUES ('late')" } }
    assert.is_nil(results)
    assert.same({ "io", "closed" }, { err.kind, err.code })
    s = assert(store.open(where))
    assert.equal(20, count())
  end)

  it("commits what was handed in when it is collected", function()
    assert(s:write { { TABLE } })
    local other = assert(store.open(where))
    for i = 1, 20 do                              -- handed in, and no one waits any more
      other.handle:start("write", { { "INSERT INTO t (k) VALUES ($1)", "k" .. i } }, {}, {})
    end
    other = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    assert.equal(20, count())
  end)

  -- What every program below begins with.
  local PREAMBLE = [[
    local runway, store = require "runway", require "runway.store"
    local s = assert(store.open(...))
  ]]

  for _, how in ipairs { "os.exit(7)", "os.exit(7, true)", "error 'enough'" } do
    it("commits what was handed in before " .. how .. ", and ends without a crash", function()
      assert(s:write { { TABLE } })
      for round = 1, 5 do
        local _, code = child.run(PREAMBLE .. ([[
          for i = 1, 30 do
            runway.spawn(function() s:write { { "INSERT INTO t (k) VALUES ($1)", "%d-" .. i } } end)
          end
          runway.step(0, math.huge)
          ]]):format(round) .. how, { arguments = { where } })
        assert.equal(how:find "exit" and 7 or 1, code)
        assert.equal(30 * round, count())
      end
    end)
  end

  it("kills no row that was answered: kill -9 in the middle of commits", function()
    assert(s:write { { TABLE } })
    for round = 1, 5 do
      local printed = child.run(PREAMBLE .. ([[
        io.stdout:setvbuf "no"
        local answered
        for w = 1, 4 do
          runway.spawn(function()
            for i = 1, 1e6 do
              local key = ("%d-%%d-%%d"):format(w, i)
              if s:write { { "INSERT INTO t (k) VALUES ($1)", key } } then
                print(key)
                answered = true
              end
            end
          end)
        end
        while not answered do runway.step() end
        runway.sleep(%f)
        local pid = io.open("/proc/self/stat"):read "n"
        io.popen("kill -9 " .. pid):close()
        while true do runway.step() end
      ]]):format(round, 0.02 * round), { arguments = { where } })
      local there, lines = {}, 0
      for _, row in ipairs(assert(s:read { { "SELECT k FROM t" } })[1].rows) do there[row.k] = true end
      for key in printed:gmatch "%d+%-%d+%-%d+" do
        lines = lines + 1
        assert.is_true(there[key], key .. " was answered, and is not there")
      end
      assert.is_true(lines > 0)
    end
  end)
end)

describe("a store whose module is not there", function()
  it("says how a rock, a build and a system bring it", function()
    local name = "runway.sqlite"
    local loaded, preloaded = package.loaded[name], package.preload[name]
    package.loaded[name], package.preload[name] = nil, function() error("not here", 0) end
    local opened, err = require("runway.store").open "never.db"
    package.loaded[name], package.preload[name] = loaded, preloaded
    assert.is_nil(opened)
    assert.matches("(luarocks install runway-sqlite, or make without SQLITE=no; a program that has ", err.message, 1,
      true)
    assert.matches("(on Debian the package libsqlite3-0): not here", err.message, 1, true)
  end)
end)
