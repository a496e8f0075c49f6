-- frames.lua: the last frames with which shots of a list begin, taken when they are wanted and kept beside the films.

local chain = require "runway.batch.chain"
local core = require "runway.core"
local errors = require "runway.errors"
local ffmpeg = require "runway.ffmpeg"
local scheduler = require "runway.scheduler"
local text = require "runway.text"

local frames = {}

---@class runway.Frames
---@field by_key table<string, runway.Shot>
---@field directory string
---@field taking table<string, runway.Job>   by key
local Frames = {}
Frames.__index = Frames

--- What the shots of a list end with.
---@param shots runway.Shot[]   recalled
---@param directory string
---@return runway.Frames
function frames.new(shots, directory)
  return setmetatable({ by_key = chain.by_key(shots), directory = directory, taking = {} }, Frames)
end

--- A shot's parameters, with the files of the frames that it begins with.
---@param shot runway.Shot
---@return table
function Frames:params(shot)
  return chain.params(shot, function(key) return chain.picture(self.by_key[key], self.directory) end)
end

-- How a shot that is not done stands.
local STANDS = { failed = "failed", unknown = "is unknown", submitted = "is not at its end",
  downloading = "is not fetched" }

local function lacking(shot, other, how)
  return errors.new { kind = "cancelled", code = "waits", sent = "no",
    message = ("%s begins where %s ends, and %s. Nothing was submitted; run the list again when that is there"):format(
      text.quote(shot.key), text.quote(other.key), how) }
end

-- Takes the last frame of one, once in each run: what lies there may be of another film, or no one knows whose.
local function take(self, other)
  local to = chain.picture(other, self.directory).path
  local film = other.path                     -- where it was fetched to, unless its directory was moved since
  if not film or not core.readable(film) then film = self.directory .. "/" .. other.output end
  return ffmpeg.last_frame(film, to)
end

--- Takes the frames that a shot begins with.
---@param shot runway.Shot
---@return runway.Error|nil lack   why it cannot be begun
function Frames:take(shot)
  for _, key in ipairs(shot.after or {}) do
    local other = self.by_key[key]
    if other.state ~= "done" then
      return lacking(shot, other, "that " .. (STANDS[other.state] or other.left_out and "is left out" or "is not made")
        .. (other.error and " (" .. text.line(other.error.message, 200) .. ")" or ""))
    end
    self.taking[key] = self.taking[key] or scheduler.spawn(take, self, other)
    local ok, err = self.taking[key]:join()
    if not ok then return lacking(shot, other, "its last frame cannot be had: " .. err.message) end
  end
  return nil
end

return frames
