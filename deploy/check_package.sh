#!/usr/bin/env bash
# Installs the package on a clean Debian 12 and runs a federation with it: deploy/check_package.sh [--boot] [PACKAGE.deb]
#
# Makes a Debian in a temporary folder (debootstrap), installs the package there with apt, lets systemd judge the units, and
# lets a coordinator and two workers, started with the units' own commands as the units' own users, finish a run of three
# rounds without any network but loopback. Then removes the package and looks at what stays. With --boot the folder is booted
# by systemd-nspawn; systemctl starts the units, sandbox included, and kills the coordinator once. Needs root, debootstrap, and
# for --boot systemd-container. Everything lies in the temporary folder and ends with the script.
# MIRROR names another mirror of Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

boots=false
if [[ ${1:-} == --boot ]]; then
    boots=true
    shift
fi
packages=("${1:-}")
[[ -n ${packages[0]} ]] || packages=(out/shoal_*_"$(dpkg --print-architecture)".deb)
if ((${#packages[@]} != 1)) || ! [[ -f ${packages[0]} ]]; then
    echo "no package ${packages[*]}; build it with deploy/package.sh, or name one" >&2
    exit 2
fi
if ((EUID != 0)); then
    echo "debootstrap and chroot need root" >&2
    exit 2
fi
command -v debootstrap >/dev/null || {
    echo "debootstrap is needed: apt-get install debootstrap" >&2
    exit 2
}

work=$(mktemp -d "${TMPDIR:-/tmp}/shoal-check-package-XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/debian

echo "==> A clean Debian 12"
debootstrap --variant=minbase bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap.log" || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 1
}

# Runs a script inside, with processes and mounts that end with it. $1 is `online` or `offline`.
inside() {
    local namespaces=(--mount --pid --fork --kill-child)
    local before=true
    if [[ $1 == offline ]]; then
        namespaces+=(--net)
        before="ip link set lo up"
    fi
    # shellcheck disable=SC2016  # Expanded by the shell inside.
    unshare "${namespaces[@]}" bash -c '
        set -e
        mount -t proc proc "$1/proc"
        mount -t tmpfs tmpfs "$1/dev"
        mkdir "$1/dev/shm"
        for device in null zero full random urandom tty; do
            touch "$1/dev/$device"
            mount --bind "/dev/$device" "$1/dev/$device"
        done
        ln -s /proc/self/fd "$1/dev/fd"
        eval "$2"
        exec chroot "$1" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive bash -euo pipefail -s
    ' bash "$root" "$before"
}

install -m 0644 "${packages[0]}" "$root/tmp/shoal.deb"
echo "==> Installing the package with apt"
inside online <<'INSIDE' >"$work/apt.log" 2>&1 || { tail -n 30 "$work/apt.log" >&2; exit 1; }
# Whatever would start by itself does not.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -y -qq --no-install-recommends systemd
apt-get install -y --no-install-recommends /tmp/shoal.deb
# Once more over itself, as an upgrade does.
apt-get install -y --reinstall --no-install-recommends /tmp/shoal.deb
rm /usr/sbin/policy-rc.d
INSIDE

echo "==> What systemd says about the units"
inside offline <<'INSIDE'
systemd-analyze verify --man=no /usr/lib/systemd/system/shoal-coordinator@.service \
    /usr/lib/systemd/system/shoal-worker@.service
for unit in shoal-coordinator shoal-worker; do
    # An exposure of 2.0 of 10 or more fails.
    systemd-analyze security --offline=true --threshold=20 --no-pager "/usr/lib/systemd/system/$unit@.service" | tail -n 1
done
for page in shoal shoal-coordinator shoal-keys-invite; do test -s "/usr/share/man/man1/$page.1.gz"; done
bash -c 'source /usr/share/bash-completion/completions/shoal && complete -p shoal' >/dev/null
shoal doctor
INSIDE

echo "==> Preparing a run of two workers, as an operator does"
inside offline <<'INSIDE'
cp /usr/share/doc/shoal/examples/run.yaml /etc/shoal/check.yaml
as() { runuser -u "$1" -- env SHOAL_CACHE="/var/cache/$1" "${@:2}"; }
install -d -o shoal -g shoal -m 0750 /var/cache/shoal
as shoal shoal config check --config /etc/shoal/check.yaml >/dev/null
as shoal shoal keys create --state /var/lib/shoal/check
for name in clinic bank; do
    as shoal shoal keys invite --state /var/lib/shoal/check --name "$name" --endpoint tcp://127.0.0.1:5670 \
        --out "/var/lib/shoal/$name.join"
    install -o shoal-worker -g shoal-worker -m 0600 "/var/lib/shoal/$name.join" "/etc/shoal/$name.join"
    rm "/var/lib/shoal/$name.join"
    # The built-in notes of one organisation are this worker's text.
    install -d /srv/shoal
    grep "\"worker\": *\"$name\"" /var/cache/shoal/built-in-*/notes.jsonl >"/srv/shoal/$name.jsonl"
    printf 'SHOAL_DATA=/srv/shoal/%s.jsonl\nSHOAL_OPTIONS="--threads 1"\n' "$name" >"/etc/shoal/$name.worker.env"
done
shoal config policy /etc/shoal/policy.yaml
INSIDE

if $boots; then
    echo "==> A run under systemd (systemd-nspawn --boot)"
    cat >"$root/usr/local/sbin/check-run" <<'INSIDE'
#!/bin/bash
# Starts the units, kills the coordinator and restarts a worker on the way, waits until the workers have ended by themselves,
# ends the coordinator, which has stayed, says how they ended and turns the machine off.
coordinator=shoal-coordinator@check
workers=(shoal-worker@clinic shoal-worker@bank)
units=("$coordinator" "${workers[@]}")
systemctl start "${units[@]}"
sleep 2
systemctl kill --signal=KILL shoal-coordinator@check
systemctl restart shoal-worker@bank
for _ in $(seq 300); do
    sleep 1
    # Inactive for good: neither running nor about to be started again.
    for unit in "${workers[@]}"; do
        [[ $(systemctl show -P ActiveState "$unit") =~ ^(inactive|failed)$ ]] || continue 2
    done
    break
done
systemctl show -P ActiveState "$coordinator" >/var/log/check-stayed
systemctl stop "$coordinator"
systemctl show -p Id,ActiveState,SubState,Result,ExecMainStatus "${units[@]}" >/var/log/check-units
journalctl --no-pager -o cat "${units[@]/#/--unit=}" >/var/log/check-journal 2>&1
systemctl poweroff
INSIDE
    chmod +x "$root/usr/local/sbin/check-run"
    printf '%s\n' '[Unit]' 'After=multi-user.target' '[Service]' 'Type=exec' 'ExecStart=/usr/local/sbin/check-run' \
        '[Install]' 'WantedBy=multi-user.target' >"$root/etc/systemd/system/check-run.service"
    chroot "$root" systemctl enable -q check-run.service
    timeout 600 systemd-nspawn --quiet --boot --private-network --register=no --keep-unit --directory "$root" >"$work/boot.log" 2>&1 || {
        tail -n 30 "$work/boot.log" >&2
        exit 1
    }
    cat "$root/var/log/check-journal"
    cat "$root/var/log/check-units"
    if [[ $(cat "$root/var/log/check-stayed") != active ]]; then
        echo "the coordinator did not stay when its run was over" >&2
        exit 1
    fi
    if (($(grep -c '^Result=success' "$root/var/log/check-units") != 3)) ||
        (($(grep -c '^ExecMainStatus=0' "$root/var/log/check-units") != 3)) ||
        ! grep -q 'shoal-coordinator@check.service: Scheduled restart job' "$root/var/log/check-journal"; then
        echo "a unit did not end well" >&2
        exit 1
    fi
else
    echo "==> A run with the units' commands"
    inside offline <<'INSIDE'
# What a unit starts, as its user and with its environment.
start() {
    local file=/usr/lib/systemd/system/$1@.service instance=$2 user environment variables command
    user=$(sed -n 's/^User=//p' "$file")
    environment=$(sed -n 's/^EnvironmentFile=-\?//p' "$file" | sed "s/%i/$instance/g")
    mapfile -t variables < <(sed -n 's/^Environment=//p' "$file" | sed "s/%i/$instance/g")
    command=$(sed -n 's/^ExecStart=//p' "$file" | sed "s/%i/$instance/g")
    install -d -o "$user" -g "$user" -m 0700 "/var/lib/$user/$instance" "/run/$user" "/var/cache/$user"
    (
        export "${variables[@]}" SHOAL_OPTIONS=
        set -a
        if [[ -f $environment ]]; then source "$environment"; fi
        cd "/var/lib/$user/$instance"
        eval "exec runuser -u $user -- timeout 300 $command"
    ) &
}
start shoal-coordinator check
coordinator=$!
start shoal-worker clinic
clinic=$!
start shoal-worker bank
bank=$!
for process in "$clinic" "$bank"; do wait "$process"; done
# It has stayed, as the unit lets it. Exit code 0, since its run is over.
for process in /proc/[0-9]*; do
    # The one program that is left; what started it would not pass its exit code on.
    if [[ $(readlink "$process/exe") == /usr/bin/shoal ]]; then kill -TERM "${process#/proc/}"; fi
done
wait "$coordinator"
INSIDE
fi

echo "==> What came out"
inside offline <<'INSIDE'
as() { runuser -u "$1" -- env SHOAL_CACHE="/var/cache/$1" "${@:2}"; }
state=/var/lib/shoal/check
as shoal shoal run show "$state"
as shoal shoal run verify "$state"
test -s "$state/adapter/adapter_model.safetensors"
test -s "$state/adapter/adapter_config.json"
cat /srv/shoal/*.jsonl >/tmp/all.jsonl
losses=$(as shoal shoal evaluate --model built-in --adapter "federated=$state/adapter" --use base --use federated \
    --data /tmp/all.jsonl --split test --sequence-length 64 --json | sed -n 's/.*"loss" *: *\([0-9.]*\).*/\1/p')
echo "held-out loss of both workers' text, base model and federated:" $losses
awk 'NR == 1 { base = $1 } NR == 2 { exit !($1 < base) }' <<<"$losses"
INSIDE

echo "==> Removing the package"
inside offline <<'INSIDE' >"$work/remove.log" 2>&1 || { tail -n 30 "$work/remove.log" >&2; exit 1; }
apt-get purge -y shoal
test ! -e /usr/bin/shoal
test ! -e /var/cache/shoal
test -s /var/lib/shoal/check/adapter/adapter_model.safetensors
INSIDE
echo "the package installs, runs a federation and goes; runs and keys stay"
