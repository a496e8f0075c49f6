-- A journal as scripts hold it, over a real database.

local core = require "runway.core"
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local runway = require "runway"
local schema = require "runway.journal.schema"

local begin, task = journals.begin, journals.task

journals.over_each_database("a journal", function()
  -- An entry in each state.
  local function fill(j)
    local function named(key, id)
      local a = assert(begin(j, key))
      if id then a:ends(task(id, { cost = 5, estimated_cost = 7 }), {}, false) end
      return a
    end
    named "submitting"
    named("submitted", "t1")
    for key, id in pairs { downloading = "t2", done = "t3", failed = "t4" } do
      named(key, id)
      local trail = journal.follow(j, key, id, error)
      if key == "failed" then
        trail:told { status = "FAILED", failure = "no", failure_code = "SAFETY", cost = 0,
          done = function() return true end }
      else
        trail:downloading(key .. ".mp4")
        if key == "done" then trail:downloaded { path = "done.mp4", bytes = 100 } end
      end
    end
    for _, key in ipairs { "unknown", "queued" } do
      named(key):ends(nil, {}, true, errors.new { kind = "unknown_submit", message = "no answer" })
    end
    assert(j:settle("queued", { resubmit = true }))
  end

  describe("opened", function()
    it("is made where there is none, and is the object that runway.journal gives", function()
      local j = assert(runway.journal(journals.where()))
      assert.same({}, assert(j:entries()))
      assert.truthy(j.path == journals.where() or j.path:find "^postgresql://", j.path)
      j:close()
      assert(journal.open(journals.where())):close()
    end)

    it("by many at once is made once", function()
      local list, where = {}, journals.where()
      for i = 1, 5 do list[i] = function() return journal.open(where) end end
      local opened, failures = runway.all(list)
      assert.is_nil(failures)
      for _, j in ipairs(opened) do
        assert.same({}, assert(j:entries()))
        j:close()
      end
    end)

    it("is a file for its owner alone", function()
      journals.open()
      if journals.where():find "^postgres" then return end
      local pipe = io.popen(("stat -c %%a '%s'"):format(journals.where()))
      assert.equal("600", pipe:read "*l")
      pipe:close()
    end)

    it("is refused, and left as it is, where it is no journal", function()
      journals.sql { "CREATE TABLE precious (a TEXT)" }
      local j, err = journal.open(journals.where())
      assert.is_nil(j)
      assert.same({ "config", "not_a_journal" }, { err.kind, err.code })
      assert.truthy(err.message:find("left as it is", 1, true))
      local store = assert(require("runway.store").open(journals.where()))
      assert(store:read { { "SELECT a FROM precious" } })
      assert.equal("sql", select(2, store:read { { "SELECT * FROM runway_about" } }).code)
      store:close()
    end)

    it("of a newer version is refused, and left as it is", function()
      journals.open()
      journals.sql { "UPDATE runway_about SET value = '999' WHERE name = 'version'" }
      local j, err = journal.open(journals.where())
      assert.is_nil(j)
      assert.same({ "config", "newer_journal" }, { err.kind, err.code })
      assert.truthy(err.message:find("999", 1, true))
      assert.same({ { value = "999" } }, journals.sql { "SELECT value FROM runway_about" }[1].rows)
    end)

    it("of an older version is migrated, in one transaction or not at all", function()
      local store = assert(require("runway.store").open(journals.where()))
      local ways = { schema.MIGRATIONS[1] }
      assert(schema.prepare(store, ways))
      ways[2] = { "ALTER TABLE runway_shots ADD COLUMN mood TEXT", "this is no SQL" }
      local ok, err = schema.prepare(store, ways)
      assert.is_nil(ok)
      assert.equal("io", err.kind)
      assert.same({ { value = "1" } }, store:read { { "SELECT value FROM runway_about" } }[1].rows)
      ways[2][2], ways[3] = nil, { "UPDATE runway_shots SET mood = 'dark'" }
      assert(schema.prepare(store, ways))
      assert.same({ { value = "3" } }, store:read { { "SELECT value FROM runway_about" } }[1].rows)
      assert(store:read { { "SELECT mood FROM runway_shots" } })
      assert(schema.prepare(store, ways))
      store:close()
    end)

    it("is misused at the line that did it", function()
      for _, bad in ipairs { "", "a\0b", 5, {} } do
        local ok, message = pcall(runway.journal, bad)
        assert.is_false(ok)
        assert.truthy(message:find("journal takes the path of a file", 1, true), message)
      end
    end)
  end)

  describe("told", function()
    it("lists its entries, the newest first, of one state, so many", function()
      local j = journals.open()
      fill(j)
      local all = assert(j:entries())
      assert.equal(7, #all)
      for i = 2, #all do assert.is_true(all[i - 1].created_at >= all[i].created_at) end
      for _, e in ipairs(all) do
        local of_state = assert(j:entries { state = e.state })
        assert.equal(1, #of_state)
        assert.equal(e.state, of_state[1].key)
      end
      assert.equal(3, #assert(j:entries { limit = 3 }))
    end)

    it("gives an entry with all that is known of it", function()
      local j = journals.open()
      fill(j)
      local e = assert(j:get "done")
      assert.same({ "done", "t3", "runwayml", "https://api.example", "text_to_video", "done.mp4", 100, 5, 7 }, {
        e.state, e.task_id, e.provider, e.base_url, e.kind, e.path, e.bytes, e.credits, e.estimated_credits })
      assert.equal("a cat", e.request.params.prompt_text)
      assert.equal("integer", math.type(e.bytes))
      local now = core.wall_ms() / 1000
      for _, name in ipairs { "created_at", "updated_at", "submitted_at", "ended_at" } do
        assert.is_true(math.abs(e[name] - now) < 60, name)
      end
      e = assert(j:get "failed")
      assert.same({ "failed", "FAILED", "no", "SAFETY", 0 }, { e.state, e.status, e.error, e.error_code, e.credits })
    end)

    it("says that a key is free", function()
      local e, err = journals.open():get "none"
      assert.is_nil(e)
      assert.same({ "not_found", "no_entry" }, { err.kind, err.code })
    end)

    it("counts what there is, and what it costs", function()
      local j = journals.open()
      fill(j)
      local totals = assert(j:totals())
      assert.equal(7, totals.entries)
      for state, count in pairs(totals.states) do assert.equal(1, count, state) end
      assert.equal(15, totals.credits)
    end)

    it("has whole credits as integers, and fractions as they are", function()
      local j = journals.open()
      assert(begin(j, "a", { reserved = 60 })):ends(journals.task("t1", { cost = 25, estimated_cost = 30 }), {}, false)
      assert(begin(j, "b", { reserved = 60 })):ends(journals.task "t2", {}, false)
      local function types()
        local totals, a, b = assert(j:totals()), assert(j:get "a"), assert(j:get "b")
        local said = {}
        for _, n in ipairs { a.credits, a.estimated_credits, b.estimated_credits, totals.credits,
          totals.estimated_credits, totals.spent, totals.reserved, totals.providers.runwayml.spent } do
          said[#said + 1] = math.type(n)
        end
        return table.concat(said, " "), totals
      end
      assert.equal(("integer "):rep(7) .. "integer", (types()))
      assert(begin(j, "c", { reserved = 0.5 })):ends(journals.task("t3", { cost = 0.5 }), {}, false)
      assert.equal(0.5, assert(j:get "c").credits)
      assert(begin(j, "d", {})):ends(journals.task("t4", { cost = 1.5 }), {}, false)
      local said, totals = types()
      assert.equal(("integer "):rep(7) .. "integer", said)
      assert.equal(27, totals.credits)
    end)

    it("raises misuse where it was called", function()
      local j = journals.open()
      for _, call in ipairs {
        function() j:entries { state = "lost" } end, function() j:entries { limit = 0 } end,
        function() j:entries { states = "done" } end, function() j:get() end, function() j:settle("a", {}) end,
        function() j:settle("a", { task_id = "x", resubmit = true }) end,
        function() j:settle("a", { task_id = "" }) end, function() j.entries {} end,
      } do
        local ok, message = pcall(call)
        assert.is_false(ok)
        assert.truthy(tostring(message):find("init_spec.lua:%d+:"), tostring(message))
      end
    end)
  end)

  describe("settled", function()
    local function unknown(j, key)
      assert(begin(j, key)):ends(nil, {}, true, errors.new { kind = "unknown_submit", message = "no answer" })
      assert.equal("unknown", assert(j:get(key)).state)
    end

    it("takes the id that was found at the provider", function()
      local j = journals.open()
      unknown(j, "a")
      local e = assert(j:settle("a", { task_id = "t9" }))
      assert.same({ "submitted", "t9" }, { e.state, e.task_id })
      assert.is_nil(e.error)
    end)

    it("takes no id that another key of the same account has, and names that key", function()
      local j = journals.open()
      assert(begin(j, "a")):ends(journals.task "t9", {}, false)
      unknown(j, "b")
      local e, err = j:settle("b", { task_id = "t9" })
      assert.same({ nil, "invalid_request", "task_taken" }, { e, err.kind, err.code })
      assert.matches('the task "t9" is that of the key "a" already', err.message, 1, true)
      e = assert(j:get "b")
      assert.same({ "unknown", nil }, { e.state, e.task_id })
      assert.equal("t10", assert(j:settle("b", { task_id = "t10" })).task_id)
      -- another account's tasks have ids of their own
      assert(journals.begin(j, "c", { base_url = "https://other.example" })):ends(nil, {}, true)
      assert.equal("t9", assert(j:settle("c", { task_id = "t9" })).task_id)
    end)

    it("takes the id again that its provider did not know", function()
      local j = journals.open()
      unknown(j, "a")
      assert(j:settle("a", { task_id = "t9" }))
      journals.sql { "UPDATE runway_shots SET state = 'unknown' WHERE key = 'a'" }
      assert.equal("submitted", assert(j:settle("a", { task_id = "t9" })).state)
    end)

    it("takes nothing that can be no id", function()
      local j = journals.open()
      unknown(j, "a")
      for _, id in ipairs { "not an id", "t9 ", "t9\n", "a\tb", " ", "\0", "..", "null", ("x"):rep(4097) } do
        local ok, message = pcall(function() j:settle("a", { task_id = id }) end)
        assert.is_false(ok)
        assert.matches("init_spec.lua:%d+: settle: .* is no task's id", message)
      end
      assert.equal("unknown", assert(j:get "a").state)
    end)

    it("lets it be submitted again, or gives it up", function()
      local j = journals.open()
      unknown(j, "a")
      assert.equal("queued", assert(j:settle("a", { resubmit = true })).state)
      assert.truthy(begin(j, "a"))
      unknown(j, "b")
      local e = assert(j:settle("b", { failed = "not worth it" }))
      assert.same({ "failed", "not worth it" }, { e.state, e.error })
    end)

    it("is only what is unknown", function()
      local j = journals.open()
      fill(j)
      for _, state in ipairs { "queued", "submitting", "submitted", "downloading", "done", "failed" } do
        for _, how in ipairs { { task_id = "x" }, { resubmit = true }, { failed = "x" } } do
          local e, err = j:settle(state, how)
          assert.is_nil(e, state)
          assert.same({ "invalid_request", "not_unknown" }, { err.kind, err.code })
          assert.truthy(err.message:find("is " .. state, 1, true), err.message)
          assert.equal(state, j:get(state).state)
        end
      end
      assert.equal("not_found", select(2, j:settle("none", { resubmit = true })).kind)
    end)
  end)

  it("is read by another program while it is in use, and a copy of its file opens", function()
    local j = journals.open()
    fill(j)
    local other = journals.open()
    assert.equal(7, #assert(other:entries()))
    if journals.where():find "^postgres" then return end
    for _, part in ipairs { "", "-wal" } do
      os.execute(("cp '%s%s' '%s%s' 2>/dev/null"):format(journals.where(), part, journals.where "copy.db", part))
    end
    assert.equal(7, #assert(journals.open "copy.db":entries()))
  end)

  it("that was closed says so, and closing it again does nothing", function()
    local j = journals.open()
    j:close()
    j:close()
    local e, err = j:entries()
    assert.is_nil(e)
    assert.same({ "io", "closed" }, { err.kind, err.code })
  end)
end)
