# matrix.sh --- other versions, each in a Debian of its own; to be sourced
#
# A root is a folder that debootstrap makes once and that is kept.  Commands
# run inside it with private mounts and process ids, so nothing outlives them.

MATRIX_DIR=${SYNCHDB_MATRIX_DIR:-/var/cache/synchdb-matrix}

# suite, then what is tested there: its PostgreSQL and its source database
ROOTS=(
	"trixie postgresql-17 postgresql-server-dev-17 mariadb-server-core"
	"sid postgresql-18 postgresql-server-dev-18 mysql-server-core"
)
ROOT_PACKAGES=(build-essential libmariadb-dev freetds-dev libdeflate-dev libzstd-dev
	python3-pytest python3-psycopg2 python3-pymysql python3-cryptography)

# in_root ROOT COMMAND...
in_root() {
	unshare --mount --pid --fork --kill-child bash -euc '
		root=$0
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
		exec chroot "$root" env -i TERM=dumb LANG=C.UTF-8 HOME=/root \
			DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			"$@"' "$@"
}

# bootstrap_root SUITE ROOT --- a bare Debian in which no server ever starts
bootstrap_root() {
	rm -rf --one-file-system "$2"
	mkdir -p "$(dirname "$2")"
	debootstrap --variant=minbase "$1" "$2" || return 1
	echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99synchdb"
}

# fill_root ROOT PACKAGE... --- install, also after an installation that broke
fill_root() {
	local root=$1
	shift
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/etc/postgresql-common/createcluster.d"
	echo "create_main_cluster = false" \
		>"$root/etc/postgresql-common/createcluster.d/synchdb.conf"
	in_root "$root" dpkg --configure -a &&
		in_root "$root" apt-get "${APT_OPTIONS[@]}" update &&
		in_root "$root" apt-get "${APT_OPTIONS[@]}" -f \
			--no-install-recommends install "$@"
}

# prepare_root SUITE PACKAGE... --- make, complete or repair one
prepare_root() {
	local suite=$1 root=$MATRIX_DIR/$1 mark wanted
	shift
	mark=$root/.synchdb-packages
	wanted="$* ${ROOT_PACKAGES[*]}"
	[ "$(cat "$mark" 2>/dev/null)" != "$wanted" ] || return 0

	say "preparing $root"
	if [ ! -x "$root/usr/bin/apt-get" ] || [ -d "$root/debootstrap" ]; then
		bootstrap_root "$suite" "$root" || return 1
	fi
	if ! fill_root "$root" $wanted; then
		say "$root cannot be repaired; making it anew"
		bootstrap_root "$suite" "$root" && fill_root "$root" $wanted || return 1
	fi
	echo "$wanted" >"$mark"
}

# test_in_root ROOT ARGUMENT... --- the tests, on a copy of the tree inside
test_in_root() {
	local root=$1 status=0
	shift
	rm -rf "$root"/var/tmp/synchdb*		# what an earlier run left as well
	copy_tree "$root/var/tmp/synchdb"
	in_root "$root" env SYNCHDB_TEST_IN_ROOT=1 SYNCHDB_JOBS="$JOBS" \
		$(env | grep -E '^SYNCHDB_(KILLS|ROWS|TEST_SIZE)' || true) \
		/var/tmp/synchdb/scripts/test.sh "$@" || status=$?
	rm -rf "$root/var/tmp/synchdb"
	return $status
}
