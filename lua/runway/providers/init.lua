-- The adapters that are built in, by name. A user's own needs no place here: `runway.client` takes the table itself.
-- Each is loaded when it is asked for, since a script knows one of them; who goes through all of them has all.

local ROOMS = {
  chatgptsb = function() return require "runway.providers.chatgptsb" end,
  cometapi = function() return require "runway.providers.cometapi" end,
  gateway = function() return require "runway.providers.gateway" end,
  qimu = function() return require "runway.providers.qimu" end,
  runwayml = function() return require "runway.providers.runwayml" end,
}

local loading = {}

function loading.__index(providers, name)
  local room = ROOMS[name]
  if not room then return nil end
  providers[name] = room()
  return rawget(providers, name)
end

function loading.__pairs(providers)
  for name in pairs(ROOMS) do loading.__index(providers, name) end
  return next, providers
end

return setmetatable({}, loading)
