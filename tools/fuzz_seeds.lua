-- Writes the inputs that the fuzz targets begin with into fuzz/corpus:
--
--   lua5.4 tools/fuzz_seeds.lua
--
-- One file for each, named by its number. What a search has found stands beside them under names of its own.

local function packed(command, bytes)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local pipe = assert(io.popen(command .. " <" .. path, "r"))
  local out = pipe:read "a"
  pipe:close()
  os.remove(path)
  return out
end

local TASK = '{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f","status":"SUCCEEDED","createdAt":"2026-09-01T10:00:00Z",'
  .. '"output":["https://host/clip.mp4?_jwt=x"],"progress":1}'
local GZIP = packed("gzip -n -9", TASK)
local MP4 = "\0\0\0\32ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\8free\0\0\0\0mdat"

local function head(status, ...)
  return "HTTP/1.1 " .. status .. "\r\n" .. table.concat({ ... }, "\r\n") .. "\r\n\r\n"
end

local JSON_HEAD = head("200 OK", "Content-Type: application/json", "Content-Length: " .. #TASK)

local function box(name, content) return (">I4"):pack(8 + #content) .. name .. content end

local function track(kind)
  return box("trak", box("tkhd", ("\0"):rep(84)) .. box("mdia", box("mdhd", ("\0"):rep(24))
    .. box("hdlr", ("\0"):rep(8) .. kind .. ("\0"):rep(13))))
end

local ANSWERS = {
  TASK, '{"id":"a1b2c3"}', '{"error":"no","docUrl":"https://host"}', '{"code":0,"data":{"task_id":1234567890123}}',
  '{"code":"success","data":{"task_id":"t-1","status":"IN_PROGRESS","progress":"30%","data":{"status":"RUNNING"}}}',
  '{"code":500,"message":"balance is not enough","data":null}', '{"creditBalance":12.5}', "[]", "null", "12",
  '{"status":"FAILED","failure":"it went wrong","failureCode":"SAFETY.INPUT.TEXT"}', '"17f20503"',
  '{"task":{"taskId":"abc-123","task_status":"processing"},"request_id":"req_1"}',
  '{"status":"RUNNING","progress":0.5,"output":null}', "<html><body>502</body></html>",
  'Warning: x in y on line 3\n{"id":"task_7"}', '{"id":"cut-of', '{"a":[{"id":{"id":["task_1"]}}]}',
}

local function with(prefixes, list)
  local made = {}
  for i, text in ipairs(list) do made[i] = prefixes[i % #prefixes + 1] .. text end
  return made
end

local SEEDS = {
  address = { "127.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0x7f.1",
    "100.64.0.1", "2001:db8::", "fc00::", "224.0.0.1", "example.com", "1.2.3.4.5", "01.02.03.04" },
  url = { "https://api.host.example/v1/tasks?x=1#y", "http://127.0.0.1:8080/", "http://0x7f.1/", "http://2130706433",
    "https://[::1]:443/a", "https://user:password@host/", "https://host.:80", "https://%31%32%37.0.0.1/",
    "https://b\195\188cher.example/", "https://LOCALHOST/", "https://a.localhost", "ftp://host", "https://host:99999",
    "https://[fe80::1%25eth0]/", "http://127.0.0.1\\@host/", "https://host/\0", "https:/host", "http://0177.0.0.1",
    "https://\239\188\145\239\188\146\239\188\151.0.0.1/", "https://host:0", "https://[::ffff:127.0.0.1]/" },
  proxy = {
    "host.example\n443\nhttp://user:password@proxy:8080\n.example,*.x, 10.0.0.0/8",
    "10.1.2.3\n80\nproxy\n10.0.0.0/8:80", "fd00::1\n443\nsocks5h://[::1]:1080\n[fd00::]/8,[::1]:443",
    "a\n1\nhttps://p:0\n*", "a.b\n443\nhttp://user:12/34@host\na.b:443,b", "h\n443\n\n1.2.3.4/33,::/129,::/0,x.",
    "h\n443\nftp://x\n\t, ,", "h\n443\nhttp://a%0ab:c@d\n",
  },
  data_uri = { "data:image/png;base64,iVBORw0KGgo=", "DATA:;base64,AA==",
    "data:text/plain;charset=utf-8;base64,\nQUJD\n",
    "data:,x", "data:image/svg+xml,%3Csvg", "data:a/b;base64,QQ", "data:a/b;base64,Q", "data:a/b;base64,Q=Q=", "data:",
    "data:a/b;base64,QUJDREVG R0g=", "data:a/b;base64,-_-_", " data:a/b;base64,AAAA" },
  film = { MP4, MP4 .. ("x"):rep(100), box("ftyp", "isom") .. box("mdat", "film") .. box("moov", "index"),
    box("ftyp", "isom") .. "\0\0\0\1mdat\0\0\0\0\0\0\0\32" .. ("x"):rep(16), box("ftyp", "isom") .. "\0\0\0\1mdat\255",
    box("ftyp", "isom") .. "\0\0\0\7mdat", box("ftyp", "isom") .. "\0\0\1\0mdat", "plain" },
  sniff = {
    MP4, "\137PNG\r\n\26\n\0\0\0\13IHDR\0\0\0\1\0\0\0\1\8\2\0\0\0\0\0\0\0\0\0\0\8acTL\0\0\0\0", "GIF89a\1\0\1\0\128\0\0"
    .. "\33\255\11NETSCAPE2.0\3\1\0\0\0\44\0\0\0\0\1\0\1\0\0\2\2\68\1\0\59", "RIFF\40\0\0\0WEBPVP8X\10\0\0\0\2",
    "RIFF\40\0\0\0WAVEfmt ", "RIFF\40\0\0\0AVI LIST", "\255\216\255\224\0\16JFIF", "ID3\4\0\0\0\0\0\0", "\255\251\144d",
    "fLaC\0\0\0\34", "OggS\0\2", "\26\69\223\163\163B\134\129\1\66\130\132webm", box("ftyp", "avif\0\0\0\0avismif1")
    .. box("meta", ("\0"):rep(40)), box("ftyp", "heic\0\0\0\0msf1hevc"), box("moov", box("mvhd", "x")),
    "<!DOCTYPE html>",
    "<?xml version='1.0'?><Error><Code>AccessDenied</Code>", '{"error":1}', "\239\187\191[1]", "\255\254{\0}\0",
    "GIF87a",
    "plain words\r\nand more", "PK\3\4", "\0\0\1\186", "G" .. ("\0"):rep(187) .. "G", "II*\0", "BM", "%PDF-1.4",
    "\0\0\0\1ftyp\0\0\0\0\0\0\0\24", box("uuid", ("\0"):rep(16)), "RIFF\0\0\0\0CDXA", "#EXTM3U",
  },
  media = {
    MP4 .. box("moov", track "soun"), MP4 .. box("moov", track "vide"), MP4 .. ("moov"):rep(9),
    box("ftyp", "mp42\0\0\0\0isom") .. box("moov", box("mvhd", ("\0"):rep(100)) .. track "soun" .. track "vide"),
    box("ftyp", "M4A \0\0\0\0") .. (">I4"):pack(1) .. "mdat" .. (">I8"):pack(40) .. ("x"):rep(24)
    .. box("moov", track "text"), "\137PNG\r\n\26\n", "", "words",
    "\137PNG\r\n\26\n\0\0\0\13IHDR" .. (">I4I4"):pack(1280, 720) .. "\8\2\0\0\0",
    "\255\216\255\225\0\34Exif\0\0II*\0\8\0\0\0\1\0\18\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    .. "\255\194\0\17\8\1\104\2\128\3\1\34\0\2\17\1\3\17\1\255\217",
    "RIFF\36\0\0\0WEBPVP8 \16\0\0\0\0\0\0\157\1\42\0\5\208\2", "RIFF\36\0\0\0WEBPVP8L\16\0\0\0\47\255\196\44\0\0\0\0\0",
    "RIFF\36\0\0\0WEBPVP8X\10\0\0\0\16\0\0\0\255\4\0\207\2\0",
  },
  unpack = {
    "gzip\n" .. GZIP, "\n" .. GZIP, "gzip\n" .. TASK, "gzip, gzip\n" .. packed("gzip -n -9", GZIP), "x-gzip\n" .. GZIP
    .. GZIP, "deflate\n" .. GZIP:sub(11, -9), "br\n\11\2\128{\"a\":1}\3", "zstd\n\40\181\47\253\0\88\57\0\0{\"a\":1}",
    "gzip\n" .. GZIP:sub(1, -20), "br\n" .. TASK, "gzip\n" .. packed("gzip -n -9", ("a"):rep(200000)),
    "deflate\n\120\156\171V\74T\178\50\172\5\0\10\196\2\27", "a,b,c,d,e,f,g,h,i,gzip\n" .. GZIP,
  },
  trace = with({ "\1", "\2", "\0", "\3", "\4" }, {
    "HTTP/1.1 200 OK\r\nContent-Type: x\r\nX-Secret: y\r\n\r\n", "GET /path?signature HTTP/1.1\r\nHost: host\r\n\r\n",
    "Connected to host\n", "Server: key_5ec7e7\r\n", "GET /?signature", "ALPN: x\27[0m\n", ": \r\n folded\r\n",
    "\r\n" }),
  header = { "content-type\nHTTP/1.1 200 OK\r\nContent-Type:  text/html \r\n\r\n", "a\n\na:\n", "a\nx\nA:b\nA: c\t\n",
    "\n\n:\n", "content-range\n\ncontent-range: bytes 0-1/2" },
  answer = with({ "\0", "\1", "\2", "\6", "\8", "\3" }, {
    JSON_HEAD .. TASK, JSON_HEAD .. TASK:sub(1, 20), head("200 OK", "Content-Type: video/mp4") .. MP4,
    head("206 Partial Content", "Content-Range: bytes 0-9/99", "Content-Length: 10") .. "0123456789",
    head("200 OK", "Content-Range: bytes 5-9/99", "Content-Length: 5") .. "01234",
    head("200 OK", "Transfer-Encoding: chunked") .. "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    head("200 OK", "Transfer-Encoding: chunked") .. "zz\r\nhello", head("200 OK", "Content-Length: 1, 1") .. "x",
    head("200 OK", "Content-Length: 1", "Content-Length: 2") .. "x", head("200 OK", "Content-Length: -1") .. "x",
    head("100 Continue") .. head("200 OK", "Content-Encoding: gzip", "Content-Length: " .. #GZIP) .. GZIP,
    head("301 Moved", "Location: https://host/x\r\nContent-Length: 0"), head("204 No Content"), "HTTP/1.1 200",
    "nonsense",
    head("200 OK", "Content-Encoding: gzip") .. MP4, head("200 OK", "Content-Encoding: words") .. MP4,
    head("200 OK", "Content-Type: text/html") .. "<html>", head("429 Slow", "Retry-After: 5", "Retry-After: 6"),
    "HTTP/1.0 200 OK\nA: b\n c\n\nbody", head("200 OK", ": x", "no colon", "a\0b: c"), head("101 Switching",
    "Upgrade: h2c"),
    head("200 OK", "Content-Encoding: br, gzip", "Content-Length: " .. #GZIP) .. GZIP, "HTTP/2 200\r\n\r\nx",
    head("200 OK", "Content-Range: bytes 0-99999999999999999999/9223372036854775807") .. MP4,
  }),
  json = { TASK, "[]", "{}", "null", "[1,2.5,-0,1e5,1E-7,9007199254740993,-9223372036854775808,1e999]",
    '"\\ud83d\\ude00"',
    '"\\ud83d"', "[NaN,Infinity,-Infinity]", "{'a':1}", "\239\187\191{}", "{\0}\0", "\254\255\0{\0}",
    '{"a":{"b":[1,[2]]}}',
    '{"a":1,"a":2}', "[1,]", "[1 2]", '"\255"', '"\\u0000"', "truefalse", ("["):rep(130),
    '{"a":"' .. ("x"):rep(300) .. '"}',
    "0x10", "01", '{"":null}', '{"1":1,"2":2}', "\"\31\"", "[1e-400,0.1,123456789012345678901234567890]" },
  retry = { "retry-after: 5", "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\ndate: Wed, 21 Oct 2026 07:27:00 GMT",
    "retry-after: Sunday, 06-Nov-94 08:49:37 GMT\ndate: Sun Nov  6 08:49:37 1994", "retry-after-ms: 1500",
    "retry-after: 5, 7", "retry-after: -1", "retry-after: 1e999", "2026-09-01T10:00:00.123+02:00", "1788000000000",
    "2024-02-29T23:59:60Z", "retry-after: 99999999999999999999999999999999999999", "0.5", "1970-01-01T00:00Z" },
  ids = with({ "\0", "\1" }, ANSWERS),
  answers = with({ "\0\0", "\1\1", "\2\0", "\3\4", "\4\2", "\1\0", "\0\6", "\2\3", "\3\0" }, ANSWERS),
  text = { "plain", " \tspaces \r\n", "\255\254a\0b\0", "\254\255\0a\216\61\222\0", "https:\\\\host\\path",
    "b\195\188cher",
    "https://host/a b?c=d#e", "\237\160\128", "data:image/png;base64,AAAA", "https://user@host/?key",
    "\240\159\152\128",
    "http:///x", "a\r\nX-Header: y", "\0a\0b\0c" },
  listener = { "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "nonsense",
    "GET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n",
    "GET /%00?%zz HTTP/1.1\r\nHost: h\r\nA: b\r\nA: c\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    "GET / HTTP/1.1\r\n: x\r\nno\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", "PUT * HTTP/9.9\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc" },
}

for target, list in pairs(SEEDS) do
  local directory = "fuzz/corpus/" .. target
  assert(os.execute("mkdir -p " .. directory))
  for i, bytes in ipairs(list) do
    local file = assert(io.open(("%s/%02d"):format(directory, i), "wb"))
    file:write(bytes)
    file:close()
  end
end
