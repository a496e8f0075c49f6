-- Programs that submit under keys, wait and download, and are killed (-9) on the way, again and again,
-- against a sandbox that counts what is paid for. What must be true in the end is checked here; specs run it
-- shortly, `make torture` at length. Every choice comes from the seed; where a kill lands in the program is
-- the machine's.
--
-- Half of the kills come at any moment. The others are steered to the states that were hit least: the sandbox
-- kills who asks it for something, before it answers. Now and then it refuses a submit in words that say nothing
-- of the money; what is unknown then is settled as it really is, by the sandbox's own list, so that keys come to
-- be submitted once more and unknown ones go on to their films.

local beside = require "spec.support.child"
local chance = require "spec.support.chance"
local clock = require "runway.clock"
local journal = require "runway.journal"
local json = require "runway.json"
local postgres = require "spec.support.postgres"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local killing = {}

local surely = postgres.surely

local PATIENCE = 120                          -- seconds for the last run, which no one kills

-- What an open entry may be in when a program that works on it is killed, and the request by which the sandbox
-- knows: the submit, a look at the task, its film. A key that waits to be submitted makes none.
killing.STATES = { "queued", "submitting", "submitted", "downloading" }

local function state_of(request)
  if request.method == "POST" then return "submitting" end
  return request.path:find "^/files/" and "downloading" or "submitted"
end

-- The program: arguments are the base URL, the journal, the directory, a mark to leave at its end, what it is
-- called in its requests, and keys.
local PROGRAM = [[
  local runway = require "runway"
  local base, where, directory, mark, name = ...
  local keys = { select(6, ...) }
  local function work()
    local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = base,
      journal = where, poll_interval = 0.02, timeout = 20, user_agent = name })
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

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function start(self, keys)
  self.started = self.started + 1
  local mark, name = self.files:path("mark" .. self.started), "program " .. self.started
  local words = { self.server.base_url, self.where, self.files.directory, mark, name, table.unpack(keys) }
  local pid = beside.start(self.program, words, self.files:path "log")
  local child = { pid = pid, mark = mark, keys = keys }
  self.children[name] = child
  return child
end

local function kill(self, child)
  if child.killed or exists(child.mark) then return end
  child.killed = true
  os.execute("kill -9 " .. child.pid .. " 2>/dev/null")
  self.kills = self.kills + 1
  self.fresh[#self.fresh + 1] = child
end

-- The sandbox has got a request: its sender may be one to be killed for it.
local function came(self, request)
  local child, state = self.children[request.headers["user-agent"]], state_of(request)
  self.requests = self.requests + 1
  if not child or (self.wanted[state] or 0) == 0 or self.roll(3) == 1 then return end
  self.wanted[state] = self.wanted[state] - 1
  if state == "downloading" and self.roll(2) == 1 then
    child.at = clock.now() + self.roll(30) / 1000 -- on the way, or where it was cut off
  else
    kill(self, child)
  end
end

-- In which states the entries stand on which a program was at work that was killed just now: each counts the kill
-- once. A submit counts for the program that made it alone.
local function note_states(self, child)
  local stood = {}
  for _, row in ipairs(surely(function()
    local found, err = self.store:read { { "SELECT key, state, owner FROM runway_shots WHERE state IN "
      .. "('queued', 'submitting', 'submitted', 'downloading')" } }
    return found and found[1].rows, err
  end)) do
    local at_work = row.state ~= "submitting" or row.owner:match " (%d+) %d+$" == child.pid
    for _, key in ipairs(child.keys) do stood[row.state] = stood[row.state] or key == row.key and at_work end
  end
  for state in pairs(stood) do
    if stood[state] then self.seen[state] = self.seen[state] + 1 end
  end
end

-- The state that was hit least; where nothing is queued, no kill can hit that.
local function rarest(self, queued)
  local found
  for _, state in ipairs(killing.STATES) do
    if (state ~= "queued" or queued) and (not found or self.seen[state] < self.seen[found]) then found = state end
  end
  return found
end

-- Runs programs side by side, each killed at a moment of its own: after so many seconds, or when the sandbox
-- has got so many requests, or in the state that was hit least.
local function round(self, keys, processes, queued)
  local children, here = {}, self.requests
  self.wanted, self.children = {}, {}
  local aim = rarest(self, queued)
  for i = 1, processes do
    local child = start(self, keys)
    local way = self.roll(4)
    if way > 2 and aim == "queued" then
      child.at = clock.now() + self.roll(60) / 1000 -- while it begins
    elseif way > 2 then
      self.wanted[aim] = (self.wanted[aim] or 0) + 1
    elseif way == 2 then
      child.after_requests = here + self.roll(6 * #keys)
    else
      child.at = clock.now() + self.roll(250) / 1000
    end
    children[i] = child
  end
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
        or child.after_requests and self.requests >= child.after_requests
      if due then kill(self, child) end
      open = open or not child.killed and not exists(child.mark)
    end
    for i, child in ipairs(self.fresh) do
      self.fresh[i] = nil
      note_states(self, child)
    end
  end
end

-- The keys that have not come to an end; and of those of the last round that are unknown every other one: a script
-- that is run again names it again.
local function unfinished(self, keys)
  local list, last = {}, {}
  for _, key in ipairs(keys) do last[key] = true end
  for _, e in ipairs(surely(function() return self.journal:entries() end)) do
    local again = e.state == "unknown" and last[e.key] and self.roll(2) == 1
    if again or e.state ~= "done" and e.state ~= "failed" and e.state ~= "unknown" then list[#list + 1] = e.key end
  end
  return list
end

-- What is unknown is settled by who knows: this key's request came and made no task, or made that one. Of what never
-- came here nothing is known: it may be on its way. Returns whether a key waits to be submitted again.
local function settle(self)
  local queued = false
  for _, e in ipairs(surely(function() return self.journal:entries() end)) do
    local id = self.made[e.key]
    local how = id and { task_id = id } or self.refused[e.key] and { resubmit = true }
    if e.state == "unknown" and how and self.roll(4) > 1 then
      surely(function()
        local settled, err = self.journal:settle(e.key, how)
        return settled or err.code == "not_unknown", err -- it was, before the connection was lost
      end)
      if how.resubmit then
        self.refused[e.key], self.allowed[e.key], queued = nil, self.allowed[e.key] + 1, true
      end
    end
    queued = queued or e.state == "queued"
  end
  return queued
end

local function check(self)
  local faults = {}
  local function fault(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  local entries, done = {}, 0
  for _, e in ipairs(surely(function() return self.journal:entries() end)) do
    entries[e.key] = e
    if e.state ~= "done" and e.state ~= "failed" and e.state ~= "unknown" then
      fault("the key %s ended as %s (%s, %s)", e.key, e.state, e.status, e.error)
    end
    if e.state == "done" then
      done = done + 1
      local bytes = self.files:content(e.key .. ".mp4")
      local whole = bytes and #bytes == e.bytes and bytes:find "^....ftyp"
      if not whole then fault("the file of %s is not whole", e.key) end
    elseif exists(self.files:path(e.key .. ".mp4")) then
      fault("%s is %s and has a file", e.key, e.state)
    end
  end
  for key, count in pairs(self.posts) do
    if count > self.allowed[key] then fault("%s was submitted %d times", key, count) end
    if not entries[key] then fault("%s was submitted and forgotten", key) end
  end
  for key, id in pairs(self.made) do
    local e = entries[key]
    if e and e.task_id ~= id and e.state ~= "unknown" then
      fault("%s is %s and has lost the task %s", key, e.state, id)
    end
  end
  if done == 0 then fault "no key came to its film" end
  local log = self.files:content "log" or ""
  if log:find("stack traceback", 1, true) or #faults > 0 then fault("the programs said: %s", log:sub(-2000)) end
  return faults
end

-- The sandbox as the programs' other side: it counts, refuses, cuts films off, and says who asked for what.
local function sandbox_of(self)
  local server, key
  server = assert(sandbox.start { seconds = 0.02, scenario = function(request)
    key = json.decode(request.body).promptText:match "^shot (.*)$"
    self.posts[key], self.allowed[key] = (self.posts[key] or 0) + 1, self.allowed[key] or 1
    self.submits = self.submits + 1
    if self.posts[key] == 1 and self.roll(6) == 1 then
      self.refused[key] = true
      return "server_error=1"
    end
    return self.roll(8) == 1 and "cut" or nil
  end })
  local app, answer = server.app, server.app.handle
  function app.handle(_, request, now)
    came(self, request)
    local there = #server.tasks
    local response = answer(app, request, now)
    local task = server.tasks[there + 1]
    if task then self.made[key] = task.id end
    return response
  end
  return server
end

---@param opts table   seed, over, processes (1), keys (4 at a time), where (a file), disturb
---  over: were so many kills enough, and so many in each state? disturb: something else that happens now and then
---  while they run
---@return string[] faults   none is as it should be
---@return { kills: integer, states: table, posts: integer, keys: integer, disturbances: integer } report
---  states: for each of killing.STATES, how many kills hit a program with an entry in it
function killing.run(opts)
  local files = scratch.new()
  local self = { files = files, roll = chance.of(opts.seed), kills = 0, started = 0, submits = 0,
    requests = 0, seen = {}, posts = {}, allowed = {}, refused = {}, made = {}, children = {}, wanted = {}, fresh = {},
    disturb = opts.disturb, disturbances = 0, where = opts.where or files:path "shots.db" }
  for _, state in ipairs(killing.STATES) do self.seen[state] = 0 end
  self.program = files:write("program.lua", PROGRAM)
  self.server = sandbox_of(self)
  self.journal = assert(journal.open(self.where))
  self.store = assert(require("runway.store").open(self.where))
  local keys, named, queued = {}, 0, false
  while not opts.over(self.kills, self.seen) do
    for _ = #keys + 1, opts.keys or 4 do
      named = named + 1
      keys[#keys + 1] = ("k%05d"):format(named)
    end
    round(self, keys, opts.processes or 1, queued)
    queued = settle(self)
    keys = unfinished(self, keys)
  end
  self.children, self.wanted = {}, {}
  if #keys > 0 then
    local child, patience = start(self, keys), clock.now() + PATIENCE
    while not exists(child.mark) and clock.now() < patience do runway.step(0.01) end
  end
  local faults = check(self)
  self.journal:close()
  self.store:close()
  self.server:close()
  files:remove()
  return faults, { kills = self.kills, states = self.seen, posts = self.submits, keys = named,
    disturbances = self.disturbances }
end

return killing
