# yh bench: the limits, one product, one operation, as text and as JSON; wrong usage.
out=$SCRATCH/out
"$YH" bench --limits --seconds 0.1 --json --threads 2 >"$out" 2>/dev/null
grep -q '"threads": 2' "$out"
awk -F'"gflops_f32": ' '{ split($2, v, ","); exit !(v[1] > 0.01) }' "$out"

"$YH" bench --seconds 0.1 --filter 'gemm y=xWt 2048x384x384' >"$out" 2>/dev/null
grep -q '^peak f32 ' "$out"
grep -q '^gemm y=xWt *2048x384x384 ' "$out"
if grep -q 'dW' "$out"; then exit 1; fi

"$YH" bench --seconds 0.1 --filter rmsnorm --json >"$out" 2>/dev/null
grep -q '"op": "rmsnorm", .*"type": "f32", .*"fraction": ' "$out"
"$YH" bench --seconds 0.1 --filter 'muon 384x384' --json >"$out" 2>/dev/null
grep -q '"op": "muon", "shape": "384x384", "type": "f32"' "$out"
YH_ISA=ref "$YH" bench --limits --seconds 0.1 --json >"$out" 2>/dev/null
grep -q '"isa": "ref", .*"gflops_bf16": 0,' "$out"

status=0
"$YH" bench --seconds 0.1 --filter no-such-case >"$out" 2>"$out.err" || status=$?
[ "$status" = 2 ]
grep -q 'no-such-case' "$out.err"
status=0
"$YH" bench --seconds 0 >"$out" 2>&1 || status=$?
[ "$status" = 2 ]

# a whole step: the parts make up the step, and every operation of the model is there
"$YH" bench --seconds 0.1 --model d1 --context 64 --micro-batch 2 --steps 2 --json 2>/dev/null | tail -1 >"$out"
for op in lm_loss linear linear_dw linear_dx attention attention_back embedding_back optimizer; do
    grep -q "\"op\": \"$op\"" "$out"
done
awk -F'"seconds": ' '{ split($2, w, ","); for (i = 3; i <= NF; i++) { split($i, v, ","); sum += v[1] }
    exit !(sum > 0 && sum < 1.5 * w[1]) }' "$out"
"$YH" bench --seconds 0.1 --model d1 --context 64 --muon --recompute 2 --f32 >"$out" 2>/dev/null
grep -q '^d1, f32: .* weights' "$out"
# a configuration has the vocabulary that it says
cat >"$SCRATCH/small.json" <<'END'
{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 259, "n_embd": 64, "n_layer": 1, "n_head": 2,
 "n_positions": 32, "n_ctx": 32, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}
END
"$YH" bench --seconds 0.1 --model "$SCRATCH/small.json" --micro-batch 2 --steps 1 >"$out" 2>/dev/null
grep -q 'small.json, .* 64 tokens a step' "$out"
status=0
"$YH" bench --seconds 0.1 --model no-such-model >"$out" 2>"$out.err" || status=$?
[ "$status" = 1 ]
grep -q 'no-such-model' "$out.err"
