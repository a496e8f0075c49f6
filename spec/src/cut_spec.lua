-- Pictures that end too early, in a file and in a data URI: what is missing is told, and of what is whole nothing.

local base64 = require "spec.support.base64"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local footage = require "spec.support.footage"
local scratch = require "spec.support.scratch"

local function chunk(name, bytes) return (">I4"):pack(#bytes) .. name .. bytes .. "\1\2\3\4" end
local function segment(kind, bytes) return "\255" .. string.char(kind) .. (">I2"):pack(#bytes + 2) .. bytes end

local PNG_HEAD = "\137PNG\r\n\26\n" .. chunk("IHDR", ("\0\0\0\9"):rep(2) .. "\8\2\0\0\0")
local JPEG_HEAD = "\255\216" .. segment(0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0")
local GIF_HEAD = "GIF89a\9\0\9\0\145\0\0" .. ("abc"):rep(4)

-- Each in pieces: what it begins with, by which it is known, and the rest.
local PICTURES = {
  ["a PNG"] = { PNG_HEAD, chunk("tEXt", "IEND") .. chunk("IDAT", ("x"):rep(9000)) .. chunk("IDAT", "yz")
    .. chunk("IEND", ""), "its last chunk (IEND)" },
  ["a JPEG"] = { JPEG_HEAD, segment(0xe1, "Exif\0\0 with a picture in it \255\216\255\217") .. "\255" .. segment(0xc0,
    ("\1"):rep(15)) .. segment(0xda, "\1\1\0\0\63\0") .. ("x\255\0\255\208"):rep(3000) .. "\255\217",
    "its end marker (EOI)" },
  ["a GIF"] = { GIF_HEAD, "\33\249\4\0\0\0\0\0,\0\0\0\0\9\0\9\0\128abcdef\2" .. ("\9;;;;;;;;;"):rep(900) .. "\0;",
    "its trailer" },
  ["a WebP"] = { "RIFF\36\31\0\0WEBPVP8 ", "\24\31\0\0" .. ("x"):rep(0x1f18), "the end that its header names" },
}

describe("a picture", function()
  local here = scratch.new()
  teardown(function() here:remove() end)

  local function of_file(bytes)
    local seen = exchange.finish(assert(core.probe(here:write("picture", bytes))))
    assert.is_nil(seen.error)
    return seen.cut
  end
  local function of_uri(bytes) return assert(core.data_uri("data:image/png;base64,\n" .. base64(bytes))).cut end

  for what, way in pairs { file = of_file, ["data URI"] = of_uri } do
    for name, p in pairs(PICTURES) do
      it(("in a %s: %s that was cut anywhere is known for that"):format(what, name), function()
        local whole, step = p[1] .. p[2], what == "file" and 211 or 37
        for n = #p[1], #whole - 1, step do assert.equal(p[3], way(whole:sub(1, n)), n) end
        for n = #whole - 5, #whole - 1 do assert.equal(p[3], way(whole:sub(1, n)), n) end
      end)

      it(("in a %s: %s that is whole is, whatever stands behind it"):format(what, name), function()
        for _, behind in ipairs { "", "\n", ("\0"):rep(10000), p[1], "\255\216\255" } do
          assert.is_nil(way(p[1] .. p[2] .. behind))
        end
      end)
    end

    it(("in a %s that keeps to no rule is not said to be cut"):format(what), function()
      for _, bytes in ipairs {
        "\137PNG\r\n\26\n", "\137PNG\r\n\26\n" .. ("\0"):rep(50), PNG_HEAD .. ("\0"):rep(50),
        PNG_HEAD .. "\255\0\0\0IDATxyzabc", "\137PNG\r\n\26\n" .. chunk("CgBI", "abcd"),
        "\255\216\255", "\255\216\255\224", "\255\216\255\224\0\0" .. ("\0"):rep(40), JPEG_HEAD .. "no mark",
        JPEG_HEAD .. "\255\217", JPEG_HEAD .. "\255\0\255\0", GIF_HEAD .. "no block", "GIF89a\9\0\9",
        "RIFF\0\0\0\0WEBPVP8 ", "RIFF\9\0\0\0WEBPVP8 ",
      } do
        assert.is_nil(way(bytes), ("%q"):format(bytes))
      end
    end)
  end

  footage.it(it, pending)("as programs write it is whole, and without its last bytes cut", function()
    for name, words in pairs {
      ["a.png"] = "-pred mixed", ["a.jpg"] = "-q:v 3", ["a.gif"] = "", ["b.jpg"] = "-q:v 31 -huffman default",
    } do
      footage.ffmpeg("-f lavfi -i testsrc=s=320x180 -frames:v 1 " .. words .. " %s", here:path(name))
      local bytes = scratch.read(here:path(name))
      assert.is_nil(of_file(bytes), name)
      for _, n in ipairs { 1, 2, 100, #bytes // 2 } do
        assert.is_string(of_file(bytes:sub(1, -1 - n)), name)
        assert.is_string(of_uri(bytes:sub(1, -1 - n)), name)
      end
    end
  end)
end)
