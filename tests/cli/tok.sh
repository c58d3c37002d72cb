# Training, and using what was trained; the same with other thread counts; wrong usage.
cd "$SCRATCH"
i=0
while [ $i -lt 300 ]; do
    echo "The cat number $i sat on the mat, and it's 你好世界 that the cat said."
    i=$((i + 1))
done >text.txt
"$YH" tok train text.txt -o tok --vocab 300 2>/dev/null
"$YH" tok train text.txt -o tok1 --vocab 300 --threads 1 2>/dev/null
"$YH" tok train text.txt -o tok3 --vocab 300 --threads 3 2>/dev/null
cmp tok/tokenizer.json tok1/tokenizer.json
cmp tok/tokenizer.json tok3/tokenizer.json
"$YH" tok info tok | grep -q "vocabulary     300, of them 3 special"
"$YH" tok info tok --json | grep -q '"eos": 297'

# there and back, bytes that are no UTF-8 as U+FFFD
"$YH" tok encode --tok tok text.txt | "$YH" tok decode --tok tok >back.txt
cmp text.txt back.txt
printf 'a\377b' | "$YH" tok encode -t tok | "$YH" tok decode -t tok >bad.txt
printf 'a\357\277\275b' | cmp - bad.txt

# counted and by many threads: the same as stored by one
i=0
while [ $i -lt 8 ]; do cat text.txt text.txt text.txt text.txt text.txt; i=$((i + 1)); done >long.txt
"$YH" tok encode --tok tok --threads 1 long.txt >one.ids
"$YH" tok encode --tok tok --threads 3 long.txt >many.ids
cmp one.ids many.ids
n=$(wc -w <one.ids)
[ "$("$YH" tok count --tok tok --threads 3 --json long.txt)" = "{\"documents\": 1, \"tokens\": $n, \"bytes\": $(wc -c <long.txt)}" ]
[ "$("$YH" tok encode --tok tok -c long.txt)" = "$n" ]
[ "$("$YH" tok count --tok tok <long.txt | awk '{ print $1 }')" = "$n" ]
printf '{"text":"The cat"}\n{"text":"sat on the mat"}\n' >docs.jsonl
a=$("$YH" tok encode --tok tok -c -p "The cat") b=$("$YH" tok encode --tok tok -c -p "sat on the mat")
"$YH" tok count --tok tok --json docs.jsonl | grep -q "\"documents\": 2, \"tokens\": $((a + b)), \"bytes\": 21"
"$YH" tok count --tok tok long.txt docs.jsonl | tail -n 1 | grep -q "3 documents  total"

# special tokens are text unless asked for
[ "$("$YH" tok encode -t tok -s -p '<|endoftext|>')" = 297 ]
[ "$("$YH" tok encode -t tok -p '<|endoftext|>' | wc -w)" -gt 1 ]
[ "$("$YH" tok decode -t tok --skip-special 297 298 | wc -c)" = 0 ]
[ "$("$YH" tok encode -t tok/tokenizer.json -c -s -p '<|im_start|><|im_end|>')" = 2 ]
"$YH" tok encode -t tok --offsets -p 'é' | awk '$2 != 0 || $3 != 2 { exit 1 }'

# errors: status and words
expect() {
    want=$1 words=$2
    shift 2
    got=0
    "$YH" "$@" >out 2>err </dev/null || got=$?
    [ "$got" = "$want" ] || { echo "status $got instead of $want: $*"; exit 1; }
    grep -q "$words" err || { echo "no \"$words\" in:"; cat err; exit 1; }
}
expect 2 "needs -o" tok train text.txt
expect 2 "vocab" tok train text.txt -o x --vocab 12
expect 2 "needs --tok" tok encode text.txt
expect 1 "missing.txt" tok count --tok tok missing.txt
expect 2 "no \"fly\"" tok fly
expect 1 "no-such" tok info no-such
expect 1 "past the vocabulary" tok decode -t tok 300
expect 1 "ids are numbers" tok decode -t tok abc
[ ! -e x ]
mkdir broken
for change in 's/"type": "BPE"/"type": "Unigram"/' 's/"NFC"/"NFX"/' 's/"!": 0/"!": 1/' \
    's/"!": 0/"!": -7/' 's/"merges"/"murges"/' 's/"version"/version/' 's/"Isolated"/"Sideways"/'; do
    sed "$change" tok/tokenizer.json >broken/tokenizer.json
    expect 1 "broken/tokenizer.json" tok info broken
done
sed 's/"type": "BPE"/"type": "Unigram"/' tok/tokenizer.json >broken/tokenizer.json
expect 1 "Unigram" tok info broken

# training options: memory, special tokens, rare pairs, nothing to train on
"$YH" tok train text.txt -o small --vocab 300 --memory 32Mi --heldout 0 >/dev/null 2>&1
"$YH" tok train text.txt -o own --vocab 300 --special-token '</s>' --special-token '<s>' >/dev/null 2>&1
[ "$("$YH" tok encode -t own -s -p '</s><s>')" = "298 299" ]
"$YH" tok train text.txt -o rare --vocab 2000 --min-count 200 >/dev/null 2>err
grep -q "instead of 2000" err
: >empty.txt
expect 1 "no text" tok train empty.txt -o none
expect 2 "at least" tok train text.txt -o none --memory 1k
expect 1 "given twice" tok train text.txt -o none --special-token "<a>" --special-token "<a>"
expect 2 "special tokens" tok train text.txt -o none --vocab 100
[ ! -e none/tokenizer.json ]

# comparing: by source and by language
mkdir data data/news
cp text.txt data/news/a.txt
printf 'Привет, мир. Привет, мир. Привет, мир.\n' >data/ru.txt
"$YH" tok compare tok own/tokenizer.json --data data >table
grep -q "^news (" table
grep -q "^ru.txt (" table
grep -q "^Cyrillic (" table
grep -q "^  own " table
mkdir -p two/own && cp own/tokenizer.json two/own/
"$YH" tok compare own two/own --data data >table
grep -q "^  two/own " table
"$YH" tok compare tok --data data --json | grep -q '"bytes_per_token"'
# the language that yh clean found goes before the script
mkdir -p corp
echo '{}' >corp/report.json
echo '{"text": "ein Haus am See", "id": "1", "source": "a", "meta": {"lang": "de"}}' >corp/part-00000.jsonl
echo '{"text": "a house", "id": "2", "source": "a", "meta": {}}' >>corp/part-00000.jsonl
"$YH" tok compare tok --data corp >table
grep -q "^de (" table
grep -q "^Latin script (" table
expect 2 "needs --data" tok compare tok
expect 2 "needs tokenizers" tok compare --data data
expect 1 "no-such" tok compare tok --data no-such

# a unigram vocabulary: there and back, bytes of rare characters, any number of threads
awk 'BEGIN { srand(3); split("the ca ts and do gs ran un der bri dge where wa ter flow s", w, " ");
    for (i = 0; i < 3000; i++) { s = ""; for (k = 0; k < 12; k++) {
        s = s " "; for (n = 1 + int(rand() * 4); n > 0; n--) s = s w[1 + int(exp(rand() * 2.77))] }
    print s " 你好世界。" } }' >uni.txt
"$YH" tok train uni.txt -o uni --model unigram --vocab 400 --heldout 0 >/dev/null 2>err
"$YH" tok train uni.txt -o uni1 --model unigram --vocab 400 --heldout 0 --threads 1 >/dev/null 2>&1
cmp uni/tokenizer.json uni1/tokenizer.json
"$YH" tok info uni | grep -q "vocabulary     400, of them 3 special"
printf 'the cats  were é 你好\n\n<0x41> water' >odd.txt
"$YH" tok encode -t uni odd.txt | "$YH" tok decode -t uni | cmp - odd.txt
# spaceless text that does not fit: a sample of it, the same for any number of threads
awk 'BEGIN { srand(5); split("的 一 是 不 了 在 人 有 我 他 这 中 大 来 上 国 个 到 说 们", w, " ");
    for (i = 0; i < 20000; i++) { s = ""; for (k = 0; k < 40; k++) s = s w[1 + int(20 * rand())]; print s } }' >han.txt
"$YH" tok train han.txt -o han --model unigram --vocab 400 --heldout 0 --memory 32Mi >/dev/null 2>err
grep -q "a sample was taken, one of [2-9] words of the text" err
"$YH" tok train han.txt -o han1 --model unigram --vocab 400 --heldout 0 --memory 32Mi --threads 1 >/dev/null 2>&1
cmp han/tokenizer.json han1/tokenizer.json
"$YH" tok encode -t han han.txt | "$YH" tok decode -t han | cmp - han.txt
expect 2 "bpe or unigram" tok train uni.txt -o none --model wordpiece
expect 2 "for --model bpe" tok train uni.txt -o none --model unigram --pattern gpt2
expect 1 "characters that must be tokens" tok train uni.txt -o none --model unigram --vocab 270
