-- `runway estimate`: what a clip, or a list of shots, would cost. Nothing is sent.

local account = require "runway.cli.account"
local exits = require "runway.cli.exits"
local inputs = require "runway.cli.inputs"
local plan = require "runway.cli.plan"
local report = require "runway.cli.report"

local command = {}

local function of_one(args, world, client, given)
  local estimate, err = client:estimate(given)
  if not estimate then
    local code = report.failure(world, args, err)
    return err.code == "no_price" and exits.FAILED or code
  end
  if args.json then
    report.line(world, { provider = client.provider, estimate = estimate })
  else
    world.stdout:write(("%s  (%s)\n"):format(plan.price(estimate), estimate.basis))
  end
  return exits.OK
end

---@param args table
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.estimate(args, world)
  local given, problem = inputs.params(args, world)
  if not given then return report.problem(world, args, problem) end
  local asks = next(given) ~= nil
  if not args.file and not asks then return nil, "estimate needs a list of shots, or what `generate` takes" end
  if args.file and asks then return nil, "estimate takes a list of shots, or one clip's options, and not both" end
  if not args.file and (args.output or args.journal) then
    return nil, "estimate takes -o and --journal with a list: they say what of it is there already"
  end
  local client, err = account.open(args, world, true)
  if not client then return report.failure(world, args, err) end
  if args.file then return plan.tell(args, world, client, false) end
  return of_one(args, world, client, given)
end

return command
