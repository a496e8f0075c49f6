-- What a command line gives a task: texts, files, tables; and what is told before anything is sent.

local child = require "spec.support.child"
local command = require "spec.support.command"
local inputs = require "runway.cli.inputs"
local mocked = require "spec.support.mocked"
local parser = require "runway.cli.parser"
local read = require "runway.cli.read"
local scratch = require "spec.support.scratch"

local PICTURE = "\137PNG\r\n\26\n" .. ("\0"):rep(600)

describe("runway.cli.inputs", function()
  local here

  before_each(function()
    here = scratch.new()
    command.setup { RUNWAYML_API_SECRET = mocked.KEY, TERM = "dumb" }
  end)
  after_each(function()
    command.teardown()
    mocked.close()
    here:remove()
  end)

  -- The params that words ask for; nil, problem.
  local function params(words, stdin)
    local argv = { "generate" }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    local args, _, misuse = parser.read(parser.new(assert(parser.load()), {}), argv)
    if not args then return nil, { message = misuse, misuse = true } end
    local input = io.tmpfile()
    input:write(stdin or "")
    input:seek "set"
    return inputs.params(args, { stdin = input })
  end

  local function refused(words, what, misuse)
    local given, problem = params(words)
    assert.is_nil(given, what)
    assert.truthy(problem.message:find(what, 1, true), problem.message)
    assert.equal(misuse or nil, problem.misuse)
  end

  describe("a prompt", function()
    it("is what is written", function()
      assert.equal("a cat", params({ "--prompt", "a cat" }).prompt_text)
    end)
    it("is read from standard input", function()
      assert.equal("a cat\nin fog", params({ "--prompt", "-" }, "a cat\nin fog\n").prompt_text)
      assert.equal("a cat", params({ "--prompt", "-" }, "a cat").prompt_text)
      assert.equal("", params({ "--prompt", "-" }, "").prompt_text)
      local closed = { read = function() return nil, "Bad file descriptor", 9 end }
      local _, problem = inputs.params({ prompt = "-" }, { stdin = closed })
      assert.equal("--prompt -: standard input cannot be read: Bad file descriptor", problem.message)
    end)
    it("is asked for where it is typed", function()
      local asked = here:path "asked"
      local stderr, stdin = assert(io.open(asked, "w")), assert(io.open(here:write("typed", "a cat\n")))
      assert.equal("a cat", inputs.params({ prompt = "-" },
        { stdin = stdin, stdin_terminal = true, stderr = stderr }).prompt_text)
      stderr:close()
      stdin:close()
      assert.equal("runway: the prompt, please; Ctrl-D in a line of its own ends it\n", here:content "asked")
    end)
    it("lets Ctrl-C in between two lines of standard input", function()
      local said, code = child.run([[
        local stdin, lines = {}, 0
        function stdin.read(_, what)
          if lines == 2 then io.popen("kill -INT $PPID"):close() end
          lines = lines + 1
          return what == "L" and "a cat\n" or error "all of it at once"
        end
        os.exit(require "runway.cli".main({ "generate", "--prompt", "-", "-o", ... },
          { stdin = stdin }))
      ]], { arguments = { here:path "a.mp4" } })
      assert.equal(130, code, said)
      assert.equal("runway: interrupted", said)
    end)
    it("is read from a file", function()
      assert.equal("a cat", params({ "--prompt", "@" .. here:write("p.txt", "a cat\r\n") }).prompt_text)
    end)
    it("is read without the mark of an editor, and @ alone is no file", function()
      assert.equal("a cat", params({ "--prompt", "@" .. here:write("p.txt", "\239\187\191a cat\n") }).prompt_text)
      assert.equal("a cat", params({ "--prompt", "-" }, "\239\187\191a cat").prompt_text)
      refused({ "--prompt", "@" }, "@ names no file", true)
    end)
    it("may begin with @ all the same", function()
      assert.equal("@tag in fog", params({ "--prompt", "@@tag in fog" }).prompt_text)
      refused({ "--prompt", "@tag in fog" }, "a text that begins with @ is given as @@…")
    end)
  end)

  describe("a file", function()
    it("may stand anywhere", function()
      local picture = here:write("a.png", PICTURE)
      local given = params { "--image", picture, "--param", "references.1.uri=@" .. picture, "--param",
        "references.1.tag=cat", "--param", "audio_uri=@" .. picture, "--video", "https://x.test/a.mp4" }
      assert.equal(picture, given.prompt_image.path)
      assert.equal(picture, given.references[1].uri.path)
      assert.equal("cat", given.references[1].tag)
      assert.equal(picture, given.audio_uri.path)
      assert.equal("https://x.test/a.mp4", given.prompt_video)
    end)

    it("that is not there is told with its option, before anything is sent", function()
      local gone = here:path "gone.png"
      refused({ "--image", gone }, "--image: " .. gone .. ": No such file or directory")
      refused({ "--video", here.directory }, "--video: " .. here.directory .. ": not a plain file")
      refused({ "--param", "references.1.uri=@" .. gone }, "--param references.1.uri: " .. gone .. ": No such file")
      refused({ "--extra", "x=@" .. gone }, "--extra x: " .. gone)
      refused({ "--prompt", "@" .. gone }, "--prompt: " .. gone .. ": No such file")
      local code, out, err = command.run({ "generate", "--image", gone, "-o", here:path "a.mp4" }, {})
      assert.equal(2, code)
      assert.equal("", out)
      assert.matches("runway: --image: " .. gone, err, 1, true)
    end)

    it("is not waited for where it is a pipe", function()
      os.execute("mkfifo '" .. here:path "queue" .. "'")
      refused({ "--image", here:path "queue" }, "not a plain file")
    end)
  end)

  describe("--param", function()
    it("is JSON where it is JSON, and text where it is not", function()
      local given = params { "--param", "a=5", "--param", "b=true", "--param", "c=5 cats", "--param", 'd={"e":[1]}',
        "--param", "f=@@g", "--param", 'h="[i]"', "--param", "j=" }
      assert.same({ a = 5, b = true, c = "5 cats", d = { e = { 1 } }, f = "@g", h = "[i]", j = "" }, given)
      assert.equal("integer", math.type(given.a))
    end)

    it("leads into tables and lists", function()
      local given = params { "--param", "options.seconds=5", "--param", "options.flip=true", "--param", "x.2=b",
        "--param", "x.1=a", "--param", 'y={"a":1}', "--param", "y.b=2", "--extra", "o.p=1", "--param", "output.q=3" }
      assert.same({ options = { seconds = 5, flip = true }, x = { "a", "b" }, y = { a = 1, b = 2 },
        extra = { o = { p = 1 }, output = { q = 3 } } }, given)
    end)

    it("is refused where it looks like JSON and is none, with the place", function()
      refused({ "--param", 'a={"b":}' }, "option '--param': a looks like JSON and is none: expected a value at byte 6",
        true)
      refused({ "--param", "a=[cat] in fog" }, "at byte 2", true)
      refused({ "--extra", 'a="b' }, "option '--extra': a looks like JSON", true)
    end)

    it("is refused where it contradicts what was said", function()
      for words, what in pairs {
        [{ "--prompt", "x", "--param", "prompt_text=y" }] = "prompt_text contradicts --prompt",
        [{ "--prompt", "x", "--param", "promptText=y" }] = "promptText contradicts --prompt",
        [{ "--seed", "1", "--param", "seed=2" }] = "seed contradicts --seed",
        [{ "-o", "a.mp4", "--param", "output=b.mp4" }] = "output contradicts --output: give one of them (what the API "
          .. "itself calls so is given as --extra)",
        [{ "--image", "https://x.test/a", "--param", "prompt_image.1.uri=y" }] = "contradicts --image",
        [{ "--param", "a=1", "--param", "a=2" }] = "a is given twice",
        [{ "--param", "a=1", "--param", "a.b=2" }] = "a.b contradicts what a is given as",
        [{ "--param", "a.b=1", "--param", "a=2" }] = "a is given twice",
        [{ "--extra", "a=1", "--extra", "a=1" }] = "option '--extra': a is given twice",
      } do
        refused(words, what, true)
      end
    end)

    it("has a name", function()
      for _, text in ipairs { "=5", "a", ".a=1", "a.=1", "a..b=1", "a b=1", "a=@" } do
        assert.is_nil((read.parameter(text)), text)
      end
    end)
  end)

  it("says nothing of what was not said", function()
    assert.same({}, params {})
    assert.equal("text.png", params({ "--param", "prompt_image=text.png" }).prompt_image)
  end)
end)
