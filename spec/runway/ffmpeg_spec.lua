-- Films and pictures worked on by a real ffmpeg.

local ffmpeg = require "runway.ffmpeg"
local footage = require "spec.support.footage"
local program = require "runway.program"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

local seen = footage.it(it, pending)

describe("runway.ffmpeg", function()
  local files
  before_each(function() files = scratch.new() end)
  after_each(function() files:remove() end)

  it("leaves nothing of a picture whose making failed, broke, or was stopped", function()
    local run, ending = program.run, nil
    finally(function() program.run = run end)
    function program.run(argv)
      assert(io.open(argv[#argv]:match "^file:(.*)$", "w")):close()
      assert.equal(1, #files:names())
      return ending()
    end
    local function make() return ffmpeg.make({}, files:path "x.png", "x", 10) end
    function ending() return { code = 1, stderr = "no memory" } end
    assert.matches("no memory", select(2, make()).message)
    assert.same({}, files:names())
    function ending() error "broke" end
    assert.error_matches(make, "broke")
    assert.same({}, files:names())
    local began = false
    function ending()
      began = true
      scheduler.park(scheduler.waiter())
    end
    local job = runway.spawn(make)
    repeat runway.step(0) until began
    job:cancel()
    assert.same({}, files:names())
  end)

  it("says what to install where it is missing", function()
    local find = program.find
    program.find = function(name) return name == "ffmpeg" and "/bin/ffmpeg" or nil end
    local problem = ffmpeg.missing "joining"
    program.find = find
    assert.equal("no_ffmpeg", problem.code)
    assert.matches("^joining is done by ffmpeg, and there is no program ffprobe in the PATH: install ffmpeg",
      problem.message)
  end)

  seen("takes no playlist for a film, whatever it is called", function()
    footage.make(files:path "other.mp4")
    for _, said in ipairs { "ffconcat version 1.0\nfile other.mp4\n",
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n" } do
      local none, err = ffmpeg.look(files:write("film.mp4", said))
      assert.is_nil(none)
      assert.matches("film.mp4: ffprobe failed: ", err.message)
      none = ffmpeg.run({ ffmpeg.input(files:path "film.mp4"), "-f", "null", "-" }, "a look", 20)
      assert.is_nil(none)
    end
  end)

  seen("looks at films as they are seen, and takes no cover for one", function()
    footage.make(files:path "film.mp4", { sound = 1 })
    local facts = assert(ffmpeg.look(files:path "film.mp4"))
    assert.same({ 64, 36, "24/1", true }, { facts.width, facts.height, facts.rate, facts.sound })
    local bytes = files:content "film.mp4"
    local matrix = assert(bytes:find("tkhd", 1, true)) + 44
    files:write("turned.mp4", bytes:sub(1, matrix - 1)
      .. (">i4i4i4i4i4i4i4i4i4"):pack(0, 65536, 0, -65536, 0, 0, 36 * 65536, 0, 1073741824) .. bytes:sub(matrix + 36))
    facts = assert(ffmpeg.look(files:path "turned.mp4"))
    assert.same({ 36, 64 }, { facts.width, facts.height })
    assert(ffmpeg.last_frame(files:path "turned.mp4", files:path "cover.png"))
    assert.same({ "36", "64" }, footage.facts(files:path "cover.png", "stream=width,height"))
    footage.ffmpeg("-i %s -i %s -map 0:a -map 1 -c copy -disposition:v:0 attached_pic %s", files:path "film.mp4",
      files:path "cover.png", files:path "song.mp4")
    local none, err = ffmpeg.look(files:path "song.mp4")
    assert.is_nil(none)
    assert.matches("song.mp4 has no film in it", err.message)
  end)

  describe("the last frame of a film", function()
    local function last(opts)
      local film = footage.make(files:path "a b%d:1.mp4", opts)
      assert(ffmpeg.last_frame(film, files:path "x%d.png"))
      local greys = footage.greys(files:path "x%d.png")
      assert.equal(1, #greys)
      assert.same({ "a b%d:1.mp4", "x%d.png" }, files:names())
      return greys[1]
    end

    local function is_frame(n, grey)
      assert.is_true(math.abs(40 + 5 * n - grey) <= 2, ("%d is not frame %d"):format(grey, n))
    end

    seen("is its last", function() is_frame(11, last()) end)
    seen("is its only one", function() is_frame(0, last { frames = 1 }) end)
    seen("is the last where the sound is longer", function() is_frame(11, last { sound = 4 }) end)
    seen("is the last where the sound is shorter", function() is_frame(29, last { frames = 30, sound = 0.2 }) end)
    seen("is the last of a film whose time stamps are uneven, and leap", function()
      is_frame(19, last { frames = 20, filter = ",setpts=PTS+if(gt(N\\,17)\\,70/TB\\,mod(N\\,3)*0.01/TB)",
        words = "-fps_mode vfr" })
    end)
    seen("is the last in the order of showing, where frames are kept in another", function()
      is_frame(16, last { frames = 17, words = "-c:v mpeg4 -bf 2" })
    end)

    seen("is of the film's size", function()
      footage.make(files:path "a.mp4", { size = "90x160" })
      assert(ffmpeg.last_frame(files:path "a.mp4", files:path "a.png"))
      assert.same({ "90", "160" }, footage.facts(files:path "a.png", "stream=width,height"))
    end)

    seen("has the colours that a player shows, whether the film names its matrix or not", function()
      local function red(words)
        footage.ffmpeg("-f lavfi -i color=red:s=1280x720,format=gbrp -frames:v 2 -vf scale=out_color_matrix=bt709,"
          .. "format=yuv444p " .. words .. " %s", files:path "red.mp4")
        assert(ffmpeg.last_frame(files:path "red.mp4", files:path "red.png"))
        footage.ffmpeg("-i %s -vf crop=1:1 -pix_fmt rgb24 -f rawvideo %s", files:path "red.png", files:path "red.raw")
        local r, g, b = files:content "red.raw":byte(1, 3)
        return r > 250 and g < 8 and b < 8
      end
      assert.is_true(red "-colorspace bt709")
      assert.is_true(red "-colorspace unknown")
    end)

    seen("is written whole or not at all", function()
      files:write("bad.mp4", "no film")
      files:write("x.png", "was there")
      local none, err = ffmpeg.last_frame(files:path "bad.mp4", files:path "x.png")
      assert.is_nil(none)
      assert.same({ "io", "ffmpeg" }, { err.kind, err.code })
      assert.matches("bad.mp4: ffprobe failed: ", err.message)
      assert.equal("was there", files:content "x.png")
      footage.make(files:path "film.mp4", { sound = 1 })
      footage.ffmpeg("-i %s -vn -c copy %s", files:path "film.mp4", files:path "sound.mp4")
      none, err = ffmpeg.last_frame(files:path "sound.mp4", files:path "x.png")
      assert.is_nil(none)
      assert.matches("has no film in it", err.message)
      none, err = ffmpeg.last_frame(files:path "film.mp4", files:path "no/where.png")
      assert.is_nil(none)
      assert.equal("ffmpeg", err.code)
      assert.same({ "bad.mp4", "film.mp4", "sound.mp4", "x.png" }, files:names())
    end)

    seen("may be taken by several at once, beside what is anyone's", function()
      local film = footage.make(files:path "film.mp4")
      files:write("x.png.part", "mine")
      local taking = {}
      for i = 1, 4 do
        taking[i] = function() return ffmpeg.last_frame(film, files:path "x.png") end
      end
      assert.same({ true, true, true, true }, (runway.all(taking)))
      is_frame(11, footage.greys(files:path "x.png")[1])
      assert.equal("mine", files:content "x.png.part")
    end)
  end)
end)
