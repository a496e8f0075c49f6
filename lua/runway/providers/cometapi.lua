-- CometAPI (https://apidoc.cometapi.com/api/video/runway): two families of routes on one host.
--
-- "pro": /runway/pro/{generate,video2video,act_one}, asked about at /runway/feed; snake_case, takes
-- media as URLs only and wants a callback_url. Text, images and videos go there unless the caller
-- says `format = "official"`.
-- "official": /runwayml/v1/{kind}, asked about at /runwayml/v1/tasks/{id}; Runway's own body. Kinds
-- and models that only this family has go there by themselves, and so do local files, which it
-- takes as data URIs.
--
-- CometAPI documents no cancel, no list of tasks and no upload for Runway.

local catalogue = require "runway.providers.catalogue"
local models = require "runway.providers.runwayml_models"
local reseller_request = require "runway.providers.reseller_request"
local official = require "runway.providers.official"
local params = require "runway.params"
local reseller_answer = require "runway.providers.reseller_answer"
local text = require "runway.text"
local values = require "runway.values"

local refused = values.refused

-- The pro routes refuse a request without callback_url. This one can never resolve (RFC 2606).
local NOWHERE = "https://callback.invalid/"

-- The model of CometAPI's own example for the pro routes, taken when the caller names none.
local PRO_MODEL = "gen4"

-- options.seconds is required; five is the shortest clip documented, so the cheapest.
local PRO_SECONDS = 5

-- The upstream's integer codes, sent as strings: "2" is a failure, which is always refunded.
local WORDS = { ["0"] = "PENDING", ["1"] = "RUNNING", ["2"] = "FAILED", ["3"] = "SUCCEEDED" }

local PRO_MODELS = { "gen4", "gen4_turbo" }

local PRO_LIMITS = {
  text_to_video = { models = PRO_MODELS, model = PRO_MODEL, ratios = { "16:9", "9:16", "1:1" } },
  image_to_video = {
    models = PRO_MODELS, model = PRO_MODEL, ratios = { "1280:720", "720:1280" },
    durations = { 5, 10 },
  },
  video_to_video = { models = PRO_MODELS, model = PRO_MODEL },
  character_performance = {},
}

-- Per kind of the official family: the model of its page, taken when the caller names none, and
-- what the page says of it.
local OFFICIAL_LIMITS = {
  character_performance = { model = "act_two", models = { "act_two" } },
  image_to_video = {
    model = "gen4_turbo", models = { "gen3a_turbo", "gen4_turbo" }, prompt = 512,
    durations = { 5, 10 }, seed = 999999999,
    ratios = { "1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672", "1280:768",
      "768:1280" },
  },
  sound_effect = { model = "eleven_text_to_sound_v2", models = {} },
  text_to_image = { model = "gen4_image", models = { "gen4_image", "gen4_image_turbo" }, prompt = 1000 },
  text_to_speech = { model = "eleven_multilingual_v2", models = {} },
  text_to_video = { models = {} },
  video_to_video = {
    model = "gen4_aleph", models = { "gen4_aleph" }, prompt = 1000,
    ratios = { "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672", "848:480",
      "640:480" },
  },
  video_upscale = { model = "upscale_v1", models = { "upscale_v1" } },
}

local KIND_OF_MODEL = {
  act_two = "character_performance", eleven_multilingual_v2 = "text_to_speech",
  eleven_text_to_sound_v2 = "sound_effect", gen4_aleph = "video_to_video",
  gen4_image = "text_to_image", gen4_image_turbo = "text_to_image", upscale_v1 = "video_upscale",
}

local WORDS_OF_ALL = reseller_answer.words(WORDS)

local function is_local(uri)
  return params.is_file(uri) or type(uri) == "string" and uri:find("^[Dd][Aa][Tt][Aa]:") ~= nil
end

-- Is there a local file, or a data URI, among the inputs?
local function has_local(given)
  if is_local(given.prompt_video) then return true end
  for _, name in ipairs { "character", "reference" } do
    local input = given[name]
    if type(input) == "table" and (is_local(input) or is_local(input.uri)) then return true end
  end
  for _, entry in ipairs(given.prompt_image or {}) do
    if is_local(entry.uri) then return true end
  end
  return false
end

-- The caller's choice first; else what the kind, the model or the inputs can have in one family only.
local function is_official(kind, given)
  if given.format ~= nil then return given.format == "official" or not PRO_LIMITS[kind] end
  return not PRO_LIMITS[kind] or KIND_OF_MODEL[given.model] ~= nil or has_local(given)
end

---------------------------------------------------------------------------------------------------
-- Requests of the pro family

-- What the pages and those of the upstream have in `options`.
local OPTIONS = {
  options = { "flip", "image_as_end_frame", "motion_vector", "seconds", "structure_transformation" },
  motion_vector = { "bg_x_pan", "bg_y_pan", "r", "x", "y", "z" },
}

-- What is no URL. The official form takes what is on this machine or was uploaded, and no other.
local function not_url(field, v)
  local official_takes = is_local(v) or type(v) == "string" and v:find "^runway://"
  return reseller_request.not_url("cometapi", field, v,
    official_takes and 'use an https URL, or format = "official"' or "use an https URL")
end

local function body_of(given, rest)
  local body = {}
  for name, v in pairs(rest) do body[name] = v end
  body.model, body.prompt, body.ratio = given.model, given.prompt_text, given.ratio
  body.seed = given.seed
  body.callback_url = given.callback_url or NOWHERE
  return body
end

-- The wrapper wants options.seconds and options.motion_vector. Six zeros are a still camera, which
-- is what a request without a camera move means.
local function complete_options(body, given, rest, still)
  local options, problem = reseller_request.options(rest, OPTIONS)
  if not options then return nil, problem end
  options.seconds, problem = reseller_request.seconds(given, options)
  if problem then return nil, problem end
  if options.seconds == nil then options.seconds = PRO_SECONDS end
  if still and options.motion_vector == nil then
    options.motion_vector = { x = 0, y = 0, z = 0, r = 0, bg_x_pan = 0, bg_y_pan = 0 }
  end
  body.options = options
  return body
end

local pro = {}

function pro.text_to_video(given, rest)
  if (given.prompt_text or "") == "" then
    return nil, refused("prompt_text", "cometapi needs prompt_text for text_to_video")
  end
  local body = body_of(given, rest)
  body.model = body.model or PRO_MODEL
  return complete_options(body, given, rest, true)
end

function pro.image_to_video(given, rest)
  local first, last, problem = reseller_request.frames("cometapi", given.prompt_image)
  if problem then return nil, problem end
  if not first then
    return nil, refused("prompt_image", "cometapi needs a first image for image_to_video")
  end
  problem = not_url("prompt_image", first.uri) or not_url("prompt_image", last and last.uri)
  if problem then return nil, problem end
  local body = body_of(given, rest)
  body.model = body.model or PRO_MODEL
  body.image, body.last_image = first.uri, last and last.uri
  return complete_options(body, given, rest, true)
end

function pro.video_to_video(given, rest)
  local video = given.prompt_video or rest.video_uri or rest.videoUri
  if not video then
    return nil, refused("prompt_video", "cometapi needs prompt_video for video_to_video")
  end
  local problem = not_url("prompt_video", video)
  if problem then return nil, problem end
  local body = body_of(given, rest)
  body.model = body.model or PRO_MODEL
  body.video, body.video_uri, body.videoUri = video, nil, nil
  return complete_options(body, given, rest, false)
end

-- The clip is as long as the driving video, and only 16:9 sources are taken.
function pro.character_performance(given, rest)
  local character, reference, problem = reseller_request.actors("cometapi", given, rest)
  if problem then return nil, problem end
  local image, video = character and character.uri, reference and reference.uri
  if not image then return nil, refused("character", "cometapi needs character for act_one") end
  if not video then return nil, refused("reference", "cometapi needs reference for act_one") end
  if character.type == "video" then
    return nil, refused("character",
      'cometapi\'s act_one moves an image, not a video: use an image, or format = "official"')
  end
  problem = not_url("character", image) or not_url("reference", video)
  if problem then return nil, problem end
  if given.duration then
    return nil, refused("duration", "cometapi's act_one has no duration: the clip is as long as "
      .. "the reference video")
  end
  local body = body_of(given, rest)
  body.character, body.reference = nil, nil
  body.image, body.video = image, video
  return body
end

local PRO_PATHS = {
  text_to_video = "/runway/pro/generate", image_to_video = "/runway/pro/generate",
  video_to_video = "/runway/pro/video2video", character_performance = "/runway/pro/act_one",
}

-- Text is asked for in words, an image clip in pixels.
local function spell_ratio(kind, ratio)
  if not ratio then return nil end
  if kind == "image_to_video" then return params.ratio_pixels(ratio) end
  return params.ratio_words(ratio)
end

-- What each route would drop without a word.
local STRAY = {
  text_to_video = { "prompt_image", "prompt_video" }, image_to_video = { "prompt_video" },
  video_to_video = { "prompt_image" }, character_performance = {},
}

local function submit_pro(kind, given, rest)
  given.ratio = spell_ratio(kind, given.ratio)
  local problem = reseller_request.stray("cometapi", kind, given, STRAY[kind])
  if problem then return nil, problem end
  local body
  body, problem = pro[kind](given, rest)
  if not body then return nil, problem end
  given.duration = given.duration or body.options and tonumber(body.options.seconds)
  local warnings = {}
  problem = reseller_request.refusal("cometapi", given, PRO_LIMITS[kind], warnings)
  if problem then return nil, problem end
  return { method = "POST", path = PRO_PATHS[kind], json = body, warnings = reseller_request.told(warnings) }
end

---------------------------------------------------------------------------------------------------
-- Requests of the official family

-- What Runway itself cannot do without, by model; the caller's name beside its own.
local REQUIRED = {
  gen4_aleph = { "promptText", "prompt_text" }, gen4_image = { "ratio", "ratio" },
  gen4_turbo = { "ratio", "ratio" },
}

-- What Runway itself is known to refuse, which the relay would only pass on.
local function refusal_of_body(kind, body)
  local required = REQUIRED[body.model]
  if required and body[required[1]] == nil then
    return refused(required[2], "cometapi needs %s for %s", required[2], body.model)
  end
  if kind == "text_to_image" and body.referenceImages == nil then
    return refused("reference_images", "cometapi needs reference_images (1 to 3) for text_to_image")
  end
  return nil
end

-- What these bodies have no place for.
local STRAY_OFFICIAL = {
  character_performance = {}, image_to_video = { "prompt_video" },
  sound_effect = { "prompt_image", "prompt_video" }, text_to_image = { "prompt_video" },
  text_to_speech = { "prompt_image", "prompt_video" },
  text_to_video = { "prompt_image", "prompt_video" }, video_to_video = {},
  video_upscale = { "prompt_image" },
}

local function submit_official(kind, given, rest)
  local limits = OFFICIAL_LIMITS[kind]
  local problem = reseller_request.stray("cometapi", kind, given, STRAY_OFFICIAL[kind])
  if problem then return nil, problem end
  local body
  body, problem = reseller_request.official("cometapi's official form", kind, given, rest, limits.model)
  if not body then return nil, problem end
  given.ratio = body.ratio
  local warnings = {}
  problem = reseller_request.refusal("cometapi", given, limits, warnings) or refusal_of_body(kind, body)
  if problem then return nil, problem end
  if not body.model then
    return nil, refused("model", "cometapi's official form needs a model for %s", kind)
  end
  official.warn_at("cometapi", body.model, warnings)
  return { method = "POST", path = "/runwayml/v1/" .. kind, json = body, format = "official",
    warnings = reseller_request.told(warnings) }
end

---------------------------------------------------------------------------------------------------

local cometapi = {
  name = "cometapi",
  base_url = "https://api.cometapi.com",
  env = { api_key = "COMETAPI_KEY" },
  poll_interval = 5,
  -- A fresh task may be "task_not_exist" for a while; minutes have been reported, 90 s is what
  -- clients in the field allow.
  missing_grace = 90,
  kinds = {
    "character_performance", "image_to_video", "sound_effect", "text_to_image", "text_to_speech",
    "text_to_video", "video_to_video", "video_upscale",
  },
  formats = official.FORMATS,          -- of the official family, which alone takes more than URLs
  -- The official bodies, and what the pages of the pro routes and of their upstream have beside them.
  names = official.names(models, {
    "flip", "image_as_end_frame", "last_image", "options", "style", "videoUri", "video_uri", "watermark",
  }),
  sign = official.sign,
  retryable_failure = official.retryable_failure,
  models = {},
}

-- A model that both families have takes what the page of the official one says.
for _, family in ipairs { PRO_LIMITS, OFFICIAL_LIMITS } do
  for kind, limits in pairs(family) do
    local named = #(limits.models or {}) > 0 and limits.models or { limits.model }
    catalogue.add(cometapi.models, kind, { models = named, ratios = limits.ratios, durations = limits.durations })
  end
end
for _, models_of_kind in pairs(cometapi.models) do
  for model, facts in pairs(models_of_kind) do facts.removed = official.gone(model) end
end

---Data URIs go in the official form alone.
---@param kind string
---@param given table|nil  normalised params
---@return table<string,integer>  class -> longest data URI in characters
function cometapi.media(kind, given)
  if not is_official(kind, given or {}) then return {} end
  return { image = official.RELAYED_DATA_URI.image, video = official.RELAYED_DATA_URI.video }
end

---@param given table  normalised params
---@return string|nil kind  for models that have only one
function cometapi.kind_of(given)
  return KIND_OF_MODEL[given.model]
end

---@param kind string
---@param all table  normalised params; `format = "official"` or "pro" chooses the family
---@return table|nil request
---@return table|nil problem
function cometapi.submit(kind, all)
  if not OFFICIAL_LIMITS[kind] then return nil, refused("kind", "cometapi has no %s", kind) end
  local format = all.format
  if format ~= nil and format ~= "official" and format ~= "pro" then
    return nil, refused("format", 'cometapi knows the formats "official" and "pro", not %s',
      values.show(format))
  end
  if format == "pro" and not PRO_PATHS[kind] then
    return nil, refused("format", 'cometapi has %s only with format = "official"', kind)
  end
  local given, rest = reseller_request.split(all)
  if is_official(kind, all) then return submit_official(kind, given, rest) end
  return submit_pro(kind, given, rest)
end

---@param answer table
---@return table|nil fields
---@return table|nil problem
function cometapi.accepted(answer) return reseller_answer.accepted(answer, WORDS_OF_ALL) end

---An id alone may be asked of either family; the feed knows the tasks of both.
---@param ref table  { id=, kind=, format= }
---@return table request
function cometapi.query(ref)
  if ref.format == "official" or (ref.kind and not PRO_PATHS[ref.kind]) then
    return { method = "GET", path = "/runwayml/v1/tasks/" .. text.escape(ref.id) }
  end
  return { method = "POST", path = "/runway/feed", json = { task_id = ref.id }, safe = true }
end

---@param answer table
---@param ref table
---@return table|nil fields
---@return table|nil problem
function cometapi.task(answer, ref) return reseller_answer.task(answer, ref, WORDS_OF_ALL) end

---@param answer table
---@return table|nil problem
function cometapi.problem(answer) return reseller_answer.problem(answer) end

---The upstream's task object, without an envelope and all in strings; also the forms of a query.
---@param payload any  decoded JSON
---@return table|nil fields  id and hint
function cometapi.callback(payload) return reseller_answer.callback(payload, WORDS_OF_ALL) end

return cometapi
