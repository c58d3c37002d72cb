# yh corpus: explain, show, diff, mix; the ways are those that a person expects.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
mkdir raw
long="This is a sentence of a document that is long enough to be kept by every rule that looks at lengths"
notice="This notice stands below every article of the collection and is longer than eighty letters, as it must be."
i=0
while [ $i -lt 12 ]; do
    printf '{"text":"Number %s. %s.\\nA second line for %s.\\n%s"}\n' $i "$long" $i "$notice"
    i=$((i + 1))
done >raw/a.jsonl
printf '{"text":"%s."}\n{"text":"%s."}\n{"text":"short"}\n' "$long" "$long" >raw/b.jsonl
"$YH" clean raw -o A >/dev/null 2>&1 || fail "clean"
"$YH" clean raw -o B --set too_short.min_chars=110 --set exact_line.copies=1 >/dev/null 2>&1 || fail "clean"

# ---- one document
"$YH" corpus explain A b.jsonl:3 >out || fail "explain"
cat >want <<'END'
b.jsonl:3  (source b, recipe default)
   1  gutenberg                -
   2  not_text                 -
   3  too_short                removed the document, score 5
   4  exact_document           (not reached)
   5  exact_line               (not reached)
   6  too_short                (not reached)
removed: removed-00000.jsonl.zst line 1, 5 bytes of text: "short"
END
cmp out want || { cat out; fail "the way of a short document"; }
n=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$YH" clean -o A --explain a.jsonl:$i >out || fail "explain"
    has out 'kept: part-00000.jsonl.zst line'
    if grep -q 'exact_line  *cut 1 stretch' out; then
        n=$((n + 1))
        has out 'repeats a.jsonl:'
        has out "\"$notice\""
    fi
done
[ $n = 9 ] || fail "$n of 12 lost the line, not 9"
"$YH" corpus show A a.jsonl:1 >out || fail "show"
has out "Number 0. $long."
"$YH" corpus explain A b.jsonl:1 --json >out
"$YH" corpus explain A b.jsonl:2 --json >>out
has out '"evidence": "repeats b.jsonl:'
"$YH" corpus explain A nowhere 2>err && fail "a document that is not there"
has err 'no document "nowhere"'

# ---- a corpus cleaned again: no name twice, the edits of the first run are kept apart
if command -v zstd >/dev/null; then
    "$YH" clean A/part-00000.jsonl.zst -o again --set exact_line.copies=1 >/dev/null 2>&1 || fail "cleaning a corpus"
    zstd -dcq again/part-*.zst >out
    has out '"earlier_edits":[{"rule":"exact_line","step":5,"cuts":1,"bytes":'
    grep -q '"edits":.*"edits":' out && fail "edits twice"
    printf '{"text":"%s","meta":{"lang":"xx","lang_score":0.1,"author":"me"}}\n' "$long" >lang.jsonl
    echo '{"steps": [{"rule": "language"}]}' >lang.json
    "$YH" clean lang.jsonl -o lang -r lang.json >/dev/null 2>&1 || fail "the language alone"
    zstd -dcq lang/part-*.zst >out
    has out '"author":"me"'
    has out '"lang":"en"'
    grep -q '"lang":"xx"' out && fail "the input's language beside our own"
fi

# ---- two runs
"$YH" corpus diff A A --json >out || fail "diff"
has out '"same": 13'
"$YH" corpus diff A B >out || fail "diff"
has out 'the same in both: 10'
has out 'only in A, and what removed them in B: 1'
has out '  too_short                               1'
has out 'in both, with another text: 2'
has out "    -3     $notice"
"$YH" corpus diff B A --examples 0 >out || fail "diff"
has out 'only in B, and what removed them in A: 1'
"$YH" corpus diff A raw 2>err && fail "a folder that is no corpus"
has err 'is no corpus folder'

# ---- mixing: shares, epochs, caps; the same every time; a smaller share within a larger one
mkdir more
awk 'BEGIN { srand(5); for (i = 0; i < 3000; i++) { s = ""; for (k = 0; k < 40; k++) s = s " w" int(rand() * 900); print "{\"text\":\"" s "\"}" } }' >more/m.jsonl
"$YH" clean more -o X -r none >/dev/null 2>&1
"$YH" clean more/m.jsonl -o Y -r none --compress none >/dev/null 2>&1
same_mix() {
    [ "$(ls "$1")" = "$(ls "$2")" ] || fail "$1 and $2 have different files"
    for f in "$1"/*; do cmp "$f" "$2/${f#"$1"/}" || fail "$2 differs from $1"; done
}
"$YH" corpus mix X:0.75 Y:0.25 -o mix --shard-size 100k --json >out 2>/dev/null || fail "mix"
x=$(grep -o '"bytes":[0-9]*' out | sed -n 2p | tr -dc 0-9)
y=$(grep -o '"bytes":[0-9]*' out | sed -n 3p | tr -dc 0-9)
[ $((x * 100 / (x + y))) -ge 73 ] && [ $((x * 100 / (x + y))) -le 77 ] || fail "shares of $x and $y bytes"
has out '"documents":3000'
[ "$(ls mix/part-* | wc -l)" -gt 3 ] || fail "one file only"
"$YH" corpus mix X:0.75 Y:0.25 -o mix2 --shard-size 100k >/dev/null 2>&1
for f in mix/part-*; do cmp "$f" "mix2/${f#mix/}" || fail "another mix from the same command"; done
"$YH" corpus mix X,epochs=1 -o bad 2>err && fail "a wrong source"
"$YH" corpus mix X:1,cap=50k -o cap >/dev/null 2>&1 && "$YH" corpus mix X:1,cap=90k --compress none -o cap2 >/dev/null 2>&1 || fail "caps"
"$YH" corpus diff cap cap2 --examples 0 >out
has out 'only in A, and what removed them in B: 0'
has out 'in both, with another text: 0'
"$YH" corpus mix X:1,epochs=2 -o twice >/dev/null 2>&1 || fail "epochs"
"$YH" corpus show twice X/m.jsonl:7~2 >out || fail "a second copy"
"$YH" corpus show X m.jsonl:7 >want
cmp out want || fail "a copy is another text"
"$YH" corpus stats twice >out || fail "stats of a mix"
has out '6000 documents'
"$YH" corpus mix X -o mix 2>err && fail "mixed into a corpus"
has err 'there is a corpus already'
# ---- killed a dozen times: goes on where it was, keeps the files that are finished, the same bytes
mixing() { "$YH" corpus mix X:3,epochs=20 Y:1,epochs=20 --shard-size 200k --compress zstd:12 "$@"; }
begin=$(milliseconds)
mixing -o unbroken --threads 1 >/dev/null 2>&1 || fail "mix"
took=$(($(milliseconds) - begin))
kills=0 tries=0 kept=0 first=
while [ $kills -lt 12 ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    if kill_within $((took / 4)) "$YH" corpus mix X:3,epochs=20 Y:1,epochs=20 --shard-size 200k --compress zstd:12 -o got --threads 2; then
        kills=$((kills + 1))
    else # it was finished: stays, and once more from the beginning
        same_mix unbroken got
        rm -rf got
        first=
        continue
    fi
    now=$(ls -i got/part-00000.jsonl.zst got/.mix/part-00000 2>/dev/null | awk '{ print $1; exit }')
    if [ -n "$first" ]; then
        [ "$now" = "$first" ] || fail "a finished file was written again"
        kept=$((kept + 1))
    elif grep -q '"sizes": *\[[0-9]*, *[0-9]' got/.mix/state.json 2>/dev/null; then
        first=$now
    fi
done
[ $kills -ge 12 ] && [ $kept -ge 3 ] || fail "only $kills of $tries mixes were killed, $kept of them with finished files"
mixing -o got --threads 3 >/dev/null 2>&1 || fail "going on after $kills kills"
echo "mix: killed $kills times in $tries runs, $kept times with finished files"
same_mix unbroken got
[ ! -e got/.mix ] || fail "work files are left"
mixing -o got >out 2>log || fail "a finished mix"
has log 'is finished already'
# other options, a source made anew: from the beginning
"$YH" corpus mix X:3,epochs=20 Y:1,epochs=20 --shard-size 200k --compress zstd:12 -o begun --seed 1 >/dev/null 2>&1 & one=$! # (not the function: a shell would be killed)
sleep 0.1
kill -KILL $one 2>/dev/null || true
wait $one || true
[ ! -e begun/report.json ] || fail "too fast to be killed"
mixing -o begun >/dev/null 2>log || fail "other options"
has log 'starting again from the beginning'
same_mix unbroken begun
"$YH" corpus mix X:0 Y:0 -o whole >out 2>/dev/null || fail "all of both"
has out 'wrote whole: 6000 documents'
echo ok
