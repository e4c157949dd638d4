# `make` builds the programs and the library into .build/<MODE>; `make help` names the rest. No configure: pkg-config knows
# the libraries, and .ci/setup, asked before anything is built, installs what is missing.

MODE ?= release
BUILD := .build/$(MODE)
# Debian's Python before another one on the PATH: the check of the golden vectors uses its packages.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
ifeq (0,$(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)))
MAKEFLAGS += -j2
endif

# ---- set-up: what the goals at hand need ----
GOALS := $(or $(MAKECMDGOALS),all)
BUILDING := all programs library install
NEEDS := $(if $(filter-out help clean format uninstall clean-machine $(BUILDING),$(GOALS)),test,$(if $(filter $(BUILDING),$(GOALS)),build))
NEEDS += $(filter format coverage valgrind,$(GOALS)) $(if $(filter fuzzers $(if $(FOR)$(KEEP),fuzz),$(GOALS)),fuzz)
ifeq ($(MAKELEVEL)$(findstring n,$(firstword -$(MAKEFLAGS))),0)
$(foreach need,$(strip $(NEEDS)),$(if $(shell .ci/setup $(need) && echo ok),,$(error setting up failed)))
endif

# ---- flags ----
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(MODE)),clang,gcc)
endif
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2 \
  -Wnull-dereference -Wundef -Wwrite-strings
FLAGS_debug := -O0 -g3
FLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FLAGS_cov := -O0 -g --coverage
$(if $(FLAGS_$(MODE)),,$(error MODE=$(MODE) is unknown: debug, release, asan, tsan, fuzz or cov))

MSGPACK := $(if $(shell pkg-config --exists msgpack 2>/dev/null && echo y),msgpack,msgpack-c)
MODULES_server := sqlite3 libsodium $(MSGPACK) libwebsockets openssl libarchive
MODULES_client := sqlite3 libsodium $(MSGPACK) libwebsockets libzstd jansson
CFLAGS := -std=c17 $(WARNINGS) $(FLAGS_$(MODE)) -fstack-protector-strong -fPIC -fvisibility=hidden \
  -I. $(shell pkg-config --cflags $(MODULES_server) $(MODULES_client) 2>/dev/null)
LDFLAGS := $(FLAGS_$(MODE)) -Wl,-z,relro,-z,now,--as-needed
LIBS_server := $(shell pkg-config --libs $(MODULES_server) 2>/dev/null)
LIBS_client := $(shell pkg-config --libs $(MODULES_client) 2>/dev/null)
# With WERROR=1 a warning is an error; without, `make lint` still finds it, as every object keeps what the compiler said.
WERROR_FLAG := $(if $(filter 1,$(WERROR)),-Werror)

# ---- parts: the server never sees the vault ----
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
ENGINE := $(wildcard common/base/*.c common/wire/*.c common/proof/*.c common/store/*.c common/sync/*.c)
VAULT := $(wildcard common/vault/*.c)
SERVER := $(filter-out server/main.c,$(wildcard server/*.c))
CLIENT := $(wildcard client/*.c client/book/*.c client/import/*.c client/search/*.c client/view/*.c)
CLI := $(filter-out client/cli/main.c,$(wildcard client/cli/*.c))

VERSION := $(shell sed -n 's/^#define VERSION "\(.*\)"/\1/p' client/handle.c)
SONAME := libsatchel.so.0
SHARED := libsatchel.so.$(VERSION)

all: programs library
programs: $(BUILD)/satcheld $(BUILD)/satchel
library: $(BUILD)/$(SHARED) $(BUILD)/install/libsatchel.a

$(BUILD)/libengine.a: $(call objects,$(ENGINE))
$(BUILD)/libvault.a: $(call objects,$(VAULT))
$(BUILD)/libserver.a: $(call objects,$(SERVER))
$(BUILD)/libcli.a: $(call objects,$(CLI))
$(BUILD)/libsatchel.a: $(call objects,$(CLIENT) $(VAULT) $(ENGINE)) $(BUILD)/client/reports_text.o $(BUILD)/client/templates_text.o
# The reports' SQL, as it stands in its files, becomes text in the library.
REPORTS := $(wildcard client/reports/*.sql)
$(BUILD)/client/reports_text.c: $(REPORTS) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "client/reports.h"'; echo 'const struct client_report_text client_report_texts[] = {'; \
	  for file in $(REPORTS); do echo "{\"$$(basename $$file .sql)\","; \
	    sed -e 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $$file; echo '},'; done; echo '{0}};'; } >$@
# … and the templates.
TEMPLATES := $(wildcard client/templates/*.json)
$(BUILD)/client/templates_text.c: $(TEMPLATES) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "client/book/template.h"'; echo 'const struct client_template_text client_template_texts[] = {'; \
	  for file in $(TEMPLATES); do echo "{\"$$(basename $$file .json)\","; \
	    sed -e 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $$file; echo '},'; done; echo '{0}};'; } >$@
$(BUILD)/client/%_text.o: $(BUILD)/client/%_text.c $(BUILD)/flags
	@$(CC) $(CFLAGS) -c -o $@ $<
$(BUILD)/%.a: | $(BUILD)
	@rm -f $@
	@$(AR) rcs $@ $^

link = @echo "  link $@"; $(CC) $(LDFLAGS) $(or $(LINK_AS),-pie) -o $@ $(filter %.o,$^)
$(BUILD)/satcheld: $(BUILD)/server/main.o $(BUILD)/libserver.a $(BUILD)/libengine.a
	$(link) $(filter %.a,$^) $(LIBS_server)
$(BUILD)/satchel: $(BUILD)/client/cli/main.o $(BUILD)/libcli.a $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
# For the tests: the program, but that a passphrase costs nothing to try, which is nine tenths of what a command takes.
PASSPHRASES_FREE := -Wl,--wrap=sat_keyring_cost_default \
  -Wl,--defsym=__wrap_sat_keyring_cost_default=sat_keyring_cost_minimum
$(BUILD)/satchel-quick $(BUILD)/satchel-older: LINK_AS := -pie $(PASSPHRASES_FREE)
$(BUILD)/satchel-quick: $(BUILD)/client/cli/main.o $(BUILD)/libcli.a $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
# … and a program of an earlier time, which knows one record type and one field fewer.
OLDER := $(BUILD)/tests/older
$(OLDER)/common/vault/types.def: common/vault/types.def Makefile
	@mkdir -p $(@D)
	@sed -e '/^TYPE(9, task/d;/^[A-Z]*(task,/d;/^FIELD(visit, 6, next_step/d;/^[A-Z]*(visit, next_step,/d' $< >$@
$(OLDER)/types.o: common/vault/types.c $(OLDER)/common/vault/types.def $(BUILD)/flags
	@$(CC) -I$(OLDER) $(CFLAGS) -c -o $@ $<
$(BUILD)/satchel-older: $(BUILD)/client/cli/main.o $(OLDER)/types.o $(BUILD)/libcli.a $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
# What is installed of the library: from outside only satchel_* can be seen of it.
$(BUILD)/$(SHARED): LINK_AS := -shared -Wl,-soname,$(SONAME)
$(BUILD)/$(SHARED): $(BUILD)/libsatchel.a
	$(link) -Wl,--whole-archive $< -Wl,--no-whole-archive $(LIBS_client)
$(BUILD)/install/libsatchel.a: $(BUILD)/libsatchel.a
	@mkdir -p $(@D) && rm -f $@
	@$(LD) -r -o $(@D)/satchel.o --whole-archive $< && objcopy --localize-hidden $(@D)/satchel.o
	@$(AR) rcs $@ $(@D)/satchel.o
# What must never exist: the server with the vault inside. The check of blindness is tested on it.
$(BUILD)/satcheld-with-vault: $(BUILD)/server/main.o $(BUILD)/libserver.a $(BUILD)/libengine.a $(BUILD)/libvault.a
	$(link) $(BUILD)/libserver.a -Wl,--whole-archive $(BUILD)/libvault.a -Wl,--no-whole-archive $(BUILD)/libengine.a \
	  $(LIBS_server) $(LIBS_client)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS) $(WERROR_FLAG) -MMD -MP -c -o $@ $< 2>$@.log; status=$$?; cat $@.log >&2; exit $$status
$(BUILD):
	@mkdir -p $@
$(BUILD)/flags: FORCE | $(BUILD)
	@echo '$(CC) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS)' >$@

# ---- installing: each file with its mode and its place. Packagers set DESTDIR, and LIBDIR where it is not PREFIX/lib ----
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DOC := $(PREFIX)/share/doc/satchel
define INSTALLED
755 $(BUILD)/satchel $(PREFIX)/bin/satchel
755 $(BUILD)/satcheld $(PREFIX)/sbin/satcheld
644 $(BUILD)/$(SHARED) $(LIBDIR)/$(SHARED)
644 $(BUILD)/install/libsatchel.a $(LIBDIR)/libsatchel.a
644 $(BUILD)/install/satchel.pc $(LIBDIR)/pkgconfig/satchel.pc
644 client/include/satchel.h $(PREFIX)/include/satchel.h
644 client/include/satchel_admin.h $(PREFIX)/include/satchel_admin.h
644 client/include/satchel_book.h $(PREFIX)/include/satchel_book.h
644 client/search/LICENSE.tables $(DOC)/LICENSE.tables
644 docs/man/satchel.1 $(PREFIX)/share/man/man1/satchel.1
644 docs/man/satcheld.8 $(PREFIX)/share/man/man8/satcheld.8
$(foreach map,$(wildcard client/maps/*.json),
644 $(map) $(PREFIX)/share/satchel/maps/$(notdir $(map)))
644 deploy/completion/satchel.bash $(PREFIX)/share/bash-completion/completions/satchel
644 $(BUILD)/install/satcheld.service $(PREFIX)/lib/systemd/system/satcheld.service
$(foreach file,docs/operations.md $(wildcard deploy/*.conf deploy/*.cfg),
644 $(file) $(DOC)/$(notdir $(file)))
endef
# What names the prefix is written anew each time, so that another one needs no cleaning.
fill = @mkdir -p $(@D) && rm -f $@ && sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|' \
  -e 's|@VERSION@|$(VERSION)|; s|@MODULES@|$(MODULES_client)|; s|^\(ExecStart[A-Za-z]*=\)[^ ]*/satcheld |\1$(PREFIX)/sbin/satcheld |' $< >$@
$(BUILD)/install/satchel.pc: deploy/satchel.pc.in FORCE
	$(fill)
$(BUILD)/install/satcheld.service: deploy/satcheld.service FORCE
	$(fill)
install uninstall: export LIST = $(INSTALLED)
install: all $(BUILD)/install/satchel.pc $(BUILD)/install/satcheld.service
	@echo "$$LIST" | grep . | while read -r mode file place; do install -D -m $$mode $$file "$(DESTDIR)$$place" || exit 1; done
	@ln -sf $(SHARED) "$(DESTDIR)$(LIBDIR)/$(SONAME)" && ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libsatchel.so"
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true
	@echo "installed under $(DESTDIR)$(PREFIX)"
uninstall:
	@echo "$$LIST" | grep . | while read -r mode file place; do rm -f "$(DESTDIR)$$place"; done
	@rm -f "$(DESTDIR)$(LIBDIR)/$(SONAME)" "$(DESTDIR)$(LIBDIR)/libsatchel.so"
	@rmdir "$(DESTDIR)$(DOC)" 2>/dev/null || true

# ---- test programs: each test_*.c is a main, the other files of its folder are shared by them; T=test_x builds and runs one ----
T ?=
mains = $(wildcard tests/$(1)/$(or $(T),test_*).c)
shared = $(call objects,$(filter-out tests/$(1)/test_%,$(wildcard tests/$(1)/*.c)))
programs_of = $(patsubst %.c,$(BUILD)/%,$(call mains,$(1)))
TEST_LIBS := $(BUILD)/libserver.a $(BUILD)/libcli.a $(BUILD)/libsatchel.a
LIBS_tests := $(LIBS_server) $(LIBS_client) $(shell pkg-config --libs cmocka 2>/dev/null)

# The file system in memory, on which lives lose power, too.
VFS := $(call objects,tests/faults/vfs.c tests/faults/vfs_sqlite.c)
$(BUILD)/tests/libworld.a: $(call shared,story)
$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(call shared,unit) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
# … and in these it counts how often something costly is done.
ESCROW_COUNTED := sat_bundle_verify sat_hash_equal sat_unseal_change sat_store_changes_of_record
$(BUILD)/tests/unit/test_escrow: LINK_AS = -pie $(ESCROW_COUNTED:%=-Wl,--wrap=%)
$(BUILD)/tests/unit/test_author_past: LINK_AS = -pie -Wl,--wrap=sat_dots_have -Wl,--wrap=sat_vector_counter
$(BUILD)/tests/story/test_%: $(BUILD)/tests/story/test_%.o $(call shared,story) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
# A signature that was verified before is not verified again, what is always the same is made once, and some programs are older.
SIM_WRAPPED := sat_sign sat_verify sat_store_open ZSTD_createCDict ZSTD_freeCDict sat_suite_is_known sat_suite_in_use sat_field_by_number sat_type_at
$(BUILD)/tests/sim/test_%: LINK_AS = -pie $(SIM_WRAPPED:%=-Wl,--wrap=%)
$(BUILD)/tests/sim/test_%: $(BUILD)/tests/sim/test_%.o $(call shared,sim) $(VFS) $(BUILD)/tests/libworld.a $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
# In these the linker sends to the tests what decides about memory, time, chance and the end.
FAULTS_WRAPPED := sodium_malloc ZSTD_createCDict json_loadb json_loads sat_entropy_system client_now_ms sat_check_failed sat_no_memory
$(BUILD)/tests/faults/test_%: LINK_AS = -pie -pthread $(FAULTS_WRAPPED:%=-Wl,--wrap=%)
$(BUILD)/tests/faults/test_%: $(BUILD)/tests/faults/test_%.o $(call shared,faults) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
# Fuzz targets: each is a test that replays its corpus and, with MODE=fuzz, a fuzzer.
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/$(or $(T:test_%=%),fuzz_*).c))
FUZZ_BUILD := $(if $(filter command,$(origin BUILD)),$(BUILD),.build/fuzz)
FUZZ_LIBS := $(BUILD)/tests/libfuzz.a $(BUILD)/tests/libworld.a $(TEST_LIBS)
$(BUILD)/tests/libfuzz.a: $(call objects,$(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
$(BUILD)/tests/fuzz/test_fuzz_%: $(BUILD)/tests/fuzz/replay.o $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
$(BUILD)/fuzz_%: LINK_AS := -pie -fsanitize=fuzzer
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
VECTORS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/vectors/make_vectors*.c))
VECTORS_SHARED := $(call objects,$(filter-out tests/vectors/make_vectors%,$(wildcard tests/vectors/*.c)))
$(VECTORS): %: %.o $(VECTORS_SHARED) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
BENCH := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
BENCH_SHARED := $(call objects,$(filter-out tests/bench/bench_%,$(wildcard tests/bench/*.c)))
$(BENCH): %: %.o $(BENCH_SHARED) $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_tests)
# The attacker who opens whatever can be opened.
$(BUILD)/oracle: $(call objects,$(wildcard tests/hostile/*.c)) $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
$(BUILD)/train: $(call objects,$(wildcard tests/data/train/*.c)) $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
.SECONDARY:

unit-programs: $(call programs_of,unit)
story-programs: $(call programs_of,story)
sim-programs: $(call programs_of,sim)
faults-programs: $(call programs_of,faults)
vectors-programs: $(VECTORS)
fuzz-programs: $(FUZZ:%=$(BUILD)/tests/fuzz/test_%)
fuzzers: $(FUZZ:%=$(BUILD)/%)
server-programs cli-programs network-programs demo-programs: programs
cli-programs network-programs hostile-programs kill-programs: $(BUILD)/satchel-quick
model-programs: # nothing is built: Python alone
cli-programs: $(BUILD)/satchel-older
hostile-programs: programs $(BUILD)/oracle
install-programs: all
kill-programs: programs
client-programs: programs $(BUILD)/libsatchel.a
everything: all $(BUILD)/satchel-older $(BUILD)/satchel-quick unit-programs story-programs sim-programs faults-programs vectors-programs \
  $(BUILD)/libvault.a $(BUILD)/satcheld-with-vault $(BUILD)/oracle
lint-programs: everything

# ---- goals ----
RUN := $(PYTHON) -B tests/run.py $(if $(V),--verbose) $(if $(T),--only $(T))
SUITES := sim model lint unit story faults vectors server client cli network hostile kill install demo
export $(foreach name,SEED LIVES WITHOUT WHOLE KILLS,$(if $($(name)),$(name)))
sim: export FRESH ?= 10
sim: export JOBS ?= 2
sim: export TIME_MAX_S ?= $(if $(LIVES),86400)
$(filter-out demo install faults,$(SUITES)): %: %-programs
	@$(RUN) $(MODE):$@
# `make install` is the installation, not its tests.
test-install: install-programs
	@$(RUN) $(MODE):install
# Every allocation, and every read, write and sync: some hours. FAULT="Ann's disk full": of one kind; SEED.
faults: faults-programs
	@ALL=1 JOBS=$(or $(JOBS),2) $(BUILD)/tests/faults/test_faults
test:
	@$(MAKE) --no-print-directory everything
	@$(MAKE) --no-print-directory MODE=asan unit-programs story-programs faults-programs fuzz-programs
	@$(RUN) $(SUITES:%=$(MODE):%) asan:unit asan:story asan:faults asan:fuzz
# The rep's book by its commands, with the sanitizers: what others wrote goes all the way to the terminal.
asan-book:
	@$(MAKE) --no-print-directory MODE=asan cli-programs
	@$(RUN) 'asan:cli=test_book_*,test_reps_day,test_readme'
# Follows docs/operations.md on a bare Debian of its own; minutes, as root.
clean-machine:
	@tests/install/clean_machine.sh
# N="push pull": some figures alone; QUICK=1: few records, only that it runs; FOR: seconds.
bench: programs $(BENCH)
	@$(PYTHON) -B tests/bench/bench.py --build $(BUILD) $(if $(JSON),--json) $(N)
# Every planted bug; or SLICE=3/8, a part of them; or MUTANTS=4, some by SEED; or BUG="a clock", by name.
mutants:
	@MUTANTS=$(or $(MUTANTS),all) $(PYTHON) -B tests/mutants/test_mutants.py
# Which lines and branches of common/ the tests go through that are told in one process, the storms that once ended badly
# among them; it fails below 95 % and 85 %. Each line that they do not: .build/cov/coverage.txt. A sat_check() has a branch
# that is never taken; what is left is in docs/testing.md.
COVERED := unit story fuzz
coverage:
	@$(MAKE) --no-print-directory MODE=cov $(COVERED:%=%-programs) sim-programs
	@find .build/cov/ -name '*.gcda' -delete
	@$(PYTHON) -B tests/run.py $(COVERED:%=cov:%)
	@LIVES=0 .build/cov/tests/sim/test_storms
	@gcovr -r . --object-directory .build/cov -f 'common/' --exclude-branches-by-pattern '.*sat_check\(.*' \
	  --txt .build/cov/coverage.txt --print-summary --fail-under-line 95 --fail-under-branch 85
# Reads of what was never written, which no other test sees, and leaks; of one story.
VALGRIND := valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all
valgrind: T := $(or $(T),test_revocation)
valgrind:
	@$(MAKE) --no-print-directory T=$(T) story-programs
	@$(VALGRIND) $(BUILD)/tests/story/$(T)
soak: programs $(BENCH)
	@$(PYTHON) -B tests/bench/soak.py --build $(BUILD) --for $(or $(FOR),60)
# FOR: seconds, all targets together; KEEP=1: choose the committed corpora anew. Without either they are replayed.
fuzz:
ifeq ($(FOR)$(KEEP),)
	@$(MAKE) --no-print-directory MODE=asan fuzz-programs
	@$(RUN) asan:fuzz
else
	@$(MAKE) --no-print-directory MODE=fuzz fuzzers
	@$(PYTHON) -B tests/fuzz/fuzz.py $(if $(KEEP),--keep) $(FUZZ_BUILD) $(or $(FOR),0) $(T)
endif
demo: programs
	@$(PYTHON) -B tests/demo/demo.py --build $(BUILD)
# The dictionary in use never changes (tests/data/train/README.md): a new one is put beside it, into the build's directory.
dictionary: $(BUILD)/train
	@$<
format:
	@clang-format -i $(wildcard common/*/*.[ch] server/*.[ch] client/*.[ch] client/*/*.[ch] tests/*/*.[ch])
clean:
	rm -rf .build
help:
	@echo 'make             build satcheld, satchel and libsatchel into .build/release'
	@echo 'make install PREFIX=/usr/local DESTDIR=    make uninstall takes away the same'
	@echo 'make demo        a field day on the Northwind data: under a minute, leaves nothing running'
	@echo 'make test        everything that is checked, closing with "N passed, N failed"'
	@echo 'make lint        layers, style, warnings, and that the server is blind'
	@echo 'make unit story sim vectors server client cli network hostile kill test-install   one part of the tests'
	@echo '     T=test_bytes: one program; V=1: all that it prints'
	@echo 'make clean-machine   follow docs/operations.md on a bare Debian (root, debootstrap, minutes)'
	@echo 'make sim SEED=7 LIVES=100   that many simulated lives from that seed'
	@echo 'make kill KILLS=300 SEED=7   kill -9 of both programs at random moments, with a ledger of what was acknowledged'
	@echo 'make asan-book   the commands of the rep'"'"'s book once more, with AddressSanitizer and UBSan'
	@echo 'make mutants     plants every known bug, one at a time, and says which test notices it; SLICE=1/8: a part'
	@echo 'make coverage    lines and branches of common/ that the tests go through; make valgrind   one story of them (T=test_sync)'
	@echo 'make fuzz FOR=60    every decoder, by clang and libFuzzer, for that many seconds; without FOR: what they found before'
	@echo 'make faults      fail every allocation, and every read, write and sync of every store, in turn (hours)'
	@echo 'make bench N=push   figures beside the floors of the same run; make soak FOR=300   200 devices for that many seconds'
	@echo 'make dictionary  train the compression dictionary again and compare it with the committed one'
	@echo 'make format      run clang-format over the code            make clean       remove .build'
	@echo 'MODE=release|debug|asan|tsan|fuzz|cov (release: -O2 -g), CC=clang, WERROR=1: warnings are errors'

.PHONY: asan-book coverage valgrind mutants bench soak fuzz fuzzers fuzz-programs all programs library everything uninstall test-install clean-machine $(SUITES) $(SUITES:%=%-programs) test dictionary format
.PHONY: clean help FORCE
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
