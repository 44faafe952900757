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
for allocator in system mimalloc jemalloc; do
    echo "== $allocator"
    "$programs/$allocator" store memory --ttl --keys "$keys"
    "$programs/$allocator" store map --keys "$keys"
done
