-- Whose turn it is in a line in which some wait for others.

local runway = require "runway"
local scheduler = require "runway.scheduler"
local turns = require "runway.batch.turns"

-- Makes "b<a c" with so many hands; gives the order in which shots were begun.
local function run(said, jobs, seconds)
  local line, by_key, waits = {}, {}, {}
  for key, others in said:gmatch "(%w+)([<%w,]*)" do
    local shot = { key = key }
    line[#line + 1], by_key[key], waits[shot] = shot, shot, others
  end
  local turn = turns.new(line, function(shot)
    local list = {}
    for key in waits[shot]:gmatch "%w+" do list[#list + 1] = by_key[key] end
    return list
  end)
  local begun, most, now = {}, 0, 0
  local hands = {}
  for i = 1, jobs do
    hands[i] = function()
      for shot in turn.next, turn do
        begun[#begun + 1], now = shot.key, now + 1
        most = math.max(most, now)
        scheduler.sleep(seconds and seconds[shot.key] or 1)
        now = now - 1
        turn:over(shot)
      end
    end
  end
  runway.all(hands)
  return table.concat(begun, " "), most
end

describe("runway.batch.turns", function()
  before_each(scheduler.freeze)
  after_each(scheduler.thaw)

  it("goes down the line where no one waits", function()
    assert.equal("a b c d", (run("a b c d", 1)))
    assert.equal("a b c d", (run("a b c d", 3)))
  end)

  it("lets one hand do all, whoever stands before whom", function()
    assert.equal("c b a", (run("a<b b<c c", 1)))
    assert.equal("b a c d", (run("a<b b c d", 1)))
    assert.equal("b c a", (run("a<b,c b c", 1)))
  end)

  it("gives those who wait nothing, and others their place", function()
    assert.same({ "b c d a", 2 }, { run("a<b b c d", 2, { b = 2.5, c = 1, d = 3 }) })
  end)

  it("wakes whoever found nothing to do", function()
    assert.same({ "a b c", 2 }, { run("a b<a c<a", 3) })
  end)

  it("does not wait for what is not in the line, and ends where there is none", function()
    assert.equal("a", (run("a<z", 2)))
    assert.equal("", (run("", 2)))
  end)
end)
