"""Training tokenizers beside other people's trainers.

Byte-level BPE: the same merges as tokenizers' trainer, all of them, on text with many ties too; the
reference merges of another trainer, whose ties fall otherwise, up to the first tie. Unigram: tokenizers
opens the file and gives the same ids; as many bytes per token as sentencepiece's trainer, within 1.5%.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

YH = os.path.abspath(sys.argv[1])
DATA = os.environ.get("YH_DATA", os.path.join(os.path.dirname(__file__), "../../../shared/data"))
MARK = "\n<|endoftext|>\n"
PATTERNS = {
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
             r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
}
try:
    import tokenizers
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
except ImportError as e:
    print("skipped: %s" % e)
    sys.exit(77)


def train(path, folder, *options):
    subprocess.run([YH, "tok", "train", path, "-o", folder, "--heldout", "0", *options], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, "tokenizer.json")) as f:
        return json.load(f)


def pairs(merges):
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in merges]


def documents():
    r = random.Random(4)
    letters = "etaoinshrdlu\u4f60\u597d\u4e16\u754c\u00e9\u0416 "
    yield "synthetic", ["".join(r.choice(letters) for _ in range(900)).strip() for _ in range(120)]
    for label, name in (("English", "en_gutenberg/Jane-Eyre_1260.txt.zst"), ("Chinese", "zh_wiki_cmrc/cmrc2018_dev_contexts.txt.zst")):
        path = os.path.join(DATA, name)
        if not os.path.exists(path):
            print("%s: not here" % path)
            continue
        raw = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
        # nothing that reading a file of text would change
        lines = ["".join(c for c in line if unicodedata.category(c)[0] != "C")
                 for line in raw.decode("utf-8", "replace").split("\n")]
        lines = [unicodedata.normalize("NFC", " ".join(line.split())) for line in lines]
        lines = [line for line in lines if line][:4000]
        yield label, ["\n".join(lines[i:i + 8]) for i in range(0, len(lines), 8)]


def bpe(label, docs, path, tmp):
    bad = 0
    for name, pattern in PATTERNS.items():
        size = 3000
        ours = pairs(train(path, os.path.join(tmp, "bpe"), "--vocab", str(size + 3), "--pattern", name)
                     ["model"]["merges"])
        t = Tokenizer(models.BPE())
        t.normalizer = normalizers.NFC()
        t.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        t.train_from_iterator(docs, trainers.BpeTrainer(
            vocab_size=size, min_frequency=2, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        theirs = pairs(json.loads(t.to_str())["model"]["merges"])
        same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
        print("%-10s %-6s %d merges, %d as tokenizers'" % (label, name, len(ours), same))
        bad += ours != theirs
    return bad


def unigram(label, docs, path, tmp):
    folder, size = os.path.join(tmp, "unigram"), 4000 if label == "English" else 8000
    train(path, folder, "--vocab", str(size), "--model", "unigram")
    peer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    bad = count = n = 0
    texts = docs[::5] + ["a  b", "", "<0x41><unk>", "\u00e9\U0001f600\u0416x\n\n y"]
    for text in texts:
        ids = list(map(int, subprocess.run([YH, "tok", "encode", "--tok", folder], input=text.encode(), check=True,
                                           stdout=subprocess.PIPE).stdout.split()))
        bad += ids != peer.encode(text).ids or peer.decode(ids) != text
    try:
        import sentencepiece
    except ImportError:
        print("%-10s unigram: %d texts, %d differ; sentencepiece is not here" % (label, len(texts), bad))
        return bad
    lines = [line for d in docs for line in d.split("\n")]
    plain, model = os.path.join(tmp, "lines"), os.path.join(tmp, "peer")
    with open(plain, "w") as f:
        f.write("\n".join(lines) + "\n")
    sentencepiece.SentencePieceTrainer.train(
        input=plain, model_prefix=model, vocab_size=size, model_type="unigram", character_coverage=0.9995,
        byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False,
        normalization_rule_name="identity", num_threads=2, max_sentence_length=1 << 24, minloglevel=2)
    sp, theirs = sentencepiece.SentencePieceProcessor(model_file=model + ".model"), 0
    for line in lines:
        n += len(line.encode())
        theirs += len(sp.encode(line))
        count += len(peer.encode(line).ids)
    print("%-10s unigram: %d texts, %d differ; bytes per token %.4f, sentencepiece's %.4f"
          % (label, len(texts), bad, n / count, n / theirs))
    return bad + (count > theirs * 1.015)


def gold(tmp):
    corpus = os.path.join(DATA, "tok_bpe_gold/corpus.en")
    if not os.path.exists(corpus):
        print("%s: not here" % corpus)
        return 0
    path = os.path.join(tmp, "gold.txt")
    with open(corpus, "rb") as f, open(path, "wb") as out:
        out.write(f.read())
    ours = pairs(train(path, os.path.join(tmp, "gold"), "--vocab", "500", "--pattern", "gpt2", "--special-token",
                       "<|endoftext|>")["model"]["merges"])
    with open(os.path.join(DATA, "tok_bpe_gold/train-bpe-reference-merges.txt")) as f:
        theirs = [tuple(line.rstrip("\n").split(" ")) for line in f]
    same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), len(ours))
    both = len(set(ours) & set(theirs))
    print("reference trainer: %d merges, %d before the first tie, %d in both" % (len(theirs), same, both))
    # ties fall to the larger pair there; at the end of the list some are cut off on either side
    return len(ours) != len(theirs) or same < 30 or both < len(theirs) - 6


def main():
    bad = 0
    with tempfile.TemporaryDirectory() as tmp:
        bad += gold(tmp)
        for label, docs in documents():
            path = os.path.join(tmp, label + ".txt")
            with open(path, "w", encoding="utf-8", newline="\n") as f:
                f.write(MARK.join(docs))
            bad += bpe(label, docs, path, tmp)
            if label != "synthetic":
                bad += unigram(label, docs, path, tmp)
    sys.exit(1 if bad else 0)


main()
