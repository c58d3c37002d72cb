#!/usr/bin/env python3
"""MB/s of one core for each quality rule, beside datatrove's filter on the same documents (processor time).

usage: rules_vs_datatrove.py BUILD [--mb N]     (N MB of English and of Chinese texts; default 4)

Needs the data sets ($YH_DATA or ../shared/data) and Python with datatrove, spacy, jieba (exit 77 without them).
Words are found anew by each of datatrove's filters, so its chain is timed as a whole too, and so is ours, where
the rules share them."""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests/parity"))
try:
    import datatrove.pipeline.filters as dt
    import jieba
    from datatrove.data import Document
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)
import _texts

warnings.filterwarnings("ignore")
jieba.setLogLevel(60)
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MB = float(sys.argv[sys.argv.index("--mb") + 1]) if "--mb" in sys.argv else 4
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../shared/data"))
if not os.path.isdir(DATA):
    print("skipped: no test data in", DATA)
    sys.exit(77)


def some(texts):
    """Every so many documents, MB in all."""
    docs = list(texts)
    size = sum(len(t.encode()) for _, t in docs) / 1e6
    step = max(1, int(size / MB))
    return [t for _, t in docs[::step]]


def ours(steps, docs):
    """Processor seconds of each rule, best of three; what a rule removes the next does not see."""
    best = None
    with tempfile.TemporaryDirectory() as folder:
        recipe, texts = os.path.join(folder, "r.json"), os.path.join(folder, "t.jsonl")
        json.dump(steps, open(recipe, "w"))
        with open(texts, "w") as f:
            f.writelines(json.dumps({"text": t}) + "\n" for t in docs)
        for _ in range(3):
            with open(texts) as f:
                out = subprocess.run([BUILD + "/tests/apply_rules", "--time", recipe], stdin=f, check=True,
                                     capture_output=True, text=True)
            rows = [line.split() for line in (out.stdout + out.stderr).splitlines() if "MB/s" in line]
            speed = {r[0]: float(r[r.index("MB/s") - 1]) for r in rows}
            best = speed if best is None else {k: max(v, best[k]) for k, v in speed.items()}
    return best


def theirs(filters, docs):
    """MB/s of filters one after the other."""
    size = sum(len(t.encode()) for t in docs) / 1e6
    for f in filters:  # loads words and patterns
        f.filter(Document(text=docs[0], id="0"))
    begin = time.process_time()
    for t in docs:
        document = Document(text=t, id="0")
        try:
            for f in filters:
                if f.filter(document) is not True:
                    break
        except ZeroDivisionError:
            pass
    return size / (time.process_time() - begin)


def table(name, docs, pairs):
    print(f"{name}: {len(docs)} documents, {sum(len(t.encode()) for t in docs) / 1e6:.1f} MB")
    print(f"{'rule':24}{'yh MB/s':>10}{'datatrove':>12}{'times':>8}")
    for rule, step, peer in pairs:
        own = ours([step], docs)[step["rule"]]
        their = theirs(peer, docs) if peer else None
        print(f"{rule:24}{own:10.1f}" + (f"{their:12.3f}{own / their:8.0f}" if peer else f"{'-':>12}"), flush=True)
    chain = [(s, p) for _, s, p in pairs if p]
    if len(chain) > 1:
        both = whole([s for s, _ in chain], docs), theirs([f for _, p in chain for f in p], docs)
        print(f"{'one after the other':24}{both[0]:10.1f}{both[1]:12.3f}{both[0] / both[1]:8.0f}")


def whole(steps, docs):
    """MB/s of all rules together: of the whole program, reading and writing JSON left in."""
    size = sum(len(t.encode()) for t in docs) / 1e6
    best = 0
    with tempfile.TemporaryDirectory() as folder:
        recipe, texts = os.path.join(folder, "r.json"), os.path.join(folder, "t.jsonl")
        json.dump(steps, open(recipe, "w"))
        with open(texts, "w") as f:
            f.writelines(json.dumps({"text": t}) + "\n" for t in docs)
        for _ in range(3):
            before = os.times()
            with open(texts) as f:
                subprocess.run([BUILD + "/tests/apply_rules", recipe], stdin=f, check=True, stdout=subprocess.DEVNULL)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            best = max(best, size / spent)
    return best


def main():
    en, zh = some(_texts.english(DATA)), some(_texts.chinese(DATA))
    e, z = {"words": "english"}, {"words": "chinese"}
    table("English, the rules of web-en", en, [
        ("gopher_repetition", {"rule": "gopher_repetition", **e}, [dt.GopherRepetitionFilter()]),
        ("gopher_quality", {"rule": "gopher_quality", **e}, [dt.GopherQualityFilter()]),
        ("c4", {"rule": "c4", **e, "terminal": False}, [dt.C4QualityFilter(filter_no_terminal_punct=False)]),
        ("fineweb", {"rule": "fineweb", **e}, [dt.FineWebQualityFilter()]),
        ("refinedweb_lines", {"rule": "refinedweb_lines"}, None)])
    lang = "cmn_Hani"
    table("Chinese", zh, [
        ("gopher_repetition", {"rule": "gopher_repetition", **z}, [dt.GopherRepetitionFilter(language=lang)]),
        ("gopher_quality", {"rule": "gopher_quality", **z, "min_mean_length": 1},
         [dt.GopherQualityFilter(language=lang, min_avg_word_length=1)]),
        ("fineweb", {"rule": "fineweb", **z}, [dt.FineWebQualityFilter(language=lang)]),
        ("fineweb2_zh", {"rule": "fineweb2_zh"}, None),
        ("mapcc", {"rule": "mapcc"}, None),
        ("chinesewebtext", {"rule": "chinesewebtext"}, None),
        ("ccnet", {"rule": "ccnet"}, None)])


main()
