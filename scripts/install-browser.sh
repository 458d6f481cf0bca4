#!/bin/sh
# Install what the accessibility test of the report needs: Chromium, axe-core and playwright-core.
set -eu
cd "$(dirname "$0")/.."
command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; }
command -v node >/dev/null || apt-get install -y -q --no-install-recommends nodejs npm
npm install --no-save --no-package-lock --no-audit --no-fund axe-core@4 playwright-core@1
