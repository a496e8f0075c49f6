-- entries.lua: what a journal holds, as the shots of a page: the oldest first, and of one that was made anew its last
-- attempt. The journal says where each file lies; on which machine, who wrote it there.

local core = require "runway.core"
local errors = require "runway.errors"
local files = require "runway.files"
local names = require "runway.names"

local entries = {}

local function error_of(entry)
  if not entry.error then return nil end
  return errors.new { kind = entry.state == "unknown" and "unknown_submit" or "task_failed", code = entry.error_code,
    message = entry.error }
end

local function is_text(v) return type(v) == "string" and v or nil end

-- `here`: who made it by a list has written its path as it is seen from there.
local function shot_of(entry, row, here)
  local params = type(entry.request.params) == "table" and entry.request.params or {}
  local shot = { row = row, line = row, key = names.first(entry.key), kind = entry.kind, provider = entry.provider,
    state = entry.state, status = entry.status, params = params, model = is_text(params.model),
    task_id = entry.task_id, path = entry.path and files.from_anywhere(entry.path, here),
    credits = entry.credits or entry.state ~= "failed" and entry.estimated_credits or nil,
    submitted_at = entry.submitted_at, ended_at = entry.ended_at,
    error = entry.state ~= "done" and error_of(entry) or nil, attempt = 1 }
  if shot.state == "done" and shot.path then
    if not core.readable(shot.path) then shot.lies_with = entry.owner or "another"
    elseif core.readable(shot.path .. ".json") then shot.receipt = shot.path .. ".json" end
  end
  return shot
end

--- The shots of a page.
---@param list runway.Entry[]     the newest first
---@param breathe fun()           called between two
---@return runway.Shot[]
function entries.shots(list, breathe)
  local shots, by_key, here = {}, {}, core.working_directory()
  for i = #list, 1, -1 do
    local shot = shot_of(list[i], #shots + 1, here)
    local before = by_key[shot.key]
    if before then                            -- made anew: it stands where it stood, with what all of it cost
      shot.row, shot.line, shot.attempt = before.row, before.row, before.attempt + 1
      shot.credits = (shot.credits or before.credits) and (shot.credits or 0) + (before.credits or 0)
    end
    by_key[shot.key], shots[shot.row] = shot, shot
    breathe()
  end
  return shots
end

return entries
