#!/bin/bash
# check_instructions.sh --- fail if decoding or converting has come to cost more
#
#   bench/check_instructions.sh
#
# Counts the instructions for fixed inputs: what the decoder needs for the
# captures of test/golden, and what a server needs to convert some thousand
# rows.  Fails if one is more than 5 % above instructions.json.  Counts depend
# on processor, compiler and PostgreSQL, so there is one baseline for each; a
# missing one is written and its check skipped.  To accept new counts, remove
# their lines and run again.
#
# PG_CONFIG names the PostgreSQL that the extension was installed into; if it
# was not, conversions are not counted.

. "$(dirname "$0")/../scripts/lib.sh"

BASELINES=$REPO/bench/instructions.json
REPEAT=10
PG_CONFIG=${PG_CONFIG:-pg_config}

cd /
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/sdb.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
chmod 755 "$WORK"
command -v valgrind >/dev/null || die "valgrind is not installed"

# repeat_log FILE --- the events of a log several times over, as one log
repeat_log() {
	local i
	cat "$1"
	for ((i = 1; i < REPEAT; i++)); do
		tail -c +5 "$1"
	done
}

# count_decoding NAME --- of one run over a capture
count_decoding() {
	repeat_log "$REPO/test/golden/mysql/$1.bin" >"$WORK/$1.bin"
	valgrind --tool=callgrind --callgrind-out-file="$WORK/$1.out" \
		"$WORK/build/decode-fast" bench 0 "$WORK/$1.bin" \
		"$REPO/test/golden/mysql/$1.tsv" >"$WORK/$1.log" 2>&1 ||
		die "the decoder failed" "$(cat "$WORK/$1.log")"
	sed -n 's/^summary: //p' "$WORK/$1.out"
}

count_conversions() {
	local as=()
	mkdir "$WORK/servers"
	if [ "$(id -u)" -eq 0 ]; then
		as=(as_server_user)
		chown "$SERVER_USER" "$WORK/servers"
	fi
	${as[@]+"${as[@]}"} env PG_CONFIG="$PG_CONFIG" \
		PYTHONDONTWRITEBYTECODE=1 "$PYTHON" \
		"$REPO/bench/count_conversions.py" "$WORK/servers"
}

# compare ENVIRONMENT NAME=COUNT...
compare() {
	"$PYTHON" - "$BASELINES" "$@" <<-'END'
		import json
		import os
		import sys

		LIMIT = 1.05
		path, environment, *counts = sys.argv[1:]
		counts = {name: int(count) for name, count in
		          (word.split("=") for word in counts)}
		baselines = {}
		if os.path.exists(path):
		    with open(path) as file:
		        baselines = json.load(file)
		if environment not in baselines:
		    baselines[environment] = counts
		    with open(path, "w") as file:
		        json.dump(baselines, file, indent=1, sort_keys=True)
		        file.write("\n")
		    print("skipped: no baseline for %s; it is written now" % environment)
		    sys.exit()
		failed = False
		for name, count in counts.items():
		    change = count / baselines[environment][name]
		    print("%s: %s instructions, %+.2f %%"
		          % (name, format(count, ","), (change - 1) * 100))
		    failed = failed or change > LIMIT
		if failed:
		    sys.exit("error: more than 5 % above instructions.json")
	END
}

make -C "$REPO/test/fuzz" -s bench CC=gcc BUILD="$WORK/build" \
	PG_CONFIG="$PG_CONFIG" >"$WORK/build.log" 2>&1 ||
	die "the build failed" "$(tail -n 20 "$WORK/build.log")"
mariadb=$(count_decoding mariadb)
mysql=$(count_decoding mysql)
compiler="$(uname -m), $(gcc --version | head -n 1)"
failed=0
compare "$compiler" "decoding-mariadb=$mariadb" "decoding-mysql=$mysql" ||
	failed=1

if [ -e "$("$PG_CONFIG" --pkglibdir)/synchdb.so" ]; then
	conversions=$(count_conversions)
	compare "$compiler, $("$PG_CONFIG" --version)" \
		"conversions=$conversions" || failed=1
else
	say "skipped: conversions, since the extension is not installed"
fi
exit $failed
