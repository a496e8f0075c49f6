-- trail.lua: what becomes of a task that an entry names, as those who follow it learn it.
--
-- Every write here tells of something that has happened and costs nothing to learn again. So none ends a
-- wait or a download: what cannot be written now is owed to the journal, and the log says so. A worker's bear the
-- number of its lease, and change nothing once that is another's.

local attempt = require "runway.journal.attempt"
local core = require "runway.core"
local sql = require "runway.journal.sql"
local text = require "runway.text"

local trail = {}

-- A task that is followed is told of so often, though nothing is new: one without news for an hour counts as ended,
-- see sql.lua.
local HEARD = 1200000                         -- milliseconds

---@class runway.Trail
---@field key string
---@field id string
---@field gone? boolean       the provider knew no such task, when it was last asked
---@field cost? number        as the journal has it, from here
---@field estimate? number
---@field heard integer       Unix ms: when the journal was last told of it
---@field hold? runway.Hold    a worker's
---@field book runway.Book
---@field log fun(level: string, message: string)
local Trail = {}
Trail.__index = Trail

---@param book runway.Book
---@param key string
---@param id string
---@param log fun(level: string, message: string)
---@param known? { gone?: boolean, cost?: number, estimated_cost?: number, heard?: integer }   what the entry says
---  already
---@param hold? runway.Hold
---@return runway.Trail
function trail.new(book, key, id, log, known, hold)
  known = known or {}
  return setmetatable({ book = book, key = key, id = id, log = log, gone = known.gone, cost = known.cost,
    estimate = known.estimated_cost, heard = known.heard or core.wall_ms(), hold = hold }, Trail)
end

-- The number that a write bears.
local function fence_of(self) return self.hold and self.hold.fence end

local function write(self, statements, what)
  local results, err = self.book:write_surely(statements, ("%s (task %s, key %s)"):format(what, self.id,
    text.quote(self.key)))
  if results then return end
  self.log("warning", ("the journal could not take in that %s, and will be asked again: %s"):format(what, err.message))
end

--- How the task stands and what it costs, if that is news. One that succeeded is done unless a file is to be written.
---@param t runway.Task
---@param awaited boolean   a file of it is to be written
function Trail:told(t, awaited)
  if self.gone then
    self.gone = false
    write(self, { sql.found(self.key, self.id, core.wall_ms(), fence_of(self)) }, "the provider knows it again")
  end
  local ended, now = t:done(), core.wall_ms()
  local same = t.cost == self.cost and t.estimated_cost == self.estimate
  if same and (ended and t.status == self.status or not ended and now - self.heard < HEARD) then return end
  self.status, self.cost, self.estimate, self.heard = t.status, t.cost, t.estimated_cost, now
  local statements = { sql.told(self.key, self.id, now, t.status, t.cost, t.estimated_cost, fence_of(self)) }
  if not ended then
    return write(self, statements, same and "it goes on" or "it is to cost something else")
  elseif t.status ~= "SUCCEEDED" then
    statements[2] = sql.failed(self.key, self.id, now, t.failure or "the task was cancelled", t.failure_code,
      fence_of(self))
  elseif not awaited then
    statements[2] = sql.done(self.key, self.id, now, nil, nil, fence_of(self))
  end
  write(self, statements, "it has ended: " .. t.status)
end

--- The provider says that it knows no such task, and does not take that back. The error says how to go on.
---@param err runway.Error
function Trail:lost(err)
  self.gone = true
  write(self, { sql.gone(self.key, self.id, core.wall_ms(), err.message, err.code, fence_of(self)) },
    "its provider knows it no more")
  err.message = ("%s. Nothing was submitted again: the journal keeps the key %s as unknown, with this task's id. If "
    .. "the task is another account's, run it again with that account's key; else settle it"):format(
    err.message:gsub("%.$", ""), text.quote(self.key))
end

--- How the entry stands; nil when it cannot be read.
---@return table|nil row
function Trail:row()
  local found = self.book:read { sql.find(self.key) }
  return found and found[1].rows[1]
end

-- A path as a database holds one; nil for one of other bytes than UTF-8, which is not remembered.
local function held(path)
  return path and not text.bad_byte(path) and path or nil
end

--- A worker begins only what the journal has taken in: else a file that it has put in its place, and died, would be
--- a stranger's to whoever goes on.
---@param path string|nil   nil: not before it is there
---@return true|nil
---@return runway.Error|nil err
function Trail:downloading(path)
  local statements = { sql.downloading(self.key, self.id, core.wall_ms(), held(path), fence_of(self)) }
  if not self.hold then
    write(self, statements, "a download has begun")
    return true
  end
  local results, err = self.book:write(statements)
  if not results then return nil, err end
  if results[1].changes == 0 then return nil, attempt.lost(self.key) end
  return true
end

---@param file table    as a download returns it
function Trail:downloaded(file)
  write(self, { sql.done(self.key, self.id, core.wall_ms(), held(file.path), file.bytes, fence_of(self)) },
    "its file is there")
end

---@param err runway.Error
function Trail:hindered(err)
  write(self, { sql.hindered(self.key, self.id, core.wall_ms(), err.message, err.code, fence_of(self)) },
    "a download broke off")
end

return trail
