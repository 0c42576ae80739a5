#!/usr/bin/env bash
# GraphiQL in Debian's Chromium; installs it where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
npx tsx test/e2e/graphiql.ts .cache/pictures
