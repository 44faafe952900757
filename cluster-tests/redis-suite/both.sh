#!/usr/bin/env bash
# Runs Redis's own tests on a plain and on a cluster port, side by side. Starts a node for each: of one group, so that
# one address serves every slot, and for values as large as the tests set. Fetches what is needed, leaves nothing behind.
#
#   both.sh
#
# QUORATE_BIN names the program (default: built), REDIS_SOURCE a folder with an unpacked Redis 7.0 (default: Debian's).
# Status 77: it cannot be run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# These tests are about answers: what is written need not reach a disk.
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
source "$here/../nodes.sh"

command -v tclsh >/dev/null || fetch_packages tcl || left_out "no tclsh here"
if [[ -z ${REDIS_SOURCE:-} ]]; then
    command -v dpkg-source >/dev/null || fetch_packages dpkg-dev || left_out "no dpkg-source here"
    "$here/fetch.sh" "$work/source" >"$work/fetch.log" 2>&1 || {
        tail -n 3 "$work/fetch.log"
        left_out "Debian's source package of redis cannot be had"
    }
    export REDIS_SOURCE=$work/source/redis
fi

form 1 --groups 1 --value-max 8MiB
form 2 --groups 1 --value-max 8MiB
"$here/run.sh" 127.0.0.1 "${resp[1]}" plain 2>"$work/plain.log" & plain=$!
"$here/run.sh" 127.0.0.1 "${resp_cluster[2]}" cluster 2>"$work/cluster.log" & cluster=$!
status=0
wait $plain || status=1
wait $cluster || status=1
((status == 0)) || grep -hE -A 5 '^\[(err|exception)\]' "$work"/{plain,cluster}.log >&2 || true
exit $status
