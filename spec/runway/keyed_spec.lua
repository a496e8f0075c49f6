-- generate with a journal: what a key stands for, over a mock that counts what is paid for.

local child = require "spec.support.child"
local description = require "runway.description"
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local json = require "runway.json"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local targets = require "runway.targets"
local tasks = require "runway.task"

local clip, SUBMIT, task_is = mocked.clip, mocked.SUBMIT, mocked.task

describe("generate with a journal", function()
  before_each(function() journals.setup() end)
  after_each(function()
    mocked.close()
    journals.teardown()
  end)

  local said

  -- A client over a list; what its logger is told is collected in `said`.
  local function client_of(j, list, more)
    said = {}
    local opts = { journal = j, logger = function(level, message)
      if level ~= "debug" then said[#said + 1] = message end
    end }
    for name, v in pairs(more or {}) do opts[name] = v end
    return mocked.client(list, opts)
  end

  local function film(path)
    return { "GET https://cdn.example/clip.mp4", body = "\0\0\0\24ftypmp42\0\0\0\0mp42isom" .. path }
  end

  -- The task of an order, paid for and waited for; its film is still to be fetched.
  local function waited(j, order)
    local client = client_of(j, { SUBMIT, task_is "SUCCEEDED", film "1" })
    return assert(assert(client:generate(order)):wait())
  end

  it("has committed the intent before the request leaves, and the id when the task is given", function()
    local j = journals.open()
    local seen
    local client, m = client_of(j, { { "POST /v1/text_to_video", json = { id = "t1" }, check = function()
      -- in the middle of the submit: what a program that reads the file now would find
      local row = journals.sql { "SELECT * FROM runway_shots" }[1].rows[1]
      seen = { row.key, row.state, row.task_id }
    end } })
    local task = assert(client:generate(clip { key = "shot-1" }))
    assert.same({ "shot-1", "submitting" }, seen)
    local e = assert(j:get "shot-1")
    assert.same({ "submitted", task.id, "runwayml", "text_to_video", "a cat" },
      { e.state, e.task_id, e.provider, e.kind, e.request.params.prompt_text })
    assert.equal(j, client.journal)
    m:finish()
  end)

  it("remembers every paid task, also without a key", function()
    local j = journals.open()
    local client = client_of(j, { SUBMIT, { "POST /v1/text_to_video", json = { id = "t2" } } })
    assert(client:generate(clip()))
    assert(client:generate(clip()))
    local list = assert(j:entries())
    assert.equal(2, #list)
    assert.are_not.equal(list[1].key, list[2].key)
  end)

  it("opens a journal that is given by its path, and closes it with the client", function()
    local client = client_of(journals.where(), { SUBMIT })
    assert(client:generate(clip { key = "a" }))
    client:close()
    assert.equal("closed", select(2, client.journal:entries()).code)
    assert.equal("t1", assert(journals.open():get "a").task_id)
  end)

  it("whose client is closed while the key is taken gives it back before it closes", function()
    local client, m = client_of(journals.where(), {})
    runway.run(function()
      journals.write_by(client.journal, function(write)
        local results, err = write()
        client:close()
        return results, err
      end)
      assert.equal("cancelled", select(2, client:generate(clip { key = "a" })).kind)
    end)
    assert.equal("not_found", select(2, journals.open():get "a").kind)
    m:finish()
  end)

  it("says at once when there can be no journal", function()
    local client, err = runway.client { api_key = mocked.KEY, journal = journals.path "none/shots.db" }
    assert.is_nil(client)
    assert.truthy(err.kind == "config" or err.kind == "io", err.kind)
    assert.has_error(function() runway.client { api_key = mocked.KEY, journal = {} } end)
  end)

  describe("and a key that is there already", function()
    it("speaks for no file when memory fails while its task is made", function()
      local j, path = journals.open(), journals.path "a.mp4"
      assert(client_of(j, { SUBMIT }):generate(clip { key = "a" }))
      local client, m = client_of(j, {})
      local new = tasks.new
      finally(function() tasks.new = new end)
      function tasks.new()
        tasks.new = new
        error("not enough memory", 0)
      end
      local order = clip { key = "a", output = path }
      assert.same({ false, "not enough memory" }, { pcall(client.generate, client, order) })
      assert.truthy(targets.take(targets.new(path)))
      m:finish()
    end)

    it("attaches to its task, and pays for nothing", function()
      local j = journals.open()
      local client = client_of(j, { SUBMIT })
      assert(client:generate(clip { key = "a" }))
      local again, m = client_of(j, { task_is "RUNNING", task_is "SUCCEEDED" })
      local task = assert(again:generate(clip { key = "a" }))
      assert.same({ "t1", "text_to_video" }, { task.id, task.kind })
      assert.equal(0, #m.requests)
      assert(task:wait())
      assert.equal("done", assert(j:get "a").state)
      m:finish()
    end)

    it("is unknown when its provider knows no such task, and is never paid for again by itself", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local order = clip { key = "a", output = path }
      local function gone(times)
        return { "GET /v1/tasks/t1", status = 404, json = { error = "no such task" }, times = times }
      end
      local client, m = client_of(j, { SUBMIT, task_is "RUNNING", gone(3) })
      local _, err = assert(client:generate(order)):wait()
      assert.same({ "not_found", "t1" }, { err.kind, err.task_id })
      assert.matches("the journal keeps the key \"?a\"? as unknown", err.message)
      m:finish()
      local e = assert(j:get "a")
      assert.same({ "unknown", "t1", "not_found" }, { e.state, e.task_id, e.error_code })
      assert.matches("no such task", e.error, 1, true)
      -- run again: it is asked for, and it may be there after all: with the key of its account
      client, m = client_of(j, { gone(1) })
      assert.equal("not_found", select(2, assert(client:generate(order)):wait()).kind)
      m:finish()
      client, m = client_of(j, { task_is "RUNNING", task_is "SUCCEEDED", film "1" })
      local task = assert(client:generate(order))
      assert(task:refresh())
      e = assert(j:get "a")
      assert.same({ "submitted", "t1" }, { e.state, e.task_id })
      assert.is_nil(e.error)
      assert(assert(task:wait()):download())
      assert.equal("done", assert(j:get "a").state)
      m:finish()
    end)

    it("that was settled after its task had gone has nothing of that task", function()
      local j, order = journals.open(), clip { key = "a" }
      local client = client_of(j, { SUBMIT, { "GET /v1/tasks/t1", status = 404, json = { error = "no" }, times = 3 } })
      assert.equal("not_found", select(2, assert(client:generate(order)):wait()).kind)
      local e = assert(j:settle("a", { resubmit = true }))
      assert.same({ "queued" }, { e.state, e.task_id, e.error })
      -- the answer is lost: what is unknown now is not the old task
      client = client_of(j, { { "POST /v1/text_to_video", fault = "lost" } })
      assert.equal("unknown_submit", select(2, client:generate(order)).kind)
      assert.is_nil(assert(j:get "a").task_id)
      local again, m = client_of(j, {})
      assert.equal("unknown_submit", select(2, again:generate(order)).kind)
      m:finish()
    end)

    it("is not unknown because of one look by hand", function()
      local j = journals.open()
      local client = client_of(j, { SUBMIT, { "GET /v1/tasks/t1", status = 404, json = { error = "none" } } })
      assert.equal("not_found", select(2, assert(client:generate(clip { key = "a" })):refresh()).kind)
      assert.equal("submitted", assert(j:get "a").state)
    end)

    it("takes a film that is there for what it is", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local order = clip { key = "a", output = path }
      local task = waited(j, order)
      assert.equal("submitted", assert(j:get "a").state)
      local file = assert(task:download())
      local e = assert(j:get "a")
      assert.same({ "done", path, file.bytes }, { e.state, e.path, e.bytes })
      -- run again: no request at all, up to the end
      local again, m = client_of(j, {})
      task = assert(again:generate(order))
      assert(task:wait())
      assert.equal("SUCCEEDED", task.status)
      file.content_type = "video/mp4"         -- what the bytes say; the server said nothing
      assert.same(file, assert(task:download()))
      assert.same(file, assert(task:download(path)))
      -- its receipt, from what the journal knows; and what is there is left alone
      local receipt = assert(task:download(path, { receipt = true })).receipt
      assert.equal(path .. ".json", receipt)
      assert.equal(receipt, assert(task:download(path, { receipt = true })).receipt)
      local text = assert(io.open(receipt)):read "a"
      local told = assert(json.decode(text))
      assert.same({ "t1", "a cat", file.sha256 }, { told.task_id, told.params.prompt_text, told.file.sha256 })
      -- one that tells of other bytes of this task is written anew; what is no receipt of it is someone's
      local function put(bytes) assert(io.open(receipt, "w")):write(bytes):close() end
      put((text:gsub(file.sha256, ("0"):rep(64))))
      assert(task:download(path, { receipt = true }))
      assert.equal(file.sha256, json.decode(assert(io.open(receipt)):read "a").file.sha256)
      put "precious"
      local none, exists = task:download(path, { receipt = true })
      assert.same({ nil, "exists", path }, { none, exists.code, exists.files[1].path })
      assert.equal("precious", assert(io.open(receipt)):read "a")
      m:finish()
      -- another file, or the same one once it has gone: from the provider
      os.remove(path)
      again, m = client_of(j, { task_is "SUCCEEDED", film "1" })
      task = assert(again:generate(order))
      assert(task:wait())
      assert.equal(file.bytes, assert(task:download()).bytes)
      m:finish()
      again, m = client_of(j, { task_is "SUCCEEDED", film "1" })
      task = assert(again:generate(order))
      assert(task:download(journals.path "b.mp4"))
      m:finish()
    end)

    it("also what no one knows by its bytes, by their number", function()
      local j, path = journals.open(), journals.path "a.zip"
      local order, zip = clip { key = "a", output = path }, "PK\3\4" .. ("\0"):rep(600)
      local client = client_of(j, { SUBMIT, task_is "SUCCEEDED", { "GET https://cdn.example/clip.mp4", body = zip } })
      local file = assert(assert(assert(client:generate(order)):wait()):download())
      local again = client_of(j, {})
      assert.same(file, assert(assert(assert(again:generate(order)):wait()):download()))
      -- another that stands there is none of ours
      local other = assert(io.open(path, "ab"))
      other:write "more"
      other:close()
      again = client_of(j, { task_is "SUCCEEDED" })
      local _, err = assert(assert(again:generate(order)):wait()):download()
      assert.same({ "io", "exists" }, { err.kind, err.code })
    end)

    it("finds the film that a program put in its place and was killed before it said so", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local order = clip { key = "a", output = path }
      local task = waited(j, order)
      local file = assert(task:download())
      journals.sql { "UPDATE runway_shots SET state = 'downloading', bytes = NULL" }
      local again, m = client_of(j, { task_is "SUCCEEDED" })
      task = assert(again:generate(order))
      assert(task:wait())
      assert.equal(file.bytes, assert(task:download()).bytes)
      assert.same({ "done", file.bytes }, { j:get "a".state, j:get "a".bytes })
      m:finish()
    end)

    it("finds the film that came after it was given up: the place was named, and stays so", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local order, late = clip { key = "a", output = path }, film "late"
      late.delay = 60
      local client, m = client_of(j, { SUBMIT, task_is "SUCCEEDED", late })
      local task = assert(assert(client:generate(order)):wait())
      local _, err = task:download { deadline = 5 }
      assert.same({ "timeout", "downloading" }, { err.kind, j:get "a".state })
      client:close()
      m:close()
      local file = assert(io.open(path, "wb")) -- what was given up had not far to go
      file:write(film("late").body)
      file:close()
      local again = client_of(j, { task_is "SUCCEEDED" })
      assert.equal(path, assert(assert(assert(again:generate(order)):wait()):download()).path)
      assert.equal("done", j:get "a".state)
    end)

    it("takes no file of another's for the film", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local client, m = client_of(j, { SUBMIT, task_is "SUCCEEDED" })
      local task = assert(client:generate(clip { key = "a" }))
      assert(task:wait())
      local other = assert(io.open(path, "wb"))
      other:write(film("another").body)
      other:close()
      for _ = 1, 2 do
        local file, err = task:download(path)
        assert.is_nil(file)
        assert.equal("io", err.kind)
        assert.equal("done", j:get "a".state)
      end
      -- nor when it was to be written over, and that broke off
      local failing = client_of(j, { task_is "SUCCEEDED", { "GET https://cdn.example/clip.mp4", status = 404,
        times = math.huge }, task_is "SUCCEEDED" }, { max_retries = 0 })
      task = assert(failing:generate(clip { key = "a" }))
      assert(task:wait())
      assert.is_nil((task:download(path, { overwrite = true })))
      assert.matches("status 404", j:get "a".error, 1, true)
      assert.is_nil((task:download(path)))
      m:finish()
    end)

    it("gives the error that a failed task had, and keeps the key", function()
      local j = journals.open()
      local client = client_of(j, { SUBMIT, task_is("FAILED", { failure = "bad luck.", failureCode = "INTERNAL" }) })
      assert.is_nil((assert(client:generate(clip { key = "a" })):wait()))
      assert.equal("failed", assert(j:get "a").state)
      local again, m = client_of(j, {})
      local task, err = again:generate(clip { key = "a" })
      assert.is_nil(task)
      assert.same({ "task_failed", "INTERNAL", "t1", "FAILED" }, { err.kind, err.code, err.task_id, err.task.status })
      assert.truthy(err.message:find("bad luck. A failed", 1, true) and err.message:find('"a"', 1, true), err.message)
      m:finish()
    end)

    it("says so of one that was cancelled", function()
      local j = journals.open()
      local client = client_of(j, { SUBMIT, { "DELETE /v1/tasks/t1", status = 204 } })
      assert(assert(client:generate(clip { key = "a" })):cancel())
      assert.equal("failed", assert(j:get "a").state)
      assert.equal("task_cancelled", select(2, client:generate(clip { key = "a" })).kind)
    end)

    it("says what differs when another request comes with it", function()
      local j = journals.open()
      local client = client_of(j, { SUBMIT })
      assert(client:generate(clip { key = "a" }))
      local again, m = client_of(j, {})
      local task, err = again:generate(clip { key = "a", prompt_text = "a dog", seed = 5 })
      assert.is_nil(task)
      assert.same({ "invalid_request", "key_conflict", "no" }, { err.kind, err.code, err.sent })
      assert.truthy(err.message:find('prompt_text was "a cat" and is "a dog"; seed was absent and is 5', 1, true),
        err.message)
      local other = client_of(j, {}, { base_url = "https://other.example" })
      assert.equal("key_conflict", select(2, other:generate(clip { key = "a" })).code)
      other = client_of(j, {}, { provider = "cometapi" })
      err = select(2, other:generate { key = "a", prompt_text = "a cat" })
      assert.truthy(err.message:find("provider was runwayml and is cometapi", 1, true), err.message)
      m:finish()
    end)

    it("takes names of files in any bytes", function()
      local j = journals.open()
      local path, film_path = journals.path "caf\xE9.png", journals.path "film\xE9.mp4"
      local file = assert(io.open(path, "wb"))
      file:write("\137PNG\r\n\26\n", ("\0"):rep(600))
      file:close()
      local client, m = client_of(j, { { "POST /v1/image_to_video", json = { id = "t1" } }, task_is "SUCCEEDED",
        film "1" })
      local task = assert(client:generate { model = "gen4_turbo", ratio = "1280:720", duration = 5, key = "a",
        prompt_image = runway.file(path) })
      assert(task:wait())
      assert(task:download(film_path))
      assert.same({ "done", "caf?.png" }, { j:get "a".state, j:get "a".request.params.prompt_image[1].uri.file })
      assert.is_nil(j:get "a".path)
      assert.same({}, said)
      m:finish()
    end)

    it("tells files by their bytes, not by their names", function()
      local j = journals.open()
      local function picture(name, more)
        local path = journals.path(name)
        local file = assert(io.open(path, "wb"))
        file:write("\137PNG\r\n\26\n", ("\0"):rep(600), more or "")
        file:close()
        return { model = "gen4_turbo", ratio = "1280:720", duration = 5, prompt_image = runway.file(path), key = "a" }
      end
      local client, m = client_of(j, { { "POST /v1/image_to_video", json = { id = "t1" } } })
      assert(client:generate(picture "one.png"))
      assert.equal("t1", assert(client:generate(picture "two.png")).id)
      local err = select(2, client:generate(picture("one.png", "x")))
      assert.equal("key_conflict", err.code)
      assert.truthy(err.message:find("one.png (609 bytes", 1, true), err.message)
      m:finish()
    end)
  end)

  describe("and what is unknown", function()
    it("is told with its key and with how to settle it, now and whenever it is asked for", function()
      local j = journals.open()
      local client = client_of(j, { { "POST /v1/text_to_video", fault = "lost" } })
      local task, err = client:generate(clip { key = "a" })
      assert.is_nil(task)
      assert.equal("unknown_submit", err.kind)
      assert.truthy(err.message:find('under the key "a"', 1, true) and err.message:find("journal:settle(", 1, true),
        err.message)
      local again, m = client_of(j, {})
      task, err = again:generate(clip { key = "a" })
      assert.is_nil(task)
      assert.same({ "unknown_submit", "yes", false }, { err.kind, err.sent, err.retryable })
      assert.truthy(err.message:find('"a"', 1, true) and err.message:find("{ resubmit = true }", 1, true), err.message)
      m:finish()
    end)

    it("of a program that was killed is told so", function()
      local j = journals.open()
      local params = clip()
      -- as it stands when the program ends between the commit and the answer
      local client = client_of(j, { { "POST /v1/text_to_video", fault = "lost" } })
      client:generate(clip { key = "a" })
      journals.sql { "UPDATE runway_shots SET state = 'submitting', lease_until = 1, sent = NULL, error = NULL" }
      local again, m = client_of(j, {})
      params.key = "a"
      local err = select(2, again:generate(params))
      assert.same({ "unknown_submit", "unknown" }, { err.kind, err.sent })
      m:finish()
    end)

    it("is submitted again only when that was said, and attached to when its task was found", function()
      local j = journals.open()
      local client, m = client_of(j, { { "POST /v1/text_to_video", fault = "lost" },
        { "POST /v1/text_to_video", fault = "lost" }, SUBMIT })
      for _, key in ipairs { "a", "b" } do client:generate(clip { key = key }) end
      assert(j:settle("a", { resubmit = true }))
      assert(j:settle("b", { task_id = "t2" }))
      assert.equal("t1", assert(client:generate(clip { key = "a" })).id)
      assert.equal("t2", assert(client:generate(clip { key = "b" })).id)
      m:finish()
    end)

    it("is so, too, when Ctrl-C comes while an answer is read that names no task", function()
      local j, own = journals.open(), {}
      for name, value in pairs(runway.providers.runwayml) do own[name] = value end
      own.accepted = function() error("here: interrupted!", 0) end
      local client, m = client_of(j, { { "POST /v1/text_to_video", json = { note = "well" } } }, { provider = own })
      local ok, raised = pcall(client.generate, client, clip { key = "a" })
      assert.is_false(ok)
      assert.matches("interrupted!", tostring(raised), 1, true)
      assert.same({ "unknown", "yes" }, { j:get "a".state, j:get "a".sent })
      assert.equal("unknown_submit", select(2, client:generate(clip { key = "a" })).kind)
      m:finish()
    end)

    it("keeps the id of an answer that was an error all the same", function()
      local j = journals.open()
      local client = client_of(j, { { "POST /v1/text_to_video", status = 500, json = { id = "t7" } } })
      local err = select(2, client:generate(clip { key = "a" }))
      assert.equal("t7", err.task_id)
      assert.same({ "submitted", "t7" }, { j:get "a".state, j:get "a".task_id })
    end)
  end)

  describe("and what was refused, or never left", function()
    it("frees the key", function()
      local j = journals.open()
      for _, entry in ipairs { { status = 400, json = { error = "no" } }, { status = 401, json = { error = "no" } },
        { fault = "not_sent" }, { status = 429, json = {} } } do
        entry[1], entry.times = "POST /v1/text_to_video", math.huge
        local client = client_of(j, { entry }, { max_retries = 1 })
        local task, err = client:generate(clip { key = "a" })
        assert.is_nil(task)
        assert.are_not.equal("unknown_submit", err.kind)
        assert.equal("not_found", select(2, j:get "a").kind, tostring(err))
      end
      local client = client_of(j, { SUBMIT })
      assert.equal("t1", assert(client:generate(clip { key = "a" })).id)
    end)

    it("also when the job is cancelled between two requests", function()
      local j = journals.open()
      local client = client_of(j, { { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "500" },
        json = {} } })
      runway.run(function()
        local job = runway.spawn(client.generate, client, clip { key = "a" })
        runway.sleep(100)
        assert.equal("submitting", assert(j:get "a").state)
        job:cancel()
        runway.sleep(100)
      end)
      assert.equal("not_found", select(2, j:get "a").kind)
    end)
  end)

  it("leaves the key free where its program dies after a request that was turned away, and before the next", function()
    local j = journals.open()
    local client, m = client_of(j, { { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "100" },
      json = {} }, SUBMIT })
    local function pauses(key)                -- the clock is not the database's
      repeat runway.sleep(1) until (j:get(key) or {}).sent == "no"
    end
    runway.run(function()
      local job = runway.spawn(client.generate, client, clip { key = "a" })
      pauses "a"
      assert.same({ "submitting", 1 }, { j:get "a".state, #m.requests })
      local task = assert(job:join())
      assert.same({ "t1", 2 }, { task.id, #m.requests })
      assert.same({ "submitted", "yes" }, { j:get "a".state, j:get "a".sent })

      client, m = client_of(j, { { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "100" },
        json = {} }, SUBMIT })
      job = runway.spawn(client.generate, client, clip { key = "b" })
      pauses "b"
      journals.run_out "b"                    -- as others see it then
      assert.equal("not_found", select(2, j:get "b").kind)
      local none, err = job:join()
      assert.same({ nil, "lease_lost", 1 }, { none, err.code, #m.requests })
    end)
  end)

  it("says of a client that is closed what it says without one", function()
    local client = mocked.client({}, { journal = journals.path "own.db" })
    client:close()
    for _, name in ipairs { "generate", "enqueue" } do
      local made, err = client[name](client, clip { key = "a", output = "a.mp4" })
      assert.same({ nil, "cancelled", "no" }, { made, err.kind, err.sent })
      assert.matches("the client is closed", err.message, 1, true)
    end
  end)

  it("sends no further request once another has taken the key", function()
    local j = journals.open()
    local client, m = client_of(j, { { "POST /v1/text_to_video", status = 429, headers = { ["Retry-After"] = "100" },
      json = {} } })
    local task, err
    runway.run(function()
      local job = runway.spawn(function() task, err = client:generate(clip { key = "a" }) end)
      runway.sleep(5)
      journals.sql { "UPDATE runway_shots SET state = 'unknown', fence = fence + 1" }
      job:join()
    end)
    assert.is_nil(task)
    assert.same({ "cancelled", "lease_lost" }, { err.kind, err.code })
    assert.equal("unknown", j:get "a".state)
    assert.equal(1, #m.requests)
  end)

  it("and gives up the one that stands in line still", function()
    local j, pending, dropped = journals.open(), nil, 0
    local transport = { cancel = function() end, progress = function() return 0 end }
    function transport.start(_, _, done) pending = done return 1 end
    function transport.drop()
      dropped = dropped + 1
      scheduler.at(scheduler.now(), function()
        pending { sent = false, headers = {}, error = { kind = "cancelled", code = "cancelled", message = "dropped" } }
      end)
    end
    local client = assert(runway.client { api_key = mocked.KEY, journal = j, transport = transport, timeout = 600 })
    local task, err, by_itself
    scheduler.freeze()
    local ok, raised = pcall(function()
      local job = runway.spawn(function() task, err = client:generate(clip { key = "a" }) end)
      runway.sleep(5)
      journals.sql { "UPDATE runway_shots SET state = 'unknown', fence = fence + 1" }
      runway.sleep(15)
      by_itself = dropped
      if by_itself == 0 then transport.drop() end
      job:join()
    end)
    scheduler.thaw()
    assert(ok, raised)
    assert.same({ nil, "cancelled", "no", 1 }, { task, err.kind, err.sent, by_itself })
    assert.equal("unknown", assert(j:get "a").state)
  end)

  it("submits once for two that ask at the same moment", function()
    local j = journals.open()
    local client, m = client_of(j, { SUBMIT })
    local ids = {}
    runway.run(function()
      local list = {}
      for i = 1, 5 do
        list[i] = function()
          ids[i] = assert(client:generate(clip { key = "a" })).id
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ "t1", "t1", "t1", "t1", "t1" }, ids)
    m:finish()
  end)

  describe("and a callback", function()
    local function lost(j, more)
      local opts = { provider = "cometapi", callback_url = "https://me.example/hook?a=1#top" }
      for name, v in pairs(more or {}) do opts[name] = v end
      local client, m = client_of(j, { { method = "POST", fault = "lost" } }, opts)
      local err = select(2, client:generate { prompt_text = "a cat", key = "a" })
      assert.equal("unknown_submit", err.kind)
      return client, m.requests[1].json.callback_url
    end

    it("names the task of a submit whose answer was lost", function()
      local j = journals.open()
      local client, url = lost(j)
      assert.truthy(url:find("^https://me%.example/hook%?a=1&runway_token=%x+$"), url)
      local hint = assert(client:read_callback('{"task_id":"c9","status":"2"}', {}, url:match "/hook.*"))
      assert.same({ "c9", "a" }, { hint.id, hint.key })
      assert.same({ "submitted", "c9" }, { j:get "a".state, j:get "a".task_id })
      assert.equal("c9", assert(client:generate { prompt_text = "a cat", key = "a" }).id)
      -- the same again, or another id: nothing happens
      assert.equal("a", client:read_callback('{"task_id":"c9","status":"2"}', {}, url).key)
      assert.is_nil(client:read_callback('{"task_id":"c8","status":"2"}', {}, url).key)
      assert.equal("c9", j:get "a".task_id)
    end)

    it("with a token that no one gave out makes nothing", function()
      local j = journals.open()
      local client = lost(j)
      for _, target in ipairs { "/hook", "/hook?runway_token=" .. ("0"):rep(32), "/hook?runway_token=",
        "?runway_token=x", "/hook?runway_token=' OR 1" } do
        assert.is_nil(client:read_callback('{"task_id":"c9","status":"2"}', {}, target).key)
        assert.equal("unknown", j:get "a".state)
      end
      assert.equal(1, #j:entries())
    end)
  end)

  -- The program gets the signal a terminal would send while its request is under way.
  local INTERRUPTED = [[
    local mocked = require "spec.support.mocked"
    local runway = require "runway"
    local where, how = ...
    local client = mocked.client({ { "POST /v1/text_to_video", json = { id = "t1" }, delay = 10,
      check = function()
        local scheduler = require "runway.scheduler"
        scheduler.at(scheduler.now() + 5, function() io.popen("kill -INT $PPID"):close() end)
      end } }, { journal = where })
    local order = mocked.clip { key = "a" }
    if how == "job" then
      runway.run(function() client:generate(order) end)
    else
      client:generate(order)
      runway.sleep(0.01)
    end
    print "not interrupted"
  ]]

  for _, how in ipairs { "main", "job" } do
    it("writes the id down when Ctrl-C comes during the submit, in the " .. how, function()
      local told = child.run(INTERRUPTED, { arguments = { journals.where(), how } })
      assert.truthy(told:find("interrupted!", 1, true), told)
      assert.is_nil(told:find("not interrupted", 1, true), told)
      local e = assert(journals.open():get "a")
      assert.same({ "submitted", "t1" }, { e.state, e.task_id })
    end)
  end

  it("waits for another's submit no longer than its deadline", function()
    local j = journals.open()
    local client, m = client_of(j, {})
    local sum = description.make("text_to_video", { params = clip() }, errors.redact, {})
    assert(journals.begin(j, "a", { base_url = client.base_url, fingerprint = journal.fingerprint(sum) }))
    local task, err = client:generate(clip { key = "a", deadline = 20 })
    assert.is_nil(task)
    assert.same({ "timeout", "key_busy", "no", true }, { err.kind, err.code, err.sent, err.retryable })
    m:finish()
  end)

  describe("that cannot be written", function()
    -- Writes fail from now on while `bad` is true.
    local function failing(j, bad)
      return journals.write_by(j, function(write)
        if not bad() then return write() end
        return nil, errors.new { kind = "io", code = "full", message = "the disk is full", retryable = true }
      end)
    end

    it("sends nothing without the commit", function()
      local j = journals.open()
      local client, m = client_of(j, {})
      local mend = failing(j, function() return true end)
      local task, err = client:generate(clip { key = "a" })
      mend()
      assert.is_nil(task)
      assert.same({ "io", "full", "no", true }, { err.kind, err.code, err.sent, err.retryable })
      assert.truthy(err.message:find("nothing was submitted", 1, true), err.message)
      m:finish()
    end)

    it("gives the task all the same, says so, and writes its id when it can", function()
      local j = journals.open()
      local client, m = client_of(j, { SUBMIT })
      local sent = false
      m.entries[1].check = function() sent = true end
      local mend = failing(j, function() return sent end)
      local task = assert(client:generate(clip { key = "a" }))
      assert.equal("t1", task.id)
      local log = table.concat(said, "\n")
      assert.truthy(log:find('the key "a" has got the task t1, but the journal could not take that in', 1, true), log)
      assert.equal("submitting", assert(j:get "a").state)
      runway.sleep(5)
      assert.equal("submitting", assert(j:get "a").state)
      mend()
      runway.sleep(120)
      assert.same({ "submitted", "t1" }, { j:get "a".state, j:get "a".task_id })
    end)

    it("writes what it owes before it closes", function()
      local j = journals.open()
      local client, m = client_of(j, { SUBMIT })
      local sent = false
      m.entries[1].check = function() sent = true end
      local mend = failing(j, function() return sent end)
      assert(client:generate(clip { key = "a" }))
      mend()
      j:close()
      assert.equal("t1", assert(journals.open():get "a").task_id)
    end)

    it("ends neither a wait nor a download", function()
      local j, path = journals.open(), journals.path "a.mp4"
      local client, m = client_of(j, { SUBMIT, task_is "SUCCEEDED", film "1" })
      local task = assert(client:generate(clip { key = "a", output = path }))
      local mend = failing(j, function() return true end)
      assert(task:wait())
      assert(task:download())
      mend()
      j:close()
      assert.same({ "done", path }, { journals.open():get "a".state, journals.open():get "a".path })
      m:finish()
    end)
  end)

  describe("and a task that is attached to by its id", function()
    local j

    -- One that was paid for under a key, and left.
    local function left(order)
      j = journals.open()
      local client = client_of(j, { SUBMIT })
      local id = assert(client:generate(clip(order))).id
      client:close()
      return id
    end

    it("has the journal told of its end, its film and its cost", function()
      local id = left { key = "a" }
      local client = client_of(j, { task_is("SUCCEEDED", { cost = { credits = 21 } }), film "1" })
      local t = client:task(id)
      assert(t:wait())
      assert.same({ "submitted", "SUCCEEDED", 21 }, { j:get "a".state, j:get "a".status, j:get "a".credits })
      local path = journals.path "film.mp4"
      assert(t:download(path))
      assert.same({ "done", path }, { j:get "a".state, j:get "a".path })
    end)

    it("stays as the journal has it where its cancel finds no such task: it may be another account's", function()
      local id = left { key = "a" }
      local t = client_of(j, { { "DELETE ^/v1/tasks/", status = 404, json = { error = "no" } } }):task(id)
      assert.is_true(t:cancel())
      assert.same({ "submitted", "PENDING" }, { j:get "a".state, t.status })
      t = client_of(j, { task_is "RUNNING", { "DELETE ^/v1/tasks/", status = 404, json = { error = "no" } } }):task(id)
      assert(t:refresh())                     -- it was this one's
      assert.is_true(t:cancel())
      assert.same({ "failed", "CANCELLED" }, { j:get "a".state, t.status })
    end)

    it("downloads to where the journal has it, or says what is missing", function()
      local path = journals.path "film.mp4"
      local id = left { key = "a", output = path }
      local client = client_of(j, { task_is "SUCCEEDED", film "1" })
      local t = client:task(id)
      assert(t:wait())
      local ok, err = pcall(t.download, t)    -- it was not begun, and so its place is not known
      assert.is_false(ok)
      assert.matches("the path of the file to write: the journal names none for this task", err)
      assert(t:download(path))
      client = client_of(j, { task_is "SUCCEEDED" })
      t = client:task(id)
      assert(t:wait())
      assert.equal(path, assert(t:download()).path) -- which is there
      ok, err = pcall(mocked.client({}).task(mocked.client {}, "t9").download, mocked.client({}):task "t9")
      assert.is_false(ok)
      assert.matches("of a task that is attached to by its id none is known", err)
    end)

    it("is told by get and by cancel as well, but not where its provider knows none", function()
      local id = left { key = "a" }
      local failing = task_is("FAILED", { failure = "no", failureCode = "SAFETY.INPUT" })
      assert(client_of(j, { failing }):get(id))
      assert.same({ "failed", "no" }, { j:get "a".state, j:get "a".error })
      id = "t2"
      assert(client_of(j, { { "POST /v1/text_to_video", json = { id = id } } }):generate(clip { key = "b" }))
      assert(client_of(j, { { "DELETE /v1/tasks/" .. id, status = 404, json = { error = "not found" } } }):cancel(id))
      assert.equal("submitted", j:get "b".state)
      assert(client_of(j, { { "DELETE /v1/tasks/" .. id, status = 204 } }):cancel(id))
      assert.same({ "failed", "CANCELLED" }, { j:get "b".state, j:get "b".status })
    end)

    it("is another account's where provider or address is another", function()
      local id = left { key = "a" }
      local client = client_of(j, { task_is "SUCCEEDED" }, { base_url = "https://api.other.example" })
      assert(client:task(id):wait())
      assert.equal("PENDING", j:get "a".status)
    end)

    it("is waited for and fetched though the journal cannot be read", function()
      local id = left { key = "a" }
      local client = client_of(j, { task_is "SUCCEEDED", film "1" })
      j:close()
      assert(assert(client:task(id):wait()):download(journals.path "film.mp4"))
      assert.matches("the journal is told nothing of the task " .. id, said[1], 1, true)
    end)
  end)

  it("keeps neither key, nor signed URL, nor data", function()
    local j = journals.open()
    local client, m = client_of(j, { SUBMIT, task_is "SUCCEEDED", film "1", { "POST /v1/image_to_video", status = 500,
      json = { error = "no: https://x.example/?SECRET=1 " .. mocked.KEY } } })
    local task = assert(client:generate(clip { key = "a", output = journals.path "a.mp4",
      extra = { hook = "https://x.example/?SECRET=1", key = mocked.KEY } }))
    assert(task:wait())
    assert(task:download())
    local png = "data:image/png;base64," .. "iVBORw0KGgoAAAANSUhEUg" .. ("SECRET"):rep(100)
    client:generate { key = "b", model = "gen4_turbo", ratio = "1280:720", duration = 5, prompt_image = png }
    assert.equal("unknown", assert(j:get "b").state)
    m:finish()
    for _, part in ipairs { "", "-wal" } do
      local file = io.open(journals.where() .. part, "rb")
      local bytes = file and file:read "a" or ""
      if file then file:close() end
      assert.is_nil(bytes:find("SECRET", 1, true))
      assert.is_nil(bytes:find(mocked.KEY, 1, true))
    end
  end)
end)
