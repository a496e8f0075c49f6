-- gateway: the example request and the example answer of its two pages, the schema beside them (which
-- is another service's), and what hosts with these paths really answer.

local json = require "runway.json"

local null = json.null
local IMAGE = "https://www.bt.cn/bbs/template/qiao/style/image/btlogo.png"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"
local ID = "4665a07c-7641-4809-a133-10786201bb56"
local CREATED = 1734874720

-- The example of both pages, in Luma's words.
local function luma(state, video)
  return {
    id = ID, prompt = "", state = state, queue_state = null, created_at = "2024-12-22T13:38:40.139409Z",
    batch_id = "", video = video or null, video_raw = null, liked = null, estimate_wait_seconds = null,
    thumbnail = null, last_frame = null,
  }
end

-- The schema of both pages, in Kling's words.
local function kling(status, more)
  local data = { task_id = ID, task_status = status, created_at = 1734874720139, updated_at = 1734874720139 }
  for name, v in pairs(more or {}) do data[name] = v end
  return { code = 0, message = "SUCCEED", request_id = "r-1", data = data }
end

local function wrapped(status, inner)
  return { code = "success", message = "", data = { task_id = ID, action = "IMAGE_TO_VIDEO", status = status,
    fail_reason = "", submit_time = CREATED, start_time = 0, finish_time = 0, progress = "30%", data = inner } }
end

local REF = { id = ID }

return {
  { name = "the page's example", submit = { prompt_image = IMAGE, model = "gen4_turbo",
      prompt_text = "cat dance", watermark = false, duration = 5, ratio = "1280:768" },
    request = { method = "POST", path = "/runwayml/v1/image_to_video", json = {
      promptImage = IMAGE, model = "gen4_turbo", promptText = "cat dance", watermark = false, duration = 5,
      ratio = "1280:768",
    } } },
  { submit = { image = IMAGE, ratio = "16:9", duration = -7 }, refused = "duration" },
  { submit = { image = IMAGE, ratio = "16:9", callback_url = "https://x.test/" }, refused = "callback_url" },

  { name = "the pages' example", accepted = luma "pending", fields = { id = ID, status = "PENDING" } },
  { name = "the pages' schema", accepted = kling "processing", fields = { id = ID, status = "RUNNING" } },
  { accepted = { id = ID }, fields = { id = ID } },
  { accepted = { id = "runway_task_9", status = "PENDING" }, fields = { id = "runway_task_9", status = "PENDING" } },
  { accepted = { code = 1201, message = "bad image" }, tells = { kind = "invalid_request", code = "1201" } },
  { accepted = false, body = "<html>wrong host", unreadable = true },

  { query = REF, request = { method = "GET", path = "/runwayml/v1/tasks/" .. ID } },

  { name = "the pages' example", task = luma "pending", ref = REF,
    fields = { id = ID, status = "PENDING", created_at = CREATED } },
  { task = luma("completed", { url = CLIP }), ref = REF,
    fields = { id = ID, status = "SUCCEEDED", output = { CLIP }, created_at = CREATED } },
  { name = "the pages' schema", task = kling "processing", ref = REF,
    fields = { id = ID, status = "RUNNING", created_at = CREATED } },
  { task = kling("succeed", { task_result = { videos = { { id = "v", url = CLIP, duration = "5" } } } }),
    ref = REF, fields = { id = ID, status = "SUCCEEDED", output = { CLIP }, created_at = CREATED } },
  { task = kling("failed", { task_status_msg = "no" }), ref = REF,
    fields = { id = ID, status = "FAILED", failure = "no", created_at = CREATED } },
  { task = { id = ID, status = "RUNNING", createdAt = "2024-12-22T13:38:40.139Z", progress = 0.275 },
    ref = REF, fields = { id = ID, status = "RUNNING", progress = 0.275, created_at = CREATED } },
  { task = { id = ID, status = "SUCCEEDED", output = { CLIP } }, ref = REF,
    fields = { id = ID, status = "SUCCEEDED", output = { CLIP } } },
  { task = { id = ID, status = "FAILED", failure = "no", failureCode = "SAFETY.INPUT.IMAGE" }, ref = REF,
    fields = { id = ID, status = "FAILED", failure = "no", failure_code = "SAFETY.INPUT.IMAGE" } },
  { task = wrapped("IN_PROGRESS", { id = "inner", status = "RUNNING" }), ref = REF,
    fields = { id = ID, status = "RUNNING", progress = 0.3, created_at = CREATED } },
  { task = { code = "task_not_exist", message = "task_not_exist" }, status = 400, ref = REF,
    fields = { id = ID, missing = true } },

  { callback = kling "processing", fields = { id = ID, status = "RUNNING" } },
  { callback = luma "pending", fields = { id = ID, status = "PENDING" } },

  { problem = { error = { message = "bad key", code = "" } }, status = 401, tells = { message = "bad key" } },
  { retryable_failure = "NEW.CODE", value = nil },
}
