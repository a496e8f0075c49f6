-- What must work without the engine: the vocabulary and the adapters, as a program on a bare Lua
-- uses them (a lint, a host on another engine).

local child = require "spec.support.child"

local ROOMS = { "errors", "text", "options", "files", "fields", "params", "values", "retry", "providers" }

describe("without runway.core", function()
  for _, room in ipairs(ROOMS) do
    it("runway." .. room .. " loads, and nothing of the engine with it", function()
      local output, code = child.run(([[
        package.cpath = "/nowhere/?.so"
        for _, name in ipairs { "runway", "runway.core", "runway.json" } do package.preload[name] = nil end
        require "runway.%s"
        for _, name in ipairs { "core", "scheduler", "media", "http", "transport" } do
          if package.loaded["runway." .. name] then print(name) end
        end
      ]]):format(room))
      assert.equal("", output)
      assert.equal(0, code)
    end)
  end

  it("errors are made without the readers of answers", function()
    local output = child.run([[
      require "runway.errors"
      print(package.loaded["runway.fields"] == nil)
      local err = package.loaded["runway.errors"].new { message = "x", kind = "io" }
      print(tostring(err))
    ]])
    assert.equal("true\nio: x", output)
  end)

  it("a request is made and an answer read", function()
    local output = child.run([[
      package.cpath = "/nowhere/?.so"
      local providers = require "runway.providers"
      local given = assert(require("runway.params").normalise { prompt = "a cat", ratio = "16:9" })
      print(providers.cometapi.submit("text_to_video", given).path)
      print(providers.cometapi.accepted({ status = 200, headers = {}, json = { id = "t1" } }).id)
    ]])
    assert.equal("/runway/pro/generate\nt1", output)
  end)
end)
