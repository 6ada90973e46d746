#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fuzz.sh: every fuzz target for KEELSON_FUZZ_SECONDS (default 600), from another seed each time, with
# the corpus that earlier runs left in build/corpus/TARGET and the tree's, FOLDER/fuzz/NAME. Ends with an error at the first finding,
# which stays in that folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/fuzz
seconds=${KEELSON_FUZZ_SECONDS:-600}
targets=$(find "$build" -type f -name '*_fuzz' -perm -u+x | sort)
[ -n "$targets" ] || { echo "there are no fuzz targets in $build" && exit 2; }
for target in $targets; do
	name=$(basename "$target")
	corpus=$top/build/corpus/$name
	mkdir -p "$corpus"
	short=${name%_fuzz}
	mapfile -t kept < <(find "$top"/*/fuzz -type d -name "${short#*_}")
	echo "$name: $seconds s, $(ls "$corpus" | wc -l) inputs kept"
	(cd "$corpus/.." && "$target" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
		-artifact_prefix="$name." "$corpus" "${kept[@]}") >"$top/build/corpus/$name.log" 2>&1 || {
		tail -n 40 "$top/build/corpus/$name.log"
		echo "FAILED: $name; the input is beside $top/build/corpus/$name.log"
		exit 1
	}
	grep -E 'number_of_executed_units|peak_rss' "$top/build/corpus/$name.log"
done
