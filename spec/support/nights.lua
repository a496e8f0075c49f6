-- A night: a list of shots of all sorts, made by the command, which is killed (-9) again and again and run again,
-- against a sandbox that counts. What must be true in the end is checked here; a spec runs it in small, `make
-- torture` at length. Every choice comes from the seed; where a kill lands in the program is the machine's.
--
-- What a kill has left unknown is settled between two runs as it really is, by the sandbox's own list.

local beside = require "spec.support.child"
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

local quote = beside.quote

local PATIENCE = 300                          -- seconds of one run that no one kills
local MOST_RUNS = 30                          -- of which none is killed

-- What the shots come to, half of them by themselves; and what takes its time.
local SCENARIOS = { "fail", "fail_safety", "cancelled", "throttle", "unknown_status", "poll_error", "poll_html",
  "poll_rate_limit", "task_not_exist", "expire", "cut", "no_output=1", "slow=0.05", "slow_file=0.3", "unavailable",
  "rate_limit", "credits=1", "refused_key=1", "revoked_key=1", "server_error=1", "html=1", "drop", "empty", "garbage",
  "truncate" }
local LONG = { "large=2", "hang", "stall" }

-- Of these the answer to the submit is lost: what became of it is unknown, whoever asks.
local LOSES = { ["server_error=1"] = true, ["html=1"] = true, drop = true, empty = true, garbage = true,
  truncate = true, hang = true }
local FAILS = { fail = true, fail_safety = true, cancelled = true }

-- Statuses of a submit that made nothing, and say so.
local TURNED_AWAY = { [400] = true, [401] = true, [429] = true, [503] = true }

local function wanted_of(scenario)
  return FAILS[scenario] and "failed" or scenario == "stall" and "submitted" or "done"
end

local function list_of(self, count)
  local lines = { "key,prompt_text,model,ratio,duration" }
  for number = 1, count do
    local key = ("shot-%03d"):format(number)
    local scenario = self.roll(2) == 1 and self.sorts[self.roll(#self.sorts)] or nil
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
    if key and not TURNED_AWAY[response.status] then
      self.posts[key] = (self.posts[key] or 0) + 1
    end
    if made then self.made[key] = made.id end
    return response
  end
end

-- Starts the command. A shell waits for it, and leaves its exit code.
local function start(self)
  self.runs = self.runs + 1
  local mark = ("code%d"):format(self.runs)
  self.out = ("out%d"):format(self.runs)
  local words = { lua, "bin/runway batch", quote(self.list), "-o", quote(self.directory), "--base-url",
    self.server.base_url, "--poll-interval 0.02 --jobs 6 --timeout 3 --json" }
  if self.where then words[#words + 1] = "--journal " .. quote(self.where) end
  local line = ([[export RUNWAYML_API_SECRET=key_0123456789abcdef; unset RUNWAY_PROVIDER RUNWAYML_BASE_URL
    { %s >%s 2>>%s </dev/null & p=$!; echo $p; exec >/dev/null 2>&1; wait $p; echo $? >%s.new; mv %s.new %s; } &]])
    :format(table.concat(words, " "), quote(self.files:path(self.out)), quote(self.files:path "log"),
    quote(self.files:path(mark)), quote(self.files:path(mark)), quote(self.files:path(mark)))
  local pipe = assert(io.popen(beside.paths() .. line))
  local pid = pipe:read "*l"
  pipe:close()
  return pid, mark
end

-- Runs it until it ends, or the sandbox has got so many more requests: then it is killed, or told to stop. Returns
-- whether it was.
local function run(self, most)
  local pid, mark = start(self)
  local last, over = self.requests + (most or math.huge), clock.now() + PATIENCE
  while not self.files:content(mark) and self.requests < last and clock.now() < over do runway.step(0.002) end
  self.code = tonumber(self.files:content(mark) or "")
  if self.code then return false end
  os.execute(("kill -%s %s 2>/dev/null"):format(self.signal, pid))
  while os.execute("kill -0 " .. pid .. " 2>/dev/null") do runway.step(0.002) end
  for _ = 1, 5 do runway.step(0.002) end      -- what it had sent by then
  return true
end

local function open(self) return assert(journal.open(self.where or self.directory .. "/runway.db")) end

-- What is unknown is settled by who knows. A submit that was refused, or never came, may be made again. What has its
-- id already needs no one.
local function settle(self)
  if not self.where and not self.files:content "out/runway.db" then return end
  local j = open(self)
  for _, e in ipairs(assert(j:entries { state = "unknown" })) do
    local id = self.made[e.key]
    if not e.task_id then
      if not id then self.allowed[e.key] = 1 + (self.posts[e.key] or 0) end
      assert(j:settle(e.key, id and { task_id = id } or { resubmit = true }))
      if not LOSES[self.scenarios[e.key]] then self.lost[#self.lost + 1] = e.key end
    end
  end
  j:close()
end

-- What the last run printed: its shots by key, each once, and the sums.
local function printed(self, fault)
  local shots, sums = {}, {}
  for line in (self.files:content(self.out) or ""):gmatch "[^\n]+" do
    local object = json.decode(line) or {}
    if object.key and shots[object.key] then fault("%s was printed twice", object.key) end
    if object.key then shots[object.key] = object else sums = object end
  end
  return shots, sums
end

local function check(self, count)
  local faults = {}
  local function fault(...) faults[#faults + 1] = (...):format(select(2, ...)) end
  local j = open(self)
  local shots, sums = printed(self, fault)
  for key, scenario in pairs(self.scenarios) do
    local e = j:get(key) or {}
    local wanted = wanted_of(scenario)
    if (shots[key] or {}).state ~= wanted then fault("%s was printed as %s", key, (shots[key] or {}).state) end
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
    if wanted ~= "done" and film then fault("%s is %s and has a file", key, wanted) end
  end
  if #self.server.tasks ~= count then fault("%d tasks were made of %d shots", #self.server.tasks, count) end
  local book = 0
  for _, task in ipairs(self.server.tasks) do book = book + tasks.cost(self.server.app, task, scheduler.now()) end
  local totals = j:totals()
  if totals.credits + totals.estimated_credits ~= book then
    fault("the journal has %s credits, the sandbox %s", totals.credits + totals.estimated_credits, book)
  end
  if sums.credits ~= book then fault("the command printed %s credits, the sandbox has %s", sums.credits, book) end
  if self.code ~= self.right or sums.exit_code ~= self.right then
    fault("the exit code is %s, and %s was printed; %d is right", self.code, sums.exit_code, self.right)
  end
  j:close()
  local log = self.files:content "log" or ""
  if log:find("stack traceback", 1, true) or #faults > 0 then fault("the programs said: %s", log:sub(-3000)) end
  return faults
end

-- Runs it without a kill until it ends as it is to end: what halts a run (an empty account), or is unknown, is gone
-- on with by the next.
local function bring_to_an_end(self)
  local runs = 0
  repeat
    settle(self)
    run(self)
    runs = runs + 1
    local sums = select(2, printed(self, function() end))
  until self.code == self.right and sums.counts.done == self.films or runs == MOST_RUNS
end

---@param opts table   seed, shots, kills, signal (KILL), where (a journal; default: the directory's), long (with what
---  takes its time)
---@return string[] faults   none is as it should be
---@return { kills: integer, runs: integer, requests: integer, lost: string[], log: string } report   lost: keys
---  that became unknown though their answers came
function nights.run(opts)
  local files = scratch.new()
  local self = { files = files, roll = chance.of(opts.seed), directory = files:path "out", runs = 0, requests = 0,
    scenarios = {}, posts = {}, made = {}, allowed = {}, lost = {}, signal = opts.signal or "KILL", where = opts.where,
    sorts = {}, right = 0, films = 0 }
  for _, sorts in ipairs { SCENARIOS, opts.long and LONG or {} } do
    for _, sort in ipairs(sorts) do self.sorts[#self.sorts + 1] = sort end
  end
  self.list = list_of(self, opts.shots)
  for _, scenario in pairs(self.scenarios) do
    if wanted_of(scenario) == "done" then self.films = self.films + 1 else self.right = 1 end
  end
  self.server = assert(sandbox.start { seconds = 0.1, retry_after = 0 })
  watch(self)
  local kills, ends, share = 0, 0, math.ceil(8 * opts.shots / opts.kills)
  while kills < opts.kills and ends < MOST_RUNS do
    if run(self, self.roll(share)) then kills = kills + 1 else ends = ends + 1 end
    settle(self)
  end
  bring_to_an_end(self)
  local faults = check(self, opts.shots)
  if kills < opts.kills then faults[#faults + 1] = ("only %d kills"):format(kills) end
  local log = files:content "log"
  self.server:close()
  files:remove()
  return faults, { kills = kills, runs = self.runs, requests = self.requests, lost = self.lost, log = log }
end

return nights
