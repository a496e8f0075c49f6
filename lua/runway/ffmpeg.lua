-- ffmpeg.lua: films and pictures worked on here, by ffmpeg, which is a program of its own.
--
-- A path is given to it as file:PATH, since ffmpeg takes "a:b" for a protocol; and it may follow no address that a
-- file's content names, nor any path: what calls itself a film may be a playlist.

local core = require "runway.core"
local errors = require "runway.errors"
local json = require "runway.json"
local program = require "runway.program"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local transport = require "runway.transport"

local ffmpeg = {}

local INSTALL = "install ffmpeg (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg)"
local LOOK = 60                               -- seconds for a look at a file
local MOST_RATE = 240                         -- frames a second

-- What a film may be: of what runway takes for one, that which names no other files.
local FILMS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flv,asf,mpeg,mpegvideo,mpegts,gif"

--- Why it cannot be used; nil: it can.
---@param what string       what it is wanted for
---@return runway.Problem|nil
function ffmpeg.missing(what)
  for _, name in ipairs { "ffmpeg", "ffprobe" } do
    if not program.find(name) then
      return { kind = "config", code = "no_ffmpeg",
        message = ("%s is done by ffmpeg, and there is no program %s in the PATH: %s"):format(what, name, INSTALL) }
    end
  end
  return nil
end

-- What it said last, which is what stopped it.
local function reason(stderr)
  local last
  for line in stderr:gmatch "[^\r\n]+" do
    if line:find "[^ \t]" and not line:find "^Conversion failed" then last = line end
  end
  return text.line(last or "", 300)
end

--- An error of this room's.
---@param message string
---@return nil
---@return runway.Error err   kind "io", code "ffmpeg"
function ffmpeg.failed(message)
  return nil, errors.new { kind = "io", code = "ffmpeg", sent = "no", message = message }
end
local failed = ffmpeg.failed

-- Runs one of both; nil, err also where it did not end well.
local function run(argv, what, timeout)
  local result, err = program.run(argv, { timeout = timeout })
  if not result and err.code == "no_program" then
    local problem = ffmpeg.missing(what)
    if problem then
      err = errors.new { kind = problem.kind, code = problem.code, message = problem.message, sent = "no" }
    end
  end
  if not result then return nil, err end
  if result.code == 0 then return result end
  local said = reason(result.stderr)
  return failed(("%s: %s failed: %s"):format(what, argv[1],
    said and said ~= "" and said or "it ended with " .. result.code))
end

-- Adds words, and those of lists among them.
local function add(argv, words)
  for _, word in ipairs(words) do
    if type(word) == "table" then add(argv, word) else argv[#argv + 1] = word end
  end
  return argv
end

---@alias runway.Words (string|runway.Words)[]

--- Runs ffmpeg with such words; it writes over what is there, and asks nothing.
---@param words runway.Words
---@param what string       what it does, for a message
---@param timeout number    seconds
---@return runway.ProgramResult|nil
---@return runway.Error|nil err   code "ffmpeg", with what it said; "no_ffmpeg"
function ffmpeg.run(words, what, timeout)
  return run(add({ "ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-y" }, words), what, timeout)
end

--- A film or picture to be read, as words; more words may stand before it.
---@param path string
---@param format? string    what it is, where its content shall not be asked; default: a film
---@return string[]
function ffmpeg.input(path, format)
  return { "-protocol_whitelist", "file", format and "-f" or "-format_whitelist", format or FILMS,
    "-i", "file:" .. path }
end

---@class runway.FilmFacts
---@field width integer     as it is seen
---@field height integer
---@field rate string       frames a second: "24/1"
---@field duration? number  of its pictures, in seconds
---@field sound boolean
---@field has_matrix boolean   does it say by which its colours are made?

-- A number that ffprobe writes as a text, or "N/A".
local function number(said)
  local n = tonumber(said)
  return n and n > 0 and n or nil
end

-- A rate that can be one of pictures: of uneven films the clock's own is told.
local function rate(said)
  local frames, seconds = tostring(said):match "^(%d+)/(%d+)$"
  local n = frames and tonumber(frames) / tonumber(seconds) or 0
  return n >= 1 and n <= MOST_RATE and said or nil
end

-- Is it shown turned by a quarter?
local function is_turned(stream)
  for _, data in ipairs(stream.side_data_list or {}) do
    local turn = tonumber(data.rotation)
    if turn and turn % 180 ~= 0 then return true end
  end
  return false
end

--- What is in a film.
---@param path string
---@return runway.FilmFacts|nil
---@return runway.Error|nil err   also of what has no moving picture
function ffmpeg.look(path)
  local argv = { "ffprobe", "-v", "error", "-of", "json", "-show_entries", "stream=codec_type,width,height,"
    .. "r_frame_rate,avg_frame_rate,duration,color_space:stream_disposition=attached_pic:stream_side_data=rotation:"
    .. "format=duration" }
  local result, err = run(add(argv, ffmpeg.input(path)), "a look at " .. path, LOOK)
  if not result and err.code == "ffmpeg" then
    local seen = scheduler.await(function(done) transport:probe(path, done) end)
    if seen.type and not seen.type:find "^video/" then return failed(("%s is no film (%s)"):format(path, seen.type)) end
  end
  if not result then return nil, err end
  local said, facts, sound = json.decode(result.stdout) or {}, nil, false
  for _, stream in ipairs(said.streams or {}) do
    sound = sound or stream.codec_type == "audio"
    local is_cover = stream.disposition and stream.disposition.attached_pic == 1
    if stream.codec_type == "video" and not is_cover and not facts and stream.width then
      facts = { width = stream.width, height = stream.height,
        rate = rate(stream.r_frame_rate) or rate(stream.avg_frame_rate) or "25/1",
        duration = number(stream.duration) or said.format and number(said.format.duration),
        has_matrix = stream.color_space ~= nil and stream.color_space ~= "unknown" }
      if is_turned(stream) then facts.width, facts.height = facts.height, facts.width end
    end
  end
  if facts then
    facts.sound = sound
    return facts
  end
  return failed(path .. " has no film in it")
end

--- The matrix by which a film is to be read: its own, or where it names none that by which players show it, which
--- go by its size.
---@param facts runway.FilmFacts
---@return string
function ffmpeg.matrix(facts)
  return facts.has_matrix and "auto" or (facts.width > 1024 or facts.height > 576) and "bt709" or "smpte170m"
end

--------------------------------------------------------------------- what is made

--- Gives what was made its name, when it is safe on the disk; the other is beside it.
---@param part string
---@param to string
---@param overwrite boolean|nil   over what is there by then
---@return true|nil
---@return runway.Error|nil err
function ffmpeg.place(part, to, overwrite)
  local result = scheduler.await(function(done) transport:place(to, overwrite, part, done) end)
  if result.error then return failed(result.error.message) end
  return true
end

-- ffmpeg leaves an empty file, and calls it well, where a film has no frame.
local function is_empty(path)
  local file = io.open(path, "rb")
  local byte = file and file:read(1)
  if file then file:close() end
  return byte == nil
end

local function make(words, part, to, what, timeout)
  local ok, err = ffmpeg.run({ words, "file:" .. part }, what, timeout)
  if ok and is_empty(part) then return failed(what .. ": there is none") end
  if not ok then return nil, err end
  return ffmpeg.place(part, to, true)
end

--- Runs ffmpeg to make a picture, which is there whole or not at all, over what is there.
---@param words runway.Words   without its name
---@param to string
---@param what string       what it is, for a message
---@param timeout number    seconds
---@return true|nil
---@return runway.Error|nil err   as of `run`; "ffmpeg" also where it has made none
function ffmpeg.make(words, to, what, timeout)
  -- of a name of its own: another program may make the same just now, and what is called to.part be anyone's
  local part = ("%s.%s.part"):format(to, core.token():sub(1, 8))
  local function remove() os.remove(part) end
  scheduler.note(remove, remove)              -- a job may be ended on the way, where nothing of it runs any more
  local ok, made, err = pcall(make, words, part, to, what, timeout)
  scheduler.note(remove, nil)
  if not ok or not made then remove() end
  if not ok then error(made, 0) end           -- Ctrl-C, say
  return made, err
end

local LAST = 600                              -- seconds: of an hour of film, too

--- The last frame of a film as a PNG, written whole or not at all, over what is there. All frames are decoded and
--- each is written over the one before: what comes last is the last, whatever lengths and time stamps say.
---@param film string
---@param to string
---@return true|nil
---@return runway.Error|nil err
function ffmpeg.last_frame(film, to)
  local facts, err = ffmpeg.look(film)
  if not facts then return nil, err end
  -- rgb as a player shows it, and no gamma that some readers apply and others do not
  local filter = ("scale=in_color_matrix=%s,format=rgb24,setparams=color_primaries=unknown:color_trc=unknown"):format(
    ffmpeg.matrix(facts))
  return ffmpeg.make({ ffmpeg.input(film), "-map", "0:V:0", "-vf", filter, "-fps_mode", "passthrough", "-c:v", "png",
    "-compression_level", "1", "-f", "image2", "-update", "1" }, to, "the last frame of " .. film, LAST)
end

return ffmpeg
