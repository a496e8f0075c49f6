-- The one clock and its timers.

local chance = require "spec.support.chance"
local clock = require "runway.clock"

describe("runway.clock", function()
  before_each(clock.freeze)
  after_each(clock.thaw)

  -- Lets time go to the next timer, and calls all that are due.
  local function run()
    while true do
      local pause = clock.pause()
      if not pause then return end
      clock.jump(pause)
      for fn in clock.due, clock.now() do fn() end
    end
  end

  it("goes forward only, and goes on where it was after it stood still", function()
    local before = clock.now()
    clock.jump(1000)
    assert.equal(before + 1000, clock.now())
    clock.thaw()
    assert.is_false(clock.is_frozen())
    assert.is_true(clock.now() >= before + 1000)
    clock.freeze()
    assert.is_true(clock.now() >= before + 1000)
  end)

  it("goes in steps that are added and subtracted exactly, while it stands still", function()
    local next_one = chance.of(7)
    for _ = 1, 10000 do
      local odd = next_one(1000000007) / 1e9
      local before, seen = clock.now(), nil
      clock.at(before + odd, function() seen = clock.now() - before end)
      run()
      assert.is_true(math.abs(seen - odd) < 2e-6)
      before = clock.now()
      clock.at(before + 300, function() seen = clock.now() - before end)
      run()
      assert.equal(300, seen)
      clock.jump(odd)
    end
  end)

  it("stands still until the last who stopped it lets it go", function()
    clock.freeze()
    clock.thaw()
    assert.is_true(clock.is_frozen())
    assert.equal(clock.now(), clock.now())
  end)

  it("fires timers by their time, those of the same time in the order they were set", function()
    local random, fired, expected, now = 7, {}, {}, clock.now()
    for i = 1, 500 do
      random = (random * 16807) % 2147483647
      local at = random % 50
      expected[i] = { at = at, i = i }
      clock.at(now + at, function() fired[#fired + 1] = i end)
    end
    table.sort(expected, function(a, b) return a.at < b.at or a.at == b.at and a.i < b.i end)
    run()
    for i = 1, 500 do assert.equal(expected[i].i, fired[i]) end
  end)

  it("fires nothing before its time", function()
    local fired = false
    local timer = clock.at(clock.now() + 10, function() fired = true end)
    clock.jump(9.99)
    assert.is_nil(clock.due(clock.now()))
    assert.is_false(fired)
    clock.cancel(timer)
    assert.is_nil(clock.pause())
  end)

  it("a cancelled timer never fires, and a thousand of them hold nothing", function()
    local kept, fired = setmetatable({}, { __mode = "k" }), 0
    local timers = {}
    for i = 1, 1000 do
      local held = {}
      kept[held] = true
      timers[i] = clock.at(clock.now() + i, function() fired = fired + 1 return held end)
    end
    for i = 1, 1000 do if i % 10 ~= 0 then clock.cancel(timers[i]) clock.cancel(timers[i]) end end
    timers = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    local alive = 0
    for _ in pairs(kept) do alive = alive + 1 end
    assert.equal(100, alive)
    run()
    assert.equal(100, fired)
  end)

  it("a timer may be cancelled after it fired, and nil may be", function()
    local timer = clock.at(clock.now(), function() end)
    run()
    clock.cancel(timer)
    clock.cancel(nil)
    assert.is_nil(clock.pause())
  end)

  it("takes no time that a double cannot count", function()
    local timer = clock.at(math.huge, function() end)
    assert.is_true(clock.pause() <= 1e9)
    clock.cancel(timer)
  end)
end)
