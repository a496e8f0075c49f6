-- The commands that ask an account for something that is no task: what is left on it, a place for a file.

local account = require "runway.cli.account"
local exits = require "runway.cli.exits"
local report = require "runway.cli.report"

local errands = {}

--- What is left on the account.
---@return integer exit_code
function errands.credits(args, world)
  local client, err = account.open(args, world)
  if not client then return report.failure(world, args, err) end
  local credits, detail, limits = client:credits()
  if not credits then return report.failure(world, args, detail) end
  local told = require("runway.allowance").told(limits)
  if args.json then
    report.line(world, { provider = client.provider, credits = credits, limits = limits, detail = detail })
  else
    world.stdout:write(require("runway.text").number(credits), "\n")
    if told then world.stderr:write("runway: ", told, "\n") end
  end
  return exits.OK
end

--- Uploads files, one after the other.
---@return integer|nil exit_code   the first that is not 0
---@return string|nil misuse
function errands.upload(args, world)
  for _, path in ipairs(args.file) do
    if path == "" then return nil, "the name of a file is empty" end
  end
  local client, err = account.open(args, world)
  if not client then return report.failure(world, args, err) end
  local code = exits.OK
  for _, path in ipairs(args.file) do
    local uri
    local there, why = require("runway.core").readable(path)
    if there then uri, err = client:upload(path) end
    world.names = { path = path, uri = require("runway").null }
    if not there then
      report.failure(world, args, path .. ": " .. why, { kind = "io", code = "open" })
      code = code == exits.OK and exits.MISUSE or code
    elseif uri and args.json then
      report.line(world, { provider = client.provider, path = path, uri = uri })
    elseif uri then
      world.stdout:write(uri, "\n")
    else
      local one = report.failure(world, args, err)
      if code == exits.OK then code = one end
    end
  end
  return code
end

return errands
