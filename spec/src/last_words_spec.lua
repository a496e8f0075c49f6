-- What the process says at its end, at the level of runway.core.

local child = require "spec.support.child"

describe("last words", function()
  it("are said once each, in the order of their places, and not when they were taken back", function()
    local said, code = child.run [[
      local core = require "runway.core"
      local words = {}
      for i = 1, 200 do words[i] = assert(core.leave_word("line " .. i .. "\n")) end
      for i = 1, 200 do if i % 50 ~= 0 then core.take_back(words[i]) end end
      assert(core.leave_word "again\n" == words[199]) -- the place that was given back last
      core.say_words()
      core.leave_word "last\n"
      os.exit(3)
    ]]
    assert.equal("line 50\nline 100\nline 150\nagain\nline 200\nlast", said)
    assert.equal(3, code)
  end)

  it("of any length end with their line", function()
    local said = child.run [[
      local core = require "runway.core"
      core.leave_word(("x"):rep(5000) .. "\n")
      core.leave_word "next\n"
    ]]
    assert.matches("^x+\nnext$", said)
    assert.is_true(#said < 600)
  end)

  it("take no number that is none", function()
    local core = require "runway.core"
    core.take_back(-1)
    core.take_back(2 ^ 30)
  end)

  it("leave a host's own handlers alone, and what it ignores ignored", function()
    local said, code = child.run([[
      local core = require "runway.core"
      core.leave_word "here\n"
      os.execute "kill -HUP $PPID"
      print "lived"
    ]], { before = "trap '' HUP;" })
    assert.equal("lived\nhere", said)
    assert.equal(0, code)
  end)

  it("are said though the second Ctrl-C comes before anyone could look at the first", function()
    local said, code = child.run [[
      local core = require "runway.core"
      core.leave_word "here\n"
      coroutine.wrap(function()               -- where the hook of the first is not met
        for _ = 1, 2 do io.popen("kill -INT $PPID"):close() end
      end)()
    ]]
    assert.equal("here", said)
    assert.equal(128 + 2, code)
  end)

  it("follow a host's handler that is set again", function()
    local said = child.run [[
      local core = require "runway.core"
      local word = core.leave_word "once\n"
      print(pcall(function() io.popen("kill -INT $PPID"):close() end))
      core.take_back(word)
      core.leave_word "here\n"
      io.popen("kill -INT $PPID"):close()
    ]]
    assert.matches("^false\t[^\n]*interrupted!\nhere$", said)
  end)

  it("leave the signals as they were when the last is taken back", function()
    if not io.open "/proc/self/status" then return pending "needs /proc" end
    local said, code = child.run [[
      local core = require "runway.core"
      core.catch_term()                       -- a handler that was there before
      local function caught()
        for line in io.lines "/proc/self/status" do
          if line:find "^SigCgt" then return line end
        end
      end
      local before = caught()
      local first, second = core.leave_word "first\n", core.leave_word "second\n"
      core.take_back(first)
      print(caught() == before)
      core.take_back(second)
      print(caught() == before)
      os.execute "kill -TERM $PPID"
      print(core.term_came())
      os.execute "kill -HUP $PPID"
    ]]
    assert.matches("^false\ntrue\ntrue\n?", said)
    assert.not_matches("second", said)
    assert.equal(128 + 1, code)
  end)

  it("keep their handlers in memory when the state that set them is closed", function()
    local _, code = child.run [[
      local core = require "runway.core"
      core.guard_signals()
      for _, libraries in pairs(debug.getregistry()) do    -- what lua_close calls to unload them
        local meta = type(libraries) == "table" and getmetatable(libraries)
        if meta and meta.__gc then meta.__gc(libraries) end
      end
      os.execute "kill -TERM $PPID"
    ]]
    assert.equal(128 + 15, code)
  end)

  it("are the parent's alone", function()
    local said = child.run [[
      local core = require "runway.core"
      core.leave_word "once\n"
      io.popen("true"):close()
      os.execute "true"
    ]]
    assert.equal("once", said)
  end)
end)
