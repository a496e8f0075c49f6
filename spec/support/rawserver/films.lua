-- Films on a host that loses patience, forgets, and lies: what happens to the n-th request for one is
-- the n-th step of its plan. /film-plan/NAME tells the plan, /film/NAME is the film, /v1/tasks/NAME the
-- task that made it, as runwayml answers, with the URL that is good now; a submit whose prompt is NAME has
-- that task.

local bytes_of = require "film_bytes"

local OVERLAP = 1024 -- bytes of what it has that a client asks for again

local films = {} -- name -> { size, seed, version, sig, good, steps, taken, and what the plan's query says }

local scenarios = {}

-- /film-plan/NAME?size=…&seed=…&steps=cut:500,whole,…  and how the film is served throughout:
-- weak=1 (the tag), dated=SECONDS (no tag but a date, so long before), bare=1 (neither), chunked=1,
-- labelled=1 (as gzip, which it is not), gone=410 (what an expired URL is answered with), running=1 (the task
-- never ends)
scenarios["film-plan"] = function(connection, request, params)
  local film = { size = tonumber(params.size), seed = tonumber(params.seed) or 1, version = 0, sig = 1, good = 1,
    steps = {}, taken = 0, given = 0, lost = 0, how = params }
  for step in (params.steps or ""):gmatch "[^,]+" do film.steps[#film.steps + 1] = step end
  films[request.argument] = film
  connection:answer(200, { "Connection: close" }, "planned")
end

-- /film-state/NAME: which version of it there is by now, how many requests for it there were, how many bytes of
-- it were sent, and how many of these a reset or a stop has lost on the way, as the next request showed.
scenarios["film-state"] = function(connection, request)
  local film = films[request.argument]
  connection:answer(200, { "Connection: close" }, ("%d %d %d %d"):format(film.version, film.taken, film.given,
    film.lost))
end

-- /v1/tasks/NAME: asking makes a good URL of an expired one. A POST to any other place makes a task.
function scenarios.v1(connection, request)
  local name = request.argument:match "^tasks/(.*)$" or request.full:match '"promptText":"([^"]*)"'
  local film = films[name] or { how = { running = 1 } }
  if request.method == "POST" or film.how.running then
    connection:answer(200, { "Content-Type: application/json" },
      ('{"id":"%s","status":"RUNNING","createdAt":"2026-01-01T00:00:00Z"}'):format(name))
    return "keep"
  end
  film.sig = film.good
  connection:answer(200, { "Content-Type: application/json" },
    ('{"id":"%s","status":"SUCCEEDED","createdAt":"2026-01-01T00:00:00Z","output":["http://%s/film/%s?sig=%d"]}')
      :format(name, request.headers.host, name, film.sig))
  return "keep"
end

local function tag(film, version)
  return ('%s"%d-%d"'):format(film.how.weak and "W/" or "", film.seed, version)
end

local NOW = 1767225600 -- 2026-01-01
local function date(seconds)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", NOW - seconds)
end

-- The headers that name the bytes.
local function names(film, version)
  local how = film.how
  if how.bare then return {} end
  if how.dated then return { "Date: " .. date(0), "Last-Modified: " .. date(tonumber(how.dated) + version) } end
  return { "ETag: " .. tag(film, version) }
end

-- Is this condition about the version?
local function agrees(film, condition, version)
  return not condition or condition == (names(film, version)[film.how.dated and 2 or 1] or ""):gsub("^[%a-]+: ", "")
end

-- Sends `body` under these headers, but only `most` bytes of it, and then what `odd` says.
local function give(connection, film, odd, status, headers, body, most, from)
  local ending = odd.ending or odd.endless and "cut"
  local chunked = status == 200 and film.how.chunked
  headers[#headers + 1] = "Content-Type: video/mp4"
  if odd.labelled or film.how.labelled then headers[#headers + 1] = "Content-Encoding: gzip" end
  if not odd.endless then
    headers[#headers + 1] = chunked and "Transfer-Encoding: chunked" or "Content-Length: " .. #body
  end
  connection:send(("HTTP/1.1 %d Whatever\r\n%s\r\n\r\n"):format(status, table.concat(headers, "\r\n")))
  if chunked then
    local piece = body:sub(1, most)
    connection:send(("%x\r\n%s\r\n"):format(#piece, piece))
    if not ending then connection:send "0\r\n\r\n" end
  else
    connection:send(body:sub(1, most))
    if ending == "held" then
      connection:hold()
      connection:send(body:sub(most + 1))
      most, ending = #body, nil
    end
  end
  film.given = film.given + math.min(most, #body)
  film.reached = (ending == "hang" or ending == "reset") and (from or 0) + math.min(most, #body) or nil
  if ending == "hang" then connection:outlast() end
  if ending == "reset" then
    connection:pause(0.02)
    connection:arm_reset()
  end
  return not ending and "keep" or nil
end

-- The steps that a plan may name: how the film is answered this time.
local ODD = {
  whole = { whole = true }, norange = { bare_range = true }, noname = { nameless = true },
  other = { other_name = true }, changed = { new = true }, blind = { blind = true, new = true },
  blindest = { blind = true, new = true, old_name = true },
  start = { start = true }, lie = { lie = true }, total = { total = true }, short = { short = true },
  endless = { endless = true }, labelled = { labelled = true },
  cut = { ending = "cut" }, reset = { ending = "reset" }, hang = { ending = "hang" },
  held = { ending = "held" }, ok = {},
}

local function serve(connection, request, film, odd, argument)
  if odd.new then film.version = film.version + 1 end
  local name_version = odd.old_name and film.version - 1 or film.version
  local body = bytes_of(film.seed + film.version, film.size)
  local headers = odd.nameless and {} or names(film, odd.other_name and 99 or name_version)
  local most = (odd.ending or odd.endless) and argument or #body
  local from = not odd.whole and tonumber((request.headers.range or ""):match "^bytes=(%d+)%-$")
  if film.reached then
    film.lost = film.lost + math.max(0, film.reached - (from and from + OVERLAP or 0))
    film.reached = nil
  end
  if not from or not (odd.blind or agrees(film, request.headers["if-range"], film.version)) then
    return give(connection, film, odd, 200, headers, body, most)
  end
  if from >= #body then
    connection:answer(416, { "Content-Range: bytes */" .. #body }, "")
    return "keep"
  end
  local first, last = from + (odd.start and argument or 0), #body - 1
  if odd.short then last = math.min(last, first + argument - 1) end
  if not odd.bare_range then
    headers[#headers + 1] = ("Content-Range: bytes %d-%d/%d"):format(first, last, #body + (odd.total and argument or 0))
  end
  local shift = odd.lie and argument or 0
  return give(connection, film, odd, 206, headers, body:sub(first + 1 - shift, last + 1 - shift), most, first)
end

function scenarios.film(connection, request, params)
  local film = films[request.argument]
  film.taken = film.taken + 1
  local word, argument = (film.steps[film.taken] or "ok"):match "^([^:]*):?(.*)$"
  if word == "expire" then film.good = film.sig + 1 end
  if params.sig and tonumber(params.sig) < film.good then
    connection:answer(tonumber(film.how.gone) or 403, { "Content-Type: application/xml" },
      "<Error><Code>AccessDenied</Code></Error>")
    return "keep"
  end
  if word == "status" then
    connection:answer(tonumber(argument), {}, "no")
    return "keep"
  elseif word == "redirect" then
    connection:answer(302, { "Location: " .. request.target })
    return "keep"
  elseif word == "away" then
    connection:answer(302, { "Location: ftp://127.0.0.1/film" })
    return "keep"
  elseif word == "page" then
    connection:answer(200, { "Content-Type: text/html" }, "<html>log in to the network of this hotel</html>")
    return "keep"
  end
  return serve(connection, request, film, ODD[word] or ODD.ok, tonumber(argument) or 0)
end

return scenarios
