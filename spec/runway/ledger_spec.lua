-- What is paid for and at stake is named, whatever ends the program, and by what Ctrl-C raises.

local answers = require "runway.answer"
local child = require "spec.support.child"
local errors = require "runway.errors"
local ids = require "runway.ids"
local ledger = require "runway.ledger"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local tasks = require "runway.task"

local clip, SUBMIT = mocked.clip, mocked.SUBMIT

local function open_ids()
  local list = {}
  for i, task in ipairs(ledger.open_tasks()) do list[i] = task.task_id end
  return list
end

-- A program with a transport of its own, which may cost money for all that is known.
local PROGRAM = [[
  local runway = require "runway"
  local scheduler = require "runway.scheduler"
  local transport = { cancel = function() end, progress = function() return 0 end }
  local made = 0
  function transport:start(wire, done)
    local json, status = '{"status":"RUNNING"}', 200
    if wire.method == "POST" then
      made = made + 1
      json = '{"id":"paid-' .. made .. '"}'
      if BUSY and made == 1 then status, json = 429, '{"error":"later"}' end
      if SILENT then return 1 end
    elseif GONE then
      status, json = 404, '{"error":"not found"}'
    elseif FILM then
      json = '{"status":"SUCCEEDED","output":["https://x.test/a.mp4"]}'
    end
    scheduler.at(scheduler.now(), function() done { status = status, sent = true, headers = {}, body = json } end)
    return 1
  end
  local client = assert(runway.client { api_key = "key_0123456789abcdef", transport = transport, poll_interval = 0 })
  local function pay()
    return client:generate { model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
  end
]]

local HINT = 'to go on: client:task("paid-1"):wait(), or: runway task paid-1 --provider runwayml -o FILE'

describe("the end of the program", function()
  for how, code in pairs {
    ["by its own end"] = "", ["by os.exit"] = "os.exit(0)", ["by os.exit with a closed state"] = "os.exit(0, true)",
    ["by an error"] = "error 'enough'", ["by SIGTERM"] = "os.execute 'kill -TERM $PPID' runway.sleep(5)",
    ["by SIGHUP"] = "os.execute 'kill -HUP $PPID' runway.sleep(5)",
    ["by SIGPIPE"] = "os.execute 'kill -PIPE $PPID' runway.sleep(5)",
  } do
    it("names every open paid task once, and how to go on, when it comes " .. how, function()
      local said, code_of_it = child.run(PROGRAM .. "assert(pay()) assert(pay())\n" .. code)
      for _, id in ipairs { "paid-1", "paid-2" } do
        local _, count = said:gsub("runway: task " .. id:gsub("%-", "%%-") .. " ", "")
        assert.equal(1, count, said)
      end
      assert.matches(HINT, said, 1, true)
      assert.is_nil(said:find("key_0123456789", 1, true))
      local signal = code:match "kill %-(%u+)"
      if signal then assert.equal(128 + ({ TERM = 15, HUP = 1, PIPE = 13 })[signal], code_of_it) end
    end)
  end

  it("says nothing of tasks that have ended", function()
    local said = child.run("FILM = true\n" .. PROGRAM .. "assert(assert(pay()):wait())")
    assert.equal("", said)
  end)

  it("says of a task that has succeeded that its film is not here", function()
    local said = child.run("FILM = true\n" .. PROGRAM .. [[
      local task = assert(assert(pay()):wait())
      local start = transport.start
      function transport:start(wire, done) if wire.save then os.exit(0) end return start(self, wire, done) end
      task:download("film.mp4", { overwrite = true })
    ]])
    assert.equal("runway: task paid-1 (runwayml, SUCCEEDED, its film not fetched to its end) is paid for and not lost; "
      .. HINT, said)
  end)

  it("says nothing of an id that its provider says it does not know, unless it was made or seen here", function()
    local said = child.run("GONE = true\n" .. PROGRAM .. [[
      for _, look in ipairs { "wait", "refresh" } do
        local task = client:task "stray-1"
        task:wait { timeout = 0 }
        print(select(2, task[look](task)).kind)
      end
    ]])
    assert.equal("not_found\nnot_found", said)
    said = child.run("GONE = true\n" .. PROGRAM .. [[
      local task = assert(pay())
      client:task("paid-1"):wait()
      print(select(2, task:wait()).kind)
    ]])
    assert.matches("^not_found\nrunway: task paid%-1 ", said)
    assert.matches("knows no such task: deleted, or of another account?) may be paid for; to ask again: client:task(",
      said, 1, true)
    assert.is_nil(said:find("not lost", 1, true))
  end)

  it("says nothing of a task that a journal keeps as unknown since its provider does not know it", function()
    local said = child.run("GONE = true\n" .. PROGRAM .. [[
      local file = os.tmpname()
      local kept = assert(runway.client { api_key = "key_0123456789abcdef", transport = transport, poll_interval = 0,
        journal = file })
      local params = { key = "a", model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
      for _ = 1, 2 do                         -- made here, and attached to
        local task = assert(kept:generate(params))
        local err = select(2, task:wait())
        print(err.kind, err.message:match "keeps the key \"a\" as unknown")
      end
      kept:close()
      os.execute("rm -f " .. file .. "*")
    ]])
    assert.equal(("not_found\tkeeps the key \"a\" as unknown\n"):rep(2), said .. "\n")
  end)

  -- The same with a journal, in a file of its own.
  local KEPT = PROGRAM .. [[
    local file = os.tmpname()
    local function open()
      return assert(runway.client { api_key = "key_0123456789abcdef", transport = transport, poll_interval = 0,
        journal = file })
    end
    local function order(key)
      return { key = key, model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
    end
  ]]

  it("says of a task with a key in a journal to run the program again, also when no one has waited for it", function()
    for _, ending in ipairs { "", "task:wait { timeout = 0 }", "error 'enough'" } do
      local said = child.run(KEPT .. [[
        local first = open()
        assert(first:generate(order "a")):wait { timeout = 0 }
        first:close()
        require("runway.ledger").told "paid-1" -- the program that made it has ended
        require("runway.ledger").release { id = "paid-1", provider = "runwayml" }
        local second = open()                 -- and was run again
        local task = assert(second:generate(order "a"))
        os.execute("rm -f " .. file .. "*")
      ]] .. ending)
      assert.matches('runway: task paid-1 (runwayml, not seen to its end) is paid for and not lost; to go on: run it '
        .. 'again, which goes on with it (its key is "a")', said, 1, true)
      assert.is_nil(said:find("client:task", 1, true))
    end
  end)

  it("names the journal of a task without a key in the command that goes on with it", function()
    local said = child.run(KEPT .. [[
      assert(open():generate(order(nil)))
      print(file)
      os.execute("rm -f " .. file .. "*")
    ]])
    local file = said:match "^[^\n]+"
    assert.matches(('client:task("paid-1"):wait(), or: runway task paid-1 --provider runwayml --journal %s -o FILE')
      :format(file), said, 1, true)
  end)

  it("names a command only where it leads to the task", function()
    for how, options in pairs {
      ["runway task paid-1 --provider runwayml --base-url https://api.x.test --allow-http -o FILE"] =
        [[base_url = "https://api.x.test/", allow_http = true]],
      [""] = [[provider = setmetatable({ name = "mine" }, { __index = runway.providers.runwayml })]],
    } do
      local said = child.run((PROGRAM:gsub("client {", "client { " .. options .. ",")) .. "assert(pay())")
      assert.matches('to go on: client:task("paid-1"):wait()' .. (how ~= "" and ", or: " .. how or ""), said, 1, true)
      assert.equal(how ~= "", said:find("runway task", 1, true) ~= nil)
    end
  end)

  it("tells of paid requests that have no answer yet", function()
    local said = child.run("SILENT = true\n" .. PROGRAM .. [[
      runway.spawn(pay)
      runway.spawn(pay)
      runway.step(0, math.huge)
      os.exit(0)
    ]])
    assert.matches("2 paid request(s) had no final answer yet", said, 1, true)
    assert.matches("a host steps until its jobs are done, then closes", said, 1, true) -- it has no script to end
  end)

  it("says nothing of a request that was turned away, and is to be made again", function()
    local said, code = child.run("BUSY = true " .. PROGRAM
      .. "runway.spawn(pay) runway.sleep(0.3) assert(made == 1) os.execute 'kill -TERM $PPID' runway.sleep(5)")
    assert.same({ nil, 143 }, { said:find "runway", code })
    said = child.run("BUSY, SILENT = true, true " .. PROGRAM:gsub("if SILENT", "if made > 1")
      .. "runway.spawn(pay) repeat runway.sleep(0.05) until made == 2 os.exit(0)") -- until it is
    assert.matches("1 paid request(s) had no final answer yet", said, 1, true)
  end)
end)

describe("the ledger", function()
  after_each(mocked.close)

  it("holds a task until it has ended, and a film while it is fetched", function()
    local client = mocked.client { SUBMIT, mocked.task "RUNNING", mocked.task "SUCCEEDED" }
    local task = assert(client:generate(clip()))
    assert.same({ "t1" }, open_ids())
    assert(task:refresh())
    assert.same({ "t1" }, open_ids())
    assert(task:wait())
    assert.same({}, open_ids())
  end)

  it("lets go of what failed and of what was cancelled", function()
    local client = mocked.client { SUBMIT, mocked.task("FAILED", { failure = "no" }), SUBMIT,
      { "DELETE /v1/tasks/t1", status = 204 } }
    assert.is_nil(assert(client:generate(clip())):wait())
    assert.same({}, open_ids())
    assert(assert(client:generate(clip())):cancel())
    assert.same({}, open_ids())
  end)

  it("keeps nothing of a call that ended without a task", function()
    local client = mocked.client {
      { "POST /v1/text_to_video", status = 400, json = { error = "no" } },
      { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "100" } },
    }
    assert.is_nil((client:generate(clip())))
    local job = runway.spawn(function() return client:generate(clip()) end)
    runway.sleep(10)
    job:cancel()
    job:join()
    assert.same({}, open_ids())
  end)
end)

describe("memory that is missing when a paid answer is read", function()
  after_each(mocked.close)

  -- The next `times` calls of a room's function find none.
  local function without_memory(room, name, times, words)
    local was = room[name]
    finally(function() room[name] = was end)
    room[name] = function(...)
      times = times - 1
      if times == 0 then room[name] = was end
      if times < 0 then return was(...) end   -- held by who tries again
      error(words or "not enough memory", 0)
    end
  end

  for _, how in ipairs { "a submit", "a raw request" } do
    it("loses no id, however long it is missing: " .. how, function()
      local client = mocked.client { how == "a submit" and SUBMIT or { "POST /v1/own", json = { id = "t1" } } }
      without_memory(answers, "of", 1)
      without_memory(ids, "in_answer", 20)
      local made, err
      if how == "a submit" then
        made, err = client:generate(clip())
      else
        made, err = client:request { method = "POST", path = "/v1/own", json = {} }
      end
      assert.is_nil(made)
      assert.same({ "limit", "memory", "t1", "yes" }, { err.kind, err.code, err.task_id, err.sent })
      ledger.release { provider = "runwayml", id = "t1" }
      assert.same({}, open_ids())
    end)
  end

  it("loses no id while its task and its error cannot be made, however a Lua says so", function()
    for _, words in ipairs { "not enough memory", "room.lua:1: not enough memory for buffer allocation" } do
      local client = mocked.client { SUBMIT }
      without_memory(answers, "of", 1, words)
      without_memory(errors, "new", 20, words)
      without_memory(tasks, "new", 20, words)
      local made, err = client:generate(clip())
      assert.is_nil(made)
      assert.same({ "limit", "memory", "t1", "yes" }, { err.kind, err.code, err.task_id, err.sent })
      assert.equal("t1", err.task.id)
      ledger.release { provider = "runwayml", id = "t1" }
      assert.same({}, open_ids())
    end
  end)

  it("takes back that a request may have left, which was never started", function()
    local receipt = { open = true, waiter = scheduler.waiter(), transport = { awaits = function() return false end } }
    assert.is_nil(ledger.await(receipt))
    assert.is_false(receipt.open)
  end)

  it("takes back that a request may have left, whose result says that it has not", function()
    local client, m = mocked.client { { "POST /v1/text_to_video", fault = "not_sent" } }
    local park, receipt = scheduler.park, ledger.receipt
    finally(function() scheduler.park, ledger.receipt = park, receipt end)
    local kept
    function ledger.receipt(...)
      kept = receipt(...)
      return kept
    end
    function scheduler.park(w)
      if kept and kept.waiter == w then
        scheduler.park = park
        park(w)
        error("not enough memory", 0)
      end
      return park(w)
    end
    local made, err = client:generate(clip())
    assert.is_nil(made)
    assert.same({ "limit", "memory", "no", false }, { err.kind, err.code, err.sent, kept.open })
    m:finish()
  end)

  it("lets the end of the program name what could not be read before", function()
    local said = child.run(PROGRAM .. [[
      local answers, ids = require "runway.answer", require "runway.ids"
      local in_answer, of = ids.in_answer, answers.of
      function ids.in_answer() error("not enough memory", 0) end
      answers.of = ids.in_answer
      print(pcall(pay))
      ids.in_answer, answers.of = in_answer, of
    ]])
    assert.matches("^false\tnot enough memory\n[^\n]*task paid%-1[^\n]*$", said)
  end)
end)

describe("Ctrl-C", function()
  after_each(mocked.close)

  -- Raises as lua.c's handler does, the first time `name` of the adapter is called.
  local function interrupting(adapter_name, list)
    local own = {}
    for name, value in pairs(runway.providers.runwayml) do own[name] = value end
    local was, done = own[adapter_name], false
    own[adapter_name] = function(...)
      if not done then
        done = true
        error("here: interrupted!", 0)
      end
      return was(...)
    end
    return mocked.client(list, { provider = own })
  end

  it("that comes while a paid answer is read names the task in it", function()
    local client = interrupting("accepted", { SUBMIT, SUBMIT, SUBMIT })
    local ok, err = pcall(client.generate, client, clip())
    assert.is_false(ok)
    assert.same({ "cancelled", "interrupted" }, { err.kind, err.code })
    assert.equal("t1", err.tasks[1].task_id)
    assert.equal("runwayml", err.tasks[1].provider)
    assert.equal("it ended: " .. tostring(err), "it ended: " .. err)
    local first, second = tostring(err):match "^([^\n]*)\n([^\n]*)$"
    assert.equal("here: interrupted!", first)
    assert.matches('task t1 (runwayml, PENDING) is paid for and not lost; to go on: client:task("t1"):wait()', second,
      1, true)
    ledger.release { provider = "runwayml", id = "t1" }
  end)

  it("tells an odd id as it is, and quoted for a shell", function()
    local line = ledger.lines({ { task_id = "../x?y='z'", provider = "runwayml", status = "PENDING" } })[1]
    assert.matches([[client:task("../x?y='z'"):wait(), or: runway task '../x?y='\''z'\''' --provider]], line, 1, true)
    line = ledger.lines({ { task_id = "-x", provider = "runwayml", status = "PENDING" } })[1]
    assert.matches("runway task --provider runwayml -o FILE -- -x", line, 1, true)
    line = ledger.lines({ { task_id = "https://x.test/a?secret=1", provider = "runwayml", status = "PENDING" } })[1]
    assert.is_nil(line:find("secret", 1, true))
  end)

  it("in a job ends the program's wait, and is not taken for the job's error", function()
    local client = interrupting("task", { SUBMIT, mocked.task "RUNNING" })
    local ok, err = pcall(runway.run, function()
      return assert(client:generate(clip())):wait()
    end)
    assert.is_false(ok)
    assert.matches("interrupted!", tostring(err), 1, true)
    runway.sleep(1)                           -- it is raised once
    ledger.release { provider = "runwayml", id = "t1" }
  end)

  it("ends all jobs with one error: to tell each of every task would take as many squared", function()
    local client = interrupting("task", { SUBMIT, mocked.task "RUNNING" })
    local seen, jobs = {}, {}
    local task = assert(client:generate(clip()))
    jobs[1] = runway.spawn(function() task:wait() end)
    for i = 1, 3 do
      jobs[i + 1] = runway.spawn(function()
        runway.sleep(1000)
        seen[i] = select(2, pcall(client.generate, client, clip()))
      end)
    end
    local awaited = runway.spawn(function()     -- keeps the interrupt back until the others have met it
      local w = scheduler.waiter()
      w.critical = true
      scheduler.at(scheduler.now() + 2000, function() w:wake() end)
      scheduler.park(w)
    end)
    runway.all(jobs)
    assert.is_false(pcall(awaited.join, awaited))
    assert.equal("t1", seen[1].tasks[1].task_id)
    assert.is_true(rawequal(seen[1], seen[2]) and rawequal(seen[2], seen[3]))
    ledger.release { provider = "runwayml", id = "t1" }
  end)

  it("is told with the script's place, with every task once, and not by jobs that it cut short", function()
    local program = PROGRAM .. [[
      local core, errors = require "runway.core", require "runway.errors"
      local wait = core.wait
      local function interrupt()              -- as a signal's hook does, within the loop
        core.wait = function() core.wait = wait error("interrupted!", 2) end
      end
      local tasks = { assert(pay()), assert(pay()) }
    ]]
    local last = select(2, program:gsub("\n", ""))
    local said = child.run(program .. "\ninterrupt() runway.sleep(1)")
    assert.matches((":%d: interrupted!\n"):format(last + 2), said, 1, true)
    assert.is_nil(said:find("scheduler.lua:%d+: interrupted"))
    for _, id in ipairs { "paid-1", "paid-2" } do
      local _, count = said:gsub("task " .. id:gsub("%-", "%%-") .. " %(", "")
      assert.equal(1, count, said)
    end
    said = child.run(program
      .. "\ninterrupt() local _, err = pcall(runway.sleep, 1) assert(err.tasks[2]) tostring(err)")
    assert.matches("runway: task paid-1 ", said, 1, true)

    said = child.run([[
      local runway, scheduler = require "runway", require "runway.scheduler"
      local errors = require "runway.errors"
      print(pcall(runway.all, {
        function() runway.sleep(0.01) error("here: interrupted!", 0) end,
        function()
          local w = scheduler.waiter()
          w.critical, w.stop = true, function(kind, message) w:wake(errors.new { kind = kind, message = message }) end
          error(scheduler.park(w))
        end,
      }))
      collectgarbage()
    ]])
    assert.equal("false\there: interrupted!", said)
  end)

  it("goes through every guard", function()
    assert.is_true(scheduler.is_interrupt "x: interrupted!")
    assert.is_false(scheduler.is_interrupt { message = "interrupted!" })
    assert.has_error(function() scheduler.try(error, "interrupted!", 0) end)
    assert.is_false((scheduler.try(error, "a bug", 0)))
  end)
end)
