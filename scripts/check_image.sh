#!/usr/bin/env bash
# Follows the Dockerfile without a container engine: the same steps in a clean Debian, then the health check.
#
#   sudo scripts/check_image.sh FOLDER      # FOLDER must not exist; it gets 3 GB and can be deleted afterwards
#
# What differs from an image: Debian's own Python instead of python:3.12-slim, no layers, and the network of this
# machine. Needs root, debootstrap, git and a package index.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# = 1 ] && [ ! -e "$1" ] && [ "$(id -u)" = 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$1
home=/home/app/expressions
port=$(sed -n 's/^EXPOSE //p' Dockerfile)

# The JSON list behind a line's beginning in the Dockerfile, one word a line.
words() { sed -n "s/^$1 //p" Dockerfile | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")'; }

step() { printf '\n== %s\n' "$*"; }

step "FROM: a minimal Debian with Python"
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >"$root.log" 2>&1
echo "127.0.0.1 localhost" >"$root/etc/hosts" # as every engine does
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
trap 'umount "$root/proc" "$root/dev" 2>/dev/null || true' EXIT
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
# In a clean environment.
inside() { env -i PATH=/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="${who_home:-/root}" PYTHONUNBUFFERED=1 \
    GRADIO_SERVER_NAME=0.0.0.0 PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    chroot ${who:+--userspec="$who"} "$root" /bin/sh -c "cd $1 && shift && exec \"\$@\"" sh "$@"; }

step "RUN useradd"
inside / useradd --create-home --uid 1000 app
mkdir -p "$root$home"

step "RUN pip install"
inside / python3 -m venv /venv
cp requirements.txt "$root$home/"
inside "$home" pip install --no-cache-dir --disable-pip-version-check -q -r requirements.txt

step "COPY: what git knows and .dockerignore lets in"
sed -n 's/^!//p' .dockerignore | xargs git ls-files -- | tar -cf - -T - | tar -xf - -C "$root$home"
chown -R 1000:1000 "$root$home"

step "CMD, as user 1000"
who=1000:1000 who_home=/home/app
mapfile -t command < <(words CMD)
mapfile -t health < <(words '    CMD')
inside "$home" "${command[@]}" &
app=$!
trap 'kill "$app" 2>/dev/null || true; wait "$app" 2>/dev/null || true; umount "$root/proc" "$root/dev" 2>/dev/null || true' EXIT

step "HEALTHCHECK"
for attempt in $(seq 60); do
    if inside "$home" "${health[@]}" 2>/dev/null; then
        echo "The health check answers after $attempt attempts, on port $port."
        exit 0
    fi
    kill -0 "$app" || { echo "The app ended." >&2; exit 1; }
    sleep 2
done
echo "The health check does not answer." >&2
exit 1
