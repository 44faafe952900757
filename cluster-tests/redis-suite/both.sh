#!/usr/bin/env bash
# Runs Redis's own tests on both ports of a node that is started for them: one group, so that one address serves every
# slot, and values as large as the tests set. Fetches what that needs and leaves nothing behind.
#
#   both.sh
#
# QUORATE_BIN names the program (default: built), REDIS_SOURCE a folder with an unpacked Redis 7.0 (default: Debian's).
# Status 77: it cannot be run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../nodes.sh"

command -v tclsh >/dev/null || fetch_packages tcl || left_out "no tclsh here"
if [[ -z ${REDIS_SOURCE:-} ]]; then
    command -v dpkg-source >/dev/null || fetch_packages dpkg-dev || left_out "no dpkg-source here"
    "$here/fetch.sh" "$work/source" >&2 || left_out "the source of Debian's package redis cannot be had"
    export REDIS_SOURCE=$work/source/redis
fi

form 1 --groups 1 --value-max 8MiB
status=0
"$here/run.sh" 127.0.0.1 "${resp[1]}" plain 2>"$work/plain.log" || status=1
"$here/run.sh" 127.0.0.1 "${resp_cluster[1]}" cluster 2>"$work/cluster.log" || status=1
((status == 0)) || grep -hE -A 5 '^\[(err|exception)\]' "$work"/{plain,cluster}.log >&2 || true
exit $status
