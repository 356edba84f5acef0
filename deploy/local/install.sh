#!/usr/bin/env bash
# Installs a lock file, every file checked by its hash, and this project on top: ./install.sh PYTHON LOCK
set -euo pipefail
python=$1 lock=$2

echo "Installing $lock (every file checked by its hash)."
"$python" -m pip install --quiet --require-hashes --no-deps -r "$lock"
"$python" -m pip install --quiet --no-deps --no-build-isolation -e .
