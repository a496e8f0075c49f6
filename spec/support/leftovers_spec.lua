-- The check that looks after every spec file, on a file that forgets all there is.

local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

describe("a spec file", function()
  local files
  before_each(function() files = scratch.new() end)
  after_each(function() files:remove() end)

  local function run(code)
    local path = files:write("a_spec.lua", code)
    local pipe = assert(io.popen(("%s spec/support/busted.lua --ignore-lua -o spec/support/summary.lua -- '%s' 2>&1")
      :format(lua, path)))
    local said = pipe:read "a"
    pipe:close()
    return said
  end

  it("that leaves things behind fails, and is told which", function()
    local said = run [[
      local core = require "runway.core"
      local runway = require "runway"
      local scheduler = require "runway.scheduler"
      local scratch = require "spec.support.scratch"
      local held
      it("forgets", function()
        assert.is_true(true)
        scheduler.attach { drain = function() end }
        held = { io.open "/dev/null", scratch.new(), runway.spawn(runway.sleep, 1000), runway.mock {} }
        print("DIRECTORY " .. held[2].directory)
        runway.step(0)
        runway.spawn(print)
        core.start { method = "GET", url = "http://127.0.0.1:1/" }
      end)
    ]]
    os.remove(said:match "DIRECTORY (%S+)" or "")
    assert.matches("ERROR: [^\n]*a_spec.lua leaves things behind", said)
    for _, left in ipairs {
      "1 request(s) that no one has taken", "a clock that stands still", "a timer: ./lua/runway/scheduler.lua:",
      "a source of the loop: ", "a job that waits: ", "a job that never ran", "the directory /tmp/",
    } do
      assert.matches(left, said, 1, true)
    end
    if io.open "/proc/self/fd/0" then assert.matches("the descriptor %d+: /dev/null", said) end
    assert.matches("1 passed, 1 failed", said, 1, true)
  end)

  it("that leaves nothing passes", function()
    local said = run [[
      local runway = require "runway"
      it("cleans up", function()
        local held = { runway.spawn(runway.sleep, 0), runway.mock {} }
        held[2]:close()
        assert.is_nil((runway.client { api_key = "any", base_url = "http://127.0.0.1:1", max_retries = 0 }):credits())
        assert.is_true(held[1]:join() == true)
      end)
    ]]
    assert.matches("^[^\n]*1 passed, 0 failed\n$", said)
  end)
end)
