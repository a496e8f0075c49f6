-- Rules that several of Runway's models have in common, whatever they make: addresses, references,
-- frames, seeds, moderation. Their forms are in runway.providers.advice.

local advice = require "runway.providers.advice"

local text, whole, one_of = advice.text, advice.whole, advice.one_of
local list, object = advice.list, advice.object
local media, frames = advice.media, advice.frames

local rules = {}

rules.image, rules.video, rules.audio = media "image", media "video", media "audio"
rules.percent = whole(0, 100)
rules.seed = whole(0, 4294967295)

-- Of a model whose document tells no range: what JSON holds exactly.
rules.any_seed = whole(0, 2^53)
rules.moderation = object { publicFigureThreshold = one_of { "auto", "low" } }
rules.prores = one_of { "422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ" }

---------------------------------------------------------------------------------------------------
-- The images of a video are frames at a position. `optional`: the position may be left out, which
-- makes an image a reference and not a frame.

rules.first_frame = frames { max = 1, positions = { "first" } }
rules.first_and_last = frames { max = 2, positions = { "first", "last" }, first = true }
rules.either_end = frames { max = 2, positions = { "first", "last" } }

---@param max integer|nil  nil: no limit is documented
function rules.frames_or_references(max)
  return frames { max = max, positions = { "first", "last" }, optional = true }
end

---------------------------------------------------------------------------------------------------
-- References

function rules.references(max)
  return list { max = max, of = object { needs = { "uri" }, uri = rules.image } }
end

---{ type = class, uri = … }
function rules.typed(class, rule)
  return object { needs = { "type", "uri" }, type = one_of { class }, uri = rule }
end

function rules.videos(max) return list { max = max, of = rules.typed("video", rules.video) } end
function rules.audios(max) return list { max = max, of = rules.typed("audio", rules.audio) } end

local tag = text(16, 3, "^[a-z][a-z0-9_]+$")

---@param form string|nil  of the tag, as a Lua pattern
function rules.tagged(max, min, form)
  return list { max = max, min = min, of = object {
    needs = { "uri" }, uri = rules.image, tag = form and text(16, 3, form) or tag,
  } }
end

function rules.subjects(max)
  return list { max = max, of = object {
    needs = { "uri" }, uri = rules.image, tag = tag, subject = one_of { "object", "human" },
  } }
end

---{ type = one of two classes, uri = … }
function rules.either_class(one, other)
  return object { needs = { "type", "uri" }, type = one_of { one, other }, uri = media "type" }
end

---------------------------------------------------------------------------------------------------

---@param common table  fields of many models; changed
---@param more table    fields of this one
---@return table common
function rules.with(common, more)
  for name, rule in pairs(more) do common[name] = rule end
  return common
end

return rules
