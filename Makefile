# `make` builds satcheld and satchel into .build/<MODE>; `make help` names the rest. No configure: pkg-config knows the libraries, and
# .ci/setup, asked before anything is built, installs what is missing.

MODE ?= release
BUILD := .build/$(MODE)
# Debian's Python before another one on the PATH: the check of the golden vectors uses its packages.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
ifeq (0,$(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)))
MAKEFLAGS += -j2
endif

# ---- set-up: what the goals at hand need ----
GOALS := $(or $(MAKECMDGOALS),all)
NEEDS := $(if $(filter-out help clean format all programs,$(GOALS)),test,$(if $(filter all programs,$(GOALS)),build))
NEEDS += $(if $(filter format,$(GOALS)),format)
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
MODULES_server := sqlite3 libsodium $(MSGPACK) libwebsockets openssl
MODULES_client := sqlite3 libsodium $(MSGPACK) libwebsockets libzstd jansson
CFLAGS := -std=c17 $(WARNINGS) $(FLAGS_$(MODE)) -fstack-protector-strong -fPIE \
  -I. $(shell pkg-config --cflags $(MODULES_server) $(MODULES_client) 2>/dev/null)
LDFLAGS := $(FLAGS_$(MODE)) -pie -Wl,-z,relro,-z,now,--as-needed
LIBS_server := $(shell pkg-config --libs $(MODULES_server) 2>/dev/null)
LIBS_client := $(shell pkg-config --libs $(MODULES_client) 2>/dev/null)
# With WERROR=1 a warning is an error; without, `make lint` still finds it, as every object keeps what the compiler said.
WERROR_FLAG := $(if $(filter 1,$(WERROR)),-Werror)

# ---- parts: the server never sees the vault ----
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
ENGINE := $(wildcard common/base/*.c common/wire/*.c common/proof/*.c common/store/*.c common/sync/*.c)
VAULT := $(wildcard common/vault/*.c)
SERVER := $(filter-out server/main.c,$(wildcard server/*.c))
CLIENT := $(wildcard client/*.c client/view/*.c)
CLI := $(filter-out client/cli/main.c,$(wildcard client/cli/*.c))

all: programs
programs: $(BUILD)/satcheld $(BUILD)/satchel

$(BUILD)/libengine.a: $(call objects,$(ENGINE))
$(BUILD)/libvault.a: $(call objects,$(VAULT))
$(BUILD)/libserver.a: $(call objects,$(SERVER))
$(BUILD)/libcli.a: $(call objects,$(CLI))
$(BUILD)/libsatchel.a: $(call objects,$(CLIENT) $(VAULT) $(ENGINE))
$(BUILD)/%.a: | $(BUILD)
	@rm -f $@
	@$(AR) rcs $@ $^

link = @echo "  link $@"; $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^)
$(BUILD)/satcheld: $(BUILD)/server/main.o $(BUILD)/libserver.a $(BUILD)/libengine.a
	$(link) $(filter %.a,$^) $(LIBS_server)
$(BUILD)/satchel: $(BUILD)/client/cli/main.o $(BUILD)/libcli.a $(BUILD)/libsatchel.a
	$(link) $(filter %.a,$^) $(LIBS_client)
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

# ---- test programs: each test_*.c is a main, the other files of its folder are shared by them; T=test_x builds and runs one ----
T ?=
mains = $(wildcard tests/$(1)/$(or $(T),test_*).c)
shared = $(call objects,$(filter-out tests/$(1)/test_%,$(wildcard tests/$(1)/*.c)))
programs_of = $(patsubst %.c,$(BUILD)/%,$(call mains,$(1)))
TEST_LIBS := $(BUILD)/libserver.a $(BUILD)/libcli.a $(BUILD)/libsatchel.a
LIBS_tests := $(LIBS_server) $(LIBS_client) $(shell pkg-config --libs cmocka 2>/dev/null)

$(BUILD)/tests/libworld.a: $(call shared,story)
$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(call shared,unit) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
$(BUILD)/tests/story/test_%: $(BUILD)/tests/story/test_%.o $(call shared,story) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
$(BUILD)/tests/sim/test_%: $(BUILD)/tests/sim/test_%.o $(call shared,sim) $(BUILD)/tests/libworld.a $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
VECTORS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/vectors/make_vectors*.c))
VECTORS_SHARED := $(call objects,$(filter-out tests/vectors/make_vectors%,$(wildcard tests/vectors/*.c)))
$(VECTORS): %: %.o $(VECTORS_SHARED) $(TEST_LIBS)
	$(link) $(filter %.a,$^) $(LIBS_tests)
TRAIN := tests/data/train
$(BUILD)/$(TRAIN)/train_dictionary: $(BUILD)/$(TRAIN)/train_dictionary.o
	$(link) $(LIBS_client)
.SECONDARY:

unit-programs: $(call programs_of,unit)
story-programs: $(call programs_of,story)
sim-programs: $(call programs_of,sim)
vectors-programs: $(VECTORS)
server-programs cli-programs demo-programs: programs
client-programs: programs $(BUILD)/libsatchel.a
everything: programs unit-programs story-programs sim-programs vectors-programs $(BUILD)/libvault.a $(BUILD)/satcheld-with-vault
lint-programs: everything

# ---- goals ----
RUN := $(PYTHON) -B tests/run.py $(if $(V),--verbose) $(if $(T),--only $(T))
SUITES := sim lint unit story vectors server client cli demo
export $(foreach name,SEED LIVES,$(if $($(name)),$(name)))
$(filter-out demo,$(SUITES)): %: %-programs
	@$(RUN) $(MODE):$@
test:
	@$(MAKE) --no-print-directory everything
	@$(MAKE) --no-print-directory MODE=asan unit-programs story-programs
	@$(RUN) $(SUITES:%=$(MODE):%) asan:unit asan:story
demo: programs
	@$(PYTHON) -B tests/demo/demo.py --build $(BUILD)
# The dictionary in use never changes (tests/data/train/README.md): a new one is put beside it, into the build's directory.
dictionary: $(BUILD)/$(TRAIN)/train_dictionary
	$(PYTHON) -B $(TRAIN)/encode_samples.py $(TRAIN)/northwind.ndjson $(TRAIN)/synthetic.ndjson >$(BUILD)/samples.bin
	$(PYTHON) -B $(TRAIN)/encode_samples.py $(TRAIN)/prose.ndjson >$(BUILD)/statistics.bin
	$< $(BUILD)/samples.bin $(BUILD)/statistics.bin $(TRAIN)/vocabulary_zh.txt $(TRAIN)/vocabulary_en.txt >$(BUILD)/dictionary.c
	@cmp -s $(BUILD)/dictionary.c common/vault/dictionary_1.c && echo 'the same as common/vault/dictionary_1.c' || \
	  echo '$(BUILD)/dictionary.c differs from common/vault/dictionary_1.c'
format:
	@clang-format -i $(wildcard common/*/*.[ch] server/*.[ch] client/*.[ch] client/*/*.[ch] tests/*/*.[ch])
clean:
	rm -rf .build
help:
	@echo 'make             build satcheld, satchel and libsatchel.a into .build/release'
	@echo 'make demo        a field day on the Northwind data: under a minute, leaves nothing running'
	@echo 'make test        everything that is checked, closing with "N passed, N failed"'
	@echo 'make lint        layers, style, warnings, and that the server is blind'
	@echo 'make unit story sim vectors server client cli   one part of the tests; T=test_bytes: one program; V=1: all it prints'
	@echo 'make sim SEED=7 LIVES=100   that many simulated lives from that seed'
	@echo 'make dictionary  train the compression dictionary again and compare it with the committed one'
	@echo 'make format      run clang-format over the code            make clean       remove .build'
	@echo 'MODE=release|debug|asan|tsan|fuzz|cov (release: -O2 -g), CC=clang, WERROR=1: warnings are errors'

.PHONY: all programs everything $(SUITES) $(SUITES:%=%-programs) test dictionary format clean help FORCE
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
