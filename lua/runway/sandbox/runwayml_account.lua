--- The rest of the official API that a client of tasks meets: the organization and its usage, the
-- model router's answer, workflows and their invocations, voices.

local files = require "runway.sandbox.files"
local json = require "runway.json"
local reply = require "runway.sandbox.reply"
local schema = require "runway.sandbox.runwayml_schema"
local tasks = require "runway.sandbox.tasks"
local tools = require "runway.sandbox.tools"

local account = {}

local BALANCE = 100000 -- credits at the start
local DAY = 86400

-- The organization ----------------------------------------------------------------------------

-- Tasks with a model: how many each has, and what they cost.
local function used(c)
  local count, cost, total = {}, {}, 0
  for _, task in ipairs(c.app.tasks) do
    if task.family == "official" then
      local credits = tasks.cost(c.app, task, c.now)
      local model = task.input.model
      total = total + credits
      if model then
        count[model] = (count[model] or 0) + 1
        cost[model] = (cost[model] or 0) + credits
      end
    end
  end
  return count, cost, total
end

-- Every model a task can be made with, sorted.
local function models()
  local seen, list = {}, {}
  for _, kind in pairs(schema.kinds) do
    for model in pairs(kind.branches) do
      if not seen[model] then list[#list + 1] = model end
      seen[model] = true
    end
  end
  table.sort(list)
  return list
end

local function organization(c)
  local count, _, total = used(c)
  local tier, usage = {}, {}
  for _, model in ipairs(models()) do
    tier[model] = { maxConcurrentGenerations = tasks.AT_ONCE, maxDailyGenerations = tasks.A_DAY }
    usage[model] = { dailyGenerations = count[model] or 0 }
  end
  return reply.json(200, {
    tier = { maxMonthlyCreditSpend = 1000000, models = tier },
    creditBalance = math.max(0, BALANCE - total),
    usage = { models = usage },
  })
end

local function usage_of(c, official)
  local refusal = official.check(c, schema.usage)
  if refusal then return refusal end
  local today = math.floor(c.wall / DAY)
  local from = tools.days(c.json.startDate or tools.day((today - 30) * DAY))
  if not from then return c.problem("bad_request", "startDate must be a date, YYYY-MM-DD") end
  local before = tools.days(c.json.beforeDate or tools.day((from + 30) * DAY))
  if not before then return c.problem("bad_request", "beforeDate must be a date, YYYY-MM-DD") end
  if before < from or before - from > 90 then
    return c.problem("bad_request", "beforeDate must be at most 90 days after startDate")
  end
  local results, names = json.array {}, json.array {}
  local _, cost = used(c)
  local spent = json.array {}
  for _, model in ipairs(models()) do
    if cost[model] then
      names[#names + 1] = model
      spent[#spent + 1] = { model = model, amount = cost[model] }
    end
  end
  for day = from, before - 1 do
    local amounts = day == today and spent or json.array {}
    results[#results + 1] = { date = tools.day(day * DAY), usedCredits = amounts }
  end
  return reply.json(200, { results = results, models = names })
end

-- The model router ----------------------------------------------------------------------------

--- Every config is there but those whose name begins with "missing".
function account.find_router(c)
  if c.json.configId:sub(1, 7) ~= "missing" then return nil end
  return reply.json(404, { error = "Router config not found", code = "router_config_not_found" })
end

local RESOLVED = {
  video = function(input)
    return { duration = input.duration or 5, ratio = "1280:720", resolution = "720p" }
  end,
  image = function()
    return { ratio = "1280:720", aspectRatio = "16:9", resolution = "1k" }
  end,
  audio = function(input)
    local voice = input.voice and input.voice.type
    return { type = input.type, voice = voice or (input.type == "speech" and "default" or "none") }
  end,
}
local ROUTED_TO = { video = "gen4.5", image = "gen4_image", audio = "eleven_multilingual_v2" }

--- The answer to /v1/generate/*.
function account.routed(c, task)
  return reply.json(200, {
    id = task.id,
    routing = {
      model = ROUTED_TO[task.kind], provider = "runway", configId = c.json.configId,
      resolvedSettings = { optimizeFor = "quality", priceCeiling = json.null },
      resolvedInput = RESOLVED[task.kind](task.input),
      estimatedCost = { credits = task.credits },
    },
  })
end

-- Workflows -----------------------------------------------------------------------------------

local WORKFLOW = "5e1f0c8a-3b7d-4c12-9f04-6a2b8d7c9e10"
local NODE = "0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55"
local MADE, CHANGED = "2026-06-01T09:00:00.000Z", "2026-06-02T10:30:00.000Z"

local function list_workflows()
  return reply.json(200, { data = json.array { {
    name = "Sandbox workflow",
    versions = json.array { { id = WORKFLOW, version = 1, createdAt = MADE } },
  } } })
end

local function missing_workflow(c)
  if c.path.id == WORKFLOW then return nil end
  return reply.json(404, { error = "Could not find Workflow" })
end

local function get_workflow(c)
  return missing_workflow(c) or reply.json(200, {
    id = WORKFLOW, name = "Sandbox workflow", description = json.null, version = 1,
    createdAt = MADE, updatedAt = CHANGED,
    graph = { nodes = json.array { { id = NODE } }, edges = json.array {}, version = 1 },
  })
end

local function show_invocation(c, task, view)
  local shown = {
    id = task.id, status = view.status, createdAt = tools.iso(c.wall - c.now + task.created),
  }
  if view.status == "SUCCEEDED" then
    shown.output = { [NODE] = json.array(view.output) }
  elseif view.status == "FAILED" then
    shown.failure, shown.failureCode = view.failure, view.code
    shown.nodeErrors = { [NODE] = { nodeName = "Video", message = view.failure } }
  elseif view.progress then
    shown.progress, shown.output = view.progress, {}
  end
  return reply.json(200, shown)
end

local function workflow_routes(official, draft)
  local routes = official.routes
  table.insert(routes, { "GET", "/v1/workflows", answer = list_workflows })
  table.insert(routes, { "GET", "/v1/workflows/{id}", answer = get_workflow })
  table.insert(routes, {
    "POST", "/v1/workflows/{id}",
    accepted = function(_, task) return reply.json(200, { id = task.id }) end,
    submit = function(c)
      local refusal = missing_workflow(c) or official.check(c, schema.workflow)
      if refusal then return nil, refusal end
      local made = draft("workflow", {}, "invocation")
      made.id = tools.uuid(c.app.chance)
      return made
    end,
  })
  table.insert(routes, {
    "GET", "/v1/workflow_invocations/{id}", family = "invocation", show = show_invocation,
    query = function(c) return c.path.id end,
  })
end

-- Voices --------------------------------------------------------------------------------------

local VOICE = "93b52581-17ab-4905-bb5a-4fa730a7757a"

local function voice(c)
  return {
    id = VOICE, name = "Sandbox voice", description = json.null, createdAt = MADE, status = "READY",
    previewUrl = files.keep(c.app, "audio", nil, nil, c.base_url),
  }
end

local function list_voices(c)
  return reply.json(200, {
    data = json.array { voice(c) }, hasMore = false, nextCursor = json.null,
  })
end

local function get_voice(c)
  if c.path.id ~= VOICE then return reply.json(404, { error = "Could not find Voice" }) end
  return reply.json(200, voice(c))
end

--- Adds these paths to the official API.
---@param official table
---@param draft fun(kind: string, input: table, family: string|nil): table
function account.add_routes(official, draft)
  local function usage(c) return usage_of(c, official) end
  table.insert(official.routes, { "GET", "/v1/organization", answer = organization })
  table.insert(official.routes, { "POST", "/v1/organization/usage", answer = usage })
  table.insert(official.routes, { "GET", "/v1/voices", answer = list_voices })
  table.insert(official.routes, { "GET", "/v1/voices/{id}", answer = get_voice })
  workflow_routes(official, draft)
end

return account
