"""The rule simplify against the opencc program: the same characters on Traditional text."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

yh, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ.get("SCRATCH", "."))
tool = yh.parent / "tests" / "apply_rules"
data = pathlib.Path(os.environ.get("YH_DATA", pathlib.Path(__file__).resolve().parents[2] / "../shared/data"))
if not data.is_dir() or not tool.exists() or shutil.which("opencc") is None:
    print("skipped: needs the data sets, build/tests/apply_rules and the program opencc")
    sys.exit(77)


def zst(path):
    return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout.decode()


scratch.mkdir(parents=True, exist_ok=True)
texts = []
for path in sorted((data / "dirty_zh").glob("*.txt")):
    texts.append((path.name, path.read_text()))
texts.append(("zuozhuan", zst(data / "zh_opencc_gold/zuozhuan_trad.txt.zst")))
poems = [json.loads(x).get("paragraphs", []) for x in zst(data / "zh_poetry/tang_trad.jsonl.zst").split("\n")[:4000]]
texts.append(("tang", "\n".join("".join(p) for p in poems)))
texts.append(("drcd", zst(data / "zh_trad_drcd/DRCD_dev_contexts.txt.zst")))
pairs = [x.split("\t") for x in zst(data / "zh_trad_simp_ud/gsd_dev_pairs.tsv.zst").strip().split("\n")]
column = {name: i for i, name in enumerate(pairs[0])}
print("columns of the aligned sentences:", list(column))
bad = 0


def ours(config, lines):
    # one document a line, so that nothing but the conversion decides
    steps = scratch / "steps.json"
    steps.write_text(json.dumps([{"rule": "simplify", "from": config, "min_share": 0}]))
    given = "".join(json.dumps({"text": x}, ensure_ascii=False) + "\n" for x in lines)
    out = subprocess.run([tool, steps], input=given.encode(), check=True, capture_output=True).stdout
    return [json.loads(x)["text"] for x in out.decode().strip("\n").split("\n")]


def theirs(config, text):
    start = time.time()
    out = subprocess.run(["opencc", "-c", config + ".json"], input=text.encode(), check=True,
                         capture_output=True).stdout.decode()
    return out, time.time() - start


for config in ("t2s", "tw2s", "hk2s"):
    for name, text in texts:
        lines = text.split("\n")
        want, seconds = theirs(config, "\n".join(lines))
        want = want.split("\n")
        start = time.time()
        got = ours(config, lines)
        spent = time.time() - start
        differ = [(w, g) for w, g, t in zip(want, got, lines) if w != g and g != t]
        kept = sum(1 for w, g, t in zip(want, got, lines) if w != g and g == t)
        print(f"{config} {name}: {len(lines)} lines, {len(differ)} differ, {kept} left as they are "
              f"(nothing Traditional in them); opencc {seconds:.2f} s, ours with JSON {spent:.2f} s")
        for w, g in differ[:3]:
            print("   opencc:", w[:80], "\n   ours:  ", g[:80])
        bad += len(differ)

plain = re.sub(r"(?m)^\s*//.*$", "", zst(data / "zh_opencc_gold/testcases.json.zst"))  # comments, last commas
cases = json.loads(re.sub(r",(\s*[}\]])", r"\1", plain))["cases"]
for config in ("t2s", "tw2s", "hk2s"):
    wanted = [(c["input"], c["expected"][config]) for c in cases if config in c["expected"]]
    got = ours(config, [a for a, _ in wanted])
    packaged = theirs(config, "\n".join(a for a, _ in wanted))[0].split("\n")
    print(f"{config} test cases of OpenCC's newest version: ours {sum(g == b for g, (_, b) in zip(got, wanted))}, "
          f"opencc as packaged {sum(g == b for g, (_, b) in zip(packaged, wanted))} of {len(wanted)}")
trad = [x[column["traditional"]] for x in pairs[1:]] if "traditional" in column else []
if trad:
    simp = [x[column["simplified"]] for x in pairs[1:]]
    for config in ("t2s", "tw2s"):
        got = ours(config, trad)
        same = sum(sum(a == b for a, b in zip(g, s)) for g, s in zip(got, simp))
        print(f"{config} aligned sentences: {same / sum(map(len, simp)):.5f} of the characters as written")
print("FAILED" if bad else "equal")
sys.exit(1 if bad else 0)
