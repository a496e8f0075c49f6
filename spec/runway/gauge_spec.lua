-- Lines that fit their terminal.

local columns = require "runway.columns"
local gauge = require "runway.gauge"

describe("runway.gauge", function()
  it("tells a time as people read it", function()
    for seconds, said in pairs { [0] = "0:00", [5.9] = "0:05", [720] = "12:00", [3599] = "59:59", [3600] = "1:00:00",
      [90061] = "25:01:01" } do assert.equal(said, gauge.clock(seconds)) end
  end)

  it("cuts a label, and makes one line of it", function()
    assert.equal("a b", gauge.label "a\nb")
    assert.equal(24, columns.of(gauge.label(("寿"):rep(30))))
  end)

  local PARTS = { { "label", "a cat" }, { "bar", 0.3 }, { "note", "RUNNING" }, { "left", false },
    { "elapsed", "0:12" } }
  local ORDER = { "elapsed", "bar", "label" }

  it("shows all that is known, side by side", function()
    assert.equal("a cat  [#########.....................]  30%  RUNNING  0:12", gauge.line(PARTS))
    assert.equal("b  RUNNING", gauge.line { { "label", "b" }, { "bar", false }, { "note", "RUNNING" } })
  end)

  it("gives the bar the room that there is", function()
    assert.equal("a cat  [######..............]  30%  RUNNING  0:12", gauge.line(PARTS, 49, ORDER))
    assert.equal("a cat  [##...]  30%  RUNNING  0:12", gauge.line(PARTS, 34, ORDER))
  end)

  it("leaves out what it is told where there is no room, the first first, and of a bar its number last", function()
    assert.equal("a cat  [##...]  30%  RUNNING", gauge.line(PARTS, 28, ORDER))
    assert.equal("a cat  30%  RUNNING", gauge.line(PARTS, 20, ORDER))
    assert.equal("30%  RUNNING", gauge.line(PARTS, 12, ORDER))
    assert.equal("30%  RU", gauge.line(PARTS, 7, ORDER))
    for width = 1, 120 do assert.is_true(columns.of(gauge.line(PARTS, width, ORDER)) <= width) end
  end)
end)
