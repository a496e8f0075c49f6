-- Lists as people and spreadsheets write them: what is read, and what is told.

local files = require "runway.files"
local json = require "runway.json"
local list = require "runway.batch.list"

local function read(content, opts)
  local shots, faults = list.read(content, opts)
  return shots, faults
end

-- The only fault of a list.
local function fault_of(content, opts)
  local _, faults = read(content, opts)
  assert.equal(1, #faults, faults[2] and faults[2].message)
  return faults[1]
end

local function utf16(s, little)
  local wide = s:gsub(".", function(c) return little and c .. "\0" or "\0" .. c end)
  return (little and "\255\254" or "\254\255") .. wide
end

describe("a list of shots", function()
  describe("as CSV", function()
    it("has quoted cells with separators, quotes and line breaks in them, and the line of each row", function()
      local shots, faults = read 'key,prompt_text\r\na,"x, ""y""\r\nz"\r\nb,plain "quote"\r\n'
      assert.same({}, faults)
      assert.equal('x, "y"\r\nz', shots[1].params.prompt_text)
      assert.equal('plain "quote"', shots[2].params.prompt_text)
      assert.same({ 2, 4 }, { shots[1].line, shots[2].line })
      assert.same({ "a", "b" }, { shots[1].key, shots[2].key })
    end)

    for separator, name in pairs { [";"] = "semicolons", ["\t"] = "tabs", [","] = "commas" } do
      it("is parted by " .. name, function()
        local content = ('key|prompt|duration\na|"x, y; z"|5\n'):gsub("|", separator)
        local shots, faults = read(content)
        assert.same({}, faults)
        assert.same({ prompt = "x, y; z", duration = 5 }, shots[1].params)
      end)
    end

    it("may say what parts its cells", function()
      local shots = read "sep=;\r\nkey;prompt, or so\r\na;b\r\n"
      assert.equal("b", shots[1].params["prompt, or so"])
      assert.equal(3, shots[1].line)
    end)

    it("has commas as decimal marks only where something else parts the cells", function()
      local shots = read "key;duration\na;5,5\n"
      assert.equal(5.5, shots[1].params.duration)
      shots = read "key;voice.speed;prompt;seconds;code\na;0,7;1,5;-2,5;1,2,3\n"
      assert.same({ voice = { speed = 0.7 }, prompt = "1,5", seconds = -2.5, code = "1,2,3" }, shots[1].params)
      assert.equal("0,7", read('key,strength\na,"0,7"\n')[1].params.strength)
      local fault = fault_of 'key,duration\na,"5,5"\n'
      assert.equal(2, fault.line)
      assert.equal("duration", fault.column)
      assert.matches("decimal mark is a point", fault.message)
    end)

    it("may have notes of the writer's own, which no one looks at", function()
      local shots, faults = read "key,#,# for whom,prompt\na,1,Anna,a cat\n"
      assert.same({}, faults)
      assert.same({ prompt = "a cat" }, shots[1].params)
      assert.matches("is it key%?", fault_of("# key,prompt\na,a cat\n").message)
    end)

    it("may begin with a byte order mark, and end its lines as any system does", function()
      for _, break_ in ipairs { "\n", "\r\n", "\r" } do
        local shots, faults = read("\239\187\191key,prompt" .. break_ .. 'a,"b' .. break_ .. '"' .. break_ .. "c,d")
        assert.same({}, faults)
        assert.same({ "a", "c" }, { shots[1].key, shots[2].key })
        assert.equal(4, shots[2].line)
      end
    end)

    it("may be UTF-16, as Excel's Unicode text", function()
      for _, little in ipairs { true, false } do
        local shots, faults = read(utf16("key\tprompt\r\na\tb\r\n", little))
        assert.same({}, faults)
        assert.same({ prompt = "b" }, shots[1].params)
      end
      assert.matches("zero bytes", fault_of("key,prompt\na,b\0c\n").message)
    end)

    it("has no value in an empty cell, and no shot in an empty line", function()
      local shots, faults = read 'key,prompt,model,\n\na,b, ,\n,,,\n"c",d,"",\n'
      assert.same({}, faults)
      assert.equal(2, #shots)
      assert.same({ prompt = "b" }, shots[1].params)
      assert.same({ prompt = "d" }, shots[2].params)
      assert.equal(5, shots[2].line)
    end)

    it("has numbers, booleans and words as the parameters need them", function()
      local shots = read("key,prompt,model,duration,seed,audio,voice.speed,options.seconds,code,deadline,ratio\n"
        .. "7,42,4,5,12,TRUE,1.5,8,007,90,1280:720\n")
      assert.equal("7", shots[1].key)
      assert.same({ prompt = "42", model = "4", duration = 5, seed = 12, audio = true, voice = { speed = 1.5 },
        options = { seconds = 8 }, code = "007", deadline = 90, ratio = "1280:720" }, shots[1].params)
      assert.equal("auto", read("key,duration\na,auto\n")[1].params.duration)
      assert.same({ prompt = "VRAI" }, read("key;prompt\na;VRAI\n")[1].params)
      for word, meant in pairs { WAHR = "true", FALSCH = "false", VRAI = "true", FAUX = "false", ["ЛОЖЬ"] = "false" } do
        local fault = fault_of("key;audio\na;" .. word .. "\n")
        assert.equal("audio", fault.column)
        assert.matches(('audio is "%s", as a spreadsheet writes it in another language: here that is %s'):format(word,
          meant), fault.message, 1, true)
      end
      for _, column in ipairs { "duration", "seed", "deadline" } do
        assert.matches(column .. ' must be a number, not "5s"', fault_of(("key,%s\na,5s\n"):format(column)).message)
      end
    end)

    it("has a prompt as it is written, and words without the space around them", function()
      for _, said in ipairs { " a ", "[a", "{}", "TRUE" } do
        assert.equal(said, read(('prompt_text,model\n%s, m \n'):format(said))[1].params.prompt_text)
      end
      assert.equal("m", read("prompt,model\nx, m \n")[1].params.model)
    end)

    it("leads with points into tables and lists, of which a number that is none of those is a name", function()
      local shots, faults = read "references.2.tag,references.1.tag,voice.0x1,voice.01,seed.,1.x\nb,a,c,d,e,f\n"
      assert.same({}, faults)
      assert.same({ references = { { tag = "a" }, { tag = "b" } }, voice = { ["0x1"] = "c", ["01"] = "d" },
        ["seed."] = "e", ["1"] = { x = "f" } }, shots[1].params)
      assert.matches("the same parameter", fault_of("options.seconds.x,options.seconds\n3,4\n").message)
      assert.matches("the same parameter", fault_of("image,image.uri\np.png,q.png\n", { directory = "/d" }).message)
    end)

    it("takes a formula for the text that it is", function()
      local shots, faults = read 'key,prompt\na,"=HYPERLINK(""http://x"")"\n'
      assert.same({}, faults)
      assert.equal('=HYPERLINK("http://x")', shots[1].params.prompt)
    end)

    it("has JSON in a cell that begins so", function()
      local shots = read('key,prompt_image\na,"[{""uri"":""p.png"",""position"":""last""}]"\n', { directory = "/d" })
      assert.equal("/d/p.png", shots[1].params.prompt_image[1].uri.path)
      assert.equal("last", shots[1].params.prompt_image[1].position)
      assert.matches("begins as JSON, and is none", fault_of('key,options\na,{x\n').message)
    end)
  end)

  describe("as JSON Lines", function()
    it("has one object a line", function()
      local shots, faults = read '{"key":"a","prompt":"x","duration":5,"options":{"seconds":3}}\n\n{"prompt":"y"}\n'
      assert.same({}, faults)
      assert.same({ prompt = "x", duration = 5, options = { seconds = 3 } }, shots[1].params)
      assert.equal("002-y", shots[2].key)
      assert.equal(3, shots[2].line)
    end)

    it("says which line is none", function()
      local fault = fault_of '{"prompt":"x"}\n{"prompt":"y'
      assert.equal(2, fault.line)
      assert.matches("is no JSON %(is it whole%?%)", fault.message)
      assert.matches("no JSON object", fault_of('{"prompt":"x"}\n[1]\n').message)
      assert.matches("one object a line is wanted", fault_of('[{"prompt":"x"}]').message)
      for _, name in ipairs { "x.jsonl", "x.NDJSON", "x.json" } do
        assert.matches("no JSON", fault_of("prompt\n", { name = name }).message)
      end
      local _, faults = read '{"prompt":"x","b.c":1,"b":2,"a":1,"a.b":2}'
      assert.same({ "a.b", "b.c" }, { faults[1].column, faults[2].column })
    end)

    it("has numbers where keys are meant, and nothing where there is null", function()
      local shots, faults = read '{"prompt":"x","key":7,"output":null}\n{"prompt":"y","key":null,"output":8}\n'
      assert.same({}, faults)
      assert.same({ "7", "002-y", "8" }, { shots[1].key, shots[2].key, shots[2].output })
      assert.is_nil(shots[1].output)
      shots, faults = read { { prompt = "x", key = json.null, output = json.null } }
      assert.same({ {}, "001-x" }, { faults, shots[1].key })
    end)
  end)

  it("may be a Lua table, which is left as it is", function()
    local given = { { key = "a", prompt = "x", image = "p.png" }, { prompt = "y", image = files.make "q.png" } }
    local shots, faults = read(given)
    assert.same({}, faults)
    assert.equal("p.png", shots[1].params.image.path)
    assert.equal("q.png", shots[2].params.image.path)
    assert.equal("p.png", given[1].image)
    assert.matches("a shot must be a table, not string", fault_of({ "x" }).message)
    assert.matches("a shot must be a table", fault_of({ files.make "x" }).message)
  end)

  it("finds pictures beside itself, and lets addresses be", function()
    local shots = read("key,prompt_image,character.uri\na,p.png,/top/c.png\nb,https://x.test/p.png,data:image/png\n",
      { directory = "lists/mine" })
    assert.equal("lists/mine/p.png", shots[1].params.prompt_image.path)
    assert.equal("/top/c.png", shots[1].params.character.uri.path)
    assert.equal("https://x.test/p.png", shots[2].params.prompt_image)
    assert.equal("data:image/png", shots[2].params.character.uri)
    local params = read("audio_uri,videoUri,character.promptUri,image\na.mp3,b.mp4,c.png,C:/d.png\n",
      { directory = "lists" })[1].params
    assert.same({ "lists/a.mp3", "lists/b.mp4", "lists/c.png", "C:/d.png" },
      { params.audio_uri.path, params.videoUri.path, params.character.promptUri.path, params.image.path })
    params = read('reference_audios.1,referenceAudios\na.mp3,"[""b.mp3""]"\n')[1].params
    assert.same({ "a.mp3", "b.mp3" }, { params.reference_audios[1].path, params.referenceAudios[1].path })
    assert.equal("a\0b", read('{"image":"a\\u0000b"}')[1].params.image) -- which is refused with the rest
  end)

  describe("names its shots", function()
    it("by number and prompt, where it has no keys", function()
      local shots = read("prompt\n\"A lighthouse, in fog / slow dolly-in: 35mm and a good deal more of it\"\n寿司\n")
      assert.equal("001-a-lighthouse-in-fog-slow-dolly-in-35mm-a", shots[1].key)
      assert.equal("002-寿司", shots[2].key)
    end)

    it("each by another key", function()
      local fault = fault_of "key,prompt\na,x\nb,y\na,z\n"
      assert.same({ 4, "key" }, { fault.line, fault.column })
      assert.matches('the key "a" is that of line 2 as well', fault.message)
      assert.equal("line 4", fault.place)
      fault = fault_of { { key = "a", prompt = "x" }, { key = "a", prompt = "y" } } -- a table has rows and no lines
      assert.same({ 2, "row 2" }, { fault.line, fault.place })
      assert.matches('the key "a" is that of row 1 as well', fault.message)
    end)

    it("by no key that a journal has no room for", function()
      assert.same({}, select(2, read { { key = ("k"):rep(900) } }))
      assert.matches("longer than 900 bytes", fault_of({ { key = ("k"):rep(901) } }).message)
    end)

    it("by no key that is a new attempt's", function()
      assert.matches("as the keys of new attempts do", fault_of("key,prompt\na#2,x\n").message)
    end)

    it("and their files by names that lead nowhere else", function()
      for _, name in ipairs { "../x.mp4", "/x.mp4", "a\\b.mp4", ".hidden", "x:y.mp4", "con.mp4", "index.html",
        "runway.db", "RUNWAY.DB-wal", "x." } do
        local _, faults = read { { prompt = "x", output = name } }
        assert.equal("output", faults[1] and faults[1].column, name)
      end
      assert.equal("clip 1.mp4", read({ { prompt = "x", output = "clip 1.mp4" } })[1].output)
    end)
  end)

  describe("tells what is wrong with it", function()
    it("when a column is nearly one of ours", function()
      local fault = fault_of "key,prompt,ouput\na,x,y.mp4\nb,x,z.mp4\nc,x,u.mp4\n"
      assert.same({ 1, "ouput" }, { fault.line, fault.column })
      assert.matches("did you mean output%?", fault.message)
      assert.is_nil(fault.more)                 -- it is the header's, once
    end)

    it("when a column stands twice, has no name, or is another one's", function()
      assert.matches("stands there twice", fault_of("prompt,prompt\nx,\n").message)
      local fault = fault_of("prompt,,#note,\nx,y,n,\nz,,n,\n,u,n,\n") -- empty to its end it is none
      assert.same({ 1, "B" }, { fault.line, fault.column })
      assert.equal(
        'column B has no name in the header, and cells below that, the first in line 2: "y"', fault.message)
      assert.is_nil(fault.more)                 -- it is the header's, once
      fault = fault_of("prompt,model\na, b,c\n")
      assert.same({ 2, "C" }, { fault.line, fault.column })
      assert.matches('a cell in column C %("c"%), and the header has 2 columns: is a text with commas', fault.message)
      assert.equal("AA", fault_of((","):rep(27) .. "prompt\n" .. (","):rep(26) .. "x,y\n").column)
      assert.matches("the same parameter", fault_of("options,options.seconds\n3,4\n").message)
    end)

    it("when it is empty", function()
      for _, nothing in ipairs { "", "\239\187\191", "key,prompt\n", "\n\n", {} } do
        assert.matches("the list is empty", fault_of(nothing).message)
      end
    end)

    it("when it is no text", function()
      assert.matches("it is a workbook", fault_of("PK\3\4rest").message)
      assert.matches("an old workbook", fault_of("\208\207\17\224rest").message)
      for beginning, what in pairs { ["%PDF-1.7"] = "a PDF", ["\31\139\8"] = "packed by gzip", ["{\\rtf1"] = "RTF" } do
        assert.matches("the list is no text: it is " .. what, fault_of(beginning .. " rest").message, 1, true)
      end
      assert.matches("zero bytes", fault_of("\1\0\0\0abc").message)
    end)

    it("when it is of another encoding", function()
      local fault = fault_of "key,prompt\na,x\nb,caf\233\n"
      assert.equal(3, fault.line)
      assert.matches("not UTF%-8", fault.message)
    end)

    it("when it is half a file", function()
      local fault = fault_of 'key,prompt,model\na,"x",m\nb,"half'
      assert.equal(3, fault.line)
      assert.matches("has no end", fault.message)
      assert.matches("the row has 2 cells, and the header 3", fault_of("key,prompt,model\na,x,m\nb,x").message)
      assert.matches("behind a closing quote", fault_of('key,prompt\na,"x"y\n').message)
    end)
  end)

  it("is read once however long it is: a hundred thousand shots", function()
    local lines = { "key,prompt" }
    for i = 1, 100000 do lines[#lines + 1] = ('k%d,"shot, ""%d"""'):format(i, i) end
    local shots, faults = read(table.concat(lines, "\n"))
    assert.same({}, faults)
    assert.equal(100000, #shots)
    assert.equal('shot, "100000"', shots[100000].params.prompt)
  end)
end)
