# yh train killed (SIGKILL) at twenty random moments and gone on with each time, sometimes with
# another number of threads, ends with the same bits as a run that was never stopped.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"

awk 'BEGIN { srand(7); split("the a red old small cat dog tree house river runs sees finds likes and then", w, " ");
    for (d = 0; d < 1500; d++) { printf "{\"text\": \"Story %d:", d;
        n = 20 + int(rand() * 60); for (i = 0; i < n; i++) printf " %s", w[1 + int(rand() * 16)];
        print ".\"}" } }' >corpus.jsonl
"$YH" tok train corpus.jsonl -o tok -v 400 2>/dev/null
"$YH" pack corpus.jsonl -t tok -o tokens --heldout 50 2>/dev/null

options="--data tokens --depth 2 --steps 40 --context 64 --micro-batch 8 --batch-tokens 1024
    --eval-every 8 --save-every 2 --seed 5 --no-samples"
begin=$(milliseconds)
"$YH" train $options --out whole >/dev/null 2>log || { cat log >&2; fail "the whole run"; }
took=$(($(milliseconds) - begin))

wanted=20
grep -q '__[at]san_init' "$YH" && wanted=5 # slow there, and the bits are the same question
kills=0
tries=0
while [ $kills -lt $wanted ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    # between nothing and a third of the whole run's time
    if kill_within $((took / 3 + 15)) "$YH" train $options --out pieces --threads $((1 + tries % 2)); then
        kills=$((kills + 1))
    fi
    # done already: what is left of the kills goes to another run
    if [ -f pieces/checkpoint/trainer_state.json ] && grep -q '"finished": true' pieces/checkpoint/trainer_state.json; then
        cmp whole/model.safetensors pieces/model.safetensors || fail "weights differ after $kills kills"
        cmp whole/checkpoint/model.safetensors pieces/checkpoint/model.safetensors || fail "masters differ after $kills kills"
        rm -rf pieces
    fi
done
[ $kills -ge $wanted ] || fail "only $kills kills in $tries runs"
"$YH" train $options --out pieces >/dev/null 2>log || { cat log >&2; fail "the last run"; }
for f in model.safetensors checkpoint/model.safetensors checkpoint/optimizer.safetensors config.json; do
    cmp "whole/$f" "pieces/$f" || fail "$f differs after $kills kills"
done
[ ! -e pieces/checkpoint.new ] && [ ! -e pieces/checkpoint.old ] || fail "a folder was left over"
# metrics: every step once, in order
grep -o '^{"step":[0-9]*' pieces/metrics.jsonl | cut -d: -f2 >steps
seq 40 | cmp - steps || fail "metrics.jsonl repeats or lacks steps"
echo "$kills kills in $tries runs: same bits"
