--- Makers of responses: { status, headers (lowercase), body }.

local json = require "runway.json"

local reply = {}

local function make(status, kind, body, headers)
  local response = { status = status, headers = { ["content-type"] = kind }, body = body }
  for name, value in pairs(headers or {}) do response.headers[name] = value end
  return response
end

---@param body table
function reply.json(status, body, headers)
  return make(status, "application/json", assert(json.encode(body)), headers)
end

function reply.text(status, body, headers)
  return make(status, "text/plain; charset=utf-8", body .. "\n", headers)
end

function reply.html(status, title, headers)
  local page = "<!DOCTYPE html>\n<html><head><title>%s</title></head>" ..
    "<body><h1>%s</h1></body></html>\n"
  return make(status, "text/html; charset=utf-8", page:format(title, title), headers)
end

function reply.xml(status, code, message)
  local body = '<?xml version="1.0" encoding="UTF-8"?>\n' ..
    "<Error><Code>%s</Code><Message>%s</Message></Error>\n"
  return make(status, "application/xml", body:format(code, message))
end

--- Bytes of a media type.
reply.bytes = make

function reply.none(headers) return { status = 204, headers = headers or {}, body = "" } end

return reply
