-- Nights of 200 shots of all sorts, each killed 20 times at random and run again: each shot is submitted once, each
-- file whole, and what it cost the same in the sandbox's book. COUNT is the kills.

local chance = require "spec.support.chance"
local nights = require "spec.support.nights"

local SHOTS, KILLS = 200, 20

local asked = chance.asked(KILLS)
local kills, night, broken = 0, 0, false
repeat
  night = night + 1
  local faults, report = nights.run { seed = asked.seed + night, shots = SHOTS, kills = KILLS }
  kills = kills + report.kills
  print(("%d shots, SEED=%d: %d kills, %d runs, %d requests"):format(SHOTS, asked.seed + night - 1, report.kills,
    report.runs, report.requests))
  for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
  broken = broken or #faults > 0
until asked.over(kills) or broken
os.exit(not broken, true)
