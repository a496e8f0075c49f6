-- Runway's own developer API, version 2024-11-06 (its OpenAPI document of 2026-08-08, and
-- what its SDK of 2026-09-23 says beyond).
--
-- Every kind is one POST to /v1/KIND that answers { id, estimatedCost }; every task, also one made
-- by a router (/v1/generate/*) or a recipe, is asked for at /v1/tasks/ID. A run of a workflow is
-- the exception: it is made through client:request and asked for under its own path, so it is
-- attached with client:task(id, "workflow_invocation").
--
-- How the neutral names travel: snake_case becomes camelCase at the top level, nested tables go
-- verbatim. prompt_image and prompt_video go where the kind and the model take an image or a
-- video; see runway.providers.runwayml_body.

local body = require "runway.providers.runwayml_body"
local catalogue = require "runway.providers.catalogue"
local fields = require "runway.fields"
local ids = require "runway.ids"
local models = require "runway.providers.runwayml_models"
local official = require "runway.providers.official"
local options = require "runway.options"
local prices = require "runway.providers.runwayml_prices"
local text = require "runway.text"
local values = require "runway.values"

local concat = table.concat

local UPLOAD = official.UPLOAD

local runwayml = {
  name = "runwayml",
  base_url = "https://api.dev.runwayml.com",
  env = { api_key = "RUNWAYML_API_SECRET", base_url = "RUNWAYML_BASE_URL" },
  poll_interval = 5,  -- the document: not more than once every five seconds for a task
  missing_grace = 0,
  kinds = {
    "character_performance", "image_to_video", "image_upscale", "sound_effect",
    "speech_to_speech", "text_to_image", "text_to_speech", "text_to_video", "video_to_hdr",
    "video_to_video", "video_upscale", "voice_dubbing", "voice_isolation",
  },
  attached = {                        -- by the last word of where each was started; the run of a workflow by its own
    "ad_localization", "avatar_videos", "marketing_stock_image", "multi_shot_video", "product_ad",
    "product_campaign_image", "product_swap", "product_ugc", "workflow_invocation",
  },
  media = official.DATA_URI,
  formats = official.FORMATS,
  names = official.names(models),
  models = catalogue.of_rules(models, prices.fact),
  sign = official.sign,
}

local function object(v) return type(v) == "table" and v or {} end

---------------------------------------------------------------------------------------------------
-- Asking

local only_kind = {}                          -- model -> the kind that it makes; false: it makes several
for _, kind in ipairs(runwayml.kinds) do
  for model in pairs(models[kind]) do only_kind[model] = only_kind[model] == nil and kind end
end

---The kind of a model that makes one kind only (gen4_image, act_two, …); else nil, and the inputs
---decide.
---@param given table
---@return string|nil
function runwayml.kind_of(given) return only_kind[given.model] or nil end

---@param kind string
---@param given table  normalised params
---@return table|nil request
---@return table|nil problem
function runwayml.submit(kind, given)
  if not models[kind] then
    local near = options.nearest(kind, runwayml.kinds)
    return nil, values.refused("kind", "runwayml has no kind %s (%s)", values.show(kind),
      near and "did you mean " .. near .. "?" or "it has " .. concat(runwayml.kinds, ", "))
  end
  local json, problem, warnings = body.build(kind, given)
  if not json then return nil, problem end
  return { method = "POST", path = "/v1/" .. kind, json = json, warnings = warnings }
end

---What a submit costs.
---@param request table  as `submit` made it
---@return table|nil price
---@return string|nil why  there is none
function runwayml.price(_, request) return prices.of(request.json) end

local function path_of(ref)
  local family = ref.kind == "workflow_invocation" and "workflow_invocations" or "tasks"
  return "/v1/" .. family .. "/" .. text.escape(ref.id)
end

function runwayml.query(ref) return { method = "GET", path = path_of(ref) } end

-- Cancels what has not ended and deletes what has. A task already gone answers 404, which
-- `problem` leaves at not_found: the client counts that as done.
function runwayml.cancel(ref)
  if ref.kind == "workflow_invocation" then
    return nil, values.refused("kind", "runwayml cannot cancel a workflow invocation")
  end
  return { method = "DELETE", path = path_of(ref) }
end

function runwayml.credits() return { method = "GET", path = "/v1/organization" } end

function runwayml.balance(answer) return fields.number(object(answer.json).creditBalance) end

-- null: there is none, or none is known.
local function count(v)
  local n = fields.credits(v)
  return n and n <= 2 ^ 53 and math.floor(n) or nil
end

---What the account's tier allows of each model, also of models that have left: it is no list of what works.
---@param answer table
---@return table<string, runway.ModelLimits>|nil
function runwayml.limits(answer)
  local json, limits = object(answer.json), {}
  local function each(of, read)
    for model, v in next, object(object(of).models) do
      if type(model) == "string" and fields.line(model, 200) == model and type(v) == "table" then
        limits[model] = limits[model] or {}
        read(limits[model], v)
      end
    end
  end
  each(json.tier, function(of, v)
    of.concurrent, of.daily = count(v.maxConcurrentGenerations), count(v.maxDailyGenerations)
  end)
  each(json.usage, function(of, v) of.used_today = count(v.dailyGenerations) end)
  return next(limits) and limits or nil
end

---------------------------------------------------------------------------------------------------
-- Uploading: ask where to, send the form there without our key, then use the runway:// URI

local function ask_where_to(file)
  local name = file.name or ""
  if #name < UPLOAD.shortest_name or #name > UPLOAD.longest_name or not name:find("%.[A-Za-z0-9]+$") then
    return nil, values.refused("path",
      "runwayml takes files with a name of 3 to 255 characters and an extension, not %s",
      values.show(name))
  end
  if file.size and (file.size < UPLOAD.smallest or file.size > UPLOAD.largest) then
    return nil, values.refused("path", "runwayml takes files of %d to %d bytes, not %s (%s)",
      UPLOAD.smallest, UPLOAD.largest, text.number(file.size), name)
  end
  -- Costs nothing and may be repeated: an upload that nobody uses expires.
  return { request = {
    method = "POST", path = "/v1/uploads", safe = true,
    json = { filename = name, type = "ephemeral" },
  } }
end

local function unreadable_upload()
  return nil, { kind = "protocol", message = "runwayml's answer to an upload could not be read" }
end

-- Storage wants its own fields first and the file last; their order among themselves is free.
local function send_form(file, where)
  local urls = fields.urls(where.uploadUrl)
  if not urls or type(where.fields) ~= "table" then return unreadable_upload() end
  local names = {}
  for name, v in pairs(where.fields) do
    if type(name) ~= "string" or not (type(v) == "string" or type(v) == "number") then
      return unreadable_upload()
    end
    names[#names + 1] = name
  end
  table.sort(names)
  local form = {}
  for i, name in ipairs(names) do
    local v = where.fields[name]
    form[i] = { name, type(v) == "number" and text.number(v) or v }
  end
  form[#form + 1] = { "file", file = file.path, filename = file.name, type = file.type }
  return { request = { method = "POST", url = urls[1], form = form, safe = true } }
end

---@param file table      { name=, type=, size=, path= }
---@param answers table[]  the answers so far
function runwayml.upload(file, answers)
  if not answers[1] then return ask_where_to(file) end
  local where = object(answers[1].json)
  local uri = where.runwayUri
  if type(uri) ~= "string" or #uri > official.LONGEST_UPLOAD
    or not uri:find("^runway://[^%z\1-\32\127]+$") then
    return unreadable_upload()
  end
  if not answers[2] then return send_form(file, where) end
  return { uri = uri }
end

---------------------------------------------------------------------------------------------------
-- Reading

-- { credits = 25 }, or the number alone.
local function credits_of(v)
  if v == nil then return nil end             -- as a rule
  if type(v) == "table" then v = v.credits end
  return fields.credits(v)
end

-- A workflow answers { node id = { url, … }, … }: all of them, in the order of the ids.
local function urls_of(output)
  if output == nil then return nil end        -- until it is done
  local urls, flagged = fields.urls(output)
  if urls or type(output) ~= "table" then return urls, flagged end
  local nodes, all = {}, {}
  for node in pairs(output) do
    if type(node) == "string" then nodes[#nodes + 1] = node end
  end
  table.sort(nodes, text.before)
  for _, node in ipairs(nodes) do
    for _, url in ipairs(fields.urls(output[node]) or {}) do all[#all + 1] = url end
  end
  local kept, cut = fields.urls(all)
  return kept, cut or flagged
end

-- The errors of a workflow's nodes, for when the whole has no word of its own.
local function node_errors(nodes)
  local texts = {}
  for _, node in pairs(object(nodes)) do
    local message = fields.line(object(node).message, 200)
    local name = fields.line(object(node).nodeName, 60)
    if message then texts[#texts + 1] = (name and name .. ": " or "") .. message end
  end
  table.sort(texts)
  return fields.text(concat(texts, "; "))
end

---@param answer table
---@return table|nil fields  nil: an answer without an id, so nobody knows what became of the task
function runwayml.accepted(answer)
  local json = object(answer.json)
  local id = fields.id(json.id) or fields.id(json.task_id)
  if not id then return nil end
  return {
    id = id,
    status = fields.status(json.status), word = fields.line(json.status, 64),
    created_at = fields.time(json.createdAt), estimated_cost = credits_of(json.estimatedCost),
  }
end

---@param answer table
---@return table|nil fields  nil: no task in it
function runwayml.task(answer)
  if answer.status == 404 then return { missing = true } end
  local json = object(answer.json)
  local id = fields.id(json.id)
  if not id and json.status == nil and json.output == nil then return nil end
  local status, failure = fields.status(json.status), json.failure
  if not status and id then status = fields.status(json.status, official.ENDS) end
  local output, flagged
  if not status or status == "RUNNING" or status == "SUCCEEDED" then output, flagged = urls_of(json.output) end
  if failure == nil then failure = json.error end
  if type(failure) == "table" then failure = failure.message or failure.error end
  if failure == nil and status == "FAILED" then failure = node_errors(json.nodeErrors) end
  return {
    id = id,
    status = status, word = fields.line(json.status, 64),
    progress = fields.progress(json.progress),
    output = output, flagged = flagged,
    failure = status and fields.text(failure) or nil, reason = not status and fields.text(failure) or nil,
    failure_code = fields.line(json.failureCode, 200),
    created_at = fields.time(json.createdAt),
    cost = credits_of(json.cost), estimated_cost = credits_of(json.estimatedCost),
  }
end

---What an answer that is no 2xx says: { error, issues?, docUrl?, code? }.
---@param answer table
---@return table|nil problem
function runwayml.problem(answer)
  if answer.status and answer.status >= 200 and answer.status < 300 then return nil end
  local json = object(answer.json)
  local inner = object(json.error)  -- a relay's { error = { message, code } }
  local said = fields.line(json.error, 500) or fields.line(inner.message, 500)
    or fields.line(json.message, 500)
  local issues = official.issues(json.issues)
  local id = ids.in_json(json)
  if not said and not issues and not id then return nil end
  local message = said or issues and "the request was refused" or "an error that names a task"
  message = official.with_issues(message, issues)
  local docs = fields.urls(json.docUrl)
  if docs then message = ("%s; see %s"):format(message, text.cut(docs[1], 200)) end
  return {
    message = message, id = id,
    kind = official.says_empty_account(said) and "insufficient_credits" or nil,
    code = fields.line(json.code, 100) or fields.line(inner.code, 100),
  }
end

---Whether the same request, submitted anew, would have a chance; nil for a code no one knows.
---@param failure_code string|nil  nil: Runway gave none, which it says may be tried again
---@return boolean|nil
function runwayml.retryable_failure(failure_code)
  if failure_code == nil or failure_code == "" then return true end
  return official.retryable_failure(failure_code)
end

return runwayml
