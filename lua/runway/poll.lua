-- poll.lua: when to ask again. Pure.

local retry = require "runway.retry"

local poll = {}

local PATIENT_AFTER = 60                      -- seconds of waiting after which to ask half as often
local LONGEST_HINT = 60                       -- a server's own estimate is believed up to this
local LONGEST_AFTER = 3600                    -- and its Retry-After is obeyed up to this

--- Seconds until the next query of one task.
---@param p table  { least = the adapter's least interval, chosen = the user's poll_interval or nil,
---                  waited = seconds so far, hint = the server's own estimate or nil,
---                  after = what a failed query's Retry-After asked for or nil }
---@return number
function poll.delay(p)
  local after = math.min(p.after or 0, LONGEST_AFTER)
  if p.chosen then return math.max(p.chosen, after) end
  local delay = p.waited >= PATIENT_AFTER and p.least * 2 or p.least
  if type(p.hint) == "number" and p.hint > delay then delay = math.min(p.hint, LONGEST_HINT) end
  return math.max(delay, after) * (1 + 0.1 * retry.random()) -- so that many tasks do not ask in step
end

return poll
