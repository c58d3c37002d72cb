# yh tok train killed (SIGKILL) at random moments and gone on with each time, with other numbers of
# threads and other memory, ends with the same files as a run that was never stopped.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"

awk 'BEGIN { srand(7); for (d = 0; d < 6000; d++) { printf "{\"text\": \"Story %d:", d;
        n = 50 + int(rand() * 200); for (i = 0; i < n; i++) printf " w%x", int(exp(rand() * 12));
        print " 你好世界春天.\"}" } }' >corpus.jsonl
options="corpus.jsonl --vocab 3000 --memory 32Mi --save-every 300k"
begin=$(milliseconds)
"$YH" tok train $options -o whole >whole.txt 2>log || { cat log >&2; fail "the whole run"; }
took=$(($(milliseconds) - begin))

kills=0
tries=0
resumed=0
while [ $kills -lt 12 ] && [ $tries -lt 40 ]; do
    tries=$((tries + 1))
    if kill_within $took "$YH" tok train $options -o pieces --threads $((1 + tries % 3)); then
        kills=$((kills + 1))
    fi
    if [ -f pieces/.training/state.json ]; then
        resumed=$((resumed + 1))
    elif [ -f pieces/tokenizer.json ]; then # done already: what is left of the kills goes on anew
        cmp whole/tokenizer.json pieces/tokenizer.json || fail "differs after $kills kills"
        rm -rf pieces
    fi
done
[ $kills -ge 5 ] || fail "only $kills kills in $tries runs"
"$YH" tok train $options -o pieces >last.txt 2>log || { cat log >&2; fail "the last run"; }
for f in tokenizer.json tokenizer_config.json; do
    cmp "whole/$f" "pieces/$f" || fail "$f differs after $kills kills"
done
# what a kill left half written does not stop the next run
mkdir -p torn/.training
echo '{"half":' >torn/.training/state.json.tmp1
"$YH" tok train $options -o torn >/dev/null 2>log || { cat log >&2; fail "beside a half-written state"; }
[ ! -e pieces/.training ] && [ ! -e torn/.training ] || fail "the work folder was left over"
# the report on held-out text is the same but for the time and the name
sed '1d; s/whole //' whole.txt >a
sed '1d; s/pieces//' last.txt >b
[ "$(tr -d ' ' <a)" = "$(tr -d ' ' <b)" ] || fail "the reports differ"

# work of another corpus is not taken up
kill_within $((took / 2)) "$YH" tok train $options -o other || true
head -n 500 corpus.jsonl >less.jsonl
"$YH" tok train less.jsonl -o other --vocab 600 >/dev/null 2>log || { cat log >&2; fail "another corpus"; }
"$YH" tok train less.jsonl -o anew --vocab 600 >/dev/null 2>log || { cat log >&2; fail "the other corpus"; }
cmp other/tokenizer.json anew/tokenizer.json || fail "another corpus was mixed in"
echo "$kills kills in $tries runs, $resumed left work behind: same files"
