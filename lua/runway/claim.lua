-- claim.lua: what a submit takes before its request may leave, where no journal keeps that: credits of the budget,
-- and a place among the tasks that are under way. Both come back when nothing was submitted.

local budget = require "runway.budget"
local scheduler = require "runway.scheduler"

local claim = {}

---@class runway.Claim
---@field session runway.Session
---@field deadline number|nil
---@field charge runway.Charge|false   once it is taken, until it is known what came of it
---@field placed boolean
local Claim = {}
Claim.__index = Claim

---@param session runway.Session
---@param deadline number|nil     on scheduler.now()
---@return runway.Claim
function claim.new(session, deadline)
  -- what is taken has its place before: to make one then could fail, and lose it
  return setmetatable({ session = session, deadline = deadline, charge = false, placed = false }, Claim)
end

-- Nothing was submitted; or it is not known whether anything was. Memory may fail on the way, and this be called
-- again: what is done already is crossed out.
local function give_back(self, may_be)
  local s = self.session
  if self.charge and not may_be then s.purse:free(self.charge) end
  self.charge = false
  if self.placed and may_be then s.places:free_late() elseif self.placed then s.places:free() end
  self.placed = false
end

-- Takes both or neither: nothing is held back of the budget by who waits in line. False: there is no place.
local function take(self, estimate)
  local s = self.session
  self.charge = s.purse:reserve(estimate and estimate.credits, s.budget) or false
  if not self.charge or not s.places then return true end
  self.placed = s.places:try()
  if not self.placed then
    s.purse:free(self.charge)
    self.charge = false
  end
  return self.placed
end

--- Takes it, in line. Nothing else gets a turn between the look at the budget and what is held back of it.
---@param receipt runway.Receipt
---@param estimate runway.Estimate|nil
---@return boolean mine
---@return nil
---@return runway.Error|nil err
function Claim:begin(receipt, estimate)
  local s = self.session
  -- a job may be ended between two requests, where nothing of it runs any more
  scheduler.note(self, function() give_back(self, receipt.open) end)
  if not s.places then
    take(self, estimate)
  else
    local _, err = s.places:take(s, self.deadline, function() return take(self, estimate) end)
    if err then return false, nil, err end
  end
  if self.charge then return true end
  local spent, reserved = s.purse:sums()
  return false, nil, select(2, budget.refuse(s, estimate, spent + reserved))
end

--- What came of the request, once; again where memory failed in it.
---@param t runway.Task|nil
---@param receipt runway.Receipt
function Claim:ends(t, _, receipt)
  scheduler.note(self, nil)
  if not t then return give_back(self, receipt.open) end
  local s = self.session
  if self.charge then s.purse:bind(self.charge, t) end
  self.charge = false
  if self.placed then s.places:enter(t) end
  self.placed = false
end

return claim
