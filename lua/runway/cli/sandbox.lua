-- `runway sandbox`: the offline server, until Ctrl-C.

local exits = require "runway.cli.exits"
local report = require "runway.cli.report"
local text = require "runway.text"

local command = {}

-- Answers until Ctrl-C; where no one was told by what address, there is no one to answer.
local function serve(sandbox, server, world)
  if not world.stdout:flush() then
    server:close()
    return exits.FAILED
  end
  sandbox.loop(server)
  return exits.OK
end

-- A command that makes a clip there, as it is typed.
local function trial(args, server)
  local url = require("runway.core").url(server.base_url)
  return ("COMETAPI_KEY=%s runway generate --provider cometapi --base-url %s%s --prompt 'a cat' -o cat.mp4"):format(
    text.shell(args.api_key or "any"), text.shell(server.base_url),
    url and url.scheme == "http" and not url.loopback and " --allow-http" or "")
end

---@param args table
---@param world table
---@return integer exit_code
function command.sandbox(args, world)
  local sandbox = require "runway.sandbox"
  local server, message, missing = sandbox.start {
    host = args.host, port = args.port, seconds = args.seconds, scenario = args.scenario, base_url = args.base_url,
    url_seconds = args.url_seconds, retry_after = args.retry_after, api_key = args.api_key,
    log = args.verbose and function(line) world.stderr:write(line, "\n") end or nil,
  }
  if not server then
    if message:find("already in use", 1, true) then message = message .. "; --port 0 takes one that is free" end
    local code = report.failure(world, args, message, { kind = missing and "config" or "io" })
    return missing and exits.MISUSE or code
  end
  if args.json then
    report.line(world, { base_url = server.base_url, listening = server.listening, port = server.port })
    return serve(sandbox, server, world)
  end
  local address = args.base_url and ("%s (listening at %s)"):format(args.base_url, server.listening) or server.base_url
  world.stdout:write("sandbox at ", address, " (Ctrl-C ends it)\n", "try: ", trial(args, server), "\n",
    "its tasks: curl ", text.shell(server.base_url .. "/tasks"), "\n")
  return serve(sandbox, server, world)
end

return command
