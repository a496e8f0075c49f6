-- clips.lua: the work of floor.c through runway: TASKS tasks, 64 at once, from a prompt to a file.
--
--   clips.lua BASE_URL TASKS DIRECTORY      prints the seconds of CPU and of the clock that it took

local core = require "runway.core"
local runway = require "runway"

local PLACES = 64
local base, tasks, directory = arg[1], tonumber(arg[2]), arg[3]

local client = assert(runway.client {
  provider = "runwayml", api_key = "key", base_url = base, max_in_flight = PLACES, poll_interval = 0,
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
for i = 1, PLACES do places[i] = place end
local began, cpu = core.now(), os.clock()
local _, failures = runway.all(places)
if failures then error(tostring(select(2, next(failures)))) end
print(("%.6f %.6f"):format(os.clock() - cpu, core.now() - began))
