-- page.lua: the contact sheet as HTML. Pure.
--
-- What stands in a prompt, in a name or in a server's words goes through `text_of`, and stands where text stands: in
-- no script, no style, and of attributes only in those that are quoted. The policy at its head lets nothing run but
-- the script that is ours, and nothing be fetched but the files beside it.

local core = require "runway.core"
local gauge = require "runway.gauge"
local names = require "runway.names"
local script = require "runway.sheet.script"
local style = require "runway.sheet.style"
local text = require "runway.text"

local page = {}

local LONGEST = 4000                          -- bytes of a prompt or a failure

--- How a page of ours begins, by which it is known.
page.BEGINNING = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
  .. '<meta name="generator" content="runway '

--------------------------------------------------------------------- text as markup

local REPLACEMENT = "\239\191\189"
local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text of anyone's, as it stands in markup. What is no UTF-8, control characters, and those that would turn the
--- direction of what follows them are shown as what they are not.
---@param s string
---@return string
function page.text_of(s)
  if text.bad_byte(s) then s = s:gsub("[\128-\255]+", REPLACEMENT) end
  s = s:gsub("\r\n?", "\n"):gsub("[%z\1-\8\11-\31\127]", REPLACEMENT)
  s = s:gsub("\226\128[\170-\174]", REPLACEMENT):gsub("\226\129[\166-\169]", REPLACEMENT) -- U+202A…, U+2066…
  return (s:gsub("[&<>\"']", ENTITIES))
end
local text_of = page.text_of

-- A text cut, and without what must not be kept (see `redact` of `make`).
local function said(redact, s) return text_of(text.cut(redact(text.cut(s, 4 * LONGEST)), LONGEST)) end

-- A value of a parameter in a few words; nil: there is none to be shown.
local function value_of(redact, v)
  if type(v) == "number" then return text.number(v) end
  return type(v) == "string" and v ~= "" and said(redact, text.cut(v, 200)) or nil
end

-- A file beside the page.
local function link_to(name) return "./" .. text.escape(name) end

-- What a time is to programs, and to people.
local function time_of(seconds)
  seconds = math.floor(seconds)
  return ('<time datetime="%s">%s</time>'):format(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds),
    os.date("%Y-%m-%d %H:%M:%S", seconds))
end

--------------------------------------------------------------------- one shot

-- The states that a shot is shown in, of those that it has.
local SHOWN = { queued = "waiting", submitting = "busy", submitted = "busy", downloading = "busy", done = "done",
  failed = "failed", unknown = "unknown" }
local WORDS = { queued = "waiting", submitting = "being submitted", submitted = "under way",
  downloading = "being fetched", done = "done", failed = "failed", unknown = "unknown" }
local PLAIN = { waiting = "not made yet", busy = "in the making", done = "no still", failed = "no film",
  unknown = "it may exist", left_out = "left out" }

-- One that this run left out stands as it stood before it: it may be paid for all the same.
local function shown(shot)
  local state = SHOWN[shot.state] or "waiting"
  return shot.left_out and state == "waiting" and "left_out" or state
end

local function words_of(shot, state)
  if state == "left_out" then return "left out" end
  local progress = shot.state == "submitted" and type(shot.progress) == "number" and shot.progress
  return (WORDS[shot.state] or "waiting")
    .. (progress and (", %d %%"):format(math.floor(100 * math.max(0, math.min(1, progress)))) or "")
end

-- The name of a path in the directory; nil: it lies elsewhere.
local function beside(directory, path)
  local is_in = path and path:sub(1, #directory + 1) == directory .. "/"
  local name = is_in and path:sub(#directory + 2)
  return name and name ~= "" and not name:find "/" and name or nil
end

local function plain(state, shot, note)
  return ('<span class="plain"><b>%s</b>%s</span>'):format(text_of(tostring(shot.row or "")), note or PLAIN[state])
end

-- What is to be seen of a shot: its picture, its film or its sound. `old`: of the request that its key stands for.
local function stage(shot, state, file, old)
  if old then
    return ('<a class="stage" href="%s" aria-label="%s">%s</a>'):format(link_to(old),
      text_of("What the key " .. shot.key .. " stands for"), plain(state, shot, "of another request"))
  end
  if not file then return ('<div class="stage">%s</div>'):format(plain(state, shot)) end
  local href, media = link_to(file), names.media(shot.kind)
  if media == "audio" then
    return ('<div class="stage">%s<audio controls preload="none" src="%s" aria-label="%s"></audio></div>'):format(
      plain(state, shot, "sound"), href, text_of("Sound of " .. shot.key))
  end
  local picture = media == "image" and href or shot.still and "./" .. shot.still
  return ('<a class="stage" href="%s"%s aria-label="%s">%s%s</a>'):format(href,
    media == "video" and ' data-play="video"' or "",
    text_of((media == "video" and "Film of " or "Picture of ") .. shot.key), plain(state, shot),
    picture and ('<img src="%s" alt="" loading="lazy" decoding="async">'):format(picture) or "")
end

local function fact(out, name, value, class)
  if not value then return end
  local begins = class and ('<div class="%s">'):format(class) or "<div>"
  out[#out + 1] = ("%s<dt>%s</dt><dd>%s</dd></div>"):format(begins, name, value)
end

-- Seconds from its submit to its end.
local function took(shot)
  local seconds = shot.submitted_at and shot.ended_at and shot.ended_at - shot.submitted_at
  return seconds and seconds >= 0 and seconds < 1e8 and seconds or nil
end

local function cost_of(shot)
  if shot.credits then return text.number(shot.credits) .. " credits" end
  local estimate = shot.estimate and shot.estimate.credits
  return estimate and ("about %s credits"):format(text.number(estimate)) or nil
end

local function facts(shot, redact)
  local params, out = shot.params, {}
  local more = type(params.options) == "table" and params.options or {}
  local function value(...)
    for i = 1, select("#", ...) do
      local v = value_of(redact, (select(i, ...)))
      if v then return v end
    end
    return nil
  end
  fact(out, "Model", value(shot.model, params.model))
  fact(out, "Ratio", value(params.ratio, params.aspect_ratio, params.size, more.ratio, more.aspect_ratio))
  local seconds = value(params.duration, params.seconds, more.duration, more.seconds)
  fact(out, "Duration", seconds and seconds .. " s")
  fact(out, "Seed", value(params.seed, more.seed))
  fact(out, "Cost", cost_of(shot))
  fact(out, "Took", took(shot) and gauge.clock(took(shot)))
  fact(out, shot.ended_at and "Ended" or "Submitted", (shot.ended_at or shot.submitted_at)
    and time_of(shot.ended_at or shot.submitted_at))
  fact(out, "Attempt", shot.attempt and shot.attempt > 1 and text.number(shot.attempt))
  local provider, id = value(shot.provider), value(shot.task_id)
  fact(out, id and "Task at " .. provider or "Provider", id and "<code>" .. id .. "</code>" or provider, "task")
  return table.concat(out)
end

local function trouble(shot, redact)
  local err = shot.error
  if not err then return "" end
  local message = err.message or "it failed"
  local code = err.code and not message:find(err.code, 1, true) and
    (" <code>%s</code>"):format(said(redact, err.code)) or ""
  return ('<p class="trouble"><span dir="auto">%s</span>%s</p>'):format(said(redact, message), code)
end

local function files_of(shot, file, directory, old)
  if old then
    return ('<p class="files"><a href="%s" dir="auto">%s</a> is of another request</p>'):format(link_to(old),
      text_of(old))
  end
  if shot.state ~= "done" then return "" end
  if not file then
    return shot.path and ('<p class="files"><span>%s%s</span></p>'):format(text_of(shot.path),
      shot.lies_with and " (of " .. text_of(shot.lies_with) .. ")" or "") or ""
  end
  local receipt = beside(directory, shot.receipt) or shot.left_out and not shot.error and file .. ".json"
  return ('<p class="files"><a href="%s" dir="auto">%s</a>%s</p>'):format(link_to(file), text_of(file), receipt and
    (' <a href="%s" aria-label="%s">receipt</a>'):format(link_to(receipt), text_of("Receipt of " .. shot.key)) or "")
end

local function attribute(name, value) return value and (' data-%s="%s"'):format(name, value) or "" end

local function card(shot, made)
  local state, prompt = shown(shot), names.prompt(shot.params)
  local file = shot.state == "done" and not shot.lies_with and beside(made.directory, shot.path) or nil
  local old = shot.older and beside(made.directory, shot.older.path) or nil
  local when = shot.ended_at or shot.submitted_at
  return table.concat {
    ('<li class="shot %s" data-state="%s" data-n="%d"'):format(state, state, shot.row or shot.line),
    attribute("at", when and text.number(when)), attribute("cost", shot.credits and text.number(shot.credits)),
    attribute("took", took(shot) and text.number(took(shot))),
    attribute("model", value_of(made.redact, shot.model or shot.params.model)), ">\n",
    stage(shot, state, file, old), '\n<div class="told">\n<div class="name"><h2 dir="auto">',
    said(made.redact, shot.key), '</h2><span class="state">', words_of(shot, state), "</span></div>\n",
    type(prompt) == "string" and ('<p class="prompt" dir="auto">%s</p>\n'):format(said(made.redact, prompt)) or "",
    trouble(shot, made.redact), '<dl class="facts">', facts(shot, made.redact), "</dl>\n",
    files_of(shot, file, made.directory, old), "</div>\n</li>\n",
  }
end

--------------------------------------------------------------------- all of them

local STATES = { { "done", "done" }, { "failed", "failed" }, { "unknown", "unknown" }, { "busy", "under way" },
  { "waiting", "waiting" }, { "left_out", "left out" } }

local function count_of(shots)
  local counts = {}
  for _, state in ipairs(STATES) do counts[state[1]] = 0 end
  for _, shot in ipairs(shots) do
    local state = shown(shot)
    counts[state] = counts[state] + 1
  end
  return counts
end

-- From the first submit to the last end, as far as shots tell.
local function span_of(shots)
  local from, to
  for _, shot in ipairs(shots) do
    if shot.submitted_at then from = math.min(from or math.huge, shot.submitted_at) end
    if shot.ended_at then to = math.max(to or 0, shot.ended_at) end
  end
  return from and to and to > from and to - from or nil
end

local function sum(name, value, note)
  return ("<div><dt>%s</dt><dd>%s%s</dd></div>\n"):format(name, value, note and " <small>" .. note .. "</small>" or "")
end

-- "done" as it begins a line.
local function capital(word) return text.upper(word:sub(1, 1)) .. word:sub(2) end

-- What stands on the page, and not what this run was for (`sums`): the cost of one that was left out is no less paid.
local function sums_of(shots, sums, counts)
  local out, credits = { '<dl class="sums">\n', sum("Shots", #shots) }, 0
  for _, shot in ipairs(shots) do credits = credits + (shot.credits or 0) end
  for _, state in ipairs(STATES) do
    if counts[state[1]] > 0 then
      out[#out + 1] = sum(capital(state[2]), counts[state[1]])
    end
  end
  out[#out + 1] = sum("Cost", text.number(credits),
    sums.budget and ("of %s credits"):format(text.number(sums.budget)) or "credits")
  local span = span_of(shots)
  if span then out[#out + 1] = sum("From first to last", gauge.clock(span)) end
  out[#out + 1] = "</dl>\n"
  return table.concat(out)
end

-- How they stand, as one line.
local function bar(shots, counts)
  local out, x = { '<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">' }, 0
  for _, state in ipairs(STATES) do
    local width = math.floor(1000 * counts[state[1]] / math.max(1, #shots) + 0.5)
    if width > 0 then
      out[#out + 1] = ('<rect class="%s" x="%d" width="%d" height="8"/>'):format(state[1], x, width)
    end
    x = x + width
  end
  out[#out + 1] = "</svg>\n"
  return table.concat(out)
end

local function halts_of(halted, redact)
  local providers, out = {}, {}
  for provider in pairs(halted) do providers[#providers + 1] = provider end
  table.sort(providers, text.before)
  for i, provider in ipairs(providers) do
    local halt = halted[provider]
    out[i] = ('<p class="halt">Nothing more was submitted to %s%s: <span dir="auto">%s</span></p>\n'):format(
      said(redact, provider), halt.until_time and " (until " .. time_of(halt.until_time) .. ")" or "",
      said(redact, halt.error.message))
  end
  return table.concat(out)
end

-- What else there is, where not all of it stands here.
local function rest_of(shots, left_off)
  if left_off == 0 then return "" end
  return ("<p>These are the %d shots that changed last, of %d, and the sums are theirs; runway journal list names all."
    .. "</p>\n"):format(#shots, #shots + left_off)
end

local function choices(shots, counts)
  local row = '<label><input type="radio" name="state" value="%s"%s> %s <span>%d</span></label>\n'
  local out = { row:format("", " checked", "All", #shots) }
  for _, state in ipairs(STATES) do
    if counts[state[1]] > 0 then
      out[#out + 1] = row:format(state[1], "", capital(state[2]), counts[state[1]])
    end
  end
  return table.concat(out)
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- How a policy names a script or style: by its sum, of which core.sha256 gives the hexadecimal digits.
local function source(s)
  local bits = core.sha256(s):gsub("[0-9a-f]", function(digit)
    local n, four = tonumber(digit, 16), {}
    for at = 1, 4 do four[at] = n % 2 ^ (5 - at) >= 2 ^ (4 - at) and "1" or "0" end
    return table.concat(four)
  end)
  return "'sha256-" .. (bits .. "00"):gsub("......", function(six)
    local at = tonumber(six, 2) + 1
    return DIGITS:sub(at, at)
  end) .. "='"
end

local POLICY = "default-src 'none'; script-src %s; style-src %s; img-src 'self' file:; media-src 'self' file:; "
  .. "base-uri 'none'; form-action 'none'"

local HEAD = page.BEGINNING .. [[%s">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>%s</title>
<style>%s</style>
</head>
<body>
<a class="skip" href="#shots">To the shots</a>
<header>
<h1 dir="auto">%s</h1>
<p class="when">As of %s. While shots are under way, a reload shows where it stands.</p>
]]

local TOOLS = [[
</header>
<main>
<div class="tools" hidden>
<form id="tools" role="search" aria-label="Shots">
<fieldset><legend>Status</legend>
%s</fieldset>
<label class="find"><span class="aside">Search</span><input type="search" name="text"
placeholder="Search prompts, models, failures …" autocomplete="off" spellcheck="false"></label>
<label>Sort by <select name="order">
<option value="list">list order</option>
<option value="status">status</option>
<option value="latest">latest first</option>
<option value="cost">cost</option>
<option value="time">time taken</option>
<option value="model">model</option>
</select></label>
<output id="count" aria-live="polite"></output>
</form>
</div>
<ol class="shots" id="shots" role="list" tabindex="-1" aria-label="Shots">
]]

local FOOT = [[
</ol>
<p class="none" id="none" hidden>No shot fits.</p>
</main>
<footer>Made by runway %s. Films play while they are pointed at or focused; a link opens the whole.</footer>
<script>%s</script>
</body>
</html>
]]

---@class runway.SheetOptions
---@field directory string                    where it will lie
---@field now number                          Unix seconds
---@field redact fun(s: string): string       takes keys, queries and data out of a text
---@field breathe fun()                       called between two shots

-- What the page is called: as its directory is, where that has a name.
local function title_of(directory)
  local name = directory:match "[^/]+$"
  return name and not name:find "^%.+$" and text_of(name) or "Shots"
end

--- The page.
---@param shots runway.Shot[]
---@param sums { budget?: number, halted: table<string, runway.Halt>, left_off?: integer }   shots that stand elsewhere
---@param made runway.SheetOptions
---@return string
function page.make(shots, sums, made)
  local counts, title = count_of(shots), title_of(made.directory)
  local out = {
    HEAD:format(core.version, POLICY:format(source(script), source(style)), title, style, title, time_of(made.now)),
    sums_of(shots, sums, counts), bar(shots, counts), rest_of(shots, sums.left_off or 0),
    halts_of(sums.halted, made.redact),
    TOOLS:format(choices(shots, counts)),
  }
  for _, shot in ipairs(shots) do
    out[#out + 1] = card(shot, made)
    made.breathe()
  end
  out[#out + 1] = FOOT:format(core.version, script)
  return table.concat(out)
end

return page
