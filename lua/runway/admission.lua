-- admission.lua: how many submits of a client are on their way at once: twice as many as its requests in flight, so
-- that there is always one to be sent. On its way each keeps all that it is made of, down to its request; one that
-- waits here keeps no more than what its caller gave it, and of those there may be tens of thousands.

local scheduler = require "runway.scheduler"

local admission = {}

local BESIDE = 2                              -- on their way, for each request that may be in flight

---@class runway.Admission
---@field free integer        how many more may go in
---@field line table<integer, table|false>   waiters, in their order; false: it has given up
---@field first integer       of these
---@field last integer
local Admission = {}
Admission.__index = Admission

local ITS_TURN, LATE, CLOSED = "turn", "late", "closed"

---@param in_flight integer
---@return runway.Admission
function admission.new(in_flight)
  return setmetatable({ free = BESIDE * in_flight, line = {}, first = 1, last = 0 }, Admission)
end

--- One is through. Where memory fails, it is called again.
function Admission:leave()
  local line = self.line
  while self.first <= self.last do
    local w = line[self.first]
    if w then w:wake(ITS_TURN) end
    line[self.first] = nil
    self.first = self.first + 1
    if w then return end
  end
  self.free = self.free + 1
end

local function step_out(w)
  w.session:strike(w)
  if w.value == ITS_TURN then return w.admission:leave() end -- whoever was called first, and does not come
  if w.admission.line[w.at] == w then w.admission.line[w.at] = false end
end

local Turn = scheduler.kind_of_waiter {
  abandon = step_out,
  stop = function(_, _, w) w:wake(CLOSED) end,
  late = function(w) w:wake(LATE) end,
}

--- Waits for a turn.
---@param s runway.Session
---@param deadline number|nil   on scheduler.now()
---@return true|nil
---@return runway.Error|nil err
function Admission:enter(s, deadline)
  if self.free > 0 then
    self.free = self.free - 1
    return true
  end
  local w = scheduler.waiter(Turn)
  w.session, w.admission, w.at = s, self, self.last + 1
  s:enlist(w, deadline)
  self.line[w.at] = w                         -- last of what may fail: who is called from the line, comes
  self.last = w.at
  local came = scheduler.park(w)
  if came == ITS_TURN then
    s:strike(w)
    return true
  end
  step_out(w)
  if came == CLOSED then return s:refuse { kind = "cancelled", message = "the client was closed" } end
  return s:error { kind = "timeout", code = "deadline", sent = "no", retryable = true, message =
    "the time given for this call was over before its turn came; nothing was submitted" }
end

return admission
