#!/bin/bash
# capture.sh --- make a golden capture anew from a running server
#
#   capture.sh NAME LOG_DIRECTORY SQL_FILE... -- CLIENT...
#
# Runs the files in a fresh database "golden", and writes NAME.bin (the binary
# log of just that) and NAME.tsv (the definitions) here.  CLIENT is the client
# with its options, such as: mariadb -S /run/mysqld/mysqld.sock -u root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$1
log_directory=$2
shift 2
files=()
while [ "$1" != -- ]; do
    files+=("$1")
    shift
done
shift
client=("$@" --batch --skip-column-names)

"${client[@]}" -e 'DROP DATABASE IF EXISTS golden;
    CREATE DATABASE golden CHARACTER SET utf8mb4; FLUSH BINARY LOGS'
log=$("${client[@]}" -e 'SHOW BINARY LOGS' | tail -1 | cut -f1)
cat "${files[@]}" | "${client[@]}" golden
"${client[@]}" -e 'FLUSH BINARY LOGS'
cp "$log_directory/$log" "$here/$name.bin"
chmod 644 "$here/$name.bin"
"${client[@]}" < "$here/definitions.sql" > "$here/$name.tsv"
