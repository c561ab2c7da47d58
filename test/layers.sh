#!/bin/sh
# layers.sh: proves the rules the sources are built by.  The floors are the lists of the Makefile; includes point only
# down.  Each rule prints its offenders; the last line is "N passed, N failed".

cd "$(dirname "$0")/.." || exit 1

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

# only PATTERN FILE...: lines that match elsewhere in src/
only()
{
	pattern=$1
	shift
	grep -nE "$pattern" src/*.[ch] | while IFS= read -r line; do
		case " $* " in *" ${line%%:*} "*) ;; *) echo "$line" ;; esac
	done
}

floor_list()
{
	sed -n "s/^$1 *= *//p" Makefile
}

# "name number" for every module; headers without a .c are named here
floors()
{
	{
		echo "1 verdict $(floor_list PURE)"
		echo "2 compat store_seal_row deadline $(floor_list SERVER)"
		echo "2 $(floor_list MAILER)"
		echo "3 $(floor_list VERBS)"
		echo "4 face $(floor_list FACE)"
	} | awk '{ for (i = 2; i <= NF; i++) print $i, $1 }'
}

# "file:line included.h" for every include in quotes
includes()
{
	grep -nE '^[[:space:]]*#[[:space:]]*include "' src/*.[ch] | sed -E 's/^([^:]*:[0-9]*):.*"(.*)".*/\1 \2/'
}

{
find src -name '*.[ch]' | sed -E 's,src/(.*)\..,\1,' | sort -u | while read -r name; do
	floors | grep -q "^$name " || echo "$name"
done | rule "every module has its place in the Makefile"

{ floors; includes; } | awk '
	NF == 2 && $2 ~ /^[0-9]+$/ { floor[$1] = $2; next }
	{
		file = $1; sub(/^src\//, "", file); sub(/\.[ch]:.*/, "", file)
		header = $2; sub(/\.h$/, "", header)
		if (header in floor && floor[header] > floor[file])
			print $1, "includes", $2, "from a floor above"
	}' | rule "includes point only down"

{ floors; includes; } | awk '
	NF == 2 && $2 ~ /^[0-9]+$/ { floor[$1] = $2; next }
	{
		file = $1; sub(/^src\//, "", file); sub(/\.[ch]:.*/, "", file)
		header = $2; sub(/\.h$/, "", header)
		if (floor[file] == 1 && floor[header] != 1)
			print $1, "includes", $2
	}' | rule "pure files know nothing of the server"

grep -nE 'include "(postgres|c)\.h"' src/*.h | rule "no header includes postgres.h"
only 'include <openssl/' src/crypto.c src/cryptokey.c src/keygen.c | rule "OpenSSL only in crypto.c, cryptokey.c, keygen.c"
only 'include <argon2\.h>' src/pwhash.c src/pwargon2.c | rule "libargon2 only in pwhash.c and pwargon2.c"
only 'include <crypt\.h>' src/pwcrypt.c | rule "crypt only in pwcrypt.c"
only 'include <uni[a-z]*\.h>' src/unicode.c | grep -v '<unistd' | rule "libunistring only in unicode.c"
only 'include <idn2\.h>' src/address.c | rule "libidn2 only in address.c"
only 'curl/' src/relay.c | rule "libcurl only in relay.c"
{ floors; includes; } | awk -v mailer=" $(floor_list MAILER) " '
	NF == 2 && $2 ~ /^[0-9]+$/ { floor[$1] = $2; next }
	{
		file = $1; sub(/^src\//, "", file); sub(/\.[ch]:.*/, "", file)
		header = $2; sub(/\.h$/, "", header)
		if (index(mailer, " " file " ") && header in floor && floor[header] != 1 && header != "compat" && !index(mailer, " " header " "))
			print $1, "includes", $2
	}' | rule "the mailer is a library without the server's"
# the store: one file a subject
STORE=$(echo src/store*.[ch])
# shellcheck disable=SC2086 # a list of files
only 'executor/spi\.h|[^_a-zA-Z]SPI_[a-z]' $STORE | rule "SPI only in store*.c"
only 'include "store_(run|row)\.h"' $(echo src/store*.c) src/store_seal_row.h | rule "only the store runs statements and writes rows"
only '[^_a-zA-Z](simple_)?(table_tuple|heap)_(insert|update|delete|lock|multi_insert)[a-z_]* *\(' src/store_row.c src/session_revoke.c |
	rule "rows are written without a statement only in store_row.c and session_revoke.c"
only '[^_a-zA-Z](table_open|relation_open|systable_beginscan|table_beginscan|index_beginscan|heap_getnext)[a-z_]* *\(' src/catalog.c src/scan.c src/store_row.c |
	rule "tables are opened only in catalog.c, scan.c and store_row.c"
only 'include "scan\.h"' $(echo src/catalog*.c src/scan.c) src/session_revoke.c | rule "only the readers of tables and session_revoke.c scan"
only 'GenericXLog' src/session_revoke.c | rule "pages are changed in place only in session_revoke.c"
only '[^_A-Z]PG_(VERSION_NUM|MAJORVERSION_NUM)|^#.*PG_VERSION' src/compat.h | rule "the server's version only in compat.h"
only 'PG_FUNCTION_INFO_V1' src/api.c src/admin.c src/admin_audit.c src/admin_keys.c src/constraints.c src/triggers.c | rule "SQL functions only in api.c, admin*.c, constraints.c, triggers.c"
only 'DefineCustom[A-Za-z]*Variable' src/settings.c | rule "settings are defined only in settings.c"
grep -nwE '(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|alloca) *\(' src/*.[ch] | rule "no unbounded string functions"

# a function starts and ends with a brace in the first column
awk '
	FNR == 1 { start = 0 }
	/^[a-z_A-Z].*\(/ { name = $0 }
	/^\{/ { start = FNR }
	/^}$/ { if (start && FNR - start - 1 > 110) print FILENAME ":" start ": " FNR - start - 1 " lines: " name; start = 0 }
	' src/*.c src/*.h | rule "no function is longer than 110 lines"

for file in src/*.[ch]; do
	lines=$(($(wc -l <"$file")))
	[ "$lines" -le 450 ] || echo "$file: $lines lines"
done | rule "no file is longer than 450 lines"

# the texts as one: only what stands in quotes; then OPERATOR(...) and assignments go, and no operator may be left
for file in src/store*.c; do
	sed -nE '/^#define .*"|^static StoreStatement/,/^};/p' "$file"
done | grep -v '^/\*' | grep -oE '"[^"]*"' | tr -d '"' | tr '\n' ' ' |
	sed -E 's/OPERATOR\([^)]*\)/ /g; s/(SET|,) +[a-z_]+ = / /g; s/\(\*\)/ /g; s/::/ /g; s/\x27[^\x27]*\x27/ /g' |
	grep -oE ".{0,40}([-=<>!~|&#@^%+*/]|\<(IN +\(|I?LIKE|BETWEEN|SIMILAR|NULLIF|IS (NOT )?DISTINCT)).{0,20}" |
	rule "every operator in store*.c is written OPERATOR(pg_catalog...)"
grep -nE '"(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH) ' src/*.c | grep -v '^src/store[a-z_]*\.c:' | rule "SQL text only in store*.c"
only 'BackgroundWorker|WaitLatch' src/worker.c | rule "the background worker only in worker.c"

awk -v RS=';' '/CREATE (OR REPLACE )?FUNCTION/ && /SECURITY DEFINER/ && !/SET search_path = pg_catalog, pg_temp/ {
	match($0, /FUNCTION [^(]*/); print FILENAME ": " substr($0, RSTART, RLENGTH) }' sql/*.sql |
	rule "every SECURITY DEFINER function pins search_path = pg_catalog, pg_temp"
grep -nE 'CREATE OR REPLACE|IF NOT EXISTS' sql/*.sql | rule "install scripts adopt nothing that exists"
} | awk '
	/^holds: / { passed++; next }
	/^broken: / { failed++ }
	{ print }
	END { print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 || passed == 0 }'
