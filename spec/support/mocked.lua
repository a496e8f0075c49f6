-- Clients over mocks, for specs: one call makes both, one call closes all that a spec made.

local runway = require "runway"

local mocked = {}

mocked.KEY = "key_0123456789abcdef0123456789abcdef"
mocked.OUTPUT = "https://cdn.example/clip.mp4?_jwt=SECRET"

local open = {}

--- A client that answers from a list.
---@param list table|function   of runway.mock
---@param options? table        of runway.client; provider is runwayml unless given
---@return runway.Client client
---@return runway.Mock mock
function mocked.client(list, options)
  local mock = runway.mock(list)
  open[#open + 1] = mock
  local all = { provider = "runwayml", api_key = mocked.KEY, transport = mock }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(runway.client(all)), mock
end

--- The names of those that are built in, sorted: what is promised of all goes through these.
---@param part? string   only those that have this
---@return string[]
function mocked.providers(part)
  local names = {}
  for name, adapter in pairs(runway.providers) do
    if part == nil or adapter[part] ~= nil then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- A base URL for those that have none of their own.
---@param provider string
---@return string|nil
function mocked.base_url(provider)
  return not runway.providers[provider].base_url and "https://relay.example" or nil
end

--- Closes the mocks of one spec; call it after each.
function mocked.close()
  for i = 1, #open do
    open[i]:close()
    open[i] = nil
  end
end

--- What every provider takes: a clip from text at runwayml.
function mocked.clip(more)
  local params = { model = "gen4.5", prompt_text = "a cat", ratio = "1280:720", duration = 5 }
  for name, value in pairs(more or {}) do params[name] = value end
  return params
end

--- An answer about a task of runwayml.
function mocked.task(status, more)
  local json = { id = "t1", status = status, createdAt = "2026-01-01T00:00:00Z" }
  if status == "SUCCEEDED" then json.output = { mocked.OUTPUT } end
  for name, value in pairs(more or {}) do json[name] = value end
  return { "GET /v1/tasks/t1", json = json }
end

--- The submit that every task begins with.
mocked.SUBMIT = { "POST /v1/text_to_video", json = { id = "t1", estimatedCost = { credits = 25 } } }

return mocked
