-- clock.lua: the one clock, and the timers on it.
--
-- Time is monotonic seconds. While a mock is open it stands still, and jumps
-- to the next timer when there is nothing else to do. Such virtual time goes in
-- steps that doubles add and subtract exactly: what is to happen after 300 s is
-- seen after 300 s, and not, by rounding, after 299.99999999999 s.

local core = require "runway.core"

local clock = {}

-- A timer further away than this would be beyond what doubles count exactly.
local FAR = 1e9

local MOST_BURIED = 64                        -- cancelled timers that are taken off at once

local STEPS = 2 ^ 20                          -- of virtual time in a second

local frozen                                  -- virtual time, or nil
local freezers = 0
local offset = 0                              -- what jumps have added

--- Seconds on a clock that only goes forward. The same for every room.
---@return number
function clock.now()
  return frozen or core.now() + offset
end

-- The first step of virtual time that is not before.
local function step(time)
  return math.ceil(time * STEPS) / STEPS
end

--- Makes time virtual. Nests; each freeze needs its thaw.
function clock.freeze()
  freezers = freezers + 1
  frozen = frozen or step(core.now() + offset)
end

function clock.thaw()
  freezers = freezers - 1
  if freezers == 0 then
    local real = core.now()
    offset = frozen - real
    if real + offset < frozen then offset = offset + 1 / STEPS end -- by rounding
    frozen = nil
  end
end

---@return boolean
function clock.is_frozen()
  return frozen ~= nil
end

-- A wait that took so many seconds too long did not wait: the process was stopped, or its machine paused.
local SLEPT = 10

--- A wait for the engine was longer than it should have been. Where nothing ran, no time has passed: else all
--- timers came up at once, and what had no time to be answered would be called too late. (A machine that sleeps
--- stops the clock by itself, as a rule: see clock.c.)
---@param seconds number   by how much
function clock.overslept(seconds)
  if seconds > SLEPT then offset = offset - seconds end
end

--- Lets `seconds` of virtual time pass.
---@param seconds number
function clock.jump(seconds)
  frozen = step(frozen + seconds)
end

--------------------------------------------------------------------- timers

-- A binary heap. A cancelled timer stays in it, empty, until it comes up or
-- until such timers are the larger part.
local heap, size, dead, sequence = {}, 0, 0, 0

-- A timer goes before another by its time, then by its order; written out in both loops, which are
-- the hottest of all.
local function sift_up(timer, i)
  local time, order = timer.time, timer.order
  while i > 1 do
    local at = (i - i % 2) / 2
    local parent = heap[at]
    local its = parent.time
    if its < time or its == time and parent.order < order then break end
    heap[i] = parent
    i = at
  end
  heap[i] = timer
end

local function sift_down(timer, i)
  local time, order = timer.time, timer.order
  while true do
    local at = i * 2
    if at > size then break end
    local child = heap[at]
    local its = child.time
    if at < size then
      local other = heap[at + 1]
      if other.time < its or other.time == its and other.order < child.order then
        at, child, its = at + 1, other, other.time
      end
    end
    if time < its or time == its and order < child.order then break end
    heap[i] = child
    i = at
  end
  heap[i] = timer
end

local function pop()
  local top, last = heap[1], heap[size]
  heap[size] = nil
  size = size - 1
  if size > 0 then sift_down(last, 1) end
  return top
end

local function drop_dead()
  local live = {}
  for i = 1, size do
    if heap[i].fn then live[#live + 1] = heap[i] end
  end
  heap, size, dead = live, #live, 0
  for i = math.floor(size / 2), 1, -1 do sift_down(heap[i], i) end
end

--- Calls `fn` once, in a turn at or after `time`.
---@param time number   on the clock of `now`
---@param fn function
---@param given? any     to it, so that none need be made for each timer
---@return table timer
function clock.at(time, fn, given)
  sequence = sequence + 1
  local now = clock.now()
  time = math.min(math.max(time, now), now + FAR) -- none comes before those that were due when it was made
  if frozen then time = step(time) end
  local timer = { time = time, order = sequence, fn = fn, given = given }
  heap[size + 1] = timer                      -- first, for Ctrl-C may come in between
  size = size + 1
  sift_up(timer, size)
  return timer
end

---@param timer table|nil
function clock.cancel(timer)
  if not timer or not timer.fn then return end -- one that came up has none any more
  timer.fn, timer.given = nil, nil
  dead = dead + 1
  if dead > 64 and dead > size / 2 then drop_dead() end
end

-- Takes those off the top that were cancelled, but no more than a frame has time for.
local function bury()
  local most = size - MOST_BURIED
  while size > 0 and size > most and not heap[1].fn do
    pop()
    dead = dead - 1
  end
end

--- Seconds until the next timer, or nil. Where very many were cancelled it may be one of these.
---@return number|nil
function clock.pause()
  bury()
  return size > 0 and math.max(0, heap[1].time - clock.now()) or nil
end

--- The number of the timer that was made last.
---@return integer
function clock.newest()
  return sequence
end

local function nothing() end

--- Takes the next timer that is due off the heap.
---@param now number
---@param newest integer   those made after it stay
---@return function|nil fn
---@return any given            to be given to it
function clock.take(now, newest)
  bury()
  local top = heap[1]
  if size == 0 or top.time > now or top.order > newest then return nil end
  if not top.fn then return nothing end
  pop()
  local fn, given = top.fn, top.given
  top.fn, top.given = nil, nil
  return fn, given
end

--- The same of all there are, for a loop: `for fn, given in clock.due, now do fn(given) end`.
---@param now number
---@return function|nil fn
---@return any given
function clock.due(now)
  local fn, given
  repeat fn, given = clock.take(now, sequence) until fn ~= nothing
  return fn, given
end

return clock
