-- Tasks whose programs are gone: what they hold comes back as soon as they have ended, and what it cannot be known of
-- is waited for by no one.

local core = require "runway.core"
local counted = require "spec.support.counted".work
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local queued = require "spec.support.queued"
local runway = require "runway"
local scheduler = require "runway.scheduler"

journals.over_each_database("a task whose program is gone", function()
  after_each(mocked.close)

  local j, client, mock, ways, began

  before_each(function() ways, began = {}, scheduler.now() end)
  after_each(function() assert.is_true(scheduler.now() - began < 400, "it took too long") end) -- an hour, say

  local function open(options, another)
    j = journals.open()
    options.journal = j
    client, mock = prompted.client(ways, options, another)
  end

  -- An entry of a program that submitted it, and came to no end.
  local function leave(key, more)
    local p = { provider = client.provider, base_url = client.base_url, status = "RUNNING", reserved = 60 }
    for name, v in pairs(more or {}) do p[name] = v end
    journals.sql { { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, "
      .. "owner, fence, task_id, status, reserved, created_at, updated_at, submitted_at, model) "
      .. "VALUES ($1, 'submitted', $2, $3, 'text_to_video', 'f', '{}', $1, 'elsewhere boot 12 34', 1, $4, $5, $6, $7, "
      .. "$7, $7, 'gen4.5')", key,
      p.provider, p.base_url, "task-" .. key, p.status, p.reserved, core.wall_ms() } }
  end

  local function enqueue(...) queued.put(client, ...) end

  local function running(id) return { task = { json = { id = id, status = "RUNNING" } } } end

  local function count(pattern) return queued.asked(mock, pattern) end

  local function work(more) return queued.work(client, more) end

  it("is asked after by a worker that has no place, and gives its own back within a minute of its end", function()
    ways["task-gone"] = running "task-gone"
    open { max_tasks = 1 }
    leave "gone"
    enqueue("a", "b")
    local job = runway.spawn(work)
    runway.sleep(100)
    assert.same({ false, 0 }, { job:done(), count "POST" })
    local asked = count "GET .*/task%-gone"
    assert.is_true(asked >= 2 and asked <= 4, asked)
    ways["task-gone"] = nil
    runway.sleep(60)
    assert.same({ counted { done = 2 }, 0 }, { assert(job:join()).counts, job:join().exit_code })
    local e = assert(j:get "gone")
    assert.same({ "submitted", "SUCCEEDED", 20 }, { e.state, e.status, e.credits }) -- its film is to be fetched still
  end)

  it("that failed has failed, and gives back its credits", function()
    ways["task-gone"] = { code = "SAFETY" }
    open { budget = 60 }
    leave "gone"
    enqueue "a"
    assert.same({ counted { done = 1 }, 0 }, { work().counts, work().exit_code })
    assert.same({ "failed", "SAFETY", 0 }, { j:get("gone").state, j:get("gone").error_code, j:get("gone").credits })
  end)

  it("is waited for no longer than it can be asked after; the worker ends, and says whose it is", function()
    ways["task-gone"] = { task = { status = 404, json = { error = "no such task" } } }
    open { max_tasks = 1 }
    leave "gone"
    enqueue("a", "b")
    local result = work()
    assert.same({ counted {}, 1, "concurrency", 0 }, { result.counts, result.exit_code, result.halted.code,
      count "POST" })
    assert.matches('"gone" (task task-gone of runwayml, submitted by elsewhere 12: ', result.halted.message, 1, true)
    local e = assert(j:get "gone")
    assert.same({ "submitted", "RUNNING" }, { e.state, e.status }) -- it may be another account's, which goes on with it
    assert.equal("queued", j:get("a").state)
  end)

  it("of another account is not asked after, and no one waits for what it holds", function()
    open { budget = 60 }
    leave("gone", { provider = "qimu", base_url = "https://qimu.example" })
    enqueue "a"
    local result = work()
    assert.same({ counted {}, 3, "budget", 0 }, { result.counts, result.exit_code, result.halted.code, #mock.requests })
    assert.matches('held by .*"gone" %(task task%-gone of qimu', result.halted.message)
    assert.equal("queued", j:get("a").state)
  end)

  it("is waited for while its provider is away", function()
    ways["task-gone"] = { task = { status = 503, json = { error = "away" } } }
    open { max_tasks = 1, max_retries = 0 }
    leave "gone"
    enqueue "a"
    local job = runway.spawn(work)
    runway.sleep(60)
    assert.is_false(job:done())
    ways["task-gone"] = nil
    assert.same(counted { done = 1 }, assert(job:join()).counts)
  end)

  it("takes up no place of its model either, once it has ended", function()
    open({}, { "GET /v1/organization", times = math.huge, json = { creditBalance = 1000,
      tier = { models = { ["gen4.5"] = { maxConcurrentGenerations = 1, maxDailyGenerations = 99 } } } } })
    leave "gone"
    enqueue "a"
    assert.same(counted { done = 1 }, work().counts)
    leave "other"
    local result = assert(runway.batch(client, { mocked.clip { key = "b", prompt_text = "b" } },
      { directory = journals.path "out" }))
    assert.equal(0, result.exit_code)
  end)

  it("is asked after by a script that stands in line for its place", function()
    ways["task-gone"] = running "task-gone"
    open { max_tasks = 1 }
    leave "gone"
    local job = runway.spawn(function() return client:generate(mocked.clip { key = "a", prompt_text = "a" }) end)
    runway.sleep(40)
    assert.same({ false, 0 }, { job:done(), count "POST" })
    ways["task-gone"] = nil
    runway.sleep(60)
    assert(job:join())
    assert.equal(1, count "POST")
  end)

  it("can hold up no worker by what is put back for long; that is told", function()
    open {}
    enqueue("a", "b")
    local rows = assert(journal.claim(j, { provider = client.provider, base_url = client.base_url }, 1, {}))
    assert(journal.hand_on(j, { rows[1].hold }, core.wall_ms() + 7200000,
      errors.new { kind = "io", message = "no disk" }))
    local told = {}
    local result = work { on_progress = function(entry) told[#told + 1] = entry end }
    assert.same({ counted { done = 1 }, 1, nil }, { result.counts, result.exit_code, result.halted })
    local last = told[#told]
    assert.same({ "a", "queued", "put_back" }, { last.key, last.state, last.error.code })
    assert.matches("put back until %d%d%d%d%-.* UTC by .*: no disk", last.error.message)
    journals.sql { { "UPDATE runway_shots SET due_at = $1", core.wall_ms() + 50000 } }
    local job = runway.spawn(work)
    runway.sleep(5)
    assert.is_false(job:done())
    journals.sql { "UPDATE runway_shots SET due_at = NULL" }
    assert.same(counted { done = 1 }, assert(job:join()).counts)
  end)
end)
