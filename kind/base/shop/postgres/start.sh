#!/bin/sh
# Makes the database's files once, brings its roles into line with identities.json, and becomes PostgreSQL. Roles and database
# exist before anybody can connect, by the server's single-user mode, which needs no login: no superuser ever has to log in.
set -eu
umask 077

configuration=/etc/postgresql
home=/var/lib/postgresql
data=$home/data

# Runs a program with more options, from a file that has one on each line.
with_options() {
  options=$1
  shift
  while IFS= read -r option; do set -- "$@" "$option"; done <"$options"
  "$@"
}

# single_user <data folder> <file of SQL>
single_user() {
  with_options "$configuration/single-user.options" postgres --single -D "$1" -j <"$2" >/dev/null
}

if [ ! -s "$data/PG_VERSION" ]; then
  # Made aside and renamed when whole: an interrupted first start leaves nothing that looks like a database.
  rm -rf "$data.new" "$data"
  with_options "$configuration/initdb.options" initdb -D "$data.new"
  single_user "$data.new" "$configuration/create.sql"
  single_user "$data.new" "$configuration/roles.sql"
  mv "$data.new" "$data"
elif [ ! -f "$home/roles.sql" ] || [ "$(cat "$configuration/roles.sql")" != "$(cat "$home/roles.sql")" ]; then
  single_user "$data" "$configuration/roles.sql"
fi
cat "$configuration/roles.sql" >"$home/roles.sql"

# Of a server that was killed: until the new one writes its own, the pod is not ready.
rm -f /run/postgresql/postmaster.pid
exec postgres -c config_file="$configuration/postgresql.conf"
