-- The body of a request to Runway's own API, from the caller's neutral params.
--
-- Where the media go:
--   prompt_image  the field promptImage where the model has one; character of a performance;
--                 imageUri of an upscale; else the references of the model
--   prompt_video  promptVideo or videoUri, whichever the model has (videoUri for a model no one
--                 knows); reference of a performance, or its character when only that is missing;
--                 media of a speech_to_speech
-- A place that the caller fills by its own name (character, video_uri, …) is left to him.

local advice = require "runway.providers.advice"
local models = require "runway.providers.runwayml_models"
local official = require "runway.providers.official"
local params = require "runway.params"
local values = require "runway.values"

local misuse, refused = values.misuse, values.refused

local body = {}

-- Names of this module and not of the API's.
local OURS = {
  kind = true, key = true, format = true, callback_url = true, prompt_image = true,
  prompt_video = true,
}

local ANY_MEDIA = advice.media "any"

---------------------------------------------------------------------------------------------------
-- Media

-- Where a model also takes references, an image without a position is not the same as a first
-- frame, so no position is made up, and one that was given stays.
local function prompt_image(list, rule)
  local optional = rule and rule.optional
  return official.frames(list, rule and not optional and rule.positions or nil, optional)
end

-- Images as references: the list as it is, with the type that the model asks for.
local function references(list, rule)
  return official.references(list, rule and rule.of.fields.type and rule.of.fields.type.allowed[1])
end

local function one_image(who, list)
  if #list > 1 then
    return nil, refused("prompt_image", "%s takes one prompt_image, not %d", who, #list)
  end
  return list[1].uri
end

-- Puts a value into a field that the caller may have filled himself.
local function fill(json, given_as, field, name, v)
  if json[field] ~= nil then
    return misuse(name, "%s and %s are the same for this model: give one of them", name,
      given_as[field])
  end
  json[field], given_as[field] = v, name
  return nil
end

local function image_field(kind, rules)
  if rules and rules.promptImage then return "promptImage" end
  if kind == "character_performance" then return "character" end
  if kind == "image_upscale" then return "imageUri" end
  if kind == "text_to_image" then return "referenceImages" end
  if not rules then return "promptImage" end
  return rules.references and "references" or nil
end

local function place_image(kind, who, rules, list, json, given_as)
  local field = image_field(kind, rules)
  if not field then
    return refused("prompt_image", "%s takes no prompt_image in %s", who, kind)
  end
  local v, problem
  if values.is_null(list) then
    v = list
  elseif field == "promptImage" then
    v = prompt_image(list, rules and rules.promptImage)
  elseif field == "character" or field == "imageUri" then
    v, problem = one_image(who, list)
    if problem then return problem end
    if field == "character" then v = { type = "image", uri = v } end
  else
    v = references(list, rules and rules[field])
  end
  return fill(json, given_as, field, "prompt_image", v)
end

local function video_field(kind, rules, json)
  if kind == "character_performance" then
    return json.reference ~= nil and json.character == nil and "character" or "reference"
  end
  if kind == "speech_to_speech" then return "media" end
  if not rules or rules.videoUri then return "videoUri" end
  return rules.promptVideo and "promptVideo" or nil
end

local function place_video(kind, who, rules, v, json, given_as)
  local field = video_field(kind, rules, json)
  if not field then
    return refused("prompt_video", "%s takes no prompt_video in %s", who, kind)
  end
  if field ~= "videoUri" and field ~= "promptVideo" and not values.is_null(v) then
    v = { type = "video", uri = v }
  end
  return fill(json, given_as, field, "prompt_video", v)
end

---------------------------------------------------------------------------------------------------
-- Models

local function names_of(kind)
  local names = {}
  for name, rules in pairs(models[kind]) do
    if not rules.removed then names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- A model known for other kinds only; one that has left the document may have had more kinds than
-- are kept here, so it is not judged.
local function wrong_kind(kind, model)
  if models[kind][model] then return nil end
  local others = {}
  for other, known in pairs(models) do
    if known[model] then
      if known[model].removed then return nil end
      others[#others + 1] = other
    end
  end
  if #others == 0 then return nil end
  table.sort(others)
  return refused("model", "%s does not make %s but %s; that is made by %s", model, kind,
    table.concat(others, " and "), names_of(kind))
end

-- The ratio in the spelling that the model knows: "16:9" and "1280:720" mean the same.
local function spelled_ratio(ratio, rule)
  if type(ratio) ~= "string" or not (rule and rule.allowed) then return ratio end
  local pixels, words = params.ratio_pixels(ratio), params.ratio_words(ratio)
  local other = ratio
  for _, allowed in ipairs(rule.allowed) do
    if allowed == ratio then return ratio end
    if allowed == pixels or allowed == words then other = allowed end
  end
  return other
end

-- An empty Lua table would be sent as {}; where the model takes a list, it is an empty list.
local function mark_lists(json, rules)
  for field, v in pairs(json) do
    local rule = rules[field]
    if type(rule) == "table" and rule.form == "list" and type(v) == "table" and next(v) == nil
      and not values.is_null(v) and not values.is_file(v) then
      json[field] = values.as_list({})
    end
  end
end

-- What the API refuses whatever the model: time that is none, addresses of no known form.
local function refused_by_all(who, given)
  local duration = given.duration
  if type(duration) == "number" and duration <= 0 then
    return refused("duration", "%s takes durations above 0, not %s", who, values.show(duration))
  end
  local images = given.prompt_image
  for i, entry in ipairs(type(images) == "table" and not values.is_null(images) and images or {}) do
    local name = #images == 1 and "prompt_image" or ("prompt_image[%d]"):format(i)
    local refusal = advice.refusal(name, entry.uri, ANY_MEDIA)
    if refusal then return refused("prompt_image", "%s %s", who, refusal) end
  end
  local refusal = advice.refusal("prompt_video", given.prompt_video, ANY_MEDIA)
  return refusal and refused("prompt_video", "%s %s", who, refusal) or nil
end

-- Fields that the caller fills by a neutral name.
local NEUTRAL = { videoUri = "prompt_video", imageUri = "prompt_image" }

-- What is odd about a model that is sent all the same; nil when it is well known.
local function warning_of(kind, model)
  local gone = official.gone(model)
  if gone then
    return ("%s is gone from Runway's API since %s and most likely refused; %s is made by %s")
      :format(model, gone, kind, names_of(kind))
  end
  if models[kind][model] then return nil end
  local known = {}
  for name in pairs(models[kind]) do known[#known + 1] = name end
  table.sort(known)
  return advice.unknown_model(model, known)
end

---The JSON body of a submit, checked against what its model is known to take.
---@param kind string  one of the adapter's kinds
---@param given table  normalised params; not changed
---@return table|nil json
---@return table|nil problem
---@return string[]|nil warnings  what goes through though it is not known, or is known to be gone
function body.build(kind, given)
  if given.callback_url ~= nil and not values.is_null(given.callback_url) then
    return nil, refused("callback_url", "runwayml has no callbacks: leave callback_url out, the "
      .. "task is polled")
  end
  local model = given.model
  if model == nil then
    return nil, refused("model", "%s needs a model: %s", kind, names_of(kind))
  end
  local rules = models[kind][model]
  local problem = wrong_kind(kind, model)
  if problem then return nil, problem end

  -- with places for what most have: a table is made anew each time that it grows
  local json = { model = model, promptText = nil, promptImage = nil, ratio = nil, duration = nil }
  local given_as = { model = "model", promptText = nil, promptImage = nil, ratio = nil, duration = nil }
  for name, v in next, given do
    if not OURS[name] then
      local field = params.camel(name)
      json[field], given_as[field] = v, name
    end
  end
  json.ratio = spelled_ratio(json.ratio, rules and rules.ratio)
  if given.prompt_image ~= nil then
    problem = place_image(kind, model, rules, given.prompt_image, json, given_as)
    if problem then return nil, problem end
  end
  if given.prompt_video ~= nil then
    problem = place_video(kind, model, rules, given.prompt_video, json, given_as)
    if problem then return nil, problem end
  end
  if rules then mark_lists(json, rules) end
  local function spell(field) return given_as[field] or NEUTRAL[field] or params.snake(field) end
  local warnings = { warning_of(kind, model) }
  if rules then problem = advice.check(model, rules, json, spell, warnings) end
  problem = problem or refused_by_all(model, given)
  if problem then return nil, problem end
  return json, nil, #warnings > 0 and warnings or nil
end

return body
