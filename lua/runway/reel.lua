-- reel.lua: finished clips put together, one behind the other, into one film (ffmpeg).
--
-- Each clip becomes pieces of one size, rate and sound, counted in frames: its body, and with a cross-fade what it
-- shares with the next. The pieces are then strung together as they are. So a film of two hundred clips takes no more
-- memory than one of two, and no error adds up: a piece has exactly its frames, and its sound never more.

local core = require "runway.core"
local ffmpeg = require "runway.ffmpeg"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local transport = require "runway.transport"

local reel = {}

local failed = ffmpeg.failed
local SAMPLES = 48000                         -- of sound, a second
local LONGEST = 6 * 3600                      -- seconds for one piece

---@class runway.Clip
---@field path string
---@field facts runway.FilmFacts
---@field frames integer      at the film's rate

---@class runway.Reel         what all pieces have in common
---@field width integer
---@field height integer
---@field rate string         "24/1"
---@field sound boolean

local function per_second(rate)
  local frames, seconds = rate:match "^(%d+)/(%d+)$"
  return tonumber(frames) / tonumber(seconds)
end

--------------------------------------------------------------------- what there is

-- The frames that a clip has at a rate: counted, since what files say of it is not always so.
local function count(clip, rate)
  local result, err = ffmpeg.run({ "-progress", "pipe:1", ffmpeg.input(clip.path), "-map", "0:V:0",
    "-vf", "setpts=PTS-STARTPTS,fps=" .. rate, "-f", "null", "-" }, "a look at " .. clip.path, LONGEST)
  if not result then return nil, err end
  local last
  for frames in result.stdout:gmatch "frame= *(%d+)" do last = tonumber(frames) end
  if not last or last == 0 then return failed(clip.path .. " has no film in it") end
  return math.floor(last)
end

-- The clips with what is in them, and what the film is to be: as the first one is; with sound if one has some.
---@return table|nil clips
---@return any made   or err
local function look(paths)
  local clips, made = {}, nil
  for i, path in ipairs(paths) do
    local facts, err = ffmpeg.look(path)
    if not facts then return nil, err end
    made = made or { width = facts.width - facts.width % 2, height = facts.height - facts.height % 2,
      rate = facts.rate, sound = false }
    made.sound = made.sound or facts.sound
    clips[i] = { path = path, facts = facts }
    clips[i].frames, err = count(clips[i], made.rate)
    if err then return nil, err end
  end
  return clips, made
end

--------------------------------------------------------------------- pieces

-- A part of a clip, from one frame up to before another.
---@class runway.Part
---@field clip runway.Clip
---@field from integer
---@field to integer

-- Filters that make of input n a part's pictures, called [v<n>], and its sound, [a<n>].
local function filters(n, part, made)
  local facts = part.clip.facts
  local chain = ("[%d:V:0]setpts=PTS-STARTPTS,fps=%s,scale=%d:%d:force_original_aspect_ratio=decrease:"
    .. "force_divisible_by=2:in_color_matrix=%s:out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    .. "pad=%d:%d:(ow-iw)/2:(oh-ih)/2,setsar=1,setparams=range=tv:colorspace=bt709:color_primaries=bt709:"
    .. "color_trc=bt709,trim=start_frame=%d:end_frame=%d,setpts=PTS-STARTPTS[v%d]"):format(n, made.rate, made.width,
    made.height, ffmpeg.matrix(facts), made.width, made.height, part.from, part.to, n)
  if not made.sound then return chain end
  local rate = per_second(made.rate)
  local first = math.floor(part.from / rate * SAMPLES + 0.5)
  local source = facts.sound and ("[%d:a:0]aresample=%d:async=1:first_pts=0"):format(n, SAMPLES)
    or ("anullsrc=r=%d:cl=stereo"):format(SAMPLES)
  return ("%s;%s,aformat=sample_fmts=s16:channel_layouts=stereo,apad,atrim=start_sample=%d:end_sample=%d,"
    .. "asetpts=PTS-STARTPTS[a%d]"):format(chain, source, first,
    first + math.floor((part.to - part.from) / rate * SAMPLES), n)
end

-- Writes a piece: of one part, or of two of the same length that fade into each other.
local function write(to, parts, made)
  local inputs, graph = {}, {}
  for i, part in ipairs(parts) do
    inputs[i] = ffmpeg.input(part.clip.path)
    graph[i] = filters(i - 1, part, made)
  end
  local picture, sound = "[v0]", "[a0]"
  if #parts == 2 then
    local frames = parts[1].to - parts[1].from
    local seconds = frames / per_second(made.rate)
    graph[#graph + 1] = ("[v0][v1]xfade=transition=fade:duration=%s:offset=0,trim=end_frame=%d[v]"):format(
      text.fixed(seconds, 9), frames)
    if made.sound then
      graph[#graph + 1] = ("[a0][a1]acrossfade=ns=%d:c1=qsin:c2=qsin[a]"):format(math.floor(seconds * SAMPLES))
    end
    picture, sound = "[v]", "[a]"
  end
  return ffmpeg.run({ inputs, "-filter_complex", table.concat(graph, ";"), "-map", picture,
    "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "medium", "-crf", "16", "-bf", "0",
    made.sound and { "-map", sound, "-c:a", "pcm_s16le" } or {}, "-map_metadata", "-1", "-f", "mov", "file:" .. to },
    parts[1].clip.path, LONGEST)
end

-- What the pieces are: bodies, and between two of them what both share; and how often that is less than asked for.
local function plan(clips, made, seconds)
  local most = seconds and math.floor(seconds * per_second(made.rate) + 0.5) or 0
  local pieces, taken, shortened = {}, 0, 0
  for i, clip in ipairs(clips) do
    local after = clips[i + 1]
    -- of a short clip at most half is shared to each side
    local shared = after and math.min(most, math.floor(clip.frames / 2), math.floor(after.frames / 2)) or 0
    if clip.frames - shared > taken then
      pieces[#pieces + 1] = { { clip = clip, from = taken, to = clip.frames - shared } }
    end
    if shared > 0 then
      pieces[#pieces + 1] = { { clip = clip, from = clip.frames - shared, to = clip.frames },
        { clip = after, from = 0, to = shared } }
    end
    if after and shared < most then shortened = shortened + 1 end
    taken = shared
  end
  return pieces, shortened
end

--------------------------------------------------------------------- the film

-- Strings the pieces together.
local function string_together(list, made, part, to)
  return ffmpeg.run({ "-f", "concat", "-i", "file:" .. list, "-map", "0", "-c:v", "copy",
    made.sound and { "-c:a", "aac", "-b:a", "256k" } or {}, "-movflags", "+faststart", "-f", "mp4", "file:" .. part },
    to, LONGEST)
end

-- Its frames and how many fades are shorter than asked for, or nil, err; the paths of what is to be removed go into
-- `made_files`.
local function make(clips, made, to, directory, opts, made_files)
  local list = directory .. "/list"
  made_files[1] = list
  local pieces, shortened = plan(clips, made, opts.fade)
  local lines = { "ffconcat version 1.0" }
  local frames, ends = 0, 0                   -- of those before; in microseconds, so that no rounding adds up
  for i, parts in ipairs(pieces) do
    local name, began = ("%05d.mov"):format(i), ends
    frames = frames + parts[1].to - parts[1].from
    ends = math.floor(frames / per_second(made.rate) * 1e6 + 0.5)
    made_files[#made_files + 1] = directory .. "/" .. name
    lines[#lines + 1] = ("file %s\nduration %s"):format(name, text.fixed((ends - began) / 1e6, 6))
    local ok, err = write(directory .. "/" .. name, parts, made)
    if not ok then return nil, err end
    if opts.on_progress then opts.on_progress(i, #pieces) end
  end
  local text_of_list = table.concat(lines, "\n") .. "\n"
  local listed = scheduler.await(function(done) transport:write(list, false, text_of_list, done) end)
  if listed.error then return failed(listed.error.message) end
  local film = directory .. "/film.mp4"
  made_files[#made_files + 1] = film
  local ok, err = string_together(list, made, film, to)
  if ok then ok, err = ffmpeg.place(film, to, opts.overwrite) end
  if not ok then return nil, err end
  return frames, shortened
end

--- Puts clips together into a film (MP4: H.264, AAC), which appears whole or not at all. It has the size and the rate
--- of the first; one of another shape stands on black.
---@param paths string[]
---@param to string
---@param opts? { fade?: number, overwrite?: boolean, on_progress?: fun(done: integer, all: integer) }  fade: seconds in
---  which each clip passes over into the next, at most half of a clip; without it one is cut to the next
---@return { frames: integer, seconds: number, width: integer, height: integer, shortened: integer }|nil  shortened:
---  how many fades are shorter than asked for
---@return runway.Error|nil err   "no_ffmpeg"; "ffmpeg", with what it said
function reel.join(paths, to, opts)
  opts = opts or {}
  local free, why = core.target(to, opts.overwrite or false)
  if not free then return failed(why) end
  local clips, made = look(paths)
  if not clips then return nil, made end
  local directory, files = ("%s.parts-%s"):format(to, core.token():sub(1, 8)), {}
  free, why = core.make_directory(directory)
  if not free then return failed(("%s: cannot make the directory %s: %s"):format(to, directory, why)) end
  local ok, frames, more = pcall(make, clips, made, to, directory, opts, files)
  for _, path in ipairs(files) do os.remove(path) end
  os.remove(directory)
  if not ok then error(frames, 0) end         -- Ctrl-C, say
  if not frames then return nil, more end
  return { frames = frames, seconds = frames / per_second(made.rate), width = made.width, height = made.height,
    shortened = more }
end

return reel
