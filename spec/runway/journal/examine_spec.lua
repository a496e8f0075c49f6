-- A journal looked at by who wants to know whether it can be used; it stays as it was.

local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local runway_store = require "runway.store"

journals.over_each_database("a journal that is examined", function()
  local function version()
    local store = assert(runway_store.open(journals.where()))
    local row = assert(store:read { { "SELECT value FROM runway_about WHERE name = 'version'" } })[1].rows[1]
    store:close()
    return row.value
  end

  it("tells what it holds, and that it can be written", function()
    local j = journals.open()
    assert(journals.begin(j, "one")):ends(journals.task "t1", {}, false)
    assert(journals.begin(j, "two")):ends(nil, {}, true, errors.new { message = "no answer" })
    local seen = assert(journal.examine(journals.where()))
    assert.same({ 2, 1, seen.newest }, { seen.entries, seen.unknown, seen.version })
    assert.is_true(seen.commit_seconds >= 0)
    assert.equal(j.path, seen.path)
  end)

  it("makes none of a database that is empty", function()
    local store = assert(runway_store.open(journals.where()))
    assert(store:read { { "SELECT 1" } })
    local seen = assert(journal.examine(journals.where()))
    assert.same({ 0, 0, 0 }, { seen.version, seen.entries, seen.unknown })
    assert.is_nil(seen.commit_seconds)
    assert.is_nil((store:read { { "SELECT * FROM runway_about" } }))
    store:close()
  end)

  it("leaves an earlier version as it is, and refuses a newer one and what is something else", function()
    journals.open()
    for _, one in ipairs { { "1" }, { "99", "newer_journal" }, { "x", "not_a_journal" } } do
      journals.sql { { "UPDATE runway_about SET value = $1 WHERE name = 'version'", one[1] } }
      local seen, err = journal.examine(journals.where())
      if one[2] then assert.same({ nil, one[2] }, { seen, err.code }) else assert.equal(1, seen.version) end
      assert.equal(one[1], version())
    end
  end)
end)
