#!/usr/bin/env bash
# Installs the Debian packages that Shoal builds against, if any is missing, and checks the Swift toolchain.
# Sourced by demo.sh and test.sh; can be run alone. Needs root or sudo only when something is missing.
set -euo pipefail

shoal_packages=(libzmq3-dev libprotobuf-c-dev protobuf-c-compiler libsqlite3-dev)

shoal_install() {
    if ! command -v swift >/dev/null; then
        echo "Swift 6.2 or later is needed on the PATH: https://www.swift.org/install/linux/" >&2
        exit 1
    fi
    local version
    version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    read -r major minor <<<"${version:-0 0}"
    if ((major < 6 || (major == 6 && minor < 2))); then
        echo "Swift 6.2 or later is needed; 'swift --version' says ${major}.${minor}" >&2
        exit 1
    fi

    local missing=() package
    for package in "${shoal_packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "missing packages: ${missing[*]}; run this as root, or install sudo" >&2
            exit 1
        }
        as_root=(sudo)
    fi
    echo "==> Installing Debian packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    # What dpkg says of each package goes nowhere; what goes wrong is said on standard error.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then shoal_install; fi
