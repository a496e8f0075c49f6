-- Any reseller that offers Runway's own routes under /runwayml/v1. There are many, with one
-- contract between them (two pages: image_to_video and tasks/{id}) and no common host, so the base
-- URL is the user's to give.
--
-- The pages print the answers of two other services (Kling's schema, Luma's example); the hosts
-- answer with Runway's own object or wrap it in a relay's envelope. All of these are read.
-- Neither a cancel nor a callback is documented.

local catalogue = require "runway.providers.catalogue"
local models = require "runway.providers.runwayml_models"
local reseller_request = require "runway.providers.reseller_request"
local official = require "runway.providers.official"
local reseller_answer = require "runway.providers.reseller_answer"
local text = require "runway.text"
local values = require "runway.values"

local refused = values.refused

local WHO = "gateway"

local LIMITS = {
  models = { "gen3a_turbo", "gen4_turbo" }, model = "gen4_turbo", prompt = 1000,
  durations = { 5, 10 }, seed = 4294967295,
}

local WORDS = reseller_answer.words()

local gateway = {
  name = "gateway",
  base_url = nil,
  env = { api_key = "RUNWAY_GATEWAY_API_KEY", base_url = "RUNWAY_GATEWAY_BASE_URL" },
  poll_interval = 5,
  missing_grace = 90,  -- relays of the New-API family answer task_not_exist for a fresh task
  kinds = { "image_to_video" },
  formats = official.FORMATS,          -- Runway's, whose routes these are
  names = official.names({ models.image_to_video }, { "watermark" }),
  models = catalogue.add({}, "image_to_video", LIMITS),
  media = { image = official.DATA_URI.image },
  retryable_failure = official.retryable_failure,
}

for model, facts in pairs(gateway.models.image_to_video) do facts.removed = official.gone(model) end

---The version header is not on the pages; some hosts ask for it and the others pass it over.
---@param api_key string
---@return table<string,string> headers
function gateway.sign(api_key)
  local headers = official.sign(api_key)
  headers.Accept = "application/json"
  return headers
end

---@param kind string
---@param all table  normalised params
---@return table|nil request
---@return table|nil problem
function gateway.submit(kind, all)
  if kind ~= "image_to_video" then
    return nil, refused("kind", "gateway has no %s: its pages know image_to_video alone", kind)
  end
  local given, rest = reseller_request.split(all)
  local warnings = {}
  local problem = reseller_request.stray(WHO, kind, given, { "prompt_video" })
    or reseller_request.refusal(WHO, given, LIMITS, warnings)
  if problem then return nil, problem end
  local body
  body, problem = reseller_request.official(WHO, kind, given, rest, LIMITS.model)
  if not body then return nil, problem end
  if body.ratio == nil then
    return nil, refused("ratio", 'gateway needs a ratio, like "1280:720"')
  end
  official.warn_at("the host", body.model, warnings)
  return { method = "POST", path = "/runwayml/v1/image_to_video", json = body,
    warnings = reseller_request.told(warnings) }
end

---@param answer table
---@return table|nil fields
---@return table|nil problem
function gateway.accepted(answer) return reseller_answer.accepted(answer, WORDS) end

---@param ref table  { id= }
---@return table request
function gateway.query(ref)
  return { method = "GET", path = "/runwayml/v1/tasks/" .. text.escape(ref.id) }
end

---@param answer table
---@param ref table
---@return table|nil fields
---@return table|nil problem
function gateway.task(answer, ref) return reseller_answer.task(answer, ref, WORDS) end

---@param answer table
---@return table|nil problem
function gateway.problem(answer) return reseller_answer.problem(answer) end

---No page promises one, but relays send what they answer to a query.
---@param payload any  decoded JSON
---@return table|nil fields  id and hint
function gateway.callback(payload) return reseller_answer.callback(payload, WORDS) end

return gateway
