-- Runway's models that make and change films; see runway.providers.runwayml_models.

local advice = require "runway.providers.advice"
local official = require "runway.providers.official"
local rules = require "runway.providers.runwayml_rules"

local text, whole, number, one_of = advice.text, advice.whole, advice.number, advice.one_of
local positive, or_word, flag = advice.positive, advice.or_word, advice.flag
local list, object = advice.list, advice.object
local image, video, percent, seed = rules.image, rules.video, rules.percent, rules.seed
local moderation, prores, with = rules.moderation, rules.prores, rules.with
local first_frame, first_and_last = rules.first_frame, rules.first_and_last
local references, videos, audios = rules.references, rules.videos, rules.audios
local frames_or_references = rules.frames_or_references

local gone = official.gone

local kinds = {}

---------------------------------------------------------------------------------------------------
-- Values that many models share

local plain_format = one_of { "mp4", "prores", "png_sequence", "sdr_rec709_10bit" }
local every_format = one_of {
  "mp4", "prores", "png_sequence", "hdr10", "hlg", "sdr_rec709_10bit", "hdr_pq_12bit_master",
  "hdr_prores", "hdr_png_sequence", "hdr_exr_sequence", "hdr_exr_acescg_sequence_1_3",
  "hdr_exr_acescg_sequence_2_0",
}
local expansion = one_of { "disabled", "balanced", "quality" }

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
  "2206:946", "1920:1080", "1664:1248", "1440:1440", "1248:1664", "1080:1920",
}
local wan_ratios = one_of {
  "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1080:1920", "1920:1080", "1440:1440",
  "832:480", "720:544", "624:624", "544:720", "480:832", "1648:1248", "1248:1648",
  "auto_480p", "auto_720p", "auto_1080p",
}
local omni_ratios = one_of {
  "1280:720", "720:1280", "1080:1920", "1920:1080", "3840:2160", "2160:3840", "640:360", "360:640",
}

---------------------------------------------------------------------------------------------------
-- Models that have most of their fields in common in several kinds

local function veo(more)
  return with({
    promptText = text(1000), ratio = veo_ratios, audio = flag, negativePrompt = text(1000),
    duration = one_of { 4, 6, 8 }, seed = rules.any_seed,
  }, more)
end

local function seedance(ratios, more)
  return with({
    promptText = text(3500), audio = flag, duration = or_word(whole(4, 15), "auto"), ratio = ratios,
    referenceAudio = audios(3), seed = rules.any_seed,
  }, more)
end

local function seedance_2_5(more)
  return with({
    promptText = text(15000), audio = flag, duration = or_word(whole(4, 30), "auto"),
    ratio = seedance_2_5_ratios, referenceAudio = audios(10), seed = rules.any_seed,
  }, more)
end

local function hailuo(more)
  return with({
    promptText = text(6000), resolution = one_of { "768p", "2k", "768P", "2K" }, duration = whole(5, 15),
    ratio = hailuo_ratios, referenceAudio = audios(3),
  }, more)
end

local function grok_imagine(more)
  return with({
    promptText = text(), duration = positive, resolution = one_of { "480p", "720p", "1080p" },
  }, more)
end

local function wan(more)
  return with({
    promptText = text(), duration = positive, audio = flag, ratio = wan_ratios,
    referenceAudio = audios(), referenceVideos = videos(),
  }, more)
end

local function h3(more)
  return with({
    promptText = text(), duration = positive, resolution = one_of { "480p", "768p" }, seed = rules.any_seed,
    promptExpansionMode = expansion,
  }, more)
end

---------------------------------------------------------------------------------------------------
-- The kinds

kinds.image_to_video = {
  ["gen4.5"] = {
    needs = { "promptText", "promptImage", "ratio", "duration" },
    promptText = text(1000), promptImage = first_frame, ratio = gen4_ratios,
    duration = whole(2, 10), seed = seed, contentModeration = moderation,
    outputFormat = every_format, proresProfile = prores,
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
    resolution = one_of { "720p", "1080p", "720P", "1080P" },
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
  ["gemini_omni_flash_1.1"] = {
    needs = { "promptText", "promptImage" },
    promptText = text(), promptImage = first_and_last, ratio = omni_ratios,
    duration = or_word(number(3, 10), "auto"),
  },
  grok_imagine_1_5 = grok_imagine { needs = { "promptImage" }, promptImage = first_frame },
  wan3 = wan { needs = { "promptText", "promptImage" }, promptImage = frames_or_references() },
  wan3_prime = wan { needs = { "promptText", "promptImage" }, promptImage = frames_or_references() },
  h3_max = h3 { needs = { "promptText", "promptImage" }, promptImage = first_and_last },
  gen3a_turbo = {
    removed = gone "gen3a_turbo", needs = { "promptText", "promptImage" },
    promptText = text(1000), promptImage = rules.either_end, duration = one_of { 5, 10 },
    ratio = one_of { "768:1280", "1280:768" }, seed = seed, contentModeration = moderation,
  },
  veo3 = {
    removed = gone "veo3", needs = { "promptImage", "ratio", "duration" },
    promptText = text(1000), promptImage = first_frame, ratio = veo_ratios,
    duration = one_of { 8 },
  },
}

kinds.text_to_video = {
  ["gen4.5"] = {
    needs = { "promptText", "ratio", "duration" },
    promptText = text(1000), ratio = wide_or_tall, duration = whole(2, 10), seed = seed,
    contentModeration = moderation, outputFormat = every_format, proresProfile = prores,
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
  ["gemini_omni_flash_1.1"] = {
    needs = { "promptText" },
    promptText = text(), ratio = omni_ratios, duration = or_word(number(3, 10), "auto"),
    references = references(), referenceVideos = list { of = object { needs = { "uri" }, uri = video } },
  },
  grok_imagine_1_5 = grok_imagine {
    needs = { "promptText" }, references = references(), referenceAudio = audios(),
    ratio = one_of { "16:9", "4:3", "1:1", "3:4", "9:16", "3:2", "2:3" },
  },
  wan3 = wan { needs = { "promptText" }, references = references(10) },
  wan3_prime = wan { needs = { "promptText" }, references = references(10) },
  h3_max = h3 { needs = { "promptText" } },
  veo3 = {
    removed = gone "veo3", needs = { "promptText", "ratio", "duration" },
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
    ratio = text(), -- passed over by now
    seed = seed, contentModeration = moderation, outputFormat = plain_format, proresProfile = prores,
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
    needs = { "promptVideo" }, mode = one_of { "reference", "extend", "edit" },
    promptVideo = video, references = references(30), referenceVideos = videos(9),
  },
  gemini_omni_flash = {
    needs = { "videoUri", "promptText" },
    videoUri = video, promptText = text(4000), references = references(5),
  },
  ["gemini_omni_flash_1.1"] = {
    needs = { "videoUri", "promptText" },
    videoUri = video, promptText = text(), references = references(), ratio = omni_ratios,
    duration = or_word(positive, "auto"), mode = one_of { "reference", "extend", "edit" },
  },
  gen4_aleph = {
    removed = gone "gen4_aleph", needs = { "videoUri", "promptText" },
    videoUri = video, promptText = text(1000), seed = seed, contentModeration = moderation,
    references = list { of = rules.typed("image", image) },
    ratio = one_of {
      "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672", "848:480", "640:480",
    },
  },
}

kinds.video_to_hdr = {
  ruby = {
    needs = { "videoUri" },
    videoUri = video, proresProfile = one_of { "422", "4444", "422 HQ" }, outputFormat = one_of {
      "hdr10", "hlg", "hdr_prores", "hdr_exr_sequence", "hdr_exr_acescg_sequence_1_3",
      "hdr_exr_acescg_sequence_2_0",
    },
  },
}

kinds.video_upscale = {
  magnific_video_upscaler_creative = {
    needs = { "videoUri" },
    videoUri = video, resolution = one_of { "720p", "1k", "2k", "4k" },
    creativity = percent, sharpen = percent, smartGrain = percent,
    flavor = one_of { "vivid", "natural" }, fpsBoost = flag,
  },
  enhance_frame_rate = {
    needs = { "videoUri", "targetFramerate" },
    videoUri = video, targetFramerate = one_of {
      "23_98", "24", "25", "29_97", "30", "48", "50", "59_94", "60", "120",
    },
  },
  upscale_v1 = { removed = gone "upscale_v1", needs = { "videoUri" }, videoUri = video },
}

kinds.character_performance = {
  act_two = {
    needs = { "character", "reference" },
    character = rules.either_class("image", "video"), reference = rules.typed("video", video),
    bodyControl = flag, expressionIntensity = whole(1, 5), ratio = gen4_ratios, seed = seed,
    contentModeration = moderation,
  },
}

return kinds
