#!/usr/bin/env bash
# Builds the service for a release, checks it, and puts an archive with a
# checksum into dist/. Called by the pipeline and by people: release.sh [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=${1:-$(git describe --tags --always)}
DIST=dist/$VERSION
TARGETS="linux-amd64 linux-arm64 darwin-arm64"
KEEP=5

log() {
    printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { log "missing: $tool"; exit 1; }
    done
}

build() {
    local target=$1
    local os=${target%-*} arch=${target#*-}
    log "building for $os on $arch"
    GOOS=$os GOARCH=$arch go build -trimpath -ldflags "-X main.version=$VERSION" \
        -o "$DIST/service-$target" ./cmd/service
}

need go git tar sha256sum

if [ -n "$(git status --porcelain)" ] && [ -z "${ALLOW_DIRTY:-}" ]; then
    log "the work tree has changes; commit them, or set ALLOW_DIRTY=1"
    exit 1
fi

mkdir -p "$DIST"
rm -f "$DIST"/*.tar.gz
go vet ./... && go test -race ./...

for target in $TARGETS; do
    build "$target"
    tar -C "$DIST" -czf "$DIST/service-$target.tar.gz" "service-$target"
    rm "$DIST/service-$target"
done

(cd "$DIST" && sha256sum ./*.tar.gz > SHA256SUMS)

case $VERSION in
    v[0-9]*.[0-9]*.[0-9]*) channel=stable ;;
    *-rc*) channel=candidate ;;
    *) channel=nightly ;;
esac

cat > "$DIST/RELEASE.md" <<END
# Service $VERSION ($channel)

Built on $(uname -n) from $(git rev-parse --short HEAD).
Check the archives with \`sha256sum -c SHA256SUMS\`.
END

# Only the newest directories stay here; the pipeline has uploaded the others.
find dist -mindepth 1 -maxdepth 1 -type d | sort -V | head -n "-$KEEP" | while read -r old; do
    log "removing $old"
    rm -rf "$old"
done
log "done: $DIST"
