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

--- Speaks for a file.
---@param path string
---@param overwrite? boolean        it may be another's
---@return runway.Target|nil
---@return runway.Target|nil other   who has spoken for it before
function targets.take(path, overwrite)
  local place = place_of(path)
  local other = spoken_for[place]
  if other and not overwrite then return nil, other end
  local target = { place = place, task_id = false } -- its place before: to make one then could fail
  spoken_for[place] = target
  return target
end

--- It is there, or never will be.
---@param target runway.Target|nil
function targets.free(target)
  if target and spoken_for[target.place] == target then spoken_for[target.place] = nil end
end

return targets
