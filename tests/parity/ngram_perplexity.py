"""Perplexities of our n-gram models beside an estimate written down independently here (interpolated
modified Kneser-Ney as in Heafield et al., 2013), and beside KenLM's own reading of that estimate when
the package kenlm is there.

usage: ngram_perplexity.py YH   (exit 77: something needed is not here)"""

import collections
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _texts

YH = os.path.abspath(sys.argv[1])
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
if not os.path.isdir(DATA + "/en_wikitext2"):
    print("skipped: no test data in", DATA)
    sys.exit(77)


def estimate(sentences, order):
    raw = [collections.Counter() for _ in range(order + 1)]
    for s in sentences:
        s = ["<s>"] + s + ["</s>"]
        for n in range(1, order + 1):
            for i in range(len(s) - n + 1):
                raw[n][tuple(s[i : i + n])] += 1
    counts = [None] * (order + 1)
    counts[order] = dict(raw[order])
    for n in range(1, order):
        left = collections.Counter(g[1:] for g in raw[n + 1])
        counts[n] = {g: (c if g[0] == "<s>" else left[g]) for g, c in raw[n].items()}
    counts[1][("<s>",)] = 0
    prob, back = {}, {}
    for n in range(1, order + 1):
        t = [0] + [sum(1 for c in counts[n].values() if c == k) for k in (1, 2, 3, 4)]
        y = t[1] / (t[1] + 2 * t[2])
        d = [0] + [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
        total, rest = collections.Counter(), collections.Counter()
        for g, c in counts[n].items():
            total[g[:-1]] += c
            rest[g[:-1]] += d[min(c, 3)]
        for context in total:
            if n > 1:
                back[context] = rest[context] / total[context]
        uniform = rest[()] / total[()] / len(counts[1]) if n == 1 else None
        if n == 1:
            prob[("<unk>",)] = uniform
        for g, c in counts[n].items():
            lower = uniform if n == 1 else back[g[:-1]] * prob[g[1:]]
            prob[g] = (c - d[min(c, 3)]) / total[g[:-1]] + lower
    return prob, back


def score(prob, back, order, s):
    s, total = ["<s>"] + [w if (w,) in prob else "<unk>" for w in s] + ["</s>"], 0.0
    for i in range(1, len(s)):
        for n in range(min(order, i + 1), 0, -1):
            g = tuple(s[i - n + 1 : i + 1])
            if g in prob:
                total += math.log10(prob[g])
                break
            total += math.log10(back.get(g[:-1], 1.0))
    return total


def arpa(prob, back, order, path):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\\data\\\n")
        for n in range(1, order + 1):
            f.write(f"ngram {n}={sum(1 for g in prob if len(g) == n)}\n")
        for n in range(1, order + 1):
            f.write(f"\n\\{n}-grams:\n")
            for g, p in prob.items():
                if len(g) == n:
                    b = f"\t{math.log10(back.get(g, 1.0)):.7f}" if n < order else ""
                    f.write(f"{math.log10(p) if g != ('<s>',) else 0:.7f}\t{' '.join(g)}{b}\n")
        f.write("\n\\end\\\n")


def compare(name, kind, order, train, test):
    with open("train.jsonl", "w") as f:
        f.write(json.dumps({"text": "\n".join(" ".join(s) for s in train)}) + "\n")
    with open("test.jsonl", "w") as f:
        f.writelines(json.dumps({"text": "\n".join(" ".join(s) for s in part)}) + "\n" for part in test)
    subprocess.run([YH, "classify", "lm", "train.jsonl", "-o", "model", "--order", str(order), "--words", kind,
                    "--memory", "2Mi"],  # most of it goes to disk
                   check=True, stderr=subprocess.DEVNULL)
    out = subprocess.run([YH, "classify", "perplexity", "model", "test.jsonl"], check=True, capture_output=True)
    own = [line.split("\t") for line in out.stdout.decode().splitlines()]
    prob, back = estimate(train, order)
    worst = 0
    for part, (_, p, n) in zip(test, own):
        tokens = sum(len(s) + 1 for s in part)
        expected = 10 ** (-sum(score(prob, back, order, s) for s in part) / tokens)
        assert tokens == int(n), (tokens, n)
        worst = max(worst, abs(float(p) / expected - 1))
    print(f"{name}, order {order}: {len(own)} texts, perplexity {float(own[0][1]):.4f} and others, "
          f"relative difference at most {worst:.1e}")
    if order == 1:  # KenLM reads none of these
        return worst < 1e-5
    try:
        import kenlm
    except ImportError:
        return worst < 1e-5
    arpa(prob, back, order, "peer.arpa")
    model = kenlm.Model("peer.arpa")
    part = test[0]
    theirs = 10 ** (-sum(model.score(" ".join(s)) for s in part) / sum(len(s) + 1 for s in part))
    print(f"  KenLM on the first: {theirs:.4f}")
    return worst < 1e-5 and abs(theirs / float(own[0][1]) - 1) < 1e-4


def main():
    lines = [s.split() for s in _texts.read(DATA + "/en_wikitext2/wiki.valid.tokens.zst").splitlines()]
    lines = [[w for w in s if w not in ("<unk>", "<s>", "</s>")] for s in lines]
    lines = [s for s in lines if s]
    good = True
    for order in (1, 2, 3, 4):
        cut = len(lines) * 9 // 10
        test = [lines[i : i + 10] for i in range(cut, len(lines), 10)]
        good &= compare("English words", "space", order, lines[:cut], test)
    for name in sorted(os.listdir(DATA + "/zh_wiki_cmrc")):
        if name.endswith("contexts.txt.zst"):
            zh = [[c for c in s if "\u4e00" <= c <= "\u9fff"] for s in
                  _texts.read(DATA + "/zh_wiki_cmrc/" + name).splitlines()]
            zh = [s for s in zh if s][:600]
            good &= compare("Chinese characters", "characters", 4, zh[:500], [zh[500:550], zh[550:]])
    if not good:
        sys.exit("not the same")


main()
