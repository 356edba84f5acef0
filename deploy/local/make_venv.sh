#!/usr/bin/env bash
# Makes a virtual environment with a fitting Python: ./make_venv.sh FOLDER
set -euo pipefail
folder=$1

fits() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

install_venv() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing python3-venv with apt-get (once)."
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update >/dev/null || true
  apt-get -qq install -y --no-install-recommends python3-venv >/dev/null
}

# The distribution's own Python first: it is built with all optimisations and kept up to date by the system.
python=
found=
for name in ${PYTHON_FOR_VENV:-/usr/bin/python3 python3 python3.13 python3.12 python3.11}; do
  fits "$name" || continue
  found=yes
  if has_venv "$name" || { [ "$name" = /usr/bin/python3 ] && install_venv && has_venv "$name"; }; then
    python=$name
    break
  fi
done
if [ -z "$python" ]; then
  if [ -z "$found" ]; then
    echo "make: Tukiverkko needs Python 3.11, 3.12 or 3.13; none of them was found." >&2
  else
    echo "make: the Python module venv is missing; install the Debian package python3-venv." >&2
  fi
  exit 1
fi

echo "Making $folder with $("$python" --version)."
if ! "$python" -m venv --clear "$folder"; then
  rm -rf "$folder" # a half-made environment must never look like a whole one
  exit 1
fi
