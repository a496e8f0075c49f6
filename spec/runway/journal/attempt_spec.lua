-- One attempt to submit: who holds a key, and what comes of it.

local core = require "runway.core"
local errors = require "runway.errors"
local journal = require "runway.journal"
local journals = require "spec.support.journals"
local owner = require "runway.journal.owner"
local runway = require "runway"
local scheduler = require "runway.scheduler"
local sql = require "runway.journal.sql"

local begin, task = journals.begin, journals.task

journals.over_each_database("an attempt", function()
  local function state(j, key) return (assert(j:get(key)).state) end

  it("has a moment of its own, though many begin in one millisecond", function()
    local j, wall_ms = journals.open(), core.wall_ms
    local at = wall_ms()
    core.wall_ms = function() return at end
    local ok, err = pcall(function()
      for _, key in ipairs { "c", "a", "b" } do assert(begin(j, key)) end
    end)
    core.wall_ms = wall_ms
    assert(ok, err)
    local keys = {}
    for i, e in ipairs(assert(j:entries())) do keys[i] = e.key end
    assert.equal("b a c", table.concat(keys, " "))
  end)

  it("takes a key that no other has: one of many, at the same moment", function()
    local made, others = 0, 0
    runway.run(function()
      local list = {}
      for i = 1, 10 do
        local j = journals.open()
        list[i] = function()
          local a, row, err = begin(j, "k")
          assert(not err, err)
          if a then made = made + 1 else others = others + 1 end
          assert(a or row.token)
          return true
        end
      end
      assert.is_nil(select(2, runway.all(list)))
    end)
    assert.same({ 1, 9 }, { made, others })
  end)

  it("frees the key when nothing was accepted", function()
    local j = journals.open()
    assert(begin(j, "a")):ends(nil, {}, false, errors.new { kind = "network", message = "no", sent = "no" })
    assert.equal("not_found", select(2, j:get "a").kind)
    assert.truthy(begin(j, "a"))
  end)

  it("that got no answer is unknown, and the key is no one's", function()
    local j = journals.open()
    assert(begin(j, "a")):ends(nil, {}, true, errors.new { kind = "unknown_submit", message = "lost", code = "eof" })
    local e = assert(j:get "a")
    assert.same({ "unknown", "lost", "eof", "yes" }, { e.state, e.error, e.error_code, e.sent })
    local a, row = begin(j, "a")
    assert.is_nil(a)
    assert.equal("unknown", row.state)
  end)

  it("whose lease ran out is unknown, never queued", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    assert.equal("submitting", state(j, "a"))
    journals.run_out "a"
    local e = assert(j:get "a")
    assert.same({ "unknown", "unknown" }, { e.state, e.sent })
    assert.is_nil((begin(j, "a")))
    -- what it writes with its old fence changes nothing …
    a:ends(nil, {}, false)
    assert.equal("unknown", state(j, "a"))
  end)

  it("whose lease ran out while it rested leaves the key free, and sends nothing more", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    a:rest()
    assert.same({ "submitting", "no" }, { state(j, "a"), assert(j:get "a").sent })
    journals.run_out "a"
    assert.equal("not_found", select(2, j:get "a").kind)
    local ok, err = a:go_on()
    assert.same({ nil, "lease_lost", "no" }, { ok, err.code, err.sent })
    local b = assert(begin(j, "a"))
    assert.same({ nil, "lease_lost" }, { nil, select(2, a:go_on()).code }) -- nor when the key is another's
    b:ends(task "t1", {}, false)
    a:ends(nil, {}, false)
    assert.same({ "submitted", "t1" }, { state(j, "a"), assert(j:get "a").task_id })
  end)

  it("that has gone on is unknown as any other when its lease runs out", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    a:rest()
    assert.is_true(a:go_on())
    journals.run_out "a"
    assert.same({ "unknown", "unknown" }, { state(j, "a"), assert(j:get "a").sent })
  end)

  it("that has gone on is not held to rest by a write that comes late", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    a:rest()
    local late = sql.rest("a", a.token, a.rested_at)
    assert.is_true(a:go_on())
    assert.equal(0, journals.sql { late }[1].changes)
    assert.is_nil(assert(j:get "a").sent)
    a:rest()                                  -- but again by its own
    assert.equal("no", assert(j:get "a").sent)
    a:ends(nil, {}, false)
  end)

  it("is neither let go of nor lost by who looked before it went on, or rested", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    local function changes(statements)
      local sum = 0
      for _, result in ipairs(journals.sql(statements)) do sum = sum + result.changes end
      return sum
    end
    journals.run_out "a"
    assert.equal(0, changes(sql.release("a", a.token, a.fence, 1, core.wall_ms())))
    a:rest()
    assert.equal(0, changes { sql.expire("a", a.token, a.fence, 1, core.wall_ms(), "no") })
    assert.equal(1, changes(sql.release("a", a.token, a.fence, 1, core.wall_ms())))
  end)

  it("that gives back what was queued leaves no word of a rest", function()
    local j = journals.open()
    assert(journal.enqueue(j, journals.intent "a", '{"output":"a.mp4"}', journal.moment()))
    local a = assert(begin(j, "a"))
    a:rest()
    a:ends(nil, {}, false)
    local e = assert(j:get "a")
    assert.same({ "queued" }, { e.state, e.sent })
  end)

  it("was queued, and is so again, where it rested when its lease ran out", function()
    local j = journals.open()
    local intent = journals.intent "a"
    assert(journal.enqueue(j, intent, '{"output":"a.mp4"}', journal.moment()))
    local a = assert(begin(j, "a"))
    a:rest()
    journals.run_out "a"
    local e = assert(j:get "a")
    assert.same({ "queued" }, { e.state, e.sent })
    assert(begin(j, "a")):ends(nil, {}, false)
    assert.equal("queued", state(j, "a"))
  end)

  it("does not go on where that cannot be written, and may have gone on where its rest could not be", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    a:rest()
    local function full() return nil, errors.new { kind = "io", code = "full", message = "the disk is full" } end
    local mend = journals.write_by(j, full)
    local ok, err = a:go_on()
    mend()
    assert.same({ nil, "full" }, { ok, err.code })
    assert.equal("no", assert(j:get "a").sent)
    local b = assert(begin(j, "b"))
    mend = journals.write_by(j, full)
    b:rest()
    mend()
    assert.is_true(b:go_on())
    assert.is_nil(assert(j:get "b").sent)
  end)

  it("but an id that it really got is never thrown away", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    journals.run_out "a"
    assert.equal("unknown", state(j, "a"))
    a:ends(task "t1", {}, false)
    local e = assert(j:get "a")
    assert.same({ "submitted", "t1" }, { e.state, e.task_id })
  end)

  it("whose key was given to another meanwhile keeps its id in an entry of its own", function()
    for name, how in pairs { resubmit = { resubmit = true }, failed = { failed = "given up" },
      other = { task_id = "t0" } } do
      local j = journals.open(name .. ".db")
      local a = assert(begin(j, "a"))
      journals.run_out("a", name .. ".db")
      assert(j:settle("a", how))
      a:ends(task "t1", {}, false)
      local late = {}
      for _, e in ipairs(assert(j:entries())) do
        if e.key ~= "a" then late[#late + 1] = e end
      end
      assert.equal(1, #late, name)
      assert.same({ "submitted", "t1" }, { late[1].state, late[1].task_id })
      assert.truthy(late[1].key:find("^a %(late, "))
      assert.are_not.equal("t1", assert(j:get "a").task_id)
    end
  end)

  it("that was settled as the very task that then answered leaves one entry", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    journals.run_out "a"
    assert(j:settle("a", { task_id = "t1" }))
    a:ends(task "t1", {}, false)
    assert.equal(1, #assert(j:entries()))
  end)

  -- The answers to so many commits are lost; the first `made` of them are made all the same.
  local function losing(j, times, made)
    local nth = 0
    return journals.write_by(j, function(write)
      nth = nth + 1
      if nth > times then return write() end
      if nth <= made then assert(write()) end
      local err = errors.new { kind = "io", code = "lost", message = "the server is gone" }
      err.maybe = true
      return nil, err
    end)
  end

  it("gives the key back when memory fails behind its commit", function()
    local j, failed = journals.open(), false
    local mend = journals.write_by(j, function(write)
      local results, err = write()
      if not failed then
        failed = true
        error("not enough memory", 0)
      end
      return results, err
    end)
    local ok, raised = pcall(begin, j, "a")
    mend()
    assert.same({ false, "not enough memory" }, { ok, raised })
    assert.equal("not_found", select(2, j:get "a").kind)
  end)

  it("gives a key back that was to be submitted again", function()
    local j = journals.open()
    assert(begin(j, "a")):ends(nil, {}, true, errors.new { kind = "unknown_submit", message = "lost" })
    assert(j:settle("a", { resubmit = true }))
    local mend = losing(j, 2, 1)
    local a, row, err = begin(j, "a")
    mend()
    assert.same({ nil, nil, "lost" }, { a, row, err.code })
    assert.equal("not_found", select(2, j:get "a").kind)
  end)

  it("whose commit may have been made or not makes it once more", function()
    for key, made in pairs { a = 1, b = 0 } do
      local j = journals.open()
      local mend = losing(j, 1, made)
      assert(begin(j, key)):ends(task("t" .. key), {}, false)
      mend()
      assert.equal("submitted", state(j, key))
    end
  end)

  it("that is given up since no one knows gives the key back with the next write, and no last words", function()
    local j, leave, take_back, words = journals.open(), core.leave_word, core.take_back, 0
    losing(j, 3, 2)
    core.leave_word = function(...) words = words + 1 return leave(...) end
    core.take_back = function(...) words = words - 1 return take_back(...) end
    scheduler.freeze()
    local ok, raised = pcall(function()
      local a, row, err = begin(j, "a")
      assert.same({ nil, nil, "lost" }, { a, row, err.code })
      assert.same({ "submitting", 1 }, { state(j, "a"), words })
      local began = scheduler.now()
      assert(begin(j, "b"))
      assert(j:get "b")                       -- handed in before what is owed, and the next one behind it
      assert.equal("not_found", select(2, j:get "a").kind)
      assert.same({ 0, began }, { words, scheduler.now() })
    end)
    scheduler.thaw()
    core.leave_word, core.take_back = leave, take_back
    assert(ok, raised)
  end)

  -- Ends an attempt while its journal takes nothing in, and lets its lease run out; gives what mends that.
  local function owe(j, key, ...)
    local a, written = assert(begin(j, key)), false
    journals.run_out(key)
    local mend = journals.write_by(j, function(write)
      if not written then return nil, errors.new { kind = "io", code = "full", message = "the disk is full" } end
      return write()
    end)
    a:ends(...)
    return function() written = true end, mend
  end

  it("of which nothing came is not taken for unknown by the program that knows it, though it could not write it",
    function()
      local j = journals.open()
      local write, mend = owe(j, "a", nil, {}, false)
      write()
      assert.are_not.equal("unknown", (assert(j:entries())[1] or {}).state)
      assert.is_nil(journal.look(j, "a"))
      mend()
      assert.truthy(begin(j, "a"))
    end)

  it("is looked at with what this program has still to write of it, or not at all", function()
    local j = journals.open()
    local write, mend = owe(j, "a", task "t1", {}, false)
    local row, err = journal.look(j, "a")
    assert.same({ nil, "full" }, { row, err and err.code })
    assert.equal("submitting", state(j, "a"))
    write()
    row, err = journal.look(j, "a")
    mend()
    assert(row, err)
    assert.same({ "submitted", "t1" }, { row.state, row.task_id })
  end)

  it("is written down though who asked for that first was cancelled", function()
    local j = journals.open()
    local write, mend = owe(j, "a", task "t1", {}, false)
    write()
    local row, err = runway.run(function()
      local first = runway.spawn(journal.look, j, "a")
      runway.sleep(0)
      first:cancel()
      return journal.look(j, "a")
    end)
    mend()
    assert(row, err)
    assert.equal("t1", row.task_id)
  end)

  it("of a process that is gone need not run out", function()
    local j = journals.open()
    assert(begin(j, "a"))
    assert.equal("submitting", state(j, "a"))
    local gone = owner.me():gsub("%d+ %d+$", "999999999 1")
    journals.sql { { "UPDATE runway_shots SET owner = $1", gone } }
    assert.equal("unknown", state(j, "a"))
    assert(begin(j, "b"))
    journals.sql { "UPDATE runway_shots SET owner = 'elsewhere ' || owner WHERE key = 'b'" }
    assert.equal("submitting", state(j, "b"))
  end)

  it("is shown as it stands to who may not write, and is not to who might", function()
    local j = journals.open()
    assert(begin(j, "a"))
    journals.run_out "a"
    local code
    journals.write_by(j, function() return nil, errors.new { kind = "io", code = code, message = "no" } end)
    code = "readonly"
    assert.equal("submitting", assert(j:entries())[1].state)
    assert.equal(1, assert(j:totals()).states.submitting)
    assert.equal("submitting", state(j, "a"))
    code = "full"
    for _, name in ipairs { "entries", "totals" } do assert.equal("full", select(2, j[name](j)).code) end
    assert.equal("full", select(2, j:get "a").code)
  end)

  it("of a process that has ended, and that no one has taken note of, need not run out either", function()
    local pipe = assert(io.popen "sleep 0.1 & echo $$ $!; exec sleep 60") -- who takes note of nothing
    local parent, ended = pipe:read "*l":match "(%d+) (%d+)"
    local stat
    repeat
      runway.sleep(0.01)
      stat = assert(io.open(("/proc/%s/stat"):format(ended))):read "*l"
    until stat:find "%) Z "
    local number, start = 2, nil
    for word in stat:match "%) (.*)$":gmatch "[^ ]+" do
      number = number + 1
      if number == 22 then start = word end
    end
    local gone = owner.is_gone((owner.me():gsub("%d+ %d+$", ended .. " " .. start)))
    os.execute("kill " .. parent)
    pipe:close()
    assert.is_true(gone)
  end)

  it("renews its lease while it lasts, and is told when it has lost it", function()
    local j = journals.open()
    local lost = 0
    scheduler.freeze()
    local ok, err = pcall(function()
      local a = assert(begin(j, "a"))
      a.on_lost = function() lost = lost + 1 end
      journals.sql { "UPDATE runway_shots SET lease_until = 5000000000000" }
      scheduler.sleep(15)
      local row = assert(journal.look(j, "a"))
      assert.are_not.equal(5000000000000, row.lease_until)
      assert.equal(0, lost)
      journals.sql { "UPDATE runway_shots SET fence = fence + 1" }
      scheduler.sleep(60)
      assert.equal(1, lost)
      a:ends(task "t1", {}, false)
      assert.equal("t1", assert(j:get "a").task_id)
    end)
    scheduler.thaw()
    assert(ok, err)
  end)

  it("is written down before the journal closes", function()
    local j = journals.open()
    local a = assert(begin(j, "a"))
    runway.run(function()
      local closing = runway.spawn(j.close, j)
      runway.sleep(0.05)
      assert.is_false(closing:done())
      a:ends(task "t1", {}, false)
      closing:join()
    end)
    assert.equal("t1", assert(journals.open():get "a").task_id)
  end)
end)
