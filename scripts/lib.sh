# lib.sh --- shell functions that the scripts share; to be sourced by bash
#
# Servers run as user postgres (made by PostgreSQL's package), since neither
# PostgreSQL nor MariaDB runs as root.  Nothing listens beyond 127.0.0.1.

set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=/usr/bin/python3			# another one may come first on PATH
SERVER_USER=postgres
JOBS=${SYNCHDB_JOBS:-$(nproc)}
APT_OPTIONS=(-y -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)

say() { printf '%s\n' "$*"; }
title() { printf '\n=== %s\n' "$*"; }
die() { printf '%s: error: %s\n' "$(basename "$0")" "$1" >&2
	shift; [ $# -eq 0 ] || printf '%s\n' "$@" >&2; exit 1; }

need_root() {
	[ "$(id -u)" -eq 0 ] ||
		die "this script installs packages and switches users, so it needs root" \
			"Try: sudo $0"
}

need_debian() {
	command -v apt-get >/dev/null && [ -r /etc/os-release ] ||
		die "this script knows Debian only" \
			"Elsewhere, install the packages by hand: see CONTRIBUTING.md."
}

as_server_user() { runuser -u "$SERVER_USER" -- "$@"; }

# installed PACKAGE... --- are all of them there?
installed() {
	local package
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" \
			= installed ] || return 1
	done
}

# apt_install PACKAGE... --- install what is missing; start no server.
#
# PostgreSQL's package would create and start a cluster: a file in
# createcluster.d, there during the installation only, tells it not to.
apt_install() {
	local package missing=() quiet=/etc/postgresql-common/createcluster.d/synchdb.conf
	for package; do
		installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	say "installing ${missing[*]}"
	mkdir -p "$(dirname $quiet)"
	echo "create_main_cluster = false" >$quiet
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get "${APT_OPTIONS[@]}" update &&
		apt-get "${APT_OPTIONS[@]}" install --no-install-recommends \
			"${missing[@]}"; } >"$LOG_DIR/apt.log" 2>&1
	then
		rm -f $quiet
		tail -n 20 "$LOG_DIR/apt.log" >&2
		die "apt-get could not install ${missing[*]}"
	fi
	rm -f $quiet
}

# newest_postgres --- the newest major version that extensions can be built for
newest_postgres() {
	local dir newest=
	for dir in /usr/lib/postgresql/*/lib/pgxs; do
		[ -d "$dir" ] || continue
		dir=${dir#/usr/lib/postgresql/}
		[ -n "$newest" ] && [ "${dir%%/*}" -lt "$newest" ] ||
			newest=${dir%%/*}
	done
	[ -n "$newest" ] || die "no postgresql-server-dev package is installed"
	echo "$newest"
}

# copy_tree DIR --- the repository's files without version control and objects
copy_tree() {
	mkdir -p "$1"
	tar -C "$REPO" --exclude=./.git --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude=__pycache__ -cf - . |
		tar -C "$1" --no-same-owner -xf -
}

# private_postgres VERSION DIR --- a copy of an installed PostgreSQL that finds
# its own files, so that what is installed into it touches nothing else;
# DIR/usr/lib/postgresql/VERSION/bin holds its programs.
private_postgres() {
	local version=$1 dir=$2 part
	for part in lib share; do
		mkdir -p "$dir/usr/$part/postgresql"
		cp -a "/usr/$part/postgresql/$version" "$dir/usr/$part/postgresql/"
	done
	mkdir -p "$dir/usr/include"
	ln -sfn /usr/include/postgresql "$dir/usr/include/postgresql"
}

# free_port FIRST --- the first port from FIRST on that nobody listens on
free_port() {
	local port=$1
	while ! port_is_free "$port"; do
		port=$((port + 1))
		[ "$port" -lt $(($1 + 100)) ] ||
			die "none of the ports $1 to $port is free"
	done
	echo "$port"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for SECONDS COMMAND... --- until the command succeeds
wait_for() {
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $limit ] || return 1
		sleep 0.05
	done
}
