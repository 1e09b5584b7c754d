#!/bin/bash
# check_instructions.sh --- fail if decoding has come to cost more
#
#   bench/check_instructions.sh
#
# Counts the instructions that the decoder needs for a fixed input, the
# captures of test/golden, and compares with instructions.json: more than 5 %
# above is a failure.  Counts depend on processor and compiler, so there is one
# baseline for each; a missing one is written and the check skipped.  To accept
# a new count, remove its line and run again.

. "$(dirname "$0")/../scripts/lib.sh"

BASELINES=$REPO/bench/instructions.json
REPEAT=10
PG_CONFIG=${PG_CONFIG:-pg_config}

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
command -v valgrind >/dev/null || die "valgrind is not installed"

# repeat_log FILE --- the events of a log several times over, as one log
repeat_log() {
	local i
	cat "$1"
	for ((i = 1; i < REPEAT; i++)); do
		tail -c +5 "$1"
	done
}

# count_instructions NAME --- of one run over a capture
count_instructions() {
	repeat_log "$REPO/test/golden/mysql/$1.bin" >"$WORK/$1.bin"
	valgrind --tool=callgrind --callgrind-out-file="$WORK/$1.out" \
		"$WORK/build/decode-fast" bench 0 "$WORK/$1.bin" \
		"$REPO/test/golden/mysql/$1.tsv" >"$WORK/$1.log" 2>&1 ||
		die "the decoder failed" "$(cat "$WORK/$1.log")"
	sed -n 's/^summary: //p' "$WORK/$1.out"
}

make -C "$REPO/test/fuzz" -s bench CC=gcc BUILD="$WORK/build" \
	PG_CONFIG="$PG_CONFIG" >"$WORK/build.log" 2>&1 ||
	die "the build failed" "$(tail -n 20 "$WORK/build.log")"

compiler="$(uname -m), $(gcc --version | head -n 1)"
mariadb=$(count_instructions mariadb)
mysql=$(count_instructions mysql)
"$PYTHON" - "$BASELINES" "$compiler" "mariadb=$mariadb" "mysql=$mysql" <<'END'
import json
import os
import sys

LIMIT = 1.05
path, compiler, *counts = sys.argv[1:]
counts = {name: int(count) for name, count in
          (word.split("=") for word in counts)}
baselines = {}
if os.path.exists(path):
    with open(path) as file:
        baselines = json.load(file)
if compiler not in baselines:
    baselines[compiler] = counts
    with open(path, "w") as file:
        json.dump(baselines, file, indent=1, sort_keys=True)
        file.write("\n")
    print("skipped: no baseline for this compiler (%s); it is written now"
          % compiler)
    sys.exit()
failed = False
for name, count in counts.items():
    change = count / baselines[compiler][name]
    print("decoding %s: %s instructions, %+.2f %%"
          % (name, format(count, ","), (change - 1) * 100))
    failed = failed or change > LIMIT
if failed:
    sys.exit("error: more than 5 % above the baseline of instructions.json")
END
