-- `runway doctor`: what there is of all that a task needs, a line each, and what to do where something is missing.
--
-- A check is a function of what is known so far. It gives its state (ok, warn, fail; skip: what it needs has failed),
-- what it saw, what is to be done, and details by name. It changes nothing, pays for nothing, and says no key.

local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local machine = require "runway.cli.doctor_machine"
local network = require "runway.cli.doctor_network"
local report = require "runway.cli.report"
local text = require "runway.text"

local command = {}

-- In the order in which one leads to the next: its name, what looks, and the names of its details.
---@type { [1]: string, [2]: (fun(known: table): string, string, string|nil, table|nil), [3]: string[] }[]
local CHECKS = {
  { "versions", machine.versions, { "runway", "lua", "libcurl", "tls", "sqlite", "libpq", "libmicrohttpd" } },
  { "provider", network.provider, { "provider", "from" } },
  { "key", network.key, { "from" } },
  { "address", network.address, { "base_url" } },
  { "proxy", network.proxy, { "proxy", "from" } },
  { "reach", network.reach, { "http_status", "seconds" } },
  { "tls", network.tls, { "authorities" } },
  { "clock", network.clock, { "offset" } },
  { "account", network.account, { "credits", "limits" } },
  { "ffmpeg", machine.ffmpeg, { "version" } },
  { "journal", machine.journal, { "journal", "version", "entries", "unknown", "commit_seconds" } },
  { "output", machine.output, { "directory", "free" } },
}
command.checks = CHECKS

local SHOWN = { ok = "ok", warn = "warn", fail = "FAIL", skip = "skip" }

local function clean(said, known)
  return said and text.line(errors.redact(report.spelled(said), known.key), 1000)
end

local function say(world, args, check, found)
  if not args.json then
    local advice = found.advice and ". " .. found.advice or ""
    world.stdout:write(("%-4s  %-8s  %s%s\n"):format(SHOWN[found.state], check[1], found.message:gsub("%.$", ""),
      advice))
    return
  end
  local null, detail = require("runway.json").null, {}
  for _, name in ipairs(check[3]) do
    detail[name] = null
    if found.detail[name] ~= nil then detail[name] = found.detail[name] end
  end
  report.line(world, { check = check[1], state = found.state, message = found.message,
    advice = found.advice or null, detail = detail })
end

---@param args table
---@param world table
---@return integer exit_code
function command.doctor(args, world)
  local known, code = { args = args, world = world }, exits.OK
  for _, check in ipairs(CHECKS) do
    local state, message, advice, detail = check[2](known)
    say(world, args, check, { state = state, message = clean(message, known), advice = clean(advice, known),
      detail = detail or {} })
    world.stdout:flush()                      -- the next one may take a while
    if state == "fail" then code = exits.FAILED end
  end
  if known.session then known.session:close() end
  return code
end

return command
