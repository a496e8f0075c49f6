-- A release, made in a repository that is thrown away.

local lua = require "spec.support.interpreter"
local scratch = require "spec.support.scratch"

local URL = "https://x.test/runway-9.8.7.tar.gz"

describe("make release", function()
  local here, tree

  -- What a command in the repository says, and its exit code.
  local function shell(command)
    local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo \"exit $?\""):format(tree, command)))
    local said, code = pipe:read("a"):match "^(.*)exit (%d+)\n$"
    pipe:close()
    return said, tonumber(code)
  end

  local function done(command)
    local said, code = shell(command)
    assert(code == 0, said)
    return said
  end

  local function release(words) return shell("make -s release LUA=" .. lua .. " " .. words) end

  setup(function()
    here = scratch.new()
    tree = here:path "tree"
    -- As the tree is now, without what was built.
    assert(os.execute("mkdir '" .. tree .. "'"))
    assert(os.execute("tar -cf - --exclude=./build --exclude=./out --exclude=./.git . | tar -xf - -C '" .. tree .. "'"))
    done "git init -q && git config user.name x && git config user.email x@x.test && git config commit.gpgsign false"
    done "git config tag.gpgsign false && git add -A && git commit -q -m begun"
  end)

  teardown(function() here:remove() end)

  it("is refused where the source lies in no git, or in another project's", function()
    done "mv .git ../kept"
    for _, before in ipairs { "true", "git init -q .." } do
      done(before)
      local said, code = release("VERSION=9.8.7 URL=" .. URL)
      assert.matches("^runway: a release is made in a git clone of runway; [^\n]* is none\n", said)
      assert.not_equal(0, code)
    end
    done "rm -rf ../.git && mv ../kept .git"
  end)

  it("refuses what is no version, what the changelog does not tell of, and what is not committed", function()
    local before = done "git rev-parse HEAD"
    for words, why in pairs {
      [""] = "a version is three numbers",
      ["VERSION=9.8 URL=" .. URL] = "a version is three numbers",
      ["VERSION=09.8.7 URL=" .. URL] = "a version is three numbers",
      ["VERSION=v9.8.7 URL=" .. URL] = "without its v, which the tag gets: make release VERSION=9.8.7",
      ["VERSION=9.8.7 URL=" .. URL] = 'CHANGELOG.md has no section "## 9.8.7"',
      ["VERSION=9.8.7"] = "say where the archive will lie",
      ["VERSION=\"9.8.7'\""] = "a version is three numbers",
      ["VERSION=9.8.7 URL='https://x.test/a\"b.tar.gz'"] = 'URL=https://x.test/a"b.tar.gz: it is an address',
      ['VERSION=9.8.7 URL="https://x.test/a\'b.tar.gz"'] = "URL=https://x.test/a'b.tar.gz: it is an address",
      ["VERSION=9.8.7 URL=https://x.test/runway.zip"] = "ends in .tar.gz",
      ["VERSION=9.8.7 URL=runway.tar.gz"] = "it is an address",
    } do
      local said, code = release(words)
      assert.truthy(said:find(why, 1, true), said)
      assert.not_equal(0, code)
    end
    done "echo '## 9.8.7' >>CHANGELOG.md"
    local said, code = release("VERSION=9.8.7 URL=" .. URL)
    assert.truthy(said:find("changes that are not committed", 1, true), said)
    assert.not_equal(0, code)
    assert.equal(before, done "git rev-parse HEAD")
    assert.equal("", done "git tag")
    done "git checkout -q CHANGELOG.md"
  end)

  describe("of a tree that is ready", function()
    local said

    setup(function()
      done "echo '## 9.8.7' >>CHANGELOG.md && git commit -q -a -m ready"
      local code
      said, code = release("VERSION=9.8.7 URL=" .. URL)
      assert(code == 0, said)
    end)

    it("sets the version in its one place, from which all others have it, and tags that", function()
      assert.equal("src/runway.h\n", done "git diff --name-only HEAD~1")
      assert.equal(done "git rev-parse HEAD", done "git rev-parse v9.8.7^{commit}")
      assert.equal("", done "git status --porcelain")
      assert.equal('#define RUNWAY_VERSION "9.8.7"\n', done "grep RUNWAY_VERSION src/runway.h")
      local version = assert(io.open "src/runway.h"):read("a"):match 'RUNWAY_VERSION "([^"]*)"'
      assert.equal("runway " .. version, require("runway")._VERSION)
      assert.equal("", (shell("grep -rnF '" .. version .. "' src lua bin types rockspec docs")))
    end)

    it("writes the archive, a rockspec for each rock, and sums that are right", function()
      local names = done "cd build/release/9.8.7 && ls"
      assert.equal("SHA256SUMS\nrunway-9.8.7-1.rockspec\nrunway-9.8.7.tar.gz\nrunway-postgresql-9.8.7-1.rockspec\n"
        .. "runway-server-9.8.7-1.rockspec\nrunway-sqlite-9.8.7-1.rockspec\n", names)
      assert.equal(names, (said:gsub("written: build/release/9%.8%.7/", ""):gsub("It is committed .*$", "")))
      done "cd build/release/9.8.7 && sha256sum --strict -c SHA256SUMS"
      assert.truthy(done("cat build/release/9.8.7/runway-9.8.7-1.rockspec"):find(URL, 1, true))
      assert.equal('#define RUNWAY_VERSION "9.8.7"\n',
        done "tar -xzOf build/release/9.8.7/runway-9.8.7.tar.gz runway-9.8.7/src/runway.h | grep RUNWAY_VERSION")
    end)

    it("says what is left to do, in the order in which it is done", function()
      local steps, last = {}, said:match "It is committed and tagged v9.8.7, and nothing has left this machine.*"
      for line in last:gmatch "\n  ([^\n]*)" do
        steps[#steps + 1] = line
      end
      local to = "build/release/9.8.7/"
      assert.same({ "git push --follow-tags",
        "put " .. to .. "runway-9.8.7.tar.gz and SHA256SUMS where the rockspecs say: " .. URL,
        "luarocks upload " .. to .. "runway-9.8.7-1.rockspec",
        "luarocks upload " .. to .. "runway-postgresql-9.8.7-1.rockspec",
        "luarocks upload " .. to .. "runway-server-9.8.7-1.rockspec",
        "luarocks upload " .. to .. "runway-sqlite-9.8.7-1.rockspec" }, steps)
    end)

    it("gives the same bytes to whoever makes them from the tag", function()
      done("git clone -q . ../again && cd ../again && TZ=Asia/Tokyo LUA=" .. lua
        .. " tools/release.sh files 9.8.7 " .. URL)
      done "diff -r build/release/9.8.7 ../again/build/release/9.8.7"
    end)

    it("refuses a tag that is there", function()
      local refused, code = release("VERSION=9.8.7 URL=" .. URL)
      assert.truthy(refused:find("there is a tag v9.8.7 already", 1, true), refused)
      assert.not_equal(0, code)
    end)

    it("knows where the usual hosts keep what was released", function()
      for origin, base in pairs {
        ["https://host.test/me/runway.git"] = "https://host.test/me/runway",
        ["git@host.test:me/runway.git"] = "https://host.test/me/runway",
        ["ssh://git@host.test/me/runway"] = "https://host.test/me/runway",
      } do
        done("git remote add origin " .. origin)
        done("umask 077; LUA=" .. lua .. " tools/release.sh files 9.8.7")
        done "git remote remove origin"
        assert.truthy(done("cat build/release/9.8.7/runway-sqlite-9.8.7-1.rockspec"):find(
          'url = "' .. base .. '/releases/download/v9.8.7/runway-9.8.7.tar.gz"', 1, true))
      end
    end)
  end)
end)
