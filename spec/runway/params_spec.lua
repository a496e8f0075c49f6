local params = require "runway.params"

local function file(path) return setmetatable({ path = path }, { __name = "runway.file" }) end

-- The room that makes JSON may be missing (or be built differently) where pure rooms are tested.
local function with_json(stub, body)
  local before = package.loaded["runway.json"]
  package.loaded["runway.json"] = stub
  local ok, message = pcall(body)
  package.loaded["runway.json"] = before
  if not ok then error(message, 0) end
end

local function good(raw)
  local clean, problem = params.normalise(raw)
  assert.is_nil(problem, problem and problem.message)
  return clean
end

local function bad(raw)
  local clean, problem = params.normalise(raw)
  assert.is_nil(clean)
  assert.is_string(problem.message)
  return problem
end

local function caught(raw, pattern)
  local problem = bad(raw)
  assert.is_true(problem.misuse, problem.message)
  assert.matches(pattern, problem.message)
end

local function refused(raw, pattern)
  local problem = bad(raw)
  assert.is_nil(problem.misuse, problem.message)
  assert.equal("invalid_request", problem.kind)
  assert.matches(pattern, problem.message)
end

describe("params.normalise", function()
  it("takes the short forms and Runway's own spelling", function()
    local clean = good { prompt = "a", image = "https://a/b.png", video = "https://a/b.mp4" }
    assert.same({ prompt_text = "a", prompt_image = { { uri = "https://a/b.png" } },
      prompt_video = "https://a/b.mp4" }, clean)
    clean = good { promptText = "a", promptImage = "https://a/b.png", callbackUrl = "https://a/cb" }
    assert.same({ prompt_text = "a", prompt_image = { { uri = "https://a/b.png" } },
      callback_url = "https://a/cb" }, clean)
  end)

  it("refuses to choose between two spellings of one parameter", function()
    caught({ prompt = "a", prompt_text = "a" }, "prompt and prompt_text are the same")
    caught({ promptText = "a", prompt_text = "a" }, "same parameter")
    caught({ image = "https://a/b", prompt_image = "https://a/b" }, "image and prompt_image")
    caught({ video_uri = "https://a/b", videoUri = "https://a/b" }, "videoUri and video_uri")
  end)

  it("never changes the caller's tables, and shares none with them", function()
    local raw = { prompt = "a", duration = 5.0,
      prompt_image = { { uri = "https://a/b", x = { 1.0 } } },
      references = { { type = "image", uri = "https://c/d" } } }
    local clean = good(raw)
    assert.same({ prompt = "a", duration = 5.0,
      prompt_image = { { uri = "https://a/b", x = { 1.0 } } },
      references = { { type = "image", uri = "https://c/d" } } }, raw)
    assert.equal("float", math.type(raw.duration))
    assert.equal("float", math.type(raw.prompt_image[1].x[1]))
    assert.are_not.equal(raw.prompt_image, clean.prompt_image)
    assert.are_not.equal(raw.prompt_image[1], clean.prompt_image[1])
    assert.are_not.equal(raw.prompt_image[1].x, clean.prompt_image[1].x)
    assert.are_not.equal(raw.references[1], clean.references[1])
  end)

  describe("prompt_image", function()
    it("becomes a list of entries, whatever form it was given in", function()
      local f = file "a.png"
      for _, given in ipairs { "https://a/b", { "https://a/b" }, { uri = "https://a/b" },
        { { uri = "https://a/b" } } } do
        assert.same({ { uri = "https://a/b" } }, good { prompt_image = given }.prompt_image)
      end
      assert.equal(f, good { prompt_image = f }.prompt_image[1].uri)
      assert.equal(f, good { prompt_image = { f } }.prompt_image[1].uri)
      local last = good { prompt_image = { { uri = f, position = "last" } } }.prompt_image[1]
      assert.equal(f, last.uri)
      assert.equal("last", last.position)
      local entry = { uri = "https://a/1", position = "first", tag = "x" }
      assert.same({ entry, { uri = "data:image/png,A" } },
        good { prompt_image = { entry, "data:image/png,A" } }.prompt_image)
    end)

    it("must be media", function()
      caught({ prompt_image = 5 }, "prompt_image must be .*got number")
      caught({ prompt_image = true }, "got boolean")
      caught({ prompt_image = { 5 } }, "prompt_image%[1%] must be")
      caught({ prompt_image = { { position = "first" } } }, "prompt_image%[1%] has no uri")
      caught({ prompt_image = { url = "https://a/b" } }, "has no uri")
      caught({ prompt_image = { { uri = 5 } } }, "prompt_image%[1%]%.uri must be")
      caught({ prompt_image = { { uri = "https://a/b", position = 1 } } }, "position must be")
      caught({ prompt_image = { "https://a/b", [3] = "https://a/c" } }, "holes")
      refused({ prompt_image = {} }, "empty list")
      refused({ prompt_image = "" }, "it is empty")
    end)

    it("tells the usual slip, a file name, from a URL", function()
      refused({ image = "lighthouse.png" },
        'image is neither a URL.*"lighthouse.png".*runway%.file')
      refused({ prompt_image = "C:\\shots\\a.png" }, "runway%.file")
      refused({ prompt_video = "/tmp/a.mp4" }, "runway%.file")
      assert.equal("runway://abc", good { prompt_video = "runway://abc" }.prompt_video)
    end)
  end)

  describe("strings", function()
    it("go through whatever their characters", function()
      local text = 'quotes " \\ \r\n emoji \u{1F600} rtl \u{202E} nul \0 end'
      assert.equal(text, good { prompt_text = text }.prompt_text)
    end)

    it("must be UTF-8, and the message says where they are not", function()
      refused({ prompt_text = "ab\xff" }, "prompt_text is not valid UTF%-8 %(at byte 3%)")
      refused({ model = "\xC0\x80" }, "at byte 1")
      refused({ references = { { uri = "x\xED\xA0\x80" } } },
        "references%[1%]%.uri is not valid UTF%-8 %(at byte 2%)")
      refused({ extra = { ["k\xff"] = 1 } }, "a key of extra is not valid UTF%-8")
      refused({ ["k\xff"] = 1 }, "no parameter name")
      caught({ ["k\1"] = 1 }, "no parameter name")
    end)

    it("may hold no NUL where they are addresses or names", function()
      caught({ prompt_image = "https://a/\0" }, "prompt_image holds a NUL %(at byte 11%)")
      caught({ prompt_video = "https://a/\0" }, "prompt_video holds a NUL")
      caught({ callback_url = "https://a/\0" }, "callback_url holds a NUL")
      caught({ model = "gen4\0" }, "model holds a NUL")
    end)

    it("that are addresses lose the white space around them, and the capitals of their scheme", function()
      assert.equal("https://x.test/A.png", good { prompt_video = " HTTPS://x.test/A.png\r\n" }.prompt_video)
      assert.equal("data:IMAGE/PNG;base64,AA==", good { image = "\tDATA:IMAGE/PNG;base64,AA==" }.prompt_image[1].uri)
      local uri = "runway://abc"
      assert.equal(uri, good { prompt_video = uri }.prompt_video)
    end)

    it("must be strings", function()
      for _, name in ipairs { "prompt_text", "model", "ratio", "callback_url", "kind", "key",
        "format" } do
        caught({ [name] = 5 }, name .. " must be a string, got number")
        caught({ [name] = { "a" } }, name .. " must be a string, got table")
        caught({ [name] = file "a.txt" }, name .. " must be a string, got a file")
      end
      caught({ prompt_video = { uri = "https://a/b" } }, "prompt_video must be")
      for _, name in ipairs { "model", "ratio", "kind", "key", "format" } do
        refused({ [name] = " " }, name .. " is empty")
      end
      refused({ prompt_text = " \n" }, "prompt_text is empty but for spaces")
      refused({ callback_url = "ftp://a/b" }, "callback_url is no http")
      refused({ callback_url = "https://a/b c" }, "callback_url is no http")
      assert.equal("HTTPS://a/b", good { callback_url = "HTTPS://a/b" }.callback_url)
    end)
  end)

  describe("duration", function()
    it("is an integer where it is whole", function()
      assert.equal("integer", math.type(good { duration = 5.0 }.duration))
      assert.equal(5, good { duration = 5.0 }.duration)
      assert.equal("integer", math.type(good { duration = 5 }.duration))
      assert.equal(5.5, good { duration = 5.5 }.duration)
      assert.equal(1e308, good { duration = 1e308 }.duration)
      assert.equal(-5, good { duration = -5 }.duration)  -- the adapter names what is allowed
    end)

    it("must be a finite number", function()
      caught({ duration = "5" }, "duration must be a number of seconds, got string")
      caught({ duration = 0/0 }, "finite")
      caught({ duration = math.huge }, "finite")
      caught({ duration = -math.huge }, "finite")
      caught({ duration = {} }, "got table")
    end)
  end)

  describe("seed", function()
    it("is kept exactly, from 0 to 2^53", function()
      assert.equal(0, good { seed = 0 }.seed)
      assert.equal("9007199254740992", ("%d"):format(good { seed = 2^53 }.seed))
      assert.equal("integer", math.type(good { seed = 43.0 }.seed))
    end)

    it("is refused outside, and is nothing but a number", function()
      refused({ seed = -1 }, "seed must be an integer from 0 to 2%^53, not %-1")
      refused({ seed = 9007199254740993 }, "not 9007199254740993")
      refused({ seed = 5.5 }, "not 5.5")
      caught({ seed = "42" }, "seed must be an integer, got string")
      caught({ seed = 0/0 }, "seed must be an integer")
      caught({ seed = math.huge }, "seed must be an integer")
    end)
  end)

  describe("what it does not know", function()
    it("passes through, deeply", function()
      local f = file "a.png"
      local clean = good { new_option = "x", flag = false, nested = { list = { 1, 2.5, "a" },
        file = f, empty = {} } }
      assert.equal("x", clean.new_option)
      assert.is_false(clean.flag)
      assert.same({ 1, 2.5, "a" }, clean.nested.list)
      assert.same({}, clean.nested.empty)
      assert.equal(f, clean.nested.file)
    end)

    it("must have a place in JSON", function()
      caught({ x = print }, "x is a function")
      caught({ x = { a = { print } } }, "x%.a%[1%] is a function")
      caught({ x = coroutine.create(print) }, "x is a thread")
      caught({ x = io.stdout }, "x is a userdata")
      caught({ x = { n = 0/0 } }, "x%.n must be a finite number")
      caught({ x = math.huge }, "x must be a finite number")
      caught({ x = { 1, a = 2 } }, "x mixes names and list entries")
      caught({ x = { 1, nil, 3 } }, "x is a list with holes: entry 2 is nil")
      caught({ x = { [2] = 1 } }, "x is a list with holes: entry 1 is nil")
      caught({ x = { [1.5] = 1 } }, "key of type number")
      caught({ x = { [true] = 1 } }, "key of type boolean")
    end)

    it("may not contain itself, nor go down for ever", function()
      local loop = {}
      loop.a = { loop }
      caught({ x = loop }, "x%.a%[1%] contains itself")
      local deep = {}
      for _ = 1, 10000 do deep = { deep } end
      caught({ x = deep }, "nested deeper than 64 levels")
      local function nested(levels)
        local t = 1
        for _ = 1, levels do t = { t } end
        return t
      end
      assert.is_table(good { x = nested(64) }.x)
      caught({ x = nested(65) }, "deeper")
      local shared = { 1 }
      assert.same({ a = { 1 }, b = { 1 } }, good { x = { a = shared, b = shared } }.x)
    end)

    it("is named by words", function()
      caught({ "a prompt" }, "parameter names are strings, got the key 1")
      caught({ [true] = 1 }, "parameter names are strings")
      caught({ [""] = 1 }, "no parameter name")
      caught({ ["a\nb"] = 1 }, "no parameter name")
    end)
  end)

  it("wants a table", function()
    for _, v in ipairs { "a prompt", 5, true, print, file "a.png" } do
      caught(v, "the parameters must be a table")
    end
    local clean, problem = params.normalise(nil)
    assert.is_nil(clean)
    assert.is_true(problem.misuse)
  end)

  it("keeps null where null may be sent, and knows marked arrays", function()
    local null, marked = io.stderr, setmetatable({}, { __mode = "k" })
    with_json({
      null = null,
      is_array = function(t) return marked[t] == true end,
      array = function(t) marked[t] = true return t end,
    }, function()
      local empty = package.loaded["runway.json"].array {}
      local clean = good { seed = null, prompt_image = null, x = { null }, list = empty }
      assert.equal(null, clean.seed)
      assert.equal(null, clean.prompt_image)
      assert.equal(null, clean.x[1])
      assert.is_true(marked[clean.list])
      assert.are_not.equal(empty, clean.list)
      caught({ model = null }, "model must be a string, got null")
      for _, name in ipairs { "key", "kind", "format" } do
        caught({ [name] = null }, name .. " must be a string, got null")
      end
    end)
  end)

  it("always tells the same one of several problems", function()
    for _ = 1, 20 do
      local raw = {}
      for _, name in ipairs { "duration", "seed", "model", "ratio" } do raw[name] = {} end
      assert.equal("duration", bad(raw).field)
    end
  end)
end)

describe("params.kind_of", function()
  local function kind(raw) return params.kind_of(good(raw)) end

  it("follows the caller, then the inputs", function()
    assert.equal("sound_effect", kind { kind = "sound_effect", model = "gen4_image" })
    assert.equal("image_to_video", kind { model = "gen5", image = "https://a/b" })
    assert.equal("character_performance",
      kind { character = { type = "image", uri = "https://a/b" }, video = "https://a/c" })
    assert.equal("video_to_video", kind { video = "https://a/c", image = "https://a/b" })
    assert.equal("video_to_video", kind { video_uri = "https://a/c" })
    assert.equal("video_to_video", kind { videoUri = "https://a/c" })
    assert.equal("image_to_video", kind { image = "https://a/b", prompt = "x" })
    assert.equal("text_to_video", kind { prompt = "x" })
    assert.equal("text_to_video", kind {})
  end)
end)

describe("spelling", function()
  it("turns snake_case into camelCase and leaves the rest", function()
    for snake, camel in pairs { prompt_text = "promptText", model = "model",
      videoUri = "videoUri", reference_audio_list = "referenceAudioList", a_1 = "a1", _x = "_x",
      x_ = "x_", a__b = "aB" } do
      assert.equal(camel, params.camel(snake))
    end
  end)

  it("turns the two common ratios into words and back", function()
    assert.equal("16:9", params.ratio_words("1280:720"))
    assert.equal("9:16", params.ratio_words("720:1280"))
    assert.equal("1280:720", params.ratio_pixels("16:9"))
    assert.equal("720:1280", params.ratio_pixels("9:16"))
    for _, ratio in ipairs { "960:960", "1:1", "auto", "16:9" } do
      assert.equal(ratio, params.ratio_words(ratio))
    end
    assert.equal("1:1", params.ratio_pixels("1:1"))
  end)

  it("finds the name that was meant", function()
    local names = { "timeout", "proxy", "poll_interval", "max_retries" }
    assert.equal("timeout", params.nearest("timout", names))
    assert.equal("timeout", params.nearest("Timeout", names))
    assert.equal("timeout", params.nearest("tiemout", names))
    assert.equal("poll_interval", params.nearest("pollInterval", names))
    assert.equal("seed", params.nearest("sed", { "seed" }))
    assert.equal("seed", params.nearest("seeed", { "seed" }))
    assert.equal("seed", params.nearest("xeed", { "seed" }))
    assert.equal("seed", params.nearest("seex", { "seed" }))
    assert.equal("seed", params.nearest("esed", { "seed" }))
    assert.equal("ratio", params.nearest("ratoi", { "ratio" }))
    assert.is_nil(params.nearest("sxxd", { "seed" }))
    assert.is_nil(params.nearest("dees", { "seed" }))
    assert.equal("abcdef", params.nearest("abxyef", { "abcdef" }))
    assert.is_nil(params.nearest("axyzef", { "abcdef" }))
    assert.equal("timeout", params.nearest("timeouts", { "timeless", "timeout", "time" }))
    assert.equal("bar", params.nearest("bat", { "cat", "bar" }))
    assert.equal("bar", params.nearest("bat", { "bar", "cat" }))
    assert.is_nil(params.nearest("color", names))
    assert.is_nil(params.nearest("", names))
    assert.is_nil(params.nearest(5, names))
    assert.is_nil(params.nearest(("x"):rep(1e6), names))
  end)

  it("counts text as the limits do, in UTF-16 code units", function()
    assert.equal(0, params.length(""))
    assert.equal(3, params.length("abc"))
    assert.equal(3, params.length("é€語"))
    assert.equal(4, params.length("\u{1F600}\u{10FFFF}"))
  end)

  it("finds bad UTF-8 the same with and without the utf8 library", function()
    local words = require "runway.text"
    local texts = { "", "abc", "é€\u{1F600}", "\xff", "a\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98",
      "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "ab\xC3(",
      "é\xE2(\xA1", "\u{D7FF}\u{E000}\u{FFFF}\u{10000}", "x\xF8\x88\x80\x80\x80",
      "\u{80}\u{800}\u{10FFFF}" }
    local library, by_library, by_hand = utf8, {}, {}
    for i, text in ipairs(texts) do by_library[i] = words.bad_byte(text) or 0 end
    _G.utf8 = nil
    local ok, message = pcall(function()
      for i, text in ipairs(texts) do by_hand[i] = words.bad_byte(text) or 0 end
    end)
    _G.utf8 = library
    assert.is_true(ok, message)
    assert.same(by_library, by_hand)
    assert.same({ 0, 0, 0, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 0, 2, 0 }, by_library)
  end)
end)

describe("what a message shows of a value", function()
  local values = require "runway.values"

  it("is short, on one line, and never a secret", function()
    assert.equal('"gen4"', values.show("gen4"))
    assert.equal('"a?b"', values.show("a\nb"))
    assert.equal("a data URI", values.show("data:image/png;base64,SECRET"))
    assert.equal('"https://host/a"', values.show("https://user:SECRET@host/a?sig=SECRET"))
    assert.equal("a file", values.show(file "a.png"))
    assert.equal("a table", values.show({}))
    assert.equal("nil", values.show(nil))
    assert.equal("false", values.show(false))
    assert.equal('"what?"', values.show("what?"))
    assert.equal('"' .. ("é"):rep(20) .. '..."', values.show(("é"):rep(1000)))
    assert.equal('"' .. ("x"):rep(40) .. '"', values.show(("x"):rep(40)))
    assert.is_truthy(utf8.len(values.show(("€"):rep(1000))))
  end)

  it("writes numbers as a person would", function()
    for text, n in pairs { ["5"] = 5.0, ["5.5"] = 5.5, ["1e+308"] = 1e308, ["-5"] = -5,
      ["9007199254740992"] = 2^53,
      ["9007199254740993"] = 9007199254740993, ["9223372036854775807"] = math.maxinteger } do
      assert.equal(text, values.show(n))
    end
  end)
end)

describe("params.check", function()
  local SPEC = {
    timeout = "number", on_progress = "function", headers = "table|nil", any = "any",
    retries = "integer", path = "string|table",
    color = function(v) return v == "red" or v == "blue", '"red" or "blue"' end,
  }

  -- As a public function would: the error must point at the line that calls `open`.
  local function open(options) return params.check(options, SPEC, "open") and true end

  local function raised(options)
    local ok, message = pcall(function()
      local done = open(options)
      return done
    end)
    assert.is_false(ok)
    return message
  end

  it("lets good options through, and none", function()
    local options = { timeout = 5, on_progress = print, any = false, retries = 3.0, path = {},
      color = "red", headers = {} }
    assert.equal(options, params.check(options, SPEC, "open"))
    assert.same({}, params.check(nil, SPEC, "open"))
  end)

  it("raises at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 2
    local ok, message = pcall(function()
      local done = open { timout = 5 }
      return done
    end)
    assert.is_false(ok)
    assert.matches("params_spec%.lua:" .. line .. ": open:", message)
  end)

  it("names the option that was meant", function()
    assert.matches("unknown option \"timout\" %(did you mean timeout%?%)", raised { timout = 5 })
    assert.matches("known: any, color, headers", raised { zzzzzz = 5 })
    assert.matches("unknown option %[1%]", raised { 5 })
  end)

  it("names what was expected", function()
    assert.matches("option timeout must be number, got string", raised { timeout = "5" })
    assert.matches("option timeout must be number, got ", raised { timeout = 0/0 })
    assert.matches("option retries must be integer, got 2.5", raised { retries = 2.5 })
    assert.matches("option retries must be integer", raised { retries = math.huge })
    assert.matches("option path must be string or table, got boolean", raised { path = true })
    assert.matches('option color must be "red" or "blue", got string', raised { color = "green" })
    assert.matches("options must be a table, got string", raised "x")
  end)
end)
