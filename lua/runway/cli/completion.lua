-- `runway completion`: the script by which a shell completes the command; argparse makes it.

local exits = require "runway.cli.exits"
local parser = require "runway.cli.parser"

local command = {}

--- The script for one shell.
---@param shell "bash"|"zsh"|"fish"
---@return string
function command.script(shell)
  local root = parser.new(require "argparse", { completes = true })
  return root["get_" .. shell .. "_complete"](root)
end

---@param args table
---@param world table
---@return integer exit_code
function command.completion(args, world)
  world.stdout:write(command.script(args.shell))
  return exits.OK
end

return command
