-- Workers within what the account may run: so many of a model at once, all of them together.

local counted = require "spec.support.counted"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local limited = require "spec.support.limited"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local A, B = "gen4.5", "veo3.1"

journals.over_each_database("workers that know what their account may run", function()
  local p, list

  -- Another worker's client, with a connection of its own.
  local function client()
    local made = mocked.client(p.answer, { journal = journals.open(), poll_interval = 5 })
    list[#list + 1] = made
    return made
  end

  before_each(function() p, list = limited.provider(), {} end)
  after_each(function()
    for _, one in ipairs(list) do one:close() end
    mocked.close()
  end)

  local function enqueue(by, model, ...)
    for _, key in ipairs { ... } do
      assert(by:enqueue { key = key, prompt_text = key, model = model, ratio = "1280:720",
        duration = model == B and 8 or 5 })
    end
  end

  local function work(by, more)
    local options = { directory = journals.path "out", until_empty = true, jobs = 3 }
    for name, v in pairs(more or {}) do options[name] = v end
    return assert(runway.work(by, options))
  end

  it("never run more of it together, and go on with others meanwhile", function()
    p.limits = limited.tier { [A] = 1, [B] = 5 }
    local one, two = client(), client()
    enqueue(one, A, "a1", "a2", "a3")
    enqueue(one, B, "b1", "b2")
    local results = {}
    runway.run(function()
      local workers = { runway.spawn(work, one), runway.spawn(work, two) }
      runway.sleep(30)
      local first = {}
      for prompt in p.order():gmatch "%S+" do first[prompt] = true end
      assert.same({ a1 = true, b1 = true, b2 = true }, first)
      for i = 1, 2 do results[i] = assert(workers[i]:join()) end
    end)
    assert.same({ [A] = 1, [B] = 2 }, p.most)
    assert.same({ 5, 0, 0 }, { results[1].counts.done + results[2].counts.done, results[1].exit_code,
      results[2].exit_code })
    assert.is_true(p.order():find "a1.*a2.*a3" ~= nil)
  end)

  it("look at it at their start and every ten minutes", function()
    p.limits = limited.tier { [A] = 1 }
    local one = client()
    p.takes = 250
    for i = 1, 5 do enqueue(one, A, "a" .. i) end
    runway.run(function()
      local worker = runway.spawn(work, one)
      runway.sleep(500)
      assert.same({ 1, 1 }, { p.looks, p.most[A] })
      p.limits = limited.tier { [A] = 2 }
      assert.equal(5, assert(worker:join()).counts.done)
    end)
    assert.same({ 2, 2 }, { p.looks, p.most[A] })
  end)

  it("leave in the queue what it may not run at all, with why, and make the rest", function()
    p.limits = limited.tier { [A] = 0 }
    local one = client()
    enqueue(one, A, "a1")
    enqueue(one, B, "b1")
    local result = work(one)
    assert.same({ counted.work { done = 1, put_back = 1 }, 1, "b1" }, { result.counts, result.exit_code, p.order() })
    local e = assert(one.journal:get "a1")
    assert.same({ "queued", "this account may run no task of gen4.5: its limit is 0" }, { e.state, e.error })
  end)

  it("put back what finds no place when it is to be submitted, and say nothing of it", function()
    p.limits = limited.tier { [A] = 1 }
    local one, taken = client(), false
    enqueue(one, A, "x", "a1")
    journals.sql { "UPDATE runway_shots SET state = 'submitted', task_id = 'x', recipe = NULL, model = NULL "
      .. "WHERE key = 'x'" }
    local begin = journal.begin
    finally(function() journal.begin = begin end)
    journal.begin = function(...)             -- another program's is there, just before
      if not taken then
        taken = true
        journals.sql { { "UPDATE runway_shots SET model = $1 WHERE key = 'x'", A } }
      end
      return begin(...)
    end
    runway.run(function()
      local worker = runway.spawn(work, one)
      runway.sleep(30)
      assert.same({ 0, "queued", nil }, { #p.made, one.journal:get("a1").state, one.journal:get("a1").error })
      journals.sql { "UPDATE runway_shots SET state = 'failed' WHERE key = 'x'" }
      local result = assert(worker:join())
      assert.same({ counted.work { done = 1 }, 0 }, { result.counts, result.exit_code })
    end)
  end)
end)
