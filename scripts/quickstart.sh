#!/bin/bash
# quickstart.sh --- see synchdb work, on a fresh Debian 12
#
#   scripts/quickstart.sh            install, build, copy a sample database
#                                    from MariaDB, and show its changes arrive
#   scripts/quickstart.sh sqlserver  the same from a simulator of SQL Server
#   scripts/quickstart.sh stop       stop the two servers that it started
#
# Runs a private source and a private PostgreSQL on 127.0.0.1, with all their
# files in one directory: SYNCHDB_QUICKSTART_DIR, or
# /var/lib/synchdb-quickstart.  Each run starts afresh.
#
# SQL Server cannot be installed here, so its part is played by test/sim, the
# server that the tests use.  It keeps its data in memory.

. "$(dirname "$0")/lib.sh"

STATE_DIR=${SYNCHDB_QUICKSTART_DIR:-/var/lib/synchdb-quickstart}
MARK=$STATE_DIR/.synchdb-quickstart		# this directory is ours to empty
LOG_DIR=$STATE_DIR/log
PG_DATA=$STATE_DIR/postgres
MY_DATA=$STATE_DIR/mariadb
SOCKET_DIR=$STATE_DIR/run

PACKAGES=(build-essential postgresql-15 postgresql-server-dev-15
	libmariadb-dev libssl-dev freetds-dev libdeflate-dev libzstd-dev
	python3-psycopg2)
MARIADB_PACKAGES=(mariadb-server-core mariadb-client python3-pymysql)
SQLSERVER_PACKAGES=(freetds-bin)

# A port that the user asks for must be free; else the next free one is taken.
PG_PORT=${SYNCHDB_QUICKSTART_PG_PORT:-}
MY_PORT=${SYNCHDB_QUICKSTART_MARIADB_PORT:-}
SIM_PORT=${SYNCHDB_QUICKSTART_SQLSERVER_PORT:-}

mariadb_root() { mariadb --no-defaults -u root -S "$SOCKET_DIR/mariadb.sock" "$@"; }

run_psql() {
	psql -X -h 127.0.0.1 -p "$PG_PORT" -U postgres -d postgres \
		-v ON_ERROR_STOP=1 -P pager=off "$@"
}

# ask SQL --- echo a statement and show its result
ask() { printf '\npostgres=# %s\n' "$1"; run_psql -q -c "$1"; }

# holds SQL --- does the query return true?
holds() { [ "$(run_psql -Atq -c "$1")" = t ]; }

# stop_process FILE COMMAND --- end the process whose id is in the file
stop_process() {
	local pid
	[ -s "$1" ] || return 0
	pid=$(cat "$1")
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || return 0
	kill "$pid"
	wait_for 30 test ! -e "/proc/$pid" ||
		die "the source ($2, process $pid) does not stop"
}

stop_servers() {
	if [ -s "$PG_DATA/postmaster.pid" ]; then
		as_server_user "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast -s stop || true
	fi
	stop_process "$STATE_DIR/mariadb.pid" mariadbd
	stop_process "$STATE_DIR/sqlserver.pid" python3
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
		SYNCHDB_QUICKSTART_MARIADB_PORT:$MY_PORT \
		SYNCHDB_QUICKSTART_SQLSERVER_PORT:$SIM_PORT
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

# The simulator runs from a copy, since its user may not read the repository.
start_sqlserver() {
	title "starting a simulator of SQL Server on 127.0.0.1:$SIM_PORT, with database testDB"
	cp -r "$REPO/test/sim/sqlserver" "$STATE_DIR/sqlserver"
	(cd "$STATE_DIR" && setsid -f runuser -u "$SERVER_USER" -- \
		env PYTHONDONTWRITEBYTECODE=1 /bin/sh -c \
		'echo $$ >"$1"; shift; exec "$@"' - "$STATE_DIR/sqlserver.pid" \
		"$PYTHON" -m sqlserver --port "$SIM_PORT" --data demo \
		</dev/null >"$LOG_DIR/sqlserver.log" 2>&1)
	wait_for 60 grep -q simulator\" "$LOG_DIR/sqlserver.log" ||
		die "the simulator does not start" "See $LOG_DIR/sqlserver.log"
	say "This is the simulator that synchdb's tests use.  It is not SQL Server: it"
	say "speaks its protocol and has a model of its change data capture."
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

# run_story NAME ARGUMENTS TABLE... --- copy the source; ARGUMENTS: of
# synchdb_add_conninfo, behind the name.
run_story() {
	local name=$1 arguments=$2 table
	shift 2
	ask "CREATE EXTENSION synchdb CASCADE;"
	ask "SELECT synchdb_add_conninfo('$name', $arguments);"
	ask "SELECT synchdb_start_engine_bgw('$name');"
	wait_for 60 holds "SELECT snapshot_end_ts > 0
		FROM synchdb_snapstats WHERE name = '$name'" || {
		ask "SELECT * FROM synchdb_state_view;"
		die "the tables were not copied" "See $LOG_DIR/postgres.log"
	}
	ask "SELECT * FROM synchdb_state_view;"
	for table; do
		ask "SELECT * FROM $table ORDER BY 1;"
	done
}

show_statistics() {
	printf '\npostgres=# SELECT * FROM synchdb_stats_view;\n'
	run_psql -q -x -c "SELECT * FROM synchdb_stats_view;"
}

# print_farewell CONNECTOR SCHEMA SOURCE
print_farewell() {
	cat <<-TEXT

	=== both servers go on running

	$3
	PostgreSQL:  psql -h 127.0.0.1 -p $PG_PORT -U postgres postgres

	Change rows in the first and look at schema $2 in the second.
	To stop the connector and forget it, in PostgreSQL:

	    SELECT synchdb_stop_engine_bgw('$1');
	    SELECT synchdb_del_conninfo('$1');

	To stop both servers:  $0 stop
	TEXT
}

from_mariadb() {
	MY_PORT=${MY_PORT:-$(free_port 3306)}
	start_mariadb
	start_postgres
	title "copying inventory from MariaDB into PostgreSQL"
	run_story mysqlconn "'127.0.0.1', $MY_PORT, 'mysqluser', 'mysqlpwd',
                            'inventory', 'postgres', 'null', 'null', 'mysql'" \
		inventory.products inventory.orders
	title "changing rows in MariaDB"
	"$PYTHON" "$REPO/scripts/quickstart_changes.py" mysql "$MY_PORT" "$PG_PORT"
	show_statistics
	print_farewell mysqlconn inventory \
		"MariaDB:     mariadb -h 127.0.0.1 -P $MY_PORT -u root inventory"
}

from_sqlserver() {
	SIM_PORT=${SIM_PORT:-$(free_port 1433)}
	start_sqlserver
	start_postgres
	title "copying testDB from the simulator of SQL Server into PostgreSQL"
	run_story sqlserverconn "'127.0.0.1', $SIM_PORT, 'sa', 'Password!',
                            'testDB', 'postgres', 'null', 'null', 'sqlserver'" \
		testdb.products testdb.orders
	title "changing rows in the simulator of SQL Server"
	"$PYTHON" "$REPO/scripts/quickstart_changes.py" sqlserver "$SIM_PORT" "$PG_PORT"
	show_statistics
	print_farewell sqlserverconn testdb \
		"Simulator:   tsql -H 127.0.0.1 -p $SIM_PORT -U sa -P 'Password!' -D testDB"
	say
	say "The simulator is not SQL Server, and forgets all its rows when it stops."
}

case ${1:-start} in
	start) SOURCE=mariadb; PACKAGES+=("${MARIADB_PACKAGES[@]}") ;;
	sqlserver) SOURCE=sqlserver; PACKAGES+=("${SQLSERVER_PACKAGES[@]}") ;;
	stop) need_root; stop_command; exit ;;
	*) die "unknown command \"$1\"" "Usage: $0 [sqlserver | stop]" ;;
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
PG_PORT=${PG_PORT:-$(free_port 5432)}
"from_$SOURCE"
