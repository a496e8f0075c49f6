-- Never a second paid request, never a wrong `sent`, never an unknown where nothing was sent: each way in
-- which a server, a network or a proxy can fail, over real sockets, by the whole client. `make torture` does
-- the same ten thousand times.

local chance = require "spec.support.chance"
local faulted = require "spec.support.faulted_submits"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

describe("a paid request", function()
  local server, directory

  setup(function()
    server = rawserver.start { tls = true }
    directory = scratch.new()
  end)
  teardown(function()
    server:stop()
    directory:remove()
  end)

  it("is sent once at most and told of truly, whatever goes wrong, with TLS and without, on fresh lines and idle ones",
    function()
      local shots, random = {}, chance.of(20261128)
      for _, row in ipairs(faulted.rows) do
        if row.on then
          shots[#shots + 1] = faulted.shot(row, random)
        else
          for _, on in ipairs { "plain", "good" } do
            for _, warm in ipairs { true, false } do
              if not row.size or not warm then
                shots[#shots + 1] = { row = row, on = on, warm = warm, trap = #shots % 2 == 0 }
              end
            end
          end
        end
      end
      assert.is_true(#shots > 200)
      assert.same({}, faulted.fire(server, shots))
    end)

  it("so it is by HTTP/2", function()
    local complaints, requests = faulted.fire_h2(5, chance.of(7))
    assert.same({}, complaints)
    assert.is_true(requests >= 5)
  end)

  it("would be sent twice by plain libcurl: the faults are real", function()
    for name, posts in pairs(faulted.plain(server, directory.directory)) do
      assert.is_true(posts > 1, name .. ": " .. posts)
    end
  end)
end)
