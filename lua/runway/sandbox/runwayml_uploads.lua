--- Uploads of the official API: a ticket (POST /v1/uploads), the target where the file goes as a
-- signed multipart form, as a storage service takes it, and the runway:// URI that stands for it.

local reply = require "runway.sandbox.reply"
local schema = require "runway.sandbox.runwayml_schema"
local tools = require "runway.sandbox.tools"
local words = require "runway.text"

local uploads = {}

local DAY = 86400
local LEAST, MOST = 512, 200 * 1024 * 1024 -- bytes of a file, as documented

local EXTENSIONS = {}
local SUFFIXES = "jpg jpeg png webp mp4 mov webm mkv 3gp ogv avi flv mpg mpeg mp3 wav flac m4a aac ogg"
for word in SUFFIXES:gmatch("[A-Za-z0-9]+") do EXTENSIONS[word] = true end

-- POST /v1/uploads
local function ticket(c, official)
  local refusal = official.check(c, schema.upload)
  if refusal then return refusal end
  local extension = c.json.filename:match("%.([A-Za-z0-9]+)$")
  if not extension or not EXTENSIONS[words.lower(extension)] then
    return c.problem("bad_request", "filename must have the extension of a supported media type")
  end
  local chance = c.app.chance
  local token = tools.hex(chance, 32)
  local upload = {
    uri = "runway://" .. tools.alnum(chance, 64), expires = c.now + DAY,
    fields = {
      key = "uploads/" .. token .. "/" .. c.json.filename,
      policy = tools.alnum(chance, 120),
      ["x-amz-algorithm"] = "AWS4-HMAC-SHA256",
      ["x-amz-signature"] = tools.hex(chance, 64),
    },
  }
  c.app.uploads[token], c.app.uploads[upload.uri] = upload, upload
  return reply.json(200, {
    uploadUrl = c.base_url .. "/uploads/" .. token, fields = upload.fields, runwayUri = upload.uri,
  })
end

-- The parts of a multipart/form-data body in their order: { name=, filename=, type=, value= };
-- nil when it is none.
local function parts(kind, body)
  local boundary = kind:match('^multipart/form%-data;.*boundary="([^"]+)"') or
    kind:match("^multipart/form%-data;.*boundary=([^; \t-\r]+)")
  if not boundary then return nil end
  local list, dashes = {}, "--" .. boundary
  local at = body:sub(1, #dashes) == dashes and #dashes + 1 or nil
  while at and body:sub(at, at + 1) == "\r\n" do
    local head_end = body:find("\r\n\r\n", at, true)
    local stop = head_end and body:find("\r\n" .. dashes, head_end, true)
    if not stop then return nil end
    local head = body:sub(at, head_end + 1)
    local disposition = head:match("\r\n[Cc]ontent%-[Dd]isposition: *form%-data;([^\r\n]*)")
    list[#list + 1] = {
      name = disposition and disposition:match('[; ]name="([^"]*)"'),
      filename = disposition and disposition:match('filename="([^"]*)"'),
      type = head:match("\r\n[Cc]ontent%-[Tt]ype: *([^\r\n]*)"),
      value = body:sub(head_end + 4, stop - 1),
    }
    at = stop + 2 + #dashes
  end
  if not at or body:sub(at, at + 1) ~= "--" then return nil end
  return list
end

-- What is wrong with the form that came for `upload`: a code and a message, or nil.
local function form_fault(upload, list)
  local seen, file = {}, nil
  for _, part in ipairs(list) do
    if file then
      return "InvalidArgument", "POST requires exactly one file upload, and it comes last."
    elseif part.name == "file" then
      file = part
    elseif part.name then
      seen[part.name] = part.value
    end
  end
  for name, value in pairs(upload.fields) do
    if seen[name] ~= value then return "AccessDenied", "Invalid according to Policy: " .. name end
  end
  if not file then return "InvalidArgument",
  "POST requires exactly one file upload per request." end
  if not file.filename then return "InvalidArgument", "The part 'file' has no file name." end
  if #file.value < LEAST then return "EntityTooSmall", "The file is smaller than 512 bytes." end
  if #file.value > MOST then return "EntityTooLarge", "The file is larger than 200 MB." end
  return nil
end

-- POST to uploadUrl
local function receive(c)
  local headers = c.request.headers
  if headers.authorization then
    return reply.xml(400, "InvalidArgument", "Only one auth mechanism allowed; an API key must " ..
      "never be sent to an upload URL.")
  end
  local upload = c.app.uploads[c.path.token]
  if not upload or c.now >= upload.expires then
    return reply.xml(403, "AccessDenied", "This upload URL is not known or has expired.")
  end
  local list = parts(headers["content-type"] or "", c.request.body)
  if not list then
    return reply.xml(400, "MalformedPOSTRequest", "The body is not multipart/form-data.")
  end
  local code, message = form_fault(upload, list)
  if code then return reply.xml(code == "AccessDenied" and 403 or 400, code, message) end
  upload.done = true
  return reply.none { etag = '"' .. tools.hex(c.app.chance, 32) .. '"' }
end

--- Complains about a runway:// URI that stands for no uploaded file.
---@return string|nil complaint
function uploads.complaint(app, uri, now)
  local upload = app.uploads[uri]
  if not upload then return "Invalid asset: this runway:// URI was not issued here." end
  if not upload.done then return "Invalid asset: nothing was uploaded for this runway:// URI." end
  if now >= upload.expires then return "Invalid asset: this runway:// URI has expired." end
  return nil
end

function uploads.add_routes(official)
  local function answer(c) return ticket(c, official) end
  table.insert(official.routes, { "POST", "/v1/uploads", answer = answer })
  table.insert(official.routes,
    { "POST", "/uploads/{token}", answer = receive, open = true, raw = true })
end

return uploads
