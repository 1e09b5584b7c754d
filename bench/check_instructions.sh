#!/bin/bash
# check_instructions.sh --- fail if decoding or converting has come to cost more
#
#   bench/check_instructions.sh [--accept]
#
# Counts the instructions for fixed inputs: what the decoder needs for the
# captures of test/golden, and what a server needs to convert some thousand
# rows.  Fails if one is more than 5 % above instructions.json; --accept writes
# the new counts there.
#
# Counts depend on the compiler and on PostgreSQL, so there is a baseline for
# each major version; where one is missing, the script says so and ends with
# 77.  They do not depend on the machine: valgrind shows the libraries that
# choose their code by the processor the same one on every machine with AVX2.
#
# PG_CONFIG names the PostgreSQL that the extension was installed into.

. "$(dirname "$0")/../scripts/lib.sh"

BASELINES=$REPO/bench/instructions.json
REPEAT=10
PG_CONFIG=${PG_CONFIG:-pg_config}
ACCEPT=
[ "${1:-}" != --accept ] || ACCEPT=1

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
	"$PYTHON" - "$BASELINES" "$ACCEPT" "$@" <<-'END'
		import json
		import sys

		LIMIT = 1.05
		path, accept, environment, *counts = sys.argv[1:]
		counts = {name: int(count) for name, count in
		          (word.split("=") for word in counts)}
		with open(path) as file:
		    baselines = json.load(file)
		if accept:
		    baselines[environment] = counts
		    with open(path, "w") as file:
		        json.dump(baselines, file, indent=1, sort_keys=True)
		        file.write("\n")
		if environment not in baselines:
		    print("no baseline for %s: %s" % (environment, counts))
		    sys.exit(77)
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
conversions=$(count_conversions)
version=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
compare "$(uname -m), gcc $(gcc -dumpversion), PostgreSQL $version" \
	"decoding-mariadb=$mariadb" "decoding-mysql=$mysql" \
	"conversions=$conversions"
