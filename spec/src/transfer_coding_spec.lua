-- Content-Encoding: what is encoded is decoded, whether it was asked for or not; a label that names no
-- coding is a label.

local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("an answer's Content-Encoding", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  for _, gate in ipairs { false, true } do
    it("is undone when it is gzip" .. (gate and ", on a paid request too" or ""), function()
      local result = exchange.run { method = "POST", body = "{}", gate = gate, url = server:url "/gzip?size=3000" }
      assert.is_nil(result.error)
      assert.equal(("\0"):rep(3000), result.body)
    end)
  end

  for _, coding in ipairs { "UTF-8", "none", "identity", "x-unknown", "binary", "" } do
    it(("is a mere label when it says %q"):format(coding), function()
      local result = exchange.run { method = "POST", body = "{}", gate = true,
        url = server:url("/labelled?coding=" .. coding) }
      assert.is_nil(result.error)
      assert.equal('{"id":"t-1"}', result.body)
    end)
  end

  -- Bytes in each coding, stored and not squeezed, so that a spec needs no other program.
  local function stored(s) return ("\1" .. ("<I2I2"):pack(#s, ~#s & 0xFFFF)) .. s end

  local function adler(s)
    local a, b = 1, 0
    for i = 1, #s do
      a = (a + s:byte(i)) % 65521
      b = (b + a) % 65521
    end
    return (">I4"):pack(b << 16 | a)
  end

  local function crc(s)
    local c = 0xFFFFFFFF
    for i = 1, #s do
      c = c ~ s:byte(i)
      for _ = 1, 8 do c = c & 1 == 1 and c >> 1 ~ 0xEDB88320 or c >> 1 end
    end
    return ("<I4"):pack(~c & 0xFFFFFFFF)
  end

  local function gzip(s) return "\31\139\8\0\0\0\0\0\0\3" .. stored(s) .. crc(s) .. ("<I4"):pack(#s) end
  local function zlib(s) return "\x78\1" .. stored(s) .. adler(s) end
  local function br(s) return ("<I3"):pack(#s - 1 << 4 | 1 << 20) .. s .. "\3" end
  local function zstd(s) return "\x28\xB5\x2F\xFD\x20" .. string.char(#s) .. ("<I3"):pack(#s << 3 | 1) .. s end

  local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

  -- What comes of `bytes` under a label, on a paid request.
  local function ask(label, bytes, more)
    return exchange.run { method = "POST", body = "{}", gate = true, max_body_bytes = more and more.most,
      url = server:url(("/coded?label=%s&hex=%s%s"):format(label, hex(bytes), more and more.query or "")) }
  end

  local JSON = '{"id":"9f3c2a71","status":"PENDING"}'
  local HALF, REST = JSON:sub(1, 12), JSON:sub(13)

  for name, row in pairs {
    ["gzip"] = { "gzip", gzip(JSON) }, ["x-gzip"] = { "x-gzip", gzip(JSON) }, ["deflate"] = { "deflate", zlib(JSON) },
    ["deflate without zlib's head"] = { "deflate", stored(JSON) }, ["br"] = { "br", br(JSON) },
    ["zstd"] = { "zstd", zstd(JSON) }, ["br in gzip"] = { "br,gzip", gzip(br(JSON)) },
    ["br in gzip, on two lines"] = { "br;gzip", gzip(br(JSON)) },
    ["GZIP"] = { "GZIP", gzip(JSON) },
    ["gzip of two members"] = { "gzip", gzip(HALF) .. gzip(REST) },
    ["gzip of two members, the first empty"] = { "gzip", gzip("") .. gzip(JSON) },
    ["gzip with other bytes behind it"] = { "gzip", gzip(JSON) .. "\0\0\0\0" },
    ["zstd of two frames"] = { "zstd", zstd(HALF) .. zstd(REST) },
    ["gzip without a label"] = { "", gzip(JSON) }, ["two members without a label"] = { "", gzip(HALF) .. gzip(REST) },
    ["zstd without a label"] = { "", zstd(JSON) }, ["gzip under another label"] = { "br", gzip(JSON) },
    ["gzip called plain"] = { "identity", gzip(JSON) }, ["gzip in gzip, called once"] = { "gzip", gzip(gzip(JSON)) },
    ["plain under gzip"] = { "gzip", JSON }, ["plain under deflate"] = { "deflate", JSON },
    ["plain under br"] = { "br", JSON }, ["plain under zstd"] = { "zstd", JSON },
    ["plain under two codings"] = { "gzip,br", JSON }, ["br under deflate and br"] = { "deflate,br", br(JSON) },
    ["plain under five"] = { ("gzip,"):rep(4) .. "br", JSON },
  } do
    it("is one thing, its bytes are another: " .. name, function()
      local result = ask(row[1], row[2])
      assert.is_nil(result.error)
      assert.equal(JSON, result.body)
      assert.equal(#JSON, result.bytes)
    end)
  end

  it("loses nothing of what cannot be decoded", function()
    local odd = { gzip = "\31\139\8\0broken", br = "\200\1\255\2", deflate = "\255\1\2\3", zstd = "\0\1" }
    for label, bytes in pairs(odd) do
      assert.equal(bytes, ask(label, bytes).body)
    end
  end)

  it("is undone as far as an answer came", function()
    for label, bytes in pairs { gzip = gzip(JSON), br = br(JSON), deflate = zlib(JSON) } do
      local result = ask(label, bytes:sub(1, -20), { query = "&cut=1" })
      assert.equal("closed", result.error.code)
      assert.matches('^{"id":"9f3c2a71"', result.body)
    end
  end)

  it("is undone within max_body_bytes, of which what fits is kept", function()
    local long = JSON .. (" "):rep(200)
    for label, bytes in pairs { gzip = gzip(long), br = br(long), deflate = zlib(long), zstd = zstd(long) } do
      local result = ask(label, bytes, { most = 300 })
      assert.equal(long, result.body)
      result = ask(label, gzip(bytes), { most = 300 })
      assert.equal(long, result.body)
    end
    local result = exchange.run { method = "POST", body = "{}", gate = true, url = server:url "/gzip?size=5000000",
      max_body_bytes = 100000 }
    assert.equal("too_large", result.error.code)
    assert.is_true(result.error.permanent)
    assert.equal(100000, #result.body)
  end)

  describe("of a film", function()
    local FILM = "\0\0\0\24ftypmp42" .. ("\0\1\2\3"):rep(300)
    local path

    before_each(function() path = os.tmpname() end)
    after_each(function() os.remove(path) end)

    local function fetch(label, bytes)
      local result = exchange.run { save = { path = path, overwrite = true, only_media = true },
        url = server:url(("/coded?label=%s&hex=%s"):format(label, hex(bytes))) }
      local file = assert(io.open(path, "rb"))
      local got = file:read("a")
      file:close()
      return result, got
    end

    for label, bytes in pairs { gzip = gzip(FILM), br = br(FILM), deflate = zlib(FILM) } do
      it("is undone: " .. label, function()
        local result, got = fetch(label, bytes)
        assert.is_nil(result.error)
        assert.equal(FILM, got)
      end)

      it("is passed over where it lies: " .. label, function()
        local result, got = fetch(label, FILM)
        assert.is_nil(result.error)
        assert.equal(FILM, got)
      end)
    end

    it("is no film when it breaks in the middle of being undone", function()
      -- the film, 100,000 zeros, which is more than libcurl undoes at once, and a block of no known kind
      local bits = "010" .. "00110000" .. ("1100010100000"):rep(400) .. "0000000" .. "111"
      local zeros = (bits .. ("0"):rep(-#bits % 8)):gsub("........", function(byte)
        return string.char(tonumber(byte:reverse(), 2))
      end)
      local result, got = fetch("gzip", gzip(""):sub(1, 10) .. "\0" .. stored(FILM):sub(2) .. zeros)
      assert.same({ "protocol", "bad_response" }, { result.error.kind, result.error.code })
      assert.equal("", got)
    end)

    it("is passed over where br or deflate would make something of a film that lies there", function()
      local webm = "\26\69\223\163\159\66\134\129\1webm" .. ("\1\2\3\200"):rep(300)
      local packets = ("G" .. ("\5"):rep(187)):rep(8)
      for _, label in ipairs { "br", "deflate", "gzip", "gzip,br" } do
        for _, film in ipairs { webm, packets } do
          local result, got = fetch(label, film)
          assert.is_nil(result.error)
          assert.equal(film, got)
        end
      end
      local result, got = fetch("gzip", "\1\2\3 of no known form")
      assert.is_nil(result.error)
      assert.equal("\1\2\3 of no known form", got)
      assert.equal("bad_media", fetch("gzip", JSON).error.code)
    end)

    it("need not be told, for what is packed is looked at", function()
      for _, packed in ipairs {
        gzip(JSON), gzip("<html>gone</html>"), zstd(JSON), gzip(gzip(JSON)), gzip(JSON:rep(100)),
      } do
        local result, got = fetch("", packed)
        assert.equal("bad_media", result.error.code)
        assert.equal("", got)
      end
      assert.matches('{"id":"9f3c2a71"', fetch("", gzip(JSON)).error.message, 1, true)
    end)
  end)

  it("is offered for answers, and not for files", function()
    local path = os.tmpname()
    exchange.run { url = server:url "/ok?answer" }
    exchange.run { url = server:url "/ok?file", save = { path = path, overwrite = true } }
    os.remove(path)
    exchange.run { url = server:url "/ok?own", headers = { ["Accept-Encoding"] = "br;q=0.5" } }
    local _, lines = server:seen("/ok?own")[1].head:lower():gsub("\naccept%-encoding:", "")
    assert.equal(1, lines)
    assert.equal("br;q=0.5", server:seen("/ok?own")[1].headers["accept-encoding"])
    assert.matches("gzip", server:seen("/ok?answer")[1].headers["accept-encoding"])
    assert.equal("identity", server:seen("/ok?file")[1].headers["accept-encoding"])
  end)
end)
