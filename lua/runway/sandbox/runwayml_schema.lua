--- What the official API accepts: Runway's OpenAPI document (version 2024-11-06, as of August 2026)
-- as tables for validate.lua. One entry per operation; where a body is chosen by its `model` (or
-- `mode`), one branch per value. Limits are the document's own: lengths in UTF-16 units, data URIs
-- in characters.

local v = require "runway.sandbox.validate"

local text, int, number, flag, one_of, list = v.text, v.int, v.number, v.flag, v.one_of, v.list
local open, closed, by, either = v.open, v.closed, v.by, v.either

-- Parts that come back ------------------------------------------------------------------------

local IMAGE = v.asset("image", 5242880)
local VIDEO = v.asset("video", 16777216)
local AUDIO = v.asset("audio", 16777216)

local SEED = int(0, 4294967295)
local ANY_INT = 9007199254740991
local PERCENT = int(0, 100)
local UNIT = number(0, 1)
local MODERATION = closed("", { publicFigureThreshold = one_of "auto low" })
local VIDEO_FORMAT = one_of "mp4 prores png_sequence"
local PRORES = one_of { "422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ" }

local SIX = one_of "1280:720 720:1280 1104:832 832:1104 960:960 1584:672"
local TWO = one_of "1280:720 720:1280"
local VEO = one_of "1280:720 720:1280 1080:1920 1920:1080"
local HAILUO = one_of "adaptive 21:9 16:9 4:3 1:1 3:4 9:16"
local SMALL = " 752:560 640:640 560:752 992:432 1470:630 1280:720 1112:834 960:960 834:1112 " ..
  "720:1280 "
local R12 = one_of(SMALL .. "864:496 496:864")
local R12B = one_of(SMALL .. "854:480 480:854")
local R24 = one_of(SMALL .. "864:496 496:864 2206:946 1920:1080 1664:1248 1440:1440 1248:1664 " ..
  "1080:1920 3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840")

-- promptImage: one image, or a list of images with their places
local function prompt_image(places, most, must)
  local item = open(must and "uri position" or "uri", { uri = IMAGE, position = one_of(places) })
  return either(IMAGE, list(item, must and 1 or nil, most))
end
local FIRST = prompt_image("first", 1, true)
local FIRST_LAST = prompt_image("first last", 2, true)
local PLACED = prompt_image("first last", nil, false)

local function references(most) return list(closed("uri", { uri = IMAGE }), nil, most) end
local function typed(shape, media, uri, most)
  return list(shape("type uri", { type = one_of(media), uri = uri }), nil, most)
end

-- image_to_video ------------------------------------------------------------------------------

local function veo(required, image)
  return open(required, {
    promptText = text(1, 1000), promptImage = image, ratio = VEO, audio = flag(),
    negativePrompt = text(1, 1000), duration = one_of { 4, 6, 8 },
  })
end

local function seedance_image(chars, seconds, ratio, sounds)
  return closed("promptImage", {
    promptImage = PLACED, promptText = text(1, chars), audio = flag(), duration = int(4, seconds),
    ratio = ratio, referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local image_to_video = {
  ["gen4.5"] = open("promptText promptImage ratio duration", {
    promptText = text(1, 1000), promptImage = FIRST, seed = SEED, ratio = SIX,
    duration = int(2, 10), contentModeration = MODERATION, outputFormat = VIDEO_FORMAT,
    proresProfile = PRORES,
  }),
  gen4_turbo = open("promptImage ratio", {
    promptText = text(1, 1000), promptImage = FIRST, seed = SEED, ratio = SIX,
    duration = int(2, 10), contentModeration = MODERATION,
  }),
  ["veo3.1"] = veo("promptImage ratio", FIRST_LAST),
  ["veo3.1_fast"] = veo("promptImage ratio", FIRST_LAST),
  hailuo3 = closed("promptImage promptText", {
    promptImage = either(IMAGE, list(v.any(), 1, 9)), promptText = text(1, 6000),
    resolution = one_of "2K 768P", duration = int(5, 15), ratio = HAILUO,
    referenceAudio = typed(closed, "audio", AUDIO, 3),
  }),
  happyhorse_1_0 = closed("promptImage", {
    promptText = text(2, 2500), promptImage = FIRST, resolution = one_of "720P 1080P",
    duration = int(3, 15),
  }),
  seedance2 = seedance_image(3500, 15, R24, 3),
  seedance2_fast = seedance_image(3500, 15, R12, 3),
  seedance2_mini = seedance_image(3500, 15, R12, 3),
  seedance2_5 = seedance_image(15000, 30, R12B, 10),
  gemini_omni_flash = open("promptImage", {
    promptImage = FIRST, promptText = text(1, 4000), ratio = TWO, duration = int(3, 10),
  }),
}

-- text_to_video -------------------------------------------------------------------------------

local function seedance_text(required, chars, seconds, ratio, pictures, clips, sounds)
  return closed(required, {
    promptText = text(1, chars), audio = flag(), duration = int(4, seconds), ratio = ratio,
    references = references(pictures), referenceVideos = typed(open, "video", VIDEO, clips),
    referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local text_to_video = {
  ["gen4.5"] = open("promptText ratio duration", {
    promptText = text(1, 1000), ratio = TWO, duration = int(2, 10), seed = SEED,
    contentModeration = MODERATION, outputFormat = VIDEO_FORMAT, proresProfile = PRORES,
  }),
  ["veo3.1"] = veo("promptText ratio"),
  ["veo3.1_fast"] = veo("promptText ratio"),
  hailuo3 = closed("promptText", {
    promptText = text(1, 6000), resolution = one_of "2K 768P", duration = int(5, 15),
    ratio = HAILUO,
    references = references(9), referenceVideos = typed(closed, "video", VIDEO, 3),
    referenceAudio = typed(closed, "audio", AUDIO, 3),
  }),
  happyhorse_1_0 = closed("promptText", {
    promptText = text(2, 2500), duration = int(3, 15),
    ratio = one_of("1280:720 720:1280 960:960 1108:832 832:1108 " ..
      "1920:1080 1080:1920 1440:1440 1662:1248 1248:1662"),
  }),
  seedance2 = seedance_text("promptText", 3500, 15, R24, 9, 3, 3),
  seedance2_fast = seedance_text("promptText", 3500, 15, R12, 9, 3, 3),
  seedance2_mini = seedance_text("promptText", 3500, 15, R12, 9, 3, 3),
  seedance2_5 = seedance_text("", 15000, 30, R12B, 30, 10, 10),
  gemini_omni_flash = open("promptText", {
    promptText = text(1, 4000), ratio = TWO, duration = int(3, 10),
  }),
}

-- video_to_video ------------------------------------------------------------------------------

local RANGE = closed("start_seconds end_seconds", {
  start_seconds = int(0, ANY_INT), end_seconds = int(1, ANY_INT),
})
local KEYFRAME = either(
  closed("uri seconds", { uri = IMAGE, seconds = number(0, 30), range = RANGE }),
  closed("uri at", { uri = IMAGE, at = UNIT, range = RANGE }))

local function seedance_video(chars, seconds, ratio, pictures, clips, sounds, mode)
  return closed("promptVideo", {
    promptVideo = VIDEO, promptText = text(1, chars), audio = flag(), duration = int(4, seconds),
    ratio = ratio, references = references(pictures), mode = mode,
    referenceVideos = typed(open, "video", VIDEO, clips),
    referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local video_to_video = {
  aleph2 = closed("videoUri", {
    promptText = text(1, 1000), keyframes = list(KEYFRAME, 1, 5), videoUri = VIDEO, seed = SEED,
    ratio = text(), targetAspectRatio = one_of "16:9 4:3 3:2 1:1 2:3 3:4 9:16 21:9",
    contentModeration = MODERATION, outputFormat = VIDEO_FORMAT, proresProfile = PRORES,
  }),
  hailuo3 = closed("promptVideo promptText", {
    promptVideo = VIDEO, promptText = text(1, 6000), resolution = one_of "2K 768P",
    duration = int(5, 15), ratio = HAILUO, references = references(9),
    referenceVideos = typed(closed, "video", VIDEO, 2),
    referenceAudio = typed(closed, "audio", AUDIO, 3),
  }),
  seedance2 = seedance_video(3500, 15, R24, 9, 3, 3),
  seedance2_fast = seedance_video(3500, 15, R12, 9, 3, 3),
  seedance2_mini = seedance_video(3500, 15, R12, 9, 3, 3),
  seedance2_5 = seedance_video(15000, 30, R12B, 30, 9, 10, one_of "reference extend"),
  gemini_omni_flash = closed("videoUri promptText", {
    videoUri = VIDEO, promptText = text(1, 4000), references = references(5),
  }),
}

-- text_to_image -------------------------------------------------------------------------------

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
local SEEDREAM_LITE = one_of("2048:2048 2304:1728 1728:2304 2848:1600 1600:2848 2496:1664 " ..
  "1664:2496 3136:1344 3072:3072 3456:2592 2592:3456 4096:2304 2304:4096 3744:2496 2496:3744 " ..
  "4704:2016")

local TAG = text(3, 16, "^%l[%l%d_]+$")
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

local text_to_image = {
  gen4_image = gen4_image("promptText ratio"),
  gen4_image_turbo = gen4_image("promptText ratio referenceImages", 1),
  gpt_image_2 = closed("promptText ratio", {
    promptText = text(1, 32000), ratio = GPT, quality = one_of "low medium high auto",
    background = one_of "opaque auto", referenceImages = tagged(closed, nil, 16),
    outputCount = int(1, 10),
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

-- The smaller operations ----------------------------------------------------------------------

local PRESET = one_of(
  "Maya Arjun Serene Bernard Billy Mark Clint Mabel Chad Leslie Eleanor Elias Elliot " ..
  "Grungle Brodie Sandra Kirk Kylie Lara Lisa Malachi Marlene Martin Miriam Monster Paula " ..
  "Pip Rusty Ragnar Xylar Maggie Jack Katie Noah James Rina Ella Mariah Frank Claudia " ..
  "Niki Vincent Kendrick Myrna Tom Wanda Benjamin Kiana Rachel")
local PRESET_VOICE = by("type", { ["runway-preset"] = open("presetId", { presetId = PRESET }) })

local function media(kind, uri) return open("uri", { uri = uri, type = one_of(kind) }) end
local IMAGE_OR_VIDEO = by("type", { image = media("image", IMAGE), video = media("video", VIDEO) })
local AUDIO_OR_VIDEO = by("type", { audio = media("audio", AUDIO), video = media("video", VIDEO) })

local function seed_audio(extra_name, extra)
  local fields = {
    promptText = text(1, 2048), speechRate = int(-50, 100), loudnessRate = int(-50, 100),
    pitchRate = int(-12, 12), sampleRate = one_of { 8000, 16000, 24000, 32000, 44100, 48000 },
    outputFormat = one_of "wav mp3 ogg_opus",
  }
  fields[extra_name] = extra
  return closed("promptText", fields)
end

local kinds = {
  image_to_video = by("model", image_to_video),
  text_to_video = by("model", text_to_video),
  video_to_video = by("model", video_to_video),
  text_to_image = by("model", text_to_image),
  image_upscale = by("model", {
    magnific_precision_upscaler_v2 = closed("imageUri", {
      imageUri = IMAGE, scaleFactor = one_of { 2, 4, 8, 16 }, sharpen = PERCENT,
      smartGrain = PERCENT,
      ultraDetail = PERCENT, flavor = one_of "sublime photo photo_denoiser",
    }),
  }),
  video_upscale = by("model", {
    magnific_video_upscaler_creative = closed("videoUri", {
      videoUri = VIDEO, resolution = one_of "720p 1k 2k 4k", creativity = PERCENT,
      sharpen = PERCENT,
      smartGrain = PERCENT, flavor = one_of "vivid natural", fpsBoost = flag(),
    }),
  }),
  character_performance = by("model", {
    act_two = open("character reference", {
      seed = SEED, character = IMAGE_OR_VIDEO,
      reference = by("type", { video = media("video", VIDEO) }),
      bodyControl = flag(), expressionIntensity = int(1, 5), ratio = SIX,
      contentModeration = MODERATION,
    }),
  }),
  sound_effect = by("model", {
    seed_audio = seed_audio("referenceAudios", list(AUDIO, nil, 3)),
    eleven_text_to_sound_v2 = open("promptText", {
      promptText = text(1, 3000), duration = number(0.5, 30), loop = flag(),
    }),
  }),
  speech_to_speech = by("model", {
    eleven_multilingual_sts_v2 = open("media voice", {
      removeBackgroundNoise = flag(), media = AUDIO_OR_VIDEO, voice = PRESET_VOICE,
    }),
  }),
  text_to_speech = by("model", {
    seed_audio = seed_audio("voice", by("type", {
      ["reference-audio"] = open("audioUri", { audioUri = AUDIO }),
    })),
    eleven_multilingual_v2 = open("promptText voice", {
      promptText = text(1, 1000), voice = PRESET_VOICE,
    }),
    eleven_v3 = open("promptText voice", {
      promptText = text(1, 5000), voice = PRESET_VOICE, stability = UNIT, similarityBoost = UNIT,
      style = UNIT, speed = number(0.7, 1.2), useSpeakerBoost = flag(), languageCode = text(2, 5),
      applyTextNormalization = one_of "auto on off", seed = SEED,
    }),
  }),
  voice_dubbing = by("model", {
    eleven_voice_dubbing = open("audioUri targetLang", {
      audioUri = AUDIO,
      targetLang = one_of("en hi pt zh es fr de ja ar ru ko id it nl tr pl sv fil " ..
        "ms ro uk el cs da fi bg hr sk ta"),
      disableVoiceCloning = flag(), dropBackgroundAudio = flag(), numSpeakers = int(1, ANY_INT),
    }),
  }),
  voice_isolation = by("model", {
    eleven_voice_isolation = open("audioUri", { audioUri = AUDIO }),
  }),
}

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
  return closed("configId input", { configId = text(1, 64, "^%l[%l%d_%-]*$"), input = input })
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
