#!/usr/bin/env python3
"""The FineWeb-like chain beside datatrove, in one run: web archive -> main text -> Gopher repetition and
quality, C4 (without its rule on ends of lines), FineWeb's rules -> MinHash. One worker each, alternating.

usage: data_vs_peers.py YH DATA [--copies N] [--rounds N] [--scratch DIR] [--language] [--json]
DATA is the folder with web_article_bench, web_trafilatura_eval and web_readability: their pages, N times
(the copies differ in their addresses and in one sentence), make the archive. Needs datatrove with its
processing extras (trafilatura, spacy, nltk, warcio). Language identification is left out on both sides
unless --language is given: datatrove downloads a model for it.
Prints, per program: documents in and kept, CPU seconds (of the process and its children), MB of archive
and pages a CPU second, and the ratio; peak memory."""
import argparse, gzip, io, json, os, re, resource, shutil, statistics, subprocess, sys, tarfile, time

CHAIN = [{"rule": "gopher_repetition"}, {"rule": "gopher_quality"}, {"rule": "c4", "terminal": False},
         {"rule": "fineweb"}, {"rule": "minhash", "verify": False}]


def pages(data, tmp):
    for name in ("web_article_bench/html.tar.zst", "web_trafilatura_eval/html.tar.zst",
                 "web_readability/web_readability.tar.zst"):
        into = os.path.join(tmp, name.split("/")[0])
        os.makedirs(into, exist_ok=True)
        subprocess.run(["tar", "xf", os.path.join(data, name), "-C", into], check=True)
        for folder, _, files in sorted(os.walk(into)):
            for f in sorted(files):
                if f.endswith(".html") and f != "expected.html":
                    yield open(os.path.join(folder, f), "rb").read()


def make_archive(path, data, tmp, copies):
    count = size = 0
    all_pages = list(pages(data, tmp))
    with open(path, "wb") as out:
        for copy in range(copies):
            for i, page in enumerate(all_pages):
                if copy > 0:  # one sentence differs
                    page = page.replace(b"</p>", b" This is copy number %d of it.</p>" % copy, 1)
                http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
                head = (f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://site{i % 97}.example/{copy}/{i}\r\n"
                        f"WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{copy:04d}{i:08d}>\r\n"
                        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n").encode()
                out.write(gzip.compress(head + http + b"\r\n\r\n", 6))
                count, size = count + 1, size + len(http)
    return count, size


PEER = r"""
import json, sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import WarcReader, JsonlReader
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (C4QualityFilter, FineWebQualityFilter, GopherQualityFilter,
                                        GopherRepetitionFilter, LanguageFilter)
from datatrove.pipeline.writers import JsonlWriter
from datatrove.pipeline.dedup import (MinhashBuildIndex, MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster,
                                      MinhashDedupFilter, MinhashDedupSignature)
from datatrove.utils.hashing import HashConfig
folder, out, language = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
run = lambda name, steps, tasks=1: LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1,
                                                         logging_dir=f"{out}/logs/{name}").run()
steps = [WarcReader(folder, glob_pattern="*.warc.gz", default_metadata={}), Trafilatura(favour_precision=True, timeout=10)]
steps += [LanguageFilter()] if language else []
steps += [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False),
          FineWebQualityFilter(), JsonlWriter(f"{out}/filtered", compression=None)]
run("filter", steps)
config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"), num_buckets=14, hashes_per_bucket=8, n_grams=5)
run("sig", [JsonlReader(f"{out}/filtered"), MinhashDedupSignature(output_folder=f"{out}/sig", config=config, language="eng")])
run("buckets", [MinhashDedupBuckets(input_folder=f"{out}/sig", output_folder=f"{out}/buckets", config=config)], 14)
run("cluster", [MinhashDedupCluster(input_folder=f"{out}/buckets", output_folder=f"{out}/remove", config=config)])
run("dedup", [JsonlReader(f"{out}/filtered"), MinhashDedupFilter(input_folder=f"{out}/remove"),
              JsonlWriter(f"{out}/kept", compression=None)])
"""


def timed(args, env=None):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    if p.returncode != 0:
        sys.exit(f"{args[0]} failed:\n{p.stderr.decode()[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - begin, p.stdout.decode()


def lines_of(folder):
    n = 0
    for d, _, files in os.walk(folder):
        for f in files:
            if f.endswith(".jsonl"):
                with open(os.path.join(d, f), "rb") as h:
                    n += sum(1 for _ in h)
    return n


def ours(a, tmp):
    out = f"{tmp}/yh"
    shutil.rmtree(out, ignore_errors=True)
    steps = ([{"rule": "language"}] if a.language else []) + CHAIN
    json.dump({"name": "fineweb-like", "read": {"part_chars": 0}, "steps": steps}, open(f"{tmp}/recipe.json", "w"))
    cpu, wall, _ = timed([a.yh, "clean", f"{tmp}/in", "-o", out, "--recipe", f"{tmp}/recipe.json", "--threads", "1",
                          "--compress", "none"])
    return cpu, wall, lines_of_parts(out)


def lines_of_parts(out):
    return sum(sum(1 for _ in open(os.path.join(out, f), "rb")) for f in os.listdir(out) if f.startswith("part-"))


def peer(a, tmp):
    out = f"{tmp}/datatrove"
    shutil.rmtree(out, ignore_errors=True)
    open(f"{tmp}/peer.py", "w").write(PEER)
    env = dict(os.environ, OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    cpu, wall, _ = timed([sys.executable, f"{tmp}/peer.py", f"{tmp}/in", out, "1" if a.language else "0"], env)
    return cpu, wall, lines_of(f"{out}/kept")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("yh"), p.add_argument("data")
    p.add_argument("--copies", type=int, default=3)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--scratch", default="data-vs-peers")
    p.add_argument("--language", action="store_true")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    try:
        import datatrove
    except ImportError:
        print("skipped: no Python package datatrove")
        sys.exit(77)
    a.yh = os.path.abspath(a.yh)
    tmp = os.path.abspath(a.scratch)
    os.makedirs(f"{tmp}/in", exist_ok=True)
    count, size = make_archive(f"{tmp}/in/pages.warc.gz", a.data, tmp, a.copies)
    result = {"yh": [], "datatrove": []}
    for _ in range(a.rounds):
        for name, run in (("yh", ours), ("datatrove", peer)):
            result[name].append(run(a, tmp))
    row = {"pages": count, "bytes": size, "datatrove_version": datatrove.__version__ if hasattr(datatrove, "__version__") else ""}
    for name, runs in result.items():
        cpu = statistics.median(r[0] for r in runs)
        row[name] = {"cpu": cpu, "wall": statistics.median(r[1] for r in runs), "kept": runs[0][2]}
    row["ratio"] = row["datatrove"]["cpu"] / row["yh"]["cpu"]
    if a.json:
        print(json.dumps(row))
        return
    for name in result:
        r = row[name]
        print(f"{name:10} {count} pages in, {r['kept']} kept, {r['cpu']:8.2f} CPU s, {size / 1e6 / r['cpu']:8.2f} MB/s, "
              f"{count / r['cpu']:8.1f} pages/s, {r['wall']:8.2f} s")
    print(f"yh does the chain in 1/{row['ratio']:.1f} of datatrove's CPU time")


main()
