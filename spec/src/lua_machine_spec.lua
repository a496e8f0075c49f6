-- What the core tells of this machine: its libraries, its room, and the way that a request would take.

local child = require "spec.support.child"
local core = require "runway.core"
local scratch = require "spec.support.scratch"

describe("the core", function()
  it("tells which libcurl it runs on, and whose TLS that speaks", function()
    local version, tls = core.libcurl()
    assert.matches("^%d+%.%d+%.%d+", version)
    assert.is_true(tls == nil or tls:find "^[^ ]+/" ~= nil)
  end)

  it("notes the first SIGTERM, where that is asked for; the second ends the process", function()
    local said, code = child.run [[
      local core = require "runway.core"
      core.catch_term()
      print(core.term_came())
      os.execute "kill -TERM $PPID"
      print(core.term_came())
      io.stdout:flush()
      os.execute "kill -TERM $PPID"
      print "still here"
    ]]
    assert.same({ "false\ntrue", 128 + 15 }, { said:match "^%a+\n%a+", code })
    assert.is_nil(said:find("still", 1, true))
  end)

  it("tells what room there is for a file", function()
    local here = scratch.new()
    assert.is_true(core.space(here.directory) > 0)
    assert.same({ nil, "No such file or directory" }, { core.space(here:path "none") })
    here:remove()
  end)

  it("tells the versions of the libraries beside what opens them", function()
    assert.matches("^3%.%d+", require("runway.sqlite").version)
    assert.matches("^%d+%.%d+%.%d+", require("runway.listener").version)
    local built, postgresql = pcall(require, "runway.postgresql") -- it may be left out
    if built then assert.matches("^%d+%.%d+$", postgresql.version) end
  end)

  describe("tells the way of a request:", function()
    it("the proxy that is given, without its password", function()
      assert.same({ "http://proxy.example:3128", "proxy" },
        { core.way("https://api.example/", "http://me:secret@proxy.example:3128") })
      assert.same({ false }, { core.way("https://api.example/", "") })
      assert.same({ false }, { core.way("http://localhost:1/", "http://me:secret@proxy.example:3128") })
    end)

    it("the environment's, and which variable names it", function()
      local function way(url, before)
        return (child.run("print(require 'runway.core'.way(...))", { arguments = { url },
          before = "unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY;" .. before }))
      end
      assert.equal("http://p.example:1\thttps_proxy",
        way("https://a.example/", "export https_proxy=http://u:w@p.example:1;"))
      assert.equal("socks5h://p.example:1\tALL_PROXY",
        way("https://a.example/", "export ALL_PROXY=socks5h://p.example:1;"))
      assert.equal("false", way("https://a.example/", "export https_proxy=http://p.example no_proxy=a.example;"))
      assert.equal("false", way("https://127.0.0.1/", "export https_proxy=http://p.example;"))
      assert.equal("false", way("https://a.example/", ""))
      assert.matches("^nil\thttps_proxy is set to what cannot be a proxy: ",
        way("https://a.example/", "export https_proxy='http://u:secret word@p';"))
    end)

    it("none for what is no URL, or no proxy", function()
      assert.is_nil((core.way "ftp://a.example/"))
      local none, why = core.way("https://a.example/", "http://me:sec ret@proxy")
      assert.is_nil(none)
      assert.is_nil(why:find("sec", 1, true))
    end)
  end)
end)
