-- generate, task and cancel as other programs use them: exit codes, JSON, standard output.

local child = require "spec.support.child"
local command = require "spec.support.command"
local exits = require "runway.cli.exits"
local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

local SUBMIT, task_is, run, objects = mocked.SUBMIT, mocked.task, command.run, command.objects
local FILM = { "GET https://cdn.example/clip.mp4", body = "a film" }

describe("runway.cli.tasks", function()
  local here, environment

  local function generate(more, list, world)
    local argv = { "generate", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5", "--prompt", "a cat" }
    for _, word in ipairs(more) do argv[#argv + 1] = word end
    return run(argv, list, world)
  end

  before_each(function()
    here = scratch.new()
    environment = { RUNWAYML_API_SECRET = mocked.KEY, COMETAPI_KEY = mocked.KEY, TERM = "dumb",
      TMPDIR = here.directory }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    here:remove()
  end)

  describe("exits", function()
    local endless = task_is "RUNNING"
    endless.times = math.huge
    local rows = {
      { exits.OK, "with the file there", { SUBMIT, task_is "SUCCEEDED", FILM } },
      { exits.FAILED, "of a task that failed", { SUBMIT, task_is("FAILED", { failure = "no" }) } },
      { exits.FAILED, "of a task that was cancelled", { SUBMIT, task_is "CANCELLED" } },
      { exits.FAILED, "of what was refused", { { "POST /v1/text_to_video", status = 400, json = { error = "no" } } } },
      { exits.UNKNOWN, "of a lost answer", { { "POST /v1/text_to_video", fault = "lost" } } },
      { exits.RUNNING, "when the wait is over", { SUBMIT, endless } },
    }
    for _, row in ipairs(rows) do
      it(("with %d %s"):format(row[1], row[2]), function()
        local code, out = generate({ "-o", here:path "a.mp4", "--timeout", "60", "--json" }, row[3])
        assert.equal(row[1], code)
        local object = objects(out)[1]
        assert.equal(1, #objects(out))
        assert.equal(code == 0, object.error == nil)
        for _, name in ipairs { "task_id", "status", "path", "error" } do
          assert.truthy(out:find('"' .. name .. '":', 1, true), name)
        end
      end)
    end

    it("with a word before it is paid for, where a file's name promises what will not be in it", function()
      for name, told in pairs { ["a.png"] = true, ["a.webm"] = true, ["a.MP4"] = false, ["a.b"] = false } do
        local _, _, err = generate({ "-o", here:path(name) }, { SUBMIT, task_is "FAILED" })
        local line = ("runway: -o %s: text_to_video makes a film (MP4), and what is written there is no %s\n"):format(
          here:path(name), name:match "%.%w+$")
        assert.equal(told, err:sub(1, #line) == line, err)
      end
      local picture = { "generate", "--kind", "text_to_image", "--prompt", "a", "--model", "gen4_image", "--ratio",
        "1920:1080", "-o", here:path "a.mp4" }
      assert.matches("text_to_image makes a picture, and what is written there is no .mp4", select(3, run(picture,
        { { "POST /v1/text_to_image", json = { id = "t1" } }, task_is "FAILED" })), 1, true)
    end)

    it("with 2, and says so as JSON, for what is no command", function()
      for _, argv in ipairs { { "task", "--json" }, { "generate", "--json", "--seed", "x" }, { "frob", "--json" } } do
        local code, out = run(argv, {})
        assert.equal(exits.MISUSE, code)
        assert.equal("misuse", objects(out)[1].error.kind)
      end
      environment.RUNWAYML_API_SECRET = nil
      local code, out = run { "task", "t1", "--json" }
      assert.equal(exits.MISUSE, code)
      assert.equal("config", objects(out)[1].error.kind)
    end)

    it("with 2, and nothing asked, for a kind that the provider has not", function()
      for _, argv in ipairs {
        { "task", "t1" }, { "task", "t1", "--wait" }, { "task", "t1", "-o", here:path "a.mp4" }, { "cancel", "t1" },
        { "generate", "--prompt", "a cat", "-o", here:path "a.mp4" },
      } do
        for _, word in ipairs { "--kind", "text_to_vide" } do argv[#argv + 1] = word end
        local code, _, err = run(argv, {})
        assert.equal(exits.MISUSE, code)
        assert.matches("no kind text_to_vide (did you mean text_to_video?)", err, 1, true)
        assert.matches("here that is --kind\n", err, 1, true)
      end
    end)

    it("with what --help and the README say", function()
      local _, out = run { "--help" }
      local readme = assert(io.open "README.md"):read "a"
      for _, row in ipairs(exits.list) do
        assert.truthy(out:find(("  %-4d %s"):format(row[1], row[2]), 1, true), row[2])
        assert.truthy(readme:find(("| %d | %s |"):format(row[1], row[2]), 1, true), row[2])
      end
    end)
  end)

  describe("--json", function()
    it("tells a film that was made, numbers as numbers", function()
      local _, out = generate({ "--json", "-o", here:path "a.mp4" }, { SUBMIT, task_is "SUCCEEDED", FILM })
      local object = objects(out)[1]
      assert.same({ "t1", "SUCCEEDED", here:path "a.mp4", 6, 25, 1767225600, "runwayml", "text_to_video" },
        { object.task_id, object.status, object.path, object.bytes, object.estimated_credits, object.created_at,
          object.provider, object.kind })
      assert.equal("integer", math.type(object.bytes))
      assert.equal(64, #object.sha256)
    end)

    it("tells how a task stands", function()
      local code, out = run({ "task", "t1", "--json" }, { task_is("RUNNING", { progress = 0.42 }) })
      assert.equal(0, code)
      local object = objects(out)[1]
      assert.same({ "t1", "RUNNING", 0.42 }, { object.task_id, object.status, object.progress })
      code, out = run({ "task", "t1", "--json" }, { task_is("FAILED", { failure = "no", failureCode = "SAFETY" }) })
      assert.equal(1, code)
      object = objects(out)[1]
      assert.same({ kind = "task_failed", message = "no", code = "SAFETY", sent = "yes", retryable = false },
        object.error)
      out = select(2, run({ "task", "t1", "--json" }, { task_is("FAILED", { failureCode = "INTERNAL" }) }))
      assert.is_true(objects(out)[1].error.retryable)
    end)

    it("tells what went wrong, beside the words for people", function()
      local code, out, err = run({ "task", "t9", "--json" },
        { { "GET /v1/tasks/t9", status = 404, json = { error = "gone" } } })
      assert.equal(1, code)
      local object = objects(out)[1]
      assert.same({ "t9", "not_found", 404 }, { object.task_id, object.error.kind, object.error.http_status })
      assert.matches("not_found", err, 1, true)
    end)

    it("tells no status of a task that no one has seen, and that of one that was just made", function()
      local gone = { "GET /v1/tasks/t9", status = 404, json = { error = "gone" } }
      for _, words in ipairs { { "task", "t9" }, { "task", "t9", "--wait" }, { "cancel", "t9" } } do
        words[#words + 1] = "--json"
        local code, out = run(words, { gone })
        assert.equal(1, code)
        assert.equal("t9", objects(out)[1].task_id)
        assert.truthy(out:find('"status":null', 1, true), out)
      end
      local _, out = generate({ "--json", "-o", here:path "a.mp4" },
        { SUBMIT, { "GET /v1/tasks/t1", status = 401, json = { error = "revoked" } } })
      assert.same({ "t1", "PENDING" }, { objects(out)[1].task_id, objects(out)[1].status })
      _, out = run({ "task", "t1", "--json" }, { task_is "PENDING" })
      assert.equal("PENDING", objects(out)[1].status)
    end)

    it("tells of what is only words, too, whether it was sent and is worth another try", function()
      local path = here:write("a.mp4", "old")
      for words, expected in pairs {
        [{ "-o", path }] = { 1, "io", "exists" }, [{ "-o", here:path "no/a.mp4" }] = { 1, "io", "file" },
        [{ "-o", here:path "b.mp4", "--image", here:path "no.png" }] = { 2, "io", "open" },
        [{ "-o", "" }] = { 2, "misuse" }, [{}] = { 2, "misuse" }, [{ "--frob" }] = { 2, "misuse" },
      } do
        words[#words + 1] = "--json"
        local code, out = generate(words, {})
        local e = objects(out)[1].error
        assert.same({ expected[1], expected[2], "no", false }, { code, e.kind, e.sent, e.retryable })
        assert.equal(expected[3], e.code)
      end
    end)

    it("tells a wait that was interrupted", function()
      local said, code = child.run([[
        local mocked, cli = require "spec.support.mocked", require "runway.cli"
        local running = mocked.task "RUNNING"
        running.times = math.huge
        local _, m = mocked.client { running }
        local start = m.start
        m.start = function(self, wire, done)
          local handle = start(self, wire, done)
          io.popen("kill -INT $PPID"):close()
          return handle
        end
        os.exit(cli.main({ "task", "t1", "--wait", "--json" },
          { transport = m, terminal = false, stderr = io.tmpfile() }))
      ]], { before = "export RUNWAYML_API_SECRET=" .. mocked.KEY .. ";" })
      assert.equal(exits.INTERRUPTED, code, said)
      local object = objects(said:match "%b{}" .. "\n")[1]
      assert.same({ "t1", "cancelled", "interrupted" }, { object.task_id, object.error.kind, object.error.message })
    end)
  end)

  describe("in the words of the command", function()
    it("says what is empty, and what TMPDIR has to do with it", function()
      for _, argv in ipairs { { "task", "" }, { "cancel", "t1", "" } } do
        local code, _, err = run(argv, {})
        assert.equal(2, code)
        assert.matches("the task's id is empty", err, 1, true)
      end
      environment.TMPDIR = here:path "none"
      local code, _, err = generate({ "-o", "-" }, {})
      assert.equal(1, code)
      assert.matches("in $TMPDIR", err, 1, true)
    end)

    it("goes on with a journal's key by the same command", function()
      local endless = task_is "RUNNING"
      endless.times = math.huge
      local words = { "-o", here:path "a.mp4", "--journal", here:path "j.db", "--key", "k", "--timeout", "60" }
      local code, _, err = generate(words, { SUBMIT, endless })
      assert.equal(5, code)
      assert.matches("to go on: run the same command again\n", err, 1, true)
    end)

    it("says how to settle what became unknown, with the key and the journal", function()
      local words = { "-o", here:path "a.mp4", "--journal", here:path "j.db", "--key", "my shot", "--json" }
      local settle = "runway journal settle 'my shot' --journal " .. here:path "j.db" .. " --task-id ID"
      local code, _, err = generate(words, { { "POST /v1/text_to_video", fault = "lost" } })
      assert.equal(4, code)
      assert.matches(settle, err, 1, true)
      local out
      code, out, err = generate(words, {})
      assert.equal(4, code)
      assert.matches(settle, objects(out)[1].error.message, 1, true)
      assert.matches(settle, err, 1, true)
      assert.is_nil((out .. err):find("journal:settle", 1, true))
    end)
  end)

  describe("task with a journal", function()
    local journal, film

    before_each(function()
      journal, film = here:path "shots.db", here:path "a.mp4"
      assert.equal(5, (generate({ "-o", film, "--journal", journal, "--timeout", "0.01" }, { SUBMIT })))
    end)

    local function entry()
      return objects(select(2, run { "journal", "list", "--journal", journal, "--json" }))[1]
    end

    it("is what goes on with one that has no key, and tells that what became of it", function()
      local _, _, err = generate({ "-o", here:path "b.mp4", "--journal", journal, "--timeout", "0.01" },
        { { "POST /v1/text_to_video", json = { id = "t2" } } })
      assert.truthy(err:find("to go on: runway task t2 --journal " .. journal .. " -o ", 1, true), err)
      assert.equal(0, (run({ "task", "t1", "--journal", journal, "-o", film }, { task_is "SUCCEEDED", FILM })))
      local failed = { "GET /v1/tasks/t2", json = { status = "FAILED", failure = "no" } }
      assert.equal(1, (run({ "task", "t2", "--journal", journal }, { failed })))
      local entries = {}
      for _, one in ipairs(objects(select(2, run { "journal", "list", "--journal", journal, "--json" }))) do
        entries[one.task_id] = one
      end
      assert.same({ "done", film, "failed" }, { entries.t1.state, entries.t1.path, entries.t2.state })
      assert.equal(0, (run({ "task", "t1", "--journal", journal, "-o", film }, { task_is "SUCCEEDED" }))) -- is there
    end)

    it("says to run it again where it is not at its end", function()
      local code, _, err = run({ "task", "t1", "--journal", journal, "-o", film, "--timeout", "0.01" },
        { task_is "RUNNING" })
      assert.equal(5, code)
      assert.truthy(err:find("to go on: run the same command again\n", 1, true), err)
      assert.equal("submitted", entry().state)
    end)

    it("is told of one that was cancelled", function()
      assert.equal(0, (run({ "cancel", "t1", "--journal", journal }, { task_is "RUNNING",
        { "DELETE /v1/tasks/t1", status = 204 } })))
      assert.same({ "failed", "CANCELLED" }, { entry().state, entry().status })
    end)

    it("says that there is none, and makes none", function()
      for _, name in ipairs { "task", "cancel" } do
        local code, _, err = run({ name, "t1", "--journal", here:path "slip.db" }, {})
        assert.equal(2, code)
        assert.matches("there is no journal " .. here:path "slip.db", err, 1, true)
        assert.is_nil(here:content "slip.db")
      end
    end)
  end)

  describe("-o -", function()
    it("puts the film, and nothing else, on standard output", function()
      local code, out, err = generate({ "-o", "-" }, { SUBMIT, task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal("a film", out)
      assert.matches("task t1\n", err, 1, true)
      assert.same({}, here:names())
    end)

    it("of a task that is there", function()
      local code, out = run({ "task", "t1", "-o", "-" }, { task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal("a film", out)
    end)

    it("puts no part of a film there when the rest does not come", function()
      local code, out, err = generate({ "-o", "-" }, { SUBMIT, task_is "SUCCEEDED", { FILM[1], status = 400 } })
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches("to go on: runway task t1 -o -\n", err, 1, true)
      assert.same({}, here:names())
    end)

    it("leaves nothing behind when it is interrupted", function()
      local said, code = child.run([[
        local mocked, cli = require "spec.support.mocked", require "runway.cli"
        local _, m = mocked.client { mocked.task "SUCCEEDED",
          { "GET https://cdn.example/clip.mp4", body = ("x"):rep(5000), delay = 3600 } }
        local start = m.start
        m.start = function(self, wire, done)
          local handle = start(self, wire, done)
          if wire.save then
            assert(io.open(wire.save.path .. ".part", "w")):close()
            io.popen("kill -INT $PPID"):close()
          end
          return handle
        end
        os.exit(cli.main({ "task", "t1", "-o", "-" }, { transport = m, terminal = false, stdout_terminal = false }))
      ]], { before = ("export RUNWAYML_API_SECRET=%s TMPDIR='%s';"):format(mocked.KEY, here.directory) })
      assert.equal(exits.INTERRUPTED, code, said)
      assert.matches("to go on: runway task t1 -o -", said, 1, true)
      assert.same({}, here:names())
    end)

    it("says when standard output broke off", function()
      local full = command.collector()
      full.write = function() return nil, "No space left on device", 28 end
      local code, _, err = generate({ "-o", "-" }, { SUBMIT, task_is "SUCCEEDED", FILM }, { stdout = full })
      assert.equal(1, code)
      assert.matches("not the whole film: No space left on device", err, 1, true)
      full = command.collector()
      full.flush = function() return nil, "No space left on device", 28 end
      code, _, err = generate({ "-o", "-" }, { SUBMIT, task_is "SUCCEEDED", FILM }, { stdout = full })
      assert.equal(1, code)
      assert.matches("not the whole film: No space left on device", err, 1, true)
      assert.same({}, here:names())
    end)

    it("writes to a terminal only when told to, and never beside JSON; and pays for neither", function()
      local code, _, err = generate({ "-o", "-" }, {}, { stdout_terminal = true })
      assert.equal(2, code)
      assert.matches("terminal", err, 1, true)
      assert.equal(2, (generate({ "-o", "-", "--json" }, {})))
      code = generate({ "-o", "-", "--overwrite" }, { SUBMIT, task_is "SUCCEEDED", FILM }, { stdout_terminal = true })
      assert.equal(0, code)
    end)

    it("goes well with a journal: again, and again", function()
      local words = { "-o", "-", "--journal", here:path "j.db", "--key", "k" }
      local code, out = generate(words, { SUBMIT, task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal("a film", out)
      code, out = generate(words, { task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal("a film", out)
    end)
  end)

  describe("cancel", function()
    local GONE = { "DELETE /v1/tasks/t1", status = 204 }

    it("stops a task that runs", function()
      local code, out = run({ "cancel", "t1" }, { task_is "RUNNING", GONE })
      assert.equal(0, code)
      assert.equal("t1  CANCELLED\n", out)
    end)

    it("leaves alone what has succeeded, which a provider may delete", function()
      local code, out, err = run({ "cancel", "t1", "--json" }, { task_is "SUCCEEDED" })
      assert.equal(1, code)
      assert.same({ "t1", "SUCCEEDED" }, { objects(out)[1].task_id, objects(out)[1].status })
      assert.matches("succeeded already", err, 1, true)
    end)

    it("has nothing to do where a task has failed", function()
      local code, out = run({ "cancel", "t1", "--json" }, { task_is "FAILED" })
      assert.equal(0, code)
      assert.is_nil(objects(out)[1].error)
    end)

    it("stops several, and says which it could not", function()
      local code, out, err = run({ "cancel", "t9", "t1" },
        { { "GET /v1/tasks/t9", status = 404, json = { error = "gone" } }, task_is "PENDING", GONE })
      assert.equal(1, code)
      assert.equal("t1  CANCELLED\n", out)
      assert.matches("task t9", err, 1, true)
    end)

    it("says where a provider has none", function()
      local code, _, err = run({ "cancel", "c1", "--provider", "cometapi" },
        { { "POST /runway/feed", json = { code = 200, data = { task_id = "c1", status = "1" } } } })
      assert.equal(1, code)
      assert.matches("cometapi has no cancel", err, 1, true)
    end)
  end)
end)
