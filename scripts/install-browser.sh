#!/bin/sh
# Install what drives a browser that is here already: axe-core and playwright-core. No browser is downloaded.
set -eu
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "npm is not here" >&2; exit 1; }
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --no-save --no-package-lock --no-audit --no-fund axe-core@4 playwright-core@1
