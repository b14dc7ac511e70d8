#!/bin/sh
# Users, folders and modes of the runner's image. The runner is root: it gives each command to the agents' user, and ends what
# that user leaves behind. Nobody else of these can become anybody.
set -eu

add_user() {
  useradd --uid "$2" --gid "$3" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
}

# Whom the panes' commands run as.
groupadd --gid 2000 agent
add_user agent 2000 agent
# Whom people who attach are, to look or to type; the group is let through to the tmux socket.
groupadd --gid 2001 attach
add_user viewer 2001 attach
add_user typist 2002 attach

# The jobs' folders: passed through by agents, listed by root alone.
install --directory --mode 0711 "$WORK_ROOT"

chown -R root:root /opt/omx
chmod -R u=rwX,go=rX /opt/omx
chmod 0755 /opt/omx/attach

# A second lock on the way to another user: commands of the agents cannot gain privileges anyway (no_new_privs).
find /usr /opt -xdev -perm /6000 -type f -exec chmod ug-s {} +
