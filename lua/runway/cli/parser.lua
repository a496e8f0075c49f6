-- The command line of `runway`: its commands and their options.

local guard = require "runway.guard"

local parser = {}

local KEYS = "The API key is taken from the environment (RUNWAYML_API_SECRET, COMETAPI_KEY, CHATGPTSB_API_KEY,\n"
  .. "QIMU_API_KEY, RUNWAY_GATEWAY_API_KEY) and never from an option: others on the machine see options with ps."

--- The library that reads a command line; nil, message when it is not there.
function parser.load()
  local ok, argparse = guard.try(require, "argparse")
  if ok then return argparse end
  return nil, "the runway command needs argparse (Debian: apt-get install lua-argparse; "
    .. "elsewhere: luarocks install argparse), which did not load: " .. tostring(argparse)
end

local function number(text)
  local n = tonumber(text)
  if n and n == n and n > -math.huge and n < math.huge then return n end
  return nil, ("'%s' is no number"):format(text)
end

local function positive(text)
  local n = number(text)
  if n and n > 0 then return n end
  return nil, ("'%s' is no number above 0"):format(text)
end

local function whole(text)
  local n = number(text)
  if n and n % 1 == 0 then return math.floor(n) end
  return nil, ("'%s' is no whole number"):format(text)
end

local function count(text)
  local n = whole(text)
  if n and n >= 1 then return n end
  return nil, ("'%s' is no whole number above 0"):format(text)
end

local function duration(text)
  if text == "auto" then return text end
  return number(text)
end

-- name=value: JSON where it is JSON, else a string.
local function parameter(text)
  local name, value = text:match("^([A-Za-z0-9_.-]+)=(.*)$")
  if not name then return nil, "a --param or --extra is not of the form NAME=VALUE" end -- it may hold anything
  local json = require "runway.json"
  local decoded = json.decode(value)
  if decoded == nil then decoded = value == "null" and json.null or value end
  return { name = name, value = decoded }
end

local function account_options(command)
  command:option("--provider", "Whose account: runwayml, cometapi, chatgptsb, qimu or gateway (default: "
    .. "$RUNWAY_PROVIDER, else runwayml).")
  command:option("--base-url", "Another address of the API, such as a sandbox's.")
  command:option("--poll-interval", "Seconds between two queries (default: as often as the provider allows).")
    :convert(number)
end

-- "api.example:443=127.0.0.1", as curl's --connect-to has it in another order.
local function pin(text)
  local name, address = text:match("^([^=]+:%d+)=(.+)$")
  if name then return { name = name, address = address } end
  return nil, "a --resolve is not of the form HOST:PORT=ADDRESS" -- what it is may hold a password
end

local function network_options(command)
  command:option("--proxy", "A proxy (default: the environment's https_proxy; a password is best left there).")
  command:option("--ca-file", "A PEM file of authorities to trust (default: $CURL_CA_BUNDLE, $SSL_CERT_FILE and "
    .. "$SSL_CERT_DIR, else the system's).")
  command:flag("--allow-http", "Take http addresses too (without TLS), of the API and of results.")
  command:flag("--allow-private", "Take results from addresses in a private network too.")
  command:option("--resolve", "HOST:PORT=ADDRESS: connect there instead."):count "*":convert(pin):target "pins"
end

local function file_options(command)
  command:option("-o --output", "The file to write.")
  command:flag("--overwrite", "Write over a file that is there.")
  command:option("--max-bytes", "Give up on a file that is larger (default 4 GiB)."):convert(count)
  command:option("--timeout", "Seconds to wait for the task (default 3600); it goes on without us."):convert(positive)
end

local function scenario_list()
  local lines = { "Scenarios (or a word in a prompt: sandbox:fail, sandbox:rate_limit=3):" }
  for _, scenario in ipairs(require("runway.sandbox").scenarios()) do
    lines[#lines + 1] = ("  %-16s %s"):format(scenario.name, scenario.about)
  end
  return table.concat(lines, "\n")
end

-- argparse prints help and ends the program by itself; here it is printed where we say, and main returns.
local function answer(world, text)
  world.stdout:write(text, "\n")
  world.answered = true
  error("answered", 0)                        -- leaves the parser
end

local function add_help(command, world)
  command:add_help(false)
  command:flag("-h --help", "Show this help."):action(function() answer(world, command:get_help()) end)
end

local function add_journal(root, world)
  local journal = root:command("journal", "Look into a journal of paid tasks; say what became of what is unknown.")
  add_help(journal, world)
  journal:require_command(true)
  journal:command_target "action"
  local function action(name, about, keyed)
    local command = journal:command(name, about)
    add_help(command, world)
    if keyed then command:argument("key", "The task's key.") end
    command:option("--journal", "The journal: a file, or postgresql://….")
    return command
  end
  local list = action("list", "Its entries, the newest first, one a line.")
  list:option("--state", "Only those that are queued, submitting, submitted, downloading, done, failed or unknown.")
    :choices { "queued", "submitting", "submitted", "downloading", "done", "failed", "unknown" }
  list:option("--limit", "Only so many."):convert(count)
  list:flag("--json", "As JSON, one object a line.")
  action("show", "One entry, with what was asked for.", true):flag("--json", "As JSON.")
  local settle = action("settle", "Say what became of a submit that is unknown.", true)
  settle:option("--task-id", "It made this task.")
  settle:flag("--resubmit", "It made none: the next one to ask for it submits it again.")
  settle:option("--failed", "It is given up, and why.")
  settle:flag("--json", "As JSON.")
  action("export", "Everything as JSON, one object a line, the oldest first.")
end

--- The command line of `runway`.
---@param argparse table
---@param world table   help and version are printed on its stdout, with `answered` set and the parser left
function parser.new(argparse, world)
  local root = argparse("runway", "Makes video with Runway's models, at whichever provider holds your account.")
  add_help(root:epilog(KEYS), world)
  root:require_command(false)
  root:command_target "command"
  root:flag("--version", "Show the version."):action(function() answer(world, require("runway")._VERSION) end)

  local generate = root:command("generate", "Make a clip: submit, wait, download. Spends credits.")
  add_help(generate:epilog("Prints the path of the file. The task's id is printed (on standard error) as soon as\n"
    .. "it is known; if anything fails after that, `runway task ID -o FILE` goes on.\n\n" .. KEYS), world)
  account_options(generate)
  network_options(generate)
  generate:option("--prompt", "What is to be seen.")
  generate:option("--image", "A picture to begin with: a file or a URL; given twice: the first and the last.")
    :count "0-2":overwrite(false)
  generate:option("--video", "A film to work on: a file or a URL.")
  generate:option("--model", "The provider's name of a model.")
  generate:option("--ratio", "1280:720, 16:9, ...")
  generate:option("--duration", "Seconds of film; auto where a model decides itself."):convert(duration)
  generate:option("--seed", "A whole number; the same one gives much the same clip."):convert(whole)
  generate:option("--kind", "text_to_video, image_to_video, ... (default: what the inputs say).")
  generate:option("--param", "NAME=VALUE: any other parameter; the value as JSON, or as text."):count "*"
    :convert(parameter):target "params"
  generate:option("--extra", "NAME=VALUE: like --param, but looked at by no one: for a name that seems a slip.")
    :count "*":convert(parameter):target "extras"
  file_options(generate)
  generate:option("--journal", "Remember the task in this journal: a file, or postgresql://….")
  generate:option("--key", "With a journal: what this clip is known by. The same key never submits twice; run again, "
    .. "it goes on.")

  local task = root:command("task", "Look at a task, wait for it, fetch what it made.")
  add_help(task:epilog("Prints its state; with -o waits for it and prints the path of the file.\n\n" .. KEYS), world)
  task:argument("id", "The task's id.")
  account_options(task)
  network_options(task)
  task:option("--kind", "What it makes, where a provider asks by kind.")
  task:flag("--wait", "Wait until it has ended.")
  file_options(task)

  add_journal(root, world)

  local sandbox = root:command("sandbox", "Run an offline server that answers like each provider.")
  add_help(sandbox:epilog(scenario_list()), world)
  sandbox:option("--port", "Where to listen (0: any free port)."):default "8787":convert(whole)
  sandbox:option("--host", "The address to listen on."):default "127.0.0.1"
  sandbox:option("--seconds", "How long a task takes."):default "2":convert(number)
  sandbox:option("--scenario", "What goes wrong (default: nothing).")
  return root
end

return parser
