-- The binding below runway.store: what is handed out is there as a whole, or still in line.

local core = require "runway.core"
local scratch = require "spec.support.scratch"
local sqlite = require "runway.sqlite"

describe("runway.sqlite", function()
  local dir, h

  before_each(function()
    dir = scratch.new()
    h = assert(sqlite.open(dir:path "a.db", -1))
  end)
  after_each(function()
    h:close()
    dir:remove()
  end)

  local function take(inbox)
    local started = core.now()
    while not h:take(inbox) do assert.is_true(core.now() - started < 30) end
    return inbox
  end

  it("keeps a result in line until Lua has all of it", function()
    local waiting = {}
    local id = h:start("read", { { "SELECT 1 AS one" } }, waiting, "waiter")
    assert.equal("waiter", waiting[id])
    take {}                                       -- it is there
    local second = h:start("read", { { "SELECT 2 AS two" } }, waiting, "waiter")
    for _, full in ipairs { "id", "result" } do
      local inbox = setmetatable({}, { __newindex = function(t, key, value)
        if key == full then error("not enough memory", 0) end
        rawset(t, key, value)
      end })
      local ok, err
      local started = core.now()
      repeat
        ok, err = pcall(h.take, h, inbox)
        assert.is_true(core.now() - started < 30)
      until not ok
      assert.equal("not enough memory", err)
    end
    local inbox = take {}
    assert.equal(second, inbox.id)
    assert.same({ { rows = { { two = 2 } }, changes = 0 } }, inbox.result)
    assert.is_false(h:take(inbox))
  end)

  it("hands nothing over when it is misused", function()
    local waiting = {}
    assert.has_error(function() h:start("read", { { "SELECT $1", {} } }, waiting, "waiter") end)
    assert.has_error(function() h:start("readd", {}, waiting, "waiter") end)
    assert.has_error(function() h:start("read", {}, nil, "waiter") end)
    assert.same({}, waiting)
  end)

  it("tells the descriptor, and does without one", function()
    local other = assert(sqlite.open(dir:path "a.db", assert(core.notify_fd())))
    while core.wait(0) do end
    other:start("read", { { "SELECT 1 AS one" } }, {}, "waiter")
    assert.is_true(core.wait(30))
    other:close()
    assert.same({ nil, "no file descriptors left for a database" }, { sqlite.open(dir:path "a.db", 99999) })
  end)

  it("refuses all but close once it is closed", function()
    h:close()
    h:close()
    assert.equal("closed", select(2, h:start("read", {}, {}, "waiter")))
    assert.is_false(h:take {})
  end)
end)
