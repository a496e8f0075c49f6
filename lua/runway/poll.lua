-- poll.lua: when to ask again. Pure.

local retry = require "runway.retry"

local poll = {}

local PATIENT_AFTER = 60                      -- seconds after which to ask half as often, where nothing is known
local SHARE = 0.02                            -- of the time that it has taken: who has waited long may wait a little
local LONGEST_HINT = 60                       -- a server's own estimate is believed up to this
local LONGEST_AFTER = 3600                    -- and its Retry-After is obeyed up to this
local LONGEST_BACKOFF = 30                    -- between queries that fail

-- Of the time that is left by a task's progress so much is let pass; the progress may be told as coarsely as this.
local TRUST, COARSE = 0.8, 0.04

-- Of earlier tasks this share ended sooner, and of the time until then so much is let pass. One that takes longer than
-- all of them may take so many times as long.
local SOONER, NEARLY, LONGER = 0.1, 0.95, 1.5

-- A rest is never longer than this: in seconds, and as a share of the time that it takes already.
local LONGEST_REST, REST = 60, 2

-- So that many tasks do not ask in step; who rests may ask sooner.
local SCATTER = 0.2
local function spread() return 1 + 0.1 * retry.random() end

-- Twice as long after each failure but the first. Whoever asks without a pause does so of a server that answers.
local function backed_off(interval, failures)
  return math.max(interval, math.min(math.max(interval, 0.1) * 2 ^ math.min(failures - 1, 20), LONGEST_BACKOFF))
end

-- The least of what earlier tasks took, of those that took longer than `elapsed`.
local function sooner(typical, elapsed)
  local first = 1
  while typical[first] and typical[first] <= elapsed do first = first + 1 end
  local rest = #typical - first + 1
  return rest > 0 and typical[first + math.max(math.ceil(SOONER * rest), 1) - 1] or nil
end

--- Seconds for which the end of a task is improbable; nil: no one can say.
---@param elapsed number           seconds that it takes already, from when it stood in no queue
---@param progress number|nil      0..1
---@param typical number[]         what earlier tasks of its model took, the shortest first
---@return number|nil
function poll.left(elapsed, progress, typical)
  local left
  if progress and progress > 0 then
    local shown = math.min(progress + COARSE, 1)
    left = TRUST * (1 - shown) * elapsed / shown
  elseif typical[1] then
    local likely = sooner(typical, elapsed)
    left = likely and NEARLY * (likely - elapsed) or elapsed < LONGER * typical[#typical] and 0 or nil
  end
  return left and math.min(left, LONGEST_REST, REST * elapsed)
end

--- Seconds until the next query of one task.
---@param p table  { least = the adapter's least interval, chosen = the user's poll_interval or nil,
---                  waited = seconds so far, left = see poll.left, hint = the server's own estimate or nil,
---                  after = what a failed query's Retry-After asked for or nil,
---                  failures = queries that failed in a row, or nil }
---@return number
function poll.delay(p)
  local after = math.min(p.after or 0, LONGEST_AFTER)
  if (p.failures or 0) > 0 then return math.max(backed_off(p.chosen or p.least, p.failures), after) * spread() end
  if p.chosen then return math.max(p.chosen, after) end
  local delay = p.least
  if p.left then delay = math.max(delay, p.left * (1 - SCATTER * retry.random()))
  elseif p.waited >= PATIENT_AFTER then delay = delay * 2 end
  delay = math.max(delay, math.min(SHARE * p.waited, LONGEST_HINT))
  if type(p.hint) == "number" and p.hint > delay then delay = math.min(p.hint, LONGEST_HINT) end
  return math.max(delay, after) * spread()
end

return poll
