local asked = require "spec.support.asked"
local cometapi = require "runway.providers.cometapi"

local IMAGE, LAST, VIDEO = "https://x.test/a.png", "https://x.test/b.png", "https://x.test/c.mp4"
local STILL = { x = 0, y = 0, z = 0, r = 0, bg_x_pan = 0, bg_y_pan = 0 }

local function file(path)
  return setmetatable({ path = path }, { __name = "runway.file" })
end

local function submit(raw) return asked.submit(cometapi, raw) end
local function sent(raw) return asked.sent(cometapi, raw) end
local function refused(raw, field, words) asked.refused(cometapi, raw, field, words) end

describe("cometapi", function()
  it("says who it is, and puts the key and the version on every request", function()
    assert.equal("https://api.cometapi.com", cometapi.base_url)
    assert.equal("COMETAPI_KEY", cometapi.env.api_key)
    assert.equal(90, cometapi.missing_grace)
    assert.is_nil(cometapi.cancel)
    assert.is_nil(cometapi.upload)
    assert.same({ Authorization = "Bearer sk-1", ["X-Runway-Version"] = "2024-11-06" },
      cometapi.sign("sk-1"))
  end)

  it("offers its kinds in order", function()
    local sorted = {}
    for i, kind in ipairs(cometapi.kinds) do sorted[i] = kind end
    table.sort(sorted)
    assert.same(sorted, cometapi.kinds)
  end)

  describe("asks the pro routes", function()
    it("for the document's example, field by field", function()
      local request = sent {
        prompt_text = "a cat", ratio = "16:9", model = "gen4", duration = 10, style = "cinematic",
        callback_url = "http://baidu.com",
        options = {
          motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0,
            bg_y_pan = 0 },
        },
      }
      assert.equal("POST", request.method)
      assert.equal("/runway/pro/generate", request.path)
      assert.is_nil(request.safe)
      assert.same({
        callback_url = "http://baidu.com", ratio = "16:9", prompt = "a cat", style = "cinematic",
        model = "gen4",
        options = {
          seconds = 10,
          motion_vector = { x = 0, y = 0.3999999999999999, z = 0, r = -6, bg_x_pan = 0,
            bg_y_pan = 0 },
        },
      }, request.json)
      assert.equal("integer", math.type(request.json.options.seconds))
      assert.equal(0.3999999999999999, request.json.options.motion_vector.y)
    end)

    it("with all that the wrapper requires when only a text is given", function()
      assert.same({
        prompt = "a cat", model = "gen4", callback_url = "https://callback.invalid/",
        options = { seconds = 5, motion_vector = STILL },
      }, sent { prompt = "a cat" }.json)
    end)

    it("for a text clip in words and for an image clip in pixels", function()
      assert.equal("16:9", sent { prompt = "a", ratio = "1280:720" }.json.ratio)
      assert.equal("9:16", sent { prompt = "a", ratio = "720:1280" }.json.ratio)
      assert.equal("1:1", sent { prompt = "a", ratio = "1:1" }.json.ratio)
      assert.equal("1280:720", sent { image = IMAGE, ratio = "16:9" }.json.ratio)
      assert.equal("720:1280", sent { image = IMAGE, ratio = "9:16" }.json.ratio)
    end)

    it("with the first and the last image under their names", function()
      local request = sent {
        prompt = "smile", model = "gen4_turbo", duration = 5, seed = 42,
        image = { { uri = LAST, position = "last" }, { uri = IMAGE, position = "first" } },
      }
      assert.equal("/runway/pro/generate", request.path)
      assert.same({
        prompt = "smile", model = "gen4_turbo", image = IMAGE, last_image = LAST, seed = 42,
        callback_url = "https://callback.invalid/",
        options = { seconds = 5, motion_vector = STILL },
      }, request.json)
      local unplaced = sent { image = { IMAGE, LAST } }.json
      assert.equal(IMAGE, unplaced.image)
      assert.equal(LAST, unplaced.last_image)
    end)

    it("to redraw a video", function()
      local request = sent {
        video = VIDEO, prompt = "as a painting",
        options = { structure_transformation = 0.5, flip = false },
      }
      assert.equal("/runway/pro/video2video", request.path)
      assert.same({
        video = VIDEO, prompt = "as a painting", model = "gen4",
        callback_url = "https://callback.invalid/",
        options = { structure_transformation = 0.5, flip = false, seconds = 5 },
      }, request.json)
    end)

    it("to move a character", function()
      local body = { video = VIDEO, image = IMAGE, callback_url = "https://callback.invalid/" }
      local request = sent { character = { type = "image", uri = IMAGE }, reference = VIDEO }
      assert.equal("/runway/pro/act_one", request.path)
      assert.same(body, request.json)
      assert.same(body, sent { character = IMAGE, reference = { type = "video",
        uri = VIDEO } }.json)
      assert.same(body, sent { kind = "character_performance", image = IMAGE, video = VIDEO }.json)
      refused({ prompt = "" }, "prompt_text", "needs prompt_text")
      refused({ prompt = "", kind = "text_to_image", model = "gen4_image", ratio = "1920:1080" }, "prompt_text",
        "needs prompt_text")
      refused({ kind = "character_performance", image = IMAGE }, "reference", "needs reference")
      refused({ kind = "character_performance", video = VIDEO }, "character", "needs character")
      refused({ character = VIDEO, reference = VIDEO }, "character", 'format = "official"')
      refused({ character = IMAGE, reference = VIDEO, duration = 5 }, "duration", "no duration")
      refused({ kind = "character_performance", image = { IMAGE, LAST }, video = VIDEO }, "prompt_image",
        "one image")
    end)

    it("with a character said once", function()
      for _, format in ipairs { "pro", "official" } do
        for name, raw in pairs { prompt_image = { character = IMAGE, reference = VIDEO, image = LAST },
          prompt_video = { character = IMAGE, reference = VIDEO, video = VIDEO } } do
          raw.format = format
          local request, problem = submit(raw)
          assert.is_nil(request)
          assert.equal(name, problem.field)
          assert.is_true(problem.misuse)
        end
      end
    end)

    it("with every key it does not know, top level and nested, as it came", function()
      local json = sent {
        prompt = "a", some_new_knob = 3, options = { camelKey = { deep_key = true } },
        key = "shot-1", kind = "text_to_video", format = "pro",
      }.json
      assert.equal(3, json.some_new_knob)
      assert.same({ deep_key = true }, json.options.camelKey)
      assert.is_nil(json.key)
      assert.is_nil(json.kind)
      assert.is_nil(json.format)
    end)

    it("with an unknown model and whatever goes with it", function()
      local json = sent { prompt = "a", model = "gen9", ratio = "5:4", duration = 7 }.json
      assert.equal("gen9", json.model)
      assert.equal("5:4", json.ratio)
      assert.equal(7, json.options.seconds)
    end)

    it("with a warning for a value that its list does not have", function()
      for warning, given in pairs {
        ['gen4: ratio "4:3" is not among those known (16:9, 9:16 or 1:1)'] = { prompt = "a", ratio = "4:3" },
        ['gen4: ratio "1:1" is not among those known (1280:720 or 720:1280)'] = { image = IMAGE, ratio = "1:1" },
        ['gen4: ratio "16x9" is not among those known (16:9, 9:16 or 1:1) (did you mean 16:9?); it goes'] =
          { prompt = "a", ratio = "16x9" },
        ["gen4: duration 7 is not among those known (5 or 10)"] = { image = IMAGE, options = { seconds = 7 } },
        ["gen4_turbo: duration 7 is not among those known (5 or 10)"] =
          { format = "official", image = IMAGE, ratio = "1280:720", duration = 7 },
        ['gen4_turbo: ratio "1:1" is not among those known (1280:720, '] =
          { format = "official", image = IMAGE, ratio = "1:1" },
      } do
        local warnings = sent(given).warnings
        assert.equal(1, #warnings)
        assert.equal(warning, warnings[1]:sub(1, #warning))
      end
      assert.is_nil(sent { prompt = "a", ratio = "16:9", duration = 10 }.warnings)
    end)

    it("only when nothing given is known to be refused", function()
      refused({ prompt = "a", duration = -5 }, "duration", "more than 0")
      refused({ prompt = "a", duration = "auto" }, "duration", 'not "auto"')
      refused({ prompt = "a", model = "gen9", duration = 0 }, "duration", "more than 0")
      refused({ kind = "text_to_video" }, "prompt_text", "needs prompt_text")
      refused({ kind = "video_to_video" }, "prompt_video", "needs prompt_video")
      refused({ kind = "image_to_video" }, "prompt_image", "needs a first image")
      refused({ image = { { uri = LAST, position = "last" } } }, "prompt_image", "first image")
      refused({ image = { IMAGE, LAST, IMAGE } }, "prompt_image", "at most two")
      refused({ image = { { uri = IMAGE, position = "middle" } } }, "prompt_image", '"middle"')
      refused({ kind = "text_to_video", prompt = "a", image = IMAGE }, "prompt_image",
        "no prompt_image")
      refused({ kind = "voice_dubbing" }, "kind", "has no voice_dubbing")
      refused({ prompt = "a", format = "oficial" }, "format", '"oficial"')
      local _, problem = submit { prompt = "a", duration = 5, options = { seconds = 10 } }
      assert.equal("duration", problem.field)
      _, problem = submit { prompt = "a", options = { 1, 2 } }
      assert.is_true(problem.misuse)
    end)

    it("for nothing that is on this machine: that goes by the official form", function()
      for _, uri in ipairs { file "/tmp/a.png", "data:image/png;base64,AAAA" } do
        local request = assert(submit { image = uri, ratio = "1280:720", model = "gen4_turbo" })
        assert.equal("/runwayml/v1/image_to_video", request.path)
        assert.equal("official", request.format)
        assert.equal(uri, request.json.promptImage)
        assert.equal(5242880,
          cometapi.media("image_to_video", { prompt_image = { { uri = uri } } }).image)
      end
      assert.equal("/runway/pro/generate", assert(submit { image = IMAGE }).path)
    end)

    it("with URLs only, and says what else there is", function()
      for _, uri in ipairs { file "/tmp/a.png", "data:image/png;base64,AAAA", "runway://x" } do
        local pro = { format = "pro", image = uri }
        refused(pro, "prompt_image", 'use an https URL, or format = "official"')
        refused({ format = "pro", video = uri }, "prompt_video", 'use an https URL, or format = "official"')
        refused({ format = "pro", character = uri, reference = VIDEO }, "character", "only character URLs")
      end
      for _, uri in ipairs { "ftp://x.example/a.png", "file:///a.png", "s3://bucket/a.png" } do
        refused({ image = uri }, "prompt_image", "use an https URL")
        assert.not_matches("official", select(2, submit { image = uri }).message)
      end
      local _, problem = submit { format = "pro", image = "data:image/png;base64,SECRETBYTES" }
      assert.not_matches("SECRETBYTES", problem.message)
      assert.same({}, cometapi.media("image_to_video", {}))
      assert.same({}, cometapi.media("text_to_video"))
    end)
  end)

  describe("asks the official form", function()
    it("with Runway's own body", function()
      local request = sent {
        format = "official", prompt = "a cat", image = IMAGE, model = "gen4_turbo",
        ratio = "16:9", duration = 5, seed = 42,
          content_moderation = { publicFigureThreshold = "low" },
      }
      assert.equal("/runwayml/v1/image_to_video", request.path)
      assert.equal("official", request.format)
      assert.same({
        promptText = "a cat", promptImage = IMAGE, model = "gen4_turbo", ratio = "1280:720",
        duration = 5, seed = 42, contentModeration = { publicFigureThreshold = "low" },
      }, request.json)
    end)

    it("with files and data URIs, up to the documented length", function()
      local picture = file "/tmp/a.png"
      assert.equal(picture, sent { format = "official", image = picture,
        ratio = "16:9" }.json.promptImage)
      assert.equal(5242880, cometapi.media("image_to_video", { format = "official" }).image)
      assert.equal(5242880, cometapi.media("text_to_image", {}).image)
    end)

    it("but not with what Runway refuses whoever asks", function()
      local long = "data:image/png;base64," .. ("A"):rep(5242880)
      refused({ format = "official", image = long }, "prompt_image", "5242880")
      refused({ format = "official", image = "http://x.test/a.png" }, "prompt_image", "https://")
      refused({ model = "gen4_aleph", video = "ftp://x.test/v.mp4" }, "prompt_video", "https://")
    end)

    it("with two images as the document's array", function()
      assert.same({ { uri = IMAGE, position = "first" }, { uri = LAST, position = "last" } },
        sent { format = "official", model = "gen3a_turbo", image = { IMAGE,
          LAST } }.json.promptImage)
      refused({ format = "official", image = { IMAGE, LAST }, ratio = "16:9" }, "prompt_image",
        "gen4_turbo")
    end)

    it("for the kinds that only it has, without being told", function()
      local request = sent { kind = "text_to_image", prompt = "a", image = IMAGE, ratio = "16:9" }
      assert.equal("/runwayml/v1/text_to_image", request.path)
      assert.equal("official", request.format)
      assert.same({ promptText = "a", model = "gen4_image", ratio = "1280:720",
        referenceImages = { { uri = IMAGE } } },
        request.json)
      request = sent { kind = "video_upscale", video = VIDEO }
      assert.equal("/runwayml/v1/video_upscale", request.path)
      assert.same({ model = "upscale_v1", videoUri = VIDEO }, request.json)
      request = sent { kind = "sound_effect", prompt = "rain", duration = 3 }
      assert.same({ model = "eleven_text_to_sound_v2", promptText = "rain", duration = 3 },
        request.json)
      local voice = { type = "runway-preset", presetId = "Maya" }
      request = sent { kind = "text_to_speech", prompt = "hello", voice = voice }
      assert.same({ model = "eleven_multilingual_v2", promptText = "hello", voice = voice },
        request.json)
      refused({ kind = "sound_effect", prompt = "rain", format = "pro" }, "format", "official")
    end)

    it("for the models that only it has, without being told", function()
      local request = sent { video = VIDEO, prompt = "in snow", model = "gen4_aleph",
        ratio = "16:9" }
      assert.equal("/runwayml/v1/video_to_video", request.path)
      assert.equal("official", request.format)
      assert.same({ videoUri = VIDEO, promptText = "in snow", model = "gen4_aleph",
        ratio = "1280:720" },
        request.json)
      assert.same({ { type = "image", uri = IMAGE } }, sent { video = VIDEO, prompt = "in snow",
        model = "gen4_aleph", image = IMAGE }.json.references)
      request = sent { model = "act_two", character = VIDEO, reference = VIDEO,
        body_control = true }
      assert.equal("/runwayml/v1/character_performance", request.path)
      assert.same({
        model = "act_two", bodyControl = true, character = { type = "video", uri = VIDEO },
        reference = { type = "video", uri = VIDEO },
      }, request.json)
    end)

    it("only when nothing given is known to be refused", function()
      local long = ("a"):rep(513)
      refused({ format = "official", image = IMAGE, prompt = long }, "prompt_text", "512")
      refused({ kind = "image_to_video", format = "official", image = IMAGE, video = VIDEO, ratio = "16:9" },
        "prompt_video", "no prompt_video for image_to_video")
      refused({ kind = "sound_effect", prompt = "rain", image = IMAGE }, "prompt_image", "no prompt_image")
      refused({ kind = "video_upscale", image = IMAGE, video = VIDEO }, "prompt_image", "no prompt_image")
      refused({ model = "gen4_aleph", video = VIDEO, prompt = ("a"):rep(1001) }, "prompt_text",
        "1000")
      assert.equal(long, sent { format = "official", model = "new", image = IMAGE,
        prompt = long }.json.promptText)
      refused({ format = "official", image = IMAGE, seed = 1000000000 }, "seed", "999999999")
      refused({ format = "official", image = IMAGE, callback_url = "https://x.test/" },
        "callback_url", "no callback")
      refused({ format = "official", image = IMAGE }, "ratio", "needs ratio for gen4_turbo")
      refused({ video = VIDEO, model = "gen4_aleph" }, "prompt_text", "needs prompt_text")
      refused({ kind = "text_to_image", prompt = "a", ratio = "16:9" }, "reference_images",
        "reference_images")
      refused({ kind = "text_to_image", image = IMAGE }, "prompt_text", "needs prompt_text")
      refused({ kind = "text_to_video", format = "official", prompt = "a" }, "model",
        "needs a model")
    end)
  end)

  describe("asks how a task stands", function()
    it("at the feed, with a POST that costs nothing", function()
      local request = cometapi.query { id = "t-1", kind = "image_to_video" }
      assert.same({ method = "POST", path = "/runway/feed", json = { task_id = "t-1" },
        safe = true },
        request)
      assert.same(request, cometapi.query { id = "t-1" })
    end)

    it("in the official form where it was submitted so, or has to be", function()
      local request = { method = "GET", path = "/runwayml/v1/tasks/t%2F1" }
      assert.same(request, cometapi.query { id = "t/1", kind = "image_to_video",
        format = "official" })
      assert.same(request, cometapi.query { id = "t/1", kind = "video_upscale" })
    end)
  end)
end)
