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

  it("tell what was given, where the rule says so, and nothing of a text else", function()
    local function word(v) return v == "a", "one of a, b", ("%q"):format(v) end
    assert.has_error(function() options.check({ state = "bad" }, { state = word }, "journal:entries") end,
      'journal:entries: option state must be one of a, b, got "bad"')
    assert.has_error(function() options.check({ api_key = "geheim" }, { api_key = "number" }, "client") end,
      "client: option api_key must be number, got string")
  end)

  it("are not the module itself, where a function was called with a colon", function()
    local ok, message = pcall(function() return require("runway"):client {} end)
    assert.is_false(ok)
    assert.matches("client is called with a dot: runway.client { … }", message, 1, true)
  end)

  it("find the nearest name, whatever its case", function()
    assert.equal("timeout", options.nearest("TIMOUT", { "path", "timeout" }))
    assert.is_nil(options.nearest("color", { "path", "timeout" }))
    assert.equal("seed", options.nearest("seeed", { "speed", "seed" })) -- a key that was held too long
    assert.equal("speed", options.nearest("sped", { "seed", "speed" }))
    assert.is_nil(options.nearest(nil, { "path" }))
  end)

  it("have rules in common", function()
    local huge, nan = math.huge, 0 / 0
    for rule, values in pairs {
      count = { { 1, 2 ^ 31 - 1 }, { 0, -1, 1.5, 2 ^ 31, huge, nan, "1" } },
      bytes = { { 1, 2 ^ 31, 2 ^ 40 }, { 0, -1, 1.5, huge, nan, "1" } },
      positive = { { 0.5, 7, 2 ^ 40 }, { 0, -1, huge, nan, "1" } },
      directory = { { "a", ".", "/a b" }, { "", "a\0b", 5 } },
    } do
      for i, v in ipairs(values[1]) do assert.is_nil(options.unmet(v, options[rule]), rule .. i) end
      for i, v in ipairs(values[2]) do assert.is_string(options.unmet(v, options[rule]), rule .. i) end
    end
  end)

  it("go by their old names too", function()
    assert.equal(options.check, params.check)
    assert.equal(options.nearest, params.nearest)
  end)
end)
