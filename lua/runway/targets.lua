-- targets.lua: files that tasks of this program are to write. Two that name one would both be paid
-- for, and the second download find the first one's film in its place.

local targets = {}

---@class runway.Target
---@field place string
---@field task_id string|false    once there is one

local spoken_for = {}                         -- place -> runway.Target

-- The same file by the same name, as far as a name tells.
local function place_of(path)
  path = path:gsub("/+", "/"):gsub("/%./", "/"):gsub("/%./", "/")
  return path:match("^%./(.+)$") or path
end

--- A file that is not spoken for yet.
---@param path string
---@return runway.Target
function targets.new(path)
  return { place = place_of(path), task_id = false } -- its place before: to make one then could fail
end

--- Speaks for a file; what was spoken for by the very same task is handed on. Whoever calls this sees to it beforehand
--- that it is set free whatever happens.
---@param target runway.Target
---@param overwrite? boolean        it may be another's
---@return boolean
---@return runway.Target|nil other   who has spoken for it before
function targets.take(target, overwrite)
  local other = spoken_for[target.place]
  local same = other and other.task_id and other.task_id == target.task_id
  if other and not same and not overwrite then return false, other end
  spoken_for[target.place] = target
  return true
end

--- It is there, or never will be.
---@param target runway.Target|nil
function targets.free(target)
  if target and spoken_for[target.place] == target then spoken_for[target.place] = nil end
end

return targets
