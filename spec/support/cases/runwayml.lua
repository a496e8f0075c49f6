-- runwayml: one request of every kind, and every form of a task, of a workflow's run and of an error
-- that Runway's OpenAPI document has.

local ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
local IMAGE, VIDEO, AUDIO = "https://example.com/a.png", "https://example.com/a.mp4", "https://example.com/a.mp3"
local NODE = "0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55"
local CREATED, CREATED_AT = "2024-06-27T19:49:32.334Z", 1719517772
local REF, RUN = { id = ID }, { id = ID, kind = "workflow_invocation" }
local VOICE = { type = "runway-preset", presetId = "Maya" }

local function sent(kind, json) return { method = "POST", path = "/v1/" .. kind, json = json } end

local function task(status, more)
  local json = { id = ID, status = status, createdAt = CREATED }
  for name, v in pairs(more or {}) do json[name] = v end
  return json
end

local function read(status, more)
  local fields = { id = ID, status = status, created_at = CREATED_AT }
  for name, v in pairs(more or {}) do fields[name] = v end
  return fields
end

local FILE = { name = "cat.mp4", type = "video/mp4", size = 4096, path = "/tmp/cat.mp4" }
local WHERE = { json = { uploadUrl = "https://bucket.example.com/", runwayUri = "runway://token",
  fields = { policy = "p", key = "k" } } }

return {
  { submit = { prompt = "slow dolly in", image = IMAGE, model = "gen4_turbo", ratio = "16:9", duration = 5,
      seed = 42, content_moderation = { publicFigureThreshold = "auto" } },
    request = sent("image_to_video", { promptText = "slow dolly in", promptImage = IMAGE, model = "gen4_turbo",
      ratio = "1280:720", duration = 5, seed = 42, contentModeration = { publicFigureThreshold = "auto" } }) },
  { submit = { image = { IMAGE, { uri = IMAGE, position = "last" } }, model = "veo3.1", ratio = "1280:720" },
    request = sent("image_to_video", { model = "veo3.1", ratio = "1280:720",
      promptImage = { { uri = IMAGE, position = "first" }, { uri = IMAGE, position = "last" } } }) },
  { submit = { prompt = "fog", model = "gen4.5", ratio = "1280:720", duration = 5 },
    request = sent("text_to_video", { promptText = "fog", model = "gen4.5", ratio = "1280:720", duration = 5 }) },
  { submit = { prompt = "in snow", video = VIDEO, model = "aleph2" },
    request = sent("video_to_video", { promptText = "in snow", videoUri = VIDEO, model = "aleph2" }) },
  { submit = { prompt = "in snow", video = VIDEO, model = "seedance2" },
    request = sent("video_to_video", { promptText = "in snow", promptVideo = VIDEO, model = "seedance2" }) },
  { submit = { prompt = "a hall", model = "gen4_image", ratio = "1920:1080", image = IMAGE },
    request = sent("text_to_image", { promptText = "a hall", model = "gen4_image", ratio = "1920:1080",
      referenceImages = { { uri = IMAGE } } }) },
  { submit = { image = IMAGE, model = "magnific_precision_upscaler_v2", scale_factor = 4 },
    request = sent("image_upscale", { imageUri = IMAGE, model = "magnific_precision_upscaler_v2",
      scaleFactor = 4 }) },
  { submit = { video = VIDEO, model = "magnific_video_upscaler_creative" },
    request = sent("video_upscale", { videoUri = VIDEO, model = "magnific_video_upscaler_creative" }) },
  { submit = { video = VIDEO, model = "ruby" }, request = sent("video_to_hdr", { videoUri = VIDEO, model = "ruby" }) },
  { submit = { image = IMAGE, video = VIDEO, model = "act_two", ratio = "1280:720" },
    request = sent("character_performance", { model = "act_two", ratio = "1280:720",
      character = { type = "image", uri = IMAGE }, reference = { type = "video", uri = VIDEO } }) },
  { submit = { prompt = "rain", model = "eleven_text_to_sound_v2", duration = 3 },
    request = sent("sound_effect", { promptText = "rain", model = "eleven_text_to_sound_v2", duration = 3 }) },
  { submit = { video = VIDEO, model = "eleven_multilingual_sts_v2", voice = VOICE },
    request = sent("speech_to_speech", { media = { type = "video", uri = VIDEO }, voice = VOICE,
      model = "eleven_multilingual_sts_v2" }) },
  { submit = { prompt = "hello", model = "eleven_v3", voice = VOICE },
    request = sent("text_to_speech", { promptText = "hello", model = "eleven_v3", voice = VOICE }) },
  { submit = { audio_uri = AUDIO, target_lang = "de", model = "eleven_voice_dubbing" },
    request = sent("voice_dubbing", { audioUri = AUDIO, targetLang = "de", model = "eleven_voice_dubbing" }) },
  { submit = { audio_uri = AUDIO, model = "eleven_voice_isolation" },
    request = sent("voice_isolation", { audioUri = AUDIO, model = "eleven_voice_isolation" }) },
  { submit = { image = IMAGE, model = "gen4_turbo", ratio = "1280:720", seed = 2 ^ 32 }, refused = "seed" },
  { submit = { image = IMAGE, model = "gen4_turbo", ratio = "4:3" },
    request = { method = "POST", path = "/v1/image_to_video",
      json = { promptImage = IMAGE, model = "gen4_turbo", ratio = "4:3" },
      warnings = { 'gen4_turbo: ratio "4:3" is not among those known (1280:720, 720:1280, 1104:832, 960:960, '
        .. "832:1104 or 1584:672); it goes to the API as it is" } } },
  { submit = { prompt = "fog", model = "gen4.5", ratio = "1280:720", duration = 30 }, refused = "duration" },
  { submit = { prompt = "fog", model = "new", callback_url = "https://x.test/" }, refused = "callback_url" },

  { accepted = { id = ID, estimatedCost = { credits = 25 } }, fields = { id = ID, estimated_cost = 25 } },
  { accepted = { id = ID }, fields = { id = ID } },
  { accepted = { error = "oops" }, unreadable = true },

  { query = REF, request = { method = "GET", path = "/v1/tasks/" .. ID } },
  { query = RUN, request = { method = "GET", path = "/v1/workflow_invocations/" .. ID } },
  { cancel = REF, request = { method = "DELETE", path = "/v1/tasks/" .. ID } },
  { cancel = RUN, refused = true },

  { task = task("PENDING", { estimatedCost = { credits = 25 } }), ref = REF,
    fields = read("PENDING", { estimated_cost = 25 }) },
  { task = task "THROTTLED", ref = REF, fields = read "THROTTLED" },
  { task = task("RUNNING", { progress = 0.37 }), ref = REF, fields = read("RUNNING", { progress = 0.37 }) },
  { task = task("SUCCEEDED", { output = { VIDEO, IMAGE }, cost = { credits = 25 } }), ref = REF,
    fields = read("SUCCEEDED", { output = { VIDEO, IMAGE }, cost = 25 }) },
  { task = task("FAILED", { failure = "It broke.", failureCode = "INTERNAL.BAD_OUTPUT.CODE01",
      cost = { credits = 0 } }), ref = REF,
    fields = read("FAILED", { failure = "It broke.", failure_code = "INTERNAL.BAD_OUTPUT.CODE01", cost = 0 }) },
  { task = task("CANCELLED", { cost = { credits = 0 } }), ref = REF, fields = read("CANCELLED", { cost = 0 }) },
  { task = { error = "Not found" }, status = 404, ref = REF, fields = { missing = true } },
  { name = "a workflow's run", task = task("RUNNING", { progress = 0.5, output = { [NODE] = { VIDEO } } }),
    ref = RUN, fields = read("RUNNING", { progress = 0.5, output = { VIDEO } }) },
  { name = "a workflow's run", task = task("SUCCEEDED", { output = { [NODE] = { VIDEO, IMAGE } } }), ref = RUN,
    fields = read("SUCCEEDED", { output = { VIDEO, IMAGE } }) },
  { name = "a workflow's run", task = task("FAILED", { failure = "Nodes failed",
      nodeErrors = { [NODE] = { nodeName = "Video", message = "bad image" } } }), ref = RUN,
    fields = read("FAILED", { failure = "Nodes failed" }) },

  { credits = true, request = { method = "GET", path = "/v1/organization" } },
  { balance = { creditBalance = 1250, tier = {} }, value = 1250 },
  { balance = {}, value = nil },
  { limits = { creditBalance = 1, tier = { models = { act_two = { maxConcurrentGenerations = 2,
    maxDailyGenerations = 200 } } }, usage = { models = { act_two = { dailyGenerations = 3 } } } },
    value = { act_two = { concurrent = 2, daily = 200, used_today = 3 } } },
  { limits = {}, value = nil },

  { upload = FILE, request = { method = "POST", path = "/v1/uploads", safe = true,
    json = { filename = "cat.mp4", type = "ephemeral" } } },
  { upload = FILE, answers = { WHERE }, request = { method = "POST", url = "https://bucket.example.com/", safe = true,
    form = { { "key", "k" }, { "policy", "p" },
      { "file", file = "/tmp/cat.mp4", filename = "cat.mp4", type = "video/mp4" } } } },
  { upload = FILE, answers = { WHERE, { status = 204 } }, uri = "runway://token" },
  { upload = { name = "cat", path = "/tmp/cat", size = 4096 }, refused = "path" },

  { problem = { error = "Validation of body failed", issues = { { code = "too_big", path = { "duration" },
      message = "Too big" } }, docUrl = "https://docs.dev.runwayml.com/api" }, status = 400,
    tells = { message = "Validation of body failed (duration: Too big); see https://docs.dev.runwayml.com/api" } },
  { problem = { error = "You do not have enough credits to run this task." }, status = 400,
    tells = "insufficient_credits" },
  { problem = {}, status = 502 },
  { retryable_failure = "SAFETY.INPUT.TEXT", value = false },
  { retryable_failure = "INTERNAL", value = true },
}
