-- A night: a list of shots of all sorts, made by a program that is killed (-9) again and again and run again,
-- against a sandbox that counts. What must be true in the end is checked here; a spec runs it in small, `make
-- torture` at length. Every choice comes from the seed; where a kill lands in the program is the machine's.
--
-- What a kill has left unknown is settled between two runs as it really is, by the sandbox's own list.

local chance = require "spec.support.chance"
local clock = require "runway.clock"
local journal = require "runway.journal"
local json = require "runway.json"
local lua = require "spec.support.interpreter"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local tasks = require "runway.sandbox.tasks"

local nights = {}

local PATIENCE = 120                          -- seconds of one run that no one kills

-- What the shots come to, half of them by themselves.
local SCENARIOS = { "fail", "fail_safety", "throttle", "poll_error", "expire", "cut", "unavailable", "rate_limit",
  "server_error=1", "drop", "unknown_status" }
local LOSES = { ["server_error=1"] = true, drop = true } -- what became of it is unknown, whoever asks
local FAILS = { fail = true, fail_safety = true }

-- Arguments: the base URL, the list, the directory, a mark to leave at its end.
local PROGRAM = [[
  local runway = require "runway"
  local base, list, directory, mark = ...
  local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789abcdef", base_url = base,
    poll_interval = 0.02, timeout = 20, max_retries = 8 })
  local ok, result, err = pcall(runway.batch, client, list, { directory = directory, jobs = 6 })
  if not ok then return print(tostring(result)) end
  if not result then print(tostring(err)) end
  for _, shot in ipairs(result and result.shots or {}) do
    if shot.error then print(shot.key .. " " .. shot.state .. ": " .. tostring(shot.error)) end
  end
  local file = io.open(mark .. ".new", "w")
  file:write(result and ("%d %.0f"):format(result.exit_code, result.credits) or "none")
  file:close()
  os.rename(mark .. ".new", mark)
]]

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function list_of(self, count)
  local lines = { "key,prompt_text,model,ratio,duration" }
  for number = 1, count do
    local key = ("shot-%03d"):format(number)
    local scenario = self.roll(2) == 1 and SCENARIOS[self.roll(#SCENARIOS)] or nil
    self.scenarios[key] = scenario or "success"
    lines[#lines + 1] = ('%s,"%s, sandbox:%s",gen4.5,1280:720,%d'):format(key, key, self.scenarios[key],
      self.roll(5) + 4)
  end
  return self.files:write("shots.csv", table.concat(lines, "\r\n"))
end

-- Counts what comes, and which task is whose.
local function watch(self)
  local app = self.server.app
  local answer = app.handle
  function app.handle(_, request, now)
    self.requests = self.requests + 1
    local body = request.method == "POST" and json.decode(request.body)
    local key = body and body.promptText and body.promptText:match "^(shot%-%d+)"
    local there = #self.server.tasks
    local response = answer(app, request, now)
    local made = self.server.tasks[there + 1]
    if key and response.status ~= 429 and response.status ~= 503 then
      self.posts[key] = (self.posts[key] or 0) + 1
    end
    if made then self.made[key] = made.id end
    return response
  end
end

local function start(self)
  self.runs = self.runs + 1
  local mark = self.files:path(("mark%d"):format(self.runs))
  local words = { lua, quote(self.program), quote(self.server.base_url), quote(self.list), quote(self.directory),
    quote(mark) }
  local pipe = assert(io.popen(("export LUA_PATH=%s LUA_CPATH=%s; %s >>%s 2>&1 </dev/null & echo $!"):format(
    quote(package.path), quote(package.cpath), table.concat(words, " "), quote(self.files:path "log"))))
  local pid = pipe:read "*l"
  pipe:close()
  return pid, ("mark%d"):format(self.runs)
end

-- Runs it until it ends, or the sandbox has got so many more requests: then it is killed, or told to stop. Returns
-- whether it was.
local function run(self, most)
  local pid, mark = start(self)
  local last, over = self.requests + (most or math.huge), clock.now() + PATIENCE
  while not self.files:content(mark) and self.requests < last and clock.now() < over do runway.step(0.002) end
  self.said = self.files:content(mark)
  if self.said then return false end
  os.execute(("kill -%s %s 2>/dev/null"):format(self.signal, pid))
  while os.execute("kill -0 " .. pid .. " 2>/dev/null") do runway.step(0.002) end
  for _ = 1, 5 do runway.step(0.002) end      -- what it had sent by then
  return true
end

-- What is unknown is settled by who knows. A submit that was refused, or never came, may be made again. Returns
-- whether there was any.
local function settle(self)
  local j, any = assert(journal.open(self.directory .. "/runway.db")), false
  for _, e in ipairs(assert(j:entries { state = "unknown" })) do
    local id = self.made[e.key]
    if not id then self.allowed[e.key] = 1 + (self.posts[e.key] or 0) end
    assert(j:settle(e.key, id and { task_id = id } or { resubmit = true }))
    any = true
    if not LOSES[self.scenarios[e.key]] then self.lost[#self.lost + 1] = e.key end
  end
  j:close()
  return any
end

local function check(self, count)
  local faults = {}
  local function fault(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  local j = assert(journal.open(self.directory .. "/runway.db"))
  for key, scenario in pairs(self.scenarios) do
    local e = j:get(key) or {}
    local wanted = FAILS[scenario] and "failed" or "done"
    if e.state ~= wanted then fault("%s (%s) is %s, not %s: %s", key, scenario, e.state, wanted, e.error) end
    if e.task_id ~= self.made[key] then fault("%s has the task %s, not %s", key, e.task_id, self.made[key]) end
    if self.posts[key] ~= (self.allowed[key] or 1) then
      fault("%s was submitted %s times, not %d", key, self.posts[key], self.allowed[key] or 1)
    end
    local film = self.files:content("out/" .. key .. ".mp4")
    local whole = film and #film == e.bytes and film:find "^....ftyp"
    if wanted == "done" and not whole then fault("the file of %s is not whole", key) end
    local receipt = self.files:content("out/" .. key .. ".mp4.json")
    if wanted == "done" and not receipt then fault("%s has no receipt", key) end
    if wanted == "failed" and film then fault("%s failed and has a file", key) end
  end
  if #self.server.tasks ~= count then fault("%d tasks were made of %d shots", #self.server.tasks, count) end
  local book = 0
  for _, task in ipairs(self.server.tasks) do book = book + tasks.cost(self.server.app, task, scheduler.now()) end
  local totals = j:totals()
  if totals.credits ~= book then fault("the journal has %s credits, the sandbox %s", totals.credits, book) end
  local any_fails = false
  for _, scenario in pairs(self.scenarios) do any_fails = any_fails or FAILS[scenario] == true end
  local said = ("%d %.0f"):format(any_fails and 1 or 0, book)
  if self.said ~= said then fault("the last run said %s, not %s", self.said, said) end
  j:close()
  local log = self.files:content "log" or ""
  if log:find("stack traceback", 1, true) or #faults > 0 then fault("the programs said: %s", log:sub(-3000)) end
  return faults
end

---@param opts table   seed, shots, kills, signal (KILL)
---@return string[] faults   none is as it should be
---@return { kills: integer, runs: integer, requests: integer, lost: string[], log: string } report   lost: keys
---  that became unknown though their answers came
function nights.run(opts)
  local files = scratch.new()
  local self = { files = files, roll = chance.of(opts.seed), directory = files:path "out", runs = 0, requests = 0,
    scenarios = {}, posts = {}, made = {}, allowed = {}, lost = {}, signal = opts.signal or "KILL" }
  self.list, self.program = list_of(self, opts.shots), files:write("program.lua", PROGRAM)
  self.server = assert(sandbox.start { seconds = 0.1, retry_after = 0 })
  watch(self)
  local kills, share = 0, math.ceil(8 * opts.shots / opts.kills)
  while kills < opts.kills do
    if not run(self, self.roll(share)) then break end
    kills = kills + 1
    if files:content "out/runway.db" then settle(self) end
  end
  local again = 0
  repeat
    run(self)
    again = again + 1
  until not settle(self) or again == 10
  local faults = check(self, opts.shots)
  if kills < opts.kills then faults[#faults + 1] = ("only %d kills"):format(kills) end
  local log = files:content "log"
  self.server:close()
  files:remove()
  return faults, { kills = kills, runs = self.runs, requests = self.requests, lost = self.lost, log = log }
end

return nights
