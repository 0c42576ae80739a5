#!/usr/bin/env bash
# The example clients over a kill and a restart of the server, the page in Debian's Chromium; installs that where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
node scripts/build.mjs
npx tsx test/e2e/examples.ts
