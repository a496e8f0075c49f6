-- places.lua: how many tasks may be under way at once, and the line of those that wait for a place.
--
-- Where there is a journal, a place is taken there, so that all programs that share it keep to the number; the line is
-- each program's own. Who stands first in it asks after tasks that no one else asks after: else a script that
-- submits one after the other, and waits for them later, would wait for ever.

local scheduler = require "runway.scheduler"

local places = {}

---@class runway.Places
---@field most integer
---@field alone boolean       there is no journal: places are counted here
---@field taken integer       and so many are taken
---@field attend fun(t: runway.Task): number  asks after a task when no one does; seconds until it would again
---@field tasks table<string, runway.Task>    that are under way, by id
---@field line table[]        those that wait, the first in front
local Places = {}
Places.__index = Places

local OTHERS = 1                              -- seconds between two tries, where programs beside this one may end some
local NO_ANSWER = 60                          -- seconds for which what has no answer counts as under way; as in sql.lua

---@param most integer
---@param alone boolean
---@param attend fun(t: runway.Task): number
---@return runway.Places
function places.new(most, alone, attend)
  return setmetatable({ most = most, alone = alone, attend = attend, taken = 0, tasks = {}, line = {} }, Places)
end

-- The first in line has reason to try again.
local function call(self)
  local first = self.line[1]
  if first and first.waiter then first.waiter:wake() end
end

local function step_out(self, turn)
  for i, one in ipairs(self.line) do
    if one == turn then
      table.remove(self.line, i)
      break
    end
  end
  call(self)
end

-- Asks after what is overdue; seconds until there is reason to look again.
local function look(self)
  local soonest = self.alone and math.huge or OTHERS
  for _, t in pairs(self.tasks) do soonest = math.min(soonest, self.attend(t)) end
  return soonest
end

-- Waits until something has changed, or may have. False: the time is over.
local function pause(self, s, turn, deadline)
  local seconds = self.line[1] == turn and look(self) or math.huge
  local now = scheduler.now()
  if deadline and now >= deadline then return false end
  local at = math.min(now + seconds, deadline or math.huge)
  local w = scheduler.waiter()
  local timer = at < math.huge and scheduler.wake_at(at, w) or nil
  turn.waiter = w
  w.stop = function() w:wake() end
  s:enlist(w)
  local function release()
    turn.waiter = nil
    s:strike(w)
    if timer then scheduler.cancel_timer(timer) end
  end
  w.abandon = function()
    release()
    step_out(self, turn)
  end
  scheduler.park(w)
  release()
  return true
end

local function stand(self, s, turn, deadline, try)
  s:log("debug", ("%d task%s under way, as many as may be: a submit waits in line"):format(self.most,
    self.most == 1 and " is" or "s are"))
  while not s.closed do
    if self.line[1] == turn and try() then return true end
    if not pause(self, s, turn, deadline) then
      return false, select(2, s:error { kind = "timeout", code = "max_tasks", sent = "no", retryable = true, message =
        ("%d task%s under way, and the time given for this call is over; nothing was submitted"):format(self.most,
          self.most == 1 and " is" or "s are") })
    end
  end
  return false, select(2, s:refuse { kind = "cancelled", message = "the client was closed" })
end

--- Waits for a place, in line.
---@param s runway.Session
---@param deadline number|nil     on scheduler.now()
---@param try fun(): boolean      takes one; false: there is none
---@return boolean
---@return runway.Error|nil err
function Places:take(s, deadline, try)
  if not self.line[1] and try() then return true end
  local turn = {}
  self.line[#self.line + 1] = turn
  local ok, taken, err = pcall(stand, self, s, turn, deadline, try)
  step_out(self, turn)
  if not ok then error(taken, 0) end
  return taken, err
end

--- There is news of a task that is under way: the first in line asks after it.
function Places:stir() call(self) end

--- Takes one where there is no journal.
---@return boolean
function Places:try()
  if self.taken >= self.most then return false end
  self.taken = self.taken + 1
  return true
end

--- Nothing was submitted, or no one will ever know what became of it.
function Places:free()
  call(self)                                  -- it may fail, and is called again then; whoever it wakes runs later
  if self.alone then self.taken = self.taken - 1 end
end

--- What was submitted has no answer: its place is held for a while.
function Places:free_late()
  scheduler.at(scheduler.now() + NO_ANSWER, function() self:free() end)
end

--- A task that is under way, and has a place; it has no second one, should a provider name it twice.
---@param t runway.Task
function Places:enter(t)
  if t:done() or self.tasks[t.id] then return self:free() end
  self.tasks[t.id] = t
end

--- How a task stands.
---@param t runway.Task
function Places:told(t)
  if t:done() then self:left(t.id) end
end

--- It is not under way any more.
---@param id string
function Places:left(id)
  if not self.tasks[id] then return end
  self.tasks[id] = nil
  self:free()
end

return places
