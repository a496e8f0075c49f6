--- What the official API takes to make images: one schema for each kind of task, with a
-- branch for each model; see runwayml_schema.lua.

local parts = require "runway.sandbox.runwayml_parts"
local v = require "runway.sandbox.validate"

local text, int, flag, one_of, list = v.text, v.int, v.flag, v.one_of, v.list
local open, closed, by = v.open, v.closed, v.by
local IMAGE, SEED, PERCENT, MODERATION = parts.IMAGE, parts.SEED, parts.PERCENT, parts.MODERATION
local references = parts.references

local GEN4_IMAGE = one_of("1024:1024 1080:1080 1168:880 1360:768 1440:1080 1080:1440 1808:768 " ..
  "1920:1080 1080:1920 2112:912 1280:720 720:1280 720:720 960:720 720:960 1680:720")
local GPT = one_of(
  "2048:880 1920:1088 1920:1280 1920:1440 1920:1536 1920:1920 1536:1920 1440:1920 " ..
  "1280:1920 1088:1920 2912:1248 2560:1440 2560:1712 2560:1920 2560:2048 2560:2560 " ..
  "2048:2560 1920:2560 1712:2560 1440:2560 3840:1648 3840:2160 3504:2336 3264:2448 " ..
  "3200:2560 2880:2880 2560:3200 2448:3264 2336:3504 2160:3840 auto")
local GEMINI_25 = "1344:768 768:1344 1024:1024 1184:864 864:1184 1536:672 832:1248 1248:832 " ..
  "896:1152 1152:896"
local GEMINI_2K = " 2048:2048 1696:2528 2528:1696 1792:2400 2400:1792 1856:2304 2304:1856 " ..
  "1536:2752 2752:1536 3168:1344"
local GEMINI_4K = " 4096:4096 3392:5056 5056:3392 3584:4800 4800:3584 3712:4608 4608:3712 " ..
  "3072:5504 5504:3072 6336:2688"
local GEMINI_31 =
  "512:512 416:624 624:416 432:592 592:432 448:576 576:448 384:672 672:384 768:336 " ..
  "256:1024 1024:256 176:1408 1408:176 512:2048 2048:512 352:2816 2816:352 1024:4096 " ..
  "4096:1024 704:5632 5632:704 2048:8192 8192:2048 1408:11264 11264:1408 "
local SEEDREAM_PRO = one_of("1024:1024 1184:896 896:1184 1376:768 768:1376 1296:864 864:1296 " ..
  "2048:2048 2304:1728 1728:2304 2720:1530 1530:2720 2496:1664 1664:2496 auto_1k auto_2k")
local SEEDREAM_LITE = v.sizes(3686400, 16777216, one_of(
  "2048:2048 2304:1728 1728:2304 2848:1600 1600:2848 2496:1664 1664:2496 3136:1344 " ..
  "3072:3072 3456:2592 2592:3456 4096:2304 2304:4096 3744:2496 2496:3744 " ..
  "4704:2016"))

local GROK = one_of("1280:720 720:1280 1024:1024 832:1248 1248:832 2048:2048 2496:1664 1664:2496 " ..
  "auto_1k auto_2k 1152:864 864:1152 1248:576 576:1248 1280:576 576:1280 1408:704 704:1408 " ..
  "2816:1584 1584:2816 2368:1776 1776:2368 2912:1344 1344:2912 3200:1440 1440:3200 2912:1456 " ..
  "1456:2912")
local MUSE = one_of("auto 1920:1280 1280:1920 2352:1008 2016:1152 1792:1344 1600:1600 1344:1792 " ..
  "1152:2016")

local TAG = text(3, 16, "^[a-z][a-z%d_]+$")
local SUBJECT = one_of "object human"
local function tagged(shape, least, most, subject)
  return list(shape("uri", { uri = IMAGE, tag = TAG, subject = subject }), least, most)
end

local function seedream(ratio, most)
  return closed("promptText ratio", {
    promptText = text(1, 4000), ratio = ratio, outputFormat = one_of "png jpeg",
    referenceImages = references(most), outputCount = int(1, 4), grounding = flag(),
  })
end

local function gen4_image(required, least)
  return open(required, {
    promptText = text(1, 1000), seed = SEED, ratio = GEN4_IMAGE,
    referenceImages = tagged(open, least, 3), contentModeration = MODERATION,
  })
end

local function gpt_2_5(backgrounds)
  local reference = closed("uri", { uri = IMAGE, tag = text(3, 16, "^[A-Za-z][A-Za-z0-9_]*$") })
  return closed("promptText ratio", {
    promptText = text(1), ratio = GPT, quality = one_of "low medium high xhigh max",
    background = one_of(backgrounds), referenceImages = list(reference, nil, 16),
    outputCount = int(1, 10),
  })
end

local text_to_image = {
  gen4_image = gen4_image("promptText ratio"),
  gen4_image_turbo = gen4_image("promptText ratio referenceImages", 1),
  gpt_image_2 = closed("promptText ratio", {
    promptText = text(1, 32000), ratio = GPT, quality = one_of "low medium high auto",
    background = one_of "opaque auto transparent", referenceImages = tagged(closed, nil, 16),
    outputCount = int(1, 10),
  }),
  gpt_image_2_5_flare = gpt_2_5 "opaque auto",
  gpt_image_2_5_sunburst = gpt_2_5 "opaque auto transparent",
  grok_imagine_image_2 = closed("promptText ratio", {
    promptText = text(1), referenceImages = references(3), outputCount = int(1), edit = flag(),
    quality = one_of "low medium", ratio = GROK,
  }),
  muse_image = closed("promptText ratio", {
    promptText = text(1), referenceImages = references(10), outputCount = int(1),
    outputFormat = one_of "webp png jpeg", ratio = MUSE,
  }),
  gemini_image3_pro = closed("promptText ratio", {
    promptText = text(1, 5500), ratio = one_of(GEMINI_25 .. GEMINI_2K .. GEMINI_4K),
    referenceImages = tagged(closed, nil, 14, SUBJECT), outputCount = one_of { 1, 4 },
  }),
  ["gemini_image3.1_flash"] = open("promptText ratio", {
    promptText = text(1, 5500), ratio = one_of(GEMINI_31 .. GEMINI_25 .. GEMINI_2K .. GEMINI_4K),
    referenceImages = tagged(open, nil, 14, SUBJECT), outputCount = one_of { 1, 4 },
  }),
  ["gemini_2.5_flash"] = open("promptText ratio", {
    promptText = text(1, 5500), ratio = one_of(GEMINI_25), referenceImages = tagged(open, nil, 3),
  }),
  seedream5_pro = seedream(SEEDREAM_PRO, 10),
  seedream5_lite = seedream(SEEDREAM_LITE, 14),
}

return {
  text_to_image = by("model", text_to_image),
  image_upscale = by("model", {
    magnific_precision_upscaler_v2 = closed("imageUri", {
      imageUri = IMAGE, scaleFactor = one_of { 2, 4, 8, 16 }, sharpen = PERCENT,
      smartGrain = PERCENT,
      ultraDetail = PERCENT, flavor = one_of "sublime photo photo_denoiser",
    }),
  }),
}
