-- What the engine counts: what it has done so far, and what it is doing.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("the engine's counters", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)
  before_each(function() core.close() end)                   -- a new engine counts from nothing

  it("are whole numbers, all of them 0 while there is no engine", function()
    local names = {}
    for name, count in pairs(core.stats()) do
      assert.equal("integer", math.type(count), name)
      assert.equal(0, count, name)
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "bytes_in", "bytes_out", "cancelled", "connections", "failed", "finished", "on_disk", "running",
      "sent", "started", "waiting" }, names)
  end)

  it("tell what was asked for, what left, and how much came back", function()
    exchange.run { url = server:url "/body/1000" }
    exchange.run { method = "POST", url = server:url "/echo", body = ("x"):rep(500) }
    assert.same({
      started = 2, finished = 2, failed = 0, cancelled = 0, sent = 2, connections = 1,
      bytes_in = 1500, bytes_out = 500, waiting = 0, running = 0, on_disk = 0,
    }, core.stats())
  end)

  it("count a paid request's connection of its own, and a failure as one that was not sent", function()
    exchange.run { url = server:url "/ok" }
    exchange.run { method = "POST", url = server:url "/ok", gate = true }
    exchange.run { url = server:url("/ok", "closed") }
    local stats = core.stats()
    assert.equal(3, stats.finished)
    assert.equal(1, stats.failed)
    assert.equal(0, stats.cancelled)
    assert.equal(2, stats.sent)
    assert.is_true(stats.connections >= 2)
  end)

  it("show where the requests are, and that all are gone from there in the end", function()
    local ids = {}
    for index = 1, 5 do ids[index] = exchange.start { url = server:url "/hang", lane = 9, lane_limit = 2 } end
    exchange.until_true(function()
      local now = core.stats()
      return now.sent == 2 and now.waiting == 3 -- the engine may take the last ones in later
    end, "two that are sent, and three in line")
    local stats = core.stats()
    assert.equal(5, stats.started)
    assert.equal(2, stats.running)
    assert.equal(3, stats.waiting)
    assert.equal(0, stats.finished)
    for _, id in ipairs(ids) do core.cancel(id) end
    for _, id in ipairs(ids) do exchange.finish(id) end
    stats = core.stats()
    assert.equal(5, stats.finished)
    assert.equal(5, stats.failed)
    assert.equal(5, stats.cancelled)
    assert.equal(0, stats.running + stats.waiting + stats.on_disk)
  end)

  it("count what only the disk was asked for", function()
    exchange.finish(core.probe "/no/such/file")
    local stats = core.stats()
    assert.equal(1, stats.started)
    assert.equal(1, stats.failed)
    assert.equal(0, stats.sent)
    assert.equal(0, stats.on_disk)
  end)
end)
