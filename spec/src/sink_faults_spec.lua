-- A file system that lacks what others have still gets its file; one that fails leaves no file that
-- claims to be whole. spec/support/faults.c stands in for them.

local child = require "spec.support.child"
local exchange = require "spec.support.exchange"
local faulty = require "spec.support.faults"
local rawserver = require "spec.support.rawserver"
local scratch = require "spec.support.scratch"

-- What every program below begins with; its arguments are the server, the directory, and its own.
local PREAMBLE = [[
local core = require "runway.core"
local exchange = require "spec.support.exchange"
local url, directory = ...
local target = directory .. "/clip.mp4"
local function content(path)
  local file = io.open(path, "rb")
  return file and file:read "a", file and file:close()
end
local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes):close()
end
local function start(path, overwrite)
  return exchange.start { url = url .. path, save = { path = target, overwrite = overwrite } }
end
local function say(id)
  local e = exchange.finish(id).error
  print(e and ("%s %s %s"):format(e.kind, e.code, e.permanent and "for good" or "for now") or "done")
end
local function get(...) say(start(...)) end
]]

describe("a download onto a file system", function()
  local server, here, library

  setup(function()
    server = rawserver.start()
    library = faulty.new()
  end)
  teardown(function()
    server:stop()
    library:remove()
  end)
  before_each(function() here = scratch.new() end)
  after_each(function() here:remove() end)

  -- Runs a program on such a file system: what it says, line by line.
  local function run(faults, code, status, under)
    local output, exit = child.run(PREAMBLE .. code, {
      before = library:before(faults, under or here.directory), arguments = { server:url "", here.directory },
    })
    assert.equal(status or 0, exit, output)
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
    return lines
  end

  local FILM = rawserver.pattern(1000)
  local ALL = "flock=ENOSYS renameat2=EINVAL link=EPERM fsync=EINVAL fsetxattr=ENOTSUP fgetxattr=ENOTSUP"

  local KINDS = { -- what it lacks; whether what a crash left can be taken over
    { "locks (ENOSYS)", "flock=ENOSYS", false },
    { "locks (ENOTSUP)", "flock=ENOTSUP", false },
    { "locks (EINVAL)", "flock=EINVAL", false },
    { "locks (ENOLCK)", "flock=ENOLCK", false },
    { "a rename that spares (EINVAL)", "renameat2=EINVAL", true },
    { "a rename that spares (ENOSYS)", "renameat2=ENOSYS", true },
    { "a rename that spares (ENOTSUP)", "renameat2=ENOTSUP", true },
    { "that and hard links (EPERM)", "renameat2=EINVAL link=EPERM", true },
    { "that and hard links (ENOTSUP)", "renameat2=ENOTSUP link=ENOTSUP", true },
    { "that and hard links (ENOSYS)", "renameat2=ENOSYS link=ENOSYS", true },
    { "fsync (EINVAL)", "fsync=EINVAL", true },
    { "fsync (ENOTSUP)", "fsync=ENOTSUP", true },
    { "fsync (EROFS)", "fsync=EROFS", true },
    { "numbers that last", "stat=NUMBER", false },
    { "a count of names", "stat=COUNT", true },
    { "attributes", "fsetxattr=ENOTSUP fgetxattr=ENOTSUP", true },
    { "all of these", ALL, false },
  }

  for _, kind in ipairs(KINDS) do
    local lacking, faults, takes_over = kind[1], kind[2], kind[3]
    describe("without " .. lacking, function()
      it("is there whole, and replaces only what it may", function()
        local lines = run(faults, [[
          get "/body/1000"
          get "/body/2000"
          get("/short-body", true)
          get("/body/1000", true)
        ]])
        assert.same({ "done", "io exists for good", "network closed for now", "done" }, lines)
        assert.equal(FILM, here:content "clip.mp4")
        assert.same({ "clip.mp4" }, here:names())
      end)

      it("does not replace what came while it was loading", function()
        for _, command in ipairs { "echo precious >clip.mp4", "ln -s nowhere clip.mp4" } do
          local lines = run(faults, ([[
            local id = start "/held-body"
            exchange.until_received(id, 500)
            os.execute("cd '" .. directory .. "' && %s")
            exchange.run { url = url .. "/_release" }
            say(id)
          ]]):format(command))
          assert.same({ "io exists for good" }, lines)
          assert.same({ "clip.mp4" }, here:names())
          assert.equal(command:find "echo" and "precious\n" or nil, here:content "clip.mp4")
          os.remove(here:path "clip.mp4")
        end
      end)

      it("leaves another's .part alone", function()
        here:write("clip.mp4.part", "precious")
        assert.same({ "network closed for now", "done" }, run(faults, [[ get "/short-body" get "/body/1000" ]]))
        assert.equal(FILM, here:content "clip.mp4")
        assert.equal("precious", here:content "clip.mp4.part")
        assert.same({ "clip.mp4", "clip.mp4.part" }, here:names())
      end)

      it(takes_over and "takes over what a crash has left" or "leaves what may be another's", function()
        run(faults, [[
          exchange.until_received(start "/stall-mid-body", 500)
          os.execute "kill -9 $PPID"
        ]], 128 + 9)
        assert.equal(1, #here:names())
        assert.same({ "done" }, run(faults, [[ get "/body/400" ]]))
        assert.equal(FILM:sub(1, 400), here:content "clip.mp4")
        assert.equal(takes_over and 1 or 2, #here:names())
      end)
    end)
  end

  it("has a file for each of two at once, where nothing can be locked", function()
    local lines = run("flock=ENOLCK", [[
      local first = start "/held-body"
      exchange.until_received(first, 500)
      get "/body/1000"
      exchange.run { url = url .. "/_release" }
      say(first)
    ]])
    assert.same({ "done", "io exists for good" }, lines)
    assert.equal(FILM, here:content "clip.mp4")
    assert.same({ "clip.mp4" }, here:names())
  end)

  it("is no file when a close says that bytes were lost, whichever close it is", function()
    for _, err in ipairs { "EIO", "ENOSPC", "EDQUOT" } do
      for _, which in ipairs { "", "@1", "@2", "@3" } do
        local line = run(("close=%s%s"):format(err, which), [[ get "/body/1000" ]])[1]
        if line == "done" then
          assert.same({ "clip.mp4" }, here:names())
          assert.equal(FILM, here:content "clip.mp4")
          os.remove(here:path "clip.mp4")
        else
          assert.equal(err == "EIO" and "io file for good" or "io disk_full for good", line)
          assert.same({}, here:names())
        end
        if which == "" then assert.not_equal("done", line) end
      end
    end
  end)

  it("leaves the old file when a close fails", function()
    here:write("clip.mp4", "old")
    assert.same({ "io file for good" }, run("close=EIO", [[ get("/body/1000", true) ]]))
    assert.equal("old", here:content "clip.mp4")
    assert.same({ "clip.mp4" }, here:names())
  end)

  it("is no file when it cannot be synced or renamed", function()
    for _, faults in ipairs { "fsync=EIO", "fsync=ENOSPC", "renameat2=EIO link=EIO rename=EIO" } do
      local line = run(faults, [[ get "/body/1000" ]])[1]
      assert.equal(faults:find "ENOSPC" and "io disk_full for good" or "io file for good", line)
      assert.same({}, here:names())
    end
  end)

  it("that is given its name when it is whole gets none before it is synced", function()
    local said = run("fsync=EIO", [[
      write(directory .. "/whole", "film")
      say(assert(core.place(target, false, directory .. "/whole")))
      print((content(directory .. "/whole")), (content(target)))
    ]])
    assert.same({ "io file for good", "film\tnil" }, said)
  end)

  it("is a file when only the answer to the last step was lost", function()
    for _, faults in ipairs { "renameat2=EINVAL link=EEXIST!", "renameat2=ENOENT!",
      "renameat2=EINVAL link=EPERM rename=ENOENT!" } do
      assert.same({ "done" }, run(faults, [[ get "/body/1000" ]]))
      assert.equal(FILM, here:content "clip.mp4")
      assert.same({ "clip.mp4" }, here:names())
      os.remove(here:path "clip.mp4")
    end
    here:write("clip.mp4", "old")
    assert.same({ "done" }, run("rename=ENOENT!", [[ get("/body/1000", true) ]]))
    assert.equal(FILM, here:content "clip.mp4")
    assert.same({ "clip.mp4" }, here:names())
  end)

  it("waits its turn when no descriptor is left", function()
    for _, err in ipairs { "EMFILE", "ENFILE" } do
      for _, there in ipairs { false, true } do
        if there then here:write("clip.mp4.part", "precious") end
        -- With a file there, the second open is the one that looks at it.
        assert.same({ "io descriptors for now", "done" },
          run(("open=%s@%d"):format(err, there and 2 or 1), [[ get "/body/1000" get "/body/1000" ]]))
        assert.equal(FILM, here:content "clip.mp4")
        os.remove(here:path "clip.mp4")
        os.remove(here:path "clip.mp4.part")
      end
    end
  end)

  it("has its file though no descriptor is left for its directory", function()
    assert.same({ "done" }, run("opendir=EMFILE", [[ get "/body/1000" ]]))
    assert.equal(FILM, here:content "clip.mp4")
  end)

  it("passes over a .part that may not be opened", function()
    here:write("clip.mp4.part", "precious")
    assert.same({ "done" }, run("open=EACCES@2", [[ get "/body/1000" ]]))
    assert.equal("precious", here:content "clip.mp4.part")
    assert.equal(FILM, here:content "clip.mp4")
  end)

  it("says so when no name for a .part is short enough, or free", function()
    assert.same({ "io file for good" }, run("open=ENAMETOOLONG", [[ get "/body/1000" ]]))
    for n = 0, 99 do
      here:write("clip.mp4" .. (n > 0 and ".runway" or "") .. (n > 1 and "-" .. n or "") .. ".part", "precious")
    end
    assert.same({ "io locked for good" }, run("", [[ get "/body/1000" ]]))
    assert.equal(100, #here:names())
    assert.is_nil(here:content "clip.mp4")
  end)

  it("keeps its file when what a crash has left there cannot be emptied", function()
    run("", [[
      exchange.until_received(start "/stall-mid-body", 500)
      os.execute "kill -9 $PPID"
    ]], 128 + 9)
    assert.same({ "io file for good" }, run("ftruncate=EIO", [[ get "/body/1000" ]]))
    assert.is_nil(here:content "clip.mp4")
  end)

  it("that is full is seen to be before anything is paid for, though it still makes files", function()
    for _, err in ipairs { "ENOSPC", "EDQUOT", "EIO" } do
      local lines = run("write=" .. err, [[
        say(core.try(target, false))
        print(core.target(target, false))
        write(target, "old")
        say(core.try(target, true))
      ]])
      local code = err == "EIO" and "file" or "disk_full"
      assert.equal(("io %s for good"):format(code), lines[1])
      assert.matches("^nil%s+cannot write the .part file: ", lines[2])
      assert.equal(lines[1], lines[3])
      assert.equal("old", here:content "clip.mp4")
      assert.same({ "clip.mp4" }, here:names())
      os.remove(here:path "clip.mp4")
    end
  end)

  it("is looked at without touching what a crash has left there", function()
    run("", [[
      exchange.until_received(start "/stall-mid-body", 500)
      os.execute "kill -9 $PPID"
    ]], 128 + 9)
    local left = here:names()[1]
    local bytes = here:content(left)
    assert.is_true(#bytes > 0)
    assert.same({ "done" }, run("", [[ say(core.try(target, false)) ]]))
    assert.equal(bytes, here:content(left))
  end)

  describe("of which a part is there already", function()
    local SIZE, HAVE = 100000, 60000
    local FROM = ("bytes=%d-"):format(HAVE - 1024)
    local film = rawserver.film_bytes(1, SIZE)
    local GO_ON = [[
      local function start_film(name)
        return exchange.start { url = url .. "/film/" .. name,
          save = { path = target, source = "abc", only_media = true } }
      end
      local function go_on(name)
        local result = exchange.finish(start_film(name))
        local e = result.error
        print(e and ("%s %s, %d kept"):format(e.kind, e.code, result.kept or 0) or "done")
      end
    ]]
    local name, marks
    local count = 0

    local function attempt(faults, under)
      return run(faults, GO_ON .. ("go_on %q"):format(name), nil, under)[1]
    end

    -- A film of which a part comes before the connection goes.
    local function begin(steps)
      count = count + 1
      name = "film" .. count
      server:film(name, { size = SIZE, steps = steps or { "cut:" .. HAVE } })
      return attempt ""
    end

    -- The range that was asked for last; nil: there was none.
    local function asked()
      local list = server:seen("/film/" .. name)
      return list[#list].headers.range
    end

    setup(function()
      here = scratch.new()
      marks = begin() == "network closed, 60000 kept"
      here:remove()
    end)

    local function resumes(what, fn)
      it(what, function()
        if not marks then return pending "no extended attributes here" end
        begin()
        fn()
        assert.is_true(here:content "clip.mp4" == film)
      end)
    end

    for fault, told in pairs {
      ["write=ENOSPC"] = "disk_full, 60000", ["write=EDQUOT"] = "disk_full, 60000",
      ["statvfs=FULL"] = "disk_full, 60000", ["ftruncate=EIO"] = "file, 60000", ["lseek=EIO@2"] = "file, 60000",
      ["fsync=EIO"] = "file, 0",
    } do
      local keeps = told:find "60000" ~= nil
      resumes(("%s it when the disk says %s"):format(keeps and "keeps" or "keeps nothing of", fault), function()
        assert.equal(("io %s kept"):format(told), attempt(fault))
        assert.equal("done", attempt "")
        assert.equal(keeps and FROM or nil, asked())
      end)
    end

    it("finds room for the whole of it before the first byte", function()
      server:film("roomy", { size = SIZE })
      name = "roomy"
      assert.equal("io disk_full, 0 kept", attempt "statvfs=FULL")
      assert.same({}, here:names())
    end)

    for _, lacking in ipairs { "fsetxattr=ENOTSUP fgetxattr=ENOTSUP", "flock=ENOSYS" } do
      resumes("begins anew without " .. lacking, function()
        assert.equal("done", attempt(lacking))
        assert.is_nil(asked())
      end)
    end

    it("takes nothing of a part that was not asked for, however long", function()
      if not marks then return pending "no extended attributes here" end
      begin { "cut:" .. HAVE, "start:100" }
      local result = exchange.run { url = server:url("/film/" .. name), max_body_bytes = 1000,
        save = { path = here:path "clip.mp4", source = "abc", only_media = true } }
      assert.same({ "protocol", "changed", false }, { result.error.kind, result.error.code, result.error.permanent })
      assert.equal(FROM, asked())
    end)

    describe("when the machine has gone down since", function()
      local BOOT = "/proc/sys/kernel/random"   -- where no name of this time is found, it is another

      resumes("goes on from what was synced", function()
        assert.equal("done", attempt("open=ENOENT", BOOT))
        assert.equal(FROM, asked())
      end)

      for word, before in pairs { ["was named then"] = "", ["was named neither then nor now"] = "open=ENOENT" } do
        resumes("begins anew when nothing was, and its time " .. word, function()
          os.execute(("rm -f '%s'/*"):format(here.directory))
          name = name .. "-killed"
          server:film(name, { size = SIZE, steps = { "hang:" .. HAVE } })
          run(before, GO_ON .. ("exchange.until_received(start_film %q, %d)"):format(name, HAVE)
            .. [[ os.execute "kill -9 $PPID" ]], 128 + 9, BOOT)
          assert.equal(HAVE, #here:content(here:names()[1]))
          assert.equal("done", attempt("open=ENOENT", BOOT))
          assert.is_nil(asked())
        end)
      end
    end)
  end)
end)
