#!/usr/bin/env bash
# Runs Redis's own tests (7.0, BSD licence) against a server that is running, and says what they found.
#
#   run.sh HOST PORT [plain|cluster]
#
# The tests speak to one address and know of no redirection: on the cluster port that node must lead every slot, and on
# the plain port all slots must be one group's, because the tests set keys without hash tags together. Values of 4 MB
# must be allowed.
#
# REDIS_SOURCE names a folder with an unpacked Redis 7.0; without it Debian's source package is fetched. Needs tclsh 8.5
# or newer. both.sh starts a node and runs this on both of its ports.
#
# What is left out, and why:
#   --singledb                 there is one database
#   --ignore-encoding          there is one way a value is kept; OBJECT ENCODING tells what Redis would choose
#   -needs:debug               DEBUG is refused but for SLEEP
#   -needs:repl                the tests read Redis's replication stream; Raft replicates here
#   -needs:config-maxmemory    the memory bound is no setting of a running node
#   skip.tsv                   single tests, each with its reason
set -euo pipefail

host=${1:?host} port=${2:?port} mode=${3:-plain}
here=$(cd "$(dirname "$0")" && pwd)
units=(type/string type/incr expire keyspace scan protocol multi)
tags="-needs:debug -needs:repl -needs:config-maxmemory"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -z ${REDIS_SOURCE:-} ]]; then
    "$here/fetch.sh" "$work/source" >&2
    REDIS_SOURCE=$work/source/redis
fi

# Ports of the tests' own processes, so that both modes can run side by side.
[[ $mode == cluster ]] && own_ports=23111 || own_ports=21111
options=(--host "$host" --port "$port" --baseport $own_ports --singledb --ignore-encoding --ignore-digest --durable --tags "$tags")
[[ $mode == cluster ]] && options+=(--cluster-mode)
for unit in "${units[@]}"; do options+=(--single "unit/$unit"); done
grep -v '^#' "$here/skip.tsv" | cut -f1 >"$work/skip"

# A copy, because the tests write where they are.
cp -r "$REDIS_SOURCE" "$work/suite"
(cd "$work/suite" && ./runtest "${options[@]}" --skipfile "$work/skip") | sed 's/\x1b\[[0-9;]*m//g' | tee "$work/log" >&2 || true

count() { grep -c "^\[$1\]" "$work/log" || true; }
echo "$mode: $(count ok) ok, $(count err) failed, $(count exception) broken off, $(count skip) skipped, $(count ignore) not applicable"

status=0
grep -q 'All tests passed without errors' "$work/log" || status=1
grep -q '^\[ok\]' "$work/log" || status=1
# A line of the skip file that matches no test is behind.
while read -r name; do
    grep -qF "[skip]: $name" "$work/log" || [[ $mode == cluster ]] || { echo "no such test: $name"; status=1; }
done <"$work/skip"
exit $status
