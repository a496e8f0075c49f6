-- qimuinfo (https://qimuinfo.top/apidocs/operations/addusingpost_4): text and images to video with
-- the generation 2 and 3 models.
--
-- The key is sent bare, without "Bearer". Every answer is { code, message, result, success }, where
-- code 0 means success; the state is an integer of its own; times are local to a place that is
-- never named, so they say nothing. There is no cancel, no upload and no seed, and images are taken
-- as URLs only.

local catalogue = require "runway.providers.catalogue"
local reseller_request = require "runway.providers.reseller_request"
local fields = require "runway.fields"
local official = require "runway.providers.official"
local params = require "runway.params"
local reseller_answer = require "runway.providers.reseller_answer"
local values = require "runway.values"

local refused = values.refused

local WHO = "qimu"

local LIMITS = {
  models = { "gen2", "gen3a", "gen3a_turbo" }, prompt = 2000, ratios = { "16:9", "9:16" },
  durations = { 5, 10 },
}

-- new, queued, generating, succeeded, failed
local CODES = {
  ["0"] = "PENDING", ["1"] = "PENDING", ["2"] = "RUNNING", ["3"] = "SUCCEEDED", ["4"] = "FAILED",
}

-- `seconds` is required; five is the shorter of the two documented, so the cheaper.
local SECONDS = 5

local qimu = {
  name = "qimu",
  base_url = "https://api.qimuinfo.top",
  env = { api_key = "QIMU_API_KEY" },
  poll_interval = 5,
  missing_grace = 30,  -- nothing says how soon a new task can be asked about
  kinds = { "image_to_video", "text_to_video" },
  names = { images = true, seconds = true, taskType = true, textPrompt = true },
  media = {},
  models = catalogue.add(catalogue.add({}, "text_to_video", LIMITS), "image_to_video", LIMITS),
  retryable_failure = official.retryable_failure,
}

---@param api_key string
---@return table<string,string> headers
function qimu.sign(api_key)
  return { Authorization = api_key }
end

-- { frameIndex = 0 } is the first image, { frameIndex = 1 } the last.
local function images_of(list)
  local first, last, problem = reseller_request.frames(WHO, list)
  if problem then return nil, problem end
  local images = {}
  for index, entry in pairs { [0] = first, [1] = last } do
    problem = reseller_request.not_url(WHO, "prompt_image", entry.uri, "use an http(s) URL")
    if problem then return nil, problem end
    local image = { frameIndex = index, image = entry.uri }
    for name, v in pairs(entry) do
      if name ~= "uri" and name ~= "position" then image[name] = v end
    end
    images[#images + 1] = image
  end
  table.sort(images, function(a, b) return a.frameIndex < b.frameIndex end)
  return images
end

---Without a model, text goes to gen3a (the turbo model starts from an image) and images to
---gen3a_turbo, the model of the document's example.
---@param kind string
---@param all table  normalised params
---@return table|nil request
---@return table|nil problem
function qimu.submit(kind, all)
  if kind ~= "image_to_video" and kind ~= "text_to_video" then
    return nil, refused("kind", "qimu has no %s", kind)
  end
  local given, rest = reseller_request.split(all)
  given.ratio = given.ratio and params.ratio_words(given.ratio)
  given.model = given.model or (kind == "image_to_video" and "gen3a_turbo" or "gen3a")
  local unused = kind == "text_to_video" and { "prompt_image", "prompt_video", "seed" }
    or { "prompt_video", "seed" }
  local warnings = {}
  local problem = reseller_request.stray(WHO, kind, given, unused)
    or reseller_request.refusal(WHO, given, LIMITS, warnings)
  if problem then return nil, problem end
  if not given.ratio then return nil, refused("ratio", "qimu needs a ratio, 16:9 or 9:16") end
  if kind == "text_to_video" and (given.prompt_text or "") == "" then
    return nil, refused("prompt_text", "qimu needs prompt_text for text_to_video")
  end
  local body = {}
  for name, v in pairs(rest) do body[params.camel(name)] = v end
  if given.prompt_image then
    body.images, problem = images_of(given.prompt_image)
    if problem then return nil, problem end
  elseif kind == "image_to_video" and body.images == nil then
    return nil, refused("prompt_image", "qimu needs prompt_image for image_to_video")
  end
  body.taskType, body.ratio, body.textPrompt = given.model, given.ratio, given.prompt_text
  body.seconds = given.duration or body.seconds or SECONDS
  body.callbackUrl = given.callback_url
  return { method = "POST", path = "/uniapp-service/api/runway/add", json = body,
    warnings = reseller_request.told(warnings) }
end

---------------------------------------------------------------------------------------------------
-- Answers

-- The task inside the envelope; a callback may also be the task alone.
local function task_in(json)
  if type(json.result) == "table" then return json.result end
  return json.taskStatusCode ~= nil and json or nil
end

-- code 0 alone is success; the word "success" and 200 are other providers'. A task's own `error`
-- is not the request's.
local function trouble(answer)
  local json = answer.json
  local code = json.code
  if code ~= nil and fields.line(type(code) ~= "boolean" and code) ~= "0" then
    return reseller_answer.told(answer) or { message = "an error without a text", kind = "protocol" }
  end
  return json.taskStatusCode == nil and reseller_answer.trouble(answer) or nil
end

---@param answer table
---@return table|nil fields
---@return table|nil problem
function qimu.accepted(answer)
  local json, problem = reseller_answer.answered(answer, trouble)
  if not json then return nil, problem end
  local task = task_in(json)
  local id
  if task then id = fields.id(task.id) else id = reseller_answer.named(json) end
  if not id then return nil end
  local word = task and task.taskStatusCode
  return reseller_answer.fresh(id, fields.status(word, CODES), fields.line(word, 64))
end

---@param ref table  { id= }
---@return table request
function qimu.query(ref)
  return {
    method = "GET", path = "/uniapp-service/api/runway/getTask", query = { taskId = ref.id },
  }
end

---@param answer table
---@param ref table
---@return table|nil fields
---@return table|nil problem
function qimu.task(answer, ref)
  local json, missing, problem = reseller_answer.readable(answer, ref, trouble)
  if not json then return missing, problem end
  local task = task_in(json)
  if not task then return nil end
  local status = fields.status(task.taskStatusCode, CODES) or fields.status(task.taskStatusCode, official.ENDS)
  local output, flagged
  if status == "SUCCEEDED" then output, flagged = fields.urls(task.videoUrl) end
  return {
    id = ref.id or fields.id(task.id),
    status = status,
    word = fields.line(task.taskStatusCode, 64),
    output = output, flagged = flagged,
    failure = status == "FAILED" and fields.text(task.error) or nil,
    reason = not status and fields.text(task.error) or nil,
    created_at = fields.time(task.createdTime),
  }
end

---@param answer table
---@return table|nil problem
function qimu.problem(answer) return reseller_answer.problem(answer) end

---The payload is not documented; both the task alone and the whole envelope are taken.
---@param payload any  decoded JSON
---@return table|nil fields  id and hint
function qimu.callback(payload)
  if type(payload) ~= "table" then return nil end
  local task = task_in(payload)
  local id = task and fields.id(task.id)
  if not id then return nil end
  if trouble { json = payload } then return { id = id } end
  return {
    id = id, status = fields.status(task.taskStatusCode, CODES),
    word = fields.line(task.taskStatusCode, 64),
  }
end

return qimu
