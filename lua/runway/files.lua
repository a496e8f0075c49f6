-- The file object: a local picture, film or sound that stands where a URL may stand. It names a
-- file and holds none of it; who sends it reads it.

local text = require "runway.text"

local files = {}

---@class runway.File
---@field path string
---@field name? string     without directories; this and the rest once it has been looked at
---@field size? integer    bytes
---@field type? string     "image/png"
---@field class? string    "image", "video" or "audio"
---@field width? integer   of a picture whose header tells it: pixels, as it is looked at
---@field height? integer
---@field last_frame_of? string   of a frame that was taken out of a film: the key of that

local File = { __name = "runway.file" }
File.__index = File
function File.__tostring(file) return "file " .. file.path end
files.mt = File

---@param path string
---@return runway.File
function files.make(path)
  if type(path) ~= "string" then error("file takes a path, not " .. type(path), 2) end
  if path == "" or path:find("%z") then error("file takes a path that is not empty and holds no NUL", 2) end
  return setmetatable({ path = path }, File)
end

---A path as it is seen from any directory.
---@param path string
---@param here string|nil   the working directory, where there is one
---@return string
function files.from_anywhere(path, here)
  return here and not path:find "^/" and here .. "/" .. path:gsub("^%./+", "") or path
end

---A file object with what a look at the file said.
---@param path string
---@param info table   { size=, type=, class=, width=, height= }
---@return runway.File
function files.known(path, info)
  return setmetatable({
    path = path, name = files.base(path), size = info.size, type = info.type, class = info.class,
    width = info.width, height = info.height,
  }, File)
end

---Whether `v` is a file object. It is known by the name of its metatable, so that one made by
---another copy of this module counts too.
---@param v any
---@return boolean
function files.is_file(v)
  if type(v) ~= "table" then return false end
  local mt = getmetatable(v)
  return mt == "runway.file" or (type(mt) == "table" and rawget(mt, "__name") == "runway.file")
end

---A path's last part; the whole where it has none ("a/").
---@param path string
---@return string
function files.base(path)
  return path:match("[^/\\]+$") or path
end

-- Endings that fit a type, the usual one first.
local ENDINGS = {
  ["image/jpeg"] = { "jpg", "jpeg", "jpe", "jfif" }, ["image/png"] = { "png" }, ["image/webp"] = { "webp" },
  ["image/gif"] = { "gif" }, ["image/heic"] = { "heic", "heif" }, ["image/avif"] = { "avif" },
  ["image/bmp"] = { "bmp" }, ["image/tiff"] = { "tif", "tiff" },
  ["video/mp4"] = { "mp4", "m4v" }, ["video/quicktime"] = { "mov", "qt" }, ["video/webm"] = { "webm" },
  ["video/x-matroska"] = { "mkv" }, ["video/3gpp"] = { "3gp" }, ["video/ogg"] = { "ogv", "ogg" },
  ["video/x-msvideo"] = { "avi" }, ["video/x-flv"] = { "flv" }, ["video/mpeg"] = { "mpg", "mpeg" },
  ["audio/mpeg"] = { "mp3" }, ["audio/wav"] = { "wav" }, ["audio/flac"] = { "flac" }, ["audio/mp4"] = { "m4a", "mp4" },
  ["audio/aac"] = { "aac" }, ["audio/ogg"] = { "ogg", "oga", "opus" },
}

local LONGEST_NAME = 255

---The name that an upload gives a file: APIs go by its ending, so it gets one that says what its bytes
---are, unless it has one.
---@param path string
---@param kind string   its type
---@return string
function files.upload_name(path, kind)
  local name, endings = files.base(path), ENDINGS[kind]
  if not endings then return name end
  local ending = text.lower(name:match("[^.]%.([A-Za-z0-9]+)$") or "")
  for _, fits in ipairs(endings) do
    if ending == fits then return name end
  end
  return text.cut(name, LONGEST_NAME - 1 - #endings[1]) .. "." .. endings[1]
end

return files
