-- Runway's prices, as its page of 2026-10 has them.

local prices = require "runway.providers.runwayml_prices"

local function of(json)
  local price, why = prices.of(json)
  if not price then return why end
  return price.low == price.credits and price.credits or { price.low, price.credits }
end

describe("what Runway asks for", function()
  local A, B = "https://x.test/a.png", "https://x.test/b.mp4"

  it("a second of film", function()
    for _, case in ipairs {
      { 60, { model = "gen4.5", duration = 5 } },
      { 50, { model = "gen4_turbo", duration = 10 } },
      { 145, { model = "seedance2_fast", duration = 5 } },
      { 320, { model = "veo3.1", duration = 8 } },
      { 320, { model = "veo3.1", duration = 8, audio = true } },
      { 160, { model = "veo3.1", duration = 8, audio = false } },
      { 40, { model = "veo3.1_fast", duration = 4, audio = false } },
    } do
      assert.same(case[1], of(case[2]))
    end
  end)

  it("by the size of the picture, in whatever words that is told", function()
    for ratio, credits in pairs { ["864:496"] = 180, ["1280:720"] = 180, ["960:960"] = 180, ["1080:1920"] = 200,
      ["2206:946"] = 200, ["3840:1646"] = 750, ["3840:3840"] = 750 } do
      assert.equal(credits, of { model = "seedance2", duration = 5, ratio = ratio }, ratio)
    end
    assert.equal(80, of { model = "grok_imagine_1_5", duration = 5, resolution = "720p" })
    assert.equal(75, of { model = "hailuo3", duration = 5, resolution = "2K" })
    assert.equal(34, of { model = "wan3_prime", duration = 5, ratio = "auto_480p" })
    assert.equal(5, of { model = "gen4_image", ratio = "1680:720" })
    assert.equal(8, of { model = "gen4_image", ratio = "1440:1080" })
  end)

  it("anything between, where the request leaves it open", function()
    assert.same({ 180, 750 }, of { model = "seedance2", duration = 5 })
    assert.same({ 17, 150 }, of { model = "gemini_omni_flash_1.1", duration = 5, ratio = "1280:720" })
    assert.same({ 24, 120 }, of { model = "gen4.5" })
    assert.same({ 4 * 29, 15 * 29 }, of { model = "seedance2_fast", duration = "auto" })
    assert.same({ 5, 8 }, of { model = "gen4_image", ratio = "1024:1024" })
    assert.same({ 1, 2 }, of { model = "eleven_text_to_sound_v2", promptText = "rain" })
  end)

  it("what a task costs at least", function()
    assert.equal(64, of { model = "seedance2_mini", duration = 4 })
    assert.equal(80, of { model = "seedance2_5", duration = 2, ratio = "1280:720" })
    assert.equal(150, of { model = "seedance2_5", duration = 5, ratio = "1280:720" })
    assert.equal(56, of { model = "aleph2", duration = 1 })
  end)

  it("pictures that come with the prompt; of a first frame the page does not say", function()
    assert.equal(52, of { model = "gemini_omni_flash", duration = 5, references = { { uri = A }, { uri = A } } })
    assert.same({ 50, 52 }, of { model = "hailuo3", duration = 5, resolution = "768p", promptImage = A })
  end)

  it("other formats", function()
    assert.equal(85, of { model = "gen4.5", duration = 5, outputFormat = "prores" })
    assert.equal(160, of { model = "gen4.5", duration = 5, outputFormat = "hdr10" })
    assert.truthy(of { model = "gen4.5", duration = 5, outputFormat = "webm" }:find("outputFormat", 1, true))
  end)

  it("pictures, and words", function()
    assert.equal(80, of { model = "gemini_image3_pro", outputCount = 4 })
    assert.equal(5, of { model = "gemini_2.5_flash" })
    assert.equal(3, of { model = "eleven_v3", promptText = ("é"):rep(101) })
  end)

  it("is not known where the page leaves it open, or the length of an input decides", function()
    for _, json in ipairs {
      { model = "gpt_image_2" }, { model = "of_tomorrow", duration = 5 }, {}, { model = "aleph2", videoUri = B },
      { model = "act_two", reference = { type = "video", uri = B } }, { model = "ruby", videoUri = B },
      { model = "wan3", ratio = "1280:720" }, { model = "eleven_voice_dubbing", audioUri = B },
      { model = "seedance2_5", duration = 5, referenceVideos = { { uri = B } } },
      { model = "seedance2", promptVideo = B }, { model = "gen4.5", duration = -5 }, { model = "eleven_v3" },
    } do
      local why = of(json)
      assert.equal("string", type(why), tostring(json.model))
    end
  end)
end)
