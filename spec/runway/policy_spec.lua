-- The policy against chance: some hundred schedules of faults in virtual time (spec/support/policy_run.lua). At
-- most one paid request that may have been taken, no id lost, no wrong `sent`, every wait ends, no request after
-- close, retries within their budget, Retry-After kept. `make torture` plays a hundred thousand.

local policy = require "spec.support.policy_run"

local FIRST, SCHEDULES = 1, 400

describe("the policy", function()
  it("keeps what is promised, whatever goes wrong, in whatever order", function()
    local complaints, requests = {}, 0
    for seed = FIRST, FIRST + SCHEDULES - 1 do
      local found, world = policy.schedule(seed)
      requests = requests + world.requests
      for _, what in ipairs(found) do complaints[#complaints + 1] = ("seed %d: %s"):format(seed, what) end
    end
    assert.same({}, complaints)
    assert.is_true(requests > 10 * SCHEDULES)
  end)
end)
