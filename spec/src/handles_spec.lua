-- Exchanges after one another, which share one handle of libcurl's: none is left with what another had.

local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"

describe("a handle that is used again", function()
  local server

  setup(function() server = rawserver.start() end)
  teardown(function() server:stop() end)

  local kinds = {
    get = { method = "GET" },
    post = { method = "POST", body = "a body", headers = { ["Content-Type"] = "text/plain", ["X-One"] = "1" } },
    empty_post = { method = "POST" },
    paid = { method = "POST", body = "paid", gate = true },
    large = { method = "PUT", body = ("x"):rep(100000), headers = { ["X-Two"] = "2" } },
    delete = { method = "DELETE" },
    head = { method = "HEAD" },
    form = { method = "POST", form = { { "name", "value" } } },
    stalls = { method = "GET", stall = 9, connect_timeout = 3, max_body_bytes = 1000 },
  }
  local names = {}
  for name in pairs(kinds) do names[#names + 1] = name end
  table.sort(names)

  local function run(name, path)
    local request = { url = server:url(path) }
    for key, value in pairs(kinds[name]) do request[key] = value end
    local result = exchange.run(request)
    assert.is_nil(result.error)
    assert.equal(200, result.status)
  end

  -- What the server saw of it, but for what no two have in common.
  local function seen(path)
    local told = server:seen(path)
    assert.equal(1, #told)
    local request, headers = told[1], {}
    for name, value in pairs(request.headers) do
      headers[name] = value:gsub("boundary=%S+", "boundary"):gsub("%d+%.%d+%.%d+%.%d+:%d+", "host")
    end
    local bytes = request.headers["content-type"] and request.headers["content-type"]:find "boundary" and "a form"
      or request.body
    return { method = request.method, headers = headers, body = bytes }
  end

  it("sends each request as a new one would, whatever came before it", function()
    local alone = {}
    for _, name in ipairs(names) do
      core.close()
      run(name, "/ok?alone-" .. name)
      alone[name] = seen("/ok?alone-" .. name)
    end
    for _, before in ipairs(names) do
      for _, name in ipairs(names) do
        run(before, ("/ok?first-%s-%s"):format(before, name))
        run(name, ("/ok?%s-%s"):format(before, name))
        assert.same(alone[name], seen(("/ok?%s-%s"):format(before, name)), before .. ", then " .. name)
      end
    end
  end)
end)
