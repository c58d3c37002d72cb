# Sourced by the command-line tests.

fail() { echo "FAILED: $*" >&2; exit 1; }

# has FILE TEXT
has() { grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "$1 has no: $2"; }; }

# same A B: two corpora are equal to the byte, the times in the report left out
same() {
    for f in "$1"/part-* "$1"/removed-*; do
        [ -e "$f" ] || continue # nothing was removed
        cmp "$f" "$2/${f#"$1"/}" || fail "$2 differs from $1"
    done
    [ "$(ls "$1")" = "$(ls "$2")" ] || fail "$1 and $2 have different files"
    grep -v second "$1/report.json" >a.json
    grep -v second "$2/report.json" >b.json
    cmp a.json b.json || fail "the reports of $1 and $2 differ"
    cmp "$1/recipe.json" "$2/recipe.json" || fail "the recipes differ"
}

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
