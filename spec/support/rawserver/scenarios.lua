-- What may go wrong, by the first part of a request's path; `params` is its query. A scenario
-- returns "keep" when the connection may serve another request, else it is closed.

local PATTERN = "runway test body " -- 17 bytes: no power of two hides a repeated piece
local ENDLESS = 64 * 1024 * 1024 -- what "forever" means here, so that no bug fills a disk
-- What is sent as it stands ends with the connection, and says so: on one that is used again and gone, libcurl's
-- second try keeps the first one's words.
local OK = "HTTP/1.1 200 OK\r\nConnection: close\r\n"

local function pattern(count)
  return PATTERN:rep(count // #PATTERN + 1):sub(1, count)
end

-- Sends `piece` over and over, `pause` seconds apart, until the peer has had enough.
local function flood(connection, piece, pause)
  for _ = 1, ENDLESS // #piece do
    if not connection:send(piece) then return end
    if pause then connection:pause(pause) end
  end
end

local function slowly(connection, text, pause)
  for index = 1, #text do
    if not connection:send(text:sub(index, index)) then return end
    connection:pause(pause)
  end
end

-- An answer given as raw bytes, after which the connection is closed.
local function raw(text)
  return function(connection) connection:send(text) end
end

local scenarios = {}

function scenarios.unknown(connection, request)
  connection:answer(404, {}, "no such scenario: " .. request.target)
  return "keep"
end

-- ------------------------------------------------------------------ fair answers

function scenarios.ok(connection)
  connection:answer(200, { "Content-Type: text/plain" }, "ok")
  return "keep"
end

function scenarios.echo(connection, request)
  connection:answer(200, { "Content-Type: application/octet-stream" }, request.full)
  return "keep"
end

-- /status/503?retry_after=1&www=Basic&location=…&etag=…&body=…
function scenarios.status(connection, request, params)
  local headers = {}
  if params.retry_after then headers[#headers + 1] = "Retry-After: " .. params.retry_after end
  if params.www then headers[#headers + 1] = "WWW-Authenticate: " .. params.www end
  if params.location then headers[#headers + 1] = "Location: " .. params.location end
  if params.etag then headers[#headers + 1] = "ETag: " .. params.etag end
  connection:answer(math.tointeger(tonumber(request.argument)) or 200, headers, params.body)
  return "keep"
end

-- /busy/<status>?times=…: turns a target away so often with that status, then takes it: its answer names a task.
local turned_away = {}

function scenarios.busy(connection, request, params)
  local count = (turned_away[request.target] or 0) + 1
  turned_away[request.target] = count
  if count <= tonumber(params.times) then
    connection:answer(math.tointeger(tonumber(request.argument)), { "Retry-After: 0" }, "later")
  else
    connection:answer(200, { "Content-Type: application/json" }, '{"id":"task-after-' .. count .. '"}')
  end
  return "keep"
end

-- /first/<scenario>/<its argument>?…: what that scenario does, but only to the first request for this target;
-- from then on it is a task whose film is made.
function scenarios.first(connection, request, params)
  if not turned_away[request.target] then
    turned_away[request.target] = 1
    local name
    name, request.argument = request.argument:match "^([^/]*)/?(.*)$"
    return scenarios[name](connection, request, params)
  end
  connection:answer(200, { "Content-Type: application/json" },
    '{"status":"SUCCEEDED","output":["https://cdn.example/clip.mp4"]}')
  return "keep"
end

-- /redirect?to=…&code=308
function scenarios.redirect(connection, _, params)
  connection:answer(math.tointeger(tonumber(params.code)) or 302, { "Location: " .. params.to })
  return "keep"
end

-- /header?value=…: one answer header X-Test.
function scenarios.header(connection, _, params)
  connection:answer(200, { "X-Test: " .. params.value, "Set-Cookie: taste=sweet" }, "ok")
  return "keep"
end

-- /body/<n>?chunked=1
function scenarios.body(connection, request, params)
  local body = pattern(tonumber(request.argument))
  if not params.chunked then
    connection:answer(tonumber(params.status) or 200, {}, body)
    return "keep"
  end
  connection:send(OK .. "Transfer-Encoding: chunked\r\n\r\n")
  for from = 1, #body, 10007 do
    local piece = body:sub(from, from + 10006)
    connection:send(("%x\r\n%s\r\n"):format(#piece, piece))
  end
  connection:send("0\r\n\r\n")
  return "keep"
end

function scenarios.empty(connection)
  connection:answer(200, {}, "")
  return "keep"
end

-- What a captive portal or a wrong host answers to everything.
function scenarios.page(connection)
  connection:answer(200, { "Content-Type: text/html; charset=utf-8" }, "<html>log in</html>")
  return "keep"
end

scenarios["206"] = function(connection)
  connection:answer(206, { "Content-Range: bytes 0-1/100" }, "ru")
  return "keep"
end

-- A CONNECT to status-407.example is refused with 407; any other host is not reached either.
function scenarios.CONNECT(connection, request)
  local status = request.target:match("^status%-(%d+)%.") or "502"
  connection:answer(math.tointeger(tonumber(status)),
    { 'Proxy-Authenticate: Basic realm="proxy"' }, "no way through")
end

-- -------------------------------------------------------------- the connection goes

scenarios["reset-after-request"] = function(connection)
  connection:arm_reset()
end

scenarios["close-before-answer"] = function() end

-- Answers, then closes as soon as the next request is there: where a client that reuses
-- connections is tempted to send that request again.
scenarios["close-idle-reuse"] = {
  early = true,
  run = function(connection, request)
    connection:read_body(request)
    if connection.trapped then return "close" end
    connection.trapped = true
    connection:answer(200, {}, "ok")
    return "keep"
  end,
}

scenarios["reset-mid-body"] = function(connection)
  connection:send(OK .. "Content-Length: 1000\r\n\r\nhalf")
  connection:pause(0.01)
  connection:arm_reset()
end

-- Refuses before the body is read: with "Expect: 100-continue" a client may try again without.
scenarios["417"] = {
  early = true,
  run = function(connection, request)
    if not request.headers.expect then connection:read_body(request) end
    connection:answer(417, {}, "no expectations")
    return "keep"
  end,
}

-- Refuses while the body is still on its way, and does not read it before it has answered.
scenarios["refuse-early"] = {
  early = true,
  run = function(connection)
    connection:answer(413, { "Connection: close" }, "too large")
    connection:outlast()
  end,
}

-- /cut?at=…: the connection goes when so much of a body is read. What is on its way to a server is kept
-- small, so that a spec can count on it.
scenarios.cut = {
  early = true,
  run = function(connection, _, params)
    connection:setoption("recv-buffer-size", 32768)
    connection:bytes(tonumber(params.at))
    connection:arm_reset()
  end,
}

-- /away-then-cut?at=…: the first time turned away, then cut.
scenarios["away-then-cut"] = {
  early = true,
  run = function(connection, request, params)
    if turned_away[request.target] then return scenarios.cut.run(connection, request, params) end
    turned_away[request.target] = 1
    connection:read_body(request)
    connection:answer(429, { "Retry-After: 0" }, "later")
    return "keep"
  end,
}

-- Drinks a body in sips, one whenever `pause` seconds have passed.
scenarios.sip = {
  early = true,
  run = function(connection, request, params)
    local left = tonumber(request.headers["content-length"])
    while left > 0 do
      left = left - #connection:bytes(math.min(left, 400000))
      connection:pause(tonumber(params.pause) or 0.05)
    end
    connection:answer(200, {}, "ok")
  end,
}

-- Reads the body when a spec says so.
scenarios["held-upload"] = {
  early = true,
  run = function(connection, request)
    connection:hold()
    connection:read_body(request)
    connection:answer(200, {}, "ok")
  end,
}

function scenarios.hang(connection)
  connection:outlast()
end

-- ----------------------------------------------------------------- malformed answers

scenarios["short-body"] = raw(OK .. "Content-Length: 1000\r\n\r\nonly this")
scenarios["cut-json"] = raw(OK .. 'Content-Length: 1000\r\n\r\n{"id":"task-PAID-123","createdAt":"2026-')
scenarios["short-length"] = raw(OK .. 'Content-Length: 10\r\n\r\n{"id":"task-PAID-123"}')
scenarios["odd-length-json"] = raw(OK .. 'Content-Length: 22, 99\r\n\r\n{"id":"task-PAID-123"}')
scenarios["dup-length"] = raw(OK .. "Content-Length: 2\r\nContent-Length: 20\r\n\r\nok")
scenarios["twice-length"] = raw(OK .. "Content-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok")
scenarios["odd-length"] = raw(OK .. "Content-Length: 2, 20\r\n\r\nok")
scenarios["list-length"] = raw(OK .. "Content-Length: 2,\r\n\r\nok")
scenarios["part-as-whole"] = raw(OK .. "Content-Range: bytes 0-1/100\r\nContent-Length: 2\r\n\r\nok")
scenarios["later-part-as-whole"] = raw(OK .. "Content-Range: bytes 7-8/*\r\nContent-Length: 2\r\n\r\nok")
scenarios["whole-as-part"] = raw(OK .. "Content-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nok")
scenarios["endless-part"] = raw(OK .. "Content-Range: bytes 0-9223372036854775807/9223372036854775807\r\n"
  .. "Content-Length: 2\r\n\r\nok")
scenarios["negative-length"] = raw(OK .. "Content-Length: -5\r\n\r\nok")
scenarios["huge-length"] = raw(OK .. "Content-Length: 9223372036854775808\r\n\r\nok")
scenarios["bad-chunk"] = raw(OK .. "Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n")
scenarios["chunk-overflow"] = raw(OK .. "Transfer-Encoding: chunked\r\n\r\n"
  .. "fffffffffffffffff\r\nok\r\n0\r\n\r\n")
scenarios["chunk-cut"] = raw(OK .. "Transfer-Encoding: chunked\r\n\r\n64\r\nonly this")
scenarios["bad-trailer"] = raw(OK .. "Transfer-Encoding: chunked\r\n\r\n"
  .. "2\r\n{}\r\n0\r\nX-Nul: \0\r\n no trailer \0\r\n\r\n")
scenarios["header-nul"] = raw(OK .. "X-Te\0st: a\0b\r\nContent-Length: 2\r\n\r\nok")
scenarios["odd-lines"] = raw(OK .. "Server: fine\r\nSet-Cookie: taste=s3cret-1;\r\n\tmore=s3cret-2\r\n"
  .. "X-Key : s3cret-3\r\nA s3cret-4\r\nContent-Length: 2\r\n\r\nok")
scenarios["header-cut"] = raw(OK .. "Content-Le")
scenarios["bad-status"] = raw("HTTP/1.1 banana\r\n\r\n")
scenarios["status-0"] = raw("HTTP/2 0\r\nContent-Length: 2\r\n\r\nok")
scenarios["status-2"] = raw("HTTP/2 2\r\nContent-Length: 2\r\n\r\nok")
scenarios["status-1000"] = raw("HTTP/2 1000\r\nContent-Length: 2\r\n\r\nok")
scenarios["http09"] = raw("<html>a page from another age</html>")
scenarios["http10"] = raw("HTTP/1.0 200 OK\r\n\r\nuntil the end")
scenarios.garbage = raw(("\0\1\2\3SSH-2.0-nothing\r\n"):rep(20))

-- A second answer no one asked for, left on a connection that looks reusable.
function scenarios.surplus(connection)
  connection:send(OK .. "Content-Length: 2\r\n\r\nok"
    .. OK .. "Content-Length: 6\r\n\r\nforged")
  return "keep"
end

-- /labelled?coding=…: plain JSON under a label that is no coding.
function scenarios.labelled(connection, _, params)
  connection:answer(200, { "Content-Encoding:" .. (params.coding and " " .. params.coding or "") }, '{"id":"t-1"}')
  return "keep"
end

-- /coded?label=…&hex=…&type=…: those bytes, under that Content-Encoding if any; `cut` ends them early.
function scenarios.coded(connection, _, params)
  local body = params.hex:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
  local headers = {}
  for label in (params.label or ""):gmatch("[^;]+") do headers[#headers + 1] = "Content-Encoding: " .. label end
  if params.type then headers[#headers + 1] = "Content-Type: " .. params.type end
  if params.cut then
    connection:send(OK .. table.concat(headers, "\r\n") .. "\r\nContent-Length: 99999\r\n\r\n" .. body)
    return
  end
  connection:answer(200, headers, body)
  return "keep"
end

-- As much of a film as fits, with no word of its length; the process dies before TLS is ended.
scenarios["die-in-film"] = function(connection)
  connection:send(OK .. "Content-Type: video/mp4\r\n\r\n" .. ("v"):rep(5000))
  os.exit(false)
end

-- The same, but for the word that this was all.
scenarios["die-behind-film"] = function(connection)
  connection:send(OK .. "Transfer-Encoding: chunked\r\n\r\n1388\r\n" .. ("v"):rep(5000) .. "\r\n0\r\n\r\n")
  os.exit(false)
end

-- /gzip?size=n: n zeros as gzip, whether or not anyone asked for a coding.
function scenarios.gzip(connection, _, params)
  local command = ("head -c %d /dev/zero | gzip -9"):format(tonumber(params.size) or 100)
  local pipe = assert(io.popen(command, "r"))
  local body = pipe:read("a")
  pipe:close()
  connection:answer(200, { "Content-Encoding: gzip" }, body)
  return "keep"
end

-- --------------------------------------------------------------- too much, too slow

-- /1xx-forever?pause=seconds
scenarios["1xx-forever"] = function(connection, _, params)
  flood(connection, "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n", tonumber(params.pause))
end

-- /1xx/<n>: n interim answers, then a fair one.
scenarios["1xx"] = function(connection, request)
  for _ = 1, tonumber(request.argument) do
    connection:send("HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n")
  end
  return scenarios.ok(connection)
end

scenarios["header-flood"] = function(connection)
  connection:send(OK)
  local lines = {}
  for index = 1, 20000 do lines[index] = ("X-Flood-%d: %s\r\n"):format(index, index) end
  connection:send(table.concat(lines))
  connection:send("Content-Length: 2\r\n\r\nok")
end

scenarios["header-1mb"] = function(connection)
  connection:send(OK .. "X-Long: " .. ("x"):rep(1024 * 1024) .. "\r\nContent-Length: 2\r\n\r\nok")
end

scenarios["long-name"] = function(connection)
  connection:answer(200, { "X-" .. ("Long"):rep(30) .. ": long" }, "ok")
  return "keep"
end

-- Sizeable, and fair: /header-of/<bytes>
scenarios["header-of"] = function(connection, request)
  local line = "X-Part: " .. ("x"):rep(1014)
  local headers = {}
  for index = 1, tonumber(request.argument) // (#line + 2) do headers[index] = line end
  connection:answer(200, headers, "ok")
  return "keep"
end

scenarios["chunked-forever"] = function(connection)
  connection:send(OK .. "Transfer-Encoding: chunked\r\n\r\n")
  flood(connection, ("4000\r\n%s\r\n"):format(("x"):rep(0x4000)))
end

scenarios["trailers-forever"] = function(connection)
  connection:send(OK .. "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
  flood(connection, "X-Trailer: " .. ("x"):rep(1000) .. "\r\n")
end

-- Half a body, and the other half when a spec says so.
scenarios["held-body"] = function(connection)
  connection:send(OK .. "Content-Length: 1000\r\n\r\n" .. ("x"):rep(500))
  connection:hold()
  connection:send(("x"):rep(500))
  return "keep"
end

scenarios["slow-header"] = function(connection, _, params)
  slowly(connection, OK .. "X-Slow: " .. ("x"):rep(1000), tonumber(params.pause) or 0.05)
end

scenarios["slow-body"] = function(connection, _, params)
  connection:send(OK .. "Content-Length: 1000\r\n\r\n")
  slowly(connection, ("x"):rep(1000), tonumber(params.pause) or 0.05)
end

-- /stall-mid-body?bytes=500: so much of a body, and then nothing, for ever.
scenarios["stall-mid-body"] = function(connection, _, params)
  connection:send(OK .. "Content-Length: 1000\r\n\r\n" .. ("x"):rep(tonumber(params.bytes) or 500))
  connection:outlast()
end

for name, scenario in pairs(require "films") do scenarios[name] = scenario end

return scenarios
