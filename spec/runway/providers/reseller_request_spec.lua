-- What resellers' adapters share on the way out; the bodies they make are in their own specs.

local files = require "runway.files"
local json = require "runway.json"
local reseller_request = require "runway.providers.reseller_request"

local IMAGE, LAST, VIDEO = "https://x.test/a.png", "https://x.test/b.png", "https://x.test/a.mp4"

describe("reseller_request", function()
  it("parts the neutral names from the rest, and leaves out its own", function()
    local given, rest = reseller_request.split { prompt_text = "a", kind = "x", key = "k", format = "f",
      seed = json.null,
      motion = 5 }
    assert.same({ prompt_text = "a" }, given)
    assert.same({ motion = 5 }, rest)
  end)

  it("refuses what cannot be right for a known model, and lets an unknown one through", function()
    local limits = { models = { "gen4" }, model = "gen4", prompt = 3, durations = { 5, 10 }, seed = 7 }
    for field, given in pairs { prompt_text = { prompt_text = "abcd" }, seed = { seed = 8 } } do
      assert.equal(field, reseller_request.refusal("it", given, limits, {}).field)
      given.model = "new"
      assert.is_nil(reseller_request.refusal("it", given, limits, {}))
    end
    for _, model in ipairs { "gen4", "new" } do
      assert.equal("duration", reseller_request.refusal("it", { duration = 0, model = model }, limits, {}).field)
    end
    local problem = reseller_request.refusal("it", { duration = -6 }, limits, {})
    assert.matches("5 or 10 seconds, not -6", problem.message, 1, true)
  end)

  it("warns of a value that a known model's list does not have", function()
    local limits = { models = { "gen4" }, model = "gen4", ratios = { "16:9" }, durations = { 5, 10 } }
    local warnings = {}
    assert.is_nil(reseller_request.refusal("it", { duration = 6, ratio = "1:1" }, limits, warnings))
    assert.same({ 'gen4: ratio "1:1" is not among those known (16:9); it goes to the API as it is',
      "gen4: duration 6 is not among those known (5 or 10); it goes to the API as it is" }, warnings)
    for _, given in ipairs { { duration = 5, ratio = "16:9" }, {} } do
      warnings = {}
      assert.is_nil(reseller_request.refusal("it", given, limits, warnings))
      assert.is_nil(reseller_request.told(warnings))
    end
    assert.is_nil(reseller_request.refusal("it", { duration = 6, ratio = "1:1", model = "gen5" }, limits, warnings))
    assert.same({ "the model gen5 is not known here (did you mean gen4?); it goes to the API as it is" }, warnings)
  end)

  it("sends no word as the seconds of a model whose page has a number", function()
    local limits = { models = { "gen4" }, model = "gen4" }
    for _, given in ipairs { { duration = "auto" }, { duration = "auto", model = "gen4" } } do
      local problem = reseller_request.refusal("it", given, limits, {})
      assert.matches('more than 0 seconds, not "auto"', problem.message, 1, true)
    end
    assert.is_nil(reseller_request.refusal("it", { duration = "auto", model = "new" }, limits, {}))
  end)

  it("takes http(s) URLs where the API takes nothing else", function()
    for _, v in ipairs { IMAGE, "HTTP://x.test/a" } do
      assert.is_nil(reseller_request.not_url("it", "prompt_image", v, "use one"))
    end
    for _, v in ipairs { "data:image/png;base64,AA", files.make "a.png", "https://x y", 5 } do
      assert.equal("prompt_image", reseller_request.not_url("it", "prompt_image", v, "use one").field)
    end
    assert.is_nil(reseller_request.not_url("it", "prompt_image", nil, "use one"))
  end)

  it("tells an input that would be dropped", function()
    assert.equal("prompt_video", reseller_request.stray("it", "x", { prompt_video = VIDEO }, { "prompt_video" }).field)
    assert.is_nil(reseller_request.stray("it", "x", { prompt_text = "a" }, { "prompt_video" }))
  end)

  it("places frames", function()
    local first, last = reseller_request.frames("it", { { uri = LAST, position = "last" }, { uri = IMAGE } })
    assert.equal(IMAGE, first.uri)
    assert.equal(LAST, last.uri)
    for _, list in ipairs { { { uri = IMAGE, position = "middle" } },
      { { uri = IMAGE, position = "first" }, { uri = LAST, position = "first" } },
      { { uri = IMAGE }, { uri = LAST }, { uri = IMAGE } } } do
      assert.equal("prompt_image", select(3, reseller_request.frames("it", list)).field)
    end
  end)

  it("takes seconds from one place", function()
    assert.equal(5, (reseller_request.seconds({ duration = 5 }, {})))
    assert.equal(10, (reseller_request.seconds({}, { seconds = 10 })))
    assert.equal("duration", select(2, reseller_request.seconds({ duration = 5 }, { seconds = 10 })).field)
  end)

  it("copies options, and takes nothing else for them", function()
    local given = { options = { seconds = 5 } }
    local copy = reseller_request.options(given)
    assert.same({ seconds = 5 }, copy)
    assert.not_equal(given.options, copy)
    for _, v in ipairs { 5, "x", { 1 }, json.null, files.make "a" } do
      assert.is_true(select(2, reseller_request.options { options = v }).misuse)
    end
  end)

  describe("makes the official body", function()
    local function body(kind, given, rest, model)
      return reseller_request.official("it", kind, given, rest or {}, model)
    end

    it("with a lone first image as its address, else as a list", function()
      assert.equal(IMAGE, body("image_to_video", { prompt_image = { { uri = IMAGE,
        position = "first" } } }).promptImage)
      assert.same({ { uri = IMAGE, position = "first" }, { uri = LAST, position = "last" } },
        body("image_to_video", { prompt_image = { { uri = IMAGE }, { uri = LAST } } }).promptImage)
    end)

    it("with the rest in the API's spelling, and the ratio in pixels", function()
      assert.same({ model = "gen4_turbo", promptImage = IMAGE, ratio = "1280:720", contentModeration = { a = 1 } },
        body("image_to_video", { prompt_image = { { uri = IMAGE } }, ratio = "16:9" },
          { content_moderation = { a = 1 } }, "gen4_turbo"))
    end)

    it("with images where each kind takes them", function()
      assert.same({ { uri = IMAGE } }, body("text_to_image", { prompt_text = "a", prompt_image = { { uri = IMAGE } } })
        .referenceImages)
      assert.same({ { type = "image", uri = IMAGE } }, body("video_to_video", { prompt_video = VIDEO,
        prompt_image = { { uri = IMAGE } } }).references)
      local made = body("character_performance", { prompt_video = VIDEO, prompt_image = { { uri = IMAGE } } })
      assert.same({ type = "image", uri = IMAGE }, made.character)
      assert.same({ type = "video", uri = VIDEO }, made.reference)
    end)

    it("or a hint that works there: none of them has uploads", function()
      local _, problem = body("image_to_video",
        { prompt_image = { { uri = "data:image/png;base64," .. ("A"):rep(6e6) } } })
      assert.equal("prompt_image", problem.field)
      assert.is_nil(problem.message:find "upload")
    end)

    it("or names what is missing or has no place", function()
      for field, case in pairs { prompt_text = { "text_to_video", {} }, prompt_image = { "image_to_video", {} },
        prompt_video = { "video_to_video", {} }, callback_url = { "text_to_video", { prompt_text = "a",
          callback_url = "https://x.test" } } } do
        assert.equal(field, select(2, body(case[1], case[2])).field)
      end
    end)
  end)
end)
