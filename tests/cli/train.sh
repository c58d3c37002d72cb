# yh train: result as text and JSON, named sizes, wrong use, data that does not fit, no space, a
# folder that cannot be written, two processes on one folder, SIGTERM.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
# expect STATUS TEXT COMMAND...: exit status and a part of the message
expect() {
    want=$1 text=$2
    shift 2
    rc=0
    "$@" >out 2>err || rc=$?
    [ $rc = "$want" ] || { cat err >&2; fail "status $rc, not $want: $*"; }
    grep -qF -- "$text" err || { cat err >&2; fail "no \"$text\" from: $*"; }
}

awk 'BEGIN { srand(3); for (d = 0; d < 600; d++) { printf "{\"text\": \"Number %d:", d;
        n = 20 + int(rand() * 40); for (i = 0; i < n; i++) printf " %d", (d + i) % 90; print "\"}" } }' >corpus.jsonl
"$YH" tok train corpus.jsonl -o tok -v 320 2>/dev/null
"$YH" pack corpus.jsonl -t tok -o tokens --heldout 50 2>/dev/null
small="--data tokens --depth 1 --context 32 --micro-batch 4 --batch-tokens 256"

"$YH" train $small -o run --steps 12 --json >out 2>err || { cat err >&2; fail "a plain run"; }
grep -q '"steps": 12, "tokens": 3072, .*"finished": true.*"stopped_because": "all 12 steps are done"' out || fail "$(cat out)"
grep -q 'qwen3, 1 layers, width 64' err
for f in config.json model.safetensors tokenizer.json tokenizer_config.json metrics.jsonl checkpoint/trainer_state.json; do
    [ -f run/$f ] || fail "no run/$f"
done
[ "$(grep -c '^{"step"' run/metrics.jsonl)" = 12 ] || fail "metrics"
"$YH" generate run -p "Number" >/dev/null 2>err || { cat err >&2; fail "yh generate opens the run"; }
"$YH" train $small -o run --steps 12 2>/dev/null | grep -q '12 steps' || fail "a finished run is told again"

# memory: what was predicted is within 5% of what was used (a model large enough to count)
for pack in off on; do
    "$YH" train --data tokens -o memory-$pack --depth 3 --context 64 --micro-batch 16 --steps 4 --pack-weights $pack --json >out 2>err
    grep -q '__[at]san_init' "$YH" || awk -F'[:,]' '{ for (i = 1; i < NF; i++) { if ($i ~ /memory_predicted/) p = $(i+1)
        if ($i ~ /memory_peak/) m = $(i+1) } }
    END { r = m / p; print "memory: " r " of the predicted"; exit !(r > 0.95 && r < 1.05) }' out || fail "$(cat out)"
done
cmp memory-off/model.safetensors memory-on/model.safetensors || fail "packed weights changed the result"
grep -q 'weights packed' err || fail "$(cat err)"

expect 2 "--data TOKENS and --out RUN" "$YH" train -o x
expect 2 "--steps must be" "$YH" train $small -o x --steps 0
expect 2 "--pack-weights" "$YH" train $small -o x --pack-weights maybe
expect 2 "--optimizer" "$YH" train $small -o x --optimizer sgd
expect 1 "no model \"nosuch\"" "$YH" train --data tokens -o x --model nosuch
expect 1 "nowhere" "$YH" train --data nowhere -o x
expect 1 "other options: steps (12, now 13)" "$YH" train $small -o run --steps 13
expect 1 "must be 0 to" "$YH" train $small -o x --steps 2 --beta2 1.5
expect 1 "less than one row" "$YH" train --data tokens -o x --depth 1 --context 100000 --steps 1
expect 1 "are available" "$YH" train --data tokens -o x --depth 1 --context 32 --micro-batch 500000 --steps 1

# a tokenizer that is not the tokens'; a model with a smaller vocabulary
printf '{"text": "entirely different words make another vocabulary"}\n' >other.jsonl
"$YH" tok train other.jsonl -o othertok -v 300 2>/dev/null
expect 1 "is not the tokenizer" "$YH" train $small -o x --steps 2 --tokenizer othertok
sed 's/"vocab_size": *[0-9]*/"vocab_size": 100/' run/config.json >small.json
expect 1 "vocabulary of 100" "$YH" train --data tokens -o x --model small.json --steps 2
# ids past the vocabulary: the shard is damaged behind its index
cp -r tokens badtokens
for f in badtokens/train-*.bin; do printf '\377\377\377\377' | dd of="$f" bs=1 seek=2000 conv=notrunc 2>/dev/null; done
expect 1 "past the model's vocabulary" "$YH" train --data badtokens -o x --depth 1 --context 32 --steps 300 --order stream

# a configuration as a file, GPT-2's architecture, AdamW, cosine
"$YH" train --data tokens -o named --model nanogpt-shakespeare-char --steps 3 --eval-tokens 256 >/dev/null 2>err || { cat err >&2; fail nanogpt; }
"$YH" train --data tokens -o again --model named/config.json --steps 2 --context 32 --optimizer adamw --schedule cosine >/dev/null 2>err || { cat err >&2; fail config.json; }
"$YH" train --data tokens -o more --model named --steps 2 --context 32 >/dev/null 2>err || { cat err >&2; fail "going on from a model folder"; }

# SIGTERM: saved at a step's border, status 1, the same command goes on
"$YH" train $small -o term --steps 100000 --no-samples >/dev/null 2>err &
pid=$!
n=0
until grep -qs '"step":3,' term/metrics.jsonl || [ $n -ge 600 ]; do sleep 0.05; n=$((n + 1)); done
expect 1 "another process" "$YH" train $small -o term --steps 100000
kill -TERM $pid
rc=0
wait $pid || rc=$?
[ $rc = 1 ] || fail "status $rc after SIGTERM"
grep -q 'stopped after step' err || grep -q 'stopped after step' out || true
[ -f term/checkpoint/trainer_state.json ] && [ -f term/model.safetensors ] || fail "nothing saved on SIGTERM"

# no space (a limit on the size of files stands for a full disk): a clear error, the checkpoint of
# before intact
sum=$(cksum <term/checkpoint/model.safetensors)
rc=0
(ulimit -f 16; trap '' XFSZ; exec "$YH" train $small -o term --steps 100000 --save-every 1 --no-samples) >out 2>err || rc=$?
[ $rc = 1 ] || fail "status $rc with no space"
grep -q 'cannot write' err || { cat err >&2; fail "no clear error with no space"; }
[ "$(cksum <term/checkpoint/model.safetensors)" = "$sum" ] || fail "the checkpoint was touched"
[ ! -e term/checkpoint.new ] || fail "half a checkpoint was left"

if [ "$(id -u)" != 0 ]; then
    mkdir readonly && chmod 555 readonly
    expect 1 "readonly" "$YH" train $small -o readonly --steps 2
fi
expect 1 "/proc/no" "$YH" train $small -o /proc/no --steps 2
echo ok
