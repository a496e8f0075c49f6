--- What the official API takes to make sound and speech: one schema for each kind of task, with a
-- branch for each model; see runwayml_schema.lua.

local parts = require "runway.sandbox.runwayml_parts"
local v = require "runway.sandbox.validate"

local text, int, number, flag, one_of, list = v.text, v.int, v.number, v.flag, v.one_of, v.list
local open, closed, by = v.open, v.closed, v.by
local AUDIO, SEED, UNIT, ANY_INT = parts.AUDIO, parts.SEED, parts.UNIT, parts.ANY_INT
local PRESET_VOICE, media = parts.PRESET_VOICE, parts.media

local AUDIO_OR_VIDEO = by("type", {
  audio = media("audio", AUDIO), video = media("video", parts.VIDEO),
})

local function seed_audio(extra_name, extra)
  local fields = {
    promptText = text(1, 2048), speechRate = int(-50, 100), loudnessRate = int(-50, 100),
    pitchRate = int(-12, 12), sampleRate = one_of { 8000, 16000, 24000, 32000, 44100, 48000 },
    outputFormat = one_of "wav mp3 ogg_opus",
  }
  fields[extra_name] = extra
  return closed("promptText", fields)
end

return {
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
