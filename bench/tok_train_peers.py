#!/usr/bin/env python3
"""Training tokenizers beside rustbpe, tokenizers, bpeasy and sentencepiece on the same text.

    bench/tok_train_peers.py build/yh [--data DIR] [--vocab 32000] [--threads 2] [--rounds 3]
        [--only bpe|unigram] [--repeat N] [--json]

Run it with a Python that has the peers (scripts/peers DIR makes one). DIR is the folder of test data
($YH_DATA); English and Chinese text is gathered from it, --repeat times over. Each training is a process
of its own; rounds alternate between the programs, medians are told. Peers are timed inside their process,
without its start and imports; yh from its start to its end, reading and writing included. Peak memory is
the resident set: of yh the whole, of a peer what it grew by during training.

The merges are compared: with tokenizers all must be equal; with rustbpe, whose order of bytes differs, up
to the first tie.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
ENGLISH = ["en_gutenberg/*.txt.zst", "en_tinystories/*.zst", "en_wiki_c4_demo/wiki*.zst", "en_wikitext2/*.zst",
           "sft_alpaca_en/*.zst", "sft_cot_en/*.zst"]
CHINESE = ["zh_novels/*utf8.txt.zst", "zh_opencc_gold/*.txt.zst", "zh_trad_drcd/*txt.zst",
           "zh_wiki_cmrc/*txt.zst", "zh_modern_md/*.zst", "sft_alpaca_zh/*.zst"]


MARK = "\n<|endoftext|>\n"


def gather(data, patterns, path, repeat):
    """Documents of about 8 KB, marks between them: lines without control characters, odd spaces and blanks at their ends,
    so that everybody reads the same text."""
    import glob
    import unicodedata
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        size = 0
        for name in [n for _ in range(repeat) for p in patterns for n in sorted(glob.glob(os.path.join(data, p)))]:
            raw = subprocess.run(["zstd", "-dcq", name], stdout=subprocess.PIPE, check=True).stdout
            text = raw.decode("utf-8", "replace").replace("<|endoftext|>", "\n")
            if ".jsonl" in name or ".json." in name:
                text = "\n".join(strings(text))
            for line in text.split("\n"):
                line = "".join(" " if unicodedata.category(c) == "Zs" else c for c in line
                               if unicodedata.category(c)[0] != "C").strip()
                if line:
                    line = unicodedata.normalize("NFC", line)
                    out.write((MARK if size > 8192 else "\n" if size else "") + line)
                    size = len(line) if size > 8192 else size + len(line) + 1


def strings(text):
    def walk(x):
        if isinstance(x, str):
            yield x
        elif isinstance(x, (list, dict)):
            for y in (x.values() if isinstance(x, dict) else x):
                yield from walk(y)
    try:
        return list(walk(json.loads(text)))
    except ValueError:
        return [s for line in text.split("\n") if line for s in walk(json.loads(line))]


# ---- one training in a process of its own ----

def documents(path):
    part = []
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f:
            if line == MARK[1:]:
                yield "".join(part)[:-1]
                part = []
            else:
                part.append(line)
    yield "".join(part)


def peak():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def child(kind, path, vocab, threads, out):
    import resource
    pairs = None
    if kind == "rustbpe":
        import rustbpe
        before, start = peak(), time.time()
        t = rustbpe.Tokenizer()
        t.train_from_iterator(documents(path), vocab, pattern=PATTERN)
        seconds = time.time() - start
        ranks = t.get_mergeable_ranks()
        pairs = [list(bytes(b)) for b, r in sorted(ranks, key=lambda x: x[1])][256:]
    elif kind == "bpeasy":
        import bpeasy
        before, start = peak(), time.time()
        ranks = bpeasy.train_bpe(documents(path), PATTERN, 128, vocab)
        seconds = time.time() - start
        pairs = [list(b) for b, r in sorted(ranks.items(), key=lambda x: x[1])][256:]
    elif kind == "tokenizers":
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
        before, start = peak(), time.time()
        t = Tokenizer(models.BPE())
        t.normalizer = normalizers.NFC()
        t.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        t.train_from_iterator(documents(path), trainers.BpeTrainer(
            vocab_size=vocab, min_frequency=2, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        seconds = time.time() - start
        pairs = [list(m) if isinstance(m, list) else m.split(" ") for m in json.loads(t.to_str())["model"]["merges"]]
    elif kind == "sentencepiece":
        import sentencepiece
        before, start = peak(), time.time()
        sentencepiece.SentencePieceTrainer.train(
            input=path, model_prefix=out, vocab_size=vocab, model_type="unigram", character_coverage=0.9995,
            byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False,
            normalization_rule_name="identity", num_threads=threads, max_sentence_length=1 << 24, minloglevel=2)
        seconds = time.time() - start
    user = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with open(out, "w") as f:
        json.dump({"seconds": seconds, "memory": peak() - before, "user": user, "pairs": pairs}, f)


def run_peer(kind, path, vocab, threads, tmp):
    out = os.path.join(tmp, kind)
    env = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true")
    subprocess.run([sys.executable, __file__, "--child", kind, path, str(vocab), str(threads), out], env=env,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(out) as f:
        return json.load(f)


def run_ours(yh, kind, path, vocab, threads, tmp):
    folder = os.path.join(tmp, "ours-" + kind)
    command = [yh, "tok", "train", path, "-o", folder, "--vocab", str(vocab), "--threads", str(threads),
               "--heldout", "0", "--model", kind, "--special-token", "<|endoftext|>"]
    # through a small process: the peak of a child begins with its parent's
    small = ("import json, os, resource, subprocess, sys, time; t = time.time();"
             "rc = subprocess.run(sys.argv[1:], stdout=2).returncode; t = time.time() - t;"
             "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
             "print(json.dumps([rc, t, u.ru_maxrss * 1024, u.ru_utime]))")
    p = subprocess.run([sys.executable, "-S", "-c", small] + command, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, check=True)
    status, seconds, memory, user = json.loads(p.stdout)
    if status != 0:
        sys.exit("yh failed: " + p.stderr.decode())
    model = json.load(open(os.path.join(folder, "tokenizer.json")))["model"]
    return {"seconds": seconds, "memory": memory, "user": user, "pairs": model.get("merges")}


def from_gpt2_alphabet(pairs):
    """Merges as the bytes of the token that each makes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, n = {chr(b): b for b in plain}, 0
    for b in range(256):
        if b not in plain:
            table[chr(256 + n)] = b
            n += 1
    return [[table[c] for c in a + b] for a, b in pairs]


def compare(yh, language, path, args, tmp):
    kinds = []
    if args.only != "unigram":
        kinds += [("bpe", ["rustbpe", "bpeasy", "tokenizers"])]
    if args.only != "bpe":
        kinds += [("unigram", ["sentencepiece"])]
    rows = []
    for kind, peers in kinds:
        runs = {}
        for _ in range(args.rounds):
            runs.setdefault("yh " + kind, []).append(run_ours(yh, kind, path, args.vocab + 1, args.threads, tmp))
            for peer in list(peers):
                try:
                    runs.setdefault(peer, []).append(run_peer(peer, path, args.vocab, args.threads, tmp))
                except (subprocess.CalledProcessError, OSError):
                    print("%s: is not here, or failed" % peer)
                    peers.remove(peer)
                    runs.pop(peer, None)
        base = None
        for name, all_runs in runs.items():
            row = {"text": language, "bytes": os.path.getsize(path), "program": name, "vocab": args.vocab,
                   "threads": args.threads}
            for key in ("seconds", "user", "memory"):
                row[key] = statistics.median(r[key] for r in all_runs)
            base = base or row
            row["times_faster"] = row["seconds"] / base["seconds"]
            row["memory_share"] = base["memory"] / row["memory"] if row["memory"] > 0 else 0
            if name in ("tokenizers", "rustbpe", "bpeasy"):
                ours, theirs = runs["yh bpe"][0]["pairs"], all_runs[0]["pairs"]
                if name != "tokenizers":
                    ours = from_gpt2_alphabet(ours)
                row["equal_merges"] = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b),
                                           min(len(ours), len(theirs)))
                row["merges"] = len(theirs)
            rows.append(row)
            if not args.json:
                equal = "%d of %d" % (row["equal_merges"], row["merges"]) if "merges" in row else ""
                print("%-8s %6.1f MB  %-14s %8.2f s %8.2f s user %8.0f MB  %6.2fx  memory 1/%.1f  %s" % (
                    language, row["bytes"] / 1e6, name, row["seconds"], row["user"], row["memory"] / 1e6,
                    row["times_faster"], 1 / row["memory_share"] if row["memory_share"] else 0, equal), flush=True)
    return rows


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
        return
    p = argparse.ArgumentParser()
    p.add_argument("yh")
    p.add_argument("--data", default=os.environ.get("YH_DATA", "../shared/data"))
    p.add_argument("--vocab", type=int, default=32000)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--repeat", type=int, default=1)
    p.add_argument("--limit", type=int, default=1 << 60, help="bytes of each text")
    p.add_argument("--only", choices=["bpe", "unigram"])
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        for language, patterns in (("English", ENGLISH), ("Chinese", CHINESE)):
            path = os.path.join(tmp, language + ".txt")
            gather(args.data, patterns, path, args.repeat)
            if os.path.getsize(path) > args.limit:
                with open(path, "rb") as f:
                    text = f.read(args.limit)
                with open(path, "wb") as f:
                    f.write(text[:text.rfind(MARK.encode())])
            if os.path.getsize(path) == 0:
                print("%s: there is no text in %s" % (language, args.data))
                continue
            rows += compare(os.path.abspath(args.yh), language, path, args, tmp)
    if args.json:
        print(json.dumps(rows, indent=1))


main()
