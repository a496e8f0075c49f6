-- The example of callbacks, as a user runs it: over real sockets, at the sandbox.

local child = require "spec.support.child"

it("the example of callbacks asks when the provider says that the task runs, and that it has ended", function()
  local said, code = child.run [[
    local sandbox = require "runway.sandbox"
    local start, server = sandbox.start, nil
    sandbox.start = function(options)
      options.seconds = 0.5
      server = assert(start(options))
      return server
    end
    dofile "examples/callbacks.lua"
    local queries = 0
    for _, request in ipairs(server.requests) do
      if request.path == "/runway/feed" then queries = queries + 1 end
    end
    print(queries)
  ]]
  assert.equal(0, code, said)
  local shown = {}
  for line in said:gmatch "[^\n]+" do shown[#shown + 1] = line end
  assert.matches("^task %S+ at cometapi, callbacks at http://127%.0%.0%.1:%d+/$", shown[1])
  if shown[2] == "RUNNING" then table.remove(shown, 2) end -- else one turn of the loop has heard both
  assert.equal("SUCCEEDED", shown[2])
  assert.matches("^http://127%.0%.0%.1:%d+/files/", shown[3])
  assert.is_true(tonumber(shown[4]) <= 2)
  assert.equal(4, #shown, said)
end)
