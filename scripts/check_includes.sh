#!/bin/bash
# check_includes.sh --- the tree is the data flow: which folder includes which
#
# Checks every #include "..." below src/ that names a file of ours, against
# the table below, and that the server's version is asked for in one file.

cd "$(dirname "$0")/../src" || exit 2

# folder, then what its files may include: folders of ours, or single files
EDGES='
util        util guc.h
change      change util
source      source change util guc.h
convert     convert change util guc.h
ddl         ddl convert change util guc.h
apply       apply ddl convert change util guc.h
checkpoint  checkpoint change source/source.h util guc.h
worker      worker checkpoint apply ddl convert source change util guc.h
sqlapi      sqlapi worker checkpoint apply ddl convert source change util guc.h
'

# including file, included file
PAIRS=$(grep -rHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' \
	--include='*.[ch]' . |
	sed -E 's|^\./([^:]*):[^"]*"([^"]*)".*|\1 \2|' |
	while read -r file included; do
		[ ! -e "$included" ] || echo "$file $included"
	done)

violations() {
	awk -v edges="$EDGES" '
		BEGIN {
			n = split(edges, line, "\n")
			for (i = 1; i <= n; i++)
			{
				m = split(line[i], word, " ")
				for (j = 2; j <= m; j++)
					allowed[word[1], word[j]] = 1
			}
		}
		# a folder below source/ belongs to one database: known to itself and
		# to the registry only
		$2 ~ /^source\/[^\/]*\// {
			split($2, part, "/")
			if (index($1, "source/" part[2] "/") != 1 && $1 != "source/source.c")
				print $1 " includes " $2
			next
		}
		$1 ~ /\// {
			split($1, from, "/")
			split($2, to, "/")
			if (!((from[1], to[1]) in allowed) && !((from[1], $2) in allowed))
				print $1 " includes " $2
		}' <<<"$PAIRS"

	grep -rlE '#[[:space:]]*include[[:space:]]*[<"](mysql|mariadb_rpl)\.h' . |
		sed 's|^\./||' | grep -vxE 'source/mysql/mysql_(conn|error|tls)\.c' |
		sed 's|$| includes mysql.h|'

	grep -rlE '#[[:space:]]*include[[:space:]]*[<"](sybdb|sqlfront|sybfront)\.h' . |
		sed 's|^\./||' | grep -vx 'source/sqlserver/sqlserver_dblib.h' |
		sed 's|$| includes sybdb.h|'
	grep -rl 'include.*sqlserver_dblib\.h' . | sed 's|^\./||' |
		grep -vxE 'source/sqlserver/sqlserver_(conn|login|error)\.c' |
		sed 's|$| includes sqlserver_dblib.h|'

	grep -rl PG_VERSION_NUM --include='*.[ch]' . | sed 's|^\./||' | grep -vx 'util/compat.h' |
		sed 's|$| asks for PG_VERSION_NUM|'
}

[ -n "$PAIRS" ] || { echo "no include found below src/" >&2; exit 2; }
FOUND=$(violations)
[ -z "$FOUND" ] || { printf '%s\n' "$FOUND" >&2; exit 1; }
