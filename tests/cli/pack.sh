# yh pack: kills, a changed tokenizer, damage.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
awk 'BEGIN { srand(5); for (i = 0; i < 30000; i++) { s = ""; for (k = 0; k < 30; k++) s = s " word" int(rand() * 500); print "{\"text\":\"" s "\"}" } }' >corpus.jsonl
head -n 400 corpus.jsonl >little.jsonl
"$YH" tok train little.jsonl -o tok -v 400 >/dev/null 2>&1 || fail "training a tokenizer"
begin=$(milliseconds)
"$YH" pack corpus.jsonl --tok tok -o want --shard-tokens 50k --threads 1 --verify >stdout 2>/dev/null || fail "pack"
took=$(($(milliseconds) - begin))
grep -q "heldout" stdout || fail "no table"
kills=0
tries=0
while [ $kills -lt 6 ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    if kill_within $took "$YH" pack corpus.jsonl --tok tok -o got --shard-tokens 50k --threads 2; then
        kills=$((kills + 1))
    else # it was faster: once more from the beginning
        for f in want/*; do cmp "$f" "got/${f#want/}" || fail "differs after $kills kills"; done
        rm -rf got
    fi
done
[ $kills -ge 6 ] || fail "only $kills of $tries runs were killed"
"$YH" pack corpus.jsonl --tok tok -o got --shard-tokens 50k --threads 3 >/dev/null 2>&1 || fail "going on"
for f in want/*; do cmp "$f" "got/${f#want/}" || fail "differs after kills"; done
[ -z "$(find got -name '*tmp*')" ] || fail "temporary files are left"

# another tokenizer: packed again, and it says so
"$YH" tok train little.jsonl -o tok2 -v 260 >/dev/null 2>&1
"$YH" pack corpus.jsonl --tok tok2 -o got --shard-tokens 50k >/dev/null 2>stderr || fail "another tokenizer"
grep -q "from the beginning" stderr || fail "nothing was said about the change"

# a tokenizer that does not fit the tokens
cp tok2/tokenizer.json want/tokenizer.json
"$YH" pack corpus.jsonl --tok tok -o want --shard-tokens 50k --verify >/dev/null 2>stderr && fail "mismatch accepted"
grep -q "not the tokenizer" stderr || fail "$(cat stderr)"
"$YH" pack missing.jsonl --tok tok -o x >/dev/null 2>stderr && fail "missing corpus"
grep -q "missing.jsonl" stderr || fail "$(cat stderr)"
mkdir nothing
"$YH" pack nothing --tok tok -o x >/dev/null 2>stderr && fail "no corpus folder"
grep -q "yh clean" stderr || fail "$(cat stderr)"
echo ok
