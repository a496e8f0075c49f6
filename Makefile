# runway. `make help` says what there is to make.
#
# All of these may be set on the command line:
#   LUA, CC, CFLAGS, LDFLAGS, LUA_CFLAGS, CURL_CFLAGS, CURL_LIBS, MHD_CFLAGS, MHD_LIBS,
#   SQLITE_CFLAGS, SQLITE_LIBS, PQ_CFLAGS, PQ_LIBS
#   LUA=lua5.3      another Lua than 5.4: 5.3 or 5.5, with a build directory of its own
#   BUILD=dir       where to build (build; build/lua5.3 for another Lua than 5.4)
#   LISTENER=no     leave runway.listener out (no webhooks, no sandbox), and libmicrohttpd with it
#   SQLITE=no       leave runway.sqlite out (no journal in a file), and SQLite with it
#   POSTGRESQL=no   leave runway.postgresql out (no journal on a server), and libpq with it
#   FULL=yes        have `make test` install all that specs can use: a PostgreSQL of their own, Chromium
#   PREFIX, LUADIR, LIBDIR, INCLUDEDIR, BINDIR, MANDIR, DOCDIR, DESTDIR   where `make install` puts what
#   INSTALL=no      name what is missing, do not install it; yes: install it, through sudo where that
#                   is needed. A build asks before it does; what runs something says so and does it.
#                   INSTALL="install -p", as packagers' macros say, is the program that copies, and means no.
#   V=1             show whole command lines

PREFIX   ?= /usr/local
LISTENER ?= yes
SQLITE   ?= yes
POSTGRESQL ?= yes
FULL     ?= no
INSTALL  ?= $(if $(filter demo test torture fuzz coverage valgrind check rock bench conformance,$(MAKECMDGOALS)),yes,ask)
OS       := $(shell uname -s)
Q        := $(if $(filter-out 0,$(V)),,@)

# A text as one word of the shell's.
quoted   = '$(subst ','\'',$(1))'
hash    := \#

# A word that is misspelt is told, and not taken for the other one.
answer = $(if $(filter $(2),$($(1))),,$(error $(1)=$($(1)): it is $(3)))
$(foreach word,LISTENER SQLITE POSTGRESQL FULL,$(call answer,$(word),yes no,yes or no))
ifeq ($(findstring install,$(firstword $(INSTALL))),)
$(call answer,INSTALL,yes no ask,yes or no or ask)
endif

# So is a name: all that the top of this file tells of, that a target of its help takes, and what make itself has.
# What programs are told by way of make (a key, a proxy) has names of its own, and a distribution's flags for other
# languages are not ours.
names := LUA CC CFLAGS CPPFLAGS LDFLAGS WARN HARDEN AR V BUILD LISTENER SQLITE POSTGRESQL FULL INSTALL LUA_VERSION \
  $(foreach library,LUA CURL MHD SQLITE PQ,$(library)_CFLAGS $(library)_LIBS) \
  PREFIX LUADIR LIBDIR INCLUDEDIR BINDIR MANDIR DOCDIR DESTDIR \
  PROVIDER SPEC JOBS ONLY SET SEED COUNT SECONDS TARGET VERSION URL OPENAPI
others := $(strip $(foreach word,$(filter-out $(names) %FLAGS SBINDIR sbindir,$(.VARIABLES)),$(if \
  $(filter command,$(firstword $(origin $(word)))),$(word))))
$(foreach pair,$(if $(others),$(shell awk -v given='$(others)' -v known='$(names)' -f tools/misspelt.awk)),$(error \
  $(firstword $(subst =, ,$(pair)))=: it is $(lastword $(subst =, ,$(pair)))))

first_lua := $(shell for l in lua5.4 lua-5.4 lua54 lua; do $$l -e \
  'assert(_VERSION >= "Lua 5.3" and _VERSION <= "Lua 5.5")' 2>/dev/null && echo $$l && exit; done; \
  echo lua5.4)
LUA       ?= $(first_lua)
$(foreach word,LUA CC,$(if $(strip $($(word))),,$(error $(word)=: it is the name of a program)))

# Its version: what it says itself or, where tools/need.sh has yet to install it, what its name says.
lua_named   := $(shell echo '$(LUA)' | sed -n 's/.*lua-\{0,1\}\([0-9]\)[.]\{0,1\}\([0-9]\)$$/\1.\2/p')
LUA_VERSION := $(or $(shell $(LUA) -e 'print(_VERSION:match "%d+%.%d+")' 2>/dev/null),$(lua_named),5.4)
BUILD       ?= build$(if $(filter-out 5.4,$(LUA_VERSION)),/lua$(LUA_VERSION))

ifneq ($(words $(BUILD))$(findstring ',$(BUILD))$(findstring ",$(BUILD)),1)
$(error BUILD=$(BUILD): it is one path, without spaces and quotes)
endif
ifneq ($(filter $(abspath . bench bin docs examples fuzz lua rockspec spec src tools types),$(abspath $(BUILD))),)
$(error BUILD=$(BUILD): that is a directory of the source)
endif

# Expanded when a command runs, not when this file is read: by then tools/need.sh has installed
# what they ask for.
package = $(shell for p in $(2); do \
  pkg-config --exists "$$p" 2>/dev/null && exec pkg-config $(1) "$$p"; done; $(3))
packages_of = lua$(1) lua-$(1) lua$(subst .,,$(1)) 'lua >= $(1) lua < $(1).99'

LUA_CFLAGS  ?= $(call package,--cflags,$(call packages_of,$(LUA_VERSION)))
CURL_CFLAGS ?= $(call package,--cflags,libcurl,curl-config --cflags 2>/dev/null)
CURL_LIBS   ?= $(call package,--libs,libcurl,curl-config --libs 2>/dev/null || echo -lcurl)
MHD_CFLAGS  ?= $(call package,--cflags,libmicrohttpd)
MHD_LIBS    ?= $(call package,--libs,libmicrohttpd,echo -lmicrohttpd)
SQLITE_CFLAGS ?= $(call package,--cflags,sqlite3)
SQLITE_LIBS ?= $(call package,--libs,sqlite3,echo -lsqlite3)
PQ_CFLAGS   ?= $(call package,--cflags,libpq)
PQ_LIBS     ?= $(call package,--libs,libpq,echo -lpq)

# What was named of these, and was built with, stands in the build directory and holds for it until it is named
# otherwise: who packages names it once. What the environment says now counts for more only where the environment said it then, too.
flag_names := CC CFLAGS CPPFLAGS LDFLAGS WARN HARDEN
-include $(BUILD)/named
namer   = $(filter command environment,$(firstword $(origin $(1))))
recall  = $(if $(said_$(1)),$(if $(filter command $(said_$(1)),$(namer)),,$(eval $(1) := $$(named_$(1)))))
$(foreach name,$(flag_names),$(call recall,$(name))$(eval said_$(name) := $$(or $$(call namer,$(name)),$(said_$(name)))))

CFLAGS  ?= -O2 -g
WARN    ?= -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
HARDEN  ?= -fstack-protector-strong \
  $(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)

ifeq ($(OS),Darwin)
MODULE  := -bundle -undefined dynamic_lookup
else
MODULE  := -shared
RELRO   := -Wl,-z,relro,-z,now
endif

# The listener and the two databases are modules of their own, so that a host that needs none needs
# none of their libraries. What they stand on is linked into each; tools/rockspec.lua reads these lines.
SHARED_C    := src/buffer.c src/clock.c src/file.c src/header.c src/lua_headers.c src/thread.c src/wake.c
STORE_C     := src/buffer.c src/cells.c src/clock.c src/farewell.c src/lua_store.c src/store.c src/thread.c \
   src/utf8.c src/wake.c
HTTP_IN_C   := $(wildcard src/listener*.c src/lua_listener*.c)
SQL_C       := $(wildcard src/cells.c src/store*.c src/lua_store.c src/lua_sqlite.c src/lua_postgresql.c)
LISTENER_C  := $(sort $(HTTP_IN_C) $(SHARED_C))
SQLITE_C    := $(sort src/store_sqlite.c src/lua_sqlite.c $(STORE_C))
POSTGRESQL_C := $(sort $(wildcard src/store_postgresql*.c) src/lua_postgresql.c $(STORE_C))
RUNWAY_C    := $(filter-out $(HTTP_IN_C) $(SQL_C),$(sort $(wildcard src/*.c)))
objects      = $(1:src/%.c=$(BUILD)/obj/%.o)
RUNWAY_SO   := $(BUILD)/runway.so
LISTENER_SO := $(BUILD)/runway/listener.so
SQLITE_SO   := $(BUILD)/runway/sqlite.so
POSTGRESQL_SO := $(BUILD)/runway/postgresql.so
MODULES     := $(RUNWAY_SO) $(if $(filter no,$(LISTENER)),,$(LISTENER_SO)) \
  $(if $(filter no,$(SQLITE)),,$(SQLITE_SO)) $(if $(filter no,$(POSTGRESQL)),,$(POSTGRESQL_SO))

compile = $(CC) -std=c11 -fPIC -fvisibility=hidden -pthread $(HARDEN) $(CFLAGS) \
  $(WARN) -Isrc $(LUA_CFLAGS) $(CURL_CFLAGS) \
  $(if $(filter no,$(LISTENER)),,-DRUNWAY_LISTENER $(MHD_CFLAGS)) \
  $(if $(filter no,$(SQLITE)),,-DRUNWAY_SQLITE $(SQLITE_CFLAGS)) \
  $(if $(filter no,$(POSTGRESQL)),,-DRUNWAY_POSTGRESQL $(PQ_CFLAGS)) $(CPPFLAGS)
link    = $(CC) $(MODULE) -pthread $(CFLAGS) $(RELRO) $(LDFLAGS)

# For what is started from a checkout.
here = LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;' \
  LUA_CPATH='$(abspath $(BUILD))/?.so;;' RUNWAY_BUILD='$(abspath $(BUILD))'
need = $(Q)LUA='$(LUA)' LUA_VERSION='$(LUA_VERSION)' LUA_CFLAGS='$(LUA_CFLAGS)' CC='$(CC)' \
  LISTENER='$(LISTENER)' SQLITE='$(SQLITE)' POSTGRESQL='$(POSTGRESQL)' FULL='$(FULL)' \
  INSTALL='$(if $(filter yes ask,$(INSTALL)),$(INSTALL),no)' tools/need.sh

.DELETE_ON_ERROR:
.SUFFIXES:
unexport LUA_INIT $(foreach v,5_3 5_4 5_5,LUA_PATH_$(v) LUA_CPATH_$(v) LUA_INIT_$(v))
.PHONY: all static manual demo test torture fuzz coverage valgrind check rock bench conformance install uninstall clean help rockspec release force \
  need-build need-demo need-test need-check need-rock need-bench

all: $(MODULES) manual ## build runway.so and the modules beside it into build/
	$(remember)

# ---- build ----

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(compile) -MMD -MP -c -o $@ $<

link_module = $(if $(Q),@echo "  LINK  $@"; )mkdir -p $(@D) && $(link) -o $@ $(filter %.o,$^)

$(RUNWAY_SO): $(call objects,$(RUNWAY_C)) $(BUILD)/flags
	$(link_module) $(CURL_LIBS) -lm

$(LISTENER_SO): $(call objects,$(LISTENER_C)) $(BUILD)/flags
	$(link_module) $(MHD_LIBS) -lm

$(SQLITE_SO): $(call objects,$(SQLITE_C)) $(BUILD)/flags
	$(link_module) $(SQLITE_LIBS) -lm

$(POSTGRESQL_SO): $(call objects,$(POSTGRESQL_C)) $(BUILD)/flags
	$(link_module) $(PQ_LIBS) -lm

# For programs that have runway in them: an archive with all of lua/ compiled in, and the same as one file.
STATIC_C := $(sort $(RUNWAY_C) $(if $(filter no,$(LISTENER)),,$(LISTENER_C)) \
  $(if $(filter no,$(SQLITE)),,$(SQLITE_C)) $(if $(filter no,$(POSTGRESQL)),,$(POSTGRESQL_C)))
STATIC_O := $(call objects,$(filter-out src/runway.c,$(STATIC_C))) $(BUILD)/static/runway.o $(BUILD)/static/rooms.o
LUA_FILES := $(shell find lua -name '*.lua')

# It is made beside its parts, where specs have it; in $(BUILD) it stands for who asked, and to be installed.
ARCHIVE := $(addprefix $(BUILD)/static/,librunway.a runway.h runway_all.c)

static: $(ARCHIVE:$(BUILD)/static/%=$(BUILD)/%) ## librunway.a with its Lua in it; runway_all.c, one file
	$(remember)

$(ARCHIVE:$(BUILD)/static/%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/static/%
	$(Q)cp $< $@

$(BUILD)/static/librunway.a: $(STATIC_O)
	$(if $(Q),@echo "  AR    $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/static/runway.o: src/runway.c src/rooms.h src/runway.h src/lua_compat.h src/system.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(compile) -DRUNWAY_ROOMS -c -o $@ $<

$(BUILD)/static/rooms.o: $(BUILD)/static/rooms.c
	$(Q)$(compile) -c -o $@ $<

$(BUILD)/static/rooms.c: tools/static.lua $(LUA_FILES) $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(Q),@echo "  MAKE  $@")
	$(Q)$(LUA) tools/static.lua rooms >$@

$(BUILD)/static/runway_all.c: tools/static.lua LICENSE $(LUA_FILES) $(wildcard src/*) | need-build
	@mkdir -p $(@D)
	$(if $(Q),@echo "  MAKE  $@")
	$(Q)$(LUA) tools/static.lua all >$@

$(BUILD)/static/runway.h: src/runway.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The manual page and the completions, of what lua/runway/cli/commands.lua says. They need nothing that was
# built; without argparse there are no completions.
MANUAL := $(addprefix $(BUILD)/share/,man/man1/runway.1 bash-completion/completions/runway \
  zsh/site-functions/_runway fish/vendor_completions.d/runway.fish)

manual: $(MANUAL) ## the manual page and the completions (all does it)

$(MANUAL): $(wildcard lua/runway/cli/*.lua lua/runway/providers/*.lua) \
  lua/runway/sandbox/scenarios.lua src/runway.h tools/manual.lua | need-build
	$(if $(Q),@echo "  MAKE  $@")
	$(Q)$(LUA) tools/manual.lua '$@'

# Another compiler, other flags, a file more or less: all of these rebuild. But not in `make install` alone, which
# installs what was built, maybe by root, whose environment is another.
as_built   := $(if $(filter install,$(MAKECMDGOALS)),$(if $(filter-out install,$(MAKECMDGOALS))$(strip \
  $(foreach name,$(flag_names),$(filter command,$(origin $(name))))),,$(wildcard $(BUILD)/flags)))

$(BUILD)/flags: $(if $(as_built),,force) | need-build
	@mkdir -p $(@D) || { echo "runway: $(@D) cannot be made here; build elsewhere: make BUILD=/a/directory" >&2; exit 1; }
	@printf '%s\n' $(call quoted,$(compile)) $(call quoted,$(link) $(CURL_LIBS) $(MHD_LIBS) $(SQLITE_LIBS) $(PQ_LIBS)) \
	  '$(RUNWAY_C) $(LISTENER_C) $(SQLITE_C) $(POSTGRESQL_C)' >$@.new
	@printf '%s\n' $(foreach name,$(flag_names),$(if $(said_$(name)),'said_$(name) := $(said_$(name))' \
	  $(call quoted,named_$(name) := $(subst $(hash),\$(hash),$(subst $$,$$$$,$($(name))))))) >$(@D)/named.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

# Once it is built: what does not compile is named anew.
remember = $(Q)$(if $(as_built),:,[ ! -f $(BUILD)/named.new ] || mv -f $(BUILD)/named.new $(BUILD)/named)

-include $(patsubst %.o,%.d,$(call objects,$(sort $(RUNWAY_C) $(LISTENER_C) $(SQLITE_C) $(POSTGRESQL_C))))

need-build:
	$(need) build

need-demo need-test need-check need-rock need-bench: need-%: | need-build
	$(need) $*

# ---- run ----

# Money is spent only for a provider named here, never for one left in the environment.
ifeq ($(origin PROVIDER),command line)
provider = RUNWAY_PROVIDER='$(PROVIDER)'
else
provider = -u RUNWAY_PROVIDER
endif

ifneq ($(and $(filter test torture coverage valgrind,$(MAKECMDGOALS)),$(filter no,$(LISTENER) $(SQLITE))),)
$(error specs play at the sandbox and keep journals in files: run them without $(if \
  $(filter no,$(LISTENER)),LISTENER=no)$(if $(filter no,$(SQLITE)), SQLITE=no))
endif

ifeq ($(filter demo,$(MAKECMDGOALS)) $(LISTENER) $(filter command,$(origin PROVIDER)),demo no )
$(error LISTENER=no leaves out the sandbox, at which make demo plays; at a provider, for credits: make demo LISTENER=no PROVIDER=name)
endif

demo: all | need-demo ## make two clips and a list of shots in the offline sandbox (PROVIDER=name: two real ones, paid)
ifeq ($(origin PROVIDER),environment)
	@echo "PROVIDER in the environment is left alone; to pay for clips: make demo PROVIDER=$(PROVIDER)"
endif
	@env $(provider) $(here) $(LUA) examples/first_clip.lua
ifneq ($(origin PROVIDER),command line)
ifeq ($(SQLITE),no)
	@echo "SQLITE=no leaves out the list of shots: what it remembers would be in a file of SQLite's."
else
	@env $(here) LUA='$(LUA)' examples/night/run.sh
endif
endif

test: all $(ARCHIVE) | need-test ## run the specs (SPEC=file: only that one; FULL=yes: with PostgreSQL, Chromium)
	@LUA='$(LUA)' RUNWAY_BUILD='$(abspath $(BUILD))' tools/specs.sh $(SPEC)

torture: all | need-test ## what takes long: random faults by SEED=n, COUNT=n each or SECONDS=n each (ONLY=name)
	@LUA='$(LUA)' RUNWAY_BUILD='$(abspath $(BUILD))' COUNT='$(COUNT)' SECONDS_EACH='$(SECONDS)' SEED='$(SEED)' \
	  tools/torture.sh $(ONLY)

check: all | need-check ## compilers, linters, sanitizers, packaging (ONLY=name: only that one)
	@LUA='$(LUA)' LUA_VERSION='$(LUA_VERSION)' MAKE='$(MAKE)' tools/check.sh $(ONLY)

fuzz: | need-build ## feed made-up bytes to what parses (SECONDS=60 for each; TARGET=name: only that one)
	@LUA_VERSION='$(LUA_VERSION)' MAKE='$(MAKE)' tools/torture/fuzz.sh '$(or $(SECONDS),60)' $(TARGET)

coverage: | need-test ## how much of src/ and lua/ the specs run, line by line (SPEC=file: only that one)
	@LUA='$(LUA)' MAKE='$(MAKE)' tools/coverage.sh $(SPEC)

valgrind: all | need-test ## the specs under valgrind, which takes its time (SPEC=file: only that one)
	@LUA_VERSION='$(LUA_VERSION)' MAKE='$(MAKE)' tools/torture/valgrind.sh $(SPEC)

rock: | need-rock ## build and install with luarocks, offline, into a directory thrown away
	@LUA='$(LUA)' LUA_VERSION='$(LUA_VERSION)' tools/rock.sh

# What the benchmarks run against, and the floors that they are held against.
BENCHES := queue tasks costs frames
BENCH_C := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

$(BUILD)/bench/%: bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CC) -std=c11 -pthread $(CFLAGS) $(WARN) -Isrc $(CURL_CFLAGS) -o $@ $< $(CURL_LIBS)

ifneq ($(and $(filter bench,$(MAKECMDGOALS)),$(filter-out $(BENCHES),$(ONLY))),)
$(error there is no bench $(filter-out $(BENCHES),$(ONLY)) (there are: $(BENCHES)))
endif

bench: all $(BENCH_C) | need-bench ## measure into bench/RESULTS.md, best with nothing else running (ONLY=name: only that)
	@for b in $(or $(ONLY),$(BENCHES)); do \
	  env -u RUNWAY_PROVIDER $(here) LUA='$(LUA)' $(LUA) "bench/$$b.lua" '$(BUILD)/bench' || exit 1; done

conformance: | need-demo ## hold the official API's adapter and sandbox against OPENAPI=path (needs npm)
	@tools/conformance/run.sh '$(OPENAPI)' --look
	@$(MAKE) --no-print-directory all
	@env $(here) LUA='$(LUA)' tools/conformance/run.sh '$(OPENAPI)'

rockspec: ## write the lists of modules in the rockspecs anew
	@$(LUA) tools/rockspec.lua

release: ## tag VERSION=1.2.3, write its archive, rockspecs and checksums (URL=where the archive will lie)
	@LUA='$(LUA)' tools/release.sh $(call quoted,$(VERSION)) $(call quoted,$(URL))

# ---- install ----

# Where things go. LUADIR and LIBDIR are Lua's own directories, of modules in Lua and in C; a distribution's Lua may
# look for the latter in lib64, or below the name of the machine.
looks = $(shell $(LUA) -E -e 'for dir in package.cpath:gmatch "([^;]*)/%?%.so" do \
  if dir:find(arg[1] .. "/lib", 1, true) == 1 and dir:find("/lua/" .. arg[2], 1, true) then print(dir) break end end' \
  - $(call quoted,$(PREFIX:/=)) '$(LUA_VERSION)' 2>/dev/null </dev/null)
LUADIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)
LIBDIR ?= $(or $(looks),$(PREFIX)/lib/lua/$(LUA_VERSION))
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/runway
INCLUDEDIR ?= $(PREFIX)/include
installer = $(Q)$(foreach place,DESTDIR PREFIX LUADIR LIBDIR INCLUDEDIR BINDIR MANDIR DOCDIR BUILD,$(place)=$(call quoted,$($(place)))) \
  MODULES='$(MODULES:$(BUILD)/%=%)' INSTALL='$(if $(filter yes no ask,$(INSTALL)),install,$(INSTALL))' \
  LUA='$(LUA)' LUA_VERSION='$(LUA_VERSION)' tools/install.sh

install: all $(wildcard $(BUILD)/librunway.a) ## install under PREFIX=/usr/local (LUADIR, LIBDIR, … and DESTDIR are honoured)
	$(installer) install

uninstall: ## take away what `make install` put there
	$(installer) uninstall

# Elsewhere there may be what others made: only what is made here goes, and the directories that are empty then.
MADE := $(RUNWAY_SO) $(LISTENER_SO) $(SQLITE_SO) $(POSTGRESQL_SO) $(MANUAL) $(ARCHIVE) $(BENCH_C) \
  $(ARCHIVE:$(BUILD)/static/%=$(BUILD)/%) $(addprefix $(BUILD)/,flags flags.new named named.new static/rooms.c) \
  $(wildcard $(BUILD)/obj/*.o $(BUILD)/obj/*.d $(BUILD)/static/*.o $(BUILD)/static/*.d)
MADE_IN := obj static bench runway $(addprefix share/,man/man1 man bash-completion/completions bash-completion \
  zsh/site-functions zsh fish/vendor_completions.d fish) share

clean: ## remove build/ and what luarocks left (never out/: clips may have cost money)
ifneq ($(filter $(abspath build) $(abspath build)/lua%,$(abspath $(BUILD))),)
	$(Q)rm -rf '$(BUILD)'
	$(Q)[ ! -d build ] || rmdir build 2>/dev/null || true
else
	$(Q)rm -f $(foreach file,$(MADE),$(call quoted,$(file)))
	$(Q)for dir in $(MADE_IN); do rmdir '$(BUILD)'/$$dir 2>/dev/null || true; done
	$(Q)rmdir '$(BUILD)' 2>/dev/null || true
endif
	$(Q)rm -rf lua_modules .luarocks
	$(Q)rm -f *.rock luarocks runway.so *.o src/*.o src/runway/*.so
	$(Q)[ ! -d src/runway ] || rmdir src/runway

help: ## this list
	@sed -n -e 's/^all:/:/' -e 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
	  awk -F'|' '{ printf "%-19s %s\n", $$1, $$2 }'
