-- Programs that share a journal, killed at random moments: at least 2,000 kills, one program and four at a time,
-- over SQLite and over PostgreSQL, whose server is killed as well; and at least a twentieth of them in each state that
-- an entry may be in while its program is at work.

local chance = require "spec.support.chance"
local core = require "runway.core"
local killing = require "spec.support.killing"
local postgres = require "spec.support.postgres"

local PARTS = 4                               -- two databases, by two numbers of programs
local SHARE = 20                              -- of so many kills, one in each state at least
local PATIENCE = 4                            -- times as many kills as asked for, until each state has its share

local broken = false

local function torture(what, processes, opts)
  local asked = chance.asked(2000, PARTS)
  local least = math.ceil(asked.count / SHARE)
  local function lacking(states)
    for _, state in ipairs(killing.STATES) do
      if states[state] < least then return ("only %d kills hit %s, not %d"):format(states[state], state, least) end
    end
  end
  local begun, timed = core.now(), os.getenv "SECONDS_EACH" ~= nil
  print(("%s, %d at a time, SEED=%d"):format(what, processes, asked.seed))
  opts.seed, opts.processes, opts.keys = asked.seed + processes, processes, 4
  function opts.over(kills, states)
    return asked.over(kills) and (timed or not lacking(states) or kills >= PATIENCE * asked.count)
  end
  local faults, report = killing.run(opts)
  if not timed then faults[#faults + 1] = lacking(report.states) end
  local states = {}
  for i, state in ipairs(killing.STATES) do states[i] = ("%s %d"):format(state, report.states[state]) end
  print(("  %d kills, %.1f a second%s; %d keys, %d paid requests; with an entry %s"):format(report.kills,
    report.kills / (core.now() - begun), opts.disturb and (", %d of the server"):format(report.disturbances) or "",
    report.keys, report.posts, table.concat(states, ", ")))
  for _, fault in ipairs(faults) do print("  FAULT: " .. fault) end
  broken = broken or #faults > 0
end

for _, processes in ipairs { 1, 4 } do torture("SQLite", processes, {}) end
local missing = postgres.missing()
if missing then
  print("PostgreSQL: " .. missing)
else
  for _, processes in ipairs { 1, 4 } do
    local server = postgres.start()
    torture("PostgreSQL", processes, { where = server:fresh(), disturb = function()
      server:kill()
      server:run()
    end })
    server:stop()
  end
end
os.exit(not broken, true)
