-- media.lua: local files, and data URIs, on their way to a provider.
--
-- Nothing of a file is read until a request needs it, and then never on this thread. How it travels
-- is the adapter's choice: as a data URI inside the body while that is short enough, else by upload.
-- What it is, its bytes say, and not its name or label; what the provider does not take is refused.

local adapter = require "runway.adapter"
local core = require "runway.core"
local files = require "runway.files"
local http = require "runway.http"
local text = require "runway.text"

local media = {}

media.file, media.is_file = files.make, files.is_file

-- A picture that ends too early: no provider makes of it what was meant, and some make something.
local function refuse_cut(session, what, missing, field)
  return session:refuse { code = "cut_short", field = field,
    message = ("%s is cut short: it ends before %s"):format(what, missing) }
end

--- Size and type of a file, read off this thread.
---@param session runway.Session
---@param path string
---@param deadline? number  on scheduler.now()
---@return table|nil info   { size= bytes, type="image/png", class="image" }; of a picture that was cut none
---@return runway.Error|nil err
function media.probe(session, path, deadline)
  local result = session:look("probe", path, deadline)
  if result.error then return session:refuse(result.error) end
  if result.cut then return refuse_cut(session, path, result.cut) end
  return result
end

--- Length in characters of a file's data URI.
---@param info table
---@return integer
function media.data_uri_length(info)
  return #"data:;base64," + #info.type + math.ceil(info.size / 3) * 4
end

---------------------------------------------------------------------------------------------------
-- Finding them

-- Where a part of the params stands: prompt_image[2], character. An `uri` is its table, and the only
-- entry of a list the list.
local function place(where, key, holder)
  if type(key) == "number" then return #holder > 1 and ("%s[%d]"):format(where, key) or where end
  if where == "" then return key end
  return key == "uri" and where or where .. "." .. key
end

-- In these a text that begins with "data:" can be nothing else; and what they take.
local ADDRESSES = {
  prompt_image = "image", image_uri = "image", imageUri = "image",
  prompt_video = "video", promptVideo = "video", video_uri = "video", videoUri = "video",
}

-- Is it meant as a data URI, however badly it is written? A text for people is not.
local function is_data_uri(v, field)
  if type(v) ~= "string" or field == "prompt_text" or not v:find("^[ \t-\r]*[Dd]") then return false end
  local head = text.lower(v:sub(1, 300)):match("^[ \t-\r]*data:([^,]*)")
  return head ~= nil and (ADDRESSES[field] or head:find("^[a-z]+/[a-z0-9.+-]+;") or head:find("^[a-z]+/[a-z0-9.+-]+$")
    or head:find("; *base64 *$")) and true or false
end

-- A copy of `value` in which every file object and every data URI is what `fn` made of it; the same
-- value when there is none. nil, err stops.
local function replace(value, fn, where, field)
  if files.is_file(value) or is_data_uri(value, field) then return fn(value, where, field) end
  if type(value) ~= "table" then return value end
  local copy
  for k, v in next, value do
    local new, err, what = v, nil, type(v)
    if what == "table" or what == "string" and is_data_uri(v, field or k) then
      new, err = replace(v, fn, place(where, k, value), field or k)
    end
    if new == nil then return nil, err end
    if not rawequal(new, v) then
      if not copy then
        copy = setmetatable({}, getmetatable(value))
        for name, old in next, value do copy[name] = old end
      end
      copy[k] = new
    end
  end
  return copy or value
end

---------------------------------------------------------------------------------------------------
-- What a provider takes

-- Other names of the same types, as data URIs have them.
local SAME = {
  ["image/jpg"] = "image/jpeg", ["image/pjpeg"] = "image/jpeg", ["image/x-png"] = "image/png",
  ["video/mov"] = "video/quicktime", ["video/x-m4v"] = "video/mp4", ["video/avi"] = "video/x-msvideo",
  ["audio/mp3"] = "audio/mpeg", ["audio/wave"] = "audio/wav", ["audio/x-wav"] = "audio/wav",
  ["audio/x-flac"] = "audio/flac", ["audio/m4a"] = "audio/mp4", ["audio/x-m4a"] = "audio/mp4",
  ["audio/x-aac"] = "audio/aac",
}

local CLASSES = { image = "picture", video = "film", audio = "sound" }

-- One command that makes of a file what any provider takes.
local CONVERT = {
  image = "ffmpeg -i %s -frames:v 1 %s.png", video = "ffmpeg -i %s %s.mp4", audio = "ffmpeg -i %s %s.m4a",
}
local CONVERT_HEIF = "heif-convert %s %s.jpg"
local MAKE_FILM = "ffmpeg -i %s -vf scale=-2:720 -pix_fmt yuv420p %s.mp4"

local function command(form, path)
  if not path then return "" end
  if path:sub(1, 1) == "-" then path = "./" .. path end -- else an option
  path = text.shell(path)
  return "; to convert it: " .. form:format(path, path)
end

local function convert(kind, path)
  local heif = kind:find("^image/hei") or kind:find("^image/av")
  return command(heif and CONVERT_HEIF or CONVERT[kind:match("^[a-z]+")], path)
end

-- Does the list name this type?
local function takes(list, kind)
  for _, one in ipairs(list) do
    if one == kind or one == SAME[kind] then return true end
  end
  return false
end

-- Why a picture, film or sound is refused; nil when it is not. `path`: of a file.
local function unfit(session, where, field, class, kind, path)
  local what = path or "the data URI"
  local wanted = ADDRESSES[field]
  if wanted == "image" and class ~= "image" then
    return ("%s: %s is no picture but %s"):format(where, what, kind)
  elseif wanted == "video" and class == "image" then
    local film = kind == "image/gif" and command(MAKE_FILM, path) or ""
    return ("%s: %s is a picture (%s)%s"):format(where, what, kind, film)
  end
  local list = (session.adapter.formats or {})[class]
  if not list or takes(list, kind) then return nil end
  return ("%s: %s is %s, and %s takes %ss as %s%s"):format(where, what, kind, session.adapter.name, CLASSES[class],
    text.either(list), convert(kind, path))
end

-- What is refused of the parameter in which it stands.
local function refuse(session, where, message)
  return session:refuse { field = where:match "^[A-Za-z0-9_]+", message = message }
end

-- A file with what was seen of it.
local function look_at_file(session, file, where, field, deadline)
  if file.size then return file end           -- of one that will be there, what it will be is known
  local info, err = media.probe(session, file.path, deadline)
  if not info then return nil, err end
  local refusal = unfit(session, where, field, info.class, info.type or info.class, file.path)
  if refusal then return refuse(session, where, refusal) end
  return files.known(file.path, info), info.animated
end

-- A data URI as the API takes it: of the type that its bytes are.
local function look_at_uri(session, uri, where, field)
  local info, why = core.data_uri(uri)
  if not info then return refuse(session, where, ("%s: the data URI cannot be used: %s"):format(where, why)) end
  local class = info.type:match("^([a-z]+)/[a-z0-9.+-]+$")
  if not CLASSES[class] then
    return refuse(session, where, ("%s: the data URI is of no picture, film or sound, neither by its bytes nor by its "
      .. "type%s"):format(where, class and (" (%s)"):format(info.type) or ""))
  elseif info.words then
    return refuse(session, where, ("%s: the data URI says %s, and holds %s"):format(where, info.type, info.words))
  end
  local refusal = unfit(session, where, field, class, info.type)
  if refusal then return refuse(session, where, refusal) end
  if info.cut then
    return refuse_cut(session, where .. ": the picture of the data URI", info.cut, where:match "^[A-Za-z0-9_]+")
  end
  return info.uri, info.animated
end

--- The params with each file and data URI looked at: a file knows its size and type, so that an adapter
--- can judge it; a data URI is written as APIs take it. What the provider's documents refuse is refused.
---@param session runway.Session
---@param params table
---@param deadline? number      on scheduler.now()
---@return table|nil params     the same table when nothing in it changes
---@return runway.Error|boolean err    or, beside the params: is anything in them that was looked at?
function media.look(session, params, deadline)
  local found = false
  local looked, err = replace(params, function(v, where, field)
    found = true
    local look = files.is_file(v) and look_at_file or look_at_uri
    local seen, more = look(session, v, where, field, deadline)
    if not seen then return nil, more end
    if more then
      session:log("warning", ("%s: a picture that moves; what is made of more than its first frame no document says")
        :format(where))
    end
    return seen
  end, "")
  if not looked then return nil, err end
  return looked, found
end

---------------------------------------------------------------------------------------------------
-- How they travel

-- May this file travel inside the body?
local function fits(file, limits)
  local most = limits[file.class]
  return most ~= nil and media.data_uri_length(file) <= most, most
end

local function too_large(session, where, file, most)
  local name = session.adapter.name
  if not most then
    return refuse(session, where, ("%s: %s takes %ss by https URL only"):format(file.path, name, file.class))
  end
  return refuse(session, where, ("%s is too large for a data URI: %d characters, %s takes %d; make it smaller, "
    .. "or give an https URL"):format(file.path, media.data_uri_length(file), name, most))
end

--- The params ready to be sent: files that fit stay (the engine encodes them),
--- the others are uploaded and become URIs.
---@param session runway.Session
---@param params table            as `look` returned them
---@param limits table            class -> longest data URI in characters
---@param deadline? number        on scheduler.now()
---@return table|nil params
---@return runway.Error|boolean|nil changed  was anything uploaded? or err
function media.settle(session, params, limits, deadline)
  local changed = false
  local settled, err = replace(params, function(file, where)
    if not files.is_file(file) then return file end
    local ok, most = fits(file, limits)
    if ok then return file end
    if not session.adapter.upload then return too_large(session, where, file, most) end
    changed = true
    return media.upload(session, file.path, deadline)
  end, "")
  if not settled then return nil, err end
  return settled, changed
end

-- The longest upload known takes three requests.
local MAX_UPLOAD_STEPS = 10
local NO_END = "the adapter %s comes to no end in upload: after %d answers it gave another request; it must give "
  .. "{ uri = … } when the answers that it is given are all that it needs"

--- Uploads a local file.
---@param session runway.Session
---@param path string
---@param deadline? number      on scheduler.now()
---@return string|nil uri       to be given wherever a URL is taken
---@return runway.Error|nil err
function media.upload(session, path, deadline)
  if not session.adapter.upload then
    return session:refuse(session.adapter.name .. " has no uploads; give it https URLs")
  end
  local info, failure = media.probe(session, path, deadline)
  if not info then return nil, failure end
  local file = { path = path, name = files.upload_name(path, info.type), size = info.size, type = info.type }
  local answers = {}
  local step, problem = adapter.ask(session, "upload", file, answers)
  local function too_early(answer)            -- then the last request is made again, and its answer forgotten
    answers[#answers + 1] = answer
    step, problem = adapter.ask(session, "upload", file, answers)
    if not (problem and problem.retry_after) then return nil end
    answers[#answers] = nil
    return problem
  end
  while step and not step.uri do
    if #answers == MAX_UPLOAD_STEPS then
      return session:refuse { kind = "config", message = NO_END:format(session.adapter.name, #answers) }
    end
    local answer, err = http.call(session, step.request, { raw = true, deadline = deadline, paid = false,
      refusal = too_early })
    if not answer then return nil, err end
  end
  if not step then return session:refuse(problem) end
  return step.uri
end

return media
