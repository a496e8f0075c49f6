-- keeper.lua: a page written anew while the night goes on: now and then, where something has changed; of a long one
-- less often. Two at once would write into one another.

local scheduler = require "runway.scheduler"

local keeper = {}

local PAUSE = 5                               -- seconds between two pages
local SHARE = 20                              -- and what it took to write one, so many times

---@class runway.SheetKeeper
---@field write fun(...)
---@field changed boolean   since the page was written
---@field writing boolean   just now
---@field over boolean
---@field hurried boolean   it is to end: what takes time is left out
---@field job? runway.Job   which writes it
local Keeper = {}
Keeper.__index = Keeper

local function write(self, ...)
  self.changed, self.writing = false, true
  scheduler.guard(self.write, ...)
  self.writing = false
end

local function keep(self)
  while not self.over do
    local began = scheduler.now()
    if self.changed then write(self) end
    if self.over then break end               -- the last one is waited for
    scheduler.sleep(math.max(PAUSE, SHARE * (scheduler.now() - began)))
  end
end

---@param fn fun(...)
---@return runway.SheetKeeper
function keeper.start(fn)
  local self = setmetatable({ write = fn, changed = false, writing = false, over = false, hurried = false },
    Keeper)
  self.job = scheduler.spawn(keep, self)
  return self
end

--- There is something new.
function Keeper:news() self.changed = true end

--- Who keeps it is told to end, and has little time.
function Keeper:hurry() self.hurried = true end

--- Writes the last one, with what is known by now.
function Keeper:finish(...)
  self.over = true
  if self.writing then self.job:join() else self.job:cancel() end
  write(self, ...)
end

return keeper
