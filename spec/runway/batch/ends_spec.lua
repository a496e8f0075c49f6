-- A list whose shots end otherwise, over a mock: what each costs, what halts a provider, and how the whole is told.

local clients = require "runway.client"
local command = require "spec.support.command"
local core = require "runway.core"
local journal = require "runway.journal"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

describe("runway.batch, when", function()
  local files, client, seen

  before_each(function() files = scratch.new() end)
  after_each(function()
    mocked.close()
    files:remove()
  end)

  local function open(ways, options)
    local made, _, told = prompted.client(ways, options)
    client, seen = made, told
  end

  local function shots(...)
    local list = {}
    for i, key in ipairs { ... } do list[i] = mocked.clip { key = key, prompt_text = key } end
    return list
  end

  local function run(list, more)
    local options = { directory = files:path "out", jobs = 1, sheet = function() end }
    for name, v in pairs(more or {}) do options[name] = v end
    return runway.batch(client, list, options)
  end

  local function states(result)
    local words = {}
    for i, shot in ipairs(result.shots) do words[i] = shot.state end
    return table.concat(words, " ")
  end

  it("the key is refused, submits nothing more", function()
    open { b = { status = 401, json = { error = "no such key" } } }
    local result = assert(run(shots("a", "b", "c")))
    assert.same({ "done queued queued", 1 }, { states(result), result.exit_code })
    assert.equal("authentication", result.halted.runwayml.error.kind)
    assert.same({ a = 1, b = 1 }, seen.posts)
  end)

  it("a limit lasts longer than anyone waits, submits nothing more", function()
    open { b = { status = 429, headers = { ["retry-after"] = "7200" }, json = { error = "later" } } }
    local began = scheduler.now()
    local result = assert(run(shots("a", "b", "c")))
    assert.same({ "done queued queued", 1 }, { states(result), result.exit_code })
    assert.is_true(scheduler.now() - began < 7200)
    assert.is_true(result.halted.runwayml.until_time > core.wall_ms() / 1000 + 7000)
    assert.same({ a = 1, b = 1 }, seen.posts)
  end)

  it("its provider is halted, goes on with what is under way there", function()
    open { b = { status = 401, json = { error = "no such key" } } }
    assert(run(shots "c", { timeout = 0.001 }))
    local result = assert(run(shots("b", "c"), { jobs = 2 }))
    assert.same({ "queued done", { b = 1, c = 1 } }, { states(result), seen.posts })
  end)

  it("a provider is away for longer than a shot waits, leaves that and goes on with the next", function()
    open { a = { fault = "not_sent" } }
    local began = scheduler.now()
    local result = assert(run(shots("a", "b")))
    assert.same({ "queued done", 1, {} }, { states(result), result.exit_code, result.halted })
    assert.equal("network", result.shots[1].error.kind)
    local waited = scheduler.now() - began
    assert.is_true(waited > 3600 and waited < 4 * 3600, waited)
  end)

  it("attempts cost something, counts all of them, in this run and in the next", function()
    local failure = { code = "INTERNAL.BAD_OUTPUT.CODE01", cost = 7 }
    open { a = { failure, failure } }
    local result = assert(run(shots "a", { attempts = 3 }))
    assert.same({ "done", 34, 34 }, { states(result), result.credits, result.shots[1].credits })
    result = assert(run(shots "a"))
    assert.same({ "done", 34 }, { states(result), result.credits })
    open { b = { failure, { fault = "lost" } } }
    for _ = 1, 2 do
      result = assert(run(shots "b", { attempts = 3 }))
      assert.same({ "unknown", 67, { b = 2 } }, { states(result), result.credits, seen.posts })
    end
  end)

  it("its wait was over, and the task fails later, is made anew by the next run of the same program", function()
    open { a = { { code = "INTERNAL.BAD_OUTPUT.CODE01" } } }
    assert.same("submitted", states(assert(run(shots "a", { timeout = 0.001 }))))
    local result = assert(run(shots "a", { attempts = 2 }))
    assert.same({ "done", { a = 2 } }, { states(result), seen.posts })
  end)

  it("a task failed or was cancelled, and no one says what that cost, counts nothing", function()
    for _, status in ipairs { "FAILED", "CANCELLED" } do
      open { a = { task = { json = { id = "task-a-1", status = status, failureCode = "SAFETY" } } } }
      for _ = 1, 2 do
        local result = assert(run(shots "a", { directory = files:path(status) }))
        assert.same({ "failed", 0, 1 }, { states(result), result.credits, result.exit_code })
        assert.equal(status == "FAILED" and "task_failed" or "task_cancelled", result.shots[1].error.kind)
      end
    end
  end)

  it("one is unknown, says so before all else, and counts what it may have cost", function()
    open({ a = { fault = "lost" } }, { budget = 80 })
    local result = assert(run(shots("a", "b")))
    assert.same({ "unknown queued", 4, 60 }, { states(result), result.exit_code, result.credits })
    assert.equal("budget", result.halted.runwayml.error.code)
  end)

  it("the provider knows a task no more, has that unknown", function()
    open { a = { task = { status = 404, json = { error = "no such task" } } } }
    for _ = 1, 2 do
      local result = assert(run(shots "a"))
      assert.same({ "unknown", 4, { a = 1 } }, { states(result), result.exit_code, seen.posts })
    end
  end)

  it("a film cannot be had, keeps its task", function()
    open { a = { film = { status = 403, body = "gone" } } }
    local result = assert(run(shots "a", { attempts = 3 }))
    assert.same({ "downloading", 1, "task-a-1" }, { states(result), result.exit_code, result.shots[1].task_id })
  end)

  it("a receipt cannot be written, has the film, and is not all there", function()
    open { a = { film = function() assert(core.make_directory(files:path "out/a.mp4.json")) end } }
    local result = assert(run(shots "a"))
    assert.same({ "done", files:path "out/a.mp4", 1 }, { states(result), result.shots[1].path, result.exit_code })
    assert.truthy(result.shots[1].error)
  end)

  it("the client is closed meanwhile, leaves what was not submitted as it is", function()
    open()
    local result = assert(run(shots("a", "b"), { on_progress = function(_, shot)
      if shot and shot.key == "a" and shot.state == "done" then client:close() end
    end }))
    assert.same({ "done queued", 1, { a = 1 } }, { states(result), result.exit_code, seen.posts })
    assert.equal("cancelled", result.shots[2].error.kind)
  end)

  it("something is raised in the work, raises it", function()
    local session_of = clients.session_of
    clients.session_of = function(account) -- luacheck: ignore 122
      if seen.posts.a then error "a bug" end
      return session_of(account)
    end
    finally(function() clients.session_of = session_of end) -- luacheck: ignore 122
    open { a = { { code = "INTERNAL" } } }
    local ok, err = pcall(run, shots "a", { attempts = 2 })
    assert.same({ false, true }, { ok, tostring(err):find("a bug", 1, true) ~= nil })
  end)

  it("faults are many, tells them in the order of the list", function()
    open()
    local list = shots("a", "b", "c")
    list[3].duration, list[1].prompt_image, list[2].output = 77, "last:no", "a/b.mp4"
    local none, err = run(list)
    assert.is_nil(none)
    local lines = {}
    for i, fault in ipairs(err.faults) do lines[i] = fault.line .. " " .. fault.column end
    assert.same({ "1 prompt_image", "2 output", "3 duration" }, lines)
    list[1].duration = 78                     -- what begins with no one has its other faults told, too
    none, err = run(list)
    assert.is_nil(none)
    assert.same({ 1, "duration" }, { err.faults[2].line, err.faults[2].column })
  end)

  it("a film would lie where another, its receipt or its frame does or comes, tells so", function()
    open()
    local list = shots("a", "b")
    for _, output in ipairs { "Z.mp4", "Z.mp4.part", "z.mp4.JSON", "z.mp4.json.part", "z.mp4.last.png" } do
      list[1].output, list[2].output = "z.mp4", output
      local none, err = run(list)
      assert.is_nil(none)
      assert.same({ "bad_list", "output" }, { err.code, err.faults[1].column }, output)
    end
  end)

  it("its end meets a page that is being written, does not wait for the next one", function()
    open()
    local written = 0
    local began = scheduler.now()
    assert(run(shots "a", { sheet = function()
      written = written + 1
      runway.sleep(30)
    end }))
    assert.truthy(written >= 2)
    assert.is_true(scheduler.now() - began < 400, scheduler.now() - began) -- the next one is 600 s off
  end)

  it("a row has several faults, tells them all, and not what is missing without them", function()
    open()
    local none, err = run(files:write("shots.csv", table.concat({
      "key,prompt_text,modl,ratio,duration,imge", "a,a,gen4.5,1280:720,five,x.png", "b,b,gen4.5,1280:720,5," }, "\n")))
    assert.is_nil(none)
    local told = {}
    for i, fault in ipairs(err.faults) do told[i] = ("%d %s %d: %s"):format(fault.line, fault.column, fault.more or 0,
      fault.message) end
    table.sort(told)
    assert.same({ "1 imge 0: imge is no column; did you mean image?",
      "1 modl 0: modl is no column; did you mean model?",
      '2 duration 0: duration must be a number, not "five"' }, told)
  end)

  it("it is left to workers, sends nothing, and ends as what is there stands", function()
    open { bad = { code = "SAFETY" } }
    assert(run(shots "bad"))
    local result = assert(run(shots("a", "bad"), { enqueue = true }))
    assert.same({ "queued failed", 1, { bad = 1 } }, { states(result), result.exit_code, seen.posts })
    result = assert(run(shots("a", "b"), { enqueue = true, directory = files:path "two" }))
    assert.same({ "queued queued", 0, { bad = 1 } }, { states(result), result.exit_code, seen.posts })
    local j = assert(journal.open(files:path "two/runway.db"))
    assert.equal(2, assert(j:totals()).states.queued)
    j:close()
    local list = shots("a", "b")
    list[2].prompt_image = "last:a"
    local none, err = run(list, { enqueue = true, directory = files:path "three" })
    assert.is_nil(none)
    assert.truthy(err.code == "not_kept" or err.code == "bad_list", err.code) -- the latter where there is no ffmpeg
    assert.is_nil(files:content "three/runway.db")
  end)

  it("rows have moved in a journal of the client's own, takes the list for another one", function()
    local j = assert(journal.open(files:path "mine.db"))
    open(nil, { journal = j })
    assert(run { mocked.clip { prompt_text = "a" } })
    local result = assert(run { mocked.clip { prompt_text = "b" }, mocked.clip { prompt_text = "a" } })
    assert.equal("done done", states(result))
    assert.is_true(clients.is(client))
    j:close()
  end)

  it("a row names another provider, asks that with the account's limits, and at this machine where that is there",
    function()
      command.setup { QIMU_API_KEY = mocked.KEY }
      finally(command.teardown)
      for base, stays in pairs { ["http://127.0.0.1:9"] = true, ["https://relay.example"] = false } do
        open(nil, { base_url = base, max_tasks = 3, budget = 7 })
        local other = assert(clients.beside(client, "qimu"))
        assert.same({ "qimu", stays }, { other.provider, other.base_url == base })
        local limits = clients.session_of(other)
        assert.same({ 3, 7 }, { limits.places.most, limits.budget })
        other:close()
      end
    end)

  it("it is over, has closed what it opened: the directory's journal, and clients of other providers", function()
    local beside, made = clients.beside, {}
    clients.beside = function(...) -- luacheck: ignore 122
      local other, err = beside(...)
      made[#made + 1] = other
      return other, err
    end
    finally(function() clients.beside = beside end) -- luacheck: ignore 122
    command.setup { QIMU_API_KEY = mocked.KEY }
    open()
    local list = shots("a", "b")
    list[2].provider, list[2].model, list[2].ratio = "qimu", "gen3a_turbo", "16:9"
    assert(run(list, { only = { "a" } }))
    command.teardown()
    assert.equal(1, #made)
    assert.matches("closed", tostring(select(2, made[1]:get "t1")))
    local pipe = io.popen "ls -l /proc/$PPID/fd 2>/dev/null"
    local held = pipe:read "a"
    pipe:close()
    assert.is_nil(held:find(files.directory, 1, true), held)
  end)
end)
