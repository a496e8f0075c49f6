-- Local files on their way into a request: their type from their bytes, never from their name,
-- and nothing sent when one of them cannot be read.

local base64 = require "spec.support.base64"
local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local faulty = require "spec.support.faults"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

local PNG = "\137PNG\r\n\26\n" .. ("pixels\0"):rep(9)

describe("a local file", function()
  local server, here, directory

  setup(function()
    server = rawserver.start()
    here = scratch.new()
    directory = here.directory
  end)
  teardown(function()
    server:stop()
    here:remove()
  end)

  local FileObject = { __name = "runway.file" }

  local function file(name, bytes)
    return setmetatable({ path = bytes and here:write(name, bytes) or here:path(name) }, FileObject)
  end

  local function probe(path)
    return exchange.finish(assert(core.probe(path)))
  end

  describe("looked at", function()
    local function box(brand)
      return "\0\0\0\24ftyp" .. brand .. "\0\0\0\0isommp42moov"
    end

    it("waits for no one's turn, and takes no one's", function()
      local id = exchange.start { url = server:url "/hang?turn", lane = 0, lane_limit = 2 }
      assert.equal("image/png", probe(file("turn.png", PNG).path).type)
      assert.equal(200, exchange.run({ url = server:url "/ok", lane = 0, lane_limit = 2 }).status)
      core.cancel(id)
      exchange.finish(id)
    end)

    for name, bytes in pairs {
      ["image/png"] = PNG,
      ["image/jpeg"] = "\255\216\255\224\0\16JFIF\0",
      ["image/gif"] = "GIF89a\1\0\1\0",
      ["image/webp"] = "RIFF\8\0\0\0WEBPVP8 ",
      ["image/avif"] = box "avif",
      ["image/heic"] = box "heic",
      ["video/mp4"] = box "isom",
      ["video/quicktime"] = box "qt  ",
      ["video/webm"] = "\26\69\223\163\159\66\134\129\1\66\247\129\1\66\242\129\4webm",
      ["video/x-msvideo"] = "RIFF\36\0\0\0AVI LIST",
      ["audio/wav"] = "RIFF\36\0\0\0WAVEfmt ",
      ["audio/mpeg"] = "ID3\4\0\0\0\0\0\0",
      ["audio/flac"] = "fLaC\0\0\0\34",
      ["audio/ogg"] = "OggS\0\2\0\0",
      ["audio/mp4"] = box "M4A ",
    } do
      it("is told to be " .. name .. " by its bytes", function()
        local seen = probe(file("misnamed.txt", bytes).path)
        assert.same({ size = #bytes, type = name, class = name:match "^%a+" }, seen)
        assert.equal("integer", math.type(seen.size))
      end)
    end

    -- A JPEG with such segments before the frame, which is 640 x 360.
    local function jpeg(...)
      local parts = { "\255\216", ... }
      for i = 2, #parts do parts[i] = parts[i]:sub(1, 2) .. (">I2"):pack(#parts[i]) .. parts[i]:sub(3) end
      return table.concat(parts) .. "\255\194\0\17\8" .. (">I2I2"):pack(360, 640) .. ("\1"):rep(10)
    end

    local function exif(order, turn)
      local number, long = order == "MM" and ">I2" or "<I2", order == "MM" and ">I4" or "<I4"
      return "\255\225Exif\0\0" .. order .. number:pack(42) .. long:pack(8) .. number:pack(2)
        .. number:pack(0x010f) .. number:pack(2) .. long:pack(1) .. "abc\0"
        .. number:pack(0x0112) .. number:pack(3) .. long:pack(1) .. number:pack(turn) .. "\0\0" .. long:pack(0)
    end

    local ICC = "\255\226ICC_PROFILE\0" .. ("\255\192"):rep(20000) -- what looks like a frame is none inside of it
    local WEBP = "RIFF\100\0\0\0WEBP"
    for what, case in pairs {
      ["a PNG"] = { "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(1280, 70000) .. "\8\2\0\0\0", 1280, 70000, 1 },
      ["a JPEG"] = { jpeg "\255\224JFIF\0", 640, 360, 1 },
      ["a JPEG with a profile"] = { jpeg(ICC, ICC), 640, 360, 1 },
      ["a JPEG that lies on its side"] = { jpeg(ICC, exif("II", 6)), 360, 640, 6 },
      ["a JPEG upside down"] = { jpeg(exif("MM", 3)), 640, 360, 3 },
      ["a JPEG whose EXIF says what is no way to lie"] = { jpeg(exif("MM", 9)), 640, 360, 1 },
      ["a JPEG whose EXIF is cut"] = { jpeg(exif("II", 6):sub(1, 30)), 640, 360, 1 },
      ["a JPEG with filling bytes"] = { jpeg():gsub("\255\194", "\255\255\255\194", 1), 640, 360, 1 },
      ["a JPEG with a mark that has no length"] = { jpeg():gsub("\255\194", "\255\208\255\194", 1), 640, 360, 1 },
      ["a JPEG whose EXIF is no TIFF"] = { jpeg(exif("XX", 6)), 640, 360, 1 },
      ["a lossy WebP"] = { WEBP .. "VP8 \90\0\0\0\0\0\0\157\1\42" .. ("<I2I2"):pack(0x4000 + 500, 0x8000 + 300), 500,
        300, 1 },
      ["a lossless WebP"] = { WEBP .. "VP8L\90\0\0\0\47" .. ("<I4"):pack(499 + (299 << 14)) .. ("\0"):rep(9), 500, 300,
        1 },
      ["a WebP with more in it"] = { WEBP .. "VP8X\10\0\0\0\0\0\0\0" .. ("<I3I3"):pack(19999, 299), 20000, 300, 1 },
    } do
      it("tells how large " .. what .. " is", function()
        local seen = probe(file("picture", case[1]).path)
        assert.same({ case[2], case[3], case[4] }, { seen.width, seen.height, seen.turn })
      end)
    end

    it("tells no size where the header tells none", function()
      local png = "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(1280, 720)
      for _, bytes in ipairs {
        png:sub(1, 23), png:gsub("IHDR", "CgBI"), png:sub(1, 16) .. ("\0"):rep(8), "\255\216\255\217",
        jpeg(ICC):sub(1, 40000), jpeg():sub(1, 10), "\255\216\255\194\0\1", "\255\216" .. ("\255"):rep(5000),
        "RIFF\36\0\0\0WEBPVP8 ", "RIFF\36\0\0\0WEBPANIM" .. ("\1"):rep(20),
        "RIFF\36\0\0\0WEBPVP8X" .. ("\1"):rep(13), "GIF89a\1\0\1\0", box "isom",
      } do
        local seen = probe(file("picture", bytes).path)
        assert.is_nil(seen.error)
        assert.is_nil(seen.width)
        assert.is_nil(seen.turn)
      end
    end)

    it("is no picture, film or sound because it is named so", function()
      for _, bytes in ipairs { "text", "<svg/>", "\137PN", "RIFF\0\0\0\0junk", "\0", "ftyp" } do
        local seen = probe(file("shot.png", bytes).path)
        assert.equal("invalid_request", seen.error.kind)
        assert.matches("shot.png", seen.error.message, 1, true)
        assert.is_nil(seen.type)
      end
    end)

    it("has to be there, plain, and not empty", function()
      os.execute("mkfifo '" .. directory .. "/pipe'")
      file("empty.png", "")
      for name, kind in pairs {
        ["none.png"] = "io", ["empty.png"] = "invalid_request", ["pipe"] = "invalid_request",
        ["."] = "invalid_request",
      } do
        local seen = probe(directory .. "/" .. name)
        assert.is_table(seen.error, name)
        assert.equal(kind, seen.error.kind)
      end
      assert.equal("invalid_request", probe("/dev/zero").error.kind)
      assert.has_error(function() core.probe "a\0b" end)
    end)
  end)

  describe("within a body", function()
    it("is sent as a data URI, whatever its length leaves over", function()
      for extra = 0, 3 do
        local bytes = PNG .. ("x"):rep(extra)
        local result = exchange.run {
          method = "POST", url = server:url "/echo", gate = true,
          body = { '{"promptImage":"', file("frame.png", bytes), '","a":1}' },
        }
        assert.equal('{"promptImage":"data:image/png;base64,' .. base64(bytes) .. '","a":1}',
          result.body)
      end
    end)

    it("may be large, and stand beside another", function()
      local clip = "\0\0\0\24ftypmp42" .. rawserver.pattern(300001)
      local result = exchange.run {
        method = "POST", url = server:url "/echo",
        body = { file("frame.png", PNG), "|", file("clip.mp4", clip) },
      }
      assert.is_true(result.body == "data:image/png;base64," .. base64(PNG)
        .. "|data:video/mp4;base64," .. base64(clip))
    end)

    it("is encoded as it leaves where it is large, and is the same bytes", function()
      for extra = 0, 2 do
        local bytes = PNG .. rawserver.pattern(1500000 + extra)
        for _, before in ipairs { "", "a", '{"i":"' } do
          local result = exchange.run {
            method = "POST", url = server:url "/echo", gate = true, max_body_bytes = 2 ^ 23 | 0,
            body = { before, file("large.png", bytes), '","a":"', file("frame.png", PNG), '"}' },
          }
          assert.is_nil(result.error)
          assert.is_true(result.body == before .. "data:image/png;base64," .. base64(bytes)
            .. '","a":"data:image/png;base64,' .. base64(PNG) .. '"}')
        end
      end
    end)

    it("is sent from its beginning where libcurl sends a free request again, on a connection that died", function()
      local bytes = PNG .. rawserver.pattern(1500000)
      local path = "/close-idle-reuse?large"
      exchange.run { url = server:url(path) }
      local result = exchange.run { method = "POST", url = server:url(path), body = { file("large.png", bytes) } }
      assert.equal(200, result.status)
      local seen = server:seen(path)
      assert.same({ "GET", "POST", "POST" }, { seen[1].method, seen[2].method, seen[3].method })
      assert.equal(seen[1].connection, seen[2].connection)
      local expected = "data:image/png;base64," .. base64(bytes)
      assert.is_true(seen[3].body == expected:sub(1, #seen[3].body)) -- so much of a body is kept
      assert.equal(#expected, seen[3].length)
    end)

    it("that grows while it is sent is told as changed, and not sent as another", function()
      local picture = file("large.png", PNG .. ("x"):rep(16000000))
      local id = exchange.start { method = "POST", url = server:url "/held-upload?grown", body = { picture } }
      exchange.until_true(function() return #server:seen "/held-upload?grown" == 1 end, "the request's head")
      local more = assert(io.open(picture.path, "ab"))
      more:write "x"
      more:close()
      server:release()
      local result = exchange.finish(id)
      assert.same({ "io", "changed" }, { result.error.kind, result.error.code })
    end)

    it("of many millions of bytes takes no memory of their size", function()
      if os.getenv "LUA_INIT" then return pending "a sanitizer has memory of its own for all that is touched" end
      local path = file("huge.png", PNG .. ("x"):rep(16000000)).path
      local output = child.run([[
        local exchange = require "spec.support.exchange"
        local function most()
          local file = io.open "/proc/self/status"
          return file and tonumber(file:read "a":match "VmHWM:%s*(%d+)")
        end
        local url, path = ...
        exchange.run { url = url }
        local before = most()
        local sent = exchange.run { method = "POST", url = url, gate = true, body = { { path = path } } }
        print(sent.status, not before or most() - before < 10000)
      ]], { arguments = { server:url "/ok?huge", path } })
      assert.equal("200\ttrue", output)
    end)

    it("keeps the whole request back when it cannot be read", function()
      os.execute("mkfifo '" .. directory .. "/queue'")
      for name, kind in pairs {
        ["gone.png"] = "io", ["queue"] = "invalid_request", ["."] = "invalid_request",
      } do
        local result = exchange.run {
          method = "POST", url = server:url "/ok?unread", gate = true,
          body = { '{"promptImage":"', file(name), '"}' },
        }
        assert.equal(kind, result.error.kind)
        assert.is_true(result.error.permanent)
        assert.is_false(result.sent)
        assert.is_nil(result.error.message:find("base64", 1, true))
      end
      assert.equal(0, #server:seen "?unread")
    end)
  end)

  describe("uploaded", function()
    it("is the body itself, byte for byte", function()
      local bytes = PNG .. rawserver.pattern(200000)
      local result = exchange.run {
        method = "PUT", url = server:url "/echo?put", file = file("up.png", bytes).path,
        headers = { ["Content-Type"] = "image/png" },
      }
      assert.is_true(result.body == bytes)
      local seen = server:seen("/echo?put")[1]
      assert.equal("PUT", seen.method)
      assert.equal(tostring(#bytes), seen.headers["content-length"])
      assert.equal("image/png", seen.headers["content-type"])
    end)

    it("is a field of a form, in the order given", function()
      exchange.run {
        method = "POST", url = server:url "/echo?form",
        form = {
          { "key", "uploads/1\r\nline" },
          { "file", file = file("up.png", PNG).path, filename = "a b.png", type = "image/png" },
          { "last", "" },
        },
      }
      local seen = server:seen("/echo?form")[1]
      local boundary = seen.headers["content-type"]:match "^multipart/form%-data; boundary=(%S+)$"
      local expected = table.concat({
        '--' .. boundary, 'Content-Disposition: form-data; name="key"', '', 'uploads/1\r\nline',
        '--' .. boundary, 'Content-Disposition: form-data; name="file"; filename="a b.png"',
        'Content-Type: image/png', '', PNG,
        '--' .. boundary, 'Content-Disposition: form-data; name="last"', '', '',
        '--' .. boundary .. '--', '',
      }, "\r\n")
      assert.equal(expected, seen.body)
    end)

    it("cannot break out of its place in the form", function()
      local evil = 'a"\r\nX-Injected: yes\r\n\r\n'
      for _, field in ipairs {
        { evil, "value" },
        { "file", file = file("up.png", PNG).path, filename = evil },
        { "file", file = file("up.png", PNG).path, type = "image/png\r\nX-Injected: yes" },
      } do
        local id, _, kind = core.start {
          method = "POST", url = server:url "/echo?evil", form = { field },
        }
        if id then
          assert.is_nil(exchange.finish(id).body:find("\nX-Injected", 1, true))
        else
          assert.equal("invalid_request", kind)
        end
      end
    end)

    it("keeps the whole request back when it cannot be read", function()
      local pipe = directory .. "/hole"
      os.execute("mkfifo '" .. pipe .. "'")
      for _, path in ipairs { directory .. "/gone.png", directory, pipe } do
        for _, request in ipairs { { file = path }, { form = { { "file", file = path } } } } do
          request.method, request.url = "POST", server:url "/ok?unsent"
          local result = exchange.run(request)
          assert.equal("io", result.error.kind)
          assert.is_true(result.error.permanent)
          assert.is_false(result.sent)
        end
      end
      assert.equal(0, #server:seen "/ok?unsent")
    end)
  end)

  it("whose disk fails while it is read, or that is cut meanwhile, keeps the whole request back", function()
    local library = faulty.new()
    finally(function() library:remove() end)
    local path = file("failing.png", PNG .. ("x"):rep(200000)).path
    local large = file("large.png", PNG .. ("x"):rep(3000000)).path
    for faults, case in pairs {
      ["read=EIO"] = { "read", path }, ["read=EIO@3"] = { "read", path }, ["read=END@3"] = { "changed", path },
      ["read=EIO@4"] = { "read", large }, ["read=END@5"] = { "changed", large },
      -- 1 look at its type, 123 pieces ahead of the request; then it has begun to leave
      ["read=EIO@200"] = { "read", large }, ["read=END@200"] = { "changed", large },
    } do
      local code = case[1]
      local output = child.run([[
        local core = require "runway.core"
        local exchange = require "spec.support.exchange"
        local url, path = ...
        local body = setmetatable({ path = path }, { __name = "runway.file" })
        local sent = exchange.run { method = "POST", url = url, gate = true, body = { "{", body, "}" } }
        print(sent.error.kind, sent.error.code, sent.sent)
      ]], { arguments = { server:url "/ok?failing", case[2] }, before = library:before(faults, case[2]) })
      assert.equal("io\t" .. code .. "\tfalse", output, faults)
    end
    assert.equal(0, #server:seen "?failing")
  end)

  it("of a long name is shortened in a message before the reason is", function()
    for _, letter in ipairs { "d", "é", "灯", "\x80" } do
      local deep = directory .. ("/" .. letter:rep(200 // #letter)):rep(8) .. "/"
      assert(os.execute(("mkdir -p '%s'"):format(deep)))
      assert(os.execute(("cd '%s' && : >empty.png && echo text >text.png"):format(deep)))
      for name, reason in pairs {
        ["none.png"] = "No such file or directory$", ["empty.png"] = "empty%.png is empty$",
        ["text.png"] = "known by its bytes$", [("n"):rep(300) .. ".png"] = "File name too long$",
        ["."] = "is not a plain file$",
      } do
        local message = exchange.finish(assert(core.probe(deep .. name))).error.message
        assert.matches(reason, message)
        if letter ~= "\x80" then assert.truthy(utf8.len(message), message) end
        assert.truthy(message:find(name:sub(-12), 1, true), message)
      end
      for _, way in ipairs { { file = deep .. "none.png" }, { form = { { "f", file = deep .. "none.png" } } },
        { body = { "x", { path = deep .. "none.png" } } } } do
        way.method, way.url = "POST", server:url "/ok"
        assert.matches("No such file or directory$", exchange.run(way).error.message)
      end
    end
  end)
end)
