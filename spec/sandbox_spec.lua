local calls = require "spec.sandbox.calls"
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

describe("the official API of the sandbox", function()
  local function post(app, path, body, now)
    return calls.send(app, "official", "POST", path, body, now)
  end

  local VOICE = { type = "runway-preset", presetId = "Maya" }
  local CLIP, SOUND = "https://a.example/clip.mp4", "https://a.example/sound.mp3"
  local IMAGE = "https://a.example/still.png"
  local KINDS = { -- kind, body, suffixes of what it puts out
    { "image_to_video", { model = "gen4_turbo", promptImage = IMAGE, ratio = "1280:720" }, "mp4" },
    { "text_to_video", { model = "veo3.1", promptText = "a", ratio = "1280:720" }, "mp4" },
    { "video_to_video", { model = "aleph2", videoUri = CLIP }, "mp4" },
    { "video_to_video", { model = "aleph2", videoUri = CLIP, outputFormat = "prores" }, "mov" },
    { "video_to_video", { model = "aleph2", videoUri = CLIP, outputFormat = "png_sequence" },
      "zip wav" },
    { "text_to_image", { model = "gen4_image", promptText = "a", ratio = "1024:1024" }, "png" },
    { "text_to_image", { model = "gpt_image_2", promptText = "a", ratio = "auto", outputCount = 3 },
      "png png png" },
    { "image_upscale", { model = "magnific_precision_upscaler_v2", imageUri = IMAGE }, "png" },
    { "video_upscale", { model = "magnific_video_upscaler_creative", videoUri = CLIP }, "mp4" },
    { "character_performance", {
      model = "act_two", character = { type = "image", uri = IMAGE },
      reference = { type = "video", uri = CLIP },
    }, "mp4" },
    { "sound_effect", { model = "eleven_text_to_sound_v2", promptText = "rain" }, "wav" },
    { "speech_to_speech", { model = "eleven_multilingual_sts_v2", voice = VOICE,
      media = { type = "audio", uri = SOUND } }, "wav" },
    { "text_to_speech", { model = "eleven_v3", promptText = "hi", voice = VOICE }, "wav" },
    { "voice_dubbing", { model = "eleven_voice_dubbing", audioUri = SOUND, targetLang = "fr" },
      "wav" },
    { "voice_isolation", { model = "eleven_voice_isolation", audioUri = SOUND }, "wav" },
    { "recipes/marketing_stock_image", { version = "2026-06", prompt = "a" }, "png png png png" },
    { "recipes/multi_shot_video", { version = "2026-06", mode = "auto", prompt = "a" }, "mp4" },
    { "generate/video", { configId = "mine", input = { promptText = "a" } }, "mp4" },
  }
  local HEADS = {
    mp4 = "^....ftyp", mov = "^....ftyp", png = "^\137PNG", wav = "^RIFF....WAVE", zip = "^PK",
  }

  for _, case in ipairs(KINDS) do
    local model = case[2].model or "no model"
    it(("makes %s of %s with %s"):format(case[3], case[1], model), function()
      local app = calls.app { seconds = 0 }
      local accepted = post(app, "/v1/" .. case[1], case[2])
      assert.equal(200, accepted.status, accepted.body)
      local cost = accepted.json.estimatedCost or accepted.json.routing.estimatedCost
      assert.equal("integer", math.type(cost.credits))
      local task = calls.query(app, calls.official, accepted.json.id, 1).json
      assert.equal(cost.credits, task.cost.credits)
      local suffixes = {}
      for i, url in ipairs(task.output) do
        suffixes[i] = url:match("%.(%w+)%?_jwt=")
        assert.matches(HEADS[suffixes[i]], calls.fetch(app, url, 1).body)
      end
      assert.equal(case[3], table.concat(suffixes, " "))
    end)
  end

  it("cancels with DELETE, after which the task is gone", function()
    local app = calls.app()
    local id = calls.submit(app, calls.official).json.id
    local first = calls.send(app, "official", "DELETE", "/v1/tasks/" .. id, nil, 3)
    assert.same({ 204, "" }, { first.status, first.body })
    local again = calls.send(app, "official", "DELETE", "/v1/tasks/" .. id, nil, 3)
    assert.same({ 404, { error = "Could not find Task" } }, { again.status, again.json })
    assert.equal(404, calls.query(app, calls.official, id, 3).status)
  end)

  it("takes the cost of tasks from the balance, not that of failed ones", function()
    local app = calls.app()
    local function balance(now)
      return calls.send(app, "official", "GET", "/v1/organization", nil, now).json.creditBalance
    end
    local full = balance(0)
    calls.submit(app, calls.official)
    calls.submit(app, calls.official, "fail")
    assert.equal(full - 50, balance(1))
    assert.equal(full - 25, balance(20))
  end)

  it("lists usage by day and model", function()
    local app = calls.app()
    calls.submit(app, calls.official)
    local body = { startDate = "2025-08-06", beforeDate = "2025-08-09" }
    local usage = post(app, "/v1/organization/usage", body, 1).json
    assert.equal(3, #usage.results)
    assert.same({ date = "2025-08-07", usedCredits = { { model = "gen4_turbo", amount = 25 } } },
      usage.results[2])
    assert.equal(0, #usage.results[1].usedCredits)
    body.beforeDate = "2026-08-09"
    assert.equal(400, post(app, "/v1/organization/usage", body, 1).status)
  end)

  it("runs a workflow, whose invocation puts out a map of nodes", function()
    local app = calls.app()
    local list = calls.send(app, "official", "GET", "/v1/workflows").json.data
    local workflow = "/v1/workflows/" .. list[1].versions[1].id
    assert.equal(200, calls.send(app, "official", "GET", workflow).status)
    local id = post(app, workflow, {}).json.id
    local invocation = "/v1/workflow_invocations/" .. id
    local running = calls.send(app, "official", "GET", invocation, nil, 6).json
    assert.same({ "RUNNING", 0.5, {} }, { running.status, running.progress, running.output })
    local done = calls.send(app, "official", "GET", invocation, nil, 11).json
    local _, urls = next(done.output)
    assert.equal(200, calls.fetch(app, urls[1], 11).status)
    assert.equal(404, post(app, "/v1/workflows/none", {}).status)
  end)

  it("routes by a saved config, and misses a missing one", function()
    local app = calls.app()
    local body = { configId = "missing_one", input = { promptText = "a" } }
    local answer = post(app, "/v1/generate/video", body)
    assert.same({ 404, "router_config_not_found" }, { answer.status, answer.json.code })
    body.configId = "my-router"
    assert.equal("my-router", post(app, "/v1/generate/video", body).json.routing.configId)
  end)

  it("lists a voice and its preview", function()
    local app = calls.app()
    local voice = calls.send(app, "official", "GET", "/v1/voices").json.data[1]
    assert.equal("READY", voice.status)
    local same = calls.send(app, "official", "GET", "/v1/voices/" .. voice.id).json
    assert.equal("audio/wav", calls.fetch(app, same.previewUrl).headers["content-type"])
  end)
end)

describe("the answers of resellers", function()
  local function finish(api, shape, scenario)
    local app = calls.app { shape = shape }
    local id = api.id(calls.submit(app, api, scenario).json)
    return calls.query(app, api, id, 1).json, calls.query(app, api, id, 6).json,
      calls.query(app, api, id, 11).json, app
  end

  it("come from the feed wrapped, unless told otherwise", function()
    local queued, running, done = finish(calls.cometapi)
    assert.same({ "success", "", "QUEUED", "0%", 0 },
      { queued.code, queued.message, queued.data.status, queued.data.progress,
      queued.data.start_time })
    assert.same({ "IN_PROGRESS", "RUNNING" }, { running.data.status, running.data.data.status })
    assert.same({ "SUCCESS", "100%", "SUCCEEDED" },
      { done.data.status, done.data.progress, done.data.data.status })
    assert.equal(calls.EPOCH + 10, done.data.finish_time)
  end)

  it("come from the feed flat, with result_url", function()
    local queued, _, done = finish(calls.cometapi, "flat")
    assert.same({ "", "QUEUED" }, { queued.result_url, queued.status })
    assert.same({ nil, "SUCCESS" }, { done.code, done.status })
    assert.matches("^http.*%.mp4", done.result_url)
  end)

  it("come from the feed in duomi's form, all strings", function()
    local queued, running, done = finish(calls.cometapi, "duomi")
    assert.same({ 200, "0" }, { queued.code, queued.data.status })
    assert.equal("1", running.data.status)
    assert.same({ "3", "succeeded" }, { done.data.status, done.data.state })
    assert.matches("^http.*%.mp4", done.data.video_url)
    local _, _, failed = finish(calls.cometapi, "duomi", "fail")
    assert.same({ "2", "320" }, { failed.data.status, failed.data.refund })
    assert.string(failed.data.msg)
  end)

  it("come with the URL in fail_reason from old relays", function()
    local _, _, done = finish(calls.cometapi, "quirk")
    assert.same({ "SUCCESS", nil }, { done.data.status, done.data.data })
    assert.matches("^http.*%.mp4", done.data.fail_reason)
  end)

  it("come raw from the gateway, wrapped, and as Kling's and Luma's", function()
    local _, _, done = finish(calls.gateway)
    assert.same({ "SUCCEEDED", nil }, { done.status, done.cost })
    _, _, done = finish(calls.gateway, "wrapped")
    assert.same({ "success", "SUCCEEDED" }, { done.code, done.data.data.status })

    local queued, running
    queued, running, done = finish(calls.gateway, "kling")
    assert.same({ 0, "submitted", "processing", "succeed" },
      { queued.code, queued.data.task_status, running.data.task_status, done.data.task_status })
    assert.equal("integer", math.type(queued.data.created_at))
    assert.matches("%.mp4", done.data.task_result.videos[1].url)

    queued, running, done = finish(calls.gateway, "luma")
    assert.same({ "pending", nil, "processing", "completed" },
      { queued.state, queued.video, running.state, done.state })
    assert.matches("%.mp4", done.video)
  end)

  it("are to be had of either family of CometAPI", function()
    local app = calls.app { relay = "cometapi" }
    local id = calls.submit(app, calls.cometapi).json.data.task_id
    assert.equal("SUCCEEDED", calls.query(app, calls.gateway, id, 11).json.status)
  end)

  it("of the web shape hold the options that were sent, and nulls", function()
    local app = calls.app()
    local body = calls.body(calls.chatgptsb, { taskType = "europa" })
    local task = calls.send(app, "bearer", "POST", "/runway/tasks", body)
    assert.same({ "gen3a", 5 }, { task.json.task.taskType, task.json.task.options.seconds })
    assert.equal(2, task.json.task.estimatedTimeToStartSeconds)
    assert.matches('"progressRatio":null', task.body, 1, true)
    assert.matches('"artifacts":[]', task.body, 1, true)
    local options = { text_prompt = "on", init_video = "https://a.example/1.mp4",
      extended_from_task_id = task.json.task.id }
    local more = { taskType = "gen3a_turbo", options = options }
    assert.equal(200, calls.send(app, "bearer", "POST", "/runway/tasks", more).status)
  end)

  it("of qimu show the task whole, in local time", function()
    local app = calls.app()
    local task = calls.submit(app, calls.qimu).json
    assert.same({ 0, true, 0 }, { task.code, task.success, task.result.taskStatusCode })
    assert.equal("2025-08-08 04:53:20", task.result.createdTime)
    assert.same({ 0, "http://baidu.com" },
      { task.result.images[1].frameIndex, task.result.images[1].imageOrg })
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
    assert.equal(#wav - 44, (("<I4"):unpack(wav, 41)))
    assert.equal("PK\5\6", files.bytes("frames"):sub(-22, -19))
  end)
end)

describe("runway.sandbox", function()
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
      assert.matches("sandbox_spec.lua:%d+: ", err)
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
