#!/bin/sh
# corpus.sh OUT: the corpora in the tree, made again from themselves and what runs have found (OUT/corpus): the fewest inputs
# that reach every edge

out=$1
for fuzzer in "$out"/*_fuzz; do
	name=$(basename "$fuzzer" _fuzz)
	kept=test/fuzz/corpus/$name
	mkdir -p "$out/corpus/$name" "$kept" "$out/merged"
	"$fuzzer" -set_cover_merge=1 -use_counters=0 -max_len=9000 -verbosity=0 "$out/merged" "$kept" "$out/corpus/$name" 2>"$out/corpus/log" ||
		{ cat "$out/corpus/log"; exit 1; }
	rm -r "$kept"
	mv "$out/merged" "$kept"
	echo "$name: $(ls "$kept" | wc -l) inputs, $(cat "$kept"/* | wc -c) bytes"
done
