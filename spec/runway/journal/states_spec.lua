-- What may become of an entry.

local states = require "runway.journal.states"

describe("the states of an entry", function()
  it("are seven", function()
    assert.same({ "queued", "submitting", "submitted", "downloading", "done", "failed", "unknown" }, states.ALL)
    for _, name in ipairs(states.ALL) do assert.is_true(states.is(name)) end
    for _, name in ipairs { "", "DONE", "lost" } do assert.is_false(states.is(name)) end
    for _, no in ipairs { 1, true, {} } do assert.is_false(states.is(no)) end
  end)

  it("follow one another along the table, and never else", function()
    local may = {
      queued = { submitting = true },
      submitting = { submitted = true, unknown = true, failed = true },
      submitted = { downloading = true, done = true, failed = true, unknown = true },
      downloading = { downloading = true, done = true, failed = true },
      done = { downloading = true }, failed = {},
      unknown = { submitted = true, failed = true, queued = true },
    }
    for _, from in ipairs(states.ALL) do
      for _, to in ipairs(states.ALL) do
        assert.equal(may[from][to] == true, states.may(from, to), from .. " -> " .. to)
      end
    end
  end)

  it("never lead from what may have been paid for back to where it would be submitted", function()
    -- whatever moves are added: without a settlement no way leads from `submitting` to `queued` or to itself
    local seen, line = { submitting = true }, { "submitting" }
    while line[1] do
      local from = table.remove(line)
      for _, to in ipairs(states.ALL) do
        if from ~= "unknown" and states.may(from, to) then
          assert.is_true(to ~= "queued" and to ~= "submitting", from .. " -> " .. to)
          if not seen[to] then
            seen[to] = true
            line[#line + 1] = to
          end
        end
      end
    end
  end)

  it("are the condition of every write", function()
    assert.same({ "submitting", "unknown" }, states.before "submitted")
    assert.same({ "unknown" }, states.before("submitted", { "unknown" }))
    assert.same({ "submitting", "submitted" }, states.before "unknown")
    assert.same({ "unknown" }, states.before "queued")
    assert.has_error(function() states.before "lost" end)
    assert.has_error(function() states.before("queued", { "submitting" }) end)
  end)
end)
