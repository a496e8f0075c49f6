-- A frame is bounded: what a step hands out, and what it leaves to the next. Time is counted by a clock of the specs'
-- own: one second for each look at it, and a look after each piece of work.

local child = require "spec.support.child"
local core = require "runway.core"
local frame = require "runway.frame"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local transport = require "runway.transport"

describe("a step with a budget", function()
  local log, time, sources

  local function note(text) log[#log + 1] = text end
  local function trace() return table.concat(log, " ") end

  local function jobs(count)
    for i = 1, count do runway.spawn(note, "j" .. i) end
  end

  local function timers(count)
    for i = 1, count do scheduler.at(scheduler.now(), function() note("t" .. i) end) end
  end

  -- A source that has `count` pieces to hand out.
  local function source(name, count)
    local given = 0
    local made = { drain = function(over)
      while given < count do
        given = given + 1
        note(name .. given)
        if over() then return true end
      end
    end }
    sources[#sources + 1] = made
    scheduler.attach(made)
  end

  -- How often each of what was noted begins with each letter.
  local function counts()
    local of = {}
    for _, what in ipairs(log) do
      local kind = what:sub(1, 1)
      of[kind] = (of[kind] or 0) + 1
    end
    return of
  end

  before_each(function()
    log, time, sources = {}, 0, {}
    scheduler.freeze()
    frame.count_by(function()
      time = time + 1
      return time
    end)
  end)
  after_each(function()
    for _, made in ipairs(sources) do scheduler.detach(made) end
    runway.step(0, math.huge)
    frame.count_by(function() return 0 end)
    scheduler.thaw()
  end)

  it("hands out a piece for each second, and the rest in the steps that follow", function()
    jobs(7)
    runway.step(0, 3)
    assert.equal("j1 j2 j3", trace())
    runway.step(0, 2)
    assert.equal("j1 j2 j3 j4 j5", trace())
    runway.step(0, 100)
    assert.equal("j1 j2 j3 j4 j5 j6 j7", trace())
  end)

  it("of 0 hands out one piece", function()
    jobs(1)
    timers(1)
    source("s", 1)
    for done = 1, 3 do
      runway.step(0, 0)
      assert.equal(done, #log)
    end
  end)

  it("does a piece however long it takes, and then no more", function()
    runway.spawn(function() time = time + 1000 note "long" end)
    jobs(1)
    runway.step(0, 10)
    assert.equal("long", trace())
  end)

  it("of a millisecond is what a host has that says nothing of it", function()
    local looks = 0
    frame.count_by(function()
      looks = looks + 1
      return looks * 0.0001
    end)
    jobs(100)
    runway.step(0)
    assert.is_true(#log > 5 and #log <= 10, trace())
  end)

  for _, budget in ipairs { 1000, math.huge } do
    it("that is enough hands out all, in the order in which a turn has it: " .. budget, function()
      jobs(2)
      timers(2)
      source("s", 2)
      source("z", 2)
      runway.step(0, budget)
      assert.equal("s1 s2 z1 z2 t1 t2 j1 j2", trace())
    end)
  end

  it("keeps the order of each kind, wherever it cuts", function()
    for budget = 0, 12 do
      log = {}
      jobs(20)
      timers(20)
      source("s", 20)
      repeat runway.step(0, budget) until #log == 60
      local seen = {}
      for _, what in ipairs(log) do
        local kind, number = what:match "(%a)(%d+)"
        assert.equal((seen[kind] or 0) + 1, tonumber(number))
        seen[kind] = tonumber(number)
      end
    end
  end)

  for _, budget in ipairs { 0, 1, 5, 40 } do
    it("lets no kind starve beside floods of the others: " .. budget, function()
      source("s", math.huge)
      source("z", math.huge)
      local function again()
        note "t"
        if not log.over then scheduler.at(scheduler.now(), again) end
      end
      scheduler.at(scheduler.now(), again)
      scheduler.at(scheduler.now(), again)
      for _ = 1, 2 do
        runway.spawn(function()
          while not log.over do
            note "j"
            coroutine.yield()
          end
        end)
      end
      for _ = 1, 400 do runway.step(0, budget) end
      local of = counts()
      for _, kind in ipairs { "s", "z", "t", "j" } do
        assert.is_true((of[kind] or 0) >= 100, ("%s: %d of %d"):format(kind, of[kind] or 0, #log))
      end
      log.over = true
    end)
  end

  it("whose results wake jobs lets them go on while results still come", function()
    local woken = {}
    for i = 1, 10 do
      local w = scheduler.waiter()
      woken[i] = w
      runway.spawn(function() scheduler.park(w) note "j" end)
    end
    runway.step(0, math.huge)
    local given = 0
    sources[1] = { drain = function(over)
      while true do
        given = given + 1
        if woken[given] then woken[given]:wake() end
        if over() then return true end
      end
    end }
    scheduler.attach(sources[1])
    local steps = 0
    repeat
      runway.step(0, 2)
      steps = steps + 1
    until #log == 10 or steps > 100
    assert.is_true(steps < 40, steps)
  end)

  it("leaves timers that are made meanwhile to the next one, so that it ends on a clock that stands still", function()
    local function again() note "t" scheduler.at(scheduler.now() - 1, again) end
    local timer = scheduler.at(scheduler.now(), again)
    timers(1)
    for _, budget in ipairs { math.huge, 0, 0 } do runway.step(0, budget) end
    assert.equal("t t1 t t", trace())
    scheduler.cancel_timer(timer)
    again = function() end
    runway.step(0, math.huge)
    runway.step(0, math.huge)
  end)

  it("looks past timers that were cancelled, however many, a few at a time", function()
    local far, due = {}, {}
    for i = 1, 1000 do far[i] = scheduler.at(scheduler.now() + 1000, print) end
    for i = 1, 900 do due[i] = scheduler.at(scheduler.now(), print) end
    timers(1)
    for i = 1, 900 do scheduler.cancel_timer(due[i]) end
    local steps = 0
    repeat
      runway.step(0, 0)
      steps = steps + 1
    until #log == 1 or steps > 100
    assert.is_true(steps > 5 and steps < 20, steps)
    for i = 1, 1000 do scheduler.cancel_timer(far[i]) end
    runway.step(0, math.huge)
    assert.is_nil(runway.timeout())
  end)

  it("that left something has the next one wait for nothing", function()
    local wait, naps = core.wait, {}
    core.wait = function(seconds) -- luacheck: ignore 122
      naps[#naps + 1] = seconds
      return wait(0)
    end
    scheduler.thaw()
    jobs(2)
    timers(2)
    runway.step(5, 0)
    for _ = 1, 3 do
      assert.equal(0, runway.timeout())
      runway.step(5, 0)
    end
    runway.step(5, math.huge)                 -- whether that was all, only this one sees
    scheduler.freeze()
    core.wait = wait -- luacheck: ignore 122
    assert.same({ 0, 0, 0, 0, 0 }, naps)
    assert.equal(4, #log)
    assert.is_nil(runway.timeout())
  end)

  it("lets no virtual time pass while something is left", function()
    local began = scheduler.now()
    scheduler.at(began + 5, function() note "later" end)
    timers(2)
    for _ = 1, 2 do runway.step(100, 0) end
    assert.equal(began, scheduler.now())
    repeat runway.step(100, 0) until #log == 3
    assert.equal("t1 t2 later", trace())
    assert.equal(began + 5, scheduler.now())
  end)

  it("makes the descriptor readable as long as something is left, and no longer", function()
    assert(runway.pollfd())
    core.wait(0)
    jobs(2)
    runway.step(0, 0)
    assert.is_true(core.wait(0))
    runway.step(0, 0)
    assert.is_true(core.wait(0))              -- for all it knows
    runway.step(0, 0)
    assert.is_false(core.wait(0))
    scheduler.thaw()
    jobs(2)
    runway.step(0, 0)
    runway.step(0, math.huge)
    assert.is_false(core.wait(0))
    scheduler.freeze()
  end)

  it("makes it readable for what a host begins or ends between two steps", function()
    assert(runway.pollfd())
    runway.step(0, math.huge)
    assert.is_false(core.wait(0))
    local waits, joined
    local waiting = runway.spawn(function()
      waits = true
      runway.sleep(1e6)
    end)
    runway.spawn(function() joined = select(2, waiting:join()).kind end)
    assert.is_true(core.wait(0))
    runway.step(0, math.huge)
    assert.is_true(waits)
    assert.is_false(core.wait(0))
    waiting:cancel()
    assert.is_true(core.wait(0))
    runway.step(0, math.huge)
    assert.equal("cancelled", joined)
    assert.is_false(core.wait(0))
  end)

  it("has a host come back that sleeps at the descriptor, and looks at nothing else", function()
    local said, code = child.run [[
      local runway, uv = require "runway", require "luv"
      local poll, timer, turns = uv.new_poll(assert(runway.pollfd())), uv.new_timer(), 0
      local job = runway.spawn(function() for _ = 1, 20 do coroutine.yield() end end)
      local function turn()
        runway.step(0, 0)
        turns = turns + 1
        if job:done() then uv.stop() end
      end
      poll:start("r", turn)
      timer:start(60000, 0, uv.stop)          -- only ever spent by a host that sleeps on
      turn()
      uv.run()
      print(job:done(), turns)
      os.exit(0)
    ]]
    assert.same({ "true\t21", 0 }, { said, code })
  end)

  it("hands out what the engine has finished one by one", function()
    local files = scratch.new()
    local path, before = files:write("a", "text"), core.stats().finished
    for i = 1, 3 do transport:read(path, function(result) note(result.text .. i) end) end
    while core.stats().finished < before + 3 do core.wait(0.01) end
    for given = 1, 3 do
      runway.step(0, 0)
      assert.equal(given, #log)
    end
    files:remove()
  end)

  it("has the sandbox answer one request after another", function()
    local server = assert(sandbox.start {})
    local listener, asked, answered = server.listener, { 1, 2, 3 }, 0
    server.listener = {
      take = function()
        local id = table.remove(asked, 1)
        return id and { id = id, method = "GET", path = "/", query = "", headers = {}, body = "" } or nil
      end,
      respond = function() answered = answered + 1 end,
    }
    for count = 1, 3 do
      runway.step(0, 0)
      assert.equal(count, answered)
    end
    server.listener = listener
    server:close()
  end)

  describe("cuts what breathes now and then, as the reading of long JSON does,", function()
    local function breathing()
      return runway.spawn(function()
        for i = 1, 9 do
          note("p" .. i)
          scheduler.breathe()
        end
      end)
    end

    it("where its time is used up", function()
      breathing()
      for steps = 1, 9 do
        runway.step(0, 4)
        assert.is_true(#log <= 4 * steps)
        if steps == 1 then assert.is_true(#log > 1 and #log < 5, trace()) end
      end
      assert.equal("p1 p2 p3 p4 p5 p6 p7 p8 p9", trace())
    end)

    it("and not before", function()
      breathing()
      runway.step(0, math.huge)
      assert.equal(9, #log)
    end)

    it("and in a wait always, so that others have their turns", function()
      local job = breathing()
      runway.spawn(function()
        for _ = 1, 3 do
          note "j"
          coroutine.yield()
        end
      end)
      job:join()
      assert.matches("^p1 j ", trace())
      assert.equal(12, #log)
    end)
  end)

  it("goes on behind a callback that raises, and behind one that lacked memory, which is called again", function()
    local stderr = io.stderr
    io.stderr = { write = function() end } -- luacheck: ignore 122
    local lacked = false
    scheduler.at(scheduler.now(), function() error "broken" end)
    scheduler.at(scheduler.now(), function()
      if lacked then return note "again" end
      lacked = true
      error("not enough memory", 0)
    end)
    timers(1)
    for _ = 1, 6 do runway.step(0, 0) end
    io.stderr = stderr -- luacheck: ignore 122
    assert.equal("t1 again", trace())
  end)

  for _, ending in ipairs { "os.exit(7, true)", "runway, core = nil collectgarbage() os.exit(7, true)" } do
    it("may have left anything where the program ends: " .. ending, function()
      local said, code = child.run([[
        local core, runway = require "runway.core", require "runway"
        local transport = require "runway.transport"
        for _ = 1, 50 do transport:read("/etc/hostname", function() end) end
        while core.stats().finished < 50 do core.wait(0.01) end
        for _ = 1, 1000 do
          runway.spawn(runway.sleep, 0)
          runway.spawn(function() while true do coroutine.yield() end end)
        end
        for _ = 1, 200 do runway.step(0, 0) end
      ]] .. ending)
      assert.same({ "", 7 }, { said, code })
    end)
  end

  it("is none of a wait's: that takes all there is, and looks at no clock", function()
    jobs(50)
    timers(50)
    runway.step(0, 0)
    frame.count_by(function() error "looked" end)
    runway.spawn(function() runway.sleep(1) end):join()
    assert.equal(100, #log)
  end)

  it("takes a number of seconds, and else raises where it was called", function()
    for _, budget in ipairs { -1, 0 / 0, "0", {}, false } do
      local ok, message = pcall(function() runway.step(0, budget) end)
      assert.is_false(ok)
      assert.matches("frame_spec.lua:%d+: step takes a budget of seconds", message)
    end
  end)
end)
