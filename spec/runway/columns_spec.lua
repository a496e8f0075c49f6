-- How wide a text is on a terminal.

local columns = require "runway.columns"

describe("runway.columns", function()
  it("counts columns and not bytes", function()
    for text, width in pairs {
      [""] = 0, ["a cat"] = 5, ["é"] = 1, ["e\204\129"] = 1, ["貓"] = 2, ["ねこ"] = 4, ["한국"] = 4, ["ﾈｺ"] = 2,
      ["🐱"] = 2, ["a\226\128\139b"] = 2, ["Ж"] = 1, ["…"] = 1, ["„"] = 1, ["𝒜"] = 1, ["Ａ"] = 2,
    } do
      assert.equal(width, columns.of(text), text)
    end
  end)

  it("cuts between characters", function()
    assert.equal("ab", columns.cut("abc", 2))
    assert.equal("abc", columns.cut("abc", 3))
    assert.equal("a", columns.cut("a貓", 2))
    assert.equal("a貓", columns.cut("a貓", 3))
    assert.equal("", columns.cut("貓", 1))
    assert.equal("e\204\129", columns.cut("e\204\129e", 1))    -- the accent stays with its letter
    assert.equal("", columns.cut("abc", 0))
  end)

  it("makes one line of anything", function()
    assert.equal("a b?c ?", columns.clean "a\nb\255c\27\195")
    assert.equal("é貓", columns.clean "é貓")
  end)
end)
