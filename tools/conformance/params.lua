-- For every kind and model of Runway's API two sets of neutral params: `minimal`, what the model
-- cannot do without, in the short neutral names; `full`, every field that the API's document and the
-- SDK's types name, each under its own name in snake_case. Which kinds and models there are, these say:
-- requests.mjs reports those that are missing here, and full sets that lack a field.

local PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"
local MP4 = "data:video/mp4;base64,AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29t"
local MP3 = "data:audio/mpeg;base64,SUQzBAAAAAAAAAAA"
local IMAGE, VIDEO = "https://example.com/a.jpg", "https://example.com/a.mp4"
local AUDIO = "https://example.com/a.mp3"

local TEXT = "a lighthouse in fog, slow dolly in"
local MODERATION = { publicFigureThreshold = "low" }
local VOICE = { type = "runway-preset", presetId = "Leslie" }

-- A copy of `base` with `more` over it.
local function with(base, more)
  local made = {}
  for name, v in pairs(base) do made[name] = v end
  for name, v in pairs(more) do made[name] = v end
  return made
end

local function both(minimal, full) return { minimal = minimal, full = full } end

-- The full set is the minimal one and then some.
local function more(minimal, extra) return both(minimal, with(minimal, extra)) end

local FRAME = { { uri = PNG, position = "first" } }
local FRAMES = { { uri = IMAGE, position = "first" }, { uri = PNG, position = "last" } }
local PICTURES, CLIPS = { { uri = PNG }, { uri = IMAGE } }, { { type = "video", uri = MP4 } }
local SOUNDS = { { type = "audio", uri = MP3 } }
local TAGGED = { { uri = PNG, tag = "keeper" } }
local SUBJECTS = { { uri = PNG, tag = "keeper", subject = "human" } }

local EXPORT = { seed = 42, content_moderation = MODERATION, output_format = "prores",
  prores_profile = "422 HQ" }

local kinds = {}

---------------------------------------------------------------------------------------------------
-- Video

local function veo(minimal, frames)
  return both(with(minimal, { ratio = "1280:720" }), {
    prompt_text = TEXT, prompt_image = frames, ratio = "1080:1920", audio = false,
    negative_prompt = "people", duration = 8, seed = 42,
  })
end

local seedance_image = both({ prompt_image = IMAGE }, {
  prompt_text = TEXT, prompt_image = FRAMES, audio = true, duration = 10, ratio = "1280:720",
  reference_audio = SOUNDS, seed = 42,
})

local seedance_text = both({ prompt_text = TEXT }, {
  prompt_text = TEXT, audio = true, duration = 10, ratio = "1280:720", references = PICTURES,
  reference_videos = CLIPS, reference_audio = SOUNDS, seed = 42,
})

local seedance_video = both({ prompt_video = VIDEO }, with(seedance_text.full, {
  prompt_video = MP4,
}))

local hailuo = {
  prompt_text = TEXT, resolution = "2K", duration = 15, ratio = "21:9", reference_audio = SOUNDS,
}

local wan = {
  prompt_text = TEXT, duration = 10, audio = true, ratio = "auto_720p", reference_audio = SOUNDS,
  reference_videos = CLIPS,
}
local h3 = {
  prompt_text = TEXT, duration = 5, resolution = "768p", seed = 42, prompt_expansion_mode = "quality",
}
local omni = { prompt_text = TEXT, duration = 3, ratio = "3840:2160" }

kinds.image_to_video = {
  ["gen4.5"] = more({
    prompt_text = TEXT, prompt_image = PNG, ratio = "1280:720", duration = 5,
  }, with(EXPORT, { prompt_image = FRAME })),
  gen4_turbo = both({ prompt_image = IMAGE, ratio = "1280:720" }, {
    prompt_text = TEXT, prompt_image = FRAME, ratio = "1584:672", duration = 10, seed = 0,
    content_moderation = MODERATION,
  }),
  ["veo3.1"] = veo({ prompt_image = PNG }, FRAMES),
  ["veo3.1_fast"] = veo({ prompt_image = IMAGE }, FRAMES),
  hailuo3 = both({ prompt_text = TEXT, prompt_image = IMAGE },
    with(hailuo, { prompt_image = FRAMES })),
  happyhorse_1_0 = both({ prompt_image = IMAGE }, {
    prompt_text = TEXT, prompt_image = FRAME, resolution = "1080P", duration = 3,
  }),
  seedance2 = seedance_image,
  seedance2_fast = seedance_image,
  seedance2_mini = seedance_image,
  seedance2_5 = seedance_image,
  gemini_omni_flash = both({ prompt_image = IMAGE }, {
    prompt_text = TEXT, prompt_image = FRAME, ratio = "720:1280", duration = 3,
  }),
  ["gemini_omni_flash_1.1"] = both({ prompt_text = TEXT, prompt_image = IMAGE },
    with(omni, { prompt_image = FRAMES })),
  grok_imagine_1_5 = both({ prompt_image = IMAGE }, {
    prompt_text = TEXT, prompt_image = FRAME, duration = 5, resolution = "1080p",
  }),
  wan3 = both({ prompt_text = TEXT, prompt_image = IMAGE }, with(wan, { prompt_image = FRAMES })),
  wan3_prime = both({ prompt_text = TEXT, prompt_image = IMAGE }, with(wan, { prompt_image = FRAMES })),
  h3_max = both({ prompt_text = TEXT, prompt_image = IMAGE }, with(h3, { prompt_image = FRAMES })),
}

kinds.text_to_video = {
  ["gen4.5"] = more({ prompt_text = TEXT, ratio = "1280:720", duration = 5 }, EXPORT),
  ["veo3.1"] = veo { prompt_text = TEXT },
  ["veo3.1_fast"] = veo { prompt_text = TEXT },
  hailuo3 = both({ prompt_text = TEXT }, with(hailuo, {
    references = PICTURES, reference_videos = CLIPS,
  })),
  happyhorse_1_0 = more({ prompt_text = TEXT }, { duration = 15, ratio = "1662:1248" }),
  seedance2 = seedance_text,
  seedance2_fast = seedance_text,
  seedance2_mini = seedance_text,
  seedance2_5 = both({}, seedance_text.full),
  gemini_omni_flash = more({ prompt_text = TEXT }, { ratio = "1280:720", duration = 10 }),
  ["gemini_omni_flash_1.1"] = both({ prompt_text = TEXT }, with(omni, {
    references = PICTURES, reference_videos = { { uri = MP4 } },
  })),
  grok_imagine_1_5 = more({ prompt_text = TEXT }, {
    duration = 5, resolution = "480p", ratio = "3:2", references = PICTURES, reference_audio = SOUNDS,
  }),
  wan3 = both({ prompt_text = TEXT }, with(wan, { references = PICTURES })),
  wan3_prime = both({ prompt_text = TEXT }, with(wan, { references = PICTURES })),
  h3_max = both({ prompt_text = TEXT }, h3),
}

kinds.video_to_video = {
  aleph2 = both({ prompt_video = VIDEO }, with(EXPORT, {
    prompt_text = TEXT, video_uri = MP4, ratio = "1280:720", target_aspect_ratio = "21:9",
    keyframes = {
      { uri = PNG, seconds = 1.5, range = { start_seconds = 1, end_seconds = 3 } },
      { uri = IMAGE, at = 0.5, range = { start_seconds = 3, end_seconds = 9 } },
    },
  })),
  hailuo3 = both({ prompt_text = TEXT, prompt_video = VIDEO }, with(hailuo, {
    prompt_video = MP4, references = PICTURES, reference_videos = CLIPS,
  })),
  seedance2 = seedance_video,
  seedance2_fast = seedance_video,
  seedance2_mini = seedance_video,
  seedance2_5 = more(seedance_video.minimal, with(seedance_video.full, { mode = "extend" })),
  gemini_omni_flash = both({ prompt_text = TEXT, prompt_video = VIDEO }, {
    prompt_text = TEXT, video_uri = MP4, references = PICTURES,
  }),
  ["gemini_omni_flash_1.1"] = both({ prompt_text = TEXT, prompt_video = VIDEO }, with(omni, {
    video_uri = MP4, references = PICTURES, mode = "extend",
  })),
}

kinds.video_to_hdr = {
  ruby = both({ prompt_video = VIDEO }, {
    video_uri = MP4, output_format = "hdr_prores", prores_profile = "422 HQ",
  }),
}

kinds.video_upscale = {
  magnific_video_upscaler_creative = both({ prompt_video = VIDEO }, {
    video_uri = MP4, resolution = "4k", creativity = 50, sharpen = 50, smart_grain = 50,
    flavor = "natural", fps_boost = true,
  }),
  enhance_frame_rate = both({ prompt_video = VIDEO, target_framerate = "24" }, {
    video_uri = MP4, target_framerate = "59_94",
  }),
}

kinds.character_performance = {
  act_two = both({ prompt_image = IMAGE, prompt_video = VIDEO }, {
    character = { type = "video", uri = MP4 }, reference = { type = "video", uri = VIDEO },
    body_control = true, expression_intensity = 5, ratio = "960:960", seed = 42,
    content_moderation = MODERATION,
  }),
}

---------------------------------------------------------------------------------------------------
-- Images

local function image(ratio, extra)
  return more({ prompt_text = TEXT, ratio = ratio }, extra)
end

local gen4_image = { seed = 42, reference_images = TAGGED, content_moderation = MODERATION }
local seedream = {
  output_format = "png", reference_images = PICTURES, output_count = 4, grounding = true,
}

local gpt_2_5 = {
  quality = "max", background = "opaque", reference_images = TAGGED, output_count = 10,
}

kinds.text_to_image = {
  gen4_image = image("1920:1080", gen4_image),
  gen4_image_turbo = both({ prompt_text = TEXT, ratio = "720:720", prompt_image = IMAGE },
    with(gen4_image, { prompt_text = TEXT, ratio = "720:960" })),
  gpt_image_2 = image("auto", {
    quality = "high", background = "opaque", reference_images = TAGGED, output_count = 10,
  }),
  gpt_image_2_5_flare = image("auto", gpt_2_5),
  gpt_image_2_5_sunburst = image("auto", with(gpt_2_5, { background = "transparent" })),
  grok_imagine_image_2 = image("auto_2k", {
    quality = "low", edit = true, reference_images = PICTURES, output_count = 2,
  }),
  muse_image = image("auto", {
    output_format = "webp", reference_images = PICTURES, output_count = 2,
  }),
  gemini_image3_pro = image("1024:1024", { reference_images = SUBJECTS, output_count = 4 }),
  ["gemini_image3.1_flash"] = image("512:512", { reference_images = SUBJECTS, output_count = 4 }),
  ["gemini_2.5_flash"] = image("1344:768", { reference_images = TAGGED }),
  seedream5_pro = image("auto_2k", seedream),
  seedream5_lite = image("2048:2048", seedream),
}

kinds.image_upscale = {
  magnific_precision_upscaler_v2 = both({ prompt_image = IMAGE }, {
    image_uri = PNG, scale_factor = 16, sharpen = 50, smart_grain = 50, ultra_detail = 50,
    flavor = "photo_denoiser",
  }),
}

---------------------------------------------------------------------------------------------------
-- Sound

local seed_audio = {
  speech_rate = -50, loudness_rate = 100, pitch_rate = 12, sample_rate = 44100,
  output_format = "ogg_opus",
}

kinds.sound_effect = {
  eleven_text_to_sound_v2 = more({ prompt_text = TEXT }, { duration = 0.5, loop = true }),
  seed_audio = more({ prompt_text = TEXT }, with(seed_audio, {
    reference_audios = { MP3, AUDIO },
  })),
}

kinds.speech_to_speech = {
  eleven_multilingual_sts_v2 = both({ prompt_video = VIDEO, voice = VOICE }, {
    media = { type = "audio", uri = MP3 }, voice = VOICE, remove_background_noise = true,
  }),
}

kinds.text_to_speech = {
  eleven_multilingual_v2 = both({ prompt_text = TEXT, voice = VOICE },
    { prompt_text = TEXT, voice = VOICE }),
  eleven_v3 = more({ prompt_text = TEXT, voice = VOICE }, {
    stability = 0, similarity_boost = 1, style = 0.5, speed = 0.7, use_speaker_boost = true,
    language_code = "en", apply_text_normalization = "off", seed = 42,
  }),
  seed_audio = more({ prompt_text = TEXT }, with(seed_audio, {
    voice = { type = "reference-audio", audioUri = MP3 },
  })),
}

kinds.voice_dubbing = {
  eleven_voice_dubbing = more({ audio_uri = AUDIO, target_lang = "fil" }, {
    disable_voice_cloning = true, drop_background_audio = true, num_speakers = 2,
  }),
}

kinds.voice_isolation = {
  eleven_voice_isolation = both({ audio_uri = AUDIO }, { audio_uri = MP3 }),
}

return kinds
