local asked = require "spec.support.asked"
local models = require "runway.providers.runwayml_models"
local runwayml = require "runway.providers.runwayml"

local IMG = "https://example.com/a.png"
local VID, AUD = "https://example.com/a.mp4", "https://example.com/a.mp3"

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

-- What goes through with one warning, and the body of it.
local function warned(kind, raw, pattern)
  local request, problem = submit(kind, raw)
  assert.is_nil(problem, problem and problem.message)
  assert.equal(1, #(request.warnings or {}), "warnings")
  assert.matches(pattern, request.warnings[1])
  return request.json
end

local function with(base, more)
  local all = {}
  for k, v in pairs(base) do all[k] = v end
  for k, v in pairs(more) do all[k] = v end
  return all
end

describe("runwayml models", function()
  -- Every model of the OpenAPI document and of the SDK with the least it takes, and what that becomes.
  local T, I = { prompt_text = "fog" }, { prompt_image = IMG }
  local TI, TV = with(T, I), { prompt_text = "fog", prompt_video = VID }
  local R = { ratio = "1280:720" }
  local voice = { type = "runway-preset", presetId = "Maya" }
  local MINIMAL = {
    image_to_video = {
      ["gen4.5"] = { with(TI, { ratio = "1280:720", duration = 5 }),
        { promptText = "fog", promptImage = IMG, ratio = "1280:720", duration = 5 } },
      gen4_turbo = { with(I, R), { promptImage = IMG, ratio = "1280:720" } },
      ["veo3.1"] = { with(I, R), { promptImage = IMG, ratio = "1280:720" } },
      ["veo3.1_fast"] = { with(I, R), { promptImage = IMG, ratio = "1280:720" } },
      hailuo3 = { TI, { promptText = "fog", promptImage = IMG } },
      happyhorse_1_0 = { I, { promptImage = IMG } },
      seedance2 = { I, { promptImage = IMG } },
      seedance2_fast = { I, { promptImage = IMG } },
      seedance2_mini = { I, { promptImage = IMG } },
      seedance2_5 = { I, { promptImage = IMG } },
      gemini_omni_flash = { I, { promptImage = IMG } },
      ["gemini_omni_flash_1.1"] = { TI, { promptText = "fog", promptImage = IMG } },
      grok_imagine_1_5 = { I, { promptImage = IMG } },
      wan3 = { TI, { promptText = "fog", promptImage = IMG } },
      wan3_prime = { TI, { promptText = "fog", promptImage = IMG } },
      h3_max = { TI, { promptText = "fog", promptImage = IMG } },
      gen3a_turbo = { TI, { promptText = "fog", promptImage = IMG } },
      veo3 = { with(I, { ratio = "1280:720", duration = 8 }),
        { promptImage = IMG, ratio = "1280:720", duration = 8 } },
    },
    text_to_video = {
      ["gen4.5"] = { with(T, { ratio = "720:1280", duration = 10 }),
        { promptText = "fog", ratio = "720:1280", duration = 10 } },
      ["veo3.1"] = { with(T, R), { promptText = "fog", ratio = "1280:720" } },
      ["veo3.1_fast"] = { with(T, R), { promptText = "fog", ratio = "1280:720" } },
      hailuo3 = { T, { promptText = "fog" } },
      happyhorse_1_0 = { T, { promptText = "fog" } },
      seedance2 = { T, { promptText = "fog" } },
      seedance2_fast = { T, { promptText = "fog" } },
      seedance2_mini = { T, { promptText = "fog" } },
      seedance2_5 = { {}, {} },
      gemini_omni_flash = { T, { promptText = "fog" } },
      ["gemini_omni_flash_1.1"] = { T, { promptText = "fog" } },
      grok_imagine_1_5 = { T, { promptText = "fog" } },
      wan3 = { T, { promptText = "fog" } },
      wan3_prime = { T, { promptText = "fog" } },
      h3_max = { T, { promptText = "fog" } },
      veo3 = { with(T, { ratio = "1280:720", duration = 8 }),
        { promptText = "fog", ratio = "1280:720", duration = 8 } },
    },
    video_to_video = {
      aleph2 = { { prompt_video = VID }, { videoUri = VID } },
      hailuo3 = { TV, { promptText = "fog", promptVideo = VID } },
      seedance2 = { { prompt_video = VID }, { promptVideo = VID } },
      seedance2_fast = { { prompt_video = VID }, { promptVideo = VID } },
      seedance2_mini = { { prompt_video = VID }, { promptVideo = VID } },
      seedance2_5 = { { prompt_video = VID }, { promptVideo = VID } },
      gemini_omni_flash = { TV, { promptText = "fog", videoUri = VID } },
      ["gemini_omni_flash_1.1"] = { TV, { promptText = "fog", videoUri = VID } },
      gen4_aleph = { TV, { promptText = "fog", videoUri = VID } },
    },
    text_to_image = {
      gen4_image = { with(T, R), { promptText = "fog", ratio = "1280:720" } },
      gen4_image_turbo = { with(TI, R),
        { promptText = "fog", ratio = "1280:720", referenceImages = { { uri = IMG } } } },
      gpt_image_2 = { with(T, { ratio = "auto" }), { promptText = "fog", ratio = "auto" } },
      gpt_image_2_5_flare = { with(T, { ratio = "auto" }), { promptText = "fog", ratio = "auto" } },
      gpt_image_2_5_sunburst = { with(T, { ratio = "auto" }), { promptText = "fog", ratio = "auto" } },
      grok_imagine_image_2 = { with(T, { ratio = "auto_2k" }), { promptText = "fog", ratio = "auto_2k" } },
      muse_image = { with(T, { ratio = "auto" }), { promptText = "fog", ratio = "auto" } },
      gemini_image3_pro = { with(T, { ratio = "1024:1024" }),
        { promptText = "fog", ratio = "1024:1024" } },
      ["gemini_image3.1_flash"] = { with(T, { ratio = "512:512" }),
        { promptText = "fog", ratio = "512:512" } },
      ["gemini_2.5_flash"] = { with(T, { ratio = "1152:896" }),
        { promptText = "fog", ratio = "1152:896" } },
      seedream5_pro = { with(T, { ratio = "auto_2k" }), { promptText = "fog", ratio = "auto_2k" } },
      seedream5_lite = { with(T, { ratio = "4704:2016" }),
        { promptText = "fog", ratio = "4704:2016" } },
    },
    image_upscale = { magnific_precision_upscaler_v2 = { I, { imageUri = IMG } } },
    video_upscale = {
      magnific_video_upscaler_creative = { { prompt_video = VID }, { videoUri = VID } },
      enhance_frame_rate = { { prompt_video = VID, target_framerate = "59_94" },
        { videoUri = VID, targetFramerate = "59_94" } },
      upscale_v1 = { { prompt_video = VID }, { videoUri = VID } },
    },
    video_to_hdr = { ruby = { { prompt_video = VID }, { videoUri = VID } } },
    character_performance = {
      act_two = { { prompt_image = IMG, prompt_video = VID },
        { character = { type = "image", uri = IMG }, reference = { type = "video", uri = VID } } },
    },
    sound_effect = {
      eleven_text_to_sound_v2 = { T, { promptText = "fog" } },
      seed_audio = { T, { promptText = "fog" } },
    },
    speech_to_speech = {
      eleven_multilingual_sts_v2 = { { prompt_video = VID, voice = voice },
        { media = { type = "video", uri = VID }, voice = voice } },
    },
    text_to_speech = {
      eleven_multilingual_v2 = { with(T, { voice = voice }),
        { promptText = "fog", voice = voice } },
      eleven_v3 = { with(T, { voice = voice }), { promptText = "fog", voice = voice } },
      seed_audio = { T, { promptText = "fog" } },
    },
    voice_dubbing = {
      eleven_voice_dubbing = { { audio_uri = AUD, target_lang = "fil" },
        { audioUri = AUD, targetLang = "fil" } },
    },
    voice_isolation = { eleven_voice_isolation = { { audio_uri = AUD }, { audioUri = AUD } } },
  }

  it("knows every model of this list, and no other", function()
    for kind, known in pairs(models) do
      for model in pairs(known) do assert.is_table(MINIMAL[kind][model], kind .. " " .. model) end
    end
  end)

  for kind, list in pairs(MINIMAL) do
    for model, case in pairs(list) do
      it(("makes %s with %s from the least it takes"):format(kind, model), function()
        assert.same(with(case[2], { model = model }), sent(kind, with(case[1], { model = model })))
        -- and not from less
        for name in pairs(case[1]) do
          local less = with(case[1], { model = model })
          less[name] = nil
          local _, problem = submit(kind, less)
          assert.is_table(problem, name)
          assert.matches(model .. " needs ", problem.message, 1, true)
        end
      end)
    end
  end
end)

describe("runwayml advice", function()
  local TURBO = { model = "gen4_turbo", prompt_image = IMG, ratio = "1280:720" }
  local function no(more, pattern, field)
    refused("image_to_video", with(TURBO, more), pattern, field)
  end
  local function yes(more) return sent("image_to_video", with(TURBO, more)) end

  it("names the durations of the model", function()
    for _, duration in ipairs { -5, 0, 1, 11, 12, 1e308 } do
      no({ duration = duration }, "^gen4_turbo takes durations 2 to 10, not ", "duration")
    end
    no({ duration = 12 }, "^gen4_turbo takes durations 2 to 10, not 12$")
    no({ duration = 5.5 }, "gen4_turbo takes durations 2 to 10 in whole numbers, not 5.5")
    no({ model = "veo3.1", duration = 0 }, "veo3.1 takes durations 4, 6 or 8, not 0", "duration")
    no({ model = "seedance2", duration = 16 }, "seedance2 takes durations 4 to 15 or auto, not 16", "duration")
    no({ model = "wan3", prompt_text = "x", duration = 0 }, "wan3 takes durations above 0, not 0", "duration")
    no({ duration = "auto" }, 'gen4_turbo takes durations 2 to 10, not "auto"', "duration")
    assert.equal("auto", yes { model = "seedance2", duration = "auto" }.duration)
    no({ model = "gen9", duration = -5 }, "gen9 takes durations above 0, not %-5", "duration")
    no({ model = "gen9", duration = 0 }, "gen9 takes durations above 0, not 0", "duration")
    assert.equal(0.5, yes { model = "gen9", duration = 0.5 }.duration)
    assert.equal(2, yes { duration = 2 }.duration)
    assert.equal(10, yes { duration = 10.0 }.duration)
    assert.equal(2.5, sent("sound_effect",
      { model = "eleven_text_to_sound_v2", prompt_text = "x", duration = 2.5 }).duration)
  end)

  it("names the ratios of the model", function()
    local json = warned("image_to_video", with(TURBO, { ratio = "1280:768" }),
      '^gen4_turbo: ratio "1280:768" is not among those known %(1280:720, 720:1280, 1104:832, 960:960, '
      .. "832:1104 or 1584:672%); it goes to the API as it is %(did you mean 1280:720%?%)$")
    assert.equal("1280:768", json.ratio)
    for _, given in ipairs { "1920:1080", "1720:1280" } do -- a landscape is not told of a portrait
      warned("image_to_video", with(TURBO, { ratio = given }), "it goes to the API as it is$")
    end
  end)

  it("lets a value through that its lists do not have, and says so", function()
    local function odd(more, pattern) return warned("image_to_video", with(TURBO, more), pattern) end
    assert.equal(10, odd({ model = "veo3.1", duration = 10 },
      "^veo3.1: duration 10 is not among those known %(4, 6 or 8%); it goes to the API as it is$").duration)
    odd({ model = "gen4.5", prompt_text = "x", duration = 5, output_format = "prores_raw" },
      'gen4.5: output_format "prores_raw" is not among those known')
    odd({ prompt_image = { uri = IMG, position = "last" } },
      'prompt_image%[1%]%.position "last" is not among those known %(first%)')
    odd({ content_moderation = { publicFigureThreshold = "high" } },
      'content_moderation%.publicFigureThreshold "high" is not')
    warned("image_upscale", { model = "magnific_precision_upscaler_v2", prompt_image = IMG, scale_factor = 3 },
      "scale_factor 3 is not among those known %(2, 4, 8 or 16%)")
    warned("text_to_speech", { model = "eleven_v3", prompt_text = "x",
      voice = { type = "runway-preset", presetId = "Nova" } }, 'voice%.presetId "Nova" is not among those known')
    -- of a type that is not known the address may be of any class
    assert.equal(VID, warned("character_performance", { model = "act_two", prompt_video = VID,
      character = { type = "hologram", uri = VID } }, 'character%.type "hologram" is not').character.uri)
  end)

  it("still refuses what cannot be right in a list's place", function()
    no({ model = "gen4.5", prompt_text = "x", duration = 5, output_format = 5 },
      "gen4.5 takes output_format as mp4, prores, .*, not 5", "output_format")
    no({ model = "hailuo3", prompt_text = "x", resolution = "" }, "takes resolutions")
    refused("image_upscale", { model = "magnific_precision_upscaler_v2", prompt_image = IMG,
      scale_factor = -2 }, "scale_factor as 2, 4, 8 or 16, not %-2", "scale_factor")
  end)

  it("takes sizes of its own choosing where a model does", function()
    local function lite(ratio) return { model = "seedream5_lite", prompt_text = "x", ratio = ratio } end
    assert.equal("2000:2000", sent("text_to_image", lite "2000:2000").ratio)
    assert.is_nil(submit("text_to_image", lite "2000:2000").warnings)
    refused("text_to_image", lite "1000:1000", "or others of 3686400 to 16777216 pixels, not \"1000:1000\"", "ratio")
    refused("text_to_image", lite "5000:5000", "pixels, not", "ratio")
    warned("text_to_image", lite "auto_8k", 'ratio "auto_8k" is not among those known')
  end)

  it("says of a model that it is gone, since when, and what is there instead", function()
    warned("video_to_video", { model = "gen4_aleph", prompt_text = "x", prompt_video = VID },
      "^gen4_aleph is gone from Runway's API since 2026%-07%-30 and most likely refused; "
      .. "video_to_video is made by aleph2, ")
    warned("image_to_video", with(TURBO, { model = "gen3a_turbo", prompt_text = "x", ratio = "1280:768" }),
      "gen3a_turbo is gone .* since 2026%-07%-30")
    warned("video_upscale", { model = "upscale_v1", prompt_video = VID }, "upscale_v1 is gone .* since 2026%-01 ")
  end)

  it("says of a model that it does not know it", function()
    warned("image_to_video", with(TURBO, { model = "gen4_trbo" }),
      "^the model gen4_trbo is not known here %(did you mean gen4_turbo%?%); it goes to the API as it is$")
    assert.is_nil(submit("image_to_video", TURBO).warnings)
  end)

  it("names what a required field may be, and the slip that stands in its place", function()
    no({ model = "gen4.5", duration = 5, promt_text = "x" },
      "gen4.5 needs prompt_text: 1 to 1000 characters %(is promt_text a slip of it%?%)",
      "prompt_text")
    refused("image_to_video", { model = "gen4_turbo", prompt_image = IMG },
      "gen4_turbo needs ratio: 1280:720, 720:1280", "ratio")
    refused("text_to_video", { model = "gen4.5", prompt_text = "x" },
      "gen4.5 needs ratio: 1280:720 or 720:1280; and duration: 2 to 10", "ratio")
    refused("image_to_video", { model = "gen4_turbo", ratio = "1280:720" },
      "gen4_turbo needs prompt_image: an https:// URL", "prompt_image")
    refused("video_to_video", { model = "aleph2" }, "aleph2 needs prompt_video", "prompt_video")
  end)

  it("measures a prompt in UTF-16 units", function()
    no({ prompt_text = "" }, "gen4_turbo takes prompt_text of 1 to 1000 characters .*, not 0",
      "prompt_text")
    no({ prompt_text = ("x"):rep(1001) }, "not 1001")
    no({ prompt_text = ("\u{1F600}"):rep(501) }, "not 1002")
    assert.is_string(yes { prompt_text = ("é"):rep(1000) }.promptText)
    assert.is_string(yes { prompt_text = ("\u{1F600}"):rep(500) }.promptText)
    refused("text_to_video", { model = "happyhorse_1_0", prompt_text = "x" }, "2 to 2500")
  end)

  it("knows the range of a seed", function()
    no({ seed = 4294967296 }, "gen4_turbo takes seeds 0 to 4294967295, not 4294967296", "seed")
    assert.equal(4294967295, yes { seed = 4294967295 }.seed)
    for _, model in ipairs { "veo3.1", "seedance2", "seedance2_5" } do
      assert.equal(4294967296, yes { model = model, seed = 4294967296 }.seed, "no range is documented")
    end
  end)

  it("knows what an address looks like and how long it may be", function()
    local function image(v, pattern)
      no({ prompt_image = v }, pattern, "prompt_image")
    end
    image("http://example.com/a.png", "takes prompt_image as an https:// URL, a runway:// URI, a "
      .. 'data:image/ URI or runway.file%(path%), not "http://example.com/a.png"')
    image("ftp://example.com/a.png", "as an https:// URL")
    image("data:video/mp4;base64,AAAA", "not a data URI")
    image("https://a.bc", "as an https:// URL")
    image("data:image/x", "not a data URI")
    assert.is_string(yes { prompt_image = "https://a.bcd" }.promptImage)
    image("https://" .. ("x"):rep(2041), "URLs of at most 2048 characters, not 2049")
    image("runway://" .. ("x"):rep(4992), "upload URIs of at most 5000 characters, not 5001")
    image("data:image/png;base64," .. ("A"):rep(5242880),
      "data:image/ URIs of at most 5242880 characters, not 5242902, for prompt_image")
    assert.is_string(yes { prompt_image = "runway://" .. ("x"):rep(4991) }.promptImage)
    assert.is_string(yes {
      prompt_image = "data:image/png;base64," .. ("A"):rep(5242880 - 22) }.promptImage)
    no({ model = "gen9", prompt_image = "http://example.com/a.png" },
      "gen9 takes prompt_image as an https:// URL", "prompt_image")
    no({ model = "gen9", prompt_image = { IMG, "ftp://example.com" } },
      "gen9 takes prompt_image%[2%] as an https:// URL", "prompt_image")
    refused("video_to_video", { model = "gen9",
      prompt_video = "data:video/mp4;base64," .. ("A"):rep(17 * 1024 * 1024) },
      "gen9 takes data:video/ URIs of at most 5242880 characters, not %d+, for prompt_video "
        .. "%(give larger files as runway.file%(path%), which uploads them%)", "prompt_video")
    refused("video_to_video", { model = "seedance2", prompt_video = VID,
      reference_audio = {
        { type = "audio", uri = AUD }, { type = "audio", uri = "data:image/png," },
      } },
      "reference_audio%[2%]%.uri as an https:// URL.*data:audio/", "reference_audio")
  end)

  it("knows a film from a picture, once a file has been looked at", function()
    local film = file "a.mp4"
    assert.equal(film, yes { prompt_image = film }.promptImage)
    film.class, film.type, film.name = "video", "video/mp4", "a.mp4"
    no({ prompt_image = film }, "takes prompt_image as image, not a.mp4 of type video/mp4")
    assert.equal(film, yes { model = "gen9", prompt_image = film }.promptImage)
    assert.equal(film, sent("video_to_video",
      { model = "aleph2", prompt_video = film }).videoUri)
    refused("character_performance", { model = "act_two", prompt_video = VID,
      character = { type = "image", uri = film } }, "character.uri as image, not a.mp4")
  end)

  it("knows the other fields of a model", function()
    refused("text_to_video", { model = "veo3.1", prompt_text = "x", ratio = "1280:720",
      audio = "yes" }, 'veo3.1 takes audio as true or false, not "yes"', "audio")
    refused("image_upscale", { model = "magnific_precision_upscaler_v2", prompt_image = IMG,
      sharpen = 101 }, "sharpen as 0 to 100, not 101")
    refused("text_to_speech", { model = "eleven_v3", prompt_text = "x",
      voice = { type = "runway-preset", preset_id = "Maya" } }, "needs voice.presetId: Maya, Arjun")
    refused("text_to_speech", { model = "eleven_v3", prompt_text = "x", voice = "Maya" },
      "takes voice as a table { type =, presetId = }, not \"Maya\"", "voice")
    refused("character_performance", { model = "act_two", prompt_image = IMG, prompt_video = VID,
      expression_intensity = 6 }, "expression_intensity as 1 to 5, not 6")
    refused("character_performance", { model = "act_two", prompt_video = VID,
      character = { type = "video", uri = "data:image/png;base64,AAAA" } }, "data:video/ URI")
    refused("text_to_image", { model = "gen4_image", prompt_text = "x", ratio = "1024:1024",
      reference_images = { { uri = IMG, tag = "A" } } }, "reference_images%[1%]%.tag of 3 to 16")
    refused("text_to_image", { model = "gen4_image", prompt_text = "x", ratio = "1024:1024",
      reference_images = { { uri = IMG, tag = "Boat" } } }, "tag of the form")
    refused("text_to_image", { model = "gen4_image_turbo", prompt_text = "x", ratio = "1024:1024",
      reference_images = {} }, "needs at least 1 reference_images")
    refused("video_to_video", { model = "aleph2", prompt_video = VID,
      keyframes = { { uri = IMG, seconds = 1, at = 0.5 } } }, "either keyframes%[1%]%.seconds or")
    refused("video_to_video", { model = "aleph2", prompt_video = VID,
      keyframes = { { uri = IMG, at = 1.5 } } }, "keyframes%[1%]%.at as 0 to 1, not 1.5")
    assert.is_table(sent("video_to_video", { model = "aleph2", prompt_video = VID,
      keyframes = { { uri = IMG, seconds = 1.5 }, { uri = file "a.png", at = 1 } } }).keyframes)
    refused("video_to_video", { model = "seedance2", prompt_video = VID,
      references = { uri = IMG } }, "takes references as a list", "references")
  end)
end)
