#!/usr/bin/env python3
"""Pages found in the web archives of web_warc, good and broken ones, beside warcio and FastWARC (resiliparse's reader).

usage: warc_vs_peers.py YH DATA

A page is a response with state 2xx, a resource or a conversion, HTML or plain text, that is not empty; it is known by its
address (blanks as %20, without angle brackets); logs of the crawler (metadata:) are none. Nobody labelled these files: a page counts as there when two of the three programs found it. Prints precision, recall and F1, and in how
many files each gave up with an error. Needs warcio and resiliparse (exit 77 without them)."""
import glob, json, os, subprocess, sys, tempfile

try:
    from fastwarc.warc import ArchiveIterator as FastIterator, WarcRecordType
    from warcio.archiveiterator import ArchiveIterator
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)
YH, DATA = os.path.abspath(sys.argv[1]), sys.argv[2]
KINDS = ("text/html", "text/plain", "application/xhtml+xml")


def warcio(path, found):
    with open(path, "rb") as f:
        for r in ArchiveIterator(f, arc2warc=True):
            h = r.http_headers
            page = r.rec_type == "response" and h and h.get_statuscode().startswith("2")
            kind = (h if page else r.rec_headers).get_header("Content-Type") or ""
            if (page or r.rec_type in ("resource", "conversion")) and \
                    kind.split(";")[0].strip().lower() in KINDS and r.content_stream().read().strip():
                found.add(r.rec_headers.get_header("WARC-Target-URI"))


def fastwarc(path, found):
    with open(path, "rb") as f:
        for r in FastIterator(f, record_types=WarcRecordType.response | WarcRecordType.resource |
                              WarcRecordType.conversion):
            h = r.http_headers
            page = r.record_type == WarcRecordType.response and h and 200 <= (h.status_code or 0) < 300
            kind = r.http_content_type if page else r.headers.get("Content-Type")
            if (page or r.record_type != WarcRecordType.response) and \
                    (kind or "").split(";")[0].strip().lower() in KINDS and r.reader.read().strip():
                found.add(r.headers.get("WARC-Target-URI"))


def ours(path, found):
    with tempfile.TemporaryDirectory() as out:
        ran = subprocess.run([YH, "clean", path, "-o", out + "/c", "-r", "none", "--compress", "none"],
                             capture_output=True, text=True)
        for part in glob.glob(out + "/c/part-*.jsonl"):
            with open(part) as f:
                found.update(json.loads(line).get("meta", {}).get("url") for line in f)
        if ran.returncode != 0 and "no document" not in ran.stderr:
            raise RuntimeError(ran.stderr)


def main():
    who = {"yh": ours, "warcio": warcio, "FastWARC": fastwarc}
    files = sorted(f for f in glob.glob(DATA + "/web_warc/**", recursive=True)
                   if os.path.isfile(f) and any(x in os.path.basename(f).lower() for x in (".warc", ".arc")))
    total = {w: [0, 0, 0, 0] for w in who}
    for f in files:
        sets = {}
        for w, read in who.items():
            sets[w] = set()
            try:
                read(f, sets[w])
            except Exception:
                total[w][3] += 1
            sets[w] = {u.replace(" ", "%20").strip("<>") for u in sets[w] if u and not u.startswith("metadata:")}
        gold = {u for u in set().union(*sets.values()) if sum(u in s for s in sets.values()) >= 2}
        for w, s in sets.items():
            total[w][0] += len(s & gold)
            total[w][1] += len(s - gold)
            total[w][2] += len(gold - s)
        if "-v" in sys.argv and any(s != gold for s in sets.values()):
            print("  ", f, {w: (sorted(s - gold)[:3], sorted(gold - s)[:3]) for w, s in sets.items()})
    for w, (tp, fp, fn, gave_up) in total.items():
        p, r = tp / (tp + fp or 1), tp / (tp + fn or 1)
        print(f"{w:9} {len(files)} archives  P {p:.3f} R {r:.3f} F1 {2 * p * r / (p + r or 1):.3f}  "
              f"{tp} pages, {fp} that nobody else found, {fn} missed; {gave_up} archives ended with an error")


main()
