-- Content-Encoding: what is encoded is decoded, whether it was asked for or not; a label that names no
-- coding is a label.

local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("an answer's Content-Encoding", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  for _, gate in ipairs { false, true } do
    it("is undone when it is gzip" .. (gate and ", on a paid request too" or ""), function()
      local result = exchange.run { method = "POST", body = "{}", gate = gate, url = server:url "/gzip?size=3000" }
      assert.is_nil(result.error)
      assert.equal(("\0"):rep(3000), result.body)
    end)
  end

  for _, coding in ipairs { "UTF-8", "none", "identity", "x-unknown", "binary", "" } do
    it(("is a mere label when it says %q"):format(coding), function()
      local result = exchange.run { method = "POST", body = "{}", gate = true,
        url = server:url("/labelled?coding=" .. coding) }
      assert.is_nil(result.error)
      assert.equal('{"id":"t-1"}', result.body)
    end)
  end

  it("is offered for answers, and not for files", function()
    local path = os.tmpname()
    exchange.run { url = server:url "/ok?answer" }
    exchange.run { url = server:url "/ok?file", save = { path = path, overwrite = true } }
    os.remove(path)
    assert.matches("gzip", server:seen("/ok?answer")[1].headers["accept-encoding"])
    assert.equal("identity", server:seen("/ok?file")[1].headers["accept-encoding"])
  end)
end)
