local child = require "spec.support.child"
local cli = require "runway.cli"
local command = require "spec.support.command"
local lua = require "spec.support.interpreter"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local sandbox = require "runway.sandbox"

local SUBMIT, task_is, run = mocked.SUBMIT, mocked.task, command.run

local KEY = "key_0123456789abcdef"

-- Ctrl-C at the first query: the mock ends, the process gets the signal a terminal would send.
local INTERRUPTED = [[
  local mocked, cli = require "spec.support.mocked", require "runway.cli"
  local running = mocked.task "RUNNING"
  running.times = math.huge
  local _, m = mocked.client { mocked.SUBMIT, running }
  local start = m.start
  m.start = function(self, wire, done)
    local handle = start(self, wire, done)
    if wire.method == "GET" then io.popen("kill -INT $PPID"):close() end
    return handle
  end
  os.exit(cli.main({ ... }, { transport = m, terminal = false }))
]]

describe("the runway command", function()
  local here, environment

  local function path(name) return here:path(name) end
  local function write(name, bytes) return here:write(name, bytes) end
  local function content(name) return here:content(name) end

  local function generate(more, list)
    local argv = { "generate", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5", "--prompt", "a cat" }
    for _, word in ipairs(more) do argv[#argv + 1] = word end
    return run(argv, list)
  end

  before_each(function()
    here = scratch.new()
    environment = { RUNWAYML_API_SECRET = KEY, COMETAPI_KEY = KEY, TERM = "dumb" }
    command.setup(environment)
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    here:remove()
  end)

  local FILM = { "GET https://cdn.example/clip.mp4", body = "a film" }

  describe("generate", function()
    it("makes a clip, prints its path, and exits with 0 because the file is there", function()
      local code, out, err, m = generate({ "--seed", "7", "-o", path "a.mp4" },
        { SUBMIT, task_is("RUNNING", { progress = 0.5 }), task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal(path "a.mp4" .. "\n", out)
      assert.equal("a film", content "a.mp4")
      assert.same({ model = "gen4.5", ratio = "1280:720", duration = 5, promptText = "a cat", seed = 7 },
        m.requests[1].json)
      assert.equal("integer", math.type(m.requests[1].json.duration))
      assert.truthy(err:find("^task t1\n"))
      assert.truthy(err:find("50%  RUNNING\n", 1, true))
    end)

    it("warns on standard error of what it sends though it is not known", function()
      local code, _, err, m = generate({ "--param", "output_format=hdr12", "-o", path "a.mp4" },
        { SUBMIT, task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.matches('runway: gen4%.5: output_format "hdr12" is not among those known', err)
      assert.is_true(err:find("hdr12", 1, true) < err:find("task t1", 1, true))
      assert.equal("hdr12", m.requests[1].json.outputFormat)
    end)

    it("lets a model decide how long its clip is", function()
      local _, _, _, m = run({ "generate", "--model", "seedance2", "--prompt", "a cat", "--duration", "auto", "-o",
        path "a.mp4" }, { SUBMIT, task_is "SUCCEEDED", FILM })
      assert.equal("auto", m.requests[1].json.duration)
    end)

    it("says the id before it waits", function()
      local said
      local out, err = command.collector(), command.collector()
      local m = runway.mock { SUBMIT, { "GET /v1/tasks/t1", json = { id = "t1", status = "FAILED" }, check = function()
        said = err.text()
      end } }
      cli.main({ "generate", "--prompt", "x", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5",
        "-o", path "a.mp4" }, { stdout = out, stderr = err, transport = m, terminal = false })
      m:finish()
      assert.truthy(said:find("task t1\n", 1, true))
    end)

    it("takes files, URLs, two pictures, and any other parameter", function()
      local picture = write("first.png", "\137PNG\r\n\26\n" .. ("\0"):rep(600))
      local _, _, _, m = run({ "generate", "--image", picture, "--image", "https://example.com/last.png",
        "--model", "veo3.1", "--ratio", "1280:720", "--duration", "8", "--param", "audio=false",
        "--param", "negative_prompt=fog, rain", "--param", 'extra={"n":5}', "-o", path "a.mp4" },
        { { "POST /v1/image_to_video", json = { id = "t1" } }, task_is "SUCCEEDED", FILM })
      local body = m.requests[1].json
      assert.same({ { uri = { file = picture }, position = "first" },
        { uri = "https://example.com/last.png", position = "last" } }, body.promptImage)
      assert.is_false(body.audio)
      assert.equal("fog, rain", body.negativePrompt)
      assert.same({ n = 5 }, body.extra)
    end)

    it("goes to the provider and the address it is told", function()
      local code, _, _, m = run({ "generate", "--provider", "cometapi", "--base-url", "https://relay.example/x",
        "--prompt", "a cat", "--ratio", "16:9", "-o", path "a.mp4" }, {
        { "POST /runway/pro/generate", json = { code = 200, data = { task_id = "c1" } } },
        { "POST /runway/feed", json = { code = 200, data = { task_id = "c1", status = "3",
          video_url = "https://cdn.example/clip.mp4" } } }, FILM })
      assert.equal(0, code)
      assert.equal("https://relay.example/x/runway/pro/generate", m.requests[1].url)
    end)

    describe("says before it pays that the file cannot be written:", function()
      local function refused(target, what, more, expected)
        local argv = { "-o", target }
        for _, word in ipairs(more or {}) do argv[#argv + 1] = word end
        local code, out, err = generate(argv, {})
        assert.equal(expected or 1, code)
        assert.equal("", out)
        assert.truthy(err:find(what, 1, true), err)
      end

      it("no such directory", function()
        refused(path "no/such/a.mp4", "there is no directory " .. path "no/such" .. ": No such file or directory")
      end)
      it("a directory", function() refused(here.directory, "is a directory", { "--overwrite" }, 2) end)
      it("a file that is there", function()
        write("a.mp4", "precious")
        refused(path "a.mp4", "--overwrite")
        assert.equal("precious", content "a.mp4")
      end)
      it("a senseless time to wait", function()
        for _, text in ipairs { "0", "-1", "soon" } do
          assert.equal(2, (generate({ "-o", path "d.mp4", "--timeout=" .. text }, {})))
        end
      end)
      it("no name at all", function() refused("", "name of the file is empty", {}, 2) end)
      it("what is no plain file, without opening it", function()
        os.execute("mkfifo '" .. path "queue" .. "'; mkfifo '" .. path "b.mp4.part" .. "'")
        refused(path "queue", "not a plain file", { "--overwrite" })
        refused(path "b.mp4", "b.mp4: cannot")
      end)
      it("a link where the .part would be, which is left alone", function()
        os.execute(("ln -s '%s' '%s'"):format(path "elsewhere", path "c.mp4.part"))
        refused(path "c.mp4", "c.mp4: cannot")
        assert.is_nil(content "elsewhere")
      end)
    end)

    it("writes over a file when told to, and leaves no .part by asking", function()
      write("a.mp4", "old")
      assert.equal(0, (generate({ "--overwrite", "-o", path "a.mp4" }, { SUBMIT, task_is "SUCCEEDED", FILM })))
      assert.equal("a film", content "a.mp4")
      generate({ "-o", path "b.mp4" }, { { "POST /v1/text_to_video", status = 400 } })
      assert.is_nil(content "b.mp4.part")
    end)

    it("tells how to go on when it fails after the task was made", function()
      local code, out, err = generate({ "-o", path "it's.mp4" },
        { SUBMIT, { "GET /v1/tasks/t1", status = 401, json = { error = "key revoked" } } })
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find("authentication: key revoked", 1, true))
      assert.truthy(err:find("runway task t1 -o '" .. here.directory .. "/it'\\''s.mp4'", 1, true), err)
    end)

    it("and when the wait is over, the download fails, or the answer was lost but named the task", function()
      local running = task_is "RUNNING"
      running.times = math.huge
      for expected, list in pairs {
        [5] = { SUBMIT, running },
        [1] = { SUBMIT, task_is "SUCCEEDED", { FILM[1], status = 400 } },
        [4] = { { "POST /v1/text_to_video", status = 500, json = { id = "t1", error = "oops" } } },
      } do
        local code, _, err = generate({ "--timeout", "60", "-o", path "a.mp4" }, list)
        assert.equal(expected, code)
        assert.truthy(err:find("to go on: runway task t1 -o ", 1, true), err)
        assert.is_nil(content "a.mp4")
      end
    end)

    it("does not promise what a failed task cannot keep", function()
      local code, _, err = generate({ "-o", path "a.mp4" }, { SUBMIT, task_is("FAILED", { failure = "too bright" }) })
      assert.equal(1, code)
      assert.truthy(err:find("too bright", 1, true))
      assert.is_nil(err:find("go on", 1, true))
    end)

    it("says of a lost answer that it may have been paid for", function()
      local code, _, err = generate({ "-o", path "a.mp4" }, { { "POST /v1/text_to_video", fault = "lost" } })
      assert.equal(4, code)
      assert.truthy(err:find("unknown_submit", 1, true))
      assert.truthy(err:find("may have been charged", 1, true))
    end)

    it("tells each failure in one line, without the key", function()
      local _, _, err = generate({ "-o", path "a.mp4" },
        { { "POST /v1/text_to_video", status = 401, json = { error = "bad key\n" .. KEY } } })
      assert.equal(1, select(2, err:gsub("\n", "")))
      assert.is_nil(err:find(KEY, 1, true))
    end)
  end)

  describe("task", function()
    it("looks once and prints how it stands", function()
      local code, out = run({ "task", "t1" }, { task_is("RUNNING", { progress = 0.42 }) })
      assert.equal(0, code)
      assert.equal("t1  RUNNING  42%\n", out)
      code, out = run({ "task", "t1" }, { task_is("FAILED", { failure = "no", progress = 0.9,
        failureCode = "SAFETY.INPUT.TEXT" }) })
      assert.equal(1, code)                   -- it was found, and has failed
      assert.equal("t1  FAILED  SAFETY.INPUT.TEXT  no\n", out)
      code, out = run({ "task", "t1" }, { task_is "SUCCEEDED" })
      assert.equal(0, code)
      assert.equal("t1  SUCCEEDED  1 file (fetch with -o FILE)\n", out)
      assert.is_nil(out:find("SECRET", 1, true))
    end)

    it("is asked as often as the user says", function()
      local _, _, _, m = run({ "task", "t1", "--wait", "--poll-interval", "42" },
        { task_is "RUNNING", task_is "RUNNING", task_is "SUCCEEDED" })
      assert.truthy(math.abs(m.requests[3].time - 84) < 1e-6)
    end)

    it("that does not exist is 1", function()
      local code, out, err = run({ "task", "t9" }, { { "GET /v1/tasks/t9", status = 404, json = { error = "gone" } } })
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find("not_found", 1, true))
      code = run({ "task", "--provider", "cometapi", "c9" },
        { { "POST /runway/feed", json = { code = "task_not_exist", message = "task_not_exist" } } })
      assert.equal(1, code)
    end)

    it("waits for it and fetches the file with -o", function()
      local code, out = run({ "task", "t1", "-o", path "a.mp4" }, { task_is "RUNNING", task_is "SUCCEEDED", FILM })
      assert.equal(0, code)
      assert.equal(path "a.mp4" .. "\n", out)
      assert.equal("a film", content "a.mp4")
    end)

    it("waits for it with --wait", function()
      local running = task_is "RUNNING"
      running.times = math.huge
      local code, out, err = run({ "task", "t1", "--wait" }, { task_is "RUNNING", task_is "SUCCEEDED" })
      assert.equal(0, code)
      assert.truthy(out:find("SUCCEEDED", 1, true))
      assert.truthy(err:find("RUNNING", 1, true))
      code, out, err = run({ "task", "t1", "--wait", "--timeout", "60" }, { running })
      assert.equal("", out)
      assert.equal(5, code)
      assert.truthy(err:find("runway task t1 --wait", 1, true))
    end)

    it("checks the target first", function()
      local code, _, err = run({ "task", "t1", "-o", path "no/a.mp4" }, {})
      assert.equal(1, code)
      assert.truthy(err:find("No such file or directory", 1, true))
    end)

    it("is told its kind where a provider asks by kind", function()
      local _, _, _, m = run({ "task", "w1", "--kind", "workflow_invocation" },
        { { "GET /v1/workflow_invocations/w1", json = { id = "w1", status = "RUNNING" } } })
      assert.equal(1, #m.requests)
    end)
  end)

  describe("exits with 2 for misuse, having sent nothing:", function()
    local rows = {
      ["no command"] = {}, ["an unknown command"] = { "genrate" }, ["an unknown option"] = { "task", "t1", "--frob" },
      ["no file to write"] = { "generate", "--prompt", "x" }, ["nothing to make"] = { "generate", "-o", "x.mp4" },
      ["a duration that is no number"] = { "generate", "--prompt", "x", "--duration", "long", "-o", "x.mp4" },
      ["a duration that is infinite"] = { "generate", "--prompt", "x", "--duration", "1e999", "-o", "x.mp4" },
      ["a seed that is not whole"] = { "generate", "--prompt", "x", "--seed", "1.5", "-o", "x.mp4" },
      ["a param without a value"] = { "generate", "--prompt", "x", "--param", "audio", "-o", "x.mp4" },
      ["three pictures"] = { "generate", "--image", "a", "--image", "b", "--image", "c", "-o", "x.mp4" },
      ["a value of the wrong type"] = { "generate", "--prompt", "x", "--param", "ratio=5", "-o", "x.mp4" },
      ["an unknown provider"] = { "task", "t1", "--provider", "cometapii" },
      ["a task without an id"] = { "task" }, ["an empty id"] = { "task", "" },
      ["an unknown scenario"] = { "sandbox", "--port", "0", "--scenario", "frob" },
      ["no model"] = { "generate", "--prompt", "x", "-o", "x.mp4" },
      ["no ratio"] = { "generate", "--prompt", "x", "--model", "gen4.5", "-o", "x.mp4" },
      ["a seed below 0"] = { "generate", "--prompt", "x", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5",
        "--seed", "-3", "-o", "x.mp4" },
      ["an empty prompt"] = { "generate", "--prompt", "", "--model", "gen4.5", "--ratio", "1280:720", "--duration",
        "5", "-o", "x.mp4" },
      ["a prompt's file that is not there"] = { "generate", "--prompt", "@/none/such", "-o", "x.mp4" },
      ["a picture that is not there"] = { "generate", "--image", "/none/such.png", "-o", "x.mp4" },
      ["a kind that the provider has not"] = { "generate", "--prompt", "x", "--kind", "text_to_vidoe", "-o", "x.mp4" },
      ["a param that is misspelt"] = { "generate", "--prompt", "x", "--model", "gen4.5", "--ratio", "1280:720",
        "--duration", "5", "--param", "duraton=5", "-o", "x.mp4" },
      ["a directory to write to"] = { "generate", "--prompt", "x", "-o", "." },
      ["a directory to write to, with a journal"] = { "generate", "--prompt", "x", "-o", ".", "--journal", "no/j.db",
        "--key", "k" },
      ["no name to write to"] = { "task", "t1", "-o", "" },
      ["a key on the command line"] = { "task", "t1", "--api-key", KEY },
    }
    for what, argv in pairs(rows) do
      it(what, function()
        local words = {}
        for i, word in ipairs(argv) do words[i] = word == "x.mp4" and path "x.mp4" or word end
        local code, out, err = run(words, {})
        assert.equal(2, code)
        assert.equal("", out)
        assert.truthy(err:find("runway", 1, true))
        assert.is_nil(err:find("traceback", 1, true), err)
        assert.is_nil(err:find("%.lua:%d"), err)
      end)
    end

    it("and says what is missing", function()
      assert.truthy(select(3, run({ "generate", "--prompt", "x" }, {})):find("generate needs -o FILE", 1, true))
      assert.truthy(select(3, run({ "generate", "-o", "x" }, {})):find("needs at least --prompt", 1, true))
    end)

    it("no key, and names the variable that wants it", function()
      environment.COMETAPI_KEY = nil
      local code, _, err = run({ "task", "t1", "--provider", "cometapi" })
      assert.equal(2, code)
      assert.truthy(err:find("set the environment variable COMETAPI_KEY (", 1, true), err)
    end)
  end)

  describe("help", function()
    for _, argv in ipairs { { "--help" }, { "generate", "--help" }, { "task", "-h" }, { "sandbox", "--help" },
      { "help" }, { "help", "generate" } } do
      it("is there: " .. table.concat(argv, " "), function()
        local code, out, err = run(argv)
        assert.equal(0, code)
        assert.equal("", err)
        assert.truthy(out:find("Usage: runway", 1, true))
      end)
    end

    it("fits the terminal", function()
      for _, wide in ipairs { 40, 80, 200 } do
        for _, name in ipairs { "generate", "task", "models", "journal" } do
          local _, out = run({ name, "--help" }, nil, { columns = wide })
          for line in out:gmatch "[^\n]+" do
            assert.is_true(#line <= wide + 2 or not line:find("%s%S+%s%S+%s%S+%s"), line) -- an option may be longer
          end
        end
      end
    end)

    it("has an option's names on one line, with a value as without", function()
      local _, out = run { "generate", "--help" }
      assert.matches("\n   %-h, %-%-help ", out)
      assert.matches("\n   %-o, %-%-output FILE ", out)
    end)

    it("says that the key comes from the environment alone, and why", function()
      for _, argv in ipairs { { "--help" }, { "generate", "--help" }, { "task", "--help" } } do
        local _, out = run(argv)
        assert.truthy(out:find("never from an option", 1, true))
        for name, adapter in pairs(runway.providers) do
          assert.truthy(out:find(adapter.env.api_key, 1, true))
          assert.truthy(argv[1] == "--help" or out:find("Whose account: [^(]-%f[%w]" .. name .. "%f[%W]"), name)
        end
      end
    end)

    it("lists every scenario of the sandbox", function()
      local _, out = run { "sandbox", "--help" }
      for _, scenario in ipairs(sandbox.scenarios()) do assert.truthy(out:find(scenario.name, 1, true)) end
    end)
  end)

  it("tells its version", function()
    local code, out = run { "--version" }
    assert.equal(0, code)
    assert.equal(runway._VERSION .. "\n", out)
  end)

  it("names the package when argparse is missing", function()
    local said, code = child.run([[
      package.preload.argparse = function() error "not here" end
      os.exit(require "runway.cli".main { "--version" })
    ]])
    assert.equal(2, code)
    assert.truthy(said:find("lua-argparse", 1, true))
    assert.truthy(said:find("not here", 1, true), "and why it did not load")
  end)

  it("shows no password, into whichever option it was put", function()
    local secret = "http://me:hunter2@h:3128"
    for _, argv in ipairs {
      { "--proxy", "http://me:hunter2 x@h:3128" }, { "--resolve", secret }, { "--resolve", "me:hunter2@h:3128" },
      { "--param", secret }, { "--extra", "me:hunter2@h:3128" }, { "--seed", secret }, { "--timeout", secret },
      { "--base-url", "https://me:hunter2@h" }, { "--base-url", "me:hunter2@h" }, { "--provider", secret },
      { "--poxy=" .. secret }, { "--poxy", secret }, { secret }, { "--duration", secret },
      { "--base-url", "https://h/?key=hunter2" },
    } do
      local more = { "-o", path "a.mp4" }
      for _, word in ipairs(argv) do more[#more + 1] = word end
      local code, out, err = generate(more)
      assert.equal(2, code, table.concat(argv, " ") .. err)
      assert.is_nil((out .. err):find("hunter", 1, true), table.concat(argv, " "))
    end
  end)

  it("says the id, and how to go on, when it is interrupted", function()
    local said, code = child.run(INTERRUPTED, {
      arguments = { "generate", "--prompt", "a cat", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5",
        "-o", path "a.mp4" },
      before = "export RUNWAYML_API_SECRET=" .. KEY .. ";",
    })
    assert.equal(130, code, said)
    assert.truthy(said:find("runway: interrupted\n", 1, true), said)
    assert.truthy(said:find("to go on: runway task t1 -o " .. path "a.mp4", 1, true), said)
    assert.is_nil(said:find("traceback", 1, true))
  end)

  it("works over real sockets against the sandbox", function()
    local server = assert(sandbox.start { seconds = 0.05 })
    local code, out = run({ "generate", "--provider", "cometapi", "--base-url", server.base_url,
      "--poll-interval", "0.02", "--prompt", "a cat", "--ratio", "16:9", "-o", path "cat.mp4" })
    server:close()
    assert.equal(0, code)
    assert.equal(path "cat.mp4" .. "\n", out)
    assert.equal("ftyp", content "cat.mp4":sub(5, 8))
  end)

  it("sandbox says where it listens, answers, and ends with Ctrl-C", function()
    local pipe = assert(io.popen("exec 2>&1; LUA_PATH='" .. package.path .. "' LUA_CPATH='" .. package.cpath
      .. "'; export LUA_PATH LUA_CPATH; echo $$; exec " .. lua .. " bin/runway sandbox --port 0 --seconds 0.05"))
    local pid = pipe:read()
    local url = pipe:read():match "^sandbox at (http://127%.0%.0%.1:%d+) "
    local client = assert(runway.client {
      provider = "cometapi", api_key = "sk-any", base_url = url, poll_interval = 0.02,
    })
    local task = assert(client:generate { prompt_text = "a cat", ratio = "16:9" })
    assert(task:wait { timeout = 20 })
    os.execute("kill -INT " .. pid)
    local rest = pipe:read "a"
    assert.is_true(pipe:close())
    assert.is_nil(rest:find("interrupted", 1, true))
  end)

  it("sandbox takes the key, the times and the scenario it is told", function()
    local given
    local start = sandbox.start
    sandbox.start = function(options)
      given = options
      return nil, "enough"
    end
    local code = run { "sandbox", "--api-key", "k", "--seconds", "3", "--url-seconds", "4", "--retry-after", "5",
      "--scenario", "fail" }
    sandbox.start = start
    assert.equal(1, code)
    assert.same({ "k", 3, 4, 5, "fail" },
      { given.api_key, given.seconds, given.url_seconds, given.retry_after, given.scenario })
  end)

  it("sandbox gives a line that works as it is typed", function()
    local loop = sandbox.loop
    for line, words in pairs {
      ["^sandbox at [^\n]*\ntry: COMETAPI_KEY='a key' runway generate %-%-provider cometapi "
        .. "%-%-base%-url http://127.0.0.1:%d+ %-%-prompt"] =
        { "--api-key", "a key" },
      ["%-%-base%-url http://video.example %-%-allow%-http %-%-prompt"] = { "--base-url", "http://video.example" },
    } do
      sandbox.loop = function(server) server:close() end
      local code, out = run { "sandbox", "--port", "0", table.unpack(words) }
      sandbox.loop = loop
      assert.equal(0, code)
      assert.matches(line, out)
    end
  end)

  it("sandbox without its library is not set up", function()
    local before = package.loaded["runway.listener"]
    package.loaded["runway.listener"] = nil
    package.preload["runway.listener"] = function() error "not here" end
    local code, out = run { "sandbox", "--port", "0", "--json" }
    package.preload["runway.listener"], package.loaded["runway.listener"] = nil, before
    assert.equal(2, code)
    assert.equal("config", require("runway.json").decode(out).error.kind)
  end)

  it("sandbox says where it listens as JSON", function()
    local out = command.collector()
    local loop, started = sandbox.loop, nil
    sandbox.loop = function(server) started = server end
    local code = cli.main({ "sandbox", "--port", "0", "--json" }, { stdout = out, stderr = out })
    sandbox.loop = loop
    started:close()
    assert.equal(0, code)
    assert.same({ base_url = started.base_url, listening = started.base_url, port = started.port },
      require("runway.json").decode(out.text()))
  end)

  it("sandbox says when the port is taken", function()
    local server = assert(sandbox.start {})
    local code, _, err = run { "sandbox", "--port", tostring(server.port) }
    server:close()
    assert.equal(1, code)
    assert.truthy(err:find("runway: ", 1, true))
  end)

  it("can be allowed what an error says must be allowed, and says how", function()
    local film = { "GET http://cdn.example/clip.mp4", body = "a film", times = math.huge }
    local made = { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED",
      output = { "http://cdn.example/clip.mp4" } } }
    local code, _, _, m = run({ "task", "t1", "--allow-http", "--allow-private", "--ca-file", "/ca.pem",
      "--proxy", "http://proxy.example:3128", "--resolve", "cdn.example:80=127.0.0.1", "-o", path "a.mp4" },
      { made, film })
    assert.equal(0, code)
    assert.equal(2, #m.requests)

    local server = assert(sandbox.start { seconds = 0.01 })
    local client = assert(runway.client { provider = "cometapi", api_key = KEY, base_url = server.base_url })
    local task = assert(client:generate { prompt_text = "a cat", ratio = "16:9" })
    local _, _, said = run { "task", task.id, "--provider", "cometapi", "--poll-interval", "0.02",
      "--base-url", "http://api.example:" .. server.port, "--resolve",
      ("api.example:%d=127.0.0.1"):format(server.port), "-o", path "b.mp4" }
    server:close()
    assert.truthy(said:find("or give --allow-http", 1, true), said)
  end)

  it("sends what seems a slip when told so, and says how to tell", function()
    local code, _, err = generate({ "--param", "duraton=5", "-o", path "a.mp4" }, {})
    assert.equal(2, code)
    assert.matches("here that is --extra NAME=VALUE", err, 1, true)
    local _, _, _, m = generate({ "--extra", "duraton=5", "-o", path "a.mp4" }, { SUBMIT, task_is "SUCCEEDED", FILM })
    assert.equal(5, m.requests[1].json.duraton)
  end)

  it("says how a format is given that an error advises", function()
    local code, _, err = run({ "generate", "--provider", "cometapi", "--param", "format=pro", "--image",
      "data:image/png;base64,AAAA", "-o", path "a.mp4" }, {})
    assert.equal(2, code)
    assert.matches("here that is --param format=official", err, 1, true)
  end)

  it("says of a picture given as a parameter how a file is given", function()
    local code, _, err = generate({ "--param", "prompt_image=a.png", "-o", path "a.mp4" }, {})
    assert.equal(2, code)
    assert.matches("here that is the path of the file", err, 1, true)
  end)

  it("says that the film is there though standard output did not take its path", function()
    local full = { write = function() return nil, "No space left on device" end, flush = function() return true end }
    local code, _, err = run({ "task", "t1", "-o", path "b.mp4" }, {
      { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = { mocked.OUTPUT } } },
      { "GET https://cdn.example/clip.mp4", body = "\0\0\0\24ftypmp42film" } }, { stdout = full })
    assert.equal(1, code)
    assert.truthy(err:find("runway: the file is there: " .. path "b.mp4" .. "\n", 1, true), err)
  end)

  it("gives up on a file larger than it is told, and goes on with the same options but that", function()
    local made = { "GET /v1/tasks/-t1", json = { id = "-t1", status = "SUCCEEDED", output = { mocked.OUTPUT } } }
    local large = { "GET https://cdn.example/clip.mp4", body = ("x"):rep(100) }
    write("a.mp4", "old")
    local code, _, err = run({ "task", "--overwrite", "--max-bytes", "10", "-o", path "a.mp4", "--", "-t1" },
      { made, large })
    assert.equal(1, code)
    assert.matches("max_bytes", err, 1, true)
    assert.is_nil(err:find("here that is", 1, true))  -- it was given
    assert.truthy(err:find("to go on: runway task --overwrite -o " .. path "a.mp4" .. " -- -t1\n",
      1, true), err)
    assert.equal("old", content "a.mp4")
  end)
end)
