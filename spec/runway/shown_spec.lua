local runway = require "runway"
local shown = require "runway.shown"

local KEY = "key_0123456789abcdef0123456789abcdef"

describe("a value in a message", function()
  it("is told by its type, and by so much of it that it is found again", function()
    for expected, v in pairs {
      ["true"] = true, ["the number 5"] = 5, ["an empty string"] = "", ['the string "done"'] = "done",
      ['the string "two lines"'] = "two\nlines", ["a function"] = print, ["an empty table"] = {},
      ["a table of another form (with job, state)"] = { state = "done", job = 7 },
      ["a table of another form (a list of 2)"] = { "a", "b" }, ["a file"] = runway.file "a.png",
      ["a table of another form (with a, b, c, d, e, f, …)"] = { a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1 },
    } do
      assert.equal(expected, shown.value(v))
    end
    assert.equal("nil", shown.value(nil))
    assert.equal("the number nan", (shown.value(0 / 0):gsub("-nan", "nan")))
  end)

  it("is short, and holds no secret", function()
    assert.is_true(#shown.value(("x"):rep(1e6)) < 100)
    assert.is_true(#shown.value { [("x"):rep(1e6)] = 1 } < 100)
    for _, v in ipairs { KEY, "Bearer " .. KEY, ("x"):rep(55) .. KEY, { key = KEY }, { KEY } } do
      assert.is_nil(shown.value(v, KEY):find("key_0", 1, true), shown.value(v, KEY))
    end
    assert.is_nil(shown.value("https://cdn.example/a.mp4?_jwt=SECRET"):find("SECRET", 1, true))
    assert.is_nil(shown.value("data:image/png;base64,iVBORw0KGgoSECRET"):find("SECRET", 1, true))
  end)
end)
