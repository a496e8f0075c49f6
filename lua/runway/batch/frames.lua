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
---@param options { directory: string, retry_failed: boolean|nil }   of the list
---@return runway.Frames
function frames.new(shots, options)
  return setmetatable({ by_key = chain.by_key(shots), directory = options.directory,
    retry_failed = options.retry_failed, taking = {}, lacks = {} }, Frames)
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

-- What a shot lacks: which other, which it begins with or a longer way leads to, and how that stands. Told once, by
-- that alone, however long the way is.
local function lacking(self, shot, first, lack)
  self.lacks[shot] = lack
  local root = lack.shot
  local way = root == first and ", and " or (", which waits for %s, and "):format(text.quote(root.key))
  return errors.new { kind = "cancelled", code = "waits", sent = "no",
    message = ("%s begins where %s ends%s%s. Nothing was submitted; run the list again %s"):format(
      text.quote(shot.key), text.quote(first.key), way, lack.how, lack.anew and
      ("with retry_failed, which makes %s anew"):format(text.quote(root.key)) or "when that is there") }
end

local MADE_ANEW = { task_failed = true, task_cancelled = true }

-- How one that is not done stands, itself; what keeps it waiting is what keeps those behind it.
local function lack_of(self, other)
  if self.lacks[other] then return self.lacks[other] end
  local err = other.error
  return { shot = other, how = "that " .. (STANDS[other.state] or other.left_out and "is left out" or "is not made")
    .. (err and " (" .. text.line(err.message, 200) .. ")" or ""),
    anew = other.state == "failed" and (not err or MADE_ANEW[err.kind]) and not self.retry_failed }
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
    if other.state ~= "done" then return lacking(self, shot, other, lack_of(self, other)) end
    self.taking[key] = self.taking[key] or scheduler.spawn(take, self, other)
    local ok, err = self.taking[key]:join()
    if not ok then
      return lacking(self, shot, other, { shot = other, how = "its last frame cannot be had: " .. err.message })
    end
  end
  return nil
end

return frames
