#!/usr/bin/env python3
"""Main-text extraction against scrapinghub/article-extraction-benchmark: html_extraction.py YH DATA

DATA is the folder with html.tar.zst (or html/) and ground-truth.json. Prints precision, recall and
F1 of 4-grams of words, each page with equal weight, as the benchmark's own script does; with -v the
worst pages first. Needs nothing but Python and tar with zstd."""
import collections, json, os, re, subprocess, sys, tempfile

def shingles(text):
    words = re.findall(r"\w+", text or "")
    n = min(4, len(words))
    return collections.Counter(tuple(words[i:i + 4]) for i in range(len(words) - n + 1)) if n else collections.Counter()

def main():
    verbose = "-v" in sys.argv
    yh, data = [a for a in sys.argv[1:] if a != "-v"][:2]
    truth = json.load(open(os.path.join(data, "ground-truth.json")))
    with tempfile.TemporaryDirectory() as tmp:
        pages = os.path.join(data, "html")
        if not os.path.isdir(pages):
            subprocess.run(["tar", "xf", os.path.join(data, "html.tar.zst"), "-C", tmp], check=True)
            pages = os.path.join(tmp, "html")
        out = os.path.join(tmp, "out")
        subprocess.run([yh, "clean", pages, "-o", out, "--min-chars", "1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = collections.defaultdict(str)
        lines = subprocess.run("zstd -dcq %s/part-*.jsonl.zst" % out, shell=True, check=True,
                               capture_output=True).stdout.decode().splitlines()
        for line in lines:
            d = json.loads(line)
            text[d["id"].split(".html")[0]] += d["text"] + "\n"
        total = [0.0, 0.0, 0.0]
        rows = []
        have = {name[:-5] for name in os.listdir(pages) if name.endswith(".html")}
        for key in sorted(have & set(truth)):
            a, b = shingles(truth[key]["articleBody"]), shingles(text[key])
            tp = sum((a & b).values())
            fp, fn = sum(b.values()) - tp, sum(a.values()) - tp
            s = tp + fp + fn or 1
            for i, v in enumerate((tp, fp, fn)):
                total[i] += v / s
            rows.append((tp / s, fp, fn, key))
        tp, fp, fn = total
        p, r = tp / (tp + fp), tp / (tp + fn)
        if verbose:
            for row in sorted(rows)[:25]:
                print("%.2f  extra %5d  missing %5d  %s" % row)
        print("pages %d  precision %.3f  recall %.3f  F1 %.3f" % (len(rows), p, r, 2 * p * r / (p + r)))

main()
