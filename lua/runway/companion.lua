-- companion.lua: the modules in C that are rocks of their own, each for the sake of a library; loaded on first use.

local text = require "runway.text"

local companion = {}

local MODULES = {
  listener = { rock = "runway-server", library = "libmicrohttpd", package = "libmicrohttpd12" },
  sqlite = { rock = "runway-sqlite", library = "SQLite", package = "libsqlite3-0" },
  postgresql = { rock = "runway-postgresql", library = "libpq", package = "libpq5" },
}

--- A module, or how it is had.
---@param name "listener"|"sqlite"|"postgresql"
---@param who string          who needs it, in words
---@return table|nil module
---@return string|nil message
function companion.load(name, who)
  local ok, module = pcall(require, "runway." .. name)
  if ok then return module end
  local facts = MODULES[name]
  return nil, ("%s needs the module runway.%s (luarocks install %s, or make without %s=no; a program that has runway "
    .. "linked in makes it known: docs/embedding.md) and with it %s (on Debian the package %s): %s"):format(who, name,
    facts.rock, text.upper(name), facts.library, facts.package, text.cause(module))
end

return companion
