-- os.exit while requests are under way: the engine's thread has left libcurl before TLS is torn down.

local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"

describe("the end of the process", function()
  local server

  setup(function() server = rawserver.start { tls = true } end)
  teardown(function() server:stop() end)

  for _, how in ipairs { "os.exit(7)", "os.exit(7, true)" } do
    it(how .. " in the middle of TLS handshakes ends without a crash", function()
      for round = 1, 12 do
        local output, code = child.run([[
          local core = require "runway.core"
          local url, ca, pause = ...
          for _ = 1, 20 do core.start { method = "GET", url = url, ca_file = ca, lane_limit = 20 } end
          local till = core.now() + tonumber(pause)
          while core.now() < till do end
          ]] .. how, { arguments = { server:url("/hang", "good"), server.ca_file, tostring(round * 0.002) } })
        assert.equal("", output)
        assert.equal(7, code)
      end
    end)
  end
end)
