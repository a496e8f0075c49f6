-- Killed at any moment and run again: nothing is paid for twice, nothing is lost. A dozen kills; many more by
-- `make torture`.

local killing = require "spec.support.killing"

describe("programs that share a journal and are killed again and again", function()
  for processes = 1, 2 do
    it(("end with each key paid for at most once, and none forgotten (%d at a time)"):format(processes), function()
      local faults, report = killing.run { seed = 20261128 + processes, kills = 12, processes = processes }
      assert.same({}, faults)
      assert.is_true(report.kills >= 12)
      assert.is_true(report.posts > 0)
    end)
  end
end)
