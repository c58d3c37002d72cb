# yh clean divides one large file of lines: the same bytes whatever the threads, the kills, the number of processes.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
# lines keep their numbers and places; one is longer than a slice
awk 'BEGIN { srand(8); for (i = 1; i <= 6000; i++) {
    if (i % 1000 == 7) { print "not json"; continue }
    printf "{\"text\":\"Line %d.", i
    for (k = 0; k < (i == 1500 ? 400000 : 100); k++) printf " word%d", rand() * 5000
    print (i % 31 ? "" : "\\nThis notice appears in a great many documents of this collection and should go away after the third time.") "\"}" } }' >large.jsonl
printf '{"text":"Line 6001. The last one has no line end, as it happens with files of this kind, everywhere."}' >>large.jsonl
large() { "$YH" clean large.jsonl --shard-size 600k --part-chars 10000000 --compress none "$@"; }
begin=$(milliseconds)
large -o want1 --threads 1 >/dev/null 2>&1 || fail "clean of a large file"
took=$(($(milliseconds) - begin))
[ "$(find want1 -name 'part-*' | wc -l)" -gt 2 ] || fail "too few files for this test"
cat want1/part-* | sed -n 's/^{"text":"Line \([0-9]*\)\..*"id":"large.jsonl:\([0-9]*\)".*"offset":\([0-9]*\)[,}].*/\1 \2 \3/p' >places
[ "$(wc -l <places)" -gt 5980 ] || fail "too few documents: $(wc -l <places)"
awk '$1 != $2 { exit 1 }' places || fail "an id that is not the line's number"
tail -4 places | while read -r line _ offset; do
    tail -c +$((offset + 1)) large.jsonl | head -c 40 | grep -q "Line $line\." || fail "the offset of line $line"
done
for share in 3 1 2; do large -o got1 --shard $share/3 >/dev/null 2>&1 || fail "share $share of a large file"; done
same want1 got1
rm -rf got1
kills=0
tries=0
while [ $kills -lt 5 ] && [ $tries -lt 40 ]; do
    tries=$((tries + 1))
    if kill_within $took "$YH" clean large.jsonl --shard-size 600k --part-chars 10000000 --compress none -o got1 --threads 2; then
        kills=$((kills + 1))
    else
        same want1 got1
        rm -rf got1
    fi
done
[ $kills -ge 5 ] || fail "only $kills of $tries runs were killed"
large -o got1 --threads 3 >/dev/null 2>&1 || fail "going on with a large file"
same want1 got1
echo ok
