-- Programs that share a journal, killed at random moments: at least 2,000 kills, one program and four at a time,
-- over SQLite and over PostgreSQL, whose server is killed as well.
-- COUNT=n and SEED=n say otherwise; the seed is printed.

local chance = require "spec.support.chance"
local killing = require "spec.support.killing"
local postgres = require "spec.support.postgres"

local asked = chance.asked(2000)

local broken = false

local function torture(what, processes, opts)
  print(("%s: %d kills, %d at a time, SEED=%d"):format(what, opts.kills, processes, asked.seed))
  opts.seed, opts.processes, opts.keys = asked.seed + processes, processes, 4
  local faults, report = killing.run(opts)
  local states = {}
  for state, count in pairs(report.states) do states[#states + 1] = ("%s %d"):format(state, count) end
  table.sort(states)
  print(("  %d kills, %d keys, %d paid requests%s; after the kills: %s"):format(report.kills, report.keys, report.posts,
    opts.disturb and (", %d kills of the server"):format(report.disturbances) or "", table.concat(states, ", ")))
  for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
  broken = broken or #faults > 0
end

local each = asked.count // 4
for _, processes in ipairs { 1, 4 } do torture("SQLite", processes, { kills = each }) end
local missing = postgres.missing()
if missing then
  print("PostgreSQL: " .. missing)
else
  for _, processes in ipairs { 1, 4 } do
    local server = postgres.start()
    torture("PostgreSQL", processes, { kills = each, where = server:fresh(), disturb = function()
      server:kill()
      server:run()
    end })
    server:stop()
  end
end
os.exit(not broken, true)
