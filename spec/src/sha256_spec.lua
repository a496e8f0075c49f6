-- Sums, random words and the time of day: what a journal knows things by.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local faulty = require "spec.support.faults"
local scratch = require "spec.support.scratch"

describe("a SHA-256", function()
  -- FIPS 180-4's own examples, and NIST's vectors of a million letters
  local VECTORS = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
      .. "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
    { ("a"):rep(1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    -- on both sides of what goes through OpenSSL
    { ("a"):rep(511), "058fc5084b6355a06099bfef3de8e360344046dc5a47026de47470b9aabb5bfd" },
    { ("a"):rep(513), "02425c0f5b0dabf3d2b9115f3f7723a02ad8bcfb1534a0d231614fd42b8188f6" },
    { "\xbd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
    { "\xc9\x8c\x8e\x55", "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504" },
  }

  local files
  setup(function() files = scratch.new() end)
  teardown(function() files:remove() end)

  it("is NIST's, of texts", function()
    for _, vector in ipairs(VECTORS) do assert.equal(vector[2], core.sha256(vector[1])) end
  end)

  it("and of files of every length, with their sizes", function()
    for _, vector in ipairs(VECTORS) do
      local result = exchange.finish(assert(core.digest(files:write("sum", vector[1]))))
      assert.equal(vector[2], result.sha256)
      assert.equal("integer", math.type(result.size))
      assert.equal(#vector[1], result.size)
    end
    for length = 50, 130 do
      local bytes = ("x"):rep(length)
      assert.equal(core.sha256(bytes), exchange.finish(assert(core.digest(files:write("sum", bytes)))).sha256)
    end
  end)

  it("is none of what is no file", function()
    for _, path in ipairs { files:path "none", files.directory } do
      local result = exchange.finish(assert(core.digest(path)))
      assert.is_nil(result.sha256)
      assert.equal("io", result.error.kind)
    end
  end)

  it("nor of a file whose disk fails while it is read", function()
    local library = faulty.new()
    finally(function() library:remove() end)
    local path = files:write("failing", ("x"):rep(100000))
    for _, fault in ipairs { "read=EIO", "read=EIO@3" } do
      assert.equal("nil\tio\tread", (child.run([[
        local exchange = require "spec.support.exchange"
        local result = exchange.finish(assert(require "runway.core".digest(...)))
        print(result.sha256, result.error.kind, result.error.code)
      ]], { before = library:before(fault, path), arguments = { path } })))
    end
  end)
end)

describe("an HMAC", function()
  local function hex(bytes) return (bytes:gsub(".", function(b) return ("%02x"):format(b:byte()) end)) end

  it("is RFC 4231's, of keys short and long, and of a text in any pieces", function()
    for _, vector in ipairs {
      { ("\11"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      { "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { ("\170"):rep(20), ("\221"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { ("\170"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
      { "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
    } do
      local key, said, sum = vector[1], vector[2], vector[3]
      assert.equal(sum, hex(core.hmac(key, said)))
      for at = 0, #said, 7 do assert.equal(sum, hex(core.hmac(key, said:sub(1, at), "", said:sub(at + 1)))) end
    end
  end)

  it("is compared byte by byte, to the last one", function()
    for _, pair in ipairs { { "", "" }, { "a\0b", "a\0b" }, { ("x"):rep(1000), ("x"):rep(1000) } } do
      assert.is_true(core.equal(pair[1], pair[2]))
    end
    for _, pair in ipairs { { "", "a" }, { "a\0b", "a\0c" }, { "ab", "a" }, { "\0", "\1" }, { "\1\1", "\1\0" } } do
      assert.is_false(core.equal(pair[1], pair[2]))
    end
  end)
end)

describe("a small file", function()
  local files
  setup(function() files = scratch.new() end)
  teardown(function() files:remove() end)

  local function read(path) return exchange.finish(assert(core.read(path))) end

  it("is read whole, whatever is in it", function()
    for _, bytes in ipairs { "", "a\0b\255", ("x"):rep(16385), ("y"):rep(1048576) } do
      assert.same({ text = bytes }, read(files:write("small", bytes)))
    end
  end)

  it("is none of more than 1 MiB, and no directory", function()
    local result = read(files:write("large", ("x"):rep(1048577)))
    assert.same({ nil, "limit", "too_large" }, { result.text, result.error.kind, result.error.code })
    for _, path in ipairs { files:path "none", files.directory } do
      result = read(path)
      assert.is_nil(result.text)
      assert.equal("io", result.error.kind)
    end
  end)

  it("is not read from a disk that fails", function()
    local library = faulty.new()
    finally(function() library:remove() end)
    local path = files:write("failing", ("x"):rep(100000))
    assert.equal("nil\tio\tread", (child.run([[
      local exchange = require "spec.support.exchange"
      local result = exchange.finish(assert(require "runway.core".read(...)))
      print(result.text, result.error.kind, result.error.code)
    ]], { before = library:before("read=EIO@3", path), arguments = { path } })))
  end)
end)

describe("a token", function()
  it("is 32 digits, and never the same", function()
    local seen = {}
    for _ = 1, 1000 do
      local token = core.token()
      assert.truthy(token:find "^[0-9a-f]+$")
      assert.equal(32, #token)
      assert.is_nil(seen[token])
      seen[token] = true
    end
  end)
end)

it("the time of day is whole milliseconds", function()
  local before, now, after = os.time(), core.wall_ms(), os.time()
  assert.equal("integer", math.type(now))
  assert.is_true(now >= before * 1000 and now < (after + 2) * 1000) -- time() is a tick late
  local began = core.now()
  repeat now = core.wall_ms() until now % 1000 ~= 0 or core.now() - began > 30
  assert.not_equal(0, now % 1000)
end)
