#!/bin/sh
# What the runner's image has beyond its base: the programs that a runner starts, and an init. The pane wrapper needs perl-base,
# which every Debian image has. Versions are Debian's: the stable release, with its security fixes.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini tmux
apt-get clean
# Caches and logs that say when the image was built.
rm -rf /var/lib/apt/lists/* /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  /var/log/alternatives.log
