-- prices.lua: what a task will cost, before it is paid for: as the user says, else as the provider's adapter does.
-- A price that no one knows is told as unknown, and never guessed.

local adapter = require "runway.adapter"
local params = require "runway.params"
local scheduler = require "runway.scheduler"
local text = require "runway.text"
local values = require "runway.values"

local prices = {}

---@class runway.Estimate
---@field credits number   at most, as far as its basis goes
---@field low number       at least
---@field basis string     "user", "provider", or a table with its date: "table 2026-10"

-- What these make is paid for by the second, all else by the item.
local FILMS = {
  character_performance = true, extend = true, image_to_video = true, text_to_video = true, video_to_hdr = true,
  video_to_video = true, video_upscale = true,
}

local function is_amount(v) return type(v) == "number" and v >= 0 and v < math.huge end

--- As a client takes them.
---@param v any
---@return boolean
---@return string expected
---@return string|nil got   the entry that is none
function prices.fit(v)
  local expected = "a function, or a table of models and credits such as { gen4_turbo = 5 }"
  if type(v) ~= "table" then return type(v) == "function", expected end
  for model, price in next, v do
    if type(model) ~= "string" or not is_amount(price) then
      return false, expected, ("%s = %s"):format(type(model) == "string" and text.line(model, 60) or values.show(model),
        values.show(price))
    end
  end
  return true, expected
end

-- The model and the seconds that an adapter has put into a request where none were named.
local function filled_in(request)
  local json = type(request.json) == "table" and request.json or {}
  local options = type(json.options) == "table" and json.options or {}
  return json.model or json.taskType, tonumber(json.duration or json.seconds or options.seconds)
end

-- The parameters as they will be sent: what stands in `extra` goes over them.
local function asked(order, request)
  local all = values.copy("params", order.params) or {}
  for name, v in next, order.extra or {} do all[params.snake(name)] = v end
  local model, seconds = filled_in(request)
  if all.model == nil then all.model = model end
  if all.duration == nil and all.seconds == nil then all.duration = seconds end
  return all
end

-- Of a table: by the second of a film, or by the item.
local function of_table(session, kind, all)
  local price = session.prices[all.model]
  if not price then return nil end
  local many
  if FILMS[kind] then
    many = all.duration or all.seconds
    if not is_amount(many) then
      return nil, ("prices has %s by the second, and the duration is not told; give one, or prices as a function")
        :format(text.line(all.model, 60) or "it")
    end
  else
    many = is_amount(all.output_count) and math.max(1, all.output_count) or 1
  end
  return price * many
end

-- Of a function: the whole task.
local function of_function(session, kind, all)
  local ok, credits = scheduler.try(session.prices, kind, all)
  if not ok then return nil, "the function prices failed: " .. scheduler.text_of(credits) end
  if credits == nil or is_amount(credits) then return credits end
  return nil, "the function prices gave " .. values.show(credits) .. "; it must give credits, 0 or more, or nil"
end

--- What a task will cost.
---@param session runway.Session
---@param kind string
---@param order runway.Order
---@param request table           as it will be sent
---@return runway.Estimate|nil
---@return runway.Error|nil err   kind "config", code "no_price"
function prices.of(session, kind, order, request)
  local credits, why, estimate, all
  if session.prices then
    all = asked(order, request)
    credits, why = (type(session.prices) == "table" and of_table or of_function)(session, kind, all)
    credits = credits and values.whole(credits)
    if credits then return { credits = credits, low = credits, basis = "user" } end
  end
  if not why then
    estimate, why = adapter.price(session, kind, request)
    if estimate then
      estimate.credits, estimate.low = values.whole(estimate.credits), values.whole(estimate.low)
      return estimate
    end
  end
  local advice = "name it in the client's option prices"
  if not why and (all or asked(order, request)).model == nil then
    why, advice = "no model is named, and prices are by model", "name a model"
  end
  return session:refuse { kind = "config", code = "no_price", message = ("what this task costs at %s is not known%s; "
    .. "%s"):format(session.adapter.name, why and " (" .. why .. ")" or "", advice) }
end

return prices
