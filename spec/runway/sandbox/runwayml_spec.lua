local calls = require "spec.runway.sandbox.calls"

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
  it("asks what the price list says, so that an estimate and a budget hold there", function()
    local app = calls.app { seconds = 0 }
    for credits, body in pairs {
      [60] = { model = "gen4.5", promptText = "a", ratio = "1280:720", duration = 5 },
      [160] = { model = "veo3.1", promptText = "a", ratio = "1280:720", duration = 4, audio = true },
    } do
      assert.equal(credits, post(app, "/v1/text_to_video", body).json.estimatedCost.credits)
    end
  end)

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

  it("shows of a task what its status has, and no more", function()
    local app = calls.app()
    local function names(scenario, now)
      local id = calls.submit(app, calls.official, scenario, 0).json.id
      local list = {}
      for name in pairs(calls.query(app, calls.official, id, now).json) do list[#list + 1] = name end
      table.sort(list)
      return table.concat(list, " ")
    end
    assert.equal("createdAt estimatedCost id status", names("success", 1))
    assert.equal("createdAt estimatedCost id status", names("throttle", 5))
    assert.equal("createdAt estimatedCost id progress status", names("success", 5))
    assert.equal("cost createdAt id output status", names("success", 10))
    assert.equal("cost createdAt failure failureCode id status", names("fail", 10))
    assert.equal("cost createdAt id status", names("cancelled", 10))
    local id = calls.submit(app, calls.official, "cancelled", 0).json.id
    assert.same({ credits = 0 }, calls.query(app, calls.official, id, 10).json.cost)
  end)

  it("lets progress rise, and stay below 1 until the end", function()
    local app, last = calls.app(), -1
    local id = calls.submit(app, calls.official).json.id
    for tenth = 20, 99 do
      local progress = calls.query(app, calls.official, id, tenth / 10).json.progress
      assert.is_true(progress >= last and progress < 1)
      last = progress
    end
    assert.is_true(last > 0.9)
  end)

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
    local organization = calls.send(app, "official", "GET", "/v1/organization").json
    assert.equal(1, organization.usage.models.gen4_turbo.dailyGenerations)
    assert.equal(0, organization.usage.models.act_two.dailyGenerations)
    calls.submit(app, calls.official, "fail")
    assert.equal(full - 50, balance(1))
    assert.equal(full - 25, balance(20))
  end)

  it("runs as many tasks of a model at once as the organization may, and holds others until there is room", function()
    local app, ids = calls.app(), {}
    local tier = calls.send(app, "official", "GET", "/v1/organization").json.tier.models
    local most = tier.gen4_turbo.maxConcurrentGenerations
    local function status(i, now) return calls.query(app, calls.official, ids[i], now).json.status end
    for i = 1, most + 3 do
      ids[i] = calls.submit(app, calls.official, i == 2 and "stall" or nil).json.id
    end
    assert.same({ "RUNNING", "THROTTLED", "THROTTLED" }, { status(most, 5), status(most + 1, 5), status(most + 2, 5) })
    local body = { model = "gen4.5", promptText = "a", ratio = "1280:720", duration = 5 }
    local other = post(app, "/v1/text_to_video", body, 5).json.id
    assert.equal("PENDING", calls.query(app, calls.official, other, 5).json.status)
    calls.send(app, "official", "DELETE", "/v1/tasks/" .. ids[1], nil, 6)
    assert.same({ "PENDING", "THROTTLED" }, { status(most + 1, 6), status(most + 2, 6) })
    calls.send(app, "official", "DELETE", "/v1/tasks/" .. ids[most + 2], nil, 6)
    assert.same({ "SUCCEEDED", "PENDING", "RUNNING" }, { status(most, 11), status(most + 3, 11), status(2, 11) })
    assert.equal("SUCCEEDED", status(most + 3, 21))
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
    for _, day in ipairs { "2025-11-05", "2025-08-05", "2025-02-29", "2025-13-01", "soon" } do
      body.beforeDate = day
      assert.equal(400, post(app, "/v1/organization/usage", body, 1).status, day)
    end
    body.beforeDate = "2025-11-04" -- 90 days later
    assert.equal(90, #post(app, "/v1/organization/usage", body, 1).json.results)
    assert.equal(30, #post(app, "/v1/organization/usage", {}, 1).json.results)
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
    body.dryRun = true
    local plan = post(app, "/v1/generate/video", body)
    assert.same({ 200, "gen4.5" }, { plan.status, plan.json.routing.model })
    assert.is_nil(plan.json.id)
    assert.equal(1, #app.tasks)
  end)

  it("lists a voice and its preview", function()
    local app = calls.app()
    local voice = calls.send(app, "official", "GET", "/v1/voices").json.data[1]
    assert.equal("READY", voice.status)
    local same = calls.send(app, "official", "GET", "/v1/voices/" .. voice.id).json
    assert.equal("audio/wav", calls.fetch(app, same.previewUrl).headers["content-type"])
  end)
end)
