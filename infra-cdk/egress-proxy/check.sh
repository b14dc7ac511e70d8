#!/bin/bash
# Tests the egress proxy with the real HAProxy, and where networks can be made, with the real redirection. On Debian root
# installs what is missing; elsewhere the tests that lack something are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" = 0 ] && ! { command -v haproxy && command -v nft && command -v ip && command -v openssl; } >/dev/null; then
  apt-get update
  apt-get install --yes --no-install-recommends haproxy nftables iproute2 openssl
fi
npx vitest run test/infra-cdk/egress-proxy/
