--- Parts of what the official API accepts that several of its operations have in common. Limits are
-- Runway's own: lengths in UTF-16 units, data URIs in characters.

local v = require "runway.sandbox.validate"

local int, number, one_of, list = v.int, v.number, v.one_of, v.list
local open, closed, by, either = v.open, v.closed, v.by, v.either

local parts = {}

-- The SDK of 2026-08-31 took the limit of films and sounds down from 16 MB.
local LONGEST = 5242880
parts.IMAGE = v.asset("image", LONGEST)
parts.VIDEO = v.asset("video", LONGEST)
parts.AUDIO = v.asset("audio", LONGEST)

parts.SEED = int(0, 4294967295)
parts.ANY_SEED = int(0, 9007199254740991) -- of the models whose range no document tells
parts.ANY_INT = 9007199254740991
parts.PERCENT = int(0, 100)
parts.UNIT = number(0, 1)
parts.MODERATION = closed("", { publicFigureThreshold = one_of "auto low" })
parts.PRORES = one_of { "422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ" }

--- A number of seconds, or that the model decides.
function parts.or_auto(seconds) return either(seconds, one_of "auto") end

function parts.references(most) return list(closed("uri", { uri = parts.IMAGE }), nil, most) end

--- A list of { type = media, uri = … }.
---@param shape function  validate.open or validate.closed
function parts.typed(shape, media, uri, most)
  return list(shape("type uri", { type = one_of(media), uri = uri }), nil, most)
end

--- { type = kind, uri = … }
function parts.media(kind, uri) return open("uri", { uri = uri, type = one_of(kind) }) end

local RANGE = closed("start_seconds end_seconds", {
  start_seconds = int(0, parts.ANY_INT), end_seconds = int(1, parts.ANY_INT),
})
parts.KEYFRAME = either(
  closed("uri seconds", { uri = parts.IMAGE, seconds = number(0, 30), range = RANGE }),
  closed("uri at", { uri = parts.IMAGE, at = parts.UNIT, range = RANGE }))

parts.PRESET = one_of(
  "Maya Arjun Serene Bernard Billy Mark Clint Mabel Chad Leslie Eleanor Elias Elliot " ..
  "Grungle Brodie Sandra Kirk Kylie Lara Lisa Malachi Marlene Martin Miriam Monster Paula " ..
  "Pip Rusty Ragnar Xylar Maggie Jack Katie Noah James Rina Ella Mariah Frank Claudia " ..
  "Niki Vincent Kendrick Myrna Tom Wanda Benjamin Kiana Rachel")
parts.PRESET_VOICE = by("type", { ["runway-preset"] = open("presetId", { presetId = parts.PRESET }) })

return parts
