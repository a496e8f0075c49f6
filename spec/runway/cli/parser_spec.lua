-- The words of a command line: values that begin with -, and errors that say where they belong.

local command = require "spec.support.command"
local parser = require "runway.cli.parser"

describe("runway.cli.parser", function()
  local function parse(...) return parser.read(parser.new(assert(parser.load()), {}), { ... }) end

  local function misuse(...)
    local args, name, message = parse(...)
    assert.is_nil(args)
    return name .. ": " .. message
  end

  it("takes a value that begins with - where it can be no option", function()
    assert.equal(-1, parse("generate", "--seed", "-1").seed)
    assert.equal("- dawn", parse("generate", "--prompt", "- dawn").prompt)
    assert.equal("-5 degrees, frost", parse("generate", "--prompt", "-5 degrees, frost").prompt)
    assert.equal("--- a title", parse("generate", "--prompt", "--- a title", "--seed", "3").prompt)
    assert.equal("-rain", parse("generate", "--prompt=-rain").prompt)
    assert.equal("-", parse("generate", "--prompt", "-").prompt)
    assert.equal("-", parse("task", "t1", "-o", "-").output)
    assert.equal("-1 a.mp4", parse("task", "t1", "-o", "-1 a.mp4").output)
  end)

  it("says how it is given where it might be one", function()
    assert.matches("a value that begins with - is given as --prompt=…", misuse("generate", "--prompt", "-rain"), 1,
      true)
    assert.matches("is given as --output=…", misuse("task", "t1", "-o", "--json"), 1, true)
    assert.is_nil(misuse("generate", "--prompt"):find "begins with")
  end)

  it("takes no slip of an option for a text that is paid for", function()
    assert.matches("unknown option '--modle'; did you mean '--model'? (a value that begins with - is given as "
      .. "--prompt=…)", misuse("generate", "--prompt", "--modle=gen4", "-o", "a.mp4"), 1, true)
    assert.matches("requires an argument", misuse("generate", "--prompt", "--model", "gen4", "-o", "a.mp4"), 1, true)
    assert.matches("requires an argument", misuse("generate", "--prompt", "-oa b.mp4"), 1, true)
  end)

  it("names the option where a text stands alone, and how another program's option is had here", function()
    assert.matches("too many arguments %(.*%-%-prompt TEXT%)$", misuse("generate", "a cat"))
    assert.equal("runway task: too many arguments", misuse("task", "a", "b"))
    assert.equal("runway generate: unknown option '-x'", misuse("generate", "-x"))
    assert.matches("'--api-key' (the API key comes from the environment", misuse("generate", "--api-key", "x"), 1, true)
    assert.matches("RUNWAY_TRACE", misuse("batch", "--verbose"), 1, true)
    assert.matches("2>/dev/null", misuse("batch", "-q"), 1, true)
  end)

  it("says what generate has and estimate has not, and no more than that", function()
    for _, option in ipairs { "--max-bytes", "--overwrite", "--key" } do
      assert.equal(("runway estimate: unknown option '%s' (generate has it, and no price depends on it: leave it out)")
        :format(option), misuse("estimate", "--prompt", "a", option, "b"))
    end
    assert.is_nil(misuse("estimate", "-d", "x"):find("generate has it", 1, true))
  end)

  it("names the option that was begun, and the word that stands without one", function()
    assert.equal("runway generate: unknown option '--out'; did you mean '--output'?", misuse("generate", "--out", "x"))
    assert.is_nil(misuse("generate", "--pro", "x"):find("did you mean", 1, true))
    assert.equal("runway models: unknown option '--model' (it is a word: models MODEL)",
      misuse("models", "--model", "gen4"))
  end)

  it("takes a number of bytes as other programs do", function()
    for said, bytes in pairs { ["1000"] = 1000, ["1M"] = 1048576, ["1.5k"] = 1536, ["2GiB"] = 2147483648 } do
      assert.equal(bytes, parse("generate", "--max-bytes", said).max_bytes)
    end
    for _, wrong in ipairs { "0", "-1", "1.5", "1T", "M", "1e" } do
      assert.matches("is no number of bytes", misuse("generate", "--max-bytes=" .. wrong))
    end
  end)

  it("leaves alone what stands behind --", function()
    assert.equal("-5 t", parse("task", "--", "-5 t").id)
    assert.equal("-o", parse("task", "--", "-o").id)
    assert.matches("unknown option '%-t'.* %(what begins with %- and is no option stands behind %-%-%)$",
      misuse("task", "-t1"))
  end)

  it("takes nothing that is said twice, of which only one would be done and paid for", function()
    for option, value in pairs { prompt = "x", model = "m", ratio = "16:9", duration = "5", seed = "1", key = "k",
      video = "v", kind = "x", output = "a", timeout = "5", provider = "qimu", journal = "j" } do
      option = "--" .. option
      assert.equal("runway generate: option '" .. option .. "' is given twice",
        (misuse("generate", option, value, option .. "=" .. value):gsub("'%-o'", "'--output'")))
    end
    assert.matches("is given twice", misuse("generate", "-o", "a", "--output", "b"), 1, true)
    assert.matches("is given twice", misuse("sandbox", "--port", "1", "--port", "2"), 1, true)
    assert.equal(2, #parse("generate", "--param", "a=1", "--param", "b=1").params)
  end)

  it("names the command and the option in a message", function()
    for expected, argv in pairs {
      ["runway generate: option '--seed': 'x' is no whole number"] = { "generate", "--seed", "x" },
      ["runway task: option '--timeout': '-5' is no number above 0"] = { "task", "t1", "--timeout", "-5" },
      ["runway task: missing argument 'id'"] = { "task" },
      ["runway batch: missing argument 'file' (--only takes all words behind it"] = { "batch", "-o", "d", "--only", "a",
        "l.csv" },
      ["runway task: unknown option '--outptu'; did you mean '--output'?"] = { "task", "t1", "--outptu", "a" },
      ["runway journal list: argument for option '--state' must be one of"] = { "journal", "list", "--state", "x" },
      ["runway journal: a command is required"] = { "journal" },
      ["runway generate: option '--resolve': not of the form"] = { "generate", "--resolve", "x" },
      ["runway: unknown command 'genrate'; did you mean 'generate'?"] = { "genrate" },
    } do
      local said = misuse((table.unpack or unpack)(argv)) -- luacheck: ignore 143
      assert.truthy(said:find(expected, 1, true), said)
    end
  end)

  it("points to the help of the command", function()
    command.setup {}
    local _, _, err = command.run({ "task" })
    command.teardown()
    assert.matches("runway task: missing argument 'id'\nrunway: see runway task --help\n", err, 1, true)
    command.setup { RUNWAYML_API_SECRET = "key_0123456789" }
    for expected, argv in pairs {
      ["runway task: option '--poll-interval': '0' is no number above 0"] = { "task", "t1", "--poll-interval", "0" },
      ["runway sandbox: option '--seconds' must be a number of seconds, 0 or more"] = { "sandbox", "--seconds", "-1" },
      ["runway sandbox: option '--url-seconds' must be a number"] = { "sandbox", "--url-seconds", "-1" },
      ["runway sandbox: option '--retry-after' must be a number"] = { "sandbox", "--retry-after", "-1" },
      ["runway sandbox: option '--base-url' must be an address"] = { "sandbox", "--base-url", "x" },
      ["runway sandbox: option '--host' must be an IPv4 or IPv6 address, not \"nowhere.test\""] = { "sandbox", "--host",
        "nowhere.test" },
      ["runway upload: the name of a file is empty"] = { "upload", "a.png", "" },
      ["option '--ca-file' must be the path of a file, got \"\""] = { "credits", "--ca-file=" },
      ["runway sandbox: option '--port' must be an integer from 0 to 65535"] = { "sandbox", "--port", "70000" },
    } do
      local code, _, said = command.run(argv)
      assert.equal(2, code)
      assert.truthy(said:find(expected, 1, true), said)
    end
    command.teardown()
    command.setup {}
    err = select(3, command.run({ "journal", "list" }))
    command.teardown()
    assert.matches("runway: journal list needs --journal FILE\nrunway: see runway journal list --help\n", err, 1, true)
  end)
end)
