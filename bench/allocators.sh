#!/bin/sh
# Compares allocators: builds quorate-bench with each, and prints memory and map speed.
# Usage: bench/allocators.sh [KEYS]   from the workspace's root; 1,000,000 keys unless said otherwise.
set -eu
keys=${1:-1000000}
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
for allocator in system mimalloc jemalloc; do
    features=$allocator
    if [ "$allocator" = system ]; then features=; fi
    cargo build --release --quiet -p bench --features "$features"
    cp "${CARGO_TARGET_DIR:-target}/release/quorate-bench" "$programs/$allocator"
done
measure() {
    "$1" store memory --ttl --keys "$keys"
    "$1" store map --keys "$keys"
}
for allocator in system mimalloc jemalloc; do
    echo "== $allocator"
    measure "$programs/$allocator"
done
echo "== mimalloc that gives memory back at once"
MIMALLOC_PURGE_DELAY=0
export MIMALLOC_PURGE_DELAY
measure "$programs/mimalloc"
