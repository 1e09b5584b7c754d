#!/bin/bash
# check_symbols.sh POSTGRES SYNCHDB_SO --- no symbol binds to the wrong library
#
# The server's symbols win over those of equal name in a library that it
# loads.  So neither our module nor a client library that it needs may export
# a name that the server exports, and every name of ours has our prefix.

set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 POSTGRES SYNCHDB_SO" >&2; exit 2; }

OURS='^(sdb_|synchdb_|pg_finfo_|Pg_magic_func$|_PG_init$|_PG_fini$)'
LINKER='^(_init|_fini|_edata|_end|__bss_start)$'
SYSTEM='^(libc|libm|libpthread|libdl|ld-linux[^.]*|linux-vdso)\.so'
STATUS=0

exported() {
	nm -D --defined-only "$1" | awk '{ sub(/@.*/, "", $3); print $3 }' |
		grep -vE "$LINKER" | sort -u
}

complain() {
	printf '%s: %s\n' "$1" "$(tr '\n' ' ')" >&2
	STATUS=1
}

SERVER=$(exported "$1")
MODULE=$(exported "$2")
[ -n "$SERVER" ] && [ -n "$MODULE" ] || { echo "no symbols read" >&2; exit 2; }

if foreign=$(grep -vE "$OURS" <<<"$MODULE"); then
	complain "$2 exports names without our prefix" <<<"$foreign"
fi

NEEDED=$(readelf -d "$2" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
for library in "$2" $(ldd "$2" | awk '{ print $3 }'); do
	name=$(basename "$library")
	if [ "$library" != "$2" ]; then
		grep -qxF "$name" <<<"$NEEDED" || continue
		! grep -qE "$SYSTEM" <<<"$name" || continue
	fi
	# the magic block and _PG_init are looked up by handle, in each module
	common=$(comm -12 <(printf '%s\n' "$SERVER") <(exported "$library"))
	[ -z "$common" ] || complain "$name and $1 both export" <<<"$common"
done
exit $STATUS
