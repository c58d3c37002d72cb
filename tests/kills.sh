# Sourced by the tests that kill.

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# kill_within MS COMMAND...: starts the command and kills it (SIGKILL) at a random moment of its
# first MS milliseconds. True if that came before its end.
kill_within() {
    wait=$(($(od -An -N4 -tu4 /dev/urandom) % ($1 + 1) + 5))
    shift
    "$@" >/dev/null 2>kill.log &
    pid=$!
    sleep "$(printf '%d.%03d' $((wait / 1000)) $((wait % 1000)))"
    kill -KILL $pid 2>/dev/null || true
    rc=0
    wait $pid 2>/dev/null || rc=$?
    [ $rc = 0 ] || [ $rc = 137 ] || { cat kill.log >&2; fail "ended with $rc by itself: $*"; }
    [ $rc = 137 ]
}
