-- poll.lua: when to ask again. Pure.

local retry = require "runway.retry"

local poll = {}

local PATIENT_AFTER = 60                      -- seconds of waiting after which to ask half as often
local LONGEST_HINT = 60                       -- a server's own estimate is believed up to this
local LONGEST_AFTER = 3600                    -- and its Retry-After is obeyed up to this
local LONGEST_BACKOFF = 30                    -- between queries that fail

-- So that many tasks do not ask in step.
local function spread() return 1 + 0.1 * retry.random() end

-- Twice as long after each failure but the first. Whoever asks without a pause does so of a server that answers.
local function backed_off(interval, failures)
  return math.max(interval, math.min(math.max(interval, 0.1) * 2 ^ math.min(failures - 1, 20), LONGEST_BACKOFF))
end

--- Seconds until the next query of one task.
---@param p table  { least = the adapter's least interval, chosen = the user's poll_interval or nil,
---                  waited = seconds so far, hint = the server's own estimate or nil,
---                  after = what a failed query's Retry-After asked for or nil,
---                  failures = queries that failed in a row, or nil }
---@return number
function poll.delay(p)
  local after = math.min(p.after or 0, LONGEST_AFTER)
  if (p.failures or 0) > 0 then return math.max(backed_off(p.chosen or p.least, p.failures), after) * spread() end
  if p.chosen then return math.max(p.chosen, after) end
  local delay = p.waited >= PATIENT_AFTER and p.least * 2 or p.least
  if type(p.hint) == "number" and p.hint > delay then delay = math.min(p.hint, LONGEST_HINT) end
  return math.max(delay, after) * spread()
end

return poll
