-- How work grows with what it is done to, whatever the machine's speed.

local effort = {}

local FACTOR = 4                              -- a square would take 16 times as long
local MOST = 10
local NOISE = 0.02                            -- seconds; what is over sooner says nothing

local function takes(work, size)
  local began = os.clock()
  work(size)
  return os.clock() - began
end

--- Raises when four times as much takes far longer than four times as long.
---@param size integer
---@param work fun(size: integer)
function effort.assert_linear(size, work)
  work(1)
  local once = math.max(takes(work, size), NOISE)
  local more = takes(work, FACTOR * size)
  if more >= MOST * once then
    error(("%d took %.3f s, and %d took %.3f s"):format(size, once, FACTOR * size, more), 2)
  end
end

return effort
