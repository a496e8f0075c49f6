-- Busted under the interpreter that runs this file (its own launcher takes Debian's default, 5.1).
require "busted.runner" { standalone = false }
