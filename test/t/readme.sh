#!/bin/sh
# readme.sh: runs the examples of README.md and doc/*.md, so that they stay correct
#
# doc/postgrest.md needs a server of its own, doc/moving-in.md other tables: test/http/readme.py and moving_in.py run them.
#
# In a database of its own, in the order of the text, README.md first: all ```sql blocks in one psql session, and between them the
# ```python and ```js blocks as programs.  ```text, ```ini and ```sh blocks are not run here; make walk runs those of README.md.  If a
# statement ends in a comment of one word, "SELECT ...;  -- true", its answer must be that word.  One point for each block.
#
# A statement meant for a kind of grant_api runs as a role with this kind only.
#
# Programs that send mail to relay.example reach a mail server of the tests.
#
# Needs PGHOST, PGPORT and PGUSER, as test/run.sh gives them.

root=$(cd "$(dirname "$0")/../.." && pwd)
[ -z "$DJUST_BIN" ] || PATH=$DJUST_BIN:$PATH
folder=$(mktemp -d "${TMPDIR:-/tmp}/djust_auth_readme.XXXXXX") || exit 1
programs=$folder
port=25
relay=$(dirname "$0")/../lib/relay.py
database=djust_readme_$$
# the roles of the text, under names that no other test gives
roles='readme_dba, readme_monitor, readme_operator, readme_prometheus, readme_shop_backend, readme_shop_dba, readme_shop_mailer, readme_shop_worker'

quiet()
{
	psql -Xq -d postgres -c 'SET client_min_messages = error' "$@" >>"$folder/quiet" 2>&1
}

finish()
{
	quiet -c "DROP DATABASE IF EXISTS $database" -c "DROP ROLE IF EXISTS $roles"
	[ ! -f "$folder/pid" ] || kill "$(cat "$folder/pid")"
	rm -rf "$folder" "$programs"
}
trap finish EXIT
trap 'exit 130' INT TERM

python=python3
for candidate in python3 /usr/bin/python3; do
	if "$candidate" -c 'import psycopg2, aiosmtpd' 2>/dev/null; then python=$candidate; break; fi
done

# Node finds modules from where a program lies: next to those that test/run.sh installed, or here.
[ ! -d "$DJUST_TMP/node/node_modules/pg" ] || programs=$(mktemp -d "$DJUST_TMP/node/readme.XXXXXX")
echo "import 'pg'" >"$programs/probe.mjs"
skip_python='' skip_js=''
if "$python" -c 'import psycopg2, aiosmtpd' 2>/dev/null; then
	port=$("$python" "$relay" start "$folder")
	export SSL_CERT_FILE="$folder/authority.pem"
else
	skip_python='psycopg2 or aiosmtpd is not there'
fi
node "$programs/probe.mjs" >/dev/null 2>&1 || skip_js='pg is not there'

set -- "$root/README.md"
for page in "$root"/doc/*.md; do
	case $page in
		*/postgrest.md | */moving-in.md) ;;
		*) set -- "$@" "$page" ;;
	esac
done

# One file for each block, one line "N language page: heading" in the list, and the script that psql runs.
awk -v folder="$folder" -v programs="$programs" -v python="$python" -v skip_python="$skip_python" -v skip_js="$skip_js" -v port="$port" '
	function begin(kind) {
		language = kind
		print ++n, language, page ": " heading > (folder "/list")
		print "\\echo @begin", n > script
		file = programs "/" n (kind == "python" ? ".py" : ".mjs")
	}
	function end() {
		skip = language == "python" ? skip_python : language == "js" ? skip_js : ""
		if (skip != "")
			print "\\echo @skip", skip > script
		else if (language != "sql") {
			close(file)
			print "\\! cd / &&", language == "js" ? "node" : python, file, ">" folder "/" n ".log 2>&1; echo @status $?" > script
		}
		print "\\echo @end", n > script
		language = ""
	}
	# the role of a statement: of the first of these words that it has
	function role_of(text) {
		if (text !~ /djust_auth\./ || text ~ /djust_auth\.(open_session|hs256_key|rotate_signing_key|grant_api)|[^_.]djust_[a-z]+\(/) return ""
		if (text ~ /djust_auth\.(purge|claim_mail|mail_[a-z]+)\(/) return "readme_operator"
		if (text ~ /djust_auth\.(stats\(|stat[ ;]|check\()/) return "readme_monitor"
		return text ~ /^(SELECT|INSERT|UPDATE|DELETE|COPY)/ ? "readme_dba" : ""
	}
	# roles change before a statement, so that the data of COPY follow it; not where the text itself changes them
	function flush(    role) {
		if (statement ~ /^SET (LOCAL )?ROLE/) own = 1
		role = own || !granted ? "" : role_of(statement)
		if (statement ~ /^(RESET ROLE|COMMIT)/) own = 0
		if (role != "") judged[role]++
		if (!own && role != as) print role == "" ? "RESET ROLE;" : "SET ROLE " role ";" > script
		as = own ? "" : role
		printf "%s", statement > script
		if (statement ~ /^CREATE EXTENSION djust_auth/) {
			granted = 1
			print "CREATE ROLE readme_dba; CREATE ROLE readme_monitor; CREATE ROLE readme_operator;" > script
			print "SELECT djust_auth.grant_api(\047readme_dba\047, \047dba\047), djust_auth.grant_api(\047readme_monitor\047, \047monitor\047)," \
				" djust_auth.grant_api(\047readme_operator\047, \047worker\047) \\g /dev/null" > script
		}
		statement = ""
	}
	BEGIN { script = folder "/script.sql" }
	FNR == 1 { page = FILENAME; sub(/^.*\//, "", page) }
	/^```/ {
		if (language != "") end()
		else if (other) other = 0
		else if ($0 == "```sql" || $0 == "```python" || $0 == "```js") begin(substr($0, 4))
		else other = 1
		next
	}
	language != "" { gsub(/shop_(backend|dba|mailer|worker)|prometheus/, "readme_&") }
	language == "python" { gsub(/"relay.example", 587/, "\"localhost\", " port) }
	language == "sql" && (data || (statement == "" && /^ *$/)) { print > script; if ($0 == "\\.") data = 0; next }
	language == "sql" {
		statement = statement $0 "\n"
		if (!/(;|\\gset)( +--.*)?$/) next
		data = statement ~ /^COPY .* FROM stdin/
		flush()
		if (match($0, /; +-- [^ ]+$/)) {
			word = substr($0, RSTART)
			sub(/^; +-- /, "", word)
			gsub(/\047/, "\047\047", word)
			print "\\echo @expect \047" word "\047" > script
		}
	}
	language == "python" || language == "js" { print > file }
	language == "" && !other && /^#/ { heading = $0; sub(/^#+ */, "", heading) }
	END { for (role in judged) print role, judged[role] > (folder "/roles") }
' "$@"

quiet -c "DROP DATABASE IF EXISTS $database" -c "DROP ROLE IF EXISTS $roles" -c "CREATE DATABASE $database TEMPLATE template0"
PGDATABASE=$database psql -XqAt -v ON_ERROR_STOP=1 -f "$folder/script.sql" >"$folder/out" 2>"$folder/err"

# The verdicts: a block is good when it came to its end and no word differed.
awk -v folder="$folder" -v wanted="$(grep -c '^\\echo @expect' "$folder/script.sql")" '
	FILENAME ~ /list$/ { blocks++; name[$1] = $0; sub(/^[0-9]+ /, "", name[$1]); next }
	/^@begin / { current = $2; began[current] = 1; last = "" ; next }
	/^@end / { ended[$2] = 1; next }
	/^@skip / { skipped[current] = substr($0, 7); next }
	/^@status / { if ($2 != 0) why[current] = why[current] "# exit status " $2 "\n"; next }
	/^@expect / {
		word = substr($0, 9)
		got = last == "t" && word == "true" ? "true" : last == "f" && word == "false" ? "false" : last
		checked++
		if (got != word) why[current] = why[current] "# expected " word ", got " got "\n"
		next
	}
	{ last = $0 }
	END {
		print "1.." blocks + 2
		for (i = 1; i <= blocks; i++) {
			good = ended[i] && why[i] == ""
			print (good ? "ok " : "not ok ") i " - " name[i] (i in skipped ? " # SKIP " skipped[i] : "")
			if (good) continue
			failed++
			printf "%s", why[i]
			if (!began[i]) print "# not reached"
			log_file = folder "/" (began[i] && !ended[i] ? "err" : i ".log")
			while (began[i] && (getline line < log_file) > 0) print "# " line
		}
		good = checked > 0 && checked == wanted
		print (good ? "ok " : "not ok ") blocks + 1 " - " checked + 0 " of " wanted " answers were compared"
		while ((getline line < (folder "/roles")) > 0) { split(line, pair, " "); judged[pair[1]] = pair[2] }
		kinds = judged["readme_dba"] > 30 && judged["readme_monitor"] > 0 && judged["readme_operator"] > 0
		print (kinds ? "ok " : "not ok ") blocks + 2 " - statements ran as dba: " judged["readme_dba"] + 0 ", monitor: " \
			judged["readme_monitor"] + 0 ", worker: " judged["readme_operator"] + 0
		exit failed > 0 || !good || !kinds
	}' "$folder/list" "$folder/out"
