--- What the official API takes to make films: one schema for each kind of task, with a
-- branch for each model; see runwayml_schema.lua.

local parts = require "runway.sandbox.runwayml_parts"
local v = require "runway.sandbox.validate"

local text, int, number, flag, one_of, list = v.text, v.int, v.number, v.flag, v.one_of, v.list
local open, closed, by, either = v.open, v.closed, v.by, v.either
local IMAGE, VIDEO, AUDIO, PERCENT = parts.IMAGE, parts.VIDEO, parts.AUDIO, parts.PERCENT
local SEED, ANY_SEED = parts.SEED, parts.ANY_SEED
local MODERATION, PRORES, KEYFRAME = parts.MODERATION, parts.PRORES, parts.KEYFRAME
local references, typed, media, or_auto = parts.references, parts.typed, parts.media, parts.or_auto

local SECONDS = number(1) -- where no limit is told

local SIX = one_of "1280:720 720:1280 1104:832 832:1104 960:960 1584:672"
local TWO = one_of "1280:720 720:1280"
local VEO = one_of "1280:720 720:1280 1080:1920 1920:1080"
local HAILUO = one_of "adaptive 21:9 16:9 4:3 1:1 3:4 9:16"
local SMALL = " 752:560 640:640 560:752 992:432 1470:630 1280:720 1112:834 960:960 834:1112 " ..
  "720:1280 "
local R12 = one_of(SMALL .. "864:496 496:864")
local HD = " 2206:946 1920:1080 1664:1248 1440:1440 1248:1664 1080:1920 "
local R18 = one_of(SMALL .. "854:480 480:854" .. HD)
local R24 = one_of(SMALL .. "864:496 496:864" .. HD ..
  "3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840")

local WAN = one_of("1280:720 720:1280 1104:832 960:960 832:1104 1080:1920 1920:1080 1440:1440 " ..
  "832:480 720:544 624:624 544:720 480:832 1648:1248 1248:1648 auto_480p auto_720p auto_1080p")
local OMNI = one_of("1280:720 720:1280 1080:1920 1920:1080 3840:2160 2160:3840 640:360 360:640")

-- Formats of the finished film
local PLAIN = one_of "mp4 prores png_sequence sdr_rec709_10bit"
local EXR = " hdr_exr_sequence hdr_exr_acescg_sequence_1_3 hdr_exr_acescg_sequence_2_0"
local EVERY = one_of("mp4 prores png_sequence hdr10 hlg sdr_rec709_10bit hdr_pq_12bit_master " ..
  "hdr_prores hdr_png_sequence" .. EXR)

-- promptImage: one image, or a list of images with their places
local function prompt_image(places, most, must)
  local item = open(must and "uri position" or "uri", { uri = IMAGE, position = one_of(places) })
  return either(IMAGE, list(item, must and 1 or nil, most))
end
local FIRST = prompt_image("first", 1, true)
local FIRST_LAST = prompt_image("first last", 2, true)
local PLACED = prompt_image("first last", nil, false)

-- image_to_video ------------------------------------------------------------------------------

local function veo(required, image)
  return closed(required, { -- since 2026-09-02; open before
    promptText = text(1, 1000), promptImage = image, ratio = VEO, audio = flag(),
    negativePrompt = text(1, 1000), duration = one_of { 4, 6, 8 }, seed = ANY_SEED,
  })
end

local function seedance_image(chars, seconds, ratio, sounds)
  return closed("promptImage", {
    promptImage = PLACED, promptText = text(1, chars), audio = flag(), ratio = ratio, seed = ANY_SEED,
    duration = or_auto(int(4, seconds)), referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local function grok(required, more)
  more.promptText, more.duration, more.resolution = text(1), SECONDS, one_of "480p 720p 1080p"
  return closed(required, more)
end

local function wan(required, more)
  more.promptText, more.duration, more.audio, more.ratio = text(1), SECONDS, flag(), WAN
  more.referenceAudio = typed(closed, "audio", AUDIO)
  more.referenceVideos = typed(closed, "video", VIDEO)
  return closed(required, more)
end

local function h3(required, image)
  return closed(required, {
    promptText = text(1), promptImage = image, duration = SECONDS, seed = ANY_SEED,
    resolution = one_of "480p 768p", promptExpansionMode = one_of "disabled balanced quality",
  })
end

local image_to_video = {
  ["gen4.5"] = open("promptText promptImage ratio duration", {
    promptText = text(1, 1000), promptImage = FIRST, seed = SEED, ratio = SIX,
    duration = int(2, 10), contentModeration = MODERATION, outputFormat = EVERY,
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
    resolution = one_of "768p 2k 768P 2K", duration = int(5, 15), ratio = HAILUO,
    referenceAudio = typed(closed, "audio", AUDIO, 3),
  }),
  happyhorse_1_0 = closed("promptImage", {
    promptText = text(2, 2500), promptImage = FIRST, resolution = one_of "720p 1080p 720P 1080P",
    duration = int(3, 15),
  }),
  seedance2 = seedance_image(3500, 15, R24, 3),
  seedance2_fast = seedance_image(3500, 15, R12, 3),
  seedance2_mini = seedance_image(3500, 15, R12, 3),
  seedance2_5 = seedance_image(15000, 30, R18, 10),
  gemini_omni_flash = open("promptImage", {
    promptImage = FIRST, promptText = text(1, 4000), ratio = TWO, duration = int(3, 10),
  }),
  ["gemini_omni_flash_1.1"] = closed("promptText promptImage", {
    promptImage = FIRST_LAST, promptText = text(1), ratio = OMNI, duration = or_auto(number(3, 10)),
  }),
  grok_imagine_1_5 = grok("promptImage", { promptImage = FIRST }),
  wan3 = wan("promptText promptImage", { promptImage = PLACED }),
  wan3_prime = wan("promptText promptImage", { promptImage = PLACED }),
  h3_max = h3("promptText promptImage", FIRST_LAST),
}

-- text_to_video -------------------------------------------------------------------------------

local function seedance_text(required, chars, seconds, ratio, pictures, clips, sounds)
  return closed(required, {
    promptText = text(1, chars), audio = flag(), ratio = ratio, seed = ANY_SEED,
    duration = or_auto(int(4, seconds)), references = references(pictures),
    referenceVideos = typed(open, "video", VIDEO, clips),
    referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local text_to_video = {
  ["gen4.5"] = open("promptText ratio duration", {
    promptText = text(1, 1000), ratio = TWO, duration = int(2, 10), seed = SEED,
    contentModeration = MODERATION, outputFormat = EVERY, proresProfile = PRORES,
  }),
  ["veo3.1"] = veo("promptText ratio"),
  ["veo3.1_fast"] = veo("promptText ratio"),
  hailuo3 = closed("promptText", {
    promptText = text(1, 6000), resolution = one_of "768p 2k 768P 2K", duration = int(5, 15),
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
  seedance2_5 = seedance_text("", 15000, 30, R18, 30, 10, 10),
  gemini_omni_flash = open("promptText", {
    promptText = text(1, 4000), ratio = TWO, duration = int(3, 10),
  }),
  ["gemini_omni_flash_1.1"] = closed("promptText", {
    promptText = text(1), ratio = OMNI, duration = or_auto(number(3, 10)),
    references = references(), referenceVideos = list(closed("uri", { uri = VIDEO })),
  }),
  grok_imagine_1_5 = grok("promptText", {
    ratio = one_of "16:9 4:3 1:1 3:4 9:16 3:2 2:3", references = references(),
    referenceAudio = typed(closed, "audio", AUDIO),
  }),
  wan3 = wan("promptText", { references = references(10) }),
  wan3_prime = wan("promptText", { references = references(10) }),
  h3_max = h3("promptText"),
}

-- video_to_video ------------------------------------------------------------------------------

local function seedance_video(chars, seconds, ratio, pictures, clips, sounds, mode)
  return closed("promptVideo", {
    promptVideo = VIDEO, promptText = text(1, chars), audio = flag(), ratio = ratio, seed = ANY_SEED,
    duration = or_auto(int(4, seconds)), references = references(pictures), mode = mode,
    referenceVideos = typed(open, "video", VIDEO, clips),
    referenceAudio = typed(open, "audio", AUDIO, sounds),
  })
end

local video_to_video = {
  aleph2 = closed("videoUri", {
    promptText = text(1, 1000), keyframes = list(KEYFRAME, 1, 5), videoUri = VIDEO, seed = SEED,
    ratio = text(), targetAspectRatio = one_of "16:9 4:3 3:2 1:1 2:3 3:4 9:16 21:9",
    contentModeration = MODERATION, outputFormat = PLAIN, proresProfile = PRORES,
  }),
  hailuo3 = closed("promptVideo promptText", {
    promptVideo = VIDEO, promptText = text(1, 6000), resolution = one_of "768p 2k 768P 2K",
    duration = int(5, 15), ratio = HAILUO, references = references(9),
    referenceVideos = typed(closed, "video", VIDEO, 2),
    referenceAudio = typed(closed, "audio", AUDIO, 3),
  }),
  seedance2 = seedance_video(3500, 15, R24, 9, 3, 3),
  seedance2_fast = seedance_video(3500, 15, R12, 9, 3, 3),
  seedance2_mini = seedance_video(3500, 15, R12, 9, 3, 3),
  seedance2_5 = seedance_video(15000, 30, R18, 30, 9, 10, one_of "reference extend edit"),
  gemini_omni_flash = closed("videoUri promptText", {
    videoUri = VIDEO, promptText = text(1, 4000), references = references(5),
  }),
  ["gemini_omni_flash_1.1"] = closed("videoUri promptText", {
    videoUri = VIDEO, promptText = text(1), references = references(), ratio = OMNI,
    duration = or_auto(SECONDS), mode = one_of "reference extend edit",
  }),
}

-- The rest ------------------------------------------------------------------------------------

local IMAGE_OR_VIDEO = by("type", { image = media("image", IMAGE), video = media("video", VIDEO) })

return {
  image_to_video = by("model", image_to_video),
  text_to_video = by("model", text_to_video),
  video_to_video = by("model", video_to_video),
  video_to_hdr = by("model", {
    ruby = closed("videoUri", {
      videoUri = VIDEO, outputFormat = one_of("hdr10 hlg hdr_prores" .. EXR),
      proresProfile = one_of { "422", "4444", "422 HQ" },
    }),
  }),
  video_upscale = by("model", {
    magnific_video_upscaler_creative = closed("videoUri", {
      videoUri = VIDEO, resolution = one_of "720p 1k 2k 4k", creativity = PERCENT,
      sharpen = PERCENT,
      smartGrain = PERCENT, flavor = one_of "vivid natural", fpsBoost = flag(),
    }),
    enhance_frame_rate = closed("videoUri targetFramerate", {
      videoUri = VIDEO,
      targetFramerate = one_of("23_98 24 25 29_97 30 48 50 59_94 60 120"),
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
}
