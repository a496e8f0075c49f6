-- Is there a task's id in it? The one reader of that question, for answers that no adapter could
-- read: an error that names a task, an envelope of an unknown form, JSON that is broken or cut off.
--
-- A name that is a task's alone (task_id, taskId, …) counts wherever it stands but in what belongs to
-- somebody or was asked (user, request, …), where it is another's; a bare `id` counts at the top and in
-- what wraps a task (task, data, result, …), and in no other object (model, error, …), for a wrong id is
-- worse than none. Text that is no JSON is read into the same tree first, as far as it goes, so that
-- there is one rule. All of it is bounded, and looks at each byte once.

local fields = require "runway.fields"
local text = require "runway.text"

local ids = {}

local MAX_SCAN = 256 * 1024    -- bytes of a broken text that are read
local MAX_NODES = 4096         -- values that are looked at
local MAX_DEPTH = 16           -- levels of wrapping
local MAX_NAME = 64            -- bytes; what has a longer name is no task's
local MAX_ALONE = 600          -- bytes of a text that is nothing but an id
local MAX_LOCATION = 2048      -- bytes of an address

-- Names are compared in lower case and without their underscores.
local SURE = { taskid = true, taskuuid = true, jobid = true, generationid = true }

-- What wraps a task, the likeliest first.
local WRAPPERS = {
  "task", "tasks", "job", "generation", "data", "result", "results", "response", "output", "outputs", "item",
  "items", "body", "payload", "content", "detail", "details", "video",
}

-- What an error may say of the task that it is about.
local TASKS = { "task", "tasks", "job", "generation" }

-- Objects of somebody else's, and what was asked, given back. Nothing in them is looked at.
local STRANGERS = {
  user = true, owner = true, account = true, customer = true, request = true, input = true, inputs = true,
  params = true, parameters = true, team = true, organization = true, workspace = true, project = true,
  parent = true, previous = true, createdby = true, author = true, profile = true,
}

-- Objects that stand beside a task: an `id` in them is their own.
local BESIDE = {
  model = true, key = true, token = true, session = true, trace = true, metadata = true, usage = true, channel = true,
}

-- A bare string under "data" that is shorter, or has the look of a sentence, is a word.
local SHORTEST_BARE = 6

-- How an id begins that names something else than a task: user_77, req-1a2b, ERR_429.
local FOREIGN = {
  req = true, err = true, error = true, http = true, code = true, cus = true, acct = true, org = true,
  status = true, version = true,
}

local function plain(name) return (text.lower(name):gsub("[_-]", "")) end

-- An object says itself what it is: { object = "user", id = … }.
local function is_stranger(view)
  for _, key in ipairs { "object", "type" } do
    local word = view[key]
    word = type(word) == "string" and #word <= 64 and plain(word)
    if word and (STRANGERS[word] or BESIDE[word] or word == "error") then return true end
  end
  return false
end

-- Names of an object in an order of their own, for `pairs` has none and an answer must always be
-- read alike.
local function names_of(o)
  local names = {}
  for name in next, o do
    if type(name) == "string" and #name <= MAX_NAME then
      names[#names + 1] = name
      if #names == MAX_NODES then break end
    end
  end
  table.sort(names, text.before)
  return names
end

-- An object by its plain names: Id, _id and ID are id.
local function view_of(o)
  local view = {}
  for _, name in ipairs(names_of(o)) do
    local known = plain(name)
    if view[known] == nil then view[known] = o[name] end
  end
  return view
end

-- An id as fields read it, or a number of a writer that knows no integers: 123.0.
local function id_of(v)
  if type(v) == "number" and v % 1 == 0 and v > -2^53 and v < 2^53 then v = ("%.0f"):format(v) end
  return fields.id(v)
end

-- The first id under a name that is a task's alone: level by level, so that the outermost wins.
local function sure_id(root)
  local level, looked, seen = { root }, 0, { [root] = true }
  for _ = 1, MAX_DEPTH do
    local below = {}
    local function add(o)
      if type(o) ~= "table" or seen[o] then return end
      seen[o], below[#below + 1] = true, o
    end
    for _, o in ipairs(level) do
      local names = names_of(o)
      for _, name in ipairs(names) do
        local known, v = plain(name), o[name]
        if known == "taskids" and type(v) == "table" and #v == 1 then known, v = "taskid", v[1] end
        local id = SURE[known] and id_of(v)
        if id then return id end
      end
      for _, name in ipairs(names) do
        if not STRANGERS[plain(name)] then add(o[name]) end
      end
      for i = 1, math.min(#o, MAX_NODES) do add(o[i]) end
      looked = looked + 1
      if looked >= MAX_NODES then return nil end
    end
    if #below == 0 then return nil end
    level = below
  end
  return nil
end

---Does an id say by how it begins that it is somebody else's: req_8f3c, user-77, err_429?
---@param id string
---@return boolean
function ids.is_foreign(id)
  local begins = id:match("^([A-Za-z]+)[_:.-]?%d") or id:match("^([A-Za-z]+)[_:.-]")
  begins = begins and text.lower(begins)
  return begins ~= nil and (FOREIGN[begins] or STRANGERS[begins] or BESIDE[begins]) or false
end

-- The look of an id, not of a word ("success", "ok"), a sentence, a date or an address.
local function bare_id(v)
  local id = id_of(v)
  if not id then return nil end
  if type(v) == "number" then return #id >= SHORTEST_BARE and id:sub(1, 1) ~= "-" and id or nil end
  if #id < SHORTEST_BARE or id:find("[%z\1-\32\127-\255]") or id:find("://", 1, true) then return nil end
  if id:find("[][{}\"'<>\\]") then return nil end -- JSON, or markup, in a string
  if ids.is_foreign(id) then return nil end
  if not id:find("%d") and not id:find("^task[_:.-]") then return nil end
  if id:find("^%d%d%d%d%-%d%d%-%d%d[T ]?") and not id:find("[^%d:.TZ+-]") then return nil end
  return id
end

-- The `id` of an object that wraps a task, or is one. `seen`: objects that were looked at.
local function loose_id(o, depth, seen)
  if type(o) ~= "table" or depth > MAX_DEPTH or seen[o] then return nil end
  seen[o] = true
  local view = view_of(o)
  if is_stranger(view) then return nil end
  local task = view.task
  local named = type(task) == "table" and loose_id(task, depth + 1, seen) or bare_id(task)
  if named then return named end
  -- In an envelope `id` is the request's, where what is wrapped has one too.
  local enveloped = view.code ~= nil or view.success ~= nil or view.msg ~= nil or view.message ~= nil
  local own = id_of(view.id) or id_of(view.uuid)
  if own and ids.is_foreign(own) then own = nil end
  if own and not enveloped then return own end
  for _, name in ipairs(WRAPPERS) do
    local inner = view[name]
    local id
    if type(inner) == "table" then
      id = loose_id(inner, depth + 1, seen)
    elseif name == "data" or name == "result" then
      id = not own and (bare_id(inner) or ids.in_string(inner)) or nil
    end
    if id then return id end
  end
  local of_error = type(view.error) == "table" and view_of(view.error) or {}
  for _, name in ipairs(TASKS) do
    local id = loose_id(of_error[name], depth + 1, seen) or bare_id(of_error[name])
    if id then return id end
  end
  return own or type(o[1]) == "table" and loose_id(o[1], depth + 1, seen) or nil
end

---The id of the task that decoded JSON names.
---@param json any
---@return string|nil id
---@return boolean sure  under a name that is a task's alone
function ids.in_json(json)
  if type(json) ~= "table" then return nil, false end
  local id = sure_id(json)
  if id then return id, true end
  return loose_id(json, 1, {}), false
end

---------------------------------------------------------------------------------------------------
-- Broken text

local ESCAPES = { n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }

local function unescape(s)
  if not s:find("\\", 1, true) then return s end
  s = s:gsub("\\u00([0-7]%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return (s:gsub("\\(.)", function(c) return ESCAPES[c] or c end))
end

-- The string that begins at the quote at `at`, and where it goes on; nil for one that never ends,
-- for half an id is another one.
local function read_string(s, at)
  local quote = s:sub(at, at)
  local stop = quote == '"' and '["\\]' or "['\\]"
  local from = at + 1
  while true do
    local found = s:find(stop, from)
    if not found then return nil, #s + 1 end
    if s:byte(found) ~= 92 then return unescape(s:sub(at + 1, found - 1)), found + 1 end
    from = found + 2
  end
end

-- The digits of a whole number, also of one that a writer without integers wrote: 123.0, 1.23e5.
local function whole(word)
  local _, last = word:find("^-?%d+")
  if last and (last == #word or word:find("^%.0*$", last + 1)) then return word:sub(1, last) end
  local n = #word < 32 and word:find("^-?%d[%d.]*[eE][+]?%d+$") and tonumber(word)
  return n and n % 1 == 0 and n > -2^53 and n < 2^53 and ("%.0f"):format(n) or nil
end

-- A word or a number without quotes. What stands at the very end may be cut off.
local function read_word(s, at)
  local _, last = s:find("^[A-Za-z0-9_.+-]+", at)
  if not last then return nil, at + 1 end
  local word = s:sub(at, last)
  if last == #s then return nil, last + 1 end
  return whole(word), last + 1, word
end

-- What can be made of a text that is nearly JSON: a list of the trees in it.
local function read_tree(s)
  local root, at, nodes = {}, 1, 0
  local stack, here, key, last = {}, root, nil, nil
  local function put(v)
    if key ~= nil then here[key] = here[key] == nil and v or here[key] else here[#here + 1] = v end
    key, nodes = nil, nodes + 1
  end
  while at <= #s and nodes < MAX_NODES do
    at = s:find('[^ \t-\r,]', at)
    if not at then break end
    local c = s:sub(at, at)
    local v, word
    if c == "{" or c == "[" then
      v = {}
      if #stack < MAX_DEPTH then put(v) else key = nil end
      stack[#stack + 1], here, last, at = here, v, nil, at + 1
      if #stack > 8 * MAX_DEPTH then break end
    elseif c == "}" or c == "]" then
      here, stack[#stack] = stack[#stack] or root, nil
      key, last, at = nil, nil, at + 1
    elseif c == ":" then
      if here ~= root then
        key = last
        if here[#here] ~= nil and here[#here] == last then here[#here] = nil end
      end
      last, at = nil, at + 1
    elseif c == '"' or c == "'" then
      v, at = read_string(s, at)
      last = v
      if v and here ~= root then put(v) end
    else
      v, at, word = read_word(s, at)
      last = v or word
      if here ~= root then if v then put(v) else key = nil end end
    end
  end
  return root
end

---The id of the task that a text names: JSON that is broken or cut, or stands among other things.
---@param body string
---@return string|nil id
---@return boolean sure  under a name that is a task's alone
function ids.in_text(body)
  if type(body) ~= "string" then return nil, false end
  local s = text.narrow(body:sub(1, MAX_SCAN))
  local first = s:find("[{%[]")
  if not first then return nil, false end
  local trees = read_tree(s:sub(first))
  local id = sure_id(trees)
  if id then return id, true end
  -- a page: an `id` in it may be anything's
  if s:gsub("^\239\187\191", ""):find("^[ \t-\r]*<") then return nil, false end
  for _, tree in ipairs(trees) do
    id = loose_id(tree, 1, {})
    if id then return id, false end
  end
  return nil, false
end

---The same for a string that holds JSON of its own, as some envelopes do.
---@param v any
---@return string|nil id
function ids.in_string(v)
  if type(v) ~= "string" or not v:find("^[ \t-\r]*[{%[]") then return nil end
  return (ids.in_text(v))
end

---The id that is all there is in a text: "9f3c…" or 9f3c…, with nothing else.
---@param body any
---@param cut? boolean   the text may have gone on
---@return string|nil
function ids.alone(body, cut)
  if type(body) ~= "string" or #body > MAX_ALONE then return nil end
  local s = text.trim((text.narrow(body):gsub("^\239\187\191", "")):gsub("%z+$", ""))
  if s:byte() == 34 then
    local inner, behind = read_string(s, 1)
    s = inner and behind > #s and inner or ""
  elseif cut then
    return nil
  end
  return s:find("^[A-Za-z0-9_:-]+$") and bare_id(s) or nil
end

-- What a server says under another status than 2xx may be any word.
local function says_well(status)
  return status == nil or status >= 200 and status < 300
end

-- Under these a server may say where to look at what a POST has made; 307 and 308 send the POST itself elsewhere.
local SEE = { [301] = true, [302] = true, [303] = true }

-- Where a server says that what it made can be asked for: /v1/tasks/ID.
local function in_location(answer)
  local to = type(answer.headers) == "table" and answer.headers.location
  if type(to) ~= "string" or #to > MAX_LOCATION or not (SEE[answer.status] or says_well(answer.status)) then
    return nil
  end
  local id = to:match("^[^?#]*"):match("/tasks?/([A-Za-z0-9_.~:-]+)/?$")
  return id and bare_id(id)
end

---The id of the task that an answer names, whatever its status, its form or its health.
---@param answer table  { json=, body=, status=, headers=, cut= }
---@return string|nil id
---@return boolean sure  under a name that is a task's alone, such as task_id
function ids.in_answer(answer)
  if type(answer) ~= "table" then return nil, false end
  local id, sure = ids.in_json(answer.json)
  if not id then id, sure = ids.in_text(answer.body) end -- where a number keeps all its digits
  if not id and says_well(answer.status) then id = ids.alone(answer.body, answer.cut) end
  return id or in_location(answer), sure
end

return ids
