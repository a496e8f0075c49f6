-- Data URIs as people write them: read whatever their case, parameters, white space and padding, and
-- written again as APIs take them.

local base64 = require "spec.support.base64"
local core = require "runway.core"

local PNG = "\137PNG\r\n\26\n\0\0\0\13IHDR" .. ("\0"):rep(21) .. "IEND\0\0\0\0\n"
local DIGITS = base64(PNG)
local TIDY = "data:image/png;base64," .. DIGITS

describe("a data URI", function()
  local function read(text)
    local info, why = core.data_uri(text)
    assert(info, why)
    return info
  end

  it("that is written as it should be stays the very same", function()
    assert.matches("=$", TIDY)
    assert.same({ uri = TIDY, type = "image/png" }, read(TIDY))
    assert.same({ uri = "data:image/png;base64,AAAA", type = "image/png" }, read "data:image/png;base64,AAAA")
  end)

  for what, text in pairs {
    ["capitals"] = "DATA:IMAGE/PNG;BASE64," .. DIGITS,
    ["a parameter"] = "data:image/png;charset=utf-8;base64," .. DIGITS,
    ["a parameter with spaces"] = "data:image/png; name=my file.png ; base64 ," .. DIGITS,
    ["white space around it"] = " \r\n\t" .. TIDY .. "\n",
    ["line breaks in it"] = "data:image/png;base64,\r\n" .. DIGITS:gsub("(.)", "%1\r\n"),
    ["no padding"] = "data:image/png;base64," .. DIGITS:gsub("=", ""),
    ["padding that stands apart"] = "data:image/png;base64," .. DIGITS:gsub("=", " ="),
    ["no type"] = "data:;base64," .. DIGITS, ["no type at all"] = "data:;base64," .. DIGITS,
    ["a type that says nothing"] = "data:application/octet-stream;base64," .. DIGITS,
    ["another name of its type"] = "data:image/x-png;base64," .. DIGITS,
    ["a type that is wrong"] = "data:image/jpeg;base64," .. DIGITS,
    ["a class that is wrong"] = "data:video/mp4;base64," .. DIGITS,
  } do
    it("with " .. what .. " is written anew, with the type of its bytes", function()
      assert.same({ uri = TIDY, type = "image/png" }, read(text))
    end)
  end

  it("keeps all of its bytes, of every length", function()
    for n = 1, 200 do
      local bytes = (PNG .. ("\255\0\171"):rep(99)):sub(1, n)
      local digits = base64(bytes)
      local uri = "data:image/webp;base64," .. digits
      local kind = n >= 8 and "image/png" or "image/webp"
      assert.equal(("data:%s;base64,%s"):format(kind, digits), read(uri:gsub("=", "") .. " ").uri)
    end
  end)

  it("of the container of films may say that it holds a sound", function()
    local film = base64("\0\0\0\24ftypmp42\0\0\0\0isommp42" .. ("\0"):rep(99))
    assert.equal("audio/mp4", read("data:audio/x-m4a;base64," .. film).type)
    assert.equal("data:audio/mp4;base64,", read("data:audio/mp3;base64," .. film).uri:sub(1, 22))
    assert.equal("video/mp4", read("data:image/png;base64," .. film).type)
  end)

  it("of bytes that are of no known kind is what it says, in small letters", function()
    assert.same({ type = "image/png", uri = "data:image/png;base64,AAAA" }, read "Data:Image/PNG;Base64,AAAA")
    assert.same({ type = "", uri = "data:;base64,AAAA" }, read "data:;base64,AAAA")
  end)

  it("of somebody's words tells which", function()
    for words, bytes in pairs { JSON = '{"error":"no"}', ["an HTML page"] = "<!DOCTYPE html><p>", text = "not found",
      XML = "<svg/>" } do
      assert.equal(words, read("data:image/png;base64," .. base64(bytes)).words)
    end
  end)

  it("tells a picture that moves, and looks no further than at its beginning", function()
    local film = "RIFF\100\0\0\0WEBPVP8X\10\0\0\0\2" .. ("\0"):rep(9000)
    assert.is_true(read("data:image/webp;base64," .. base64(film)).animated)
    assert.is_nil(read(TIDY).animated)
  end)

  for why, texts in pairs {
    ["does not begin with data:"] = { "", "dat", "https://x.test/a.png", "data", " " },
    ["has no comma"] = { "data:", "data:image/png", "data:image/png;base64" .. DIGITS },
    ["must say ;base64"] = { "data:,", "data:image/png," .. DIGITS, "data:image/svg+xml,%3Csvg%3E", "data:base64,AAAA",
      "data:image/png;base64;x=y,AAAA", "data:image/png;base65,AAAA", "data:image/png,base64,AAAA" },
    ["its media type is too long"] = { "data:image/" .. ("x"):rep(95) .. ";base64,AAAA" },
    ["is not base64"] = { "data:image/png;base64,!!!!", "data:image/png;base64,AA-_", "data:image/png;base64,AAA%3D",
      "data:image/png;base64,AA==AA==", "data:image/png;base64,AAA=AAA=",
      "data:image/png;base64,A===", "data:image/png;base64,AAA\0",
      "data:image/png;base64,\255\255\255\255" },
    ["is empty"] = { "data:image/png;base64,", "data:image/png;base64, \n", "data:image/png;base64,==" },
    ["is cut short"] = { "data:image/png;base64,AAAAA", "data:image/png;base64,A" },
  } do
    it("that cannot be used says why: " .. why, function()
      for _, text in ipairs(texts) do
        local info, said = core.data_uri(text)
        assert.is_nil(info, text)
        assert.matches(why, said, 1, true)
      end
    end)
  end

  it("is all that is taken", function()
    assert.has_error(function() core.data_uri() end)
    assert.has_error(function() core.data_uri {} end)
  end)
end)
