#!/bin/bash
# Builds the image's file system as far as that goes without a container engine, and has the image's tests run in it:
#
#   npm run image:check            needs root, debootstrap and Debian's mirror; half a gigabyte, some minutes
#   WITH_AGENTS=1 npm run …        also installs the agents' CLIs; two gigabytes
#
# Debian is debootstrap's, as the base image's is; node and npm are this machine's.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || { echo 'The image cannot be checked: only root can make a container.' >&2; exit 1; }
argument() { sed -n "s/^ARG $1=//p" runner/Dockerfile; }

suite=$(argument BASE_IMAGE | sed 's/^[^-]*-\([a-z]*\)-slim$/\1/')
base=$(mktemp -d)
trap 'umount --quiet "$base/proc" "$base/mnt" || true; rm -rf --one-file-system "$base"' EXIT
chmod 0755 "$base"

command -v debootstrap >/dev/null || apt-get install --yes --no-install-recommends debootstrap
debootstrap --variant=minbase "$suite" "$base" >"$base.log" || { cat "$base.log"; exit 1; }
rm "$base.log"
mount -t proc proc "$base/proc"
mount --bind runner/image "$base/mnt"
in_base() { chroot "$base" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

in_base /mnt/install-packages.sh
install -m 0755 node_modules/node/bin/node "$base/usr/local/bin/node"
if [ "${WITH_AGENTS-}" = 1 ]; then
  mkdir -p "$base/usr/local/lib/node_modules"
  cp -RL "$(npm root --global)/npm" "$base/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
  cp /etc/resolv.conf "$base/etc/resolv.conf"
  [ ! -e ~/.npmrc ] || cp ~/.npmrc "$base/root/.npmrc"
  in_base HOME=/root CODEX_VERSION="$(argument CODEX_VERSION)" CLAUDE_VERSION="$(argument CLAUDE_VERSION)" \
    GEMINI_VERSION="$(argument GEMINI_VERSION)" /mnt/install-agents.sh
  for cli in codex claude gemini; do
    in_base setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs env HOME=/tmp "$cli" --version
  done
fi
umount "$base/mnt" "$base/proc"

du --summarize --human-readable "$base"
IMAGE_BASE=$base npx vitest run test/runner/image
