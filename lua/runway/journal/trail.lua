-- trail.lua: what becomes of a task that an entry names, as those who follow it learn it.
--
-- Every write here tells of something that has happened and costs nothing to learn again. So none ends a
-- wait or a download: what cannot be written now is owed to the journal, and the log says so.

local core = require "runway.core"
local sql = require "runway.journal.sql"
local text = require "runway.text"

local trail = {}

---@class runway.Trail
---@field key string
---@field id string
local Trail = {}
Trail.__index = Trail

---@param book runway.Book
---@param key string
---@param id string
---@param log fun(level: string, message: string)
---@return runway.Trail
function trail.new(book, key, id, log)
  return setmetatable({ book = book, key = key, id = id, log = log }, Trail)
end

local function write(self, statements, what)
  local results, err = self.book:write_surely(statements, ("%s (task %s, key %s)"):format(what, self.id,
    text.quote(self.key)))
  if results then return end
  self.log("warning", ("the journal could not take in that %s, and will be asked again: %s"):format(what, err.message))
end

--- How the task stands, if that is news. One that succeeded is done unless a file is to be written.
---@param t runway.Task
---@param awaited boolean   a file of it is to be written
function Trail:told(t, awaited)
  if t.status == self.status or not t:done() then return end
  self.status = t.status
  local now = core.wall_ms()
  local statements = { sql.told(self.key, self.id, now, t.status, t.cost) }
  if t.status ~= "SUCCEEDED" then
    statements[2] = sql.failed(self.key, self.id, now, t.failure or "the task was cancelled", t.failure_code)
  elseif not awaited then
    statements[2] = sql.done(self.key, self.id, now)
  end
  write(self, statements, "it has ended: " .. t.status)
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

---@param path string|nil   nil: not before it is there
function Trail:downloading(path)
  write(self, { sql.downloading(self.key, self.id, core.wall_ms(), held(path)) }, "a download has begun")
end

---@param file table    as a download returns it
function Trail:downloaded(file)
  write(self, { sql.done(self.key, self.id, core.wall_ms(), held(file.path), file.bytes) }, "its file is there")
end

---@param err runway.Error
function Trail:hindered(err)
  write(self, { sql.hindered(self.key, self.id, core.wall_ms(), err.message, err.code) }, "a download broke off")
end

return trail
