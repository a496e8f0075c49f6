-- The examples of many tasks at once, as a user runs them: over real sockets, at the sandbox.

local child = require "spec.support.child"
local scratch = require "spec.support.scratch"

-- Runs an example with a sandbox that is quick.
local RUN = [[
  local sandbox, runway = require "runway.sandbox", require "runway"
  local start, client = sandbox.start, runway.client
  sandbox.start = function(options)
    options.seconds = 0
    return start(options)
  end
  runway.client = function(options)
    options.poll_interval = 0.01
    return client(options)
  end
  local example, directory = ...
  arg = { [0] = example, directory }
  dofile(example)
]]

describe("the examples of many at once", function()
  local here
  setup(function() here = scratch.new() end)
  teardown(function() here:remove() end)

  local function run(example)
    return child.run(RUN, { arguments = { example, here.directory }, before = "unset RUNWAYML_API_SECRET;" })
  end

  it("make chains, each step of what the one before made", function()
    local said, code = run "examples/chain.lua"
    assert.equal(0, code, said)
    for i = 1, 3 do
      assert.equal("\137PNG", here:content(("chain-%d.png"):format(i)):sub(1, 4))
      for _, name in ipairs { "chain-%d.mp4", "chain-%d-edited.mp4" } do
        assert.equal("ftyp", here:content(name:format(i)):sub(5, 8))
      end
    end
  end)

  it("keep the best of several, whatever becomes of one", function()
    local said, code = run "examples/best_of.lua"
    assert.equal(0, code, said)
    assert.matches("\n[1-4]\t[^\n]*content moderation", "\n" .. said) -- which comes third is not told
    assert.matches("\nthe best: .*/seed%-[12]%.mp4$", said)
  end)
end)
