-- A claim whose end breaks off where memory fails, and is told again: nothing is lost of it, nothing given back twice.

local budget = require "runway.budget"
local claim = require "runway.claim"
local guard = require "runway.guard"
local places = require "runway.places"

-- A claim that is taken, of a client with room for one task.
local function taken()
  local session = { purse = budget.new(), places = places.new(1, true, function() return 1 end), budget = 60 }
  local one = claim.new(session, nil)
  assert.is_true(one:begin({ open = false }, { credits = 60, low = 60, basis = "user" }))
  assert.equal(1, session.places.taken)
  return one, session
end

local function fails_once()
  local failed = false
  return setmetatable({}, { __newindex = function(t, name, v)
    if not failed then
      failed = true
      error(guard.NO_MEMORY, 0)
    end
    rawset(t, name, v)
  end })
end

-- From now on no table but those that are there already gets a field.
local function finds_no_memory(one)
  local class = getmetatable(one)
  setmetatable(one, { __index = class.__index, __newindex = function() error(guard.NO_MEMORY, 0) end })
end

describe("a claim", function()
  it("has a place for what it takes before it takes that", function()
    local session = { purse = budget.new(), places = places.new(1, true, function() return 1 end), budget = 60 }
    local one = claim.new(session, nil)
    finds_no_memory(one)
    assert.is_true(one:begin({ open = false }, { credits = 60, low = 60, basis = "user" }))
    one:ends(nil, {}, { open = false })
    assert.equal(0, session.places.taken)
    assert.same({ 0, 0 }, { session.purse:sums() })
  end)
end)

describe("a claim that is told its end again, since memory failed,", function()
  local made

  before_each(function()
    made = { provider = "mock", id = "t1", status = "RUNNING", done = function(t) return t.status == "SUCCEEDED" end }
  end)

  for _, where in ipairs { "charges", "tasks" } do
    it("counts its task once: " .. where, function()
      local one, session = taken()
      local of = where == "charges" and session.purse or session.places
      of[where] = fails_once()
      assert.is_false((pcall(one.ends, one, made, {}, { open = false })))
      one:ends(made, {}, { open = false })
      one:ends(made, {}, { open = false })
      assert.equal(1, session.places.taken)
      made.status = "SUCCEEDED"
      session.purse:told(made)
      session.places:told(made)
      assert.equal(0, session.places.taken)
      assert.same({ 60, 0 }, { session.purse:sums() })
    end)
  end

  it("gives its place back once", function()
    local one, session = taken()
    local failed = false
    session.places.line[1] = { waiter = { wake = function()
      if not failed then
        failed = true
        error(guard.NO_MEMORY, 0)
      end
    end } }
    assert.is_false((pcall(one.ends, one, nil, {}, { open = false })))
    one:ends(nil, {}, { open = false })
    one:ends(nil, {}, { open = false })
    assert.equal(0, session.places.taken)
    assert.same({ 0, 0 }, { session.purse:sums() })
  end)
end)
