local files = require "runway.files"
local params = require "runway.params"
local values = require "runway.values"

describe("runway.files", function()
  it("names a file and is known as one", function()
    local file = files.make "shots/a.png"
    assert.equal("shots/a.png", file.path)
    assert.equal("file shots/a.png", tostring(file))
    for _, is_file in ipairs { files.is_file, params.is_file, values.is_file } do
      assert.is_true(is_file(file))
      assert.is_true(is_file(setmetatable({}, { __metatable = "runway.file" })))
      for _, v in ipairs { {}, "a.png", 5, true, setmetatable({}, {}), setmetatable({}, { __metatable = false }) } do
        assert.is_false(is_file(v))
      end
      assert.is_false(is_file(nil))
    end
  end)

  it("takes a path that can be one, or raises where it was called", function()
    for _, path in ipairs { "", "a\0b", 5, {} } do
      local ok, message = pcall(function() files.make(path) end)
      assert.is_false(ok)
      assert.matches("files_spec.lua:%d+: file takes a path", message)
    end
  end)

  it("keeps what a look at the file said", function()
    local file = files.known("shots/a.png", { size = 5, type = "image/png", class = "image" })
    assert.is_true(files.is_file(file))
    assert.same({ "shots/a.png", "a.png", 5, "image/png", "image" },
      { file.path, file.name, file.size, file.type, file.class })
  end)

  it("gives an upload the name of what its bytes are", function()
    for name, want in pairs {
      ["image/png photo"] = "photo.png", ["image/png a.PNG"] = "a.PNG", ["image/jpeg a.jpeg"] = "a.jpeg",
      ["image/jpeg a.png"] = "a.png.jpg", ["video/mp4 d/film.mov"] = "film.mov.mp4",
      ["video/quicktime a.MOV"] = "a.MOV",
      ["audio/mpeg .mp3"] = ".mp3.mp3", ["image/webp a."] = "a..webp", ["image/x-new a.new"] = "a.new",
    } do
      local kind, path = name:match "^(%S+) (.*)$"
      assert.equal(want, files.upload_name(path, kind))
    end
    local long = files.upload_name(("é"):rep(300), "image/png")
    assert.equal("é.png", long:sub(-6))
    assert.is_true(#long <= 255)
  end)

  it("tells a path's last part", function()
    for path, base in pairs { ["a/b.png"] = "b.png", ["a\\b.png"] = "b.png", b = "b", ["a/"] = "a/",
      ["/é.png"] = "é.png" } do
      assert.equal(base, files.base(path))
    end
  end)
end)
