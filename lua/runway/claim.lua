-- claim.lua: what a submit takes before its request may leave, where no journal keeps that: credits of the budget,
-- and a place among the tasks that are under way. Both come back when nothing was submitted.

local budget = require "runway.budget"
local scheduler = require "runway.scheduler"

local claim = {}

---@class runway.Claim
---@field session runway.Session
---@field deadline number|nil
---@field charge? runway.Charge   once it is taken, until it is known what came of it
---@field placed? boolean
local Claim = {}
Claim.__index = Claim

---@param session runway.Session
---@param deadline number|nil     on scheduler.now()
---@return runway.Claim
function claim.new(session, deadline)
  return setmetatable({ session = session, deadline = deadline }, Claim)
end

-- Nothing was submitted; or it is not known whether anything was.
local function give_back(self, may_be)
  local s, charge = self.session, self.charge
  if not charge then return end
  self.charge = nil
  if not may_be then s.purse:free(charge) end
  if not self.placed then return end
  if may_be then s.places:free_late() else s.places:free() end
end

--- Takes it. Nothing else gets a turn between the look at the budget and what is held back of it.
---@param receipt runway.Receipt
---@param estimate runway.Estimate|nil
---@return boolean mine
---@return nil
---@return runway.Error|nil err
function Claim:begin(receipt, estimate)
  local s = self.session
  self.charge = s.purse:reserve(estimate and estimate.credits, s.budget)
  if not self.charge then
    local spent, reserved = s.purse:sums()
    return false, nil, select(2, budget.refuse(s, estimate, spent + reserved))
  end
  -- a job may be ended in line, or between two requests, where nothing of it runs any more
  scheduler.note(self, function() give_back(self, receipt.open == true) end)
  if s.places then
    local placed, err = s.places:take(s, self.deadline, function() return s.places:try() end)
    if not placed then return false, nil, err end
    self.placed = true
  end
  return true
end

--- What came of the request, once.
---@param t runway.Task|nil
---@param receipt runway.Receipt
---@param err runway.Error|nil
function Claim:ends(t, _, receipt, err)
  scheduler.note(self, nil)
  if not t then return give_back(self, receipt.open or err ~= nil and err.kind == "unknown_submit") end
  local s, charge = self.session, self.charge
  if not charge then return end
  self.charge = nil
  s.purse:bind(charge, t)
  if self.placed then s.places:enter(t) end
end

return claim
