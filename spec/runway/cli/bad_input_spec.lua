-- What bad input gets from `runway batch`: a list, a directory, a journal that can be none. Clear words, the right
-- exit code, and nothing paid for, or nothing twice.

local child = require "spec.support.child"
local command = require "spec.support.command"
local exits = require "runway.cli.exits"
local faults = require "spec.support.faults"
local json = require "runway.json"
local lua = require "spec.support.interpreter"
local mocked = require "spec.support.mocked"
local mounted = require "spec.support.mounted"
local scratch = require "spec.support.scratch"

local HEADER = "key,prompt_text,model,ratio,duration\n"
local ROW = "a,a cat,gen4.5,1280:720,5\n"

describe("runway batch, given", function()
  local here
  before_each(function()
    here = scratch.new()
    command.setup { RUNWAYML_API_SECRET = mocked.KEY, RUNWAY_GATEWAY_API_KEY = mocked.KEY, TERM = "dumb" }
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    here:remove()
  end)

  -- A provider that makes whatever it is asked for, and counts.
  local function provider(posts)
    return { any_order = true,
      { method = "POST", path = "^/v1/%a+_to_video", times = math.huge, answer = function()
        posts[#posts + 1] = true
        return { json = { id = "t" .. #posts } }
      end },
      { method = "GET", path = "^/v1/tasks/", times = math.huge, answer = function(request)
        return { json = { id = request.path:match "[^/]+$", status = "SUCCEEDED", output = { mocked.OUTPUT } } }
      end },
      { "GET " .. mocked.OUTPUT:match "^[^?]*", times = math.huge, body = "\0\0\0\24ftypmp42" },
    }
  end

  -- Runs it: code, standard output and error, and how many submits there were.
  local function batch(list, directory, ...)
    local posts = {}
    local argv = { "batch", list, "-o", directory, ... }
    local code, out, err = command.run(argv, provider(posts))
    return code, out, err, #posts
  end

  describe("a list that", function()
    -- The list is refused, in such words, and nothing is made.
    local function refused(content, words, name)
      local list = here:write(name or "shots.csv", content)
      local code, out, err, posts = batch(list, here:path "out")
      assert.same({ exits.MISUSE, "", 0 }, { code, out, posts }, err)
      assert.truthy(err:find(words), err)
      assert.is_true(#err < 5000)
      assert.is_nil(os.rename(here:path "out", here:path "out"))
    end

    it("is empty", function()
      for _, nothing in ipairs { "", "\n\n", "\239\187\191", HEADER } do
        refused(nothing, "line 1: the list is empty")
      end
    end)

    it("is no text", function()
      refused("PK\3\4\20\0\6\0" .. ("\1\200"):rep(5000),
        "line 1: the list is no text: it is a workbook %(.xlsx, .ods%)", "shots.xlsx")
      refused("\137PNG\r\n\26\n\0\0\0\rIHDR" .. ("\1\200"):rep(5000), "the list is no text: it holds zero bytes")
      local bytes = {}
      for i = 1, 5000 do bytes[i] = string.char(128 + i * 37 % 128) end
      refused(table.concat(bytes), "line 1: the list is not UTF%-8 here")
    end)

    it("is half a file", function()
      refused(HEADER .. ROW .. 'b,"a dog, at', "line 3: a quoted text begins here that has no end: is the file whole%?")
      refused(HEADER .. ROW .. "b,a dog,gen4", "line 3 %(b%): the row has 3 cells, and the header 5: is it whole%?")
      refused('{"prompt_text":"a"}\n{"prompt_te', "line 2: the line is no JSON %(is it whole%?%)", "shots.jsonl")
    end)

    it("is of another encoding", function()
      refused(HEADER .. ROW .. "b,caf\233,gen4.5,1280:720,5\n", "line 3: the list is not UTF%-8 here")
    end)

    it("has a fault in the last of a hundred thousand rows", function()
      local rows = { HEADER }
      for i = 2, 100000 do rows[i] = ("k%d,shot %d,gen4.5,1280:720,5\n"):format(i, i) end
      rows[#rows + 1] = "k1,shot,gen4.5,1280:720,77\n"
      refused(table.concat(rows), "line 100001 %([a-z0-9]+%), duration: gen4.5 takes durations 2 to 10, not 77")
    end)

    it("has the same fault in a hundred thousand rows, which is told once", function()
      local rows = { HEADER }
      for i = 2, 100001 do rows[i] = ("k%d,shot %d,gen4.5,1280:720,5s\n"):format(i, i) end
      refused(table.concat(rows),
        "line 2 %([a-z0-9]+%), duration: duration must be a number, not \"5s\" %(and so in 99999 more%)")
    end)

    it("has a formula for a number; as a text it is one", function()
      refused(HEADER .. "a,a cat,gen4.5,1280:720,=A1+5\n",
        "line 2 %([a-z0-9]+%), duration: duration must be a number, not \"=A1%+5\"")
      local list = here:write("shots.csv", HEADER .. 'a,"=HYPERLINK(""http://x"")",gen4.5,1280:720,5\n')
      local _, out = command.run({ "batch", list, "--dry-run", "--json" }, {})
      assert.equal('=HYPERLINK("http://x")', json.decode(out:match "[^\n]+").request.json.promptText)
    end)

    it("names a picture that is none", function()
      local head = "key,prompt_text,prompt_image,model,ratio,duration\n"
      local function row(name) return head .. "a,x," .. name .. ",gen4_turbo,1280:720,5\n" end
      refused(row "none.png", "line 2 %([a-z0-9]+%), prompt_image: .*none%.png")
      here:write("text.png", "this is no picture")
      refused(row "text.png", "line 2 %([a-z0-9]+%), prompt_image: .*text%.png")
      here:write("empty.png", "")
      refused(row "empty.png", "line 2 %([a-z0-9]+%), prompt_image: .*empty%.png")
      refused(row ".", "line 2 %([a-z0-9]+%), prompt_image: ")
    end)

    it("is not there, or is a directory", function()
      for _, list in ipairs { here:path "none.csv", here.directory } do
        local code, _, err, posts = batch(list, here:path "out")
        assert.same({ exits.MISUSE, 0 }, { code, posts })
        assert.truthy(err:find("cannot read the list: ", 1, true), err)
      end
    end)

    it("has many faults: each is told by its line", function()
      local rest = ",x,gen4.5,1280:720,"
      local list = here:write("shots.csv", HEADER .. "a" .. rest .. "77\nb" .. rest .. "5s\na" .. rest .. "5\n")
      local code, out, err = batch(list, here:path "out", "--json")
      assert.equal(exits.MISUSE, code)
      for _, line in ipairs { "line 2 (a), duration: ", "line 3 (b), duration: ", "line 4 (a), key: " } do
        assert.truthy(err:find("runway: " .. list .. ": " .. line, 1, true), err)
      end
      local error = json.decode(out).error
      assert.same({ "bad_list", 3, 2, "duration" }, { error.code, #error.faults, error.faults[1].line,
        error.faults[1].column })
    end)
  end)

  describe("a directory that", function()
    local list
    before_each(function() list = here:write("shots.csv", HEADER .. ROW) end)

    local function fails(directory, words, ...)
      local code, _, err, posts = batch(list, directory, ...)
      assert.same({ exits.FAILED, 0 }, { code, posts }, err)
      assert.truthy(err:find(words), err)
    end

    it("is a file, or below one", function()
      here:write("out", "mine")
      fails(here:path "out", "cannot make the directory ")
      fails(here:path "out/deeper", "cannot make the directory ")
      fails(here:path "out", "cannot make the directory ", "--journal", here:path "elsewhere.db")
      assert.equal("mine", here:content "out")
    end)

    for what, prepare in pairs {
      ["is read-only"] = function(small) small:remount "ro" end,
      ["is full"] = function(small)
        os.execute(("dd if=/dev/zero of='%s' bs=4k 2>/dev/null"):format(small:path "filler"))
      end,
    } do
      it(what, function()
        local small = mounted.tmpfs "64k"
        if not small then return pending "only root may mount a file system" end
        prepare(small)
        local ok, why = pcall(function()
          fails(small.directory, "runway%.db")
          fails(small.directory, "cannot write into the directory ", "--journal", here:path "elsewhere.db")
        end)
        small:remove()
        assert(ok, why)
      end)
    end

    it("has no locks", function()
      local faulty = faults.new()
      local said, code = child.run(([[
        arg = { [0] = "runway" }
        os.exit(require("runway.cli").main { "batch", %q, "-o", %q, "--base-url", "http://127.0.0.1:9" })
      ]]):format(list, here:path "out"), { before = "export RUNWAYML_API_SECRET=key_0123456789;"
        .. faulty:before("lock=ENOTSUP", here:path "out") })
      faulty:remove()
      assert.equal(exits.FAILED, code, said)
      assert.truthy(said:find("its file system has no locks", 1, true), said)
      assert.is_nil(here:content "out/runway.db")
    end)

    it("holds what is no journal", function()
      os.execute(("mkdir -p '%s'"):format(here:path "out"))
      here:write("out/runway.db", ("this is no database\n"):rep(500))
      local code, _, err, posts = batch(list, here:path "out")
      assert.equal(0, posts)
      assert.is_true(code == exits.FAILED or code == exits.MISUSE)
      assert.truthy(err:find("runway.db", 1, true), err)
      assert.equal(10000, #here:content "out/runway.db")
    end)
  end)

  describe("a journal", function()
    it("of another provider, or of another address, pays for nothing twice and says so", function()
      local list = here:write("shots.csv", "key,prompt_text,prompt_image,model,ratio,duration\n"
        .. "a,x,https://x.test/p.png,gen4_turbo,1280:720,5\n")
      assert.equal(0, (batch(list, here:path "out")))
      for words, more in pairs {
        ["a  failed: .*provider was runwayml and is gateway"] = { "--provider", "gateway", "--base-url",
          "https://gateway.example" },
        ["a  failed: .*base_url was https://[^ ]+ and is https://another.example"] = { "--base-url",
          "https://another.example" },
      } do
        local code, _, err, posts = batch(list, here:path "out", table.unpack(more))
        assert.same({ exits.FAILED, 0 }, { code, posts }, err)
        assert.truthy(err:find(words), err)
      end
    end)

    it("of another list lets this one be made beside it, and says so", function()
      assert.equal(0, (batch(here:write("one.csv", HEADER .. ROW), here:path "out")))
      local other = here:write("other.csv", HEADER .. "b,a dog,gen4.5,1280:720,5\n")
      local code, _, err, posts = batch(other, here:path "out")
      assert.same({ 0, 1 }, { code, posts }, err)
      assert.truthy(err:find('runway.db also holds 1 shot that the list does not name, which is left: "a"\n', 1, true),
        err)
    end)

    it("that has other requests under the same keys pays for none of them", function()
      assert.equal(0, (batch(here:write("one.csv", HEADER .. ROW), here:path "out")))
      local code, _, err, posts = batch(here:write("other.csv", HEADER .. "a,a dog,gen4.5,1280:720,5\n"),
        here:path "out")
      assert.same({ exits.FAILED, 0 }, { code, posts })
      assert.truthy(err:find('a  failed: the key "a" stands for another request in .*'
        .. 'prompt_text was "a cat" and is "a dog"'), err)
    end)

    it("of the same list, whose rows have moved, pays for nothing twice", function()
      local head = "prompt_text,model,ratio,duration\n"
      local rest = ",gen4.5,1280:720,5\n"
      assert.equal(0, (batch(here:write("shots.csv", head .. "a cat" .. rest .. "a dog" .. rest), here:path "out")))
      local moved = here:write("shots.csv", head .. "a bird" .. rest .. "a cat" .. rest .. "a dog" .. rest)
      local code, _, err, posts = batch(moved, here:path "out")
      assert.same({ exits.MISUSE, 0 }, { code, posts }, err)
      assert.truthy(err:find('line 3: .*the key "001%-a%-cat" already, and here it would be "002%-a%-cat"'), err)
      assert.truthy(err:find('give it a column key, with "001-a-cat" in line 3, "002-a-dog" in line 4', 1, true), err)
      assert.is_nil(here:content "out/runway.list":find("a-bird", 1, true)) -- and the directory is as it was
      local more = here:write("shots.csv", head .. "a cat" .. rest .. "a dog" .. rest .. "a cat" .. rest)
      code, _, err, posts = batch(more, here:path "out") -- the same prompt once more is another shot
      assert.same({ 0, 1 }, { code, posts }, err)
    end)
  end)

  it("standard output that is closed, it says so", function()
    if not os.execute "test -e /dev/full" then return pending "there is no /dev/full" end
    local list = here:write("shots.csv", HEADER .. ROW)
    local said, code = child.run(([[
      local pipe = io.popen(%q .. " bin/runway estimate '" .. %q .. "' 2>&1 >/dev/full; echo $?")
      print(pipe:read "a")
    ]]):format(lua, list), { before = "export RUNWAYML_API_SECRET=key_0123456789;" })
    assert.equal(0, code)
    assert.matches("standard output could not be written", said)
    assert.matches("1$", said)
  end)
end)
