-- The example that `make demo` runs, as a user runs it: over real sockets, at the sandbox.

local base64 = require "spec.support.base64"
local child = require "spec.support.child"
local json = require "runway.json"

-- Runs the example with a sandbox that is quick, then tells what it got.
local RUN = [[
  local json, sandbox = require "runway.json", require "runway.sandbox"
  local start, server = sandbox.start, nil
  sandbox.start = function(options)
    options.seconds = 0.2
    server = assert(start(options))
    return server
  end
  arg = { [0] = "examples/first_clip.lua", ... }
  dofile "examples/first_clip.lua"
  io.stdout:write "--\n"
  for _, request in ipairs(server.requests) do
    io.stdout:write(json.encode {
      method = request.method, path = request.path, body = request.body,
      authorization = request.headers.authorization or false,
    }, "\n")
  end
]]

describe("the first example", function()
  local directory
  setup(function()
    directory = os.tmpname()
    os.remove(directory)
  end)
  teardown(function() os.execute("rm -rf '" .. directory .. "'") end)

  it("makes two films at the sandbox, with a bar for each wait and download, and prints their paths last", function()
    local said, code = child.run(RUN, { arguments = { directory } })
    assert.equal(0, code, said)
    local shown, requests = said:match "^(.-)%-%-\n(.*)$"
    local paths = { directory .. "/from_text.mp4", directory .. "/from_picture.mp4" }
    assert.equal(table.concat(paths, "\n") .. "\n", shown:sub(-#table.concat(paths, "\n") - 1))
    for _, label in ipairs { "from text", "from text, file", "from a picture", "from a picture, file" } do
      assert.truthy(shown:find("\n" .. label .. "  [##############################] 100%", 1, true), label)
    end
    for _, path in ipairs(paths) do
      local probe = io.popen("ffprobe -v error -select_streams v:0 -show_entries stream=codec_type "
        .. "-of default=nw=1:nk=1 '" .. path .. "' 2>&1")
      assert.equal("video\n", probe:read "a")
      probe:close()
    end

    local submits = {}
    for line in requests:gmatch "[^\n]+" do
      local request = assert(json.decode(line))
      if request.path:find "^/files/" then
        assert.is_false(request.authorization)
      elseif request.path ~= "/runway/feed" and request.method == "POST" then
        submits[request.path] = assert(json.decode(request.body))
      end
    end
    -- CometAPI's own example, field by field; its callback_url names a site, ours resolves nowhere.
    assert.same({
      callback_url = "https://callback.invalid/", ratio = "16:9", prompt = "a cat", style = "cinematic", model = "gen4",
      options = { seconds = 10,
        motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0, bg_y_pan = 0 } },
    }, submits["/runway/pro/generate"])
    local picture = assert(io.open("examples/lighthouse.png", "rb"))
    local bytes = picture:read "a"
    picture:close()
    assert.same({
      model = "gen4_turbo", ratio = "1280:720", duration = 5,
      promptText = "slow dolly in, the beam sweeps over the sea",
      promptImage = "data:image/png;base64," .. base64(bytes),
    }, submits["/v1/image_to_video"])
  end)

  it("asks a named provider for nothing without its key, and says which variable it wants", function()
    local said, code = child.run([[
      arg = { [0] = "examples/first_clip.lua", ... }
      dofile "examples/first_clip.lua"
    ]], { arguments = { directory }, before = "unset COMETAPI_KEY; export RUNWAY_PROVIDER=cometapi;" })
    assert.equal(1, code)
    assert.truthy(said:find("spends credits", 1, true))
    assert.truthy(said:find("COMETAPI_KEY", 1, true))
  end)

  it("ships a picture small enough to read over", function()
    local picture = assert(io.open("examples/lighthouse.png", "rb"))
    local size = picture:seek "end"
    picture:close()
    assert.is_true(size < 30000)
  end)
end)
