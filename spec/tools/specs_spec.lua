-- What runs the specs, tried on files of specs of its own.

local interpreter = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

describe("tools/specs.sh", function()
  local here

  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- What it says of files with these bodies, without its seconds, and its exit code.
  local function said_of(jobs, ...)
    local paths = {}
    for i, body in ipairs { ... } do
      paths[i] = here:write(("%d_spec.lua"):format(i), ("it('is', function() %s end)\n"):format(body))
    end
    local pipe = assert(io.popen(("JOBS=%d LUA='%s' tools/specs.sh %s 2>&1; echo \"exit $?\"")
      :format(jobs, interpreter, table.concat(paths, " "))))
    local said, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return said:gsub(", %d+ s%)", ")"):gsub(here.directory .. "/", ""), tonumber(code)
  end

  -- Says that it is there, and waits until the other one is.
  local function meets(mine, other)
    return ([[io.open('%s', 'w'):close(); while not io.open '%s' do os.execute 'sleep 0.02' end]])
      :format(here:path(mine), here:path(other))
  end

  it("runs files side by side, and tells of them in their order", function()
    local said, code = said_of(2, meets("a", "b"), meets("b", "a"), "")
    assert.equal("ok    1_spec.lua (1)\nok    2_spec.lua (1)\nok    3_spec.lua (1)\n3 passed, 0 failed\n", said)
    assert.equal(0, code)
  end)

  it("runs nothing where one of the files is not there", function()
    local pipe = assert(io.popen(("LUA='%s' tools/specs.sh spec/runway/text_spec.lua %s 2>&1; echo \"exit $?\"")
      :format(interpreter, here:path "no_spec.lua")))
    local said = pipe:read "a"
    pipe:close()
    assert.equal(("there is no file %s (specs are spec/**/*_spec.lua)\nexit 1\n"):format(here:path "no_spec.lua"), said)
  end)

  it("counts a file that fails, and one that ends early, for themselves alone", function()
    local said, code = said_of(2, "error 'no'", "os.exit(3)", "", "pending 'later'")
    assert.truthy(said:find("^FAIL  1_spec.lua %(0 passed, 1 failed%)\n"), said)
    assert.truthy(said:find("\nFAIL  2_spec.lua (0 passed, 1 failed)\n", 1, true), said)
    assert.truthy(said:find("ended early, exit code 3\nok    3_spec.lua (1)\nok    4_spec.lua (0)\n", 1, true), said)
    assert.truthy(said:find("\n1 passed, 2 failed\n", 1, true), said)
    assert.equal(1, code)
  end)
end)
