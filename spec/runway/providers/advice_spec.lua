-- The rules as such; which model has which is in runwayml_models_spec.lua.

local advice = require "runway.providers.advice"
local files = require "runway.files"
local json = require "runway.json"

local URL = "https://x.test/a.png"

local function refusal(v, rule) return advice.refusal("field", v, rule) end

describe("runway.providers.advice", function()
  it("lets null and what is absent through", function()
    assert.is_nil(refusal(nil, advice.flag))
    assert.is_nil(refusal(json.null, advice.flag))
  end)

  it("knows texts, numbers, words and flags", function()
    for _, case in ipairs {
      { advice.text(3), "abc", "abcd" }, { advice.text(3), "\u{1F600}a", "\u{1F600}\u{1F600}" }, { advice.text(3),
        "a", "" },
      { advice.text(9, 1, "^%d+$"), "12", "a" }, { advice.whole(2, 10), 2, 11 }, { advice.whole(2, 10), 10, 2.5 },
      { advice.text(), ("a"):rep(99999), "" }, { advice.positive, 1e9, 0 },
      { advice.or_word(advice.whole(2, 10), "auto"), "auto", 11 }, { advice.or_word(advice.flag, "auto"), true, "on" },
      { advice.sizes({ "auto" }, 4, 9), "3:3", "3:4" }, { advice.sizes({ "auto" }, 4, 9), "auto", "outo" },
      { advice.number(0, 1), 0.5, 1.5 }, { advice.one_of { "a", 5 }, 5, 6 }, { advice.flag, false, "false" },
    } do
      assert.is_nil(refusal(case[2], case[1]))
      assert.is_string(refusal(case[3], case[1]))
      assert.is_string(refusal({}, case[1]))
    end
    assert.equal("takes field as 2 to 10, not 11", refusal(11, advice.whole(2, 10)))
    assert.matches("in whole numbers", refusal(2.5, advice.whole(2, 10)), 1, true)
    assert.equal("a, b or 5", advice.describe(advice.one_of { "a", "b", 5 }))
  end)

  it("knows addresses by form, class and length", function()
    local image = advice.media "image"
    for _, v in ipairs { URL, "runway://abcdefgh", "data:image/png;base64,AA", "DATA:Image/PNG;base64,AA",
      files.known("a.png", { class = "image" }), files.make "a.png" } do
      assert.is_nil(refusal(v, image))
    end
    for _, v in ipairs { "http://x.test/a.png", "a.png", "data:video/mp4;base64,AA", 5, {},
      files.known("a.mp4", { class = "video", type = "video/mp4" }), "https://x.test/" .. ("x"):rep(2048),
      "data:image/png;base64," .. ("A"):rep(5242880) } do
      assert.is_string(refusal(v, image))
    end
    assert.is_nil(refusal("data:video/mp4;base64,AA", advice.media "any"))
  end)

  it("knows lists, frames and objects", function()
    local list = advice.list { of = advice.whole(1, 5), max = 2, min = 1 }
    assert.is_nil(refusal({ 1, 2 }, list))
    for _, v in ipairs { { 1, 2, 3 }, {}, { 9 }, { a = 1 }, 5 } do assert.is_string(refusal(v, list)) end

    local frames = advice.frames { positions = { "first", "last" }, max = 2, first = true }
    assert.is_nil(refusal({ { uri = URL, position = "first" }, { uri = URL, position = "last" } }, frames))
    for _, v in ipairs { { { uri = URL, position = "last" } }, { { uri = URL, position = "x" } },
      { { uri = URL, position = "first" }, { uri = URL, position = "first" } }, { { uri = "a" } } } do
      assert.is_string(refusal(v, frames))
    end

    local object = advice.object { needs = { "uri" }, uri = advice.media "image", weight = advice.number(0, 1) }
    assert.is_nil(refusal({ uri = URL, weight = 1 }, object))
    for _, v in ipairs { {}, { uri = URL, weight = 2 }, "x", files.make "a" } do assert.is_string(refusal(v,
      object)) end
    local either = advice.object { either = { "a", "b" }, a = advice.flag, b = advice.flag }
    assert.is_nil(refusal({ a = true }, either))
    for _, v in ipairs { {}, { a = true, b = true } } do assert.is_string(refusal(v, either)) end
  end)

  it("checks a body in one order, and sees a slip in what is missing", function()
    local rules = { needs = { "promptText" }, promptText = advice.text(5), duration = advice.one_of { 5 } }
    local function spell(name) return ({ promptText = "prompt_text" })[name] or name end
    local function check(body)
      local warnings = {}
      return advice.check("gen", rules, body, spell, warnings), warnings
    end
    assert.is_nil((check { promptText = "a", duration = 5, other = 1 }))
    assert.equal("gen takes durations 5, not -6", check({ promptText = "a", duration = -6 }).message)
    local problem, warnings = check { promptText = "a", duration = 6 }
    assert.is_nil(problem)
    assert.same({ "gen: duration 6 is not among those known (5); it goes to the API as it is" }, warnings)
    problem = check { promt_text = "a" }
    assert.equal("prompt_text", problem.field)
    assert.matches("is promt_text a slip of it?", problem.message, 1, true)
  end)
end)
