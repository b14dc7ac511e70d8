#!/bin/sh
# Installs the agents' CLIs, each in exactly the version that its variable names; an empty one leaves it out.
set -eu

cache=$(mktemp -d)
trap 'rm -r "$cache"' EXIT

install_agent() {
  [ -n "$2" ] || return 0
  npm install --global --cache "$cache" --no-audit --no-fund --no-update-notifier "$1@$2"
}

install_agent @openai/codex "${CODEX_VERSION-}"
install_agent @anthropic-ai/claude-code "${CLAUDE_VERSION-}"
install_agent @google/gemini-cli "${GEMINI_VERSION-}"
