#!/usr/bin/env bash
# redis-cli against Quorate: `redis-cli.sh plain|cluster PORT`. What it is to do stands in `run`.
#
# One redis-cli writes all along. It prints answers without saying to what, and none for a command that had none; so
# each write follows an ECHO of its number, and is acknowledged if an OK follows that number.
set -euo pipefail

mode=$1 port=$2
readonly AT_ONCE=20 LAST_WRITES=100
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cli=(redis-cli -p "$port")
[[ $mode == plain ]] || cli+=(-c)

# A little of everything, with the answers it must have.
expect() {
    local wanted=$1 got
    shift
    got=$("${cli[@]}" "$@" | grep -v '^-> Redirected')
    [[ $got == "$wanted" ]] || { echo "$*: '$got' instead of '$wanted'"; exit 1; }
}

look_around() {
    expect PONG PING
    expect OK SET '{cli}a' 1 PX 60000
    expect 2 INCR '{cli}a'
    expect 2 -3 GET '{cli}a'
    # The GET finds the node: within a transaction redis-cli follows no redirection.
    expect $'2\nOK\nQUEUED\n3' <<<$'GET {cli}a\nMULTI\nINCR {cli}a\nEXEC'
    expect 1 DEL '{cli}a'
    # Mass insertion, which does not follow redirections.
    [[ $mode == cluster ]] || printf 'SET {cli}%d v\r\n' {1..1000} | "${cli[@]}" --pipe | grep -q 'errors: 0, replies: 1000'
}

# Commands for the writes from $1 on, so many.
writes() {
    local number
    for ((number = $1; number < $1 + $2; number++)); do
        printf 'ECHO %d\nSET cli-%s-%d value-%d\n' "$number" "$mode" "$number" "$number"
    done
}

# The numbers of acknowledged writes.
acknowledged() { awk '/^-> / { next } $0 == "OK" && last ~ /^[0-9]+$/ { print last } { last = $0 }' "$work/answers"; }

# Waits until the answers have come to an echo of this word.
await_echo() {
    echo "ECHO $1" >&3
    until grep -q "^$1\$" "$work/answers"; do sleep 0.05; echo "ECHO $1" >&3; done
}

look_around
mkfifo "$work/commands"
touch "$work/answers"
"${cli[@]}" <"$work/commands" >"$work/answers" 2>"$work/troubles" &
exec 3>"$work/commands"
next=1
# Input that ends is what ends this: `read` fails for want of time otherwise.
while read -r -t 0.01 || (($? > 128)); do
    writes $next $AT_ONCE >&3
    next=$((next + AT_ONCE))
    await_echo "done-$next"
    echo "sent $next, acknowledged $(acknowledged | wc -l)"
done
before=$(acknowledged | wc -l)
writes $next $LAST_WRITES >&3
exec 3>&-
wait $!
acknowledged >"$work/numbers"
count=$(wc -l <"$work/numbers")
lost=$(sed "s/.*/GET cli-$mode-&/" "$work/numbers" | "${cli[@]}" | grep -v '^-> ' | paste -d ' ' - "$work/numbers" |
    awk '$1 != "value-" $2' | wc -l)
echo "$count acknowledged, $(wc -l <"$work/troubles") troubles, $lost lost"
((lost == 0 && count == before + LAST_WRITES))
