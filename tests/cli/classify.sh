# Classifiers from the command line: train, judge, apply.
cd "$SCRATCH"
for i in 1 2 3 4 5 6 7 8 9 10; do
    echo "__label__ham our report of day $i about the river"
    echo "__label__spam free money number $i click now"
done >train.txt
"$YH" classify train train.txt -o a.bin --dim 8 --epochs 20 --buckets 100 2>/dev/null
"$YH" classify train train.txt -o b.bin --dim 8 --epochs 20 --buckets 100 2>/dev/null
cmp a.bin b.bin
"$YH" classify eval a.bin train.txt | grep -q '^20 of 20 right'
"$YH" classify eval a.bin train.txt --json | grep -q '"right": 20'
printf '{"text":"free money now"}\n{"text":"a report about the river"}\n' >docs.jsonl
"$YH" classify apply a.bin docs.jsonl | cut -f 2 | tr '\n' ' ' | grep -q '^spam ham $'
if "$YH" classify train train.txt 2>/dev/null; then exit 1; fi
if "$YH" classify eval train.txt train.txt 2>message; then exit 1; fi
grep -q 'not a fastText model' message

# lines: from labelled ones, and from what a corpus's rules cut
for i in 1 2 3 4 5 6 7 8 9; do
    echo "{\"text\":\"Site by Studio $i | Login | Sitemap\",\"boilerplate\":true}"
    echo "{\"text\":\"On day $i they walked to the river, and the water was high again.\",\"boilerplate\":false}"
done >lines.jsonl
"$YH" classify lines train lines.jsonl -o a.lines --epochs 20 --hold-out 0 | grep -q '^learned from 18 lines, 9 of them boilerplate; wrote a.lines$'
"$YH" classify lines train lines.jsonl -o b.lines --epochs 20 --hold-out 0 >/dev/null
cmp a.lines b.lines
"$YH" classify lines eval a.lines lines.jsonl --threshold 0.5 | grep -q 'precision 1.0000, recall 1.0000'
"$YH" classify lines eval a.lines lines.jsonl --threshold 0.5 --json | grep -q '"cut_boilerplate": 9'
printf 'On day 50 they walked to the river.\n\nSite by Studio 77 | Login | Sitemap\n' >page.txt
"$YH" classify lines apply a.lines page.txt --threshold 0.5 >cut.tsv
test "$(cut -f 2,4 cut.tsv)" = "3	Site by Studio 77 | Login | Sitemap"
cat >model.json <<'R'
{"name": "model", "extends": "none", "steps": [{"rule": "line_model", "model": "a.lines", "threshold": 0.5}]}
R
"$YH" clean page.txt -o by_model -r model.json --compress none >/dev/null 2>&1
grep -q '"text": *"On day 50 they walked to the river.' by_model/part-00000.jsonl
if grep -q Studio by_model/part-00000.jsonl; then exit 1; fi
zstd -dcq by_model/removed-00000.jsonl.zst >gone.jsonl
grep -q '"text": *"Site by Studio 77 | Login | Sitemap' gone.jsonl
grep -q '"rule": *"line_model"' gone.jsonl
grep -qE '"score": *0\.[5-9]' gone.jsonl
"$YH" clean page.txt -o made --recipe minimal -s too_short.min_chars=1 >/dev/null 2>&1
if "$YH" classify lines train made -o c.lines 2>message; then exit 1; fi
grep -q 'a model needs both kinds' message
mkdir pages
for i in 1 2 3 4 5 6; do
    printf 'The boat of day %s came down the river in the morning, and we all went to see it.\n\nCopyright 202%s Example Inc. All rights reserved.\n' $i $i >pages/$i.txt
done
cat >lines.json <<'R'
{"name": "lines", "extends": "minimal", "steps": [{"rule": "boilerplate_lines", "before": "too_short"}]}
R
"$YH" clean pages -o furnished -r lines.json >/dev/null 2>&1
"$YH" classify lines train furnished -o c.lines --hold-out 0.4 --json | grep -q '"learned": [1-9]'
if "$YH" classify lines eval lines.jsonl lines.jsonl 2>message; then exit 1; fi
grep -q 'not a line model' message
if "$YH" classify lines train lines.jsonl -o d.lines --hold-out 1 2>/dev/null; then exit 1; fi
if "$YH" classify lines guess 2>/dev/null; then exit 1; fi
