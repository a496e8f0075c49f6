-- The core as a transport, against a real server.

local child = require "spec.support.child"
local core = require "runway.core"
local rawserver = require "spec.support.rawserver"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local transport = require "runway.transport"

describe("runway.transport", function()
  local server, files

  setup(function()
    server = rawserver.start {}
    files = scratch.new()
  end)
  teardown(function()
    server:stop()
    files:remove()
  end)

  local function request(path, more)
    local wire = { method = "GET", url = server:url(path), timeout = 20, address = "any", lane = 7, lane_limit = 1 }
    for name, value in pairs(more or {}) do wire[name] = value end
    return wire
  end

  -- Starts something; gives its result from the loop.
  local function wait(start)
    local w, early = scheduler.waiter(), true
    local handle = start(function(result)
      assert.is_false(early, "done was called before start returned")
      w:wake(result)
    end)
    early = false
    return scheduler.park(w), handle
  end

  it("hands out a result from a later turn", function()
    local result = wait(function(done) return transport:start(request "/ok", done) end)
    assert.equal(200, result.status)
    assert.is_true(result.sent)
    assert.is_nil(result.error)
  end)

  it("what the core refuses fails like what never left, from a later turn as well", function()
    local result, handle = wait(function(done) return transport:start(request("", { url = "ftp://x/" }), done) end)
    assert.is_nil(handle)
    assert.is_false(result.sent)
    assert.is_true(result.error.permanent)
    transport:cancel(handle)
    transport:drop(handle)
    assert.equal(0, (transport:progress(handle)))
  end)

  it("knows which one is under way, and which never was or is over", function()
    local function none() end
    local taken
    assert.is_false(transport:awaits(none))
    local result = wait(function(done)
      taken = done
      local handle = transport:start(request "/ok", done)
      assert.is_true(transport:awaits(done))
      assert.is_false(transport:awaits(none))
      return handle
    end)
    assert.equal(200, result.status)
    assert.is_false(transport:awaits(taken))
  end)

  it("a cancelled one still brings its result", function()
    local result = wait(function(done)
      local handle = transport:start(request "/hang", done)
      transport:cancel(handle)
      return handle
    end)
    assert.equal("cancelled", result.error.kind)
  end)

  it("looks at files: size and type, or why not", function()
    local path = files:write("p.png", "\137PNG\r\n\26\n" .. ("\0"):rep(92))
    local info = wait(function(done) return transport:probe(path, done) end)
    assert.same({ 100, "image/png", "image" }, { info.size, info.type, info.class })
    local none = wait(function(done) return transport:probe(files:path "none", done) end)
    assert.equal("io", none.error.kind)
  end)

  it("gives a file that is whole its name, over none that is there", function()
    local function place(overwrite)
      return wait(function(done) return transport:place(files:path "film", overwrite, files:path "whole", done) end)
    end
    local none = place()
    assert.equal("io", none.error.kind)
    assert.matches("film: cannot read what is to be put there: No such file", none.error.message)
    files:write("whole", "one")
    assert.same({}, place())
    files:write("whole", "two")
    assert.equal("exists", place().error.code)
    assert.equal("one two", files:content "film" .. " " .. files:content "whole")
    assert.same({}, place(true))
    assert.equal("two", files:content "film")
    assert.is_nil(files:content "whole")
  end)

  it("keeps nothing of what is finished", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local held = {}
      kept[held] = true
      local w = scheduler.waiter()
      transport:start(request "/ok", function(result) w:wake(result, held) end)
      scheduler.park(w)
    end
    collectgarbage() collectgarbage()
    assert.is_nil(next(kept))
    assert.equal(0, core.pending())
  end)

  describe("where descriptors run out", function()
    -- A client's first request while all are taken; a job gives them back after some time, or never.
    local PROGRAM = [[
      local url, forever = ...
      local runway = require "runway"
      local client = assert(runway.client { provider = "cometapi", api_key = "key_0123456789", base_url = url,
        max_retries = forever and 1 or 4 })
      local spawn, run = runway.spawn, runway.run
      local taken = {}
      for i = 1, 1000 do taken[i] = io.open "/dev/null" end
      local given_back = spawn(function()
        runway.sleep(forever and 60 or 0.2)
        for i = #taken, 1, -1 do taken[i]:close() end
      end)
      local answer, err = client:request { path = "/ok" }
      print(answer and answer.status, err and err.kind, err and err.code, err and err.retryable, err and err.attempts)
    ]]

    it("waits for them, for its engine's too", function()
      assert.equal("200\tnil\tnil\tnil\tnil",
        (child.run(PROGRAM, { before = "ulimit -n 40;", arguments = { server:url "" } })))
    end)

    it("says so in the end, and raises nothing", function()
      assert.equal("nil\tlimit\tengine\ttrue\t2",
        (child.run(PROGRAM, { before = "ulimit -n 40;", arguments = { server:url "", "forever" } })))
    end)
  end)
end)
