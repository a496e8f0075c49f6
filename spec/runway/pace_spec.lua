-- When a task is asked about: seldom while its end is far away, often when it is near. On a virtual clock, with runs of
-- 30 to 300 seconds, whose shapes are those of real ones.

local core = require "runway.core"
local journal = require "runway.journal"
local mocked = require "spec.support.mocked"
local poll = require "runway.poll"
local retry = require "runway.retry"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

-- What a run of so many seconds shows of its progress after `t` of them; it begins some seconds after the submit.
local SHAPES = {
  even = function(share) return math.floor(share * 100) / 100 end,
  slow_at_both_ends = function(share) return math.floor(share * share * (3 - 2 * share) * 100) / 100 end,
  stuck_at_its_end = function(share) return math.min(0.95, math.floor(share / 0.8 * 95) / 100) end,
  untold = function() return nil end,
  hardly = function() return 0.1 end,
}

describe("a task that is waited for", function()
  local random, seed

  before_each(function()
    random, seed = retry.random, 12345
    retry.random = function()
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed / 2147483648
    end
  end)
  after_each(function()
    retry.random = random
    mocked.close()
  end)

  local made                                  -- how long the next task takes, and its shape
  local asked, ended_at

  local function provider(options)
    local begun, id = {}, 0
    return (mocked.client(function(request)
      if request.method == "POST" then
        id = id + 1
        begun["task-" .. id] = { at = scheduler.now(), takes = made.takes, shape = SHAPES[made.shape],
          queue = made.queue or 0 }
        return { json = { id = "task-" .. id } }
      end
      local one = begun[request.path:match "[^/]+$"]
      asked = asked + 1
      local elapsed = scheduler.now() - one.at - one.queue
      ended_at = one.at + one.queue + one.takes
      if elapsed >= one.takes then return { json = { id = "x", status = "SUCCEEDED", output = { mocked.OUTPUT } } } end
      if elapsed < 0 then return { json = { id = "x", status = "THROTTLED" } } end
      local share = math.max(0, elapsed - 4) / (one.takes - 4)
      return { json = { id = "x", status = "RUNNING", progress = one.shape(share) } }
    end, options))
  end

  -- How late its end was seen, and how often it was asked about.
  local function wait(client, takes, shape, more)
    made, asked = { takes = takes, shape = shape, queue = more and more.queue }, 0
    local task = assert(client:generate(mocked.clip { key = more and more.key }))
    assert(task:wait())
    return scheduler.now() - ended_at, asked
  end

  local function mean(n, fn)
    local late, polls = 0, 0
    for i = 1, n do
      local l, p = fn(i)
      late, polls = late + l, polls + p
    end
    return late / n, polls / n
  end

  -- As runs of one model and length differ: by some percent.
  local function about(seconds) return seconds * (1 + 0.16 * (retry.random() + retry.random() - 1)) end

  for shape, most in pairs { even = 8, slow_at_both_ends = 8.5, stuck_at_its_end = 10.5 } do
    it("is seen to end within 3 seconds in the mean, where its progress is told: " .. shape, function()
      local client = provider()
      local late = mean(300, function() return wait(client, 30 + 270 * retry.random(), shape) end)
      assert.is_true(late <= 3, late)
      local _, polls = mean(100, function() return wait(client, 120, shape) end)
      assert.is_true(polls <= most, polls)
    end)
  end

  it("is seen to end so, and asked about so often, where only earlier ones tell how long it takes", function()
    local late = mean(80, function()
      local client, takes = provider(), 30 + 270 * retry.random()
      for _ = 1, 20 do wait(client, about(takes), "untold") end
      return mean(10, function() return wait(client, about(takes), "untold") end)
    end)
    assert.is_true(late <= 3, late)
    local client = provider()
    for _ = 1, 20 do wait(client, about(120), "untold") end
    local _, polls = mean(100, function() return wait(client, about(120), "untold") end)
    assert.is_true(polls <= 8, polls)
  end)

  it("is asked about as before where nothing is known", function()
    local late, polls = wait(provider(), 120, "untold")
    assert.is_true(late <= 11 and polls >= 16, polls)
  end)

  it("does not count the time that it stood in a queue", function()
    local client = provider()
    for _ = 1, 5 do wait(client, 130, "untold", { queue = 600 }) end
    local late, polls = wait(client, 130, "untold")
    assert.is_true(late <= 6 and polls <= 8, late)
  end)

  it("counts for those to come once, however often it is looked at", function()
    local client = provider()
    for _ = 1, 3 do wait(client, 130, "untold") end
    local ended = assert(client:generate(mocked.clip()))
    assert(ended:wait())
    runway.sleep(1000)
    for _ = 1, 20 do assert(ended:refresh()) end
    local late = wait(client, 130, "untold")
    assert.is_true(late <= 6, late)
  end)

  it("is asked about never more often than its provider allows, and as often as the user says", function()
    local last, least = -math.huge, math.huge
    local client = mocked.client(function(request)
      if request.method == "POST" then return { json = { id = "t" } } end
      least, last = math.min(least, scheduler.now() - last), scheduler.now()
      return { json = { id = "t", status = scheduler.now() > 2000 and "SUCCEEDED" or "RUNNING", progress = 0.99,
        output = { mocked.OUTPUT } } }
    end)
    assert(assert(client:generate(mocked.clip())):wait())
    assert.is_true(least >= 5, least)
    local _, polls = wait(provider { poll_interval = 30 }, 120, "even")
    assert.equal(4, polls)
  end)

  it("is asked once more just before the wait is over, where its next look would be later", function()
    for _, options in ipairs { {}, { poll_interval = 300 } } do
      made, asked = { takes = 38, shape = "hardly" }, 0
      local task = assert(provider(options):generate(mocked.clip()))
      assert(task:wait { timeout = 40 })
      assert.is_true(asked <= 4, asked)
    end
  end)

  it("is not asked about in step with others", function()
    local client, times, began = provider { max_in_flight = 1000 }, {}, scheduler.now()
    made, asked = { takes = 120, shape = "even" }, 0
    runway.run(function()
      local list = {}
      for i = 1, 200 do
        list[i] = function()
          return assert(client:generate(mocked.clip())):wait { on_progress = function()
            local second = math.floor(scheduler.now() - began)
            times[second] = (times[second] or 0) + 1
          end }
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    local most, looks = 0, 0
    for second, count in pairs(times) do
      if second > 60 and second < 119 then most, looks = math.max(most, count), looks + count end
    end
    assert.is_true(looks > 400 and most < looks / 8, most .. " of " .. looks)
  end)

  it("is asked about by what earlier programs have seen, where there is a journal", function()
    local here, wall_ms = scratch.new(), core.wall_ms
    finally(function()
      core.wall_ms = wall_ms
      here:remove()
    end)
    core.wall_ms = function() return math.floor(scheduler.now() * 1000) end
    for program = 1, 2 do
      local j = assert(journal.open(here:path "shots.db"))
      local client = provider { journal = j }
      local polls
      for i = 1, 4 do
        polls = polls or select(2, wait(client, 120, "untold", { key = program .. "-" .. i }))
      end
      assert.is_true(program == 1 and polls > 12 or program == 2 and polls <= 8, polls)
      j:close()
      mocked.close()
    end
  end)
end)

describe("poll.left", function()
  it("is nothing, where nothing is known, and for one that takes far longer than all", function()
    assert.is_nil(poll.left(30, nil, {}))
    assert.is_nil(poll.left(30, 0, {}))
    assert.is_nil(poll.left(200, nil, { 90, 100 }))
    assert.equal(0, poll.left(101, nil, { 90, 100 }))
    assert.equal(0, poll.left(100, 1, {}))
  end)
end)
