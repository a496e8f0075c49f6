-- fit.lua: pictures brought to the ratio of the film that begins with them, here, before they are sent: cropped, or
-- with black beside them. The file that was given is left as it is; what is sent is another, which goes when the
-- request has ended.

local core = require "runway.core"
local ffmpeg = require "runway.ffmpeg"
local files = require "runway.files"
local media = require "runway.media"
local shape = require "runway.shape"

local fit = {}

local LONGEST = 300                           -- seconds for one picture

-- How ffmpeg reads what a picture's name need not say, and what it becomes.
local FORMS = {
  ["image/jpeg"] = { "jpeg_pipe", "jpg", { "-c:v", "mjpeg", "-q:v", "1", "-qmin", "1" } },
  ["image/png"] = { "png_pipe", "png", { "-c:v", "png" } },
  ["image/webp"] = { "webp_pipe", "png", { "-c:v", "png" } },
}

-- Of a picture that needs it, the filter; nil where it fits already.
local function filter(picture, ratio, how)
  local width, height = shape.cropped(picture, ratio)
  if not width then return nil end
  if how == "crop" then return ("crop=%d:%d:exact=1"):format(width, height) end
  local wide, high = shape.of(ratio)
  if width < picture.width then width, height = picture.width, picture.width * high / wide
  else width, height = picture.height * wide / high, picture.height end
  return ("pad=%.0f:%.0f:(ow-iw)/2:(oh-ih)/2:black"):format(width, height)
end

-- Why it cannot be done; nil: it can.
local function fault(given, how)
  local frames = shape.frames(given)
  if #frames == 0 then return nil end
  if not shape.of(given.ratio) then
    return { message = ("fit: a ratio such as 1280:720 must be given for a picture to be brought to it%s"):format(
      given.ratio and ", and " .. tostring(given.ratio) .. " is none" or "") }
  end
  for _, entry in ipairs(frames) do
    local picture = entry.uri
    if not files.is_file(picture) then
      return { message = "fit: only a picture on disk can be brought to a ratio here, no URL: download it first" }
    elseif not picture.width then
      return { message = ("fit: %s is %s, of which no size is known here; give a PNG, JPEG or WebP"):format(
        picture.path, picture.type or "no picture") }
    elseif filter(picture, given.ratio, how) then
      local problem = ffmpeg.missing "fit"
      if problem then return problem end
    end
  end
  return nil
end

--- Can it be done? Nothing is made.
---@param session runway.Session
---@param given runway.Params   with its files looked at
---@param how "crop"|"pad"
---@return true|nil
---@return runway.Error|nil err
function fit.check(session, given, how)
  local problem = fault(given, how)
  if problem then return session:refuse(problem) end
  return true
end

local function passing(ending)
  local directory = os.getenv "TMPDIR"
  if not directory or directory == "" then directory = "/tmp" end
  return ("%s/runway-%s.%s"):format(directory, core.token(), ending)
end

-- One picture, made to fit, as a file that was looked at.
local function fitted(session, picture, made, graph, deadline)
  local form = FORMS[picture.type]
  local path = passing(form[2])
  made[#made + 1] = path
  local words = { ffmpeg.input(picture.path, form[1]), "-frames:v", "1", "-vf", graph, "-map_metadata", "-1",
    form[3], "-f", "image2", "-update", "1", "file:" .. path }
  local ok, err = ffmpeg.run(words, "fit: " .. picture.path, LONGEST)
  if not ok then return session:refuse(err) end
  local info
  info, err = media.probe(session, path, deadline)
  if not info then return nil, err end
  return files.known(path, info)
end

--- The params with each picture that needs it in another that fits.
---@param session runway.Session
---@param given runway.Params   with its files looked at
---@param how "crop"|"pad"
---@param made string[]         gets the paths of what is to be removed
---@param deadline? number      on scheduler.now()
---@return runway.Params|nil
---@return runway.Error|nil err
function fit.pictures(session, given, how, made, deadline)
  local ok, err = fit.check(session, given, how)
  if not ok then return nil, err end
  local other, list = {}, {}
  for i, entry in ipairs(given.prompt_image or {}) do list[i] = entry end
  for _, entry in ipairs(shape.frames(given)) do
    local words = filter(entry.uri, given.ratio, how)
    if words then
      other[entry] = {}
      for name, v in pairs(entry) do other[entry][name] = v end
      other[entry].uri, err = fitted(session, entry.uri, made, words, deadline)
      if not other[entry].uri then return nil, err end
    end
  end
  if next(other) == nil then return given end
  for i, entry in ipairs(list) do list[i] = other[entry] or entry end
  local copy = {}
  for name, v in pairs(given) do copy[name] = v end
  copy.prompt_image = list
  return copy
end

--- Takes away what was made.
---@param made string[]
function fit.remove(made)
  for i = #made, 1, -1 do
    os.remove(made[i])
    made[i] = nil
  end
end

return fit
