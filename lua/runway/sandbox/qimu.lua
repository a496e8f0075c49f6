--- qimuinfo's API: /uniapp-service/api/runway/add and /getTask. A bare key, an envelope whose
-- `code` is 0 when all is well, a number for the status, and local times without a zone.

local assets = require "runway.sandbox.assets"
local json = require "runway.json"
local reply = require "runway.sandbox.reply"
local tools = require "runway.sandbox.tools"
local validate = require "runway.sandbox.validate"

local text, int, one_of = validate.text, validate.int, validate.one_of

local qimu = {
  name = "qimuinfo", family = "qimu", prefix = "/uniapp-service/api/runway/", auth = "bare",
}

local function envelope(c, code, message, result)
  return {
    code = code, message = message, result = result or json.null, success = code == 0,
    timestamp = math.floor(c.wall * 1000),
  }
end

-- what -> HTTP status, code, message. Only 401, 403 and 404 are documented; what is wrong with a
-- request comes under HTTP 200, told by `code`.
local PROBLEMS = {
  unauthorized = { 401, 401, "没有权限" },
  bad_request = { 200, 400, "参数错误" },
  no_task = { 404, 404, "记录不存在" },
  not_found = { 404, 404, "Not Found" },
  method = { 405, 405, "Method Not Allowed" },
  rate_limited = { 429, 429, "请求过于频繁" },
  server_error = { 500, 500, "系统错误" },
  unavailable = { 503, 503, "服务不可用" },
  credits = { 200, 5001, "余额不足, insufficient balance" },
}

function qimu.problem(what, detail, c)
  local known = PROBLEMS[what]
  local message = known[3]
  if detail then message = message .. ": " .. detail end
  return known[1], envelope(c, known[2], message)
end

local SCHEMA = validate.open("taskType ratio seconds", {
  taskType = one_of "gen3a_turbo gen3a gen2", ratio = one_of "16:9 9:16",
  seconds = one_of { 5, 10 }, textPrompt = text(0, 2000), callbackUrl = text(),
  images = validate.list(validate.open("image", { frameIndex = int(0, 1), image = text() })),
})

local function submit(c)
  local input = c.json
  local issue = validate.check(SCHEMA, input)[1]
  if issue then
    return nil, c.problem("bad_request", validate.where(issue) .. " " .. issue.message)
  end
  if input.callbackUrl and not assets.is_url(input.callbackUrl) then
    return nil, c.problem("bad_request", "callbackUrl is not a URL")
  end
  for i, image in ipairs(input.images or {}) do
    if not assets.is_url(image.image) then
      return nil, c.problem("bad_request", ("images.%d.image is not a URL"):format(i - 1))
    end
  end
  return {
    id = tools.decimal(c.app.chance, 12), family = "qimu", kind = "add", input = input,
    prompt = input.textPrompt, outputs = { "video" },
  }
end

local STATUS = {
  PENDING = 1, THROTTLED = 1, RUNNING = 2, SUCCEEDED = 3, FAILED = 4, CANCELLED = 4,
  UNKNOWN_TO_ALL = 9,
}

-- RunwayTaskVO
local function shown(c, task, status, view)
  local input = task.input
  local created = tools.local_time(c.wall - c.now + task.created)
  local modified = tools.local_time(c.wall)
  local images = json.array {}
  for i, image in ipairs(input.images or {}) do
    images[i] = {
      taskId = task.id, frameIndex = image.frameIndex or 0, imageOrg = image.image,
      imageActual = image.image, createdTime = created, modifiedTime = created,
    }
  end
  return {
    id = task.id, taskStatusCode = status, taskType = input.taskType, ratio = input.ratio,
    seconds = input.seconds, textPrompt = input.textPrompt, callbackUrl = input.callbackUrl,
    videoUrl = view.output and view.output[1], error = view.failure, images = images,
    createdTime = created, modifiedTime = modified,
  }
end

function qimu.accepted(c, task)
  return reply.json(200, envelope(c, 0, "执行成功", shown(c, task, 0, {})))
end

function qimu.show(c, task, view)
  local result = shown(c, task, STATUS[view.status], view)
  return reply.json(200, envelope(c, 0, "执行成功", result))
end

qimu.hook = "callbackUrl"

function qimu.posted(c, task, view) return envelope(c, 0, "执行成功", shown(c, task, STATUS[view.status], view)) end

local function get_task(c)
  local id = c.query.taskId
  if not id or id == "" then return nil, c.problem("bad_request", "taskId is missing") end
  return id
end

qimu.routes = {
  { "POST", "/uniapp-service/api/runway/add", submit = submit },
  { "GET", "/uniapp-service/api/runway/getTask", query = get_task },
}

return qimu
