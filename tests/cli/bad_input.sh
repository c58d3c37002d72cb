# A tour of bad input: every command ends with status 1 or 2 and a message that names the file, and
# leaves nothing half-written. Broken models and safetensors files are in generate.sh as well.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
# refuse STATUS TEXT COMMAND...: the command ends with STATUS, its message holds TEXT.
refuse() {
    status=$1 text=$2
    shift 2
    rc=0
    "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" = "$status" ] || { cat err >&2; fail "$* ended with $rc, not $status"; }
    grep -qF -- "$text" err || { cat err >&2; fail "$*: no \"$text\""; }
}
no_files() { [ -z "$(find "$1" -type f ! -name .lock 2>/dev/null)" ] || fail "files were left in $1"; }
absent() { for f in "$@"; do [ ! -e "$f" ] || fail "$f was left"; done; }

# ---- something good to start from
i=0
while [ $i -lt 40 ]; do
    echo "{\"text\":\"Tale $i. The cat saw the dog and the dog saw the cat. One two three four five six seven. The end of tale $i is here.\"}"
    i=$((i + 1))
done >tales.jsonl
cat >config.json <<'END'
{"model_type": "qwen3", "vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
 "num_key_value_heads": 1, "head_dim": 16, "intermediate_size": 32, "max_position_embeddings": 64,
 "tie_word_embeddings": true, "eos_token_id": 297}
END
train() { "$YH" train -d "$1" -o "$2" -m config.json --steps 2 --batch-tokens 128 --context 64 --no-samples --seed 1; }
"$YH" tok train tales.jsonl -o tok -v 300 >/dev/null 2>&1 || fail "tok train"
"$YH" tok train tales.jsonl -o tok2 -v 280 >/dev/null 2>&1 || fail "tok train"
"$YH" pack tales.jsonl --tok tok -o tokens --heldout 100 >/dev/null 2>&1 || fail "pack"
"$YH" pack tales.jsonl --tok tok2 -o tokens2 >/dev/null 2>&1 || fail "pack"
train tokens model >/dev/null 2>err || { cat err >&2; fail "train"; }

# ---- raw files: what can be read is read, the rest is named; only nothing at all is an error
mkdir raw
printf 'A sentence that is quite long enough to be kept, since it has many more than sixty characters.\n' >raw/good.txt
: >raw/empty.txt
head -c 20000 /dev/urandom >raw/binary.txt
head -c 20000 /dev/urandom >raw/random.jsonl
head -c 20000 /dev/urandom >raw/random.html
gzip -c tales.jsonl | head -c 200 >raw/cut.jsonl.gz
echo 'no gzip data at all, although the name says that it is: a damaged beginning' >raw/named.txt.gz
printf '(\265/\375 damaged' >raw/damaged.txt.zst
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; }' >raw/deep.json
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "{\"text\":"; }' >raw/deep.jsonl
"$YH" clean raw -o corpus --json >report 2>/dev/null || fail "clean of a mixed folder"
for name in empty.txt named.txt.gz damaged.txt.zst cut.jsonl.gz deep.json deep.jsonl random.jsonl; do
    grep -qF "$name" report || fail "the report does not name $name"
done
for name in empty.txt binary.txt random.html random.jsonl deep.json deep.jsonl named.txt.gz damaged.txt.zst; do
    rm -rf none
    refuse 1 "none/report.json says why" "$YH" clean raw/$name -o none
    rm -rf none
    refuse 1 "raw/$name" "$YH" pack raw/$name --tok tok -o none
    absent none/tokens.json
    refuse 1 "" "$YH" tok train raw/$name -o none2 -v 300
    absent none2
    refuse 1 "raw/$name" "$YH" eval model --data raw/$name
    rm -rf none
    refuse 1 "too little to train on" "$YH" make raw/$name -o none --minutes 0.01
    absent none/model.safetensors none/report.json
done
rm -rf none
refuse 1 "end too early" "$YH" pack raw/cut.jsonl.gz --tok tok -o none
refuse 1 "end too early" "$YH" tok train raw/cut.jsonl.gz -o none2
absent none/tokens.json none2
for command in "clean nowhere -o none3" "tok train nowhere -o none3" "pack nowhere --tok tok -o none3" \
    "pack tales.jsonl --tok nowhere -o none3" "train -d nowhere -o none3" "eval nowhere --tokens tokens" \
    "eval model --tokens nowhere" "generate nowhere -p x" "chat nowhere" "info nowhere" "make nowhere -o none3"; do
    # shellcheck disable=SC2086  # words
    refuse 1 "nowhere" "$YH" $command
    absent none3
done
for command in "clean raw" "tok train tales.jsonl" "pack tales.jsonl --tok tok" "train -d tokens" "make raw"; do
    # shellcheck disable=SC2086
    refuse 1 "config.json" "$YH" $command -o config.json
done
refuse 1 "is neither a file nor a folder" "$YH" clean /dev/zero -o none3

# one endless line: cut, or left out, in little memory
(awk 'BEGIN { for (i = 0; i < 900000; i++) printf "no line ends in this file %d ", i; }') >line.txt
"$YH" clean line.txt -o line >/dev/null 2>&1 || fail "clean of one long line"
(printf '{"text":"'; cat line.txt) >line.jsonl
refuse 1 "is longer than 16777216 bytes" "$YH" pack line.jsonl --tok tok -o none3
absent none3/tokens.json
rm -f line.txt line.jsonl

# ---- tokens
damage() { rm -rf bad && cp -r tokens bad; }
damage; truncate -s -2 bad/train-00000.bin
refuse 1 "bad/train-00000.bin" train bad none4
refuse 1 "bad/train-00000.bin" "$YH" eval model --tokens bad
refuse 1 "bad/train-00000.bin" "$YH" info bad
damage; truncate -s -1 bad/train-00000.idx
refuse 1 "bad/train-00000.idx" train bad none4
damage; rm bad/train-00000.bin
refuse 1 "bad/train-00000.bin" train bad none4
damage; : >bad/tokens.json
refuse 1 "bad/tokens.json" train bad none4
damage; sed -i 's/"tokens": [0-9]*/"tokens": 9223372036854775807/' bad/tokens.json
refuse 1 "9223372036854775807" train bad none4
no_files none4
damage; n=$(wc -c <bad/train-00000.bin)
awk -v n="$n" 'BEGIN { for (i = 0; i < n; i++) printf "\377" }' >bad/train-00000.bin
truncate -s "$n" bad/train-00000.bin
refuse 1 "past the model's vocabulary" train bad none4
absent none4/model.safetensors
refuse 1 "past the model's vocabulary" "$YH" eval model --tokens bad --train-split
refuse 1 "checksum" "$YH" info bad --verify

# ---- a tokenizer that is not the model's
refuse 1 "do not belong together" "$YH" generate model -p x --tok tok2
refuse 1 "not packed with this model's tokenizer" "$YH" train -d tokens2 -o none5 -m model --steps 1
absent none5/model.safetensors
refuse 1 "past the vocabulary" "$YH" tok decode -t tok 300

# ---- configurations
cp -r model changed
change() { sed "$1" model/config.json >changed/config.json; refuse 1 "changed/config.json" "$YH" generate changed -p x -n 1; }
for number in 9223372036854775807 99999999999999999999999 1e400 -1 0 0.5 '"many"' '[]'; do
    change "s/\"hidden_size\": [0-9]*/\"hidden_size\": $number/"
done
for key in num_hidden_layers num_attention_heads vocab_size intermediate_size; do
    change "s/\"$key\": [0-9]*/\"$key\": 2147483648/"
done
change 's/"num_attention_heads": 2/"num_attention_heads": 3/;s/"num_key_value_heads": 1/"num_key_value_heads": 2/'
change 's/qwen3/mystery/;s/Qwen3/Mystery/'
change 's/}$//'
refuse 1 "changed/config.json" "$YH" train -d tokens -o none6 -m changed/config.json --steps 1
no_files none6

# ---- wrong use
for o in "--steps -1" "--minutes nan" "--lr nan" "--context 0" "--depth 65" "--precision f8" "--tokens 9e30"; do
    # shellcheck disable=SC2086
    refuse 2 "usage" "$YH" train -d tokens -o none6 $o
done
refuse 2 "usage" "$YH" make raw -o none6 --minutes 0
refuse 2 "usage" "$YH" make raw -o none6 --vocab 4294967996
refuse 1 "choose another folder" "$YH" make raw -o .
no_files none6
absent work
mkdir small-text # the model below its own text is not text, now or when the command is run again
cp raw/good.txt small-text/
refuse 1 "too little to train on" "$YH" make small-text -o small-text/model
refuse 1 "too little to train on" "$YH" make small-text -o small-text/model

# ---- results that cannot be written
if [ -e /dev/full ]; then
    for command in "tok encode -t tok tales.jsonl" "tok info tok" "eval model --tokens tokens" "generate model -p x -n 3" "info model" help "help make" "make --help" --version; do
        rc=0
        # shellcheck disable=SC2086
        "$YH" $command >/dev/full 2>err || rc=$?
        [ "$rc" = 1 ] || fail "$command on a full device ended with $rc"
        grep -q "cannot write to standard output" err || { cat err >&2; fail "$command"; }
    done
fi

# ---- two processes on one folder
if command -v flock >/dev/null; then
    mkdir -p busy/work
    touch busy/.lock busy/work/.lock
    for command in "clean raw" "pack tales.jsonl --tok tok" "train -d tokens" "make raw"; do
        lock=busy/.lock
        [ "${command%% *}" = make ] && lock=busy/work/.lock
        # shellcheck disable=SC2086
        refuse 1 "another process is writing" flock $lock "$YH" $command -o busy
    done
fi

# ---- no space, read-only: these need a file system of their own
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=300k tmpfs small 2>/dev/null; then
    trap 'umount "$SCRATCH/small" 2>/dev/null || true' EXIT
    head -c 400000 /dev/zero >small/fill 2>/dev/null || true
    space="No space left on device"
    refuse 1 "$space" "$YH" tok train tales.jsonl -o small/tok -v 300
    refuse 1 "$space" "$YH" clean raw -o small/corpus
    refuse 1 "$space" "$YH" pack tales.jsonl --tok tok -o small/tokens
    refuse 1 "$space" train tokens small/run
    refuse 1 "$space" "$YH" make raw -o small/made
    refuse 1 "$space" "$YH" convert model -o small/copy
    refuse 1 "$space" "$YH" eval model --ids 1,2,3 --logits small/logits
    [ -z "$(find small -type f ! -name fill -size +0)" ] || { find small -type f >&2; fail "half-written files are left"; }
    rm small/fill # and now there is space: the same commands go on
    "$YH" clean raw -o small/corpus >/dev/null 2>&1 || fail "clean does not go on"
    "$YH" pack tales.jsonl --tok tok -o small/tokens >/dev/null 2>&1 || fail "pack does not go on"
    mkdir small/there
    mount -o remount,ro small
    for command in "clean raw" "tok train tales.jsonl" "pack tales.jsonl --tok tok" "train -d tokens" "make raw" "convert model"; do
        # shellcheck disable=SC2086
        refuse 1 "Read-only file system" "$YH" $command -o small/new
        # shellcheck disable=SC2086
        refuse 1 "Read-only file system" "$YH" $command -o small/there
    done
    umount small
    trap - EXIT
fi

# ---- no memory: an error, never a crash (the sanitizers need more address space than that)
if ! grep -q __asan_init "$YH" && ! grep -q __tsan_init "$YH"; then
    for kib in 10000 12000 16000; do
        for command in "clean raw -o low" "pack tales.jsonl --tok tok -o low2" "generate model -p x -n 2" \
            "train -d tokens -o low3 -m config.json --steps 1 --batch-tokens 128 --context 64"; do
            rc=0
            # shellcheck disable=SC2086,SC3045  # dash knows ulimit -v
            (ulimit -v $kib && exec "$YH" $command --threads 1) >out 2>err </dev/null || rc=$?
            case $rc in
            0 | 127) ;; # 127: not even the libraries fit
            1) grep -qE "memory|available" err || { cat err >&2; fail "$command in $kib KiB says nothing of memory"; } ;;
            *) cat err >&2; fail "$command in $kib KiB ended with $rc" ;;
            esac
        done
        rm -rf low low2 low3
    done
fi
