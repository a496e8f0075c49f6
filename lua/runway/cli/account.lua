-- Whose account a command works with: the provider, maybe an adapter of the user's own, and its client.

local core = require "runway.core"
local errors = require "runway.errors"
local providers = require "runway.provider"
local report = require "runway.cli.report"

local account = {}

local function config(message)
  return nil, errors.new { kind = "config", message = message, sent = "no" }
end

-- What stands for the key where nothing is sent and there is none.
local function no_key(adapter)
  return require("runway.api_key").later(adapter.name, adapter.env and adapter.env.api_key)
end

local MANY = { batch = true, work = true }

-- What is said of one of many: with where it stands in the list, its key, or its task's id.
local function of_which(args, message, more)
  if not MANY[args.command] and not more.line then return message end
  local id = more.task_id and not message:find(more.task_id, 1, true) and "task " .. more.task_id
  local which = more.key or id
  if not which then return message end
  return ("%s%s: %s%s"):format(more.line and ("line %d, "):format(more.line) or "", report.words { which }, message,
    (more.shots or 1) > 1 and (" (and so in %d more)"):format(more.shots - 1) or "")
end

--- Why a journal that is to be there already cannot be opened, which would make it: a slip in its name would be told
--- by no one. nil: it is there, or a server knows.
---@param where string
---@param advice? string   how one is made
---@return runway.Error|nil err
function account.absent(where, advice)
  if where:find "^postgres[a-z]*://" then return nil end
  local within = where:gsub("(.)/+$", "%1") .. "/runway.db"
  if core.readable(within) then
    return select(2, config(("%s is a directory; the journal in it is --journal %s"):format(where, within)))
  end
  local ok, why = core.readable(where)
  if ok then return nil end
  if not why:find("No such file", 1, true) then return select(2, config(("the journal %s: %s"):format(where, why))) end
  return select(2, config("there is no journal " .. where .. (advice and "; " .. advice or "")))
end

-- The key of another provider that is there, where none was named.
local function meant(args, err)
  local message = err and not args.provider and err.kind == "config" and err.message or ""
  if not message:find("no API key", 1, true) then return err end
  local names, keys = {}, require "runway.api_key"
  for name, adapter in pairs(require "runway.providers") do
    if keys.environment(adapter.env.api_key) then names[#names + 1] = name end
  end
  table.sort(names)
  if #names > 0 then
    local name = names[1]
    err.message = ("%s; %s is set: is --provider %s meant?"):format(message,
      require("runway.providers")[name].env.api_key, name)
  end
  return err
end

--- A client with the options of a command line.
---@param args table
---@param world table   `say`: writes a line where standard error is redrawn
---@param sends_nothing? boolean   so that no key is needed
---@return runway.Client|nil
---@return runway.Error|nil err
function account.open(args, world, sends_nothing)
  local adapter, err = providers.named(args.provider)
  if not adapter then return nil, err end
  local pins = #(args.pins or {}) > 0 and {} or nil
  for _, one in ipairs(args.pins or {}) do pins[one.name] = one.address end
  local prices = #(args.prices or {}) > 0 and {} or nil
  for _, one in ipairs(args.prices or {}) do prices[one.model] = one.credits end
  local function logger(level, message, more)
    if level == "debug" then return end
    message = of_which(args, message, more)
    if world.say then world.say("runway: " .. message)
    elseif MANY[args.command] then
      world.stderr:write("runway: ", message, "\n")
      world.stderr:flush()
    else world.stderr:write(report.told(args, message)) end
  end
  local client
  local journal = args.journal
  if sends_nothing and journal and not journal:find "^postgres[a-z]*://" and not core.readable(journal) then
    journal = nil                             -- to open it would make it
  end
  client, err = require("runway").client {
    api_key = sends_nothing and no_key(adapter) or nil,
    logger = logger, journal = journal, provider = adapter, base_url = args.base_url,
    poll_interval = args.poll_interval, budget = args.budget, prices = prices, max_tasks = args.max_tasks,
    proxy = args.proxy, ca_file = args.ca_file, resolve = pins,
    allow_http = args.allow_http, allow_private = args.allow_private, transport = world.transport,
  }
  world.client = client
  return client, meant(args, err)
end

return account
