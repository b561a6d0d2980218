#!/usr/bin/env bash
# Builds shoal_VERSION_ARCHITECTURE.deb into out/ (or the folder given): the program with Swift's runtime inside, units for
# systemd, manual pages, shell completions and a first configuration. Needs what a build needs (deploy/install.sh) and
# dpkg-dev. deploy/check_package.sh installs the result on a clean Debian and runs a federation with it.
# DEBFULLNAME and DEBEMAIL name the package's maintainer.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install
if ! command -v dpkg-shlibdeps strip >/dev/null; then
    echo "dpkg-shlibdeps and strip are needed: apt-get install dpkg-dev binutils" >&2
    exit 1
fi

out=${1:-out}
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/shoal-package-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Of the last commit, so that the same source gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-Shoal maintainers} <${DEBEMAIL:-maintainers@example.org}>"

echo "==> Building the program with Swift's runtime inside (the first time takes many minutes)"
# A folder of its own: other flags than a development build's. Messages name source files without this machine's folders.
flags=(
    -c release --product shoal --static-swift-stdlib --disable-local-rpath --scratch-path .build-package
    -Xswiftc -file-prefix-map -Xswiftc "$PWD=." -Xcc "-ffile-prefix-map=$PWD=."
    -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now
)
swift build "${flags[@]}"
built=$(swift build "${flags[@]}" --show-bin-path)/shoal

echo "==> Gathering files"
tree=$work/debian/shoal
install -d "$tree/DEBIAN"
install -D -m 0755 "$built" "$tree/usr/bin/shoal"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/shoal"
shoal=$tree/usr/bin/shoal
version=$("$shoal" --version)

install -D -m 0644 -t "$tree/usr/lib/systemd/system" deploy/systemd/*.service
install -D -m 0644 deploy/debian/policy.yaml "$tree/etc/shoal/policy.yaml"
install -D -m 0644 -t "$tree/usr/share/doc/shoal/examples" deploy/debian/run.yaml deploy/prometheus/prometheus.yaml \
    deploy/prometheus/alerts.yaml deploy/grafana/dashboard.json

mkdir "$work/manual"
"$shoal" --experimental-dump-help |
    python3 deploy/debian/manual.py --version "$version" --date "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" "$work/manual"
install -d "$tree/usr/share/man/man1"
for page in "$work"/manual/*.1; do gzip -9n <"$page" >"$tree/usr/share/man/man1/$(basename "$page").gz"; done

install -d "$tree/usr/share/bash-completion/completions" "$tree/usr/share/zsh/vendor-completions" \
    "$tree/usr/share/fish/vendor_completions.d"
# Read by the shell, never started: no line that names an interpreter.
"$shoal" --generate-completion-script bash | sed '1{/^#!/d}' >"$tree/usr/share/bash-completion/completions/shoal"
"$shoal" --generate-completion-script zsh >"$tree/usr/share/zsh/vendor-completions/_shoal"
"$shoal" --generate-completion-script fish >"$tree/usr/share/fish/vendor_completions.d/shoal.fish"

documents=$tree/usr/share/doc/shoal
install -D -m 0644 deploy/debian/copyright "$documents/copyright"
install -D -m 0644 deploy/debian/lintian-overrides "$tree/usr/share/lintian/overrides/shoal"
install -d "$documents/licences"
for checkout in .build-package/checkouts/*/; do
    for file in "$checkout"LICENSE* "$checkout"NOTICE*; do
        [[ -f $file ]] || continue
        install -m 0644 "$file" "$documents/licences/$(basename "$checkout")-$(basename "$file")"
    done
done
printf 'shoal (%s) stable; urgency=medium\n\n  * Built from its source.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$documents/changelog.gz"

echo "==> Building the package"
architecture=$(dpkg --print-architecture)
# dpkg-shlibdeps finds out which packages, at which versions, the program's libraries come from.
printf 'Source: shoal\n\nPackage: shoal\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O -e debian/shoal/usr/bin/shoal | sed -n 's/^shlibs:Depends=//p')
size=$(du -k -s --apparent-size "$tree" | cut -f 1)
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@MAINTAINER@|$maintainer|" \
    -e "s|@SIZE@|$size|" -e "s|@LIBRARIES@|$libraries|" deploy/debian/control.in >"$tree/DEBIAN/control"
install -m 0755 -t "$tree/DEBIAN" deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm
echo /etc/shoal/policy.yaml >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
chmod -R u=rwX,go=rX "$tree"
package=$out/shoal_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$work/package.deb" >/dev/null
mv "$work/package.deb" "$package"
echo "$package: $(du -k "$package" | cut -f 1) kB, installed $size kB"
