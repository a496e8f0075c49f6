-- Which bytes a header may hold: one rule, met at both doors, what is sent and what is answered.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local listener = require "runway.listener"
local rawserver = require "spec.support.rawserver"

local NAMES = {
  ["X-Fine"] = true, ["x_1!#$%&'*+.^`|~"] = true, ["X Space"] = false, ["X:Colon"] = false, [""] = false,
  ["X\tTab"] = false, ["X\0Nul"] = false, ["X-\195\164"] = false, ["X(Paren)"] = false, ["X\127"] = false,
}
local VALUES = {
  ["plain"] = true, ["with\ttab"] = true, ["\195\164"] = true, ["a\r\nX-Evil: 1"] = false, ["a\nb"] = false,
  ["a\0b"] = false, ["a\127b"] = false, ["a\1b"] = false,
}

describe("a header", function()
  local server

  setup(function() server = assert(listener.listen {}) end)
  teardown(function() server:close() end)

  local function may_be_sent(name, value)
    local id = core.start { method = "GET", url = "http://127.0.0.1:1/", headers = { [name] = value } }
    if not id then return false end
    core.cancel(id)
    exchange.finish(id)
    return true
  end

  -- No request waits under this id, which does no harm: the answer is looked at first.
  local function may_be_answered(name, value)
    return (pcall(server.respond, server, 1, { headers = { [name] = value } }))
  end

  it("may have a name and a value as long as no one expects", function()
    local raw = rawserver.start()
    finally(function() raw:stop() end)
    local name, value = "X-" .. ("Long"):rep(30), ("v"):rep(600)
    local result = exchange.run { method = "GET", url = raw:url "/long-name",
      headers = { [name] = value, ["X-" .. ("Empty"):rep(120)] = "" } }
    assert.equal(value, raw:seen("/long-name")[1].headers[name:lower()])
    assert.equal("", raw:seen("/long-name")[1].headers[("X-" .. ("Empty"):rep(120)):lower()])
    assert.equal("long", result.headers[name:lower()])
  end)

  for name, fine in pairs(NAMES) do
    it(("%s be named %q"):format(fine and "may" or "may not", name), function()
      assert.equal(fine, may_be_sent(name, "x"))
      assert.equal(fine, may_be_answered(name, "x"))
    end)
  end

  for value, fine in pairs(VALUES) do
    it(("%s hold %q"):format(fine and "may" or "may not", value), function()
      assert.equal(fine, may_be_sent("X-Test", value))
      assert.equal(fine, may_be_answered("X-Test", value))
    end)
  end
end)
