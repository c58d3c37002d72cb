# yh clean: the same bytes whatever the threads, the memory, the kills, the number of processes.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
mkdir raw
awk 'BEGIN { srand(7); for (f = 0; f < 14; f++) for (i = 0; i < 500; i++) {
    s = ""; for (k = 0; k < 60; k++) s = s " word" int(rand() * 5000);
    if (i % 7 == 0) s = s "\\nThis notice appears in a great many documents of this collection and should go away after the third time.";
    if (i % 31 == 0) s = "short";
    print "{\"text\":\"" (i % 50 == 0 ? "the same text again and again, in many places of the files, to be found as a duplicate" : s) "\"}" > ("raw/f" f ".jsonl") } }'
printf 'not json at all\n{"text":"cut' >raw/g.jsonl
for recipe in default none; do
    clean() { "$YH" clean raw -r $recipe --shard-size 100k "$@"; }
    begin=$(milliseconds)
    clean -o want --threads 1 >/dev/null 2>&1 || fail "clean"
    took=$(($(milliseconds) - begin))
    [ "$(ls want/part-* | wc -l)" -gt 10 ] || fail "too few files for this test"

    clean -o got --threads 3 --memory 64Mi >/dev/null 2>&1 || fail "clean with little memory"
    same want got
    rm -rf got

    # ---- three processes over one folder; one of them is killed and started again
    clean -o got --shard 2/3 >share 2>/dev/null || fail "share 2"
    has share 'share 2 of 3 is finished'
    [ ! -e got/report.json ] || fail "a share alone made a corpus"
    # (not by the function: a shell between would be killed instead)
    "$YH" clean raw -r $recipe --shard-size 100k -o got --shard 1/3 >/dev/null 2>&1 & one=$!
    SLURM_PROCID=2 SLURM_NTASKS=3 "$YH" clean raw -r $recipe --shard-size 100k -o got >/dev/null 2>&1 & three=$!
    sleep 0.05
    kill -KILL $one 2>/dev/null || true
    wait $one || true
    wait $three || fail "share 3"
    clean -o got --shard 1/3 >/dev/null 2>err || { cat err; fail "share 1"; }
    same want got
    clean -o got --shard 3/3 >/dev/null 2>&1 || fail "a share of a finished corpus"
    same want got
    rm -rf got

    # ---- killed twenty times, anywhere
    kills=0
    tries=0
    while [ $kills -lt 20 ] && [ $tries -lt 80 ]; do
        tries=$((tries + 1))
        if kill_within $took "$YH" clean raw -r $recipe --shard-size 100k -o got --threads 2; then
            kills=$((kills + 1))
        else # it was faster: once more from the beginning
            same want got
            rm -rf got
        fi
    done
    [ $kills -ge 20 ] || fail "only $kills of $tries runs were killed"
    clean -o got --threads 3 >/dev/null 2>&1 || fail "going on after $kills kills"
    echo "$recipe: killed $kills times in $tries runs"
    same want got
    [ -z "$(find got -name '*tmp*')" ] || fail "temporary files are left"
    "$YH" clean raw -r $recipe --shard-size 100k -o got >/dev/null 2>&1 || fail "a finished corpus"
    [ "$(ls got/.clean)" = done.json ] || fail "work files are left: $(ls got/.clean)"

    # ---- mpirun, where it is there: each process takes its share, the last one makes the corpus
    if command -v mpirun >/dev/null; then
        rm -rf got
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
            mpirun -n 3 "$YH" clean raw -r $recipe --shard-size 100k -o got >log 2>&1 || { cat log; fail "mpirun"; }
        same want got
    fi

    # ---- another recipe starts again and says so; so does a file that went away
    clean -o got --set read.part_chars=50000 >/dev/null 2>err || fail "a changed recipe"
    has err 'starting again'
    rm got/part-00003.jsonl.zst
    clean -o got --set read.part_chars=50000 >/dev/null 2>err || fail "a lost file"
    has err 'starting again'
    rm -rf got want
done

# ---- plain output is the same text, and read like the other
"$YH" clean raw -o plain -r none --compress none >/dev/null 2>&1 || fail "plain output"
"$YH" clean raw -o packed -r none --compress zstd:1 >/dev/null 2>&1 || fail "packed output"
if command -v zstd >/dev/null; then
    zstd -dcq packed/part-*.zst >a
    cat plain/part-*.jsonl >b
    cmp a b || fail "plain and packed differ"
fi
"$YH" clean plain/part-00000.jsonl -o again -r none --compress none >/dev/null 2>&1 || fail "clean of a corpus's file"
echo ok
