-- A program that was started, and the end of the process that did: it does not outlive it.

local child = require "spec.support.child"
local scratch = require "spec.support.scratch"

-- Starts one that has no end, and waits until it has said its id.
local STARTED = [[
  local directory = ...
  local core = require "runway.core"
  local id = core.program({ "/bin/sh", "-c", "echo $$ >'" .. directory .. "/new'; mv '" .. directory .. "/new' '"
    .. directory .. "/id'; sleep 1000 & wait" }, 0)
  local limit, file = core.now() + 20, nil
  repeat
    core.wait(0.01)
    file = io.open(directory .. "/id")
  until file or core.now() > limit
  file:close()
]]

describe("the end of a process with a program under way", function()
  local directory

  before_each(function() directory = scratch.new() end)
  after_each(function() directory:remove() end)

  local function is_gone()
    local id = directory:content("id"):match "%d+"
    return os.execute(("kill -0 -- -%s 2>/dev/null"):format(id)) == nil
  end

  for what, ending in pairs {
    ["a close of the engine"] = "core.close()",
    ["the state's end"] = "",
    ["os.exit"] = "os.exit(0)",
    ["os.exit that closes"] = "os.exit(0, true)",
    ["a cancel"] = "core.cancel(id); repeat core.wait(1); _, result = core.take() until result; "
      .. "assert(result.error.kind == 'cancelled')",
  } do
    it("kills it and its children: " .. what, function()
      local output, code = child.run(STARTED .. ending, { arguments = { directory.directory } })
      assert.equal("", output)
      assert.equal(0, code)
      assert.is_true(is_gone())
    end)
  end

  it("its exit code is told as lost where the host ignores its children", function()
    local output = child.run([[
      local core = require "runway.core"
      core.program({ "/bin/sh", "-c", "exit 3" }, 20)
      local taken, result
      repeat core.wait(1); taken, result = core.take() until taken
      print(result.code, result.error and result.error.code)
    ]], { before = "env --ignore-signal=CHLD" })
    assert.equal("nil\texit_code", output)
  end)
end)
