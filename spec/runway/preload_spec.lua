-- What a host pays for while it loads, so that no frame has to.

local child = require "spec.support.child"

-- Everything that a client does with a server that is not there.
local PROGRAM = [[
  local runway = require "runway"

  local function loaded()
    local rooms = {}
    for name in pairs(package.loaded) do rooms[name] = true end
    return rooms
  end

  local function threads()
    local pipe = io.popen "ls /proc/$PPID/task | wc -l"
    local count = pipe:read "n"
    pipe:close()
    return count
  end

  if (...) == "preload" then
    for _ = 1, 3 do assert(runway.preload() == true) end
  end
  local rooms, count = loaded(), threads()
  local client = assert(runway.client { provider = "cometapi", api_key = "any", base_url = "http://127.0.0.1:9",
    max_retries = 0 })
  runway.run(function()
    assert(not client:generate { prompt = "a cat", prompt_image = runway.file "/dev/null" })
    assert(not client:generate { prompt = "a cat" })
  end)
  client:task "x":wait { timeout = 0 }
  runway.spawn(runway.sleep, 0):join()
  runway.all {}
  for name in pairs(loaded()) do
    if not rooms[name] then print("loaded", name) end
  end
  client:close()
  print(count > 1 and "started" or "not started")
  require("runway.ledger").told "x"
]]

describe("runway.preload", function()
  it("leaves nothing to load, and the engine running, and may be called again", function()
    assert.equal("started", (child.run(PROGRAM, { arguments = { "preload" } })))
  end)

  it("is all that does so", function()
    local said = child.run(PROGRAM, { arguments = { "no" } })
    assert.matches("loaded\trunway.http", said, 1, true)
    assert.matches("not started", said, 1, true)
  end)

  it("loads each adapter, of which a client has loaded none but its own", function()
    local said = child.run([[
      local runway = require "runway"
      local function loaded()
        local names = {}
        for _, name in ipairs { "chatgptsb", "cometapi", "gateway", "qimu", "runwayml" } do
          if package.loaded["runway.providers." .. name] then names[#names + 1] = name end
        end
        return table.concat(names, " ")
      end
      assert(runway.client { provider = "gateway", api_key = "any", base_url = "https://api.example" })
      print(loaded())
      runway.preload()
      print(loaded())
    ]])
    assert.equal("gateway\nchatgptsb cometapi gateway qimu runwayml", said)
  end)

  it("says why when the engine cannot start", function()
    assert.equal("nil\tlimit", (child.run([[
      local runway = require "runway"
      local preload, taken = runway.preload, {}
      for _ in pairs(runway.providers) do end
      require "runway.transport"
      for i = 1, 1000 do taken[i] = io.open "/dev/null" end
      local ok, err = preload()
      print(ok, err.kind)
    ]], { before = "ulimit -n 40;" })))
  end)
end)
