#!/usr/bin/env bash
# Makes sure of commands that pip does not install: `tests/tools.sh dot chromium chromedriver node npm`.
# Debian and Ubuntu install those that are missing; elsewhere one line says what to install, and the status is 2.
set -euo pipefail

declare -A packages=([dot]=graphviz [chromium]=chromium [chromedriver]=chromium-driver [node]=nodejs [npm]=npm)

missing=()
for command in "$@"; do
    command -v "$command" >/dev/null || missing+=("$command")
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
    echo "graphdiag's tests need ${missing[*]}, which this machine does not have: install Graphviz (dot), Chromium" \
        "(chromium, chromedriver) and Node.js 18.18 or newer (node, npm), then run this again" >&2
    exit 2
fi

as_root=()
((EUID == 0)) || as_root=(sudo)
wanted=()
for command in "${missing[@]}"; do wanted+=("${packages[$command]}"); done
echo "Installing ${wanted[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
