"""The rule mojibake on ftfy's own cases: what should stay stays, how many of the others are repaired, and the
same beside ftfy itself when it is installed (only its step fix_encoding)."""
import difflib
import json
import os
import pathlib
import subprocess
import sys

yh, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ.get("SCRATCH", "."))
tool = yh.parent / "tests" / "apply_rules"
data = pathlib.Path(os.environ.get("YH_DATA", pathlib.Path(__file__).resolve().parents[2] / "../shared/data")) / "web_mojibake_ftfy"
if not data.is_dir() or not tool.exists():
    print("skipped: needs the data set web_mojibake_ftfy and build/tests/apply_rules")
    sys.exit(77)
scratch.mkdir(parents=True, exist_ok=True)
steps = scratch / "steps.json"
steps.write_text('[{"rule": "mojibake"}]')
verbose = "-v" in sys.argv


def repair(texts):
    given = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    out = subprocess.run([tool, steps], input=given.encode(), check=True, capture_output=True).stdout
    return [json.loads(x)["text"] for x in out.decode().strip("\n").split("\n")]


try:
    import ftfy
except ImportError:
    ftfy = None
positive = right = negative = touched = peer_right = wrong = 0
bad = []
for name in ("in-the-wild", "synthetic", "negative", "language-names", "known-failures"):
    cases = json.loads((data / f"{name}.json").read_text())
    got = repair([c["original"] for c in cases])
    for c, g in zip(cases, got):
        want = c.get("fixed-encoding", c["fixed"])
        if name == "known-failures":
            continue
        peer = ftfy.fix_encoding(c["original"]) if ftfy else None
        if want == c["original"]:
            negative += 1
            if g != want:
                touched += 1
                bad.append(f"TOUCHED {c['label']}: {c['original']!r} -> {g!r}")
        else:
            positive += 1
            right += g == want
            peer_right += peer == want
            if g != want and g != c["original"]:
                wrong += 1
            if g != want and verbose:
                print(f"  {c['label']}: {c['original']!r}\n     want {want!r}\n     got  {g!r}")
print(f"ftfy's cases: {right} of {positive} repaired as wanted ({right / positive:.3f}), {wrong} otherwise changed; "
      f"{touched} of {negative} that should stay were touched")
if ftfy:
    print(f"ftfy {ftfy.__version__}: {peer_right} of {positive}")
print("\n".join(bad))

# Whole documents: real text spoiled in known ways must come back.
text = ("Déjà vu: l’été dernier, Zoë a mangé 3 crêpes — « très bonnes » — à 5 € pièce… Français, Señor, Übermut.\n"
        "Schöne Grüße aus Köln; “quoted” text, naïve café, élève, façade, jalapeño.\n")
chinese = ("却说唐僧师徒四人，一路西行，饥餐渴饮，夜住晓行，不觉又是早春天气。正行之间，忽见一座高山。\n"
           "这是一篇用来测试的文章，里面有各种各样的标点符号：“引号”、（括号）以及数字123。\n")
russian = "Привет, мир! Это обычный текст на русском языке, который был испорчен.\n"
spoiled = [(n, t, s) for n, t, f in (
    ("UTF-8 as CP1252", text, lambda t: t.encode().decode("cp1252", "replace")),
    ("UTF-8 as Latin-1", text, lambda t: t.encode().decode("latin-1")),
    ("UTF-8 as Latin-1, twice", text, lambda t: t.encode().decode("latin-1").encode().decode("latin-1")),
    ("UTF-8 as Mac Roman", text, lambda t: t.encode().decode("mac_roman")),
    ("Russian, UTF-8 as CP1252", russian, lambda t: "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in t.encode())),
    ("Russian, UTF-8 as CP1251", russian, lambda t: "".join(bytes([b]).decode("cp1251", "ignore") or chr(b) for b in t.encode())),
    ("Chinese, UTF-8 as Latin-1", chinese, lambda t: t.encode().decode("latin-1")),
    ("Chinese, UTF-8 as CP1252", chinese, lambda t: "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in t.encode())),
    ("Chinese, UTF-8 as GB18030", chinese, lambda t: t.encode().decode("gb18030", "replace")),
    ("Chinese, GBK as Latin-1", chinese, lambda t: t.encode("gbk").decode("latin-1")),
    ("Chinese, GBK as CP1252", chinese, lambda t: "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in t.encode("gbk"))),
) for s in [f(t)]]
for (name, t, s), g in zip(spoiled, repair([s for _, _, s in spoiled])):
    same = sum(b.size for b in difflib.SequenceMatcher(None, g, t, autojunk=False).get_matching_blocks())
    print(f"{name}: {'whole' if g == t else f'{same} of {len(t)} characters'}" + ("" if g == t or not verbose else f"\n{g!r}"))
clean = [text, chinese, russian]
if repair(clean) != clean:
    bad.append("clean text was touched")
sys.exit(1 if touched > 0 or bad or right < 0.98 * positive else 0)
