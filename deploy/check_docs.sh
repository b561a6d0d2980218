#!/usr/bin/env bash
# Builds the guides and the libraries' pages with DocC and fails where a link leads nowhere or DocC warns:
# deploy/check_docs.sh [OUT]
#
# The pages' links name files (`Page.md`), so that they can be followed where the source is read; DocC is given a copy in which
# they name pages and pictures. With OUT, the guides' site is left there. Needs the docc of the Swift toolchain, and no build: a
# module without symbols stands in for the program, which has no public interface, and for a library one with the types that its
# sources declare.
set -euo pipefail
cd "$(dirname "$0")/.."
docc=$(command -v docc || echo "$(dirname "$(readlink -f "$(command -v swift)")")/docc")
[[ -x $docc ]] || {
    echo "docc is needed: it is a part of the Swift toolchain" >&2
    exit 2
}
work=$(mktemp -d "${TMPDIR:-/tmp}/shoal-docs-XXXXXX")
trap 'rm -rf "$work"' EXIT

cp -r Sources/shoal/shoal.docc "$work/shoal.docc"
sed -i -E 's/\]\(([A-Za-z]+)\.md(#[A-Za-z0-9-]+)?\)/](doc:\1\2)/g; s|\]\(Resources/|](|g' "$work"/shoal.docc/*.md
mkdir "$work/symbols"
cat >"$work/symbols/shoal.symbols.json" <<'JSON'
{
  "metadata": {"formatVersion": {"major": 0, "minor": 6, "patch": 0}, "generator": "none"},
  "module": {"name": "shoal", "platform": {"operatingSystem": {"name": "linux"}}},
  "symbols": [], "relationships": []
}
JSON
# Notes are advice on how a page is laid out.
"$docc" convert "$work/shoal.docc" --fallback-display-name shoal --fallback-bundle-identifier org.shoal.guides \
    --additional-symbol-graph-dir "$work/symbols" --output-path "$work/out" --diagnostic-level warning --warnings-as-errors
# DocC leaves alone what looks like a file: a page that was misspelt.
if grep -nE '\]\([A-Za-z]+\.md' "$work"/shoal.docc/*.md; then
    echo "these links name no page" >&2
    exit 1
fi
libraries=0
for catalogue in Sources/*/*.docc; do
    module=$(basename "$catalogue" .docc)
    [[ $module != shoal ]] || continue
    mkdir "$work/$module"
    grep -rhoE '^(public|package) (final )?(struct|enum|class|protocol|actor) [A-Za-z0-9]+' --include='*.swift' "Sources/$module" |
        sort -u | python3 -c '
import json, sys
module, kinds = sys.argv[1], {"actor": "class"}
symbols = []
for line in sys.stdin:
    *_, kind, name = line.split()
    kind = kinds.get(kind, kind)
    symbols.append({
        "kind": {"identifier": f"swift.{kind}", "displayName": kind}, "pathComponents": [name], "names": {"title": name},
        "identifier": {"precise": f"s:{module}.{name}", "interfaceLanguage": "swift"}, "accessLevel": "public"})
json.dump({
    "metadata": {"formatVersion": {"major": 0, "minor": 6, "patch": 0}, "generator": "declarations"},
    "module": {"name": module, "platform": {"operatingSystem": {"name": "linux"}}},
    "symbols": symbols, "relationships": []}, sys.stdout)' "$module" >"$work/$module/$module.symbols.json"
    "$docc" convert "$catalogue" --fallback-display-name "$module" --fallback-bundle-identifier "org.shoal.$module" \
        --additional-symbol-graph-dir "$work/$module" --output-path "$work/out-$module" --diagnostic-level warning \
        --warnings-as-errors
    libraries=$((libraries + 1))
done
if [[ -n ${1:-} ]]; then
    mkdir -p "$1"
    cp -r "$work/out/." "$1"
fi
echo "DocC finds nothing in $(find "$work/shoal.docc" -name '*.md' | wc -l) pages and the catalogues of $libraries libraries"
