#!/usr/bin/env bash
# Runs the test suite on a PostgreSQL cluster of its own, on a free loopback port, gone afterwards, and with a Redis at hand.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v redis-server >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null; }
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
if [ -z "$bin" ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
  bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
fi
home=$(mktemp -d); port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
as() { if [ "$(id -u)" = 0 ]; then su postgres -c "$1"; else bash -c "$1"; fi; }
[ "$(id -u)" = 0 ] && chown postgres "$home"
stop() { as "$bin/pg_ctl -D $home/data -m immediate stop >/dev/null 2>&1" || true; rm -rf "$home"; }
trap stop EXIT
as "$bin/initdb -D $home/data -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null"
as "printf \"port=$port\nlisten_addresses='127.0.0.1'\nunix_socket_directories='$home'\nfsync=off\nmax_connections=300\n\" >> $home/data/postgresql.conf"
as "$bin/pg_ctl -D $home/data -l $home/log -w start >/dev/null"
export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
if [ $# -gt 0 ]; then "$@"; else npm test; fi
