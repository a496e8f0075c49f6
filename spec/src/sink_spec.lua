-- A download is at its final name whole or not at all, and nothing else is touched on the way.

local child = require "spec.support.child"
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

describe("a body that goes to a file", function()
  local server, here, directory, ending

  setup(function()
    server = rawserver.start()
    here = scratch.new()
    directory = here.directory
    -- ".part", or where there are no extended attributes the name that says whose it is.
    local id = exchange.start { url = server:url "/stall-mid-body", save = { path = directory .. "/x" } }
    exchange.until_received(id, 500)
    ending = io.popen("ls '" .. directory .. "'"):read("l"):match "^x(.*)$"
    assert(ending == ".part" or ending == ".runway.part")
    core.cancel(id)
    exchange.finish(id)
  end)
  teardown(function()
    server:stop()
    here:remove()
  end)

  local target, part
  local count = 0
  before_each(function()
    count = count + 1
    target = ("%s/clip %d.mp4"):format(directory, count)
    part = target .. ending
  end)

  local content = scratch.read

  local function write(path, bytes)
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
  end

  local function shell(command)
    local names = { target = "'" .. target .. "'", part = "'" .. part .. "'" }
    assert(os.execute((command:gsub("@(%w+)", names))))
  end

  local function start(path, options)
    local save = { path = target }
    for name, value in pairs(options or {}) do save[name] = value end
    return exchange.start { url = server:url(path .. "?" .. count), save = save }
  end

  local function download(path, options)
    return exchange.finish(start(path, options))
  end

  local function seen()
    local requests = 0
    for _, request in ipairs(server:log().requests) do
      if request.target:match("?(%d+)$") == tostring(count) then requests = requests + 1 end
    end
    return requests
  end

  -- Refused by what is on the disk, before the server was asked.
  local function assert_refused(code, options)
    local result = download("/body/1000", options)
    assert.is_table(result.error, "not refused")
    assert.equal("io", result.error.kind)
    if code then assert.equal(code, result.error.code) end
    assert.is_true(result.error.permanent)
    assert.is_false(result.sent)
    assert.equal(0, seen())
    return result.error
  end

  it("is there whole, and in no one's memory", function()
    local result = download "/body/5000000"
    assert.is_nil(result.error)
    assert.equal(200, result.status)
    assert.equal(5000000, result.bytes)
    assert.equal("", result.body)
    assert.is_true(content(target) == rawserver.pattern(5000000))
    assert.is_nil(content(part))
  end)

  it("may be as long as max_bytes, and not a byte longer", function()
    assert.is_nil(download("/body/1000", { max_bytes = 1000 }).error)
    assert.equal(1000, #content(target))
    for _, path in ipairs { "/body/1001", "/chunked-forever" } do
      target = target .. "-"
      local result = download(path, { max_bytes = 1000 })
      assert.equal("limit", result.error.kind)
      assert.equal("too_large", result.error.code)
      assert.is_nil(content(target))
      assert.is_nil(content(target .. ".part"))
    end
  end)

  it("is refused at once when its length is known to be larger than max_bytes", function()
    local result = download("/stall-mid-body", { max_bytes = 600 })
    assert.equal("limit", result.error.kind)
    assert.equal("too_large", result.error.code)
    assert.is_nil(content(target))
  end)

  it("has progress while it comes, and a .part that becomes nothing when cancelled", function()
    local id = start "/stall-mid-body"
    exchange.until_received(id, 500)
    local received, total = core.progress(id)
    assert.same({ 500, 1000 }, { received, total })
    assert.equal("integer", math.type(received))
    assert.is_string(content(part))
    assert.is_nil(content(target))
    core.cancel(id)
    local result = exchange.finish(id)
    assert.equal("cancelled", result.error.kind)
    assert.is_nil(content(part))
    assert.is_nil(content(target))
  end)

  it("leaves nothing behind when it breaks off", function()
    for _, path in ipairs { "/short-body", "/chunk-cut", "/reset-mid-body", "/bad-chunk",
                            "/header-cut" } do
      local result = download(path)
      assert.is_table(result.error, path .. " was taken for a whole answer")
      assert.is_nil(content(target))
      assert.is_nil(content(part))
    end
  end)

  it("is an error when it is empty", function()
    for _, path in ipairs { "/empty", "/status/204" } do
      local result = download(path)
      assert.is_nil(content(target), path)
      assert.is_nil(content(part), path)
      if result.status == 200 then assert.equal("protocol", result.error.kind) end
    end
  end)

  it("is an error when it is a page to read instead", function()
    local result = download "/page"
    assert.equal("protocol", result.error.kind)
    assert.is_nil(content(target))
    assert.is_nil(content(part))
  end)

  it("is a file only for a 200; any other answer can be read", function()
    for _, status in ipairs { 206, 302, 403, 404, 410, 500 } do
      local path = status == 206 and "/206" or ("/status/%d"):format(status)
      local result = exchange.run {
        url = server:url(path .. "?body=sorry&location=/x"), save = { path = target },
      }
      assert.is_nil(result.error)
      assert.equal(status, result.status)
      assert.equal(status == 206 and "ru" or "sorry", result.body)
      assert.is_nil(content(target))
      assert.is_nil(content(part))
    end
  end)

  it("keeps an error page no longer than the cap of a body in memory", function()
    local result = exchange.run {
      url = server:url "/body/5000?status=500", save = { path = target }, max_body_bytes = 1000,
    }
    assert.equal("limit", result.error.kind)
    assert.is_true(#result.body <= 1000)
  end)

  describe("where a file is already", function()
    it("does not touch it, and does not ask the server", function()
      write(target, "precious")
      assert_refused "exists"
      assert.equal("precious", content(target))
    end)

    it("replaces it when told to, and only with a whole one", function()
      write(target, "old")
      assert.is_table(download("/short-body", { overwrite = true }).error)
      assert.equal("old", content(target))
      assert.is_nil(download("/body/1000", { overwrite = true }).error)
      assert.equal(rawserver.pattern(1000), content(target))
    end)

    it("does not replace one that came while it was loading", function()
      local id = start "/held-body"
      exchange.until_received(id, 500)
      write(target, "precious")
      server:release()
      local result = exchange.finish(id)
      assert.equal("io", result.error.kind)
      assert.equal("exists", result.error.code)
      assert.equal("precious", content(target))
      assert.is_nil(content(part))
    end)
  end)

  describe("where something else is", function()
    for what, command in pairs {
      ["a directory"] = "mkdir @target",
      ["a link to nothing"] = "ln -s /nowhere/at/all @target",
      ["a link to a file"] = "touch @target.real && ln -s @target.real @target",
      ["a pipe"] = "mkfifo @target",
    } do
      it("refuses " .. what .. ", even to overwrite it", function()
        shell(command)
        assert_refused(nil, { overwrite = false })
        assert_refused(nil, { overwrite = true })
      end)
    end

    for what, command in pairs {
      ["a directory"] = "mkdir @part",
      ["a link to nothing"] = "ln -s @target.far @part",
      ["a link to a file"] = "echo precious >@target.real && ln -s @target.real @part",
      ["a second name of a file"] = "echo precious >@target.real && ln @target.real @part",
      ["a pipe"] = "mkfifo @part",
    } do
      it("refuses " .. what .. " in the place of the .part", function()
        shell(command)
        assert_refused()
        assert.is_nil(content(target))
        assert.is_nil(content(target .. ".far"))
        assert.is_true((content(target .. ".real") or "precious\n") == "precious\n")
        shell("test -e @part -o -L @part")
      end)
    end

    it("refuses a directory that is not there, and a name that is too long", function()
      assert_refused(nil, { path = directory .. "/no/such/place.mp4" })
      assert_refused(nil, { path = directory .. "/" .. ("x"):rep(300) })
    end)

    it("refuses an empty name", function()
      assert_refused(nil, { path = "" })
      assert.is_nil(content ".part")
    end)

    it("refuses a name with a NUL in it", function()
      local request = { method = "GET", url = server:url "/ok", save = { path = target .. "\0x" } }
      local raised, id = pcall(core.start, request)
      assert.is_true(not raised or id == nil)
      assert.is_nil(content(target))
    end)
  end)

  it("leaves the old file readable until the new one is whole", function()
    write(target, "old")
    local id = start("/held-body", { overwrite = true })
    exchange.until_received(id, 500)
    assert.equal("old", content(target))
    server:release()
    assert.is_nil(exchange.finish(id).error)
    assert.equal(("x"):rep(1000), content(target))
  end)

  it("does not follow a link that took the place of the target meanwhile", function()
    write(target, "old")
    local id = start("/held-body", { overwrite = true })
    exchange.until_received(id, 500)
    shell "mv @target @target.moved && ln -s @target.moved @target"
    server:release()
    assert.equal("io", exchange.finish(id).error.kind)
    assert.equal("old", content(target .. ".moved"))
    assert.is_nil(content(part))
  end)

  describe("by way of the .part", function()
    it("is written by one at a time", function()
      local id = start "/stall-mid-body"
      exchange.until_received(id, 500)
      local result = exchange.run { url = server:url "/ok?second", save = { path = target } }
      assert.equal("io", result.error.kind)
      assert.equal("locked", result.error.code)
      assert.is_false(result.sent)
      assert.equal(0, #server:seen "/ok?second")
      assert.equal(("x"):rep(500), content(part))
      core.cancel(id)
      exchange.finish(id)
    end)

    -- A run that is killed after 500 bytes of 1000.
    local function crash()
      local _, code = child.run([[
        local exchange = require "spec.support.exchange"
        local url, path = ...
        exchange.until_received(exchange.start { url = url, save = { path = path } }, 500)
        os.execute "kill -9 $PPID"
      ]], { arguments = { server:url "/stall-mid-body", target } })
      assert.equal(128 + 9, code)
      assert.equal(("x"):rep(500), content(part))
    end

    it("takes over one that a crash has left", function()
      crash()
      assert.is_nil(download("/body/400").error)
      assert.equal(rawserver.pattern(400), content(target))
      assert.is_nil(content(part))
    end)

    it("leaves what a crash has left as it is until there is something better", function()
      crash()
      assert.is_true(core.target(target))
      assert.is_table(download("/reset-after-request").error)
      assert.equal(("x"):rep(500), content(part))
      assert.is_table(download("/short-body").error)
      assert.is_nil(content(part))
    end)

    it("leaves what a crash has left to the user whose it is", function()
      crash()
      if not os.execute "test $(id -u) -eq 0" then return pending "only root can give a file away" end
      shell "chown 65534 @part"
      assert.is_nil(download("/body/1000").error)
      assert.equal(rawserver.pattern(1000), content(target))
      assert.equal(("x"):rep(500), content(part))
    end)

    it("neither empties nor removes one that is another's", function()
      for _, bytes in ipairs { "precious", "" } do
        write(target .. ".part", bytes)
        for _, path in ipairs { "/short-body", "/body/1000" } do
          download(path, { overwrite = true })
          assert.equal(bytes, content(target .. ".part"))
          assert.is_nil(content(target .. ".runway.part"))
        end
        assert.equal(rawserver.pattern(1000), content(target))
      end
    end)

    it("is written by one at a time also beside another's", function()
      write(target .. ".part", "precious")
      local id = start "/stall-mid-body"
      exchange.until_received(id, 500)
      assert.equal("locked", download("/body/1000").error.code)
      assert.equal(("x"):rep(500), content(target .. ".runway.part"))
      core.cancel(id)
      exchange.finish(id)
      assert.is_nil(content(target .. ".runway.part"))
      assert.equal("precious", content(target .. ".part"))
    end)

    it("does not take a film of ours for a .part of ours", function()
      assert.is_nil(download("/body/1000", { path = target .. ".part" }).error)
      assert.is_nil(download("/body/2000").error)
      assert.equal(rawserver.pattern(1000), content(target .. ".part"))
      assert.equal(rawserver.pattern(2000), content(target))
    end)

    for what, command in pairs {
      ["taken away"] = "rm @part",
      ["moved"] = "mv @part @target.moved",
      ["replaced"] = "rm @part && echo other >@part",
      ["turned into a link"] = "mv @part @target.moved && ln -s @target.moved @part",
    } do
      it("notices when it was " .. what .. " meanwhile", function()
        local id = start "/held-body"
        exchange.until_received(id, 500)
        shell(command)
        server:release()
        local result = exchange.finish(id)
        assert.is_table(result.error, "a file that is not there was called done")
        assert.equal("io", result.error.kind)
        assert.is_nil(content(target))
        if what == "replaced" then assert.equal("other\n", content(part)) end
      end)
    end
  end)
end)
