-- A hundred thousand schedules of faults in virtual time (spec/support/policy_run.lua): COUNT=1 SEED=n plays the
-- one that a failure names.

local chance = require "spec.support.chance"
local policy = require "spec.support.policy_run"

local asked = chance.asked(100000)
local bad, done, requests, made = 0, 0, 0, 0

print(("SEED=%d"):format(asked.seed))
while not asked.over(done) and bad < 20 do
  local seed = asked.seed + done
  local complaints, world = policy.schedule(seed)
  for _, what in ipairs(complaints) do
    bad = bad + 1
    print(("SEED=%d: %s"):format(seed, what))
  end
  done, requests, made = done + 1, requests + world.requests, made + world.made
end
print(("%d schedules, %d requests, %d tasks, %d wrong"):format(done, requests, made, bad))
os.exit(bad == 0)
