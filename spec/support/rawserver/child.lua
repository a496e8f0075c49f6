-- The program behind rawserver.lua: listeners, a select loop, and a coroutine per connection.
-- Arguments: the directory of this file, the lifetime in seconds, the certificates' directory
-- ("" for no TLS). Prints one line, `name=port name=port ...`, then a heartbeat: a write that
-- fails means that the parent has gone.

local here, lifetime, certificates = ...
package.path = here .. "/?.lua;" .. package.path

local Connection = require "connection"
local scenarios = require "scenarios"
local socket = require "socket"

local HEARTBEAT = 0.5

local log = { requests = {}, connections = {} }
local running = true
local tasks = {} -- set of { thread, socket, waits = "read"|"write"|"pause", due }

-- ---------------------------------------------------------------- control path

local LOGGED = { "connection", "method", "target", "version", "head", "length", "body", "sent" }
local NOTED = { "number", "listener", "requests", "closed", "error" }

local function literal(entry, fields)
  local parts = {}
  for _, field in ipairs(fields) do
    if entry[field] ~= nil then
      parts[#parts + 1] = ("%s=%q"):format(field, entry[field])
    end
  end
  return table.concat(parts, ",")
end

local function log_as_lua()
  local out = { "return{requests={" }
  for _, request in ipairs(log.requests) do
    out[#out + 1] = "{" .. literal(request, LOGGED) .. ",headers={"
    for name, value in pairs(request.headers) do
      out[#out + 1] = ("[%q]=%q,"):format(name, value)
    end
    out[#out + 1] = "}},"
  end
  out[#out + 1] = "},connections={"
  for _, entry in ipairs(log.connections) do
    if not entry.control then out[#out + 1] = ("[%d]={%s},"):format(entry.number, literal(entry, NOTED)) end
  end
  out[#out + 1] = "}}"
  return table.concat(out)
end

local function serve_control(connection, request)
  connection.entry.control = true
  if request.name == "_quit" then
    running = false
  elseif request.name == "_release" then
    connection:release()
  else
    -- Accept, read, answer: whoever spoke before this request did is heard first.
    for _ = 1, 4 do connection:pause(0) end
  end
  connection:answer(200, { "Connection: close" }, log_as_lua())
end

-- -------------------------------------------------------------------- behaviour

-- A scenario is a function or a table { run =, early = true }: an early one answers before the
-- body is read. It returns "keep" when the connection may serve another request.
local function serve(connection)
  while true do
    local request = connection:read_head()
    if not request then return end
    if request.name:find("^_") then return serve_control(connection, request) end

    -- Logged as soon as the head is there: a request whose body never comes counts as well.
    log.requests[#log.requests + 1] = request
    connection.entry.requests = connection.entry.requests + 1
    connection.request = request
    local scenario = scenarios[request.method == "CONNECT" and "CONNECT" or request.name]
                     or scenarios.unknown
    local run, early = scenario, false
    if type(scenario) == "table" then run, early = scenario.run, scenario.early end
    if not early then
      if request.headers.expect then connection:send("HTTP/1.1 100 Continue\r\n\r\n") end
      connection:read_body(request)
    end
    if run(connection, request, request.params) ~= "keep" then return end
    request.full = nil
  end
end

local function be_deaf(connection)
  connection:pause(tonumber(lifetime))
end

local function reset_at_once(connection)
  connection:arm_reset()
end

local function shake_hands(connection, secured)
  while true do
    local done, problem = secured:dohandshake()
    if done then return true end
    if problem == "wantwrite" then
      coroutine.yield("write")
    elseif problem == "wantread" or problem == "timeout" then
      coroutine.yield("read")
    else
      connection.entry.error = problem
      return false
    end
  end
end

local function serve_tls(certificate, protocol)
  local base = certificates .. "/" .. certificate
  local context = assert(require("ssl").newcontext {
    mode = "server", protocol = protocol, key = base .. ".key", certificate = base .. ".pem",
    options = { "all", "no_sslv2", "no_sslv3" }, ciphers = "ALL:@SECLEVEL=0",
  })
  return function(connection)
    local secured = assert(require("ssl").wrap(connection.socket, context))
    secured:settimeout(0)
    connection.task.socket, connection.socket = secured, secured
    if shake_hands(connection, secured) then serve(connection) end
  end
end

local function converse(connection, behave)
  local fine, problem = xpcall(behave, debug.traceback, connection)
  if not fine then
    connection.entry.error = problem
    io.stderr:write("test server: ", problem, "\n")
  end
  connection.entry.closed = connection.entry.closed or "server"
  connection.socket:close()
end

-- ------------------------------------------------------------------- listeners

local function listen(name, host, port, behave)
  local server = host == "::1" and socket.tcp6() or socket.tcp4()
  if not server then return nil end
  if host == "::1" then server:setoption("ipv6-v6only", true) end
  if not server:bind(host, port) then return nil end
  if behave then assert(server:listen(512)) end
  server:settimeout(0)
  local _, bound = server:getsockname()
  return { name = name, socket = server, behave = behave, port = math.tointeger(bound) }
end

local function open_listeners()
  local open = {}
  local function add(...)
    open[#open + 1] = listen(...)
    return open[#open]
  end
  assert(add("plain", "127.0.0.1", 0, serve), "no port on 127.0.0.1")
  add("plain6", "::1", 0, serve)
  local quiet = add("quiet", "127.0.0.1", 0, serve)
  add("quiet6", "::1", quiet.port, serve)
  add("deaf", "127.0.0.1", 0, be_deaf)
  add("reset", "127.0.0.1", 0, reset_at_once)
  add("closed", "127.0.0.1", 0, nil)
  if certificates ~= "" then
    for _, name in ipairs { "good", "wrong_host", "expired", "self_signed" } do
      add(name, "127.0.0.1", 0, serve_tls(name, "any"))
    end
    add("old", "127.0.0.1", 0, serve_tls("good", "tlsv1_1"))
  end
  return open
end

local function accept_all(listener)
  while true do
    local peer = listener.socket:accept()
    if not peer then return end
    peer:settimeout(0)
    peer:setoption("tcp-nodelay", true)
    local entry = { number = #log.connections + 1, listener = listener.name, requests = 0 }
    log.connections[entry.number] = entry
    local connection = setmetatable({ socket = peer, buffer = "", entry = entry }, Connection)
    local task = { thread = coroutine.create(converse), socket = peer,
                   first = { connection, listener.behave } }
    connection.task = task
    tasks[task] = true
  end
end

-- ------------------------------------------------------------------------ loop

local function resume(task)
  local arguments = task.first or {}
  task.first = nil
  local _, waits, due = coroutine.resume(task.thread, table.unpack(arguments))
  task.waits, task.due = waits, due
  if coroutine.status(task.thread) == "dead" then tasks[task] = nil end
end

-- The sockets to watch, and the time by which something is due even if they stay silent.
local function interests(listeners, latest)
  local readers, writers, nearest = {}, {}, latest
  for _, listener in ipairs(listeners) do
    if listener.behave then readers[#readers + 1] = listener.socket end
  end
  for task in pairs(tasks) do
    if task.first then
      nearest = 0
    elseif task.waits == "read" then
      readers[#readers + 1] = task.socket
    elseif task.waits == "write" then
      writers[#writers + 1] = task.socket
    else
      nearest = math.min(nearest, task.due)
    end
  end
  return readers, writers, nearest
end

local function turn(listeners, latest)
  local readers, writers, nearest = interests(listeners, latest)
  local readable, writable =
    socket.select(readers, writers, math.max(0, nearest - socket.gettime()))
  local now = socket.gettime()
  local ready = {}
  for task in pairs(tasks) do
    local due = task.waits == "pause" and task.due <= now
    if task.first or due or (task.waits == "read" and readable[task.socket])
      or (task.waits == "write" and writable[task.socket]) then
      ready[#ready + 1] = task
    end
  end
  for _, listener in ipairs(listeners) do
    if readable[listener.socket] then accept_all(listener) end
  end
  for _, task in ipairs(ready) do resume(task) end
end

local listeners = open_listeners()
local names = {}
for _, listener in ipairs(listeners) do
  names[#names + 1] = listener.name .. "=" .. listener.port
end
io.stdout:setvbuf("no")
io.stdout:write(table.concat(names, " "), "\n")

local ends = socket.gettime() + tonumber(lifetime)
local beat = 0
while running and socket.gettime() < ends do
  if socket.gettime() >= beat then
    if not io.stdout:write("\n") then break end
    beat = socket.gettime() + HEARTBEAT
  end
  turn(listeners, math.min(ends, beat))
end
os.exit(0)
