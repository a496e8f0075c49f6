-- What the machine may do to a program: a promise for each way to die, be starved or be set back, as whoever
-- runs a script meets it. Named as in the catalogue of hostile inputs.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local faults = require "spec.support.faults"
local interpreter = require "spec.support.interpreter"
local keeps_parts = require "spec.support.keeps_parts"
local killing = require "spec.support.killing"
local mocked = require "spec.support.mocked"
local process = require "spec.support.process"
local rawserver = require "spec.support.rawserver"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local SIZE = 100000
local OVERLAP = 1024                          -- of a film, fetched twice where it goes on
local PATIENCE = 20                           -- seconds; only ever spent by a spec that fails

-- What each program begins with; its arguments are the server's URL, a directory, and what else a spec gives.
local PREAMBLE = [[
  local runway = require "runway"
  local url, directory, one, two = ...
  local function open(more)
    local options = { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = url, poll_interval = 0.01 }
    for name, value in pairs(more or {}) do options[name] = value end
    return runway.client(options)
  end
  local function clip(prompt, key)
    return { model = "gen4.5", prompt_text = prompt, ratio = "1280:720", duration = 5, key = key }
  end
  local function say(e) print(e.kind, e.code, e.sent, e.task_id) end
]]

describe("process and time:", function()
  local server, here, made, marks
  local count, name = 0, nil

  local function connect(more)
    local options = { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = server:url "",
      poll_interval = 0.01 }
    for option, value in pairs(more or {}) do options[option] = value end
    return runway.client(options)
  end

  -- A film on the server, under a name that no other spec has.
  local function plan(steps, more)
    count = count + 1
    name = "film" .. count
    local all = { size = SIZE, seed = count, steps = steps or {} }
    for key, value in pairs(more or {}) do all[key] = value end
    server:film(name, all)
    return name
  end

  -- Paid requests with that prompt.
  local function posts(prompt)
    local n = 0
    for _, request in ipairs(server:seen "/v1/text_to_video") do
      if request.body:find(('"promptText":"%s"'):format(prompt), 1, true) then n = n + 1 end
    end
    return n
  end

  local function clip(prompt, key)
    return { model = "gen4.5", prompt_text = prompt, ratio = "1280:720", duration = 5, key = key }
  end

  local function run(code, before, ...)
    return child.run(PREAMBLE .. code, { before = before, arguments = { server:url "", here.directory, ... } })
  end

  setup(function()
    server = rawserver.start()
    made = process.new()
    marks = keeps_parts(server)
  end)
  teardown(function()
    server:stop()
    made:remove()
  end)
  before_each(function() here = scratch.new() end)
  after_each(function()
    mocked.close()
    here:remove()
  end)

  ------------------------------------------------------------------- the journal

  local function journal() return here:path "shots.db" end

  -- A journal with these keys, each submitted with its reverse as prompt and id, of a program that was killed (-9)
  -- then.
  local function killed_with(keys, more)
    local _, code = run([[
      local client = assert(open { journal = directory .. "/shots.db" })
      for i = 3, select("#", ...) do
        local key = select(i, ...)
        assert(client:generate(clip(key:reverse(), key)))
      end
    ]] .. (more or "io.popen 'kill -9 $PPID':read 'a'"), nil, table.unpack(keys))
    assert.equal(more and 0 or 128 + 9, code)
  end

  local function refused(code, kind)
    local client, err = connect { journal = journal() }
    assert.is_nil(client)
    assert.same({ kind or "io", code, "no" }, { err.kind, err.code, err.sent }, err.message)
    return err
  end

  local function bytes_of(file)
    return assert(here:content(file))
  end

  it("kill -9 at any point -> next start: done, resumable or unknown; never a second POST", function()
    local told, report = killing.run { seed = 7, over = function(kills) return kills >= 5 end }
    assert.same({}, told)
    assert.is_true(report.kills >= 5 and report.posts > 0)
  end)

  describe("power cut -> same as fsynced:", function()
    local library
    setup(function() library = faults.new() end)
    teardown(function() library:remove() end)

    -- The first submit of a journal that stands: its syncs fail as FAULTS says.
    local function submit(list, prompt)
      killed_with({}, "client:close()")
      return run([[
        local client = assert(open { journal = directory .. "/shots.db",
          logger = function(level) io.write(level, " ") end })
        local task, err = client:generate(clip(one, "a"))
        if task then print(task.id) else say(err) end
        os.exit(0)
      ]], library:before(list, here.directory), prompt)
    end

    it("what could not be synced before the request lets none out", function()
      assert.equal("io\tio\tno\tnil", (submit("fsync=EIO", "unsynced")))
      assert.equal(0, posts "unsynced")
      local client = assert(connect { journal = journal() })
      assert.equal("unsynced", assert(client:generate(clip("unsynced", "a"))).id)
      assert.equal(1, posts "unsynced")
      client:close()
    end)

    it("whichever of all syncs fails, the next start has the task or says unknown: no second POST", function()
      local unheard = 0
      for n = 1, 6 do
        local prompt = "sync" .. n
        here:remove()
        here = scratch.new()
        local said = submit("fsync=EIO@" .. n, prompt)
        assert.matches("%f[%w]" .. prompt .. "\n", said .. "\n")
        if said:find "error" then unheard = unheard + 1 end
        local client = assert(connect { journal = journal() })
        local task, err = client:generate(clip(prompt, "a"))
        assert.is_truthy(task and task.id == prompt or err.kind == "unknown_submit")
        assert.equal(1, posts(prompt))
        client:close()
      end
      assert.is_true(unheard > 0)             -- one was that of the id
    end)
  end)

  it("torn last journal line -> cut, reported", function()
    killed_with { "torn1", "torn2" }
    local log = bytes_of "shots.db-wal"
    here:write("shots.db-wal", log:sub(1, -100))
    local client = assert(connect { journal = journal() })
    assert.equal("1nrot", client.journal:get "torn1".task_id)
    -- the id was in the last line; that a request had left was not
    assert.equal("unknown", client.journal:get "torn2".state)
    local task, err = client:generate(clip("2nrot", "torn2"))
    assert.is_nil(task)
    assert.same({ "unknown_submit", false }, { err.kind, err.retryable or false })
    assert.equal(1, posts "2nrot")
    client:close()
  end)

  describe("bit flip in the middle -> refused as corrupt, with the way to save what can be:", function()
    local KEYS = {}
    for i = 1, 40 do KEYS[i] = ("flip-%02d"):format(i) end

    local function flip(bytes, at, bit)
      here:write("shots.db", bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ bit) .. bytes:sub(at + 1))
    end

    -- Each place in the file where a key stands: in its row, and in the index by which it is found.
    local function places(bytes, text)
      local list, at = {}, 0
      repeat
        at = bytes:find(text, at + 1, true)
        list[#list + 1] = at
      until not at
      return list
    end

    it("in a row or in an index, before any money is spent", function()
      killed_with(KEYS, "client:close()")
      local bytes = bytes_of "shots.db"
      local found = places(bytes, "flip-20")
      assert.is_true(#found >= 2)
      for _, at in ipairs(found) do
        flip(bytes, at + 6, 16)
        local err = refused "corrupt"
        assert.matches("sqlite3 OLD .recover | sqlite3 NEW", err.message, 1, true)
        assert.is_falsy(err.retryable)
        assert.is_nil((runway.journal(journal())))
      end
      assert.equal(1, posts "02-pilf")
      here:write("shots.db", bytes)
      local client = assert(connect { journal = journal() })
      assert.equal("02-pilf", assert(client:generate(clip("02-pilf", "flip-20"))).id)
      assert.equal(1, posts "02-pilf")
      client:close()
    end)

    it("and in what holds the pages together", function()
      killed_with(KEYS, "client:close()")
      local bytes = bytes_of "shots.db"
      for _, page in ipairs { 0, 1, 2, 3 } do
        local at = page == 0 and 100 or page * 4096
        flip(bytes, at + 1, 64)
        refused "corrupt"
      end
    end)

    it("which leads to a journal that knows all but what the bit was in", function()
      if not os.execute "command -v sqlite3 >/dev/null" then return pending "no sqlite3 here" end
      killed_with(KEYS, "client:close()")
      local bytes = bytes_of "shots.db"
      local known = 0
      for _, at in ipairs(places(bytes, "flip-20")) do
        flip(bytes, at + 6, 16)
        refused "corrupt"
        assert(os.execute(("cd '%s' && sqlite3 shots.db .dump | sqlite3 new.db && mv new.db shots.db")
          :format(here.directory)))
        local client = assert(connect { journal = journal() })
        assert.equal(#KEYS, client.journal:totals().entries)
        if client.journal:get "flip-20" then known = known + 1 end
        client:close()
      end
      assert.equal(1, known)                  -- it was in the index
    end)
  end)

  it("journal of newer version -> refuse", function()
    killed_with({ "newer" }, "client:close()")
    local store = assert(require("runway.store").open(journal()))
    assert(store:write { { "UPDATE runway_about SET value = '999' WHERE name = 'version'" } })
    store:close()
    local err = refused("newer_journal", "config")
    assert.matches("update runway", err.message, 1, true)
    assert.equal(1, posts "rewen")
  end)

  it("journal on a full disk -> submit refused before POST", function()
    local library = faults.new()
    finally(function() library:remove() end)
    local refusals = 0
    for n = 1, 6 do                           -- whichever write finds it full
      local prompt = "full" .. n
      here:remove()
      here = scratch.new()
      killed_with({}, "client:close()")
      local said = run([[
        local client, err = open { journal = directory .. "/shots.db" }
        local task
        if client then task, err = client:generate(clip(one, "a")) end
        if task then print(task.id) else say(err) end
        os.exit(0)
      ]], library:before("write=ENOSPC@" .. n, here.directory), prompt)
      if said:find "^io" then
        refusals = refusals + 1
        assert.equal("io\tfull\tno\tnil", said)
        assert.equal(0, posts(prompt))
      else
        assert.matches("^" .. prompt .. "%f[^%w]", said)
        assert.equal(1, posts(prompt))
      end
    end
    assert.is_true(refusals > 1)
  end)

  ------------------------------------------------------------------- time

  it("wall clock jump +-1 day -> time-outs unaffected (CLOCK_MONOTONIC)", function()
    plan()
    local said, code = run([[
      local before = os.time()
      print(math.abs(os.time() - before) > 100000)
      local client = assert(open { journal = directory .. "/shots.db", timeout = 60 })
      local task = assert(client:generate(clip(one, "a")))
      assert(task:wait { timeout = 60 })
      print(assert(task:download(directory .. "/a.mp4", { deadline = 60 })).bytes)
      client:close()
      client = assert(open { timeout = 0.2, max_retries = 0 })
      say(select(2, client:request { path = "/hang" }))
      client:close()
    ]], made:before "wild_clock", name)
    assert.same({ ("true\n%d\ntimeout\tanswer\tyes\tnil"):format(SIZE), 0 }, { said, code })
    assert.equal(1, posts(name))
  end)

  ------------------------------------------------------------------- the process

  it("fork -> child gets `forked`, parent unharmed", function()
    local said, code = run([[
      local process = require "process"
      local client, plain = assert(open { journal = directory .. "/shots.db" }), assert(open())
      assert(client:generate(clip("before", "a")))
      local pid = process.fork()
      if pid == 0 then
        for _, one in ipairs { client, plain } do
          local task, err = one:generate(clip("child", "b"))
          print(task, err.kind, err.message:match "fork", err.sent)
        end
        process.exit(0)
      end
      assert(process.wait(pid) == 0)
      print(assert(client:generate(clip("parent", "c"))).id)
      client:close()
    ]], made:module())
    assert.same({ ("nil\tconfig\tfork\tno\n"):rep(2) .. "parent", 0 }, { (said:gsub("\nrunway: .*", "")), code })
    assert.same({ 0, 1 }, { posts "child", posts "parent" })
  end)

  it("SIGINT in `wait` -> raised at once; the tasks survive", function()
    plan({}, { running = 1 })
    local path = here:write("program.lua", PREAMBLE .. [[
      io.stdout:setvbuf "no"
      local client = assert(open { journal = directory .. "/shots.db" })
      local task = assert(client:generate(clip(one, "a")))
      print(pcall(task.wait, task))
      print(task.id)
      os.exit(0)
    ]])
    local program = io.popen(("%s echo $$; exec %s '%s' '%s' '%s' '%s' 2>&1"):format(child.paths(),
      interpreter, path, server:url "", here.directory, name))
    local pid = program:read "l"
    exchange.until_true(function() return #server:seen("/v1/tasks/" .. name) > 1 end, "a query")
    os.execute("kill -INT " .. pid)
    local said = program:read "a"
    program:close()
    assert.matches("^false\t[^\n]*interrupted!", said)
    assert.matches("\n" .. name .. "\n", said, 1, true)
    local client = assert(connect { journal = journal() })
    assert.equal(name, assert(client:generate(clip(name, "a"))).id)
    assert.equal(1, posts(name))
    client:close()
  end)

  it("SIGPIPE -> never kills the host", function()
    local said, code = run [[
      local client = assert(open { max_retries = 0 })
      local pad = ("x"):rep(2000000)
      for _, path in ipairs { "/reset-after-request", "/close-before-answer", "/refuse-early", "/cut?at=100000" } do
        print(client:request { method = "POST", path = path, json = { pad = pad } })
      end
      print "alive"
    ]]
    assert.matches("alive$", said)
    assert.equal(0, code)
  end)

  for what, ending in pairs {
    ["`lua_close` mid-transfer -> closes at once, .part resumable"] = "",
    ["client closed mid-transfer -> as close"] = "client:close()",
    ["client collected with live jobs -> they go on; at the end of the state as close"] =
      "client, task = nil, nil collectgarbage() collectgarbage()",
  } do
    it(what, function()
      plan { "hang:50000" }
      local began = core.now()
      local said, code = run([[
        local client = assert(open())
        local task = assert(client:get(one))
        local got = 0
        local job = runway.spawn(task.download, task, directory .. "/a.mp4", { on_progress = function(n) got = n end })
        repeat runway.step(0.01) until got >= 50000
      ]] .. ending, nil, name)
      assert.equal(0, code, said)
      assert.is_true(core.now() - began < PATIENCE, "it waited for its transfer")
      assert.is_nil(here:content "a.mp4")
      local client = assert(connect())
      local file = assert(assert(client:get(name)):download(here:path "a.mp4"))
      client:close()
      assert.equal(core.sha256(rawserver.film_bytes(count, SIZE)), file.sha256)
      if not marks then return end
      local requests = server:seen("/film/" .. name .. "?")
      assert.equal(("bytes=%d-"):format(50000 - OVERLAP), requests[2].headers.range)
    end)
  end

  ------------------------------------------------------------------- jobs and callbacks

  -- A client whose task is asked for so often before it has ended.
  local function waiting(queries)
    local client, m = mocked.client { mocked.SUBMIT,
      { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING" }, times = queries or 3 },
      mocked.task "SUCCEEDED", { "GET https://cdn.example/clip.mp4", body = "\0\0\0\24ftypmp42\0\0\0\0mp42isom" } }
    return client, m
  end

  it("client collected with live jobs -> they go on, and lose nothing", function()
    local client, m = waiting()
    local weak = setmetatable({ client }, { __mode = "v" })
    local task = assert(client:generate(mocked.clip()))
    local job = runway.spawn(task.wait, task)
    client = nil                              -- luacheck: ignore 311
    runway.step(0)
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.equal(task, job:join())
    assert.equal(5, #m.requests)
  end)

  it("error in a waiting coroutine -> its job ends with it, others go on, no dangling resume", function()
    local client, m = waiting()
    local task = assert(client:generate(mocked.clip()))
    local waits = runway.spawn(task.wait, task)
    local breaks = runway.spawn(function()
      runway.sleep(1)
      error "broken"
    end)
    local value, err = breaks:join()
    assert.is_nil(value)
    assert.matches("broken", err.message, 1, true)
    assert.equal(task, waits:join())
    assert.equal(5, #m.requests)
  end)

  it("coroutine.close in a waiting coroutine -> it is over, the task goes on, no dangling resume", function()
    if not coroutine.close then return pending "this Lua closes no coroutines" end
    local client, m = waiting()
    local task = assert(client:generate(mocked.clip()))
    local co
    local job = runway.spawn(function()
      co = coroutine.running()
      task:wait()
    end)
    repeat runway.step(1) until #m.requests == 3
    assert.is_true(coroutine.close(co))
    local value, err = job:join()
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.equal("SUCCEEDED", assert(task:wait()).status)
  end)

  it("`step` inside a callback -> refused as re-entrant", function()
    local client = waiting()
    local task, said = assert(client:generate(mocked.clip())), {}
    local job = runway.spawn(task.wait, task, { on_progress = function()
      said[#said + 1] = select(2, pcall(runway.step, 0))
    end })
    assert.equal(task, job:join())
    assert.matches("step was called inside a step", said[1], 1, true)
  end)

  it("callback raises a table, nil, or yields -> reported, others still run", function()
    local said = run [[
      local mocked = require "spec.support.mocked"
      for what, callback in pairs {
        table = function() error { code = 1 } end,
        ["nil"] = function() error(nil) end,
        yields = function() coroutine.yield "mine" end,
      } do
        local client = mocked.client { mocked.SUBMIT, { "GET /v1/tasks/t1", json = { status = "RUNNING" }, times = 3 },
          mocked.task "SUCCEEDED" }
        local task, calls, others = assert(client:generate(mocked.clip())), 0, 0
        local beside = runway.spawn(function()
          for _ = 1, 5 do runway.sleep(1) others = others + 1 end
        end)
        local job = runway.spawn(task.wait, task, { on_progress = function(t)
          calls = calls + 1
          callback(t)
        end })
        print(what, job:join() == task, beside:join(), calls, others)
        mocked.close()
      end
    ]]
    for what, word in pairs { table = "an error in a callback: { code = 1 }",
      ["nil"] = "an error in a callback: (error object is a nil value)", yields = "" } do
      assert.matches("\n" .. what .. "\ttrue\ttrue\t4\t5\n", "\n" .. said .. "\n", 1, true)
      assert.matches(word, said, 1, true)
    end
  end)

  it("out of memory anywhere -> error or event, client usable after, nothing paid twice or lost", function()
    local said, code = run([[
      local process, core = require "process", require "runway.core"
      local client = assert(open())
      local function once(prompt)
        local ok, task, err = pcall(client.generate, client, clip(prompt))
        local e = not ok and task or err
        return ok and task and task.id or type(e) == "table" and e.task_id or nil
      end
      assert(once "warm")
      process.starve(0)
      assert(once "warm")
      local all = process.starve(0)
      print(all > 50)
      for n = 1, all, 7 do
        process.starve(n)
        local id = once("lean" .. n)
        process.starve(0)
        print(n, id)
      end
      print(once "after")
      os.exit(0)
    ]], made:module())
    assert.equal(0, code, said)
    assert.matches("^true\n", said)
    assert.matches("\nafter", said, 1, true)
    local tried = 0
    for n, id in said:gmatch "\n(%d+)\t(%w+)" do
      tried = tried + 1
      local prompt = "lean" .. n
      local paid = posts(prompt)
      assert.is_true(paid <= 1, prompt .. " was paid for twice")
      assert.equal(paid == 1 and prompt or "nil", id)
    end
    assert.is_true(tried > 10)
  end)

  it("fd limit reached -> `io` unsent, retry later", function()
    local said, code = run([[
      local client = assert(open { max_retries = 0 })
      assert(client:get(one))                 -- what the engine needs is open
      local held = {}
      repeat held[#held + 1] = io.open "/dev/null" until #held > 0 and not io.open "/dev/null"
      local task, err = client:generate(clip "starved")
      print(err.kind, err.sent, err.retryable)
      for _, file in ipairs(held) do file:close() end
      print(assert(client:generate(clip "starved")).id)
      os.exit(0)
    ]], "ulimit -n 40;", plan())
    assert.matches("^io\tno\ttrue\nstarved", said)
    assert.equal(0, code)
    assert.equal(1, posts "starved")
  end)

  it("two Lua states in two threads -> independent", function()
    plan()
    local script = here:write("script.lua", PREAMBLE .. [[
      local client = assert(open { journal = directory .. "/shots.db" })
      for i = 1, 5 do
        local task = assert(client:generate(clip(one, "key" .. i)))
        assert(task.id == one and task:wait())
      end
      assert(client:close() == nil)
    ]])
    local said, code = run([[
      local process = require "process"
      print(process.threads(2, one, url, directory, two))
    ]], made:module(), script, name)
    assert.same({ "", 0 }, { said, code })
    assert.equal(5, posts(name))              -- and one journal is one journal
  end)

  it("two Lua states in two threads -> the end of one says nothing of the other's tasks", function()
    local script = here:write("script.lua", PREAMBLE .. "assert(open()):close()")
    local said = run([[
      local client = assert(open())
      runway.spawn(function() client:request { method = "POST", path = "/hang?" .. two, json = {} } end)
      runway.spawn(function() client:generate(clip(two)) end)
      for _ = 1, 3 do runway.step(0, math.huge) end
      io.stdout:setvbuf "no"
      print(require "process".threads(1, one, url, directory))
      print "ended"
    ]], made:module(), script, "alone")
    assert.matches("^%s*ended\nrunway: ", said) -- and not before
  end)

  for _, ending in ipairs { "os.exit(true, true)", "os.exit(true)" } do
    it(ending .. " from a callback -> clean", function()
      plan { "hang:50000" }
      local said, code = run([[
        local task = assert(assert(open()):get(one))
        task:download(directory .. "/a.mp4", { on_progress = function() ]] .. ending .. [[ end })
      ]], nil, name)
      assert.equal(0, code, said)
      assert.is_nil(said:find("stack traceback", 1, true), said)
      assert.is_nil(here:content "a.mp4")
    end)
  end
end)
