-- A small file system of a spec's own: where root may mount one, else nil.

local scratch = require "spec.support.scratch"

local mounted = {}

---@param size string   "512k"
---@return table|nil scratch   its `remove` unmounts it, too
function mounted.tmpfs(size)
  local dir = scratch.new()
  local mount = ("mount -t tmpfs -o size=%s tmpfs '%s' 2>/dev/null"):format(size, dir.directory)
  if not os.execute(mount) then
    dir:remove()
    return nil
  end
  local self = setmetatable({}, { __index = dir })
  function self.remount(_, options)
    assert(os.execute(("mount -o remount,%s '%s'"):format(options, dir.directory)))
  end
  function self.remove()
    os.execute(("umount -l '%s'"):format(dir.directory))
    dir:remove()
  end
  return self
end

return mounted
