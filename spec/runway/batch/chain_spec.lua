-- "last:KEY" in a list, as it is read. That frames are taken is in frames_spec.lua.

local chain = require "runway.batch.chain"
local files = require "runway.files"

local function shots_of(said)
  local shots = {}
  for key, other in said:gmatch "(%w+)<?(%w*)" do
    local params = { prompt_image = other ~= "" and "last:" .. other or nil, ratio = "1280:720" }
    shots[#shots + 1] = { key = key, line = #shots + 2, params = params, output = key .. ".mp4",
      kind = "image_to_video" }
  end
  return shots
end

local function read(shots, missing)
  local faults = {}
  local line = chain.read(type(shots) == "string" and shots_of(shots) or shots, missing, function(at, column, message)
    faults[#faults + 1] = ("%d %s: %s"):format(at, column, message)
  end)
  for i, shot in ipairs(line) do line[i] = shot.key end
  return table.concat(line, " "), faults
end

describe("runway.batch.chain", function()
  it("puts each shot behind those that it begins with, and leaves the rest in order", function()
    assert.same({ "a c b d", {} }, { read "a b<c c d" })
    assert.same({ "a b c d", {} }, { read "a b<a c<a d<c" })
  end)

  it("bears a chain as long as a list may be", function()
    local shots = {}
    for i = 1, 100000 do
      shots[i] = { key = "k" .. i, line = i, params = { prompt_image = i < 100000 and "last:k" .. i + 1 or nil } }
    end
    local line = chain.read(shots, nil, error)
    assert.same({ "k100000", "k1", 100000 }, { line[1].key, line[#line].key, #line })
  end)

  it("names keys that there are not, the shot itself, and circles", function()
    assert.same({ "2 prompt_image: last:hotel: no shot of the list has this key (did you mean hotel1?)" },
      select(2, read "a<hotel hotel1"))
    assert.same({ '2 prompt_image: the shot "a" cannot begin where it ends itself' }, select(2, read "a<a b"))
    local _, faults = read "a b<d c<b d<c e<d"
    assert.same({ '3 prompt_image: the shots "b", "d", "c" wait for each other: one of them must begin otherwise' },
      faults)
  end)

  it("says once a row why no frame can be taken", function()
    assert.same({ "3 prompt_image: no ffmpeg" }, select(2, read("a b<a", "no ffmpeg")))
    assert.same({}, select(2, read("a b", "no ffmpeg")))
  end)

  it("finds it wherever a picture may stand, and changes nothing of the list", function()
    local shots = {
      { key = "a", line = 2, params = {} },
      { key = "b", line = 3, params = { image = { { uri = "last: a ", position = "first" },
        { uri = files.make "x.png", position = "last" } }, prompt_text = "last:a" } },
    }
    local _, faults = read(shots)
    assert.same({}, faults)
    assert.same({ "a" }, shots[2].after)
    local params = chain.params(shots[2], function(key) return "picture of " .. key end)
    assert.same({ uri = "picture of a", position = "first" }, params.image[1])
    assert.equal("x.png", params.image[2].uri.path)
    assert.equal("last:a", params.prompt_text)
    assert.equal("last: a ", shots[2].params.image[1].uri)
    assert.equal(shots[1].params, chain.params(shots[1], error))
  end)

  it("knows what a frame will be, and that its shot is what it is known by", function()
    local a = shots_of("a")[1]
    local there = chain.promised(a, "out")
    assert.same({ "out/a.mp4.last.png", "image/png", 1280, 720 }, { there.path, there.type, there.width, there.height })
    assert.same({ "out/a.mp4.last.png", "a" }, { chain.picture(a, "out").path, chain.picture(a, "out").last_frame_of })
    a.kind = "text_to_image"
    assert.equal("last:a: that shot makes no film (text_to_image)", chain.fault(a))
  end)
end)
