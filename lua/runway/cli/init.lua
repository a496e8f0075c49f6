-- cli.lua: the `runway` command. `main(argv)` returns the exit code: 0 when
-- what was asked for is there, 1 when the world said no, 2 for misuse.
--
-- Standard output holds results alone (the path of the file, the task's
-- state), so that scripts can read it; everything else goes to standard error.

local errors = require "runway.errors"

local cli = {}

local KEYS = "The API key is taken from the environment (RUNWAYML_API_SECRET, COMETAPI_KEY, CHATGPTSB_API_KEY,\n"
  .. "QIMU_API_KEY, RUNWAY_GATEWAY_API_KEY) and never from an option: others on the machine see options with ps."

--------------------------------------------------------------------- options

local function load_argparse()
  local ok, argparse = pcall(require, "argparse")
  if ok then return argparse end
  return nil, "the runway command needs argparse (Debian: apt-get install lua-argparse; "
    .. "elsewhere: luarocks install argparse)"
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

local function duration(text)
  if text == "auto" then return text end
  return number(text)
end

-- name=value: JSON where it is JSON, else a string.
local function parameter(text)
  local name, value = text:match("^([A-Za-z0-9_.-]+)=(.*)$")
  if not name then return nil, ("'%s' is not of the form name=value"):format(text) end
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
  return nil, ("'%s' is not of the form HOST:PORT=ADDRESS"):format(text)
end

local function network_options(command)
  command:option("--proxy", "A proxy (default: the environment's https_proxy; a password is best left there).")
  command:option("--ca-file", "A PEM file of authorities to trust (default: $SSL_CERT_FILE, else the system's).")
  command:flag("--allow-http", "Take results from http addresses too (without TLS).")
  command:flag("--allow-private", "Take results from addresses in a private network too.")
  command:option("--resolve", "HOST:PORT=ADDRESS: connect there instead."):count "*":convert(pin):target "pins"
end

local function file_options(command)
  command:option("-o --output", "The file to write.")
  command:flag("--overwrite", "Write over a file that is there.")
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

local function new_parser(argparse, world)
  local parser = argparse("runway", "Makes video with Runway's models, at whichever provider holds your account.")
  add_help(parser:epilog(KEYS), world)
  parser:require_command(false)
  parser:command_target "command"
  parser:flag("--version", "Show the version."):action(function() answer(world, require("runway")._VERSION) end)

  local generate = parser:command("generate", "Make a clip: submit, wait, download. Spends credits.")
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
  file_options(generate)

  local task = parser:command("task", "Look at a task, wait for it, fetch what it made.")
  add_help(task:epilog("Prints its state; with -o waits for it and prints the path of the file.\n\n" .. KEYS), world)
  task:argument("id", "The task's id.")
  account_options(task)
  network_options(task)
  task:option("--kind", "What it makes, where a provider asks by kind.")
  task:flag("--wait", "Wait until it has ended.")
  file_options(task)

  local sandbox = parser:command("sandbox", "Run an offline server that answers like each provider.")
  add_help(sandbox:epilog(scenario_list()), world)
  sandbox:option("--port", "Where to listen (0: any free port)."):default "8787":convert(whole)
  sandbox:option("--host", "The address to listen on."):default "127.0.0.1"
  sandbox:option("--seconds", "How long a task takes."):default "2":convert(number)
  sandbox:option("--scenario", "What goes wrong (default: nothing).")
  return parser
end

--------------------------------------------------------------------- files and words

local function is_url(text)
  return text:find("^[A-Za-z][A-Za-z0-9+.-]+:") ~= nil
end

local function media(text)
  if is_url(text) then return text end
  return require("runway").file(text)
end

--- Can this file be written? Asked before anything is paid for.
---@return true|nil
---@return string|nil message
local function check_target(path, overwrite)
  local ok, message = require("runway.core").target(path, overwrite)
  if ok then return true end
  if message:find("existing file", 1, true) then
    return nil, ("%s is already there; --overwrite writes over it"):format(path)
  end
  return nil, "-o " .. path .. ": " .. message
end

local function quoted(word)
  if word:find("^[A-Za-z0-9_./:%%@+-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The command that goes on with a task.
local function resume_command(args, id)
  local words = { "runway", "task", id:find("^%-") and "-- " .. quoted(id) or quoted(id) }
  local function add(option, value)
    if value then
      words[#words + 1] = option
      words[#words + 1] = quoted(value)
    end
  end
  add("--provider", args.provider or os.getenv "RUNWAY_PROVIDER")
  add("--base-url", args.base_url)
  add("--kind", args.kind)
  add("--ca-file", args.ca_file)
  for _, flag in ipairs { "allow_http", "allow_private" } do
    if args[flag] then words[#words + 1] = "--" .. flag:gsub("_", "-") end
  end
  for _, one in ipairs(args.pins or {}) do add("--resolve", one.name .. "=" .. one.address) end
  add("-o", args.output)
  if not args.output then words[#words + 1] = "--wait" end
  return table.concat(words, " ")
end

local function open_client(args, world)
  local pins = #(args.pins or {}) > 0 and {} or nil
  for _, one in ipairs(args.pins or {}) do pins[one.name] = one.address end
  local function logger(level, message)
    if level ~= "debug" then world.stderr:write("runway: ", message, "\n") end
  end
  return require("runway").client {
    logger = logger, provider = args.provider, base_url = args.base_url, poll_interval = args.poll_interval,
    proxy = args.proxy, ca_file = args.ca_file, resolve = pins,
    allow_http = args.allow_http, allow_private = args.allow_private, transport = world.transport,
  }
end

-- Options of the library that an error advises, as the command spells them.
local ADVISED = { "allow_http", "allow_private", "ca_file" }

local function spelled(args, message)
  local words = {}
  for _, name in ipairs(ADVISED) do
    if message:find(name, 1, true) and not args[name] then words[#words + 1] = "--" .. name:gsub("_", "-") end
  end
  if #words == 0 then return "" end
  return ("runway: here that is %s\n"):format(table.concat(words, " or "))
end

-- Errors after which there is nothing to go on with.
local OVER = { task_failed = true, task_cancelled = true, not_found = true }

-- Says what went wrong, and how to go on with a task that may still bring its film.
local function report(world, args, err)
  world.stderr:write("runway: ", tostring(err), "\n", spelled(args, tostring(err)))
  local id = errors.is(err) and err.task_id or world.task_id
  if id then require("runway.ledger").told(id) end
  local over = errors.is(err) and OVER[err.kind] and err.code ~= "output" -- a missing file is no missing task
  if id and not over and (args.output or args.wait) then
    world.stderr:write("runway: task ", id, " is not lost; to go on: ", resume_command(args, id), "\n")
  end
  return errors.is(err) and err.kind == "config" and 2 or 1
end

--------------------------------------------------------------------- the commands

-- Waits for a task and fetches its file.
local function fetch(task, args, world)
  local progress = require "runway.progress"
  local show = { label = "task", timeout = args.timeout, stream = world.stderr, terminal = world.terminal,
    overwrite = args.overwrite }
  local done, err = progress.wait(task, show)
  if not done then return report(world, args, err) end
  show.label = "file"
  local file
  file, err = progress.download(task, args.output, show)
  if not file then return report(world, args, err) end
  world.stdout:write(file.path, "\n")
  return 0
end

-- Names that mean something to `generate` itself: as a --param they are the API's.
local LIBRARYS_OWN = { output = true, extra = true, deadline = true }

local function params_of(args)
  local given = {
    prompt_text = args.prompt, prompt_video = args.video and media(args.video), model = args.model,
    ratio = args.ratio, duration = args.duration, seed = args.seed, kind = args.kind,
  }
  local images = args.image or {}
  if #images == 1 then
    given.prompt_image = media(images[1])
  elseif #images == 2 then
    given.prompt_image = {
      { uri = media(images[1]), position = "first" }, { uri = media(images[2]), position = "last" },
    }
  end
  for _, param in ipairs(args.params or {}) do
    if LIBRARYS_OWN[param.name] then
      given.extra = given.extra or {}
      given.extra[param.name] = param.value
    else
      given[param.name] = param.value
    end
  end
  return given
end

local commands = {}

function commands.generate(args, world)
  if not args.output then return nil, "generate needs -o FILE" end
  local given = params_of(args)
  if next(given) == nil then return nil, "generate needs at least --prompt, --image or --video" end
  local writable, message = check_target(args.output, args.overwrite)
  if not writable then return report(world, args, message) end
  local client, err = open_client(args, world)
  if not client then return report(world, args, err) end
  local task
  local scheduler = require "runway.scheduler"
  scheduler.on_deferred = function()
    world.stderr:write("runway: waiting for the answer to the paid request, so that its task is not lost; "
      .. "a second Ctrl-C gives up\n")
  end
  task, err = client:generate(given)
  scheduler.on_deferred = nil
  if not task then return report(world, args, err) end
  world.task_id = task.id
  world.stderr:write("task ", task.id, "\n")
  return fetch(task, args, world)
end

local function state_of(task)
  local words = { task.id, task.status }
  if task.progress and not task:done() then words[#words + 1] = ("%d%%"):format(task.progress * 100) end
  local files = task.output and #task.output or 0
  if files > 0 then words[#words + 1] = ("%d file%s (fetch with -o FILE)"):format(files, files == 1 and "" or "s") end
  if task.failure_code then words[#words + 1] = task.failure_code end
  if task.failure then words[#words + 1] = task.failure end
  return (table.concat(words, "  "):gsub("[%z\1-\31\127]+", " "))
end

function commands.task(args, world)
  if args.output then
    local writable, message = check_target(args.output, args.overwrite)
    if not writable then return report(world, {}, message) end
  end
  local client, err = open_client(args, world)
  if not client then return report(world, args, err) end
  local task
  if not args.output and not args.wait then
    task, err = client:get(args.id, args.kind)
    if not task then return report(world, args, err) end
    world.stdout:write(state_of(task), "\n")
    return 0
  end
  world.task_id = args.id
  task = client:task(args.id, args.kind)
  if args.output then return fetch(task, args, world) end
  local progress = require "runway.progress"
  local done
  done, err = progress.wait(task, { label = "task", timeout = args.timeout, stream = world.stderr,
    terminal = world.terminal })
  if not done then return report(world, args, err) end
  world.stdout:write(state_of(task), "\n")
  return 0
end

function commands.sandbox(args, world)
  local sandbox = require "runway.sandbox"
  local server, message = sandbox.start {
    host = args.host, port = args.port, seconds = args.seconds, scenario = args.scenario,
  }
  if not server then return report(world, args, message) end
  world.stdout:write("sandbox at ", server.base_url, " (Ctrl-C ends it)\n",
    "try: COMETAPI_KEY=any runway generate --provider cometapi --base-url ", server.base_url,
    " --prompt 'a cat' -o cat.mp4\n")
  world.stdout:flush()
  sandbox.loop(server)
  return 0
end

--------------------------------------------------------------------- main

-- Runs one command: its exit code, or nil and what the caller did wrong.
local function run(parser, argv, world)
  local ok, args = parser:pparse(argv)
  if not ok then return nil, args end
  if not args.command then
    world.stderr:write(parser:get_help(), "\n")
    return 2
  end
  world.args = args
  return commands[args.command](args, world)
end

-- What a raised value means: the exit code.
local function raised(world, value)
  if world.answered then return 0 end
  local text = tostring(value)
  if text:find("interrupted!", 1, true) then
    local open = type(value) == "table" and value.tasks and value.tasks[1]
    world.task_id = world.task_id or open and open.task_id
    report(world, world.args or {}, "interrupted")
    return 130
  end
  -- A wrong value is told by the library as "where: what"; where is of no use here.
  local misuse = text:match("^[^\n]-%.lua:%d+: ([^\n]*)$")
  if misuse and not misuse:find "^attempt to " then
    world.stderr:write("runway: ", misuse, "\n")
    return 2
  end
  report(world, world.args or {}, value)
  return 1
end

--- The `runway` command.
---@param argv string[]
---@param world? { stdout?: file*, stderr?: file*, transport?: table, terminal?: boolean }  for specs: where output
---  goes, what answers, and whether standard error is a terminal
---@return integer exit_code  0: the file is there (generate), the task was found (task); 1: it could not be; 2: misuse
function cli.main(argv, world)
  local state = { stdout = io.stdout, stderr = io.stderr }
  for name, value in pairs(world or {}) do state[name] = value end
  local argparse, missing = load_argparse()
  if not argparse then
    state.stderr:write("runway: ", missing, "\n")
    return 1
  end
  local parser = new_parser(argparse, state)
  local ok, code, misuse = pcall(run, parser, argv, state)
  if not ok then return raised(state, code) end
  if code then return code end
  state.stderr:write("runway: ", misuse, "\n", "runway: see runway --help\n")
  return 2
end

return cli
