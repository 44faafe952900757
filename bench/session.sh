# Servers for scripts that measure: on loopback, on ports of their own and a real disk, and ended with the script,
# however that ends. To be sourced, by bash, from the top of the project.
#
#   start NAME PROGRAM …    in the background; its words go to a file of its name
#   await NAME COMMAND …    until the command succeeds
#   start_quorate N [FLAG…] a cluster of N nodes, ready: http 17071…, resp 17271…, cluster 17371…
#   stop                    everything, and its data
#
# Sets data (a folder that is removed in the end) and pids. QUORATE and BENCH name the programs, of target/release unless told
# otherwise.

target=${CARGO_TARGET_DIR:-target}
quorate=${QUORATE:-$target/release/quorate} bench=${BENCH:-$target/release/quorate-bench}
for program in "$quorate" "$bench"; do
    [[ -x $program ]] || { echo "$program is not there: cargo build --release --workspace" >&2; exit 1; }
done
# On a real disk: /tmp may be in memory, and then fsync costs nothing.
data=$(mktemp -d /var/tmp/quorate-bench-XXXXXX)
host=127.0.0.1
pids=()

# Ends what was started, waits for it, and removes what it kept.
stop() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    pids=()
    rm -rf "${data:?}"/*
}
trap 'stop; rm -rf "$data"' EXIT
trap 'exit 130' INT TERM

start() {
    local name=$1
    shift
    "$@" >"$data/$name.log" 2>&1 &
    pids+=($!)
}

# A server that is not ready after 60 s fails the session.
await() {
    local name=$1 tries
    shift
    for tries in $(seq 600); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    echo "$name is not ready after 60 s:" >&2
    tail -n 5 "$data"/*.log >&2
    return 1
}

# Whether a port takes connections.
listens() { (exec 3<>"/dev/tcp/$host/$1"); }

# Whether a node of Quorate is ready. A shell of its own: an `exec` that cannot connect ends the shell it stands in.
ready() (
    exec 3<>"/dev/tcp/$host/$1"
    printf 'GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n' >&3
    read -r answer <&3
    [[ $answer == *" 200 "* ]]
)

start_quorate() {
    local nodes=$1 id seeds
    seeds=$(printf "$host:1717%d," $(seq "$1"))
    shift
    for id in $(seq "$nodes"); do
        start "quorate-$id" "$quorate" serve --id "$id" --data-dir "$data/quorate-$id" --http "$host:1707$id" \
            --peer "$host:1717$id" --seeds "${seeds%,}" --bootstrap-expect "$nodes" --resp "$host:1727$id" \
            --resp-cluster "$host:1737$id" "$@"
    done
    for id in $(seq "$nodes"); do await "node $id" ready "1707$id"; done
}
