-- patience.lua: how long a wait for a task lasts.
--
-- As long as the caller says. Where no one says: an hour from when the task was last seen in the provider's own
-- queue, since an account that makes one film at a time lets the twentieth stand there for hours; but a day in
-- all, for some providers never say that they have begun.

local clock = require "runway.clock"

local patience = {}

local DEFAULT, MOST = 3600, 86400             -- seconds
local FOREVER = 1e9                           -- for math.huge, which is no time on a clock

---@class runway.Patience
---@field over number         on the clock: when it ends
---@field package began number
---@field package given? number  seconds, as the caller said
local Patience = {}
Patience.__index = Patience

--- The patience of a wait that begins now.
---@param seconds number|nil  as the caller said; math.huge: for ever
---@return runway.Patience
function patience.new(seconds)
  local now, given = clock.now(), seconds and math.min(seconds, FOREVER)
  return setmetatable({ began = now, over = now + (given or DEFAULT), given = given }, Patience)
end

---@return boolean
function Patience:is_over()
  return clock.now() >= self.over
end

--- How long it lasts, for people.
---@return number seconds
function Patience:seconds()
  return self.given or math.floor(self.over - self.began + 0.5)
end

--- The task was seen in the provider's queue.
function Patience:queued()
  if not self.given then self.over = math.min(clock.now() + DEFAULT, self.began + MOST) end
end

--- For so long nobody could ask: it does not count.
---@param seconds number
function Patience:overslept(seconds)
  self.began, self.over = self.began + seconds, self.over + seconds
end

return patience
