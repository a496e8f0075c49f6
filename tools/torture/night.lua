-- Nights of 200 shots with every scenario mixed in, made by the command, each killed 20 times at random and run again,
-- over SQLite and over PostgreSQL: each shot is submitted once, each file whole, what it cost the same in the
-- sandbox's book, and the exit code right. COUNT is the kills.

local chance = require "spec.support.chance"
local nights = require "spec.support.nights"
local postgres = require "spec.support.postgres"

local SHOTS, KILLS = 200, 20

local broken = false

local function torture(what, fresh)
  local asked = chance.asked(2 * KILLS, 2)
  local kills, night = 0, 0
  repeat
    local seed = asked.seed + night
    night = night + 1
    local faults, report = nights.run { seed = seed, shots = SHOTS, kills = KILLS, where = fresh and fresh(),
      long = true }
    kills = kills + report.kills
    print(("%s: %d shots, SEED=%d: %d kills, %d runs, %d requests"):format(what, SHOTS, seed, report.kills, report.runs,
      report.requests))
    for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
    broken = broken or #faults > 0
  until asked.over(kills) or broken
end

torture "SQLite"
local missing = postgres.missing()
if missing then
  print("PostgreSQL: " .. missing)
else
  local server = postgres.start()
  torture("PostgreSQL", function() return server:fresh() end)
  server:stop()
end
os.exit(not broken, true)
