-- frame.lua: a turn of the loop, cut where its time is used up.
--
-- What a turn hands out is of several kinds: what each source has finished, the timers that are due, the jobs that
-- can go on. Each kind in turn gets an equal slice of the budget, and all once more as long as there is some left. A
-- turn that ends before all was handed out has the next one begin with the kind behind the last: so none starves,
-- however small the budget, and within a kind the order stays as it is.

local core = require "runway.core"

local frame = {}

local NONE = math.huge                        -- a budget without a bound

local now = core.now                          -- what a budget is counted by: real time, also under a mock
local at_next = 1                             -- the kind that the next turn begins with
local busy, reached, slice_ends = false, 0, NONE

--- Is this slice over? Asked after each piece of work, and by one that can be cut itself.
---@return boolean
function frame.over()
  busy = true
  if slice_ends == NONE then return false end
  reached = now()
  return reached >= slice_ends
end
local over = frame.over

--- Hands out what is there, until the budget is used; at least one piece.
---@param kinds (fun(over: fun(): boolean): boolean|nil)[]  each does piece after piece until there is none, or until
---  `over()`, asked after each of them, says so: then it returns true
---@param budget number   seconds; math.huge: all there is, in the order of the kinds
---@return boolean left   was it cut short?
function frame.hand_out(kinds, budget)
  local count, bounded = #kinds, budget < NONE
  local at, done, ends = 1, 0, NONE
  if bounded then
    if at_next <= count then at = at_next end
    reached = now()
    ends = reached + budget
  end
  busy = false
  while done < count do
    if bounded and busy and reached >= ends then return true end
    slice_ends = bounded and math.min(reached + budget / count, ends) or NONE
    local kind = kinds[at]
    at = at % count + 1
    at_next = at                              -- also where an error breaks off
    done = kind(over) and 0 or done + 1
  end
  at_next = 1                                 -- what has come goes before the timers that wait for it
  return false
end

--- For specs: counts budgets by another clock.
---@param clock (fun(): number)|nil  nil: real time again
function frame.count_by(clock)
  now = clock or core.now
end

return frame
