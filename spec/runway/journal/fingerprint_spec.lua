-- A request as a journal remembers it.

local core = require "runway.core"
local description = require "runway.description"
local errors = require "runway.errors"
local fingerprint = require "runway.journal.fingerprint"
local json = require "runway.json"
local params = require "runway.params"
local runway = require "runway"

local KEY = "key_0123456789abcdef0123456789abcdef"

local function redact(s) return errors.redact(s, KEY) end

local SUMS = {
  ["a/cat.png"] = { size = 10, sha256 = ("a"):rep(64) }, ["b/cat.png"] = { size = 10, sha256 = ("a"):rep(64) },
  ["dog.png"] = { size = 11, sha256 = ("b"):rep(64) },
}

local function describe_order(given, extra, kind)
  return description.make(kind or "image_to_video", { params = assert(params.normalise(given)), extra = extra },
    redact, SUMS)
end

local function difference(a, b) return fingerprint.difference(describe_order(a), describe_order(b)) end

describe("a fingerprint", function()
  it("is the same for the same request, however it was written", function()
    local a = describe_order { prompt = "a cat", duration = 5, image = runway.file "a/cat.png", key = "k" }
    local b = describe_order { duration = 5.0, prompt_image = { uri = runway.file "b/cat.png" }, promptText = "a cat",
      key = "other", callback_url = "https://me.example/?token=1" }
    assert.equal(fingerprint.of(a), fingerprint.of(b))
    assert.is_nil(fingerprint.difference(a, b))
    assert.truthy(fingerprint.of(a):find("^" .. ("[0-9a-f]"):rep(64) .. "$"))
  end)

  it("is the same after it was read again", function()
    local a = describe_order({ prompt_text = "x", seed = 2 ^ 53, list = { 1, 2.5, {} }, none = runway.null },
      { b = { 1 } })
    local again = json.decode(json.encode(a))
    assert.equal(fingerprint.of(a), fingerprint.of(again))
    assert.is_nil(fingerprint.difference(a, again))
  end)

  it("differs with every parameter, and it is said by which, and how", function()
    local base = { prompt_text = "a cat", duration = 5, prompt_image = runway.file "a/cat.png" }
    for said, change in pairs {
      ['prompt_text was "a cat" and is "a dog"'] = { prompt_text = "a dog" },
      ["duration was 5 and is 10"] = { duration = 10 },
      ["seed was absent and is 1"] = { seed = 1 },
      ["prompt_image[1].uri was the file cat.png (10 bytes, sha256 aaaaaaaaaaaa…) and is the file dog.png "
        .. "(11 bytes, sha256 bbbbbbbbbbbb…)"] = { prompt_image = runway.file "dog.png" },
      ['style.mood was absent and is "dark"'] = { style = { mood = "dark" } },
    } do
      local other = {}
      for name, v in pairs(base) do other[name] = v end
      for name, v in pairs(change) do other[name] = v end
      assert.equal(said, difference(base, other))
      assert.are_not.equal(fingerprint.of(describe_order(base)), fingerprint.of(describe_order(other)))
    end
    assert.equal('kind was "image_to_video" and is "text_to_video"', fingerprint.difference(describe_order(base),
      describe_order(base, nil, "text_to_video")))
    assert.equal("extra.a was absent and is 1", fingerprint.difference(describe_order(base),
      describe_order(base, { a = 1 })))
  end)

  it("shows long texts where they part, and of many differences a few", function()
    local long = ("word "):rep(100)
    local said = difference({ prompt_text = long .. "a cat" }, { prompt_text = long .. "a dog" })
    assert.truthy(said:find("cat", 1, true) and said:find("dog", 1, true), said)
    assert.is_true(#said < 200)
    said = difference({ prompt_text = "x", a1 = 1, a2 = 2, a3 = 3, a4 = 4, a5 = 5, a6 = 6 }, { prompt_text = "x" })
    assert.truthy(said:find("; and 2 more", 1, true), said)
  end)

  it("does not take parts of one parameter for those of another", function()
    assert.truthy(difference({ a = "x\n1:b=y" }, { a = "x", b = "y" }))
    assert.are_not.equal(fingerprint.of(describe_order { a = "x\n1:b=\"y\"" }),
      fingerprint.of(describe_order { a = "x", b = "y" }))
    assert.truthy(difference({ a = "1" }, { a = 1 }))
    assert.truthy(difference({ a = { b = {} } }, { a = {} }))
  end)

  it("keeps no key, no query and no data, and still tells them apart", function()
    local secrets = {
      { prompt_image = "https://user:pw@bucket.example/cat.png?X-Amz-Signature=SECRET1" },
      { prompt_image = "https://user:pw@bucket.example/cat.png?X-Amz-Signature=SECRET2" },
      { prompt_image = "data:image/png;base64,SECRET3\nSECRET4==" },
      { prompt_image = " DATA:image/png;base64,SECRET3\nSECRET5==" },
      { prompt_text = "look at https://x.example/?SECRET6=1" }, { prompt_text = "my key is " .. KEY },
      { ["https://x.example/?SECRET7=2"] = 1 }, { deep = { list = { { u = "http://x.example/a?SECRET8" } } } },
    }
    local seen = {}
    for _, given in ipairs(secrets) do
      local described = describe_order(given)
      local stored = json.encode(described)
      for _, word in ipairs { "SECRET", "pw@", KEY } do assert.is_nil(stored:find(word, 1, true), stored) end
      local sum = fingerprint.of(described)
      assert.is_nil(seen[sum])
      seen[sum] = true
    end
    local uri = secrets[1].prompt_image
    assert.equal(("https://bucket.example/cat.png?[query] [sha256 %s]"):format(core.sha256(uri)),
      describe_order(secrets[1]).params.prompt_image[1].uri)
  end)

  it("names each file once", function()
    local paths = description.paths { { a = runway.file "x", b = { runway.file "y", runway.file "x" } } }
    table.sort(paths)
    assert.same({ "x", "y" }, { paths[1], paths[2] })
    assert.equal(2, #paths)
  end)
end)
