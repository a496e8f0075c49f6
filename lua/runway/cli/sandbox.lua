-- `runway sandbox`: the offline server, until Ctrl-C.

local exits = require "runway.cli.exits"
local report = require "runway.cli.report"

local command = {}

---@param args table
---@param world table
---@return integer exit_code
function command.sandbox(args, world)
  local sandbox = require "runway.sandbox"
  local server, message = sandbox.start {
    host = args.host, port = args.port, seconds = args.seconds, scenario = args.scenario, base_url = args.base_url,
    log = args.verbose and function(line) world.stderr:write(line, "\n") end or nil,
  }
  if not server then return report.failure(world, args, message, "io") end
  if args.json then
    report.line(world, { base_url = server.base_url, listening = server.listening, port = server.port })
    world.stdout:flush()
    sandbox.loop(server)
    return exits.OK
  end
  local address = args.base_url and ("%s (listening at %s)"):format(args.base_url, server.listening) or server.base_url
  world.stdout:write("sandbox at ", address, " (Ctrl-C ends it)\n",
    "try: COMETAPI_KEY=any runway generate --provider cometapi --base-url ", server.base_url,
    " --prompt 'a cat' -o cat.mp4\n")
  world.stdout:flush()
  sandbox.loop(server)
  return exits.OK
end

return command
