-- A list of shots within what the account may run: so many of a model at once, and no more than a day holds.

local counted = require "spec.support.counted"
local journal = require "runway.journal"
local limited = require "spec.support.limited"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

describe("runway.batch", function()
  local files, told, p, client, mock

  local function open(more)
    local options = { poll_interval = 5,
      logger = function(level, message) told[#told + 1] = level .. ": " .. message end }
    for name, v in pairs(more or {}) do options[name] = v end
    client, mock = mocked.client(p.answer, options)
  end

  local MODELS = { a = "gen4.5", b = "veo3.1", c = "seedance2", f = "gen4.5" }

  -- "a1 a2 b1": shots of the models a and b.
  local function shots(keys)
    local list = {}
    for key in keys:gmatch "%S+" do
      list[#list + 1] = { key = key, prompt_text = key, model = MODELS[key:match "%l"], ratio = "1280:720",
        duration = key:match "^b" and 8 or 5 }
    end
    return list
  end

  local function run(keys, more)
    local options = { directory = files:path "out", sheet = function() end, jobs = 10 }
    for name, v in pairs(more or {}) do options[name] = v end
    return runway.batch(client, shots(keys), options)
  end

  local function of_each(a, b) return limited.tier { [MODELS.a] = a, [MODELS.b] = b } end

  local function warnings()
    local list = {}
    for _, line in ipairs(told) do list[#list + 1] = line:match "^warning: (.*)" end
    return list
  end

  before_each(function()
    files, told, p = scratch.new(), {}, limited.provider()
    p.failing = { f1 = true, f2 = true }
    open()
  end)
  after_each(function()
    mocked.close()
    files:remove()
  end)

  it("keeps no more of a model under way than the account may run, and goes on with others meanwhile", function()
    p.limits = of_each(1, 2)
    local result = assert(run "a1 a2 a3 b1 b2 b3 c1 c2")
    assert.same({ 0, counted.batch { done = 8 }, 1 }, { result.exit_code, result.counts, p.looks })
    assert.same({ [MODELS.a] = 1, [MODELS.b] = 2, [MODELS.c] = 2 }, p.most)
    local first = {}                          -- at once, in whatever order
    for key in p.order():sub(1, 14):gmatch "%S+" do first[key] = true end
    assert.same({ a1 = true, b1 = true, b2 = true, c1 = true, c2 = true }, first)
    assert.is_true(p.order():find "a1.*a2.*a3" ~= nil and p.order():find "b%d.*b%d.*b3" ~= nil)
    for _, shot in ipairs(result.shots) do assert.same({ 1, nil }, { shot.attempt, shot.error }) end
  end)

  it("lets the next one go while the film of the one before is fetched", function()
    p.limits = of_each(1)
    local began = require("runway.scheduler").now()
    assert.equal(0, assert(run "a1 a2 a3").exit_code)
    assert.is_true(require("runway.scheduler").now() - began < 3 * (p.takes + 5) + 40)
  end)

  it("keeps to what it may by then when it is run again", function()
    p.limits = of_each(1)
    assert.equal(0, assert(run "a1 a2").exit_code)
    p.limits = of_each(3)
    assert.equal(0, assert(run "a1 a2 a3 a4 a5 a6").exit_code)
    assert.same({ 2, 3 }, { p.looks, p.most[MODELS.a] })
  end)

  it("looks once before it submits, and not where nothing is to be submitted", function()
    p.limits = of_each(1)
    assert(run("a1", { dry_run = true }))
    assert.equal(0, p.looks)
    assert(run "a1")
    assert(run "a1")
    assert.same({ 1, 1 }, { p.looks, #p.made })
    local j = assert(journal.open(files:path "out/runway.db"))
    assert(run("a2", { enqueue = true }))
    j:close()
    assert.same({ 1, 1 }, { p.looks, #p.made })
  end)

  it("counts what its journal has under way beside the list", function()
    p.limits = of_each(2)
    local j = assert(journal.open(files:path "other.db"))
    open { journal = j }
    assert(client:generate { key = "other", prompt_text = "x", model = MODELS.a, ratio = "1280:720", duration = 5 })
    local result
    runway.run(function()
      local begun, was = 0, {}
      local job = runway.spawn(run, "a1 a2 a3 b1", { on_progress = function(_, shot)
        if shot and shot.state == "submitting" and was[shot.key] ~= "submitting" then begun = begun + 1 end
        if shot then was[shot.key] = shot.state end
      end })
      runway.sleep(30)
      assert.is_true(begun <= 3)              -- what must wait is not made ready again and again
      assert.same({ 3, 1, true }, { #p.made, select(2, p.order():gsub("a%d", "")), p.order():find "b1" ~= nil })
      assert(client:task("task-1"):wait())
      assert(journal.follow(j, "other", "task-1", function() end)):told({ status = "SUCCEEDED",
        done = function() return true end }, false)
      result = assert(job:join())
    end)
    assert.same({ 0, 2 }, { result.exit_code, p.most[MODELS.a] })
    j:close()
  end)

  it("holds for two lists that share a journal, each of which goes on with what there is room for", function()
    p.limits = of_each(2)
    local j = assert(journal.open(files:path "other.db"))
    open { journal = j }
    local results = {}
    runway.run(function()
      local one = runway.spawn(run, "a1 a2 a3 a4", { directory = files:path "one" })
      local two = runway.spawn(run, "a5 a6 b1 a7", { directory = files:path "two", jobs = 3 })
      runway.sleep(30)
      assert.is_true(p.order():find "b1" ~= nil)
      results = { assert(one:join()), assert(two:join()) }
    end)
    assert.same({ 0, 0, 2, 8 }, { results[1].exit_code, results[2].exit_code, p.most[MODELS.a], #p.made })
    j:close()
  end)

  it("goes on with what is under way, whatever the limit is by now", function()
    assert.same(counted.batch { submitted = 2 }, assert(run("a1 a2", { timeout = 1 })).counts)
    p.limits = of_each(1)
    local result = assert(run "a1 a2 a3 a4")
    assert.same({ 0, counted.batch { done = 4 }, 4, 2 }, { result.exit_code, result.counts, #p.made, p.most[MODELS.a] })
  end)

  it("says before anything is paid for what can never run, each row", function()
    p.limits = of_each(0, 2)
    local result, err = run "b1 a1 a2"
    assert.same({ nil, "bad_list", 0 }, { result, err.code, #p.made })
    assert.same({ 2, "model", 3, "model" }, { err.faults[1].line, err.faults[1].column, err.faults[2].line,
      err.faults[2].column })
    assert.matches("row 2 (a1), model: this account may run no task of gen4.5: its limit is 0", err.message, 1, true)
    assert.equal(0, assert(run("b1 a1 a2", { only = { "b1" } })).exit_code)
  end)

  it("holds of what is made anew", function()
    p.limits = of_each(1)
    local r = assert(run("f1 a1 f2", { attempts = 2 }))
    assert.same({ 0, counted.batch { done = 3 }, 5, 1 }, { r.exit_code, r.counts, #p.made, p.most[MODELS.a] })
  end)

  it("holds of what was under way before, and is made anew", function()
    local j = assert(journal.open(files:path "other.db"))
    open { journal = j }
    assert(client:generate(shots("f1")[1]))
    p.limits = of_each(1)
    local result = assert(run("f1 a1 a2", { attempts = 2 }))
    j:close()
    assert.same({ 0, counted.batch { done = 3 }, 4, 1 }, { result.exit_code, result.counts, #p.made, p.most[MODELS.a] })
  end)

  it("makes nothing anew that may not run any more", function()
    assert.same(counted.batch { submitted = 1 }, assert(run("f1", { timeout = 1 })).counts)
    p.limits = of_each(0)
    local result = assert(run("f1", { attempts = 2 }))
    assert.same({ 1, counted.batch { queued = 1 }, 1 }, { result.exit_code, result.counts, #p.made })
    assert.matches("may run no task of gen4.5", result.shots[1].error.message, 1, true)
  end)

  it("tells how many a day will not hold, and goes on", function()
    p.limits = { { [MODELS.a] = { maxConcurrentGenerations = 5, maxDailyGenerations = 10 },
      [MODELS.b] = { maxConcurrentGenerations = 5, maxDailyGenerations = 10 } },
      { [MODELS.a] = { dailyGenerations = 8 }, [MODELS.b] = { dailyGenerations = 20 } } }
    assert.equal(0, assert(run "a1 a2 a3 b1").exit_code)
    local said = warnings()
    table.sort(said)
    assert.same({ "1 of 1 shots of veo3.1 will stay for another day: the account may make 10 within 24 hours, and has "
      .. "made 20 of them", "1 of 3 shots of gen4.5 will stay for another day: the account may make 10 within 24 "
      .. "hours, and has made 8 of them" }, said)
  end)

  it("knows no limit where none is told, and where no one answers", function()
    local none = { maxConcurrentGenerations = runway.null }
    for _, known in ipairs { false, { { [MODELS.a] = none } }, { runway.null } } do
      p.limits, p.most = known, {}
      assert.equal(0, assert(run("a1 a2 a3", { directory = files:path("out" .. p.looks) })).exit_code)
      assert.equal(3, p.most[MODELS.a])
    end
    assert.equal(1, #warnings())
    assert.matches("at once is not known", warnings()[1])
  end)

  it("is what a strict mock expects that knows nothing of limits", function()
    client, mock = mocked.client({ { "POST /v1/text_to_video", json = { id = "t1" } },
      { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = { "https://cdn.example/a.mp4" } } },
      { "GET https://cdn.example/a.mp4", body = "\0\0\0\24ftypmp42" } })
    assert.equal(0, assert(run "a1").exit_code)
    assert.equal(3, #mock.requests)
    mock:finish()
  end)
end)
