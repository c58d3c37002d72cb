#!/usr/bin/env python3
"""Near-duplicates with known truth, and speed, beside datasketch and rensa.

    python3 -m venv V && V/bin/pip install datasketch rensa datatrove orjson spacy tokenizers
    ninja -C build dedup_run
    V/bin/python bench/dedup_vs_peers/dedup_vs_peers.py build/bench/dedup_run DATA [MEGABYTES]

DATA is the folder with dup_minhash_articles, dup_gutenberg_editions, dup_mrpc, dup_dedupe_csv (zstd on
PATH). All use 14 bands of 8 rows over the same word 5-grams (words of the lists: 3-grams, they are
short). A pair counts as found when both are in one cluster. Ours is measured with exact verification and
without; datasketch and rensa are candidates alone, as they are used. The similarity from which a pair is
joined is one for each kind of set (articles 0.7, paragraphs of editions 0.5, sentences 0.5, rows 0.6), not one
for each set.

Speed: CPU seconds of one worker, alternating, on MEGABYTES (default 20) of made text, three rounds, the
least of each. What every tool is given is text in memory or JSON Lines; what it gives back is which
documents go. datasketch and rensa: shingles, signatures, index, queries; reading excluded. datatrove: its
four steps (signatures of 64 bits, buckets, clusters, filter) on JSON Lines in a process of its own, start of
Python excluded. yh: twice, the stage alone on its store, and the whole process from JSON Lines.
"""
import csv, io, itertools, json, os, random, re, resource, subprocess, sys, tempfile, time

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
    for book in sorted({f.split("__")[0] for f in os.listdir(os.path.join(DATA, "dup_gutenberg_editions")) if "__A.txt" in f}):
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
    speed(made(SPEED_MB))


DATATROVE = r"""
import sys, time
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter,
                                      MinhashDedupSignature)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig
folder, out = sys.argv[1:]
run = lambda name, steps, tasks=1: LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1,
                                                         logging_dir=f"{out}/logs/{name}").run()
config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"), num_buckets=14, hashes_per_bucket=8, n_grams=5)
began = time.process_time()
run("sig", [JsonlReader(folder, glob_pattern="*.jsonl"), MinhashDedupSignature(output_folder=f"{out}/sig", config=config, language="eng")])
run("buckets", [MinhashDedupBuckets(input_folder=f"{out}/sig", output_folder=f"{out}/buckets", config=config)], 14)
run("cluster", [MinhashDedupCluster(input_folder=f"{out}/buckets", output_folder=f"{out}/remove", config=config)])
run("filter", [JsonlReader(folder, glob_pattern="*.jsonl"), MinhashDedupFilter(input_folder=f"{out}/remove"),
               JsonlWriter(f"{out}/kept", compression=None)])
print("CPU", time.process_time() - began)
"""


def datatrove(path):
    with tempfile.TemporaryDirectory() as out:
        r = subprocess.run([sys.executable, "-c", DATATROVE, os.path.dirname(path), out], capture_output=True, text=True)
        if r.returncode != 0:
            print("datatrove does not run here:", r.stderr.strip().splitlines()[-1])
            return None
        return float(r.stdout.split("CPU")[-1])


def speed(docs):
    size = sum(len(t.encode()) for t in docs.values()) / 1e6
    least = {}
    def took(tool, seconds):
        if seconds is not None:
            least[tool] = min(seconds, least.get(tool, seconds))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in.jsonl")
        with open(path, "w") as f:
            for k, t in docs.items():
                f.write(json.dumps({"id": k, "text": t}, ensure_ascii=False) + "\n")
        for i in range(3):
            for tool, more in (("yh", {"verify": False}), ("yh, verified", {})):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                with tempfile.TemporaryDirectory() as work:
                    r = subprocess.run([RUN, "minhash", json.dumps({"bands": BANDS, "rows": ROWS, "n": 5, **more}), "256", "1", work, path],
                                       capture_output=True, text=True, check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                took(tool, json.loads(r.stderr.splitlines()[-1])["cpu_seconds"])
                took(tool + ", from JSON Lines", after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            took("rensa", rensa(docs, 5)[1]["cpu_seconds"])
            if i == 0:  # the slow ones once
                took("datasketch", datasketch(docs, 5)[1]["cpu_seconds"])
                took("datatrove", datatrove(path))
    print(f"\n{size:.1f} MB, {len(docs)} documents, one worker\n{'tool':28} {'CPU s':>8} {'MB/s':>8} {'yh is':>7} {'yh from JSON Lines is':>22}")
    for tool, t in least.items():
        ratio = "" if tool.startswith("yh") else f"{t / least['yh']:6.1f}x {t / least['yh, from JSON Lines']:21.1f}x"
        print(f"{tool:28} {t:8.2f} {size / t:8.2f} {ratio}")


main()
