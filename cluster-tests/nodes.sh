# Real nodes for scripts: started here, and ended with the script, however that ends. To be sourced, by bash.
#
#   form NODES [FLAG…]   starts these nodes, such as "1 2 3", as a new cluster with these flags; returns when all are ready
#   hit NODE             kill -9
#   revive NODE          starts a node that was hit; returns when it is ready
#   lead NODE GROUP      makes a node the leader of a group
#   left_out WHY         ends the script with the status that means: not possible here
#   fetch_packages …     installs Debian packages; fails where that cannot be
#
# Sets work (a folder that is removed in the end) and http, resp, resp_cluster (ports on 127.0.0.1, by node).
# QUORATE_BIN names the program; without it this is built.

# The status of a script that could not run here, as in Automake.
readonly LEFT_OUT=77
# How long a node may take to become ready, and a leadership to move, in tenths of a second.
readonly READY_TENTHS_MAX=300
# Ports are below those that the kernel gives to outgoing connections.
readonly PORT_FIRST=12000 PORT_COUNT=18000

nodes_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
declare -A http=() peer=() resp=() resp_cluster=() flags=() pids=()

clean_up() {
    local status=$?
    ((status == 0 || status == LEFT_OUT)) || show_logs
    local node
    for node in "${!pids[@]}"; do hit "$node"; done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

show_logs() {
    local log
    for log in "$work"/node-*.log; do
        [[ ! -e $log ]] || { echo "=== end of $log"; tail -n 5 "$log"; } >&2
    done
}

left_out() {
    echo "LEFT OUT: $*"
    exit "$LEFT_OUT"
}

fetch_packages() {
    local as_root=()
    command -v apt-get >/dev/null || return 1
    ((EUID == 0)) || as_root=(sudo -n)
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
} >&2

# The program under test, built if it is not named.
find_quorate() {
    [[ -n ${QUORATE_BIN:-} ]] && return
    (cd "$nodes_root" && cargo build --quiet --workspace --bin quorate)
    QUORATE_BIN=${CARGO_TARGET_DIR:-$nodes_root/target}/debug/quorate
}

is_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Puts a port that nobody listens on and that was not given before into free_port.
next_port=$((PORT_FIRST + RANDOM % PORT_COUNT))
find_port() {
    while :; do
        next_port=$((PORT_FIRST + (next_port + 1 - PORT_FIRST) % PORT_COUNT))
        is_taken "$next_port" || { free_port=$next_port; return; }
    done
}

form() {
    local nodes=($1) node seeds=""
    shift
    find_quorate
    for node in "${nodes[@]}"; do
        find_port && http[$node]=$free_port
        find_port && peer[$node]=$free_port
        find_port && resp[$node]=$free_port
        find_port && resp_cluster[$node]=$free_port
        seeds+=${seeds:+,}127.0.0.1:${peer[$node]}
    done
    for node in "${nodes[@]}"; do
        flags[$node]="--seeds $seeds --bootstrap-expect ${#nodes[@]} $*"
        start "$node"
    done
    for node in "${nodes[@]}"; do await_ready "$node"; done
}

start() {
    local node=$1
    "$QUORATE_BIN" serve --id "$node" --data-dir "$work/node-$node" --http "127.0.0.1:${http[$node]}" \
        --peer "127.0.0.1:${peer[$node]}" --resp "127.0.0.1:${resp[$node]}" \
        --resp-cluster "127.0.0.1:${resp_cluster[$node]}" ${flags[$node]} \
        >>"$work/node-$node.log" 2>&1 </dev/null 3>&- 4>&- & # It is to hold no pipe of the script open.
    pids[$node]=$!
}

# Sends a request without a body to a node's HTTP port and prints the first line of the answer.
ask() {
    local node=$1 method=$2 path=$3 body=${4:-} line
    {
        exec 3<>"/dev/tcp/127.0.0.1/${http[$node]}" &&
            printf '%s %s HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
                "$method" "$path" "${#body}" "$body" >&3 &&
            IFS= read -r -t 5 line <&3
    } 2>/dev/null || return 1
    exec 3>&-
    echo "$line"
}

# Asks until the answer is 2xx.
ask_until_done() {
    local tenths
    for ((tenths = 0; tenths < READY_TENTHS_MAX; tenths++)); do
        [[ $(ask "$@") == *" 2"[0-9][0-9]* ]] && return
        sleep 0.1
    done
    echo "not done in time: $*" >&2
    return 1
}

await_ready() { ask_until_done "$1" GET /readyz; }

hit() {
    kill -9 "${pids[$1]}" 2>/dev/null || true
    # Without this the shell tells of its death.
    wait "${pids[$1]}" 2>/dev/null || true
    unset "pids[$1]"
}

revive() {
    start "$1"
    await_ready "$1"
}

lead() { ask_until_done "$1" PUT "/v1/cluster/groups/$2/leader" "{\"node\":$1}"; }
