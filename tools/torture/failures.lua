-- Each allocation in turn, and each call that touches a file, fails in a program of its own
-- (spec/support/failing.lua). By default every one; with FIRST=n those from the n-th on, with COUNT=m so many of
-- them, in each part: FIRST=n COUNT=1 lets the one that a complaint names fail again. There is no chance in it.

local chance = require "spec.support.chance"
local failing = require "spec.support.failing"
local postgres = require "spec.support.postgres"

local EVERY = 1000000

local missing = postgres.missing()
local server = not missing and postgres.start()
local parts = {}
for _, list in ipairs { failing.memory, failing.files } do
  for _, plan in ipairs(list) do
    if server or plan.journal ~= "postgresql" then
      parts[#parts + 1] = plan
    else
      print(("%s: %s"):format(failing.name(plan), missing))
    end
  end
end

local asked = chance.asked(EVERY)
local first = math.max(1, math.floor(tonumber(os.getenv "FIRST") or 1))
local range = { first = first, last = first + asked.count - 1 }
local libraries = failing.libraries()
local bad, all = 0, 0

for done, plan in ipairs(parts) do
  if os.getenv "SECONDS_EACH" and asked.over(done) then
    print(("no more time after %d of %d parts"):format(done - 1, #parts))
    break
  end
  local complaints, counts = failing.run(libraries, plan, range, server)
  for _, complaint in ipairs(complaints) do print(complaint) end
  print(("%s: failed in %d programs, %d were told"):format(failing.name(plan), counts.met, counts.told))
  io.stdout:flush()
  bad, all = bad + #complaints, all + counts.met
end
libraries:remove()
if server then server:stop() end
print(("%d failures, %d wrong"):format(all, bad))
os.exit(bad == 0 and all > 0)
