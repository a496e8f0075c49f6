local asked = require "spec.support.asked"
local params = require "runway.params"
local runwayml = require "runway.providers.runwayml"

local IMG, IMG2 = "https://example.com/a.png", "https://example.com/b.png"
local VID = "https://example.com/a.mp4"

local function file(path) return setmetatable({ path = path }, { __name = "runway.file" }) end

local function submit(kind, raw) return asked.submit(runwayml, raw, kind) end

-- The JSON body of a request that the advice lets through.
local function sent(kind, raw) return asked.json(runwayml, "/v1/" .. kind, raw, kind) end

local function refused(kind, raw, pattern, field)
  local request, problem = submit(kind, raw)
  assert.is_nil(request)
  assert.is_nil(problem.misuse)
  assert.equal("invalid_request", problem.kind)
  assert.matches(pattern, problem.message)
  if field then assert.equal(field, problem.field) end
end

describe("runwayml submit", function()
  it("makes the official image_to_video request of gen4_turbo, field by field", function()
    local given = assert(params.normalise {
      prompt_text = "a lighthouse in fog, slow dolly in", prompt_image = IMG,
      model = "gen4_turbo", ratio = "1280:720", duration = 5.0, seed = 42, key = "shot-012",
      kind = "image_to_video", format = "official",
      content_moderation = { publicFigureThreshold = "auto" },
    })
    local request = runwayml.submit("image_to_video", given)
    assert.same({
      method = "POST", path = "/v1/image_to_video",
      json = {
        model = "gen4_turbo", promptText = "a lighthouse in fog, slow dolly in",
        promptImage = IMG, ratio = "1280:720", duration = 5, seed = 42,
        contentModeration = { publicFigureThreshold = "auto" },
      },
    }, request)
    assert.equal("integer", math.type(request.json.duration))
    assert.equal("integer", math.type(request.json.seed))
  end)

  it("leaves the params as they were, so that the same can be asked twice", function()
    local given = assert(params.normalise { model = "veo3.1", ratio = "16:9",
      prompt_image = { IMG, IMG2 } })
    local first = runwayml.submit("image_to_video", given).json
    assert.same({ { uri = IMG }, { uri = IMG2 } }, given.prompt_image)
    assert.equal("16:9", given.ratio)
    assert.same(first, runwayml.submit("image_to_video", given).json)
  end)

  it("needs a model, and names those of the kind that are still offered", function()
    refused("video_to_video", { prompt_video = VID },
      "video_to_video needs a model: aleph2, gemini_omni_flash, gemini_omni_flash_1.1, hailuo3, .*seedance2_mini$",
      "model")
    local _, problem = submit("image_to_video", { prompt_image = IMG })
    assert.is_nil(problem.message:find("gen3a_turbo", 1, true))
  end)

  it("lets a model through that it does not know, with whatever is asked of it", function()
    assert.same({ model = "gen9", promptText = ("x"):rep(90000), promptImage = IMG,
      ratio = "16:9", duration = 5.5, seed = 2^53, newOption = { snake_case = { 1, false } } },
      sent("image_to_video", { model = "gen9", prompt_text = ("x"):rep(90000), prompt_image = IMG,
        ratio = "16:9", duration = 5.5, seed = 2^53, new_option = { snake_case = { 1, false } } }))
  end)

  it("passes on fields that a known model does not list, nested tables verbatim", function()
    local json = sent("image_to_video", { model = "seedance2", prompt_image = IMG,
      camera_motion = { start_frame = 1 }, alreadyCamel = true })
    assert.same({ start_frame = 1 }, json.cameraMotion)
    assert.is_true(json.alreadyCamel)
  end)

  it("has no callbacks, and says so", function()
    refused("text_to_video", { model = "gen9", prompt_text = "x", callback_url = "https://me/cb" },
      "runwayml has no callbacks", "callback_url")
  end)

  it("knows its kinds", function()
    refused("image_to_vido", { model = "gen4_turbo" },
      'no kind "image_to_vido" %(did you mean image_to_video%?%)', "kind")
    refused("poem", { model = "gen4_turbo" }, "it has character_performance, image_to_video",
      "kind")
  end)

  it("tells a model asked for the wrong kind, unless it has left the document", function()
    refused("text_to_video", { model = "gen4_turbo", prompt_text = "x" },
      "gen4_turbo does not make text_to_video but image_to_video; that is made by gemini_omni",
      "model")
    assert.is_table(sent("video_to_video",
      { model = "veo3", prompt_text = "x", prompt_video = VID }))
  end)

  it("picks the kind of a model that makes only one", function()
    local expected = { gen4_image = "text_to_image", act_two = "character_performance",
      gen4_turbo = "image_to_video", aleph2 = "video_to_video", upscale_v1 = "video_upscale",
      magnific_precision_upscaler_v2 = "image_upscale", eleven_v3 = "text_to_speech",
      gen4_aleph = "video_to_video", gen3a_turbo = "image_to_video" }
    for model, kind in pairs(expected) do
      assert.equal(kind, runwayml.kind_of { model = model })
    end
    for _, model in ipairs { "gen4.5", "veo3.1", "seedance2", "seed_audio", "gen9" } do
      assert.is_nil(runwayml.kind_of { model = model })
    end
    assert.is_nil(runwayml.kind_of {})
  end)

  describe("images", function()
    it("are one plain address when there is one first frame", function()
      local f = file "a.png"
      for _, given in ipairs { IMG, { IMG }, { uri = IMG },
        { { uri = IMG, position = "first" } } } do
        for _, model in ipairs { "gen4_turbo", "veo3.1", "gen9" } do
          assert.equal(IMG, sent("image_to_video",
            { model = model, ratio = "1280:720", prompt_image = given }).promptImage)
        end
      end
      assert.equal(f, sent("image_to_video",
        { model = "gen4_turbo", ratio = "1280:720", prompt_image = f }).promptImage)
    end)

    it("are a list otherwise, with the positions that were left out", function()
      local function images(model, list)
        return sent("image_to_video", { model = model, prompt_text = "x", ratio = model:find("veo")
          and "1280:720" or nil, prompt_image = list }).promptImage
      end
      local both = { { uri = IMG, position = "first" }, { uri = IMG2, position = "last" } }
      assert.same(both, images("veo3.1", { IMG, IMG2 }))
      assert.same(both, images("veo3.1", { IMG, { uri = IMG2, position = "last" } }))
      assert.same(both, images("veo3.1", both))
      assert.same({ { uri = IMG, position = "last" }, { uri = IMG2, position = "first" } },
        images("gen3a_turbo", { { uri = IMG, position = "last" }, IMG2 }))
      assert.same({ { uri = IMG, position = "last" }, { uri = IMG2, position = "first" } },
        images("veo3.1", { IMG, { uri = IMG2, position = "first" } }))
      assert.same({ { uri = IMG, position = "last" } },
        images("gen3a_turbo", { { uri = IMG, position = "last" } }))
      assert.same({ { uri = IMG, position = "first", crop = true } },
        images("veo3.1", { { uri = IMG, crop = true } }))
      -- without a position these are references, which frames must not become
      assert.same({ { uri = IMG }, { uri = IMG2 } }, images("seedance2", { IMG, IMG2 }))
      assert.same({ { uri = IMG, position = "first" } },
        images("seedance2", { { uri = IMG, position = "first" } }))
      assert.same({ { uri = IMG }, { uri = IMG2 } }, images("gen9", { IMG, IMG2 }))
    end)

    it("are counted, and their positions checked", function()
      local function no(model, list, pattern)
        refused("image_to_video", { model = model, ratio = "1280:720", prompt_text = "x",
          prompt_image = list }, pattern, "prompt_image")
      end
      local function at(...)
        local list = {}
        for i, position in ipairs { ... } do list[i] = { uri = IMG, position = position } end
        return list
      end
      no("gen4_turbo", { IMG, IMG2 }, "gen4_turbo takes at most 1 prompt_image, not 2")
      no("veo3.1", { IMG, IMG, IMG }, "at most 2 prompt_image, not 3")
      no("veo3.1", at("first", "first"), 'takes one prompt_image at position "first"')
      no("veo3.1", at("last"), 'needs a "first" prompt_image beside the "last" one')
      no("veo3.1", at("last", "last"), 'takes one prompt_image at position "last"')
      no("seedance2", { IMG, { uri = IMG2, position = "last" } }, "all with a position")
      local ten = {}
      for i = 1, 10 do ten[i] = IMG end
      refused("image_to_video", { model = "hailuo3", prompt_text = "x", prompt_image = ten },
        "hailuo3 takes at most 9 prompt_image, not 10")
    end)

    it("are references where a model has no frames", function()
      assert.same({ { uri = IMG }, { uri = IMG2, tag = "boat" } }, sent("text_to_image", {
        model = "gen4_image", prompt_text = "x", ratio = "1024:1024",
        prompt_image = { IMG, { uri = IMG2, tag = "boat" } } }).referenceImages)
      assert.same({ { uri = IMG } }, sent("video_to_video",
        { model = "seedance2", prompt_video = VID, prompt_image = IMG }).references)
      assert.same({ { type = "image", uri = IMG } }, sent("video_to_video", {
        model = "gen4_aleph", prompt_text = "x", prompt_video = VID, prompt_image = IMG,
      }).references)
      assert.same({ { uri = IMG } }, sent("text_to_video",
        { model = "seedance2", prompt_text = "x", prompt_image = IMG }).references)
    end)

    it("are refused where they would be paid for and not seen", function()
      refused("text_to_video", { model = "gen4.5", prompt_text = "x", ratio = "1280:720",
        duration = 5, prompt_image = IMG }, "gen4.5 takes no prompt_image in text_to_video")
      refused("video_to_video", { model = "aleph2", prompt_video = VID, prompt_image = IMG },
        "aleph2 takes no prompt_image")
      refused("image_to_video", { model = "gen4_turbo", ratio = "1280:720", prompt_image = IMG,
        prompt_video = VID }, "gen4_turbo takes no prompt_video in image_to_video")
      refused("image_upscale", { model = "magnific_precision_upscaler_v2",
        prompt_image = { IMG, IMG2 } }, "takes one prompt_image, not 2")
    end)
  end)

  describe("videos", function()
    it("go where an unknown model most likely takes them", function()
      assert.equal(VID, sent("video_to_video", { model = "gen9", prompt_video = VID }).videoUri)
      assert.equal(VID, sent("video_to_video", { model = "gen9", promptVideo = VID }).promptVideo)
    end)

    it("fill whatever a performance lacks", function()
      local hero = { type = "image", uri = IMG }
      local video = { type = "video", uri = VID }
      assert.same({ model = "act_two", character = hero, reference = video },
        sent("character_performance", { model = "act_two", character = hero, prompt_video = VID }))
      local acted = { type = "video", uri = "https://example.com/b.mp4" }
      assert.same({ model = "act_two", character = video, reference = acted },
        sent("character_performance", { model = "act_two", reference = acted, prompt_video = VID }))
    end)

    it("never replace what the caller put there himself", function()
      for _, case in ipairs {
        { "video_to_video", { model = "aleph2", prompt_video = VID, video_uri = VID },
          "prompt_video and video_uri are the same" },
        { "character_performance", { model = "act_two", prompt_image = IMG,
          character = { type = "image", uri = IMG } }, "prompt_image and character are the same" },
        { "text_to_image", { model = "gen4_image", prompt_text = "x", ratio = "1:1",
          prompt_image = IMG, reference_images = { { uri = IMG } } },
          "prompt_image and reference_images are the same" },
      } do
        local request, problem = submit(case[1], case[2])
        assert.is_nil(request)
        assert.is_true(problem.misuse)
        assert.matches(case[3], problem.message)
      end
    end)
  end)

  it("takes 16:9 for 1280:720 and back, where the model knows only the other", function()
    local function ratio(model, given)
      return sent("image_to_video",
        { model = model, prompt_text = "x", prompt_image = IMG, ratio = given }).ratio
    end
    assert.equal("1280:720", ratio("gen4_turbo", "16:9"))
    assert.equal("720:1280", ratio("gen4_turbo", "9:16"))
    assert.equal("16:9", ratio("hailuo3", "1280:720"))
    assert.equal("9:16", ratio("hailuo3", "9:16"))
    assert.equal("16:9", ratio("gen9", "16:9"))
  end)

  it("sends an empty list where the model takes a list", function()
    local before, marked = package.loaded["runway.json"], {}
    package.loaded["runway.json"] = { array = function(t) marked[t] = true return t end }
    local json = sent("video_to_video",
      { model = "seedance2", prompt_video = VID, references = {}, other = {} })
    package.loaded["runway.json"] = before
    assert.is_true(marked[json.references])
    assert.is_nil(marked[json.other])
  end)

  it("sends null where the caller says null", function()
    local before, null = package.loaded["runway.json"], io.stderr
    package.loaded["runway.json"] = { null = null }
    local ok, message = pcall(function()
      local json = sent("image_to_video", { model = "gen4_turbo", ratio = "1280:720",
        prompt_image = null, seed = null, duration = null, callback_url = null })
      assert.same({ model = "gen4_turbo", ratio = "1280:720", promptImage = null, seed = null,
        duration = null }, json)
      assert.equal(null, sent("video_to_video", { model = "aleph2", prompt_video = null }).videoUri)
    end)
    package.loaded["runway.json"] = before
    assert.is_true(ok, message)
  end)
end)
