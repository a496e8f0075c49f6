-- A program that was started, and the end of the process that did: it does not outlive it.

local child = require "spec.support.child"
local exchange = require "spec.support.exchange"
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

describe("a process with a program under way", function()
  local directory

  before_each(function() directory = scratch.new() end)
  after_each(function() directory:remove() end)

  -- No one of its group is left, once the system has buried who was killed.
  local function is_gone()
    local id = directory:content("id"):match "%d+"
    return exchange.until_true(function()
      local pipe = assert(io.popen(("kill -s 0 -- -%s 2>&1"):format(id)))
      local said = pipe:read "a"
      pipe:close()
      return said:find "No such process"
    end, "its end")
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
      assert.truthy(is_gone())
    end)
  end

  it("has the usual end by a signal, whatever the host ignores", function()
    local output = child.run([[
      local core = require "runway.core"
      core.program({ "/bin/sh", "-c", "kill -PIPE $$; exit 3" }, 20)
      local taken, result
      repeat core.wait(1); taken, result = core.take() until taken
      print(result.code)
    ]], { before = "env --ignore-signal=PIPE" })
    assert.equal(tostring(128 + 13), output)
  end)

  it("is not started where descriptors are lacking, whichever it is, and loses none by it", function()
    local output = child.run([[
      local core = require "runway.core"
      local function run()
        core.program({ "/bin/sh", "-c", "exit 3" }, 20)
        local taken, result
        repeat core.wait(1); taken, result = core.take() until taken
        return result.error and result.error.code or result.code
      end
      print(run())
      local open, seen = {}, {}
      while #open < 100 do
        local file = io.open "/dev/null"
        if not file then break end
        open[#open + 1] = file
      end
      for free = 0, 8 do
        local said = run()
        seen[#seen + 1] = tostring(said)
        local file = table.remove(open)
        if file then file:close() end
      end
      print(table.concat(seen, " "))
    ]], { before = "ulimit -n 40;" })
    local first, rest = output:match "^(%d+)\n(.*)$"
    assert.equal("3", first)
    assert.matches("^descriptors descriptors descriptors descriptors [descriptors ]*3[3 ]*$", rest)
  end)

  it("its exit code is told as lost where the host ignores its children", function()
    local output = child.run([[
      local core = require "runway.core"
      core.program({ "/bin/sh", "-c", "exit 3" }, 20)
      local taken, result
      repeat core.wait(1); taken, result = core.take() until taken
      print(result.code, result.error and result.error.code)
      print(select(2, io.popen "exit 3":close()) == "exit")
    ]], { before = "env --ignore-signal=CHLD" })
    -- as the C library finds it: valgrind keeps that signal to itself, and the code is there
    assert.truthy(output == "nil\texit_code\nfalse" or output == "3\tnil\ntrue", output)
  end)
end)
