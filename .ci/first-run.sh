#!/usr/bin/env bash
# The product as a user meets it: started on an empty directory, asked, subscribed to, stopped, started again, fed with
# files, killed and resumed.
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/build.mjs
npx tsx test/e2e/first-run.ts
