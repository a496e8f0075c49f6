-- Programs that submit under keys, wait and download, and are killed (-9) on the way, again and again,
-- against a sandbox that counts what is paid for. What must be true in the end is checked here; specs run it
-- shortly, `make torture` at length. Every choice comes from the seed; where a kill lands in the program is
-- the machine's.

local clock = require "runway.clock"
local journal = require "runway.journal"
local json = require "runway.json"
local lua = require "spec.support.interpreter"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local killing = {}

local PATIENCE = 120                          -- seconds for the last run, which no one kills

-- The program: arguments are the base URL, the journal, the directory, a mark to leave at its end, and keys.
local PROGRAM = [[
  local runway = require "runway"
  local base, where, directory, mark = ...
  local keys = { select(5, ...) }
  local function work()
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = base,
      journal = where, poll_interval = 0.02, timeout = 20 })
    runway.run(function()
      local list = {}
      for i, key in ipairs(keys) do
        list[i] = function()
          local task = client:generate { model = "gen4.5", prompt_text = "shot " .. key, ratio = "1280:720",
            duration = 5, key = key, output = directory .. "/" .. key .. ".mp4" }
          local file, err
          if task then file, err = task:wait() end
          if file then file, err = task:download() end
          if err then print(key .. ": " .. tostring(err)) end
          return true
        end
      end
      runway.all(list)
    end)
    client:close()
  end
  local ok, err = pcall(work)
  if not ok then print(tostring(err)) end       -- the database cannot be reached, say
  io.open(mark, "w"):close()
]]

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "*l"
  pipe:close()
  return line
end

-- Small and its own, so that a seed gives the same choices everywhere.
local function dice(seed)
  local at = seed % 2147483646 + 1
  return function(n)                          -- 1 to n
    at = at * 16807 % 2147483647
    return at % n + 1
  end
end

-- A look at the journal; one that failed with the database's server is taken again.
local function surely(look)
  for _ = 1, 100 do
    local value, err = look()
    if value then return value end
    if err.code ~= "lost" then error(err) end
    runway.sleep(0.1)
  end
  error "the database does not come back"
end

local Run = {}
Run.__index = Run

local function start(self, keys)
  self.started = self.started + 1
  local mark = self.files:path("mark" .. self.started)
  local words = { quote(lua), quote(self.program), quote(self.server.base_url), quote(self.where),
    quote(self.files.directory), quote(mark) }
  for _, key in ipairs(keys) do words[#words + 1] = quote(key) end
  local pid = shell(("export LUA_PATH=%s LUA_CPATH=%s; %s >>%s 2>&1 </dev/null & echo $!"):format(quote(package.path),
    quote(package.cpath), table.concat(words, " "), quote(self.files:path "log")))
  return { pid = pid, mark = mark }
end

local function kill(self, child)
  if child.killed or exists(child.mark) then return end
  child.killed = true
  os.execute("kill -9 " .. child.pid .. " 2>/dev/null")
  self.kills = self.kills + 1
end

-- Runs programs side by side, each killed at a moment of its own: after so many seconds, or when the sandbox
-- has got so many requests, or in the middle of a submit.
local function round(self, keys, processes)
  local children, here = {}, #self.server.requests
  for i = 1, processes do
    local child = start(self, keys)
    local way = self.roll(4)
    if way == 1 then
      child.on_submit = self.roll(#keys)
    elseif way == 2 then
      child.after_requests = here + self.roll(6 * #keys)
    else
      child.at = clock.now() + self.roll(250) / 1000
    end
    children[i] = child
  end
  self.children = children
  local disturbed = self.disturb and self.roll(8) == 1 and clock.now() + self.roll(250) / 1000
  local open = true
  while open do
    runway.step(0.002)
    open = false
    if disturbed and clock.now() >= disturbed then
      self.disturb()
      self.disturbances, disturbed = self.disturbances + 1, nil
    end
    for _, child in ipairs(children) do
      local due = child.at and clock.now() >= child.at
        or child.after_requests and #self.server.requests >= child.after_requests
      if due then kill(self, child) end
      open = open or not child.killed and not exists(child.mark)
    end
  end
end

-- Entries that have not come to an end.
local function unfinished(self)
  local list = {}
  for _, e in ipairs(surely(function() return self.journal:entries() end)) do
    if e.state ~= "done" and e.state ~= "failed" and e.state ~= "unknown" then list[#list + 1] = e.key end
  end
  return list
end

-- How the entries stand right after the kills, before anyone has looked at them: for the report.
local function note_states(self)
  local found = surely(function()
    return self.store:read { { "SELECT state, count(*) AS entries FROM runway_shots GROUP BY state" } }
  end)
  for _, row in ipairs(found[1].rows) do
    local ended = row.state == "done" or row.state == "failed" or row.state == "unknown"
    if not ended then self.seen[row.state] = (self.seen[row.state] or 0) + row.entries end
  end
end

local function check(self)
  local faults = {}
  local function fault(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  local posts, made = self.posts, {}
  for _, task in ipairs(self.server.tasks) do made[#made + 1] = task end
  local entries = {}
  for _, e in ipairs(surely(function() return self.journal:entries() end)) do
    entries[e.key] = e
    if e.state ~= "done" and e.state ~= "failed" and e.state ~= "unknown" then
      fault("the key %s ended as %s (%s, %s)", e.key, e.state, e.status, e.error)
    end
    if e.state == "done" then
      local bytes = self.files:content(e.key .. ".mp4")
      local whole = bytes and #bytes == e.bytes and bytes:find "^....ftyp"
      if not whole then fault("the file of %s is not whole", e.key) end
    elseif exists(self.files:path(e.key .. ".mp4")) then
      fault("%s is %s and has a file", e.key, e.state)
    end
  end
  for key, count in pairs(posts) do
    if count > 1 then fault("%s was paid for %d times", key, count) end
    if not entries[key] then fault("%s was paid for and forgotten", key) end
  end
  local ids = {}
  for _, e in pairs(entries) do if e.task_id then ids[e.task_id] = true end end
  local lost = 0
  for _, task in ipairs(made) do if not ids[task.id] then lost = lost + 1 end end
  local unknown = 0
  for _, e in pairs(entries) do if e.state == "unknown" then unknown = unknown + 1 end end
  if lost > unknown then fault("%d tasks are named by no entry, and only %d are unknown", lost, unknown) end
  local log = self.files:content "log" or ""
  if log:find("stack traceback", 1, true) or #faults > 0 then fault("the programs said: %s", log:sub(-2000)) end
  return faults
end

---@param opts table   seed, over, processes (1), keys (4 at a time), where (a file), disturb
---  over: were so many kills enough? disturb: something else that happens now and then while they run
---@return string[] faults   none is as it should be
---@return { kills: integer, states: table, posts: integer, keys: integer, disturbances: integer } report
function killing.run(opts)
  local files = scratch.new()
  local self = setmetatable({ files = files, roll = dice(opts.seed), posts = {}, kills = 0, started = 0, seen = {},
    children = {}, disturb = opts.disturb, disturbances = 0, where = opts.where or files:path "shots.db" }, Run)
  self.program = files:write("program.lua", PROGRAM)
  local submits = 0
  self.server = assert(sandbox.start { seconds = 0.02, scenario = function(request)
    local prompt = json.decode(request.body).promptText
    local key = prompt:match "^shot (.*)$"
    self.posts[key] = (self.posts[key] or 0) + 1
    submits = submits + 1
    for _, child in ipairs(self.children) do
      if child.on_submit then
        child.on_submit = child.on_submit - 1
        if child.on_submit == 0 then kill(self, child) end
      end
    end
  end })
  self.journal = assert(journal.open(self.where))
  self.store = assert(require("runway.store").open(self.where))
  local keys, made = {}, 0
  while not opts.over(self.kills) do
    for _ = #keys + 1, opts.keys or 4 do
      made = made + 1
      keys[#keys + 1] = ("k%05d"):format(made)
    end
    round(self, keys, opts.processes or 1)
    note_states(self)
    local open = {}
    for _, key in ipairs(unfinished(self)) do open[#open + 1] = key end
    keys = open
  end
  self.children = {}
  local all = unfinished(self)
  if #all > 0 then
    local child, patience = start(self, all), clock.now() + PATIENCE
    while not exists(child.mark) and clock.now() < patience do runway.step(0.01) end
  end
  local faults = check(self)
  self.journal:close()
  self.store:close()
  self.server:close()
  files:remove()
  return faults, { kills = self.kills, states = self.seen, posts = submits, keys = made,
    disturbances = self.disturbances }
end

return killing
