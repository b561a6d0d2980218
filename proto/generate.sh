#!/bin/bash
# Compiles shoal.proto with protoc-c (Debian: protobuf-c-compiler) into Sources/CWire.
#   generate.sh           writes the generated files
#   generate.sh --check   exits 1 if the committed files differ from what would be written
set -euo pipefail

proto=$(cd "$(dirname "$0")" && pwd)
target=$proto/../Sources/CWire

if ! command -v protoc-c >/dev/null; then
    echo "generate.sh: protoc-c is missing; install it with: apt-get install protobuf-c-compiler" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$proto" && protoc-c --c_out="$work" shoal.proto)

case "${1-}" in
"")
    mkdir -p "$target/include"
    cp "$work/shoal.pb-c.c" "$target/shoal.pb-c.c"
    cp "$work/shoal.pb-c.h" "$target/include/shoal.pb-c.h"
    ;;
--check)
    if ! diff -u "$target/shoal.pb-c.c" "$work/shoal.pb-c.c" ||
        ! diff -u "$target/include/shoal.pb-c.h" "$work/shoal.pb-c.h"; then
        echo "generate.sh: Sources/CWire is not what proto/shoal.proto gives; run proto/generate.sh" >&2
        exit 1
    fi
    ;;
*)
    echo "usage: generate.sh [--check]" >&2
    exit 2
    ;;
esac
