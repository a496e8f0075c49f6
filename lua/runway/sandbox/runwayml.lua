--- The official API: the operations that make a task, and tasks themselves. From Runway's OpenAPI
-- document; the wording of errors from answers the real API gave. See also runwayml_uploads.lua and
-- runwayml_account.lua for the rest of its paths.

local account = require "runway.sandbox.runwayml_account"
local assets = require "runway.sandbox.assets"
local json = require "runway.json"
local providers = require "runway.providers"
local reply = require "runway.sandbox.reply"
local schema = require "runway.sandbox.runwayml_schema"
local tasks = require "runway.sandbox.tasks"
local tools = require "runway.sandbox.tools"
local uploads = require "runway.sandbox.runwayml_uploads"
local validate = require "runway.sandbox.validate"

local VERSION = "2024-11-06"
local DOC_URL = "https://docs.dev.runwayml.com/api"

local official = {
  name = "Runway's official API", family = "official", prefix = "/v1/", auth = "bearer",
  routes = {},
}

local PROBLEMS = {
  unauthorized = { 401 }, -- says what is wrong with the key
  bad_request = { 400 },
  method = { 405, "Method not allowed" },
  not_found = { 404, "Not found" },
  no_task = { 404, "Could not find Task" },
  rate_limited = { 429, "You have sent too many requests. Please wait and try again." },
  server_error = { 500, "Internal server error" },
  unavailable = { 503, "Service temporarily unavailable" },
  credits = { 400, "You do not have enough credits to run this task." },
}

function official.problem(what, detail)
  local status, message = PROBLEMS[what][1], PROBLEMS[what][2]
  return status, { error = message or detail }
end

function official.before(c)
  local version = c.request.headers["x-runway-version"]
  if not version then
    return c.problem("bad_request", "The X-Runway-Version header is required: " .. VERSION)
  elseif version ~= VERSION then
    return c.problem("bad_request", ("X-Runway-Version %s is not a known version."):format(version))
  end
  return nil
end

local function complain(c, issues)
  local routed = c.request.path:find("^/v1/generate/") -- the one place whose errors name no page
  return reply.json(400, {
    error = "Validation of body failed", issues = json.array(issues),
    docUrl = not routed and DOC_URL or nil,
  })
end

--- Checks the body of a request against a schema; nil when it fits.
---@return table|nil response
function official.check(c, body_schema)
  local issues = {}
  for _, key in ipairs(tools.null_keys(c.request.body)) do
    issues[#issues + 1] = {
      code = "invalid_type", path = json.array { key }, message = "Invalid input: received null",
    }
  end
  local function asset(_, uri)
    local scheme = uri:match("^[A-Za-z]+")
    if scheme == "data" then return assets.data_uri(uri) end
    if scheme == "runway" then return uploads.complaint(c.app, uri, c.now) end
    return assets.url(uri, c.base_url)
  end
  for _, issue in ipairs(validate.check(body_schema, c.json, asset)) do
    issues[#issues + 1] = issue
  end
  if #issues > 0 then return complain(c, issues) end
  return nil
end

-- What the finished task will hold.
local function outputs(kind, input)
  local format = type(input.outputFormat) == "string" and input.outputFormat or ""
  if format == "prores" or format == "hdr_prores" or format == "hdr_pq_12bit_master" then
    return { "movie" }
  end
  if format:find("exr", 1, true) and kind == "video_to_hdr" then return { "frames" } end
  if format:find("_sequence", 1, true) then
    return input.videoUri and { "frames", "audio" } or { "frames" }
  end
  local list = {}
  local count = input.outputCount or (kind == "marketing_stock_image" and 4) or 1
  for i = 1, count do list[i] = tasks.MEDIA[kind] or "video" end
  return list
end

-- An estimate in credits: as Runway's price list has it, so that a budget fares here as it does there; for what is not
-- in that, a price per second, per image or per piece.
local function estimate(kind, input, list)
  local listed = providers.runwayml.price(kind, { json = input })
  if listed then return listed.credits end
  local media = tasks.MEDIA[kind]
  if media == "image" then return 5 * #list end
  if media == "audio" then return 5 end
  local seconds = math.ceil(type(input.duration) == "number" and input.duration or 5)
  local surcharge = (input.outputFormat or "mp4") ~= "mp4" and 5 or 0
  return (5 + surcharge) * seconds
end

local function draft(kind, input, family)
  input = input or {}
  local list = outputs(kind, input)
  return {
    kind = kind, family = family or "official", input = input, outputs = list, count = #list,
    credits = estimate(kind, input, list),
  }
end

local function task_route(path, kind, body_schema, accepted, prepare)
  official.routes[#official.routes + 1] = {
    "POST", path, accepted = accepted,
    submit = function(c)
      local refusal = official.check(c, body_schema) or (prepare and prepare(c))
      if refusal then return nil, refusal end
      local made = draft(kind, c.json.input or c.json)
      if c.json.dryRun == true then return nil, accepted(c, made) end -- nothing is made, nothing has an id
      made.id = tools.uuid(c.app.chance)
      return made
    end,
  }
end

function official.accepted(_, task)
  return reply.json(200, { id = task.id, estimatedCost = { credits = task.credits } })
end

--- The task as this API shows it.
---@param c table
---@param task table
---@param view table   from tasks.view
function official.show(c, task, view)
  local shown = {
    id = task.id, status = view.status,
    createdAt = tools.iso(c.wall - c.now + task.created),
  }
  if tasks.ended[view.status] then
    shown.cost = { credits = view.status == "SUCCEEDED" and task.credits or 0 }
  else
    shown.estimatedCost = { credits = task.credits }
    shown.progress = view.progress
  end
  if view.status == "SUCCEEDED" then
    shown.output = json.array(view.output)
  elseif view.status == "FAILED" then
    shown.failure, shown.failureCode = view.failure, view.code
  end
  return reply.json(200, shown)
end

local function by_id(c) return c.path.id end

local function delete(c)
  local task = tasks.find(c.app, "official", c.path.id)
  if not task then return c.problem("no_task") end
  task.deleted = true
  return reply.none()
end

for kind, body_schema in pairs(schema.kinds) do task_route("/v1/" .. kind, kind, body_schema) end
for name, body_schema in pairs(schema.recipes) do
  task_route("/v1/recipes/" .. name, name, body_schema)
end
for name, body_schema in pairs(schema.generate) do
  task_route("/v1/generate/" .. name, name, body_schema, account.routed, account.find_router)
end

for _, route in ipairs {
  { "GET", "/v1/tasks/{id}", query = by_id },
  { "DELETE", "/v1/tasks/{id}", answer = delete },
} do
  official.routes[#official.routes + 1] = route
end
account.add_routes(official, draft)
uploads.add_routes(official)

return official
