-- What `runway sandbox --verbose` says, and what it never does; and the address of a front.

local command = require "spec.support.command"
local runway = require "runway"
local sandbox = require "runway.sandbox"
local tell = require "runway.sandbox.tell"

local KEY = "key_0123456789abcdef"

describe("the sandbox's log", function()
  local function told(request, response)
    local lines = {}
    request.headers = request.headers or { authorization = "Bearer " .. KEY, ["content-type"] = "application/json" }
    tell(function(line) lines[#lines + 1] = line end, request, response)
    return lines
  end

  local JSON = { ["content-type"] = "application/json" }

  it("tells what was asked and answered", function()
    assert.same({ "POST /v1/text_to_video -> 200", '  > {"a":1}', '  < {"id":"t1"}' },
      told({ method = "POST", path = "/v1/text_to_video", query = "", body = '{"a":1}' },
        { status = 200, headers = JSON, body = '{"id":"t1"}' }))
  end)

  it("tells of a film how large it is, and of a fault what it does", function()
    assert.same({ "GET /files/a.mp4?[query] -> 200, and breaks off half-way", "  < (5 bytes of video/mp4)" },
      told({ method = "GET", path = "/files/a.mp4", query = "_jwt=secret", body = "", headers = {} },
        { status = 200, headers = { ["content-type"] = "video/mp4" }, body = "12345", fault = "truncate" }))
    assert.equal("GET / -> 200, 2.5 s late", told({ method = "GET", path = "/", body = "" },
      { status = 200, headers = JSON, body = "", delay = 2.5 })[1])
  end)

  it("holds no key, no query and no data, however long", function()
    local data = "data:image/png;base64," .. ("QUJD"):rep(100000)
    for _, authorization in ipairs { "Bearer " .. KEY, KEY } do
      local all = table.concat(told({ method = "POST", path = "/v1/" .. KEY, query = "k=" .. KEY,
        headers = { authorization = authorization, ["content-type"] = "application/json" },
        body = ('{"k":"%s","image":"%s","url":"https://x.test/a?sig=SECRET"}'):format(KEY, data) },
        { status = 200, headers = JSON, body = ('{"echo":"%s","u":"https://x.test/b?_jwt=SECRET"}'):format(KEY) }),
        "\n")
      assert.is_nil(all:find("0123456789", 1, true))
      assert.is_nil(all:find("SECRET", 1, true))
      assert.is_nil(all:find("QUJDQUJD", 1, true))
      assert.is_true(#all < 3000)
    end
  end)

  it("is cut, and one line each", function()
    local lines = told({ method = "POST", path = "/x", body = '{"a":"' .. ("é\n"):rep(5000) .. '"}' },
      { status = 200, headers = JSON, body = "" })
    assert.equal(2, #lines)
    assert.is_true(#lines[2] < 700)
    assert.is_nil(lines[2]:find "\n")
    assert.is_true(utf8.len(lines[2]) ~= nil)
  end)

  it("is kept by a server that is told to", function()
    local lines = {}
    local server = assert(sandbox.start { log = function(line) lines[#lines + 1] = line end })
    local client = assert(runway.client { provider = "cometapi", api_key = KEY, base_url = server.base_url })
    assert(client:generate { prompt_text = "a cat", ratio = "16:9" })
    server:close()
    assert.equal("POST /runway/pro/generate -> 200", lines[1])
    assert.truthy(lines[2]:find("a cat", 1, true))
    assert.is_nil(table.concat(lines):find(KEY, 1, true))
  end)
end)

describe("a sandbox behind a front", function()
  it("is called by the front's address, and so are its outputs", function()
    local server = assert(sandbox.start { seconds = 0, base_url = "https://front.example/box/" })
    assert.equal("https://front.example/box", server.base_url)
    assert.equal("http://127.0.0.1:" .. server.port, server.listening)
    local client = assert(runway.client { provider = "cometapi", api_key = KEY, base_url = server.listening,
      poll_interval = 0.01 })
    local task = assert(client:generate { prompt_text = "a cat", ratio = "16:9" })
    assert(task:wait { timeout = 20 })
    server:close()
    assert.equal("https://front.example/box/files/", task.output[1]:match "^.*/files/")
  end)

  it("has an address", function()
    command.setup {}
    for _, url in ipairs { "front.example", "ftp://x", "https://", "https://x/?a=1" } do
      local code, _, err = command.run { "sandbox", "--port", "0", "--base-url", url }
      assert.equal(2, code)
      assert.truthy(err:find("must be an address", 1, true), err)
    end
    command.teardown()
  end)
end)
