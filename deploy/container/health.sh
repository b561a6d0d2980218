#!/bin/bash
# Asks the monitor at SHOAL_HEALTH (HOST:PORT on loopback, without TLS) whether its coordinator is alive. Without SHOAL_HEALTH
# there is no monitor to ask, and this succeeds.
set -euo pipefail
[[ -n ${SHOAL_HEALTH:-} ]] || exit 0
exec 3<>"/dev/tcp/${SHOAL_HEALTH%:*}/${SHOAL_HEALTH##*:}"
printf 'GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$SHOAL_HEALTH" >&3
read -r -t 3 _ status _ <&3
[[ $status == 200 ]]
