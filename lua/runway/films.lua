-- films.lua: what a task made, on its way to files: `task:download` and `task:download_all`.

local core = require "runway.core"
local delivery = require "runway.delivery"
local download = require "runway.download"
local errors = require "runway.errors"
local ledger = require "runway.ledger"
local options = require "runway.options"
local provenance = require "runway.provenance"
local targets = require "runway.targets"
local task = require "runway.task"

---@class runway.Task
local Task = task.Task
local inner, query, fail, mark, outcome = task.inner, task.query, task.fail, task.mark, task.outcome

local function check_self(t)
  if not inner[t] then options.without_self "task" end
end

local DOWNLOAD = {
  index = options.count, overwrite = "boolean", max_bytes = options.bytes, on_progress = "function",
  deadline = options.positive, receipt = "boolean",
}

-- Is there something to download? nil, err when not.
local function ready(t)
  if not t:done() then
    return fail(t, { kind = "invalid_request",
      message = "the task is " .. t.status .. "; wait for it before downloading" })
  end
  return outcome(t)
end

-- A new look at the task, for URLs that have expired.
local function fresh_url(t, index)
  return function()
    local ok, err = query(t)
    if not ok then return nil, err end
    return t.output and t.output[index]
  end
end

-- Whose file it is: the same in each run, whatever URL leads there.
local function source(t, index)
  local session = inner[t].session
  return core.sha256(table.concat({ t.provider, session.base, t.id, tostring(index) }, "\n"))
end

-- A file with its receipt beside it; without it the error has the file. `old`: it may be there from before.
local function attest(t, file, opts, old)
  local my = inner[t]
  local path, err = old and provenance.there(my.session, t, file, opts), nil
  if not path then path, err = provenance.write(my.session, t, my.ref.made_from, file, opts) end
  file.receipt = path
  if path then return file end
  err.files = { file }
  return mark(t, err)
end

-- The file that an earlier run has fetched, where the journal has it by another name: its directory was spelled in
-- another way, or moved since. The receipt beside it tells.
local function known_by_receipt(t, path, told)
  local my = inner[t]
  local sum = my.ref.trail and not told.overwrite and provenance.sum(my.session, t, path, told)
  local file = sum and delivery.there(my.session, path, nil, told.deadline)
  if not file or file.sha256 ~= sum then return nil end
  my.ref.trail:downloaded(file)
  targets.free(my.ref.target)
  return file
end

local function fetch(self, path, opts, overwrite)
  local my = inner[self]
  local index = opts.index or 1
  local ok, err = ready(self)
  if not ok then return nil, err end
  local here = my.ref.here
  local deadline = my.session:deadline(opts.deadline)
  local told = { index = index, overwrite = overwrite, deadline = deadline }
  if here and index == 1 and path == here.path then
    local found = delivery.there(my.session, path, here.bytes, deadline)
    if found and opts.receipt then return attest(self, found, told, true) end
    if found then return found end
  end
  if opts.receipt then
    local found = known_by_receipt(self, path, told)
    if found then return attest(self, found, told, true) end
  end
  if here and not self.output then            -- it is wanted elsewhere as well, or gone meanwhile
    ok, err = query(self)
    if not ok then return nil, err end
  end
  local url = self.output and self.output[index]
  if not url then
    return fail(self, { kind = "not_found",
      message = ("the task has no output %d; it has %d"):format(index, self.output and #self.output or 0) })
  end
  local file
  if opts.receipt then
    ok, err = provenance.check(my.session, self, path, told)
    if not ok then return mark(self, err) end
  end
  ledger.hold(self, my.session:is_real(), true, my.session.account, my.ref.again) -- a paid film, until it is here
  file, err = delivery.fetch(my.session, my.ref.trail, url, path, {
    overwrite = overwrite, max_bytes = opts.max_bytes, on_progress = opts.on_progress, source = source(self, index),
    deadline = deadline, may_come = my.film_by, made_now = my.made_now,
  }, fresh_url(self, index))
  ledger.release(self)
  if not file then return mark(self, err) end
  targets.free(my.ref.target)
  if not opts.receipt then return file end
  return attest(self, file, told)
end

--- Where a download goes: its path, its options, and whether it may write over a file. What makes no sense raises
--- at the line that called the public function which calls this.
---@param self runway.Task
---@param path string|table|nil   options alone, when it is a table
---@param opts table|nil
---@param spec table              as of options.check
---@param what string             the public function
---@return string path
---@return table opts
---@return boolean|nil overwrite
function task.place(self, path, opts, spec, what)
  if type(path) == "table" and opts == nil then path, opts = nil, path end
  opts = options.check(opts, spec, what, 3)
  local ref, overwrite = inner[self].ref, opts.overwrite
  if path == nil and ref.output then
    path = ref.output
    if overwrite == nil then overwrite = ref.overwrite end
  end
  if type(path) ~= "string" or path == "" or path:find("%z") then
    local why = path ~= nil and "" or not ref.by_id and ": none was given with the request, as its output"
      or ref.trail and ": the journal names none for this task" or ": of a task that is attached to by its id none is "
      .. "known"
    error(what .. " takes the path of the file to write" .. why, 3)
  end
  return path, opts, overwrite
end

--- Fetches one output to a file, which appears whole or not at all. An expired
--- URL is renewed by asking for the task again. The API key is never sent. What broke off is gone on
--- with, also by a later run.
---@param path? string|runway.DownloadOptions   where to; an existing file is an error unless `overwrite`; default: the
---  `output` that the task was submitted with; options may stand alone
---@param opts? runway.DownloadOptions
---@return runway.Downloaded|nil file
---@return runway.Error|nil err  where only the receipt could not be written, the file is in err.files
function Task:download(path, opts)
  check_self(self)
  local overwrite
  path, opts, overwrite = task.place(self, path, opts, DOWNLOAD, "download")
  return errors.told("task:download", fetch(self, path, opts, overwrite))
end

-- The file of an output as an earlier run has left it; nil: there is none. nil, err: it is another.
local function kept(self, path, opts, deadline)
  local my = inner[self]
  local file, problem = delivery.kept(my.session, self, my.ref.trail, path, { index = opts.index, deadline = deadline })
  if problem then return fail(self, problem) end
  if file and opts.receipt then return attest(self, file, opts, true) end
  return file
end

local function fetch_all(self, dir, given)
  local ok, err = ready(self)
  if not ok then return nil, err end
  local files, deadline = {}, inner[self].session:deadline()
  for index, url in ipairs(self.output or {}) do
    local path = dir:gsub("/*$", "") .. "/" .. download.name(self.id, index, url)
    local opts = { index = index, max_bytes = given.max_bytes, receipt = given.receipt }
    local file
    if given.skip_existing then file, err = kept(self, path, opts, deadline) end
    if not file and not err then file, err = fetch(self, path, opts, given.overwrite) end
    files[index] = file or err.files and err.files[1]
    if not file then
      err.files = files
      return nil, err
    end
  end
  return files
end

local DOWNLOAD_ALL = {
  overwrite = "boolean", skip_existing = "boolean", max_bytes = options.bytes, receipt = "boolean",
}

--- Fetches every output into a directory, named by the task and a number.
---@param dir string   an existing directory
---@param opts? runway.DownloadAllOptions
---@return runway.Downloaded[]|nil files   in the order of `output`; what was there has `skipped`
---@return runway.Error|nil err  files fetched before it are in err.files
function Task:download_all(dir, opts)
  check_self(self)
  if type(dir) ~= "string" or dir == "" or dir:find("%z") then
    error("download_all takes the path of a directory", 2)
  end
  opts = options.check(opts, DOWNLOAD_ALL, "download_all", 2)
  if opts.overwrite and opts.skip_existing then
    error("download_all: overwrite and skip_existing exclude each other", 2)
  end
  return errors.told("task:download_all", fetch_all(self, dir, opts))
end

return Task
