-- chatgptsb: the example request and the example answer of its page (gen2), and the models, the
-- upload and the objects in `artifacts` of its siblings.

local json = require "runway.json"

local null = json.null
local PICTURE = "https://d2jqrm6oza8nb6.cloudfront.net/previews/7e8c546f-47ee-49f3-bd42-dbb0c8b0f09f.jpeg"
  .. "?_jwt=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJrZXlIYXNoIjoiODI3MWVkMWFhN2ZhMzAyNSJ9.7Ln4zEYrvH0aqze"
local CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=eyJh"
local ID = "fc4a68aa-4280-42cb-b55c-e1d9a64960e0"
local NAME = "Gen-2 1675247627, An older man playing, y3jpg, M 5"

-- The example answer, with the state and whatever else a case needs.
local function answer(status, changes)
  local task = {
    id = ID, name = NAME, image = null, createdAt = "2024-07-26T16:40:43.864Z",
    updatedAt = "2024-07-26T16:40:43.894Z", taskType = "gen2",
    options = {
      name = NAME, seconds = 4,
      gen2Options = {
        mode = "gen2", seed = 1675247627, interpolate = true, upscale = false, watermark = true,
        motion_score = 22, use_motion_score = true, use_motion_vectors = false,
        text_prompt = "An older man playing piano, lit from the side.", image_prompt = PICTURE,
        init_image = PICTURE,
      },
      exploreMode = false, assetGroupName = "Generative Video", recordingEnabled = true,
    },
    status = status, error = null, progressText = null, progressRatio = null,
    estimatedTimeToStartSeconds = 2.526315789473684, artifacts = json.array {}, sharedAsset = null,
  }
  for name, v in pairs(changes or {}) do task[name] = v end
  return { task = task }
end

local ARTIFACT = {
  id = "a", createdAt = "2024-07-26T16:41:43.864Z", taskId = ID, filename = "x.mp4", url = CLIP,
  fileSize = "1048576", isDirectory = false, previewUrls = { PICTURE },
  metadata = { frameRate = 24, duration = 4, dimensions = { 1280, 768 } },
}

local REF = { id = ID }
local CREATED = 1722012043

local function read(status, more)
  local fields = { id = ID, status = status, created_at = CREATED }
  for name, v in pairs(more or {}) do fields[name] = v end
  return fields
end

local function sent(body) return { method = "POST", path = "/runway/tasks", json = body } end

local FILE = { name = "a.png", type = "image/png", size = 1024, path = "/tmp/a.png" }
local CREATED_UPLOAD = { json = { id = "u/1", uploadUrls = { "https://s3.test/put?sig=1" },
  uploadHeaders = { ["Content-Type"] = "image/png" } } }
local STORED = { headers = { etag = '"ca3b00c3"' } }

return {
  { name = "the page's example", submit = {
      prompt_text = "The wind blows hair up.", prompt_image = PICTURE, model = "gen2", seed = 1919715046 },
    request = sent {
      taskType = "gen2", internal = false,
      options = {
        name = "Gen-2 1919715046",
        gen2Options = {
          mode = "gen2", seed = 1919715046, interpolate = true, upscale = false, watermark = true,
          motion_score = 22, use_motion_score = true, use_motion_vectors = false,
          text_prompt = "The wind blows hair up.", image_prompt = PICTURE, init_image = PICTURE,
        },
        exploreMode = false, assetGroupName = "Generative Video",
      },
    } },
  { submit = { prompt = "fog", model = "gen3a", seed = 7, duration = 10, ratio = "9:16" },
    request = sent { taskType = "europa", internal = false, options = {
      name = "Gen-3 Alpha 7", seconds = 10, text_prompt = "fog", seed = 7, exploreMode = false,
      watermark = false, enhance_prompt = true, width = 768, height = 1280,
      assetGroupName = "Generative Video",
    } } },
  { submit = { prompt = "fog", model = "gen3a_turbo", image = PICTURE, ratio = "9:16" }, refused = false },
  { submit = { prompt = "in oil", model = "gen3a_turbo", video = CLIP, ratio = "16:9" }, refused = false },
  { submit = { prompt = "in oil", video = CLIP }, refused = false },
  { submit = { prompt = "go on", video = CLIP, extended_from_task_id = ID, duration = 5 }, refused = false },
  { submit = { prompt = "go on", video = CLIP, kind = "extend", model = "gen2" }, refused = false },
  { submit = { prompt = "a", model = "gen3a_turbo" }, refused = "prompt_image" },
  { submit = { prompt = "a", model = "gen3a", duration = -7 }, refused = "duration" },

  { name = "the page's example", accepted = answer "PENDING", fields = { id = ID, status = "PENDING" } },
  { accepted = {}, unreadable = true },
  { accepted = { error = "bad image" }, tells = "invalid_request" },

  { query = REF, request = { method = "GET", path = "/runway/tasks/" .. ID } },

  { task = answer "PENDING", ref = REF, fields = read("PENDING", { next_poll = 2.526315789473684 }) },
  { task = answer("RUNNING", { progressRatio = "0.37" }), ref = REF,
    fields = read("RUNNING", { progress = 0.37 }) },
  { task = answer("SUCCEEDED", { artifacts = { ARTIFACT }, progressRatio = "1" }), ref = REF,
    fields = read("SUCCEEDED", { output = { CLIP }, progress = 1 }) },
  { task = answer("SUCCEEDED", { artifacts = { CLIP } }), ref = REF,
    fields = read("SUCCEEDED", { output = { CLIP } }) },
  { task = answer("FAILED", { error = { errorMessage = "moderated", reason = "SAFETY.INPUT.TEXT",
      message = "m", moderation_category = "x", tally_asimov = true } }), ref = REF,
    fields = read("FAILED", { failure = "moderated", failure_code = "SAFETY.INPUT.TEXT" }) },
  { task = answer("FAILED", { error = "went wrong" }), ref = REF,
    fields = read("FAILED", { failure = "went wrong" }) },
  { task = { error = "Not found" }, status = 404, ref = REF, fields = { id = ID, missing = true } },
  { task = {}, unreadable = true },

  { callback = answer("SUCCEEDED", { artifacts = { ARTIFACT } }),
    fields = { id = ID, status = "SUCCEEDED" } },

  { upload = FILE, request = { method = "POST", path = "/runway/uploads", safe = true,
    json = { filename = "a.png", numberOfParts = 1, type = "DATASET_PREVIEW" } } },
  { upload = FILE, answers = { CREATED_UPLOAD }, request = { method = "PUT", safe = true,
    url = "https://s3.test/put?sig=1", file = "/tmp/a.png", headers = { ["Content-Type"] = "image/png" } } },
  { upload = FILE, answers = { CREATED_UPLOAD, STORED }, request = { method = "POST", safe = true,
    path = "/runway/uploads/u%2F1/complete", json = { parts = { { PartNumber = 1, ETag = "ca3b00c3" } } } } },
  { upload = FILE, answers = { CREATED_UPLOAD, STORED, { json = { url = PICTURE } } }, uri = PICTURE },

  { problem = { error = { message = "no key" } }, status = 401, tells = { message = "no key" } },
  { retryable_failure = "INTERNAL.BAD_OUTPUT.CODE01", value = true },
}
