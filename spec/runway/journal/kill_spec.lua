-- Killed at any moment and run again: nothing is paid for twice, nothing is lost. A dozen kills; many more by
-- `make torture`.

local databases = require "spec.support.databases"
local killing = require "spec.support.killing"

local function a_dozen(kills) return kills >= 12 end

describe("programs that share a journal and are killed again and again", function()
  for processes = 1, 2 do
    it(("end with each key paid for at most once, and none forgotten (%d at a time)"):format(processes), function()
      local faults, report = killing.run { seed = 20261128 + processes, over = a_dozen, processes = processes }
      assert.same({}, faults)
      assert.is_true(report.kills >= 12)
      assert.is_true(report.posts > 0)
    end)
  end

  local missing = databases.missing_postgresql()
  it("and so over PostgreSQL", function()
    if missing then return pending(missing) end
    local database = databases.postgresql()
    local faults, report = killing.run { seed = 20261128, over = a_dozen, processes = 3, where = database.fresh() }
    database.close()
    assert.same({}, faults)
    assert.is_true(report.kills >= 12)
  end)
end)
