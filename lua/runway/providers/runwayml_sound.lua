-- Runway's models that make sound and speech; see runway.providers.runwayml_models.

local advice = require "runway.providers.advice"
local rules = require "runway.providers.runwayml_rules"

local text, whole, number, one_of = advice.text, advice.whole, advice.number, advice.one_of
local list, object, flag = advice.list, advice.object, advice.flag
local audio, seed, with = rules.audio, rules.seed, rules.with

local kinds = {}

local function seed_audio(more)
  return with({
    needs = { "promptText" }, promptText = text(2048),
    speechRate = whole(-50, 100), loudnessRate = whole(-50, 100), pitchRate = whole(-12, 12),
    sampleRate = one_of { 8000, 16000, 24000, 32000, 44100, 48000 },
    outputFormat = one_of { "wav", "mp3", "ogg_opus" },
  }, more)
end

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
    media = rules.either_class("audio", "video"),
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
