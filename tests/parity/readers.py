"""Files that warcio, pyarrow, csv, zipfile, tarfile and the compressors of Python write, read back by
yh clean: the same documents, addresses and fields.

usage: readers.py YH   (exit 77: something needed is not here)"""
import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from warcio.archiveiterator import ArchiveIterator
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)

YH = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
random.seed(5)
WORDS = "the quick brown fox jumps over a lazy dog 中文 文本 été naïve \"quoted\" comma, tab\there line\nend".split(" ")
failures = 0


def text(i):
    return f"document {i}: " + " ".join(random.choice(WORDS) for _ in range(random.randrange(5, 60))) + "."


TEXTS = [text(i) for i in range(500)]


def clean(folder, *more):
    out = folder + ".out"
    subprocess.run([YH, "clean", folder, "-o", out, "-r", "none", "-s", "read.normalize=false", "-s",
                    "read.part_chars=0", "--compress", "none", *more], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    docs = []
    for name in sorted(os.listdir(out)):
        if name.startswith("part-"):
            with open(os.path.join(out, name), encoding="utf-8", newline="\n") as f:
                docs += [json.loads(line) for line in f]
    return docs


def check(what, got, want):
    global failures
    ok = got == want
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {what}: {len(got)} of {len(want)}")
    if not ok:
        for g, w in zip(got, want):
            if g != w:
                print("   got", repr(g)[:300], "\n  want", repr(w)[:300])
                break


def folder(scratch, name):
    path = os.path.join(scratch, name)
    os.mkdir(path)
    return path


def parquet(scratch):
    n = len(TEXTS)
    rows = [None if i % 17 == 3 else t for i, t in enumerate(TEXTS)]
    table = pa.table({"id": pa.array(range(n), pa.int64()), "text": rows, "kind": [["a", "b", None][i % 3] for i in range(n)],
                      "score": [i / 7 for i in range(n)], "good": [i % 2 == 0 for i in range(n)]})
    want = [(t, {k: v for k, v in (("id", i), ("kind", ["a", "b", None][i % 3]), ("score", i / 7), ("good", i % 2 == 0))
                 if v is not None}) for i, t in enumerate(rows) if t]
    cases = [dict(compression=c, data_page_version=v, data_page_size=2048) for c in ("none", "snappy", "gzip", "zstd", "lz4")
             for v in ("1.0", "2.0")]
    cases += [dict(use_dictionary=False), dict(use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY", "id": "DELTA_BINARY_PACKED"}),
              dict(use_dictionary=False, column_encoding={"text": "DELTA_LENGTH_BYTE_ARRAY"}), dict(write_page_checksum=True)]
    for k, case in enumerate(cases):
        d = folder(scratch, f"parquet{k}")
        pq.write_table(table, os.path.join(d, "a.parquet"), row_group_size=130, **case)
        check(f"parquet {case}", [(x["text"], x["meta"]) for x in clean(d)], want)
    d = folder(scratch, "parquet_nested")
    pq.write_table(pa.table({"messages": [[{"role": "u", "content": t}, {"role": "a", "content": "yes"}] for t in TEXTS]}),
                   os.path.join(d, "a.parquet"))
    check("parquet, nested column", [x["text"] for x in clean(d, "-s", "read.text=messages")], [t + "\nyes" for t in TEXTS])


def tables(scratch):
    for delimiter, ending in ((",", "csv"), ("\t", "tsv"), (";", "csv")):
        d = folder(scratch, f"table{ord(delimiter)}")
        with open(os.path.join(d, "a." + ending), "w", newline="", encoding="utf-8") as f:
            w = csv.writer(f, delimiter=delimiter)
            w.writerow(["id", "text", "kind"])
            w.writerows([i, t, "k" * (i % 3)] for i, t in enumerate(TEXTS))
        want = [(t, {"id": str(i), **({"kind": "k" * (i % 3)} if i % 3 else {})}) for i, t in enumerate(TEXTS)]
        check(f"table with {delimiter!r}", [(x["text"], x["meta"]) for x in clean(d)], want)


def jsons(scratch):
    rows = [{"text": t, "id": i, "more": {"a": [1, None, "é\u0000\U0001f600"]}, "url": f"http://a/{i}"} for i, t in enumerate(TEXTS)]
    want = [(r["text"], r["url"], {"id": r["id"], "more": r["more"]}) for r in rows]
    for ascii_only in (True, False):
        d = folder(scratch, f"json{ascii_only}")
        with open(os.path.join(d, "a.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r, ensure_ascii=ascii_only) + "\n" for r in rows)
        with open(os.path.join(d, "b.json"), "w", encoding="utf-8") as f:
            json.dump(rows, f, ensure_ascii=ascii_only, indent=1 if ascii_only else None)
        got = clean(d)
        for x in got:
            x["address"] = x["meta"].pop("url", x.get("url"))
        check(f"json, ascii {ascii_only}", [(x["text"], x["address"], x["meta"]) for x in got], want * 2)


def packed(scratch):
    whole = "\n".join(TEXTS).encode()
    d = folder(scratch, "packed")
    for ending, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        with open(os.path.join(d, "a.txt." + ending), "wb") as f:
            f.write(pack(whole[:5000]) + pack(whole[5000:]))
    check("members of gz, bz2, xz", [x["text"] for x in clean(d)], [whole.decode()] * 3)
    d = folder(scratch, "archives")
    with zipfile.ZipFile(os.path.join(d, "a.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for i, t in enumerate(TEXTS):
            z.writestr(f"dir/{i:03}.txt", t)
    with tarfile.open(os.path.join(d, "b.tar.xz"), "w:xz") as z:
        for i, t in enumerate(TEXTS):
            info = tarfile.TarInfo("long" * 40 + f"/{i:03}.txt")
            info.size = len(t.encode())
            z.addfile(info, io.BytesIO(t.encode()))
    got = clean(d)
    check("zip and tar.xz", [x["text"] for x in got], TEXTS * 2)
    check("names of entries", [x["id"] for x in got][::500], ["a.zip/dir/000.txt", "b.tar.xz/" + "long" * 40 + "/000.txt"])


def warc(scratch):
    for compressed in (False, True):
        d = folder(scratch, f"warc{compressed}")
        with open(os.path.join(d, "a.warc"), "wb") as f:
            w = WARCWriter(f, gzip=compressed)
            for i, t in enumerate(TEXTS):
                body, fields = t.encode(), [("Content-Type", "text/plain; charset=utf-8")]
                if i % 3 == 1:
                    body, fields = gzip.compress(body), fields + [("Content-Encoding", "gzip")]
                if i % 3 == 2:
                    half = len(body) // 2
                    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:half], body[half:])) + b"0\r\n\r\n"
                    fields = fields + [("Transfer-Encoding", "chunked")]
                w.write_record(w.create_warc_record(f"http://a.example/{i}", "response", payload=io.BytesIO(body),
                                                    http_headers=StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1")))
        got = clean(d)
        check(f"warc, gzip {compressed}", [(x["text"], x["meta"].get("url", x.get("url"))) for x in got],
              [(t, f"http://a.example/{i}") for i, t in enumerate(TEXTS)])
    real = os.path.join(DATA, "web_warc/pywb/iana.warc.gz")
    if not os.path.exists(real):
        return
    want = set()
    with open(real, "rb") as f:
        for r in ArchiveIterator(f):
            h = r.http_headers
            if r.rec_type == "response" and h and h.get_statuscode().startswith("2") and \
                    (h.get_header("Content-Type") or "").split(";")[0] in ("text/html", "text/plain") and r.content_stream().read():
                want.add(r.rec_headers.get_header("WARC-Target-URI"))
    d = folder(scratch, "iana")
    os.symlink(os.path.abspath(real), os.path.join(d, "iana.warc.gz"))
    check("the pages of a real crawl", sorted({x["meta"].get("url", x.get("url")) for x in clean(d)}), sorted(want))


with tempfile.TemporaryDirectory() as scratch:
    for part in (parquet, tables, jsons, packed, warc):
        part(scratch)
sys.exit(failures > 0)
