-- A fleet of 8 workers over PostgreSQL, 2,000 tasks, at least 1,000 workers killed and the database 10 times: none is
-- made twice, none is lost, no file is another's, and neither the budget nor max_tasks is passed. COUNT is the kills.

local chance = require "spec.support.chance"
local core = require "runway.core"
local fleets = require "spec.support.fleets"
local postgres = require "spec.support.postgres"

local TASKS, KILLS, DISTURBANCES = 2000, 1000, 10

local missing = postgres.missing()
if missing then
  print("PostgreSQL: " .. missing)
  os.exit(false)
end
local asked = chance.asked(KILLS)
local share = math.min(1, asked.count / KILLS)
local server, begun = postgres.start(), core.now()
local tasks = math.ceil(TASKS * share)
print(("%d tasks, 8 workers, SEED=%d"):format(tasks, asked.seed))
local faults, report = fleets.run { seed = asked.seed, tasks = tasks, kills = asked.count, workers = 8,
  where = server:fresh(), disturbances = math.ceil(DISTURBANCES * share), disturb = function()
    server:kill()
    server:run()
  end }
server:stop()
if report.kills < asked.count then faults[#faults + 1] = ("only %d kills"):format(report.kills) end
print(("  %d kills, %d of the database, %d workers, %.0f s"):format(report.kills, report.disturbances, report.started,
  core.now() - begun))
for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
os.exit(#faults == 0, true)
