local effort = require "spec.support.effort"
local fields = require "runway.fields"

-- Values of every type, for readers that must take any of them without raising.
local function one_of_each_type()
  return { true, false, 0, -1, 1.5, 0/0, math.huge, -math.huge, math.mininteger, "", " ", "\0",
    "\xff\xfe", ("x"):rep(100000), {}, { {} }, { url = {} }, { [3] = "https://a/b" }, print,
    coroutine.create(print), io.stdout }
end

describe("runway.fields", function()
  it("never raises, whatever a server sends", function()
    local readers = { "id", "status", "progress", "urls", "text", "line", "time", "number" }
    for _, name in ipairs(readers) do
      assert.has_no.errors(function() fields[name](nil) end)
      for i, v in ipairs(one_of_each_type()) do
        local ok, message = pcall(fields[name], v)
        assert.is_true(ok, ("%s of value %d: %s"):format(name, i, tostring(message)))
      end
    end
  end)

  describe("id", function()
    it("takes strings as they are", function()
      assert.equal("17f20503-6c24-4c16-946b-35dbbce2af2f",
        fields.id("17f20503-6c24-4c16-946b-35dbbce2af2f"))
      assert.equal("runway_task_1/x y", fields.id("runway_task_1/x y"))
      assert.equal("9007199254740993", fields.id("9007199254740993"))
      assert.equal(("a"):rep(4096), fields.id(("a"):rep(4096)))
    end)

    it("turns integers into their digits, all of them", function()
      assert.equal("34546339854", fields.id(34546339854))
      assert.equal("9007199254740993", fields.id(9007199254740993))
    end)

    it("refuses what can name no task", function()
      for _, v in ipairs { "", " ", "\t", ".", "..", "a\0b", "a\nb", "a\127", ("a"):rep(4097),
        ("a"):rep(10240), 5.0, 1.5, 0/0, true, false, {}, print } do
        assert.is_nil(fields.id(v), tostring(v))
      end
      assert.is_nil(fields.id(nil))
    end)
  end)

  describe("status", function()
    it("knows the six official words, whatever their case and the spaces around", function()
      for _, word in ipairs { "PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED",
        "CANCELLED" } do
        assert.equal(word, fields.status(word))
        assert.equal(word, fields.status("  " .. word:lower() .. "\n"))
      end
    end)

    it("takes a provider's own words and numbers through a map", function()
      local map = { ["3"] = "SUCCEEDED", IN_PROGRESS = "RUNNING" }
      assert.equal("SUCCEEDED", fields.status(3, map))
      assert.equal("SUCCEEDED", fields.status(3.0, map))
      assert.equal("SUCCEEDED", fields.status("3", map))
      assert.equal("RUNNING", fields.status("in_progress", map))
      assert.is_nil(fields.status("SUCCEEDED", map))
    end)

    it("answers nil to what it does not know", function()
      for _, v in ipairs { "", "DONE", "SUCCEEDED!", 3, 3.5, 0/0, math.huge, true, {}, print,
        (" "):rep(1e6) .. "FAILED" } do
        assert.is_nil(fields.status(v))
      end
      assert.is_nil(fields.status(nil))
      assert.is_nil(fields.status(3.5, { ["3"] = "FAILED", ["4"] = "FAILED" }))
    end)
  end)

  describe("progress", function()
    it("reads numbers, numbers in strings, and percents", function()
      assert.equal(0.37, fields.progress(0.37))
      assert.equal(0.37, fields.progress("0.37"))
      assert.equal(0.37, fields.progress("37%"))
      assert.equal(0.375, fields.progress(" 37.5 % "))
      assert.equal(1, fields.progress("100%"))
      assert.equal(0, fields.progress("0%"))
      assert.equal(0, fields.progress(0))
      assert.equal(0.05, fields.progress("5e-2"))
    end)

    it("reads what is above 1 as percent", function()
      assert.equal(0.37, fields.progress(37))
      assert.equal(0.375, fields.progress("37.5"))
      assert.equal(0.02, fields.progress(2))
      assert.equal(1, fields.progress(100))
      assert.equal(1, fields.progress(1))
      assert.equal(1, fields.progress(1.004))
    end)

    it("reads a bare number by what it is when all is done, where that is known", function()
      assert.equal(0.01, fields.progress(1, 100))
      assert.equal(0.015, fields.progress("1.5", 100))
      assert.equal(1, fields.progress(100, 100))
      assert.equal(0.02, fields.progress(2, 100))
      assert.equal(0.37, fields.progress("37%", 100))
      assert.equal(0.25, fields.progress(30, "120"))
      assert.equal(1, fields.progress(1, 1))
      for _, none in ipairs { 0, -1, "many", {}, true } do assert.is_nil(fields.progress(5, none)) end
    end)

    it("clamps what lies outside 0..1", function()
      assert.equal(0, fields.progress(-1))
      assert.equal(1, fields.progress(250))
      assert.equal(1, fields.progress("250"))
      assert.equal(1, fields.progress("101%"))
      assert.equal(0, fields.progress("-3%"))
    end)

    it("is nil for what is no number", function()
      for _, v in ipairs { 0/0, math.huge, "nan", "inf", "0x1p-1", "1e999", "", "%", "half",
        "1.2.3", {}, true, print, ("1"):rep(100) } do
        assert.is_nil(fields.progress(v), tostring(v))
      end
      assert.is_nil(fields.progress(nil))
    end)
  end)

  describe("urls", function()
    it("reads a string, a list, and objects around URLs", function()
      assert.same({ "https://a/b" }, fields.urls("https://a/b"))
      assert.same({ "https://a/b", "http://c/d" }, fields.urls { "https://a/b", "http://c/d" })
      assert.same({ "https://a/1", "https://a/2", "https://a/3" },
        fields.urls { { url = "https://a/1" }, { uri = "https://a/2" }, "https://a/3" })
      assert.same({ "https://a/b" }, fields.urls { url = "https://a/b", size = 3 })
      assert.same({ "HTTPS://a/b" }, fields.urls("HTTPS://a/b"))
      local _, flagged = fields.urls { "https://a/b" }
      assert.is_nil(flagged)
    end)

    it("drops what is no http(s) URL, and says so", function()
      local urls, flagged = fields.urls { "https://a/b", 5, "file:///etc/passwd", "https://a/\0",
        "https://a/\r\nX: y", "data:video/mp4;base64,AA", {}, { url = false }, "https://",
        "javascript:1", "" }
      assert.same({ "https://a/b" }, urls)
      assert.matches("10 of 11 outputs", flagged)
    end)

    it("mends what a browser would", function()
      assert.same({ "https://a/my%20b.mp4", "https://a/b", "https://a/%E7%89%87.mp4" },
        fields.urls { "https://a/my b.mp4", { url = " https://a/b\r\n" }, "https://a/片.mp4" })
    end)

    it("says so of a single one too", function()
      assert.matches("1 of 2 outputs", select(2, fields.urls { "https://a/b", 5 }))
      assert.matches("1 of 1 outputs", select(2, fields.urls { 5 }))
      assert.is_nil((fields.urls { 5 }))
    end)

    it("keeps the first 64 of many", function()
      local many = {}
      for i = 1, 10000 do many[i] = "https://a/" .. i end
      local urls, flagged = fields.urls(many)
      assert.equal(64, #urls)
      assert.equal("https://a/1", urls[1])
      assert.equal("https://a/64", urls[64])
      assert.matches("first 64 of 10000", flagged)
      local _, none = fields.urls { table.unpack(many, 1, 64) }
      assert.is_nil(none)
    end)

    it("is nil when nothing is left", function()
      for _, v in ipairs { "", "x", {}, { 1 }, 5, true, print, "https://a/" .. ("x"):rep(20000) } do
        assert.is_nil((fields.urls(v)))
      end
      assert.is_nil((fields.urls(nil)))
    end)
  end)

  it("takes no longer for a text that was made to take long", function()
    for _, unit in ipairs { "1", " ", "1.", "%", "https://", "-", "a\n", "\r", "2026-01-01T00:00", "é" } do
      effort.assert_linear(50000, function(size)
        local long = unit:rep(size)
        for _, name in ipairs { "id", "status", "progress", "urls", "text", "line", "time", "number" } do
          fields[name](long)
          fields[name]("https://a/" .. long:sub(1, 16000) .. "\1")
        end
      end)
    end
  end)

  describe("text and line", function()
    it("cuts a long text to 4096 bytes, never inside a character", function()
      assert.equal(4096, #fields.text(("x"):rep(1024 * 1024)))
      for pad = 0, 3 do
        local cut = fields.text(("x"):rep(pad) .. ("\u{1F600}"):rep(2000))
        assert.is_truthy(utf8.len(cut))
        assert.is_true(#cut <= 4096 and #cut > 4092)
      end
      assert.equal(("é"):rep(2048), fields.text(("é"):rep(2048)))
      assert.equal("ab", fields.cut("ab€", 4))
      assert.equal("ab€", fields.cut("ab€", 5))
    end)

    it("survives a text that is not UTF-8 at all", function()
      assert.equal(4093, #fields.text(("\x80"):rep(9000)) + 1)
    end)

    it("takes numbers, and nothing else that is no string", function()
      assert.equal("5", fields.text(5))
      assert.equal("1.5", fields.text(1.5))
      for _, v in ipairs { "", 0/0, true, {}, print } do assert.is_nil(fields.text(v)) end
      assert.is_nil(fields.text(nil))
    end)

    it("makes one line of many", function()
      assert.equal("a b c", fields.line("\n a\r\n\tb\0 c \n"))
      assert.equal("abc", fields.line("abcdef", 3))
      assert.equal("abcdefg…", fields.line("abcdefghijklm", 10))
      assert.equal("abcdefghij", fields.line("abcdefghij", 10))
      assert.is_nil(fields.line(" \n "))
      assert.is_nil(fields.line({}))
    end)
  end)

  describe("time", function()
    it("reads ISO 8601 with a zone", function()
      for text, seconds in pairs {
        ["1970-01-01T00:00:01Z"] = 1,
        ["2024-06-27T19:49:32.334Z"] = 1719517772,
        ["2024-06-27T19:49:32Z"] = 1719517772,
        ["2024-06-27 19:49:32z"] = 1719517772,
        ["2024-06-27T21:49:32+02:00"] = 1719517772,
        ["2024-06-27T12:19:32-0730"] = 1719517772,
        ["2024-06-27T20:49:32.5+01"] = 1719517772,
        ["2024-06-27T19:49Z"] = 1719517740,
        ["2024-02-29T00:00:00Z"] = 1709164800,
        ["2000-02-29T00:00:00Z"] = 951782400,
        ["2100-03-01T00:00:00Z"] = 4107542400,
        ["2024-06-28T09:49:32+14:00"] = 1719517772,
        ["2038-01-19T03:14:08Z"] = 2147483648,
        ["2026-12-31T23:59:60Z"] = 1798761600,
      } do
        assert.equal(seconds, fields.time(text), text)
        assert.equal("integer", math.type(fields.time(text)))
      end
    end)

    it("knows how long the months are", function()
      local days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
      for month, last in ipairs(days) do
        assert.is_number(fields.time(("2023-%02d-%02dT00:00Z"):format(month, last)))
        assert.is_nil(fields.time(("2023-%02d-%02dT00:00Z"):format(month, last + 1)))
      end
    end)

    it("agrees with the system's calendar on every day of forty years", function()
      for day = 0, 365 * 40 do
        local t = day * 86400 + 3661
        assert.equal(t, fields.time(os.date("!%Y-%m-%dT%H:%M:%SZ", t)))
      end
    end)

    it("reads seconds and milliseconds, as numbers or digits", function()
      assert.equal(1719517772, fields.time(1719517772))
      assert.equal(1719517772, fields.time(1719517772334))
      assert.equal(1719517772, fields.time("1719517772"))
      assert.equal(1719517772, fields.time("1719517772334"))
      assert.equal(1719517772, fields.time(1719517772.9))
      assert.equal(1, fields.time(1))
      assert.equal("integer", math.type(fields.time(1719517772.9)))
    end)

    it("is nil for what is no moment", function()
      for _, v in ipairs { 0, -5, 0.5, "0.999", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+02:00",
        "", "soon", "2024-06-27T19:49:32", "2024-06-27",
        "2024-13-01T00:00Z", "2024-00-01T00:00Z", "2024-06-00T00:00Z", "2023-02-29T00:00Z",
        "2024-02-30T00:00Z", "2100-02-29T00:00Z", "2024-06-27T24:00:00Z", "2024-06-27T23:60:00Z",
        "2024-06-27T23:00:61Z", "2024-06-27T19:49:32+2", "2024-06-27T19:49:32+02:60",
        "2024-06-27T19:49:32+15:00", "yyyy-MM-ddTHH:mmZ", 1e300, 0/0, math.huge, {}, true,
        print } do
        assert.is_nil(fields.time(v), tostring(v))
      end
      assert.is_nil(fields.time(nil))
    end)
  end)

  describe("number", function()
    it("reads finite numbers, also from strings", function()
      assert.equal(5, fields.number(5))
      assert.equal("integer", math.type(fields.number("320")))
      assert.equal(-1.5, fields.number(" -1.5 "))
      for _, v in ipairs { 0/0, math.huge, "1e999", "0x10", "five", "", "1,5", true, {}, print } do
        assert.is_nil(fields.number(v), tostring(v))
      end
    end)

    it("reads credits, of which there are never less than none", function()
      assert.equal(0, fields.credits(0))
      assert.equal(12.5, fields.credits "12.5")
      for _, v in ipairs { -1, "-0.5", "five", 0 / 0 } do assert.is_nil(fields.credits(v), tostring(v)) end
    end)
  end)

  it("escapes an id for one segment of a path", function()
    assert.equal("a%2Fb%3Fc%20d%25.~_-", fields.escape("a/b?c d%.~_-"))
    assert.equal("%C3%A9", fields.escape("é"))
  end)
end)
