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
  -- Until so many syncs are held up: a byte each.
  local function until_held(count)
    local limit = core.now() + 15
    repeat
      local file = io.open(directory .. "/hold.held")
      local held = file and #file:read "a" or 0
      if file then file:close() end
      if held < count then core.wait(0.01) end
    until held >= count or core.now() > limit
    assert(core.now() <= limit, "too few syncs were held up")
  end
  local first = save "first"
  until_held(1)
]]

-- More downloads than may sync at once, all of them in to the last byte.
local CROWD = [[
  local ids = { first }
  for index = 2, 7 do ids[index] = save("first" .. index) end
  local function all_in()
    for _, id in ipairs(ids) do
      if core.progress(id) < 1000 then return false end
    end
    local stats = core.stats()
    return stats.on_disk == 7 and stats.running == 0
  end
  local limit = core.now() + 15
  while not all_in() and core.now() < limit do core.wait(0.01) end
  until_held(4)
]]

describe("the disk stage", function()
  local server, directory

  setup(function()
    server = rawserver.start()
    directory = scratch.new()
    assert(os.execute(("cc -D_GNU_SOURCE -shared -fPIC -o '%s' spec/support/holdsync.c -ldl"):format(
      directory:path "holdsync.so")))
  end)
  teardown(function()
    server:stop()
    directory:remove()
  end)

  before_each(function() directory:write("hold", "") end)
  after_each(function() os.execute(("cd '%s' && rm -f hold hold.* first* second*"):format(directory.directory)) end)

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

  it("lets generate return its task within two seconds, picture and all", function()
    directory:write("picture.png", "\137PNG\r\n\26\n" .. ("x"):rep(100))
    assert.equal("a task in time, still held", run [[
      local runway = require "runway"
      local sandbox = assert(require("runway.sandbox").start { seconds = 0 })
      local client = assert(runway.client { provider = "runwayml", api_key = "any", base_url = sandbox.base_url })
      local before = core.now()
      local task, why = client:generate { prompt_text = "a cat", model = "gen4_turbo", ratio = "1280:720",
        duration = 5, prompt_image = runway.file(directory .. "/picture.png") }
      local took = core.now() - before
      print(("%s %s, %s held"):format(task and "a task" or tostring(why), took < 2 and "in time" or "late",
        core.stats().on_disk == 1 and "still" or "no longer"))
      os.remove(directory .. "/hold")
      if task then task:wait { timeout = 30 } end
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

  it("gives no name to a file whose request was cancelled within the sync", function()
    assert.equal("cancelled false false", run [[
      core.cancel(first)
      core.wait(0.3)                            -- so that the engine has heard it before the sync ends
      os.remove(directory .. "/hold")
      local result = finish(first)
      print(("%s %s %s"):format(result.error and result.error.kind, is_there(directory .. "/first"),
        is_there(directory .. "/first.part")))
    ]])
  end)

  it("holds up no answer to a request that sent a file, however many syncs hang", function()
    directory:write("picture.png", "\137PNG\r\n\26\n" .. ("x"):rep(100))
    assert.equal("200 true 200 404", run(CROWD .. [[
      local picture = directory .. "/picture.png"
      local form = core.start { method = "POST", url = url .. "/ok?form", gate = true,
        form = { { "f", file = picture } } }
      local whole = core.start { method = "PUT", url = url .. "/ok?file", file = picture }
      local missing = core.start { method = "GET", url = url .. "/status/404",
        save = { path = directory .. "/second" } }
      local paid, put, none = finish(form, 5), finish(whole, 5), finish(missing, 5)
      print(("%s %s %s %s"):format(paid and paid.status, paid and paid.sent, put and put.status, none and none.status))
      os.remove(directory .. "/hold")
      for _, id in ipairs(ids) do finish(id) end
    ]]))
  end)

  it("nor however many hang of parts that are kept", function()
    directory:write("picture.png", "\137PNG\r\n\26\n" .. ("x"):rep(100))
    for index = 1, 8 do server:film("kept" .. index, { size = 9000, steps = { "cut:5000" } }) end
    assert.equal("200 true", run([[
      local ids = {}
      for index = 1, 8 do
        ids[index] = core.start { method = "GET", url = url .. "/film/kept" .. index,
          save = { path = directory .. "/kept" .. index, source = "abc" } }
      end
      local limit = core.now() + 15
      while core.stats().running > 0 and core.now() < limit do core.wait(0.01) end
      local paid = core.start { method = "POST", url = url .. "/ok?form", gate = true,
        form = { { "f", file = directory .. "/picture.png" } } }
      local result = finish(paid, 5)
      print(("%s %s"):format(result and result.status, result and result.sent))
      os.remove(directory .. "/hold")
      for _, id in ipairs(ids) do finish(id) end
    ]]))
  end)

  it("lets those go at once that are cancelled before their sync, and tells each as it is", function()
    assert.equal("3 at once, 0 wrong", run(CROWD .. [[
      for _, id in ipairs(ids) do core.cancel(id) end
      local limit, early, wrong = core.now() + 5, 0, 0
      repeat
        local id, result = core.take()
        if id then finished[id], early = result, early + 1 else core.wait(0.05) end
      until early == 3 or core.now() > limit
      os.remove(directory .. "/hold")
      for index, id in ipairs(ids) do
        local result, name = finish(id), directory .. "/first" .. (index > 1 and index or "")
        local cancelled = result.error ~= nil and result.error.kind == "cancelled"
        if cancelled == is_there(name) or is_there(name .. ".part") then wrong = wrong + 1 end
      end
      print(("%d at once, %d wrong"):format(early, wrong))
    ]]))
  end)

  it("refuses what needs the disk while no thread can be had for it, and goes on afterwards", function()
    local output, code = run [[
      os.remove(directory .. "/hold")
      finish(first)
      core.close()
      finish(core.start { method = "GET", url = url .. "/ok" })
      local refusal = directory .. "/hold.threads"
      io.open(refusal, "w"):close()
      local function wanted()
        return core.start { method = "GET", url = url .. "/ok", save = { path = directory .. "/second" } }
      end
      local refused = finish(wanted())
      print(refused.error.code, refused.error.permanent, refused.sent)
      for round = 1, 300 do                                  -- cancelled in all stages of being refused
        local some = {}
        for index = 1, 20 do
          some[index] = wanted()
          if index > round % 20 then core.cancel(some[index - round % 20]) end
        end
        for _, id in ipairs(some) do core.cancel(id) end
        for _, id in ipairs(some) do assert(finish(id).error, "no error") end
      end
      os.remove(refusal)
      print(core.pending(), finish(save "second").status)
    ]]
    assert.equal("threads\tfalse\tfalse\n0\t200", output)
    assert.equal(0, code)
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
