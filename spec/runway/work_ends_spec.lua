-- A worker whose tasks end otherwise: what is made anew, what is put back, what halts it, and what it says of it all.

local child = require "spec.support.child"
local core = require "runway.core"
local counted = require "spec.support.counted".work
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local queued = require "spec.support.queued"
local runway = require "runway"
local scratch = require "spec.support.scratch"

describe("a worker", function()
  local j, client, mock, ways

  local function open(more)
    local options = { journal = j }
    for name, v in pairs(more or {}) do options[name] = v end
    client, mock = prompted.client(ways, options)
  end

  before_each(function()
    journals.setup()
    j, ways = journals.open(), {}
    open()
  end)
  after_each(function()
    mocked.close()
    journals.teardown()
  end)

  local function enqueue(...) queued.put(client, ...) end

  local function count(pattern) return queued.asked(mock, pattern) end

  local function work(more)
    more = more or {}
    more.jobs = more.jobs or 1
    return queued.work(client, more)
  end

  -- The work of a worker, and beside it what happens meanwhile.
  local function work_beside(fn, more)
    return runway.run(function()
      local job = runway.spawn(work, more)
      fn(job)
      local result, err = job:join()
      return assert(result, err)
    end)
  end

  local function states()
    local list = {}
    for _, e in ipairs(assert(j:entries())) do list[#list + 1] = e.key .. " " .. e.state end
    table.sort(list)
    return list
  end

  local function running() return { task = { json = { id = "task-a-1", status = "RUNNING" } } } end

  local function row(key)
    return journals.sql({ { "SELECT * FROM runway_shots WHERE key = $1", key } })[1].rows[1]
  end

  for told, way in pairs {
    insufficient_credits = { status = 400, json = { error = "You do not have enough credits to run this task." } },
    authentication = { status = 401, json = { error = "no such key" } },
    rate_limited = { status = 429, json = { error = "Your daily task limit has been reached." } },
  } do
    it("submits nothing more where each next submit would have the same: " .. told, function()
      ways.a = way
      enqueue("a", "b")
      local result = work()
      assert.same({ counted {}, 1, 0 }, { result.counts, result.exit_code, result.credits })
      assert.equal(told, result.halted.kind)
      assert.same({ 1, { "a queued", "b queued" } }, { count "POST", states() })
      assert.is_true(row "a".due_at < core.wall_ms() + 30000) -- another account's worker need not wait
      ways.a = nil
      journals.sql { "UPDATE runway_shots SET due_at = NULL" }
      assert.same({ counted { done = 2 }, 0 }, { work().counts, work().exit_code })
    end)
  end

  it("makes anew what failed where that has a chance, under keys of their own and no more often than it is to",
    function()
      ways.a = { code = "INTERNAL" }
      ways.b = { task = { json = { id = "task-b-1", status = "FAILED", failureCode = "SAFETY" } } }
      enqueue("a", "b", "c")
      local result = work { attempts = 3 }
      assert.same({ counted { done = 1, failed = 2 }, 1, 20 }, { result.counts, result.exit_code, result.credits })
      assert.same({ "a failed", "a#2 failed", "a#3 failed", "b failed", "c done" }, states())
      assert.equal(5, count "POST")
      assert.same({ counted {}, 0 }, { work({ attempts = 9 }).counts, work().exit_code })
    end)

  it("makes anew what another's has left failed, as well", function()
    ways.a = { code = "INTERNAL" }
    enqueue "a"
    work()
    ways.a = nil
    journals.sql { "UPDATE runway_shots SET lease_until = 1" }
    assert.same(counted { done = 1 }, work({ attempts = 2 }).counts)
    assert.same({ "a failed", "a#2 done" }, states())
  end)

  it("takes a task that was cancelled for one that failed, which costs nothing that is known", function()
    ways.a = { task = { json = { id = "task-a-1", status = "CANCELLED" } } }
    enqueue "a"
    local result = work()
    assert.same({ counted { failed = 1 }, 1, 0 }, { result.counts, result.exit_code, result.credits })
    assert.same({ "a failed" }, states())
  end)

  it("counts what may have been made, and is not known to be, as unknown, before all else", function()
    ways.a, ways.b = { fault = "lost" }, { task = { status = 404, json = { error = "no such task" } } }
    open { budget = 50, prices = { ["gen4.5"] = 5 } }
    enqueue("a", "b", "c")
    local result = work()
    assert.same({ counted { unknown = 2 }, 4, "budget" }, { result.counts, result.exit_code, result.halted.code })
    assert.same({ "a unknown", "b unknown", "c queued" }, states())
  end)

  it("puts back a task that no one tells of", function()
    ways.a = { task = { status = 403, json = { error = "not yours" } } }
    enqueue "a"
    local result = work()
    assert.same({ counted { put_back = 1 }, 1 }, { result.counts, result.exit_code })
    assert.same({ { "a submitted" }, 0 }, { states(), row "a".lease_until })
  end)

  it("pays for none for whose receipt there is no place", function()
    assert(core.make_directory(journals.path "out"))
    assert(assert(io.open(journals.path "out/a.mp4.json", "w")):write "{}"):close()
    enqueue("a", "b")
    local result = work()
    assert.same({ counted { put_back = 1, done = 1 }, { "a queued", "b done" }, 1 },
      { result.counts, states(), count "POST" })
    assert.equal("{}", scratch.read(journals.path "out/a.mp4.json"))
  end)

  it("puts back a task whose film cannot be had, and goes on with it by its id", function()
    ways.a = { film = { status = 403, body = "gone" } }
    enqueue "a"
    local result = work()
    assert.same({ counted { put_back = 1 }, 1 }, { result.counts, result.exit_code })
    assert.same({ "a downloading" }, states())
    ways.a = nil
    journals.sql { "UPDATE runway_shots SET due_at = NULL" }
    assert.same({ counted { done = 1 }, 0, 1 }, { work().counts, work().exit_code, count "POST" })
  end)

  it("forgets what was in the way of one that it has made after all", function()
    ways.a = { film = { status = 403, body = "not yet" } }
    ways.b = { task = { json = { id = "task-b-1", status = "RUNNING" } } }
    enqueue("a", "b")
    local result = work_beside(function()
      while not row "a".error do runway.sleep(1) end
      ways.a = nil
      journals.sql { "UPDATE runway_shots SET due_at = NULL" }
      while row "a".state ~= "done" do runway.sleep(1) end
      ways.b = nil
    end, { jobs = 2 })
    assert.same({ counted { put_back = 1, done = 2 }, 0 }, { result.counts, result.exit_code })
  end)

  it("has made a film whose receipt cannot be written", function()
    ways.a = { film = function() assert(core.make_directory(journals.path "out/a.mp4.json")) end }
    enqueue "a"
    local result = work()
    assert.same({ counted { done = 1 }, 0 }, { result.counts, result.exit_code })
    assert.same({ "a done" }, states())
  end)

  it("writes a film under the name that it is to have, and finds files from anywhere", function()
    assert(client:enqueue(mocked.clip { key = "a", prompt_text = "a", output = "harbour.mp4" }))
    work()
    assert.matches("ftyp", scratch.read(journals.path "out/harbour.mp4"))
    local said = child.run([[
      local runway = require "runway"
      local mock = runway.mock { { "POST /v1/text_to_video", json = { id = "t1" } },
        { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = { "https://cdn.example/1.mp4" } } },
        { "GET https://cdn.example/1.mp4", body = "\0\0\0\24ftypmp42" } }
      local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", transport = mock,
        journal = "j.db" })
      assert(client:enqueue { key = "k", prompt_text = "a", model = "gen4.5", ratio = "1280:720", duration = 5 })
      assert(runway.work(client, { directory = "here", until_empty = true }))
      print(client.journal:get "k".path)
      local file = io.open("a.png", "wb")
      file:write "\137PNG\r\n\26\n"
      file:close()
      assert(client:enqueue { key = "i", prompt_text = "a", model = "gen4_turbo", ratio = "1280:720", duration = 5,
        prompt_image = runway.file "a.png" })
      local store = assert(require "runway.store".open "j.db")
      local recipe = store:read { { "SELECT recipe FROM runway_shots WHERE key = 'i'" } }[1].rows[1].recipe
      print(recipe:match ':"(/[^"]*a.png)"')
    ]], { before = ("cd '%s';"):format(journals.path ".") })
    assert.matches("^/.*/here/k.mp4\n/.*/a.png$", said)
  end)

  it("holds its leases on as long as its tasks last", function()
    ways.a = running()
    enqueue "a"
    local result = work_beside(function()
      for _ = 1, 3 do
        runway.sleep(3)
        journals.sql { "UPDATE runway_shots SET lease_until = 5000000000000" }
        runway.sleep(12)
        assert.is_true(row "a".lease_until < 5000000000000)
      end
      ways.a = nil
    end)
    assert.same(counted { done = 1 }, result.counts)
  end)

  it("waits for the answer to its submit, however long that takes", function()
    ways.a = { status = 200, delay = 35, json = { id = "task-a-9" } }
    enqueue "a"
    local result = work()
    assert.same({ counted { done = 1 }, 1, "task-a-9" }, { result.counts, count "POST", row "a".task_id })
  end)

  it("lets go of what is another's by now", function()
    ways.a = running()
    enqueue "a"
    local result = work_beside(function()
      runway.sleep(5)
      journals.sql { "UPDATE runway_shots SET fence = fence + 1, lease_until = 5000000000000" }
      runway.sleep(15)
      local asked = count "GET"
      runway.sleep(60)
      assert.equal(asked, count "GET")
      assert.same({ "submitted", 5000000000000 }, { row "a".state, row "a".lease_until })
      journals.sql { "UPDATE runway_shots SET state = 'done', lease_until = NULL" }
    end)
    assert.same({ counted {}, 0 }, { result.counts, result.exit_code })
  end)

  it("fetches no film of a task that is another's by now", function()
    ways.a = running()
    enqueue "a"
    local result = work_beside(function()
      while row "a".state ~= "submitted" do runway.sleep(0.1) end
      journals.sql { "UPDATE runway_shots SET fence = fence + 1, lease_until = 5000000000000" }
      ways.a = nil
      runway.sleep(30)
      journals.sql { "UPDATE runway_shots SET state = 'done', lease_until = NULL" }
    end)
    assert.same({ counted {}, 0, 0 }, { result.counts, result.exit_code, count "GET https://cdn" })
    assert.is_nil(scratch.read(journals.path "out/a.mp4"))
  end)

  it("does not take for another's what it submits itself", function()
    enqueue "a"
    local account = { provider = client.provider, base_url = client.base_url }
    for _, meanwhile in ipairs {
      function(hold) hold.submitting = true end,                    -- it has begun
      function(hold) hold.fence = hold.fence + 1 end,               -- and has ended, under the number of the attempt
    } do
      local hold = assert(journal.claim(j, account, 1, {}))[1].hold
      local mend
      mend = journals.write_by(j, function(write)
        mend()
        journals.sql { "UPDATE runway_shots SET fence = fence + 1" }
        meanwhile(hold)
        return write()
      end)
      assert(journal.renew(j, { hold }))
      assert.is_false(hold.lost)
      journals.run_out "a"
    end
    local hold = assert(journal.claim(j, account, 1, {}))[1].hold
    hold.submitting = true
    journals.write_by(j, function() error "an attempt holds its own lease" end)
    assert(journal.renew(j, { hold }))
  end)

  it("asks a journal that is away ever less often, and goes on once it is there", function()
    enqueue "a"
    local asked = 0
    local mend = journals.write_by(j, function()
      asked = asked + 1
      return nil, errors.new { kind = "io", code = "lost", message = "away" }
    end)
    local result = work_beside(function()
      runway.sleep(60)
      mend()
      assert.is_true(asked >= 4 and asked <= 8, asked)
    end)
    assert.same({ counted { done = 1 }, 0 }, { result.counts, result.exit_code })
  end)

  it("hands on what is under way when its job is cancelled", function()
    ways.a = running()
    enqueue "a"
    local result, err = runway.run(function()
      local job = runway.spawn(work)
      while row "a".state ~= "submitted" do runway.sleep(0.1) end
      job:cancel()
      runway.sleep(1)
      local asked = count "GET"
      runway.sleep(100)
      assert.same({ asked, 0 }, { count "GET", row "a".lease_until })
      return job:join()
    end)
    assert.same({ nil, "cancelled" }, { result, err.kind })
  end)

  it("looks when it is told, at once, but does not look without end where that finds nothing", function()
    local hear, claim = journal.hear, journal.claim
    local looks, told = 0, 0
    function journal.hear()
      runway.sleep(0.001)
      told = told + 1
      return true
    end
    function journal.claim(...)
      looks = looks + 1
      return claim(...)
    end
    local ok, raised = pcall(runway.run, function()
      local job = runway.spawn(work, { until_empty = false })
      runway.sleep(0.5)
      assert.is_true(told > 100)
      assert.is_true(looks > 20 and looks <= 51, looks)
      local before = looks
      enqueue "a"
      runway.sleep(0.02)
      assert.is_true(looks > before)
      assert.is_not.equal("queued", row "a".state)
      job:cancel()
      job:join()
    end)
    journal.hear, journal.claim = hear, claim
    assert(ok, raised)
  end)

  it("tries again what only the journal stood in the way of, and does not count that", function()
    enqueue "a"
    local failed = false
    journals.write_by(j, function(write, statements)
      for _, statement in ipairs(statements) do
        if not failed and statement[1]:find("SET state = 'submitting'", 1, true) then
          failed = true
          return nil, errors.new { kind = "io", code = "busy", message = "busy" }
        end
      end
      return write()
    end)
    local result = work_beside(function(job)
      while not job:done() do
        runway.sleep(1)
        journals.sql { "UPDATE runway_shots SET due_at = NULL" }
      end
    end)
    assert.same({ true, counted { done = 1 }, 0 }, { failed, result.counts, result.exit_code })
  end)

  it("raises what is raised in the work, and hands the rest on", function()
    ways.a = running()
    enqueue("a", "b")
    journals.write_by(j, function(write, statements)
      for _, statement in ipairs(statements) do
        for i = 2, statement.n or #statement do
          if statement[i] == "b" and statement[1]:find("SET state = 'submitting'", 1, true) then error "boom" end
        end
      end
      return write()
    end)
    local ok, err = pcall(work, { jobs = 2 })
    assert.same({ false, true }, { ok, tostring(err):find "boom" ~= nil })
    assert.same({ "a submitted", "b queued" }, states())
    assert.equal(0, row "a".lease_until)
  end)

  it("needs a journal, and a directory that can be there", function()
    local other = mocked.client {}
    local none, err = runway.work(other, { directory = journals.path "out" })
    assert.same({ nil, "no_journal" }, { none, err.code })
    local file = assert(io.open(journals.path "taken", "w"))
    file:close()
    none, err = runway.work(client, { directory = journals.path "taken" })
    assert.same({ nil, "directory" }, { none, err.code })
    assert.has_error(function() runway.work(client, {}) end)
  end)
end)
