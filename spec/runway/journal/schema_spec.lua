-- What an earlier version of a journal holds, when a later one opens it.

local journal = require "runway.journal"
local journals = require "spec.support.journals"
local schema = require "runway.journal.schema"
local states = require "runway.journal.states"

local LATER = 9e15                            -- Unix ms

local INSERT = "INSERT INTO runway_shots (key, state, provider, base_url, kind, format, fingerprint, description, "
  .. "token, owner, fence, lease_until, sent, task_id, status, path, bytes, credits, estimated, error, error_code, "
  .. "created_at, updated_at, submitted_at, ended_at) VALUES ($1, $2, 'runwayml', 'https://api.example', "
  .. "'text_to_video', 'mp4', 'f1', '{\"kind\":\"text_to_video\",\"params\":{}}', $3, 'elsewhere', 7, $4, 'yes', $5, "
  .. "'RUNNING', $6, 40000, 2.5, 25.25, 'broke', 'INTERNAL', 1, 2, 3, 4)"

-- A store of what stood there: the first so many migrations.
local function of_version(version)
  local store = assert(require("runway.store").open(journals.where()))
  return store, { table.unpack(schema.MIGRATIONS, 1, version) }
end

local function rows_of(store)
  return assert(store:read { { "SELECT * FROM runway_shots ORDER BY key" } })[1].rows
end

journals.over_each_database("a journal of an earlier version", function()
  for version = 1, #schema.MIGRATIONS - 1 do
    it(("opens and keeps all that it has, in whatever state it is (%d)"):format(version), function()
      local store, then_known = of_version(version)
      assert(schema.prepare(store, then_known))
      for _, state in ipairs(states.ALL) do
        assert(store:write { { INSERT, "key " .. state, state, "token " .. state, LATER, "task-" .. state,
          "out/" .. state .. ".mp4" } })
      end
      local before = rows_of(store)
      store:close()

      local j = journals.open()
      for _, count in pairs(assert(j:totals()).states) do assert.equal(1, count) end
      store = of_version(version)
      local after = rows_of(store)
      assert.equal(#states.ALL, #after)
      for i, row in ipairs(before) do
        for name, value in pairs(row) do assert.same({ name, value }, { name, after[i][name] }) end
        assert.same({}, { after[i].recipe, after[i].due_at })
      end

      -- nothing of it waits for workers, which it knew none of
      local account = { provider = "runwayml", base_url = "https://api.example" }
      journals.sql { "UPDATE runway_shots SET lease_until = NULL" }
      assert.same({}, assert(journal.claim(j, account, 100, {})))
      assert.same({}, assert(journal.take_over(j, account, 100)))
      assert.same({}, assert(journal.unfinished(j, account, 100, 0)))

      -- and who knows no later one leaves it alone
      local ok, err = schema.prepare(store, then_known)
      assert.same({ nil, "newer_journal" }, { ok, err.code })
      assert.same({ { value = tostring(#schema.MIGRATIONS) } },
        store:read { { "SELECT value FROM runway_about WHERE name = 'version'" } }[1].rows)
      store:close()
    end)
  end
end)
