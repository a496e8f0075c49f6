-- A host with nothing but HTTP/2 that has one film and breaks off. arg[1]: a directory of certificates;
-- arg[2]: its size; arg[3]: what it does with one request for the film after the other, by commas:
--
--   rst-N:BYTES      ends the stream after so many bytes, with that error code
--   goaway-N:BYTES   says then that it looks at no stream above N, and leaves; "all": above none
--   end:BYTES        ends the connection then, as TLS does it
--   drop:BYTES       resets it
--   whole            answers with all of it, whatever is asked for
--   changed          has another film from now on
--   gone             answers 416
--   ok               answers what is asked for, as do all that follow
--
-- arg[4] "untold": no answer says how long it is. /v1/tasks/ID is its task, as runwayml answers. Prints its
-- port first, and for each request for the film a line: from where, under which condition, and the status.

local bytes_of = dofile "spec/support/rawserver/film_bytes.lua"
local h2 = require "spec.support.h2"
local socket = require "socket"

local directory, size, plan, untold = arg[1], tonumber(arg[2]), {}, arg[4] == "untold"
for what in arg[3]:gmatch "[^,]+" do plan[#plan + 1] = what end

local FRAME = 16384                           -- bytes of one, at most
local seed = 1

local listener, port = h2.listen()

-- Sends a body, or so many bytes of it.
local function send(peer, stream, body, most)
  for at = 1, math.min(most, #body), FRAME do
    local last = math.min(at + FRAME - 1, most, #body)
    assert(peer:send(h2.frame(h2.DATA, last == #body and h2.END_STREAM or 0, stream, body:sub(at, last))))
  end
end

-- The ways to break off; true: the connection is over.
local ENDINGS = {
  rst = function(peer, stream, code) peer:send(h2.reset(stream, tonumber(code))) end,
  goaway = function(peer, _, last)
    peer:send(h2.goaway(last == "all" and 0x7fffffff or tonumber(last)))
    return true
  end,
  ["end"] = function() return true end,
  drop = function(peer)
    peer:setoption("linger", { on = true, timeout = 0 })
    return true
  end,
}

local function film(peer, stream, headers)
  local how, argument, most = (table.remove(plan, 1) or "ok"):match "^(%a+)%-?(%w*):?(%d*)$"
  local ending = ENDINGS[how]
  if how == "changed" then seed = seed + 1 end
  local body, tag = bytes_of(seed, size), ('"%d"'):format(seed)
  local from = tonumber((headers.range or ""):match "^bytes=(%d+)%-$")
  local head, status = { etag = tag, ["content-type"] = "video/mp4" }, 200
  if how == "gone" then
    status, body = 416, ""
    head["content-range"] = "bytes */" .. size
  elseif from and how ~= "whole" and headers["if-range"] == tag then
    status, body = 206, body:sub(from + 1)
    head["content-range"] = ("bytes %d-%d/%d"):format(from, size - 1, size)
  end
  if not untold then head["content-length"] = #body end
  print(("%s %s %d"):format(from or "-", headers["if-range"] or "-", status))
  io.stdout:flush()
  peer:send(h2.head(stream, status, head))
  if body == "" then return peer:send(h2.frame(h2.DATA, h2.END_STREAM, stream, "")) and nil end
  send(peer, stream, body, ending and tonumber(most) or #body)
  return ending and ending(peer, stream, argument)
end

local function task(peer, stream, id)
  peer:send(h2.head(stream, 200, { ["content-type"] = "application/json" }))
  send(peer, stream, ('{"id":"%s","status":"SUCCEEDED","createdAt":"2026-01-01T00:00:00Z",'
    .. '"output":["https://localhost:%s/film"]}'):format(id, port), math.huge)
end

-- Answers what comes next on a connection; true: it is over.
local function serve(peer)
  local kind, _, stream, payload = h2.read(peer)
  if kind == h2.GOAWAY then return true end
  if kind ~= h2.HEADERS then return end
  local headers = h2.headers(payload)
  if headers.path == "/film" then return film(peer, stream, headers) end
  task(peer, stream, headers.path:match "[^/]*$")
end

local peers = { listener }

local function close(i)
  local peer = table.remove(peers, i)
  pcall(peer.close, peer)
end

while true do
  local ready = {}
  for _, one in ipairs(socket.select(peers, nil, 5)) do ready[one] = true end
  for i = #peers, 2, -1 do
    local peer, ok, over = peers[i], true, nil
    while ok and not over and (ready[peer] or peer:dirty()) do
      ready[peer] = nil
      ok, over = pcall(serve, peer)
    end
    if not ok or over then close(i) end
  end
  if ready[listener] then
    peers[#peers + 1] = h2.accept(listener, directory)
    local ok = pcall(h2.begin, peers[#peers], h2.frame(h2.SETTINGS, 0, 0, h2.NO_TABLE))
    if not ok then close(#peers) end
  end
end
