-- What the resellers' adapters share on the way out: the refusals that cost nothing, and the
-- official request body, which several of them take under /runwayml/v1.
--
-- A limit is advice about the models it was documented for. A model that it does not name is let
-- through with whatever the caller gave, and so is, with a warning, a value that a list does not have.

local advice = require "runway.providers.advice"
local official = require "runway.providers.official"
local options = require "runway.options"
local params = require "runway.params"
local text = require "runway.text"
local values = require "runway.values"

local refused, misuse, show = values.refused, values.misuse, values.show

local reseller_request = {}

-- Names of this module, never sent.
local OURS = { kind = true, key = true, format = true }

local LONGEST_CLIP = 3600                     -- seconds

-- Names that every adapter maps by itself.
local NEUTRAL = {
  prompt_text = true, prompt_image = true, prompt_video = true, model = true, ratio = true,
  duration = true, seed = true, callback_url = true,
}

---The caller's params in two halves: the neutral ones (a null counts as not given), and the rest,
---which passes through.
---@param all table  normalised params
---@return table given
---@return table rest
function reseller_request.split(all)
  local given, rest = {}, {}
  for name, v in pairs(all) do
    if NEUTRAL[name] then
      if not params.is_null(v) then given[name] = v end
    elseif not OURS[name] then
      rest[name] = v
    end
  end
  return given, rest
end

---------------------------------------------------------------------------------------------------
-- Refusals

local function has(list, v)
  for _, one in ipairs(list) do
    if one == v then return true end
  end
  return false
end

-- Lets through a model that no page names.
local function unknown_model(warnings, model, models)
  if model ~= nil and #models > 0 then warnings[#warnings + 1] = advice.unknown_model(model, models) end
end

-- Lets through what may be newer than a page's list.
local function unlisted(warnings, field, model, v, list)
  if v == nil or not list or has(list, v) then return end
  local meant = type(v) == "string" and v:gsub("^(%d+)[xX*/](%d+)$", "%1:%2")
  warnings[#warnings + 1] = ("%s: %s %s is not among those known (%s)%s; it goes to the API as it is"):format(model,
    field, show(v), text.either(list), meant and has(list, meant) and (" (did you mean %s?)"):format(meant) or "")
end

-- No model makes clips of hours; those that the pages describe have whole seconds. "auto" is a word of Runway's
-- newer models.
local function is_no_length(duration, described)
  if type(duration) ~= "number" then return described end
  return duration <= 0 or duration > LONGEST_CLIP or described and duration % 1 ~= 0
end

---A request's `warnings`: nil when there are none.
---@param warnings string[]
---@return string[]|nil
function reseller_request.told(warnings) return #warnings > 0 and warnings or nil end

---The first of the given values that cannot be right.
---@param who string    the provider, as it is to be named
---@param given table   neutral params, the ratio already in the API's spelling
---@param limits table  { models={}, model=, prompt=, ratios={}, durations={}, seed= }: the models
---  the rest holds for, the one that is taken when none is given, the longest prompt in UTF-16
---  units, the ratios, the seconds, the greatest seed
---@param warnings string[]  gets what goes through though no list has it
---@return table|nil problem
function reseller_request.refusal(who, given, limits, warnings)
  local model = given.model or limits.model
  local known = has(limits.models or {}, model)
  local durations = known and limits.durations
  local duration, prompt = given.duration, given.prompt_text
  if duration and is_no_length(duration, known or model == nil) then
    return refused("duration", "%s: duration must be %s seconds, not %s", who,
      durations and text.either(durations) or "more than 0", show(duration))
  end
  if not known then
    unknown_model(warnings, given.model, limits.models or {})
    return nil
  end
  if prompt and limits.prompt and text.length(prompt) > limits.prompt then
    return refused("prompt_text", "%s takes at most %d characters of prompt_text for %s, not %d",
      who, limits.prompt, model, text.length(prompt))
  end
  if given.seed and limits.seed and given.seed > limits.seed then
    return refused("seed", "%s takes seeds from 0 to %d, not %s", who, limits.seed,
      values.show_number(given.seed))
  end
  unlisted(warnings, "ratio", model, given.ratio, limits.ratios)
  unlisted(warnings, "duration", model, duration, durations)
  return nil
end

---A problem unless `v` is an http(s) URL; nil counts as one.
---@param who string    the provider
---@param field string
---@param v any
---@param instead string  what to do about it
---@return table|nil problem
function reseller_request.not_url(who, field, v, instead)
  if v == nil or type(v) == "string" and v:find("^[Hh][Tt][Tt][Pp][Ss]?://[^%z\1-\32\127]+$") then
    return nil
  end
  local class = field == "prompt_image" and "image" or field == "prompt_video" and "video" or field
  return refused(field, "%s takes only %s URLs, not %s: %s", who, class, show(v), instead)
end

---A problem when one of the named inputs is given, for it would be dropped without a word.
---@param who string   the provider
---@param kind string
---@param given table
---@param names string[]
---@return table|nil problem
function reseller_request.stray(who, kind, given, names)
  for _, name in ipairs(names) do
    if given[name] ~= nil then
      return refused(name, "%s has no %s for %s", who, name, kind)
    end
  end
  return nil
end

---The first and the last image of `prompt_image`; one without a position takes the first free
---place.
---@param who string  the provider
---@param list table|nil  entries { uri=, position= }
---@return table|nil first
---@return table|nil last
---@return table|nil problem
function reseller_request.frames(who, list)
  local frames, unplaced = {}, {}
  for _, entry in ipairs(list or {}) do
    local position = entry.position
    if position == nil then
      unplaced[#unplaced + 1] = entry
    elseif position ~= "first" and position ~= "last" then
      return nil, nil, refused("prompt_image", '%s places an image "first" or "last", not %s', who,
        show(position))
    elseif frames[position] then
      return nil, nil, refused("prompt_image", "%s takes one %s image, not two", who, position)
    else
      frames[position] = entry
    end
  end
  for _, entry in ipairs(unplaced) do
    local position = not frames.first and "first" or "last"
    if frames[position] then
      return nil, nil, refused("prompt_image",
        "%s takes at most two images, the first and the last", who)
    end
    frames[position] = entry
  end
  return frames.first, frames.last
end

-- The first name in a table that is a slip of a known one.
local function slip_in(where, t, known)
  if type(t) ~= "table" or not known then return nil end
  local is_known = {}
  for _, name in ipairs(known) do is_known[name] = true end
  for name in pairs(t) do
    local near = type(name) == "string" and not is_known[name] and options.slip(name, known)
    if near then return refused("options", "%s has no %s; did you mean %s?", where, show(name), near) end
  end
  return nil
end

---The caller's `options` table, copied so that it can be completed.
---@param rest table
---@param known table<string, string[]>|nil  the names it is known to hold, as `options`, and those of tables in it
---@return table|nil options
---@return table|nil problem
function reseller_request.options(rest, known)
  local given = rest.options
  if given == nil then return {} end
  if type(given) ~= "table" or params.is_file(given) or params.is_null(given)
    or given[1] ~= nil then
    return nil, misuse("options", "options must be a table of names")
  end
  known = known or {}
  local problem, copy = slip_in("options", given, known.options), {}
  for name, v in pairs(given) do
    copy[name] = v
    problem = problem or name ~= "options" and slip_in("options." .. name, v, known[name])
  end
  if problem then return nil, problem end
  return copy
end

---The clip's seconds from `duration` or from `options.seconds`, which must not contradict.
---@param given table
---@param chosen table  `options`
---@return any seconds
---@return table|nil problem
function reseller_request.seconds(given, chosen)
  local one, other = given.duration, chosen.seconds
  if one and other ~= nil and one ~= other then
    return nil, refused("duration", "duration is %s but options.seconds is %s: give one of them",
      show(one), show(other))
  end
  if one == nil then return other end
  return one
end

---------------------------------------------------------------------------------------------------
-- The official body

-- Models that take their video as promptVideo; all the others call it videoUri.
local function video_key(model)
  model = model or ""
  return (model:find("^seedance") or model:find("^hailuo")) and "promptVideo" or "videoUri"
end

local function class_of(uri)
  if params.is_file(uri) and uri.class then return uri.class end
  local address = params.is_file(uri) and uri.path or uri
  if type(address) ~= "string" then return "image" end
  address = text.lower(address:sub(1, 4096))
  if address:find("^data:video/") then return "video" end
  address = address:find("://", 1, true) and address:gsub("[?#].*$", "") or address
  for _, ending in ipairs { "mp4", "mov", "webm", "mkv", "m4v" } do
    if address:sub(-#ending - 1) == "." .. ending then return "video" end
  end
  return "image"
end

-- A character or its driving performance, given bare or as { type=, uri= }.
local function actor(v, class)
  if type(v) == "string" or params.is_file(v) then
    return { type = class or class_of(v), uri = v }
  end
  if type(v) == "table" and v.uri ~= nil and v.type == nil then
    local copy = { type = class or class_of(v.uri) }
    for name, value in pairs(v) do copy[name] = value end
    return copy
  end
  return v
end

---The driving video and the character's image for the kinds that need an actor: `reference` and
---`character`, or `prompt_video` and `prompt_image`.
---@param who string   the provider
---@param given table
---@param rest table
---@return table|nil character  { type=, uri= }
---@return table|nil reference  { type=, uri= }
---@return table|nil problem
function reseller_request.actors(who, given, rest)
  local images = given.prompt_image or {}
  if #images > 1 then
    return nil, nil, refused("prompt_image", "%s takes one image of a character, not %d", who, #images)
  end
  for own, name in pairs { character = "prompt_image", reference = "prompt_video" } do
    if rest[own] ~= nil and given[name] ~= nil then
      return nil, nil, misuse(name, "%s and %s are the same here: give one of them", name, own)
    end
  end
  local image = images[1]
  return actor(rest.character or image and image.uri),
    actor(rest.reference or given.prompt_video, "video")
end

local NEEDS = {
  image_to_video = { promptImage = "prompt_image" },
  text_to_video = { promptText = "prompt_text" },
  text_to_image = { promptText = "prompt_text" },
  sound_effect = { promptText = "prompt_text" },
  text_to_speech = { promptText = "prompt_text", voice = "voice" },
  video_upscale = { videoUri = "prompt_video" },
  character_performance = { character = "character", reference = "reference" },
}

-- Addresses of a form, or data URIs of a length, that Runway itself refuses; and a second image, or
-- a last one, where its model takes a first alone.
local function refusal_of_media(who, given, body)
  local images = body.promptImage
  if body.model == "gen4_turbo" and type(images) == "table" and not params.is_file(images)
    and (#images > 1 or images[1].position == "last") then
    return refused("prompt_image", "%s takes one image for gen4_turbo, the first", who)
  end
  for _, entry in ipairs(given.prompt_image or {}) do
    local refusal = advice.refusal("prompt_image", entry.uri, advice.media("image", true))
    if refusal then return refused("prompt_image", "%s %s", who, refusal) end
  end
  local refusal = advice.refusal("prompt_video", given.prompt_video, advice.media("video", true))
  return refusal and refused("prompt_video", "%s %s", who, refusal) or nil
end

---The body of POST /v1/{kind} of the official API, as of version 2024-11-06.
---@param who string   the provider, as it is to be named
---@param kind string
---@param given table  neutral params
---@param rest table   the others; their top level is turned to camelCase
---@param model string|nil  taken when none is given
---@return table|nil body
---@return table|nil problem
function reseller_request.official(who, kind, given, rest, model)
  local body = {}
  for name, v in pairs(rest) do body[params.camel(name)] = v end
  body.model = given.model or model
  body.promptText, body.duration, body.seed = given.prompt_text, given.duration, given.seed
  body.ratio = given.ratio and params.ratio_pixels(given.ratio)
  if kind == "character_performance" then
    local problem
    body.character, body.reference, problem = reseller_request.actors(who, given, rest)
    if problem then return nil, problem end
  elseif kind == "text_to_image" and given.prompt_image and not body.referenceImages then
    body.referenceImages = given.prompt_image
  elseif kind == "video_to_video" and given.prompt_image and not body.references then
    body.references = official.references(given.prompt_image, "image")
  elseif given.prompt_image then
    local list = given.prompt_image
    body.promptImage = official.frames(list, #list == 2 and { "first", "last" } or nil)
  end
  if given.prompt_video and kind ~= "character_performance" then
    body[video_key(body.model)] = given.prompt_video
  end
  if given.callback_url then
    return nil, refused("callback_url", "%s has no callback for %s", who, kind)
  end
  local problem = refusal_of_media(who, given, body)
  if problem then return nil, problem end
  local needed = NEEDS[kind] or {}
  if kind == "video_to_video" then needed = { [video_key(body.model)] = "prompt_video" } end
  for key, name in pairs(needed) do
    if body[key] == nil or body[key] == "" then
      return nil, refused(name, "%s needs %s for %s", who, name, kind)
    end
  end
  return body
end

return reseller_request
