-- What can happen to a server, and to the way to it.

local child = require "spec.support.child"
local core = require "runway.core"
local postgres = require "spec.support.postgres"
local runway = require "runway"
local socket = require "socket"
local store = require "runway.store"

local TABLE = "CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT)"

describe("a store over PostgreSQL, without its module", function()
  it("names the package that is missing, and shows no password", function()
    local loaded = package.loaded["runway.postgresql"]
    package.preload["runway.postgresql"], package.loaded["runway.postgresql"] = function() error "none here" end, nil
    local s, err = store.open "postgresql://user:word-secret@host/db"
    package.preload["runway.postgresql"], package.loaded["runway.postgresql"] = nil, loaded
    assert.is_nil(s)
    assert.equal("config", err.kind)
    assert.truthy(err.message:find("libpq5", 1, true))
    assert.is_nil(tostring(err):find("word-secret", 1, true))
  end)
end)

local missing = postgres.missing()
if missing then
  describe("a store over PostgreSQL", function()
    it("is tested against a server that is killed and started again", function() pending(missing) end)
  end)
  return
end

describe("a store over PostgreSQL", function()
  local server, where, s

  setup(function()
    server = postgres.start()
    server:sql "CREATE ROLE locked LOGIN PASSWORD 'pass-word/s3cret'"
  end)
  teardown(function() server:stop() end)
  before_each(function()
    where = server:fresh()
    s = assert(store.open(where))
    assert(s:write { { TABLE } })
  end)
  after_each(function() s:close() end)

  local function insert(key)
    return s:write { { "INSERT INTO t (k) VALUES ($1)", key } }
  end

  local function there()
    local set = {}
    for _, row in ipairs(assert(s:read { { "SELECT k FROM t" } })[1].rows) do set[row.k] = true end
    return set
  end

  it("shows of its URI neither user nor password nor options", function()
    assert.equal("postgresql", s.dialect)
    assert.equal("postgresql:///postgres", s.path)
  end)

  it("copies nothing, and goes on", function()
    for _, sql in ipairs { "COPY t TO STDOUT", "COPY t FROM STDIN" } do
      local results, err = s:write { { sql } }
      assert.is_nil(results)
      assert.truthy(err.message:find("a statement that copies", 1, true), err.message)
      assert(insert(sql))
    end
  end)

  it("gives its booleans as numbers, and keeps its remarks from the terminal", function()
    assert.same({ { yes = 1, no = 0 } }, assert(s:read { { "SELECT true AS yes, false AS no" } })[1].rows)
    assert.equal("", (child.run([[
      assert(assert(require "runway.store".open(...)):write { { "DROP TABLE IF EXISTS none" } })
    ]], { arguments = { where } })))
  end)

  it("goes on after the server was killed and started again", function()
    assert(insert "before")
    server:kill()
    server:run()
    assert(insert "after")
    assert.same({ before = true, after = true }, there())
  end)

  it("goes on after its connection was ended", function()
    server:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'runway'"
    assert(insert "after")
  end)

  it("waits for a server that is on its way back", function()
    server:kill()
    local job = runway.spawn(insert, "waited")
    runway.sleep(0.3)
    server:run()
    assert(job:join())
    assert.is_true(there().waited)
  end)

  it("says that the server is gone, after some seconds and no more; and goes on when it is back", function()
    server:kill()
    local started = core.now()
    local results, err = insert "lost"
    local took = core.now() - started
    assert.is_nil(results)
    assert.same({ "io", "lost", true }, { err.kind, err.code, err.retryable })
    assert.is_nil(err.maybe)                      -- it never left
    assert.is_true(took > 4 and took < 30, took)
    server:run()
    assert(insert "after")
    assert.same({ after = true }, there())
  end)

  it("says at its second try that there is no server, where there never was one", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(0)
    local _, port = listener:getsockname()
    local job = runway.spawn(store.open, ("postgresql://user:se-cret@127.0.0.1:%s/none?sslmode=disable"
      .. "&gssencmode=disable"):format(port))
    local tries = 0
    repeat
      runway.step(0.01)
      local peer = listener:accept()
      if peer then
        tries = tries + 1
        peer:close()
      end
    until job:done()
    listener:close()
    local other, err = job:join()
    assert.is_nil(other)
    assert.same({ "io", "lost", true }, { err.kind, err.code, err.retryable })
    assert.is_nil(tostring(err):find("se-cret", 1, true))
    assert.equal(2, tries)
  end)

  it("says maybe where the answer to a COMMIT was lost", function()
    assert(s:write {
      { [[CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END']] },
      { [[CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION slow()]] },
    })
    local job = runway.spawn(insert, "who knows")
    repeat
      runway.sleep(0.02)
    until server:sql "SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'" == "1"
    server:kill()
    local results, err = job:join()
    server:run()
    assert.is_nil(results)
    assert.same({ "io", "lost", false, true }, { err.kind, err.code, err.retryable, err.maybe })
    assert.truthy(err.message:find("not known", 1, true))
    assert.same({}, there())
  end)

  it("loses no row that was answered: the server killed in the middle, several times", function()
    local answered, unknown, stop = {}, {}, false
    local jobs = {}
    for w = 1, 4 do
      jobs[w] = runway.spawn(function()
        for i = 1, 1e6 do
          if stop then return end
          local key = w .. "-" .. i
          local results, err = insert(key)
          if results then answered[key] = true
          elseif err.maybe then unknown[key] = true
          else assert.equal("lost", err.code) end
        end
      end)
    end
    for round = 1, 4 do
      runway.sleep(0.05 * round)
      server:kill()
      runway.sleep(0.05)
      server:run()
    end
    runway.sleep(0.1)
    stop = true
    for _, job in ipairs(jobs) do
      local _, err = job:join()
      assert.is_nil(err and err.traceback)
    end
    local rows = there()
    for key in pairs(answered) do assert.is_true(rows[key], key .. " was answered, and is not there") end
    for key in pairs(rows) do assert.is_true(answered[key] or unknown[key], key .. " was refused, and is there") end
    assert.truthy(next(answered))
  end)

  it("gives up a lock that another holds, after some seconds", function()
    assert(insert "held")
    local schema = where:match "search_path%%3D(s%d+)"
    local holder = assert(io.popen(("%s/psql -qAtX -h '%s' -U runway postgres -c \"BEGIN; UPDATE %s.t SET n = 1; "
      .. "SELECT pg_sleep(60)\" >/dev/null 2>&1"):format(server.bin, server.dir.directory, schema), "w"))
    local holds = "FROM pg_stat_activity WHERE query LIKE '%UPDATE " .. schema .. ".t%pg_sleep%' AND state = 'active' "
      .. "AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()"
    repeat runway.sleep(0.02) until server:sql("SELECT 1 " .. holds) == "1"
    local started = core.now()
    local results, err = s:write { { "UPDATE t SET n = 2" } }
    local took = core.now() - started
    local rows = there()
    server:sql("SELECT pg_terminate_backend(pid) " .. holds)
    holder:close()
    assert.is_nil(results)
    assert.same({ "io", "busy", true }, { err.kind, err.code, err.retryable })
    assert.is_true(took > 4 and took < 20, took)
    assert.is_true(rows.held)
    assert(s:write { { "UPDATE t SET n = 2" } })
  end)

  it("says that a database may only be read", function()
    local other = assert(store.open(where .. "%20-cdefault_transaction_read_only%3Don"))
    local results, err = other:write { { "INSERT INTO t (k) VALUES ('a')" } }
    other:close()
    assert.is_nil(results)
    assert.same({ "io", "readonly", false }, { err.kind, err.code, err.retryable })
  end)

  it("refuses a database that does not keep UTF-8", function()
    server:sql "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"
    local other, err = store.open((where:gsub("/postgres%?", "/latin?")))
    assert.is_nil(other)
    assert.same({ "config", "where" }, { err.kind, err.code })
    assert.truthy(err.message:find("UTF8", 1, true))
  end)

  for name, case in pairs {
    ["a wrong password"] = { user = "locked:wrong-secret", secret = "wrong-secret" },
    ["a user who is not known"] = { user = "nobody-here:some-secret", secret = "some-secret" },
    ["a database that is not there"] = { user = "runway:any-secret", secret = "any-secret", database = "/nowhere?" },
  } do
    it("says kind config to " .. name .. ", and never a password", function()
      local uri = server:uri("", case.user):gsub("/postgres%?", case.database or "/postgres?")
      local other, err = store.open(uri)
      assert.is_nil(other)
      assert.same({ "config", "where", false }, { err.kind, err.code, err.retryable }, err.message)
      assert.is_nil(tostring(err):find(case.secret, 1, true))
    end)
  end

  it("takes a password as a URI writes it", function()
    local other = assert(store.open(server:uri("", "locked:pass-word%2Fs3cret")))
    assert.same({ who = "locked" }, assert(other:read { { "SELECT current_user::text AS who" } })[1].rows[1])
    other:close()
  end)

  for _, uri in ipairs {
    "postgresql://user:pass/word-secret@host/db", "postgresql://u:word-secret@[::1/db",
    "postgresql://u:word-secret@h:port/db", "postgresql://u@h/db?password=word-secret&nonsense=1",
    "postgresql://u:word-secret%ZZ@h/db",
  } do
    it("refuses a URI that is none, and shows no password: " .. uri, function()
      local other, err = store.open(uri)
      assert.is_nil(other)
      assert.equal("config", err.kind, tostring(err))
      assert.is_nil(tostring(err):find("word-secret", 1, true))
    end)
  end

  describe("which listens", function()
    local heard, failed, ear

    -- Heard so often, and no more, once what was handed in before is done.
    local function times(n)
      while heard < n do runway.sleep(0.01) end
      assert(s:read {})
      runway.step(0)
      assert.same({ n, nil }, { heard, failed })
    end

    local function hear()
      heard, failed = 0, nil
      ear = runway.spawn(function()
        repeat
          local ok, err = store.hear(s)
          if ok then heard = heard + 1 else failed = err.code end
        until not ok
      end)
      times(1)                                -- as it begins
    end

    after_each(function()
      ear:cancel()
      ear:join()
    end)

    it("hears what another program tells, and nothing else", function()
      hear()
      assert(insert "a")
      server:sql "NOTIFY another"
      times(1)
      server:sql "NOTIFY runway"
      times(2)
    end)

    it("hears what is told while a transaction runs", function()
      hear()
      local job = runway.spawn(function() return s:write { { "SELECT pg_sleep(60)" } } end)
      local sleeps = "FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND wait_event = 'PgSleep'"
      repeat runway.sleep(0.02) until server:sql("SELECT 1 " .. sleeps) == "1"
      server:sql "NOTIFY runway"
      server:sql "NOTIFY runway"
      server:sql("SELECT pg_cancel_backend(pid) " .. sleeps)
      assert.equal("busy", select(2, job:join()).code)
      times(2)
    end)

    it("hears at once what was told while it did not ask", function()
      ear = runway.spawn(function()
        assert(store.hear(s))
        server:sql "NOTIFY runway"
        runway.sleep(0)
        assert(s:read {})
        return store.hear(s)
      end)
      while not ear:done() do runway.sleep(0.01) end
      assert(ear:join())
    end)

    it("is told that its connection was lost while it listened, and hears over the next", function()
      hear()
      server:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'runway'"
      times(2)
      server:sql "NOTIFY runway"
      times(3)
    end)

    it("says that the server is gone, and hears when it is back", function()
      hear()
      server:kill()
      while not failed do runway.sleep(0.01) end
      assert.same({ 1, "lost" }, { heard, failed })
      server:run()
      hear()
      server:sql "NOTIFY runway"
      times(2)
    end)

    it("hears over the next connection, too, where a transaction lost the one before", function()
      hear()
      local _, err = s:write { { "SELECT pg_terminate_backend(pg_backend_pid())" } }
      assert.equal("lost", err.code)
      times(2)
      server:sql "NOTIFY runway"
      times(3)
    end)

    it("keeps no loop waiting", function()
      hear()
      local clock = require "runway.clock"
      clock.freeze()
      local now = clock.now()
      runway.sleep(1000)
      assert.equal(now + 1000, clock.now())
      clock.thaw()
      runway.step()
    end)

    it("leaves nothing when it is closed", function()
      local function connections()
        return server:sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'runway'"
      end
      hear()
      s:close()
      ear:join()
      assert.same({ 2, "closed" }, { heard, failed })
      while connections() ~= "0" do runway.sleep(0.01) end
    end)

    it("ends with its process", function()
      assert.same({ "", 7 }, { child.run([[
        local runway, store = require "runway", require "runway.store"
        local s = assert(store.open(...))
        runway.spawn(function()
          store.hear(s)
          store.hear(s)
        end)
        for _ = 1, 3 do assert(s:read {}) end
        os.exit(7)
      ]], { arguments = { where } }) })
    end)
  end)

  it("ends with its process, whatever the server does: os.exit while it does not answer", function()
    local output, code
    server:signal "STOP"
    local started = core.now()
    local ok, problem = pcall(function()
      output, code = child.run([[
        local runway, store = require "runway", require "runway.store"
        local where = ...
        runway.spawn(function() store.open(where) end)
        runway.step(0)
        os.exit(7)
      ]], { arguments = { where } })
    end)
    server:signal "CONT"
    assert.is_true(ok, problem)
    assert.same({ "", 7 }, { output, code })
    assert.is_true(core.now() - started < 15)
  end)
end)
