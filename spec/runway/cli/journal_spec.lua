-- `runway journal`, and `runway generate` with a journal.

local command = require "spec.support.command"
local errors = require "runway.errors"
local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

local run, objects = command.run, command.objects

describe("the runway command, with a journal,", function()
  before_each(function()
    journals.setup()
    command.setup { RUNWAYML_API_SECRET = mocked.KEY }
  end)
  after_each(function()
    command.teardown()
    journals.teardown()
  end)

  local function on_journal(...)
    local argv = { "journal", ... }
    argv[#argv + 1], argv[#argv + 2] = "--journal", journals.where()
    return run(argv)
  end

  local function fill()
    local j = journals.open()
    assert(journals.begin(j, "one")):ends(journals.task("t1", { estimated_cost = 7 }), {}, false)
    assert(journals.begin(j, "two\r\n2")):ends(nil, {}, true, errors.new { message = "no answer" })
    return j
  end

  it("lists what there is, a line each", function()
    fill()
    local code, out, err = on_journal "list"
    assert.equal(0, code)
    assert.matches("^runway: what is unknown [^\n]*runway journal settle KEY [^\n]*\n$", err)
    assert.truthy(out:find("one  submitted  t1  runwayml\n", 1, true), out)
    assert.truthy(out:find("two 2  unknown  -  runwayml  no answer\n", 1, true), out)
    code, out = on_journal("list", "--state", "unknown", "--limit", "5")
    assert.same({ 0, nil }, { code, out:find "one" })
    for _, words in ipairs { { "list", "--state", "submitted" }, { "list", "--json" } } do
      assert.equal("", select(3, on_journal(table.unpack(words))))
    end
  end)

  it("makes no journal for a file that is there already", function()
    local dir = scratch.new()
    local film, journal = dir:write("a.mp4", "precious"), dir:path "new.db"
    for _, more in ipairs { {}, { "--key", "k" } } do
      local code, _, err = run({ "generate", "--prompt", "a", "--model", "gen4.5", "--ratio", "1280:720", "--duration",
        "5", "-o", film, "--journal", journal, table.unpack(more) }, {})
      assert.equal(1, code)
      assert.equal(("runway: %s is already there; --overwrite writes over it\n"):format(film), err)
      assert.is_nil(dir:content "new.db")
    end
    dir:remove()
  end)

  it("says where the journal of a directory is, and how one is named", function()
    local dir = scratch.new()
    dir:write("runway.db", "")
    local code, _, err = run { "journal", "list", "--journal", dir:path "" }
    assert.equal(2, code)
    assert.matches("is a directory; the journal in it is --journal " .. dir:path "runway.db", err, 1, true)
    dir:remove()
    assert.matches("too many arguments (a journal is named by --journal JOURNAL)",
      select(3, run { "journal", "list", "a.db" }), 1, true)
  end)

  it("lists it on a terminal in columns, below what they are", function()
    fill()
    local function list_on_terminal(...)
      return select(2, run({ "journal", "list", "--journal", journals.where(), ... }, nil, { stdout_terminal = true }))
    end
    assert.equal("KEY    STATE      TASK  PROVIDER  FILE, CREDITS, ERROR\ntwo 2  unknown    -     runwayml  no answer\n"
      .. "one    submitted  t1    runwayml\n",
      list_on_terminal())
    assert.equal(2, #objects(list_on_terminal "--json"))
  end)

  it("says that a task's id is taken unasked, and how a slip of it is taken back", function()
    fill()
    local code, _, err = on_journal("settle", "two\r\n2", "--task-id", "nope")
    assert.equal(0, code)
    assert.equal("runway: whether the provider knows that task was not asked: runway task nope --provider runwayml "
      .. "asks\n", err)
    code, _, err = on_journal("settle", "two\r\n2", "--resubmit")
    assert.equal(1, code)
    assert.matches("Ask for the key once more, by the same request: where its provider knows no such task, it becomes "
      .. "unknown", err, 1, true)
  end)

  it("says how a key that begins with - is settled", function()
    local j = journals.open()
    assert(journals.begin(j, "-x")):ends(nil, {}, true, errors.new { message = "no answer" })
    local code, _, err = on_journal "list"
    assert.equal(0, code)
    assert.matches("runway journal settle %-%-journal %S+ %-%-task%-id ID %-%- KEY ", err)
  end)

  it("and as JSON, where what is not known is null", function()
    fill()
    local code, out = on_journal("list", "--json", "--state", "submitted")
    assert.equal(0, code)
    for _, name in ipairs { "path", "credits", "error" } do
      assert.truthy(out:find(('"%s":null'):format(name), 1, true), out)
    end
    local one = objects(out)[1]
    assert.same({ "one", "submitted", "t1", "runwayml", 7 },
      { one.key, one.state, one.task_id, one.provider, one.estimated_credits })
    assert.is_true(math.abs(one.created_at - os.time()) < 60)
    local _, everything = on_journal "export"
    assert.equal(2, #objects(everything))
    assert.equal("one", objects(everything)[1].key)
  end)

  it("shows one entry", function()
    fill()
    local code, out = on_journal("show", "one")
    assert.equal(0, code)
    assert.truthy(out:find("task        t1\n", 1, true) and out:find('"prompt_text":"a cat"', 1, true), out)
    code, out = on_journal("show", "one", "--json")
    assert.same({ 0, "a cat" }, { code, objects(out)[1].request.params.prompt_text })
    local err
    code, out, err = on_journal("show", "none")
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("no entry with the key", 1, true), err)
  end)

  it("settles what is unknown, and nothing else", function()
    local j = fill()
    for _, how in ipairs { { "--task-id", "t9" }, { "--resubmit" }, { "--failed", "why" } } do
      local key = how[1]:sub(3)
      assert(journals.begin(j, key)):ends(nil, {}, true)
      local code, out, err = on_journal("settle", key, how[1], how[2])
      assert.equal(0, code, err)
      assert.truthy(out:find(key, 1, true))
      code, out, err = on_journal("settle", key, "--resubmit")
      assert.same({ 1, "" }, { code, out })
      assert.truthy(err:find("only what is unknown can be settled", 1, true), err)
    end
    assert.same({ "submitted", "t9" }, { j:get "task-id".state, j:get "task-id".task_id })
    assert.equal("queued", j:get "resubmit".state)
    assert.same({ "failed", "why" }, { j:get "failed".state, j:get "failed".error })
  end)

  it("says what it was called wrongly with", function()
    for _, argv in ipairs { { "list" }, { "show", "a" }, { "settle", "a", "--resubmit" } } do
      table.insert(argv, 1, "journal")
      local code, out, err = run(argv)
      assert.same({ 2, "" }, { code, out })
      assert.truthy(err:find("needs --journal FILE", 1, true), err)
    end
    for _, more in ipairs { {}, { "--resubmit", "--failed", "x" }, { "--task-id", "" } } do
      assert.equal(2, (on_journal("settle", "a", table.unpack(more))))
    end
    assert.matches("exactly one of", select(3, on_journal("settle", "a", "--resubmit", "--failed", "x")))
    assert.equal(2, (run { "journal" }))
    assert.equal(2, (on_journal("list", "--state", "lost")))
    local code, _, err = on_journal "list"
    assert.equal(2, code)
    assert.truthy(err:find("there is no journal", 1, true), err)
    assert.is_nil(io.open(journals.where()))
  end)

  local function generate(more, list)
    local argv = { "generate", "--model", "gen4.5", "--ratio", "1280:720", "--duration", "5", "--prompt", "a cat",
      "--journal", journals.where(), "--key", "a", "-o", journals.path "a.mp4" }
    for _, word in ipairs(more) do argv[#argv + 1] = word end
    return run(argv, list)
  end

  local FILM = { "GET https://cdn.example/clip.mp4", body = "\0\0\0\24ftypmp42\0\0\0\0mp42isom" }

  it("makes a clip once, and run again says where it is", function()
    local code, out, err = generate({}, { mocked.SUBMIT, mocked.task "SUCCEEDED", FILM })
    assert.equal(0, code, err)
    assert.equal(journals.path "a.mp4" .. "\n", out)
    local m
    code, out, err, m = generate({}, {})
    assert.equal(0, code, err)
    assert.equal(journals.path "a.mp4" .. "\n", out)
    assert.equal(0, #m.requests)
  end)

  it("does not pay for a file that is there already, and says what helps", function()
    local file = assert(io.open(journals.path "a.mp4", "wb"))
    file:write "mine"
    file:close()
    local code, _, err, m = generate({}, {})
    assert.equal(1, code)
    assert.truthy(err:find("--overwrite", 1, true), err)
    assert.equal(0, #m.requests)
  end)

  it("tells the status of what it has just made, and none of what an earlier run did", function()
    local refused = { "GET /v1/tasks/t1", status = 401, json = { error = "revoked" } }
    local _, out = generate({ "--json" }, { mocked.SUBMIT, refused })
    assert.same({ "t1", "PENDING" }, { objects(out)[1].task_id, objects(out)[1].status })
    _, out = generate({ "--json" }, { refused })
    assert.equal("t1", objects(out)[1].task_id)
    assert.truthy(out:find('"status":null', 1, true), out)
  end)

  it("says how an unknown is settled here", function()
    local code, _, err = generate({}, { { "POST /v1/text_to_video", fault = "lost" } })
    assert.equal(4, code)
    assert.truthy(err:find("runway journal settle a --journal ", 1, true), err)
  end)

  it("wants a journal for a key", function()
    local code, _, err = run({ "generate", "--prompt", "x", "--key", "a", "-o", "x.mp4" }, {})
    assert.equal(2, code)
    assert.truthy(err:find("--key needs --journal", 1, true), err)
  end)
end)
