-- A list of shots, made: checked as a whole, then each once, into one directory, and gone on with when it is run
-- again.

local chain = require "runway.batch.chain"
local check = require "runway.batch.check"
local clients = require "runway.client"
local companion = require "runway.companion"
local contents = require "runway.batch.contents"
local core = require "runway.core"
local errors = require "runway.errors"
local ffmpeg = require "runway.ffmpeg"
local journal = require "runway.journal"
local keyed = require "runway.keyed"
local limits = require "runway.batch.limits"
local list = require "runway.batch.list"
local night = require "runway.batch.night"
local options = require "runway.options"
local order = require "runway.order"
local other = require "runway.batch.other"
local sheet = require "runway.sheet"
local submit = require "runway.submit"
local values = require "runway.values"

local batch = {}

local JOBS = 5                                -- side by side, unless said otherwise
local TOLD = 20                               -- faults of a list that its error tells

---@class runway.Halt
---@field error runway.Error     why nothing more was submitted to a provider
---@field until_time? number     Unix seconds: when it may be again, where the provider said it

---@class runway.BatchResult
---@field shots runway.Shot[]                in the order of the list
---@field counts table<runway.State, integer>   of those that were to be made, how many stand in each
---@field credits number                     what they cost, or are said to
---@field budget? number                     the client's
---@field plan runway.Plan                   what was asked for, beside what was there
---@field others integer     what the directory's own journal holds beside this list
---@field halted table<string, runway.Halt>  by provider
---@field exit_code integer    0 all there, 1 not all there, 3 the budget is reached, 4 something is unknown

local function words(v)
  local fits = type(v) == "table" and #v > 0
  for _, word in ipairs(fits and v or {}) do fits = fits and type(word) == "string" end
  return fits, "a list of keys"
end
local function accounts(v)
  local fits = type(v) == "table"
  for name, client in pairs(fits and v or {}) do fits = fits and type(name) == "string" and clients.is(client) end
  return fits, "a table of clients by the names of their providers"
end

local OPTIONS = {
  directory = options.directory, jobs = options.count, retry_failed = "boolean", only = words,
  attempts = options.count, timeout = options.positive, on_progress = "function", dry_run = "boolean",
  enqueue = "boolean", clients = accounts, sheet = "function",
}

local function without_slash(directory) return (directory:gsub("(.)/+$", "%1")) end

local function refuse(kind, code, message, more)
  local err = errors.new { kind = kind, code = code, sent = "no", message = message }
  for name, v in pairs(more or {}) do err[name] = v end
  return nil, err
end

--------------------------------------------------------------------- the list

local function bad_list(name, faults, shots)
  local keys = {}
  for _, shot in ipairs(shots) do keys[shot.line] = shot.named and shot.key or nil end
  for _, fault in ipairs(faults) do fault.key = keys[fault.line] end
  table.sort(faults, function(a, b) return a.line < b.line end)
  local lines = {}
  for i = 1, math.min(#faults, TOLD) do lines[i] = list.told(faults[i]) end
  if #faults > TOLD then lines[#lines + 1] = ("and %d more faults"):format(#faults - TOLD) end
  return refuse("invalid_request", "bad_list", ("%s: nothing was submitted. %s"):format(name,
    table.concat(lines, "; ")), { faults = faults })
end

-- A client for each provider that the list names, and those that were made for it; faults where there can be none.
local function accounts_of(account, shots, opts, fault)
  local by_name, told, own = { [account.provider] = account }, {}, {}
  for name, client in pairs(opts.clients or {}) do by_name[name] = client end
  for _, shot in ipairs(shots) do
    local name = shot.provider or account.provider
    shot.provider = name
    if not by_name[name] and not told[name] then
      local made, err = clients.beside(account, name, opts.dry_run)
      by_name[name], told[name], own[#own + 1] = made, err and err.message, made
    end
    if told[name] then fault(shot.line, "provider", told[name]) end
  end
  return by_name, own
end

-- What a shot would submit, as far as it can be said before (see submit.dry). Nothing raises.
local function dry(account, params)
  local mine = clients.session_of(account)
  local wanted, problem = order.read(mine, params, true)
  if not wanted then return nil, problem end
  local made
  made, problem = submit.dry(mine, wanted)
  local told = problem ---@type table|nil
  if told then told.unknown = wanted.warnings end
  return made, told
end

-- What cannot be left to workers, of those that are to be.
local function check_kept(shots, by_name, fault)
  for _, shot in ipairs(shots) do
    local first, mine = shot.after and shot.after[1], clients.session_of(by_name[shot.provider])
    local problem
    if first then
      problem = { field = "prompt_image", message = ("a shot that begins where another ends (last:%s) cannot be left "
        .. "to workers; make the list without enqueue, or only the others"):format(first) }
    else
      problem = keyed.unkept(mine, (order.read(mine, shot.params, true)))
    end
    if not shot.left_out and problem then fault(shot.line, problem.field, problem.message) end
  end
end

-- Tells what is to be known before it is paid for, each text once, and of which shot; so the submits say no more of it.
local function tell_notes(shots, by_name)
  local first, count = {}, {}
  for _, shot in ipairs(shots) do
    for _, note in ipairs(not shot.left_out and shot.notes or {}) do
      count[note] = (count[note] or 0) + 1
      if count[note] == 1 then first[#first + 1] = { shot, note } end
    end
  end
  for _, one in ipairs(first) do
    local shot, note = one[1], one[2]
    clients.session_of(by_name[shot.provider]):complain("warning", note, { line = shot.line, key = shot.key,
      shots = count[note] })
  end
end

local function name_of(given) return type(given) == "string" and given or "the list" end

-- The list, checked as a whole; whose its shots are, by provider; and those of them that are the list's own.
local function read_all(account, given, opts)
  local name, content, directory = name_of(given), given, nil
  if type(given) == "string" then
    local err
    directory = given:match "^(.*)[/\\][^/\\]*$"
    content, err = list.content(given)
    if not content then return nil, err end
  end
  local shots, faults, fault, broken = list.read(content, { name = name, directory = directory })
  local by_name, own = accounts_of(account, shots, opts, fault)
  local unable = ffmpeg.missing "what begins with last:"
  local line, by_key = chain.read(shots, unable and unable.message, fault), chain.by_key(shots)
  local function promised(key) return chain.promised(by_key[key], without_slash(opts.directory or ".")) end
  check.all(line, function(shot) return dry(by_name[shot.provider], chain.params(shot, promised)) end, fault, broken)
  if #faults > 0 then
    tell_notes(shots, by_name)                -- else they would be learned of in a round of their own
    return bad_list(name, faults, shots)
  end
  local only, unknown = check.only(shots, opts.only)
  if unknown then return refuse("invalid_request", "no_such_key", unknown) end
  for _, shot in ipairs(shots) do shot.left_out = only and not only[shot.key] or nil end
  if opts.enqueue then check_kept(shots, by_name, fault) end
  if #faults > 0 then return bad_list(name, faults, shots) end
  tell_notes(shots, by_name)
  return shots, by_name, own
end

--------------------------------------------------------------------- what came of it

--- What came of a list, as it stands now.
---@param shots runway.Shot[]
---@param halted table<string, runway.Halt>
---@param budget? number
---@return runway.BatchResult
local function sum_up(shots, halted, budget)
  local counts, credits, all_there, reached = {}, 0, true, false
  for _, state in ipairs(journal.STATES) do counts[state] = 0 end
  for _, shot in ipairs(shots) do
    if not shot.left_out then
      counts[shot.state] = counts[shot.state] + 1
      credits = values.whole(credits + (shot.credits or 0))
      all_there = all_there and shot.state == "done" and not shot.error
    end
  end
  for _, halt in pairs(halted) do reached = reached or halt.error.code == "budget" end
  local code = counts.unknown > 0 and 4 or reached and 3 or all_there and 0 or 1
  return { shots = shots, counts = counts, credits = credits, budget = budget, halted = halted, exit_code = code }
end
batch.sum_up = sum_up

-- The journal of the batch: the client's, or the directory's.
local function journal_of(account, directory)
  if not account.journal then
    local driver, missing = companion.load("sqlite", "the journal of a batch")
    if not driver then return refuse("config", nil, missing) end -- before there is a directory
  end
  local there, why = core.make_directory(directory)
  if not there then return refuse("io", "directory", ("cannot make the directory %s: %s"):format(directory, why)) end
  if account.journal then return account.journal, nil, false end
  local j, err = journal.open(directory .. "/runway.db")
  return j, err, true
end

-- Holds the list against what is there: what each key stands for, what is new, and what is not of the list. It is told
-- before anything is paid for. A journal of the directory's own is one of this list; who names another may have all his
-- lists in it. Without any (`j`) nothing is there.
local function look_back(account, shots, by_name, j, own, opts)
  local entries, by_key = {}, {}
  if j then entries, by_key = night.recall(shots, j) else night.recall_of(shots, {}) end
  if not entries then return nil, by_key end
  local begun = chain.by_key(shots)
  local function picture(key) return chain.picture(begun[key], opts.directory or ".") end
  check.keys(shots, by_key, function(shot, entry)
    local theirs = clients.session_of(by_name[shot.provider])
    local wanted = order.read(theirs, chain.params(shot, picture), true)
    return wanted and keyed.conflict(theirs, wanted, shot.kind, entry, j.path)
  end, night.stands_for_another)
  local there, last = { where = j and j.path, own = own, last = {} }, nil
  if j and not own and opts.directory then last = contents.read(opts.directory) end
  for i, one in ipairs(last or {}) do there.last[i] = one.key end
  night.find_new(shots, by_name, opts)
  local budget = clients.session_of(account).budget
  local spent, reserved = nil, nil
  if budget and j then spent, reserved = journal.spent(j) end
  if spent then there.left = math.max(0, budget - spent - reserved) end
  local plan, fault = other.plan(shots, entries, there)
  if not plan then return refuse("invalid_request", "row_moved", fault) end
  local mine, grave = clients.session_of(account), #plan.again > 0
  for _, line in ipairs(other.told(plan, shots, there)) do
    mine:log(grave and "warning" or "info", line)
    if grave then mine:blame(line) end        -- on standard error, where there is no logger
  end
  return plan
end

local function make_all(account, shots, by_name, j, own, opts)
  local plan, err = look_back(account, shots, by_name, j, own, opts)
  if not plan then return nil, err end
  if not opts.enqueue then
    local faults = {}
    opts.limits = limits.read(shots, by_name, opts, function(shot, column, message)
      faults[#faults + 1] = { line = shot.line, place = shot.place, column = column, message = message }
    end)
    if #faults > 0 then return bad_list(opts.name, faults, shots) end
  end
  local written, why = contents.write(opts.directory, shots)
  if not written then
    return refuse("io", "directory", ("cannot write into the directory %s: %s"):format(opts.directory, why))
  end
  local remembering = {}
  for name, theirs in pairs(by_name) do
    remembering[name] = theirs.journal == j and theirs or clients.remembering(theirs, j)
  end
  local result
  if opts.enqueue then
    local put
    put, err = night.enqueue(shots, remembering, opts)
    if not put then return nil, err end
    result = sum_up(shots, {}, opts.budget)
    result.exit_code = result.counts.unknown > 0 and 4 or result.counts.failed > 0 and 1 or 0
  else
    result = sum_up(shots, night.make(shots, remembering, opts), opts.budget)
  end
  result.plan, result.others = plan, own and #plan.unnamed or 0
  return result
end

-- The page of a batch, and the stills on it.
local function sheet_of(account, by_name, directory)
  local sessions = { clients.session_of(account) }
  for _, one in pairs(by_name) do sessions[#sessions + 1] = clients.session_of(one) end
  local kept = sheet.of(directory, sessions)
  return function(_, shots, sums) kept:write(shots, sums) end, function(shot) return kept:still(shot) end
end

-- What the night is told, of what the caller says.
local function settings_of(account, by_name, name, opts)
  local directory, budget = without_slash(opts.directory), clients.session_of(account).budget
  local write, still = opts.sheet, nil
  if not write then write, still = sheet_of(account, by_name, directory) end
  return { name = name, directory = directory, jobs = opts.jobs or JOBS, attempts = opts.attempts or 1, budget = budget,
    retry_failed = opts.retry_failed, timeout = opts.timeout, on_progress = opts.on_progress, enqueue = opts.enqueue,
    page = function(shots, halted) write(directory, shots, sum_up(shots, halted, budget)) end, still = still }
end

-- The journal that is there already, if one is.
local function journal_there(account, directory)
  if account.journal then return account.journal, nil, false end
  local path = directory and without_slash(directory) .. "/runway.db"
  if not path or not core.readable(path) then return nil end
  local j, err = journal.open(path)
  return j, err, true
end

-- What would be submitted, and is not.
local function plan_all(account, shots, by_name, opts)
  local j, err, own = journal_there(account, opts.directory)
  if err then return nil, err end
  local plan
  plan, err = look_back(account, shots, by_name, j, own, { directory = opts.directory and without_slash(opts.directory),
    retry_failed = opts.retry_failed, attempts = opts.attempts })
  if j and own then j:close() end
  if not plan then return nil, err end
  local result = sum_up(shots, {}, clients.session_of(account).budget)
  result.plan, result.others = plan, own and #plan.unnamed or 0
  result.exit_code = 0                        -- what was asked for is there: the plan
  return result
end

local function run(account, shots, by_name, name, opts)
  if opts.dry_run then return plan_all(account, shots, by_name, opts) end
  for _, shot in ipairs(shots) do shot.request = nil end -- made anew where it is submitted
  local settings = settings_of(account, by_name, name, opts)
  local j, err, own = journal_of(account, settings.directory)
  if not j then return nil, err end
  local ok, result, failure = pcall(make_all, account, shots, by_name, j, own, settings)
  if not ok then pcall(night.recall_begun, shots, j) end
  if own then j:close() end
  if not ok then error(result, 0) end         -- Ctrl-C, say
  return result, failure
end

--- Makes each shot of a list once, side by side, into a directory; what is there stays, what is under way is gone on
--- with. The whole list is checked before anything is paid for.
---@param account runway.Client
---@param shots string|table[]   the path of a list (CSV, JSON Lines), or shots: tables of parameters, with `key`,
---  `output` and `provider` beside them
---@param opts table   directory (a dry run needs none); jobs (5), retry_failed (false), only (keys), attempts (1),
---  timeout (s, of one task),
---  on_progress(shots, shot, ended): the one of which something is new (nil: it begins), and whether nothing more is
---  done about it,
---  dry_run (false), enqueue (false: they are left to workers), clients (by provider; default: made with keys from
---  the environment), sheet(directory, shots, sums): writes another page than `index.html`, at the beginning, now
---  and then, and at the end
---@return runway.BatchResult|nil
---@return runway.Error|nil err   code "bad_list", with `faults`: nothing was submitted
function batch.run(account, shots, opts)
  if not clients.is(account) then error("batch takes a client, a list and options", 2) end
  if type(shots) ~= "string" and type(shots) ~= "table" then
    error("batch takes the path of a list, or a table of shots", 2)
  end
  opts = options.check(opts, OPTIONS, "batch", 2)
  if not opts.directory and not opts.dry_run then error("batch: directory is missing", 2) end
  local read, by_name, own = read_all(account, shots, opts)
  if not read then return errors.told("runway.batch", nil, by_name) end
  local ok, result, err = pcall(run, account, read, by_name, name_of(shots), opts)
  for _, client in ipairs(own) do client:close() end
  if not ok then error(result, 0) end
  return errors.told("runway.batch", result, err)
end

batch.films, batch.keeps, batch.told = contents.films, contents.keeps, list.told

return batch
