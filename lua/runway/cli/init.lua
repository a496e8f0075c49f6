-- cli.lua: the `runway` command. `main(argv)` returns the exit code: 0 when
-- what was asked for is there, 1 when the world said no, 2 for misuse.
--
-- Standard output holds results alone (the path of the file, the task's
-- state), so that scripts can read it; everything else goes to standard error.

local errors = require "runway.errors"
local parser = require "runway.cli.parser"
local reports = require "runway.cli.report"

local cli, report = {}, reports.failure

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

local function open_client(args, world)
  local pins = #(args.pins or {}) > 0 and {} or nil
  for _, one in ipairs(args.pins or {}) do pins[one.name] = one.address end
  local function logger(level, message)
    if level ~= "debug" then world.stderr:write("runway: ", message, "\n") end
  end
  return require("runway").client {
    logger = logger, journal = args.journal, provider = args.provider, base_url = args.base_url,
    poll_interval = args.poll_interval,
    proxy = args.proxy, ca_file = args.ca_file, resolve = pins,
    allow_http = args.allow_http, allow_private = args.allow_private, transport = world.transport,
  }
end

--------------------------------------------------------------------- the commands

-- Waits for a task and fetches its file.
local function fetch(task, args, world)
  local progress = require "runway.progress"
  local show = { label = "task", timeout = args.timeout, stream = world.stderr, terminal = world.terminal,
    overwrite = args.overwrite, max_bytes = args.max_bytes }
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
    ratio = args.ratio, duration = args.duration, seed = args.seed, kind = args.kind, key = args.key,
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
  for _, extra in ipairs(args.extras or {}) do
    given.extra = given.extra or {}
    given.extra[extra.name] = extra.value
  end
  return given
end

local commands = {}

function commands.generate(args, world)
  if not args.output then return nil, "generate needs -o FILE" end
  if args.key and not args.journal then return nil, "--key needs --journal FILE: without one nothing is remembered" end
  local given = params_of(args)
  if next(given) == nil then return nil, "generate needs at least --prompt, --image or --video" end
  if args.journal then                        -- a file that is there may be this very task's
    given.output = { path = args.output, overwrite = args.overwrite }
  else
    local writable, message = check_target(args.output, args.overwrite)
    if not writable then return report(world, args, message) end
  end
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

function commands.journal(args, world)
  return require("runway.cli.journal").run(args, world)
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
local function run(root, argv, world)
  local ok, args = root:pparse(argv)
  if not ok then return nil, args end
  if not args.command then
    world.stderr:write(root:get_help(), "\n")
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
  local _, where = text:find("%.lua:%d+: ")
  local misuse = where and not text:find("\n", 1, true) and text:sub(where + 1)
  if misuse and not misuse:find "^attempt to " then
    world.stderr:write(reports.told(world.args or {}, misuse))
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
  local argparse, missing = parser.load()
  if not argparse then
    state.stderr:write("runway: ", missing, "\n")
    return 1
  end
  local root = parser.new(argparse, state)
  local ok, code, misuse = pcall(run, root, argv, state)
  if not ok then return raised(state, code) end
  if code then return code end
  state.stderr:write("runway: ", errors.redact(misuse), "\n", "runway: see runway --help\n")
  return 2
end

return cli
