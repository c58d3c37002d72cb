# yh clean: golden output, broken inputs, kills, threads, locks.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
texts() { zstd -dcq "$1"/part-*.jsonl.zst; }
gone() { zstd -dcq "$1"/removed-*.jsonl.zst; }
if ! command -v zstd >/dev/null; then echo "skipped: no zstd program"; exit 77; fi

# ---- golden output on a small folder
mkdir -p raw/a raw/b
long="This is the first paragraph of a document that is long enough to be kept by the rules."
printf '%s\r\n\r\n\r\n\r\n\r\nSecond   paragraph with a zero\342\200\213width space and cafe\314\201.  \r\n' "$long" >raw/a/one.txt
printf '%s' "$long" | gzip >raw/a/two.txt.gz
printf '%s' "$long" | zstd -q >raw/a/twin.md.zst
printf 'short\n' >raw/a/short.txt
printf '\320\322\320\302\315\362\304\352\300\254\273\370\315\370\325\276\265\304\265\332\322\273\266\316\316\304\327\326\243\254\323\303\300\264\262\342\312\324\261\340\302\353\265\304\305\320\266\317\241\243\326\320\316\304\326\320\316\304\241\243' >raw/a/gb.txt
printf '<html><head><title>A  page</title><script>var x = "<p>no</p>";</script></head><body><nav><a href=/>Home</a><a href=/x>Other</a></nav><article><h1>Heading</h1><p>The main text of a page, which has a menu above it, and which no other document repeats.</p><ul><li>first item of a list</li><li>second item</li></ul><table><tr><td>a</td><td>b</td></tr></table></article><footer>Imprint</footer></body></html>' >raw/b/page.html
printf '{"text":"%s Line one of JSON."}\n{"text": broken\n{"instruction":"Name a colour and say why you like it so very much.","input":"","output":"Blue, for it is the colour of the sky."}\n{"nothing":1}\n' "$long" >raw/b/lines.jsonl
printf '[{"content":["%s","Array element."]},\n {"body":"%s Body."}]' "$long" "$long" >raw/b/list.json
printf 'GIF89a' >raw/b/pic.gif
: >raw/b/empty.txt
"$YH" clean raw -o out >stdout 2>stderr || fail "clean of a small folder"
texts out >kept
gone out >removed
has kept '{"text":"This is the first paragraph of a document that is long enough to be kept by the rules.\n\n\nSecond   paragraph with a zerowidth space and café.","id":"a/one.txt","source":"a","meta":{}}'
has kept '"id":"a/gb.txt","source":"a","meta":{"encoding":"GB18030"}'
has kept '"id":"b/lines.jsonl:1"'
has kept 'Name a colour and say why you like it so very much.\n\nBlue, for it is the colour of the sky.","id":"b/lines.jsonl:3"'
has kept '\nArray element.","id":"b/list.json:1","source":"b"'
has kept 'Heading\n\nThe main text of a page'
has kept '- first item of a list\n- second item\n\na | b","id":"b/page.html","source":"b","meta":{"title":"A page"}'
grep -q 'Imprint\|Home\|var x' kept && fail "navigation was kept"
has removed '"id":"a/short.txt","source":"a","rule":"too_short"'
has removed '"rule":"exact_document"'
[ "$(grep -c . kept)" = 8 ] || fail "$(grep -c . kept) documents were kept"
"$YH" clean raw -o out --json >report 2>/dev/null || fail "finished output is not recognised"
has report '"exact_document":1'
has report 'lines.jsonl","place":"json 2","what":"not valid JSON'
has report '"format not known":1'
has report '"empty":1'

# ---- broken inputs: counted and named, the good part kept
mkdir broken
awk 'BEGIN { srand(3); for (i = 0; i < 20000; i++) print "{\"text\":\"Record " i " of a file that will be cut in the middle, with the number " int(rand() * 1e9) " in it.\"}" }' >good.jsonl
gzip -c good.jsonl | head -c 150000 >broken/cut.jsonl.gz
zstd -qc good.jsonl | head -c 150000 >broken/cut.jsonl.zst
head -c 300000 /dev/urandom >broken/noise.txt
head -c 300000 /dev/urandom >broken/noise.jsonl
head -c 300000 /dev/urandom >broken/noise.html
head -c 3000000 /dev/zero | tr '\0' '[' >broken/deep.json
head -c 2000000 /dev/zero | tr '\0' '<' >broken/angle.html
printf 'not gzip at all' >broken/no.txt.gz
"$YH" clean broken -o broken.out --json >report 2>stderr || { cat stderr; fail "broken input was fatal"; }
has report 'cut.jsonl.gz","what":"gzip data end too early'
has report 'cut.jsonl.zst","what":"zstd data end too early'
texts broken.out >kept
has kept 'Record 0 of a file'
"$YH" clean missing -o x >/dev/null 2>stderr && fail "a missing input was accepted"
has stderr 'missing'

# ---- killed at any time, the same command gives the same bytes; so do other numbers of threads
mkdir big
awk 'BEGIN { srand(7); for (f = 0; f < 12; f++) for (i = 0; i < 1200; i++) { s = ""; for (k = 0; k < 60; k++) s = s " word" int(rand() * 5000); if (i % 7 == 0) s = s "\\nThis notice appears in a great many documents of this collection and should go away after the third time."; print "{\"text\":\"" (i % 50 == 0 ? "the same text again and again, in many places of the files, to be found as a duplicate" : s) "\"}" > ("big/f" f ".jsonl") } }'
begin=$(milliseconds)
"$YH" clean big -o want --shard-size 100k --threads 1 >/dev/null 2>&1 || fail "clean of the big folder"
took=$(($(milliseconds) - begin))
[ "$(ls want/part-* | wc -l)" -gt 10 ] || fail "too few shards for this test"
kills=0
tries=0
while [ $kills -lt 8 ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    if kill_within $took "$YH" clean big -o got --shard-size 100k --threads 2; then
        kills=$((kills + 1))
    else # it was faster: once more from the beginning
        for f in want/part-* want/removed-*; do cmp "$f" "got/${f#want/}" || fail "differs after $kills kills"; done
        rm -rf got
    fi
done
[ $kills -ge 8 ] || fail "only $kills of $tries runs were killed"
"$YH" clean big -o got --shard-size 100k --threads 3 >/dev/null 2>&1 || fail "going on after kills"
for f in want/part-* want/removed-*; do cmp "$f" "got/${f#want/}" || fail "differs after kills"; done
grep -v second want/report.json >w
grep -v second got/report.json >g
cmp w g || fail "the report differs after kills"
[ -z "$(find got -name '*tmp*')" ] || fail "temporary files are left"
has got/report.json '"exact_line"'

# ---- a changed option starts again and says so
"$YH" clean big -o got --shard-size 100k --min-chars 100 >/dev/null 2>stderr || fail "changed options"
has stderr 'starting again'

# ---- two processes on one folder, and folders that cannot be written
if command -v flock >/dev/null; then
    "$YH" clean raw -o busy >/dev/null 2>&1
    flock busy/.lock "$YH" clean raw -o busy >/dev/null 2>stderr && fail "two processes on one folder"
    has stderr 'another process'
fi
: >afile
"$YH" clean raw -o afile >/dev/null 2>stderr && fail "wrote into a file"
has stderr 'afile'
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 555 locked
    "$YH" clean raw -o locked/x >/dev/null 2>stderr && fail "wrote into a read-only folder"
    has stderr 'locked'
    chmod 755 locked
fi
"$YH" clean raw >/dev/null 2>&1 && fail "no -o"
[ $? = 0 ] || true
echo ok
