-- Workers: what is queued in a journal, made by whoever takes it.

local child = require "spec.support.child"
local core = require "runway.core"
local counted = require "spec.support.counted".work
local fleets = require "spec.support.fleets"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local ledger = require "runway.ledger"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local queued = require "spec.support.queued"
local recipe = require "runway.recipe"
local runway = require "runway"

journals.over_each_database("a queue", function()
  after_each(mocked.close)

  local j, client, mock

  local function open(ways, more, another)
    j = journals.open()
    local options = { journal = j }
    for name, v in pairs(more or {}) do options[name] = v end
    client, mock = prompted.client(ways, options, another)
    return client
  end

  local function enqueue(key, more)
    local params = mocked.clip { key = key, prompt_text = "shot " .. key }
    for name, v in pairs(more or {}) do params[name] = v end
    return client:enqueue(params)
  end

  local function submits()
    local count = 0
    for _, request in ipairs(mock.requests) do count = count + (request.method == "POST" and 1 or 0) end
    return count
  end

  local function work(more) return queued.work(client, more) end

  it("tells what becomes of each", function()
    open { ["shot a"] = {}, ["shot b"] = { code = "SAFETY.INPUT.TEXT" }, ["shot c"] = { fault = "lost" } }
    for _, key in ipairs { "a", "b", "c" } do assert(enqueue(key)) end
    local told = { a = {}, b = {}, c = {} }
    work { on_progress = function(entry)
      local seen = told[entry.key]
      seen[#seen + 1] = ("%s %s %s %s %s"):format(entry.state, entry.task_id, entry.credits, entry.path and "film",
        entry.error and entry.error.kind)
    end }
    assert.same({ a = { "submitted task-shot-a-1 25 nil nil", "done task-shot-a-1 20 film nil" },
      b = { "submitted task-shot-b-1 25 nil nil", "failed task-shot-b-1 0 nil task_failed" },
      c = { "unknown nil nil nil unknown_submit" } }, told)
  end)

  local function account() return { provider = client.provider, base_url = client.base_url } end

  it("takes in what a worker is to make, and sends nothing", function()
    open()
    local e = assert(enqueue "a")
    assert.same({ "a", "queued", nil, nil }, { e.key, e.state, e.owner, e.lease_until })
    assert.equal("queued", assert(enqueue "a").state)
    assert.equal("key_conflict", select(2, enqueue("a", { prompt_text = "another" })).code)
    assert.equal(0, #mock.requests)
  end)

  it("does not keep what no worker could send again", function()
    open()
    for _, image in ipairs { "https://x.example/a.png?sig=1", "data:image/png;base64,iVBORw0KGgo=" } do
      local e, err = client:enqueue { model = "gen4_turbo", ratio = "1280:720", duration = 5, key = "i",
        prompt_text = "a", prompt_image = image }
      assert.same({ nil, "not_kept" }, { e, err.code })
    end
    local _, problem = enqueue("i", { extra = { webhook = "https://x.example/hook?token=1" } })
    assert.equal("not_kept", problem.code)
    assert.equal("invalid_request", select(2, enqueue("o", { output = "../a.mp4" })).kind)
    assert.matches("written over by no worker", select(2, enqueue("o", { output = { path = "a.mp4",
      overwrite = true } })).message)
    local path = journals.path "\255.png"
    local file = io.open(path, "wb")
    if file then                              -- there are file systems that have no such names
      file:write "\137PNG\r\n\26\n"
      file:close()
      local _, err = client:enqueue { model = "gen4_turbo", ratio = "1280:720", duration = 5, key = "i",
        prompt_text = "a", prompt_image = runway.file(path) }
      assert.equal("not_kept", err.code)
    end
    assert.equal("not_found", select(2, j:get "i").kind)
  end)

  it("is made by a worker, each once, the oldest first", function()
    open()
    for _, key in ipairs { "c", "a", "b" } do assert(enqueue(key)) end
    local result = work { jobs = 1 }
    assert.same({ counted { done = 3 }, 0, 60 }, { result.counts, result.exit_code, result.credits })
    local order = {}
    for _, request in ipairs(mock.requests) do
      if request.method == "POST" then order[#order + 1] = request.json.promptText:match "%a$" end
    end
    assert.equal("cab", table.concat(order))
    local e = assert(j:get "a")
    assert.same({ "done", journals.path "out/a.mp4", nil }, { e.state, e.path, e.lease_until })
    assert.same({ counted {}, 0 }, { work().counts, submits() - 3 })
  end)

  it("is given with others in the order in which they came", function()
    open()
    for _, key in ipairs { "c", "a", "b" } do assert(enqueue(key)) end
    local keys = {}
    for i, row in ipairs(assert(journal.claim(j, account(), 3, {}))) do keys[i] = row.key end
    assert.same({ "c", "a", "b" }, keys)
  end)

  it("gives an entry to one worker alone, under a number that grows", function()
    open()
    for i = 1, 20 do assert(enqueue("k" .. i)) end
    local seen, count = {}, 0
    runway.run(function()
      local list = {}
      for i = 1, 10 do
        local other = journals.open()
        list[i] = function()
          for _, row in ipairs(assert(journal.claim(other, account(), 3, {}))) do
            assert.is_nil(seen[row.key])
            seen[row.key], count = row.hold, count + 1
            assert.equal(1, row.hold.fence)
          end
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.equal(20, count)
    journals.run_out "k7"
    assert.equal(2, assert(journal.claim(j, account(), 20, {}))[1].hold.fence)
  end)

  it("changes nothing for one whose number is old", function()
    open()
    assert(enqueue "a")
    local old = assert(journal.claim(j, account(), 1, {}))[1].hold
    journals.run_out "a"
    local new = assert(journal.claim(j, account(), 1, {}))[1].hold
    assert(journal.hand_on(j, { old }, core.wall_ms() + 1e6, { message = "late" }))
    assert.is_nil(assert(j:get "a").error)
    assert(journal.renew(j, { old, new }))
    assert.same({ true, false }, { old.lost, new.lost })
    local attempt, _, err = journals.begin(j, "a", { fence = old.fence, provider = client.provider,
      base_url = client.base_url })
    assert.same({ nil, "lease_lost" }, { attempt, err.code })
    assert.equal("queued", assert(j:get "a").state)
  end)

  it("is gone on with by its id when its worker's lease runs out, and submitted by no one again", function()
    open()
    assert(enqueue "a")
    assert(journal.claim(j, account(), 1, {}))
    journals.sql { "UPDATE runway_shots SET state = 'submitted', task_id = 'task-9', lease_until = 1" }
    local result = work()
    assert.same({ counted { done = 1 }, 0 }, { result.counts, submits() })
    assert.same({ "done", "task-9" }, { assert(j:get "a").state, j:get("a").task_id })
  end)

  it("has its receipt, though its worker died before it wrote that", function()
    open()
    assert(enqueue "a")
    work()
    assert(os.remove(journals.path "out/a.mp4.json"))
    assert.same(counted {}, work().counts)
    journals.sql { "UPDATE runway_shots SET lease_until = 0" }
    assert.same(counted { done = 1 }, work().counts)
    assert(io.open(journals.path "out/a.mp4.json")):close()
    assert.equal(1, submits())
  end)

  it("is unknown when the lease of one that was submitting ran out", function()
    open()
    assert(enqueue "a")
    journals.sql { "UPDATE runway_shots SET state = 'submitting', lease_until = 1, token = 'x'" }
    assert.same({ counted {}, 0 }, { work().counts, submits() })
    assert.equal("unknown", assert(j:get "a").state)
    assert(j:settle("a", { resubmit = true }))
    assert.same({ counted { done = 1 }, 1 }, { work().counts, submits() })
  end)

  it("keeps max_tasks in the claim", function()
    open(nil, { max_tasks = 2 })
    for i = 1, 5 do assert(enqueue("k" .. i)) end
    journals.sql { "UPDATE runway_shots SET state = 'submitting', lease_until = 1e15 WHERE key = 'k1' OR key = 'k2'" }
    assert.same({}, assert(journal.claim(j, account(), 5, { most = 2 })))
    assert.equal(3, #assert(journal.claim(j, account(), 5, { most = 3 })))
  end)

  it("leaves in the queue what there is no place for", function()
    local in_line = 0
    open(nil, { max_tasks = 1, logger = function(_, message)
      if message:find("waits in line", 1, true) then in_line = in_line + 1 end
    end })
    for i = 1, 3 do assert(enqueue("k" .. i)) end
    journals.sql { "UPDATE runway_shots SET state = 'submitting', lease_until = 1e15 WHERE key = 'k1'" }
    local job = runway.spawn(work, { jobs = 1 })
    runway.sleep(3)
    local leases = { j:get("k2").lease_until, j:get("k3").lease_until }
    journals.sql { "UPDATE runway_shots SET state = 'failed', lease_until = NULL, error_code = 'x' WHERE key = 'k1'" }
    assert(job:join())
    assert.same({ 0, {}, 2 }, { in_line, leases, submits() })
  end)

  it("submits nothing past the budget, and leaves the rest queued", function()
    open(nil, { budget = 60, prices = { ["gen4.5"] = 5 } })
    for i = 1, 4 do assert(enqueue("k" .. i)) end
    local result = work()
    assert.same({ 2, 3, 2 }, { result.counts.done, result.exit_code, submits() })
    assert.equal("budget", result.halted.code)
    assert.equal(2, assert(j:totals()).states.queued)
  end)

  it("waits for what is only held back, and says so of no more than what is spent", function()
    open(nil, { budget = 130 })                 -- of 60 each, as the table says; the provider: 25, and then 20
    for i = 1, 6 do assert(enqueue("k" .. i)) end
    local result = work()
    assert.same({ counted { done = 4 }, 3, "budget" }, { result.counts, result.exit_code, result.halted.code })
    for _, e in ipairs(assert(j:entries { state = "queued" })) do
      assert.is_true(e.error == nil or e.error == "the budget of 130 credits had no room for it", e.error)
    end
  end)

  it("makes all where those before have failed, and given back what was held for them", function()
    local ways = {}
    for i = 1, 6 do ways["shot k" .. i] = { code = "SAFETY" } end
    open(ways, { budget = 130 })
    for i = 1, 6 do assert(enqueue("k" .. i)) end
    local result = work()
    assert.same({ counted { failed = 6 }, 1, nil }, { result.counts, result.exit_code, result.halted })
  end)

  it("waits for what another holds back while its task runs, and for nothing that is unknown", function()
    local ways = { ["task-9"] = { task = { json = { id = "task-9", status = "RUNNING" } } } }
    open(ways, { budget = 60 })
    for i = 1, 3 do assert(enqueue("k" .. i)) end
    journals.sql { { "UPDATE runway_shots SET state = 'submitted', task_id = 'task-9', reserved = 60, recipe = NULL, "
      .. "updated_at = $1 WHERE key = 'k1'", core.wall_ms() } }
    local job = runway.spawn(work)
    runway.sleep(5)
    assert.same({ false, 0 }, { job:done(), submits() })
    journals.sql { "UPDATE runway_shots SET state = 'failed' WHERE key = 'k1'" }
    while submits() == 0 do runway.sleep(1) end
    journals.sql { "UPDATE runway_shots SET state = 'unknown', task_id = NULL, reserved = 60 WHERE key = 'k1'" }
    local result = assert(job:join())
    assert.same({ counted { done = 1 }, 3, 1 }, { result.counts, result.exit_code, submits() })
  end)

  it("is left to others where it is not ready in the time given, and nothing here is at stake any more", function()
    open { ["shot a"] = { task = { json = { id = "task-shot-a-1", status = "RUNNING" } } } }
    assert(enqueue "a")
    local before = #ledger.open_tasks()
    assert.same({ counted { put_back = 1 }, before }, { work { timeout = 0.01 }.counts, #ledger.open_tasks() })
    local e = assert(j:get "a")
    assert.same({ "submitted", "task-shot-a-1" }, { e.state, e.task_id })
  end)

  it("is waited for where another has it, though no more may be submitted", function()
    open(nil, { budget = 60, prices = { ["gen4.5"] = 5 } })
    for i = 1, 4 do assert(enqueue("k" .. i)) end
    journals.sql { { "UPDATE runway_shots SET state = 'submitted', task_id = 'task-9', lease_until = $1 "
      .. "WHERE key = 'k4'", core.wall_ms() + 1500 } }
    local result = work()
    assert.same({ 3, "budget", 2 }, { result.counts.done, result.halted.code, submits() })
    assert.same({ "done", "task-9" }, { assert(j:get "k4").state, j:get("k4").task_id })
  end)

  it("is failed once its provider refuses it", function()
    open { ["shot bad"] = { status = 400, json = { error = "no such thing" } } }
    assert(enqueue "bad")
    assert(enqueue "good")
    local result = work()
    assert.same({ 1, 1, 1 }, { result.counts.done, result.counts.failed, result.exit_code })
    assert.equal("failed", assert(j:get "bad").state)
    assert.matches("no such thing", j:get("bad").error)
    assert.same(counted {}, work().counts)
  end)

  -- A picture, and what is to be made of it.
  local function write(bytes)
    local file = assert(io.open(journals.path "a.png", "wb"))
    file:write("\137PNG\r\n\26\n", bytes)
    file:close()
  end
  local function enqueue_picture(path)
    return client:enqueue { model = "gen4_turbo", ratio = "1280:720", duration = 5, key = "i", prompt_text = "a",
      prompt_image = runway.file(path or journals.path "a.png") }
  end

  it("stays queued where its provider refuses no request for it, but a file", function()
    local tries = 0
    open(nil, nil, { "POST /v1/uploads", times = math.huge, answer = function()
      tries = tries + 1
      assert(tries < 3, "it is tried without end")
      return { status = 400, json = { error = "no such file" } }
    end })
    write(("long"):rep(2 ^ 21))
    assert(enqueue_picture())
    local result = work()
    assert.same({ counted { put_back = 1 }, 1, 1 }, { result.counts, result.exit_code, tries })
    local e = assert(j:get "i")
    assert.same({ "queued", true }, { e.state, e.error:find "no such file" ~= nil })
  end)

  it("names its files so that they are found from anywhere", function()
    open()
    write "one"
    local here = core.working_directory()
    local function from_here(path) return ("../"):rep(select(2, here:gsub("/", ""))) .. path:sub(2) end
    assert(enqueue_picture(from_here(journals.path "a.png")))
    local row = journals.sql { "SELECT recipe FROM runway_shots" }[1].rows[1]
    assert.equal(here .. "/" .. from_here(journals.path "a.png"), select(2, next(recipe.read(row).files)))
    work { directory = from_here(journals.path "out/") }
    assert.equal(here .. "/" .. from_here(journals.path "out/i.mp4"), assert(j:get "i").path)
  end)

  it("stays queued as it was where nothing was sent", function()
    local ways = { ["shot a"] = { fault = "not_sent" } }
    open(ways, { budget = 100, prices = { ["gen4.5"] = 5 } })
    assert(enqueue "a")
    local result = work()
    assert.same({ counted { put_back = 1 }, 1 }, { result.counts, result.exit_code })
    assert.equal("queued", assert(j:get "a").state)
    assert.equal(0, assert(j:totals()).reserved)
    ways["shot a"] = nil
    journals.sql { "UPDATE runway_shots SET due_at = NULL" }
    assert.same(counted { done = 1 }, work().counts)
  end)

  it("is made by its own account's workers alone", function()
    open()
    assert(enqueue "a")
    local others = prompted.client(nil, { journal = j, base_url = "https://other.example" })
    assert(others:enqueue(mocked.clip { key = "b", prompt_text = "shot b" }))
    assert(others:enqueue(mocked.clip { key = "c", prompt_text = "shot c" }))
    journals.sql { "UPDATE runway_shots SET state = 'submitted', task_id = 't', lease_until = 1 WHERE key = 'c'" }
    assert.equal(1, #assert(journal.unfinished(j, account(), 9, 0)))
    assert.same(counted { done = 1 }, work().counts)
    assert.same({ "queued", "submitted" }, { assert(j:get "b").state, assert(j:get "c").state })
  end)

  it("is open at once where its worker's process is gone, and only then", function()
    open()
    for _, key in ipairs { "a", "b" } do assert(enqueue(key)) end
    local gone = assert(journal.claim(j, account(), 1, {}))[1]
    local held = assert(journal.claim(j, account(), 1, {}))[1]
    local me = held.owner
    journals.sql { { "UPDATE runway_shots SET owner = $1 WHERE key = 'a'", (me:gsub("%d+ %d+$", "999999999 1")) } }
    assert(journal.sweep_all(j))
    local rows = assert(journal.claim(j, account(), 9, {}))
    assert.same({ 1, "a", gone.fence + 1 }, { #rows, rows[1].key, rows[1].fence })
  end)

  it("is made anew only by who has it", function()
    open()
    assert(enqueue "a")
    local old = assert(journal.claim(j, account(), 1, {}))[1].hold
    journals.sql { "UPDATE runway_shots SET state = 'failed', fence = fence + 1" }
    assert.is_false(journal.again(j, old, "a#2", "{}"))
    assert.equal("not_found", select(2, j:get "a#2").kind)
    assert.is_true(journal.again(j, { key = "a", fence = old.fence + 1 }, "a#2", "{}"))
    assert.equal("queued", assert(j:get "a#2").state)
  end)

  it("waits for a worker that has the file, the very same", function()
    open()
    write "one"
    assert(enqueue_picture())
    write "two"
    local result = work()
    assert.same({ counted { put_back = 1 }, 1, 0 }, { result.counts, result.exit_code, submits() })
    local e = assert(j:get "i")
    assert.same({ "queued", "key_conflict" }, { e.state, e.error_code })
    write "one"
    journals.sql { "UPDATE runway_shots SET due_at = NULL" }
    assert.same({ counted { done = 1 }, 1 }, { work().counts, submits() })
  end)
end)

describe("a worker that is told to end", function()
  before_each(function() journals.setup() end)
  after_each(journals.teardown)

  it("takes nothing new, hands on what is under way, and says so; its last words tell of nothing that others make",
    function()
      local said, code = child.run([[
        local runway = require "runway"
        local asked = 0
        local mock = runway.mock { any_order = true,
          { "POST /v1/text_to_video", times = math.huge, json = { id = "t1" } },
          { method = "GET", path = "^/v1/tasks/t", times = math.huge, answer = function(request)
            asked = asked + 1
            if asked == 4 then os.execute "kill -TERM $PPID" end
            return { json = { id = request.path:match "t%d$", status = "RUNNING" } }
          end } }
        mock.pretends = false
        local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", transport = mock,
          journal = (...) .. "/j.db", poll_interval = 0.01 })
        for i = 0, 2 do
          assert(client:enqueue { key = "k" .. i, prompt_text = "a", model = "gen4.5", ratio = "1280:720",
            duration = 5 })
        end
        local store = assert(require("runway.store").open((...) .. "/j.db"))
        assert(store:write { { "UPDATE runway_shots SET state = 'submitted', task_id = 't0' WHERE key = 'k0'" } })
        store:close()
        local result = assert(runway.work(client, { directory = ..., jobs = 2 }))
        print(result.drained, result.exit_code)
        for i = 0, 2 do
          local e = client.journal:get("k" .. i)
          print(e.state, e.task_id, e.lease_until)
        end
      ]], { arguments = { journals.path "." } })
      assert.equal("true\t0\nsubmitted\tt0\tnil\nsubmitted\tt1\tnil\nqueued\tnil\tnil", said)
      assert.equal(0, code)
    end)

  it("does not end as one that failed, though a shot did", function()
    local said, code = child.run([[
      local runway = require "runway"
      local asked = 0
      local mock = runway.mock { any_order = true,
        { "POST /v1/text_to_video", times = math.huge, answer = function(request)
          if request.json.promptText == "k0" then return { status = 400, json = { error = "no" } } end
          return { json = { id = "t1" } }
        end },
        { "GET /v1/tasks/t1", times = math.huge, answer = function()
          asked = asked + 1
          if asked == 3 then os.execute "kill -TERM $PPID" end
          return { json = { id = "t1", status = "RUNNING" } }
        end } }
      local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", transport = mock,
        journal = (...) .. "/j.db" })
      for i = 0, 2 do
        assert(client:enqueue { key = "k" .. i, prompt_text = "k" .. i, model = "gen4.5", ratio = "1280:720",
          duration = 5 })
      end
      local result = assert(runway.work(client, { directory = ..., jobs = 1 }))
      local e, next_one = client.journal:get "k1", client.journal:get "k2"
      print(result.drained, result.exit_code, result.counts.failed)
      print(e.state, e.task_id, e.lease_until, next_one.state, next_one.lease_until)
    ]], { arguments = { journals.path "." } })
    assert.equal("true\t0\t1\nsubmitted\tt1\tnil\tqueued\tnil", said)
    assert.equal(0, code)
  end)

  it("tells in its last words of a task that another has by now", function()
    local said = child.run([[
      local runway = require "runway"
      local store
      local mock = runway.mock { any_order = true,
        { "POST /v1/text_to_video", json = { id = "t1" } },
        { "GET /v1/tasks/t1", times = math.huge, answer = function()
          assert(store:write { { "UPDATE runway_shots SET fence = fence + 1" } })
          os.execute "kill -TERM $PPID"
          return { json = { id = "t1", status = "RUNNING" } }
        end } }
      mock.pretends = false
      local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", transport = mock,
        journal = (...) .. "/j.db" })
      store = assert(require("runway.store").open((...) .. "/j.db"))
      assert(client:enqueue { key = "a", prompt_text = "a", model = "gen4.5", ratio = "1280:720", duration = 5 })
      assert(runway.work(client, { directory = ... }))
    ]], { arguments = { journals.path "." } })
    assert.matches("task t1 (runwayml, not seen to its end) is paid for", said, 1, true)
  end)
end)

describe("a fleet", function()
  it("that is killed again and again makes each task once, and no more than it may", function()
    local faults, report = fleets.run { seed = 4, tasks = 20, kills = 6, workers = 2,
      where = nil }
    assert.same({}, faults)
    assert.equal(6, report.kills)
  end)
end)
