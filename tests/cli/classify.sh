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
