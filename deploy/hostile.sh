#!/usr/bin/env bash
# Builds Shoal and runs a federation of two honest workers among peers that mean it ill, over real sockets: what they do,
# and what must hold, stands in hostile.py. usage: deploy/hostile.sh [--connections N]
# Needs Python 3 with pyzmq (pip install pyzmq); PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

python=${PYTHON:-python3}
"$python" -c 'import zmq; assert zmq.has("curve")' 2>/dev/null || {
    echo "$python has no pyzmq with CURVE: pip install pyzmq, or set PYTHON" >&2
    exit 2
}
swift build -c release --product shoal
# Thousands of connections need as many descriptors.
ulimit -n "$(ulimit -Hn)"
exec "$python" -u deploy/hostile.py --program .build/release/shoal "$@"
