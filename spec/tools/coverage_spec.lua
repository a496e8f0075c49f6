-- What `make coverage` says of Lua, tried on a tree of two files.

local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

describe("the lines of lua/ that ran", function()
  if os.getenv "RUNWAY_LINES" then return it("are counted", function() pending "just now they are" end) end

  local here

  setup(function()
    here = scratch.new()
    assert(os.execute(("mkdir -p '%s/lua/runway' && cp -R tools '%s'"):format(here.directory, here.directory)))
    here:write("lua/runway/one.lua", "-- A comment is no line,\nlocal function f(deep)\n  if deep then\n    return 1\n"
      .. "  else\n    return 2\n  end\nend\nreturn f\n")
    here:write("lua/runway/two.lua", "return 2\n")
    here:write("run.lua", [[
      local f = require "runway.one"
      coroutine.wrap(function() coroutine.wrap(function() f(true) end)() end)()
      os.exit(0, ... == "close")
    ]])
  end)

  teardown(function() here:remove() end)

  -- What is reported of a run, its exit code, and what no line reached.
  local function counted(least, how)
    local script = [[cd '%s' && counting=$(LUA=%s tools/coverage/lua.sh begin counted) && eval "$counting" && ]]
      .. [[env -u LUA_INIT LUA_PATH='%s/lua/?.lua' %s run.lua %s && ]]
      .. [[LEAST=%s LUA=%s tools/coverage/lua.sh report counted; echo "exit $?"]]
    local pipe = assert(io.popen(script:format(here.directory, lua, here.directory, lua, how or "", least, lua)))
    local said, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return said, tonumber(code), here:content "counted/missed"
  end

  it("are counted by file, in coroutines too, however the program ends", function()
    for _, how in ipairs { "at once", "close" } do
      local said, code, missed = counted(50, how)
      assert.equal(" 75.00 %  lua/runway/one.lua (3 of 4)\n  0.00 %  lua/runway/two.lua (0 of 1)\n"
        .. " 60.00 %  lua/ (3 of 5); not reached: counted/missed\n", said)
      assert.equal(0, code)
      assert.equal("lua/runway/one.lua:6:    return 2\nlua/runway/two.lua:1:return 2\n", missed)
    end
  end)

  it("are told to be too few", function()
    local said, code = counted(70)
    assert.truthy(said:find("less than 70 %", 1, true), said)
    assert.equal(1, code)
  end)
end)
