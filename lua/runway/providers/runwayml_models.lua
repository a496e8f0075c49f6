-- What Runway's API takes: for each kind of task and each model, the fields and their limits, as
-- its OpenAPI document of 2026-08-08 says (API version 2024-11-06).
--
-- This is advice, not a wall. A value that a listed model is known to refuse is told before a
-- request is made; a model that is not here, and a field that is not here, go through untouched.
-- Field names are the API's own. The forms of a rule are in runway.providers.advice.
--
-- `needs` names the required fields. `removed` is when the document last had the model: such a
-- model is still sent, under the rules it had.

local advice = require "runway.providers.advice"

local text, whole, number, one_of = advice.text, advice.whole, advice.number, advice.one_of
local list, object, flag = advice.list, advice.object, advice.flag
local media, frames = advice.media, advice.frames

local image, video, audio = media "image", media "video", media "audio"
local percent = whole(0, 100)

---------------------------------------------------------------------------------------------------
-- Rules that many models share

local seed = whole(0, 4294967295)
local moderation = object { publicFigureThreshold = one_of { "auto", "low" } }
local container = one_of { "mp4", "prores", "png_sequence" }
local prores = one_of { "422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ" }

-- The images of a video are frames at a position. `optional`: the position may be left out, which
-- makes an image a reference and not a frame.
local first_frame = frames { max = 1, positions = { "first" } }
local first_and_last = frames { max = 2, positions = { "first", "last" }, first = true }
local either_end = frames { max = 2, positions = { "first", "last" } }
local function frames_or_references(max)
  return frames { max = max, positions = { "first", "last" }, optional = true }
end

local function references(max)
  return list { max = max, of = object { needs = { "uri" }, uri = image } }
end

local function typed(class, rule)
  return object { needs = { "type", "uri" }, type = one_of { class }, uri = rule }
end
local function videos(max) return list { max = max, of = typed("video", video) } end
local function audios(max) return list { max = max, of = typed("audio", audio) } end

local tag = text(16, 3, "^[a-z][a-z0-9_]+$")
local function tagged(max, min)
  return list { max = max, min = min, of = object { needs = { "uri" }, uri = image, tag = tag } }
end
local function subjects(max)
  return list { max = max, of = object {
    needs = { "uri" }, uri = image, tag = tag, subject = one_of { "object", "human" },
  } }
end

local function image_or_video()
  return object {
    needs = { "type", "uri" }, type = one_of { "image", "video" }, uri = media "type",
  }
end

---------------------------------------------------------------------------------------------------
-- Ratios

local gen4_ratios = one_of {
  "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672",
}
local wide_or_tall = one_of { "1280:720", "720:1280" }
local veo_ratios = one_of { "1280:720", "720:1280", "1080:1920", "1920:1080" }
local hailuo_ratios = one_of { "adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16" }
local seedance_ratios = one_of {
  "992:432", "864:496", "752:560", "640:640", "560:752", "496:864",
  "1470:630", "1280:720", "1112:834", "960:960", "834:1112", "720:1280",
}
local seedance_large_ratios = one_of {
  "992:432", "864:496", "752:560", "640:640", "560:752", "496:864",
  "1470:630", "1280:720", "1112:834", "960:960", "834:1112", "720:1280",
  "2206:946", "1920:1080", "1664:1248", "1440:1440", "1248:1664", "1080:1920",
  "3840:1646", "3840:2160", "3840:2880", "3840:3840", "2880:3840", "2160:3840",
}
local seedance_2_5_ratios = one_of {
  "992:432", "854:480", "752:560", "640:640", "560:752", "480:854",
  "1470:630", "1280:720", "1112:834", "960:960", "834:1112", "720:1280",
}
local gen4_image_ratios = one_of {
  "1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768",
  "1920:1080", "1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960",
  "1680:720",
}

---------------------------------------------------------------------------------------------------
-- Models that have most of their fields in common in several kinds

local function with(common, more)
  for name, rule in pairs(more) do common[name] = rule end
  return common
end

local function veo(more)
  return with({
    promptText = text(1000), ratio = veo_ratios, audio = flag, negativePrompt = text(1000),
    duration = one_of { 4, 6, 8 },
  }, more)
end

local function seedance(ratios, more)
  return with({
    promptText = text(3500), audio = flag, duration = whole(4, 15), ratio = ratios,
    referenceAudio = audios(3),
  }, more)
end

local function seedance_2_5(more)
  return with({
    promptText = text(15000), audio = flag, duration = whole(4, 30), ratio = seedance_2_5_ratios,
    referenceAudio = audios(10),
  }, more)
end

local function hailuo(more)
  return with({
    promptText = text(6000), resolution = one_of { "2K", "768P" }, duration = whole(5, 15),
    ratio = hailuo_ratios, referenceAudio = audios(3),
  }, more)
end

local function seed_audio(more)
  return with({
    needs = { "promptText" }, promptText = text(2048),
    speechRate = whole(-50, 100), loudnessRate = whole(-50, 100), pitchRate = whole(-12, 12),
    sampleRate = one_of { 8000, 16000, 24000, 32000, 44100, 48000 },
    outputFormat = one_of { "wav", "mp3", "ogg_opus" },
  }, more)
end

---------------------------------------------------------------------------------------------------
-- The kinds

local kinds = {}

kinds.image_to_video = {
  ["gen4.5"] = {
    needs = { "promptText", "promptImage", "ratio", "duration" },
    promptText = text(1000), promptImage = first_frame, ratio = gen4_ratios,
    duration = whole(2, 10), seed = seed, contentModeration = moderation,
    outputFormat = container, proresProfile = prores,
  },
  gen4_turbo = {
    needs = { "promptImage", "ratio" },
    promptText = text(1000), promptImage = first_frame, ratio = gen4_ratios,
    duration = whole(2, 10), seed = seed, contentModeration = moderation,
  },
  ["veo3.1"] = veo { needs = { "promptImage", "ratio" }, promptImage = first_and_last },
  ["veo3.1_fast"] = veo { needs = { "promptImage", "ratio" }, promptImage = first_and_last },
  hailuo3 = hailuo {
    needs = { "promptText", "promptImage" }, promptImage = frames_or_references(9),
  },
  happyhorse_1_0 = {
    needs = { "promptImage" },
    promptText = text(2500, 2), promptImage = first_frame, duration = whole(3, 15),
    resolution = one_of { "720P", "1080P" },
  },
  seedance2 = seedance(seedance_large_ratios, {
    needs = { "promptImage" }, promptImage = frames_or_references(),
  }),
  seedance2_fast = seedance(seedance_ratios, {
    needs = { "promptImage" }, promptImage = frames_or_references(),
  }),
  seedance2_mini = seedance(seedance_ratios, {
    needs = { "promptImage" }, promptImage = frames_or_references(),
  }),
  seedance2_5 = seedance_2_5 {
    needs = { "promptImage" }, promptImage = frames_or_references(),
  },
  gemini_omni_flash = {
    needs = { "promptImage" },
    promptText = text(4000), promptImage = first_frame, ratio = wide_or_tall,
    duration = whole(3, 10),
  },
  gen3a_turbo = {
    removed = "2026-06", needs = { "promptText", "promptImage" },
    promptText = text(1000), promptImage = either_end, duration = one_of { 5, 10 },
    ratio = one_of { "768:1280", "1280:768" }, seed = seed, contentModeration = moderation,
  },
  veo3 = {
    removed = "2026-07", needs = { "promptImage", "ratio", "duration" },
    promptText = text(1000), promptImage = first_frame, ratio = veo_ratios,
    duration = one_of { 8 },
  },
}

kinds.text_to_video = {
  ["gen4.5"] = {
    needs = { "promptText", "ratio", "duration" },
    promptText = text(1000), ratio = wide_or_tall, duration = whole(2, 10), seed = seed,
    contentModeration = moderation, outputFormat = container, proresProfile = prores,
  },
  ["veo3.1"] = veo { needs = { "promptText", "ratio" } },
  ["veo3.1_fast"] = veo { needs = { "promptText", "ratio" } },
  hailuo3 = hailuo {
    needs = { "promptText" }, references = references(9), referenceVideos = videos(3),
  },
  happyhorse_1_0 = {
    needs = { "promptText" }, promptText = text(2500, 2), duration = whole(3, 15),
    ratio = one_of {
      "1280:720", "720:1280", "960:960", "1108:832", "832:1108",
      "1920:1080", "1080:1920", "1440:1440", "1662:1248", "1248:1662",
    },
  },
  seedance2 = seedance(seedance_large_ratios, {
    needs = { "promptText" }, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_fast = seedance(seedance_ratios, {
    needs = { "promptText" }, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_mini = seedance(seedance_ratios, {
    needs = { "promptText" }, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_5 = seedance_2_5 {
    needs = {}, references = references(30), referenceVideos = videos(10),
  },
  gemini_omni_flash = {
    needs = { "promptText" },
    promptText = text(4000), ratio = wide_or_tall, duration = whole(3, 10),
  },
  veo3 = {
    removed = "2026-07", needs = { "promptText", "ratio", "duration" },
    promptText = text(1000), ratio = veo_ratios, duration = one_of { 8 },
  },
}

-- Guidance at a moment of the input video, told in seconds or as a share of its length.
local keyframe = object {
  needs = { "uri" }, either = { "seconds", "at" },
  uri = image, seconds = number(0, 30), at = number(0, 1),
  range = object {
    needs = { "start_seconds", "end_seconds" },
    start_seconds = whole(0, 2^53 - 1), end_seconds = whole(1, 2^53 - 1),
  },
}

kinds.video_to_video = {
  aleph2 = {
    needs = { "videoUri" },
    videoUri = video, promptText = text(1000), keyframes = list { min = 1, max = 5, of = keyframe },
    seed = seed, contentModeration = moderation, outputFormat = container, proresProfile = prores,
    targetAspectRatio = one_of { "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9" },
  },
  hailuo3 = hailuo {
    needs = { "promptVideo", "promptText" },
    promptVideo = video, references = references(9), referenceVideos = videos(2),
  },
  seedance2 = seedance(seedance_large_ratios, {
    needs = { "promptVideo" },
    promptVideo = video, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_fast = seedance(seedance_ratios, {
    needs = { "promptVideo" },
    promptVideo = video, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_mini = seedance(seedance_ratios, {
    needs = { "promptVideo" },
    promptVideo = video, references = references(9), referenceVideos = videos(3),
  }),
  seedance2_5 = seedance_2_5 {
    needs = { "promptVideo" }, mode = one_of { "reference", "extend" },
    promptVideo = video, references = references(30), referenceVideos = videos(9),
  },
  gemini_omni_flash = {
    needs = { "videoUri", "promptText" },
    videoUri = video, promptText = text(4000), references = references(5),
  },
  gen4_aleph = {
    removed = "2026-06", needs = { "videoUri", "promptText" },
    videoUri = video, promptText = text(1000), seed = seed, contentModeration = moderation,
    references = list { of = typed("image", image) },
    ratio = one_of {
      "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672", "848:480", "640:480",
    },
  },
}

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
    background = one_of { "opaque", "auto" },
    ratio = one_of {
      "2048:880", "1920:1088", "1920:1280", "1920:1440", "1920:1536", "1920:1920", "1536:1920",
      "1440:1920", "1280:1920", "1088:1920", "2912:1248", "2560:1440", "2560:1712", "2560:1920",
      "2560:2048", "2560:2560", "2048:2560", "1920:2560", "1712:2560", "1440:2560", "3840:1648",
      "3840:2160", "3504:2336", "3264:2448", "3200:2560", "2880:2880", "2560:3200", "2448:3264",
      "2336:3504", "2160:3840", "auto",
    },
  },
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
    ratio = one_of {
      "2048:2048", "2304:1728", "1728:2304", "2848:1600", "1600:2848", "2496:1664", "1664:2496",
      "3136:1344", "3072:3072", "3456:2592", "2592:3456", "4096:2304", "2304:4096", "3744:2496",
      "2496:3744", "4704:2016",
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

kinds.video_upscale = {
  magnific_video_upscaler_creative = {
    needs = { "videoUri" },
    videoUri = video, resolution = one_of { "720p", "1k", "2k", "4k" },
    creativity = percent, sharpen = percent, smartGrain = percent,
    flavor = one_of { "vivid", "natural" }, fpsBoost = flag,
  },
  upscale_v1 = { removed = "2026-01", needs = { "videoUri" }, videoUri = video },
}

kinds.character_performance = {
  act_two = {
    needs = { "character", "reference" },
    character = image_or_video(), reference = typed("video", video),
    bodyControl = flag, expressionIntensity = whole(1, 5), ratio = gen4_ratios, seed = seed,
    contentModeration = moderation,
  },
}

---------------------------------------------------------------------------------------------------
-- Sound and speech

local preset_voice = object {
  needs = { "type", "presetId" }, type = one_of { "runway-preset" },
  presetId = one_of {
    "Maya", "Arjun", "Serene", "Bernard", "Billy", "Mark", "Clint", "Mabel", "Chad", "Leslie",
    "Eleanor", "Elias", "Elliot", "Grungle", "Brodie", "Sandra", "Kirk", "Kylie", "Lara", "Lisa",
    "Malachi", "Marlene", "Martin", "Miriam", "Monster", "Paula", "Pip", "Rusty", "Ragnar",
    "Xylar", "Maggie", "Jack", "Katie", "Noah", "James", "Rina", "Ella", "Mariah", "Frank",
    "Claudia", "Niki", "Vincent", "Kendrick", "Myrna", "Tom", "Wanda", "Benjamin", "Kiana",
    "Rachel",
  },
}

kinds.sound_effect = {
  eleven_text_to_sound_v2 = {
    needs = { "promptText" }, promptText = text(3000), duration = number(0.5, 30), loop = flag,
  },
  seed_audio = seed_audio { referenceAudios = list { max = 3, of = audio } },
}

kinds.speech_to_speech = {
  eleven_multilingual_sts_v2 = {
    needs = { "media", "voice" },
    media = object { needs = { "type", "uri" }, type = one_of { "audio", "video" },
      uri = media "type" },
    voice = preset_voice, removeBackgroundNoise = flag,
  },
}

kinds.text_to_speech = {
  eleven_multilingual_v2 = {
    needs = { "promptText", "voice" }, promptText = text(1000), voice = preset_voice,
  },
  eleven_v3 = {
    needs = { "promptText", "voice" }, promptText = text(5000), voice = preset_voice, seed = seed,
    stability = number(0, 1), similarityBoost = number(0, 1), style = number(0, 1),
    speed = number(0.7, 1.2), useSpeakerBoost = flag, languageCode = text(5, 2),
    applyTextNormalization = one_of { "auto", "on", "off" },
  },
  seed_audio = seed_audio {
    voice = object {
      needs = { "type", "audioUri" }, type = one_of { "reference-audio" }, audioUri = audio,
    },
  },
}

kinds.voice_dubbing = {
  eleven_voice_dubbing = {
    needs = { "audioUri", "targetLang" },
    audioUri = audio, disableVoiceCloning = flag, dropBackgroundAudio = flag,
    numSpeakers = whole(1, 2^53 - 1),
    targetLang = one_of {
      "en", "hi", "pt", "zh", "es", "fr", "de", "ja", "ar", "ru", "ko", "id", "it", "nl", "tr",
      "pl", "sv", "fil", "ms", "ro", "uk", "el", "cs", "da", "fi", "bg", "hr", "sk", "ta",
    },
  },
}

kinds.voice_isolation = {
  eleven_voice_isolation = { needs = { "audioUri" }, audioUri = audio },
}

return kinds
