local calls = require "spec.runway.sandbox.calls"
local files = require "runway.sandbox.files"
local sandbox = require "runway.sandbox"

local MP4 = files.bytes "video"

describe("the sandbox, from submit to the bytes of the file", function()
  -- status words while waiting, at work and done; progress half-way (none where the API has none)
  local WORDS = {
    official = { "PENDING", "RUNNING", "SUCCEEDED", 0.5 },
    gateway = { "PENDING", "RUNNING", "SUCCEEDED", 0.5 },
    cometapi = { "QUEUED", "IN_PROGRESS", "SUCCESS", "50%" },
    qimu = { 1, 2, 3 },
    chatgptsb = { "PENDING", "RUNNING", "SUCCEEDED", "0.50" },
  }

  for _, name in ipairs(calls.names) do
    it("plays a whole task as " .. name, function()
      local api, words, app = calls[name], WORDS[name], calls.app()
      local accepted = calls.submit(app, api)
      assert.equal(200, accepted.status)
      local id = api.id(accepted.json)
      assert.string(id)

      local waiting = calls.query(app, api, id, 1)
      assert.equal(words[1], (api.read(waiting.json)))
      local running = calls.query(app, api, id, 6)
      local status, url, progress = api.read(running.json)
      assert.same({ words[2], words[4] }, { status, progress })
      assert.is_nil(url)
      local done = calls.query(app, api, id, 10)
      status, url = api.read(done.json)
      assert.equal(words[3], status)

      local file = calls.fetch(app, url, 10)
      assert.equal(200, file.status)
      assert.equal("video/mp4", file.headers["content-type"])
      assert.is_true(file.body == MP4)
      assert.equal("ftyp", file.body:sub(5, 8))
    end)

    it("never lets the key of " .. name .. " reach the output host", function()
      local api, app = calls[name], calls.app { seconds = 0 }
      local id = api.id(calls.submit(app, api).json)
      local _, url = api.read(calls.query(app, api, id, 1).json)
      local file = calls.fetch(app, url, 1, { authorization = "Bearer key-1" })
      assert.equal(400, file.status)
      assert.matches("API key must never be sent here", file.body)
    end)

    it("lists each task of " .. name .. ", whether or not anyone has heard of it", function()
      local api, app = calls[name], calls.app { epoch = 1.7e9 }
      local function listed(now) return app:handle({ method = "GET", path = "/tasks" }, now).body end
      assert.equal("There is no task yet.\n", listed(0))
      local id = api.id(calls.submit(app, api).json)
      assert(app:choose "drop")
      calls.submit(app, api)
      local first, second = listed(10):match "^([^\n]+)\n([^\n]+)\n$"
      assert.truthy(first:find("2023-11-14T22:13:20Z  " .. id .. "  SUCCEEDED  " .. app.tasks[1].family, 1, true),
        first)
      assert.truthy(second:find("  " .. app.tasks[2].id .. "  SUCCEEDED  ", 1, true), second)
    end)

    it("gives each task of " .. name .. " an id and a URL of its own", function()
      local api, app = calls[name], calls.app { seconds = 0 }
      local seen = {}
      for _ = 1, 20 do
        local id = api.id(calls.submit(app, api).json)
        local _, url = api.read(calls.query(app, api, id, 1).json)
        assert.is_nil(seen[id] or seen[url])
        seen[id], seen[url] = true, true
      end
      assert.equal(20, #app.tasks)
    end)
  end

  it("keeps each family's tasks to itself", function()
    local app = calls.app()
    for _, from in ipairs(calls.names) do
      local id = calls[from].id(calls.submit(app, calls[from]).json)
      for _, to in ipairs(calls.names) do
        local answer = calls.query(app, calls[to], id, 1)
        local shared = from == to or (from .. to):find("^gatewaycometapi$") or
          (from .. to):find("^cometapigateway$")
        assert.equal(shared and 200 or (to == "qimu" or to == "chatgptsb" or to == "official")
          and 404 or 400, answer.status, from .. " asked of " .. to)
      end
    end
  end)

  it("answers like every provider that is built in", function()
    local app = calls.app()
    for name, adapter in pairs(require "runway.providers") do
      local asked = adapter.query { id = "1" }
      local answer = app:handle({ method = asked.method or "GET", path = asked.path, query = "",
        headers = {}, body = "" }, 0)
      assert.equal(401, answer.status, name .. " has no part in it")
    end
  end)

  it("gives ids in each API's form", function()
    local app = calls.app()
    local uuid = "^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$"
    local forms = {
      official = uuid, gateway = uuid, chatgptsb = uuid, qimu = "^%d+$", cometapi = "^task_%w+$",
    }
    for name, form in pairs(forms) do
      assert.matches(form, calls[name].id(calls.submit(app, calls[name]).json))
    end
  end)
end)

describe("the files of the sandbox", function()
  local function finished(options, scenario)
    local all = { seconds = 0 }
    for name, value in pairs(options or {}) do all[name] = value end
    local app = calls.app(all)
    local id = calls.submit(app, calls.official, scenario).json.id
    return calls.query(app, calls.official, id, 1).json.output[1], app, id
  end

  it("are sent in ranges, so that a download can go on", function()
    local url, app = finished()
    local rest = calls.fetch(app, url, 1, { range = "bytes=1000-" })
    assert.same({ 206, ("bytes 1000-%d/%d"):format(#MP4 - 1, #MP4) },
      { rest.status, rest.headers["content-range"] })
    assert.is_true(rest.body == MP4:sub(1001))
    assert.is_true(calls.fetch(app, url, 1, { range = "bytes=-10" }).body == MP4:sub(-10))
    assert.is_true(calls.fetch(app, url, 1, { range = "bytes=2-4" }).body == MP4:sub(3, 5))
    assert.equal(416, calls.fetch(app, url, 1, { range = "bytes=999999-" }).status)
    local other = calls.fetch(app, url, 1, { range = "bytes=5-", ["if-range"] = '"another"' })
    assert.same({ 200, #MP4 }, { other.status, #other.body })
    assert.equal(200, calls.fetch(app, url, 1, nil, "HEAD").status)
  end)

  it("are refused without the signature, and after a day", function()
    local url, app, id = finished()
    assert.equal(url, calls.query(app, calls.official, id, 2).json.output[1])
    assert.equal(403, calls.fetch(app, url:gsub("_jwt=.*", "_jwt=x"), 1).status)
    assert.equal(404, calls.fetch(app, calls.BASE .. "/files/none.mp4", 1).status)
    assert.equal(200, calls.fetch(app, url, 86400).status)
    assert.equal(403, calls.fetch(app, url, 86402).status)
    local fresh = calls.query(app, calls.official, id, 86402).json.output[1]
    assert.not_equal(url, fresh)
    assert.equal(200, calls.fetch(app, fresh, 86402).status)
  end)

  it("may be the input of the next task", function()
    local url, app = finished()
    local body = { model = "aleph2", videoUri = url }
    assert.equal(200, calls.send(app, "official", "POST", "/v1/video_to_video", body).status)
  end)

  it("are real media: a fast-starting MP4 of three seconds, a PNG, a WAV, a ZIP", function()
    assert.is_true(#MP4 <= 25 * 1024)
    assert.is_true(MP4:find("moov", 1, true) < MP4:find("mdat", 1, true))
    local scale, length = MP4:match("mvhd............(....)(....)")
    assert.equal(3, (">I4"):unpack(length) / (">I4"):unpack(scale))
    assert.matches("avc1", MP4, 1, true)
    assert.matches("IEND", files.bytes("image"):sub(-8), 1, true)
    local wav = files.bytes("audio")
    -- PCM, one channel, 8000 samples and 16000 bytes a second, 2 bytes and 16 bits a sample
    local header = { ("<I4I2I2I4I4I2I2"):unpack(wav, 17) }
    header[#header] = nil -- where it ended
    assert.same({ 16, 1, 1, 8000, 16000, 2, 16 }, header)
    assert.same({ #wav - 44, #wav - 8 }, { (("<I4"):unpack(wav, 41)), (("<I4"):unpack(wav, 5)) })
    assert.equal("PK\5\6", files.bytes("frames"):sub(-22, -19))
  end)
end)

describe("runway.sandbox", function()
  it("names output URLs after the Host it was asked at, when it has no base_url", function()
    local app = sandbox.app { seconds = 0 }
    local headers = { host = "sandbox.example:8787" }
    local api = calls.official
    local made = calls.send(app, "official", "POST", api.submit[1], calls.body(api), 0, headers)
    local done = calls.send(app, "official", "GET", "/v1/tasks/" .. made.json.id, nil, 1, headers)
    assert.matches("^http://sandbox%.example:8787/files/%x+%.mp4%?_jwt=", done.json.output[1])
  end)

  it("does not keep the media it was sent", function()
    local app = calls.app()
    local body = calls.body(calls.official, { promptImage = calls.PNG .. ("AAAA"):rep(5000) })
    assert.equal(200, calls.send(app, "official", "POST", calls.official.submit[1], body).status)
    assert.equal(4096, #app.tasks[1].input.promptImage)
  end)

  it("raises on options it does not know, at the caller", function()
    for message, options in pairs {
      ["no option 'secnds'"] = { secnds = 1 },
      ["'seconds' must be a number, not a string"] = { seconds = "2" },
      ["unknown sandbox scenario 'flop'; known: cancelled, "] = { scenario = "flop" },
      ["unknown shape 'round'"] = { shape = "round" },
      ["unknown relay 'me'"] = { relay = "me" },
      ["'scenario' must be a name or a function"] = { scenario = 3 },
    } do
      local ok, err = pcall(function() sandbox.app(options) end)
      assert.is_false(ok)
      assert.matches("sandbox/init_spec.lua:%d+: ", err)
      assert.matches(message, err, 1, true)
    end
  end)

  it("names the package when it cannot listen for want of a library", function()
    local before = package.loaded["runway.listener"]
    package.loaded["runway.listener"] = nil
    package.preload["runway.listener"] = function() error("libmicrohttpd.so.12: not found") end
    local server, message = sandbox.start {}
    package.preload["runway.listener"] = nil
    package.loaded["runway.listener"] = before
    assert.is_nil(server)
    assert.matches("libmicrohttpd12", message, 1, true)
    assert.matches("not found", message, 1, true)
  end)

  it("says what it is at its front door", function()
    local page = calls.send(calls.app(), nil, "GET", "/")
    assert.equal(200, page.status)
    assert.matches("/runway/pro/", page.body, 1, true)
    assert.matches("rate_limit", page.body, 1, true)
  end)

  it("has a line about each scenario", function()
    for _, scenario in ipairs(sandbox.scenarios()) do
      assert.is_true(#scenario.about > 10, scenario.name)
    end
  end)

  it("refuses a body that is no JSON object", function()
    local app = calls.app()
    for _, body in ipairs { "", "[]", "3", "{", '{"a":1}x', "null" } do
      local answer = calls.send(app, "official", "POST", "/v1/text_to_video", body, 0,
        { ["content-type"] = "application/json" })
      assert.equal(400, answer.status, body)
      assert.string(answer.json.error)
    end
  end)
end)
