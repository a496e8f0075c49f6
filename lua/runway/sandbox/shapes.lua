--- How resellers answer a query. One task, seven shapes, each documented or seen (and a client must
-- read them all):
--
--   official  the raw task of the official API
--   wrapped   New-API's envelope: code "success", data with its own words, the official task inside
--   flat      that data without the envelope, with result_url
--   quirk     wrapped, by older relays: no inner task, the URL stands in fail_reason
--   duomi     CometAPI's older one: code 200, status "0" to "3", everything a string
--   kling     code 0, data.task_status, as the gateway's page prints its schema
--   luma      id, state, video, as the gateway's page prints its example

local json = require "runway.json"
local tools = require "runway.sandbox.tools"
local words = require "runway.text"

local shapes = {}

local floor = math.floor

-- A status in another API's words; one no one knows stays as it is.
local function word(map, status) return map[status] or status end

local function percent(view)
  if view.output or view.failure then return "100%" end
  return ("%d%%"):format(floor((view.progress or 0) * 100))
end

-- Unix seconds of a moment on the clock of `now`; 0 when it has not come.
local function unix(c, moment) return moment and floor(c.wall - c.now + moment) or 0 end

local function first_url(view) return view.output and view.output[1] end

function shapes.official(c, task, view)
  return {
    id = task.id, status = view.status, createdAt = tools.iso(c.wall - c.now + task.created),
    progress = view.progress, output = view.output and json.array(view.output),
    failure = view.status == "FAILED" and view.failure or nil,
    failureCode = view.status == "FAILED" and view.code or nil,
  }
end

local NEW_API = {
  PENDING = "QUEUED", THROTTLED = "QUEUED", RUNNING = "IN_PROGRESS", SUCCEEDED = "SUCCESS",
  FAILED = "FAILURE", CANCELLED = "FAILURE",
}

local function relay_data(c, task, view)
  return {
    task_id = task.id, action = words.upper(task.kind), status = word(NEW_API, view.status),
    fail_reason = view.failure or "", submit_time = unix(c, task.created),
    start_time = unix(c, view.started), finish_time = unix(c, view.finished),
    progress = percent(view), data = shapes.official(c, task, view),
  }
end

function shapes.wrapped(c, task, view)
  return { code = "success", message = "", data = relay_data(c, task, view) }
end

function shapes.flat(c, task, view)
  local data = relay_data(c, task, view)
  data.result_url = first_url(view) or ""
  return data
end

function shapes.quirk(c, task, view)
  local data = relay_data(c, task, view)
  data.data = json.null
  data.fail_reason = first_url(view) or data.fail_reason
  return { code = "success", message = "", data = data }
end

local DUOMI = {
  PENDING = "0", THROTTLED = "0", RUNNING = "1", FAILED = "2", CANCELLED = "2", SUCCEEDED = "3",
  UNKNOWN_TO_ALL = "9",
}

function shapes.duomi(c, task, view)
  local failed = view.failure ~= nil
  return {
    code = 200, msg = "成功", exec_time = 0.02,
    data = {
      task_id = task.id, status = word(DUOMI, view.status),
      state = view.status == "SUCCEEDED" and "succeeded" or nil,
      prompt = task.prompt or "", prompt_en = task.prompt or "",
      video_url = first_url(view) or json.null, poster = json.null, last_frame = json.null,
      msg = view.failure or json.null, point = "320", refund = failed and "320" or "0",
      create_time = tostring(unix(c, task.created)), update_time = tostring(floor(c.wall)),
    },
  }
end

local KLING = {
  PENDING = "submitted", THROTTLED = "submitted", RUNNING = "processing", SUCCEEDED = "succeed",
  FAILED = "failed", CANCELLED = "failed",
}

function shapes.kling(c, task, view)
  local url = first_url(view)
  local created = (c.wall - c.now + task.created) * 1000
  local videos = url and json.array { { id = task.id, url = url, duration = "5" } }
  return {
    code = 0, message = "SUCCEED", request_id = tools.uuid(c.app.chance),
    data = {
      task_id = task.id, task_status = word(KLING, view.status), task_status_msg = view.failure,
      created_at = floor(created), updated_at = floor(c.wall * 1000),
      task_result = videos and { videos = videos }, output = url and json.array { url },
    },
  }
end

local LUMA = {
  PENDING = "pending", THROTTLED = "pending", RUNNING = "processing", SUCCEEDED = "completed",
  FAILED = "failed", CANCELLED = "failed",
}

function shapes.luma(c, task, view)
  local url = first_url(view) or json.null
  return {
    id = task.id, prompt = task.prompt or "", state = word(LUMA, view.status),
    queue_state = json.null, created_at = tools.iso(c.wall - c.now + task.created), batch_id = "",
    video = url, video_raw = url, liked = json.null, estimate_wait_seconds = json.null,
    thumbnail = json.null, last_frame = json.null, failure_reason = view.failure,
  }
end

--- An id as relays of this shape give them.
function shapes.new_id(shape, chance)
  if shape == "official" or shape == "luma" then return tools.uuid(chance) end
  if shape == "kling" then return tools.decimal(chance, 18) end
  return "task_" .. tools.alnum(chance, 32)
end

-- Errors --------------------------------------------------------------------------------------

local function error_body(message, code, kind)
  return { error = { message = message, type = kind, param = "", code = code } }
end

local PROBLEMS = {
  unauthorized = { 401, "Invalid token: ", "" },
  bad_request = { 400, "", "invalid_request" },
  rate_limited = { 429, "Rate limit reached, please try again later", "rate_limit_exceeded" },
  server_error = { 500, "Internal server error", "internal_error" },
  unavailable = { 503, "The service is temporarily overloaded", "service_unavailable" },
}

--- What a relay's own task code answers: { code, message, data = null } under an HTTP error.
function shapes.task_error(code, message)
  return { code = code, message = message or code, data = json.null }
end

--- How New-API relays (CometAPI is one) say that something is wrong.
---@param kind string  the error type they print
function shapes.problem(kind)
  return function(what, detail)
    if what == "no_task" then return 400, shapes.task_error("task_not_exist") end
    if what == "credits" then
      return 403, shapes.task_error("quota_not_enough", "user quota is not enough")
    end
    local known = PROBLEMS[what]
    if not known then return 404, "404 Not Found" end -- a wrong path gets a page, not JSON
    local message = known[2]
    if what == "unauthorized" or what == "bad_request" then message = message .. detail end
    return known[1], error_body(message, known[3], kind)
  end
end

return shapes
