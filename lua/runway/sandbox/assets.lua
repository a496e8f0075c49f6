--- What may stand where an API wants an image, a video or a sound: the rules of the documents for
-- URLs (https, a domain name and not an address) and for data URIs (base64 that really holds what
-- it announces, told by its first bytes).

local tools = require "runway.sandbox.tools"
local words = require "runway.text"

local assets = {}

local function riff(form)
  return function(bytes) return bytes:sub(1, 4) == "RIFF" and bytes:sub(9, 12) == form end
end

local function starts(...)
  local heads = { ... }
  return function(bytes)
    for _, head in ipairs(heads) do
      if bytes:sub(1, #head) == head then return true end
    end
    return false
  end
end

local function iso_media(bytes) return bytes:sub(5, 8) == "ftyp" end

local function quicktime(bytes)
  local box = bytes:sub(5, 8)
  return box == "ftyp" or box == "moov" or box == "mdat" or box == "wide" or box == "free"
end

local jpeg, matroska = starts("\255\216\255"), starts("\26\69\223\163")
local mpeg_audio = starts("ID3", "\255\251", "\255\243", "\255\242", "\255\250")

-- announced media type -> do these first bytes belong to it
local KNOWN = {
  ["image/jpeg"] = jpeg, ["image/jpg"] = jpeg,
  ["image/png"] = starts("\137PNG\r\n\26\n"),
  ["image/webp"] = riff("WEBP"),
  ["video/mp4"] = iso_media, ["video/quicktime"] = quicktime, ["video/mov"] = quicktime,
  ["video/webm"] = matroska, ["video/x-matroska"] = matroska,
  ["video/3gpp"] = iso_media, ["video/ogg"] = starts("OggS"),
  ["video/x-msvideo"] = riff("AVI "), ["video/x-flv"] = starts("FLV\1"),
  ["video/mpeg"] = starts("\0\0\1\186", "\0\0\1\179"),
  ["audio/mpeg"] = mpeg_audio, ["audio/mp3"] = mpeg_audio,
  ["audio/wav"] = riff("WAVE"), ["audio/x-wav"] = riff("WAVE"), ["audio/wave"] = riff("WAVE"),
  ["audio/flac"] = starts("fLaC"), ["audio/x-flac"] = starts("fLaC"),
  ["audio/ogg"] = starts("OggS"),
  ["audio/mp4"] = iso_media, ["audio/m4a"] = iso_media, ["audio/x-m4a"] = iso_media,
  ["audio/aac"] = starts("\255\241", "\255\249"), ["audio/x-aac"] = starts("\255\241", "\255\249"),
}

--- Complains about a data URI that is not base64 of what it announces.
---@param uri string  begins with "data:"
---@return string|nil complaint
function assets.data_uri(uri)
  local head, start = uri:match("^data:([^,]*),()")
  if not head then return "Invalid data URI: it has no comma." end
  local kind, rest = head:match("^([A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+)(.*)$")
  if not kind or rest:sub(-7) ~= ";base64" then
    return "Invalid data URI: it must name a media type and be base64 encoded."
  end
  local fits = KNOWN[words.lower(kind)]
  if not fits then return ("Invalid asset: the media type %s is not supported."):format(kind) end
  if #uri < start then return "Invalid asset: the data URI is empty." end
  if (#uri - start + 1) % 4 ~= 0 or not uri:find("^[A-Za-z0-9+/]+=?=?$", start) then
    return "Invalid data URI: what follows the comma is not base64."
  end
  if not fits(tools.unbase64(uri:sub(start, start + 63))) then
    return ("Invalid asset: the bytes are not %s, as the data URI says."):format(kind)
  end
  return nil
end

--- Complains about a URL the official API would not fetch.
---@param url string
---@param own string|nil  the sandbox's own base URL, whose files may be used as inputs again
---@return string|nil complaint
function assets.url(url, own)
  if own and url:sub(1, #own + 7) == own .. "/files/" then return nil end
  local scheme, authority = url:match("^([A-Za-z]+)://([^/?#]*)")
  if scheme ~= "https" then return "Invalid asset URL: all URLs must be HTTPS." end
  local host = authority:gsub("^.*@", ""):gsub(":%d*$", "")
  if host == "" then return "Invalid asset URL: it has no host." end
  if host:find("^%d+%.%d+%.%d+%.%d+$") or host:sub(1, 1) == "[" then
    return "Invalid asset URL: URLs must reference a domain name, not an IP address."
  end
  if url:find("[%z\1-\31\127 \t-\r]") then return "Invalid asset URL: it holds blanks or control characters." end
  return nil
end

--- Is this an http or https URL with a host? All that the resellers' documents ask of one.
function assets.is_url(value)
  return type(value) == "string" and value:find("^https?://[^ \t-\r/?#]+[^%z\1-\31\127 \t-\r]*$") ~= nil
end

return assets
