-- How many submits of a client are on their way at once: twice as many as may be in flight, the others in line.

local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local targets = require "runway.targets"

local clip = mocked.clip

describe("submits beside one another", function()
  local client, m

  after_each(mocked.close)

  -- A provider whose answers take a second, and a client with two submits on their way.
  local function open(options)
    options = options or {}
    options.max_in_flight = 1
    client, m = mocked.client(function(request)
      return { delay = 1, json = { id = request.json.promptText } }
    end, options)
  end

  local function begin(name, more)
    more = more or {}
    more.prompt_text = name
    return runway.spawn(client.generate, client, clip(more))
  end

  local function ids(jobs)
    local list = {}
    for i, job in ipairs(jobs) do list[i] = (assert(job:join())).id end
    return list
  end

  it("are all made, in the order in which they came", function()
    open()
    local jobs = {}
    for i = 1, 20 do jobs[i] = begin("t" .. i) end
    assert.equal("t20", ids(jobs)[20])
    for i, request in ipairs(m.requests) do assert.equal("t" .. i, request.json.promptText) end
    assert.equal(20, #m.requests)
  end)

  it("are given up in line by their deadline, their job's cancel and the client's end, with nothing sent", function()
    open()
    local jobs = { begin "a", begin "b", begin("late", { deadline = 0.5 }), begin "cancelled", begin "c", begin "d" }
    runway.sleep(0.1)
    jobs[4]:cancel()
    local _, late = jobs[3]:join()
    assert.same({ "timeout", "no", true }, { late.kind, late.sent, late.retryable })
    assert.matches("its turn came", late.message, 1, true)
    assert.equal("cancelled", select(2, jobs[4]:join()).kind)
    assert.same({ "a", "b" }, ids { jobs[1], jobs[2] })
    local last = begin "never"
    runway.sleep(0.1)
    client:close()
    local _, closed = last:join()
    assert.same({ "cancelled", "no" }, { closed.kind, closed.sent })
    local sent = {}
    for _, request in ipairs(m.requests) do sent[request.json.promptText] = true end
    assert.same({}, { sent.late, sent.cancelled, sent.never })
  end)

  -- Are two on their way at once, still?
  local function both_go()
    local before = #m.requests
    local jobs = { begin "x", begin "y" }
    runway.sleep(0.5)                         -- an answer takes longer
    assert.equal(2, #m.requests - before)
    assert.same({ "x", "y" }, ids(jobs))
  end

  it("pass their turn on when their job ends before it comes", function()
    open()
    local called
    local first = runway.spawn(function()
      local task = client:generate(clip { prompt_text = "a" })
      called:cancel()                         -- its turn is here since just now, and it has not come
      return task
    end)
    local second = begin "b"
    called = begin "c"
    assert.same({ "a", "b" }, ids { first, second })
    assert.equal("cancelled", select(2, called:join()).kind)
    both_go()
  end)

  it("give their turn back when their job ends in the middle of it", function()
    open()
    local here = scratch.new()
    finally(function() here:remove() end)
    local jobs = { begin("a", { output = here:path "a.mp4" }), begin("b", { output = here:path "b.mp4" }) }
    runway.sleep(0)                           -- their places are looked at
    for _, job in ipairs(jobs) do job:cancel() end
    assert.equal(0, #m.requests)
    both_go()
  end)

  it("give their turn back when they are refused, and when something is raised in them", function()
    open { prices = function() error "no price" end, budget = 1e9 }
    for _ = 1, 5 do pcall(client.generate, client, clip()) end
    open()
    for i = 1, 5 do
      assert.is_nil((client:generate(clip { output = "/nowhere/" .. i .. ".mp4" })))
    end
    local new = targets.new                   -- which finds no memory, before anything else is begun
    finally(function() targets.new = new end)
    targets.new = function() error("not enough memory", 0) end
    for _ = 1, 5 do assert.is_false((pcall(client.generate, client, clip { output = "/nowhere/a.mp4" }))) end
    targets.new = new
    assert.equal("last", begin("last"):join().id)
  end)

  it("keep little while they stand in line", function()
    open()
    local jobs = { begin "a", begin "b" }
    local function held(n)
      for _ = 1, n do jobs[#jobs + 1] = begin "one" end
      runway.step(0, math.huge)
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = held(1)
    local each = (held(1000) - before) / 1000
    assert.is_true(each < 4, each)            -- KiB
    for _, job in ipairs(jobs) do job:cancel() end
    runway.sleep(3)
  end)
end)
