-- A thousand downloads, each torn at random (spec/support/torn_downloads.lua): every file is the film, byte
-- for byte, and no more is fetched than the cuts cost. A complaint's seed makes it happen again, with COUNT=1.

local chance = require "spec.support.chance"
local rawserver = require "spec.support.rawserver"
local retry = require "runway.retry"
local torn = require "spec.support.torn_downloads"

local ROUND = 50                              -- with a server of their own

local asked = chance.asked(1000)
local bad, done, all = 0, 0, {}

retry.delay = function() return 0 end
print(("SEED=%d"):format(asked.seed))
while not asked.over(done) and bad < 20 do
  local server = rawserver.start { lifetime = 600 }
  local most = math.min(ROUND, math.max(1, asked.count - done))
  local complaints, sums = torn.run(server, asked.seed + done, most)
  server:stop()
  for _, complaint in ipairs(complaints) do print(complaint) end
  bad, done = bad + #complaints, done + most
  for key, n in pairs(sums) do all[key] = (all[key] or 0) + n end
end
print(("%d downloads, %d calls, %d requests, %d wrong"):format(all.films, all.calls, all.requests, bad))
if all.size > 0 then
  print(("where nothing made it begin anew: fetched %.4f of the bytes, and %.4f that a cut lost on the way")
    :format((all.given - all.lost) / all.size, all.lost / all.size))
end
os.exit(bad == 0)
