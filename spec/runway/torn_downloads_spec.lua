-- A short run of what tools/torture/downloads.lua does for long.

local rawserver = require "spec.support.rawserver"
local retry = require "runway.retry"
local torn = require "spec.support.torn_downloads"

describe("a download torn at random", function()
  local delay = retry.delay
  local server

  setup(function()
    server = rawserver.start()
    retry.delay = function() return 0 end
  end)
  teardown(function()
    retry.delay = delay
    server:stop()
  end)

  it("is the film in the end, byte for byte, and not fetched twice", function()
    local complaints, sums = torn.run(server, 1, 25)
    assert.same({}, complaints)
    assert.equal(25, sums.films)
    assert.is_true(sums.requests > 50)
  end)
end)
