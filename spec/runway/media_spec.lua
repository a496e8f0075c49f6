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
