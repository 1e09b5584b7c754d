#!/bin/bash
# run.sh --- measure the extension and its rivals on this machine, in one run
#
#   bench/run.sh [--quick] [option...] [section...]
#
# Sections: decode snapshot stream latency cost; all of them if none is named.
# Options: --scale 0.01, --rounds 3, and others that --help shows.  Writes
# RESULTS.md and results.json here, or where --output says; the sections that
# are not run keep what an earlier run has written.
#
# Installs what it needs with apt, on Debian 12.  All servers are private, on
# 127.0.0.1 and unix sockets, below a new directory of SYNCHDB_BENCH_DIR or
# /var/tmp; a full run takes some 20 GB there for a while.

. "$(dirname "$0")/../scripts/lib.sh"

PG_VERSION=15
PACKAGES=(build-essential postgresql-15 postgresql-server-dev-15
	postgresql-15-mysql-fdw pgloader libmariadb-dev libpq-dev libdeflate-dev
	mariadb-server-core mariadb-client python3-psycopg2 python3-pymysql)

build() {
	say "building"
	private_postgres "$PG_VERSION" "$WORK/root"
	copy_tree "$WORK/src"
	if ! { make -C "$WORK/src" -s -j"$JOBS" with_llvm=no \
			PG_CONFIG="$PG_BIN/pg_config" all install &&
		make -C "$WORK/src/test/fuzz" -s bench CC=gcc \
			PG_CONFIG="$PG_BIN/pg_config" &&
		gcc -std=gnu99 -O2 -Wall -Wextra -o "$WORK/load" \
			"$REPO/bench/load.c" $(mariadb_config --include) \
			-I"$(pg_config --includedir)" $(mariadb_config --libs) \
			-lpq -lpthread
	} >"$LOG_DIR/build.log" 2>&1
	then
		tail -n 20 "$LOG_DIR/build.log" >&2
		die "the build failed"
	fi
}

# Results are written by the server's user, into a directory of its own.
take_results() {
	local file
	for file in RESULTS.md results.json; do
		[ ! -e "$WORK/output/$file" ] ||
			cat "$WORK/output/$file" >"$OUTPUT/$file"
	done
}

OUTPUT=$REPO/bench
arguments=()
while [ $# -gt 0 ]; do
	case $1 in
		--output) OUTPUT=$(realpath "$2"); shift ;;
		*) arguments+=("$1") ;;
	esac
	shift
done

need_root
need_debian
cd /
WORK=$(mktemp -d "${SYNCHDB_BENCH_DIR:-/var/tmp}/sdb.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
chmod 755 "$WORK"
LOG_DIR=$WORK
PG_BIN=$WORK/root/usr/lib/postgresql/$PG_VERSION/bin
apt_install "${PACKAGES[@]}"
build
mkdir "$WORK/servers" "$WORK/output"
[ ! -e "$OUTPUT/results.json" ] || cp "$OUTPUT/results.json" "$WORK/output"
chown -R "$SERVER_USER" "$WORK/servers" "$WORK/output"

as_server_user env PG_CONFIG="$PG_BIN/pg_config" PATH="$PG_BIN:$PATH" \
	PYTHONDONTWRITEBYTECODE=1 SYNCHDB_BENCH_LOAD="$WORK/load" \
	SYNCHDB_BENCH_DECODE="$WORK/src/test/fuzz/build/decode-fast" \
	"$PYTHON" "$WORK/src/bench/bench.py" --directory "$WORK/servers" \
	--output "$WORK/output" ${arguments[@]+"${arguments[@]}"} || {
	tail -n 5 "$WORK"/servers/*/server.log >&2 || true
	die "the bench failed"
}
take_results
say "written: $OUTPUT/RESULTS.md"
