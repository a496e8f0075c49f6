-- Films for specs, made by ffmpeg, each frame of another grey; and what is in films and pictures, as ffmpeg sees it.

local quote = require("spec.support.child").quote

local footage = {}

--- Why specs that need it cannot run; nil: they can.
---@type string|nil
footage.missing = not os.execute "command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null"
  and "ffmpeg is not here" or nil

--- `it`, or where there is no ffmpeg a spec that says so.
function footage.it(it, pending)
  if not footage.missing then return it end
  return function(name) it(name, function() pending(footage.missing) end) end
end

--- Runs ffmpeg with words of a shell.
function footage.ffmpeg(words, ...)
  local paths = { ... }
  for i, path in ipairs(paths) do paths[i] = quote("file:" .. path) end
  assert(os.execute("ffmpeg -nostdin -v error -y " .. words:format((table.unpack or unpack)(paths)))) -- luacheck: ignore
end

local function said_by(command)
  local pipe = assert(io.popen(command))
  local said = pipe:read "a"
  pipe:close()
  return said
end

--- A film at a path: frame n (from 0) has the grey 40 + 5n.
---@param path string
---@param opts? table   size ("64x36"), rate (24), frames (12), sound (seconds; none), filter, words (of codecs)
function footage.make(path, opts)
  opts = opts or {}
  local sound = opts.sound and ("-f lavfi -i sine=f=440:d=%g "):format(opts.sound) or ""
  footage.ffmpeg(("-f lavfi -i 'nullsrc=s=%s:r=%s,trim=end_frame=%d,geq=lum=40+5*N:cb=128:cr=128%s' %s-pix_fmt yuv420p "
    .. "%s -f mp4 %%s"):format(opts.size or "64x36", opts.rate or 24, opts.frames or 12, opts.filter or "", sound,
    opts.words or ""), path)
  return path
end

--- The grey of a picture, or of each frame of a film, in the middle: 0 to 255, as video has it (16 is black).
---@return integer[]
function footage.greys(path)
  local pipe = path:find "%.png$" and "-f png_pipe " or ""
  local bytes = said_by("ffmpeg -nostdin -v fatal " .. pipe .. "-i " .. quote("file:" .. path)
    .. " -fps_mode passthrough -vf scale=out_range=tv,format=gray,crop=2:2 -f rawvideo -")
  local greys = {}
  for at = 1, #bytes, 4 do greys[#greys + 1] = bytes:byte(at) end
  return greys
end

--- What ffprobe says of a stream, or of the whole.
---@param what string   "stream=width,height", "format=duration"
---@param stream? string   "v:0"
---@return string[]
function footage.facts(path, what, stream)
  local said, facts = said_by(("ffprobe -v error -count_frames %s -show_entries %s -of default=nw=1:nk=1 %s"):format(
    stream and "-select_streams " .. stream or "", what, quote("file:" .. path))), {}
  for line in said:gmatch "[^\n]+" do facts[#facts + 1] = line end
  return facts
end

return footage
