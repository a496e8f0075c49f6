--- What the official API accepts: Runway's OpenAPI document (version 2024-11-06, as of August 2026) and
-- what its SDK of 2026-09-23 knows beyond, as tables for validate.lua. One entry per operation; where a
-- body is chosen by its `model` (or `mode`), one branch per value. The kinds of tasks have rooms of their
-- own, by what they make.

local images = require "runway.sandbox.runwayml_images"
local parts = require "runway.sandbox.runwayml_parts"
local sound = require "runway.sandbox.runwayml_sound"
local v = require "runway.sandbox.validate"
local video = require "runway.sandbox.runwayml_video"

local text, int, number, flag, one_of, list = v.text, v.int, v.number, v.flag, v.one_of, v.list
local open, closed, by, either = v.open, v.closed, v.by, v.either
local IMAGE, VIDEO, AUDIO, SEED = parts.IMAGE, parts.VIDEO, parts.AUDIO, parts.SEED
local MODERATION, PRESET, KEYFRAME = parts.MODERATION, parts.PRESET, parts.KEYFRAME
local references, media = parts.references, parts.media

local kinds = {}
for _, made in ipairs { images, sound, video } do
  for kind, schema in pairs(made) do kinds[kind] = schema end
end

-- Recipes -------------------------------------------------------------------------------------

local VERSION = one_of "2026-06 unsafe-latest"
local PICTURE = closed("uri", { uri = IMAGE })

local function multi_shot(required, name, schema)
  return closed(required .. " version", {
    [name] = schema, version = VERSION, firstFrame = PICTURE,
    ratio = one_of "1280:720 720:1280 960:960 1920:1080 1080:1920 1440:1440",
    duration = one_of { 5, 10, 15 }, audio = flag(),
  })
end

local recipes = {
  ad_localization = closed("version referenceImage targetLanguage", {
    version = VERSION, referenceImage = PICTURE,
    targetLanguage = one_of("ar zh zh-Hant nl en fr de " ..
      "hi id it ja ko pl pt ru es sv th tr uk vi el"),
  }),
  marketing_stock_image = closed("version prompt", {
    version = VERSION, prompt = text(1, 3500), referenceImage = PICTURE, outputCount = int(1, 4),
    quality = one_of "low medium high",
  }),
  product_ad = closed("version productImages", {
    version = one_of "2026-06 2026-07 unsafe-latest", productImages = list(PICTURE, 1, 10),
    styleImages = list(PICTURE, nil, 4), productInfo = text(0, 2500), userConcept = text(0, 3500),
    ratio = one_of("1280:720 720:1280 960:960 834:1112 1920:1080 1080:1920 1440:1440 1248:1664"),
    duration = int(4, 15), audio = flag(),
  }),
  product_campaign_image = closed("version image prompt", {
    version = VERSION, image = PICTURE, prompt = text(1, 3500),
  }),
  product_swap = closed("version referenceVideo originalProductImage newProductImages", {
    version = VERSION, referenceVideo = closed("uri", { uri = VIDEO }),
    originalProductImage = PICTURE,
    newProductImages = list(closed("uri", { uri = IMAGE, view = one_of "front side back" }), 1, 10),
    duration = int(4, 15), resolution = one_of "720p 1080p", audio = flag(),
  }),
  multi_shot_video = by("mode", {
    auto = multi_shot("prompt", "prompt", text(1, 2500)),
    custom = multi_shot("shots", "shots", list(closed("prompt duration", {
      prompt = text(3, 512), duration = int(1, 15),
    }), 3, 5)),
  }),
  product_ugc = closed("version characterImage productImage", {
    version = VERSION, characterImage = PICTURE, productImage = PICTURE,
    productInfo = text(0, 2500), userConcept = text(0, 3500), duration = int(4, 15),
    ratio = one_of "720:1280 1080:1920",
    audio = flag(),
  }),
}

-- The model router ----------------------------------------------------------------------------

local function routed(input)
  return closed("configId input", {
    configId = text(1, 64, "^[a-z][a-z%d_%-]*$"), input = input,
    dryRun = flag(), -- told by Runway's pages alone
  })
end

local generate = {
  video = routed(closed("", {
    promptText = text(1, 6000), negativePrompt = text(0, 1000),
    referenceImages = list(open("uri role", {
      uri = IMAGE, role = one_of "first last reference" }), nil, 4),
    referenceVideos = list(open("uri role", {
      uri = VIDEO, role = one_of "source reference" }), nil, 2),
    referenceAudio = list(open("uri", { uri = AUDIO }), nil, 1),
    keyframes = list(KEYFRAME, nil, 5), duration = int(2, 30),
    aspectRatio = one_of "16:9 9:16 1:1 4:3 3:4 21:9", resolution = one_of "480p 720p 1080p 4k",
    audio = flag(), seed = SEED, contentModeration = MODERATION,
  })),
  image = routed(closed("promptText", {
    promptText = text(1, 32000), referenceImages = references(16), seed = SEED,
    aspectRatio = one_of "16:9 9:16 1:1 4:3 3:4 21:9 2:3 3:2 4:5 5:4",
    resolution = one_of "1k 2k 4k", outputCount = int(1, 10), contentModeration = MODERATION,
  })),
  audio = routed(closed("type promptText", {
    type = one_of "speech audio", promptText = text(1, 5000), duration = number(0.5, 30),
    loop = flag(),
    voice = by("type", {
      preset = closed("presetId", { presetId = PRESET }),
      ["reference-audio"] = closed("audioUri", { audioUri = AUDIO }),
    }),
    referenceAudios = list(closed("uri", { uri = AUDIO }), nil, 3),
  })),
}

-- The rest ------------------------------------------------------------------------------------

local NODE_OUTPUT = by("type", {
  primitive = open("value", { value = either(text(), number(), flag()) }),
  image = media("image", IMAGE), video = media("video", VIDEO), audio = media("audio", AUDIO),
})

return {
  kinds = kinds,
  recipes = recipes,
  generate = generate,
  upload = open("filename type", { filename = text(3, 255), type = one_of "ephemeral" }),
  usage = open("", { startDate = text(), beforeDate = text() }),
  workflow = open("", { nodeOutputs = v.map(v.map(NODE_OUTPUT), "^%x+%-%x+%-%x+%-%x+%-%x+$") }),
}
