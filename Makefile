# djust_auth: make, make install; for developers make test, make demo, and DEV=1 for warnings as errors

EXTENSION = djust_auth
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" djust_auth.control)
MODULE_big = djust_auth

# folders from the ground up: a file includes only from its own folder and earlier ones (test/layers.sh proves it)
FOLDERS = text crypto routes pwhash server mailer tables shmem keys http audit auth worker api
PURE = text crypto routes pwhash
IN_text = bytes unicode address mime
IN_crypto = crypto cryptokey keygen jwt
IN_routes = route_segment route route_trie
IN_pwhash = pwhash pwscheme pwargon2 pwkdf pwcrypt pwpolicy
IN_server = settings secret json logtext logmask normalize
IN_mailer = smtp_trace smtp mailer
IN_tables = session_tid catalog catalog_scan catalog_user catalog_session catalog_policy store_run session_revoke store_row store store_key store_mail store_purge store_seal store_seal_event store_copy store_worker
IN_shmem = counters throttle_table throttle_owner throttle_undo throttle_rule throttle_prepared throttle throttle_reset hash_slot event_queue
IN_keys = key_file_disk key_file_check key_file signing_key
IN_http = postgrest html answer reset_page
IN_audit = throttle_event audit row_change admin_event audit_seal_form audit_seal audit_verify
IN_auth = rights token password session login reset account policy grants mail_queue database_copy
IN_worker = worker_task queue_write purge stats utility_hook worker mail_send
IN_api = api admin admin_audit admin_keys constraints triggers

objects = $(foreach folder,$(1),$(patsubst %,src/$(folder)/%.o,$(IN_$(folder))))
OBJS = $(call objects,$(filter-out mailer,$(FOLDERS))) src/djust_auth.o
OWN_HEADERS = $(wildcard src/*/*.h)

# a separate library, loaded by the worker when there is mail, so that no other process loads libcurl
MAILER_LIB = djust_auth_mailer$(DLSUFFIX)
MAILER_OBJS = $(call objects,text mailer)

DATA = $(wildcard sql/djust_auth--*.sql)
DOCS = $(wildcard doc/*.md)
REGRESS = $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql))
REGRESS_OPTS = --inputdir=test --outputdir=$(OUT) --encoding=UTF8
REGRESS_PREP = preloaded
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
ISOLATION_OPTS = $(REGRESS_OPTS)
LIBS_PURE = -lcrypto -largon2 -lcrypt -lunistring -lidn2
SHLIB_LINK = $(LIBS_PURE)
PG_CPPFLAGS = -Isrc -DDJUST_VERSION='"$(EXTVERSION)"'
WARNINGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
ifdef DEV
PG_CFLAGS = $(WARNINGS)
endif
EXTRA_CLEAN = $(OUT) $(MAILER_LIB) $(MAILER_OBJS)

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
$(OBJS) $(MAILER_OBJS): $(OWN_HEADERS) djust_auth.control

$(MAILER_LIB): $(MAILER_OBJS)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ -lcurl -lunistring -lidn2
all: $(MAILER_LIB)
install: install-mailer
install-mailer: $(MAILER_LIB) | installdirs
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/'
uninstall: uninstall-mailer uninstall-doc
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
FUZZ_SECONDS ?= 20
PURE_C = $(patsubst %.o,%.c,$(call objects,$(PURE)))
UNITS = $(patsubst test/unit/%_test.c,%,$(wildcard test/unit/*_test.c))
FUZZERS = $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c))
SANITIZED = -g -O1 -fno-sanitize-recover=all -fno-omit-frame-pointer -Isrc $(WARNINGS)

$(OUT)/%_test: test/unit/%_test.c test/unit/check.h $(PURE_C) $(OWN_HEADERS)
	@mkdir -p $(@D)
	gcc $(SANITIZED) -fsanitize=address,undefined -o $@ $< $(PURE_C) $(LIBS_PURE)

$(OUT)/%_fuzz: test/fuzz/%_fuzz.c $(PURE_C) $(OWN_HEADERS)
	@mkdir -p $(@D)
	clang $(SANITIZED) -fsanitize=fuzzer,address,undefined -o $@ $< $(PURE_C) $(LIBS_PURE)

unit: $(patsubst %,$(OUT)/%_test,$(UNITS))
	@failed=0; for t in $^; do echo "# $$t"; $$t || failed=1; done; exit $$failed

fuzz: $(patsubst %,$(OUT)/%_fuzz,$(FUZZERS))
	@failed=0; for t in $^; do corpus=$$t.corpus; mkdir -p $$corpus; \
		if $$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=2048 -verbosity=0 -print_final_stats=0 \
			-artifact_prefix=$$t- $$corpus; then echo "$$t: survived $(FUZZ_SECONDS) s"; \
		else echo "$$t: FAILED"; failed=1; fi; done; exit $$failed

# the sources as .clang-format says; the tests ask for the width of lines only, as formatters of other versions differ
indent:
	clang-format -i src/*.c src/*/*.[ch] test/unit/*.[ch] test/fuzz/*.[ch]

bench:
	@sh test/bench/run.sh

# the long form of what attackers, crashes and colleagues try; PART='crash sql_fuzz' runs parts (test/torture/README.md)
torture:
	@sh test/torture/run.sh

layers test demo demo-stop:
	@sh test/$(if $(filter test,$@),run,$(patsubst demo-stop,demo,$@)).sh $(if $(filter demo-stop,$@),stop)

.PHONY: all install preloaded install-mailer uninstall uninstall-mailer uninstall-doc unit fuzz indent layers test bench torture demo demo-stop
