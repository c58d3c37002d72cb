#!/usr/bin/env python3
"""Near-duplicates with known truth, and speed, beside datasketch and rensa.

    python3 -m venv V && V/bin/pip install datasketch rensa
    ninja -C build dedup_run
    V/bin/python bench/dedup_vs_peers/dedup_vs_peers.py build/bench/dedup_run DATA [MEGABYTES]

DATA is the folder with dup_minhash_articles, dup_gutenberg_editions, dup_mrpc, dup_dedupe_csv (zstd on
PATH). All use 14 bands of 8 rows over the same word 5-grams (words of the lists: 3-grams, they are
short). A pair counts as found when both are in one cluster. Ours is measured with exact verification and
without; datasketch and rensa are candidates alone, as they are used. Speed: CPU seconds of one
process on MEGABYTES (default 20) of made text, hashing the shingles included, reading excluded.
"""
import csv, io, itertools, json, os, random, re, subprocess, sys, tempfile, time

RUN, DATA = sys.argv[1], sys.argv[2]
SPEED_MB = int(sys.argv[3]) if len(sys.argv) > 3 else 20
BANDS, ROWS = 14, 8
WORD = re.compile(r"\w+", re.UNICODE)


def read(*names):
    path = os.path.join(DATA, *names)
    raw = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout if path.endswith(".zst") else open(path, "rb").read()
    return raw.decode("utf-8-sig", "replace")


def shingles(text, n):
    w = WORD.findall(text.lower())
    return {" ".join(w[i:i + n]) for i in range(max(1, len(w) - n + 1))} if w else set()


def clusters_to_pairs(groups):
    return {p for g in groups for p in itertools.combinations(sorted(g), 2)}


def components(edges):
    up = {}
    def find(x):
        up.setdefault(x, x)
        while up[x] != x:
            up[x] = up[up[x]]
            x = up[x]
        return x
    for a, b in edges:
        up[find(a)] = find(b)
    groups = {}
    for x in list(up):
        groups.setdefault(find(x), set()).add(x)
    return groups.values()


def ours(docs, n, **more):
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "in.jsonl")
        with open(path, "w") as f:
            for k, t in docs.items():
                f.write(json.dumps({"id": k, "text": t}, ensure_ascii=False) + "\n")
        params = {"bands": BANDS, "rows": ROWS, "n": n, **more}
        r = subprocess.run([RUN, "minhash", json.dumps(params), "256", "1", work, path], capture_output=True, text=True, check=True)
        edges = [(d["id"], d["other"]) for d in map(json.loads, r.stdout.splitlines())]
        return edges, json.loads(r.stderr.splitlines()[-1])


def datasketch(docs, n):
    from datasketch import MinHash, MinHashLSH
    lsh = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    edges, t = [], time.process_time()
    for k, text in docs.items():
        m = MinHash(num_perm=BANDS * ROWS)
        m.update_batch([s.encode() for s in shingles(text, n)])
        edges += [(k, o) for o in lsh.query(m)]
        lsh.insert(k, m)
    return edges, {"cpu_seconds": time.process_time() - t}


def rensa(docs, n):
    from rensa import RMinHash, RMinHashLSH
    names = list(docs)
    lsh = RMinHashLSH(threshold=0.719, num_perm=BANDS * ROWS, num_bands=BANDS)
    edges, t = [], time.process_time()
    for i, k in enumerate(names):
        m = RMinHash(num_perm=BANDS * ROWS, seed=42)
        m.update(list(shingles(docs[k], n)))
        edges += [(k, names[j]) for j in lsh.query(m) if j != i]
        lsh.insert(i, m)
    return edges, {"cpu_seconds": time.process_time() - t}


def score(edges, gold, universe=None):
    found = clusters_to_pairs(components(edges))
    if universe is not None:
        found &= universe
    hit = len(found & gold)
    p, r = hit / len(found) if found else 1.0, hit / len(gold) if gold else 1.0
    return p, r, 2 * p * r / (p + r) if p + r else 0.0


def pair(a, b):
    return tuple(sorted((a, b)))


def articles():
    for size in ("100", "1000"):
        docs = dict(l.split(" ", 1) for l in read("dup_minhash_articles", f"articles_{size}.train.zst").splitlines() if l)
        gold = {pair(*l.split()) for l in read("dup_minhash_articles", f"articles_{size}.truth").splitlines() if l.strip()}
        yield f"articles_{size}", docs, gold, None, 5, 0.7


def editions():
    """Two editions of a book, chapter-sized pieces: the k-th long paragraph of A and its like in B.
    Gold: paragraphs whose word sets are nearly the same (difflib on words, 0.8)."""
    import difflib
    for book in ("Alice-s-Adventures-in-Wonderland_11", "Frankenstein_84"):
        docs, gold = {}, set()
        parts = {}
        for e in "AB":
            t = re.sub(r"\r", "", read("dup_gutenberg_editions", f"{book}__{e}.txt.zst"))
            parts[e] = [p for p in re.split(r"\n\s*\n", t) if len(p) > 300][:400]
            docs.update({f"{e}{i}": p for i, p in enumerate(parts[e])})
        words = {k: WORD.findall(v.lower()) for k, v in docs.items()}
        index = {}
        for i in range(len(parts["B"])):
            for w in set(words[f"B{i}"]):
                index.setdefault(w, []).append(i)
        for i in range(len(parts["A"])):
            a = words[f"A{i}"]
            near = {}
            for w in set(a):
                for j in index.get(w, ()):
                    near[j] = near.get(j, 0) + 1
            for j, c in near.items():
                if c > 0.7 * len(set(a)):
                    m = difflib.SequenceMatcher(None, a, words[f"B{j}"], autojunk=False).ratio()
                    if m >= 0.8:
                        gold.add(pair(f"A{i}", f"B{j}"))
        yield f"editions {book.split('_')[0][:12]}", docs, gold, {pair(f"A{i}", f"B{j}") for i in range(len(parts["A"])) for j in range(len(parts["B"]))}, 5, 0.5


def mrpc():
    """Hard negatives: sentences alike in words. Gold: labelled paraphrases; only these pairs judged."""
    docs, gold, judged = {}, set(), set()
    for line in read("dup_mrpc", "msr_paraphrase_train.txt.zst").splitlines()[1:]:
        f = line.split("\t")
        if len(f) == 5:
            docs[f[1]], docs[f[2]] = f[3], f[4]
            judged.add(pair(f[1], f[2]))
            if f[0] == "1":
                gold.add(pair(f[1], f[2]))
    yield "mrpc", docs, gold, judged, 2, 0.5


def table():
    docs, groups = {}, {}
    rows = csv.DictReader(io.StringIO(read("dup_dedupe_csv", "csv_example_input_with_true_ids.csv.zst")))
    for i, r in enumerate(rows):
        true = r.pop("True Id")
        r.pop("Id", None)
        docs[f"r{i}"] = " ".join(str(v) for v in r.values() if v)
        groups.setdefault(true, []).append(f"r{i}")
    yield "dedupe_csv", docs, clusters_to_pairs(groups.values()), None, 2, 0.6


def made(megabytes):
    random.seed(1)
    words = [w for t in ("100", "1000") for l in read("dup_minhash_articles", f"articles_{t}.train.zst").splitlines() for w in l.split()[1:]]
    docs, n = {}, 0
    while n < megabytes * 1e6:
        at = random.randrange(len(words))
        text = " ".join(random.sample(words[at:at + 600], k=len(words[at:at + 600]))) if random.random() < 0.9 or not docs else docs[f"d{random.randrange(len(docs))}"]
        docs[f"d{len(docs)}"] = text
        n += len(text)
    return docs


def main():
    print(f"{'set':24} {'tool':22} {'precision':>9} {'recall':>7} {'F1':>6}")
    bad = 0
    for name, docs, gold, universe, n, least in itertools.chain(articles(), editions(), mrpc(), table()):
        results = {}
        for tool, edges in (("datasketch", datasketch(docs, n)[0]), ("rensa", rensa(docs, n)[0]),
                            ("yh, not verified", ours(docs, n, verify=False)[0]), (f"yh, verified at {least}", ours(docs, n, threshold=least)[0])):
            results[tool] = score(edges, gold, universe)
            print(f"{name:24} {tool:22} {results[tool][0]:9.3f} {results[tool][1]:7.3f} {results[tool][2]:6.3f}", flush=True)
    docs = made(SPEED_MB)
    size = sum(len(t.encode()) for t in docs.values()) / 1e6
    mine = [ours(docs, 5)[1]["cpu_seconds"] for _ in range(3)]
    for tool, fn in (("datasketch", datasketch), ("rensa", rensa)):
        t = fn(docs, 5)[1]["cpu_seconds"]
        print(f"{tool}: {size / t:.2f} MB/s of CPU; yh {size / min(mine):.2f} MB/s: {t / min(mine):.1f} times")


main()
