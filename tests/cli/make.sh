# The whole way on a small corpus, interrupted by SIGKILL several times; then wrong uses.
set -eu
raw=$SCRATCH/raw
mkdir -p "$raw/stories" "$raw/pages"
# Real sentences in a made-up order: enough text for a tokenizer and a tiny model.
awk 'BEGIN {
    srand(7);
    split("The old miller|A young fox|The king of the hill|My grandmother|The little boat|A grey wolf", who, "|");
    split("walked slowly to|looked for|sang about|never forgot|came back from|was afraid of", does, "|");
    split("the river|the dark forest|a red house|the market town|the winter sea|an empty road", what, "|");
    for (f = 0; f < 150; f++) {
        file = sprintf("%s/stories/%03d.txt", ENVIRON["SCRATCH"] "/raw", f);
        for (l = 0; l < 12; l++) {
            s = sprintf("%s %s %s in the year %d.", who[int(rand()*6)+1], does[int(rand()*6)+1], what[int(rand()*6)+1], 1000 + int(rand()*1000));
            print s > file;
        }
        close(file);
    }
}'
for i in 1 2 3 4 5 6 7 8 9; do
    printf '<html><body><nav>Home | About</nav><p>第%s章。春天来了，山上的花都开了，孩子们在河边唱歌，老人坐在门前喝茶，讲着%s年前的故事。</p><p>The page number %s tells of a small village between two rivers, where nothing ever happened before the %s of May.</p></body></html>' $i ${i}0 $i $i >"$raw/pages/$i.html"
done
echo 'not text' >"$raw/picture.png"

make_it() {
    "$YH" make "$raw" -o "$SCRATCH/model" --minutes 0.1 --depth 1 --vocab 600 --seed 3 --threads 2 "$@"
}

# killed at several moments, then run to the end
for delay in 0.2 0.7 1.5 3; do
    timeout -s KILL "$delay" "$YH" make "$raw" -o "$SCRATCH/model" --minutes 0.1 --depth 1 --vocab 600 \
        --seed 3 --threads 2 >/dev/null 2>&1 || true
done
make_it >"$SCRATCH/summary" 2>"$SCRATCH/progress" || { cat "$SCRATCH/progress"; exit 1; }
grep -q 'bits per byte' "$SCRATCH/summary"
for f in config.json model.safetensors tokenizer.json report.html report.json metrics.jsonl; do
    [ -s "$SCRATCH/model/$f" ] || { echo "missing $f"; exit 1; }
done
grep -q 'picture.png\|png' "$SCRATCH/model/report.json"
# no temporary files are left
[ -z "$(find "$SCRATCH/model" -name '*.tmp*')" ]

# done already: says the same at once, trains nothing
make_it --json >"$SCRATCH/again.json" 2>"$SCRATCH/again.err"
if grep -q '\[4/6\]' "$SCRATCH/again.err"; then exit 1; fi

# other options on the same folder are refused, with advice
if "$YH" make "$raw" -o "$SCRATCH/model" --minutes 9 2>"$SCRATCH/err"; then exit 1; fi
grep -q -- '--fresh' "$SCRATCH/err"

# it answers
"$YH" generate "$SCRATCH/model" -p "The old miller" --max-tokens 20 --seed 1 | grep -q .

# bad uses
set +e
"$YH" make "$SCRATCH/nowhere" -o "$SCRATCH/m2" 2>"$SCRATCH/err"; rc=$?
[ $rc = 1 ] && grep -q nowhere "$SCRATCH/err" || { echo "missing input: $rc"; exit 1; }
"$YH" make "$raw" 2>/dev/null; [ $? = 2 ] || exit 1
mkdir "$SCRATCH/empty"
"$YH" make "$SCRATCH/empty" -o "$SCRATCH/m3" 2>"$SCRATCH/err"; rc=$?
[ $rc = 1 ] && [ -s "$SCRATCH/err" ] || { echo "empty input: $rc"; exit 1; }
exit 0
