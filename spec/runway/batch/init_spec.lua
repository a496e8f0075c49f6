-- A list of shots, made over a mock: what is submitted, what is left, and what is told of it.

local adapters = require "spec.support.adapters"
local clients = require "runway.client"
local command = require "spec.support.command"
local counted = require "spec.support.counted"
local journal = require "runway.journal"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

local HEADER = "key,prompt_text,model,ratio,duration"

describe("runway.batch", function()
  local files, posts, seen, client, m

  local function provider(...)
    local made, mock
    made, mock, seen = prompted.client(...)
    posts = seen.posts
    return made, mock
  end

  local function list(...)
    local lines = { HEADER }
    for _, word in ipairs { ... } do lines[#lines + 1] = ("%s,%s,gen4.5,1280:720,5"):format(word, word) end
    return files:write("shots.csv", table.concat(lines, "\n"))
  end

  -- Without a page: for each film that would ask an ffmpeg for a still.
  local function run(where, more)
    local options = { directory = files:path "out", sheet = function() end }
    for name, v in pairs(more or {}) do options[name] = v end
    return runway.batch(client, where, options)
  end

  local function states(result)
    local words = {}
    for i, shot in ipairs(result.shots) do words[i] = shot.state end
    return table.concat(words, " ")
  end

  local function entry(key)
    local j = assert(journal.open(files:path "out/runway.db"))
    local found = j:get(key)
    j:close()
    return found
  end

  before_each(function() files = scratch.new() end)
  after_each(function()
    mocked.close()
    files:remove()
  end)

  it("makes each shot once into a directory, with a receipt beside it, and nothing when it is run again", function()
    client, m = provider()
    local result = assert(run(list("a", "b", "c"), { directory = files:path "out/deep/er/" }))
    assert.equal("done done done", states(result))
    assert.equal(0, result.exit_code)
    assert.same(counted.batch { done = 3 }, result.counts)
    assert.equal(60, result.credits)
    assert.equal(files:path "out/deep/er/b.mp4", result.shots[2].path)
    assert.equal("task-b-1", result.shots[2].task_id)
    assert.matches("ftyp.*task%-b%-1", files:content "out/deep/er/b.mp4")
    assert.matches('"task%-b%-1"', files:content "out/deep/er/b.mp4.json")
    assert.truthy(files:content "out/deep/er/runway.db")
    assert.same({ key = "c", path = files:path "out/deep/er/c.mp4" },
      require("runway.batch").films(files:path "out/deep/er")[3])
    local asked = #m.requests
    local again = assert(run(list("a", "b", "c"), { directory = files:path "out/deep/er" }))
    assert.equal("done done done", states(again))
    assert.equal(60, again.credits)
    assert.equal(asked, #m.requests)
  end)

  it("says of what it cannot begin which call that was, and where, and the list's name once", function()
    client = provider()
    for name, why in pairs { ["none.csv"] = "No such file or directory", ["."] = "Is a directory" } do
      local path = files:path(name)
      local none, err = run(path)
      assert.same({ nil, "io", "runway.batch" }, { none, err.kind, err.call })
      assert.matches("init_spec.lua:%d+$", err.where)
      assert.equal(("cannot read the list: %s: %s"):format(path, why), err.message)
    end
    assert.equal("runway.batch", select(2, run("no,list")).call)
    assert.equal("runway.batch", select(2, run(list "a", { only = { "b" } })).call)
  end)

  it("names whole credits as integers, in the first run and in the next", function()
    client = provider({}, { prices = { ["gen4.5"] = 5.0 } })
    for _ = 1, 2 do
      local result = assert(run(list("a", "b")))
      local shot = result.shots[1]
      assert.same({ "integer", "integer", "integer" },
        { math.type(result.credits), math.type(shot.credits), math.type(shot.estimate.credits) })
    end
  end)

  it("knows its films where the directory is spelled in another way, or was moved", function()
    client, m = provider()
    assert(run(list "a"))
    local result = assert(run(list "a", { directory = files:path "./out" }))
    assert.same({ 0, "done", files:path "./out/a.mp4" }, { result.exit_code, states(result), result.shots[1].path })
    assert(os.rename(files:path "out", files:path "moved"))
    local asked = #m.requests
    result = assert(run(list "a", { directory = files:path "moved" }))
    assert.same({ 0, "done", files:path "moved/a.mp4" }, { result.exit_code, states(result), result.shots[1].path })
    assert.equal(1, posts.a)
    for i = asked + 1, #m.requests do assert.is_nil(m.requests[i].url:find("cdn", 1, true)) end
    local film = assert(io.open(files:path "moved/a.mp4", "wb")) -- another file in its place is not ours
    film:write("\0\0\0\24ftypmp42 another film")
    film:close()
    assert.equal(1, assert(run(list "a", { directory = files:path "./moved" })).exit_code)
  end)

  it("leaves the client as it was, and uses a journal that it has", function()
    client = provider()
    assert(run(list "a"))
    assert.is_nil(client.journal)
    local j = assert(journal.open(files:path "mine.db"))
    client = provider({}, { journal = j })
    assert(run(list "b"))
    assert.equal("done", j:get("b").state)
    j:close()
  end)

  it("fetches a film that is gone, and pays for nothing again", function()
    client = provider()
    assert(run(list "a"))
    os.remove(files:path "out/a.mp4")
    local result = assert(run(list "a"))
    assert.equal(0, result.exit_code)
    assert.truthy(files:content "out/a.mp4")
    assert.same({ a = 1 }, posts)
  end)

  it("makes the shots side by side, so many at most", function()
    for jobs = 1, 3 do
      client = provider()
      assert.equal(0, assert(run(list("a", "b", "c", "d", "e"),
        { jobs = jobs, directory = files:path("out" .. jobs) })).exit_code)
      assert.equal(jobs, seen.most)
      mocked.close()
    end
  end)

  it("goes on with what is under way, and before what is not begun", function()
    client = provider()
    assert.equal(1, assert(run(list("b"), { timeout = 0.001 })).exit_code)
    assert.equal("submitted", entry("b").state)
    local order = {}
    local result = assert(run(list("a", "b"), { jobs = 1, on_progress = function(shots)
      for _, shot in ipairs(shots) do
        if shot.state == "done" and not order[shot.key] then order[#order + 1], order[shot.key] = shot.key, true end
      end
    end }))
    assert.equal("done done", states(result))
    assert.same({ "b", "a", a = true, b = true }, order)
    assert.same({ a = 1, b = 1 }, posts)
  end)

  it("tells of each change with the whole list", function()
    client = provider()
    local told, rows = {}, {}
    assert(run(list("a", "b"), { jobs = 1, on_progress = function(shots)
      rows[#shots] = true
      local shot = shots[1]
      local said = ("%s %s %s"):format(shot.state, shot.progress or "-", shot.credits or "-")
      if told[#told] ~= said then told[#told + 1] = said end
    end }))
    assert.same({ [2] = true }, rows)
    assert.equal("queued - -", told[1])
    assert.equal("submitting - -", told[2])
    assert.equal("done 1 20", (told[#told]:gsub("%.0", "")))
  end)

  it("tells which shot it is of, and once of each that nothing more is done about it", function()
    client = provider { b = { { code = "INTERNAL.BAD_OUTPUT.CODE01" } } }
    local first, ended = nil, {}
    assert(run(list("a", "b", "c"), { jobs = 1, attempts = 2, on_progress = function(shots, shot, over)
      if not first then first = { #shots, shot == nil } end
      if over then ended[#ended + 1] = shot.key .. " " .. shot.state end
    end }))
    assert.same({ 3, true }, first)
    assert.same({ "a done", "b done", "c done" }, ended)
  end)

  it("has the page written before anything is paid for, while it goes on, and at its end", function()
    client = provider()
    local pages = {}
    assert(run(list("a", "b"), { jobs = 1, directory = files:path "out/", sheet = function(directory, shots, sums)
      pages[#pages + 1] = { directory, #shots, sums.counts.done or 0, next(posts) ~= nil }
    end }))
    local out = files:path "out"
    assert.same({ out, 2, 0, false }, pages[1])
    assert.same({ out, 2, 2, true }, pages[#pages])
    assert.is_true(#pages > 2)
    pages = {}
    assert.equal(0, assert(run(list("a", "b"), { sheet = function() error "a bug of the page's" end })).exit_code)
  end)

  it("keeps a contact sheet, on which stands where it is, though no still can be had", function()
    client = provider { b = { code = "SAFETY.INPUT.TEXT" } }
    assert.equal(1, assert(runway.batch(client, list("a", "b"), { directory = files:path "out" })).exit_code)
    local html = files:content "out/index.html"
    assert.matches('<a class="stage" href="%./a%.mp4" data%-play="video"', html)
    assert.matches("it failed", html)
    assert.matches("<dt>Done</dt><dd>1</dd>", html)
    assert.matches("<dt>Failed</dt><dd>1</dd>", html)
  end)

  it("makes no directory where no journal can be made in it", function()
    local name = "runway.sqlite"
    local loaded, preloaded = package.loaded[name], package.preload[name]
    package.loaded[name], package.preload[name] = nil, function() error("not here", 0) end
    client, m = provider()
    local result, err = run(list "a")
    package.loaded[name], package.preload[name] = loaded, preloaded
    assert.is_nil(result)
    assert.same({ "config", "no", 0 }, { err.kind, err.sent, #m.requests })
    assert.matches("^the journal of a batch needs the module runway.sqlite ", err.message)
    assert.is_nil(require("runway.core").space(files:path "out"))
  end)

  it("goes on though what it tells raises", function()
    client = provider()
    assert.equal(0, assert(run(list "a", { on_progress = function() error "a bug of the page's" end })).exit_code)
  end)

  describe("checks the whole list before anything is paid for:", function()
    local function refused(content, more)
      client, m = provider()
      local result, err = run(type(content) == "table" and content or files:write("shots.csv", content), more)
      assert.is_nil(result)
      assert.same({ "invalid_request", "bad_list", "no" }, { err.kind, err.code, err.sent })
      assert.equal(0, #m.requests)
      assert.is_nil(files:content "out/runway.db")
      return err
    end

    it("what the provider is known to refuse, with line and column", function()
      local rest = ",gen4.5,1280:720,"
      local err = refused(HEADER .. ",seed\na,x" .. rest .. "5,1\nb,x" .. rest .. "5,1.5\nc,x" .. rest .. "77,1\n")
      assert.same({ 3, "seed" }, { err.faults[1].line, err.faults[1].column })
      assert.same({ 4, "duration" }, { err.faults[2].line, err.faults[2].column })
      assert.matches("line 3 %(b%), seed: .*; line 4 %(c%), duration: ", err.message)
    end)

    it("names that are nearly known", function()
      local err = refused("key,promt_text,model,ratio,duration\na,x,gen4.5,1280:720,5\nb,x,gen4.5,1280:720,5\n")
      assert.equal(1, #err.faults)
      assert.matches("line 1, promt_text: promt_text is no column; did you mean prompt_text%?$", err.message)
    end)

    it("notes what of a picture will be cropped, which is no fault", function()
      local said = {}
      client, m = provider({}, { logger = function(level, message)
        if level == "warning" then said[#said + 1] = message end
      end })
      files:write("tall.png", "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(720, 1280) .. ("\0"):rep(99))
      local result = assert(run(files:write("shots.csv", HEADER .. ",prompt_image\na,x,gen4.5,1280:720,5,tall.png\n"
        .. "b,x,gen4.5,720:1280,5,tall.png\nc,y,gen4.5,1280:720,5,tall.png\n"), { dry_run = true }))
      assert.matches("tall.png is 720 x 1280; to the ratio 1280:720 it will be cropped", result.shots[1].notes[1])
      assert.same({}, result.shots[2].notes)
      assert.same(result.shots[1].notes, result.shots[3].notes)
      assert.same(said, result.shots[1].notes)
      assert.equal(0, #m.requests)
    end)

    it("pictures that were cut short", function()
      files:write("half.png", "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(1280, 720)
        .. "\8\2\0\0\0sum_\0\0\32\0IDATabc")
      local err = refused(HEADER .. ",prompt_image\na,x,gen4.5,1280:720,5,half.png\n")
      assert.equal(2, err.faults[1].line)
      assert.matches("half.png is cut short: it ends before its last chunk", err.faults[1].message)
    end)

    it("pictures that are not there", function()
      local err = refused(HEADER .. ",prompt_image\na,x,gen4.5,1280:720,5,no.png\n")
      assert.equal(2, err.faults[1].line)
      assert.equal("prompt_image", err.faults[1].column)
      assert.truthy(err.faults[1].message:find(files:path "no.png", 1, true))
    end)

    it("shots of one file, or of another's receipt", function()
      local head = "key,prompt_text,model,ratio,duration,output\n"
      local rest = ",x,gen4.5,1280:720,5,"
      local err = refused(head .. "a" .. rest .. "x.mp4\nb" .. rest .. "X.mp4\n")
      assert.same({ 3, "output" }, { err.faults[1].line, err.faults[1].column })
      assert.matches("line 2 as well", err.message)
      refused(head .. "a" .. rest .. "x.mp4\nb" .. rest .. "x.mp4.json\n")
      refused(HEADER .. "\na/b,x,gen4.5,1280:720,5\na_b,x,gen4.5,1280:720,5\n")
    end)

    it("providers that are none, or have no key", function()
      local err = refused("key,prompt_text,model,ratio,duration,provider\na,x,gen4.5,1280:720,5,qimo\n")
      assert.same({ 2, "provider" }, { err.faults[1].line, err.faults[1].column })
      assert.matches("did you mean qimu", err.message)
    end)

    it("lists that cannot be read", function()
      client = provider()
      local result, err = run(files:path "none.csv")
      assert.is_nil(result)
      assert.equal("io", err.kind)
      assert.matches("cannot read the list", err.message)
      result, err = run(files.directory)
      assert.is_nil(result)
      assert.equal("io", err.kind)
    end)

    it("a price that no one knows, where there is a budget", function()
      local content = "key,prompt_text,model,ratio,duration\na,x,gen4.5,1280:720,5\nb,x,gen9,1280:720,5\n"
      client, m = provider({}, { budget = 500 })
      local result, err = run(files:write("shots.csv", content))
      assert.is_nil(result)
      assert.equal(1, #err.faults)
      assert.equal(3, err.faults[1].line)
      assert.matches("what this task costs at runwayml is not known", err.faults[1].message)
      assert.equal(0, #m.requests)
    end)

    it("and sends nothing when it is only asked to", function()
      client, m = provider()
      local result = assert(run(list("a", "b"), { dry_run = true }))
      assert.same({ "queued queued", 0 }, { states(result), result.exit_code })
      assert.equal("/v1/text_to_video", result.shots[1].request.path)
      assert.equal("b.mp4", result.shots[2].output)
      assert.equal(60, result.shots[2].estimate.credits)
      assert.equal(0, #m.requests)
      assert.is_nil(files:content "out/runway.db")
    end)
  end)

  describe("when a shot fails", function()
    it("fails it alone, and does not repeat it unless told to, under a key that says so", function()
      client = provider { b = { { code = "SAFETY.INPUT.TEXT" } } }
      local result = assert(run(list("a", "b", "c"), { attempts = 3 }))
      assert.equal("done failed done", states(result))
      assert.equal(1, result.exit_code)
      assert.equal("SAFETY.INPUT.TEXT", result.shots[2].error.code)
      result = assert(run(list("a", "b", "c"), { attempts = 3 }))
      assert.equal("done failed done", states(result))
      assert.equal("it failed", result.shots[2].error.message:match "it failed")
      assert.same({ a = 1, b = 1, c = 1 }, posts)
      result = assert(run(list("a", "b", "c"), { retry_failed = true }))
      assert.equal("done done done", states(result))
      assert.equal(0, result.exit_code)
      assert.same({ a = 1, b = 2, c = 1 }, posts)
      assert.equal("failed", entry("b").state)
      assert.same({ "done", "task-b-2" }, { entry("b#2").state, entry("b#2").task_id })
      assert.equal("done done done", states(assert(run(list("a", "b", "c"), { retry_failed = true }))))
      assert.same({ a = 1, b = 2, c = 1 }, posts)
    end)

    it("makes it anew where its provider says that this may help, so often", function()
      local internal = { code = "INTERNAL.BAD_OUTPUT.CODE01" }
      client = provider { a = { { code = internal.code }, { code = internal.code } }, b = { { code = internal.code } } }
      local result = assert(run(list("a"), { attempts = 2 }))
      assert.equal("failed", states(result))
      assert.same({ a = 2 }, posts)
      assert.equal("failed", entry("a#2").state)
      result = assert(run(list("a"), { attempts = 3 })) -- counted over all runs
      assert.equal("done", states(result))
      assert.equal(3, result.shots[1].attempt)
      assert.equal("failed", states(assert(run(list("b"))))) -- once, unless told otherwise
      assert.same({ a = 3, b = 1 }, posts)
    end)

    it("fails alone what the provider refuses", function()
      client = provider { b = { status = 400, json = { error = "no such voice" } } }
      local result = assert(run(list("a", "b", "c")))
      assert.equal("done failed done", states(result))
      assert.matches("no such voice", result.shots[2].error.message)
      assert.equal(1, result.exit_code)
    end)

    it("submits again what the provider refused, which made no task and left its key free", function()
      local way = { status = 400, json = { error = "no such voice" } }
      client = provider { b = { way, way } }
      assert.equal("failed", states(assert(run(list("b")))))
      assert.is_nil(entry "b")
      assert.equal("failed", states(assert(run(list("b"), { retry_failed = true }))))
      local shot = assert(run(list("b"))).shots[1]
      assert.same({ "done", "b", 3 }, { shot.state, shot.entry, posts.b })
    end)

    it("fails alone a key that stood for another request", function()
      client = provider()
      assert(run(list("a", "b")))
      local path = files:write("shots.csv", HEADER .. "\na,other,gen4.5,1280:720,5\nb,b,gen4.5,1280:720,5\n")
      local result = assert(run(path))
      assert.equal("failed done", states(result))
      assert.equal("key_conflict", result.shots[1].error.code)
      assert.same({ a = 1, b = 1 }, posts)
      local shot, film = result.shots[1], files:path "out/a.mp4"
      assert.same({ state = "done", task_id = "task-a-1", path = film }, shot.older) -- and is told apart
      assert.same({}, { shot.path, shot.task_id, shot.bytes, shot.submitted_at })
      assert.matches("What it stands for is there: " .. film, shot.error.message, 1, true)
      assert.same({ 40, 1, 1 }, { result.credits, result.counts.failed, result.exit_code })
      assert.equal("done done", states(assert(run(list("a", "b"))))) -- as soon as the row has its words back
    end)

    it("says so before anything is paid for, and makes none of it anew, whatever is asked for", function()
      client = provider()
      assert(run(list("a", "b")))
      local path = files:write("shots.csv", HEADER .. "\na,other,gen4.5,1280:720,5\nc,c,gen4.5,1280:720,5\n")
      local first
      local function sheet(_, shots) first = first or shots[1].state .. " " .. shots[1].error.code end
      for _, more in ipairs { { dry_run = true }, { retry_failed = true }, { attempts = 3 }, { enqueue = true } } do
        local result = assert(run(path, { sheet = sheet, dry_run = more.dry_run, enqueue = more.enqueue,
          retry_failed = more.retry_failed, attempts = more.attempts }))
        assert.same({ "failed", "key_conflict" }, { result.shots[1].state, result.shots[1].error.code })
      end
      assert.equal("failed key_conflict", first)
      assert.same({ a = 1, b = 1, c = 1 }, posts)
    end)

    it("leaves what is unknown so, though its row was changed", function()
      client = provider { a = { fault = "timeout" } }
      assert(run(list("a")))
      local path = files:write("shots.csv", HEADER .. "\na,other,gen4.5,1280:720,5\n")
      local result = assert(run(path, { retry_failed = true }))
      assert.same({ "unknown", 4, "key_conflict" }, { states(result), result.exit_code, result.shots[1].error.code })
      assert.same({ a = 1 }, posts)
    end)
  end)

  describe("run again with another list", function()
    local said

    before_each(function()
      said = {}
      client = provider({}, { logger = function(level, message)
        if level ~= "debug" then said[#said + 1] = level .. " " .. message end
      end })
      assert(run(list("a", "b", "c")))
      said = {}
    end)

    it("says before anything is paid for what is new, what is bought anew, and what the list does not name", function()
      local path = files:write("shots.csv", HEADER .. "\na,a,gen4.5,1280:720,5\nb2,b,gen4.5,1280:720,5\n"
        .. "d,d,gen4.5,1280:720,5\n")
      local plan = { new = 2, credits = 120, low = 120, without_price = 0, again = { { key = "b2", known = "b" } },
        unnamed = { "b", "c" } }
      local before
      for _, more in ipairs { { dry_run = true }, {} } do
        said, before = {}, nil
        local result = assert(run(path, { dry_run = more.dry_run, on_progress = function(_, shot)
          before = before or not shot and #said
        end }))
        assert.same(plan, result.plan)
        assert.same({ "warning 2 of 3 shots are new, to be bought for 120 credits",
          'warning of these 1 was bought before, by its prompt, under other keys, and is paid for anew: "b2" (as "b"); '
          .. "for the film that is there give the row its key", "warning " .. files:path "out/runway.db"
          .. ' also holds 2 shots that the list does not name, which are left: "b", "c"' }, said)
        assert.equal(more.dry_run and "done queued queued" or "done done done", states(result))
      end
      assert.equal(3, before)
      assert.same({ a = 1, b = 2, c = 1, d = 1 }, posts)
    end)

    it("and says nothing where all is as it was", function()
      assert.same({ 0, {} }, { assert(run(list("a", "b", "c"))).plan.new, said })
    end)

    it("counts what failed where that is made anew, and what was left out not", function()
      client = provider { x = { { code = "SAFETY.INPUT.TEXT" } } }
      assert(run(list("x", "a", "b", "c")))
      local lines = list("x", "a", "b", "c", "d", "e")
      local function new(more)
        more.dry_run = true
        return assert(run(lines, more)).plan.new
      end
      assert.same({ 2, 3, 1 }, { new {}, new { retry_failed = true }, new { only = { "d", "a" } } })
    end)

    it("knows by the directory what of it is there, where the journal has other lists as well", function()
      local j = assert(journal.open(files:path "all.db"))
      client = provider({}, { journal = j, logger = function() end })
      assert(run(list("x", "y"), { directory = files:path "one" }))
      assert(run(list("a", "b"), { directory = files:path "two" }))
      local path = files:write("shots.csv", HEADER .. "\na,a,gen4.5,1280:720,5\nx2,x,gen4.5,1280:720,5\n")
      local plan = assert(run(path, { directory = files:path "two", dry_run = true })).plan
      assert.same({ { "b" }, { { key = "x2", known = "x" } } }, { plan.unnamed, plan.again })
      assert.same({}, assert(run(path, { dry_run = true, directory = files:path "new" })).plan.unnamed)
      local made = require "runway.batch.contents".read
      require("runway.batch.contents").read = function(where) error("it looked at " .. where) end
      local ok, result = pcall(runway.batch, client, path, { dry_run = true }) -- of no directory
      require("runway.batch.contents").read = made
      assert.same({ true, {} }, { ok, ok and result.plan.unnamed or result })
      j:close()
    end)
  end)

  describe("left to workers", function()
    local j

    before_each(function() j = assert(journal.open(files:path "mine.db")) end)
    after_each(function() j:close() end)

    local function work()
      return assert(runway.work(client, { directory = files:path "out", until_empty = true })).counts
    end

    it("is looked at as a whole first: none is put in line where one could not be kept", function()
      client = provider({}, { journal = j })
      local shots = { mocked.clip { key = "a", prompt_text = "a" },
        mocked.clip { key = "b", prompt_text = "see https://x.example/?sig=1" } }
      local result, err = run(shots, { enqueue = true })
      assert.is_nil(result)
      assert.same({ "bad_list", 2, "prompt_text" }, { err.code, err.faults[1].line, err.faults[1].column })
      assert.matches("holds what a journal does not keep", err.faults[1].message)
      assert.equal(0, j:totals().states.queued)
    end)

    it("is put in line in its order, though a picture is looked at longer than a text", function()
      client = provider({}, { journal = j })
      local shots = {}
      for i, key in ipairs { "d", "c", "b", "a" } do
        shots[i] = mocked.clip { key = key, model = i < 3 and "gen4_turbo" or nil,
          prompt_image = i < 3 and runway.file "examples/lighthouse.png" or nil }
      end
      assert(run(shots, { enqueue = true }))
      local keys = {}
      for i, one in ipairs(assert(j:entries())) do keys[i] = one.key end
      assert.same({ "a", "b", "c", "d" }, keys) -- the newest first
    end)

    it("tells of each shot that is put in line, once", function()
      client = provider({}, { journal = j })
      local told = {}
      assert(run(list("a", "b"), { enqueue = true, on_progress = function(shots, shot, ended)
        told[#told + 1] = shot and ("%s %s"):format(shot.key, ended) or #shots
      end }))
      assert.equal(2, table.remove(told, 1))
      table.sort(told)
      assert.same({ "a true", "b true" }, told)
    end)

    it("is queued, each shot once, and sends nothing; it is done when workers have made it, under the list's names",
      function()
        client = provider({}, { journal = j, poll_interval = 0.01 })
        for _ = 1, 2 do
          local result = assert(run(list("a", "b"), { enqueue = true }))
          assert.same({ "queued queued", 0, 0 }, { states(result), result.exit_code, #m.requests })
        end
        assert.same({ counted.work { done = 2 }, { a = 1, b = 1 } }, { work(), posts })
        assert.equal("done done", states(assert(run(list("a", "b"), { enqueue = true }))))
        local result = assert(run(list("a", "b")))
        assert.same({ "done done", 0, 40 }, { states(result), result.exit_code, result.credits })
        assert.same({ { a = 1, b = 1 }, files:path "out/a.mp4" }, { posts, j:get("a").path })
      end)

    it("is queued anew where it failed, if that is wanted", function()
      client = provider({ b = { { code = "SAFETY.INPUT.TEXT" } } }, { journal = j, poll_interval = 0.01 })
      assert(run(list("a", "b"), { enqueue = true }))
      assert.same(counted.work { done = 1, failed = 1 }, work())
      local result = assert(run(list("a", "b"), { enqueue = true }))
      assert.same({ "done failed", 1, counted.work {} }, { states(result), result.exit_code, work() })
      result = assert(run(list("a", "b"), { enqueue = true, retry_failed = true }))
      assert.same({ "done queued", 0, counted.work { done = 1 } }, { states(result), result.exit_code, work() })
      assert.same({ { a = 1, b = 2 }, files:path "out/b.mp4" }, { posts, j:get("b#2").path })
    end)

    it("puts none in line where a journal cannot keep one, and makes of the list what is asked for alone", function()
      client = provider({}, { journal = j, poll_interval = 0.01 })
      local shots = { mocked.clip { key = "a" }, { key = "b", prompt_text = "b", model = "gen4_turbo",
        ratio = "1280:720", duration = 5, prompt_image = "https://x.example/a.png?sig=1" } }
      assert.equal("bad_list", select(2, run(shots, { enqueue = true })).code)
      assert.equal("queued queued", states(assert(run(shots, { enqueue = true, only = { "a" } }))))
      assert.same({ 0, "not_found" }, { #m.requests, select(2, j:get "b").kind })
    end)
  end)

  it("shows what is unknown, and leaves it", function()
    client = provider { b = { fault = "lost" } }
    for _ = 1, 2 do
      local result = assert(run(list("a", "b", "c"), { retry_failed = true, attempts = 3 }))
      assert.equal("done unknown done", states(result))
      assert.equal(4, result.exit_code)
      assert.equal("unknown_submit", result.shots[2].error.kind)
      assert.same({ a = 1, b = 1, c = 1 }, posts)
    end
  end)

  describe("when no more is sold", function()
    local function daily(more)
      local way = { status = 429, json = { error = "Your daily task limit has been reached." } }
      for name, v in pairs(more or {}) do way[name] = v end
      return way
    end

    it("leaves the rest queued until the day is over, and says when that is", function()
      client = provider { b = daily { headers = { ["retry-after"] = "3000" } } }
      local result = assert(run(list("a", "b", "c", "d"), { jobs = 1 }))
      assert.equal("done queued queued queued", states(result))
      assert.equal(1, result.exit_code)
      assert.same({ a = 1, b = 1 }, posts)
      local halt = result.halted.runwayml
      assert.equal("daily_limit", halt.error.code)
      assert.is_true(math.abs(halt.until_time - os.time() - 3000) < 60)
      client = provider()
      assert.equal("done done done done", states(assert(run(list("a", "b", "c", "d")))))
      assert.same({ b = 1, c = 1, d = 1 }, posts)
    end)

    it("and asks a limit that only says too many once more", function()
      client = provider { a = { { status = 503, headers = { ["retry-after"] = "60" } },
        { status = 429, json = { error = "Too many requests" } } } }
      assert.equal("done", states(assert(run(list "a"))))
    end)

    it("stops at an empty account, which is no fault of the shot's", function()
      client = provider { b = { status = 400, json = { error = "You do not have enough credits to run this task." } } }
      local result = assert(run(list("a", "b", "c"), { jobs = 1 }))
      assert.equal("done queued queued", states(result))
      assert.equal("insufficient_credits", result.halted.runwayml.error.kind)
      assert.same({ a = 1, b = 1 }, posts)
    end)

    it("submits nothing that would pass the budget, with a journal of the client's or of the directory's", function()
      for _, own in ipairs { false, true } do
        local j = own and assert(journal.open(files:path "mine.db")) or nil
        client = provider({}, { journal = j, budget = 75 }) -- a shot is held to cost 60, and costs 20
        local result = assert(run(list("a", "b", "c"), { directory = files:path(own and "one" or "two"), jobs = 1 }))
        assert.equal("done queued queued", states(result))
        assert.same({ 3, "budget" }, { result.exit_code, result.halted.runwayml.error.code })
        if j then j:close() end
      end
    end)

    it("counts what is under way in its journal, and leaves the client's own count as it was", function()
      client = provider({}, { max_tasks = 1 })
      assert.equal("done done done", states(assert(run(list("a", "b", "c")))))
      assert.equal(1, seen.most)
      assert(client:generate(mocked.clip { prompt_text = "d" }))
      assert.equal("max_tasks", select(2, client:generate(mocked.clip { prompt_text = "e", deadline = 1 })).code)
    end)

    it("counts what no provider names the cost of as it was estimated, now as when it is run again", function()
    client = mocked.client({ any_order = true, { "POST /make", json = { id = "t1" } },
      { "GET /tasks/t1", json = { status = "SUCCEEDED", output = { mocked.OUTPUT } } },
      { "GET " .. mocked.OUTPUT, body = "film" } },
      { provider = adapters.own { price = function() return { credits = 0.2 } end } })
    for _ = 1, 2 do
      local result = assert(run { { key = "a", prompt_text = "a" } })
      assert.same({ "done", 0.2 }, { states(result), result.credits })
    end
  end)

  it("holds the budget of a client without a journal over all its lists, and what it submits beside them", function()
    client = provider({}, { budget = 95 })    -- a shot is held to cost 60, and costs 20
    for i, key in ipairs { "a", "b" } do
      assert.equal(0, assert(run(list(key), { directory = files:path(key) })).exit_code)
      assert.same({ spent = 20 * i, reserved = 0, budget = 95 }, client:spent())
    end
    local result = assert(run(list "c", { directory = files:path "c" }))
    assert.same({ 3, "budget" }, { result.exit_code, result.halted.runwayml.error.code })
    assert.equal("budget", select(2, client:generate(mocked.clip { prompt_text = "d" })).code)
    assert.same({ a = 1, b = 1 }, posts)
    assert.same({ spent = 40, reserved = 0, budget = 95 }, client:spent())
  end)

  it("uses the budget up: what is held back for what is under way is waited for", function()
      for _, jobs in ipairs { 1, 2, 4 } do
        client = provider({}, { budget = 125 }) -- held to cost 60 each, said to cost 25, and then 20
        local result = assert(run(list("a", "b", "c", "d", "e", "f"), { jobs = jobs,
          directory = files:path("j" .. jobs) }))
        assert.same(counted.batch { done = 4, queued = 2 }, result.counts)
        assert.same({ 3, 80 }, { result.exit_code, result.credits })
      end
    end)
  end)

  it("survives a provider that is away for an hour", function()
    local away
    client = provider { b = function()
      away = away or scheduler.now() + 3600
      return scheduler.now() < away and { fault = "not_sent" } or nil
    end }
    local result = assert(run(list("a", "b", "c")))
    assert.equal("done done done", states(result))
    assert.is_nil(result.shots[2].error)
  end)

  it("makes only what it is asked for", function()
    client = provider()
    local result = assert(run(list("a", "b", "c"), { only = { "b" } }))
    assert.equal("queued done queued", states(result))
    assert.equal(0, result.exit_code)
    assert.same({ b = 1 }, posts)
    local none, err = run(list("shot-a", "shot-b"), { only = { "shot_b" } })
    assert.is_nil(none)
    assert.matches("did you mean shot%-", err.message)
  end)

  it("asks each shot's own provider", function()
    client = provider()
    local other, mock = mocked.client({ any_order = true,
      { "POST /make", json = { id = "other-1" } },
      { "GET /tasks/other-1", times = math.huge, json = { status = "FAILED" } },
    }, { provider = adapters.own() })
    local shots = { mocked.clip { key = "a", provider = "mine" }, mocked.clip { key = "b", prompt_text = "b" } }
    local result = assert(run(shots, { clients = { mine = other } }))
    assert.equal("failed done", states(result))
    assert.equal("other-1", result.shots[1].task_id)
    assert.equal("mine", entry("a").provider)
    assert.truthy(#mock.requests > 0)
  end)

  it("shows no account's key on its page, though two begin alike", function()
    local head = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."
    local said = ("a %sfirst-of-all b %ssecond-of-all c"):format(head, head)
    client = provider({ [said] = { status = 400, json = { error = "no" } } }, { api_key = head .. "first-of-all" })
    local other = mocked.client({ any_order = true,
      { "POST /make", json = { id = "other-1" } },
      { "GET /tasks/other-1", times = math.huge, json = { status = "FAILED" } },
    }, { provider = adapters.own(), api_key = head .. "second-of-all" })
    assert(runway.batch(client, { mocked.clip { key = "a", provider = "mine", prompt_text = said },
      mocked.clip { key = "b", prompt_text = said } }, { directory = files:path "out", clients = { mine = other } }))
    local page = files:content "out/index.html"
    assert.matches("a [key] b [key] c", page, 1, true)
    assert.is_nil(page:find("-of-all", 1, true))
  end)

  it("spends at a row's own provider nothing beyond the account's budget, and over its transport", function()
    command.setup { QIMU_API_KEY = mocked.KEY }
    client = provider({}, { budget = 75, prices = { gen3a_turbo = 10 } })
    local head = "key,prompt_text,model,ratio,duration,provider\n"
    local path = files:write("shots.csv", head .. "a,a,gen4.5,1280:720,5,\nb,b,gen3a_turbo,16:9,10,qimu\n")
    local result = assert(run(path, { jobs = 1 }))
    command.teardown()
    assert.equal("done queued", states(result))
    assert.same({ 3, "budget" }, { result.exit_code, result.halted.qimu.error.code })
    assert.same({ a = 1 }, posts)
  end)

  it("gives back what was held for a shot that was not taken, and keeps it for one whose answer was lost", function()
    client = provider({ a = { status = 400, json = { error = "no" } }, b = { fault = "lost" } }, { budget = 200 })
    assert.equal("failed", states(assert(run(list "a", { directory = files:path "a" }))))
    assert.same({ spent = 0, reserved = 0, budget = 200 }, client:spent())
    assert.equal("unknown", states(assert(run(list "b", { directory = files:path "b" }))))
    assert.same({ spent = 0, reserved = 60, budget = 200 }, client:spent())
    assert.equal("unknown", states(assert(run(list "b", { directory = files:path "b" })))) -- is held once
    assert.same({ spent = 0, reserved = 60, budget = 200 }, client:spent())
  end)

  it("gives back what was held for a shot whose turn ended before it left", function()
    client = provider({}, { budget = 200 })
    local j = assert(journal.open(files:path "one.db"))
    local other = clients.remembering(client, j)
    local begin = journal.begin
    journal.begin = function() error("the job was ended", 0) end
    local ok = pcall(other.generate, other, mocked.clip { key = "a" })
    journal.begin = begin
    assert.is_false(ok)
    assert.same({ spent = 0, reserved = 0, budget = 200 }, client:spent())
    j:close()
  end)

  it("counts at a row's own provider what its lists before it have spent", function()
    command.setup { QIMU_API_KEY = mocked.KEY }
    client = provider({}, { budget = 75, prices = { gen3a_turbo = 6 } })
    assert.equal(0, assert(run(list "a", { directory = files:path "one" })).exit_code)
    local head = "key,prompt_text,model,ratio,duration,provider\n"
    local path = files:write("more.csv", head .. "b,b,gen3a_turbo,16:9,10,qimu\n")
    local result = assert(run(path, { directory = files:path "two" }))
    command.teardown()
    assert.same({ 3, "budget" }, { result.exit_code, result.halted.qimu.error.code })
    assert.matches("may cost 60 .*, and 20 are spent or held back", result.halted.qimu.error.message)
  end)

  it("says when the directory can be none", function()
    client, m = provider()
    files:write("out", "a file")
    local result, err = run(list "a")
    assert.is_nil(result)
    assert.same({ "io", "directory" }, { err.kind, err.code })
    assert.matches("cannot make the directory", err.message)
    assert.equal(0, #m.requests)
  end)

  it("pays for no shot whose file is there already, and is another's", function()
    client = provider()
    os.execute("mkdir -p " .. files:path "out")
    files:write("out/a.mp4", "mine")
    files:write("out/c.mp4.json", "{}")       -- where its receipt is to be
    local result = assert(run(list("a", "b", "c")))
    assert.equal("failed done failed", states(result))
    assert.same({ b = 1 }, posts)
    assert.matches("c%.mp4%.json is there already, and is not this shot's", result.shots[3].error.message)
    assert.same({ "mine", "{}" }, { files:content "out/a.mp4", files:content "out/c.mp4.json" })
  end)

  it("raises for misuse", function()
    client = provider()
    assert.has_error(function() runway.batch({}, "x", { directory = "y" }) end)
    assert.has_error(function() runway.batch(client, 5, { directory = "y" }) end)
    assert.has_error(function() runway.batch(client, "x") end)
    local ok, message = pcall(run, list "a", { job = 3 })
    assert.is_false(ok)
    assert.matches("did you mean jobs%?", message)
    assert.is_true(clients.is(client))
  end)
end)
