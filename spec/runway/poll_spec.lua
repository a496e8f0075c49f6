local poll = require "runway.poll"

-- The least and the greatest of many delays: each is spread a little.
local function range(p)
  local least, greatest = math.huge, 0
  for _ = 1, 200 do
    local delay = poll.delay(p)
    least, greatest = math.min(least, delay), math.max(greatest, delay)
  end
  return least, greatest
end

describe("poll.delay", function()
  it("never asks more often than the provider allows", function()
    for _, waited in ipairs { 0, 30, 59.9, 60, 3600 } do
      assert.is_true(range { least = 5, waited = waited } >= 5)
    end
  end)

  it("asks half as often after a minute", function()
    local _, greatest = range { least = 5, waited = 59 }
    assert.is_true(greatest <= 5.5)
    assert.is_true(range { least = 5, waited = 60 } >= 10)
  end)

  it("spreads the queries of many tasks", function()
    local least, greatest = range { least = 5, waited = 0 }
    assert.is_true(greatest - least > 0.1)
  end)

  it("does as the user says, to the second", function()
    assert.equal(0.01, poll.delay { least = 5, waited = 0, chosen = 0.01 })
    assert.equal(0, poll.delay { least = 5, waited = 600, chosen = 0, hint = 50 })
    assert.equal(300, poll.delay { least = 5, waited = 0, chosen = 300 })
  end)

  it("believes a server's estimate up to a minute, and never asks earlier for it", function()
    local least, greatest = range { least = 5, waited = 0, hint = 20 }
    assert.is_true(least >= 20 and greatest <= 22)
    assert.is_true(select(2, range { least = 5, waited = 0, hint = 1e9 }) <= 66)
    assert.is_true(range { least = 5, waited = 0, hint = 0.1 } >= 5)
  end)

  it("obeys Retry-After, also where the user chose an interval, up to an hour", function()
    assert.is_true(range { least = 5, waited = 0, after = 100 } >= 100)
    assert.equal(100, poll.delay { least = 5, waited = 0, chosen = 1, after = 100 })
    assert.equal(10, poll.delay { least = 5, waited = 0, chosen = 10, after = 1 })
    assert.equal(3600, poll.delay { least = 5, waited = 0, chosen = 1, after = 1e9 })
    assert.equal(3600, poll.delay { least = 5, waited = 0, chosen = 1, after = math.huge })
  end)
end)
