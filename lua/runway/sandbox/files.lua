--- The media a sandbox serves: output files under /files/, at URLs that look signed and are only
-- good for a while. It is the "output host": it must never be sent an API key, and says so.

local clip = require "runway.sandbox.clip"
local core = require "runway.core"
local reply = require "runway.sandbox.reply"
local tools = require "runway.sandbox.tools"

local files = {}

local cache = {} -- name -> bytes, decoded or made on first use

local function little_endian(value, bytes)
  local out = {}
  for i = 1, bytes do
    out[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(out)
end

-- One second of a fading 440 Hz tone: PCM, 8 kHz, 16 bits, mono.
local function tone()
  local rate, samples = 8000, {}
  for i = 0, rate - 1 do
    local value = math.floor(12000 * (1 - i / rate) * math.sin(2 * math.pi * 440 * i / rate))
    samples[i + 1] = little_endian(value % 65536, 2)
  end
  local data = table.concat(samples)
  return "RIFF" .. little_endian(36 + #data, 4) .. "WAVEfmt " .. little_endian(16, 4) ..
    little_endian(1, 2) .. little_endian(1, 2) .. little_endian(rate, 4) ..
    little_endian(rate * 2, 4) .. little_endian(2, 2) .. little_endian(16, 2) ..
    "data" .. little_endian(#data, 4) .. data
end

local function decoded(name)
  return function() return tools.unbase64(clip[name]) end
end

local MEDIA = {
  video = { suffix = "mp4", type = "video/mp4", make = decoded "video" },
  image = { suffix = "png", type = "image/png", make = decoded "image" },
  audio = { suffix = "wav", type = "audio/wav", make = tone },
  frames = { suffix = "zip", type = "application/zip", make = decoded "frames" },
  movie = { suffix = "mov", type = "video/quicktime", same = "video" },
}

--- The bytes of one kind of medium: "video", "image", "audio", "frames" (a ZIP) or "movie".
function files.bytes(media)
  local name = MEDIA[media].same or media
  cache[name] = cache[name] or MEDIA[name].make()
  return cache[name]
end

-- A query that looks like the signed ones of the real output hosts.
local function signature(app)
  return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." .. tools.alnum(app.chance, 96) .. "." ..
    tools.alnum(app.chance, 43)
end

local function issue(app, task, media, expires, base_url)
  local name = tools.hex(app.chance, 32) .. "." .. MEDIA[media].suffix
  local jwt = signature(app)
  app.files[name] = { media = media, jwt = jwt, expires = expires, task = task }
  return ("%s/files/%s?_jwt=%s"):format(base_url, name, jwt)
end

--- The output URLs of a finished task: the same at each look until they expire, then fresh ones.
---@param how table { fresh=true: new ones at each look, expired=true: dead from the start }
function files.urls(app, task, now, base_url, how)
  local known = task.urls
  if known and not how.fresh and now < known.expires then return known.list end
  local expires = how.expired and now or now + app.url_seconds
  local list = {}
  for _, media in ipairs(task.outputs) do
    list[#list + 1] = issue(app, task, media, expires, base_url)
  end
  task.urls = { list = list, expires = expires }
  return list
end

--- A file of the sandbox's own that belongs to no task (an uploaded image, the preview of a voice).
function files.keep(app, media, bytes, kind, base_url)
  local url = issue(app, nil, media, math.huge, base_url)
  local file = app.files[url:match("/files/([^?]+)")]
  file.bytes, file.type = bytes, kind
  return url
end

-- "bytes=a-b" of `size` bytes -> first and last byte (from 0); nil: no range; false: out of range
local function range(header, size)
  local from, to = (header or ""):match("^bytes=(%d*)%-(%d*)$")
  if not from or from .. to == "" then return nil end
  if from == "" then return math.max(0, size - tonumber(to)), size - 1 end
  from, to = tonumber(from), math.min(tonumber(to) or size - 1, size - 1)
  if from >= size or to < from then return false end
  return from, to
end

--- Answers GET and HEAD of /files/NAME?_jwt=…
function files.serve(app, request, name, query, now)
  local headers = request.headers
  if headers.authorization or headers["x-api-key"] then
    return reply.text(400, "This is an output host: an API key must never be sent here. " ..
      "The URL is signed and needs no Authorization header.")
  end
  local file = app.files[name]
  if not file then return reply.text(404, "No such file.") end
  if query._jwt ~= file.jwt then return reply.text(403, "The signature of this URL is wrong.") end
  if now >= file.expires then
    return reply.text(403, "This URL has expired. A new query of the task gives a fresh one.")
  end
  local scenario = file.task and file.task.scenario
  if not file.bytes and scenario and scenario.entry.enlarge then
    file.bytes = scenario.entry.enlarge(files.bytes(file.media), file.media, scenario.n)
  end
  local body = file.bytes or files.bytes(file.media)
  local etag = ('"%s"'):format(core.sha256(body):sub(1, 32)) -- of the bytes, as stores have it, and not of the URL
  local fields = { ["accept-ranges"] = "bytes", etag = etag }
  local status, from, to = 200, nil, nil
  if not headers["if-range"] or headers["if-range"] == etag then
    from, to = range(headers.range, #body)
  end
  if from == false then
    fields["content-range"] = "bytes */" .. #body
    return reply.bytes(416, "text/plain", "", fields)
  elseif from then
    status = 206
    fields["content-range"] = ("bytes %d-%d/%d"):format(from, to, #body)
    body = body:sub(from + 1, to + 1)
  end
  local response = reply.bytes(status, file.type or MEDIA[file.media].type, body, fields)
  if request.method == "GET" and scenario and scenario.entry.file then
    file.task.gets = (file.task.gets or 0) + 1
    scenario.entry.file(response, scenario.n, file.task.gets)
  end
  return response
end

return files
