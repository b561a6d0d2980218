#!/usr/bin/env bash
# Follows guides as a reader does: deploy/check_guides.sh SHOAL [PAGE.md…] runs every block of a page that is marked `sh`, in
# order, in one shell and a folder that is removed afterwards, empty but for `deploy`. Without pages, those that can be followed.
# The guide across machines makes network namespaces and needs root. Blocks that are marked `bash` need what is not here (a
# cluster, a container engine): of those only the syntax is checked, and that what they name of `deploy` is there.
set -euo pipefail
if [[ ${1:-} == --in-namespace ]]; then
    ip link set lo up
    mkdir -p /run/netns
    mount -t tmpfs tmpfs /run/netns
    exec "${@:2}"
fi

here=$(realpath "$0")
cd "$(dirname "$0")/.."
shoal=$(realpath "${1:?"the program to follow the guides with"}")
shift
catalogue=Sources/shoal/shoal.docc
pages=("$@")
((${#pages[@]})) || pages=("$catalogue"/{QuickStart,OwnModelAndData,AcrossMachines,Monitor,Operations,Clusters}.md)

# Blocks of a page that have a mark.
blocks() {
    awk -v mark="$2" '$0 == "```" mark { inside = 1; next } /^```$/ { inside = 0 } inside' "$1"
}

# What cannot be run here.
check_unrun() {
    local path number
    number=$(grep -c '^```bash$' "$1") || return 0
    blocks "$1" bash | bash -n
    for path in $(blocks "$1" bash | grep -oE '(^|[ "])deploy/[A-Za-z0-9/._-]+' | tr -d ' "'); do
        # A folder that the reader makes is not there.
        [[ -e $path ]] || blocks "$1" bash | grep -qE "^cp -r [^ ]+ ${path%/*}(/|\$)|^cp -r [^ ]+ $path\$" || {
            echo "$1 names $path, which is not there" >&2
            return 1
        }
    done
    echo "$number blocks need what is not here: they are not run"
}

for page in "${pages[@]}"; do
    folder=$(mktemp -d "${TMPDIR:-/tmp}/shoal-guide-XXXXXX")
    mkdir "$folder/bin" "$folder/home" "$folder/here"
    ln -s "$shoal" "$folder/bin/shoal"
    ln -s "$PWD/deploy" "$folder/here/deploy"
    {
        echo 'set -euo pipefail; set -x'
        blocks "$page" sh
    } >"$folder/commands"
    echo "==> $page"
    check_unrun "$page"
    status=0
    # As root in namespaces of its own, which end with whatever a page that fails has left running.
    own=()
    ((EUID)) || own=(unshare --mount --net --pid --fork --kill-child --mount-proc "$here" --in-namespace)
    (cd "$folder/here" && "${own[@]}" env -i PATH="$folder/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$folder/home" LC_ALL=C.UTF-8 \
        TMPDIR="$folder" timeout 900 bash "$folder/commands") >"$folder/log" 2>&1 </dev/null || status=$?
    if ((status)); then
        tail -n 40 "$folder/log" >&2
        echo "$page cannot be followed as it is written (exit code $status)" >&2
    elif [[ -n ${SHOAL_GUIDE_LOG:-} ]]; then
        cat "$folder/log"
    fi
    rm -rf "$folder"
    ((status == 0)) || exit "$status"
done
echo "every guide can be followed"
