#!/bin/bash
# test.sh --- install what the tests need and run all of them
#
#   scripts/test.sh [--matrix] [pytest arguments]
#
# Builds with -Werror, checks include edges, exported symbols and, if no argument
# is given, the instructions that decoding and converting take; then runs
# pg_regress and pytest.  --matrix also takes MySQL in as a source and repeats
# everything on the other PostgreSQL versions (see matrix.sh).  Neither the
# repository nor an installed PostgreSQL is written to.
#
# The last line says how many checks and tests passed, failed, were skipped.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

PACKAGES=(build-essential postgresql-15 postgresql-server-dev-15
	libmariadb-dev libssl-dev freetds-dev libdeflate-dev libzstd-dev mariadb-server-core
	libclang-rt-14-dev python3-pytest python3-psycopg2 python3-pymysql
	python3-cryptography valgrind)
# clients that check the test server for SQL Server, see test/sim
CLIENT_PACKAGES=(freetds-bin libsybdb5 python3-tds python3-openssl openssl)
TEDIOUS=tedious@19.2.1
MATRIX_PACKAGES=(debootstrap)
LOCK=/var/lock/synchdb-test.lock
# what PostgreSQL's flags for gcc mean to clang
CLANG_FLAGS="-Wno-ignored-attributes -Wno-unknown-warning-option"
CLANG_FLAGS+=" -Wno-ignored-optimization-argument"

MATRIX=
PASSED=0
FAILED=0
SKIPPED=0

# count PASSED FAILED SKIPPED
count() {
	PASSED=$((PASSED + $1))
	FAILED=$((FAILED + $2))
	SKIPPED=$((SKIPPED + $3))
}

# check WHAT COMMAND... --- one check that passes or fails
check() {
	local what=$1
	shift
	if "$@" >"$LOG_DIR/check.log" 2>&1; then
		say "ok      $what"
		count 1 0 0
	else
		say "FAILED  $what"
		tail -n 40 "$LOG_DIR/check.log"
		count 0 1 0
		return 1
	fi
}

install_packages() {
	[ -z "${SYNCHDB_TEST_IN_ROOT:-}" ] || return 0
	need_root
	need_debian
	exec 9>"$LOCK"
	flock -n 9 || { say "waiting for another run to end"; flock 9; }
	# npm from elsewhere cannot stand beside Debian's
	[ -n "$(type -P npm)" ] || CLIENT_PACKAGES+=(nodejs npm)
	apt_install "${PACKAGES[@]}" "${CLIENT_PACKAGES[@]}"
	npm install --silent --no-audit --no-fund --ignore-scripts \
		--prefix "$WORK/tedious" "$TEDIOUS" >"$LOG_DIR/npm.log" 2>&1 ||
		say "tedious could not be installed; the tests that need it are skipped"
	[ -z "$MATRIX" ] || apt_install "${MATRIX_PACKAGES[@]}"
}

build_with_gcc() {
	make -C "$SRC" -s -j"$JOBS" SYNCHDB_TEST=1 COPT=-Werror with_llvm=no \
		PG_CONFIG="$PG_BIN/pg_config" all install
}

build_with_clang() {
	local clang
	clang=$(ls -v /usr/bin/clang-[0-9]* | tail -n 1)
	copy_tree "$WORK/clang"
	make -C "$WORK/clang" -s -j"$JOBS" SYNCHDB_TEST=1 with_llvm=no CC="$clang" \
		COPT="-O1 -Werror $CLANG_FLAGS" PG_CONFIG="$PG_BIN/pg_config" all
}

# What decoding and converting cost is compared where a baseline was taken:
# with this Debian's compiler and PostgreSQL.
check_instructions() {
	local status=0
	[ -z "${SYNCHDB_TEST_IN_ROOT:-}" ] || return 0
	PG_CONFIG="$PG_BIN/pg_config" "$SRC/bench/check_instructions.sh" \
		>"$LOG_DIR/instructions.log" 2>&1 || status=$?
	case $status in
		0) say "ok      instructions of decoding and converting"
			count 1 0 0 ;;
		77) say "skipped instructions of decoding and converting"
			count 0 0 1 ;;
		*) say "FAILED  instructions of decoding and converting"
			count 0 1 0 ;;
	esac
	cat "$LOG_DIR/instructions.log"
}

run_regress() {
	local log=$WORK/regress.log tests
	tests=$(ls "$SRC"/test/regress/sql/*.sql 2>/dev/null |
		xargs -r -n 1 basename -s .sql | sort)
	[ -n "$tests" ] || return 0
	title "pg_regress"
	mkdir "$WORK/regress"
	chown "$SERVER_USER" "$WORK/regress"
	as_server_user "$PG_LIB/lib/pgxs/src/test/regress/pg_regress" \
		--bindir="$PG_BIN" --inputdir="$SRC/test/regress" \
		--outputdir="$WORK/regress" --temp-instance="$WORK/regress/pg" \
		--dbname=contrib_regression --encoding=UTF8 --no-locale $tests 2>&1 | tee "$log" || true
	# "test x ... ok" up to 15, "ok 1 - x" since 16
	count "$(grep -cE '^ok |^test .* ok ' "$log" || true)" \
		"$(grep -cE '^not ok |^test .* FAILED' "$log" || true)" 0
	grep -qE '^(ok|not ok) |^test ' "$log" || count 0 1 0
	cat "$WORK/regress/regression.diffs" 2>/dev/null || true
}

run_pytest() {
	local report=$WORK/pytest/report.xml counts argument paths=(test)
	title "pytest"
	mkdir "$WORK/pytest"
	chown -R "$SERVER_USER" "$WORK/pytest" "$SRC"
	# what tests no PostgreSQL is run once
	[ -z "${SYNCHDB_TEST_IN_ROOT:-}" ] ||
		paths=(test/e2e --ignore-glob='*/test_sim_*')
	for argument; do
		[ ! -e "$SRC/${argument%%::*}" ] || paths=()
	done
	(cd "$SRC" && as_server_user env PG_CONFIG="$PG_BIN/pg_config" \
		SYNCHDB_TEST_MYSQL_ROOT="${SYNCHDB_TEST_MYSQL_ROOT:-}" \
		TEDIOUS_MODULES="$WORK/tedious/node_modules" \
		PYTHONDONTWRITEBYTECODE=1 TMPDIR="$WORK/pytest" \
		"$PYTHON" -m pytest -p no:cacheprovider -q -ra --durations=10 \
		--basetemp="$WORK/pytest/tmp" --junitxml="$report" \
		"$@" ${paths[@]+"${paths[@]}"}) || true
	counts=$("$PYTHON" - "$report" <<-'END'
		import sys, xml.etree.ElementTree as tree
		suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
		tests, failures, errors, skipped = (
		    int(suite.get(key)) for key in
		    ("tests", "failures", "errors", "skipped"))
		print(tests - failures - errors - skipped, failures + errors, skipped)
	END
	) || counts="0 1 0"
	count $counts
}

run_here() {
	PG_VERSION=$(newest_postgres)
	PG_LIB=$WORK/root/usr/lib/postgresql/$PG_VERSION
	PG_BIN=$PG_LIB/bin
	SRC=$WORK/src
	title "PostgreSQL $PG_VERSION: checks"
	private_postgres "$PG_VERSION" "$WORK/root"
	copy_tree "$SRC"
	check "include edges" "$SRC/scripts/check_includes.sh" || true
	check "clang gives no warning" build_with_clang || true
	check "gcc gives no warning, and the build is installed" build_with_gcc ||
		return 0
	check "exported symbols" "$SRC/scripts/check_symbols.sh" \
		"$PG_BIN/postgres" "$PG_LIB/lib/synchdb.so" || true
	[ $# -gt 0 ] || check_instructions
	run_regress
	run_pytest "$@"
}

run_root() {
	local suite=$1 log=$LOG_DIR/$1.log last
	shift
	title "Debian $suite"
	test_in_root "$MATRIX_DIR/$suite" "$@" 2>&1 | tee "$log" || true
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]
	then
		count "${BASH_REMATCH[@]:1:3}"
	else
		count 0 1 0
	fi
}

prepare_matrix() {
	local entry suite
	for entry in "${ROOTS[@]}"; do
		suite=${entry%% *}
		# entry holds the suite and the packages, a word each
		check "Debian $suite is prepared" prepare_root $entry || continue
		READY+=("$suite")
		[ ! -x "$MATRIX_DIR/$suite/usr/sbin/mysqld" ] ||
			[ -L "$MATRIX_DIR/$suite/usr/sbin/mysqld" ] ||
			export SYNCHDB_TEST_MYSQL_ROOT=$MATRIX_DIR/$suite
	done
}

if [ "${1:-}" = --matrix ]; then
	MATRIX=1
	shift
fi
[ "$(id -u)" -eq 0 ] || need_root
cd /
WORK=$(mktemp -d /var/tmp/synchdb-test.XXXXXX)
LOG_DIR=$WORK/log
mkdir "$LOG_DIR"
chmod 755 "$WORK"
READY=()

install_packages
[ -z "$MATRIX" ] || prepare_matrix
run_here "$@"
for suite in ${READY[@]+"${READY[@]}"}; do
	run_root "$suite" "$@"
done

if [ $FAILED -eq 0 ]; then
	rm -rf "$WORK"
else
	say "" "Logs and files of the failed tests are in $WORK"
fi
printf '\n%d passed, %d failed, %d skipped\n' $PASSED $FAILED $SKIPPED
[ $FAILED -eq 0 ]
