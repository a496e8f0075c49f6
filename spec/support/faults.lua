-- File systems that cannot do what others can (faults.c), for programs in a process of their own.

local scratch = require "spec.support.scratch"

local Faults = {}
Faults.__index = Faults

local faults = {}

--- Compiles the library; to be removed when the spec is over.
function faults.new()
  local here = scratch.new()
  local library = here:path "faults.so"
  local made = os.execute(("cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -o '%s' "
    .. "spec/support/faults.c -ldl"):format(library))
  assert(made, "the library of faults does not compile")
  return setmetatable({ here = here, library = library }, Faults)
end

--- What stands before a program (child.run) that meets them.
---@param list string   as faults.c says
---@param under string  the files that they are of: the beginning of their paths
---@return string
function Faults:before(list, under)
  return ("export FAULTS='%s' FAULTS_UNDER='%s' SPEC_PRELOAD='%s' LD_PRELOAD=\"${LD_PRELOAD:-}:%s\";")
    :format(list, under, self.library, self.library)
end

function Faults:remove() self.here:remove() end

return faults
