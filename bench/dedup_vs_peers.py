"""What bench/dedup_vs_peers runs: dedup_vs_peers.py BUILD DATA MEGABYTES

Quality: all tools use 14 bands of 8 rows over the same word 5-grams (shorter ones for sentences and rows of tables). A pair
counts as found when both are in one cluster. Which pairs near the limit are found is chance, so everything is drawn with
SEEDS seeds: mean and spread. datasketch and ours without verification differ in that alone. With verification,
candidates go whose exact similarity is below one limit for each kind of set; datasketch's are verified here, too.
Ours then looks at 14 further bands of the same minima, as it always does.

Speed: processor seconds, one worker, alternating, on MEGABYTES of made text, least of three rounds (the slow ones
once). "from JSON Lines": from a file of JSON Lines to what goes: for rensa and datasketch json, shingles by
re, signatures, index; for datatrove its four steps (start of Python excluded), for text-dedup its command (start included), for yh the
command `yh clean` with minhash alone, start, report and the written corpus included.
"""
import csv, io, itertools, json, os, random, re, resource, statistics, subprocess, sys, tempfile, time

os.environ["RAYON_NUM_THREADS"] = "1"
BUILD, DATA, SPEED_MB = sys.argv[1], sys.argv[2], int(sys.argv[3])
RUN, YH = os.path.join(BUILD, "bench/dedup_run"), os.path.join(BUILD, "yh")
BANDS, ROWS, SEEDS = 14, 8, 10
WORD = re.compile(r"[^\W_]+", re.UNICODE)  # a word as ours: with the underscore, records look less alike


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


def write_json(docs, path):
    with open(path, "w") as f:
        for k, t in docs.items():
            f.write(json.dumps({"id": k, "text": t}, ensure_ascii=False) + "\n")


def stage(name, params, path, memory="256"):
    with tempfile.TemporaryDirectory() as work:
        r = subprocess.run([RUN, name, json.dumps(params), memory, "1", work, path], capture_output=True, text=True, check=True)
    return r.stdout, json.loads(r.stderr.splitlines()[-1])


def ours(docs, n, **more):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in.jsonl")
        write_json(docs, path)
        out, _ = stage("minhash", {"bands": BANDS, "rows": ROWS, "n": n, **more}, path)
        return [(d["id"], d["other"]) for d in map(json.loads, out.splitlines())]


def datasketch(sets, seed):
    from datasketch import MinHash, MinHashLSH
    lsh, edges = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS)), []
    for k, s in sets.items():
        m = MinHash(num_perm=BANDS * ROWS, seed=seed)
        m.update_batch([x.encode() for x in s])
        edges += [(k, o) for o in lsh.query(m)]
        lsh.insert(k, m)
    return edges


def rensa(sets):
    """Its bulk interface, which is its fastest."""
    from rensa import RMinHash, RMinHashLSH
    names = list(sets)
    m = RMinHash.digest_matrix_from_token_sets([list(s) for s in sets.values()], BANDS * ROWS, 42)
    lsh = RMinHashLSH(threshold=0.719, num_perm=BANDS * ROWS, num_bands=BANDS)
    return lsh.insert_matrix_and_query_duplicate_flags(m, 0) or lsh.query_duplicate_flags_matrix(m)


def rensa_edges(sets):
    from rensa import RMinHash, RMinHashLSH
    lsh, edges = RMinHashLSH(threshold=0.719, num_perm=BANDS * ROWS, num_bands=BANDS), []
    names = list(sets)
    for i, k in enumerate(names):
        m = RMinHash(num_perm=BANDS * ROWS, seed=42)
        m.update(list(sets[k]))
        edges += [(k, names[j]) for j in lsh.query(m) if j != i]
        lsh.insert(i, m)
    return edges


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


def quality():
    print(f"{'set':22} {'tool':28} {'precision':>9} {'recall':>7} {'F1':>7} {'spread':>7}")
    for name, docs, gold, universe, n, least in itertools.chain(articles(), editions(), mrpc(), table()):
        sets = {k: shingles(t, n) for k, t in docs.items()}
        def similar(e):
            a, b = sets[e[0]], sets[e[1]]
            return len(a & b) >= least * max(1, len(a | b))
        theirs = [datasketch(sets, seed) for seed in range(1, SEEDS + 1)]
        rows = {"datasketch": theirs, "rensa": [rensa_edges(sets)],
                "yh, not verified": [ours(docs, n, verify=False, seed=s) for s in range(SEEDS)],
                f"datasketch, verified at {least}": [list(filter(similar, e)) for e in theirs],
                f"yh, verified at {least}": [ours(docs, n, threshold=least, seed=s) for s in range(SEEDS)]}
        for tool, draws in rows.items():
            p, r, f = zip(*(score(e, gold, universe) for e in draws))
            mean = statistics.mean
            print(f"{name:22} {tool:28} {mean(p):9.3f} {mean(r):7.3f} {mean(f):7.4f} {statistics.pstdev(f):7.4f}", flush=True)


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


def text_dedup(path):
    python = os.path.join(BUILD, "peers-text-dedup/bin/python")
    if not os.path.exists(python):
        return None
    with tempfile.TemporaryDirectory() as out:
        before = children()
        r = subprocess.run([python, "-m", "text_dedup.minhash", "--path", "json", "--data_files", path, "--split", "train", "--cache_dir",
                            out + "/cache", "--output", out + "/out", "--column", "text", "--ngram", "5", "--num_perm",
                            str(BANDS * ROWS), "--b", str(BANDS), "--r", str(ROWS), "--hash_func", "xxh3", "--num_proc", "1",
                            "--batch_size", "10000"], capture_output=True, text=True, env={**os.environ, "HF_HOME": out})
        if r.returncode != 0:
            print("text-dedup does not run here:", r.stderr.strip().splitlines()[-1])
            return None
        return children() - before


def children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def yh_clean(path, verify):
    with tempfile.TemporaryDirectory() as folder:
        recipe = os.path.join(folder, "r.json")
        with open(recipe, "w") as f:
            json.dump({"name": "minhash", "read": {"normalize": False},
                       "steps": [{"rule": "minhash", "bands": BANDS, "rows": ROWS, "n": 5, "verify": verify}]}, f)
        before = children()
        subprocess.run([YH, "clean", "-r", recipe, path, "-o", os.path.join(folder, "out"), "--threads", "1", "--compress",
                        "none"], capture_output=True, check=True)
        return children() - before


def python_peers(path, took, slow):
    now = time.process_time
    t = [now()]
    with open(path) as f:
        docs = {d["id"]: d["text"] for d in map(json.loads, f)}
    t.append(now())
    sets = {k: shingles(x, 5) for k, x in docs.items()}
    t.append(now())
    rensa(sets)
    t.append(now())
    took("rensa, of ready shingles", t[3] - t[2])
    took("rensa, from JSON Lines", t[3] - t[0])
    if slow:
        datasketch(sets, 1)
        took("datasketch, of ready shingles", now() - t[3])
        took("datasketch, from JSON Lines", now() - t[3] + t[2] - t[0])


def speed(docs):
    size = sum(len(t.encode()) for t in docs.values()) / 1e6
    least = {}
    def took(tool, seconds):
        if seconds is not None:
            least[tool] = min(seconds, least.get(tool, seconds))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in.jsonl")
        write_json(docs, path)
        for i in range(3):
            for tool, verify in (("yh", False), ("yh, verified", True)):
                params = {"bands": BANDS, "rows": ROWS, "n": 5, "verify": verify}
                took(tool + ", of its store", stage("minhash", params, path)[1]["cpu_seconds"])
                took(tool + ", from JSON Lines", yh_clean(path, verify))
            python_peers(path, took, i == 0)
            if i == 0:
                took("datatrove, from JSON Lines", datatrove(path))
                took("text-dedup, from JSON Lines", text_dedup(path))
    print(f"\nminhash: {size:.1f} MB, {len(docs)} documents, one worker\n{'':32} {'CPU s':>8} {'MB/s':>8} {'yh is':>8} {'yh, verified, is':>17}")
    for tool, t in least.items():
        part = tool[tool.rindex(","):] if tool.endswith("Lines") else ", of its store"
        ratio = "" if tool.startswith("yh") else f"{t / least['yh' + part]:7.1f}x {t / least['yh, verified' + part]:16.1f}x"
        print(f"{tool:32} {t:8.2f} {size / t:8.2f} {ratio}")


DIVSUFSORT = r"""
import sys, time
import numpy as np, pydivsufsort
text = np.fromfile(sys.argv[1], dtype=np.uint8)
memory = lambda name: int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) * 1024
open("/proc/self/clear_refs", "w").write("5")
before, began = memory("VmRSS"), time.process_time()
pydivsufsort.divsufsort(text)
print(time.process_time() - began, memory("VmHWM") - before + len(text))
"""


def repeats(docs):
    """Repeated stretches need a suffix array elsewhere: its construction alone beside all that repeated_text does."""
    with tempfile.TemporaryDirectory() as folder:
        path, text = os.path.join(folder, "in.jsonl"), os.path.join(folder, "text")
        write_json(docs, path)
        with open(text, "w") as f:
            f.write("\0".join(docs.values()))
        size = os.path.getsize(text) / 1e6
        print(f"\nrepeated stretches of 100 bytes: {size:.1f} MB, one worker\n{'':40} {'CPU s':>8} {'MB/s':>8} {'MB of memory':>13}")
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        draws = [[float(x) for x in subprocess.run([sys.executable, "-c", DIVSUFSORT, text], capture_output=True, text=True, check=True,
                                                   env=env).stdout.split()] for _ in range(3)]
        t, m = min(draws)
        print(f"{'libdivsufsort, suffix array alone':40} {t:8.2f} {size / t:8.2f} {m / 1e6:13.1f}")
        for memory in ("1024", "64", "16"):
            t, m = min((x["cpu_seconds"], x["peak_mb"] * 1.048576) for x in (stage("repeated_text", {}, path, memory)[1] for _ in range(3)))
            print(f"{'yh repeated_text, all, --memory ' + memory + 'Mi':40} {t:8.2f} {size / t:8.2f} {m:13.1f}")


quality()
speed(made(SPEED_MB))
repeats(made(SPEED_MB))
