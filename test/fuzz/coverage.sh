#!/bin/sh
# coverage.sh OUT: the lines of the pure folders that the corpora in the tree reach, file by file; fails where they are below
# 90 %.  Lines that only a failure of memory or of a library reaches count as missed.

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"
out=$1
LLVM_PROFILE_FILE=$out/cover/%m.profraw
export LLVM_PROFILE_FILE

need_packages clang llvm
rm -f "$out"/cover/*.profraw
set --
for fuzzer in "$out"/*_cover; do
	name=$(basename "$fuzzer" _cover)
	"$fuzzer" -runs=0 -max_len=9000 -verbosity=0 "$ROOT/test/fuzz/corpus/$name" 2>"$out/cover/log" ||
		{ cat "$out/cover/log"; fail "$name failed on its corpus"; }
	set -- "$@" -object "$fuzzer"
done
llvm-profdata merge -o "$out/cover/profile" "$out"/cover/*.profraw || exit 1
llvm-cov export -summary-only -format=lcov -instr-profile "$out/cover/profile" "$@" | awk -F: '
	$1 == "SF" { file = $2; sub(/.*src\//, "", file) }
	$1 == "LF" { lines = $2 }
	$1 == "LH" && file ~ /\.c$/ && file !~ /_fuzz/ {
		printf "%-26s %4d of %4d lines, %5.1f %%%s\n", file, $2, lines, 100 * $2 / lines, ($2 < 0.9 * lines ? ": FAILED" : "")
		files++; failed += $2 < 0.9 * lines
	}
	END { exit failed > 0 || files == 0 }'
