#!/usr/bin/env bash
# Makes a virtual environment with a fitting Python: ./make_venv.sh FOLDER
set -euo pipefail
folder=$1

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

python=
for name in "${PYTHON_FOR_VENV:-python3}" python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null && fits "$name"; then python=$name; break; fi
done
if [ -z "$python" ]; then
  echo "make: Tukiverkko needs Python 3.11, 3.12 or 3.13; none of them was found." >&2
  exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv with apt-get (once)."
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null || true
    apt-get -qq install -y --no-install-recommends python3-venv >/dev/null
  else
    echo "make: the Python module venv is missing; install the Debian package python3-venv." >&2
    exit 1
  fi
fi

echo "Making $folder with $("$python" --version)."
if ! "$python" -m venv --clear "$folder"; then
  rm -rf "$folder" # a half-made environment must never look like a whole one
  exit 1
fi
