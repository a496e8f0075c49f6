-- clips.lua: the work of floor.c through runway: TASKS tasks, AT_ONCE of them under way, from a prompt to a file.
--
--   clips.lua BASE_URL TASKS DIRECTORY AT_ONCE IN_FLIGHT
--
-- Prints the seconds of CPU and of the clock that it took, and the KiB of memory that it had at most.

local core = require "runway.core"
local memory = require "bench.memory"
local runway = require "runway"

local base, tasks, directory, at_once, in_flight = arg[1], tonumber(arg[2]), arg[3], tonumber(arg[4]), tonumber(arg[5])

local client = assert(runway.client {
  provider = "runwayml", api_key = "key", base_url = base, max_in_flight = in_flight, poll_interval = 0,
})

local begun = 0

local function place()
  while begun < tasks do
    begun = begun + 1
    local path = directory .. "/" .. begun .. ".mp4"
    local task = assert(client:generate {
      model = "gen4.5", prompt_text = "a lighthouse in fog, slow dolly in", ratio = "1280:720", duration = 5,
    })
    assert(task:wait())
    assert(task:download(path, { overwrite = true }))
  end
end

local places = {}
for i = 1, at_once do places[i] = place end
local began, cpu = core.now(), os.clock()
local _, failures = runway.all(places)
if failures then error(tostring(select(2, next(failures)))) end
print(("%.6f %.6f %d"):format(os.clock() - cpu, core.now() - began, memory.most()))
