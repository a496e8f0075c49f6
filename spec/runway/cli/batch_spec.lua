-- `runway batch` and `runway estimate`: what is made, printed and ended with; over a mock.

local command = require "spec.support.command"
local exits = require "runway.cli.exits"
local footage = require "spec.support.footage"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

local HEADER = "key,prompt_text,model,ratio,duration\n"
local objects = command.objects

describe("runway batch", function()
  local here, posts, tasks

  before_each(function()
    here, posts, tasks = scratch.new(), {}, {}
    command.setup { RUNWAYML_API_SECRET = mocked.KEY, TERM = "dumb" }
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    here:remove()
  end)

  -- The provider: `ways` has for each prompt how its submit is answered, or how its task ends ({ code = }); for
  -- `cdn` how a film is.
  local function provider(ways)
    local function submit(request)
      local prompt = request.json.promptText
      posts[prompt] = (posts[prompt] or 0) + 1
      local way = (ways or {})[prompt]
      if type(way) == "function" then way = way() end
      if way and not way.code then return way end
      tasks["t-" .. prompt] = way or {}
      return { json = { id = "t-" .. prompt, estimatedCost = { credits = 25 } } }
    end
    local function query(request)
      local id = request.path:match "[^/]+$"
      local code = tasks[id].code
      if code == "forever" then return { json = { id = id, status = "RUNNING", progress = 0.42 } } end
      if code then
        return { json = { id = id, status = "FAILED", failure = "it failed", failureCode = code,
          cost = { credits = 0 } } }
      end
      return { json = { id = id, status = "SUCCEEDED", output = { "https://cdn.example/" .. id .. ".mp4" },
        cost = { credits = 20 } } }
    end
    return { any_order = true,
      { "POST /v1/text_to_video", times = math.huge, answer = submit },
      { method = "GET", path = "^/v1/tasks/", times = math.huge, answer = query },
      { method = "GET", path = function(_, request) return request.url:find "^https://cdn" ~= nil end,
        times = math.huge, answer = function(request)
          return (ways or {}).cdn or { body = "\0\0\0\24ftypmp42" .. request.url }
        end },
    }
  end

  local function list(...)
    local rows = {}
    for _, word in ipairs { ... } do rows[#rows + 1] = ("%s,%s,gen4.5,1280:720,5\n"):format(word, word) end
    return here:write("shots.csv", HEADER .. table.concat(rows))
  end

  local function batch(path, more, ways, world)
    local argv = { "batch", path }
    for _, word in ipairs(more or {}) do argv[#argv + 1] = word end
    if not table.concat(argv, " "):find "%-%-dry%-run" then
      argv[#argv + 1], argv[#argv + 2] = "-o", here:path "out"
    end
    return command.run(argv, provider(ways), world)
  end

  it("says of a film that was changed since, and of a file in the way, what they are and what to do", function()
    assert.equal(0, (batch(list("a", "b"))))
    local path = here:path "out/a.mp4"
    local film = here:content "out/a.mp4"
    here:write("out/a.mp4", film .. "x")
    local code, _, err = batch(list("a", "b"))
    assert.equal(1, code)
    assert.matches(("a  is made, but its file is not here: %s is there, but it is not the file that was fetched for "
      .. "this task (has it been changed since?): move it away to have it fetched again\n"):format(path), err, 1, true)
    assert.matches("1 of 2 done, 1 made, whose file is not here; 40 credits\n", err, 1, true)
    os.remove(path)
    assert.equal(0, (batch(list("a", "b"))))
    assert.equal(film, here:content "out/a.mp4")
    here:write("out/c.mp4", "mine")
    code, _, err = batch(list "c")
    assert.equal(1, code)
    assert.matches(("c  failed: %s is there already, and is not this shot's: move it away, or give the shot another "
      .. "output\n"):format(here:path "out/c.mp4"), err, 1, true)
    assert.matches("what was refused made no task: once that is mended, run the same command again\n", err, 1, true)
    assert.same({ a = 1, b = 1 }, posts)
  end)

  it("says that it goes on with what was submitted by an earlier run, and when a time is over only that", function()
    local _, _, err = batch(list "a", { "--timeout", "0.1" }, { a = { code = "forever" } })
    assert.matches("a  submitted  task t-a\n", err, 1, true)
    assert.matches("a  goes on at its provider: still PENDING after 0.1 s\n", err, 1, true)
    tasks["t-a"] = {}
    _, _, err = batch(list "a")
    assert.matches("a  goes on with  task t-a\n", err, 1, true)
    assert.same({ a = 1 }, posts)
  end)

  it("names a column that no one knows where one that is needed is missing", function()
    local path = here:write("german.csv", "key,prompt,model,ratio,Dauer\na,a,gen4.5,1280:720,5\n")
    local code, _, err = batch(path)
    assert.equal(2, code)
    assert.matches("line 2 (a), duration: gen4.5 needs duration: 2 to 10 (the parameter Dauer is not known here", err,
      1, true)
  end)

  it("tells with what is wrong also what it only warns of, so that both are mended at once", function()
    local path = here:write("two.csv", HEADER .. "a,a,gen45,1280:720,5\nb,b,gen4.5,1280:720,77\n")
    local code, _, err = batch(path)
    assert.equal(2, code)
    assert.matches("line 2, a: the model gen45 is not known here (did you mean gen4.5?)", err, 1, true)
    assert.matches("line 3 (b), duration: gen4.5 takes durations 2 to 10, not 77", err, 1, true)
  end)

  it("says of a directory that it is no list, and nothing of its size", function()
    local code, _, err = batch(here.directory)
    assert.equal(2, code)
    assert.matches("Is a directory", err, 1, true)
    assert.is_nil(err:find("looking through", 1, true))
  end)

  it("says what the budget has left, where it is less than all that is new", function()
    assert.equal(0, (batch(list "a")))
    local _, _, err = batch(list("a", "b"), { "--budget", "50", "--price", "gen4.5=12" })
    assert.matches("1 of 2 shots is new, to be bought for 60 credits; of the budget 30 are left\n", err, 1, true)
  end)

  it("names the page that it wrote, and no page of someone else's", function()
    local _, _, said = batch(list "a")
    assert.matches("the page is [^\n]*/out/index%.html", said)
    here:write("out/index.html", "mine")
    local code, out
    code, out, said = batch(list "a", { "--json" })
    assert.equal(0, code)
    assert.matches('"page":null', out)
    assert.matches("is not of runway's making", said)
    assert.equal("mine", here:content "out/index.html")
  end)

  it("says of a film for which there is no place that it is made", function()
    assert.equal(0, (batch(list "a")))
    here:write("out/a.mp4", "something else that has another size")
    local code, _, said = batch(list "a")
    assert.equal(1, code)
    assert.matches("a  is made, but its file is not here: [^\n]*a%.mp4", said)
    assert.equal(1, posts.a)
  end)

  -- What stands in every line of a shot.
  local ALWAYS = { "key", "state", "task_id", "provider", "path", "credits", "error" }

  local function has_all(line, names)
    for _, name in ipairs(names) do assert.truthy(line:find('"' .. name .. '":', 1, true), name) end
  end

  it("prints the path of each film that is there, and again when it is run again", function()
    local code, out, err = batch(list("a", "b"), { "--jobs", "1" })
    assert.equal(0, code, err)
    local paths = here:path "out/a.mp4" .. "\n" .. here:path "out/b.mp4" .. "\n"
    assert.equal(paths, out)
    assert.truthy(err:find("a  submitted  task t-a\n", 1, true), err)
    assert.truthy(err:find("b  done  20 credits  (2 of 2)\n", 1, true), err)
    assert.truthy(err:find("runway: 2 of 2 done; 40 credits\n", 1, true), err)
    assert.truthy(here:content "out/runway.db" and here:content "out/a.mp4.json")
    local m
    code, out, err, m = batch(list("a", "b"), { "--jobs", "1" })
    assert.same({ 0, paths, 0 }, { code, out, #m.requests }, err)
    assert.truthy(err:find("a  is there already  (1 of 2)\nb  is there already  (2 of 2)\n", 1, true), err)
    os.remove(here:path "out/b.mp4")
    err = select(3, batch(list("a", "b"), { "--jobs", "1" }))
    assert.truthy(err:find("b  done  20 credits  (2 of 2)\n", 1, true), err)
  end)

  it("takes the directory's name with a slash at its end, and another journal", function()
    local journal = here:path "mine.db"
    local code, out = command.run({ "batch", list "a", "-o", here:path "deep/er/", "--journal", journal }, provider())
    assert.same({ 0, here:path "deep/er/a.mp4" .. "\n" }, { code, out })
    assert.truthy(here:content "mine.db")
    assert.is_nil(here:content "deep/er/runway.db")
  end)

  describe("exits", function()
    local budget = { "--budget", "75", "--jobs", "1" }
    for _, row in ipairs {
      { exits.OK, "when all is there", nil, nil, "2 of 2 done; 40 credits" },
      { exits.FAILED, "when something failed", { b = { code = "SAFETY.INPUT.TEXT" } }, nil,
        "what failed is made anew with --retry-failed" },
      { exits.FAILED, "when something still runs", { b = { code = "forever" } }, { "--timeout", "60" },
        "to go on: run the same command again" },
      { exits.BUDGET, "when the budget is reached", nil, budget, "the budget of 75 credits does not allow this task" },
      { exits.UNKNOWN, "when something is unknown", { b = { fault = "lost" } }, nil,
        "runway journal settle KEY --journal " },
    } do
      it(("with %d %s"):format(row[1], row[2]), function()
        local more = { "--json" }
        for _, word in ipairs(row[4] or {}) do more[#more + 1] = word end
        local code, out, err = batch(list("a", "b"), more, row[3])
        assert.equal(row[1], code, err)
        assert.truthy(err:find(row[5], 1, true), err)
        local all = objects(out)
        assert.equal(3, #all)
        assert.equal(code, all[3].exit_code)
      end)
    end

    it("with what the budget lets through first, and goes on with another", function()
      assert.equal(exits.BUDGET, (batch(list("a", "b"), budget)))
      assert.same({ a = 1 }, posts)
      assert.equal(exits.OK, (batch(list("a", "b"), { "--budget", "100" })))
      assert.same({ a = 1, b = 1 }, posts)
    end)
  end)

  it("tells what failed from what was refused, which needs no word to be submitted again", function()
    local anew, again = "what failed is made anew", "what was refused made no task"
    local _, _, err = batch(list "a", nil, { a = { status = 400, json = { error = "no such voice" } } })
    assert.same({ true, false }, { err:find(again, 1, true) ~= nil, err:find(anew, 1, true) ~= nil }, err)
    _, _, err = batch(list "a", nil, { a = { code = "SAFETY.INPUT.TEXT" } })
    assert.same({ false, true }, { err:find(again, 1, true) ~= nil, err:find(anew, 1, true) ~= nil }, err)
    _, _, err = batch(list "a")
    assert.same({ false, true }, { err:find(again, 1, true) ~= nil, err:find(anew, 1, true) ~= nil }, err)
  end)

  it("prints an object for each shot once it has ended, and a last one of sums", function()
    local code, out, err = batch(list("a", "b", "c"), { "--json", "--jobs", "1", "--budget", "500" },
      { b = { code = "SAFETY.INPUT.TEXT" }, c = { fault = "lost" } })
    assert.equal(exits.UNKNOWN, code)
    for line in out:gmatch "[^\n]+" do
      has_all(line, line:find '"key"' and ALWAYS
        or { "shots", "counts", "credits", "budget", "directory", "journal", "page", "halted", "exit_code" })
    end
    local a, b, c, sums = table.unpack(objects(out))
    assert.same({ "a", "done", "t-a", "runwayml", here:path "out/a.mp4", 20 },
      { a.key, a.state, a.task_id, a.provider, a.path, a.credits })
    assert.is_nil(a.error)
    assert.equal(64, #a.sha256)
    assert.same({ "failed", "SAFETY.INPUT.TEXT", "task_failed" }, { b.state, b.error_code, b.error_kind })
    assert.matches("it failed", b.error)
    assert.is_nil(b.path)
    assert.same({ "unknown", 60 }, { c.state, c.credits })
    assert.matches("runway journal settle c %-%-journal ", c.error)
    assert.same({ 3, 1, 1, 1, 0, 80, 500, 4 }, { sums.shots, sums.counts.done, sums.counts.failed, sums.counts.unknown,
      sums.counts.queued, sums.credits, sums.budget, sums.exit_code })
    assert.truthy(err:find("runway: 1 of 3 done, 1 failed, 1 unknown; 80 of 500 credits spent or held back\n", 1, true),
      err)
    assert.is_nil(out:find(mocked.KEY, 1, true))
  end)

  it("names no path where there is no film, though it is known where that was", function()
    batch(list "a")
    os.remove(here:path "out/a.mp4")
    local code, out = batch(list "a", { "--json" }, { cdn = { status = 404 } })
    local a = objects(out)[1]
    assert.same({ exits.FAILED, "downloading" }, { code, a.state })
    assert.is_nil(a.path)
    assert.matches('"path":null', out)
  end)

  it("makes anew what failed, when it is told to, and a failure of the provider's own so often", function()
    local ways = { a = { code = "SAFETY.INPUT.TEXT" }, b = { code = "INTERNAL.BAD_OUTPUT.CODE01" } }
    batch(list("a", "b"), { "--attempts", "3" }, ways)
    assert.same({ a = 1, b = 3 }, posts)
    local code, _, err = batch(list("a", "b"), { "--retry-failed" })
    assert.equal(0, code, err)
    assert.truthy(err:find("a  submitted  task t-a  (attempt 2)\n", 1, true), err)
    assert.same({ a = 2, b = 4 }, posts)
    batch(list("c"), {}, { c = { code = "SAFETY.INPUT.TEXT" } })
    code, _, err = batch(list("c"), { "--retry-failed" }, { c = { code = "SAFETY.INPUT.TEXT" } })
    assert.equal(1, code)
    assert.truthy(err:find("what failed has failed in this run", 1, true), err)
    assert.is_nil(err:find("--retry-failed", 1, true)) -- which it had
  end)

  it("names what a shot waits for by the option that makes it", function()
    if footage.missing then return pending(footage.missing) end
    command.teardown()
    command.setup { RUNWAYML_API_SECRET = mocked.KEY, TERM = "dumb", PATH = os.getenv "PATH" }
    local path = here:write("shots.csv", "key,prompt_text,model,ratio,duration,prompt_image\n"
      .. "a,a,gen4.5,1280:720,5,\nb,b,gen4.5,1280:720,5,last:a\n")
    local _, out, err = batch(path, { "--json" }, { a = { code = "SAFETY.INPUT.TEXT" } })
    assert.truthy(err:find('run the list again with --retry-failed, which makes "a" anew', 1, true), err)
    assert.matches("with %-%-retry%-failed, which", objects(out)[2].error)
  end)

  it("says once, at the end, what there is to do about those that are unknown", function()
    for _, more in ipairs { {}, { "--only=-a" } } do -- as they are lost, and when they are found so
      local _, _, err = batch(list("-a", "b"), more, { ["-a"] = { fault = "lost" }, b = { fault = "lost" } })
      assert.matches("%-a  unknown: [^\n]*under the key", err)
      assert.equal(1, select(2, err:gsub("journal[ :]settle", "")), err)
      assert.equal(1, select(2, err:gsub("own list of tasks", "")), err)
      assert.matches("\nrunway: what is unknown [^\n]*runway journal settle %-%-journal [^\n]* %-%- KEY ", err)
    end
  end)

  it("counts all shots of a list that is put in line once more, though nothing is left to put there", function()
    batch(list("a", "b"), {}, { b = { fault = "lost" } })
    local code, out, err, m = batch(list("a", "b"), { "--enqueue", "--json" })
    assert.same({ exits.UNKNOWN, 0 }, { code, #m.requests }, err)
    local _, b, sums = table.unpack(objects(out))
    assert.same({ "unknown", 2, 1, 1 }, { b.state, sums.shots, sums.counts.done, sums.counts.unknown })
    assert.truthy(err:find("runway: 1 of 2 done, 1 unknown; 80 credits spent or held back\n", 1, true), err)
    assert.truthy(err:find("runway journal settle KEY --journal ", 1, true), err)
  end)

  it("tells once of what is not known, and of which shot: before it is paid for, and in a dry run", function()
    local path = here:write("shots.csv", "key,prompt_text,model,ratio,duration,notes\n"
      .. "a,a,gen45,1280:720,5,\nb,b,gen45,1280:720,5,\nc,c,gen4.5,1280:720,5,mine\n")
    for _, more in ipairs { { "--dry-run" }, {} } do
      local code, _, err = batch(path, more)
      assert.equal(0, code, err)
      for _, said in ipairs { "runway: line 2, a: the model gen45 is not known here (did you mean gen4.5?); it goes to "
        .. "the API as it is (and so in 1 more)\n", "runway: line 4, c: the parameter notes is not known here" } do
        local at, last = err:find(said, 1, true)
        assert.truthy(at, err)
        assert.is_nil(err:find(said:match "the .-;?$":sub(1, 20), last, true), err)
      end
    end
  end)

  it("says which shot it is that is submitted once more", function()
    local turns = 0
    local code, _, err = batch(list("a", "b"), nil, { b = function()
      turns = turns + 1
      return turns == 1 and { status = 429, json = { error = "too many" }, headers = { ["retry-after"] = "1" } } or nil
    end })
    assert.equal(0, code, err)
    assert.matches("runway: b: [^\n]*too many[^\n]*trying again in", err)
  end)

  it("advises what helps: a larger budget, and a key of its own for a request that was changed", function()
    local err = select(3, batch(list("a", "b"), { "--budget", "75", "--jobs", "1" }))
    assert.truthy(err:find("to go on: run the same command again with a larger --budget\n", 1, true), err)
    local changed = here:write("shots.csv", HEADER .. "a,another,gen4.5,1280:720,5\n")
    local code
    code, err = select(1, batch(changed)), select(3, batch(changed))
    assert.equal(exits.FAILED, code)
    assert.truthy(err:find("one that was changed needs another key in the list\n", 1, true), err)
    assert.is_nil(err:find("--retry-failed", 1, true))
  end)

  it("makes only what it is asked for", function()
    local code, out = batch(list("a", "b", "c", "d"), { "--only", "b", "c", "--only", "d", "--json" })
    assert.equal(0, code)
    assert.same({ b = 1, c = 1, d = 1 }, posts)
    assert.equal(3, objects(out)[4].shots)
    assert.matches("20 credits spent or held back by these; the budget of 500 is that of all in the journal",
      select(3, batch(list("a", "b"), { "--only", "b", "--budget", "500" })), 1, true)
    local refused, _, err = batch(list("shot-a", "shot-b"), { "--only", "shot_b" })
    assert.equal(exits.MISUSE, refused)
    assert.matches("did you mean shot%-", err)
    err = select(3, batch(list("a", "b"), { "--only", "a,b" }))
    assert.matches("(keys are words of their own: a b)", err, 1, true)
  end)

  it("says before anything is paid for, and in a dry run, what is new and what the list does not name", function()
    batch(list("a", "b"))
    local path = here:write("shots.csv", HEADER .. "a,a,gen4.5,1280:720,5\nc,b,gen4.5,1280:720,5\n")
    local words = { "1 of 2 shots is new, to be bought for 60 credits\n", 'bought before, by its prompt, under other '
      .. 'keys, and is paid for anew: "c" (as "b"); for', 'runway.db also holds 1 shot that the list does not name, '
      .. 'which is left: "b"\n' }
    local plan = { new = 1, credits = 60, low = 60, without_price = 0, again = { { key = "c", known = "b" } },
      unnamed = { "b" } }
    for _, argv in ipairs { { "batch", path, "--dry-run" }, { "estimate", path }, { "batch", path } } do
      for _, word in ipairs { "-o", here:path "out", "--json" } do argv[#argv + 1] = word end
      local _, out, err = command.run(argv, provider())
      for _, said in ipairs(words) do assert.truthy(err:find(said, 1, true), err) end
      local submitted = err:find "c  submitted"
      assert.is_true(not submitted or submitted > err:find("does not name", 1, true))
      local shots = objects(out)
      assert.same({ "done", plan }, { shots[1].state, shots[3].plan })
      assert.is_nil(shots[1].request)
    end
    assert.same({ a = 1, b = 2 }, posts)
    local _, out = command.run({ "estimate", path, "-o", here:path "out" }, {})
    assert.equal("a  is there already\nc  is there already\n2 shots  120 credits; of these 0 to be bought  0 credits\n",
      out)
    _, out = command.run({ "estimate", path }, {})
    assert.equal("a  60 credits\nc  60 credits\n2 shots  120 credits\n", out)
  end)

  it("makes neither journal nor directory where it only says what would be", function()
    for _, argv in ipairs { { "batch", list "a", "--dry-run" }, { "estimate", list "a" } } do
      for _, word in ipairs { "-o", here:path "out", "--journal", here:path "other.db" } do argv[#argv + 1] = word end
      assert.equal(0, (command.run(argv, {})))
    end
    assert.same({}, { here:content "out/index.html", here:content "other.db" })
    assert.equal(2, (command.run({ "estimate", "--prompt", "x", "-o", here:path "out" }, {})))
  end)

  it("tells of a key that stands for another request the same on the terminal, on the page and as JSON", function()
    batch(list("a", "b"))
    local path = here:write("shots.csv", HEADER .. "a,other,gen4.5,1280:720,5\nb,b,gen4.5,1280:720,5\n")
    local code, out, err = batch(path, { "--json" })
    local shots, page = objects(out), here:content "out/index.html"
    assert.same({ 1, "failed", "key_conflict", "done", here:path "out/a.mp4" }, { code, shots[1].state,
      shots[1].error_code, shots[1].older.state, shots[1].older.path })
    assert.same({}, { shots[1].path, shots[1].task_id })
    assert.same({ 1, 1, 40 }, { shots[3].counts.done, shots[3].counts.failed, shots[3].credits })
    assert.truthy(err:find("1 of 2 done, 1 failed; 40 credits", 1, true), err)
    assert.truthy(err:find("What it stands for is there: " .. here:path "out/a.mp4", 1, true), err)
    for _, words in ipairs { "<dt>Failed</dt><dd>1</dd>", "<dt>Done</dt><dd>1</dd>", "<dt>Cost</dt><dd>40",
      '<a href="./a.mp4" dir="auto">a.mp4</a> is of another request', "of another request</span></a>" } do
      assert.truthy(page:find(words, 1, true), words)
    end
    assert.is_nil(page:find("no film", 1, true))
  end)

  it("sends nothing when it is only to print requests and their price, and needs no directory", function()
    local code, out, err, m = batch(list("a", "b"), { "--dry-run" })
    assert.equal(0, code, err)
    assert.equal(0, #m.requests)
    assert.truthy(out:find('a  60 credits  POST /v1/text_to_video  {"duration":5,', 1, true), out)
    assert.truthy(out:find("2 shots  120 credits\n", 1, true), out)
    code, out = batch(list("a", "b"), { "--dry-run", "--json" })
    has_all(out:match "[^\n]+", ALWAYS)
    local a, _, sums = table.unpack(objects(out))
    assert.same({ 0, "queued", "a", 60 }, { code, a.state, a.request.json.promptText, a.estimate.credits })
    assert.same({ 2, 120, 0 }, { sums.shots, sums.estimate.credits, sums.without_price })
    assert.is_nil(here:content "out/runway.db")
  end)

  it("shows of a picture that would be sent its name, and none of its bytes", function()
    here:write("p.png", assert(io.open("examples/lighthouse.png", "rb")):read "a")
    local path = here:write("shots.csv", "key,prompt_text,model,ratio,duration,prompt_image\n"
      .. "a,x,gen4_turbo,1280:720,5,p.png\n")
    local code, out, err = batch(path, { "--dry-run", "--json" })
    assert.equal(0, code, err)
    assert.equal("p.png", objects(out)[1].request.json.promptImage.file)
    assert.is_true(#out < 1000)
  end)

  it("says until when nothing more is sold, and what is left", function()
    local function daily(headers)
      return { b = { status = 429, headers = headers, json = { error = "Your daily task limit has been reached." } } }
    end
    local code, out, err = batch(list("a", "b", "c"), { "--jobs", "1", "--json" }, daily { ["retry-after"] = "3000" })
    assert.equal(exits.FAILED, code)
    local sums = objects(out)[4]
    assert.equal("daily_limit", sums.halted.runwayml.code)
    assert.is_true(math.abs(sums.halted.runwayml["until"] - os.time() - 3000) < 60)
    assert.equal(2, sums.counts.queued)
    assert.matches("nothing more was submitted to runwayml: .*; until %d+%-%d+%-%d+ %d+:%d+ UTC %(in %d+:%d%d", err)
    assert.truthy(err:find("2 not submitted", 1, true), err)
    assert.truthy(err:find("to go on: run the same command again", 1, true), err)
    err = select(3, batch(list("a", "b", "c"), { "--jobs", "1" }, daily()))
    assert.matches("it does not say until when: a day's limit is over by %d+", err)
  end)

  -- As Ctrl-C comes once both are submitted: in core.wait, where an interpreter's handler raises it.
  local function interrupted(where, more, ways)
    local core = require "runway.core"
    local wait, raised = core.wait, false
    finally(function() core.wait = wait end)
    function core.wait(...)
      if posts.a and posts.b and not raised then
        raised = true
        error("shots.lua:1: interrupted!", 0)
      end
      return wait(...)
    end
    local code, out, err = batch(where, more, ways)
    core.wait = wait
    return code, out, err
  end

  it("counts at Ctrl-C what was not sent as not submitted, what was refused as failed, and what has lost its answer "
    .. "as unknown", function()
    local code, out, err = interrupted(list("a", "b", "c"), { "--jobs", "2", "--json" },
      { a = { status = 400, json = { error = "no" }, delay = 0.1 }, b = { fault = "lost", delay = 0.1 } })
    assert.equal(exits.INTERRUPTED, code, err)
    local all, states = objects(out), {}
    for i = 1, 3 do states[all[i].key] = all[i].state end
    assert.same({ a = "failed", b = "unknown", c = "queued" }, states)
    assert.same({ a = 1, b = 1 }, posts)
    assert.same({ 0, 1, 1 }, { all[4].counts.submitting, all[4].counts.queued, all[4].counts.unknown })
  end)

  it("stops submitting at Ctrl-C, keeps what is under way, and says how to go on", function()
    local forever = { code = "forever" }
    local code, out, err = interrupted(list("a", "b", "c", "d"), { "--jobs", "2", "--json" },
      { a = forever, b = forever })
    assert.equal(exits.INTERRUPTED, code, err)
    assert.same({ a = 1, b = 1 }, posts)
    local all = objects(out)
    assert.equal(5, #all)
    assert.same({ 130, 2, 2 }, { all[5].exit_code, all[5].counts.submitted, all[5].counts.queued })
    assert.truthy(err:find("keeps its ids in " .. here:path "out/runway.db", 1, true), err)
    assert.truthy(err:find("to go on: run the same command again", 1, true), err)
    forever.code = nil
    assert.equal(exits.OK, (batch(list("a", "b", "c", "d"))))
    assert.same({ a = 1, b = 1, c = 1, d = 1 }, posts)
  end)

  describe("is misuse", function()
    for what, argv in pairs {
      ["without a directory"] = { "batch", "x.csv" }, ["without a list"] = { "batch", "-o", "x" },
      ["with no number of jobs"] = { "batch", "x.csv", "-o", "x", "--jobs", "0" },
      ["with no budget"] = { "batch", "x.csv", "-o", "x", "--budget", "-1" },
      ["with standard output"] = { "batch", "x.csv", "-o", "-" },
      ["with a list that could not be read again"] = { "batch", "-", "-o", "x" },
    } do
      it(what, function()
        local code, out, err = command.run(argv, {})
        assert.same({ exits.MISUSE, "" }, { code, out })
        assert.truthy(err:find("see runway batch --help", 1, true), err)
      end)
    end
  end)
end)

describe("runway estimate", function()
  local here, environment
  before_each(function()
    here = scratch.new()
    environment = { RUNWAYML_API_SECRET = mocked.KEY, COMETAPI_KEY = mocked.KEY }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    here:remove()
  end)

  local CLIP = { "--prompt", "x", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5" }

  local function estimate(words, ...)
    local argv = { "estimate" }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    for _, word in ipairs { ... } do argv[#argv + 1] = word end
    return command.run(argv, {})
  end

  it("says what a clip would cost", function()
    local code, out = estimate(CLIP)
    assert.equal(0, code)
    assert.matches("^60 credits  %(table %d+%-%d+%)\n$", out)
    code, out = estimate(CLIP, "--json")
    assert.same({ 0, 60, "runwayml" }, { code, json.decode(out).estimate.credits, json.decode(out).provider })
  end)

  it("and what a list of shots would, each and all", function()
    local path = here:write("shots.csv", HEADER .. "a,x,gen4.5,1280:720,5\nb,x,gen4.5,1280:720,10\n")
    local code, out = estimate { path }
    assert.same({ 0, "a  60 credits\nb  120 credits\n2 shots  180 credits\n" }, { code, out })
    path = here:write("shots.csv", HEADER .. "a,x,gen4.5,1280:720,5\nb,x,gen9,1280:720,10\n")
    code, out = estimate { path }
    assert.equal(exits.FAILED, code)
    assert.truthy(out:find("b  price not known\n2 shots  60 credits, and 1 whose price is not known\n", 1, true), out)
  end)

  it("takes a price where no one knows it, also for a budget", function()
    local clip = { "--provider", "cometapi", "--prompt", "x", "--model", "gen4", "--ratio", "16:9", "--duration", "5" }
    local code, _, err = estimate(clip)
    assert.equal(exits.FAILED, code)
    assert.truthy(err:find("runway: here that is --price MODEL=CREDITS\n", 1, true), err)
    local out = select(2, estimate(clip, "--price", "gen4=2.5", "--price", "x=1"))
    assert.equal("12.5 credits  (user)\n", out)
    local path = here:write("shots.csv", HEADER .. "a,x,gen4,16:9,5\nb,x,gen4,16:9,5\n")
    code = command.run({ "batch", path, "-o", here:path "out", "--provider", "cometapi", "--budget", "9", "--price",
      "gen4=2" }, {})
    assert.equal(exits.BUDGET, code)
    for _, wrong in ipairs { "gen4", "gen4=", "gen4=-1", "=5" } do
      assert.equal(exits.MISUSE, (estimate(clip, "--price", wrong)), wrong)
    end
  end)

  it("needs no key, nor does a dry run, of whichever provider", function()
    environment.RUNWAYML_API_SECRET, environment.COMETAPI_KEY = nil, nil
    assert.same({ 0 }, { (estimate(CLIP)) })
    local path = here:write("shots.csv", "key,prompt_text,model,ratio,duration,provider\n"
      .. "a,x,gen4.5,1280:720,5,\nb,x,gen4,16:9,5,cometapi\n")
    local code, _, err = command.run({ "batch", path, "--dry-run" }, {})
    assert.equal(0, code, err)
    code, _, err = command.run({ "batch", path, "-o", here:path "out" }, {})
    assert.equal(exits.MISUSE, code)
    assert.matches("no API key", err, 1, true)
  end)

  it("exits with 1 where no one knows, and with 2 for what is refused", function()
    local code, out = estimate({ "--prompt", "x", "--duration", "5", "--provider", "cometapi" }, "--json")
    assert.same({ exits.FAILED, "no_price" }, { code, json.decode(out).error.code })
    assert.equal(exits.MISUSE, (estimate(CLIP, "--param", "seed=1.5")))
    assert.equal(exits.MISUSE, (estimate {}))
    assert.equal(exits.MISUSE, (estimate(CLIP, here:path "shots.csv")))
    assert.equal(exits.MISUSE, (estimate { here:path "none.csv" }))
    assert.equal(exits.MISUSE, (estimate { here:write("bad.csv", "") }))
  end)
end)
