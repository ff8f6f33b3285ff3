#!/usr/bin/env bash
# Makes sure of commands that pip does not install: `tests/tools.sh dot chromium chromedriver node npm`.
# Debian and Ubuntu install those that are missing; elsewhere one line says what to install, and the status is 2.
set -euo pipefail

missing=()
packages=()
for command in "$@"; do
    command -v "$command" >/dev/null && continue
    missing+=("$command")
    case $command in
        dot) packages+=(graphviz) ;;
        chromedriver) packages+=(chromium-driver) ;;
        node) packages+=(nodejs) ;;
        *) packages+=("$command") ;;
    esac
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
    echo "graphdiag's tests need ${missing[*]}, which this machine does not have: install Graphviz (dot), Chromium" \
        "(chromium, chromedriver) and Node.js 18.18 or newer (node, npm), then run this again" >&2
    exit 2
fi

as_root=()
((EUID == 0)) || as_root=(sudo)
echo "Installing ${packages[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
