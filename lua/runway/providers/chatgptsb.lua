-- chatgptsb (https://api.chatgptsb.com): a proxy of the API behind Runway's own web page.
--
-- Its page documents gen2; its siblings with the same paths and the same example task document the
-- rest: gen3a (sent as "europa"), gen3a_turbo, extending a clip, video to video, and the upload in
-- three steps. There is no cancel. `exploreMode` false is the fast, paid mode.
--
-- Names of the body may be given flat (motion_score = 22, enhance_prompt = false, ...) or in their
-- place under `options`, which wins; a name this room does not know goes to the top of the body.

local catalogue = require "runway.providers.catalogue"
local reseller_request = require "runway.providers.reseller_request"
local fields = require "runway.fields"
local official = require "runway.providers.official"
local params = require "runway.params"
local reseller_answer = require "runway.providers.reseller_answer"
local text = require "runway.text"
local values = require "runway.values"

local refused = values.refused

local WHO = "chatgptsb"

local DURATIONS = { 5, 10 }

local LIMITS = {
  gen2 = { models = { "gen2" }, model = "gen2" },
  europa = { models = { "gen3a", "europa" }, durations = DURATIONS },
  gen3a_turbo = { models = { "gen3a_turbo" }, durations = DURATIONS },
}

local MODELS = { "gen2", "gen3a", "gen3a_turbo" }

-- gen3 wants its seconds; five is the shorter of the two documented, so the cheaper.
local SECONDS = 5

local NAMES = { gen2 = "Gen-2", europa = "Gen-3 Alpha", gen3a_turbo = "Gen-3 Alpha Turbo" }

-- The one size these models have, lying or standing; other sizes in pixels go as they are.
local SIZES = {
  ["16:9"] = { 1280, 768 }, ["1280:720"] = { 1280, 768 }, ["1280:768"] = { 1280, 768 },
  ["9:16"] = { 768, 1280 }, ["720:1280"] = { 768, 1280 }, ["768:1280"] = { 768, 1280 },
}

-- Where a flat name belongs.
local TOP = { internal = "internal", as_team_id = "asTeamId", asTeamId = "asTeamId" }

local OPTIONS = {
  name = "name", seconds = "seconds", explore_mode = "exploreMode", exploreMode = "exploreMode",
  asset_group_name = "assetGroupName", assetGroupName = "assetGroupName",
}

local GEN2 = {
  mode = "mode", interpolate = "interpolate", upscale = "upscale", watermark = "watermark",
  motion_score = "motion_score", use_motion_score = "use_motion_score",
  use_motion_vectors = "use_motion_vectors", width = "width", height = "height",
  init_image = "init_image", init_video = "init_video", image_prompt = "image_prompt",
}

local GEN3 = {
  watermark = "watermark", enhance_prompt = "enhance_prompt", width = "width", height = "height",
  resolution = "resolution", flip = "flip", init_image = "init_image", init_video = "init_video",
  image_as_end_frame = "image_as_end_frame", extended_from_task_id = "extended_from_task_id",
  video_prompt = "video_prompt", structure_transformation = "structure_transformation",
}

-- The names that `options` and its gen2Options are known to hold.
local IN_OPTIONS = {
  options = { "gen2Options", "seed", "text_prompt" }, gen2Options = { "seed", "text_prompt" },
}
for _, known in ipairs { OPTIONS, GEN3 } do
  for _, name in pairs(known) do table.insert(IN_OPTIONS.options, name) end
end
for _, name in pairs(GEN2) do table.insert(IN_OPTIONS.gen2Options, name) end

local WORDS = reseller_answer.words()

local chatgptsb = {
  name = "chatgptsb",
  base_url = "https://api.chatgptsb.com",
  env = { api_key = "CHATGPTSB_API_KEY" },
  poll_interval = 5,
  missing_grace = 30,  -- a proxy may learn of its own task late
  kinds = { "extend", "image_to_video", "text_to_video", "video_to_video" },
  names = { gen2Options = true, notify_hook = true, options = true, taskType = true },
  media = {},  -- no data URIs: files are uploaded
  models = {},
}
-- gen3a_turbo starts from an image or a film, and gen2 works on no film but to extend it.
for kind, taken in pairs {
  extend = { "gen2", "europa", "gen3a_turbo" }, image_to_video = { "gen2", "europa", "gen3a_turbo" },
  text_to_video = { "gen2", "europa" }, video_to_video = { "europa", "gen3a_turbo" },
} do
  for _, one in ipairs(taken) do
    catalogue.add(chatgptsb.models, kind, { models = { LIMITS[one].models[1] }, durations = LIMITS[one].durations })
  end
end
for _, flat in ipairs { TOP, OPTIONS, GEN2, GEN3 } do
  for name in pairs(flat) do chatgptsb.names[name] = true end
end

---@param api_key string
---@return table<string,string> headers
function chatgptsb.sign(api_key)
  return { Authorization = "Bearer " .. api_key }
end

---@param given table  normalised params
---@return string|nil kind
function chatgptsb.kind_of(given)
  return given.extended_from_task_id ~= nil and "extend" or nil
end

---------------------------------------------------------------------------------------------------
-- The request

local function fill(target, defaults)
  for name, v in pairs(defaults) do
    if target[name] == nil then target[name] = v end
  end
end

-- The caller's own entries: each flat name to its place, then `options` over them.
local function place(rest, options, inner_names)
  local body, placed, inner = {}, {}, {}
  for name, v in pairs(rest) do
    if TOP[name] then body[TOP[name]] = v
    elseif inner_names[name] then inner[inner_names[name]] = v
    elseif OPTIONS[name] then placed[OPTIONS[name]] = v
    elseif name ~= "options" then body[name] = v
    end
  end
  for name, v in pairs(options) do placed[name] = v end
  return body, placed, inner
end

local function size_of(ratio)
  local size = SIZES[ratio]
  if size then return size end
  local width, height = ratio:match("^(%d%d+):(%d%d+)$")
  if not width or #width > 5 or #height > 5 then
    return nil, refused("ratio",
      'chatgptsb takes the ratios 16:9 and 9:16 or pixels like "1280:768", not %s',
      values.show(ratio))
  end
  return { tonumber(width), tonumber(height) }
end

-- A file stays where it is: it is uploaded before the request is sent.
local function not_sendable(field, v)
  if params.is_file(v) then return nil end
  return reseller_request.not_url(WHO, field, v, "give runway.file(path), which is uploaded")
end

local function text_of(given)
  return given.prompt_text ~= "" and given.prompt_text or nil  -- "" is to be left out, not sent
end

-- { gen2Options = { … } }: a clip of four seconds from text, an image or (extend) a video.
local function gen2(kind, given, image, placed, inner)
  if kind == "video_to_video" then
    return refused("model", "chatgptsb has video_to_video with gen3a and gen3a_turbo, not gen2")
  end
  if image and image.last then
    return refused("prompt_image", "chatgptsb takes a first image for gen2, not a last")
  end
  local uri = image and image.uri
  fill(inner, {
    mode = "gen2", seed = given.seed, text_prompt = text_of(given), image_prompt = uri,
    init_image = uri, init_video = given.prompt_video, interpolate = true, upscale = false,
    watermark = true, motion_score = 22, use_motion_score = true, use_motion_vectors = false,
    width = given.size and given.size[1], height = given.size and given.size[2],
  })
  if type(placed.gen2Options) == "table" then
    for name, v in pairs(placed.gen2Options) do inner[name] = v end
  end
  placed.gen2Options = inner
  placed.seconds = placed.seconds or given.duration
end

-- Both gen3 models. europa is given its size; turbo starts from an image and only turns it.
local function gen3(kind, given, image, placed, inner, task_type)
  local size, turbo = given.size, task_type == "gen3a_turbo"
  if turbo and kind == "video_to_video" then turbo = false end  -- this form is given its size
  if turbo and kind == "text_to_video" and not (inner.init_image or placed.init_image) then
    return refused("prompt_image", "chatgptsb needs an image for gen3a_turbo; text alone goes with "
      .. "gen3a or gen2")
  end
  if turbo and given.ratio and not SIZES[given.ratio] then
    return refused("ratio", "chatgptsb takes the ratios 16:9 and 9:16 for gen3a_turbo, not %s",
      values.show(given.ratio))
  end
  if not turbo and not size and not image then size = SIZES["16:9"] end
  fill(inner, {
    seed = given.seed, text_prompt = text_of(given), watermark = false, enhance_prompt = true,
    init_image = image and image.uri, resolution = image and "720p",
    width = not turbo and size and size[1] or nil, height = not turbo and size and size[2] or nil,
    flip = turbo and size and size[2] > size[1] or nil,
  })
  if image and (turbo or image.last) then fill(inner, { image_as_end_frame = image.last }) end
  if kind == "video_to_video" then
    fill(inner, { video_prompt = given.prompt_video, structure_transformation = 0.3 })
  elseif kind == "extend" then
    fill(inner, { init_video = given.prompt_video })
  end
  fill(placed, inner)
  fill(placed, { seconds = given.duration or SECONDS })
end

-- One image, as the first frame or the last: { uri=, last= }.
local function image_of(list)
  local first, last, problem = reseller_request.frames(WHO, list)
  if problem then return nil, problem end
  if first and last then
    return nil, refused("prompt_image", "chatgptsb takes one image, the first or the last")
  end
  local uri = (first or last or {}).uri
  problem = not_sendable("prompt_image", uri)
  if problem then return nil, problem end
  return uri and { uri = uri, last = last ~= nil }
end

local STRAY = {
  text_to_video = { "prompt_image", "prompt_video" }, image_to_video = { "prompt_video" },
  video_to_video = { "prompt_image" }, extend = {},
}

local function missing_input(kind, given, rest, options, task_type)
  if kind == "image_to_video" and not given.prompt_image then
    return refused("prompt_image", "chatgptsb needs prompt_image for image_to_video")
  end
  if (kind == "video_to_video" or kind == "extend") and not given.prompt_video
    and not (rest.init_video or options.init_video or options.video_prompt) then
    return refused("prompt_video", "chatgptsb needs prompt_video for %s", kind)
  end
  if kind == "extend" and task_type ~= "gen2" and not rest.extended_from_task_id
    and not options.extended_from_task_id then
    return refused("extended_from_task_id", "chatgptsb needs extended_from_task_id for extend")
  end
  if kind == "text_to_video" and not text_of(given) and not options.gen2Options
    and not options.text_prompt then
    return refused("prompt_text", "chatgptsb needs prompt_text for text_to_video")
  end
  return nil
end

---Without a model, text and images go to gen2, which chatgptsb's own page documents, and videos to
---gen3a.
---@param kind string  also "extend": prompt_video and extended_from_task_id
---@param all table    normalised params
---@return table|nil request
---@return table|nil problem
function chatgptsb.submit(kind, all)
  if not STRAY[kind] then return nil, refused("kind", "chatgptsb has no %s", kind) end
  local given, rest = reseller_request.split(all)
  local options, problem = reseller_request.options(rest, IN_OPTIONS)
  if not options then return nil, problem end
  local videos = kind == "video_to_video" or kind == "extend"
  local task_type = given.model or (videos and "gen3a" or "gen2")
  if task_type == "gen3a" then task_type = "europa" end
  problem = reseller_request.stray(WHO, kind, given, STRAY[kind])
    or missing_input(kind, given, rest, options, task_type)
    or not_sendable("prompt_video", given.prompt_video)
  if problem then return nil, problem end
  given.duration, problem = reseller_request.seconds(given, options)
  if problem then return nil, problem end
  local warnings = {}
  problem = reseller_request.refusal(WHO, given, LIMITS[task_type] or { models = MODELS }, warnings)
  if problem then return nil, problem end
  if given.ratio then
    given.size, problem = size_of(given.ratio)
    if problem then return nil, problem end
  end
  local image
  image, problem = image_of(given.prompt_image)
  if problem then return nil, problem end
  local body, placed, inner = place(rest, options, task_type == "gen2" and GEN2 or GEN3)
  problem = (task_type == "gen2" and gen2 or gen3)(kind, given, image, placed, inner, task_type)
  if problem then return nil, problem end
  local label = NAMES[task_type] or task_type
  fill(placed, {
    name = given.seed and label .. " " .. values.show_number(given.seed) or label,
    exploreMode = false, assetGroupName = "Generative Video",
  })
  fill(body, { internal = false, notify_hook = given.callback_url })
  body.taskType, body.options = task_type, placed
  return { method = "POST", path = "/runway/tasks", json = body, warnings = reseller_request.told(warnings) }
end

---------------------------------------------------------------------------------------------------
-- Answers

local function task_in(json)
  if type(json.task) == "table" then return json.task end
  local data = json.data
  if type(data) == "table" then return type(data.task) == "table" and data.task or data end
  return json
end

---@param answer table
---@return table|nil fields
---@return table|nil problem
function chatgptsb.accepted(answer)
  local json, problem = reseller_answer.answered(answer)
  if not json then return nil, problem end
  local task = task_in(json)
  local id = fields.id(task.id) or reseller_answer.named(json)
  if not id then return nil end
  return reseller_answer.fresh(id, fields.status(task.status, WORDS), fields.line(task.status, 64))
end

---@param ref table  { id= }
---@return table request
function chatgptsb.query(ref)
  return { method = "GET", path = "/runway/tasks/" .. text.escape(ref.id) }
end

-- `error` is null, a text, a bare reason, or an object; `progressText` may hold the text instead.
local function failure_of(task)
  local e = task.error
  if type(e) == "table" then
    local said = fields.text(e.errorMessage) or fields.text(e.message)
      or fields.text(task.progressText) or fields.text(e.moderation_category)
      or fields.text(e.reason)
    return said, fields.line(e.reason, 128)
  end
  local said = fields.text(e) or fields.text(task.progressText)
  return said, type(e) == "string" and e:match("^[A-Z_]+%.[A-Z0-9_.]+$") or nil
end

---@param answer table
---@param ref table
---@return table|nil fields
---@return table|nil problem
function chatgptsb.task(answer, ref)
  local json, missing, problem = reseller_answer.readable(answer, ref)
  if not json then return missing, problem end
  local task = task_in(json)
  local id = fields.id(task.id)
  if not id and task.status == nil then return nil end
  local status = fields.status(task.status, WORDS)
  local out = {
    id = ref.id or id, status = status, word = fields.line(task.status, 64),
    progress = fields.progress(task.progressRatio), created_at = fields.time(task.createdAt),
  }
  if status == "SUCCEEDED" then
    out.output, out.flagged = fields.urls(task.artifacts)
  elseif status == "FAILED" then
    out.failure, out.failure_code = failure_of(task)
  elseif status ~= "RUNNING" then
    out.reason = not status and failure_of(task) or nil
    out.next_poll = reseller_answer.wait_hint(task.estimatedTimeToStartSeconds)
  end
  return out
end

---@param answer table
---@return table|nil problem
function chatgptsb.problem(answer) return reseller_answer.problem(answer) end

---The callback is the answer body: { task = { … } }.
---@param payload any  decoded JSON
---@return table|nil fields  id and hint
function chatgptsb.callback(payload)
  if type(payload) ~= "table" then return nil end
  local task = task_in(payload)
  local id = fields.id(task.id)
  if not id then return nil end
  return {
    id = id, status = fields.status(task.status, WORDS), word = fields.line(task.status, 64),
  }
end

---By the `reason` of a failed task, which is one of Runway's failure codes.
---@param code string|nil
---@return boolean|nil
function chatgptsb.retryable_failure(code) return official.retryable_failure(code) end

---------------------------------------------------------------------------------------------------
-- Upload: create, PUT to the signed URL (another origin, never signed by us), complete

local LONGEST_TYPE = 128

local function broken(what)
  return nil, { kind = "protocol", message = "chatgptsb's upload answered without " .. what }
end

---@param file table     { name=, type=, size=, path= }
---@param answers table[]  the answers so far
---@return table|nil step  { request= } or { uri= }
---@return table|nil problem
function chatgptsb.upload(file, answers)
  local created = answers[1] and answers[1].json
  if not answers[1] then
    return { request = {
      method = "POST", path = "/runway/uploads", safe = true,
      json = { filename = file.name, numberOfParts = 1, type = "DATASET_PREVIEW" },
    } }
  end
  created = type(created) == "table" and created or {}
  if not answers[2] then
    local urls = fields.urls(created.uploadUrls)
    if not urls then return broken("an upload URL") end
    local headers = type(created.uploadHeaders) == "table" and created.uploadHeaders or {}
    local named = headers["Content-Type"]     -- signed with the URL: whole, or not at all
    named = type(named) == "string" and #named <= LONGEST_TYPE and fields.line(named)
    return { request = {
      method = "PUT", url = urls[1], file = file.path, safe = true,
      headers = { ["Content-Type"] = named or file.type or "application/octet-stream" },
    } }
  end
  if not answers[3] then
    local id, etag = fields.id(created.id), (answers[2].headers or {}).etag
    etag = type(etag) == "string" and text.trim(etag):match('^"?([^"%z\1-\31\127]+)"?$')
    if not id then return broken("an id") end
    if not etag then return broken("an ETag") end
    return { request = {
      method = "POST", path = "/runway/uploads/" .. text.escape(id) .. "/complete", safe = true,
      json = { parts = { { PartNumber = 1, ETag = etag } } },
    } }
  end
  local done = type(answers[3].json) == "table" and answers[3].json or {}
  local urls = fields.urls(done.url)
  if not urls then return broken("the file's URL") end
  return { uri = urls[1] }
end

return chatgptsb
