#!/bin/sh
# Makes a virtual environment with the first Python 3.11-3.13 that can:  sh scripts/make_venv.sh FOLDER
# Set PYTHON=/path/to/python to choose one. Says in one line what is missing, and how to fix it.
set -u
folder=$1

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON" # one word, whatever spaces its path has
else
    set -- python3.13 python3.12 python3.11 python3 python
fi

without_venv=
for python in "$@"; do
    # Asked, not looked up: version managers leave commands on the PATH that do nothing but complain.
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        2>/dev/null || continue
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        without_venv=${without_venv:-$python}
        continue
    fi
    echo "Making $folder with $("$python" --version)."
    exec "$python" -m venv --clear "$folder"
done

if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version cannot make virtual environments here. Fix: sudo apt-get install python$version-venv" >&2
else
    found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "no ${PYTHON:-python3}")
    case $(uname -s) in
        Darwin) fix="brew install python@3.13" ;;
        *) fix="sudo apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04), or https://docs.python.org/3/using/unix.html" ;;
    esac
    echo "Python 3.11, 3.12 or 3.13 is needed; found: $found. Fix: $fix" >&2
fi
exit 1
