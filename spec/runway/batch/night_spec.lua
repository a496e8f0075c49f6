-- A night in small: see spec/support/nights.lua; `make torture` makes the long one.

local nights = require "spec.support.nights"

describe("a night that is killed and run again", function()
  it("makes each shot once, each file whole, and knows what it cost", function()
    local faults, report = nights.run { seed = 7, shots = 20, kills = 2 }
    assert.same({}, faults)
    assert.equal(2, report.kills)
  end)
end)
