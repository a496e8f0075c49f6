-- stragglers.lua: tasks that take up places, or credits, in a journal, and of which no one may tell any more: those of
-- programs that submitted them and are gone. A journal counts a task as under way until it is told of its end, or for
-- an hour; who has no room for another asks after these itself.
--
-- Of another account's no one here can ask. What others hold is left as it is: only its end is written down, which
-- whoever follows it would write as well.

local core = require "runway.core"
local journal = require "runway.journal"
local scheduler = require "runway.scheduler"
local task = require "runway.task"
local text = require "runway.text"

local stragglers = {}

local LOOK = 5                                -- seconds between two looks at the journal
local ASKED = 30                              -- and between two questions after one of them
local MOST = 100                              -- that are looked at
local NAMED = 5                               -- that a message names

---@class runway.Stragglers
---@field session runway.Session
---@field rows? table[]                  of the last look
---@field seen table<string, table>      by key: whom to ask, when, and what came of it
---@field next_look number               on scheduler.now()
local Stragglers = {}
Stragglers.__index = Stragglers

local kept = setmetatable({}, { __mode = "k" })

--- Those of a session's account; everyone who has no room shares one.
---@param s runway.Session   with a journal
---@return runway.Stragglers
function stragglers.of(s)
  kept[s] = kept[s] or setmetatable({ session = s, seen = {}, next_look = scheduler.now() }, Stragglers)
  return kept[s]
end

-- Does someone hold it, whose hold runs out when he is gone? What is not answered counts for a minute.
local function is_held(row)
  return row.state ~= "submitted" or (row.lease_until or 0) > core.wall_ms()
end

local function is_ours(self, row)
  return row.provider == self.session.adapter.name and row.base_url == self.session.base
end

local function log_of(s)
  return function(level, message) s:log(level, message) end
end

-- One question. What passes is asked again; what does not, no one here will learn.
local function ask(self, one)
  local t, err = one.task:refresh()
  if t then
    one.trail:told(t, true)                   -- whoever runs its script again fetches the film
    if t:done() then self.next_look = scheduler.now() end
  else
    one.refusal = not (err.retryable or err.kind == "timeout" or err.kind == "cancelled") and err or nil
  end
end

local function attend(self, row)
  local one = self.seen[row.key]
  if not one or one.task.id ~= row.task_id then
    local s = self.session
    one = { asked_at = -math.huge,
      task = task.new(s, { id = row.task_id, kind = row.kind, format = row.format }, false),
      trail = journal.follow(s.journal, row.key, row.task_id, log_of(s), { cost = row.credits,
        estimated_cost = row.estimated, heard = row.updated_at }) }
    self.seen[row.key] = one
  end
  local now = scheduler.now()
  if one.refusal or one.task:done() or one.asked_at + ASKED > now or one.job and not one.job:done() then return end
  if self.session:held "free" > 0 then return end -- its provider is not to be asked now
  one.asked_at = now
  one.job = scheduler.spawn(ask, self, one)
end

--- Looks at what takes up room, and asks after what no one else may, beside whoever calls.
---@return true|nil
---@return runway.Error|nil err   the journal's
function Stragglers:look()
  if scheduler.now() < self.next_look then return true end
  self.next_look = scheduler.now() + LOOK
  local rows, err = journal.under_way(self.session.journal, MOST)
  if not rows then return nil, err end
  self.rows = rows
  for _, row in ipairs(rows) do
    if is_ours(self, row) and not is_held(row) then attend(self, row) end
  end
  return true
end

--- May one of those that were seen end, or have ended, in a time that is known here? False: no one can say when there
--- will be room.
---@return boolean
function Stragglers:may_end()
  for _, row in ipairs(self.rows or {}) do
    local one = self.seen[row.key]
    if is_held(row) or is_ours(self, row) and not (one and one.refusal) then return true end
  end
  return self.rows == nil or #self.rows == 0  -- not looked at yet; or there is room by now
end

--- Whose they are, in words.
---@return string
function Stragglers:told()
  local words = {}
  for i, row in ipairs(self.rows or {}) do
    if i > NAMED then
      words[i] = ("and %d more"):format(#self.rows - NAMED)
      break
    end
    local owner, one = journal.owner(row.owner), self.seen[row.key]
    words[i] = ("%s (task %s of %s%s%s)"):format(text.quote(row.key), row.task_id, row.provider,
      owner and ", submitted by " .. owner or "", one and one.refusal and ": " .. one.refusal.message or "")
  end
  return table.concat(words, ", ")
end

--- No one waits for an answer any more.
function Stragglers:close()
  for _, one in pairs(self.seen) do
    if one.job then one.job:cancel() end
  end
  kept[self.session] = nil
end

return stragglers
