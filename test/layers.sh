#!/bin/sh
# layers.sh: proves the rules the sources are built by.  The folders stand in the Makefile (FOLDERS), from the ground up; a
# file includes only from its own folder and from those before it.  Each rule prints its offenders; the last line is
# "N passed, N failed".

cd "$(dirname "$0")/.." || exit 1

SOURCES=$(find src -name '*.[ch]' | sort)

# rule TEXT: holds when nothing comes in
rule()
{
	offenders=$(cat)
	if [ -z "$offenders" ]; then
		echo "holds: $1"
	else
		printf 'broken: %s\n%s\n' "$1" "$offenders" | sed '2,$s/^/    /'
	fi
}

# only PATTERN FILE...: lines that match in other files of src/
only()
{
	pattern=$1
	shift
	# shellcheck disable=SC2086 # a list of files
	grep -nE "$pattern" $SOURCES | while IFS= read -r line; do
		case " $* " in *" ${line%%:*} "*) ;; *) echo "$line" ;; esac
	done
}

makefile_list()
{
	sed -n "s/^$1 *= *//p" Makefile
}

# "folder number" for every folder, from the ground up
folders()
{
	makefile_list FOLDERS | tr ' ' '\n' | awk '{ print $1, NR }'
}

# "folder line folder" for every include in quotes: of the file, what it says, of what it includes
includes()
{
	# shellcheck disable=SC2086 # a list of files
	grep -nE '^[[:space:]]*#[[:space:]]*include "' $SOURCES |
		sed -E 's,^src/([^:/]*)/([^:]*:[0-9]*):.*"([^"/]*)/?([^"/]*)".*,\1 src/\1/\2 \3 \4,'
}

# "place version" for every place that has it
versions()
{
	sed -n "s/^default_version = '\(.*\)'/djust_auth.control \1.0/p" djust_auth.control
	sed -n 's/^	*"version": "\(.*\)",\{0,1\}$/META.json \1/p' META.json | sed 2q
	sed -n 's/^## \([0-9.]*\) .*/CHANGELOG.md \1/p' CHANGELOG.md | sed q
	sed -n '1s/^djust-auth (\(.*\)-[0-9]*) .*/debian \1/p' debian/changelog
}

{
echo "$SOURCES" | grep -v '^src/djust_auth\.c$' | grep '\.c$' | while IFS=/ read -r _ folder file; do
	case " $(makefile_list "IN_$folder") " in *" ${file%.c} "*) ;; *) echo "src/$folder/$file" ;; esac
done | rule "every file is listed in the Makefile, in its folder"

{ folders; includes; } | awk '
	NF == 2 { number[$1] = $2; next }
	$1 != "src" && $3 in number && number[$3] > number[$1] { print $2, "includes", $3 "/" $4 }' |
	rule "a folder includes only from folders before it"

{ folders; includes; } | awk -v pure=" $(makefile_list PURE) " '
	NF == 2 { number[$1] = $2; next }
	index(pure, " " $1 " ") && !index(pure, " " $3 " ") { print $2, "includes", $3 "/" $4 }' |
	rule "pure folders know nothing of the server"

includes | awk '$1 == "mailer" && $4 != "" && $3 != "mailer" && $3 != "text" && $3 "/" $4 != "server/compat.h" { print $2, "includes", $3 "/" $4 }' |
	rule "the mailer is a library without the server's"
# shellcheck disable=SC2086 # a list of files
grep -nE '#[[:space:]]*include "[^/"]*"' $SOURCES | grep -vE '"(postgres|fmgr|funcapi|miscadmin|pgstat|varatt)\.h"' | rule "includes of our own name their folder"

# shellcheck disable=SC2086 # a list of files
grep -nE 'include "(postgres|c)\.h"' $(echo "$SOURCES" | grep '\.h$') | rule "no header includes postgres.h"
only 'include <openssl/' src/crypto/crypto.c src/crypto/cryptokey.c | rule "OpenSSL only in crypto.c and cryptokey.c"
only 'include <argon2\.h>' src/pwhash/pwhash.c src/pwhash/pwargon2.c | rule "libargon2 only in pwhash.c and pwargon2.c"
only 'include <crypt\.h>' src/pwhash/pwcrypt.c | rule "crypt only in pwcrypt.c"
only 'include <uni[a-z]*\.h>' src/text/unicode.c | grep -v '<unistd' | rule "libunistring only in unicode.c"
only 'include <idn2\.h>' src/text/address.c | rule "libidn2 only in address.c"
only 'curl/' src/mailer/smtp.c | rule "libcurl only in smtp.c"
# the store: one file a subject
STORE=$(echo src/tables/store*.[ch])
# shellcheck disable=SC2086 # a list of files
only 'executor/spi\.h|[^_a-zA-Z]SPI_[a-z]' $STORE | rule "SPI only in store*.c"
only 'include "tables/store_(run|row)\.h"' $(echo src/tables/store*.c) src/tables/store_seal_row.h | rule "only the store runs statements and writes rows"
only '[^_a-zA-Z](simple_)?(table_tuple|heap)_(insert|update|delete|lock|multi_insert)[a-z_]* *\(' src/tables/store_row.c src/tables/session_revoke.c |
	rule "rows are written without a statement only in store_row.c and session_revoke.c"
only '[^_a-zA-Z](table_open|relation_open|systable_beginscan|table_beginscan|index_beginscan|heap_getnext)[a-z_]* *\(' src/tables/catalog.c src/tables/catalog_scan.c src/tables/store_row.c |
	rule "tables are opened only in catalog.c, catalog_scan.c and store_row.c"
only 'include "tables/catalog_scan\.h"' $(echo src/tables/catalog*.c src/tables/catalog_scan.c) src/tables/session_revoke.c | rule "only the readers of tables and session_revoke.c scan"
only 'GenericXLog' src/tables/session_revoke.c | rule "pages are changed in place only in session_revoke.c"
only '[^_A-Z]PG_(VERSION_NUM|MAJORVERSION_NUM)|^#.*PG_VERSION' src/server/compat.h | rule "the server's version only in compat.h"
only 'PG_FUNCTION_INFO_V1|SQL_FUNCTION' $(echo src/api/*.[ch]) | rule "SQL functions only in api/"
only 'DefineCustom[A-Za-z]*Variable' src/server/settings.c | rule "settings are defined only in settings.c"
grep -nwE '(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|alloca) *\(' $SOURCES | rule "no unbounded string functions"

# a function starts and ends with a brace in the first column
awk '
	FNR == 1 { start = 0 }
	/^[a-z_A-Z].*\(/ { name = $0 }
	/^\{/ { start = FNR }
	/^}$/ { if (start && FNR - start - 1 > 110) print FILENAME ":" start ": " FNR - start - 1 " lines: " name; start = 0 }
	' $SOURCES | rule "no function is longer than 110 lines"

for file in $SOURCES; do
	lines=$(($(wc -l <"$file")))
	[ "$lines" -le 600 ] || echo "$file: $lines lines"
done | rule "no file is longer than 600 lines"

for file in $SOURCES; do
	expand -t 4 "$file" | awk -v file="$file" 'length($0) > 120 { print file ":" FNR ": " length($0) " columns" }'
done | rule "no line is wider than 120 columns"

# the texts as one: only what stands in quotes; then OPERATOR(...) and assignments go, and no operator may be left
cat src/tables/store*.c | grep -vE '^#include|^ ?/?\*|elog\(|err[a-z]*\(|^#define LOWEST_' | grep -oE '"[^"]*"' | tr -d '"' | tr '\n' ' ' |
	sed -E 's/OPERATOR\([^)]*\)/ /g; s/(SET|,) +[a-z_]+ = / /g; s/\(\*\)/ /g; s/::/ /g; s/\x27[^\x27]*\x27/ /g' |
	grep -oE ".{0,40}([-=<>!~|&#@^%+*/]|\<(IN +\(|I?LIKE|BETWEEN|SIMILAR|NULLIF|IS (NOT )?DISTINCT)).{0,20}" |
	rule "every operator in store*.c is written OPERATOR(pg_catalog...)"
grep -nE '"(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH) ' $(echo "$SOURCES" | grep "\.c$") | grep -v '^src/tables/store[a-z_]*\.c:' | rule "SQL text only in store*.c"
only 'BackgroundWorker|WaitLatch' src/worker/worker.c | rule "the background worker only in worker.c"

awk -v RS=';' '/CREATE (OR REPLACE )?FUNCTION/ && /SECURITY DEFINER/ && !/SET search_path = pg_catalog, pg_temp/ {
	match($0, /FUNCTION [^(]*/); print FILENAME ": " substr($0, RSTART, RLENGTH) }' sql/*.sql sql/router.sh |
	grep -vxF 'sql/router.sh: FUNCTION $schema.djust_can' |	# src/api/router.c says why
	rule "every SECURITY DEFINER function pins search_path = pg_catalog, pg_temp"
versions | awk '
	NR == 1 { version = $2 }
	$2 != version { print $1 ": " $2 ", not " version }
	END { if (NR != 5) print NR " places of 5 have a version" }' |
	rule "control file, META.json, CHANGELOG.md and debian/changelog have one version"
# a view of 1.0 is a member of the extension, and keeps its privileges
grep -nE 'CREATE OR REPLACE|IF NOT EXISTS' sql/*.sql | while IFS= read -r line; do
	view=$(echo "$line" | sed -n 's/.*CREATE OR REPLACE VIEW \([a-z_.]*\) AS$/\1/p')
	grep -qxF "CREATE VIEW $view AS" sql/djust_auth--1.0.sql || echo "$line"
done | rule "install scripts adopt nothing that exists"
} | awk '
	/^holds: / { passed++; next }
	/^broken: / { failed++ }
	{ print }
	END { print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 || passed == 0 }'
