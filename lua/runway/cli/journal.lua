-- `runway journal`: what a journal holds, for people and (with --json) for other programs.
--
-- Standard output gets one line an entry, on a terminal as a table; with --json one object a line, in which what is not
-- known is null.

local report = require "runway.cli.report"

local command = {}

local HEADER = { "KEY", "STATE", "TASK", "PROVIDER", "FILE, CREDITS, ERROR" }

-- What each entry has, and what is known beside, where anything is.
local function cells_of(entry)
  local cells, words = { entry.key, entry.state, entry.task_id or "-", entry.provider }, {}
  if entry.path then words[#words + 1] = entry.path end
  if entry.lease_until and entry.owner then words[#words + 1] = "held by " .. entry.owner end
  if entry.credits then words[#words + 1] = require("runway.text").number(entry.credits) .. " credits" end
  if entry.error then words[#words + 1] = entry.error end
  cells[#cells + 1] = #words > 0 and report.words(words) or nil
  return cells
end

local function time(seconds)
  return seconds and os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds))
end

local function as_page(entry)
  local json, lines = require "runway.json", {}
  local function add(name, v)
    if v ~= nil then lines[#lines + 1] = report.words { ("%-10s"):format(name), tostring(v) } end
  end
  local number = require("runway.text").number
  add("key", entry.key)
  add("state", entry.state)
  add("task", entry.task_id)
  add("provider", entry.provider .. " at " .. entry.base_url)
  add("status", entry.status)
  add("file", entry.path)
  add("bytes", entry.bytes)
  add("credits", entry.credits and number(entry.credits)
    or entry.estimated_credits and number(entry.estimated_credits) .. " (estimated)")
  add("error", entry.error)
  add("owner", entry.owner)
  add("lease", time(entry.lease_until))
  add("created", time(entry.created_at))
  add("submitted", time(entry.submitted_at))
  add("ended", time(entry.ended_at))
  add("request", assert(json.encode(entry.request)))
  return table.concat(lines, "\n")
end

-- A journal is looked into, and not made by that.
local function open(args)
  local where = args.journal
  if not where then return nil, ("journal %s needs --journal FILE"):format(args.action) end
  local absent = require("runway.cli.account").absent(where)
  if absent then return nil, nil, absent end
  local journal, err = require("runway.journal").open(where)
  return journal, nil, err
end

local actions = {}

local function print_entry(entry, args, world)
  if args.json then report.entry(world, entry) else world.stdout:write(report.words(cells_of(entry)), "\n") end
end

function actions.list(journal, args, world)
  local list, err = journal:entries { state = args.state, limit = args.limit }
  if not list then return nil, err end
  local unknown, lines = {}, {}
  local as_table = world.stdout_terminal and not args.json
  for i, entry in ipairs(list) do
    if as_table then lines[i] = cells_of(entry) else print_entry(entry, args, world) end
    if entry.state == "unknown" then unknown[#unknown + 1] = entry.key end
  end
  if as_table then report.columns(world, HEADER, lines) end
  if not args.json then world.stderr:write(report.unknown(args.journal, unknown)) end
  return true
end

function actions.show(journal, args, world)
  local entry, err = journal:get(args.key)
  if not entry then return nil, err end
  if args.json then report.entry(world, entry) else world.stdout:write(as_page(entry), "\n") end
  return true
end

function actions.settle(journal, args, world)
  local entry, err = journal:settle(args.key, { task_id = args.task_id, resubmit = args.resubmit,
    failed = args.failed })
  if not entry then return nil, err end
  print_entry(entry, args, world)
  if args.task_id then
    local text = require "runway.text"
    local built_in = require("runway.providers")[entry.provider] ~= nil
    world.stderr:write("runway: whether the provider knows that task was not asked: runway task ",
      text.shell(args.task_id), " --provider ", text.shell(entry.provider), " asks",
      built_in and "" or " (in its place the file or the module of that adapter)", "\n")
  end
  return true
end

--- Everything, the oldest first.
function actions.export(journal, _, world)
  local list, err = journal:entries()
  if not list then return nil, err end
  for i = #list, 1, -1 do report.entry(world, list[i]) end
  return true
end

-- What is wrong with how settle was called.
local function misuse(args)
  if args.action ~= "settle" then return nil end
  local said = (args.task_id and 1 or 0) + (args.resubmit and 1 or 0) + (args.failed and 1 or 0)
  if args.task_id == "" then return "option '--task-id': the task's id is empty" end
  if args.failed == "" then return "option '--failed': the reason is empty" end
  if said == 1 then return nil end
  return "journal settle needs exactly one of --task-id ID, --resubmit and --failed WHY"
end

---@param args table    of the command line
---@param world table
---@return integer|nil exit_code
---@return string|nil misuse
function command.journal(args, world)
  local wrong = misuse(args)
  if wrong then return nil, wrong end
  local journal, absent, err = open(args)
  if absent then return nil, absent end
  if not journal then return report.failure(world, args, err) end
  local ok, done, failure = pcall(actions[args.action], journal, args, world)
  journal:close()
  if not ok then error(done, 0) end
  if not done then return report.failure(world, args, failure) end
  return 0
end

return command
