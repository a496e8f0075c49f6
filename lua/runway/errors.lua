-- errors.lua: the one shape of every failure, and what must never be in it.
--
-- An error is a table with a readable `tostring`. Its fields are listed below;
-- its text, and every text it holds, has passed `redact`.

---@class runway.Error
---@field kind? runway.ErrorKind  nil: a job raised what is no error of ours
---@field message string        what happened and what to do next
---@field provider? string      the adapter's name
---@field http_status? integer
---@field code? string          the API's own word for it
---@field field? string         the parameter at fault
---@field retryable boolean     may the same call, made again later, succeed without harm
---@field sent? "no"|"yes"|"unknown"  did the paid request reach the server
---@field retry_after? number   seconds the server asked for
---@field request_id? string
---@field attempts? integer     requests made
---@field task? runway.Task
---@field task_id? string
---@field body? string          the answer, cut to 4 KiB
---@field traceback? string     of a job that raised
---@field value? any            what a job raised that is no error of ours; `kind` is nil then
---@field files? runway.Downloaded[]   of download_all: what was fetched before it
---@field faults? runway.ListFault[]   of a list of shots, code "bad_list"
---@field call? string          what failed, as its caller writes it: client:generate, task:wait, …
---@field where? string         and where it was called: shots.lua:12
---@field maybe? boolean        of a journal: what was to be written may be there

local text = require "runway.text"

local errors = {}

local MAX_BODY = 4096        -- bytes kept of a message and of an answer
local MAX_WORD = 200         -- and of a code or a request's id

local Error = { __name = "runway.error" }
Error.__index = Error

--- One line: which call failed, what happened, to which task, whether money may be spent, and when to come back.
function Error.__tostring(e)
  local notes = {}
  if e.provider then notes[#notes + 1] = e.provider end
  if e.http_status then notes[#notes + 1] = "HTTP " .. e.http_status end
  if e.code and not e.message:find(e.code, 1, true) then notes[#notes + 1] = "code " .. e.code end
  if e.field and not e.message:find(e.field, 1, true) then notes[#notes + 1] = "parameter " .. e.field end
  if e.task_id then notes[#notes + 1] = "task " .. e.task_id end
  if e.request_id then notes[#notes + 1] = "request " .. e.request_id end
  if e.attempts and e.attempts > 1 then notes[#notes + 1] = e.attempts .. " attempts" end
  local later = e.retryable and e.retry_after
  if later and later > 0 then notes[#notes + 1] = "may be tried again in " .. text.span(later) end
  local line = (e.where and e.where .. ": " or "") .. (e.call and e.call .. ": " or "")
    .. (e.kind and e.kind .. ": " or "") .. e.message
  if #notes > 0 then line = line .. " (" .. table.concat(notes, ", ") .. ")" end
  line = line:gsub("[%z\1-\31\127]+", " ")
  return line
end

-- Has it a text of its own to be shown by?
local function is_text(v)
  if type(v) == "string" or type(v) == "number" then return true end
  local meta = getmetatable(v)
  return type(meta) == "table" and meta.__concat == errors.concat
end

--- An error with the text before or behind it, as its __concat; what is no text is refused as Lua does.
---@param a any
---@param b any
---@return string
function errors.concat(a, b)
  local odd = not is_text(a) and type(a) or not is_text(b) and type(b)
  if odd then error("attempt to concatenate a " .. odd .. " value", 2) end
  return tostring(a) .. tostring(b)
end
Error.__concat = errors.concat

-- This much of a key's beginning is still the key: a text may have been cut in the middle of it.
local TELLTALE = 12

-- A "key" shorter than this is none, and would eat the letters of every word.
local SHORTEST = 4

-- Where the text has one of these spellings, which begin alike, whole or cut short: the longest one each time.
local function find_all(s, telltale, alike, spans)
  local from = 1
  while true do
    local at, last = s:find(telltale, from, true)
    if not at then return end
    for _, spelling in ipairs(alike) do
      local size = #telltale
      while size < #spelling and s:byte(at + size) == spelling:byte(size + 1) do size = size + 1 end
      last = math.max(last, at + size - 1)
    end
    spans[#spans + 1] = { at, last }
    from = last + 1
  end
end

local function is_before(a, b) return a[1] < b[1] end

-- The text without keys, however they are spelt. All are looked for in the text as it came: where one was taken out
-- before the next is looked for, of two that begin alike (tokens do, and a key as JSON has it) an end would stay.
local function without_keys(s, keys)
  local by_telltale, spans = {}, {}
  for _, key in ipairs(keys) do
    local in_json = key:gsub("/", "\\/")
    local spellings = { key, in_json, (in_json:gsub("\\", "\\\\")), text.escape(key) }
    for _, spelling in ipairs(#key >= SHORTEST and spellings or {}) do
      local telltale = spelling:sub(1, TELLTALE)
      local alike = by_telltale[telltale] or {}
      by_telltale[telltale] = alike
      if alike[#alike] ~= spelling then alike[#alike + 1] = spelling end
    end
  end
  for telltale, alike in pairs(by_telltale) do find_all(s, telltale, alike, spans) end
  if not spans[1] then return s end
  table.sort(spans, is_before)
  local pieces, from = {}, 1
  for _, span in ipairs(spans) do
    if span[1] >= from then pieces[#pieces + 1] = s:sub(from, span[1] - 1) .. "[key]" end
    from = math.max(from, span[2] + 1)
  end
  pieces[#pieces + 1] = s:sub(from)
  return table.concat(pieces)
end

-- A run of text without spaces: the query and the user name of a URL taken out of it, and the query
-- of a bare path. A slash may stand as "\/", as some servers write it in JSON, or as "\\/" in JSON within JSON.
local function without_query(run)
  local url = run:find(":\\*/\\*/")
  if url then run = run:gsub("(:\\*/\\*/)[^/@?]+@", "%1") end
  if run:find("%%3[aA]%%2[fF]%%2[fF]") then   -- a URL within a query, percent-encoded
    run = run:gsub("%%3[fF].*", "%%3F[query]")
  end
  local at = run:find("?", 1, true)
  if at and (url and url < at or run:find("=", at, true)) then return run:sub(1, at) .. "[query]" end
  return run
end

--- What is left after this holds neither a key, nor a query string, nor the bytes of a data URI.
---@param s any          anything; what is not a string is returned as it is
---@param secrets? string|string[]  the API key, or keys
---@return any
function errors.redact(s, secrets)
  if type(s) ~= "string" then return s end
  s = without_keys(s, type(secrets) == "table" and secrets or { secrets })
  s = s:gsub("([Dd][Aa][Tt][Aa]:[^,: \t-\r\"]*,)[^ \t-\r\"<>,]+", "%1[data]")
  return (s:gsub('[^ \t-\r"<>]+', without_query))
end

-- A text out of whatever an adapter or a server gave for one: cut and without secrets.
local function clean(v, limit, secrets)
  if type(v) == "number" then v = text.number(v) end
  if type(v) ~= "string" then return nil end
  return text.cut(errors.redact(text.cut(v, 4 * limit), secrets), limit)
end

--- Makes an error. Texts are cut and redacted here, so that no caller forgets; what is of another
--- type than the field's is left out, for an adapter may say anything.
---@param e table          the fields above
---@param secrets? string|string[]   the API key, or keys, to be kept out of every text
---@return runway.Error
function errors.new(e, secrets)
  e.message = clean(e.message, MAX_BODY, secrets) or "unknown error"
  e.body = clean(e.body, MAX_BODY, secrets)
  e.code = clean(e.code, MAX_WORD, secrets)
  e.field = clean(e.field, MAX_WORD, secrets)
  e.request_id = clean(e.request_id, MAX_WORD, secrets)
  if type(e.task_id) == "number" then e.task_id = text.number(e.task_id) end
  if type(e.task_id) ~= "string" then e.task_id = nil end
  if type(e.kind) ~= "string" then e.kind = nil end
  if type(e.retry_after) ~= "number" then e.retry_after = nil end
  e.retryable = e.retryable == true
  return setmetatable(e, Error)
end

-- Where our own rooms lie, as Lua names a chunk; nil in a host that has no debug library or loads them otherwise.
local info = debug and debug.getinfo
local HOME = info and info(1, "S").source:match("^@.*[/\\]")

-- A place in a script, as Lua names it; nil where it has no line, or is of a chunk without a name, whose text would
-- be shown.
local function place_of(at)
  local line = at and at.currentline > 0 and at.currentline
  return line and at.source:find("^[@=]") and at.short_src .. ":" .. line or nil
end

local function is_ours(at)
  return HOME ~= nil and at.source:sub(1, #HOME) == HOME
end

--- Where the script is that called our rooms, now.
---@return string|nil
function errors.place()
  local level, at = 1
  repeat
    level = level + 1
    at = info and info(level, "Sl")
  until not at or at.what ~= "C" and not is_ours(at)
  return place_of(at)
end

--- Is it a place within our rooms that a text begins with? Of a long path Lua shows the end.
---@param said string
---@return boolean
function errors.is_inside(said)
  local dots, file = said:match("^(%.*)([^:\n]*%.lua):%d+: ")
  if not HOME or not file then return false end
  if dots ~= "..." then return (dots .. file):sub(1, #HOME - 1) == HOME:sub(2) end
  local room = file:match("[^/\\]*$")
  return (HOME .. room):sub(-#file) == file
end

-- The call is noted where a script made it; what our rooms call is not what failed.
local function note(err, call)
  if err.call then return end
  local level, at = 4                         -- beyond this function, pcall and `told`
  repeat
    at = info and info(level, "Sl")
    level = level + 1
  until not at or at.what ~= "C"              -- a script's own pcall
  if at and is_ours(at) then return end
  err.where = place_of(at)
  err.call = call
end

--- What a public function gives back, its error with which call it was, and where. To be called as that function's
--- tail: `return errors.told("client:get", …)`. Where memory fails, the error is without it.
---@param call string
---@param ... any        what it gives back; an error is the second of them
---@return any ...
function errors.told(call, ...)
  local _, err = ...
  if errors.is(err) then pcall(note, err, call) end
  return ...
end

---@param v any
---@return boolean
function errors.is(v)
  return getmetatable(v) == Error
end

return errors
