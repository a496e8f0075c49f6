-- What a list of shots would ask for and cost: read and checked as `runway batch` does, and nothing sent.

local description = require "runway.description"
local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local report = require "runway.cli.report"
local text = require "runway.text"

local plan = {}

--- A list, or what belongs to it, could not be used.
---@param world table
---@param args table
---@param err runway.Error
---@return integer exit_code
function plan.refused(world, args, err)
  local code = report.failure(world, args, err)
  return err.code == "list" and exits.MISUSE or code -- it names what cannot be read
end

--- An estimate in words.
---@param estimate runway.Estimate|nil
---@return string
function plan.price(estimate)
  if not estimate then return "price not known" end
  local most, least = text.number(estimate.credits), text.number(estimate.low)
  return (most == least and most or least .. " to " .. most) .. " credits"
end

-- A request as it may be shown.
local function request_of(shot)
  return description.shown({ method = shot.request.method or "POST", path = shot.request.path,
    json = shot.request.json }, errors.redact)
end

local function as_object(shot, requests)
  return { key = shot.key, state = shot.state, provider = shot.provider, line = shot.line, kind = shot.kind,
    output = shot.output, estimate = shot.estimate or require("runway.json").null,
    request = requests and request_of(shot) or nil }
end

local function as_line(shot, requests)
  local words = { shot.key, plan.price(shot.estimate) }
  if requests then
    local request = request_of(shot)
    words[#words + 1] = ("%s %s"):format(request.method, request.path)
    words[#words + 1] = assert(require("runway.json").encode(request.json))
  end
  return report.words(words)
end

-- What is known of the price of all of them.
local function sum_of(shots)
  local sum = { shots = 0, credits = 0, low = 0, without_price = 0 }
  for _, shot in ipairs(shots) do
    if not shot.left_out then
      sum.shots = sum.shots + 1
      if shot.estimate then
        sum.credits, sum.low = sum.credits + shot.estimate.credits, sum.low + shot.estimate.low
      else
        sum.without_price = sum.without_price + 1
      end
    end
  end
  return sum
end

--- Prints it: a line for each shot, and the sum.
---@param args table        file, only, json
---@param world table
---@param client runway.Client
---@param requests boolean  with what would be sent
---@return integer exit_code
function plan.tell(args, world, client, requests)
  local only = args.only and #args.only > 0 and args.only or nil
  local result, err = require("runway").batch(client, args.file, { directory = ".", only = only, dry_run = true })
  if not result then return plan.refused(world, args, err) end
  for _, shot in ipairs(result.shots) do
    if not shot.left_out and args.json then report.entry(world, as_object(shot, requests))
    elseif not shot.left_out then world.stdout:write(as_line(shot, requests), "\n") end
  end
  local sum = sum_of(result.shots)
  local code = sum.without_price > 0 and not requests and exits.FAILED or exits.OK
  if args.json then
    report.line(world, { shots = sum.shots, estimate = { credits = sum.credits, low = sum.low },
      without_price = sum.without_price, exit_code = code })
  else
    local shots = sum.shots == 1 and "1 shot" or ("%d shots"):format(sum.shots)
    world.stdout:write(("%s  %s%s\n"):format(shots, plan.price(sum), sum.without_price > 0
      and (", and %d whose price is not known"):format(sum.without_price) or ""))
  end
  return code
end

return plan
