-- Programs that share a journal, killed at random moments: at least 2,000 kills, by one and by four at a time.
-- KILLS=n and SEED=n say otherwise; the seed is printed.

local killing = require "spec.support.killing"

local kills = tonumber(os.getenv "KILLS" or "") or 2000
local seed = tonumber(os.getenv "SEED" or "") or os.time()

local broken = false
for _, processes in ipairs { 1, 4 } do
  local some = kills / 2 - kills / 2 % 1
  print(("%d kills, %d at a time, SEED=%d"):format(some, processes, seed))
  local faults, report = killing.run { seed = seed + processes, kills = some, processes = processes, keys = 4 }
  local states = {}
  for state, count in pairs(report.states) do states[#states + 1] = ("%s %d"):format(state, count) end
  table.sort(states)
  print(("  %d kills, %d keys, %d paid requests; after the kills: %s"):format(report.kills, report.keys, report.posts,
    table.concat(states, ", ")))
  for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
  broken = broken or #faults > 0
end
os.exit(not broken, true)
