"""What the page, line and repair rules take from clean text: next to nothing. Bounds on the share of bytes cut or changed
in encyclopedia articles, novels, technical writing, poems and web text; prints every kind of removal."""
import collections
import glob
import json
import os
import pathlib
import re
import subprocess
import sys

yh, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ.get("SCRATCH", "."))
tool = yh.parent / "tests" / "apply_rules"
data = pathlib.Path(os.environ.get("YH_DATA", pathlib.Path(__file__).resolve().parents[2] / "../shared/data"))
if not data.is_dir() or not tool.exists():
    print("skipped: needs the data sets and build/tests/apply_rules")
    sys.exit(77)
rules = ["mojibake", "pinyin_noise", "spam_lines", "boilerplate_lines", "repeated_half"]


def zst(path):
    return subprocess.run(["zstd", "-dcq", "--long=27", path], check=True, capture_output=True).stdout.decode("utf-8", "replace")


def records(path, get):
    return [get(json.loads(x)) for x in zst(path).strip("\n").split("\n")]


def poem(j):
    lines = j.get("paragraphs") or j.get("content") or []
    return "\n".join([j.get("title") or j.get("rhythmic") or "", j.get("author") or "", *map(str, lines)])


text = lambda j: j["text"]
sets = {  # documents, greatest share of bytes cut, greatest share of documents changed by repairs
    "zh_wiki_cmrc": (zst(data / "zh_wiki_cmrc/cmrc2018_dev_contexts.txt.zst").split("\n\n"), 0.00005, 0),
    "zh_trad_drcd": (zst(data / "zh_trad_drcd/DRCD_dev_contexts.txt.zst").split("\n\n"), 0.00005, 0),
    "zh_modern_md": (sum((records(p, text) for p in sorted(glob.glob(str(data / "zh_modern_md/*.zst")))), []), 0.00005, 0),
    "zh_novels": (sum((re.split(r"\n(?=\s*第[^\n]{1,8}回)", zst(p)) for p in sorted(glob.glob(str(data / "zh_novels/*utf8*")))), []),
                  0.00005, 0),
    "zh_poetry": (sum((records(p, poem)[:4000] for p in sorted(glob.glob(str(data / "zh_poetry/*.jsonl.zst")))), []), 0.00005, 0),
    "en_wiki": (zst(data / "en_wiki_c4_demo/wiki_demo.txt.zst").split("\n\n\n"), 0.00005, 0),
    "c4": (records(data / "en_wiki_c4_demo/c4_demo.jsonl.zst", text), 0.004, 0.01),  # web text: has page lines left
}
steps = scratch / "steps.json"
steps.write_text(json.dumps([{"rule": r} for r in rules]))
failed = False
for name, (docs, most_cut, most_repaired) in sets.items():
    docs = [d for d in docs if d.strip()]
    given = "".join(json.dumps({"text": d}) + "\n" for d in docs).encode()
    out = subprocess.run([tool, steps], input=given, check=True, capture_output=True).stdout.decode()
    total = sum(len(d.encode()) for d in docs)
    cut, repaired, kinds = 0, 0, collections.Counter()
    for line in out.strip("\n").split("\n"):
        for e in json.loads(line)["edits"]:
            if "text" in e:
                cut += e["len"]
            else:
                repaired += 1
            kinds[f'{e["rule"]}: {e.get("evidence")}'] += 1
    bad = cut > most_cut * total or repaired > most_repaired * len(docs)
    failed |= bad
    print(f"{name}: {len(docs)} documents, {total} bytes; cut {cut} ({cut / total:.6f}, at most {most_cut}), "
          f"repaired {repaired}{'  TOO MUCH' if bad else ''}")
    for kind, n in kinds.most_common(12):
        print(f"    {n:5} {kind}")
sys.exit(1 if failed else 0)
