-- cost.lua: one of the things that costs.lua measures, through runway. Run by it:
--
--   cost.lua get BASE_URL COUNT         a task is asked about, again and again: seconds for each
--   cost.lua post BASE_URL COUNT        a task is submitted, one after another: seconds for each
--   cost.lua tls URL COUNT CA_FILE      paid requests, one after another: seconds of CPU for each after the first
--   cost.lua image URL COUNT FILE       a file leaves as a data URI: seconds for each, and KiB that were needed
--   cost.lua preloaded BASE_URL         seconds of the first client after preload()
--   cost.lua download URL PATH          seconds, and KiB that were needed
--   cost.lua waiting BASE_URL COUNT SECONDS PORT CA_FILE
--     so many tasks wait, asked about every few SECONDS: connections to PORT at most, and KiB when all wait

local core = require "runway.core"
local memory = require "bench.memory"
local runway = require "runway"
local transport = require "runway.transport"

local SHOT = { model = "gen4.5", prompt_text = "a lighthouse in fog, slow dolly in", ratio = "1280:720", duration = 5 }

local function client(base, options)
  options = options or {}
  options.provider, options.api_key, options.base_url = "runwayml", "key", base
  return assert(runway.client(options))
end

-- One request of the engine's, from its start to its end.
local function exchange(request)
  local outcome
  request.headers, request.timeout, request.address = request.headers or {}, 600, "any"
  request.lane, request.lane_limit = 1, 64
  transport:start(request, function(result) outcome = result end)
  while not outcome do runway.step(60, math.huge) end
  if outcome.error then error(outcome.error.message) end
  return outcome
end

-- Seconds for each of `count`, after one that is not counted.
local function each(count, clock, one)
  one()
  local began = clock()
  for _ = 1, count do one() end
  return (clock() - began) / count
end

local costs = {}

function costs.get(base, count)
  local account = client(base)
  local id = assert(account:generate(SHOT)).id
  return each(count, core.now, function() assert(account:get(id)) end)
end

function costs.post(base, count)
  local account = client(base)
  return each(count, core.now, function() assert(account:generate(SHOT)) end)
end

function costs.tls(url, count, ca_file)
  return each(count, os.clock, function()
    exchange { method = "POST", url = url, body = "{}", gate = true, ca_file = ca_file }
  end)
end

function costs.image(url, count, path)
  exchange { method = "GET", url = url .. "/busy" }
  collectgarbage()
  local before = memory.now()
  local seconds = each(count, core.now, function()
    exchange { method = "POST", url = url, body = { '{"image":"', { path = path }, '"}' }, gate = true }
  end)
  return seconds, memory.most() - before
end

function costs.preloaded(base)
  runway.preload()
  local began = core.now()
  client(base)
  return core.now() - began
end

function costs.download(url, path)
  exchange { method = "GET", url = url:gsub("/bytes/.*", "/busy") }
  local before, began = memory.now(), core.now()
  exchange { method = "GET", url = url, save = { path = path, overwrite = true } }
  return core.now() - began, memory.most() - before
end

-- Connections of this machine to a port.
local function connections(port)
  local count, mark = 0, ("^%%s*%%d+: %%S+ %%x+:%04X 01 "):format(port)
  for line in io.lines "/proc/net/tcp" do
    if line:find(mark) then count = count + 1 end
  end
  return count
end

function costs.waiting(base, count, seconds, port, ca_file)
  local account = client(base, { poll_interval = seconds, ca_file = ca_file ~= "" and ca_file or nil })
  local begun = 0
  for _ = 1, count do
    runway.spawn(function()
      local task = assert(account:generate(SHOT))
      begun = begun + 1
      assert(task:wait { timeout = math.huge })
    end)
  end
  local most, all_by = 0, nil
  repeat
    runway.step(0.02, math.huge)
    most = math.max(most, connections(port))
    if begun == count then all_by = all_by or core.now() + 2 * seconds end
  until all_by and core.now() > all_by
  collectgarbage()
  return most, memory.now()
end

local numbers = {}
for i = 2, #arg do numbers[i - 1] = tonumber(arg[i]) or arg[i] end
local told = table.pack(costs[arg[1]](table.unpack(numbers)))
for i = 1, told.n do told[i] = ("%.9g"):format(told[i]) end
print(table.concat(told, " "))
os.exit(0)
