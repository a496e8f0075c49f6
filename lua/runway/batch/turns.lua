-- turns.lua: whose turn it is: a line of shots, of which some wait for others to be over. A shot that waits has no
-- one's hands bound: who comes for a turn meanwhile gets another, or waits himself.

local scheduler = require "runway.scheduler"

local turns = {}

---@class runway.Turns
local Turns = {}
Turns.__index = Turns

--- A line. What a shot waits for, and is not in it, is not waited for; no circle may be among them.
---@param line runway.Shot[]
---@param waits_for fun(shot: runway.Shot): runway.Shot[]
---@return runway.Turns
function turns.new(line, waits_for)
  local self = setmetatable({ free = {}, first = 1, behind = {}, lacks = {}, held = 0, idle = {} }, Turns)
  local there = {}
  for _, shot in ipairs(line) do there[shot] = true end
  for _, shot in ipairs(line) do
    for _, other in ipairs(waits_for(shot)) do
      if there[other] then
        self.behind[other] = self.behind[other] or {}
        table.insert(self.behind[other], shot)
        self.lacks[shot] = (self.lacks[shot] or 0) + 1
      end
    end
    if self.lacks[shot] then self.held = self.held + 1 else self.free[#self.free + 1] = shot end
  end
  return self
end

--- The next shot whose turn it is; waits while there is none, but may be. nil: there will be none.
---@return runway.Shot|nil
function Turns:next()
  while self.first > #self.free do
    if self.held == 0 then return nil end
    local w = scheduler.waiter()
    self.idle[w] = true
    w.abandon = function() self.idle[w] = nil end
    scheduler.park(w)
    w.abandon()
  end
  local shot = self.free[self.first]
  self.free[self.first], self.first = false, self.first + 1
  return shot
end

--- A shot is over, however it ended: those behind it, and behind no other, stand next in the line.
---@param shot runway.Shot
function Turns:over(shot)
  local at = self.first
  for _, other in ipairs(self.behind[shot] or {}) do
    self.lacks[other] = self.lacks[other] - 1
    if self.lacks[other] == 0 then
      table.insert(self.free, at, other)
      self.held, at = self.held - 1, at + 1
    end
  end
  self.behind[shot] = nil
  for w in pairs(self.idle) do w:wake() end
end

return turns
