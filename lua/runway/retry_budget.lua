-- retry_budget.lua: what an outage may cost in requests beyond those that were wanted. (Credits have
-- nothing to do with it.)
--
-- A server that is down gets, when each call tries on its own, five requests for one, and as many
-- more to bear when it comes back. So all calls of a process share what retries there are for an
-- origin: a call pays in a tenth of one, a retry takes one, an answer gives one back. In a full
-- outage that is 1.1 requests for each that was wanted, once the reserve is used up. What a server
-- asks for by itself (a 429, a Retry-After) takes nothing: it is no outage.

local text = require "runway.text"

local RESERVE = 100                           -- retries: many clips at once outlast a short break
local SHARE = 0.1                             -- of a retry, for each call

---@class runway.RetryBudget
---@field left number   retries, whole and parts
local Budget = {}
Budget.__index = Budget

local retry_budget = {}

-- Of each transport its own: what a mock plays says nothing of the world. By origin, as a URL spells it and in small
-- letters.
local by_transport = setmetatable({}, { __mode = "k" })

--- The budget of the server behind a URL.
---@param transport runway.Transport
---@param url string   its origin will do
---@return runway.RetryBudget
function retry_budget.of(transport, url)
  local budgets = by_transport[transport]
  if not budgets then
    budgets = {}
    by_transport[transport] = budgets
  end
  if budgets[url] then return budgets[url] end
  local spelled = url:match("^[^:]*:?/*[^/?#]*")
  local budget = budgets[spelled]
  if not budget then
    local origin = text.lower(spelled)
    budget = budgets[origin] or setmetatable({ left = RESERVE }, Budget)
    budgets[origin], budgets[spelled] = budget, budget
  end
  return budget
end

local function put(budget, share)
  budget.left = math.min(budget.left + share, RESERVE)
end

--- A call begins.
function Budget:wanted()
  if self.left < RESERVE then put(self, SHARE) end
end

--- The server works: it has answered.
function Budget:answered()
  if self.left < RESERVE then put(self, 1) end
end

--- Takes one retry.
---@return boolean taken   false: there is none left
function Budget:take()
  if self.left < 1 then return false end
  self.left = self.left - 1
  return true
end

return retry_budget
