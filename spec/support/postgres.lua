-- A real PostgreSQL of a spec's own: its data in a scratch directory, a Unix socket there and no port,
-- nothing synced but for a benchmark. It ends with the spec, however that ends.

local scheduler = require "runway.scheduler"
local scratch = require "spec.support.scratch"

local postgres = {}

local Server = {}
Server.__index = Server

local function said(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

-- The directory of its programs: Debian keeps them out of PATH.
local function programs()
  return said([[for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin $(echo "$PATH" | tr : ' '); do
    [ -x $d/initdb ] && [ -x $d/postgres ] && [ -x $d/psql ] && [ -x $d/pg_isready ] && echo $d && break; done]])
    :match "%S+"
end

-- It does not run as root: what stands before a command to run it as someone else.
local function someone()
  if said "id -u" ~= "0" then return "" end
  for _, name in ipairs { "postgres", "nobody" } do
    local uid, gid = said("id -u " .. name), said("id -g " .. name)
    if uid ~= "" and said "command -v setpriv" ~= "" then
      return ("setpriv --reuid=%s --regid=%s --clear-groups"):format(uid, gid), uid .. ":" .. gid
    end
  end
end

--- A look into a database; one that failed since its server was killed is taken again.
---@param look fun(): any, runway.Error|nil
---@return any
function postgres.surely(look)
  for _ = 1, 200 do
    local value, err = look()
    if value then return value end
    if err.code ~= "lost" then error(err) end
    scheduler.sleep(0.1)
  end
  error "the database does not come back"
end

--- Why no server can be started here; nil: one can.
---@return string|nil
function postgres.missing()
  if not programs() then return "there is no PostgreSQL here (make test FULL=yes installs it)" end
  if not pcall(require, "runway.postgresql") then return "runway.postgresql was left out of the build" end
  if not someone() then return "PostgreSQL does not run as root, and setpriv is missing" end
end

--- A server that runs.
---@param options? { synced: boolean }
---@return table server
function postgres.start(options)
  local bin, as, owner = programs(), someone()
  local dir = scratch.new()
  local self = setmetatable({ dir = dir, bin = bin, as = as, schemas = 0,
    sync = options and options.synced and "" or "-F" }, Server)
  if owner then assert(os.execute(("chown %s '%s'"):format(owner, dir.directory))) end
  local log = said(("cd '%s' && %s %s/initdb -D data -U runway -A trust -E UTF8 --no-locale --no-sync 2>&1"):format(
    dir.directory, as, bin))
  local hba = io.open(dir:path "data/pg_hba.conf", "r+")
  if not hba then
    dir:remove()
    error("initdb failed: " .. log)
  end
  hba:write "local all locked scram-sha-256\nlocal all all trust\n#"
  hba:close()
  self:run()
  return self
end

-- Starts it and waits until it takes connections.
function Server:run()
  local dir = self.dir.directory
  -- the pipe ends with this process, and the server with the pipe
  self.pipe = assert(io.popen(("cd '%s' && { %s %s/postgres -D data -k '%s' -h '' %s -c logging_collector=off "
    .. "-c max_connections=40 >>log 2>&1 & p=$!; echo $p >pid; cat; kill -QUIT $p 2>&1; wait $p; } >/dev/null 2>&1")
    :format(dir, self.as, self.bin, dir, self.sync), "w"))
  for _ = 1, 600 do
    if os.execute(("%s/pg_isready -q -h '%s' 2>/dev/null"):format(self.bin, dir)) then
      self.pid = assert(self.dir:content "pid"):match "%d+"
      return
    end
    if not os.execute("sleep 0.1; kill -0 $(cat '" .. self.dir:path "pid" .. "') 2>/dev/null") then
      self.pipe:close()                       -- what an earlier one left is in the way for a moment
      os.execute "sleep 0.2"
      return self:run()
    end
  end
  error("PostgreSQL does not start: " .. (self.dir:content "log" or ""))
end

--- Ends it as a fault in its machine would: all of its processes at once, for one that is left would
--- still answer who is connected to it.
function Server:kill()
  os.execute(([[kill -STOP %s; all="%s $(ps -o pid= --ppid %s)"; kill -9 $all
    for i in $(seq 500); do ps -o stat= -p "$(echo $all | tr ' ' ,)" | grep -qv Z || break; sleep 0.01; done]])
    :format(self.pid, self.pid, self.pid))
  self.pipe:close()
end

--- Stops it where it stands, and lets it go on.
function Server:signal(name)
  os.execute(("kill -%s %s $(ps -o pid= --ppid %s)"):format(name, self.pid, self.pid))
end

---@param options? string  more of the URI's query
---@param user? string
function Server:uri(options, user)
  return ("postgresql://%s@/postgres?host=%s%s"):format(user or "runway",
    self.dir.directory:gsub("/", "%%2F"), options or "")
end

--- Runs SQL with its own client.
function Server:sql(text)
  local path = self.dir:write("sql", text)
  return said(("%s/psql -qAtX -h '%s' -U runway postgres -f '%s' 2>&1"):format(self.bin, self.dir.directory, path))
end

--- Where an empty database is: a schema of its own.
function Server:fresh()
  self.schemas = self.schemas + 1
  self:sql(("CREATE SCHEMA s%d"):format(self.schemas))
  return self:uri(("&options=-csearch_path%%3Ds%d"):format(self.schemas))
end

--- Where as many empty databases are as a program wants: a command that makes one, and where it is. In both stands
--- `nth` for its number.
function Server:numbered(nth)
  local make = "DROP SCHEMA IF EXISTS n" .. nth .. " CASCADE; CREATE SCHEMA n" .. nth
  return ("%s/psql -qX -h '%s' -U runway postgres -c '%s' 2>&1"):format(self.bin, self.dir.directory, make),
    self:uri("&options=-csearch_path%3Dn" .. nth)
end

function Server:stop()
  self.pipe:close()
  self.dir:remove()
end

return postgres
