-- What may wait for a disk is done beside the network: a sync that hangs holds up its own file and no
-- one else's request. A preloaded library (spec/support/holdsync.c) holds every fsync up.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

-- What every program below begins with: a download whose sync is held up when this is through.
local HELD = [[
  local url, directory = ...
  local core = require "runway.core"
  local finished = {}
  local function finish(id, patience)
    local limit = core.now() + (patience or 15)
    while not finished[id] and core.now() < limit do
      local taken, result = core.take()
      if taken then finished[taken] = result else core.wait(0.05) end
    end
    return finished[id]
  end
  local function is_there(path)
    local file = io.open(path)
    if file then file:close() end
    return file ~= nil
  end
  local function save(name)
    return core.start { method = "GET", url = url .. "/body/1000", save = { path = directory .. "/" .. name } }
  end
  local first = save "first"
  local limit = core.now() + 15
  while not is_there(directory .. "/hold.held") and core.now() < limit do core.wait(0.01) end
  assert(is_there(directory .. "/hold.held"), "no sync was held up")
]]

describe("the disk stage", function()
  local server, directory

  setup(function()
    server = rawserver.start()
    directory = scratch.new()
    assert(os.execute(("cc -shared -fPIC -o '%s' spec/support/holdsync.c -ldl"):format(directory:path "holdsync.so")))
  end)
  teardown(function()
    server:stop()
    directory:remove()
  end)

  before_each(function() directory:write("hold", "") end)
  after_each(function() os.execute(("cd '%s' && rm -f hold hold.held first* second*"):format(directory.directory)) end)

  local function run(code)
    local library, hold = directory:path "holdsync.so", directory:path "hold"
    return child.run(HELD .. code, {
      before = ("export HOLD_SYNC='%s' SPEC_PRELOAD='%s' LD_PRELOAD=\"${LD_PRELOAD:-}:%s\";")
        :format(hold, library, library),
      arguments = { server:url "", directory.directory },
    })
  end

  it("holds up no paid request while a sync hangs", function()
    assert.equal("200 true nil", run [[
      local paid = core.start { method = "POST", url = url .. "/ok?paid", body = "{}", gate = true, timeout = 10 }
      local result = finish(paid, 5)
      print(("%s %s %s"):format(result and result.status, result and result.sent, finished[first]))
      os.remove(directory .. "/hold")
      finish(first)
    ]])
  end)

  it("holds up no request that encodes a file, nor the end of another download", function()
    directory:write("picture.png", "\137PNG\r\n\26\n" .. ("x"):rep(100))
    assert.equal("200 io 200 whole", run [[
      local paid = finish(core.start { method = "POST", url = url .. "/echo", gate = true,
        body = { '"', { path = directory .. "/picture.png" }, '"' } }, 5)
      local refused = finish(core.start { method = "GET", url = url .. "/ok", save = { path = directory } }, 5)
      os.remove(directory .. "/hold")
      local file = finish(first)
      print(("%s %s %s %s"):format(paid and paid.status, refused and refused.error.kind, file.status,
        is_there(directory .. "/first") and "whole"))
    ]])
  end)

  it("lets the place in the line go when the last byte is in", function()
    assert.equal("200", run [[
      local next = core.start { method = "GET", url = url .. "/ok", lane_limit = 1 }
      print((finish(next, 5) or {}).status)
      os.remove(directory .. "/hold")
      finish(first)
    ]])
  end)

  it("leaves a file whole or not at all when its request is cancelled within the sync", function()
    assert.equal("cancelled-or-whole true", run [[
      core.cancel(first)
      os.remove(directory .. "/hold")
      local result = finish(first)
      local whole, cancelled = is_there(directory .. "/first"), result.error and result.error.kind == "cancelled"
      print("cancelled-or-whole "
        .. tostring(whole ~= (cancelled or false) and not is_there(directory .. "/first.part")))
    ]])
  end)

  it("does not hold up a close", function()
    local output = run [[
      local before = core.now()
      core.close()
      print(core.now() - before < 1 and "prompt" or "late")
      os.remove(directory .. "/hold")
    ]]
    assert.equal("prompt", output)
  end)

  it("is not needed by what has no file, and counted for what has", function()
    local before = core.stats()
    exchange.run { url = server:url "/ok" }
    exchange.run { url = server:url "/body/10", save = { path = directory:path "second" } }
    local after = core.stats()
    assert.equal(before.finished + 2, after.finished)
    assert.equal(0, after.on_disk)
  end)

  it("looks at a target without touching it", function()
    local free = exchange.finish(core.try(directory:path "second", false))
    directory:write("second", "mine")
    local taken = exchange.finish(core.try(directory:path "second", false))
    local over = exchange.finish(core.try(directory:path "second", true))
    local nowhere = exchange.finish(core.try(directory:path "no/where", false))
    assert.is_nil(free.error)
    assert.equal("exists", taken.error.code)
    assert.is_nil(over.error)
    assert.equal("io", nowhere.error.kind)
    assert.equal("mine", directory:content "second")
    assert.is_nil(directory:content "second.part")
  end)
end)
