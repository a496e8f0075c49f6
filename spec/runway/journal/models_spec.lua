-- How many tasks of a model may be under way on an account, kept in the statements that take keys and claims.

local core = require "runway.core"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local runway = require "runway"
local schema = require "runway.journal.schema"

local ACCOUNT = { provider = "runwayml", base_url = "https://api.example" }

journals.over_each_database("a number of tasks of a model at once, in a journal,", function()
  local function begin(j, key, more)
    more = more or {}
    return journals.begin(j, key, { model = more.model or "m1", provider = more.provider, fence = more.fence,
      terms = more.terms or { of_model = 2 } })
  end

  local function task(id) return journals.task(id) end

  local function enqueue(j, ...)
    for _, key in ipairs { ... } do
      assert(journal.enqueue(j, journals.intent(key, { model = key:match "^%l+" }), "{}"))
    end
  end

  local function claim(j, most, models)
    local keys = {}
    local rows = assert(journal.claim(j, ACCOUNT, most, { models = models }))
    for i, row in ipairs(rows) do keys[i] = row.key end
    return table.concat(keys, " "), rows
  end

  it("lets so many through of many that come at once, through connections of their own", function()
    local through = 0
    runway.run(function()
      local list = {}
      for i = 1, 5 do
        local j = journals.open()
        for k = 1, 5 do
          list[#list + 1] = function()
            local made, row, err, lack = begin(j, ("%d-%d"):format(i, k))
            assert(not row and not err, err)
            if made then through = through + 1 else assert.same({ of_model = true }, lack) end
            return true
          end
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.equal(2, through)
  end)

  it("counts neither other models nor other accounts, nor what has ended", function()
    local j = journals.open()
    local a, b = assert(begin(j, "a")), assert(begin(j, "b"))
    assert.same({ of_model = true }, select(4, begin(j, "c")))
    assert(begin(j, "d", { model = "m2" }))
    assert(begin(j, "e", { provider = "qimu" }))
    assert.is_false((journal.has_room(j, ACCOUNT, "m1", 2)))
    assert.is_true(journal.has_room(j, ACCOUNT, "m1", 3))
    a:ends(nil, {}, false)
    assert.is_true(journal.has_room(j, ACCOUNT, "m1", 2))
    local c = assert(begin(j, "c"))
    c:ends(task "t1", {}, false)
    assert.same({ of_model = true }, select(4, begin(j, "f")))
    journals.sql { "UPDATE runway_shots SET status = 'SUCCEEDED' WHERE key = 'c'" }
    assert(begin(j, "f"))
    b:ends(nil, {}, true, { message = "lost" })  -- unknown: it counts for a minute
    assert.same({ of_model = true }, select(4, begin(j, "g")))
    journals.sql { "UPDATE runway_shots SET updated_at = 1 WHERE key = 'b'" }
    assert(begin(j, "g"))
  end)

  it("tells which of its terms lacks", function()
    local j = journals.open()
    assert(begin(j, "a"))
    local function lack(terms) return select(4, begin(j, "b", { terms = terms })) end
    assert.same({ of_model = true }, lack { of_model = 1 })
    assert.same({ of_model = true }, lack { of_model = 1, most = 1 })
    assert.same({ full = true }, lack { of_model = 2, most = 1 })
  end)

  it("is kept by a claim, also within one, and the others go on in their order", function()
    local j = journals.open()
    enqueue(j, "a1", "a2", "a3", "b1", "c1", "a4", "b2")
    assert.equal("a1 b1 c1 b2", (claim(j, 5, { a = 1, b = 2 })))
    assert.equal("", (claim(j, 5, { a = 1, b = 2 })))
    assert.equal("a2", (claim(j, 5, { a = 2, b = 2 })))
    assert.equal("a3 a4", (claim(j, 5, { b = 2 })))
  end)

  it("is kept by the claims of many at once", function()
    local j = journals.open()
    enqueue(j, "a1", "a2", "a3", "b1", "b2", "b3")
    local got = { a = 0, b = 0 }
    runway.run(function()
      local list = {}
      for i = 1, 6 do
        local other = journals.open()
        list[i] = function()
          for _, row in ipairs(select(2, claim(other, 2, { a = 1 }))) do
            local model = row.key:match "^%l"
            got[model] = got[model] + 1
          end
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ a = 1, b = 3 }, got)
  end)

  it("counts what is claimed, what is under way, and neither when it was given up", function()
    local j = journals.open()
    enqueue(j, "a1", "a2", "a3")
    local keys, rows = claim(j, 1, { a = 1 })
    assert.equal("a1", keys)
    local hold = rows[1].hold
    local attempt = assert(begin(j, "a1", { model = "a", fence = hold.fence, terms = { of_model = 1 } }))
    assert.equal("", (claim(j, 2, { a = 1 })))
    attempt:ends(task "t1", {}, false)
    assert.equal("", (claim(j, 2, { a = 1 })))
    journals.sql { "UPDATE runway_shots SET state = 'failed', lease_until = NULL WHERE key = 'a1'" }
    keys, rows = claim(j, 2, { a = 1 })
    assert.equal("a2", keys)
    assert(journal.hand_on(j, { rows[1].hold }, core.wall_ms() + 1e6))
    assert.equal("a3", (claim(j, 2, { a = 1 })))
    journals.run_out "a3"                     -- its worker is no more
    assert.equal("a3", (claim(j, 2, { a = 1 })))
  end)

  it("holds beside the number of all tasks", function()
    local j = journals.open()
    enqueue(j, "a1", "b1")
    assert(begin(j, "x", { model = "x" }))
    assert.same({}, assert(journal.claim(j, ACCOUNT, 5, { models = { a = 1 }, most = 1 })))
    assert.equal(2, #assert(journal.claim(j, ACCOUNT, 5, { models = { a = 1 }, most = 2 })))
  end)

  it("holds of what is made anew", function()
    local j = journals.open()
    enqueue(j, "a1")
    local _, rows = claim(j, 1, { a = 1 })
    journals.sql { "UPDATE runway_shots SET state = 'failed' WHERE key = 'a1'" }
    assert.is_true(journal.again(j, rows[1].hold, "a1#2", "{}"))
    assert(begin(j, "y", { model = "a", terms = {} }))
    assert.equal("", (claim(j, 1, { a = 1 })))
    assert.equal("a1#2", (claim(j, 1, { a = 2 })))
  end)

  it("claims what an earlier version queued, and counts it once it is begun", function()
    local store = assert(require("runway.store").open(journals.where()))
    assert(schema.prepare(store, { table.unpack(schema.MIGRATIONS, 1, 3) }))
    for i = 1, 2 do
      assert(store:write { { "INSERT INTO runway_shots (key, state, provider, base_url, kind, fingerprint, "
        .. "description, token, owner, fence, created_at, updated_at, recipe) "
        .. "VALUES ($1, 'queued', $2, $3, 'text_to_video', 'f1', "
        .. "'{}', '', '', 0, 1, 1, '{}')", "a" .. i, ACCOUNT.provider, ACCOUNT.base_url } })
    end
    store:close()
    local j = journals.open()
    local keys, rows = claim(j, 2, { a = 1 })
    assert.equal("a1 a2", keys)
    assert(begin(j, "a1", { model = "a", fence = rows[1].hold.fence, terms = { of_model = 1 } }))
    assert.same({ of_model = true }, select(4, begin(j, "a2", { model = "a", fence = rows[2].hold.fence,
      terms = { of_model = 1 } })))
  end)
end)
