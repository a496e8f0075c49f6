-- Calling what may break: functions of the user's, and ours.

local child = require "spec.support.child"
local guard = require "runway.guard"
local mocked = require "spec.support.mocked"

describe("an error in a callback", function()
  local said, stderr

  before_each(function()
    said, stderr = {}, io.stderr
    io.stderr = { write = function(_, ...) said[#said + 1] = table.concat { ... } end } -- luacheck: ignore 122
  end)

  after_each(function()
    io.stderr = stderr -- luacheck: ignore 122
    mocked.close()
  end)

  local nothing = nil
  local function bug() return nothing.field end

  local function traced()
    local text = table.concat(said)
    assert.matches("^runway: an error in a callback: spec/runway/guard_spec.lua:%d+: attempt to index", text)
    assert.matches("stack traceback:.*guard_spec.lua:%d+: in [^\n]*bug", text)
  end

  it("comes with the way that led there", function()
    local ok, err = guard.call(function() bug() end)
    assert.is_false(ok)
    assert.matches("attempt to index", err)
    traced()
  end)

  it("of on_progress and of the logger, too", function()
    local client = mocked.client { mocked.task "SUCCEEDED" }
    assert(client:task("t1"):wait { on_progress = function() bug() end })
    traced()
    said = {}
    client = mocked.client({ mocked.task "SUCCEEDED" }, { logger = function() bug() end })
    assert(client:task("t1"):wait())
    traced()
  end)

  it("that comes again at the same place is told once, whatever it says, and another one by itself", function()
    local call, first = 0, true
    local function broken()
      call = call + 1
      if first then error("call " .. call) end
      error { message = "another", call = call }
    end
    for _ = 1, 3 do assert.is_false((guard.call(broken))) end
    assert.equal(1, #said)
    assert.matches("\nrunway: what it raises at that place from now on is not told\n$", said[1])
    first = false
    for _ = 1, 3 do guard.call(broken) end
    assert.equal(2, #said)
    assert.matches("runway: an error in a callback: another (call = 4)\n", said[2], 1, true)
    for _ = 1, 3 do guard.call(function() broken() end) end -- of another callback, made anew for each call
    assert.equal(3, #said)
  end)

  it("holds no secret, whatever was raised", function()
    guard.call(function() error("https://cdn.example/a.mp4?_jwt=SECRET") end)
    guard.call(function() error(setmetatable({}, { __tostring = function() return "a ?token=SECRET" end })) end)
    guard.call(function() error(setmetatable({}, { __tostring = function() error "no text" end })) end)
    assert.is_nil(table.concat(said):find("SECRET", 1, true))
    assert.matches("an error that cannot be shown as text", table.concat(said), 1, true)
  end)

  it("is heard of in a host without Lua's io, os and debug libraries, too", function()
    local before = "io, os, debug, package.loaded.io = nil"
    local text, code = child.run(before .. [[
      local runway = require "runway"
      local mock = runway.mock { { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED",
        output = { "https://cdn.example/a.mp4" } } } }
      local client = assert(runway.client { provider = "runwayml", api_key = "key_0123456789", transport = mock,
        logger = function() error "in the logger" end })
      assert(client:task("t1"):wait { on_progress = function() error "in on_progress" end })
      runway.spawn(function() error "in a job" end)
      runway.step(0)
    ]])
    assert.equal(0, code, text)
    assert.matches("runway: an error in a callback: [^\n]*in the logger\n", text)
    assert.matches("runway: an error in a callback: [^\n]*in on_progress\n", text)
    assert.matches("runway: a job that no one joined raised: [^\n]*in a job$", text)
  end)

  it("is given to who called, as it was raised", function()
    local value = {}
    local ok, err = guard.call(error, value)
    assert.is_false(ok)
    assert.equal(value, err)
    assert.is_true((guard.call(function(...) assert.same({ 1, 2 }, { ... }) end, 1, 2)))
  end)
end)
