---@meta runway.listener
-- luacheck: ignore 212 241
-- What `require "runway.listener"` gives, for editors. The module itself is C (src/lua_listener.c); this file is
-- never loaded.

---@class runway.ListenOptions
---@field host? string            an IPv4 or IPv6 address; default "127.0.0.1"
---@field port? integer           0, the default: any free one
---@field notify? integer         a descriptor that gets a byte for each request
---@field max_body_bytes? integer default 1 MiB

---@class runway.ListenerAnswer
---@field status? integer         default 200
---@field headers? table<string, string|number>
---@field body? string
---@field file? string            the body is this file
---@field fault? "drop"|"stall"|"truncate"|"slow"|"garbage"
---@field chunk? integer          bytes at a time of a slow one; default 1
---@field every? number           seconds between them; default 1

---@class runway.Incoming
---@field id integer
---@field method string
---@field path string
---@field query string
---@field headers table<string, string>  names in lower case
---@field body string

---HTTP in.
---@class runway.ListenerModule
---@field version string          runway's, of which it is a part
local listener = {}

---@param options? runway.ListenOptions
---@return runway.Listener|nil
---@return string|nil message
function listener.listen(options) end

---@class runway.Listener
local Listener = {}

---@return integer|nil port   nil once it is closed
function Listener:port() end

---@return runway.Incoming|nil
function Listener:take() end

---@param id integer
---@param answer runway.ListenerAnswer
---@return boolean|nil    false: no such request waits
---@return string|nil message
function Listener:respond(id, answer) end

function Listener:close() end

return listener
