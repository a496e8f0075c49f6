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

describe("runway.batch.turns, of which some may be had only so many at once,", function()
  before_each(scheduler.freeze)
  after_each(scheduler.thaw)

  -- The same of shots a1, a2, b1, …; `most`: of a letter. Whoever is in `back` gives its turn back, so often.
  local function go(said, hands, most, more)
    more = more or {}
    local line, seen, now, begun, began = {}, {}, {}, {}, scheduler.now()
    for key in said:gmatch "%S+" do line[#line + 1] = { key = key } end
    local turn = turns.new(line, function(shot)
      local list = {}
      for _, other in ipairs(line) do
        if (more.after or {})[shot.key] == other.key then list[1] = other end
      end
      return list
    end, function(shot)
      local class = shot.key:match "%a"
      return class, most[class]
    end)
    local function hand()
      for shot in turn.next, turn do
        if (more.back or {})[shot.key] then
          more.back[shot.key] = more.back[shot.key] > 1 and more.back[shot.key] - 1 or nil
          turn:give_back(shot, 5)
        else
          local class = shot.key:match "%a"
          begun[#begun + 1] = ("%s@%g"):format(shot.key, scheduler.now() - began)
          now[class] = (now[class] or 0) + 1
          seen[class] = math.max(seen[class] or 0, now[class])
          scheduler.sleep(10)
          now[class] = now[class] - 1
          if more.early then
            turn:makes_room(shot)
            scheduler.sleep(10)
          end
          turn:over(shot)
        end
      end
    end
    local list = {}
    for i = 1, hands do list[i] = hand end
    assert.is_nil(select(2, runway.all(list)))
    return table.concat(begun, " "), seen
  end

  it("never gives more, and passes over none that has room, in their order", function()
    local begun, seen = go("a1 a2 a3 b1 b2 c1", 4, { a = 1, b = 2 })
    assert.equal("a1@0 b1@0 b2@0 c1@0 a2@10 a3@20", begun)
    assert.same({ a = 1, b = 2, c = 1 }, seen)
  end)

  it("lets one hand do all", function()
    assert.equal("a1@0 a2@10 b1@20 a3@30", (go("a1 a2 b1 a3", 1, { a = 1 })))
  end)

  it("has room again before a shot is over, where that is said", function()
    assert.equal("a1@0 a2@10 a3@20", (go("a1 a2 a3", 3, { a = 1 }, { early = true })))
  end)

  it("asks again, in their order, what gave its turn back, and others meanwhile", function()
    assert.equal("b1@0 a1@5 a2@5 a3@15", (go("a1 a2 a3 b1", 3, { a = 2 }, { back = { a1 = 1 } })))
    assert.equal("b1@0 a1@10 a2@10", (go("a1 a2 b1", 3, { a = 2 }, { back = { a1 = 2 } })))
    assert.equal("b1@0 a1@5 a2@15", (go("a1 a2 b1", 2, { a = 2 }, { back = { a1 = 1, a2 = 1 } })))
  end)

  it("knows who waits for whom beside", function()
    assert.equal("a1@0 a2@10 b1@10", (go("a1 a2 b1", 3, { a = 1 }, { after = { b1 = "a1" } })))
    assert.equal("b1@0 a1@10 a2@20", (go("a1 a2 b1", 3, { a = 1 }, { after = { a1 = "b1", a2 = "a1" } })))
  end)
end)
