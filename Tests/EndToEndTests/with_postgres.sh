#!/bin/sh
# with_postgres.sh COMMAND: runs a line of sh with a PostgreSQL server of its own, on a socket in a folder that is gone
# afterwards; PGHOST names it. Status 77 if there is no PostgreSQL.
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
[ -x "$programs/initdb" ] && command -v psql >/dev/null || exit 77
folder=$(mktemp -d /tmp/prefork-psql-XXXXXX)
# It refuses to run as root; and the tree may lie where only root may go.
as_user=env
if [ "$(id -u)" = 0 ]; then
  as_user="env --chdir=/ setpriv --reuid=postgres --regid=postgres --clear-groups"
  chown postgres "$folder"
fi
control() { $as_user "$programs/pg_ctl" --pgdata "$folder/data" --silent "$@"; }
trap 'control --mode immediate stop; rm -rf "$folder"' EXIT
trap 'exit 143' TERM INT HUP
$as_user "$programs/initdb" --pgdata "$folder/data" --username postgres --auth trust --no-sync --no-locale \
  --encoding UTF8 >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }
control --wait --log "$folder/log" \
  --options "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c autovacuum=off" start || exit 1
export PGHOST="$folder" PGUSER=postgres PGDATABASE=postgres
sh -c "$1"
