-- turns.lua: whose turn it is: a line of shots, of which some wait for others to be over, and some of a kind of which
-- only so many may have their turn at once. A shot that waits has no one's hands bound: who comes for a turn meanwhile
-- gets another, or waits himself.

local scheduler = require "runway.scheduler"

local turns = {}

---@class runway.Class          shots of which only so many may have their turn at once
---@field most integer
---@field now integer           have it
---@field line runway.Shot[]    were passed over since there was no room for them, in their order
---@field first integer         in the line
---@field closed_until number   on scheduler.now(): others have all the room

---@class runway.Turns
---@field free (runway.Shot|false)[]   that wait for no other; false: taken
---@field first integer               of these, that is not taken
---@field behind table<runway.Shot, runway.Shot[]>   who waits for it
---@field lacks table<runway.Shot, integer>   how many it waits for
---@field held integer                how many wait for others
---@field idle table[]                waiters of those who came for a turn
---@field by_name table<string, runway.Class>
---@field classes runway.Class[]
---@field class table<runway.Shot, runway.Class>
---@field at table<runway.Shot, integer>   its place in the line
local Turns = {}
Turns.__index = Turns

-- The class of a shot that has a limit, the same for all of a name.
local function class_of(self, shot, of)
  local name, most = of(shot)
  if not most then return nil end
  if not self.by_name[name] then
    self.by_name[name] = { most = most, now = 0, line = {}, first = 1, closed_until = -math.huge }
    self.classes[#self.classes + 1] = self.by_name[name]
  end
  return self.by_name[name]
end

--- A line. What a shot waits for, and is not in it, is not waited for; no circle may be among them.
---@param line runway.Shot[]
---@param waits_for fun(shot: runway.Shot): runway.Shot[]
---@param of? fun(shot: runway.Shot): string|nil, integer|nil   the class that it belongs to, and how many of that may
---  have their turn at once (1 or more); nil: any number
---@return runway.Turns
function turns.new(line, waits_for, of)
  local self = setmetatable({ free = {}, first = 1, behind = {}, lacks = {}, held = 0, idle = {}, by_name = {},
    classes = {}, class = {}, at = {} }, Turns)
  for i, shot in ipairs(line) do
    self.at[shot] = i
    self.class[shot] = of and class_of(self, shot, of) or nil
  end
  for _, shot in ipairs(line) do
    for _, other in ipairs(waits_for(shot)) do
      if self.at[other] then
        self.behind[other] = self.behind[other] or {}
        table.insert(self.behind[other], shot)
        self.lacks[shot] = (self.lacks[shot] or 0) + 1
      end
    end
    if self.lacks[shot] then self.held = self.held + 1 else self.free[#self.free + 1] = shot end
  end
  return self
end

local function has_room(class) return class.now < class.most and scheduler.now() >= class.closed_until end

-- Of those that were passed over, the first for which there is room; and when one is closed no more.
local function passed_over(self)
  local best, opens
  for _, class in ipairs(self.classes) do
    local shot = class.line[class.first]
    if shot and has_room(class) then
      if not best or self.at[shot] < self.at[best] then best = shot end
    elseif shot and class.now < class.most then
      opens = math.min(opens or math.huge, class.closed_until)
    end
  end
  return best, opens
end

-- The next shot, if there is one that may have its turn; and when there may be one.
local function take(self)
  local shot, opens = passed_over(self)
  local class = shot and self.class[shot]
  if shot then
    class.line[class.first], class.first = false, class.first + 1
    class.now = class.now + 1
    return shot
  end
  while self.first <= #self.free do
    shot = self.free[self.first]
    self.free[self.first], self.first = false, self.first + 1
    class = self.class[shot]
    if not class or has_room(class) then
      if class then class.now = class.now + 1 end
      return shot
    end
    class.line[#class.line + 1] = shot
    if class.now < class.most then opens = math.min(opens or math.huge, class.closed_until) end
  end
  return nil, opens
end

-- Are there any that were passed over?
local function are_left(self)
  for _, class in ipairs(self.classes) do
    if class.line[class.first] then return true end
  end
  return false
end

--- The next shot whose turn it is; waits while there is none, but may be. nil: there will be none.
---@return runway.Shot|nil
function Turns:next()
  while true do
    local shot, opens = take(self)
    if shot then return shot end
    if self.held == 0 and not are_left(self) then return nil end
    local w = scheduler.waiter()
    local timer = opens and scheduler.wake_at(opens, w)
    self.idle[w] = true
    w.abandon = function()
      self.idle[w] = nil
      if timer then scheduler.cancel_timer(timer) end
    end
    scheduler.park(w)
    w.abandon()
  end
end

local function wake(self)
  for w in pairs(self.idle) do w:wake() end
end

--- A shot makes room for another of its class, whatever else is done about it.
---@param shot runway.Shot
function Turns:makes_room(shot)
  local class = self.class[shot]
  if not class then return end
  class.now, self.class[shot] = class.now - 1, nil
  wake(self)
end

--- A shot gives its turn back: others have all the room of its class. It is the first of them to be asked again, and
--- none of them is for a while.
---@param shot runway.Shot
---@param seconds number
---@return boolean given   false: it is of no class, or has made room before
function Turns:give_back(shot, seconds)
  local class = self.class[shot]
  if not class then return false end
  class.now, class.closed_until = class.now - 1, scheduler.now() + seconds
  local i = class.first
  while class.line[i] and self.at[class.line[i]] < self.at[shot] do i = i + 1 end
  table.insert(class.line, i, shot)
  wake(self)
  return true
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
  self:makes_room(shot)
  wake(self)
end

return turns
