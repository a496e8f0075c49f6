-- entry.lua: an entry as people and scripts see it. Pure, but for reading its JSON.

local json = require "runway.json"
local owner = require "runway.journal.owner"

local entry = {}

---@class runway.Entry
---@field key string
---@field state runway.State
---@field provider string
---@field base_url string
---@field kind string
---@field task_id? string
---@field status? string              the provider's, as it was last heard
---@field path? string                the file that was written, or is to be
---@field bytes? integer
---@field credits? number             what it cost
---@field estimated_credits? number   what it was said to cost, by the provider or before that here
---@field error? string
---@field error_code? string
---@field sent? "yes"|"no"|"unknown"  of what is unknown: did the request leave? "no": it is being submitted, was turned
---  away, and the next request is still to leave
---@field request runway.Description
---@field created_at number           Unix seconds, as the next three
---@field updated_at number
---@field submitted_at? number
---@field ended_at? number
---@field owner? string               who submitted it, or works on it: machine and process
---@field lease_until? number         Unix seconds: while it is theirs, and renewed

local AS_IT_IS = {
  "key", "state", "provider", "base_url", "kind", "task_id", "status", "path", "bytes", "credits", "error",
  "error_code", "sent",
}
local TIMES = { "created_at", "updated_at", "submitted_at", "ended_at", "lease_until" }

---@param row table   of the database
---@return runway.Entry
function entry.of(row)
  local e = {}
  for _, name in ipairs(AS_IT_IS) do e[name] = row[name] end
  for _, name in ipairs(TIMES) do e[name] = row[name] and row[name] / 1000 end
  if e.lease_until == 0 then e.lease_until = nil end
  e.owner = owner.shown(row.owner)
  e.estimated_credits = row.estimated or row.reserved
  e.request = entry.description(row)
  return e
end

--- What was asked for.
---@param row table
---@return runway.Description
function entry.description(row)
  local description = json.decode(row.description)
  return type(description) == "table" and description or { params = {} }
end

return entry
