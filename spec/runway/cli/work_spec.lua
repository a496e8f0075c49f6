-- `runway work`: what it says, and its exit codes.

local cli = require "runway.cli"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

describe("runway work", function()
  local files, server

  local getenv = os.getenv

  before_each(function()
    files, server = scratch.new(), assert(sandbox.start { seconds = 0.01 })
    os.getenv = function(name) -- luacheck: ignore 122
      return name == "RUNWAYML_API_SECRET" and "key_0123456789abcdef" or getenv(name)
    end
  end)
  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
    server:close()
    files:remove()
  end)

  local function run(...)
    local out, err = assert(io.open(files:path "out", "w+")), assert(io.open(files:path "err", "w+"))
    local code = cli.main({ "work", ... }, { stdout = out, stderr = err })
    out:close()
    err:close()
    return code, files:content "out", files:content "err"
  end

  local function enqueue(prompts)
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
      base_url = server.base_url, journal = files:path "j.db" })
    for key, prompt in pairs(prompts) do
      assert(client:enqueue { key = key, prompt_text = prompt, model = "gen4.5", ratio = "1280:720", duration = 5 })
    end
    client:close()
  end

  local function work(...)
    return run("--journal", files:path "j.db", "-o", files:path "films", "--until-empty", "--base-url",
      server.base_url, ...)
  end

  it("makes what is queued, and says what it made", function()
    enqueue { a = "a" }
    local code, out = work "--json"
    assert.equal(0, code)
    local said = require("runway.json").decode(out)
    assert.same({ 1, 0, 60, false }, { said.done, said.failed, said.credits, said.drained })
    assert.matches("ftyp", files:content "films/a.mp4")
  end)

  it("says what becomes of each: that it began, its film, why it failed, what to do about what is unknown", function()
    enqueue { a = "a", b = "sandbox:fail", c = "sandbox:drop" }
    local code, out, err = work()
    assert.equal(4, code, err)
    assert.matches("^1 done, 1 failed, 1 unknown, [%d.]+ credits\n$", out)
    assert.matches("a  submitted  task [%w-]+\n", err)
    assert.matches("a  done  [%d.]+ credits  [^\n]*films/a.mp4\n", err)
    assert.matches("b  failed: %w[^\n]*\n", err)
    assert.matches("c  unknown: %w[^\n]*\n", err)
    assert.matches("runway: what is unknown was submitted and may be paid for", err, 1, true)
    assert.matches("runway journal settle KEY --journal " .. files:path "j.db", err, 1, true)
    assert.equal(1, select(2, err:gsub("journal[ :]settle", "")), err)
  end)

  it("hands on what is under way at Ctrl-C, and leads to the same command", function()
    enqueue { ["-a"] = "sandbox:drop", b = "sandbox:stall" }
    local core = require "runway.core"
    local wait, raised = core.wait, false
    function core.wait(...)                   -- where an interpreter's handler raises it
      if #server.tasks > 1 and files:content("err"):find "unknown" and not raised then
        raised = true
        error("shots.lua:1: interrupted!", 0)
      end
      return wait(...)
    end
    local code, _, err = work()
    core.wait = wait
    assert.equal(130, code, err)
    assert.matches("keeps its ids in [^\n]*j.db; to go on: run the same command again\n", err)
    assert.is_nil(err:find("runway task", 1, true))
    assert.matches("runway: what is unknown [^\n]* %-%- KEY [^\n]*\n$", err)
  end)

  it("says what stands in the place of its journal, where it is none", function()
    os.execute(("mkfifo '%s'"):format(files:path "j.db"))
    local code, _, err = work()
    assert.equal(2, code)
    assert.equal(("runway: config: the journal %s: not a plain file\n"):format(files:path "j.db"), err)
  end)

  it("refuses a journal that is not there, says how one is made, and makes none", function()
    local code, _, err = work()
    assert.equal(2, code)
    assert.equal(("runway: config: there is no journal %s; `runway batch LIST -o DIR --enqueue` or client:enqueue "
      .. "makes one\n")
      :format(files:path "j.db"), err)
    assert.is_nil(files:content "j.db")
    assert.is_nil(io.open(files:path "films"))
  end)

  it("says what it hands on when it is told to end", function()
    enqueue { a = "sandbox:stall" }
    local core = require "runway.core"
    local came, term = core.term_came, false
    function core.term_came()                 -- as SIGTERM has it
      term = term or files:content("err"):find("a  [^\n]*task ") ~= nil
      return term
    end
    local function run_on()
      return run("--journal", files:path "j.db", "-o", files:path "films", "--base-url", server.base_url)
    end
    local code, out, err = run_on()
    assert.equal(0, code, err)
    assert.equal("0 done, 0 credits\n", out)
    assert.is_nil(err:find("waiting", 1, true))
    assert.matches("runway: told to end: nothing new is taken, and 1 under way are handed on\n", err)
    term = false
    code, out, err = run_on()
    core.term_came = came
    assert.equal(0, code, err)
    assert.is_nil(err:find("a  submitted", 1, true))
    assert.matches("a  goes on with  task [%w-]+\n", err)
    assert.equal("0 done, 0 credits\n", out)
  end)

  -- What a worker says and is told to end some looks later, by `has_come`.
  local function until_told(has_come, ...)
    local core, sheet = require "runway.core", require "runway.sheet"
    local came, of_journal, page, turns = core.term_came, sheet.of_journal, nil, 0
    function core.term_came()
      if has_come() then turns = turns + 1 end
      return turns > 3
    end
    function sheet.of_journal(...)
      page = of_journal(...)
      return page
    end
    local code, _, err = run("--journal", files:path "j.db", "-o", files:path "films", "--base-url", server.base_url,
      ...)
    core.term_came, sheet.of_journal = came, of_journal
    assert.same({ 0, true }, { code, page.hurried }) -- there is no time for stills
    return err
  end

  it("does not say that it waits for what comes where something is queued for which there is no room", function()
    server:close()
    server = assert(sandbox.start { seconds = 600 })
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
      base_url = server.base_url, journal = files:path "j.db" })
    assert(client:generate { key = "u", prompt_text = "u", model = "gen4.5", ratio = "1280:720", duration = 5 })
    client:close()
    enqueue { a = "a" }
    local asked = 0
    local err = until_told(function()
      asked = asked + 1
      return asked > 20
    end, "--max-tasks", "1")
    assert.is_nil(err:find("nothing is queued", 1, true), err)
    assert.equal(1, #server.tasks)
  end)

  it("says once that it waits", function()
    enqueue {}
    local err = until_told(function() return files:content("err") ~= "" end)
    assert.equal("runway: nothing is queued for runwayml; waiting for what comes\n"
      .. "runway: told to end: nothing new is taken, and 0 under way are handed on\n", err)
  end)

  it("says for whom the rest is queued, where nothing is for it: another address, another provider", function()
    enqueue { a = "a", b = "b" }
    local other = assert(sandbox.start { seconds = 0.01 })
    local code, out, err = run("--journal", files:path "j.db", "-o", files:path "films", "--until-empty", "--base-url",
      other.base_url)
    other:close()
    assert.same({ 0, "0 done, 0 credits\n" }, { code, out })
    assert.matches(("runway: nothing is queued for runwayml at %s, but 2 for runwayml at %s\n"):format(other.base_url,
      server.base_url), err, 1, true)
    code, out, err = work()
    assert.same({ 0, "2 done, 120 credits\n" }, { code, out })
    assert.is_nil(err:find("nothing is queued", 1, true))
  end)

  it("needs a journal and a directory", function()
    for _, words in ipairs { { "-o", "x" }, { "--journal", "x" } } do
      local code, _, err = run(words[1], words[2])
      assert.equal(2, code)
      assert.matches("work needs", err)
    end
  end)
end)
