#!/usr/bin/env bash
# The drills in their short form: several processes on PostgreSQL and Redis, which are installed where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v redis-server >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null; }
ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; }
npm run -s drills -- kill-api kill-ingest kill-worker kill-redis restart-postgres frozen-leader database-loss shutdown two-nodes --short
