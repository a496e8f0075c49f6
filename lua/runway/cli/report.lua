-- What the command says: how a task stands, and when something went wrong the error, what of its advice is
-- spelled otherwise here, and the command that goes on with a task that is not lost.
--
-- With --json standard output gets an object for each result and for each failure; what is for people goes to
-- standard error all the same.

local columns = require "runway.columns"
local errors = require "runway.errors"
local exits = require "runway.cli.exits"
local text = require "runway.text"

local report = {}

--------------------------------------------------------------------- results

--- One object on a line of its own.
---@param world table
---@param object table   a name that must be there has runway.null where nothing is known
function report.line(world, object)
  world.stdout:write(assert(require("runway.json").encode(object)), "\n")
end

-- What the object of a shot, or of a journal's entry, has at least, so that a program finds it in every line.
local ALWAYS = { "key", "state", "task_id", "provider", "path", "credits", "error" }

--- The object of a shot, or of a journal's entry, on a line of its own; null in it is what is not known.
---@param world table
---@param object table
function report.entry(world, object)
  local null = require("runway.json").null
  for _, name in ipairs(ALWAYS) do
    if object[name] == nil then object[name] = null end
  end
  report.line(world, object)
end

--- Words for people, on one line.
---@param words string[]
---@return string
function report.words(words) return (table.concat(words, "  "):gsub("[%z\1-\31\127]+", " ")) end

-- A text as lines of at most so many columns, parted at spaces.
local function folded(said, width)
  local lines, line = {}, ""
  for word in said:gmatch "[^ ]+" do
    if line ~= "" and columns.of(line) + 1 + columns.of(word) > width then
      lines[#lines + 1], line = line, ""
    end
    line = line .. (line ~= "" and " " or "") .. word
  end
  lines[#lines + 1] = line
  return lines
end

local LEAST_LAST, BELOW = 20, 4               -- columns that the last of a table needs; without them it stands below

-- A row that is wider than the terminal without its last cell: below its first line what does not fit, each cell whole
-- where a line can hold it.
local function stacked(cells, wide)
  local lines, line = {}, ""
  for _, cell in ipairs(cells) do
    for _, part in ipairs(folded(cell, wide - BELOW)) do
      if line ~= "" and columns.of(line) + 2 + columns.of(part) > wide then
        lines[#lines + 1], line = line, (" "):rep(BELOW)
      elseif line ~= "" then
        line = line .. "  "
      end
      line = line .. part
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- Lines of cells, each column but the last as wide as its widest cell; on a terminal below their header, which what
--- reads the lines is not to read, and the last column folded to the width.
---@param world table
---@param header string[]
---@param lines string[][]
function report.columns(world, header, lines)
  local all, widths = { world.stdout_terminal and header or nil }, {}
  for _, cells in ipairs(lines) do all[#all + 1] = cells end
  for _, cells in ipairs(all) do
    for i, cell in ipairs(cells) do
      cells[i] = report.words { cell }
      widths[i] = math.max(widths[i] or 0, columns.of(cells[i]))
    end
  end
  local indent = 0
  for i = 1, #header - 1 do indent = indent + (widths[i] or 0) + 2 end
  local wide = world.stdout_terminal and world.columns or math.huge
  local below, whole = wide - indent < LEAST_LAST, indent - 2 <= wide
  if below then indent = BELOW end
  for _, cells in ipairs(all) do
    local words = {}
    for i, cell in ipairs(cells) do
      words[i] = cell .. (" "):rep(i < #cells and widths[i] - columns.of(cell) or 0)
    end
    local line = table.concat(words, "  ")
    if not whole then
      line = stacked(cells, wide)
    elseif #cells == #header and columns.of(line) > wide then
      local start = "\n" .. (" "):rep(indent)
      local last = table.concat(folded(table.remove(words), wide - indent), start)
      line = table.concat(words, "  ")
      line = (below and line:gsub(" +$", "") .. start or line .. "  ") .. last
    end
    world.stdout:write(line, "\n")
  end
end

-- A task as an object: what is not known of it is null in the names that are always there.
local function object_of(task, id)
  local null = require("runway.json").null
  local object = { task_id = id or null, status = null, path = null, error = null }
  if not task then return object end
  object.task_id, object.provider, object.kind = task.id, task.provider, task.kind
  if require("runway.task").is_known(task) then object.status = task.status end
  object.progress, object.output, object.created_at = task.progress, task.output, task.created_at
  object.credits, object.estimated_credits = task.cost, task.estimated_cost
  object.failure, object.failure_code = task.failure, task.failure_code
  return object
end

-- A task as a line for people.
local function state_of(task)
  local words = { task.id, task.status }
  if task.progress and not task:done() then words[#words + 1] = ("%d%%"):format(task.progress * 100) end
  local files = task.output and #task.output or 0
  if files > 0 then words[#words + 1] = ("%d file%s (fetch with -o FILE)"):format(files, files == 1 and "" or "s") end
  if task.failure_code then words[#words + 1] = task.failure_code end
  if task.failure then words[#words + 1] = task.failure end
  return report.words(words)
end

--- How a task stands; or where its film is, when there is a file.
---@param world table
---@param args table
---@param task runway.Task
---@param file? { path: string, bytes: integer, sha256: string }
function report.task(world, args, task, file)
  if not args.json then
    world.stdout:write(file and file.path or state_of(task), "\n")
    return
  end
  local object = object_of(task)
  for name, v in pairs(file or {}) do object[name] = v end
  local _, err
  if task:done() and not file and args.command ~= "cancel" then _, err = require("runway.task").outcome(task) end
  if err then
    object.error = { kind = err.kind, message = task.failure or task.status, code = err.code, sent = "yes",
      retryable = err.retryable }
  end
  report.line(world, object)
end

--------------------------------------------------------------------- failures

-- An option as it is typed; a value that begins with - is joined to it, or it would be taken for one itself.
local function given(name, value)
  local joint = not value:find "^%-." and " " or name:find "^%-%-" and "=" or ""
  return name .. joint .. text.shell(value)
end

-- A command as it is typed, with the one word that it is about, which stands behind -- where it begins with -, or
-- stands for one that does.
local function typed(command, about, options, dashed)
  dashed = dashed or about:find "^%-" ~= nil
  if not dashed then command = command .. " " .. text.shell(about) end
  for _, words in ipairs(options) do command = command .. " " .. words end
  return dashed and command .. " -- " .. text.shell(about) or command
end

--- How a key's submit that is unknown is settled, with what this command was given.
---@param args table
---@param dashed? boolean   a key that is meant, and not known by name, begins with -
---@return string
function report.settling(args, dashed)
  local command = typed("runway journal settle", args.key or "KEY",
    { given("--journal", errors.redact(args.journal or "FILE")), "--task-id ID" }, dashed)
  return command .. " (instead of --task-id ID: --resubmit when there is none, or --failed WHY)"
end

--- What there is to do about several, of which some are unknown.
---@param journal string
---@param keys string[]   of those that are; none: there is nothing to do
---@return string
function report.unknown(journal, keys)
  local dashed = false
  for _, key in ipairs(keys) do dashed = dashed or key:find "^%-" ~= nil end
  if #keys == 0 then return "" end
  return "runway: what is unknown was submitted and may be paid for; nothing submits it again by itself. Look at the "
    .. "provider's own list of tasks, then say what is true: " .. report.settling({ journal = journal }, dashed) .. "\n"
end

-- Advice for scripts that has a place in a sentence here.
local SPELLED = { { " or give api_key = …", "" }, { "give base_url = …", "give --base-url URL" },
  { "set allow_http = true", "give --allow-http" },
  { "did you mean output = { path =, overwrite = true }? (extra = { overwrite = … } sends it all the same)",
    "did you mean --overwrite?" } }

--- A message of a check, whose advice is what is typed here.
---@param message string
---@return string
function report.spelled(message)
  for _, pair in ipairs(SPELLED) do
    local at, last = message:find(pair[1], 1, true)
    if at then message = message:sub(1, at - 1) .. pair[2] .. message:sub(last + 1) end
  end
  return message
end

-- An option of a list that a message advises.
local function as_option(message) return (message:gsub("with retry_failed", "with --retry-failed")) end

--- A message whose advice for scripts is what is typed here.
---@param args table
---@param message string
---@return string
function report.as_typed(args, message)
  message = as_option(message)
  local from, to = message:find('journal:settle%(.-{ failed = "why" }')
  return from and message:sub(1, from - 1) .. report.settling(args) .. message:sub(to + 1) or message
end

--- A message about one of several, without the advice that comes behind all of them (report.unknown).
---@param message string
---@return string
function report.of_one(message)
  return (as_option(message):gsub(" ?Look at the provider's own list of tasks, then say what is true: journal:settle%("
    .. '.-{ failed = "why" }%.', ""))
end

-- What an error advises in the library's words, how it is had here, and how in a list. The first two are flags, which
-- the command that goes on needs as well.
local FLAGS = { allow_http = "--allow-http", allow_private = "--allow-private" }
local ADVISED = {
  { "allow_http", FLAGS.allow_http }, { "allow_private", FLAGS.allow_private }, { "ca_file", "--ca-file FILE" },
  { "base_url = ", "--base-url URL" }, { "api_key = ", "the key, in the environment: no option takes it" },
  { "extra = {", "--extra NAME=VALUE" }, { 'format = "official"', "--param format=official" },
  { "a key of its own", "--key KEY" }, { 'fit "pad"', "--fit pad", "a column fit of the list" },
  { "option prices", "--price MODEL=CREDITS" }, { "existing file", "--overwrite" }, { "max_bytes", "--max-bytes N" },
  { "runway.file", "the path of the file, as --image FILE or --param NAME=@FILE" },
}

-- Params as the library names them, and the options that give them.
local OPTIONS = {
  prompt_text = "--prompt", prompt_image = "--image", prompt_video = "--video", duration = "--duration",
  ratio = "--ratio", seed = "--seed", model = "--model", kind = "--kind", key = "--key", output = "-o", fit = "--fit",
  extra = "--extra NAME=VALUE",
}
local WITH_PARAMS = { generate = true, estimate = true }

-- The option that gives the param at fault; nil: none here does.
local function option_of(args, field)
  local param = field and field:match "^[A-Za-z_][A-Za-z0-9_.]*"
  return param and (OPTIONS[param] or OPTIONS[param:match "^[^.]*"]
    or WITH_PARAMS[args.command] and ("--param %s=VALUE"):format(param)) or nil
end

--- A message as a line, and below it how what it advises is had here, but for what was given already.
---@param args table
---@param message string
---@param who? string    default: runway
---@param field? string   the param at fault
---@return string lines
function report.told(args, message, who, field)
  local words = {}
  message = report.spelled(message)
  for _, pair in ipairs(ADVISED) do
    if message:find(pair[1], 1, true) and not args[pair[1]] then
      words[#words + 1] = args.file and pair[3] or pair[2]
    end
  end
  if #words == 0 then words[1] = option_of(args, field) end
  return ("%s: %s\n%s"):format(who or "runway", message,
    #words > 0 and ("runway: here that is %s\n"):format(table.concat(words, " or ")) or "")
end

-- The command that goes on with a task. It bears what the one before bore, and what its error advised.
local function resume_command(args, id, message)
  local words = {}
  local function add(name, value)
    if value then words[#words + 1] = given(name, value) end
  end
  add("--provider", args.provider or require("runway.provider").by_environment())
  add("--base-url", args.base_url)
  add("--kind", args.kind)
  add("--journal", args.journal and errors.redact(args.journal))
  add("--ca-file", args.ca_file)
  if args.proxy and not args.proxy:find("@", 1, true) then add("--proxy", args.proxy) end -- no password on the screen
  for _, name in ipairs { "allow_http", "allow_private" } do
    if args[name] or message:find(name, 1, true) then words[#words + 1] = FLAGS[name] end
  end
  for _, one in ipairs(args.pins or {}) do add("--resolve", one.name .. "=" .. one.address) end
  if args.overwrite then words[#words + 1] = "--overwrite" end
  local too_large = message:find("max_bytes", 1, true) -- of the limit given here, or of the one that holds without
  if args.max_bytes and not too_large then add("--max-bytes", ("%d"):format(args.max_bytes)) end
  if too_large and not args.max_bytes then add("--max-bytes", "N") end
  add("-o", args.output)
  if not args.output then words[#words + 1] = "--wait" end
  return typed("runway task", id, words)
end

--- How to go on with a task that this command has made, or waits for.
---@param args table
---@param id string
---@param message? string   of the error that stands in the way
---@return string
function report.to_go_on(args, id, message)
  local remembered = args.command == "batch" or args.command == "work"
    or args.journal and (args.command == "task" or args.command == "generate" and args.key)
  return remembered and "run the same command again" or resume_command(args, id, message or "")
end

--- The same, with a journal and a key.
report.AGAIN = "run the same command again, which submits nothing twice"

--- What to do where a paid request was left without its answer.
---@param args table
---@return string
function report.to_find_out(args)
  if not args.journal then return "look at the provider's own list of tasks before you submit it again" end
  if args.key then return report.AGAIN end
  return "see runway journal list " .. given("--journal", errors.redact(args.journal))
end

-- Errors after which there is nothing to go on with.
local OVER = { task_failed = true, task_cancelled = true, not_found = true }

-- An error as an object; its texts hold no secret already. `about`: fields of one that is only words.
local function error_object(err, about)
  if not errors.is(err) then
    local object = { message = errors.redact(tostring(err)), sent = "no", retryable = false }
    for name, v in pairs(about) do object[name] = v end
    return object
  end
  return {
    kind = err.kind, message = err.message, code = err.code, http_status = err.http_status, sent = err.sent,
    field = err.field, retryable = err.retryable, retry_after = err.retry_after, request_id = err.request_id,
    attempts = err.attempts, faults = err.faults,
  }
end

local MOST_FAULTS = 100                       -- of a list, that are told one by one

-- What is wrong with a list of shots, a line each.
local function told_of_a_list(args, faults)
  local lines = {}
  for i = 1, math.min(#faults, MOST_FAULTS) do
    lines[i] = ("runway: %s: %s\n"):format(args.file, require("runway.batch").told(faults[i]))
  end
  if #faults > MOST_FAULTS then lines[#lines + 1] = ("runway: and %d more\n"):format(#faults - MOST_FAULTS) end
  lines[#lines + 1] = "runway: nothing was submitted\n"
  return (table.concat(lines):gsub("[%z\1-\9\11-\31\127]", " "))
end

--- What looks at a key that the provider did not take.
---@param args table           the command's options
---@param provider string|nil  whose key it was
---@return string
function report.about_the_key(args, provider)
  local name = provider and require("runway.providers")[provider] and provider or args.provider
  return ("runway doctor%s looks at it"):format(name and " --provider " .. text.shell(name) or "")
end

-- A failure in words.
local function in_words(args, err, message)
  if not errors.is(err) then return report.told(args, message) end
  if err.faults then return told_of_a_list(args, err.faults) end
  if err.kind == "authentication" and err.http_status then
    message = message .. "; " .. report.about_the_key(args, err.provider)
  end
  local said = report.told(args, message, nil, err.field)
  if err.kind == "unknown_submit" and args.command == "generate" and not args.journal then
    said = said .. "runway: with --journal FILE and --key KEY such a submit is remembered, and not made again by "
      .. "mistake\n"
  end
  return said
end

-- Says what went wrong, and how to go on with a task that may still bring its film.
---@param world table
---@param args table           the command's options
---@param err runway.Error|string
---@param about? table         of an error that is only words: { kind =, code =, sent = "no" unless given }
---@param task? runway.Task    whose failure it is; default: the error's, or the one that is waited for
---@return integer exit_code
function report.failure(world, args, err, about, task)
  local message = report.as_typed(args, tostring(err))
  world.stderr:write(in_words(args, err, message))
  local id = errors.is(err) and err.task_id or world.task_id
  if args.json then
    local object = object_of(task or errors.is(err) and err.task or world.task, id)
    object.provider = object.provider or errors.is(err) and err.provider or nil
    for name, v in pairs(world.names or {}) do object[name] = v end
    object.error = error_object(err, about or {})
    object.error.message = report.as_typed(args, object.error.message)
    report.line(world, object)
  end
  if id then require("runway.ledger").told(id) end
  local over = errors.is(err) and OVER[err.kind] and err.code ~= "output" -- a missing file is no missing task
  if id and not over and (args.output or args.wait) then
    world.stderr:write("runway: task ", id, " is not lost; to go on: ", report.to_go_on(args, id, message), "\n")
  end
  return exits.of(err)
end

--- What `inputs.params` found wrong, as a command returns it.
---@param world table
---@param args table
---@param problem { message: string, misuse: boolean|nil }
---@return integer|nil exit_code
---@return string|nil misuse
function report.problem(world, args, problem)
  if problem.misuse then return nil, problem.message end
  report.failure(world, args, problem.message, { kind = "io", code = "open" })
  return exits.MISUSE                         -- it names what cannot be sent
end

--- Says what is wrong with the command line.
---@param world table       `command`: its full name, "runway generate"; `json`: is --json among its words
---@param message string
---@return integer exit_code
function report.misuse(world, message)
  message = errors.redact(text.line(message) or "")
  local own = world.command:match " (.*)$"    -- some begin with the command's name
  local who = own and message:sub(1, #own + 1) == own .. " " and "runway" or world.command
  local raised = world.args and not message:find("--", 1, true) -- by the library: it begins with the param
  local param = raised and message:match "^[a-z_]+"
  world.stderr:write(report.told(world.args or {}, message, who, OPTIONS[param] and param), "runway: see ",
    world.command, " --help\n")
  if world.json then
    local object = object_of()
    object.error = error_object(message, { kind = "misuse" })
    report.line(world, object)
  end
  return exits.MISUSE
end

return report
