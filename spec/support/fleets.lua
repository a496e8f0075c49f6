-- A fleet: workers that share a journal, each killed (-9) again and again and another begun in its place, while the
-- database's server is killed as well, against a sandbox that counts. What must be true in the end is checked here; a
-- spec runs it in small, `make torture` at length. Every choice comes from the seed; where a kill lands is the
-- machine's.
--
-- What a kill has left unknown is settled as it really is, by the sandbox's own list.

local beside = require "spec.support.child"
local chance = require "spec.support.chance"
local clock = require "runway.clock"
local core = require "runway.core"
local json = require "runway.json"
local postgres = require "spec.support.postgres"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scratch = require "spec.support.scratch"

local fleets = {}

local surely = postgres.surely

local PRICE = 60                              -- credits of one task: 5 s of gen4.5, as the sandbox counts
local MOST = 6                                -- tasks under way
local ANSWERED = 1                            -- seconds after which what a dead program had sent has come, or never
local PATIENCE = 60                           -- seconds without one more that is made, once all kills are done

-- Arguments: the base URL, the journal, the directory, the budget, most tasks, a mark to leave at its end, its name.
local PROGRAM = [[
  local runway = require "runway"
  local base, where, directory, budget, most, mark, name = ...
  local client, err = runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = base,
    journal = where, poll_interval = 0.02, timeout = 20, user_agent = name, budget = tonumber(budget),
    prices = { ["gen4.5"] = 12 }, max_tasks = math.tointeger(most) }
  local result
  if client then
    result, err = runway.work(client, { directory = directory, until_empty = true, jobs = 4 })
    client:close()
  end
  local file = io.open(mark, "w")
  file:write(result and ("%d %s"):format(result.exit_code, tostring(result.drained)) or tostring(err))
  file:close()
]]

local function start(self)
  self.started = self.started + 1
  local name = "worker " .. self.started
  local child = { mark = "mark" .. self.started, name = name }
  child.pid = beside.start(self.program, { self.server.base_url, self.where, self.directory, tostring(self.budget),
    tostring(MOST), self.files:path(child.mark), name }, self.files:path "log")
  self.by_name[name] = child
  return child
end

local function kill(self, child, signal)
  if child.gone then return end
  child.gone = signal ~= "TERM"
  child.told = not child.gone                 -- and leaves a mark, if it has come so far as to hear of it
  os.execute(("kill -%s %s 2>/dev/null"):format(signal or "KILL", child.pid))
  self.kills = self.kills + 1
end

-- The sandbox as the workers' other side: it counts, and kills some of those who ask before it answers.
local function watch(self)
  local app = self.server.app
  local answer = app.handle
  function app.handle(_, request, now)
    local body = request.method == "POST" and json.decode(request.body)
    local key = body and body.promptText and body.promptText:match "^shot (.*)$"
    local child = self.by_name[request.headers["user-agent"]]
    if child and self.kills < self.most_kills and self.roll(self.rarely) == 1 then kill(self, child) end
    local there = #self.server.tasks
    local response = answer(app, request, now)
    local made = self.server.tasks[there + 1]
    if made then
      self.posts[key] = (self.posts[key] or 0) + 1
      self.made[key] = made.id
    end
    return response
  end
end

local function settle(self)
  local old = core.wall_ms() / 1000 - ANSWERED
  for _, e in ipairs(surely(function() return self.client.journal:entries { state = "unknown" } end)) do
    if e.updated_at < old then
      local id = self.made[e.key]
      surely(function()
        local settled, err = self.client.journal:settle(e.key, id and { task_id = id } or { resubmit = true })
        return settled or err.code == "not_unknown", err
      end)
    end
  end
end

local function exists(self, name) return self.files:content(name) ~= nil end

-- One that was told to end before it could be told anything left no mark.
local function bury(self)
  for _, child in ipairs(self.children) do
    if child.told and not child.gone and not exists(self, child.mark) then
      child.gone = not os.execute("kill -0 " .. child.pid .. " 2>/dev/null") and not exists(self, child.mark)
    end
  end
end

-- Those that have ended are followed by others. Whether any that was not killed has ended.
local function replace(self)
  local ended = false
  for i, child in ipairs(self.children) do
    if child.gone or exists(self, child.mark) then
      ended = ended or not child.gone
      self.by_name[child.name] = nil
      self.children[i] = start(self)
    end
  end
  return ended
end

local function under_way(self)
  local states = surely(function() return self.client.journal:totals() end).states
  local held = surely(function()
    return self.store:read { { "SELECT count(*) AS n FROM runway_shots WHERE lease_until > 0 "
      .. "OR state IN ('done', 'failed') AND lease_until IS NOT NULL" } }
  end)
  return held[1].rows[1].n + states.submitting + states.submitted + states.downloading + states.unknown, states
end

local function check(self, count, affordable)
  local faults, done = {}, 0
  local function fault(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  for _, e in ipairs(surely(function() return self.client.journal:entries() end)) do
    local film = self.files:content("out/" .. e.key .. ".mp4")
    if e.state == "done" then
      done = done + 1
      local receipt = json.decode(self.files:content("out/" .. e.key .. ".mp4.json") or "") or {}
      local whole = film and #film == e.bytes and film:find "^....ftyp" and receipt.task_id == e.task_id
        and receipt.file.sha256 == core.sha256(film)
      if not whole then fault("the file of %s is not whole, or another's", e.key) end
      if e.task_id ~= self.made[e.key] then fault("%s has the task %s, not %s", e.key, e.task_id, self.made[e.key]) end
    elseif e.state ~= "queued" or film then
      fault("%s ended as %s (%s)", e.key, e.state, e.error)
    end
  end
  for key, posts in pairs(self.posts) do
    if posts ~= 1 then fault("%s was made %d times", key, posts) end
  end
  if done ~= affordable then fault("%d were made and fetched, not %d of %d", done, affordable, count) end
  if #self.server.tasks > affordable then fault("the budget was passed: %d tasks", #self.server.tasks) end
  if self.passed then fault("%d tasks were under way, more than max_tasks", self.passed) end
  local log = self.files:content "log" or ""
  if log:find("stack traceback", 1, true) or #faults > 0 then fault("the workers said: %s", log:sub(-3000)) end
  return faults
end

-- How many the database believes to be under way, which no claim may let past the number.
local function count_under_way(self)
  local found = self.store:read { { "SELECT count(*) AS n FROM runway_shots WHERE state = 'submitting' OR "
    .. "state = 'submitted' AND coalesce(status, '') NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')" } }
  if found and found[1].rows[1].n > MOST then self.passed = found[1].rows[1].n end
end

local function enqueue_all(self, count)
  local list, at = {}, 0
  for i = 1, 50 do
    list[i] = function()
      while at < count do
        at = at + 1
        local key = ("shot-%05d"):format(at)
        assert(self.client:enqueue { key = key, prompt_text = "shot " .. key, model = "gen4.5", ratio = "1280:720",
          duration = 5 })
      end
      return true
    end
  end
  local _, failures = runway.all(list)
  for _, err in pairs(failures or {}) do error(err) end
end

---@param opts table   seed, tasks, kills, workers, where, disturb (kills the database and begins it anew), disturbances
---@return string[] faults   none is as it should be
---@return { kills: integer, started: integer, disturbances: integer } report
function fleets.run(opts)
  local files = scratch.new()
  local self = { files = files, roll = chance.of(opts.seed), where = opts.where or files:path "shots.db",
    directory = files:path "out", kills = 0, started = 0,
    by_name = {}, posts = {}, made = {}, children = {}, most_kills = opts.kills }
  local affordable = opts.tasks - math.ceil(opts.tasks / 20)
  self.budget, self.rarely = affordable * PRICE, math.max(2, math.floor(4 * opts.tasks / math.max(1, opts.kills)))
  self.program = files:write("program.lua", PROGRAM)
  self.server = assert(sandbox.start { seconds = 0.05, retry_after = 0 })
  self.client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef",
    base_url = self.server.base_url, journal = self.where })
  self.store = assert(require("runway.store").open(self.where))
  runway.run(enqueue_all, self, opts.tasks)
  watch(self)
  for i = 1, opts.workers do self.children[i] = start(self) end
  local disturbances, next_kill, next_look, over, made = 0, clock.now() + 0.2, clock.now(), nil, 0
  while true do
    runway.step(0.005)
    local now = clock.now()
    if now >= next_kill and self.kills < opts.kills then
      local child = self.children[self.roll(#self.children)]
      kill(self, child, self.roll(4) == 1 and "TERM" or "KILL")
      next_kill = now + self.roll(150) / 1000
    end
    local due = disturbances < (opts.disturbances or 0) and self.kills >= opts.kills * (disturbances + 1)
      / (opts.disturbances + 1)
    if due then
      opts.disturb()
      disturbances = disturbances + 1
    end
    replace(self)
    if now >= next_look then
      bury(self)
      count_under_way(self)
      settle(self)
      local open, states = under_way(self)
      if self.kills >= opts.kills and (not over or states.done > made) then
        over, made = now + PATIENCE, states.done
      end
      local finished = open == 0 and states.done >= affordable
      if finished or over and now > over then break end
      next_look = clock.now() + 0.3
    end
  end
  for _, child in ipairs(self.children) do os.execute("kill -9 " .. child.pid .. " 2>/dev/null") end
  local faults = check(self, opts.tasks, affordable)
  self.store:close()
  self.client:close()
  self.server:close()
  files:remove()
  return faults, { kills = self.kills, started = self.started, disturbances = disturbances }
end

return fleets
