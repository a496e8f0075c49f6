-- What the resellers' APIs have in common: how their relays wrap an answer, how they word an
-- error, and how they take the official request body.
--
-- A relay passes on the official task object, or wraps it, or answers in its own words, and one
-- host may do all of these in turn. So an answer is told apart by its form alone:
--   raw        { id, status, output, … }                          Runway's own task
--   wrapped    { code="success", data={ task_id, status, data={…raw…} } }   New-API relays
--   flat       { task_id, status, result_url, data={…raw…} }      the same without the envelope
--   duomi      { code=200, msg, data={ task_id, status="3", video_url } }
--   Kling      { code=0, message, data={ task_id, task_status } }
--   Luma       { id, state, video, estimate_wait_seconds }
-- Everything is read through runway.fields; whatever has no known form is nil, which the caller
-- counts as an unreadable answer and never as success.

local fields = require "runway.fields"
local ids = require "runway.ids"
local official = require "runway.providers.official"
local reseller_trouble = require "runway.providers.reseller_trouble"
local text = require "runway.text"

local reseller_answer = {}

-- Beside those of an end. Integer codes are not here: 2 is "failed" at one provider and "generating" at another.
local WORDS = {
  PENDING = "PENDING", THROTTLED = "THROTTLED", RUNNING = "RUNNING",
  SUCCEEDED = "SUCCEEDED", FAILED = "FAILED", CANCELLED = "CANCELLED",
  NOT_START = "PENDING", SUBMITTED = "PENDING", QUEUED = "PENDING", UNKNOWN = "PENDING",
  IN_PROGRESS = "RUNNING", PROCESSING = "RUNNING",
  GENERATING = "RUNNING", STARTED = "RUNNING", WAITING = "PENDING", CREATED = "PENDING", INITIALIZING = "PENDING",
}

-- Words that may be the request's as well as the task's: they end nothing unless the task is named.
local REQUESTS_TOO = { FAIL = true, ERROR = true, FAILURE = true, FAILED = true, TIMEOUT = true, REJECTED = true }

local WORD_KEYS = { "status", "state", "task_status", "taskStatus" }

---The status words of all relays, with `more` of one provider's own.
---@param more table<string,string>|nil  UPPERCASE word -> canonical status
---@return table<string,string>
function reseller_answer.words(more)
  local words = {}
  for word, status in pairs(official.ENDS) do words[word] = status end
  for word, status in pairs(WORDS) do words[word] = status end
  for word, status in pairs(more or {}) do words[word] = status end
  return words
end

local function object(v) return type(v) == "table" and v or {} end

---------------------------------------------------------------------------------------------------
-- Errors

local code_of, is_ok, refuses = reseller_trouble.code_of, reseller_trouble.is_ok, reseller_trouble.refuses

reseller_answer.told, reseller_answer.problem = reseller_trouble.told, reseller_trouble.problem
reseller_answer.is_success = reseller_trouble.is_success

local function has_word(o)
  for _, key in ipairs(WORD_KEYS) do
    if o[key] ~= nil then return true end
  end
  return false
end

-- The object that speaks of the task, and the provider's own object inside it (or an empty one).
-- An envelope may have an `id` (the request's) and a `status` (the request's) of its own, so where
-- `data` names a task and the top does not, `data` speaks.
local function parts(json)
  local data = json.data
  if type(data) ~= "table" then return json, {} end
  local wrapped = json.task_id == nil and (data.task_id ~= nil
    or (json.code ~= nil or json.id == nil) and (data.id ~= nil or has_word(data)))
  if wrapped then return data, object(data.data) end
  return json, data
end

---The problem that a 2xx answer reports in words, nil when it reports none. An `error` beside a
---status word is a failed task's, not the request's.
---@param answer table  its json is a table
---@return table|nil problem
function reseller_answer.trouble(answer)
  local json = answer.json
  local reported = json.code ~= nil and not reseller_trouble.is_success(json.code)
    and not reseller_trouble.says_well(json)
    or json.success == false
  if not reported and not has_word((parts(json))) then
    reported = type(json.error) == "table" and next(json.error) ~= nil
      or fields.line(json.error) ~= nil
  end
  if not reported then return nil end
  return reseller_answer.told(answer) or { message = "an error without a text", kind = "protocol" }
end

---What a submit answer comes to before its id is looked for: the object to read, or `nil, problem`,
---or bare nil for what cannot be read. An error of the server's own, one that names a task all the
---same, and words that are not known to refuse leave open whether the task was made.
---@param answer table
---@param trouble_of nil|fun(answer: table): table|nil  a provider's own rule; `reseller_answer.trouble`
---@return table|nil json
---@return table|nil problem
function reseller_answer.answered(answer, trouble_of)
  local json = answer.json
  if type(json) ~= "table" then return nil end
  if not is_ok(answer.status) then
    local problem = reseller_answer.problem(answer)      -- its kind is the status's affair
    if problem then return nil, problem end
    return json
  end
  local problem = (trouble_of or reseller_answer.trouble)(answer)
  if not problem then return json end
  if problem.kind == "protocol" then return nil end
  if problem.id or not refuses(problem) then problem.kind = "unknown_submit" end
  problem.kind = problem.kind or "invalid_request"
  return nil, problem
end

-- Ends that a submit answer claims are not believed: "success" there may be the request's.
local ENDS = { SUCCEEDED = true, FAILED = true, CANCELLED = true }

---@param id string
---@param status string|nil
---@param word string|nil
---@return table fields  of a task just submitted
function reseller_answer.fresh(id, status, word)
  return { id = id, status = not ENDS[status] and status or nil, word = word }
end

---------------------------------------------------------------------------------------------------
-- Tasks

-- `task_id` is the relay's own name for a task; where there is one, `id` may be a database row.
local function id_in(o)
  if o.task_id ~= nil then return fields.id(o.task_id) end
  return fields.id(o.id)
end

local function id_of(json)
  local body = parts(json)
  return id_in(body) or (body ~= json and id_in(json) or nil)
end

local function word_in(o, words, named)
  local first
  for _, key in ipairs(WORD_KEYS) do
    local status = fields.status(o[key], words)
    if status and (named or not REQUESTS_TOO[text.upper(text.trim(tostring(o[key])))]) then
      return status, fields.line(o[key], 64)
    end
    first = first or fields.line(o[key], 64)
  end
  return nil, first
end

-- While the relay's own word is unknown, the provider's word inside may say that the task goes on,
-- but not that it is over: the relay may be trying again.
local function status_of(body, inner, words)
  local named = id_in(body) ~= nil or id_in(inner) ~= nil
  local status, word = word_in(body, words, named)
  if status then return status, word end
  local inside, inside_word = word_in(inner, words, named)
  if not word then return inside, inside_word end
  if inside == "PENDING" or inside == "THROTTLED" or inside == "RUNNING" then
    return inside, word
  end
  return nil, word
end

-- Where a finished clip's URL may stand, the likeliest first; the task's own address and the pictures
-- beside a clip (poster, cover, last_frame, …) are not among them.
local URL_KEYS = {
  "output", "outputs", "result_url", "resultUrl", "video_url", "videoUrl", "output_url", "outputUrl", "video",
  "videos", "video_urls", "videoUrls", "result_urls", "resultUrls", "urls", "video_raw", "raw_video_url",
  "file_url", "fileUrl", "artifacts",
  "download_url", "downloadUrl", "url",
}

-- And what it may be wrapped in.
local URL_WRAPPERS = { "task_result", "taskResult", "result", "results", "output", "metadata", "content", "response",
  "assets" }

local function urls_in(o)
  for _, key in ipairs(URL_KEYS) do
    local urls, flagged = fields.urls(o[key])
    if urls then return urls, flagged end
  end
  return nil
end

-- The first that there are, and what was left out of them. Some relays put the finished clip's URL where the
-- reason of a failure belongs.
local function output_of(body, inner)
  local urls, flagged
  local function look(v, read)
    if not urls then urls, flagged = read(v) end
  end
  look(inner.output, fields.urls)
  look(body, urls_in)
  look(inner, urls_in)
  for _, o in ipairs { body, inner } do
    for _, key in ipairs(URL_WRAPPERS) do
      look(o[key], fields.urls)
      look(object(o[key]), urls_in)
    end
  end
  look(body.fail_reason, fields.urls)
  return urls, urls and flagged
end

local function failure_of(body, inner)
  local failure = fields.text(body.failure) or fields.text(body.fail_reason)
    or fields.text(inner.failure) or fields.text(body.failure_reason)
    or fields.text(body.task_status_msg) or fields.text(object(body.error).message)
    or fields.text(body.error) or fields.text(body.msg) or fields.text(body.error_message) or fields.text(body.reason)
  local message = fields.text(body.message)   -- in an envelope it may be the request's
  if not failure and message and not reseller_answer.is_success(message) then failure = message end
  local code = fields.line(body.failureCode, 128) or fields.line(inner.failureCode, 128)
    or fields.line(object(body.error).code, 128)
  return failure, code
end

-- Of the official object alone: a relay's points are not Runway's credits.
local function credits_of(body, inner, key)
  return fields.credits(object(body[key]).credits) or fields.credits(object(inner[key]).credits)
end

---Whether an answer says that there is no such task (yet).
---@param answer table
---@return boolean
function reseller_answer.is_missing(answer)
  if answer.status == 404 then return true end
  local code = type(answer.json) == "table" and code_of(answer.json.code)
  return code == "task_not_exist" or (code == "404" and is_ok(answer.status))
end

---The id that a submit's answer of an unknown form names beyond doubt: under a name that is a task's
---alone, or as the only thing in `data`.
---@param json table
---@return string|nil
function reseller_answer.named(json)
  local id, sure = ids.in_json(json)
  return (sure or type(json.data) == "string" and id == json.data) and id or nil
end

---The id of a new task. `nil, problem` when the answer refuses; bare nil when it cannot be read,
---which leaves open whether a task was made.
---@param answer table
---@param words table<string,string>  as from `reseller_answer.words`
---@return table|nil fields
---@return table|nil problem
function reseller_answer.accepted(answer, words)
  local json, problem = reseller_answer.answered(answer)
  if not json then return nil, problem end
  local id = id_of(json) or reseller_answer.named(json)
  if not id then return nil end
  local body, inner = parts(json)
  return reseller_answer.fresh(id, status_of(body, inner, words))
end

---Whether a query's answer can be read at all: `fields` when there is no such task, `nil, problem`
---for an error, bare nil for what is no object.
---@param answer table
---@param ref table
---@param trouble_of nil|fun(answer: table): table|nil  as for `reseller_answer.answered`
---@return table|nil json     the object to read
---@return table|nil fields
---@return table|nil problem
function reseller_answer.readable(answer, ref, trouble_of)
  if reseller_answer.is_missing(answer) then return nil, { id = ref.id, missing = true } end
  if not is_ok(answer.status) then return nil, nil, reseller_answer.problem(answer) end
  if type(answer.json) ~= "table" then return nil end
  local problem = (trouble_of or reseller_answer.trouble)(answer)
  if not problem then return answer.json end
  problem.kind = problem.kind or "server"  -- says nothing of the task, which may well be running
  return nil, nil, problem
end

---The state of a task, in whatever form a relay tells it. Bare nil: unreadable.
---@param answer table
---@param ref table  { id= }
---@param words table<string,string>  as from `reseller_answer.words`
---@return table|nil fields
---@return table|nil problem
function reseller_answer.task(answer, ref, words)
  local json, missing, problem = reseller_answer.readable(answer, ref)
  if not json then return missing, problem end
  local body, inner = parts(json)
  local id = id_of(json)
  if not (id or has_word(body) or has_word(inner)) then return nil end
  local status, word = status_of(body, inner, words)
  local task = {
    id = ref.id or id, status = status, word = word,
    progress = fields.progress(body.progress) or fields.progress(inner.progress),
    created_at = fields.time(body.createdAt) or fields.time(body.created_at)
      or fields.time(body.submit_time) or fields.time(body.create_time)
      or fields.time(inner.createdAt),
    cost = credits_of(body, inner, "cost"),
    estimated_cost = credits_of(body, inner, "estimatedCost"),
  }
  if status == "SUCCEEDED" then
    task.output, task.flagged = output_of(body, inner)
  elseif status == "FAILED" then
    task.failure, task.failure_code = failure_of(body, inner)
  elseif status ~= "RUNNING" then
    task.reason = word and not status and failure_of(body, inner) or nil
    task.next_poll = reseller_answer.wait_hint(body.estimate_wait_seconds)
  end
  return task
end

---A provider's guess of the seconds until something happens, as a hint for the next query; more
---than five minutes is not believed.
---@param v any
---@return number|nil
function reseller_answer.wait_hint(v)
  local seconds = fields.number(v)
  return seconds and seconds > 0 and math.min(seconds, 300) or nil
end

---The id and the status that a callback carries: a hint, so no output and no failure.
---@param payload any  decoded JSON
---@param words table<string,string>
---@return table|nil fields
function reseller_answer.callback(payload, words)
  if type(payload) ~= "table" then return nil end
  local id = id_of(payload)
  if not id then return nil end
  if reseller_answer.trouble { json = payload } then return { id = id } end
  local body, inner = parts(payload)
  local status, word = status_of(body, inner, words)
  return { id = id, status = status, word = word }
end

return reseller_answer
