-- frame.lua: a host with a loop of frames, and what each of its steps takes. Run by frames.lua:
--
--   frame.lua waiting PAUSE COLLECTOR BASE_URL FRAMES
--     1,000 tasks wait, and nothing ends
--   frame.lua burst PAUSE COLLECTOR BASE_URL BUDGET
--     200 tasks end, 1,000 looks are due and 1,000 jobs begin, at once
--   frame.lua network PAUSE COLLECTOR CA_FILE HTTPS HTTP DIRECTORY ROUNDS
--     64 TLS connections are opened, 64 files come, and a name that hangs in the resolver is given up
--   frame.lua work 0 COLLECTOR BUDGET PIECE
--     the burst over a mock; a piece takes PIECE seconds of its budget, which may be "unbounded", or "none": all that
--     stands before it
--
-- A line comes out for each list of figures: its name, then microseconds. `own` is what a step took without the time
-- for which the kernel, by its own account, let this thread wait for a CPU. Between two frames the host sleeps for
-- PAUSE milliseconds, and where COLLECTOR is "between" lets Lua's collector work there alone. Beside each step it looks
-- at the clock for about as long as a step takes, and does nothing else: what that takes more is what the kernel has
-- taken.

local core = require "runway.core"
local frame = require "runway.frame"
local runway = require "runway"

local STILL = arg[1] == "burst" and 1e-3 or 20e-6
local MANY = 1000
local ENDING = 200

local SHOT = { model = "gen4.5", prompt_text = "a lighthouse in fog, slow dolly in", ratio = "1280:720", duration = 5 }

-- What was freed glibc tidies up with the next large block, which is then none of a frame's.
local function collect(how)
  collectgarbage(how)
  string.rep("x", 100000)
end

local PAUSE, COLLECTS_BETWEEN = tonumber(arg[2]), arg[3] == "between"

collectgarbage "incremental"                  -- as in a state that a host makes; lua5.4 itself is generational
if COLLECTS_BETWEEN then collectgarbage "stop" end

---------------------------------------------------------------------------------------------------
-- Frames

local steps, own, still = {}, {}, {}
local account = io.open "/proc/self/schedstat" -- of the main thread: ran, waited for a CPU
if account then account:setvbuf "no" end

local function waited()
  if not account then return 0 end
  account:seek "set"
  local _, nanoseconds = account:read("n", "n")
  return nanoseconds / 1e9
end

local function sleep()
  if PAUSE > 0 then require "luv".sleep(PAUSE) end
end

local function one_frame(budget)
  local before = waited()
  local began = core.now()
  runway.step(0, budget)
  local ended = core.now()
  steps[#steps + 1] = ended - began
  own[#own + 1] = ended - began - (waited() - before)
  local later
  ended = core.now()
  repeat later = core.now() until later - ended >= STILL
  still[#still + 1] = later - ended - STILL
  if COLLECTS_BETWEEN then collect "step" end
  sleep()
end

local function tell(name, list)
  local words = { name }
  for i, seconds in ipairs(list) do words[i + 1] = ("%.2f"):format(seconds * 1e6) end
  print(table.concat(words, " "))
end

-- Lets all go on until so many have come so far, by a counter.
local function until_all(counter, field, count)
  while counter[field] < count do runway.step(0.01, math.huge) end
end

---------------------------------------------------------------------------------------------------
-- What the jobs do

local function made_client(options)
  options.provider, options.api_key, options.max_in_flight = "runwayml", "key", 256
  return assert(runway.client(options))
end

-- Tasks whose next look is due after so many seconds.
local function wait_for(options, count, seconds, counter)
  options.poll_interval = seconds
  local client = made_client(options)
  counter.waiting, counter.looked = 0, 0
  for _ = 1, count do
    runway.spawn(function()
      local task = assert(client:generate(SHOT))
      counter.waiting = counter.waiting + 1
      local function looked() counter.looked = counter.looked + 1 end
      assert(task:wait { timeout = math.huge, on_progress = looked })
    end)
  end
  until_all(counter, "waiting", count)
end

-- Tasks whose last look is to come; `open` lets it.
local function nearly_end(client, count, counter)
  counter.at_the_gate, counter.ended = 0, 0
  local opened
  for _ = 1, count do
    runway.spawn(function()
      local task = assert(client:generate(SHOT))
      for _ = 1, 2 do assert(client:get(task.id)) end
      counter.at_the_gate = counter.at_the_gate + 1
      while not opened do runway.sleep(0.01) end
      assert(task:wait())
      counter.ended = counter.ended + 1
    end)
  end
  until_all(counter, "at_the_gate", count)
  return function() opened = true end
end

local function begin(client, count, counter)
  counter.begun = 0
  for _ = 1, count do
    runway.spawn(function()
      assert(client:generate(SHOT))
      counter.begun = counter.begun + 1
    end)
  end
end

---------------------------------------------------------------------------------------------------
-- The scenes

local scenes = {}

function scenes.waiting(url, frames)
  local counter = {}
  wait_for({ base_url = url }, MANY, 3000, counter)
  runway.step(0, math.huge)
  collect()
  for _ = 1, tonumber(frames) do one_frame() end
  assert(counter.looked == 0)
end

local function is_over(counter)
  return counter.ended == ENDING and counter.looked >= MANY and counter.begun == MANY
end

function scenes.burst(url, budget)
  local client, counter = made_client { base_url = url, poll_interval = 0 }, {}
  local open = nearly_end(client, ENDING, counter)
  wait_for({ base_url = url }, MANY, 6, counter)
  local due = core.now() + 6
  local sent = core.stats().sent
  open()
  while core.stats().sent < sent + ENDING do runway.step(0, math.huge) end
  while core.now() < due do require "luv".sleep(1) end
  assert(counter.looked == 0, "this machine is too slow for the burst")
  begin(client, MANY, counter)
  collect()
  budget = budget == "unbounded" and math.huge or tonumber(budget)
  repeat one_frame(budget) until is_over(counter)
end

function scenes.work(budget, piece)
  local time, takes = 0, tonumber(piece)
  frame.count_by(function()
    time = time + takes
    return time
  end)
  local number, looks = 0, {}
  local mock = runway.mock(function(request)
    if request.method == "POST" then
      number = number + 1
      return { json = { id = ("2f1c9a54-7b0e-4d1a-9c3e-%012x"):format(number) }, delay = 0.2 }
    end
    local id = request.path:match "[^/]+$"
    looks[id] = (looks[id] or 0) + 1
    if looks[id] < 3 then return { json = { id = id, status = "RUNNING", progress = 0.3 }, delay = 0.2 } end
    return { json = { id = id, status = "SUCCEEDED", output = { "https://cdn.example/a.mp4" } }, delay = 0.2 }
  end)
  local client, counter = made_client { transport = mock, poll_interval = 0 }, {}
  local open = nearly_end(client, ENDING, counter)
  wait_for({ transport = mock }, MANY, 3000, counter)
  begin(client, MANY, counter)
  if budget == "none" then return end
  open()
  budget = budget == "unbounded" and math.huge or tonumber(budget)
  repeat runway.step(0, budget) until is_over(counter)
  mock:close()
end

function scenes.network(ca_file, https, http, directory, rounds)
  local transport = require "runway.transport"
  local under_way
  local function start(lane, request)
    request.headers, request.timeout, request.address = {}, 60, "any"
    request.lane, request.lane_limit = lane, 64
    under_way = under_way + 1
    return transport:start(request, function() under_way = under_way - 1 end)
  end
  for _ = 1, tonumber(rounds) do
    under_way = 0
    for i = 1, 64 do                          -- what is paid for has a connection of its own
      start(1, { method = "POST", url = https .. "/ok", body = "{}", gate = true, ca_file = ca_file })
      start(2, { method = "GET", url = http .. "/body/4000000",
        save = { path = ("%s/%d.bin"):format(directory, i), overwrite = true } })
    end
    -- spec/support/slow_names.c: what asks for a name of .invalid waits for half a second
    local hangs = start(3, { method = "GET", url = "https://hangs.invalid/" })
    for _ = 1, 20 do one_frame() end
    transport:cancel(hangs)
    repeat one_frame() until under_way == 0
  end
end

scenes[arg[1]](table.unpack(arg, 4))
tell("steps", steps)
tell("own", own)
tell("still", still)
os.exit(0)
