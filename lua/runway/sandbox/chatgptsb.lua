--- chatgptsb's API, which is Runway's own web application behind a proxy: /runway/tasks with a
-- `taskType` and `options`, tasks with `artifacts`, uploads in three steps (create, PUT, complete).

local assets = require "runway.sandbox.assets"
local files = require "runway.sandbox.files"
local json = require "runway.json"
local reply = require "runway.sandbox.reply"
local tasks = require "runway.sandbox.tasks"
local tools = require "runway.sandbox.tools"
local validate = require "runway.sandbox.validate"
local words = require "runway.text"

local open, text, number, flag = validate.open, validate.text, validate.number, validate.flag
local int, one_of = validate.int, validate.one_of

local chatgptsb = {
  name = "chatgptsb", family = "chatgptsb", prefix = "/runway/", auth = "bearer",
}

local PROBLEMS = {
  unauthorized = { 401, "Invalid token: " },
  bad_request = { 400, "" },
  no_task = { 404, "task not found: " },
  not_found = { 404, "not found: " },
  method = { 405, "method not allowed: " },
  rate_limited = { 429, "Too many requests, please retry later" },
  server_error = { 500, "Internal server error" },
  unavailable = { 503, "Service unavailable" },
}

function chatgptsb.problem(what, detail)
  if what == "credits" then -- said by the upstream, in its own shape
    return 400, { error = "You do not have enough credits to run this task." }
  end
  local known = PROBLEMS[what]
  return known[1], { error = { message = known[2] .. (detail or "") } }
end

-- Submitting ----------------------------------------------------------------------------------

local WORDS = text(1) -- an optional text is left out, never sent empty

local gen2 = open("gen2Options", {
  name = WORDS, seconds = int(1), exploreMode = flag(), assetGroupName = WORDS,
  gen2Options = open("", {
    mode = one_of "gen2", seed = int(0), interpolate = flag(), upscale = flag(), watermark = flag(),
    motion_score = number(), use_motion_score = flag(), use_motion_vectors = flag(),
    text_prompt = WORDS, image_prompt = WORDS, init_image = WORDS, init_video = WORDS,
    width = int(1), height = int(1),
  }),
})

local gen3 = open("", {
  name = WORDS, seconds = one_of { 5, 10 }, text_prompt = WORDS, seed = int(0),
  exploreMode = flag(),
  watermark = flag(), enhance_prompt = flag(), width = int(1), height = int(1), flip = flag(),
  assetGroupName = WORDS, init_image = WORDS, init_video = WORDS, video_prompt = WORDS,
  image_as_end_frame = flag(), extended_from_task_id = WORDS, resolution = WORDS,
  structure_transformation = number(0, 1),
})

local SCHEMA = validate.by("taskType", {
  gen2 = open("options", { options = gen2, internal = flag(), notify_hook = WORDS }),
  gen3a = open("options", { options = gen3, internal = flag(), notify_hook = WORDS }),
  europa = open("options", { options = gen3, internal = flag(), notify_hook = WORDS }),
  gen3a_turbo = open("options", { options = gen3, internal = flag(), notify_hook = WORDS }),
})

local URLS = { "init_image", "image_prompt", "init_video", "video_prompt" }

-- What the schema cannot say: a complaint, or nil.
local function complain(c)
  local input = c.json
  local options = input.options.gen2Options or input.options
  for _, name in ipairs(URLS) do
    if options[name] and not assets.is_url(options[name]) then return name .. " is not a URL" end
  end
  if input.notify_hook and not assets.is_url(input.notify_hook) then
    return "notify_hook is not a URL"
  end
  local source = options.init_image or options.video_prompt or options.extended_from_task_id
  if input.taskType == "gen3a_turbo" and not source then
    return "init_image is required for gen3a_turbo"
  end
  if options.extended_from_task_id then
    if not tasks.find(c.app, "chatgptsb", options.extended_from_task_id) then
      return "extended_from_task_id: no such task"
    elseif not options.init_video then
      return "init_video is required to extend a task"
    end
  end
  return nil
end

local function submit(c)
  local issue = validate.check(SCHEMA, c.json)[1]
  local wrong
  if issue then
    wrong = validate.where(issue) .. ": " .. issue.message
  else
    wrong = complain(c)
  end
  if wrong then return nil, reply.json(400, { error = wrong }) end
  local options = c.json.options
  return {
    id = tools.uuid(c.app.chance), family = "chatgptsb", kind = c.json.taskType, input = c.json,
    prompt = (options.gen2Options or options).text_prompt, outputs = { "video" },
  }
end

-- Showing -------------------------------------------------------------------------------------

local function artifact(c, task, url)
  local made = tools.iso(c.wall - c.now + task.created)
  return {
    id = task.id, createdAt = made, updatedAt = made, userId = 1, createdBy = 1, taskId = task.id,
    parentAssetGroupId = task.id, filename = "clip.mp4", url = url,
    fileSize = tostring(#files.bytes("video")), isDirectory = false, previewUrls = json.array {},
    private = true, privateInTeam = true, deleted = false, reported = false, favorite = false,
    metadata = {
      frameRate = 12, duration = 3, dimensions = json.array { 320, 180 },
      size = { width = 320, height = 180 },
    },
  }
end

local function shown(c, task, view)
  local input, artifacts = task.input, json.array {}
  for i, url in ipairs(view.output or {}) do artifacts[i] = artifact(c, task, url) end
  local ratio = view.status == "SUCCEEDED" and "1" or
    view.progress and words.fixed(view.progress, 2) or json.null
  return { task = {
    id = task.id, name = input.options.name or task.id, image = json.null,
    createdAt = tools.iso(c.wall - c.now + task.created), updatedAt = tools.iso(c.wall),
    taskType = input.taskType == "europa" and "gen3a" or input.taskType, options = input.options,
    status = view.status, progressText = view.failure or json.null, progressRatio = ratio,
    error = view.failure and {
      errorMessage = view.failure, reason = view.code, message = view.failure,
      moderation_category = json.null, tally_asimov = false,
    } or json.null,
    estimatedTimeToStartSeconds = view.status == "PENDING" and c.app.seconds * 0.2 or json.null,
    artifacts = artifacts, sharedAsset = json.null,
  } }
end

function chatgptsb.accepted(c, task)
  return reply.json(200, shown(c, task, { status = "PENDING" }))
end

function chatgptsb.show(c, task, view) return reply.json(200, shown(c, task, view)) end

chatgptsb.hook, chatgptsb.posted = "notify_hook", shown

-- Uploads -------------------------------------------------------------------------------------

local UPLOAD = open("filename numberOfParts type", {
  filename = text(1), numberOfParts = one_of { 1 }, type = one_of "DATASET_PREVIEW DATASET",
})

local TYPES = {
  jpg = "image/jpeg", jpeg = "image/jpeg", png = "image/png", webp = "image/webp",
  mp4 = "video/mp4", mov = "video/quicktime", webm = "video/webm",
}

local function refuse(c, issue)
  return c.problem("bad_request", validate.where(issue) .. ": " .. issue.message)
end

-- POST /runway/uploads
local function create_upload(c)
  local issue = validate.check(UPLOAD, c.json)[1]
  if issue then return refuse(c, issue) end
  local id = tools.uuid(c.app.chance)
  local extension = words.lower(c.json.filename:match("%.([A-Za-z0-9]+)$") or "")
  local upload = { type = TYPES[extension] or "application/octet-stream" }
  c.app.web_uploads[id] = upload
  upload.signature = tools.hex(c.app.chance, 64)
  local url = ("%s/uploads/%s?X-Amz-Signature=%s"):format(c.base_url, id, upload.signature)
  return reply.json(200, {
    id = id, uploadUrls = json.array { url }, uploadHeaders = { ["Content-Type"] = upload.type },
  })
end

-- PUT of the bytes, at the signed URL
local function receive(c)
  local upload, headers = c.app.web_uploads[c.path.token], c.request.headers
  if headers.authorization then
    return reply.xml(400, "InvalidArgument", "Only one auth mechanism allowed; an API key must " ..
      "never be sent to an upload URL.")
  elseif not upload or c.query["X-Amz-Signature"] ~= upload.signature then
    return reply.xml(403, "SignatureDoesNotMatch", "The signature of this URL is wrong.")
  elseif headers["content-type"] ~= upload.type then
    return reply.xml(403, "SignatureDoesNotMatch", "Content-Type must be " .. upload.type)
  end
  upload.bytes = c.request.body
  upload.etag = upload.etag or tools.hex(c.app.chance, 32)
  return { status = 200, headers = { etag = '"' .. upload.etag .. '"' }, body = "" }
end

local PART = open("PartNumber ETag", { PartNumber = one_of { 1 }, ETag = text(1) })
local COMPLETE = open("parts", { parts = validate.list(PART, 1, 1) })

-- POST /runway/uploads/{id}/complete
local function complete(c)
  local upload = c.app.web_uploads[c.path.id]
  if not upload then return c.problem("not_found", "no such upload") end
  local issue = validate.check(COMPLETE, c.json)[1]
  if issue then return refuse(c, issue) end
  if not upload.bytes then return c.problem("bad_request", "nothing was uploaded yet") end
  local etag = c.json.parts[1].ETag:gsub('"', "")
  if etag ~= upload.etag then
    return c.problem("bad_request", "the ETag is not that of the part")
  end
  local media = upload.type:match("^[A-Za-z]+")
  if media == "application" then media = "image" end
  upload.url = upload.url or
    files.keep(c.app, media, upload.bytes, upload.type, c.base_url)
  return reply.json(200, { url = upload.url })
end

chatgptsb.routes = {
  { "POST", "/runway/tasks", submit = submit },
  { "GET", "/runway/tasks/{id}", query = function(c) return c.path.id end },
  { "POST", "/runway/uploads", answer = create_upload },
  { "POST", "/runway/uploads/{id}/complete", answer = complete },
  { "PUT", "/uploads/{token}", answer = receive, open = true, raw = true },
}

return chatgptsb
