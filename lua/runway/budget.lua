-- budget.lua: what a client without a journal has spent, and holds back for what may still cost.
--
-- A submit reserves what it is held to cost before it may leave. What its provider says of the price stands instead
-- from then on; a task that failed costs what its provider says that it cost, else nothing. One that was cancelled
-- counts as made where that is not said, since no provider promises it back; what no one knows the end of is held back.

local text = require "runway.text"
local values = require "runway.values"

local budget = {}

---@class runway.Charge
---@field credits number    in billionths
---@field spent boolean     the task succeeded, or its cost was named

---@class runway.Purse
---@field spent number      in billionths: whole numbers, whose sums are exact
---@field reserved number   and beside it
---@field charges table<string, table<string, runway.Charge>>  of tasks that have not ended: provider -> id
local Purse = {}
Purse.__index = Purse

local BILLION = 1000000000
local NEARLY = 1000                           -- sums of decimal fractions are off by less than that

local LARGEST = 1e15                          -- what a provider names beyond that is no number to add up

-- As a float, which does not wrap around.
local function billionths(credits)
  return math.floor(math.min(credits, LARGEST) * BILLION + 0.5) + 0.0
end

---@return runway.Purse
function budget.new()
  return setmetatable({ spent = 0, reserved = 0, charges = {} }, Purse)
end

-- Every change of a charge is made here.
local function set(self, charge, credits, spent)
  local was, is = charge.spent and "spent" or "reserved", spent and "spent" or "reserved"
  self[was] = self[was] - charge.credits
  charge.credits, charge.spent = credits, spent
  self[is] = self[is] + credits
end

--- Holds back what a submit may cost.
---@param credits number|nil   nil: no one knows
---@param limit number|nil     credits that must not be passed
---@return runway.Charge|nil   nil: they would be
function Purse:reserve(credits, limit)
  credits = billionths(credits or 0)
  if limit and self.spent + self.reserved + credits > billionths(limit) + NEARLY then return nil end
  local charge = { credits = 0, spent = false }
  set(self, charge, credits, false)
  return charge
end

--- Nothing was submitted.
---@param charge runway.Charge
function Purse:free(charge)
  set(self, charge, 0, false)
end

--- The submit made this task.
---@param charge runway.Charge
---@param t runway.Task
function Purse:bind(charge, t)
  local charges = self.charges
  if not charges[t.provider] then charges[t.provider] = {} end
  charges[t.provider][t.id] = charge
  self:told(t)
end

--- How a task stands; one that this client did not submit changes nothing.
---@param t runway.Task
function Purse:told(t)
  local charges = self.charges[t.provider]
  local charge = charges and charges[t.id]
  if not charge then return end
  local named = t.cost and billionths(t.cost) or charge.spent and charge.credits or nil
  local held = named or t.estimated_cost and billionths(t.estimated_cost) or charge.credits
  if not t:done() then
    if named or held ~= charge.credits then set(self, charge, held, named ~= nil) end
    return
  end
  charges[t.id] = nil
  set(self, charge, t.status == "FAILED" and (named or 0) or held, true)
end

---@return number spent       credits
---@return number reserved
function Purse:sums()
  return values.whole(self.spent / BILLION), values.whole(self.reserved / BILLION)
end

--- A submit would pass the budget.
---@param session runway.Session
---@param estimate runway.Estimate
---@param charged number        credits that are spent or held back
---@return nil
---@return runway.Error
function budget.refuse(session, estimate, charged)
  return session:error { kind = "limit", code = "budget", sent = "no", message =
    ("the budget of %s credits does not allow this task: it may cost %s (%s), and %s are spent or held back. Nothing "
      .. "was submitted"):format(text.number(session.budget), text.number(estimate.credits), estimate.basis,
      text.number(charged)) }
end

return budget
