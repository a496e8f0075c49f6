local effort = require "spec.support.effort"
local text = require "runway.text"

describe("runway.text", function()
  it("changes the case of ASCII letters alone", function()
    assert.equal("running i ı é ä", text.lower "RUNNING I ı é ä")
    assert.equal("RUNNING I ı é ä", text.upper "running i ı é ä")
  end)

  it("cuts between characters", function()
    assert.equal("ab", text.cut("ab€", 4))
    assert.equal("ab€", text.cut("ab€", 5))
    assert.equal("", text.cut("€", 2))
  end)

  it("trims", function()
    assert.equal("a b", text.trim " \t\r\n a b\v\f ")
    assert.equal("", text.trim " \n ")
    assert.equal("", text.trim "")
    assert.equal("à", text.trim "à")
  end)

  it("makes one line of a text", function()
    assert.equal("a b c", text.line "\n a\r\n\tb\0 c \n")
    assert.equal("abc", text.line("abcdef", 3))
    assert.is_nil(text.line " \n ")
    assert.is_nil(text.line "")
    assert.is_nil(text.line(5))
    assert.is_nil(text.line(nil))
  end)

  it("finds the first byte that is no UTF-8", function()
    assert.is_nil(text.bad_byte "é€\u{1F600}")
    assert.equal(2, text.bad_byte "a\xE9b")
    assert.equal(1, text.bad_byte "\xC0\x80")
  end)

  it("counts as Runway does", function()
    assert.equal(4, text.length "\u{1F600}\u{10FFFF}")
    assert.equal(3, text.length "é€語")
  end)

  it("escapes what an address cannot hold", function()
    assert.equal("a%2Fb%3Fc%20d%25.~_-", text.escape "a/b?c d%.~_-")
    assert.equal("%C3%A9", text.escape "é")
  end)

  it("writes numbers with a point", function()
    assert.equal("5", text.number(5.0))
    assert.equal("5.5", text.number(5.5))
    assert.equal("1e+308", text.number(1e308))
  end)

  it("names the members of a list", function()
    assert.equal("a", text.either { "a" })
    assert.equal("5 or 10", text.either { 5.0, 10 })
    assert.equal("a, 0.5 or c", text.either { "a", 0.5, "c" })
  end)

  it("quotes for a shell what is no plain word", function()
    for word, quoted in pairs { ["a/b-1.mp4"] = "a/b-1.mp4", ["a b"] = "'a b'", ["it's"] = "'it'\\''s'", [""] = "''",
      ["$x"] = "'$x'", ["é"] = "'é'", ["a\nb"] = "'a\nb'", ["~"] = "'~'", ["a=b"] = "'a=b'" } do
      assert.equal(quoted, text.shell(word))
    end
  end)

  it("quotes for a message, without a secret", function()
    assert.equal('"a?b"', text.quote "a\nb")
    assert.equal("a data URI", text.quote " DATA:image/png;base64,SECRET")
    assert.equal('"https://host/a"', text.quote "https://user:SECRET@host/a?sig=SECRET")
    assert.equal('"https://host/a"', text.quote "https:///user:SECRET@host/a")
  end)

  describe("mends an address as a browser does:", function()
    for given, mended in pairs {
      ["https://h/my video.mp4"] = "https://h/my%20video.mp4",
      ["https://h/a.mp4\n"] = "https://h/a.mp4",
      ["  https://h/a.mp4\r\n"] = "https://h/a.mp4",
      ["https://h/long\n name\t.mp4"] = "https://h/long%20name.mp4",
      ["https://h/片.mp4?n=ä b#c"] = "https://h/%E7%89%87.mp4?n=%C3%A4%20b#c",
      ["https:\\/\\/h\\/a.mp4"] = "https://h/a.mp4",
      ["https:/h/a.mp4"] = "https://h/a.mp4", ["http:///h/a.mp4"] = "http://h/a.mp4",
      ["https:\\\\h\\a.mp4"] = "https://h/a.mp4", ["//h/a.mp4"] = "https://h/a.mp4", ["/a//b"] = "/a//b",
      ["https://h\\a\\b?c\\d"] = "https://h/a/b?c%5Cd",
      ["https://h/{a}|<b>"] = "https://h/%7Ba%7D%7C%3Cb%3E",
      ["https://h/a%20b?c=%7E&d=a+b"] = "https://h/a%20b?c=%7E&d=a+b",
    } do
      it(("%q"):format(given), function() assert.equal(mended, text.mend_url(given)) end)
    end

    it("but not what smuggles a header, or holds a control character", function()
      assert.is_nil(text.mend_url "https://h/\r\nX: y")
      assert.is_nil(text.mend_url "https://h/\0")
      assert.is_nil(text.mend_url "https://h/\27[2J")
    end)
  end)

  it("takes no longer for a text that was made to take long", function()
    for _, unit in ipairs { " ", "a ", "\r", "data:", "://", "\\/", "?", "é", "\x80", "\n\n", "@" } do
      effort.assert_linear(20000, function(size)
        local long = unit:rep(size)
        for _, name in ipairs { "lower", "upper", "trim", "line", "bad_byte", "length", "escape", "mend_url",
          "quote" } do
          text[name](long)
          text[name]("https://h" .. long .. "x")
        end
      end)
    end
  end)

  it("says why a module did not load, and not where it was looked for", function()
    local ok, raised = pcall(require, "runway.no_such_room")
    assert.is_false(ok)
    assert.equal("module 'runway.no_such_room' not found", text.cause(raised))
    local broken = "error loading module 'x' from file 'x.so':\n\tlib.so: cannot open shared object file"
    assert.equal(broken, text.cause(broken))
    assert.equal("nil", text.cause(nil))
  end)

  it("writes a number with so many digits", function()
    assert.equal("0.50", text.fixed(0.5, 2))
    assert.equal("3.0", text.fixed(3, 1))
    assert.equal("-12.3", text.fixed(-12.34, 1))
    assert.equal("inf", (text.fixed(math.huge, 1)))
  end)

  it("orders by bytes", function()
    local list = { "b", "a_c", "ab", "a", "", "B", "\255", "a" }
    table.sort(list, text.before)
    assert.same({ "", "B", "a", "a", "a_c", "ab", "b", "\255" }, list)
  end)
end)

describe("what was raised, in words:", function()
  for said, raised in pairs {
    ["a text"] = "a text", ["7"] = 7, ["no disk"] = { message = "no disk" }, ["404"] = { message = 404 },
    ["no disk (code = 5, path = \"a.mp4\")"] = { message = "no disk", code = 5, path = "a.mp4" },
    ["no disk (cause = table)"] = { message = "no disk", cause = {} },
    ["{ \"no disk\", 5, retry = true }"] = { "no disk", 5, retry = true },
    ["{ message = table }"] = { message = {} },
    ["{ a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, … }"] = { a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1 },
    ["an empty table"] = {},
    ["(error object is a boolean value)"] = true, ["(error object is a function value)"] = print,
    ["mine"] = setmetatable({ message = "no" }, { __tostring = function() return "mine" end }),
    ["an error that cannot be shown as text"] = setmetatable({}, { __index = function() error "none" end }),
  } do
    it(said, function() assert.equal(said, text.raised(raised)) end)
  end

  it("nothing", function() assert.equal("(error object is a nil value)", text.raised(nil)) end)
end)
