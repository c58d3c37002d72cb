# yh generate, chat, eval, info, convert on a small model that is trained here; and on broken ones.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
# refuse STATUS TEXT COMMAND...: the command ends with STATUS, its message holds TEXT, no crash.
refuse() {
    status=$1 text=$2
    shift 2
    rc=0
    "$@" >refused.out 2>refused.err </dev/null || rc=$?
    [ "$rc" = "$status" ] || { cat refused.err >&2; fail "$* ended with $rc, not $status"; }
    has refused.err "$text"
}

# ---- a model
i=0
while [ $i -lt 60 ]; do
    printf '{"text":"Tale %d. The cat saw the dog and the dog saw the cat. One two three four five six seven. The end of tale %d is here."}\n' $i $i
    i=$((i + 1))
done >tales.jsonl
"$YH" tok train tales.jsonl -o tok -v 300 2>/dev/null >/dev/null || fail "tok train"
"$YH" pack tales.jsonl --tok tok -o tokens --heldout 100 >/dev/null 2>pack.err || { cat pack.err >&2; fail "pack"; }
cat >config.json <<'END'
{"model_type": "qwen3", "vocab_size": 300, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 128, "max_position_embeddings": 128,
 "tie_word_embeddings": true, "eos_token_id": 297}
END
"$YH" train -d tokens -o model -m config.json --steps 25 --batch-tokens 512 --context 128 --seed 1 \
    >train.out 2>train.err || { tail -5 train.err >&2; fail "train"; }

# ---- generate: the same seed gives the same text, whatever the threads
"$YH" generate model -p "Tale 7. The cat" -n 40 --seed 5 --threads 1 >one
"$YH" generate model -p "Tale 7. The cat" -n 40 --seed 5 --threads 2 >two
cmp -s one two || fail "the text depends on the number of threads"
printf 'Tale 7. The cat' | "$YH" generate model -n 40 --seed 5 >three
cmp -s one three || fail "a prompt through a pipe gives another text"
"$YH" generate model -p "Tale 7. The cat" -n 40 --seed 6 --ignore-eos >four
cmp -s one four && fail "another seed gives the same text"
"$YH" generate model -p "Tale 7. The cat" -n 40 --seed 5 --json >one.json
has one.json '"prompt_tokens"'
has one.json '"seed": 5'
"$YH" generate model -p "" -n 5 --seed 1 >empty || fail "an empty prompt"
"$YH" generate model -p "One two" -t 0 -n 0 --ignore-eos --json >full.json
has full.json '"finish": "length"'

# ---- stop texts: cut where the text has them, also inside and across tokens
"$YH" generate model -p "The cat" -t 0 -n 30 --ignore-eos >greedy
text=$(head -c 24 greedy)
stop=$(printf %s "$text" | tail -c 5)
"$YH" generate model -p "The cat" -t 0 -n 30 --ignore-eos --stop "never in the text" --stop "$stop" --json >stopped.json
has stopped.json '"finish": "stop"'
"$YH" generate model -p "The cat" -t 0 -n 30 --ignore-eos --stop "$stop" >stopped
grep -qF -- "$stop" stopped && fail "the stop text was printed"
n=$(($(wc -c <stopped) - 1))
[ "$(head -c "$n" stopped)" = "$(head -c "$n" greedy)" ] || fail "text before the stop differs"

# ---- chat through a pipe
printf 'The cat\n/help\nOne two\n/reset\nThe cat\n' | "$YH" chat model -t 0 -n 12 >chat.out 2>chat.err || fail "chat"
has chat.err "/quit"
[ "$(head -n 1 chat.out)" = "$(tail -n 1 chat.out)" ] || fail "/reset does not forget"
printf '/quit\nThe cat\n' | "$YH" chat model >chat.out 2>/dev/null
[ -s chat.out ] && fail "/quit does not leave"
refuse 2 "chat template" "$YH" chat model --system "Be brief."
cp -r model tuned
sed -i "s/^{/{ \"chat_template\": \"{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}\",/" tuned/tokenizer_config.json
printf 'The cat\nOne two\n/reset\nThe cat\n' | "$YH" chat tuned -t 0 -n 6 --system "Be brief." --stats >chat.out 2>chat.err || { cat chat.err >&2; fail "chat with a template"; }
[ "$(head -n 1 chat.out)" = "$(tail -n 1 chat.out)" ] || fail "/reset does not forget with a template"
i=0
while [ $i -lt 12 ]; do echo "One two three four"; i=$((i + 1)); done | "$YH" chat tuned -t 0 -n 4 >chat.out 2>chat.err || { cat chat.err >&2; fail "a long chat"; }
has chat.err "the oldest part is left out"

# ---- eval: the token folder and the documents give the same
"$YH" eval model --tokens tokens --json >a.json 2>/dev/null
"$YH" eval model --data tales.jsonl --heldout 100 --json >b.json 2>/dev/null
for key in documents tokens bytes bits_per_byte; do
    [ "$(grep -m1 "\"$key\"" a.json)" = "$(grep -m1 "\"$key\"" b.json)" ] || { cat a.json b.json >&2; fail "eval: $key differs"; }
done
"$YH" eval model --data tales.jsonl >table 2>/dev/null
has table tales
has table bits/byte
"$YH" eval model --ids 1,2,3 --logits l.f32 >/dev/null
[ "$(wc -c <l.f32)" = 3600 ] || fail "size of the logits"
refuse 2 "--ids" "$YH" eval model --ids 1,x --logits l.f32
refuse 1 "past the model's vocabulary" "$YH" eval model --ids 300 --logits l.f32
refuse 2 "give one of" "$YH" eval model
refuse 1 "nothing.jsonl" "$YH" eval model --data nothing.jsonl

# ---- info and convert
for p in model model/checkpoint model/model.safetensors tok tokens; do
    "$YH" info "$p" >info.out 2>info.err || { cat info.err >&2; fail "info $p"; }
    "$YH" info "$p" --json >info.json || fail "info --json $p"
    has info.out kind
done
"$YH" info model >info.out
has info.out "model, tokenizer"
has info.out qwen3
refuse 1 "no such file" "$YH" info nowhere
"$YH" convert model -o copy --store f32 >/dev/null
"$YH" generate copy -p "Tale 7. The cat" -n 40 --seed 5 >five
cmp -s one five || fail "a converted model gives another text"
refuse 2 "another folder" "$YH" convert model -o ./model

# ---- broken models
refuse 1 "no such folder" "$YH" generate nowhere -p x
refuse 1 "config.json" "$YH" generate tok -p x
refuse 2 "temperature" "$YH" generate model -p x -t -1
refuse 2 "precision" "$YH" generate model -p x --precision f8
refuse 1 "the model has 128" "$YH" generate model -p x --context 1000
cp -r copy bad
truncate -s -7 bad/model.safetensors
refuse 1 "cut short" "$YH" generate bad -p x
printf '\377\377\377\377\377\377\377\177{}' >bad/model.safetensors
refuse 1 "claims a header of 9223372036854775807 bytes" "$YH" generate bad -p x
: >bad/model.safetensors
refuse 1 "has 0 bytes" "$YH" generate bad -p x
rm bad/model.safetensors
refuse 1 "there is no model.safetensors" "$YH" generate bad -p x
cp copy/model.safetensors bad/
sed -i 's/"hidden_size": 64/"hidden_size": 640000000000/' bad/config.json
refuse 1 "hidden_size" "$YH" generate bad -p x
cp copy/config.json bad/
sed -i 's/"vocab_size": 300/"vocab_size": 299/' bad/config.json
refuse 1 "embed_tokens" "$YH" generate bad -p x
cp copy/config.json bad/
"$YH" tok train tales.jsonl -o bad -v 310 >/dev/null 2>&1 || fail "tok train"
refuse 1 "do not belong together" "$YH" generate bad -p x
refuse 1 "do not belong together" "$YH" eval bad --data tales.jsonl
rm bad/tokenizer.json
refuse 1 "tokenizer.json" "$YH" generate bad -p x
printf '{' >bad/tokenizer.json
refuse 1 "tokenizer.json" "$YH" generate bad -p x
chmod -R u+w . 2>/dev/null || true
