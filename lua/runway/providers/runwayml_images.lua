-- Runway's models that make images; see runway.providers.runwayml_models.

local advice = require "runway.providers.advice"
local rules = require "runway.providers.runwayml_rules"

local text, whole, one_of, flag = advice.text, advice.whole, advice.one_of, advice.flag
local image, percent, seed, moderation = rules.image, rules.percent, rules.seed, rules.moderation
local references, tagged, subjects = rules.references, rules.tagged, rules.subjects

local kinds = {}

local gen4_image_ratios = one_of {
  "1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768",
  "1920:1080", "1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960",
  "1680:720",
}

local gpt_ratios = one_of {
  "2048:880", "1920:1088", "1920:1280", "1920:1440", "1920:1536", "1920:1920", "1536:1920",
  "1440:1920", "1280:1920", "1088:1920", "2912:1248", "2560:1440", "2560:1712", "2560:1920",
  "2560:2048", "2560:2560", "2048:2560", "1920:2560", "1712:2560", "1440:2560", "3840:1648",
  "3840:2160", "3504:2336", "3264:2448", "3200:2560", "2880:2880", "2560:3200", "2448:3264",
  "2336:3504", "2160:3840", "auto",
}

local function gpt_2_5(background)
  return {
    needs = { "promptText", "ratio" },
    promptText = text(), ratio = gpt_ratios, outputCount = whole(1, 10),
    quality = one_of { "low", "medium", "high", "xhigh", "max" }, background = one_of(background),
    referenceImages = tagged(16, nil, "^[A-Za-z][A-Za-z0-9_]*$"),
  }
end

kinds.text_to_image = {
  gen4_image = {
    needs = { "promptText", "ratio" },
    promptText = text(1000), ratio = gen4_image_ratios, seed = seed, referenceImages = tagged(3),
    contentModeration = moderation,
  },
  gen4_image_turbo = {
    needs = { "promptText", "ratio", "referenceImages" },
    promptText = text(1000), ratio = gen4_image_ratios, seed = seed,
    referenceImages = tagged(3, 1), contentModeration = moderation,
  },
  gpt_image_2 = {
    needs = { "promptText", "ratio" },
    promptText = text(32000), referenceImages = tagged(16), outputCount = whole(1, 10),
    quality = one_of { "low", "medium", "high", "auto" },
    background = one_of { "opaque", "auto", "transparent" }, ratio = gpt_ratios,
  },
  gpt_image_2_5_flare = gpt_2_5 { "opaque", "auto" },
  gpt_image_2_5_sunburst = gpt_2_5 { "opaque", "auto", "transparent" },
  gemini_image3_pro = {
    needs = { "promptText", "ratio" },
    promptText = text(5500), referenceImages = subjects(14), outputCount = one_of { 1, 4 },
    ratio = one_of {
      "1344:768", "768:1344", "1024:1024", "1184:864", "864:1184", "1536:672", "832:1248",
      "1248:832", "896:1152", "1152:896", "2048:2048", "1696:2528", "2528:1696", "1792:2400",
      "2400:1792", "1856:2304", "2304:1856", "1536:2752", "2752:1536", "3168:1344", "4096:4096",
      "3392:5056", "5056:3392", "3584:4800", "4800:3584", "3712:4608", "4608:3712", "3072:5504",
      "5504:3072", "6336:2688",
    },
  },
  ["gemini_image3.1_flash"] = {
    needs = { "promptText", "ratio" },
    promptText = text(5500), referenceImages = subjects(14), outputCount = one_of { 1, 4 },
    ratio = one_of {
      "512:512", "416:624", "624:416", "432:592", "592:432", "448:576", "576:448", "384:672",
      "672:384", "768:336", "256:1024", "1024:256", "176:1408", "1408:176", "1024:1024",
      "832:1248", "1248:832", "864:1184", "1184:864", "896:1152", "1152:896", "768:1344",
      "1344:768", "1536:672", "512:2048", "2048:512", "352:2816", "2816:352", "2048:2048",
      "1696:2528", "2528:1696", "1792:2400", "2400:1792", "1856:2304", "2304:1856", "1536:2752",
      "2752:1536", "3168:1344", "1024:4096", "4096:1024", "704:5632", "5632:704", "4096:4096",
      "3392:5056", "5056:3392", "3584:4800", "4800:3584", "3712:4608", "4608:3712", "3072:5504",
      "5504:3072", "6336:2688", "2048:8192", "8192:2048", "1408:11264", "11264:1408",
    },
  },
  ["gemini_2.5_flash"] = {
    needs = { "promptText", "ratio" },
    promptText = text(5500), referenceImages = tagged(3),
    ratio = one_of {
      "1344:768", "768:1344", "1024:1024", "1184:864", "864:1184", "1536:672", "832:1248",
      "1248:832", "896:1152", "1152:896",
    },
  },
  seedream5_pro = {
    needs = { "promptText", "ratio" },
    promptText = text(4000), referenceImages = references(10), outputCount = whole(1, 4),
    grounding = flag, outputFormat = one_of { "png", "jpeg" },
    ratio = one_of {
      "1024:1024", "1184:896", "896:1184", "1376:768", "768:1376", "1296:864", "864:1296",
      "2048:2048", "2304:1728", "1728:2304", "2720:1530", "1530:2720", "2496:1664", "1664:2496",
      "auto_1k", "auto_2k",
    },
  },
  seedream5_lite = {
    needs = { "promptText", "ratio" },
    promptText = text(4000), referenceImages = references(14), outputCount = whole(1, 4),
    grounding = flag, outputFormat = one_of { "png", "jpeg" },
    ratio = advice.sizes({
      "2048:2048", "2304:1728", "1728:2304", "2848:1600", "1600:2848", "2496:1664", "1664:2496",
      "3136:1344", "3072:3072", "3456:2592", "2592:3456", "4096:2304", "2304:4096", "3744:2496",
      "2496:3744", "4704:2016",
    }, 3686400, 16777216),
  },
  grok_imagine_image_2 = {
    needs = { "promptText", "ratio" },
    promptText = text(), referenceImages = references(3), outputCount = advice.positive, edit = flag,
    quality = one_of { "low", "medium" },
    ratio = one_of {
      "1280:720", "720:1280", "1024:1024", "832:1248", "1248:832", "2048:2048", "2496:1664",
      "1664:2496", "auto_1k", "auto_2k", "1152:864", "864:1152", "1248:576", "576:1248", "1280:576",
      "576:1280", "1408:704", "704:1408", "2816:1584", "1584:2816", "2368:1776", "1776:2368",
      "2912:1344", "1344:2912", "3200:1440", "1440:3200", "2912:1456", "1456:2912",
    },
  },
  muse_image = {
    needs = { "promptText", "ratio" },
    promptText = text(), referenceImages = references(10), outputCount = advice.positive,
    outputFormat = one_of { "png", "jpeg", "webp" },
    ratio = one_of {
      "auto", "1920:1280", "1280:1920", "2352:1008", "2016:1152", "1792:1344", "1600:1600",
      "1344:1792", "1152:2016",
    },
  },
}

kinds.image_upscale = {
  magnific_precision_upscaler_v2 = {
    needs = { "imageUri" },
    imageUri = image, scaleFactor = one_of { 2, 4, 8, 16 },
    sharpen = percent, smartGrain = percent, ultraDetail = percent,
    flavor = one_of { "sublime", "photo", "photo_denoiser" },
  },
}

return kinds
