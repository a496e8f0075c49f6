-- A night in small: see spec/support/nights.lua; `make torture` makes the long one.

local databases = require "spec.support.databases"
local nights = require "spec.support.nights"

describe("a night that is killed and run again", function()
  databases.each("makes each shot once, each file whole, and knows what it cost,", function(fresh)
    it("with the command", function()
      local faults, report = nights.run { seed = 7, shots = 20, kills = 2, where = fresh() }
      assert.same({}, faults)
      assert.equal(2, report.kills)
    end)
  end)

  it("keeps every id when it is told to stop, and says what is under way", function()
    local faults, report = nights.run { seed = 11, shots = 20, kills = 3, signal = "INT" }
    assert.same({}, faults)
    assert.same({}, report.lost)
    assert.matches("interrupted", report.log)
  end)
end)
