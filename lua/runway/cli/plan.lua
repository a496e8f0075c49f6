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

--- What a list asks for beside what is there, as an object.
---@param of runway.Plan|nil   nil: it did not come to that
---@return table|nil
function plan.as_object(of)
  local json = require "runway.json"
  return of and { new = of.new, credits = of.credits, low = of.low, without_price = of.without_price,
    again = json.array(of.again), unnamed = json.array(of.unnamed) } or json.null
end

local function as_object(shot, requests)
  return { key = shot.key, state = shot.state, provider = shot.provider, line = shot.line, kind = shot.kind,
    output = shot.output, older = shot.older, error = shot.error and shot.error.message,
    path = shot.state == "done" and shot.path or nil, task_id = shot.task_id, credits = shot.credits,
    estimate = shot.estimate or require("runway.json").null,
    request = requests and shot.new and request_of(shot) or nil }
end

-- How one stands that is not to be made: in a word, or why.
local function as_it_stands(shot)
  local word = shot.state == "done" and "is there already" or shot.state
  return report.words { shot.key, shot.error and word .. ": " .. report.of_one(shot.error.message) or word }
end

local function as_line(shot, requests)
  if not shot.new then return as_it_stands(shot) end
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

local function of_unknown(sum)
  return sum.without_price > 0 and (", and %d whose price is not known"):format(sum.without_price) or ""
end

--- Prints it: a line for each shot, and the sum.
---@param args table        file, output, only, retry_failed, attempts, json
---@param world table
---@param client runway.Client
---@param requests boolean  with what would be sent
---@return integer exit_code
function plan.tell(args, world, client, requests)
  local only = args.only and #args.only > 0 and args.only or nil
  local result, err = require("runway").batch(client, args.file, { directory = args.output, only = only, dry_run = true,
    retry_failed = args.retry_failed, attempts = args.attempts })
  if not result then return plan.refused(world, args, err) end
  for _, shot in ipairs(result.shots) do
    if not shot.left_out and args.json then report.entry(world, as_object(shot, requests))
    elseif not shot.left_out then world.stdout:write(as_line(shot, requests), "\n") end
  end
  local sum = sum_of(result.shots)
  local code = sum.without_price > 0 and not requests and exits.FAILED or exits.OK
  if args.json then
    report.line(world, { shots = sum.shots, estimate = { credits = sum.credits, low = sum.low },
      without_price = sum.without_price, plan = plan.as_object(result.plan), exit_code = code })
  else
    local shots = sum.shots == 1 and "1 shot" or ("%d shots"):format(sum.shots)
    world.stdout:write(("%s  %s%s%s\n"):format(shots, plan.price(sum), of_unknown(sum), result.plan.new < sum.shots
      and ("; of these %d to be bought  %s%s"):format(result.plan.new, plan.price(result.plan),
        of_unknown(result.plan)) or ""))
  end
  return code
end

return plan
