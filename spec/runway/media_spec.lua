-- Local files on their way to a provider, over transports that look at no disk.

local adapters = require "spec.support.adapters"
local media = require "runway.media"
local scheduler = require "runway.scheduler"
local session = require "runway.session"

-- A session whose transport knows these files.
local function new(known, own)
  local looked = {}
  local transport = {}
  function transport:probe(path, done)
    looked[#looked + 1] = path
    local result = known[path] or { error = { kind = "io", code = "missing", message = path .. ": no such file" } }
    scheduler.at(scheduler.now(), function() done(result) end)
  end
  function transport:start() error "nothing may be sent" end
  local s = assert(session.new(own or adapters.own(), { api_key = "key_0123456789", transport = transport }))
  return s, looked
end

local PNG = { size = 300, type = "image/png", class = "image" }

describe("runway.media", function()
  it("a file names a path, and is known as one", function()
    local file = media.file "a b.png"
    assert.equal("file a b.png", tostring(file))
    assert.is_true(media.is_file(file))
    for _, other in ipairs { {}, "a.png", { path = "a.png" } } do assert.is_false(media.is_file(other)) end
    for _, wrong in ipairs { "", "a\0b", 5, true } do assert.has_error(function() media.file(wrong) end) end
  end)

  it("looks through the session's transport, at each file once", function()
    local s, looked = new { ["dir/p.png"] = PNG }
    local given = { prompt_image = { { uri = media.file "dir/p.png", position = "first" } }, prompt_text = "x" }
    local seen = assert(media.look(s, given))
    assert.same({ "dir/p.png" }, looked)
    local file = seen.prompt_image[1].uri
    assert.is_true(media.is_file(file))
    assert.same({ "p.png", 300, "image/png", "image" }, { file.name, file.size, file.type, file.class })
    assert.is_nil(given.prompt_image[1].uri.size)
    assert.equal("first", seen.prompt_image[1].position)
  end)

  it("sends no picture that was cut short, from wherever it comes", function()
    local cut = { size = 300, type = "image/png", class = "image", cut = "its last chunk (IEND)" }
    local s = new({ ["a.png"] = cut }, adapters.own { upload = function() error "nothing may be sent" end })
    local uri = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAA"
    for name, given in pairs {
      ["a.png"] = { prompt_image = media.file "a.png" },
      ["a.png "] = { prompt_image = { { uri = media.file "a.png", position = "last" } } },
      [" a.png"] = { reference_images = { { uri = media.file "a.png", tag = "cat" } } },
      ["prompt_image: the picture of the data URI"] = { prompt_image = uri },
      ["reference_images: the picture of the data URI"] = { reference_images = { { uri = uri, tag = "cat" } } },
    } do
      local none, err = media.look(s, given)
      assert.is_nil(none)
      assert.same({ "invalid_request", "cut_short", "no" }, { err.kind, err.code, err.sent })
      assert.equal(name:match "^ *(.-) *$" .. " is cut short: it ends before its last chunk (IEND)", err.message)
    end
    assert.equal("cut_short", select(2, media.upload(s, "a.png")).code)
  end)

  it("tells what cannot be read, with the provider's name", function()
    local s = new {}
    local none, err = media.look(s, { prompt_video = media.file "gone.mp4" })
    assert.is_nil(none)
    assert.same({ "io", "missing", "mine", "no" }, { err.kind, err.code, err.provider, err.sent })
  end)

  it("waits for a descriptor, and no longer than a request would", function()
    scheduler.freeze()
    local none = { error = { kind = "io", code = "descriptors", permanent = false, message = "too many open files" } }
    local s, looked = new(setmetatable({}, { __index = function(known, path)
      local times = rawget(known, path .. "#") or 0
      rawset(known, path .. "#", times + 1)
      return times == 2 and path == "p.png" and PNG or none
    end }))
    assert.is_table(media.look(s, { prompt_image = media.file "p.png" }))
    assert.equal(3, #looked)
    local _, err = media.look(s, { prompt_image = media.file "q.png" })
    assert.equal("descriptors", err.code)
    assert.is_true(err.retryable)
    assert.equal(3 + 5, #looked)
    local before = scheduler.now()
    _, err = media.look(s, { prompt_image = media.file "q.png" }, before + 1)
    assert.is_true(scheduler.now() < before + 1)
    scheduler.thaw()
    assert.equal("descriptors", err.code)
  end)

  it("looks at nothing where there is no file", function()
    local s, looked = new {}
    local given = { prompt_text = "x", prompt_image = { { uri = "https://x.test/a.png" } } }
    assert.equal(given, media.look(s, given))
    assert.equal(given, (media.settle(s, given, {})))
    assert.same({}, looked)
  end)

  it("knows the length of a data URI to the character", function()
    for size = 0, 7 do
      local base64 = ({ [0] = 0, 4, 4, 4, 8, 8, 8, 12 })[size]
      assert.equal(#"data:image/png;base64," + base64, media.data_uri_length { size = size, type = "image/png" })
    end
  end)

  describe("of a type that the provider's documents do not name", function()
    local FORMATS = { image = { "image/jpeg", "image/png" }, video = { "video/mp4" } }
    local function look(params, known, formats)
      local s = new(known or {}, adapters.own { formats = formats or FORMATS })
      return media.look(s, params)
    end
    local function file(kind, class) return { ["a b.x"] = { size = 9, type = kind, class = class } } end

    for kind, told in pairs {
      ["image/heic"] = "heif-convert 'a b.x' 'a b.x'.jpg", ["image/avif"] = "heif-convert 'a b.x' 'a b.x'.jpg",
      ["image/gif"] = "ffmpeg -i 'a b.x' -frames:v 1 'a b.x'.png", ["video/mp2t"] = "ffmpeg -i 'a b.x' 'a b.x'.mp4",
    } do
      it("is refused, and what to do is told: " .. kind, function()
        local class = kind:match "^%a+"
        local name = class == "image" and "prompt_image" or "prompt_video"
        local none, err = look({ [name] = media.file "a b.x" }, file(kind, class))
        assert.is_nil(none)
        assert.same({ "invalid_request", "no" }, { err.kind, err.sent })
        for _, part in ipairs { name .. ": a b.x is " .. kind, table.concat(FORMATS[class], " or "), told } do
          assert.matches(part, err.message, 1, true)
        end
      end)
    end

    it("is refused as a data URI as well, by its bytes", function()
      local gif = "data:image/png;base64,R0lGODlhAQABAAAAACw="
      for where, params in pairs { prompt_image = { prompt_image = { { uri = gif } } },
        ["prompt_image[2]"] = { prompt_image = { { uri = "https://x.test/a" }, { uri = gif } } },
        ["shots[1].still"] = { shots = { { still = gif }, {} } }, character = { character = { uri = gif } } } do
        local none, err = look(params)
        assert.is_nil(none, where)
        assert.matches(where .. ": the data URI is image/gif, and mine takes pictures as image/jpeg or image/png",
          err.message, 1, true)
      end
    end)

    it("goes where the documents say nothing", function()
      assert.truthy(look({ prompt_image = media.file "a b.x" }, file("image/heic", "image"), {}))
      assert.truthy(look({ sound = media.file "a b.x" }, file("audio/amr", "audio")))
    end)

    it("does not mean another name of the type", function()
      assert.truthy(look { prompt_image = "data:image/jpg;base64,AAAA" })
    end)
  end)

  it("a picture where a film must be, and the other way about, is refused whatever the provider", function()
    local s = new { ["a.gif"] = { size = 9, type = "image/gif", class = "image" },
      ["a.mp4"] = { size = 9, type = "video/mp4", class = "video" } }
    for message, params in pairs {
      ["a.gif is a picture (image/gif); to convert it: ffmpeg -i a.gif -vf scale=-2:720 -pix_fmt yuv420p a.gif.mp4"] =
        { prompt_video = media.file "a.gif" },
      ["prompt_image: a.mp4 is no picture but video/mp4"] = { prompt_image = { { uri = media.file "a.mp4" } } },
      ["prompt_image: the data URI is no picture but audio/wav"] =
        { prompt_image = { { uri = "data:image/png;base64,UklGRgAAAABXQVZF" } } },
    } do
      local none, err = media.look(s, params)
      assert.is_nil(none)
      assert.matches(message, err.message, 1, true)
    end
  end)

  it("a data URI that cannot be one is refused, and one in a text is none", function()
    local s = new {}
    for message, uri in pairs { ["it has no comma"] = "data:image/png", ["not base64"] = "data:image/png;base64,?",
      ["is of no picture, film or sound"] = "data:text/plain;base64,AAAA",
      ["says image/png, and holds JSON"] = "data:image/png;base64,eyJhIjoxfQ==" } do
      for _, params in ipairs { { prompt_image = { { uri = uri } } }, { prompt_video = uri } } do
        local none, err = media.look(s, params)
        assert.is_nil(none, uri)
        assert.matches(message, err.message, 1, true)
        assert.is_nil(err.message:find("AAAA", 1, true))
      end
    end
    local words = { prompt_text = "data:image/png;base64,?", style = "data: a poem, in three lines" }
    assert.equal(words, media.look(s, words))
  end)

  it("a data URI goes out as APIs take it, and the caller's table stays as it was", function()
    local s = new {}
    local given = { refs = { { uri = "DATA:IMAGE/PNG;BASE64,AAA", tag = "x" } }, n = 5 }
    assert.same({ refs = { { uri = "data:image/png;base64,AAA=", tag = "x" } }, n = 5 }, media.look(s, given))
    assert.equal("DATA:IMAGE/PNG;BASE64,AAA", given.refs[1].uri)
  end)

  it("warns of a picture that moves", function()
    local logged = {}
    local s = new { ["a.webp"] = { size = 9, type = "image/webp", class = "image", animated = true } }
    s.logger = function(level, message) logged[#logged + 1] = level .. ": " .. message end
    assert(media.look(s, { prompt_image = { { uri = media.file "a.webp" } } }))
    assert.matches("^warning: prompt_image: a picture that moves", logged[1])
  end)

  describe("settle", function()
    local function settle(limits, own)
      local s = new({ ["p.png"] = PNG }, own)
      local looked = assert(media.look(s, { prompt_image = { { uri = media.file "p.png" } } }))
      return media.settle(s, looked, limits)
    end

    it("leaves in place what fits, to the last character", function()
      local most = media.data_uri_length(PNG)
      local settled, changed = settle { image = most }
      assert.is_true(media.is_file(settled.prompt_image[1].uri))
      assert.is_false(changed)
      local none, err = settle { image = most - 1 }
      assert.is_nil(none)
      assert.matches("too large for a data URI", err.message, 1, true)
      assert.is_nil(err.message:find("upload", 1, true)) -- which this provider has not
    end)

    it("refuses a class that is taken by URL only", function()
      local none, err = settle { video = 1e9 }
      assert.is_nil(none)
      assert.matches("takes images by https URL only", err.message, 1, true)
    end)

    it("uploads the rest, and says that it did", function()
      local seen
      local settled, changed = settle({}, adapters.own { upload = function(file)
        seen = file
        return { uri = "mine://" .. file.name }
      end })
      assert.equal("mine://p.png", settled.prompt_image[1].uri)
      assert.is_true(changed)
      assert.same({ path = "p.png", name = "p.png", size = 300, type = "image/png" }, seen)
    end)
  end)
end)
