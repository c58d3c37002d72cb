"""Classifiers beside fastText: its models (softmax, hierarchical softmax, one-vs-all, with characters,
quantized) predict the same here, ours the same there, and what we train is as right as what it trains.

usage: fasttext_model.py YH   (exit 77: something needed is not here)"""

import json
import os
import re
import subprocess
import sys

try:
    import fasttext

    fasttext.train_supervised
except (ImportError, AttributeError):
    print("skipped: no Python package fasttext-wheel (with numpy older than 2)")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _texts

YH = os.path.abspath(sys.argv[1])
TOOL = os.path.join(os.path.dirname(YH), "tests", "rule_run")
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
if not os.path.isdir(DATA + "/web_spam_mail"):
    print("skipped: no test data in", DATA)
    sys.exit(77)
fasttext.FastText.eprint = lambda x: None


def mails():
    out = []
    for name, raw in _texts.members(DATA + "/web_spam_mail/public.tar.zst"):
        text = raw.decode("utf-8", "replace")
        body = text.split("\n\n", 1)[-1] if "\n\n" in text else text
        label = "spam" if "spam" in name.lower().split("/")[-2 if "/" in name else -1] else "ham"
        out.append((label, re.sub(r"\s+", " ", body.replace("\0", " ")).strip()[:20000]))
    return [m for m in out if m[1]]


def probabilities(path, label, texts):
    text = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    rule = json.dumps({"rule": "classifier", "model": path, "label": label})
    out = subprocess.run([TOOL, rule], input=text.encode(), capture_output=True)
    if out.returncode != 0:
        sys.exit("rule_run: " + out.stderr.decode())
    return [json.loads(line)["values"]["classifier"] for line in out.stdout.decode().split("\n")[:-1]]


def compare(name, model, path, texts):
    labels, p = model.predict(texts, k=2)
    theirs = [dict(zip(a, b)).get("__label__spam", 0.0) for a, b in zip(labels, p)]
    own = probabilities(path, "spam", texts)
    worst = max(abs(a - b) for a, b in zip(own, theirs))
    print(f"{name}: {len(texts)} texts, probabilities differ by at most {worst:.2e}")
    return worst < 2e-4  # fastText adds 1e-5 before it takes the logarithm, and has a table of sigmoids


def main():
    data = mails()
    train, test = [m for i, m in enumerate(data) if i % 4], [m for i, m in enumerate(data) if i % 4 == 0]
    for name, rows in (("train", train), ("test", test)):
        with open(name + ".txt", "w", encoding="utf-8") as f:
            f.writelines(f"__label__{label} {text}\n" for label, text in rows)
    texts = [t for _, t in test] + ["", "unseen", "免费 发票 代开", "</s> x", "__label__spam x"]
    good = True
    settings = dict(input="train.txt", dim=16, epoch=15, thread=1, bucket=50000, wordNgrams=2, lr=0.5)
    for loss in ("softmax", "hs", "ova"):
        for chars in ((0, 0), (2, 4)):
            model = fasttext.train_supervised(**settings, loss=loss, minn=chars[0], maxn=chars[1])
            model.save_model("peer.bin")
            good &= compare(f"{loss} characters {chars}", model, "peer.bin", texts)
            if loss == "softmax" and chars == (0, 0):
                right = model.test("test.txt")[1]
    for cut in (0, 2000):
        model = fasttext.train_supervised(**settings)
        model.quantize(input="train.txt", qnorm=True, retrain=False, cutoff=cut)
        model.save_model("peer.ftz")
        good &= compare(f"quantized, cut to {cut}", model, "peer.ftz", texts)
    subprocess.run([YH, "classify", "train", "train.txt", "-o", "ours.bin", "--dim", "16", "--epochs", "15",
                    "--buckets", "50000"], check=True)
    good &= compare("trained by us, read by fastText", fasttext.load_model("ours.bin"), "ours.bin", texts)
    out = subprocess.run([YH, "classify", "eval", "ours.bin", "test.txt", "--json"], check=True, capture_output=True)
    own = json.loads(out.stdout)
    print(f"spam or not, {own['examples']} mails: ours {own['right'] / own['examples']:.4f}, fastText {right:.4f}")
    if not good or own["right"] / own["examples"] < right - 0.03:
        sys.exit("not the same")


main()
