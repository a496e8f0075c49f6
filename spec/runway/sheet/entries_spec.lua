-- What a journal holds, on the page of a directory in which workers make it.

local entries = require "runway.sheet.entries"
local core = require "runway.core"
local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local prompted = require "spec.support.prompted"
local queued = require "spec.support.queued"
local runway = require "runway"
local scratch = require "spec.support.scratch"
local sheet = require "runway.sheet"

describe("the page of a worker's directory", function()
  local client

  before_each(function()
    journals.setup()
    client = prompted.client({ b = { code = "SAFETY.INPUT" }, c = { { code = "INTERNAL" } } },
      { journal = journals.open() })
  end)
  after_each(function()
    mocked.close()
    journals.teardown()
  end)

  local function enqueue(...) queued.put(client, ...) end
  local function work(directory)
    assert(runway.work(client, { directory = journals.path(directory), until_empty = true, attempts = 2 }))
    return scratch.read(journals.path(directory .. "/index.html"))
  end
  local function has(said, html) assert(html:find(said, 1, true), said) end

  it("shows all that the journal holds, with what failed and what was made anew", function()
    enqueue("a", "b", "c")
    local html = work "one"
    for _, said in ipairs { '<a href="./a.mp4"', '<a href="./a.mp4.json"', "SAFETY.INPUT", "<dt>Attempt</dt><dd>2</dd>",
      "<dt>Shots</dt><dd>3</dd>", "<dt>Done</dt><dd>2</dd>", "<dt>Failed</dt><dd>1</dd>", "<dt>Cost</dt><dd>40" } do
      has(said, html)
    end
  end)

  it("shows of a large one what changed last, and says what it is", function()
    local most = sheet.MOST
    sheet.MOST = 2
    finally(function() sheet.MOST = most end)
    enqueue("a", "d", "e")
    local html = work "one"
    has("These are the 2 shots that changed last, of 3, and the sums are theirs", html)
    has("<dt>Shots</dt><dd>2</dd>", html)
    assert.equal(2, select(2, html:gsub('<li class="shot', "")))
  end)

  it("links in each directory to what lies in it, and says where the rest does", function()
    enqueue "a"
    work "one"
    enqueue "d"
    local html = work "two"
    has('<a href="./d.mp4"', html)
    has(journals.path "one/a.mp4", html)
    assert.is_nil(html:find('href="./a.mp4"', 1, true))
    os.remove(journals.path "two/d.mp4")        -- as if another machine had it under the same path
    enqueue "e"
    html = work "two"
    assert.is_nil(html:find('href="./d.mp4"', 1, true))
    assert.matches("two/d%.mp4 %(of [^)]+ %d+%)", html)
  end)

  it("links to a film whose path was written as it is seen from here", function()
    enqueue "a"
    work "one"
    os.remove(journals.path "one/a.mp4.json")   -- else that would tell
    for _, path in ipairs { "one/a.mp4", "./one/a.mp4" } do
      journals.sql { { "UPDATE runway_shots SET path = $1", path } }
      local was = core.working_directory
      core.working_directory = function() return (journals.path "x":gsub("/x$", "")) end
      local ok, html = pcall(work, "one")
      core.working_directory = was
      assert(ok, html)
      has('<a href="./a.mp4"', html)
    end
  end)

  it("links to a film that lies there by its receipt, from wherever its path was written", function()
    enqueue "a"
    work "one"
    journals.sql { "UPDATE runway_shots SET path = 'from/elsewhere/a.mp4'" }
    has('<a href="./a.mp4"', work "one")
    has('<a href="./a.mp4.json"', work "one")
    local receipt = journals.path "one/a.mp4.json"
    local said = scratch.read(receipt):gsub('"task_id" *: *"[^"]*"', '"task_id":"another"')
    local file = assert(io.open(receipt, "w"))
    file:write(said)
    file:close()
    assert.is_nil(work("one"):find('href="./a.mp4"', 1, true)) -- of another task
  end)

  it("is none of a journal that is empty, and leaves a page of someone else's", function()
    assert(runway.work(client, { directory = journals.path "none", until_empty = true }))
    assert.is_nil(scratch.read(journals.path "none/index.html"))
    local file = assert(io.open(journals.path "none/index.html", "w"))
    file:write "mine"
    file:close()
    enqueue "a"
    assert.equal("mine", work "none")
  end)

  it("takes whatever a journal holds", function()
    local function once() end
    local shots = entries.shots({ { key = "a#2", state = "submitted", kind = "k", provider = "p", request = {} },
      { key = "a", state = "failed", kind = "k", provider = "p", error = "no", credits = 3, request = { params = 1 } },
      { key = "x", state = "unknown", kind = "k", provider = "p", request = { params = { model = {} } } } }, once)
    assert.equal(2, #shots)
    assert.same({ "x", "a", 2, 3 }, { shots[1].key, shots[2].key, shots[2].attempt, shots[2].credits })
  end)
end)
