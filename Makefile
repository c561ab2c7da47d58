# djust_auth: make, make install; for developers make test, make demo, and DEV=1 for warnings as errors
# Builds in other folders, too: make -f /path/Makefile VPATH=/path

TOP := $(or $(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))
ifneq ($(realpath $(TOP)),$(CURDIR))
ifneq ($(wildcard $(TOP)/src/*/*.o),)
$(error $(TOP) holds object files, which make would take for its own: run "make clean" there first)
endif
endif

EXTENSION = djust_auth
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(TOP)/djust_auth.control)
MODULE_big = djust_auth

# folders from the ground up: a file includes only from its own folder and earlier ones (test/layers.sh proves it)
FOLDERS = text crypto routes pwhash server mailer tables shmem keys http audit auth worker api
PURE = text crypto routes pwhash
IN_text = bytes unicode address language mime
IN_crypto = crypto cryptokey jwt
IN_routes = route_segment route route_trie
IN_pwhash = pwhash pwscheme pwargon2 pwkdf pwcrypt pwdigest pwcommon_words pwcommon_find pwcommon pwpolicy
IN_server = settings secret uuid shard json import_hash logtext logmask encoding normalize plproxy
IN_mailer = smtp_trace smtp mailer
IN_tables = session_tid catalog catalog_scan catalog_user catalog_session catalog_config store_run session_revoke store_row store_session store_user store_profile store_key store_mail store_email store_view store_device store_audit store_lock store_purge store_seal store_seal_event store_copy store_export store_move store_heartbeat store_worker
IN_shmem = counters throttle_table throttle_owner throttle_undo throttle_rule throttle_prepared throttle throttle_reset_request hash_slot event_queue
IN_keys = key_file_disk key_file_check key_file signing_key
IN_http = postgrest html answer page_text page reset_page sign_up_page confirm_page metadata
IN_audit = throttle_event audit row_change admin_event audit_seal_form audit_seal audit_verify
IN_auth = replica rights link session_cutoff token password session login reset account profile grants mail_text mail_queue device sign_up email_change database_copy move
IN_worker = worker_task queue_write purge stats utility_hook worker mail_send
IN_api = api admin move_steps router constraints triggers

objects = $(foreach folder,$(1),$(patsubst %,src/$(folder)/%.o,$(IN_$(folder))))
OBJS = $(call objects,$(filter-out mailer,$(FOLDERS))) src/djust_auth.o
in_top = $(patsubst $(TOP)/%,%,$(wildcard $(addprefix $(TOP)/,$(1))))
OWN_HEADERS = $(call in_top,src/*/*.h)

# a separate library, loaded by the worker when there is mail, so that no other process loads libcurl; MAILER=no leaves it out
MAILER_LIB = djust_auth_mailer$(DLSUFFIX)
MAILER_OBJS = $(call objects,text mailer)

DATA = $(call in_top,sql/djust_auth--*.sql)
DOCS = $(call in_top,doc/*.md) $(call in_top,doc/monitoring/*)
REGRESS = $(patsubst test/sql/%.sql,%,$(call in_top,test/sql/*.sql))
REGRESS_OPTS = --inputdir=$(TOP)/test --outputdir=$(OUT) --encoding=UTF8
REGRESS_PREP = preloaded
ISOLATION = $(patsubst test/specs/%.spec,%,$(call in_top,test/specs/*.spec))
ISOLATION_OPTS = $(REGRESS_OPTS)
LIBS_PURE = -lcrypto -largon2 -lcrypt -lunistring -lidn2
SHLIB_LINK = $(LIBS_PURE)
PG_CPPFLAGS = -I$(TOP)/src -DDJUST_VERSION='"$(EXTVERSION)"'
WARNINGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
ifdef DEV
PG_CFLAGS = $(WARNINGS)
endif
EXTRA_CLEAN = $(OUT) $(MAILER_LIB) $(MAILER_OBJS) $(DIST).zip

# JIT bitcode of such large functions gains nothing; "make with_llvm=yes" builds it anyway
ifeq ($(origin with_llvm),undefined)
override with_llvm = no
endif

PG_CONFIG ?= $(firstword $(sort $(wildcard /usr/lib/postgresql/1[5-9]/bin/pg_config)) pg_config)
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
# the pages have general names, so they need their own folder
docmoduledir := $(docmoduledir)/$(EXTENSION)
$(OBJS) $(MAILER_OBJS): $(OWN_HEADERS) djust_auth.control | $(addprefix $(CURDIR)/src/,$(FOLDERS))
$(addprefix $(CURDIR)/src/,$(FOLDERS)):
	@mkdir -p $@

$(MAILER_LIB): $(MAILER_OBJS)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ -lcurl -lunistring -lidn2
ifneq ($(MAILER),no)
all: $(MAILER_LIB)
install: install-mailer
endif
install: install-router
install-router: $(TOP)/sql/router.sh
	$(MKDIR_P) '$(DESTDIR)$(datadir)/$(EXTENSION)'
	$(INSTALL_DATA) $< '$(DESTDIR)$(datadir)/$(EXTENSION)/'
install-mailer: $(MAILER_LIB) | installdirs
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/'
uninstall: uninstall-mailer uninstall-router uninstall-doc
uninstall-router:
	rm -f '$(DESTDIR)$(datadir)/$(EXTENSION)/router.sh'
uninstall-mailer:
	rm -f '$(DESTDIR)$(pkglibdir)/$(MAILER_LIB)'
# PGXS would look for the pages under their source paths
uninstall-doc:
	rm -f $(addprefix '$(DESTDIR)$(docdir)/$(docmoduledir)'/,$(notdir $(DOCS)))
else
all install:
	@echo "$(PG_CONFIG) leads to no server headers: install postgresql-server-dev-NN, or set PG_CONFIG" >&2; exit 1
endif

# make installcheck: pg_regress and pg_isolation_regress, on the running server that psql finds (PGHOST, PGPORT, PGUSER)
preloaded:
	@mkdir -p $(OUT)
	@libraries=$$($(bindir)/psql -XqAt -d postgres -c 'SHOW shared_preload_libraries') || exit 1; case ", $$libraries," in \
		*[\ ,/]djust_auth,*) ;; \
		*) echo "make installcheck: the server has not loaded djust_auth: set shared_preload_libraries = 'djust_auth' and restart it" >&2; \
			exit 1 ;; esac

# no server needed: unit tests and fuzzers of the pure folders, under sanitizers

OUT ?= test/out
PURE_C = $(patsubst %.o,%.c,$(call objects,$(PURE)))
UNITS = $(patsubst test/unit/%_test.c,%,$(wildcard test/unit/*_test.c))
FUZZERS = $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c))
SANITIZED = -g -O1 -fno-sanitize-recover=all -fno-omit-frame-pointer -Isrc $(WARNINGS)

UNIT_O = $(patsubst src/%.c,$(OUT)/unit/%.o,$(PURE_C))
FUZZ_O = $(patsubst src/%.c,$(OUT)/fuzz/%.o,$(PURE_C))
COVER_O = $(patsubst src/%.c,$(OUT)/cover/%.o,$(PURE_C))
SANITIZERS = -fsanitize=address,undefined
COVERED = -fprofile-instr-generate -fcoverage-mapping

$(UNIT_O): $(OUT)/unit/%.o: src/%.c $(OWN_HEADERS)
	@mkdir -p $(@D)
	gcc $(SANITIZED) $(SANITIZERS) -c -o $@ $<
$(OUT)/%_test: test/unit/%_test.c $(wildcard test/unit/*.h) $(UNIT_O)
	gcc $(SANITIZED) $(SANITIZERS) -o $@ $< $(UNIT_O) $(LIBS_PURE)

# make unit-NAME runs one
unit: $(addprefix unit-,$(UNITS))
$(addprefix unit-,$(UNITS)): unit-%: $(OUT)/%_test
	@echo "# $<"; $<

$(FUZZ_O): $(OUT)/fuzz/%.o: src/%.c $(OWN_HEADERS)
	@mkdir -p $(@D)
	clang $(SANITIZED) $(SANITIZERS) -fsanitize=fuzzer-no-link -c -o $@ $<
$(OUT)/%_fuzz: test/fuzz/%_fuzz.c $(wildcard test/fuzz/*.h test/unit/*.h) $(FUZZ_O)
	clang $(SANITIZED) $(SANITIZERS) -fsanitize=fuzzer -o $@ $< $(FUZZ_O) $(LIBS_PURE)

$(COVER_O): $(OUT)/cover/%.o: src/%.c $(OWN_HEADERS)
	@mkdir -p $(@D)
	clang $(SANITIZED) $(COVERED) -c -o $@ $<
$(OUT)/%_cover: test/fuzz/%_fuzz.c $(wildcard test/fuzz/*.h test/unit/*.h) $(COVER_O)
	clang $(SANITIZED) $(COVERED) -fsanitize=fuzzer -o $@ $< $(COVER_O) $(LIBS_PURE)

# make fuzz-NAME runs one; FUZZ_RUNS=10000000 counts executions, FUZZ_SECONDS (20) seconds, both end at what comes first;
# SEED repeats a run on the same corpus
ifndef FUZZ_RUNS
FUZZ_SECONDS ?= 20
endif
FUZZ_LIMIT = $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS)) $(if $(FUZZ_SECONDS),-max_total_time=$(FUZZ_SECONDS))
ifndef SEED
SEED := $(strip $(shell od -An -N3 -tu4 /dev/urandom))
endif
fuzz: $(addprefix fuzz-,$(FUZZERS))
$(addprefix fuzz-,$(FUZZERS)): fuzz-%: $(OUT)/%_fuzz
	@mkdir -p $(OUT)/corpus/$*
	@if ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=4 $< $(FUZZ_LIMIT) -seed=$(SEED) -timeout=10 -max_len=9000 \
		-len_control=100 -verbosity=0 -print_final_stats=1 -artifact_prefix=$(OUT)/$*- $(OUT)/corpus/$* test/fuzz/corpus/$* 2>$(OUT)/$*.log; \
		then echo "$*: survived $$(sed -n 's/^stat::number_of_executed_units: *//p' $(OUT)/$*.log) executions, seed $(SEED)"; \
		else cat $(OUT)/$*.log; echo "$*: FAILED, seed $(SEED)"; exit 1; fi

# what the corpora in the tree reach, of the pure folders; fuzz-corpus takes up what runs have found
fuzz-coverage: $(patsubst %,$(OUT)/%_cover,$(FUZZERS))
	@sh test/fuzz/coverage.sh $(OUT)
fuzz-corpus: $(patsubst %,$(OUT)/%_fuzz,$(FUZZERS))
	@sh test/fuzz/corpus.sh $(OUT)

# the sources as .clang-format says; the tests ask for the width of lines only, as formatters of other versions differ
indent:
	clang-format -i src/*.c src/*/*.[ch] test/unit/*.[ch] test/fuzz/*.[ch]

bench:
	@sh test/bench/run.sh

# the long form of what attackers, crashes and colleagues try; PART='crash sql_fuzz' runs parts (test/torture/README.md)
torture:
	@sh test/torture/run.sh

# the archive for PGXN, of the last commit
DIST = djust_auth-$(EXTVERSION).0
dist:
	git -C $(TOP) archive --format=zip --prefix=$(DIST)/ -o '$(CURDIR)/$(DIST).zip' HEAD

# in throw-away roots, as root: Debian packages, built and installed; README.md, as a newcomer follows it; the Dockerfile
packages walk image:
	@sh $(TOP)/test/$@.sh

layers test demo demo-stop:
	@sh test/$(if $(filter test,$@),run,$(patsubst demo-stop,demo,$@)).sh $(if $(filter demo-stop,$@),stop)

# the whole test on each major at hand; needs root
matrix:
	@sh $(TOP)/test/matrix.sh
matrix-clean:
	@sh $(TOP)/test/matrix.sh clean

.PHONY: all install preloaded $(foreach part,mailer router,install-$(part) uninstall-$(part)) uninstall uninstall-doc unit $(addprefix unit-,$(UNITS)) fuzz $(addprefix fuzz-,coverage corpus $(FUZZERS)) indent layers test bench torture dist packages walk image matrix matrix-clean demo demo-stop
