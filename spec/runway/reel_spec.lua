-- Clips put together by a real ffmpeg, and what came out counted.

local footage = require "spec.support.footage"
local reel = require "runway.reel"
local scratch = require "spec.support.scratch"

local seen = footage.it(it, pending)

describe("runway.reel", function()
  local files, film
  before_each(function()
    files = scratch.new()
    film = files:path "film.mp4"
  end)
  after_each(function() files:remove() end)

  local function clips(...)
    local paths = {}
    for i, opts in ipairs { ... } do paths[i] = footage.make(files:path(("clip '%d.mp4"):format(i)), opts) end
    return paths
  end

  local function grey(n) return 40 + 5 * n end

  local function close(wanted, got)
    assert.equal(#wanted, #got)
    for i, v in ipairs(wanted) do
      assert.is_true(math.abs(v - got[i]) <= 3, ("frame %d is %d, not %d"):format(i, got[i], v))
    end
  end

  -- Nothing but the film and what was there is left.
  local function only(...) assert.same({ ... }, files:names()) end

  -- Seconds of each stream, to the hundredth.
  local function lengths()
    local video = footage.facts(film, "stream=duration", "v:0")[1]
    local sound = footage.facts(film, "stream=duration", "a:0")[1]
    return { tonumber(("%.2f"):format(video)), sound and tonumber(("%.2f"):format(sound)) }
  end

  seen("puts clips one behind the other, each frame once", function()
    local made = assert(reel.join(clips({ frames = 6 }, { frames = 1 }, { frames = 9 }), film))
    assert.same({ 16, 16 / 24, 64, 36 }, { made.frames, made.seconds, made.width, made.height })
    close({ 40, 45, 50, 55, 60, 65, 40, 40, 45, 50, 55, 60, 65, 70, 75, 80 }, footage.greys(film))
    assert.same({ "24/1" }, footage.facts(film, "stream=r_frame_rate", "v:0"))
    only("clip '1.mp4", "clip '2.mp4", "clip '3.mp4", "film.mp4")
  end)

  seen("brings all to the size, the rate and the shape of the first", function()
    assert(reel.join(clips({ frames = 24 }, { frames = 30, rate = 30, size = "128x72" },
      { frames = 25, rate = 25, size = "36x64" }, { frames = 15, rate = "30000/1001" }), film))
    assert.same({ "64", "36", "24/1" }, footage.facts(film, "stream=width,height,r_frame_rate", "v:0"))
    assert.equal("84", footage.facts(film, "stream=nb_read_frames", "v:0")[1])
    assert.same({ 3.5 }, lengths())
    -- a tall one stands on black
    footage.ffmpeg("-i %s -vf 'select=eq(n\\,50),crop=2:2:0:0,format=gray' -frames:v 1 -f rawvideo %s", film,
      files:path "corner")
    assert.is_true(files:content("corner"):byte() <= 20)
  end)

  seen("has a rate that no whole number is", function()
    assert(reel.join(clips({ frames = 31, rate = "30000/1001", sound = 3 }, { frames = 17, rate = "30000/1001" },
      { frames = 23, rate = "30000/1001", sound = 0.1 }), film))
    assert.same({ "30000/1001", "71" }, footage.facts(film, "stream=r_frame_rate,nb_read_frames", "v:0"))
  end)

  seen("has the sound of those that have some, where it belongs", function()
    local paths = clips({ frames = 24 }, { frames = 24, sound = 5 }, { frames = 24, sound = 0.5 }, { frames = 24 })
    assert(reel.join(paths, film))
    assert.equal("96", footage.facts(film, "stream=nb_read_frames", "v:0")[1])
    local got = lengths()
    assert.equal(4, got[1])
    assert.is_true(math.abs(got[2] - 4) <= 0.03)
    footage.ffmpeg("-i %s -ac 1 -ar 8000 -f s16le %s", film, files:path "raw")
    local raw, loud = files:content "raw", {}
    for quarter = 0, 15 do                    -- the middle of each quarter of a second
      local most = 0
      for i = 0, 999 do
        local at = (quarter * 2000 + 500 + i) * 2 + 1
        if at + 1 <= #raw then most = math.max(most, math.abs((("<i2"):unpack(raw, at)))) end
      end
      loud[#loud + 1] = most > 500 and "x" or "-"
    end
    assert.equal("----xxxxxx------", table.concat(loud))
  end)

  seen("has no sound where none has", function()
    assert(reel.join(clips({ frames = 2 }, { frames = 2 }), film))
    assert.same({}, footage.facts(film, "stream=codec_name", "a:0"))
  end)

  seen("fades one into the next, and both share that time", function()
    local made = assert(reel.join(clips({ frames = 24, sound = 1 }, { frames = 24, sound = 1 }, { frames = 24 }), film,
      { fade = 0.5 }))
    assert.same({ 48, 2 }, { made.frames, made.seconds })
    local greys = footage.greys(film)
    assert.equal(48, #greys)
    close({ grey(0), grey(11) }, { greys[1], greys[12] })
    local middle = (grey(18) + grey(6)) / 2   -- half of both
    assert.is_true(math.abs(greys[19] - middle) <= 6, greys[19] .. " is not " .. middle)
    close({ grey(12), grey(23) }, { greys[25 + 12], greys[48] })
    local got = lengths()
    assert.equal(2, got[1])
    assert.is_true(math.abs(got[2] - 2) <= 0.03)
  end)

  seen("shares no more of a short clip than half to each side", function()
    local paths = clips({ frames = 24 }, { frames = 5 }, { frames = 1 }, { frames = 24 })
    local made = assert(reel.join(paths, film, { fade = 1 }))
    assert.equal(24 + 5 + 1 + 24 - 2, made.frames)
    assert.equal(52, #footage.greys(film))
  end)

  seen("leaves the film that is there, unless it is told to write over it", function()
    local paths = clips({ frames = 2 })
    files:write("film.mp4", "mine")
    local none, err = reel.join(paths, film)
    assert.is_nil(none)
    assert.equal("ffmpeg", err.code)
    assert.equal("mine", files:content "film.mp4")
    only("clip '1.mp4", "film.mp4")
    assert(reel.join(paths, film, { overwrite = true }))
    assert.equal(2, #footage.greys(film))
  end)

  seen("leaves what came there meanwhile, and what others call their part of it", function()
    local paths = clips({ frames = 2 })
    files:write("film.mp4.part", "another's")
    local none, err = reel.join(paths, film, { on_progress = function() files:write("film.mp4", "mine") end })
    assert.is_nil(none)
    assert.matches("film.mp4: cannot write over an existing file", err.message)
    assert.equal("mine", files:content "film.mp4")
    os.remove(film)
    assert(reel.join(paths, film))
    assert.equal("another's", files:content "film.mp4.part")
    only("clip '1.mp4", "film.mp4", "film.mp4.part")
  end)

  seen("says what ffmpeg says, and leaves nothing behind", function()
    local paths = clips({ frames = 2 })
    paths[2] = files:write("bad.mp4", "no film")
    local none, err = reel.join(paths, film)
    assert.is_nil(none)
    assert.matches("bad.mp4: ffprobe failed: .*Invalid data", err.message)
    only("bad.mp4", "clip '1.mp4")
    none, err = reel.join({ paths[1] }, files:path "no/where.mp4")
    assert.is_nil(none)
    assert.equal("io", err.kind)
    assert.is_nil(files:content "no")
    only("bad.mp4", "clip '1.mp4")
    os.execute("mkdir '" .. files:path "film.mp4.part" .. "'")
    none, err = reel.join({ paths[1] }, film)
    assert.is_nil(none)
    assert.matches("Is a directory", err.message)
  end)
end)
