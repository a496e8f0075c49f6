-- A task that is not asked after again and again: its provider says when it has changed.
--
--   lua5.4 examples/callbacks.lua                     offline, free; or, with an address that leads to port 8090:
--   RUNWAY_PROVIDER=cometapi COMETAPI_KEY=… CALLBACK_URL=https://me.example/hooks lua5.4 examples/callbacks.lua
--
-- Where runway is not installed, first make, and in its directory:
--   export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/build/?.so;;"

local runway = require "runway"

local provider = os.getenv "RUNWAY_PROVIDER"
if provider == "" then provider = nil end

-- Without an account: a server inside this program that answers, and posts, like each provider.
local sandbox = not provider and assert(require("runway.sandbox").start { seconds = 3 })

-- It listens at this machine alone: what speaks TLS to the world (nginx, a tunnel) passes CALLBACK_URL on.
local listener = assert(runway.listener { port = sandbox and 0 or 8090 })

local client = assert(runway.client {
  provider = provider or "cometapi", api_key = sandbox and "sk-none-needed" or nil,
  base_url = sandbox and sandbox.base_url or nil,
  callback = listener, callback_url = os.getenv "CALLBACK_URL",
  logger = function(level, message) if level ~= "debug" then print(level .. ": " .. message) end end,
})

local task = assert(client:generate { prompt_text = "a lighthouse in fog", ratio = "16:9", duration = 5 })
print("task " .. task.id .. " at " .. client.provider .. ", callbacks at " .. listener.url)

-- Each callback makes the wait ask, with the account's key; what the answer says counts, and not what was posted.
assert(task:wait { timeout = 1800, on_progress = function(t) print(t.status) end })
print(task.output[1])

listener:close()
if sandbox then sandbox:close() end
