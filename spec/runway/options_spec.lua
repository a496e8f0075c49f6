local options = require "runway.options"
local params = require "runway.params"

describe("runway.options", function()
  local SPEC = {
    timeout = "number", path = "string|table", retries = "integer",
    size = function(v) return v == 1, "the number 1" end,
  }

  local function open(given) return options.check(given, SPEC, "open") end
  local function refused(pattern, given)
    local ok, message = pcall(open, given)
    assert.is_false(ok)
    assert.matches(pattern, message, 1, true)
  end

  it("are the table given, or an empty one", function()
    local given = { timeout = 1, path = {}, retries = 2, size = 1 }
    assert.equal(given, open(given))
    assert.same({}, open(nil))
  end)

  it("tell the slip of a name, and every known name where none is near", function()
    refused('unknown option "timout" (did you mean timeout?)', { timout = 1 })
    refused('unknown option "color" (known: path, retries, size, timeout)', { color = 1 })
    refused("unknown option [1]", { "x" })
  end)

  it("tell what was expected", function()
    refused("options must be a table, got number", 5)
    refused("option timeout must be number, got string", { timeout = "5" })
    refused("option timeout must be number, got", { timeout = 0/0 })
    refused("option path must be string or table, got 1.5", { path = 1.5 })
    refused("option retries must be integer, got 1.5", { retries = 1.5 })
    refused("option size must be the number 1, got 2", { size = 2 })
  end)

  it("find the nearest name, whatever its case", function()
    assert.equal("timeout", options.nearest("TIMOUT", { "path", "timeout" }))
    assert.is_nil(options.nearest("color", { "path", "timeout" }))
    assert.is_nil(options.nearest(nil, { "path" }))
  end)

  it("go by their old names too", function()
    assert.equal(options.check, params.check)
    assert.equal(options.nearest, params.nearest)
  end)
end)
