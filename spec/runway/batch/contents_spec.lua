-- What a directory is to hold, written down beside the films.

local batch = require "runway.batch"
local contents = require "runway.batch.contents"
local scratch = require "spec.support.scratch"

describe("runway.batch.contents", function()
  local files
  before_each(function() files = scratch.new() end)
  after_each(function() files:remove() end)

  local SHOTS = { { key = "b\n1", output = "b.mp4", kind = "text_to_video", params = {} },
    { key = "a", output = "a.png", kind = "text_to_image" }, { key = "c", output = "c.mov", kind = "video_upscale" } }

  it("is in the order of the list, and names the films among it", function()
    assert.is_true(contents.write(files.directory, SHOTS))
    assert.same({ { key = "b\n1", path = files:path "b.mp4" }, { key = "c", path = files:path "c.mov" } },
      batch.films(files.directory .. "//"))
    assert.is_nil(files:content "runway.list.part")
    assert.is_true(contents.write(files.directory, { SHOTS[3] }))
    assert.equal(1, #batch.films(files.directory))
  end)

  it("says why it cannot be written or read", function()
    local none, why = contents.write(files:path "no", SHOTS)
    assert.is_nil(none)
    assert.is_string(why)
    none, why = batch.films(files.directory)
    assert.is_nil(none)
    assert.matches("No such file", why)
    for _, line in ipairs { "x", "{}", '{"key":"a","output":"../../etc/passwd","kind":"text_to_video"}', "7" } do
      files:write("runway.list", '{"key":"a","output":"a.mp4","kind":"text_to_video"}\n' .. line .. "\n")
      none, why = batch.films(files.directory)
      assert.is_nil(none)
      assert.matches("line 2 is no shot", why)
    end
    files:write("runway.list", "")
    assert.same({}, batch.films(files.directory))
  end)
end)
