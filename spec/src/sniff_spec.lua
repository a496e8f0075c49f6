-- What the first bytes say: pictures, films and sounds by their kind, and words that a server sends
-- in the place of a file.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

local function u32(n)
  return string.char(n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255)
end

local function box(name, content)
  return u32(8 + #content) .. name .. content
end

local function ftyp(brand, ...)
  return box("ftyp", brand .. "\0\0\0\0" .. table.concat { ... }) .. box("meta", ("\0"):rep(600))
end

local function gif(extensions)
  return "GIF89a\1\0\1\0\128\0\0\0\0\0\255\255\255" .. extensions .. "\44\0\0\0\0\1\0\1\0\0\2\2\68\1\0\59"
end

local function riff(form, chunk) return "RIFF\100\0\0\0" .. form .. chunk end

describe("what the first bytes say", function()
  local server, here, directory

  setup(function()
    server = rawserver.start()
    here = scratch.new()
    directory = here.directory
  end)
  teardown(function()
    server:stop()
    here:remove()
  end)

  local function probe(bytes)
    return exchange.finish(assert(core.probe(here:write("a.txt", bytes))))
  end

  local function check(expected, cases)
    for name, bytes in pairs(cases) do
      local seen = probe(bytes)
      assert.equal(expected, seen.type, name .. ": " .. tostring(seen.error and seen.error.message))
      assert.equal(expected:match "^%a+", seen.class)
    end
  end

  local content = scratch.read

  describe("of a picture:", function()
    it("HEIC, HEIF and AVIF by their brand or by what they are compatible with", function()
      check("image/heic", {
        heic = ftyp("heic", "mif1"), heix = ftyp("heix", "mif1", "heic"), heim = ftyp "heim", heis = ftyp "heis",
        packed = ftyp("mif1", "mif1", "heic"), sequence = ftyp("msf1", "mif1", "heix"),
        film = ftyp("isom", "mp41", "heic"), unknown = ftyp("zzzz", "mif1", "heic"), order = ftyp("zzzz", "heic",
          "mif1"),
        far = ftyp("mif1", ("abcd"):rep(100), "heic"), MiHE = ftyp("mif1", "miaf", "MiHE"),
      })
      check("image/heic-sequence", { hevc = ftyp("hevc", "mif1", "heic"), hevx = ftyp "hevx" })
      check("image/avif", {
        avif = ftyp("avif", "mif1", "miaf"), avis = ftyp("avis", "msf1", "iso8"), packed = ftyp("mif1", "avif",
          "miaf"),
        MA1B = ftyp("mif1", "miaf", "MA1B"),
      })
      check("image/heif", { mif1 = ftyp "mif1", unknown = ftyp("zzzz", "mif1"), jpeg = ftyp("mif1", "jpeg") })
      check("image/heif-sequence", { msf1 = ftyp("msf1", "iso8") })
      check("image/x-canon-cr3", { crx = ftyp("crx ", "crx ", "isom") })
    end)

    it("others by their signatures", function()
      check("image/bmp", { bmp = "BM\54\4\0\0\0\0\0\0\54\0\0\0" })
      check("image/tiff", { little = "II*\0\8\0\0\0", big = "MM\0*\0\0\0\8" })
      check("image/x-exr", { exr = "v/1\1\2\0\0\0" })
      check("image/jxl", { stream = "\255\10\250\31\65", box = "\0\0\0\12JXL \13\10\135\10" })
      check("image/jp2", { jp2 = "\0\0\0\12jP  \13\10\135\10" })
      check("image/vnd.adobe.photoshop", { psd = "8BPS\0\1" })
    end)

    it("sounds in the container of films, by their tracks, wherever these are told", function()
      local function hdlr(kind) return box("hdlr", "\0\0\0\0\0\0\0\0" .. kind .. ("\0"):rep(13)) end
      local function trak(kind)
        return box("trak", box("tkhd", ("\0"):rep(84)) .. box("mdia", box("mdhd", ("\0"):rep(24)) .. hdlr(kind)))
      end
      local function moov(...) return box("moov", box("mvhd", ("\0"):rep(100)) .. table.concat { ... }) end
      local head, data = box("ftyp", "mp42\0\0\0\0isommp42"), box("mdat", ("x"):rep(9000))
      local long = u32(1) .. "mdat" .. u32(0) .. u32(16 + 9000) .. ("x"):rep(9000)
      check("audio/mp4", {
        after = head .. data .. moov(trak "soun"), before = head .. moov(trak "soun") .. data,
        two = head .. data .. moov(trak "soun", trak "soun"), long = head .. long .. moov(trak "soun"),
        text = head .. data .. moov(trak "text", trak "soun"),
      })
      check("video/mp4", {
        film = head .. data .. moov(trak "soun", trak "vide"), mute = head .. data .. moov(trak "vide"),
        none = head .. data, cut = head .. data .. moov(trak "soun"):sub(1, 60), empty = head .. data .. moov(),
        lies = head .. u32(0x7fffffff) .. "moov", nothing = head .. u32(2) .. "moov" .. ("\0"):rep(99),
        deep = head .. (u32(0) .. "moov"):rep(9000), many = head .. box("free", ""):rep(600) .. moov(trak "soun"),
      })
    end)

    it("whether it moves", function()
      local netscape = "\33\255\11NETSCAPE2.0\3\1\0\0\0"
      local function control(delay) return "\33\249\4\0" .. string.char(delay) .. "\0\0\0" end
      for name, bytes in pairs {
        old = gif "\33\255\11ANIMEXTS1.0\3\1\0\0\0",
        loop = gif(netscape), delay = gif(control(10)), both = gif("\33\254\5hello\0" .. netscape .. control(0)),
        webp = riff("WEBP", "VP8X\10\0\0\0\2\0\0\0\0\0\0\0\0\0"), alpha = riff("WEBP",
          "VP8X\10\0\0\0\18\0\0\0\0\0\0\0\0\0"),
        apng = "\137PNG\r\n\26\n\0\0\0\13IHDR" .. ("\0"):rep(17) .. "\0\0\0\8acTL\0\0\0\2", avis = ftyp("avis",
          "avif"),
      } do
        assert.is_true(probe(bytes).animated, name)
      end
      for name, bytes in pairs {
        gif = gif "", still = gif(control(0)), comment = gif "\33\254\11NETSCAPE2.0\0", cut = gif(netscape):sub(1,
          13),
        webp = riff("WEBP", "VP8 "), extended = riff("WEBP", "VP8X\10\0\0\0\16\0\0\0\0\0\0\0\0\0"),
        short = riff("WEBP", "VP8X"), png = "\137PNG\r\n\26\n\0\0\0\13IHDR", heic = ftyp("heic", "mif1"),
          mp4 = ftyp "isom",
      } do
        assert.is_nil(probe(bytes).animated, name)
      end
    end)
  end)

  describe("of a film:", function()
    it("QuickTime, whatever its first box", function()
      local moov = box("moov", ("\0"):rep(100))
      check("video/quicktime", {
        vendor = box("free", "") .. box("uuid", ("\0"):rep(16)) .. box("moov", ("\0"):rep(99)),
        qt = ftyp("qt  ", "qt  "), moov = moov, wide = box("wide", "") .. box("mdat", ("\0"):rep(9000)) .. moov,
        mdat = box("mdat", ("x"):rep(5000)) .. moov, free = box("free", "\0\0") .. moov, skip = box("skip",
          ("\0"):rep(8000)),
        preview = box("pnot", ("\0"):rep(12)) .. box("PICT", ("\0"):rep(50)),
          large = u32(1) .. "mdat\0\0\0\5\0\0\0\0",
        open = u32(0) .. "mdat" .. ("\0"):rep(50), late = box("wide", "") .. box("free", "\0") .. ftyp "qt  ",
        huge = "\127\255\255\255mdat\0\0\1\179", junk = box("junk", ("\0"):rep(5000)),
        uuid = box("uuid", ("x"):rep(16)) .. box("mdat", ("\0"):rep(20)) .. moov, far = box("uuid", ("\0"):rep(9000)),
        another = box("meta", ("\0"):rep(24)) .. box("\169too", "\0") .. moov,
      })
    end)

    it("MP4 and its kin", function()
      check("video/mp4", {
        isom = ftyp("isom", "iso2", "avc1", "mp41"), mp42 = ftyp("mp42", "M4A ", "M4V ", "isom"), M4V = ftyp("M4V ",
          "M4A "),
        android = ftyp("isom", "3gp4"), late = box("free", "\0") .. ftyp "mp42", unknown = ftyp "zzzz",
          f4v = ftyp "f4v ",
        piece = box("styp", "msdh\0\0\0\0"), moof = box("moof", ""), short = "\0\0\0\24ftyp",
      })
      check("video/3gpp", { ["3gp4"] = ftyp("3gp4", "isom"), ["3gp5"] = ftyp "3gp5", ["3gg6"] = ftyp "3gg6" })
      check("video/3gpp2", { ["3g2a"] = ftyp "3g2a" })
    end)

    it("other containers", function()
      check("video/x-matroska", { mkv = "\26\69\223\163\163\66\134\129\1\66\130\136matroska\66\135\129\4" })
      check("video/webm", { webm = "\26\69\223\163\159\66\134\129\1\66\130\132webm\66\135\129\4" })
      check("video/ogg", { theora = "OggS\0\2" .. ("\0"):rep(22) .. "\128theora\3\2\1" })
      check("video/mp2t", {
        ts = ("\71\64\0\16" .. ("\255"):rep(184)):rep(3), m2ts = ("\0\0\0\1\71\64\0\16" .. ("\255"):rep(184)):rep(2),
      })
      check("video/mpeg", { program = "\0\0\1\186\33\0", stream = "\0\0\1\179\20\0" })
      check("video/x-flv", { flv = "FLV\1\5\0\0\0\9" })
      check("video/x-ms-asf", { wmv = "\48\38\178\117\142\102\207\17\166\217" })
    end)
  end)

  describe("of a sound:", function()
    it("MPEG audio of every version and layer", function()
      local frames = {}
      for _, second in ipairs { 0xfb, 0xfa, 0xf3, 0xf2, 0xe3, 0xe2, 0xfd, 0xfc, 0xf5, 0xf4, 0xf7 } do
        for _, third in ipairs { 0x90, 0x00, 0xe8, 0xb4 } do
          frames[("%x %x"):format(second, third)] = string.char(255, second, third, 0) .. ("\0"):rep(400)
        end
      end
      frames.printable = "\255\251\144\100" .. ("x"):rep(500)
      frames.tagged = "ID3\4\0\0\0\0\0\10" .. ("\0"):rep(10) .. "\255\251\144\0"
      frames.long = "ID3\3\0\0\0\15\118\118" .. ("\0"):rep(5000)
      frames.cut = "ID3"
      check("audio/mpeg", frames)
    end)

    it("AAC, FLAC, and those in a container", function()
      check("audio/aac", {
        mpeg4 = "\255\241\80\128\4\63\252", mpeg2 = "\255\249\80\128", crc = "\255\240\80\128",
        tagged = "ID3\4\0\0\0\0\0\2\0\0\255\241\80\128",
      })
      check("audio/flac", { flac = "fLaC\0\0\0\34", tagged = "ID3\4\0\0\0\0\0\2\0\0fLaC\0" })
      check("audio/mp4", { M4A = ftyp("M4A ", "isom"), M4B = ftyp "M4B ", listed = ftyp("mp42", "isom", "M4A ") })
      check("audio/wav", { RIFF = riff("WAVE", "fmt "), RF64 = "RF64\255\255\255\255WAVEds64",
        RIFX = "RIFX\0\0\0\9WAVE" })
      check("audio/aiff", { AIFF = "FORM\0\0\0\9AIFFCOMM", AIFC = "FORM\0\0\0\9AIFCFVER" })
      check("audio/amr", { amr = "#!AMR\n" })
      check("audio/x-caf", { caf = "caff\0\1\0\0" })
    end)
  end)

  it("nothing of a name, of words, or of what is cut short", function()
    for _, bytes in ipairs {
      "\0", "\255", "\255\251", "\255\251\255\0", "\255\251\156\0", "\255\235\144\0", "\255\241\252\0",
      "\255\254<\0?\0x\0", "GIF8", "RIFF",
      "RIFF\0\0\0\0", "RIFF\0\0\0\0junk", "\0\0\0\24", "\0\0\0\24fty", "\0\0\0\7moo\0", "\0\0\0\0wide",
      "\0\0\0\8uuid\0\0\0\8mdat",
      "ftyp", "x wide open space", "the free lunch is moov and mdat", "a mdat" .. (" word"):rep(900), "PK\3\4\20\0",
      "%PDF-1.7\n",
      "\137PN", "\31\139\8\0", "G" .. ("G"):rep(400), "BM is a car", "{\"a\":1}",
      "<svg xmlns='http://www.w3.org/2000/svg'/>", "v/1",
      "\0\0\0\12JXL", "OggX\0", ("\0"):rep(5000), "\0\0\1", u32(1) .. "free", u32(1) .. "free" .. ("\0"):rep(8),
      u32(9) .. "meta\0",
    } do
      local seen = probe(bytes)
      assert.is_nil(seen.type, ("%q"):format(bytes:sub(1, 40)))
      assert.same({ "not_media", #bytes }, { seen.error.code, seen.size })
    end
  end)

  it("something or nothing of any bytes, without end or crash", function()
    local names = { "ftyp", "moov", "mdat", "free", "wide", "ID3", "GIF89a", "RIFF", "OggS", "\26\69\223\163",
      "\255", "!\249", "\0", "heic" }
    local seed = 7
    local function chance(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % n + 1
    end
    for _ = 1, 300 do
      local parts = {}
      for i = 1, chance(12) do
        parts[i] = chance(2) == 1 and names[chance(#names)] or string.char(chance(256) - 1, chance(3) - 1,
          chance(256) - 1)
      end
      local seen = probe(table.concat(parts))
      assert.is_true(seen.type ~= nil or seen.error.code == "not_media")
    end
  end)

  describe("of a download:", function()
    local count = 0

    -- The server sends the bytes as they are, and calls them application/octet-stream.
    local function download(bytes, save)
      count = count + 1
      save = save or { only_media = true }
      save.path = ("%s/%d.mp4"):format(directory, count)
      local result = exchange.run { method = "POST", url = server:url "/echo", body = bytes, save = save }
      return result, content(save.path), content(save.path .. ".part")
    end

    it("a film, a sound, a picture, an archive and unknown bytes are files", function()
      for name, bytes in pairs {
        mp4 = ftyp("isom", "mp41"), mp3 = "\255\251\144\100" .. ("x"):rep(5000),
          zip = "PK\3\4\20\0\8\0" .. ("text "):rep(200),
          ["one long word"] = ("v"):rep(1000),
        unknown = "\1\2\3", zeros = ("\0"):rep(9000), pdf = "%PDF-1.7\n1 0 obj\n", gif = "GIF89a\1\0\1\0",
        late = ("words "):rep(20) .. "\0" .. ("words "):rep(200), mark = "\255\254\1\2\3\4\5\6", escape = "{\1\2\3",
          angle = "<\1\2\3",
        bracket = "[\"\1\2\3", open = "\0\0\0\0mdat" .. ("\0"):rep(90), short = "\0\0\0 ftypmp42",
        padded = "\0\0\0\1words",
        halves = "\255\254\0\216a\0a\0", pairs = ("\1\0\200\0"):rep(300), sound = ("a\0\1\1"):rep(300),
        ["a film in gzip"] = "\31\139\8\0\0\0\0\0\0\3\1\4\0\251\255\1\2\3\4",
      } do
        local result, kept = download(bytes)
        assert.is_nil(result.error, name .. ": " .. tostring(result.error and result.error.message))
        assert.equal(bytes, kept, name)
      end
    end)

    it("words are none, and are told with their first line", function()
      for bytes, told in pairs {
        ['{"error":"expired"}'] = 'JSON instead of the file: {"error":"expired"}',
        ["[]"] = "JSON instead of the file: []",
        ['\239\187\191 \r\n[{"a":1}]'] = 'JSON instead of the file: [{"a":1}]',
        ["{}"] = "JSON instead of the file: {}",
        ['{\n  "error": 1 }\0\0'] = "JSON instead of the file: {",
        ['{"raw":"\1\2\200"}'] = 'JSON instead of the file: {"raw":"  ?"}',
        ["<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"] = "XML instead of the file: <?xml version",
        ["<Error><Code>AccessDenied</Code></Error>"] = "XML instead of the file: <Error>", ["<svg/>"] = "XML instead",
        ["\n\n <!DOCTYPE html>\n<title>Log in"] = "an HTML page instead of the file: <!DOCTYPE html>",
        ["<HTML>x"] = "an HTML page instead of the file: <HTML>x",
        ["error code: 1020\n"] = "text instead of the file: error code: 1020",
        ["\180\237\206\243\n"] = "text instead of the file: ????",
        ["<3 no page"] = "text instead of the file: <3 no page",
        ["\255\254e\0r\0r\0o\0r\0"] = "text instead of the file: ??error",
        ["\255\254e\0r\0r\0=\216\0\222 \0o\0"] = "text instead of the file: ??err=?? o", -- a character in halves
        ["\254\255\0e\0r\0r\0 \0o"] = "text instead of the file: ??err o",
        ["{\0\"\0e\0\"\0:\0001\0}\0"] = 'JSON instead of the file: {"e":1}',
        ["\0{\0\"\0e\0\"\0:\0001\0}"] = 'JSON instead of the file: {"e":1}',
        ["\255\254<\0h\0t\0m\0l\0>\0\013N\244f"] = "an HTML page instead of the file: ??<html>",
        ["\255\254\013N\244f\025\149\239\139"] = "text instead of the file: ", -- no letter of it is Latin
        ['\0{"error":"expired"}'] = 'JSON instead of the file: {"error":"expired"}',
        ["\0\0\0\0 <html>gone"] = "an HTML page instead of the file: <html>gone",
        ["\0\n\nInternal server error\n"] = "text instead of the file: Internal server error",
        [" \0 \0 gone"] = "text instead of the file: gone", ["<html>\1\2"] = "an HTML page instead of the file: <html>",
        ["gone\0\n\0"] = "text instead of the file: gone",
        ["#EXTM3U\n#EXT-X"] = "text instead of the file: #EXTM3U",
        ["ok"] = "text instead of the file: ok", [("word "):rep(99999)] = "text instead of the file: word word",
        ['{"a":' .. ("[1,2],"):rep(99999)] = "JSON instead of the file: {\"a\"", [" "] = "text instead of the file",
      } do
        local result, kept, part = download(bytes)
        assert.is_table(result.error, ("%q"):format(bytes:sub(1, 40)))
        assert.equal("protocol", result.error.kind)
        assert.equal("bad_media", result.error.code)
        assert.matches(told, result.error.message, 1, true)
        assert.is_nil(result.error.message:find "[%c\128-\255]")
        assert.is_nil(kept)
        assert.is_nil(part)
      end
    end)

    it("the label decides nothing", function()
      local function labelled(bytes)
        local hex = bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
        local path = directory .. "/labelled.mp4"
        local result = exchange.run { url = server:url("/coded?type=text/html&hex=" .. hex),
          save = { path = path, only_media = true, overwrite = true } }
        local kept = content(path)
        os.remove(path)
        return result, kept
      end
      for _, film in ipairs {
        ftyp("isom", "mp41"), "\255\216\255\225" .. ("words "):rep(90),
        "GIF89a\1\0\1\0", "\1\2\3", "\26\69\223\163\159webm",
      } do
        local result, kept = labelled(film)
        assert.is_nil(result.error)
        assert.equal(film, kept)
      end
      assert.equal("bad_media", labelled("<p>gone").error.code)
      assert.equal("bad_media", labelled(("v"):rep(1000)).error.code)
    end)

    it("words are a file for who asks for no media", function()
      local result, kept = download("words", {})
      assert.is_nil(result.error)
      assert.equal("words", kept)
    end)

    it("words under another status are the answer", function()
      local result = exchange.run {
        url = server:url "/status/404?body=gone", save = { path = directory .. "/none.mp4", only_media = true },
      }
      assert.equal(404, result.status)
      assert.equal("gone", result.body)
    end)
  end)
end)
