-- What a caller asks for beside the API's parameters, and the slips that would be paid for in silence.

local adapters = require "spec.support.adapters"
local mocked = require "spec.support.mocked"
local order = require "runway.order"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"
local session = require "runway.session"

local clip, SUBMIT = mocked.clip, mocked.SUBMIT

local function new(logged, more)
  return assert(session.new(adapters.own(more), { api_key = "key_0123456789", transport = {},
    logger = function(level, message) logged[#logged + 1] = level .. ": " .. message end }))
end

describe("an order", function()
  local files

  before_each(function() files = scratch.new() end)
  after_each(function()
    mocked.close()
    files:remove()
  end)

  describe("with a slip in a name is refused, and told what was meant:", function()
    for slip, name in pairs {
      duraton = "duration", modle = "model", promt_text = "prompt_text", prompttext = "promptText", ratoi = "ratio",
      sed = "seed", promt = "prompt", Duration = "duration", callback_ur = "callback_url", outptu = "output",
      prompt_imge = "prompt_image", dead_line = "deadline",
    } do
      it(slip, function()
        local read, problem = order.read(new {}, { prompt_text = "x", [slip] = 5 })
        assert.is_nil(read)
        assert.equal("invalid_request", problem.kind)
        assert.equal(slip, problem.field)
        assert.matches("did you mean " .. name .. "?", problem.message, 1, true)
      end)
    end

    for provider, slips in pairs {
      runwayml = { negativ_prompt = "negative_prompt", referense_images = "reference_images", audioo = "audio",
        content_moderatoin = "content_moderation", outputFromat = "outputFormat", video_urii = "video_uri" },
      gateway = { watermrk = "watermark", contentModeratoin = "contentModeration" },
      cometapi = { stlye = "style", lastimage = "last_image", optoins = "options", targetLnag = "targetLang" },
      chatgptsb = { motion_scor = "motion_score", enhance_promt = "enhance_prompt", exploreMod = "exploreMode" },
      qimu = { second = "seconds", textPromt = "textPrompt" },
    } do
      it("in one of the API's own at " .. provider, function()
        local mine = assert(session.new(require "runway.providers"[provider], { api_key = "key_0123456789",
          base_url = "https://x.test", transport = {} }))
        for slip, name in pairs(slips) do
          local read, problem = order.read(mine, { prompt_text = "x", [slip] = 5 })
          assert.is_nil(read, slip)
          assert.matches("did you mean " .. name .. "?", problem.message, 1, true)
        end
      end)
    end

    it("with the longer name where two are as near: a letter is sooner left out than mistaken", function()
      local task, err = mocked.client({}):generate { prompt_text = "x", modl = "gen4.5" }
      assert.is_nil(task)
      assert.matches("did you mean model?", err.message, 1, true)
    end)

    it("that is an option of something else", function()
      local client, m = mocked.client {}
      for name, whose in pairs { timeout = "task:wait", on_progress = "task:download",
        poll_interval = "runway.client" } do
        local v = name == "on_progress" and function() end or 5
        local task, err = client:generate(clip { [name] = v })
        assert.is_nil(task)
        assert.equal("invalid_request", err.kind)
        assert.matches(name .. " is no parameter, but an option of .*" .. whose, err.message)
      end
      assert.equal(0, #m.requests)
      for _, name in ipairs { "timeout", "poll_interval", "pollInterval" } do -- but of who takes it in either spelling
        assert(order.read(new(nil, { names = { [name] = true } }), { prompt_text = "x",
          [name == "timeout" and name or "poll_interval"] = 5 }))
      end
    end)

    it("inside a table of ours, or of one that a model is known to take", function()
      local client, m = mocked.client {}
      for message, wrong in pairs {
        ["prompt_image has no \"postion\"; did you mean position?"] =
          { prompt_image = { uri = "https://x.test/a.png", postion = "last" } },
        ["no content_moderation.publicFigureTreshold; did you mean publicFigureThreshold?"] =
          { content_moderation = { publicFigureTreshold = "low" } },
        ["no content_moderation.public_figure_threshold; did you mean publicFigureThreshold?"] =
          { content_moderation = { public_figure_threshold = "low" } },
        ["did you mean output = { path =, overwrite = true }?"] = { output = "a.mp4", overwrite = true },
        ["out is no parameter; did you mean output?"] = { out = "a.mp4" },
        ["did you mean output?"] = { file = "a.mp4" },
      } do
        local task, err = client:generate(clip(wrong))
        assert.is_nil(task)
        assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
        assert.matches(message, err.message, 1, true)
      end
      m:finish()
    end)

    it("inside the options of a reseller", function()
      for provider, wrongs in pairs {
        cometapi = { ['options has no "secnds"; did you mean seconds?'] = { secnds = 10 },
          ['options.motion_vector has no "bg_x_pn"; did you mean bg_x_pan?'] = { motion_vector = { bg_x_pn = 1 } } },
        chatgptsb = { ['options has no "explorMode"; did you mean exploreMode?'] = { explorMode = true },
          ['options.gen2Options has no "motionscore"; did you mean motion_score?'] =
            { gen2Options = { motionscore = 5 } } },
      } do
        local client, m = mocked.client({}, { provider = provider })
        for message, wrong in pairs(wrongs) do
          local task, err = client:generate { prompt_text = "x", ratio = "16:9", options = wrong }
          assert.is_nil(task)
          assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
          assert.matches(message, err.message, 1, true)
        end
        m:finish()
      end
    end)

    it("but not what only looks like one", function()
      for _, name in ipairs { "mode", "images", "videos", "prompts", "speed" } do
        assert(order.read(new {}, { prompt_text = "x", [name] = "y" }), name)
      end
    end)

    it("and nothing is sent", function()
      local client, m = mocked.client {}
      local task, err = client:generate(clip { duraton = 10 })
      assert.is_nil(task)
      assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
      m:finish()
    end)
  end)

  describe("with a picture that is none is told nothing that cannot work at", function()
    local TAKES_FILES = { chatgptsb = true, cometapi = true, gateway = true, runwayml = true }
    local TAKES_UPLOADS = { runwayml = true }
    local MODELS = { qimu = "gen3a_turbo", chatgptsb = "gen3a_turbo" }

    for name in pairs(runway.providers) do
      it(name, function()
        for _, picture in ipairs { "a.png", "", "ftp://x.example/a.png", "file:///a.png" } do
          for _, format in ipairs { "none", "official" } do
            local client = mocked.client({}, { provider = name, base_url = "https://api.example" })
            local _, err = client:generate { prompt_text = "x", prompt_image = picture, duration = 5,
              model = MODELS[name] or "gen4_turbo", ratio = name ~= "chatgptsb" and "1280:720" or nil,
              format = name == "cometapi" and format == "official" and format or nil }
            assert.equal("invalid_request", err.kind)
            if not TAKES_FILES[name] then assert.is_nil(err.message:find("runway.file", 1, true), err.message) end
            if not TAKES_UPLOADS[name] then assert.is_nil(err.message:find("runway://", 1, true), err.message) end
            if not picture:find ":" and TAKES_FILES[name] then
              assert.matches("runway.file(path)", err.message, 1, true)
            end
          end
        end
      end)
    end
  end)

  it("with other names goes through, with a warning for those that no one knows", function()
    local logged = {}
    local read = assert(order.read(new(logged, { names = { referenceImages = true } }), {
      prompt_text = "x", direction = "left", generation = 3, mode = "pro", images = {}, reference_images = {},
      negative_prompt = "y", style = "z", referenceImages = nil,
    }))
    assert.equal("left", read.params.direction)
    assert.equal(6, #logged)
    assert.is_nil(table.concat(logged):find("reference", 1, true))
    for _, line in ipairs(logged) do assert.matches("^warning: the parameter [%w_]+ is not known here", line) end
  end)

  it("warns of no name that Runway's own API has", function()
    local logged = {}
    local client = mocked.client({ SUBMIT }, { logger = function(level, message)
      if level == "warning" then logged[#logged + 1] = message end
    end })
    assert(client:generate(clip { content_moderation = { publicFigureThreshold = "low" } }))
    assert.same({}, logged)
  end)

  it("warns of none that an adapter has a place for", function()
    for provider, params in pairs {
      chatgptsb = { model = "gen2", motion_score = 22, explore_mode = true, options = {}, as_team_id = 5 },
      cometapi = { style = "cinematic", options = { seconds = 5 }, image_as_end_frame = true, ratio = "16:9" },
      qimu = { seconds = 5, images = {}, ratio = "16:9" },
      gateway = { watermark = false, content_moderation = {} },
    } do
      local logged = {}
      local mine = assert(session.new(require "runway.providers"[provider], { api_key = "key_0123456789",
        base_url = "https://x.test", transport = {}, logger = function(_, said) logged[#logged + 1] = said end }))
      assert(order.read(mine, params))
      assert.same({}, logged, provider)
    end
  end)

  it("may hold what goes to the API as it is, over all else", function()
    local client, m = mocked.client { SUBMIT }
    local extra = { duraton = 3, modle = { a = { 1, 2 } }, ratio = "9:99" }
    assert(client:generate(clip { extra = extra }))
    local json = m.requests[1].json
    assert.equal(3, json.duraton)
    assert.same({ 1, 2 }, json.modle.a)
    assert.equal("9:99", json.ratio)
    assert.equal("a cat", json.promptText)
    assert.is_nil(json.extra)
  end)

  it("that is misuse raises", function()
    local client, m = mocked.client {}
    for _, wrong in ipairs { { output = 5 }, { output = "" }, { output = { path = "a", overwrite = 1 } },
      { output = { path = "a", overwite = true } }, { output = { pth = "a" } }, { output = { "a" } },
      { extra = "x" }, { extra = { print } }, { extra = { 5 } },
      { deadline = 0 }, { deadline = "5" }, { deadline = math.huge } } do
      assert.has_error(function() client:generate(clip(wrong)) end)
    end
    m:finish()
  end)

  describe("with an output", function()
    local FILM = { "GET https://cdn.example/clip.mp4", body = "a film" }

    it("is refused before paying when that cannot be written", function()
      local there = files:write("a.mp4", "mine")
      local client, m = mocked.client {}
      for _, path in ipairs { there, files:path "none/b.mp4", files.directory } do
        local task, err = client:generate(clip { output = path })
        assert.is_nil(task)
        assert.same({ "io", "no" }, { err.kind, err.sent })
      end
      assert.equal("mine", files:content "a.mp4")
      m:finish()
    end)

    describe("that another task is to write is refused before paying,", function()
      local function again(client, path)
        local task, err = client:generate(clip { output = path })
        assert.is_nil(task)
        assert.same({ "invalid_request", "output_taken", "no" }, { err.kind, err.code, err.sent })
        return err.message
      end

      it("by whatever client, under whatever name, until it is there", function()
        local path = files:path "a.mp4"
        local client = mocked.client { SUBMIT, mocked.task "SUCCEEDED", FILM }
        local other, m = mocked.client { SUBMIT }
        local task = assert(client:generate(clip { output = path }))
        assert.matches("is to be written by task t1 already", again(other, path), 1, true)
        again(other, (path:gsub("/", "//")))
        again(other, (path:gsub("/a.mp4$", "/././a.mp4")))
        assert(task:wait())
        again(other, path)
        assert(task:download())
        os.remove(path)
        assert(other:generate(clip { output = path }))
        assert.equal(1, #m.requests)
      end)

      it("and not when something broke on the way to its submit", function()
        local path = files:path "a.mp4"
        local client, m = mocked.client { SUBMIT }
        m.try = function() error "broken" end
        assert.matches("broken", select(2, pcall(client.generate, client, clip { output = path })))
        m.try = nil
        assert(client:generate(clip { output = path }))
        m:finish()
      end)

      it("and not when memory failed as soon as it was spoken for", function()
        local path = files:path "a.mp4"
        local client, m = mocked.client { SUBMIT }
        local note = scheduler.note
        finally(function() scheduler.note = note end)
        function scheduler.note()
          scheduler.note = note
          error("not enough memory", 0)
        end
        assert.same({ false, "not enough memory" }, { pcall(client.generate, client, clip { output = path }) })
        assert(client:generate(clip { output = path }))
        m:finish()
      end)

      it("while it is being submitted", function()
        local client, m = mocked.client { { "POST /v1/text_to_video", json = { id = "t1" }, delay = 5 } }
        local made, refused = 0, {}
        runway.run(function()
          local jobs = {}
          for i = 1, 3 do
            jobs[i] = runway.spawn(function() return client:generate(clip { output = files:path "a.mp4" }) end)
          end
          for _, job in ipairs(jobs) do
            local task, err = job:join()
            if task then made = made + 1 else refused[#refused + 1] = err.code end
          end
        end)
        assert.equal(1, made)
        assert.same({ "output_taken", "output_taken" }, refused)
        m:finish()
      end)

      it("unless it may be written over", function()
        local client, m = mocked.client { SUBMIT, SUBMIT }
        for _ = 1, 2 do
          assert(client:generate(clip { output = { path = files:path "a.mp4", overwrite = true } }))
        end
        m:finish()
      end)

      it("or the other has failed, was cancelled, is gone, or never came to be", function()
        local path, refusal = files:path "a.mp4", { "POST /v1/text_to_video", status = 400, json = { error = "no" } }
        local gone = { "GET /v1/tasks/t1", status = 404, json = {} }
        local client, m = mocked.client { refusal, SUBMIT, mocked.task "FAILED", SUBMIT,
          { "DELETE /v1/tasks/t1", status = 204 }, SUBMIT, gone, gone, gone, SUBMIT }
        assert.is_nil((client:generate(clip { output = path })))
        assert.is_nil(assert(client:generate(clip { output = path })):wait())
        assert(assert(client:generate(clip { output = path })):cancel())
        assert.is_nil(assert(client:generate(clip { output = path })):wait { timeout = 100 })
        assert(client:generate(clip { output = path }))
        m:finish()
      end)
    end)

    it("is what a download without a path writes, and the API never hears of it", function()
      local client, m = mocked.client { SUBMIT, mocked.task "SUCCEEDED", FILM }
      local task = assert(client:generate(clip { output = files:path "a.mp4" }))
      assert.is_nil(files:content "a.mp4")
      assert(task:wait())
      assert.equal(files:path "a.mp4", assert(task:download()).path)
      assert.equal("a film", files:content "a.mp4")
      assert.is_nil(m.requests[1].json.output)
      m:finish()
    end)

    it("that may be written over is", function()
      files:write("a.mp4", "old")
      local client = mocked.client { SUBMIT, mocked.task "SUCCEEDED", FILM }
      local task = assert(client:generate(clip { output = { path = files:path "a.mp4", overwrite = true } }))
      assert(task:wait())
      assert(task:download())
      assert.equal("a film", files:content "a.mp4")
    end)

    it("is what a download of options alone writes", function()
      local client = mocked.client { SUBMIT, mocked.task "SUCCEEDED", FILM }
      local task = assert(client:generate(clip { output = files:path "a.mp4" }))
      assert(task:wait())
      local file = assert(task:download { receipt = true })
      assert.same({ files:path "a.mp4", files:path "a.mp4.json" }, { file.path, file.receipt })
      local ok, err = pcall(function() task:download { receit = true } end)
      assert.is_false(ok)
      assert.matches("order_spec.lua:%d+: download: unknown option", err)
    end)

    it("and without one, a download must be told where to", function()
      local client = mocked.client { SUBMIT, mocked.task "SUCCEEDED" }
      local task = assert(client:generate(clip()))
      assert(task:wait())
      assert.has_error(function() task:download() end)
    end)
  end)

  it("a script that is run twice does not pay twice", function()
    local function script()
      local client, m = mocked.client { SUBMIT, mocked.task "SUCCEEDED",
        { "GET https://cdn.example/clip.mp4", body = "a film" } }
      local task, err = client:generate(clip { output = files:path "clip.mp4" })
      if task then
        assert(task:wait())
        assert(task:download())
      end
      return task, err, #m.requests
    end
    assert.is_truthy((script()))
    local task, err, requests = script()
    assert.is_nil(task)
    assert.equal("exists", err.code)
    assert.equal(0, requests)
  end)
end)

describe("a deadline", function()
  after_each(mocked.close)

  local function took(client, call)
    local clock = require "runway.clock"
    local before = clock.now()
    local value, err = call(client)
    assert.is_nil(value)
    return clock.now() - before, err
  end

  it("ends a call that only waits to be made again", function()
    local client = mocked.client({ { status = 503, headers = { ["Retry-After"] = "100" }, times = math.huge } },
      { deadline = 150, max_retries = 9 })
    local seconds, err = took(client, function() return client:request { path = "/v1/look" } end)
    assert.is_true(seconds <= 150)
    assert.equal("server", err.kind)
  end)

  it("ends a call that waits for an answer, and one of the call's own goes before the client's", function()
    local client = mocked.client({ { delay = 50, times = 9 } }, { deadline = 40 })
    local seconds, err = took(client, function() return client:request { path = "/v1/look" } end)
    assert.equal(40, math.floor(seconds + 0.5))
    assert.equal("timeout", err.kind)
    seconds = took(client, function() return client:request { path = "/v1/look", deadline = 7 } end)
    assert.equal(7, math.floor(seconds + 0.5))
  end)

  it("ends a wait that was given no time of its own", function()
    local running = { "GET /v1/tasks/t1", json = { id = "t1", status = "RUNNING" }, times = math.huge }
    local client = mocked.client({ running }, { deadline = 40 })
    local seconds, err = took(client, function() return client:task("t1"):wait() end)
    assert.equal(40, math.floor(seconds + 0.5))
    assert.equal("timeout", err.kind)
    seconds = took(client, function() return client:task("t1"):wait { timeout = 90 } end)
    assert.equal(90, math.floor(seconds + 0.5))
  end)

  it("of the client ends a query, and not the wait that was given its own time", function()
    local running = { id = "t1", status = "RUNNING" }
    local client = mocked.client({ { "GET /v1/tasks/t1", json = running, delay = 50, times = 2 },
      { "GET /v1/tasks/t1", json = { id = "t1", status = "SUCCEEDED", output = { "https://x.test/a.mp4" } } } },
      { deadline = 10 })
    assert.equal("SUCCEEDED", assert(client:task("t1"):wait { timeout = 300 }).status)
  end)

  it("that ended what has left no trace says that the call may be made again", function()
    local client = mocked.client({ { delay = 50, times = 9 } }, { deadline = 10 })
    local _, err = took(client, function() return client:request { path = "/v1/look" } end)
    assert.same({ "timeout", true, 1 }, { err.kind, err.retryable, err.attempts })
  end)

  it("lets what has been paid for be answered", function()
    local client = mocked.client({ { "POST /v1/text_to_video", json = { id = "t1" }, delay = 50 } }, { deadline = 10 })
    assert.equal("t1", assert(client:generate(clip())).id)
  end)
end)

describe("in real lines,", function()
  local core = require "runway.core"
  local rawserver = require "spec.support.rawserver"
  local server

  setup(function() server = rawserver.start {} end)
  teardown(function()
    require("spec.support.leftovers").let_end()
    server:stop()
  end)

  local function client(more)
    local options = { api_key = "test", base_url = server:url "", max_in_flight = 1 }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(runway.client(options))
  end

  local function until_seen(fragment)
    local limit = core.now() + 20
    while #server:seen(fragment) == 0 do
      assert(core.now() < limit, "the request never came")
      runway.step(0.01)
    end
  end

  it("a paid request that has not left by its deadline never leaves", function()
    local c = client()
    local first = runway.spawn(function()
      return c:request { method = "POST", path = "/held-body?first", json = {} }
    end)
    until_seen "?first"
    local answer, err = c:request { method = "POST", path = "/held-body?second", json = {}, deadline = 0.05 }
    assert.is_nil(answer)
    assert.same({ "timeout", "no", true }, { err.kind, err.sent, err.retryable })
    server:release()
    assert.equal(200, assert(first:join()).status)
    assert.equal(0, #server:seen "?second")
  end)

  it("a download keeps no query from leaving", function()
    local c = client()
    local files = scratch.new()
    local download = require "runway.download"
    local s = assert(session.new(adapters.own(), { api_key = "test", base_url = server:url "", max_in_flight = 1 }))
    local slow = runway.spawn(function()
      return download.fetch(s, server:url "/held-body?film", files:path "a.mp4", {}, function() end)
    end)
    until_seen "?film"
    local http = require "runway.http"
    assert.equal(200, select(3, http.call(s, { path = "/ok" }, { raw = true })).status)
    slow:cancel()
    server:release()
    c:close()
    files:remove()
  end)
end)
