-- What can be wrong with a file: all of it is said, and nothing of it costs a row.

local child = require "spec.support.child"
local core = require "runway.core"
local faulty = require "spec.support.faults"
local lua = require "spec.support.interpreter"
local mounted = require "spec.support.mounted"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local store = require "runway.store"

local TABLE = "CREATE TABLE t (k TEXT PRIMARY KEY, x TEXT)"

describe("a store in an SQLite file", function()
  local dir, opened

  local function open(path)
    local s, err = store.open(path)
    opened[#opened + 1] = s
    return s, err
  end

  local function mode(path)
    local pipe = assert(io.popen("stat -c %a '" .. path .. "' 2>&1 || stat -f %Lp '" .. path .. "'"))
    local said = pipe:read "l"
    pipe:close()
    return said
  end

  local function count(s)
    return assert(s:read { { "SELECT count(*) AS c FROM t" } })[1].rows[1].c
  end

  -- A file with a table and some pages of rows, closed.
  local function filled(name, rows)
    local s = assert(store.open(dir:path(name)))
    local statements = { { TABLE } }
    for i = 1, rows or 50 do
      statements[#statements + 1] = { "INSERT INTO t (k, x) VALUES ($1, $2)", "k" .. i, ("x"):rep(1000) }
    end
    assert(s:write(statements))
    s:close()
    return dir:path(name)
  end

  local function overwrite(path, at, bytes)
    local file = assert(io.open(path, "r+b"))
    file:seek("set", at)
    file:write(bytes)
    file:close()
  end

  -- What every program below begins with.
  local PREAMBLE = [[
    local runway, store = require "runway", require "runway.store"
    local function show(s, err)
      print(s and "open" or ("%s %s %s"):format(err.kind, err.code, err.retryable))
      if err then print(err.message) end
      return s
    end
  ]]

  before_each(function() dir, opened = scratch.new(), {} end)
  after_each(function()
    for _, s in ipairs(opened) do s:close() end
    dir:remove()
  end)

  it("makes files for their owner alone, whatever the umask says", function()
    local output = child.run(PREAMBLE .. [[
      local s = assert(store.open(...))
      assert(s:write { { "CREATE TABLE t (k TEXT)" } })
      os.execute("stat -c %a " .. (...) .. "*")
    ]], { arguments = { dir:path "a.db" }, before = "umask 0;" })
    assert.equal("600\n600\n600", output)
  end)

  it("tells of nothing", function()
    local s = open(dir:path "a.db")
    local job = runway.spawn(function() return store.hear(s) end)
    while not job:done() do runway.sleep(0.01) end
    local heard, err = job:join()
    assert.same({ nil, "sql", false }, { heard, err.code, err.retryable })
  end)

  it("leaves the mode of a file that was there", function()
    local path = dir:write("a.db", "")
    os.execute("chmod 640 '" .. path .. "'")
    assert(open(path):write { { TABLE } })
    assert.same({ "640", "640" }, { mode(path), mode(path .. "-wal") })
  end)

  it("writes ahead, and syncs every commit", function()
    local s = assert(open(dir:path "a.db"))
    assert.equal("wal", assert(s:write { { "PRAGMA journal_mode" } })[1].rows[1].journal_mode)
    assert.equal(3, assert(s:write { { "PRAGMA synchronous" } })[1].rows[1].synchronous)   -- EXTRA
  end)

  it("leaves the journal mode of a database that was there", function()
    local path = filled "a.db"
    overwrite(path, 18, "\1\1")                   -- written and read without WAL
    local s = assert(open(path))
    assert.equal("delete", assert(s:write { { "PRAGMA journal_mode" } })[1].rows[1].journal_mode)
    assert.equal(50, count(s))
  end)

  it("gives its texts as UTF-8 also where the database keeps them as UTF-16", function()
    assert(store.open(dir:path "a.db")):close()
    overwrite(dir:path "a.db", 56, "\0\0\0\2")
    local s = assert(open(dir:path "a.db"))
    assert.equal("UTF-16le", assert(s:write { { "PRAGMA encoding" } })[1].rows[1].encoding)
    assert(s:write { { TABLE } })
    for _, text in ipairs { "", "task_1", "\u{1F3AC} \u{e9}\0x" } do
      assert.equal(text, assert(s:write { { "INSERT INTO t (k) VALUES ($1) RETURNING k", text } })[1].rows[1].k)
      assert.same({ { k = text } }, assert(s:read { { "SELECT k FROM t WHERE k = $1", text } })[1].rows)
    end
  end)

  for name, bytes in pairs {
    ["a text"] = "not a database\n", ["a byte"] = "x", ["a picture"] = "\x89PNG\r\n\26\n" .. ("\0"):rep(5000),
  } do
    it("refuses a file that is none, and leaves it as it is: " .. name, function()
      local path = dir:write("a.db", bytes)
      local s, err = open(path)
      assert.is_nil(s)
      assert.same({ "config", "not_a_database", false }, { err.kind, err.code, err.retryable })
      assert.truthy(err.message:find(path, 1, true))
      assert.equal(bytes, dir:content "a.db")
      assert.is_nil(dir:content "a.db-wal")
    end)
  end

  it("refuses a directory, a FIFO, a missing directory, and what lies below a file", function()
    os.execute("mkfifo '" .. dir:path "fifo" .. "'")
    dir:write("file", "")
    for _, name in ipairs { "", "fifo", "missing/a.db", "file/a.db", ("n"):rep(300) } do
      local s, err = open(dir:path(name))
      assert.is_nil(s)
      assert.same({ "config", "where" }, { err.kind, err.code }, name)
      assert.equal(name:find "^missing" ~= nil, err.message:find("no such directory", 1, true) ~= nil, err.message)
    end
  end)

  it("takes every name for a file's", function()
    local output = child.run(PREAMBLE .. [[
      for _, name in ipairs { ":memory:", "file:a?mode=memory", "a b'\";--.db" } do
        local s = assert(store.open(name))
        assert(s:write { { "CREATE TABLE t (k TEXT)" } })
        s:close()
        assert(io.open("./" .. name)):close()
      end
    ]], { before = "cd '" .. dir.directory .. "';" })
    assert.equal("", output)
  end)

  it("names the package where its module is missing", function()
    package.preload["runway.sqlite"], package.loaded["runway.sqlite"] = function() error "none here" end, nil
    local s, err = open(dir:path "a.db")
    package.preload["runway.sqlite"] = nil
    assert.is_nil(s)
    assert.equal("config", err.kind)
    assert.truthy(err.message:find("libsqlite3", 1, true))
  end)

  it("says in a line that its module is not there, and not where it was looked for", function()
    local said = child.run [[
      for i, search in ipairs(package.searchers) do
        package.searchers[i] = function(name) return search((name:gsub("sqlite", "no_such_driver"))) end
      end
      print(select(2, require "runway.store".open "a.db").message)
    ]]
    assert.matches("%(on Debian the package libsqlite3%-0%): module 'runway.sqlite' not found$", said)
  end)

  it("says that a file may only be read", function()
    local path = filled "a.db"
    local code = dir:write("reader.lua", PREAMBLE .. "show(store.open(...))")
    os.execute("chmod 644 '" .. path .. "' '" .. code .. "'; chmod 777 '" .. dir.directory .. "'")
    local pipe = assert(io.popen "id -u")
    local is_root = pipe:read "l" == "0"
    pipe:close()
    os.execute("chmod 444 '" .. path .. "'")
    pipe = assert(io.popen(("exec 2>&1; export LUA_PATH='%s' LUA_CPATH='%s'; %s %s '%s' '%s'"):format(package.path,
      package.cpath, is_root and "setpriv --reuid=65534 --regid=65534 --clear-groups" or "", lua, code, path)))
    local output = pipe:read "a"
    pipe:close()
    if output:find "setpriv" or output:find "not found" then return pending "no other user can read this tree" end
    assert.truthy(output:find("^io readonly false\n"), output)
  end)

  it("says that a file system may only be read", function()
    local small = mounted.tmpfs "1m"
    if not small then return pending "only root may mount" end
    finally(function() small:remove() end)
    local s = assert(open(small:path "a.db"))
    assert(s:write { { TABLE } })
    s:close()
    small:remount "ro"
    for _, name in ipairs { "a.db", "new.db" } do
      local refused, err = open(small:path(name))
      assert.is_nil(refused)
      assert.same({ "io", "readonly", false }, { err.kind, err.code, err.retryable }, err.message)
    end
  end)

  it("says that the disk is full, loses nothing, and goes on when there is room", function()
    local small = mounted.tmpfs "512k"
    if not small then return pending "only root may mount" end
    finally(function() small:remove() end)
    local s = assert(open(small:path "a.db"))
    assert(s:write { { TABLE } })
    small:write("ballast", ("x"):rep(100000))
    local rows, err = 0
    repeat
      local results
      results, err = s:write { { "INSERT INTO t (k, x) VALUES ($1, $2)", "k" .. rows + 1, ("x"):rep(9000) } }
      if results then rows = rows + 1 end
    until err
    assert.same({ "io", "full", true }, { err.kind, err.code, err.retryable }, err.message)
    assert.is_true(rows > 5)
    assert.equal(rows, count(s))
    os.remove(small:path "ballast")
    assert(s:write { { "INSERT INTO t (k) VALUES ('more')" } })
    assert.equal(rows + 1, count(s))
  end)

  it("says so where the disk is full from the start", function()
    local small = mounted.tmpfs "64k"
    if not small then return pending "only root may mount" end
    finally(function() small:remove() end)
    os.execute("cat /dev/zero >'" .. small:path "ballast" .. "' 2>/dev/null")
    local s, err = open(small:path "a.db")
    if s then
      local results
      results, err = s:write { { TABLE } }
      assert.is_nil(results)
    end
    assert.same({ "io", "full" }, { err.kind, err.code }, err.message)
  end)

  it("loses nothing beside a statement that takes back more than itself", function()
    local s, jobs = assert(open(dir:path "a.db")), {}
    assert(s:write { { TABLE }, { "INSERT INTO t (k) VALUES ('k0')" } })
    for i = 1, 20 do
      jobs[i] = runway.spawn(function()
        if i ~= 10 then return s:write { { "INSERT INTO t (k) VALUES ($1)", "k" .. i } } end
        return s:write { { "INSERT OR ROLLBACK INTO t (k) VALUES ('k0')" } }
      end)
    end
    for i, job in ipairs(jobs) do
      local results, err = job:join()
      assert.equal(i == 10 and "constraint" or nil, not results and err.code or nil, i)
    end
    assert.equal(20, count(s))
  end)

  it("says that a file is corrupt", function()
    local path = filled("a.db", 200)
    overwrite(path, 4096, ("\xa5"):rep(40 * 4096))
    local s = assert(open(path))
    for _, act in ipairs { "read", "write" } do
      local results, err = s[act](s, { { "SELECT sum(length(x)) AS n FROM t" } })
      assert.is_nil(results)
      assert.same({ "io", "corrupt", false }, { err.kind, err.code, err.retryable }, err.message)
    end
  end)

  it("refuses a file whose head is gone", function()
    local path = filled "a.db"
    overwrite(path, 0, ("\0"):rep(100))
    local s, err = open(path)
    assert.is_nil(s)
    assert.equal("not_a_database", err.code)
  end)

  it("writes no more into a file that was taken away", function()
    local s = assert(open(dir:path "a.db"))
    assert(s:write { { TABLE } })
    os.remove(dir:path "a.db")
    local results, err = s:write { { "INSERT INTO t (k) VALUES ('a')" } }
    assert.is_nil(results)
    assert.equal("corrupt", err.code)
    assert.truthy(err.message:find("moved or deleted", 1, true))
  end)

  describe("on a disk that fails", function()
    local library

    setup(function() library = faulty.new() end)
    teardown(function() library:remove() end)

    -- What a program says of what it did with a.db, where calls on files that begin so fail.
    local function run(faults, code, under)
      local output = child.run(PREAMBLE .. code, {
        before = library:before(faults, dir:path(under or "a.db")), arguments = { dir:path "a.db" },
      })
      return output
    end

    for faults, told in pairs {
      ["open=ENOSPC"] = "io full true", ["open=EDQUOT"] = "io full true", ["open=EIO"] = "io io false",
      ["open=ENOMEM"] = "io memory false", ["open=EACCES"] = "io readonly false",
      ["open=EACCES@2"] = "io readonly false",   -- and SQLite opens it to be read
      ["read=EIO"] = "io io false", ["write=ENOSPC"] = "io full true", ["fsync=EIO@1"] = "io io false",
      ["lock=EPERM"] = "io readonly false",
    } do
      it("says so when it is opened: " .. faults, function()
        assert.equal(told, run(faults, "show(store.open(...))"):match "^[^\n]*")
      end)
    end

    it("says that a file system has no locks, and leaves nothing there", function()
      for _, err in ipairs { "ENOLCK", "ENOTSUP", "ENOSYS", "EINVAL" } do
        local name = ("no-%s.db"):format(err)
        local said = run("lock=" .. err, "show(store.open((...):gsub('a.db$', '" .. name .. "')))", name)
        assert.matches("^io no_locks false\n", said)
        assert.matches("its file system has no locks", said, 1, true)
        assert.is_nil(io.open(dir:path(name)))
      end
      -- one that came there from elsewhere; ENOLCK is for SQLite the lock of another
      filled("moved.db", 1)
      for _, err in ipairs { "ENOTSUP", "ENOSYS", "EINVAL" } do
        local said = run("lock=" .. err, "show(store.open((...):gsub('a.db$', 'moved.db')))", "moved.db")
        assert.matches("^io no_locks false\n", said)
      end
      assert.equal(1, count(assert(open(dir:path "moved.db"))))
    end)

    it("is told as failing wherever it does when it is opened, and opens once it does not", function()
      for _, call in ipairs { "read", "write", "fsync", "lock" } do
        for n = 1, 8 do
          local said = run(("%s=EIO@%d"):format(call, n), "show(store.open(...))"):match "^[^\n]*"
          assert.truthy(said == "open" or said:find "^io %a+ false$", said)
          assert(open(dir:path "a.db"), call .. n):close()
        end
      end
    end)

    it("keeps no WAL where other machines see it, too", function()
      assert.equal("delete", run("statfs=NFS",
        [[ print(store.open(...):write { { "PRAGMA journal_mode" } }[1].rows[1].journal_mode) ]]))
    end)

    it("says that it may have committed what it could not sync", function()
      filled("a.db", 1)
      for _, fault in ipairs { "EIO", "ENOSPC" } do
        assert.equal("io\ttrue\tfalse", run("fsync=" .. fault, [[
          local _, err = store.open(...):write { { "INSERT INTO t (k) VALUES ('a')" } }
          print(err.code, err.maybe, err.retryable)
        ]], "a.db-wal"))
      end
    end)

    it("and what it wrote and could not enter into the index of the WAL, which a crash brings back", function()
      -- the first attempt to make the index fails; then its growth, which 4,062 pages make necessary
      local said = run("write=ENOSPC@1 write=ENOSPC@10", [[
        local s = store.open(...)
        for _ = 1, 2 do show(s:write { { "CREATE TABLE t (k TEXT, x TEXT)" }, { "PRAGMA cache_size = 20000" } }) end
        local _, err = s:write { { "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4300) "
          .. "INSERT INTO t (k, x) SELECT n, hex(zeroblob(1900)) FROM c" } }
        print(err.code, err.maybe, err.retryable)
        io.stdout:flush()
        os.execute "kill -9 $PPID"
      ]], "a.db-shm")
      assert.matches("^io full true\n.*\nopen\nio\ttrue\tfalse\n?%a*$", said)   -- a shell may say that it was killed
      assert.equal(4300, count(assert(open(dir:path "a.db"))))
    end)
  end)

  -- Another process that holds the lock of the file until it is killed.
  local function holder(path)
    local code = dir:write("holder.lua", [[
      local store = require "runway.store"
      print(io.open("/proc/self/stat"):read "n")
      io.stdout:flush()
      store.open((...)):write { { "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
        .. "INSERT INTO t (k) SELECT n FROM c WHERE n < 0" } }
    ]])
    local pipe = assert(io.popen(("LUA_PATH='%s' LUA_CPATH='%s' exec %s '%s' '%s' 2>&1"):format(
      package.path, package.cpath, lua, code, path)))
    local pid = assert(pipe:read "l")
    return function()
      os.execute("kill -9 " .. pid)
      pipe:close()
    end
  end

  it("waits for a lock, some seconds and no longer; then the one who waits may try again", function()
    if not io.open "/proc/self/stat" then return pending "no /proc here" end
    local path = filled "a.db"
    local s = assert(open(path))
    local kill = holder(path)
    local started, results, err
    repeat                                        -- until the other has it
      started = core.now()
      results, err = s:write { { "UPDATE t SET x = 'y' WHERE k = 'k1'" } }
    until not results
    local took = core.now() - started
    local reads = s:read { { "SELECT x FROM t WHERE k = 'k1'" } }
    local job = runway.spawn(function() return s:write { { "UPDATE t SET x = 'z' WHERE k = 'k1'" } } end)
    runway.sleep(0.2)
    kill()
    assert.same({ "io", "busy", true }, { err.kind, err.code, err.retryable })
    assert.is_true(took > 4.5 and took < 20, took)
    assert.truthy(reads)                          -- who reads needs no lock
    assert(job:join())
  end)

  it("lets the process end though another holds the lock", function()
    if not io.open "/proc/self/stat" then return pending "no /proc here" end
    local path = filled "a.db"
    local s = assert(open(path))
    local kill = holder(path)
    repeat until not s:write { { "UPDATE t SET x = 'y' WHERE k = 'k1'" } }
    local output, code = child.run(PREAMBLE .. [[
      local s = assert(store.open(...))
      runway.spawn(function() s:write { { "UPDATE t SET x = 'z' WHERE k = 'k1'" } } end)
      runway.step(0)
      io.write(require("runway.core").now())      -- one clock for all processes
      os.exit(7)
    ]], { arguments = { path } })
    local took = core.now() - tonumber(output)
    kill()
    assert.equal(7, code)
    assert.is_true(took < 4.5, took)
    assert.same({}, assert(s:read { { "SELECT x FROM t WHERE x = 'z'" } })[1].rows)
  end)

  -- A program of a path and a name, `many` times at once; each says "done".
  local function all_done(many, source, path)
    local code, pipes = dir:write("program.lua", source), {}
    for i = 1, many do
      pipes[i] = assert(io.popen(("LUA_PATH='%s' LUA_CPATH='%s' %s '%s' '%s' %d- 2>&1"):format(
        package.path, package.cpath, lua, code, path, i)))
    end
    for _, pipe in ipairs(pipes) do
      assert.equal("done\n", pipe:read "a")
      pipe:close()
    end
  end

  it("is shared by several processes", function()
    local path = filled("a.db", 0)
    all_done(3, [[
      local runway, store = require "runway", require "runway.store"
      local path, name = ...
      local s = assert(store.open(path))
      for i = 1, 50 do assert(s:write { { "INSERT INTO t (k) VALUES ($1)", name .. i } }) end
      print "done"
    ]], path)
    assert.equal(150, count(assert(open(path))))
  end)

  -- SQLite says then that it is busy, and does not wait. They meet at moments of the clock, and not each time.
  it("is made by several processes at the same moment", function()
    all_done(4, [[
      local runway, store, core = require "runway", require "runway.store", require "runway.core"
      local path = ...
      for _ = 1, 60 do
        local moment = core.wall_ms() // 20 + 1
        repeat until core.wall_ms() // 20 >= moment
        local s = assert(store.open(path .. moment))
        assert(s:write { { "CREATE TABLE IF NOT EXISTS t (k TEXT)" } })
        s:close()
      end
      print "done"
    ]], dir:path "new.db")
  end)
end)
