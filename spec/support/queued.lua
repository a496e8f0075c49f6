-- Shots in line in a journal, worked off there, and what of it their provider was asked.

local journals = require "spec.support.journals"
local mocked = require "spec.support.mocked"
local runway = require "runway"

local queued = {}

--- Puts a shot in line for each key, whose prompt is the same.
---@param client runway.Client
---@param ... string   keys
function queued.put(client, ...)
  for _, key in ipairs { ... } do assert(client:enqueue(mocked.clip { key = key, prompt_text = key })) end
end

--- Works until nothing is left.
---@param client runway.Client
---@param more? table   options
---@return runway.WorkResult
function queued.work(client, more)
  local options = { directory = journals.path "out", until_empty = true }
  for name, v in pairs(more or {}) do options[name] = v end
  return assert(runway.work(client, options))
end

--- How many requests there were whose method and URL fit.
---@param mock runway.Mock
---@param pattern string
---@return integer
function queued.asked(mock, pattern)
  local found = 0
  for _, request in ipairs(mock.requests) do
    if (request.method .. " " .. request.url):find(pattern) then found = found + 1 end
  end
  return found
end

return queued
