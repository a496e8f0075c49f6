-- cometapi: the example request and the example answer of its page, every kind of both families, and
-- the four forms in which its tasks have been told.

local IMAGE, VIDEO = "https://x.test/a.png", "https://x.test/c.mp4"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"
local NOWHERE = "https://callback.invalid/"
local STILL = { x = 0, y = 0, z = 0, r = 0, bg_x_pan = 0, bg_y_pan = 0 }
local CREATED = 1773360000
local REF = { id = "t-1" }

local function pro(path, json) return { method = "POST", path = "/runway/pro/" .. path, json = json } end

local function official(kind, json)
  return { method = "POST", path = "/runwayml/v1/" .. kind, json = json, format = "official" }
end

local function wrapped(status, more)
  local data = { task_id = "t-1", action = "IMAGE_TO_VIDEO", status = status, fail_reason = "",
    submit_time = CREATED, start_time = 0, finish_time = 0, progress = "0%",
    data = { id = "inner", status = "PENDING", createdAt = "2026-03-13T00:00:00Z" } }
  for name, v in pairs(more or {}) do data[name] = v end
  return { code = "success", message = "", data = data }
end

local function duomi(status, more)
  local data = { task_id = "t-1", status = status, prompt = "a", prompt_en = "a", point = "320", refund = "0",
    poster = "https://x.test/p.jpg", last_frame = "https://x.test/l.jpg", video_url = CLIP,
    create_time = "1728622596", update_time = "1728622955" }
  for name, v in pairs(more or {}) do data[name] = v end
  return { code = 200, msg = "成功", exec_time = 0.2, data = data }
end

local CALLBACK = duomi("3").data

return {
  { name = "the page's example", submit = {
      prompt_text = "a cat", ratio = "16:9", model = "gen4", duration = 10, style = "cinematic",
      callback_url = "http://baidu.com",
      options = { motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 } } },
    request = pro("generate", {
      callback_url = "http://baidu.com", ratio = "16:9", prompt = "a cat", style = "cinematic", model = "gen4",
      options = { seconds = 10,
        motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 } },
    }) },
  { submit = { prompt = "smile", model = "gen4_turbo", ratio = "16:9", seed = 42, image = IMAGE },
    request = pro("generate", { prompt = "smile", model = "gen4_turbo", ratio = "1280:720", seed = 42,
      image = IMAGE, callback_url = NOWHERE, options = { seconds = 5, motion_vector = STILL } }) },
  { submit = { video = VIDEO, prompt = "in oil", model = "gen4" },
    request = pro("video2video", { video = VIDEO, prompt = "in oil", model = "gen4", callback_url = NOWHERE,
      options = { seconds = 5 } }) },
  { submit = { character = IMAGE, reference = VIDEO },
    request = pro("act_one", { image = IMAGE, video = VIDEO, callback_url = NOWHERE }) },
  { submit = { format = "official", prompt = "a cat", image = IMAGE, model = "gen4_turbo", ratio = "16:9" },
    request = official("image_to_video", { promptText = "a cat", promptImage = IMAGE, model = "gen4_turbo",
      ratio = "1280:720" }) },
  { submit = { video = VIDEO, prompt = "in snow", model = "gen4_aleph" },
    request = official("video_to_video", { videoUri = VIDEO, promptText = "in snow", model = "gen4_aleph" }) },
  { submit = { kind = "text_to_image", prompt = "a", image = IMAGE, ratio = "16:9" },
    request = official("text_to_image", { promptText = "a", model = "gen4_image", ratio = "1280:720",
      referenceImages = { { uri = IMAGE } } }) },
  { submit = { kind = "video_upscale", video = VIDEO },
    request = official("video_upscale", { model = "upscale_v1", videoUri = VIDEO }) },
  { submit = { kind = "sound_effect", prompt = "rain", duration = 3 },
    request = official("sound_effect", { model = "eleven_text_to_sound_v2", promptText = "rain", duration = 3 }) },
  { submit = { kind = "text_to_speech", prompt = "hello", voice = { type = "runway-preset", presetId = "Maya" } },
    refused = false },
  { submit = { model = "act_two", character = IMAGE, reference = VIDEO }, refused = false },
  { submit = { image = IMAGE, duration = -7 }, refused = "duration" },
  { submit = { format = "pro", image = "data:image/png;base64,AAAA" }, refused = "prompt_image" },

  { name = "the page's answer", accepted = { code = 200, msg = "成功", data = { task_id = "t-1" }, exec_time = 0.67 },
    fields = { id = "t-1" } },
  { accepted = { code = 200, message = "", msg = "success", data = { task_id = "t-1" } }, fields = { id = "t-1" } },
  { accepted = { id = "f6a3" }, fields = { id = "f6a3" } },
  { accepted = { code = "callback_url_empty", message = "callback_url_empty" },
    tells = { kind = "invalid_request", refused = true } },
  { accepted = { code = 500, msg = "timeout" }, tells = "unknown_submit" },
  { accepted = { code = 500, msg = "用户额度不足" }, tells = "insufficient_credits" },
  { accepted = { code = 200, msg = "success" }, unreadable = true },

  { query = REF, request = { method = "POST", path = "/runway/feed", json = { task_id = "t-1" }, safe = true } },
  { query = { id = "t-1", format = "official" }, request = { method = "GET", path = "/runwayml/v1/tasks/t-1" } },
  { query = { id = "t-1", kind = "video_upscale" }, request = { method = "GET", path = "/runwayml/v1/tasks/t-1" } },

  { name = "wrapped", task = wrapped "QUEUED", ref = REF,
    fields = { id = "t-1", status = "PENDING", progress = 0, created_at = CREATED } },
  { name = "wrapped", task = wrapped("SUCCESS", { progress = "100%",
      data = { id = "inner", status = "SUCCEEDED", output = { CLIP }, cost = { credits = 25 } } }), ref = REF,
    fields = { id = "t-1", status = "SUCCEEDED", progress = 1, output = { CLIP }, cost = 25, created_at = CREATED } },
  { name = "wrapped, the URL where a reason belongs", task = wrapped("SUCCESS", { fail_reason = CLIP }), ref = REF,
    fields = { id = "t-1", status = "SUCCEEDED", progress = 0, output = { CLIP }, created_at = CREATED } },
  { name = "wrapped", task = wrapped("FAILURE", { fail_reason = "moderated" }), ref = REF,
    fields = { id = "t-1", status = "FAILED", progress = 0, failure = "moderated", created_at = CREATED } },
  { name = "duomi", task = duomi("1", { video_url = "" }), ref = REF,
    fields = { id = "t-1", status = "RUNNING", created_at = 1728622596 } },
  { name = "duomi", task = duomi "3", ref = REF,
    fields = { id = "t-1", status = "SUCCEEDED", output = { CLIP }, created_at = 1728622596 } },
  { name = "duomi", task = duomi("2", { msg = "内容违规" }), ref = REF,
    fields = { id = "t-1", status = "FAILED", failure = "内容违规", created_at = 1728622596 } },
  { name = "flat", task = { task_id = "t-1", status = "IN_PROGRESS", fail_reason = "", result_url = "",
      progress = "30%", submit_time = CREATED, data = { id = "inner", status = "RUNNING" } }, ref = REF,
    fields = { id = "t-1", status = "RUNNING", progress = 0.3, created_at = CREATED } },
  { name = "flat", task = { task_id = "t-1", status = "SUCCESS", result_url = CLIP }, ref = REF,
    fields = { id = "t-1", status = "SUCCEEDED", output = { CLIP } } },
  { name = "official", task = { id = "t-1", status = "RUNNING", progress = 0.275 }, ref = REF,
    fields = { id = "t-1", status = "RUNNING", progress = 0.275 } },
  { name = "official", task = { id = "t-1", status = "SUCCEEDED", output = { CLIP } }, ref = REF,
    fields = { id = "t-1", status = "SUCCEEDED", output = { CLIP } } },
  { task = { code = "task_not_exist", message = "task_not_exist" }, status = 400, ref = REF,
    fields = { id = "t-1", missing = true } },
  { task = { code = "fail", msg = "busy" }, ref = REF, tells = "server" },

  { callback = CALLBACK, fields = { id = "t-1", status = "SUCCEEDED" } },
  { callback = wrapped "IN_PROGRESS", fields = { id = "t-1", status = "RUNNING" } },
  { callback = { status = "3" }, unreadable = true },

  { problem = { error = { message = "bad body", type = "comet_api_error", param = "", code = "invalid_request" } },
    status = 500, tells = { kind = "invalid_request", refused = true, message = "bad body" } },
  { retryable_failure = "THIRD_PARTY.UNAVAILABLE", value = true },
}
