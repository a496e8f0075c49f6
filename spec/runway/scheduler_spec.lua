local child = require "spec.support.child"
local errors = require "runway.errors"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"

-- A timer that is far away: what waits for it does not end by itself.
local FAR = 1e6

describe("the scheduler", function()
  local log

  local function note(text)
    log[#log + 1] = text
  end

  local function trace()
    return table.concat(log, " ")
  end

  before_each(function()
    log = {}
    scheduler.freeze()                        -- no spec here waits for real
  end)
  after_each(function()
    scheduler.thaw()
    mocked.close()
  end)

  describe("a job", function()
    it("begins in the next step, not in spawn", function()
      local job = runway.spawn(note, "ran")
      assert.equal("", trace())
      assert.is_false(job:done())
      runway.step(0)
      assert.equal("ran", trace())
      assert.is_true(job:done())
    end)

    it("gets its arguments and gives back its values, nils and all", function()
      local job = runway.spawn(function(...) return select("#", ...), ... end, nil, "b", nil)
      local n, a, b, c = job:join()
      assert.same({ 3, nil, "b", nil }, { n, a, b, c })
      assert.equal(4, select("#", job:join()))
    end)

    it("can be joined from the main program, from jobs, twice, and after its end", function()
      local job = runway.spawn(function() runway.sleep(1) return "value" end)
      local other = runway.spawn(function() return "job " .. job:join() end)
      assert.equal("value", job:join())
      assert.equal("value", job:join())
      assert.equal("job value", other:join())
    end)

    it("that returns nothing makes join give true, so that it can be asserted", function()
      local job = runway.spawn(function() end)
      assert.same({ n = 1, true }, table.pack(job:join()))
      assert.same({ n = 1 }, table.pack(runway.spawn(function() return nil end):join()))
      assert.same({ n = 0 }, table.pack(runway.run(function() end)))
      assert.same({ true }, (runway.all { function() end }))
    end)

    it("that raises makes join give nil and an error with its traceback", function()
      local function deep() error "broken" end
      local value, err = runway.spawn(function() deep() end):join()
      assert.is_nil(value)
      assert.is_true(errors.is(err))
      assert.truthy(err.message:find("scheduler_spec.lua:%d+: broken"))
      assert.truthy(err.traceback:find("deep", 1, true))
      assert.is_nil(err.kind)
    end)

    it("that raises a table keeps it", function()
      local raised = { my = "own" }
      local _, err = runway.spawn(function() error(raised) end):join()
      assert.equal(raised, err.value)
      assert.equal('{ my = "own" }', err.message)
      assert.matches('^{ my = "own" }\nstack traceback:', err.traceback)
      local mine = errors.new { kind = "io", message = "disk full" }
      _, err = runway.spawn(function() error(mine) end):join()
      assert.equal(mine, err)
      assert.equal("io", err.kind)
      assert.equal("string", type(err.traceback))
    end)

    it("that raises does not stop the others", function()
      local bad = runway.spawn(error, "bad")
      local good = runway.spawn(function() runway.sleep(1) return "good" end)
      assert.equal("good", good:join())
      assert.is_nil((bad:join()))
    end)

    it("that raises and is joined by no one is heard of all the same", function()
      local said, code = child.run [[
        local runway = require "runway"
        runway.spawn(function() error "nobody asked" end)
        local job = runway.spawn(function() error "asked for" end)
        job:join()
        job = nil
        collectgarbage()
      ]]
      assert.equal(0, code)
      assert.matches("nobody asked\nstack traceback:", said)
      assert.not_matches("asked for", said)
    end)

    it("whose end is broken in on, by a hook of the host's say, ends in the next step with what it raised", function()
      local job = runway.spawn(function()
        local times = 0
        scheduler.note("spec", function()
          times = times + 1
          if times == 1 then error("out of time", 0) end
        end)
        error("its own", 0)
      end)
      assert.has_error(function() runway.step(0) end, "out of time")
      assert.is_false(job:done())
      runway.step(0)
      local _, err = job:join()
      assert.matches("^its own", err.message)
    end)

    it("whose values something breaks in on ends in the next step with what did", function()
      local host
      local job = runway.spawn(function()
        debug.sethook(host, function()
          debug.sethook(host)
          error("out of time", 0)
        end, "c")
        return "its own"
      end)
      assert.has_error(coroutine.wrap(function()
        host = coroutine.running()
        runway.step(0)
      end), "out of time")
      assert.is_false(job:done())
      runway.step(0)
      local value, err = job:join()
      assert.is_nil(value)
      assert.matches("^out of time", err.message)
    end)

    it("may yield of its own: others run, then it goes on", function()
      local a = runway.spawn(function()
        for i = 1, 3 do note("a" .. i) coroutine.yield() end
        return "end of a"
      end)
      runway.spawn(function() for i = 1, 3 do note("b" .. i) coroutine.yield "anything" end end)
      assert.equal("end of a", a:join())
      assert.equal("a1 b1 a2 b2 a3 b3", trace())
    end)

    it("may hold coroutines of its own, which block only it", function()
      local job = runway.spawn(function()
        local inner = coroutine.wrap(function()
          runway.sleep(1)
          coroutine.yield "one"
          runway.sleep(1)
          return "two"
        end)
        note(inner())
        note(inner())
      end)
      job:join()
      assert.equal("one two", trace())
    end)

    it("may wait where Lua cannot yield", function()
      local text = runway.run(function()
        return (("abc"):gsub("%w", function(letter)
          runway.sleep(1)
          return letter:upper()
        end))
      end)
      assert.equal("ABC", text)
    end)

    it("is refused when it is not a function", function()
      for _, name in ipairs { "spawn", "run" } do
        local ok, message = pcall(function() runway[name] "text" end)
        assert.is_false(ok)
        assert.truthy(message:find("scheduler_spec.lua:%d+: " .. name .. " takes a function, not string"))
      end
    end)
  end)

  describe("job:cancel", function()
    it("ends a job that waits, and says so to who joins", function()
      local job = runway.spawn(function() note "begun" runway.sleep(FAR) note "never" end)
      runway.step(0)
      assert.is_true(job:cancel())
      assert.is_true(job:done())
      local value, err = job:join()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      assert.equal("begun", trace())
    end)

    it("ends a job that has not begun, before it does anything", function()
      local job = runway.spawn(note, "never")
      job:cancel()
      runway.step(0)
      assert.equal("", trace())
      assert.equal("cancelled", select(2, job:join()).kind)
    end)

    it("ends the job that calls it where it waits next", function()
      local job
      job = runway.spawn(function()
        job:cancel()
        note "still here"
        runway.sleep(1)
        note "never"
      end)
      assert.equal("cancelled", select(2, job:join()).kind)
      assert.equal("still here", trace())
    end)

    it("closes what the job was to close", function()
      local closing = setmetatable({}, { __close = function() note "closed" end })
      local holds = load [[
        local closing, sleep = ...
        local held <close> = closing
        sleep(1e6)
      ]]
      if not holds then return pending "needs Lua 5.4" end
      local job = runway.spawn(holds, closing, runway.sleep)
      runway.step(0)
      job:cancel()
      assert.equal("closed", trace())
    end)

    it("is not needed where someone closes the coroutine of a job that waits: it ends in the next step", function()
      if not coroutine.close then return pending "this Lua closes no coroutines" end
      local co
      local job = runway.spawn(function()
        co = coroutine.running()
        runway.sleep(FAR)
      end)
      local joined = runway.spawn(function() return select(2, job:join()).kind end)
      runway.step(0)
      assert.is_true(coroutine.close(co))
      assert.equal(0, runway.timeout())
      runway.step(0)
      assert.is_true(job:done())
      runway.step(0)
      assert.equal("cancelled", joined:join())
      assert.is_nil(runway.timeout())         -- its timer has gone
    end)

    it("says whether there was something to cancel", function()
      local job = runway.spawn(function() return "value" end)
      runway.step(0)
      assert.is_false(job:cancel())
      assert.equal("value", job:join())
    end)

    it("leaves its timers behind to nobody", function()
      local job = runway.spawn(runway.sleep, FAR)
      runway.step(0)
      job:cancel()
      assert.is_nil(runway.timeout())
    end)

    it("does not end a job that waits for a paid answer until the answer is there", function()
      local w = scheduler.waiter()
      w.critical = true
      local job = runway.spawn(function()
        note(scheduler.park(w))
        runway.sleep(1)
        note "never"
      end)
      runway.step(0)
      job:cancel()
      assert.is_false(job:done())
      w:wake "the id"
      assert.equal("cancelled", select(2, job:join()).kind)
      assert.equal("the id", trace())
    end)
  end)

  describe("sleep", function()
    it("wakes in the order of the clock, and in the order of asking for the same moment", function()
      local jobs = {}
      for i, seconds in ipairs { 3, 1, 2, 1, 0 } do
        jobs[i] = runway.spawn(function() runway.sleep(seconds) note(seconds .. "#" .. i) end)
      end
      runway.all(jobs)
      assert.equal("0#5 1#2 1#4 2#3 3#1", trace())
    end)

    it("keeps ten thousand sleepers in order", function()
      local last, jobs = 0, {}
      for i = 1, 10000 do
        local seconds = (i * 7919) % 10007
        jobs[i] = runway.spawn(function()
          runway.sleep(seconds)
          assert(seconds >= last, "out of order")
          last = seconds
        end)
      end
      local _, failures = runway.all(jobs)
      assert.is_nil(failures)
    end)

    it("blocks the main program while jobs go on", function()
      runway.spawn(function() runway.sleep(1) note "job" end)
      runway.sleep(2)
      assert.equal("job", trace())
    end)

    it("takes a number", function()
      for _, v in ipairs { "1", 0 / 0, {} } do
        local ok, message = pcall(function() runway.sleep(v) end)
        assert.is_false(ok)
        assert.truthy(message:find "scheduler_spec.lua:%d+: sleep takes a number")
      end
      runway.sleep(-1)
    end)
  end)

  describe("step", function()
    it("with 0 comes to an end in a loop of frames, on a virtual clock too", function()
      local job = runway.spawn(function() note "a" runway.sleep(1000) note "b" end)
      local frames = 0
      while not job:done() do
        runway.step(0)
        frames = frames + 1
        assert.is_true(frames < 10)
      end
      assert.equal("a b", trace())
    end)

    it("moves a virtual clock no further than it was told to wait", function()
      runway.spawn(function() note "a" runway.sleep(1000) note "b" end)
      runway.step(0)
      local began = scheduler.now()
      runway.step(10)
      assert.equal(began + 10, scheduler.now())
      assert.equal("a", trace())
    end)

    it("lets a job that is ready again wait for the next step, so that no frame is endless", function()
      local job = runway.spawn(function() while true do note "x" coroutine.yield() end end)
      runway.step(0)
      runway.step(0)
      assert.equal("x x", trace())
      job:cancel()
    end)

    it("without a bound returns when there is nothing to wait for", function()
      assert.is_true(runway.step())
    end)

    it("is refused inside a step", function()
      local _, err = runway.spawn(function() runway.step(0) end):join()
      assert.truthy(err.message:find "step was called inside a step")
      runway.step(0)                          -- and works again after it
    end)

    describe("never waits for a wait that cannot yield to it:", function()
      local elsewhere = {
        ["below a function of C"] = function(wait) ("a"):gsub("a", wait) end,
        ["in a comparator"] = function(wait) table.sort({ 1, 2 }, wait) end,
        ["in a module that is loaded"] = function(wait)
          package.preload["spec.waits"] = wait
          require "spec.waits"
        end,
        ["in a coroutine of the job's own"] = function(wait) coroutine.wrap(wait)() end,
      }

      local function frames(job)
        for _ = 1, 3 do runway.step(0) end
        assert.is_true(job:done())
        return job:join()
      end

      for where, call in pairs(elsewhere) do
        it("it is an error at its line " .. where, function()
          local began = scheduler.now()
          local value, err = frames(runway.spawn(call, function() runway.sleep(FAR) end))
          package.preload["spec.waits"] = nil
          assert.is_nil(value)
          assert.matches("scheduler_spec.lua:%d+: a wait cannot yield here, and would hold up the host's step",
            err.message)
          assert.equal(began, scheduler.now())
        end)
      end

      it("also in a callback, which is told of it", function()
        local ok
        scheduler.at(scheduler.now(), function() ok = pcall(runway.sleep, FAR) end)
        runway.step(0)
        assert.is_false(ok)
      end)

      it("nothing is sent for it, and nothing is held back", function()
        local client, mock = mocked.client({ mocked.SUBMIT, mocked.task "SUCCEEDED" }, { budget = 60 })
        local function generate() return client:generate(mocked.clip()) end
        local _, err = frames(runway.spawn(function() return (("a"):gsub("a", generate)) end))
        assert.matches("a wait cannot yield here", err.message)
        assert.equal(0, #mock.requests)
        assert.equal(0, client:spent().reserved)
        assert.equal("t1", assert(runway.run(generate)).id)
      end)

      it("a main program that waits lets it wait, also after a step", function()
        runway.step(0)
        local job = runway.spawn(function()
          return (("abc"):gsub("%w", function(letter)
            runway.sleep(1)
            return letter:upper()
          end))
        end)
        assert.equal("ABC", job:join())
      end)
    end)

    it("takes a number of seconds", function()
      for _, v in ipairs { -1, 0 / 0, "0" } do
        local ok, message = pcall(function() runway.step(v) end)
        assert.is_false(ok)
        assert.truthy(message:find "scheduler_spec.lua:%d+: step takes a number of seconds")
      end
    end)

    it("goes on after an error in a callback, and says so on stderr", function()
      local stderr = io.stderr
      local said = ""
      io.stderr = { write = function(_, ...) said = said .. table.concat { ... } end } -- luacheck: ignore 122
      scheduler.at(scheduler.now(), function() error "in a timer" end)
      scheduler.at(scheduler.now(), function() note "the next" end)
      runway.step(0)
      io.stderr = stderr -- luacheck: ignore 122
      assert.equal("the next", trace())
      assert.truthy(said:find "in a timer")
    end)
  end)

  describe("a host's own loop", function()
    it("learns when to call step: now, later, or never", function()
      assert.is_nil(runway.timeout())
      local job = runway.spawn(runway.sleep, 5000)
      assert.equal(0, runway.timeout())
      runway.step(0)
      scheduler.thaw()
      local seconds = runway.timeout()
      scheduler.freeze()
      assert.is_true(seconds > 4000 and seconds <= 5000)
      job:cancel()
    end)

    it("gets a descriptor to wait on", function()
      assert.equal("integer", math.type(runway.pollfd()))
      assert.equal("r", runway.events())
    end)

    it("is told when there is none, and not raised at", function()
      local said = child.run([[
        local runway = require "runway"
        local pollfd, sandbox = runway.pollfd, require "runway.sandbox"
        require "runway.listener"
        local taken = {}
        for i = 1, 1000 do taken[i] = io.open "/dev/null" end
        print(pollfd())
        print(sandbox.start { port = 0 })
        print(runway.step(0))
      ]], { before = "ulimit -n 40;" })
      local why = "no file descriptors left for the engine\n"
      assert.equal("nil\tlimit: " .. why .. "nil\t" .. why .. "true", said)
    end)
  end)

  describe("what can never happen", function()
    it("is an error and not a hang", function()
      local job = runway.spawn(function() return scheduler.park(scheduler.waiter()) end)
      local ok, message = pcall(job.join, job)
      assert.is_false(ok)
      assert.truthy(tostring(message):find "waiting for something that cannot happen")
      job:cancel()
    end)

    for what, call in pairs {
      itself = function(join) join() end,
      ["a coroutine of its own"] = function(join) coroutine.wrap(join)() end,
      ["a callback"] = function(join)
        scheduler.guard(function()
          local _, err = pcall(join)
          error(err, 0)
        end)
        error("told", 0)
      end,
    } do
      it("is told at the line where a job joins itself, in " .. what, function()
        local stderr, said = io.stderr, ""
        io.stderr = { write = function(_, ...) said = said .. table.concat { ... } end } -- luacheck: ignore 122
        local job
        job = runway.spawn(call, function() job:join() end)
        for _ = 1, 3 do runway.step(0) end
        io.stderr = stderr -- luacheck: ignore 122
        assert.is_true(job:done())
        local _, err = job:join()
        assert.matches("scheduler_spec.lua:%d+: join was called in the job itself", err.message .. said)
      end)
    end
  end)

  describe("the virtual clock", function()
    it("jumps over what is waited for, and goes on from there when it is real again", function()
      local began, real = scheduler.now(), os.clock()
      runway.sleep(3600)
      assert.equal(began + 3600, scheduler.now())
      assert.is_true(os.clock() - real < 1)
      scheduler.thaw()
      local after = scheduler.now()
      assert.is_true(after >= began + 3600 and after < began + 3700)
      assert.is_true(scheduler.now() >= after)
      scheduler.freeze()
    end)

    it("stands still while anything runs", function()
      local began = scheduler.now()
      local sum = 0
      for i = 1, 1e5 do sum = sum + i end
      assert.equal(began, scheduler.now())
    end)

    it("nests: the last to thaw lets it go on", function()
      scheduler.freeze()
      scheduler.thaw()
      local began = scheduler.now()
      runway.sleep(10)
      assert.equal(began + 10, scheduler.now())
    end)
  end)

  it("forgets a timer that was cancelled", function()
    local timer = scheduler.at(scheduler.now() + 1, function() note "never" end)
    scheduler.cancel_timer(timer)
    scheduler.cancel_timer(nil)
    assert.is_nil(runway.timeout())
    runway.sleep(2)
    assert.equal("", trace())
  end)

  it("asks every source in every turn, until it is detached", function()
    local source = { drain = function() note "drained" end }
    scheduler.attach(source)
    runway.step(0)
    scheduler.detach(source)
    runway.step(0)
    assert.equal("drained", trace())
  end)

  it("has one source of a name: a room that is loaded once more takes its own place", function()
    local first = { name = "room", drain = function() note "first" end }
    local second = { name = "room", drain = function() note "second" end }
    scheduler.attach(first)
    scheduler.attach(second)
    runway.step(0)
    scheduler.detach(second)
    runway.step(0)
    assert.equal("second", trace())
  end)

  it("lets ended jobs be collected", function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 100 do
      local job = runway.spawn(function() runway.sleep(1) end)
      weak[job] = true
      job:join()
    end
    collectgarbage()
    collectgarbage()
    assert.is_true((next(weak, next(weak))) == nil)
  end)
end)
