# Steps that end: each has a time limit, none stops the next, and a table comes last. To be sourced.
LC_ALL=C
table=()
running=
grace=2 # seconds that a step has to end by itself once it is told to

# step NAME LIMIT COMMAND...: runs it for so many seconds at most, and remembers what became of it.
step() {
    local name=$1 limit=$2 began=${EPOCHREALTIME/./} status state took
    shift 2
    printf '\n== %s (at most %s s)\n' "$name" "$limit"
    timeout --kill-after="$grace" "$limit" "$@" &
    running=$!
    wait "$running"
    status=$?
    running=
    took=$((${EPOCHREALTIME/./} - began))
    case $status in
        0) state="done" ;;
        77) state="not there" ;;
        *) state="failed ($status)" ;;
    esac
    if ((took >= limit * 1000000)); then state="over its limit"; fi
    printf -v took '%d.%d' $((took / 1000000)) $((took / 100000 % 10))
    table+=("$(printf '%-12s %-16s %8s %8s' "$name" "$state" "$took" "$limit")")
    step_ended "$name" "$state" "$took" "$limit"
}

# What else is to be done when a step has ended; to be replaced.
step_ended() { :; }

# Ends the step that is running, where the whole is told to end.
stop_step() { if [[ $running ]]; then kill "$running"; wait "$running"; fi; }

print_table() {
    printf '\n%-12s %-16s %8s %8s\n' step state seconds limit
    printf '%s\n' "${table[@]}"
}
