-- A picture's shape against a ratio.

local files = require "runway.files"
local shape = require "runway.shape"

local function cropped(width, height, ratio)
  return { shape.cropped({ width = width, height = height }, ratio) }
end

describe("runway.shape", function()
  it("says what is left of a picture that has another shape", function()
    assert.same({ 1080, 608 }, cropped(1080, 1920, "1280:720"))
    assert.same({ 405, 720 }, cropped(1280, 720, "9:16"))
    assert.same({ 1, 1 }, cropped(1, 1000, "1280:1"))
  end)

  it("says nothing where no one would see it", function()
    for _, case in ipairs { { 1280, 720, "16:9" }, { 1920, 1080, "1280:720" }, { 1000, 563, "16:9" },
      { 1284, 720, "1280:720" } } do
      assert.same({}, cropped(case[1], case[2], case[3]))
    end
    assert.same({ 1280, 720 }, cropped(1300, 720, "1280:720"))
  end)

  it("says nothing where one of both is not known", function()
    for _, ratio in ipairs { "auto", "0:9", "16:0", "16:9:1", "", "-16:9" } do
      assert.same({}, cropped(100, 900, ratio))
    end
    assert.same({}, { shape.cropped({ width = 100, height = 900 }, nil) })
    assert.same({}, { shape.cropped({}, "16:9") })
  end)

  it("warns of files that a film begins or ends with, and of no reference", function()
    local tall = files.known("tall.png", { size = 1, type = "image/png", class = "image", width = 90, height = 160 })
    local wide = files.known("wide.png", { size = 1, type = "image/png", class = "image", width = 160, height = 90 })
    local function warnings(...) return shape.warnings { ratio = "1280:720", prompt_image = { ... } } end
    assert.same({ "prompt_image: tall.png is 90 x 160; to the ratio 1280:720 it will be cropped, and only 90 x 51 are "
      .. 'left (32 % of it); fit "pad" keeps all of it' }, warnings { uri = tall })
    assert.same({}, warnings { uri = wide })
    assert.equal(1, #warnings({ uri = wide, position = "first" }, { uri = tall, position = "last" }))
    assert.same({}, warnings({ uri = tall }, { uri = tall }))
    assert.same({}, warnings { uri = "https://host.example/tall.png" })
    assert.same({}, shape.warnings { ratio = "1280:720", prompt_text = "x" })
    assert.same({}, shape.warnings { prompt_image = { { uri = tall } } })
  end)
end)
