-- names.lua: what a shot and its files are called. Pure.

local text = require "runway.text"

local names = {}

names.LONGEST_KEY = 900                       -- bytes; a journal takes 1000, and attempts add theirs
local LONGEST_FILE = 200                      -- file systems take 255, and a receipt adds its ending
local LONGEST_SLUG = 40

-- The journal, the page and what belongs to them.
local RESERVED = { "^index%.html$", "^index%.html%.part$", "^runway%.db", "^runway%.list", "^stills$" }

local DEVICES = { con = true, prn = true, aux = true, nul = true }

--- The key of a shot that has none: its number, and how its prompt begins.
---@param number integer
---@param prompt any
---@return string
function names.key(number, prompt)
  local slug = type(prompt) == "string" and text.lower(prompt):gsub("[%z\1-\47\58-\64\91-\96\123-\127]+", "-") or ""
  slug = text.cut(slug:gsub("^%-+", ""), LONGEST_SLUG):gsub("%-+$", "")
  return ("%03d"):format(number) .. (slug ~= "" and "-" .. slug or "")
end

-- What a kind of task makes, where it is no film.
local ENDINGS = {
  text_to_image = "png", image_upscale = "png",
  sound_effect = "mp3", speech_to_speech = "mp3", text_to_speech = "mp3", voice_dubbing = "mp3",
  voice_isolation = "mp3",
}

--- The file of a film's last frame.
---@param output string
---@return string
function names.frame(output) return output .. ".last.png" end

--- What a kind of task makes.
---@param kind string
---@return "video"|"image"|"audio"
function names.media(kind)
  local ending = ENDINGS[kind]
  return ending == "png" and "image" or ending == "mp3" and "audio" or "video"
end

-- What is in a file, as its name says.
local CLASSES = {
  mp4 = "video", m4v = "video", mov = "video", mkv = "video", webm = "video", avi = "video", mpg = "video",
  mpeg = "video", ts = "video", wmv = "video",
  png = "image", jpg = "image", jpeg = "image", webp = "image", gif = "image", avif = "image", bmp = "image",
  mp3 = "audio", wav = "audio", m4a = "audio", ogg = "audio", opus = "audio", flac = "audio", aac = "audio",
}
local MP4 = { mp4 = true, m4v = true }

--- Does a file's name promise another thing than is written there? A film is an MP4; of pictures and sounds it is not
--- known before in which of their forms they come.
---@param path string
---@param media "video"|"image"|"audio"
---@return string|nil ending   that promises it
function names.untrue(path, media)
  local ending = path:match "%.([A-Za-z0-9]+)$"
  local known = ending and text.lower(ending)
  local class = known and CLASSES[known]
  return class and (class ~= media or media == "video" and not MP4[known]) and "." .. ending or nil
end

--- The file of a shot that names none.
---@param key string
---@param kind string
---@return string
function names.output(key, kind)
  local ending = "." .. (ENDINGS[kind] or "mp4")
  local name = key:gsub('[%z\1-\31\127/\\:*?"<>|]', "_"):gsub("^[. ]", "_")
  return text.cut(name, LONGEST_FILE - #ending) .. ending
end

--- Is it one that a batch keeps in its directory beside the films?
---@param name string
---@return boolean
function names.is_reserved(name)
  for _, pattern in ipairs(RESERVED) do
    if text.lower(name):find(pattern) then return true end
  end
  return false
end

--- Why a name is no name of a file in the directory.
---@param name string
---@return string|nil
function names.fault(name)
  local shown = text.quote(name)
  if name:find "[/\\]" then return ("output %s is to be the name of a file, without a directory"):format(shown) end
  if name:find '[%z\1-\31\127:*?"<>|]' or name:find "^%." or name:find "[. ]$" or name:find "^ "
    or DEVICES[text.lower(name:match "^[^.]*")] then
    return ("output %s is no name that every file system takes"):format(shown)
  end
  if #name > LONGEST_FILE then return ("output %s is longer than %d bytes"):format(shown, LONGEST_FILE) end
  return names.is_reserved(name) and ("output %s is the name of a file of ours"):format(shown) or nil
end

--- The names that a file takes, its own and its receipt's, those of both while they come, and its last frame's, as a
--- file system sees them that knows no case.
---@param output string
---@return string[]
function names.taken(output)
  local name = text.lower(output)
  return { name, name .. ".part", name .. ".json", name .. ".json.part", names.frame(name) }
end

--- The prompt among a shot's parameters, however it is called there.
---@param params table
---@return any
function names.prompt(params) return params.prompt_text or params.prompt or params.promptText end

--- The key of the shot, of that of any of its attempts.
---@param key string
---@return string
function names.first(key) return key:match "^(.*)#%d+$" or key end

--- The key of an attempt: the first has the shot's own.
---@param key string
---@param attempt integer
---@return string
function names.attempt(key, attempt)
  return attempt == 1 and key or ("%s#%d"):format(key, attempt)
end

return names
