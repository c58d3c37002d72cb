# Where documents come from (meta.offset) in every format that has places; what a recipe names by
# path belongs to the run; no line end is left behind a last line that was cut.
. "$TESTS/cli-lib.sh"
cd "$SCRATCH"
long="a document that is long enough to be kept by every rule that looks at the length of documents"

# ---- each record is found again at its offset; FIND: a text that only this document has
offset_of() { # CORPUS FIND
    line=$(cat "$1"/part-*.jsonl | grep -F "$2") || fail "$1: no document with $2"
    case $line in
    *'"offset":'*) at=${line##*'"offset":'}; echo "${at%%[!0-9]*}" ;;
    *) echo 0 ;;
    esac
}
check() { # FILE FIND BEGINS-WITH
    rm -rf o
    "$YH" clean "$1" -o o -r minimal --compress none >/dev/null 2>log || { cat log; fail "clean $1"; }
    at=$(offset_of o "$2") || exit 1
    got=$(tail -c +$((at + 1)) "${4:-$1}" | head -c ${#3})
    [ "$got" = "$3" ] || fail "$1: at $at stands \"$got\" instead of \"$3\""
}
i=1
while [ $i -lt 30 ]; do
    printf '{"n":%s,"text":"Line %s is %s"}\n' $i $i "$long"
    i=$((i + 1))
done >lines.jsonl
printf '\357\273\277\n  ' >bom.jsonl
cat lines.jsonl >>bom.jsonl
check lines.jsonl "Line 1 is" '{"n":1,'
check lines.jsonl "Line 27 is" '{"n":27,'
check bom.jsonl "Line 1 is" '{"n":1,'
check bom.jsonl "Line 9 is" '{"n":9,'
gzip -c lines.jsonl >packed.jsonl.gz
check packed.jsonl.gz "Line 20 is" '{"n":20,' lines.jsonl
{ printf '[\n'; sed 's/$/  ,/' lines.jsonl; printf '{"n":99,\n"text":"Line 99 is %s"}]' "$long"; } >array.json
check array.json "Line 2 is" '{"n":2,'
check array.json "Line 99 is" '{"n":99,'
{ printf '['; tr -d '\n' <lines.jsonl; printf ']'; } >glued.json
check glued.json "Line 13 is" '{"n":13,'
{ echo 'id,text'; i=1; while [ $i -lt 9 ]; do printf '%s,"Row %s is\n %s"\n' $i $i "$long"; i=$((i + 1)); done; } >table.csv
check table.csv "Row 1 is" '1,"Row 1'
check table.csv "Row 7 is" '7,"Row 7'
{ echo 'id,text'; i=1; while [ $i -lt 9 ]; do printf '%s,"Zeile %s ist sch\366n f\374r \374ber: %s"\n' $i $i "$long"; i=$((i + 1)); done; } >latin.csv
check latin.csv "Zeile 6" '6,"Zeile 6'
printf 'First %s<|endoftext|>\nSecond %s<|endoftext|>Third %s\n' "$long" "$long" "$long" >marks.txt
check marks.txt "Third" "Third a doc"
for i in 1 2 3; do
    body="Page $i is $long"
    printf 'WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a.example/%s\r\nContent-Type: text/plain\r\nContent-Length: %s\r\n\r\n%s\r\n\r\n' $i ${#body} "$body"
done >web.warc
check web.warc "Page 3 is" "WARC/1.0" || exit 1
[ "$(tail -c +$((at + 1)) web.warc | grep -c Page)" -eq 1 ] || fail "web.warc: not the last record"
mkdir t && cp lines.jsonl t/ && cp table.csv t/ && tar -cf in.tar -C t lines.jsonl table.csv
check in.tar "Line 27 is" '{"n":27,' lines.jsonl
check in.tar "Row 7 is" '7,"Row 7' table.csv

# ---- cleaned again: the first place is kept beside the new one; parts have that of their document
"$YH" clean lines.jsonl -o first -r minimal --compress none >/dev/null 2>&1 || fail "clean"
"$YH" clean first/part-00000.jsonl -o second -r minimal --compress none >/dev/null 2>&1 || fail "again"
want=$(offset_of first "Line 27 is")
grep -F "Line 27 is" second/part-00000.jsonl | grep -qF "\"earlier_offset\":$want" || fail "the earlier offset is lost"
{ head -2 lines.jsonl; printf '{"text":"'; i=0; while [ $i -lt 400 ]; do printf 'Sentence %s. ' $i; i=$((i + 1)); done; printf '"}\n'; } >big.jsonl
"$YH" clean big.jsonl -o parts -r minimal --part-chars 1000 --compress none >/dev/null 2>&1 || fail "parts"
n=$(head -2 lines.jsonl | wc -c)
[ "$(grep -c "\"offset\":${n}[,}]" parts/part-00000.jsonl)" -gt 3 ] || fail "parts without their document's place"

# ---- a list that a recipe names belongs to the run
printf '[strong]\nfirst advertisement\t9\n' >ads.list
cat >ads.json <<'END'
{"name": "ads", "extends": "minimal", "steps": [{"rule": "boilerplate_lines", "lists": ["./ads.list"],
 "before": "not_text"}]}
END
printf '{"text":"%s.\\nfirst advertisement\\n%s."}\n' "$long" "$long again" >ads.jsonl
"$YH" clean ads.jsonl -o ads -r ./ads.json --compress none >/dev/null 2>&1 || fail "clean with a list"
before=$(ls -i ads/part-00000.jsonl)
"$YH" clean ads.jsonl -o ads -r ./ads.json --compress none >/dev/null 2>&1 || fail "the same again"
[ "$(ls -i ads/part-00000.jsonl)" = "$before" ] || fail "nothing changed, and it was done again"
grep -q "first advertisement" ads/part-00000.jsonl && fail "the list was not applied"
printf '[strong]\nsecond advertisement\t9\n' >ads.list
"$YH" clean ads.jsonl -o ads -r ./ads.json --compress none >/dev/null 2>&1 || fail "with the changed list"
grep -q "first advertisement" ads/part-00000.jsonl || fail "a changed list was not noticed"

# ---- a last line that a stage cuts takes the line end before it along
i=0
while [ $i -lt 5 ]; do
    printf '{"text":"Number %s is %s.\\n%s, and this line is in all of them, at the very end."}\n' $i "$long" "$long"
    i=$((i + 1))
done >ends.jsonl
"$YH" clean ends.jsonl -o ends --set exact_line.copies=1 --compress none >/dev/null 2>&1 || fail "clean"
[ "$(grep -c '"what":"part"' ends/removed-00000.jsonl 2>/dev/null || zstdcat ends/removed-00000.jsonl.zst | grep -c '"what":"part"')" -eq 4 ] || fail "not four lines were cut"
grep -q '^{"text":"[^"]*\\n","id"' ends/part-00000.jsonl && fail "a line end stayed at the end"

# ---- a limit of memory that the recipe's tables do not fit into
awk 'BEGIN { srand(3); print "[strong]"; for (i = 0; i < 40000; i++) { for (k = 0; k < 8; k++) printf "%06x", rand() * 16777216; print "\t9" } }' >ads.list
"$YH" clean ads.jsonl -o little -r ./ads.json --memory 64Mi >/dev/null 2>err && fail "tables beyond the limit"
grep -q 'memory of 64 MiB is too little: .* at least' err || { cat err; fail "no word about the memory"; }

# ---- a document that a step leaves nothing of goes, with that step as the reason
printf '{"text":"%s"}\n' "$long" "$long" "$long and more" >equal.jsonl
cat >lines.json <<'END'
{"name": "lines", "steps": [{"rule": "exact_line"}]}
END
"$YH" clean equal.jsonl -o equal -r ./lines.json --compress none >/dev/null 2>&1 || fail "lines alone"
[ "$(wc -l <equal/part-00000.jsonl)" -eq 2 ] || fail "an empty document was kept"
zstdcat equal/removed-00000.jsonl.zst 2>/dev/null | cat - equal/removed-00000.jsonl 2>/dev/null | grep -q '^{"text":"".*"rule":"exact_line".*"what":"document".*"evidence":"nothing was left' || fail "no reason"

# ---- UTF-16, with a mark and without: the same documents as from UTF-8, across windows
mkdir -p narrow wide/LE wide/BE wide/LEmark wide/BEmark
i=0
while [ $i -lt 40 ]; do
    printf '{"n":%s,"text":"%s 中文和表情😀","part":"' $i "$long"
    head -c 20000 /dev/zero | tr '\0' x | sed 's/xxxxx/宽x😀"/g; s/"/\\"/g'
    printf '"}\n'
    i=$((i + 1))
done >narrow/a.jsonl
{ printf '['; sed 's/$/,/' lines.jsonl; printf '{"text":"%s"}]' "$long"; } >narrow/b.json
cp table.csv narrow/c.csv
printf '"😀","text"\n"1","%s, 第二行"\n' "$long" >narrow/d.csv
"$YH" clean narrow -o o16 -r none --compress none >/dev/null 2>&1 || fail "UTF-8"
ids_and_texts() { sed 's/"meta":.*//' "$1"/part-*; }
for order in LE BE; do
    for f in narrow/*; do
        iconv -f UTF-8 -t UTF-16$order "$f" >"wide/$order/${f#narrow/}"
        { [ $order = LE ] && printf '\377\376' || printf '\376\377'; cat "wide/$order/${f#narrow/}"; } >"wide/${order}mark/${f#narrow/}"
    done
    for kind in $order ${order}mark; do
        rm -rf o
        "$YH" clean wide/$kind -o o -r none --compress none >/dev/null 2>log || { cat log; fail "UTF-16$order"; }
        [ "$(ids_and_texts o | cksum)" = "$(ids_and_texts o16 | cksum)" ] || fail "$kind: other documents than in UTF-8"
        [ "$(grep -c "\"encoding\":\"UTF-16$order\"" o/part-00000.jsonl)" -eq "$(wc -l <o16/part-00000.jsonl)" ] || fail "$kind: the encoding is not named"
        [ "$(grep -c '"count": 0' o/report.json)" -ge 2 ] || fail "$kind: a problem"
    done
done
# half of a pair, an odd byte, UTF-32: named, and nothing else lost
{ printf '\377\376'; printf '{"text":"half ' | iconv -t UTF-16LE; printf '\075\330'; printf ' pair"}\n{"text":"whole"}\n' | iconv -t UTF-16LE; printf ' '; } >half.jsonl
printf '[{"text":"four bytes"}]' | iconv -t UTF-32 >four.json
printf 'text\nfour bytes\n' | iconv -t UTF-32 >four.csv
rm -rf o
"$YH" clean half.jsonl four.json four.csv -o o -r none --compress none >/dev/null 2>&1 || fail "broken UTF-16"
grep -q '"text":"half � pair"' o/part-00000.jsonl && grep -q '"text":"whole"' o/part-00000.jsonl || fail "what is good of broken UTF-16"
has o/report.json 'UTF-16LE: 2 units are no characters and became U+FFFD'
has o/report.json 'JSON in UTF-32 is not supported; convert the file to UTF-8'
has o/report.json 'a table in UTF-32LE is not supported; convert the file to UTF-8'

# ---- links: to files they are followed; those to nothing and to folders are named, alone as well
mkdir -p linked/real
cp lines.jsonl linked/a.jsonl
ln -s /nowhere/x.jsonl linked/gone.jsonl
ln -s real linked/folder
ln -s round linked/round
ln -s a.jsonl linked/b.jsonl
rm -rf o
"$YH" clean linked -o o -r none >out 2>log || { cat log; fail "a folder with links"; }
has out 'gone.jsonl: is a link to /nowhere/x.jsonl, which cannot be opened: No such file'
has out 'folder: is a link to a folder'
has out 'round: is a link to round, which cannot be opened: Too many levels'
has out 'files skipped: 3'
has out '58 documents of 58'
"$YH" clean linked/gone.jsonl -o o1 -r none 2>err && fail "a link to nothing"
has err 'gone.jsonl: is a link to /nowhere/x.jsonl, which cannot be opened'

# ---- mix files
cat >mix.json <<'END'
{"sources": [{"corpus": "first", "weight": 3}, {"corpus": "parts", "weight": 1, "epochs": 2}],
 "total": 3000, "seed": 5, "shard_size": 1000, "compress": "none"}
END
"$YH" corpus mix mix.json -o m1 >/dev/null 2>log || { cat log; fail "mix by a file"; }
"$YH" corpus mix first:3 parts:1,epochs=2 --total 3000 --seed 5 --shard-size 1000 --compress none -o m2 >/dev/null 2>&1 || fail "mix"
[ "$(ls m1 | wc -l)" -gt 3 ] || fail "one shard only"
for f in m2/part-*; do cmp "$f" "m1/${f#m2/}" || fail "the file's mix is another one"; done
mkdir deep && sed 's/"first"/"..\/first"/; s/"parts"/"..\/parts"/' mix.json >deep/mix.json
"$YH" corpus mix deep/mix.json -o m3 --seed 6 >/dev/null 2>&1 || fail "folders below the mix file"
cat m3/part-* | cmp -s - m1/part-00000.jsonl && fail "the seed has no effect"
# killed while its files got their names: begins again, with no trace of the other sizes
mkdir -p m4/.mix && cp m2/part-00000.jsonl m4/part-00077.jsonl && cp m2/part-00000.jsonl m4/.mix/part-00077
"$YH" corpus mix mix.json -o m4 >/dev/null 2>&1 || fail "a mix begun again"
[ "$(cat m4/part-* | cksum)" = "$(cat m1/part-* | cksum)" ] && [ ! -e m4/.mix ] || fail "another mix after a kill"
sed 's/weight/weigth/' mix.json >wrong.json
"$YH" corpus mix wrong.json -o m5 2>err && fail "a wrong key"
grep -q 'wrong.json: source 1: there is no parameter "weigth"; there is: corpus, weight, epochs, cap' err || { cat err; fail "which key is wrong?"; }
exit 0
