#!/bin/bash
# quickstart.sh --- see synchdb work, on a fresh Debian 12
#
#   scripts/quickstart.sh         install, build, copy a sample database, and
#                                 show changes of the source arrive
#   scripts/quickstart.sh stop    stop the two servers that it started
#
# Runs a private MariaDB and a private PostgreSQL on 127.0.0.1, with all their
# files in one directory: SYNCHDB_QUICKSTART_DIR, or
# /var/lib/synchdb-quickstart.  Each run starts afresh.

. "$(dirname "$0")/lib.sh"

STATE_DIR=${SYNCHDB_QUICKSTART_DIR:-/var/lib/synchdb-quickstart}
MARK=$STATE_DIR/.synchdb-quickstart		# this directory is ours to empty
LOG_DIR=$STATE_DIR/log
PG_DATA=$STATE_DIR/postgres
MY_DATA=$STATE_DIR/mariadb
SOCKET_DIR=$STATE_DIR/run

PACKAGES=(build-essential postgresql-15 postgresql-server-dev-15
	libmariadb-dev freetds-dev libdeflate-dev libzstd-dev mariadb-server-core mariadb-client
	python3-psycopg2 python3-pymysql)

# A port that the user asks for must be free; else the next free one is taken.
PG_PORT=${SYNCHDB_QUICKSTART_PG_PORT:-}
MY_PORT=${SYNCHDB_QUICKSTART_MARIADB_PORT:-}

mariadb_root() { mariadb --no-defaults -u root -S "$SOCKET_DIR/mariadb.sock" "$@"; }

run_psql() {
	psql -X -h 127.0.0.1 -p "$PG_PORT" -U postgres -d postgres \
		-v ON_ERROR_STOP=1 -P pager=off "$@"
}

# ask SQL --- echo a statement and show its result
ask() { printf '\npostgres=# %s\n' "$1"; run_psql -q -c "$1"; }

# holds SQL --- does the query return true?
holds() { [ "$(run_psql -Atq -c "$1")" = t ]; }

stop_servers() {
	local pid
	if [ -s "$PG_DATA/postmaster.pid" ]; then
		as_server_user "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast -s stop || true
	fi
	if [ -s "$STATE_DIR/mariadb.pid" ]; then
		pid=$(cat "$STATE_DIR/mariadb.pid")
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = mariadbd ]; then
			kill "$pid"
			wait_for 30 test ! -e "/proc/$pid" ||
				die "MariaDB (process $pid) does not stop"
		fi
	fi
}

stop_command() {
	[ -e "$MARK" ] || die "nothing was started in $STATE_DIR"
	PG_BIN=$(cat "$MARK")
	cd /
	stop_servers
	say "Both servers are stopped.  Their files are in $STATE_DIR."
}

check_ports() {
	local name port
	for name in SYNCHDB_QUICKSTART_PG_PORT:$PG_PORT \
		SYNCHDB_QUICKSTART_MARIADB_PORT:$MY_PORT
	do
		port=${name#*:}
		[ -z "$port" ] || port_is_free "$port" ||
			die "port $port of 127.0.0.1 is busy" \
				"Set ${name%%:*} to a free port, or unset it."
	done
}

prepare_state_dir() {
	[ ! -e "$STATE_DIR" ] || [ -e "$MARK" ] ||
		[ -z "$(ls -A "$STATE_DIR")" ] ||
		die "$STATE_DIR holds files that are not this script's" \
			"Set SYNCHDB_QUICKSTART_DIR to another directory."
	if [ -s "$MARK" ]; then
		PG_BIN=$(cat "$MARK")
		stop_servers
	fi
	rm -rf "$STATE_DIR"
	mkdir -p "$STATE_DIR" "$LOG_DIR" "$SOCKET_DIR"
	touch "$MARK"
	chmod 755 "$STATE_DIR"
}

build() {
	local scratch
	title "building the extension for PostgreSQL $PG_VERSION"
	scratch=$(mktemp -d)
	copy_tree "$scratch"
	if ! make -C "$scratch" -s -j"$JOBS" with_llvm=no \
		PG_CONFIG="$PG_BIN/pg_config" all install >"$LOG_DIR/build.log" 2>&1
	then
		rm -rf "$scratch"
		tail -n 20 "$LOG_DIR/build.log" >&2
		die "the build failed; the whole log is $LOG_DIR/build.log"
	fi
	rm -rf "$scratch"
}

start_mariadb() {
	title "starting MariaDB on 127.0.0.1:$MY_PORT, with database inventory"
	as_server_user mariadb-install-db --no-defaults --datadir="$MY_DATA" \
		--auth-root-authentication-method=normal --skip-test-db \
		>"$LOG_DIR/mariadb-install-db.log" 2>&1 ||
		die "MariaDB's data directory could not be made" \
			"See $LOG_DIR/mariadb-install-db.log"
	setsid -f runuser -u "$SERVER_USER" -- /usr/sbin/mariadbd --no-defaults \
		--datadir="$MY_DATA" --socket="$SOCKET_DIR/mariadb.sock" \
		--pid-file="$STATE_DIR/mariadb.pid" --bind-address=127.0.0.1 \
		--port="$MY_PORT" --skip-name-resolve --server-id=223344 \
		--log-bin=mysql-bin --binlog-format=ROW \
		</dev/null >"$LOG_DIR/mariadb.log" 2>&1
	wait_for 60 mariadb_root -e 'SELECT 1' ||
		die "MariaDB does not start" "See $LOG_DIR/mariadb.log"
	mariadb_root <"$REPO/test/fixtures/mysqluser.sql"
	mariadb_root <"$REPO/test/fixtures/inventory.sql"
}

start_postgres() {
	title "starting PostgreSQL on 127.0.0.1:$PG_PORT"
	as_server_user "$PG_BIN/initdb" -D "$PG_DATA" -U postgres -A trust \
		-E UTF8 --locale=C.UTF-8 >"$LOG_DIR/initdb.log" 2>&1 ||
		die "PostgreSQL's data directory could not be made" \
			"See $LOG_DIR/initdb.log"
	cat >>"$PG_DATA/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		port = $PG_PORT
		unix_socket_directories = '$SOCKET_DIR'
	CONF
	as_server_user "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$LOG_DIR/postgres.log" \
		-s -w start || die "PostgreSQL does not start" \
		"See $LOG_DIR/postgres.log"
}

run_story() {
	title "copying inventory from MariaDB into PostgreSQL"
	ask "CREATE EXTENSION synchdb CASCADE;"
	ask "SELECT synchdb_add_conninfo('mysqlconn', '127.0.0.1', $MY_PORT, 'mysqluser', 'mysqlpwd',
                            'inventory', 'postgres', 'null', 'null', 'mysql');"
	ask "SELECT synchdb_start_engine_bgw('mysqlconn');"
	wait_for 60 holds "SELECT snapshot_end_ts > 0
		FROM synchdb_snapstats WHERE name = 'mysqlconn'" || {
		ask "SELECT * FROM synchdb_state_view;"
		die "the tables were not copied" "See $LOG_DIR/postgres.log"
	}
	ask "SELECT * FROM synchdb_state_view;"
	ask "SELECT * FROM inventory.products ORDER BY id;"
	ask "SELECT * FROM inventory.orders ORDER BY order_number;"
}

show_changes() {
	title "changing rows in MariaDB"
	"$PYTHON" "$REPO/scripts/quickstart_changes.py" "$MY_PORT" "$PG_PORT"
	printf '\npostgres=# SELECT * FROM synchdb_stats_view;\n'
	run_psql -q -x -c "SELECT * FROM synchdb_stats_view;"
}

print_farewell() {
	cat <<-TEXT

	=== both servers go on running

	MariaDB:     mariadb -h 127.0.0.1 -P $MY_PORT -u root inventory
	PostgreSQL:  psql -h 127.0.0.1 -p $PG_PORT -U postgres postgres

	Change rows in the first and look at schema inventory in the second.
	To stop the connector and forget it, in PostgreSQL:

	    SELECT synchdb_stop_engine_bgw('mysqlconn');
	    SELECT synchdb_del_conninfo('mysqlconn');

	To stop both servers:  $0 stop
	TEXT
}

case ${1:-start} in
	start) ;;
	stop) need_root; stop_command; exit ;;
	*) die "unknown command \"$1\"" "Usage: $0 [stop]" ;;
esac

need_root
need_debian
cd /
prepare_state_dir
check_ports
apt_install "${PACKAGES[@]}"
chown "$SERVER_USER" "$STATE_DIR" "$SOCKET_DIR" "$LOG_DIR"

PG_VERSION=$(newest_postgres)
PG_BIN=/usr/lib/postgresql/$PG_VERSION/bin
echo "$PG_BIN" >"$MARK"
build
MY_PORT=${MY_PORT:-$(free_port 3306)}
PG_PORT=${PG_PORT:-$(free_port 5432)}
start_mariadb
start_postgres
run_story
show_changes
print_farewell
