-- Pictures brought to a ratio before they are sent, by a real ffmpeg, over a mock.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local ffmpeg = require "runway.ffmpeg"
local footage = require "spec.support.footage"
local journal = require "runway.journal"
local mocked = require "spec.support.mocked"
local runway = require "runway"
local scratch = require "spec.support.scratch"

local seen = footage.it(it, pending)

-- As much of an ICC profile as readers look at.
local ICC = (">I4"):pack(384) .. "lcms\2\16\0\0mntrRGB XYZ " .. ("\0"):rep(384 - 24)
local EXIF = "Exif\0\0II*\0\8\0\0\0\1\0\18\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0" -- it lies on its side

describe("fit", function()
  local files, getenv, client, m, sent

  before_each(function()
    files = scratch.new()
    os.execute("mkdir '" .. files:path "tmp" .. "'")
    getenv = os.getenv
    os.getenv = function(name) return name == "TMPDIR" and files:path "tmp" or getenv(name) end -- luacheck: ignore 122
    sent = nil
  end)
  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
    mocked.close()
    files:remove()
  end)

  local function open(options, answer)
    client, m = mocked.client({ { "POST /v1/image_to_video", times = math.huge, answer = function(request)
      local image = request.json.promptImage
      local path = type(image) == "table" and (image.file or image[#image].uri.file)
      sent = { path = path, bytes = path and scratch.read(path), image = image, seed = request.json.seed }
      return answer or { json = { id = "t1" } }
    end } }, options)
  end

  local function generate(picture, more)
    local params = { prompt_image = runway.file(picture), prompt_text = "x", model = "gen4.5", duration = 5,
      ratio = "1280:720", fit = "pad" }
    for name, v in pairs(more or {}) do params[name] = v end
    if not client then open() end
    return client:generate(params)
  end

  before_each(function() client = nil end)

  -- A picture of that size: red, with a white frame of a tenth around.
  local function picture(name, width, height, words)
    footage.ffmpeg(("-f lavfi -i 'color=red:s=%dx%d,drawbox=t=%d:c=white' -frames:v 1 %s %%s"):format(width, height,
      math.min(width, height) // 10, words or ""), files:path(name))
    return files:path(name)
  end

  -- What was sent: its type and size, and the colours of points in it (in tenths).
  local function look(...)
    local path = files:write("sent", sent.bytes)
    local info = exchange.finish(assert(core.probe(path)))
    local pipe = io.popen(("ffmpeg -nostdin -v error -i '%s' -pix_fmt rgb24 -f rawvideo -"):format(path))
    local raw, colours = pipe:read "a", {}
    pipe:close()
    for i, at in ipairs { ... } do
      local x, y = math.floor(at[1] / 10 * (info.width - 1)), math.floor(at[2] / 10 * (info.height - 1))
      local r, g, b = raw:byte((y * info.width + x) * 3 + 1, (y * info.width + x) * 3 + 3)
      colours[i] = r > 200 and (g > 200 and b > 200 and "white" or g < 60 and b < 60 and "red") or r < 40 and g < 40
        and b < 40 and "black" or ("%d %d %d"):format(r, g, b)
    end
    return info, table.concat(colours, " ")
  end

  for ending, kind in pairs { png = "image/png", jpg = "image/jpeg" } do
    seen("pads a " .. ending .. ", and leaves the original as it is", function()
      local path = picture("tall." .. ending, 180, 320)
      local was = scratch.read(path)
      assert(generate(path))
      local info, colours = look({ 1, 5 }, { 5, 5 }, { 9, 5 }, { 5, 0 })
      assert.same({ kind, 320 }, { info.type, info.height })
      assert.is_true(math.abs(info.width - 568.9) < 1) -- a JPEG's colours lie in pairs
      assert.equal("black red black white", colours)
      assert.equal(was, scratch.read(path))
      assert.not_equal(path, sent.path)
      assert.same({}, files:names "tmp")
    end)

    seen("crops a " .. ending .. " in its middle", function()
      assert(generate(picture("tall." .. ending, 180, 320), { fit = "crop" }))
      local info, colours = look({ 0, 5 }, { 5, 0 }, { 5, 10 })
      assert.same({ kind, 180 }, { info.type, info.width })
      assert.is_true(math.abs(info.height - 101) <= 1)
      assert.equal("white red red", colours)
    end)
  end

  seen("makes a PNG of a WebP", function()
    assert(generate(picture("wide.webp", 320, 60), { ratio = "16:9" }))
    local info = look()
    assert.same({ "image/png", 320, 180 }, { info.type, info.width, info.height })
  end)

  seen("turns a photo as it is looked at, once, and keeps its colour profile", function()
    local jpeg = scratch.read(picture("base.jpg", 320, 180))
    local path = files:write("photo.jpg", jpeg:sub(1, 2) .. "\255\225" .. (">I2"):pack(#EXIF + 2) .. EXIF
      .. "\255\226" .. (">I2"):pack(#ICC + 16) .. "ICC_PROFILE\0\1\1" .. ICC .. jpeg:sub(3))
    assert(generate(path, { ratio = "720:1280" })) -- as people see it, it fits
    assert.equal(path, sent.path)
    assert(generate(path))
    local info = look()
    assert.same({ 568, 320, 1 }, { info.width, info.height, info.turn })
    assert.truthy(sent.bytes:find("ICC_PROFILE\0\1\1" .. ICC, 1, true))
    assert(generate(path, { fit = "crop" }))
    assert.truthy(sent.bytes:find("ICC_PROFILE\0\1\1" .. ICC, 1, true))
  end)

  seen("leaves alone what fits, and says no word of what will be cropped", function()
    local said = {}
    open { logger = function(level, message) if level == "warning" then said[#said + 1] = message end end }
    local path = picture("wide.png", 320, 180)
    assert(generate(path))
    assert.equal(path, sent.path)
    assert(generate(picture("tall.png", 180, 320)))
    assert.same({}, said)
  end)

  seen("does each of two frames", function()
    local wide, tall = picture("wide.png", 320, 180), picture("tall.png", 180, 320)
    open()
    assert(generate(wide, { model = "veo3.1", duration = 8, prompt_image = {
      { uri = runway.file(wide), position = "first" }, { uri = runway.file(tall), position = "last" } } }))
    assert.equal(wide, sent.image[1].uri.file)
    assert.equal(569, (look()).width)
    assert.same({}, files:names "tmp")
  end)

  seen("is part of what a key stands for; the picture is the one that was given", function()
    local j = assert(journal.open(files:path "j.db"))
    open { journal = j }
    local path = picture("tall.png", 180, 320)
    assert(generate(path, { key = "a" }))
    assert.equal("t1", assert(generate(path, { key = "a" })).id)
    assert.equal(1, #m.requests)
    local _, err = generate(path, { key = "a", fit = "crop" })
    assert.equal("key_conflict", err.code)
    assert.matches('fit was "pad" and is "crop"', err.message)
    j:close()
  end)

  seen("is what a worker does as well with what was queued so", function()
    local j = assert(journal.open(files:path "j.db"))
    open { journal = j }
    local path = picture("tall.png", 180, 320)
    for _, way in ipairs { "pad", "crop" } do
      assert(client:enqueue { key = way, prompt_image = runway.file(path), prompt_text = "x", model = "gen4.5",
        duration = 5, ratio = "1280:720", fit = way, extra = { seed = 7 } })
      assert.equal(way, assert(j:get(way)).request.fit)
      assert(runway.work(client, { directory = files:path "out", until_empty = true, timeout = 0.01 }))
      assert.equal("submitted", assert(j:get(way)).state)
      local info, colours = look({ 0, 5 }, { 5, 5 })
      assert.same(way == "pad" and { 569, "black red" } or { 180, "white red" }, { info.width, colours })
      assert.same({ 7, {} }, { sent.seed, files:names "tmp" })
    end
    j:close()
  end)

  seen("leaves nothing behind where something goes wrong", function()
    local path = picture("tall.png", 180, 320)
    open({}, { status = 400, json = { error = "no" } })
    local none, err = generate(path)
    assert.is_nil(none)
    assert.same({ 400, {} }, { err.http_status, files:names "tmp" })
    local bytes = scratch.read(path)
    files:write("cut.png", bytes:sub(1, -20))
    assert.matches("cut.png is cut short", select(2, generate(files:path "cut.png")).message)
    files:write("empty.png", bytes:sub(1, 33) .. bytes:sub(-12))
    none, err = generate(files:path "empty.png")
    assert.is_nil(none)
    assert.matches("fit: .*empty.png: ffmpeg failed: ", err.message)
    assert.same({ "no", 1, {} }, { err.sent, #m.requests, files:names "tmp" })
    local job = runway.spawn(function() return generate(path) end)
    runway.step(0)
    job:cancel()
    runway.run(function() runway.sleep(0.01) end)
    assert.same({}, files:names "tmp")
  end)

  describe("is refused before anything is sent:", function()
    local function refused(more, told)
      local none, err = generate(files:write("a.gif", "GIF89a\1\0\1\0"), more)
      assert.is_nil(none)
      assert.same({ "invalid_request", "no", 0 }, { err.kind, err.sent, #m.requests })
      assert.matches(told, err.message)
    end

    it("a URL, a data URI", function()
      refused({ prompt_image = "https://host.example/a.png" }, "fit: only a picture on disk")
    end)

    it("without a ratio", function()
      local png = files:write("a.png", "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(720, 1280) .. ("\0"):rep(99))
      open { provider = "cometapi" }
      local none, err = client:generate { prompt_image = runway.file(png), prompt_text = "x", fit = "crop",
        format = "official", model = "gen4_turbo", duration = 5 }
      assert.is_nil(none)
      assert.matches("fit: a ratio such as 1280:720 must be given", err.message)
    end)

    it("a picture whose size is not known", function()
      local png = files:write("a.png", "\137PNG\r\n\26\n" .. ("\0"):rep(99))
      refused({ prompt_image = runway.file(png) }, "a.png is image/png, of which no size is known here")
    end)

    it("without ffmpeg, with what to install", function()
      local missing = ffmpeg.missing
      ffmpeg.missing = function(what)
        return { kind = "config", code = "no_ffmpeg", message = what .. ": install it" }
      end
      finally(function() ffmpeg.missing = missing end)
      local png = files:write("a.png", "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(720, 1280) .. ("\0"):rep(99))
      local none, err = generate(png)
      assert.is_nil(none)
      assert.same({ "config", "no_ffmpeg", "no", 0 }, { err.kind, err.code, err.sent, #m.requests })
      assert.truthy(generate(png, { ratio = "720:1280" })) -- which needs none
    end)

    it("any other word", function()
      open()
      assert.has_error(function() generate("a.png", { fit = "stretch" }) end)
      assert.same({}, m.requests)
    end)
  end)

  seen("is a column of a list, and checked with it", function()
    picture("tall.png", 180, 320)
    open()
    local head = "key,prompt_text,model,ratio,duration,prompt_image,fit\n"
    local list = files:write("shots.csv", head .. "a,x,gen4.5,1280:720,5,tall.png,pad\n")
    local result = assert(runway.batch(client, list, { directory = files:path "out", dry_run = true }))
    assert.same({}, result.shots[1].notes)
    assert.same({}, files:names "tmp")
    for row, told in pairs {
      ["a,x,gen4.5,1280:720,5,tall.png,padd"] = '^line 2 %(a%), fit: fit must be "crop" or "pad", got "padd"',
      ["a,x,gen4.5,1280:720,5,https://host.example/a.png,pad"] = "^line 2 %(a%), [a-z_]+: fit: only a picture on disk",
    } do
      local none, err = runway.batch(client, files:write("shots.csv", head .. row .. "\n"),
        { directory = files:path "out", dry_run = true })
      assert.is_nil(none)
      assert.matches(told, err.message:match "submitted. (.*)")
    end
    assert.equal(0, #m.requests)
  end)

  seen("is done by the command", function()
    local command = require "spec.support.command"
    command.setup { RUNWAYML_API_SECRET = mocked.KEY, TMPDIR = files:path "tmp", PATH = getenv "PATH" }
    finally(command.teardown)
    local path = picture("tall.png", 180, 320)
    local width
    local code, _, err = command.run({ "generate", "--image", path, "--prompt", "x", "--model", "gen4.5", "--ratio",
      "1280:720", "--duration", "5", "--fit", "pad", "-o", files:path "a.mp4" },
      { { "POST /v1/image_to_video", answer = function(request)
        width = (">I4"):unpack(scratch.read(request.json.promptImage.file), 17)
        return { status = 400, json = { error = "enough" } }
      end } })
    assert.equal(1, code, err)
    assert.equal(569, width)
    assert.same({}, files:names "tmp")
  end)
end)
