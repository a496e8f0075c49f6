-- transport.lua: the C core as a transport: what http.lua sends through when
-- no mock is given. A transport starts an exchange and calls `done(result)`
-- from a later turn of the loop, never before `start` has returned.

---@class runway.Transport   what `runway.client { transport = … }` takes
---@field start fun(self, request: runway.WireRequest, done: fun(result: table)): any  gives a handle
---@field cancel fun(self, handle: any)    ends an exchange early; its result still comes
---@field abandon? fun(self, done: function)   ends the exchange that was started with it
---@field awaits? fun(self, done: function): boolean  is this exchange under way?
---@field drop? fun(self, handle: any)     the same, but only if the request has not left; without it, none is dropped
---@field progress fun(self, handle: any): integer, integer|nil  bytes received, bytes in all
---@field pretends? boolean     nothing leaves the process: no task is really paid for
---@field probe? fun(self, path: string, done: fun(result: table))  { size=, type=, class=, cut= } or { error= };
---  without it, the core's
---@field read? fun(self, path: string, done: fun(result: table))  { text= } or { error= }; without it, as probe
---@field digest? fun(self, path: string, done: fun(result: table))  { size=, sha256= } or { error= }; without it,
---  the core's
---@field try? fun(self, path: string, overwrite: boolean|nil, done: fun(result: table))  {} or { error= }: could a
---  download be put there? Without it, the core's
---@field write? fun(self, path: string, overwrite: boolean|nil, text: string, done: fun(result: table))  {} or
---  { error= }: a file, whole or not at all. Without it, the core's

---@class runway.WireRequest
---@field method string
---@field url string
---@field path? string          below the session's base
---@field headers table<string, string>   to be read: requests share them
---@field body? string|table    text, or texts and files by turns
---@field form? table[]
---@field aside? boolean        asked for by no one: a mock that does not expect it lets it pass
---@field file? string
---@field save? table           { path=, overwrite=, max_bytes=, only_media=, source= (whose file: what is there of it
---  is gone on with), anew= (but not this time) }
---@field gate? boolean         it may cost money: sent once at most
---@field address "any"|"public"|"loopback_or_public"
---@field timeout number        seconds; 0: none
---@field stall? number         seconds without a byte
---@field lane integer
---@field lane_limit integer

local core = require "runway.core"
local scheduler = require "runway.scheduler"

local transport = {}

local waiting = {}                            -- id -> done

-- The result that is being handed out. It stays here until who waits for it has it, so that neither
-- an interrupt nor a failed allocation on the way loses what was paid for.
local inbox = { id = false, result = false }
local failures, MOST_FAILURES = 0, 3

local function drain(over)
  while inbox.result or core.take(inbox) do
    local done = waiting[inbox.id]
    if done and not scheduler.guard(done, inbox.result) and failures < MOST_FAILURES then
      failures = failures + 1
      return scheduler.again()
    end
    failures = 0
    waiting[inbox.id] = nil
    inbox.result = false
    if over() then return true end
  end
end

scheduler.attach { name = "transport", drain = drain }

-- A request that the core refused to start fails like one that never left. An engine that lacks a
-- descriptor or a thread to begin with (a "limit") may have it soon.
local function follow(done, id, message, kind)
  if id then
    waiting[id] = done
    return id
  end
  scheduler.at(scheduler.now(), function()
    local soon = kind == "limit"
    done { sent = false, error = { kind = kind, code = soon and "engine" or "refused", message = message,
      permanent = not soon } }
  end)
  return nil
end

--- Starts one HTTP exchange.
---@param request table   method, url, headers, body | form | file, gate, limits (see http.lua)
---@param done fun(result: table)
---@return integer|nil handle
function transport:start(request, done)
  return follow(done, core.start(request, waiting, done))
end

--- Reads size and type of a local file, off this thread.
---@param path string
---@param done fun(result: table)   { size=, type=, class= } or { error= }
function transport:probe(path, done)
  return follow(done, core.probe(path))
end

--- Reads size and SHA-256 of a local file, off this thread.
---@param path string
---@param done fun(result: table)   { size=, sha256= } or { error= }
function transport:digest(path, done)
  return follow(done, core.digest(path))
end

--- Reads a small file (1 MiB), off this thread.
---@param path string
---@param done fun(result: table)   { text= } or { error= }
function transport:read(path, done)
  return follow(done, core.read(path))
end

--- Was it started and is its result still to come? Asked by who was interrupted on the way.
---@param done fun(result: table)   as given to `start`
---@return boolean
function transport:awaits(done)
  for _, waits in pairs(waiting) do
    if waits == done then return true end
  end
  return false
end

--- Ends an exchange whose handle got lost: who started it was interrupted before it came back.
---@param done fun(result: table)   as given to `start`
function transport:abandon(done)
  for id, waits in pairs(waiting) do
    if waits == done then core.cancel(id) end
  end
end

--- Looks whether a download could be put there, off this thread.
---@param path string
---@param overwrite boolean|nil
---@param done fun(result: table)   {}, or { error= }
function transport:try(path, overwrite, done)
  return follow(done, core.try(path, overwrite))
end

--- Writes a small file, off this thread; it is there whole or not at all.
---@param path string
---@param overwrite boolean|nil
---@param text string
---@param done fun(result: table)   {}, or { error= }
function transport:write(path, overwrite, text, done)
  return follow(done, core.write(path, overwrite, text))
end

--- Gives a file that is whole another name, off this thread: when it is safe on the disk, and without `overwrite`
--- never over what is there by then.
---@param path string
---@param overwrite boolean|nil
---@param whole string       where it lies, on the same file system
---@param done fun(result: table)   {}, or { error= }
function transport:place(path, overwrite, whole, done)
  return follow(done, core.place(path, overwrite, whole))
end

--- Runs another program, without a shell, beside this thread; at most four at once, the others wait for them.
---@param argv string[]     its path, and what it is given
---@param seconds number    after which it is killed; 0: never
---@param done fun(result: table)   { code=, stdout=, stderr= } or { error= }
---@return integer|nil handle
function transport:run(argv, seconds, done)
  return follow(done, core.program(argv, seconds))
end

--- Ends an exchange early; its result still comes.
function transport:cancel(handle)
  if handle then core.cancel(handle) end
end

--- Ends an exchange whose request has not left; one that has goes on.
function transport:drop(handle)
  if handle then core.drop(handle) end
end

---@return integer received
---@return integer|nil total
function transport:progress(handle)
  if not handle then return 0, nil end
  return core.progress(handle)
end

return transport
