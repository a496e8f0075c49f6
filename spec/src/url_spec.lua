-- URLs taken apart: what they are judged by, however they are written.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("a URL", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  it("is judged by the host that a resolver will be given", function()
    for url, host in pairs {
      ["http://EXAMPLE.org/"] = "example.org", ["http://example.org./"] = "example.org",
      ["http://ex%61mple.org/"] = "example.org", ["http://[::1]:80/"] = "::1", ["http://[::1%25lo]/"] = "::1",
      ["http://127.1/"] = "127.0.0.1", ["http://0x7f.1/"] = "127.0.0.1", ["http://2130706433/"] = "127.0.0.1",
      ["http://0177.0.0.1/"] = "127.0.0.1", ["http://127.0.0.1./"] = "127.0.0.1", ["http://0x7f.1../"] = "127.0.0.1",
      ["http://0x7f%2e1/"] = "127.0.0.1", ["http://%31%32%37.1/"] = "127.0.0.1", ["http://0/"] = "0.0.0.0",
      ["http://１２７.０.０.１/"] = "127.0.0.1", ["http://0x7f。1/"] = "127.0.0.1",
      ["http://ⓛocalhost/"] = "localhost",
      ["http://münchen.de/"] = "xn--mnchen-3ya.de", ["http://例え.テスト/"] = "xn--r8jz45g.xn--zckzah",
      ["http:///EXAMPLE.org./"] = "example.org", ["http:///%31%32%37.1/"] = "127.0.0.1",
      ["http:///０x7f.1/"] = "127.0.0.1", ["http:///ⓛocalhost./"] = "localhost",
      ["http://256.1.1.1/"] = "256.1.1.1", ["http://127.0.0.1.nip.io/"] = "127.0.0.1.nip.io",
    } do
      local parts, refused = core.url(url)
      assert.is_table(parts, url .. ": " .. tostring(refused))
      assert.equal(host, parts.host, url)
    end
  end)

  it("with a scheme as long as no one has is refused", function()
    local parts, refused = core.url(("a"):rep(100) .. "://example.org/")
    assert.is_nil(parts)
    assert.is_string(refused)
  end)

  it("is read by one rule, whether it is written plainly or not", function()
    local function told(url)
      local parts, refused = core.url(url)
      return parts or refused
    end
    for _, host in ipairs {
      "example.org", "a.b-c.d", "localhost", "x.localhost", "a..b", "1.2.3.example", "xn--e1.test", "-x.y", "x.1",
      "x1.1x", "x.0x7f", "e",
    } do
      for _, behind in ipairs {
        "", "/", "?q", "#f", ":80/", ":443?q", ":65535", ":65536/", ":99999/", ":100000/", ":0/", ":080/", ":/", ":1a/",
        "@b/", ":80@evil.test/", "\\@b/",
      } do
        for _, scheme in ipairs { "http", "https" } do
          -- A capital letter is not plain: libcurl reads it.
          local odd = scheme .. "://" .. host:gsub("%l", string.upper, 1) .. behind
          local plain = scheme .. "://" .. host .. behind
          assert.not_equal(odd, plain)
          assert.same(told(odd), told(plain), plain)
        end
      end
    end
  end)

  it("is of this machine only by a form that the kernel or RFC 6761 gives to it", function()
    for _, host in ipairs {
      "localhost", "LocalHost", "localhost.", "localhost%2e", "a.localhost", "a.b.localhost.", "127.0.0.1",
      "127.255.255.255",
      "127.1", "0x7f.1", "0177.1", "2130706433", "127.0.0.1.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
    } do
      assert.is_true(core.url("http://" .. host .. "/").loopback, host)
    end
    for _, host in ipairs {
      "localhost.example", "xlocalhost", "local.host", "localhost-", "0.0.0.0", "0", "128.0.0.1", "[::]",
      "[::127.0.0.1]", "[::7f00:1]",
      "[::2]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]",
      "[::ffff:0:127.0.0.1]",
      "[fe80::1]", "[fec0::1]", "[2001:0:7f00:1::]", "127.0.0.1.example", "7f000001",
    } do
      assert.is_false(core.url("http://" .. host .. "/").loopback, host)
    end
  end)

  it("is asked for at the host by which it was judged", function()
    for _, host in ipairs { "localhost.", "0x7f%2e1", "127.0.0.1.", "１２７.０.０.１", "ⓛocalhost" } do
      for _, slashes in ipairs { "//", "///" } do
        local url = ("http:%s%s:%d/ok"):format(slashes, host, server.port)
        assert.equal(200, exchange.run { url = url }.status, url)
      end
    end
  end)

  it("may be as long as documents allow, and no longer than can be meant", function()
    local base = server:url "/ok?long="
    for _, length in ipairs { 2048, 5000, 8001, 16384, 49152 } do
      local url = base .. ("a"):rep(length - #base)
      assert.equal(200, exchange.run { url = url }.status, length)
      assert.equal(length, #url)
    end
    assert.is_table(core.url(base .. ("a"):rep(65536 - #base)))
    local id, message, kind = core.start { method = "GET", url = base .. ("a"):rep(65537 - #base) }
    assert.is_nil(id)
    assert.equal("invalid_request", kind)
    assert.matches("longer than 64 KiB", message)
  end)

  it("is refused, and never raises, when it is nonsense", function()
    for _, url in ipairs {
      "", "\0", "http", "http:", "http:/", "http://", "http:///", "http:///..", "http://.", "http://../", "http://:80",
      "http://[", "http://[]/",
      "http://[::1/", "http://[::1]x/", "http://[::1]./", "http://[1.2.3.4]/",
      "http://[::1%25" .. ("z"):rep(500) .. "]/", "http://a b/",
      "http://a\tb/", "http://a/\0", "http://a/\127", "http://a:80:80/", "http://a:65536/", "http://a:-1/",
      "http://a:x/",
      "http://@/", "http://u@a/", "http://u:p@a/", "http://a%00b/", "http://a%2fb/", "http://a%25b/",
      "http://%252e%252e/",
      "http://a%0d%0ab/", "http://" .. ("a"):rep(300) .. "/", "http://" .. ("é"):rep(5000) .. "/",
      "http://\255\254/", "http://\237\160\128/",
      "http://a\226\128\174b%/", "https//a/", "https:a/", "httpx://a/", "http\\://a/", "file:///etc/passwd",
      " http://a/",
      ("http://"):rep(9900),
    } do
      local parts, refused = core.url(url)
      assert.is_nil(parts, url:sub(1, 60))
      assert.is_string(refused)
      assert.is_nil(core.start { method = "GET", url = url })
    end
  end)
end)
