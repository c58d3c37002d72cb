#!/usr/bin/env python3
"""A line classifier from pages with known main text, judged on pages that it has not seen.

usage: line_model_gold.py BUILD DATA [--learn all|main] [--folds 5] [--threshold 0.95] [--keep FOLDER]

BUILD holds yh and bench/extract_pages (ninja -C build extract_pages), DATA web_article_bench and web_readability.
A line of all that a page shows is text when at least 0.7 of its word pairs stand in the page's gold text, boilerplate
when at most 0.1 do; what lies between is left out. Pages are divided by a hash of their name; each part is judged by
the model of the others (yh classify lines train), run as users run it: yh clean with the rule line_model.

all lines    everything that the pages show
main text    what yh clean takes for the main text: what little boilerplate is left there
--learn says which of the two the model is learned from.
Precision and recall of lines, and the share of the text's characters that was cut. --keep leaves the labelled lines
there (lines.jsonl), to train a model on all of them."""
import argparse, glob, hashlib, html, json, os, re, subprocess, sys, tempfile

p = argparse.ArgumentParser()
p.add_argument("build")
p.add_argument("data")
p.add_argument("--folds", type=int, default=5)
p.add_argument("--threshold", type=float, default=0.95)
p.add_argument("--learn", choices=("all", "main"), default="all")
p.add_argument("--epochs", default="0")
p.add_argument("--keep")
a = p.parse_args()
YH, PAGES = os.path.abspath(a.build + "/yh"), os.path.abspath(a.build + "/bench/extract_pages")


def pairs(text):
    w = re.findall(r"\w+", text.lower())
    return [" ".join(x) for x in zip(w, w[1:])] or w


def gold_pages(folder):
    """{file: gold text}"""
    found = {}
    for name, archive in (("articles", "web_article_bench/html.tar.zst"),
                          ("readable", "web_readability/web_readability.tar.zst")):
        os.makedirs(f"{folder}/{name}")
        subprocess.run(["tar", "xf", f"{a.data}/{archive}", "-C", f"{folder}/{name}"], check=True)
    truth = json.load(open(f"{a.data}/web_article_bench/ground-truth.json"))
    for d, _, names in os.walk(folder):
        for f in names:
            if f.endswith(".html") and f[:-5] in truth:
                found[f"{d}/{f}"] = truth[f[:-5]]["articleBody"]
        if {"source.html", "expected.html"} <= set(names):
            t = open(f"{d}/expected.html", encoding="utf-8").read()
            found[f"{d}/source.html"] = re.sub(r"<[^>]*>", "", html.unescape(re.sub(r"<(br|/?p|/?div|/?li|/?h\d|/?t[rd])\b[^>]*>", " ", t)))
    return found


def text_of(files, *options):
    out = subprocess.run([PAGES, *options, *files], check=True, capture_output=True).stdout.decode()
    return {r["id"]: r["text"] for r in map(json.loads, out.splitlines())}


def labels(text, gold):
    """[(line number, line, place, boilerplate or None)]"""
    have, lines = set(pairs(gold)) | set(re.findall(r"\w+", gold.lower())), text.split("\n")
    rows = []
    for i, line in enumerate(lines):
        words = pairs(line)
        if words:
            share = sum(x in have for x in words) / len(words)
            rows.append((i, line, i / max(1, len(lines) - 1), False if share >= 0.7 else True if share <= 0.1 else None))
    return rows


def cut(model, texts, folder):
    """{id: the lines that went}"""
    with open(f"{folder}/in.jsonl", "w") as f:
        f.writelines(json.dumps({"text": t, "page": k}) + "\n" for k, t in texts.items())
    json.dump({"name": "lines", "read": {"normalize": False, "part_chars": 0}, "steps": [
        {"rule": "line_model", "model": model, "threshold": a.threshold}]}, open(f"{folder}/r.json", "w"))
    subprocess.run([YH, "clean", f"{folder}/in.jsonl", "-o", f"{folder}/out", "-r", f"{folder}/r.json",
                    "--compress", "none"], check=True, capture_output=True)
    ids, gone = {}, {}
    for k, name in enumerate(texts):
        gone[name] = []
    for part in glob.glob(f"{folder}/out/removed-*.jsonl.zst"):
        raw = subprocess.run(["zstd", "-dcq", part], check=True, capture_output=True).stdout.decode()
        for r in map(json.loads, raw.strip("\n").split("\n") if raw else []):
            name = list(texts)[int(r["id"].rsplit(":", 1)[1]) - 1]
            gone[name] += r["text"].split("\n")
    subprocess.run(["rm", "-rf", f"{folder}/out"])
    return gone


def main():
    with tempfile.TemporaryDirectory() as folder:
        gold = gold_pages(folder)
        shown, best = text_of(sorted(gold), "--all"), text_of(sorted(gold))
        part = {f: int(hashlib.sha256(f[len(folder):].encode()).hexdigest(), 16) % a.folds for f in gold}
        rows = {f: labels((shown if a.learn == "all" else best)[f], gold[f]) for f in gold}
        sample = {f: "".join(json.dumps({"text": line, "boilerplate": bad, "place": round(place, 4), "id": f[len(folder):]}) + "\n"
                             for _, line, place, bad in r if bad is not None) for f, r in rows.items()}
        if a.keep:
            os.makedirs(a.keep, exist_ok=True)
            open(f"{a.keep}/lines.jsonl", "w").write("".join(sample.values()))
        n = {True: 0, False: 0, None: 0}
        for r in rows.values():
            for x in r:
                n[x[3]] += 1
        print(f"{len(gold)} pages, {n[True]} lines of boilerplate, {n[False]} of text, {n[None]} left out; {a.folds} parts")
        sums = {"all lines": [0] * 6, "main text": [0] * 6}
        for k in range(a.folds):
            open(f"{folder}/train.jsonl", "w").write("".join(s for f, s in sample.items() if part[f] != k))
            subprocess.run([YH, "classify", "lines", "train", f"{folder}/train.jsonl", "-o", f"{folder}/m.lines", "--hold-out", "0",
                            "--epochs", a.epochs], check=True, capture_output=True)
            held = [f for f in sorted(gold) if part[f] == k]
            for name, texts in (("all lines", shown), ("main text", best)):
                gone = cut(f"{folder}/m.lines", {f: texts[f] for f in held if texts[f].strip()}, folder)
                s = sums[name]
                for f in held:
                    left = list(gone.get(f, []))
                    for _, line, _, bad in labels(texts[f], gold[f]):
                        if bad is None:
                            continue
                        went = line in left
                        if went:
                            left.remove(line)
                        s[0] += bad and went
                        s[1] += not bad and went
                        s[2] += bad and not went
                        s[3] += len(line) * (not bad)
                        s[4] += len(line) * (not bad and went)
                        s[5] += not bad
        for name, (tp, fp, fn, chars, lost, lines) in sums.items():
            print(f"{name}: {tp + fn} lines of boilerplate, {lines} of text; precision {tp / (tp + fp or 1):.4f}, "
                  f"recall {tp / (tp + fn or 1):.4f}; of the text {fp} lines and {lost / (chars or 1):.5f} of its characters went")


main()
