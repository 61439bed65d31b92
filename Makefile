# Makefile: `make run` is all that a fresh Debian 12 needs; `make help` lists the rest.

-include config.mk

O       ?= build
PORT    ?= 8080
STATE   ?= ./var
PREFIX  ?= /usr/local
DESTDIR ?=
# Seconds for each fuzz target.
T       ?= 60
VERSION = $(shell sed -n "s/.*select '\([0-9.]*\)'.*/\1/p" sql/app/version.sql)
# make V=1 shows the commands.
Q       = $(if $(V),,@)
ifeq ($(origin CC),default)
CC      = gcc
endif

WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
CFLAGS   = -O2 -g
HARDEN   = -fPIE -fstack-protector-strong
FORTIFY  = -D_FORTIFY_SOURCE=2
ifdef SAN
FORTIFY  = -fno-omit-frame-pointer
endif
# pg_config is not there before `make deps`, so it is asked at the first compilation.
PQ       = $(eval PQ := -I$$(shell pg_config --includedir))$(PQ)
COMPILE  = $(CC) -std=c11 -D_GNU_SOURCE $(CPPFLAGS) -Ilib $(PQ) $(CFLAGS) $(WARN) $(HARDEN) $(FORTIFY) $(SAN) -MMD -MP
LINK     = $(CC) -pie -Wl,-z,relro,-z,now,--as-needed $(SAN) $(LDFLAGS)
LIBS     = -lfcgi -lpq -ljansson -ljwt -lsodium -lcrypto -lcurl -lxlsxwriter -lcsv
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all

ARCHIVE  = $(O)/libholdfast.a
PROGRAMS = $(patsubst %.c,$(O)/%,$(wildcard cgi/*.c))
TESTS    = $(patsubst tests/lib/%.c,$(O)/tests/%,$(wildcard tests/lib/*_test.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
SOURCES  = $(wildcard lib/*.[ch] cgi/*.c tests/lib/*.[ch] tests/fuzz/*.[ch])
CHECKS   = lint check-lib check-sql check-api check-rules check-faults
STACK    = PORT=$(PORT) STATE=$(STATE) HOLDFAST_BUILD=$(abspath $(O)) conf/stack
PYTEST   = HOLDFAST_BUILD=$(abspath $(O)) /usr/bin/python3 -B -m pytest -p no:cacheprovider -q
# Two processes, each with a stack of its own; what one file leaves behind the next one of the same process meets.
TWO      = -n 2 --dist loadfile

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(ARCHIVE) $(PROGRAMS) $(O)/resources.conf $(O)/openapi.json  ## build the library and every program
	@:
.PHONY: all

$(ARCHIVE): $(patsubst %.c,$(O)/obj/%.o,$(wildcard lib/*.c))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(O)/obj/%.o: %.c Makefile
	@mkdir -p $(@D) && echo "cc $<"
	$(Q)$(COMPILE) -c -o $@ $<

$(O)/cgi/%: $(O)/obj/cgi/%.o $(ARCHIVE)
	@mkdir -p $(@D) && echo "ld $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(O)/tests/%: $(O)/obj/tests/lib/%.o $(ARCHIVE)
	@mkdir -p $(@D) && echo "ld $@"
	$(Q)$(LINK) -o $@ $^ -lcmocka $(LIBS)

$(O)/fuzz/%: $(O)/obj/tests/fuzz/%.o $(ARCHIVE)
	@mkdir -p $(@D) && echo "ld $@"
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Which program answers for a URL's first word: its own name, and each word in its route table.
$(O)/resources.conf: $(wildcard cgi/*.c) Makefile
	@mkdir -p $(@D)
	@for file in $(basename $(notdir $(wildcard cgi/*.c))); do \
		{ echo $$file; sed -n 's|^[[:space:]]*{ *[A-Z][A-Z]*, *"/v1/\([a-z][a-z]*\).*|\1|p' cgi/$$file.c; } | \
		sort -u | sed "s/.*/& $$file;/"; done >$@
	@twice=$$(cut -d' ' -f1 $@ | sort | uniq -d); [ -z "$$twice" ] || { \
		echo "two programs answer for $$twice" >&2; rm -f $@; exit 1; }

$(O)/openapi.json: $(PROGRAMS) sql/app/version.sql conf/openapi
	@conf/openapi $(VERSION) $(PROGRAMS) >$@

-include $(wildcard $(O)/obj/*/*.d $(O)/obj/*/*/*.d)

.PHONY: deps deps-tests run start stop status
deps:  ## install the Debian packages that are missing
	@conf/install
deps-tests:
	@conf/install tests
run:  ## a private Holdfast in the foreground (PORT=8080 STATE=./var); Ctrl-C ends it
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@exec env $(STACK) run
start:  ## the same in the background
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@$(STACK) start
stop:  ## end what start began
	@$(STACK) stop
status:  ## show its parts
	@$(STACK) status

.PHONY: check check-lib check-sql check-api check-rules check-faults check-long sanitize fuzz bench bench-long
check:  ## install, build, and run every test against private stacks
	@$(MAKE) --no-print-directory deps-tests
	@$(MAKE) --no-print-directory all
	@good=0 bad=0 list=; for one in $(CHECKS); do \
		echo "== $$one"; began=$$(date +%s); \
		if $(MAKE) --no-print-directory $$one; then good=$$((good + 1)) word=passed; \
		else bad=$$((bad + 1)) word=FAILED; fi; \
		list="$$list$$(printf '%-14s %s in %d s' $$one $$word $$(($$(date +%s) - began)))\n"; \
	done; printf "== summary\n$$list"; echo "check: $$good passed, $$bad failed"; [ $$bad = 0 ]

check-lib: $(TESTS)  ## unit tests of lib/
	@[ -n "$(TESTS)" ] || { echo "no tests in tests/lib"; exit 1; }
	@bad=; for one in $(TESTS); do $$one || bad="$$bad $${one##*/}"; done; \
	[ -z "$$bad" ] || { echo "failed:$$bad"; exit 1; }

check-sql: all  ## pgTAP tests of sql/
	@state=$$(mktemp -d) && stack() { PORT=0 STATE=$$state HOLDFAST_BUILD=$(abspath $(O)) conf/stack "$$@"; } && \
	trap 'stack stop >/dev/null; rm -rf "$$state"' EXIT && trap 'exit 130' INT TERM HUP && \
	stack start && stack psql -q -c 'create schema tap; grant usage on schema tap to public; create extension pgtap schema tap' && \
	PGHOST=$$(stack psql -Atc 'show unix_socket_directories') PGUSER=postgres PGDATABASE=holdfast \
	PGOPTIONS='-c search_path=public,tap' pg_prove --ext .sql $(or $(wildcard tests/sql/*_test.sql),none)

check-api: all  ## tests of the API through nginx
	@$(PYTEST) $(TWO) tests/api
check-rules: all  ## who may do what with whose customers: every cell of tests/rules/matrix.txt
	@$(PYTEST) $(TWO) tests/rules
check-faults: all  ## kills, crashes and races
	@$(PYTEST) tests/faults
check-long:  ## the tests of faults and rules in their full length
	@HOLDFAST_LONG=1 $(MAKE) --no-print-directory check

sanitize:  ## check, built with the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory deps-tests
	@found=$$(mktemp -d) && chmod 1777 $$found && trap 'rm -rf $$found' EXIT && \
	export ASAN_OPTIONS=quarantine_size_mb=4:log_path=$$found/report UBSAN_OPTIONS=print_stacktrace=1:log_path=$$found/report && \
	export LSAN_OPTIONS=log_path=$$found/report && \
	$(MAKE) --no-print-directory check O=build-san CC=clang SAN='$(SANITIZE)' CHECKS='$(filter-out lint,$(CHECKS))'; \
	status=$$?; for one in $$found/report*; do ! grep -qE 'ERROR|runtime error' $$one 2>/dev/null || { cat $$one; status=1; }; done; exit $$status

fuzz:  ## libFuzzer, T=60 seconds for each target in tests/fuzz
	@$(MAKE) --no-print-directory deps-tests
	@$(MAKE) --no-print-directory fuzzers O=build-fuzz CC=clang SAN='$(SANITIZE) -fsanitize=fuzzer-no-link'
	@for one in build-fuzz/fuzz/*_fuzz; do name=$$(basename $$one _fuzz); echo "== $$name"; \
		mkdir -p tests/fuzz/corpus/$$name build-fuzz/corpus/$$name && \
		$$one -max_total_time=$(T) -timeout=5 -malloc_limit_mb=256 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=build-fuzz/$$name- build-fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; done
.PHONY: fuzzers
fuzzers: $(FUZZERS)

bench:  ## speed, as ratios against what it stands on
	@$(MAKE) --no-print-directory deps-tests
	@$(MAKE) --no-print-directory all
	@HOLDFAST_BUILD=$(abspath $(O)) tests/bench/run
bench-long:  ## the same with ten million customers
	@$(MAKE) --no-print-directory deps-tests
	@$(MAKE) --no-print-directory all
	@HOLDFAST_LONG=1 HOLDFAST_BUILD=$(abspath $(O)) tests/bench/run

.PHONY: lint format format-check tidy
lint: format-check tidy  ## the rules that a script can check
	@for one in tests/check/*.sh; do $$one || exit 1; done
	@cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability,performance \
		--suppress=missingIncludeSystem --suppress=varFuncNullUB -Ilib -D_GNU_SOURCE lib cgi
# Left out: what is taste, and version 14's false alarms about every va_list and every constant 2 * N.
comma := ,
empty :=
TIDY := -* clang-analyzer-* -clang-analyzer-valist.* -clang-analyzer-security.insecureAPI.* bugprone-* \
	-bugprone-easily-swappable-parameters -bugprone-implicit-widening-of-multiplication-result \
	-bugprone-not-null-terminated-result -bugprone-macro-parentheses
TIDY := $(subst $(empty) ,$(comma),$(strip $(TIDY)))
tidy:
	@printf '%s\n' $(wildcard lib/*.c cgi/*.c) | xargs -P $$(nproc) -n 4 sh -c 'clang-tidy-14 --quiet --checks="$(TIDY)" \
		--warnings-as-errors="*" "$$@" -- -std=c11 -D_GNU_SOURCE -Ilib $(PQ) 2>/dev/null' tidy
format:  ## put the C in form
	@clang-format-14 -i $(SOURCES)
format-check:
	@clang-format-14 --dry-run --Werror $(SOURCES)

.PHONY: migrate install clean help
migrate:  ## bring the database of $$HOLDFAST_DATABASE_ADMIN to this version
	@conf/holdfast migrate

SHARE = $(PREFIX)/share/holdfast
WORDS = -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SQL@|$(SHARE)/sql|g' -e 's|@RUN@|/run/holdfast|g' \
	-e 's|@CONF@|$(SHARE)/nginx|g' -e 's|@STATIC@|$(SHARE)/static|g' -e 's|@RESOURCES@|$(SHARE)/nginx/resources.conf|g'
install: all  ## programs, SQL, units and nginx's site (DESTDIR, PREFIX=/usr/local)
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(PREFIX)/libexec/holdfast $(PREFIX)/lib/systemd/system $(SHARE)/nginx $(SHARE)/static)
	install -s $(PROGRAMS) $(DESTDIR)$(PREFIX)/libexec/holdfast
	for file in $$(cd sql && find . -type f ! -path './seed/*' ! -name apply); do install -D -m 644 sql/$$file $(DESTDIR)$(SHARE)/sql/$$file; done
	install sql/apply $(DESTDIR)$(SHARE)/sql/apply
	sed $(WORDS) conf/holdfast >$(DESTDIR)$(PREFIX)/bin/holdfast && chmod 755 $(DESTDIR)$(PREFIX)/bin/holdfast
	install -D -m 644 conf/systemd/sessions.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/holdfast@sessions.service.d/user.conf
	for file in conf/systemd/holdfast@*; do sed $(WORDS) $$file >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${file##*/} || exit 1; done
	for file in site http server problem fastcgi; do sed $(WORDS) conf/$$file.conf >$(DESTDIR)$(SHARE)/nginx/$$file.conf || exit 1; done
	install -m 644 $(O)/resources.conf $(DESTDIR)$(SHARE)/nginx
	install -m 644 conf/holdfast.env $(DESTDIR)$(SHARE)
	install -m 644 $(O)/openapi.json $(DESTDIR)$(SHARE)/static

clean:  ## remove what was built
	rm -rf build build-san build-fuzz $(O)
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1|\2/p' Makefile | sed 's/\$$\$$/$$/g' | \
	while IFS='|' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done
