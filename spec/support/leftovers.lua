-- What a spec file leaves behind: a request that no one takes, a timer, a job, a clock that stands still, a source of
-- the loop, a directory, a `.part`, a descriptor. Each is something that a teardown forgot, or that the code under
-- test holds for ever. Looked for after each file, once everything that no one holds any more is collected.

local has_lfs, lfs = pcall(require, "lfs")

local leftovers = {}

local PATIENCE = 20                           -- seconds; only ever spent by a spec that fails
local GRACE = 2                               -- seconds for a thread that closes what it has; likewise

-- A local of a room, by the function that uses it: what a spec may look at and no user needs.
local function hidden(fn, wanted)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if name == wanted then return value end
    assert(name, "the room has no local " .. wanted .. " any more")
  end
end

local function place(fn)
  local info = debug.getinfo(fn, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

-- A room that the file has loaded, or nil: it is not loaded for the sake of this.
local function loaded(name)
  return package.loaded["runway." .. name]
end

---------------------------------------------------------------------------------------------------
-- What can be left; each adds a line for what it finds

local checks = {}

function checks.requests(say)
  local core = loaded "core"
  local count = core and core.pending and core.pending() or 0
  if count > 0 then say("%d request(s) that no one has taken", count) end
end

function checks.timers(say)
  local clock = loaded "clock"
  if not clock then return end
  if clock.is_frozen() then say "a clock that stands still (a mock that was not closed?)" end
  while true do
    local fn = clock.due(math.huge)
    if not fn then return end
    say("a timer: %s", place(fn))
  end
end

-- Those of rooms are there from the first; any other was attached by what can be closed.
function checks.sources(say)
  local scheduler = loaded "scheduler"
  for _, source in ipairs(scheduler and hidden(scheduler.attach, "sources") or {}) do
    if not place(source.drain):find "/runway/transport.lua:" and not place(source.drain):find "/runway/store.lua:" then
      say("a source of the loop: %s", place(source.drain))
    elseif source.pending and source.pending() then
      say("what a database is still to say: %s", place(source.drain))
    end
  end
end

function checks.jobs(say)
  local job = loaded "job"
  if not job then return end
  for co, j in pairs(hidden(job.here, "by_coroutine")) do
    if not j.results then
      say("a job that %s", j.start and "never ran" or "waits: " .. debug.traceback(co, "", 1):gsub("%s+", " "))
    end
  end
end

function checks.directories(say)
  local scratch = package.loaded["spec.support.scratch"]
  for directory in pairs(scratch and scratch.open or {}) do say("the directory %s", directory) end
  if not has_lfs then return end
  for _, directory in ipairs { ".", "spec", "out" } do
    if lfs.attributes(directory, "mode") == "directory" then
      for name in lfs.dir(directory) do
        if name:find "%.part$" then say("the file %s/%s", directory, name) end
      end
    end
  end
end

-- Every open descriptor and what it leads to, where the system tells.
local function descriptors()
  local open = {}
  if not has_lfs or lfs.attributes("/proc/self/fd", "mode") ~= "directory" then return open end
  for name in lfs.dir "/proc/self/fd" do
    local target = name:find "^%d+$" and lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if target and not target:find "^/proc/%d+/fd$" then open[name] = target end -- but for this look itself
  end
  return open
end

local before = {}

function checks.descriptors(say)
  local core = loaded "core"
  if core and core.close then core.close() end -- the engine's own, and its idle connections
  local deadline, left = os.time() + GRACE
  repeat                                      -- a thread that is slow to end is left to do so by itself
    left = {}
    for number, target in pairs(descriptors()) do
      if before[number] ~= target then left[#left + 1] = ("the descriptor %s: %s"):format(number, target) end
    end
    if left[1] then os.execute "sleep 0.05" end
  until not left[1] or os.time() >= deadline
  for _, line in ipairs(left) do say("%s", line) end
end

-- In this order: what is told by one closes what would be told by the next.
local ORDER = { "requests", "timers", "sources", "jobs", "directories", "descriptors" }

-- Is something on its way back: a request, what a database is asked, a job that can go on?
local function comes_back(core, job, scheduler)
  if core.pending() > 0 or job.is_any_ready() then return true end
  for _, source in ipairs(hidden(scheduler.attach, "sources")) do
    if source.pending and source.pending() then return true end
  end
  return false
end

--- Takes in what was given up and has yet to come back: for teardowns.
function leftovers.let_end()
  local core, job, scheduler = require "runway.core", require "runway.job", require "runway.scheduler"
  local deadline = core.now() + PATIENCE
  while comes_back(core, job, scheduler) and core.now() < deadline do scheduler.step(1) end
end

--- What there is now.
---@return string[] lines
function leftovers.find()
  local lines = {}
  local function say(form, ...) lines[#lines + 1] = form:format(...) end
  for _ = 1, 3 do collectgarbage() end        -- finalizers may set free what has finalizers
  for _, name in ipairs(ORDER) do checks[name](say) end
  return lines
end

--- Looks after every file, and fails it with what is left.
---@param busted table
function leftovers.watch(busted)
  busted.subscribe({ "file", "start" }, function()
    before = descriptors()
    return nil, true
  end)
  busted.subscribe({ "file", "end" }, function(file)
    local ok, lines = pcall(leftovers.find)
    if not ok then lines = { lines } end
    if #lines > 0 then
      busted.publish({ "error" }, { descriptor = "file", name = file.name .. " leaves things behind" }, nil,
        table.concat(lines, "\n"), {})
    end
    return nil, true
  end)
end

return leftovers
