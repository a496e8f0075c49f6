-- What a client submits, and the rest of what it does for an account, over a mock.

local adapters = require "spec.support.adapters"
local child = require "spec.support.child"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local clip, SUBMIT = mocked.clip, mocked.SUBMIT

local PNG = "\137PNG\r\n\26\n" .. ("\0"):rep(600)

describe("once there is a client,", function()
  it("nothing is loaded that a task may need: there may be no descriptor left to read it", function()
    local said = child.run [[
      local runway = require "runway"
      assert(runway.client)
      package.path, package.cpath, package.searchers = "", "", {}
      print(runway.run(function() return runway.all({ function() return "here" end })[1] end))
    ]]
    assert.equal("here", said)
  end)
end)

describe("what a provider refuses", function()
  after_each(mocked.close)

  it("is told with what was known of it before it went out", function()
    local client = mocked.client { { method = "POST", status = 400, json = { error = "no such model" } } }
    local _, err = client:generate(clip { model = "gen45" })
    assert.matches("^no such model; it went out although the model gen45 is not known here", err.message)
  end)
end)

describe("a client:", function()
  local directory

  local function write(name, bytes)
    local file = assert(io.open(directory .. "/" .. name, "wb"))
    file:write(bytes)
    file:close()
    return directory .. "/" .. name
  end

  setup(function()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir '" .. directory .. "'"))
  end)
  teardown(function() os.execute("rm -rf '" .. directory .. "'") end)
  after_each(mocked.close)

  describe("a picture of another shape than the ratio", function()
    local TALL = "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(720, 1280) .. ("\0"):rep(600)
    local POST = { "POST /v1/image_to_video", times = 3, json = { id = "t1" } }

    local function submit(params)
      local said = {}
      local client, m
      client, m = mocked.client({ POST }, { logger = function(level, message)
        if level == "warning" then said[#said + 1] = #m.requests .. " " .. message end
      end })
      local uri = runway.file(write("tall.png", TALL))
      for _ = 1, params.times or 1 do
        assert(client:generate { prompt_image = uri, prompt_text = "x", model = "gen4.5", duration = 5,
          ratio = params.ratio })
      end
      return said
    end

    it("is told of before it is paid for, and sent all the same", function()
      local said = submit { ratio = "1280:720" }
      assert.equal(1, #said)
      assert.matches("^0 prompt_image: .*/tall.png is 720 x 1280; to the ratio 1280:720 it will be cropped", said[1])
    end)

    it("is told of once", function()
      assert.equal(1, #submit { ratio = "1280:720", times = 3 })
    end)

    it("is of no concern where it fits", function()
      assert.same({}, submit { ratio = "720:1280" })
    end)
  end)

  describe("generate", function()
    it("gives a task with what is known of it", function()
      local client, m = mocked.client { SUBMIT }
      local params = clip { seed = 42 }
      local task = assert(client:generate(params))
      assert.equal("t1", task.id)
      assert.equal("runwayml", task.provider)
      assert.equal("text_to_video", task.kind)
      assert.equal("PENDING", task.status)
      assert.equal(25, task.estimated_cost)
      assert.is_nil(task.output)
      assert.is_false(task:done())
      assert.equal("task t1 PENDING (runwayml)", tostring(task))
      assert.same({ model = "gen4.5", promptText = "a cat", ratio = "1280:720", duration = 5, seed = 42 },
        m.requests[1].json)
      assert.same(clip { seed = 42 }, params)
      m:finish()
    end)

    it("picks the kind from what is given", function()
      local url = "https://example.com/"
      for kind, params in pairs {
        text_to_video = { prompt_text = "x" }, image_to_video = { prompt_text = "x", prompt_image = url .. "a.png" },
        video_to_video = { prompt_text = "x", prompt_video = url .. "a.mp4" },
      } do
        local client = mocked.client({ function() return { json = { code = 200, data = { task_id = "c1" } } } end },
          { provider = "cometapi" })
        assert.equal(kind, assert(client:generate(params)).kind)
      end
    end)

    it("refuses a text that is not UTF-8, wherever it stands, and does not raise: it came out of a file", function()
      local client, m = mocked.client {}
      local bad = "caf\xE9"
      for _, more in ipairs { { prompt_text = bad }, { model = bad }, { ratio = bad }, { key = bad }, { kind = bad },
        { callback_url = bad }, { prompt_image = "https://x.test/" .. bad },
        { prompt_image = { uri = "https://x.test/a.png", position = bad } }, { prompt_video = bad },
        { negative_prompt = bad }, { content_moderation = { publicFigureThreshold = bad } }, { style = { [bad] = 1 } },
        { extra = { a = { bad } } }, { extra = { [bad] = 1 } }, { [bad] = 1 } } do
        local task, err = client:generate(clip(more))
        assert.is_nil(task)
        assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
        assert.truthy(utf8.len(tostring(err)))
      end
      m:finish()
    end)

    it("asks for no ending of a file's name, however the file travels", function()
      local client, m = mocked.client { { "POST /v1/uploads", json = { uploadUrl = "https://s3.test/x", fields = {},
        runwayUri = "runway://abc.def.ghi" } }, { "POST https://s3.test/x" },
        { "POST /v1/video_to_video", json = { id = "t1" } }, { "POST /v1/video_to_video", json = { id = "t2" } } }
      local film = "\0\0\0\8wide\0\0\2\0mdat" .. ("\0"):rep(600)
      local long = write("long", film .. ("\0"):rep(4000000))
      assert(client:generate { model = "aleph2", prompt_text = "x", prompt_video = runway.file(long) })
      assert.equal("long.mov", m.requests[1].json.filename)
      assert.equal("runway://abc.def.ghi", m.requests[3].json.videoUri)
      assert(client:generate { model = "aleph2", prompt_text = "x", prompt_video = runway.file(write("short", film)) })
      m:finish()
    end)

    it("refuses what Runway does not take, at all that pass it on", function()
      local heic = write("IMG_1", "\0\0\0\24ftypheix\0\0\0\0mif1heic" .. ("\0"):rep(600))
      local gif = "DATA:IMAGE/GIF;base64,R0lGODlhAQABAAAAACw="
      for _, provider in ipairs { "runwayml", "gateway", "cometapi" } do
        local client, m = mocked.client({}, { provider = provider, base_url = "https://x.test" })
        for kind, image in pairs { ["image/heic"] = runway.file(heic), ["image/gif"] = gif } do
          local task, err = client:generate { model = "gen4_turbo", prompt_text = "x", ratio = "1280:720", duration = 5,
            prompt_image = image }
          assert.is_nil(task)
          assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
          assert.matches(kind .. ", and " .. provider .. " takes pictures as image/jpeg, image/png or image/webp",
            err.message, 1, true)
        end
        m:finish()
      end
    end)

    it("sends a data URI as the API takes it, even one that came out of a file", function()
      local client, m = mocked.client { { "POST /v1/image_to_video", json = { id = "t1" } } }
      assert(client:generate { model = "gen4_turbo", prompt_text = "x", ratio = "1280:720", duration = 5,
        prompt_image = " DATA:IMAGE/PNG;charset=utf-8;BASE64,/9j/\n" })
      assert.equal("data:image/jpeg;base64,/9j/", m.requests[1].json.promptImage)
    end)

    it("takes the short forms", function()
      local client, m = mocked.client { { "POST /v1/image_to_video", json = { id = "t1" } } }
      assert(client:generate { prompt = "x", image = "https://example.com/a.png", model = "gen4_turbo",
        ratio = "1280:720", duration = 5 })
      assert.equal("https://example.com/a.png", m.requests[1].json.promptImage)
      assert.equal("x", m.requests[1].json.promptText)
    end)

    it("passes on what no one knows yet, and models that are new", function()
      local client, m = mocked.client { SUBMIT }
      assert(client:generate(clip { model = "gen9", new_thing = { deep_name = 1 }, duration = 77 }))
      assert.same({ deep_name = 1 }, m.requests[1].json.newThing)
      assert.equal(77, m.requests[1].json.duration)
    end)

    it("warns of what goes through unknown, or to a model that is gone, and sends it", function()
      local logged
      local function warned(provider, submit, params)
        logged = {}
        local client, m = mocked.client({ submit }, { provider = provider,
          logger = function(level, message)
            if level ~= "debug" then logged[#logged + 1] = level .. ": " .. message end
          end })
        assert(client:generate(params))
        m:finish()
        assert.equal(1, #logged, table.concat(logged, "\n"))
        return logged[1], m.requests[1].json
      end
      local warning, sent = warned("runwayml", SUBMIT, clip { output_format = "hdr12" })
      assert.matches('^warning: gen4%.5: output_format "hdr12" is not among those known', warning)
      assert.equal("hdr12", sent.outputFormat)
      local film = { prompt_text = "x", prompt_video = "https://example.com/a.mp4", model = "gen4_aleph" }
      local answer = { "POST /v1/video_to_video", json = { id = "t1" } }
      assert.matches("^warning: gen4_aleph is gone from Runway's API since 2026%-07%-30",
        (warned("runwayml", answer, film)))
      film.format = "official"
      answer = { "POST /runwayml/v1/video_to_video", json = { id = "t1" } }
      assert.matches("^warning: gen4_aleph is gone .*; whether cometapi still has it is not known$",
        (warned("cometapi", answer, film)))
    end)

    it("refuses before money is spent what is known to be refused", function()
      local client, m = mocked.client {}
      for name, value in pairs { duration = 11, prompt_text = ("x"):rep(1001), seed = 2 ^ 32 } do
        local task, err = client:generate(clip { [name] = value })
        assert.is_nil(task)
        assert.equal("invalid_request", err.kind)
        assert.equal("no", err.sent)
        assert.truthy(err.message:find(name, 1, true), err.message)
      end
      m:finish()
    end)

    it("says which kinds there are when it has not the one asked for", function()
      local client, m = mocked.client({}, { provider = "qimu" })
      local task, err = client:video_upscale { prompt_video = "https://example.com/a.mp4" }
      assert.is_nil(task)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find("qimu has no kind video_upscale", 1, true))
      assert.truthy(err.message:find("text_to_video", 1, true))
      assert.is_false(client:supports "video_upscale")
      assert.is_true(client:supports "text_to_video")
      m:finish()
    end)

    it("has a method for every kind that a built-in provider offers", function()
      local client = mocked.client {}
      for name, adapter in pairs(runway.providers) do
        for _, kind in ipairs(adapter.kinds) do
          assert.equal("function", type(client[kind]), name .. ": " .. kind)
        end
      end
    end)

    it("tells what a broken adapter said, and sends nothing", function()
      local client, m = mocked.client({}, {
        provider = adapters.own { submit = function() error "a bug in mine" end },
      })
      local task, err = client:generate { prompt_text = "x" }
      assert.is_nil(task)
      assert.truthy(err.message:find("a bug in mine", 1, true))
      assert.equal("no", err.sent)
      m:finish()
    end)

    it("is sent once, even if its adapter calls it free", function()
      for _, request in ipairs {
        { method = "PUT", path = "/make", json = {} },
        { method = "POST", path = "/make", json = {}, safe = true },
      } do
        local client, mock = mocked.client({ { status = 500, times = 5 } }, {
          base_url = "https://api.example",
          provider = adapters.own { submit = function() return request end },
        })
        local made, err = client:generate { prompt_text = "a cat" }
        assert.is_nil(made)
        assert.equal("unknown_submit", err.kind)
        assert.equal(1, #mock.requests)
      end
    end)

    it("tells what an adapter broke over later, too, and never loses the id", function()
      local function broken() error "a bug in mine" end
      local adapter = adapters.own { query = broken, cancel = broken }
      local client, m = mocked.client({ { "POST /make", json = { id = "t1" } } }, { provider = adapter })
      local task = assert(client:generate { prompt_text = "x" })
      for _, method in ipairs { "refresh", "cancel", "wait" } do
        local done, err = task[method](task)
        assert.is_nil(done)
        assert.truthy(err.message:find("a bug in mine", 1, true))
        assert.equal("t1", err.task_id)
      end
      m:finish()
    end)

    it("gives the client's callback_url to every task, where the provider takes one", function()
      local options = { provider = "cometapi", callback_url = "https://me.example/hook" }
      local client, m = mocked.client({
        { "POST /runway/pro/generate", json = { code = 200, data = { task_id = "c1" } }, times = 2 },
      }, options)
      assert(client:generate { prompt_text = "x" })
      assert(client:generate { prompt_text = "x", callback_url = "https://other.example/" })
      assert.equal("https://me.example/hook", m.requests[1].json.callback_url)
      assert.equal("https://other.example/", m.requests[2].json.callback_url)
      m:finish()
      options.provider = "runwayml"
      client, m = mocked.client({ SUBMIT }, options)
      assert(client:generate(clip()))
      m:finish()
    end)
  end)

  describe("a local picture", function()
    local function turbo(path)
      return { model = "gen4_turbo", ratio = "1280:720", duration = 5, prompt_image = runway.file(path) }
    end

    it("travels inside the request", function()
      local path = write("first.png", PNG)
      local client, m = mocked.client { { "POST /v1/image_to_video", json = { id = "t1" } } }
      assert(client:generate(turbo(path)))
      assert.same({ file = path }, m.requests[1].json.promptImage)
    end)

    it("that is too large for that is uploaded first", function()
      local path = write("large.png", PNG .. ("x"):rep(4 * 1024 * 1024))
      local client, m = mocked.client {
        { "POST /v1/uploads", json = {
          uploadUrl = "https://store.example/", fields = {}, runwayUri = "runway://upload-1",
        } },
        { "POST https://store.example/", status = 204 },
        { "POST /v1/image_to_video", json = { id = "t1" } },
      }
      assert(client:generate(turbo(path)))
      assert.equal("runway://upload-1", m.requests[3].json.promptImage)
      m:finish()
    end)

    it("and so is a film, which Runway takes no longer than a picture", function()
      local film = "\0\0\0\24ftypmp42\0\0\0\0mp42isom"
      local client, m = mocked.client {
        { "POST /v1/video_to_video", json = { id = "t1" } },
        { "POST /v1/uploads", json = {
          uploadUrl = "https://store.example/", fields = {}, runwayUri = "runway://upload-2",
        } },
        { "POST https://store.example/", status = 204 },
        { "POST /v1/video_to_video", json = { id = "t2" } },
      }
      local function make(name, size)
        local path = write(name, film .. ("\0"):rep(size - #film))
        assert(client:generate { model = "aleph2", prompt_text = "x", prompt_video = runway.file(path) })
        return path
      end
      -- with "data:video/mp4;base64," it is 5,242,878 and 5,242,882 characters long
      local path = make("fits.mp4", 3932142)
      assert.same({ file = path }, m.requests[1].json.videoUri)
      make("large.mp4", 3932145)
      assert.equal("runway://upload-2", m.requests[4].json.videoUri)
      m:finish()
    end)

    it("that is a film is refused where a picture is wanted, at every provider", function()
      local film = os.tmpname()
      local out = assert(io.open(film, "wb"))
      out:write("\0\0\0\32ftypisom", ("\0"):rep(600))
      out:close()
      for name in pairs(runway.providers) do
        local client, m = mocked.client({}, { provider = name, base_url = "https://api.example" })
        local task, err = client:generate { prompt_image = runway.file(film), model = "gen3a_turbo", ratio = "16:9" }
        assert.is_nil(task)
        assert.equal("invalid_request", err.kind, name)
        assert.equal("no", err.sent)
        assert.equal(0, #m.requests)
      end
      os.remove(film)
    end)

    it("that cannot be used is refused before anything is sent", function()
      for name, path in pairs {
        ["is not there"] = directory .. "/none.png", ["is a directory"] = directory,
        ["is no picture"] = write("text.png", "just text"), ["is empty"] = write("empty.png", ""),
        ["is a film"] = write("film.png", "\0\0\0\24ftypmp42" .. ("\0"):rep(100)),
      } do
        local client, m = mocked.client {}
        local task, err = client:generate(turbo(path))
        assert.is_nil(task, name)
        assert.equal("no", err.sent, name)
        assert.truthy(err.kind == "io" or err.kind == "invalid_request", name .. ": " .. err.kind)
        assert.equal("runwayml", err.provider)
        m:finish()
      end
    end)

    it("is told to be given as a URL where the provider takes nothing else", function()
      local client, m = mocked.client({}, { provider = "qimu" })
      local task, err = client:generate {
        prompt_text = "x", prompt_image = runway.file(write("a.png", PNG)), model = "gen3a_turbo", ratio = "16:9",
        duration = 5,
      }
      assert.is_nil(task)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find("URL", 1, true), err.message)
      m:finish()
    end)
  end)

  describe("credits", function()
    it("are a number and the provider's own table", function()
      local client = mocked.client { { "GET /v1/organization", json = { creditBalance = 1234, tier = { x = 1 } } } }
      local credits, detail = client:credits()
      assert.equal(1234, credits)
      assert.equal(1, detail.tier.x)
    end)

    it("are not known where the provider does not tell", function()
      local client = mocked.client({}, { provider = "cometapi" })
      local credits, err = client:credits()
      assert.is_nil(credits)
      assert.equal("invalid_request", err.kind)
      assert.equal("no", err.sent)
    end)
  end)

  describe("upload", function()
    it("gives a URI, and the key to nobody but the API", function()
      local client, m = mocked.client {
        { "POST /v1/uploads", fault = "lost" },
        { "POST /v1/uploads", json = { uploadUrl = "https://store.example/", fields = { a = "b" },
          runwayUri = "runway://u1" } },
        { "POST https://store.example/", status = 204, check = function(request)
          assert.is_nil(request.headers.authorization)
          assert.is_nil(request.headers["x-runway-version"])
        end },
      }
      assert.equal("runway://u1", assert(client:upload(write("up.png", PNG))))
      assert.same({ filename = "up.png", type = "ephemeral" }, m.requests[1].json)
      m:finish()
    end)

    it("comes to an end, whatever an adapter wants", function()
      local adapter = adapters.own {
        upload = function() return { request = { method = "PUT", path = "/again" } } end,
      }
      local client, m = mocked.client({ { "PUT /again", json = {}, times = math.huge } }, { provider = adapter })
      assert.truthy(select(2, client:upload(write("up.png", PNG))).message:find("comes to no end", 1, true))
      assert.is_true(#m.requests <= 10)
    end)

    it("fails where there is none, or no file", function()
      local client = mocked.client({}, { provider = "cometapi" })
      assert.truthy(select(2, client:upload(write("up.png", PNG))).message:find("has no uploads", 1, true))
      client = mocked.client {}
      assert.equal("io", select(2, client:upload(directory .. "/none")).kind)
    end)
  end)

  describe("where memory fails", function()
    local scheduler = require "runway.scheduler"

    it("between two steps, leaves no file spoken for", function()
      local client, note = mocked.client { SUBMIT }, scheduler.note
      local order = clip { output = directory .. "/a.mp4" }
      scheduler.note = function() error("not enough memory", 0) end
      local ok, raised = pcall(client.generate, client, order)
      scheduler.note = note
      assert.same({ false, "not enough memory" }, { ok, raised })
      assert(client:generate(order))
    end)

    it("keeps account of a paid request without more of it, and holds nothing back that was not sent", function()
      local ledger = require "runway.ledger"
      local receipt = ledger.receipt
      function ledger.receipt(...)            -- luacheck: ignore 122
        return setmetatable(receipt(...), { __newindex = function() error("not enough memory", 0) end })
      end
      local client = mocked.client({ SUBMIT }, { budget = 60 })
      local ok, task, err = pcall(client.generate, client, clip())
      ledger.receipt = receipt                -- luacheck: ignore 122
      assert.equal("t1", ok and task and task.id, tostring(err or task))
    end)

    it("ends what has begun and no one waits for any more, but for what is paid for", function()
      local begun, ended = {}, {}
      local transport = { cancel = function() end, progress = function() return 0 end }
      function transport:start(_, done)
        begun[#begun + 1] = done
        error("not enough memory", 0)
      end
      function transport:abandon(done) ended[#ended + 1] = done end
      function transport:awaits() return false end
      local client = assert(runway.client { provider = "runwayml", api_key = mocked.KEY, transport = transport })
      assert.is_false(pcall(client.credits, client))
      assert.same({ begun[1] }, ended)
      pcall(client.generate, client, clip())
      assert.same({ 2, 1 }, { #begun, #ended })
    end)

    it("raises only once what it ended has come to its end, for until then it has its file", function()
      local over = false
      local transport = { cancel = function() end, progress = function() return 0 end }
      function transport.start() error("not enough memory", 0) end
      function transport.abandon(_, done)
        scheduler.at(scheduler.now(), function()
          over = true
          done { sent = false, error = { kind = "cancelled", code = "cancelled", message = "ended" } }
        end)
      end
      function transport.awaits() return not over end
      local client = assert(runway.client { provider = "runwayml", api_key = mocked.KEY, transport = transport })
      assert.is_false(pcall(client.credits, client))
      assert.is_true(over)
    end)
  end)

  describe("a callback", function()
    it("is read as a hint: which task, and what is said of it", function()
      local client, m = mocked.client({}, { provider = "cometapi" })
      local hint = assert(client:read_callback '{"task_id":"c1","status":"3","video_url":"https://evil.example/x.mp4"}')
      assert.equal("c1", hint.id)
      assert.equal("SUCCEEDED", hint.status)
      assert.is_nil(hint.output)
      m:finish()
    end)

    it("that is none is refused", function()
      local client = mocked.client({}, { provider = "cometapi" })
      for body, kind in pairs { ["{}"] = "protocol", ["[]"] = "protocol", x = "protocol", [""] = "protocol",
        [("x"):rep(2 ^ 20 + 1)] = "limit" } do
        local hint, err = client:read_callback(body)
        assert.is_nil(hint)
        assert.equal(kind, err.kind)
      end
      client = mocked.client {}
      assert.truthy(select(2, client:read_callback "{}").message:find("has no callbacks", 1, true))
    end)
  end)
end)
