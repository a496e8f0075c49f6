-- A budget, and a number of tasks at once, that a journal keeps for all programs that share it.

local chance = require "spec.support.chance"
local child = require "spec.support.child"
local core = require "runway.core"
local databases = require "spec.support.databases"
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local lua = require "spec.support.interpreter"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local schema = require "runway.journal.schema"

local clip, task = mocked.clip, journals.task

-- Takes a key for 60 credits of 600, or as `more` says.
local function begin(j, key, more)
  local all = { reserved = 60, terms = { budget = 600 } }
  for name, v in pairs(more or {}) do all[name] = v end
  return journals.begin(j, key, all)
end

local function lost() return errors.new { kind = "unknown_submit", message = "lost" } end

local function sums(j)
  local spent, reserved = assert(journal.spent(j))
  return { spent, reserved }
end

journals.over_each_database("a budget in a journal", function()
  it("lets ten through of many that come at once, through connections of their own", function()
    local through, lacking = 0, 0
    runway.run(function()
      local list = {}
      for i = 1, 6 do
        local j = journals.open()
        for k = 1, 10 do
          list[#list + 1] = function()
            local made, row, err, lack = begin(j, ("%d-%d"):format(i, k))
            assert(not row and not err, err)
            if made then through = through + 1 end
            if lack then
              lacking = lacking + 1
              assert.same({ charged = 600 }, lack)
            end
            return true
          end
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ 10, 50 }, { through, lacking })
    assert.same({ 0, 600 }, sums(journals.open()))
  end)

  it("lets through what fits to the last credit, also in fractions that no binary number holds", function()
    local j = journals.open()
    for i = 1, 3 do assert(begin(j, "k" .. i, { reserved = 0.1, terms = { budget = 0.3 } })) end
    assert.is_nil((begin(j, "one more", { reserved = 0.1, terms = { budget = 0.3 } })))
  end)

  it("gets back what was refused, or never left", function()
    local j = journals.open()
    local attempt = assert(begin(j, "a"))
    assert.same({ 0, 60 }, sums(j))
    attempt:ends(nil, {}, false)
    assert.same({ 0, 0 }, sums(j))
  end)

  it("holds back what is unknown until it is settled, and gets that back", function()
    local j = journals.open()
    assert(begin(j, "given up")):ends(nil, {}, true, lost())
    assert(begin(j, "again")):ends(nil, {}, true, lost())
    assert(begin(j, "its program died"))
    journals.run_out "its program died"
    assert(j:entries())
    assert.equal("unknown", assert(j:get "its program died").state)
    assert.same({ 0, 180 }, sums(j))
    assert(j:settle("given up", { failed = "no task there" }))
    assert.same({ 0, 120 }, sums(j))
    assert(j:settle("again", { resubmit = true }))
    assert.same({ 0, 60 }, sums(j))
    assert(j:settle("its program died", { task_id = "t1" }))
    assert.same({ 0, 60 }, sums(j))
    -- what waits to be submitted must fit like anything else, and holds back what it is held to cost now
    local made, _, _, lack = begin(j, "again", { reserved = 50, terms = { budget = 100 } })
    assert.same({ nil, { charged = 60 } }, { made, lack })
    assert.equal("queued", assert(j:get "again").state)
    assert(begin(j, "again", { reserved = 40, terms = { budget = 100 } }))
    assert.same({ 0, 100 }, sums(j))
  end)

  it("knows no more of what a task was to cost that is submitted anew", function()
    local j = journals.open()
    assert(begin(j, "a")):ends(task("t1", { estimated_cost = 45, cost = 10 }), {}, false)
    journal.follow(j, "a", "t1", error):lost(errors.new { kind = "not_found", message = "gone." })
    assert.same({ 10, 0 }, sums(j))
    assert(j:settle("a", { resubmit = true }))
    assert.same({ 0, 0 }, sums(j))
    assert(begin(j, "a"))
    assert.same({ 0, 60 }, sums(j))
  end)

  it("goes by what the provider says, once it does", function()
    local j = journals.open()
    local function log() end
    assert(begin(j, "a")):ends(task("t1", { estimated_cost = 45 }), {}, false)
    assert.same({ 0, 45 }, sums(j))
    assert.equal(45, assert(j:get "a").estimated_credits)
    local function stands(status, more)
      more.status, more.done = status, function() return status ~= "RUNNING" end
      return task("t1", more)
    end
    local trail = journal.follow(j, "a", "t1", log)
    trail:told(stands("RUNNING", { estimated_cost = 50 }), true)
    assert.same({ 0, 50 }, sums(j))
    trail:told(stands("SUCCEEDED", {}), true)
    assert.same({ 50, 0 }, sums(j))
    trail:told(stands("SUCCEEDED", { cost = 48 }), true)
    assert.same({ 48, 0 }, sums(j))
    assert(begin(j, "b")):ends(task "t2", {}, false)
    assert.same({ 48, 60 }, sums(j))
    journal.follow(j, "b", "t2", log):told({ id = "t2", status = "FAILED", done = function() return true end }, true)
    assert.same({ 48, 0 }, sums(j))
    assert(begin(j, "c")):ends(task "t3", {}, false)
    journal.follow(j, "c", "t3", log):told({ id = "t3", status = "FAILED", cost = 60,
      done = function() return true end }, true)
    assert.same({ 108, 0 }, sums(j))
    assert(begin(j, "d")):ends(task "t4", {}, false)
    journal.follow(j, "d", "t4", log):told({ id = "t4", status = "CANCELLED", done = function() return true end }, true)
    assert.same({ 168, 0 }, sums(j))
  end)

  it("counts an id that came too late beside what has its key now", function()
    local j = journals.open()
    local late = assert(begin(j, "a"))
    journals.run_out "a"
    assert(j:entries())
    assert(j:settle("a", { resubmit = true }))
    assert(begin(j, "a"))
    late:ends(task "t1", {}, false)
    assert.same({ 0, 120 }, sums(j))
  end)

  it("is told by provider and by day, in UTC", function()
    local j = journals.open()
    assert(begin(j, "a")):ends(task("t1", { cost = 10 }), {}, false)
    assert(begin(j, "b")):ends(task "t2", {}, false)
    assert(begin(j, "c", { provider = "qimu", reserved = 7.5 })):ends(nil, {}, true, lost())
    journals.sql {
      { "UPDATE runway_shots SET submitted_at = $1 WHERE key = 'a'", 1793491199999 },   -- the last of 2026-10-31
      { "UPDATE runway_shots SET submitted_at = $1 WHERE key = 'b'", 1793491200000 },
      { "UPDATE runway_shots SET created_at = $1 WHERE key = 'c'", 1793500000000 },
    }
    local totals = assert(j:totals())
    assert.same({ 10, 67.5 }, { totals.spent, totals.reserved })
    assert.same({ runwayml = { entries = 2, spent = 10, reserved = 60 },
      qimu = { entries = 1, spent = 0, reserved = 7.5 } }, totals.providers)
    assert.same({ ["2026-10-31"] = { entries = 1, spent = 10, reserved = 0 },
      ["2026-11-01"] = { entries = 2, spent = 0, reserved = 67.5 } }, totals.days)
    assert.same({ 10, 67.5 }, { totals.credits, totals.estimated_credits })
  end)

  it("counts what a journal of the version before it holds", function()
    local store = assert(require("runway.store").open(journals.where()))
    assert(schema.prepare(store, { schema.MIGRATIONS[1] }))
    local insert = "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, description, token, "
      .. "owner, fence, task_id, status, credits, estimated, created_at, updated_at) VALUES ($1, $2, 'runwayml', "
      .. "'https://api.example', 'text_to_video', 'f', '{}', $1, 'x', 1, $1, $3, $4, $5, 1, 1)"
    assert(store:write {
      { insert, "a", "done", "SUCCEEDED", 100.0, 120.0 }, { insert, "b", "submitted", "PENDING", nil, 400.0 },
      { insert, "c", "failed", "FAILED", nil, 60.0 }, { insert, "d", "unknown", nil, nil, nil, n = 5 },
    })
    store:close()
    local j = journals.open()
    assert.same({ 100, 400 }, sums(j))
    assert.equal(4, assert(j:totals()).entries)
    local _, _, _, lack = begin(j, "e", { reserved = 101 })
    assert.same({ charged = 500 }, lack)
    assert(begin(j, "e", { reserved = 100 }))
  end)
end)

journals.over_each_database("a number of tasks at once, in a journal,", function()
  local function take(j, key, more) return begin(j, key, { terms = { most = 3 }, created = more }) end

  it("lets so many through of many that come at once, through connections of their own", function()
    local through = 0
    runway.run(function()
      local list = {}
      for i = 1, 5 do
        local j = journals.open()
        for k = 1, 5 do
          list[#list + 1] = function()
            local made, row, err, lack = take(j, ("%d-%d"):format(i, k))
            assert(not row and not err, err)
            if made then through = through + 1 else assert.same({ full = true }, lack) end
            return true
          end
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.equal(3, through)
  end)

  it("counts what may be under way, and nothing else", function()
    local j = journals.open()
    local function log() end
    local function is_free(what)
      local made = begin(j, "probe", { terms = { most = 1 } })
      if made then made:ends(nil, {}, false) end
      assert.equal(what, made and "free" or "taken")
    end
    is_free "free"
    local attempt = assert(take(j, "a"))
    is_free "taken"
    attempt:ends(nil, {}, true, lost())
    is_free "taken"                             -- it may be under way
    journals.sql { { "UPDATE runway_shots SET updated_at = $1", core.wall_ms() - 61000 } }
    is_free "free"                              -- and is not for ever
    assert(j:settle("a", { task_id = "t1" }))
    is_free "taken"
    journals.sql { { "UPDATE runway_shots SET updated_at = $1", core.wall_ms() - 3590000 } }
    is_free "taken"
    journals.sql { { "UPDATE runway_shots SET updated_at = $1", core.wall_ms() - 3610000 } }
    is_free "free"                              -- no one follows it
    journals.sql { { "UPDATE runway_shots SET updated_at = $1", core.wall_ms() } }
    journal.follow(j, "a", "t1", log):told({ id = "t1", status = "SUCCEEDED", done = function() return true end }, true)
    is_free "free"                              -- its film is still to be fetched
    assert.equal("submitted", assert(j:get "a").state)
  end)

  it("counts a task as long as someone follows it, though it never has news", function()
    local j, wall_ms, later = journals.open(), core.wall_ms, 0
    finally(function() core.wall_ms = wall_ms end)
    core.wall_ms = function() return wall_ms() + later end
    local running = task("t1", { status = "RUNNING", done = function() return false end })
    assert(take(j, "a")):ends(running, {}, false)
    local writes = 0
    journals.write_by(j, function(write)
      writes = writes + 1
      return write()
    end)
    local trail = journal.follow(j, "a", "t1", error, running)
    for _ = 1, 30 do
      later = later + 300000
      trail:told(running, true)
    end
    assert.equal(7, writes)                     -- in two and a half hours
    later = later + 3000000                     -- and one that is attached to before that hour is over
    journal.follow(j, "a", "t1", error, { heard = assert(journal.look(j, "a")).updated_at }):told(running, true)
    later = later + 3000000
    assert.same({ full = true }, select(4, begin(j, "b", { terms = { most = 1 } })))
  end)
end)

describe("a client with a journal", function()
  before_each(function() journals.setup() end)
  after_each(function()
    mocked.close()
    journals.teardown()
  end)

  local function provider(seconds)
    local self = { made = 0, ends = {}, most = 0 }
    function self.answer(request)
      if request.method == "POST" then
        self.made = self.made + 1
        self.ends[self.made] = scheduler.now() + seconds
        local now, count = scheduler.now(), 0
        for _, at in pairs(self.ends) do count = count + (at > now and 1 or 0) end
        self.most = math.max(self.most, count)
        return { json = { id = "t" .. self.made } }
      end
      local n = tonumber(request.path:match "t(%d+)$")
      local over = self.ends[n] <= scheduler.now()
      return { json = { id = "t" .. n, status = over and "SUCCEEDED" or "RUNNING",
        cost = over and { credits = 50 } or nil, output = over and { mocked.OUTPUT } or nil } }
    end
    return self
  end

  it("is held to its budget across runs, and says what is spent of it", function()
    local p = provider(10)
    local function run()
      return mocked.client(p.answer, { journal = journals.where(), budget = 120 })
    end
    local client = run()
    assert(assert(client:generate(clip { key = "a" })):wait())
    assert.same({ spent = 50, reserved = 0, budget = 120 }, client:spent())
    assert(client:generate(clip { key = "b" }))
    client:close()
    client = run()
    assert.same({ spent = 50, reserved = 60, budget = 120 }, client:spent())
    local made, err = client:generate(clip { key = "c" })
    assert.is_nil(made)
    assert.same({ "limit", "budget", "no" }, { err.kind, err.code, err.sent })
    assert.equal("not_found", select(2, client.journal:get "c").kind)
    assert(assert(client:generate(clip { key = "b" })):wait())      -- which is there already, and costs nothing
    assert.equal("no_price", select(2, client:generate(clip { key = "d", model = "of_tomorrow" })).code)
    assert.equal(2, p.made)
    client:close()
    assert.equal("closed", select(2, client:spent()).code)
  end)

  it("refuses nine hundred and ninety of a thousand that come at once", function()
    local p = provider(10)
    local client = mocked.client(p.answer, { journal = journals.where(), budget = 600 })
    local through = 0
    runway.run(function()
      local list = {}
      for i = 1, 1000 do
        list[i] = function()
          local made, err = client:generate(clip())
          if made then through = through + 1 else assert.equal("budget", err.code) end
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ 10, 10 }, { through, p.made })
    client:close()
  end)

  it("looks after what it has under way while it waits for a place, also after what it has attached to", function()
    local p = provider(60)
    for run = 1, 2 do
      local client = mocked.client(p.answer, { journal = journals.where(), max_tasks = 2 })
      for i = 1, 3 * run do assert(client:generate(clip { key = "k" .. i })) end
      client:close()
    end
    assert.same({ 6, 2 }, { p.made, p.most })
  end)

  it("shares max_tasks with others", function()
    local p = provider(60)
    local clients = {}
    for i = 1, 2 do clients[i] = mocked.client(p.answer, { journal = journals.where(), max_tasks = 2 }) end
    runway.run(function()
      local list = {}
      for i = 1, 8 do
        list[i] = function() return assert(assert(clients[i % 2 + 1]:generate(clip { key = "k" .. i })):wait()) end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ 8, 2 }, { p.made, p.most })
    for i = 1, 2 do clients[i]:close() end
  end)

  it("gives the place of what was refused to the next at once", function()
    local p, first = provider(60), true
    local client = mocked.client(function(request)
      if not first then return p.answer(request) end
      first = false
      return { status = 400, json = { error = "no" }, delay = 4.5 }
    end, { journal = journals.where(), max_tasks = 1 })
    runway.run(function()
      local began = scheduler.now()
      local refused = runway.spawn(client.generate, client, clip())
      runway.sleep(0)
      assert(client:generate(clip()))
      assert.equal(4.5, scheduler.now() - began)
      assert.equal("invalid_request", select(2, refused:join()).kind)
    end)
    client:close()
  end)

  it("that is closed, and its journal with it, says so to who waits for a place", function()
    local p = provider(60)
    local client = mocked.client(p.answer, { journal = journals.where(), max_tasks = 1 })
    runway.run(function()
      assert(client:generate(clip()))
      local jobs = {}
      for i = 1, 2 do jobs[i] = runway.spawn(client.generate, client, clip()) end
      runway.sleep(3)
      client:close()
      for i = 1, 2 do assert.equal("cancelled", select(2, jobs[i]:join()).kind) end
    end)
    assert.equal(1, p.made)
  end)

  it("waits for a place no longer than its deadline, and not for a program that is gone", function()
    local j, p = journals.open(), provider(60)
    assert(begin(j, "other"))
    local client = mocked.client(p.answer, { journal = j, max_tasks = 1 })
    local _, err = client:generate(clip { key = "a", deadline = 5 })
    assert.same({ "timeout", "max_tasks", "no" }, { err.kind, err.code, err.sent })
    assert.equal("not_found", select(2, j:get "a").kind)
    journals.sql { { "UPDATE runway_shots SET lease_until = 1, updated_at = 1" } }
    -- unknown from now on, which counts for a while from now
    _, err = client:generate(clip { key = "a", deadline = 5 })
    assert.equal("max_tasks", err.code)
    assert.equal("unknown", assert(j:get "other").state)
    journals.sql { { "UPDATE runway_shots SET updated_at = 1" } }
    assert(client:generate(clip { key = "a", deadline = 5 }))
  end)
end)

-- Several programs at once, each with a client of its own over a mock.
local PROGRAM = [[
  local runway = require "runway"
  local where, name, book, last = ...
  local n = 0
  local mock = runway.mock(function()
    n = n + 1
    if book then
      local file = io.open(book, "a")
      file:write "x"
      file:close()
      if n == tonumber(last) then os.execute "kill -9 $PPID" end
    end
    return { json = { id = name .. n }, delay = n }
  end)
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", transport = mock,
    journal = where, budget = 600 })
  local codes = {}
  runway.run(function()
    local list = {}
    for i = 1, 25 do
      list[i] = function()
        local task, err = client:generate { model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
        local code = task and "task" or err.code
        codes[code] = (codes[code] or 0) + 1
        return true
      end
    end
    runway.all(list)
  end)
  client:close()
  print(codes.task or 0, codes.budget or 0, n)
]]

-- What `count` of them said, each with a number of its own and what `more` gives.
local function run(count, where, more)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(PROGRAM)
  file:close()
  local pipes, said = {}, {}
  for i = 1, count do
    pipes[i] = assert(io.popen(("%s exec %s %s %s p%d- %s 2>&1"):format(child.paths(), lua, path, child.quote(where), i,
      more and more(i) or "")))
  end
  for i = 1, count do
    said[i] = pipes[i]:read "a"
    pipes[i]:close()
  end
  os.remove(path)
  return said
end

databases.each("a budget that programs share", function(fresh)
  it("is kept by all of them together", function()
    local sum = { 0, 0, 0 }
    for _, said in ipairs(run(4, fresh())) do
      local a, b, c = said:match "^(%d+)\t(%d+)\t(%d+)\n$"
      assert(a, said)
      sum = { sum[1] + tonumber(a), sum[2] + tonumber(b), sum[3] + tonumber(c) }
    end
    assert.same({ 10, 90, 10 }, sum)
  end)

  it("is kept though they are killed in the middle of their submits, and what those hold back is not lost", function()
    local where, book = fresh(), os.tmpname()
    local roll = chance.of(20261128)
    for _ = 1, 2 do
      run(3, where, function() return ("%s %d"):format(book, roll(3)) end)
    end
    local file = assert(io.open(book))
    local posts = #file:read "a"
    file:close()
    os.remove(book)
    local j = assert(runway.journal(where))
    local totals = assert(j:totals())
    -- what a program had begun beside the request in which it was killed may have left or not
    assert.is_true(posts > 0 and posts <= 10, posts)
    assert.equal(0, totals.states.submitting)
    assert.is_true(totals.states.unknown > 0)
    assert.equal(60 * totals.entries, totals.spent + totals.reserved)
    assert.is_true(totals.entries >= posts and totals.entries <= 10, totals.entries)
    for _, e in ipairs(assert(j:entries { state = "unknown" })) do
      assert(j:settle(e.key, { failed = "none there" }))
    end
    totals = assert(j:totals())
    assert.equal(60 * totals.states.submitted, totals.reserved)
    j:close()
  end)
end)
