#!/usr/bin/env python3
"""Main text of web pages beside trafilatura, resiliparse and readability, in one run.

usage: extraction_vs_peers.py EXTRACT_PAGES DATA [--peers trafilatura,resiliparse,readability] [-v]
EXTRACT_PAGES is build/bench/extract_pages (ninja -C build extract_pages), DATA the folder with
web_article_bench, web_trafilatura_eval and web_readability. Peers that are not installed are left
out and named.

articles   the public article extraction benchmark: precision, recall and F1 of 4-grams of words, each
           page with equal weight, as its own script has them
snippets   trafilatura's own evaluation: accuracy over snippets that must and must not be there, and F1;
           compared in one form: NFC, no-break spaces as blanks, blanks folded, without invisible characters
           and Markdown's backquotes, on both sides
readable   Mozilla Readability's test pages: F1 of words against its expected text, mean of pages
ms         milliseconds a page, one thread, median of three rounds, over the articles
"""
import collections, html, json, os, re, statistics, subprocess, sys, tempfile, time, unicodedata


def unpack(path, into):
    os.makedirs(into, exist_ok=True)
    subprocess.run(["tar", "xf", path, "-C", into], check=True)
    return into


def grams(text, k):
    words = re.findall(r"\w+", text or "")
    n = min(k, len(words))
    return collections.Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) if n else collections.Counter()


def one_form(text):
    text = re.sub("[`\u00ad\u200b-\u200f\u2060\ufeff]", "", unicodedata.normalize("NFC", text))
    return re.sub(r"\s+", " ", text)


# ---------------------------------------------------------------- who extracts
def ours(program):
    def run(files):
        text, seconds = {}, 0.0
        for at in range(0, len(files), 500):
            p = subprocess.run([program, *files[at : at + 500]], capture_output=True, check=True)
            for line in p.stdout.decode().splitlines():
                d = json.loads(line)
                text[d["id"]] = d["text"]
            seconds += json.loads(p.stderr.decode().splitlines()[-1])["seconds"]
        return text, seconds
    return run


def python(function):
    def run(files):
        text, seconds = {}, 0.0
        for f in files:
            data = open(f, "rb").read()
            begin = time.perf_counter()
            try:
                t = function(data)
            except Exception:
                t = ""
            seconds += time.perf_counter() - begin
            text[f] = t or ""
        return text, seconds
    return run


def peers(wanted):
    found = {}
    for name in wanted:
        try:
            if name == "trafilatura":
                import trafilatura
                found[name] = python(lambda b: trafilatura.extract(b, include_comments=False))
            elif name == "resiliparse":
                from resiliparse.extract.html2text import extract_plain_text
                from resiliparse.parse.encoding import bytes_to_str, detect_encoding
                found[name] = python(lambda b: extract_plain_text(bytes_to_str(b, detect_encoding(b)), main_content=True))
            elif name == "readability":
                import lxml.html, readability
                found[name] = python(lambda b: lxml.html.fromstring(readability.Document(b).summary()).text_content())
        except ImportError as e:
            print(f"{name} is left out: no Python package {e.name}", file=sys.stderr)
    return found


# ---------------------------------------------------------------- sets
def articles(data, tmp):
    truth = json.load(open(f"{data}/web_article_bench/ground-truth.json"))
    folder = unpack(f"{data}/web_article_bench/html.tar.zst", f"{tmp}/articles")
    files = {os.path.join(d, f): truth[f[:-5]]["articleBody"] for d, _, names in os.walk(folder) for f in names
             if f.endswith(".html") and f[:-5] in truth}

    def judge(text, verbose):
        total, rows = [0.0, 0.0, 0.0], []
        for f, gold in files.items():
            a, b = grams(gold, 4), grams(text[f], 4)
            tp = sum((a & b).values())
            fp, fn = sum(b.values()) - tp, sum(a.values()) - tp
            s = tp + fp + fn or 1
            for i, v in enumerate((tp, fp, fn)):
                total[i] += v / s
            rows.append((tp / s, fp, fn, os.path.basename(f)))
        if verbose:
            for row in sorted(rows)[:20]:
                print("   %.2f  extra %5d  missing %5d  %s" % row)
        tp, fp, fn = total
        p, r = tp / (tp + fp), tp / (tp + fn)
        return f"P {p:.3f} R {r:.3f} F1 {2 * p * r / (p + r):.3f}"
    return sorted(files), judge


def snippets(data, tmp):
    truth = json.load(open(f"{data}/web_trafilatura_eval/evaldata.json"))
    folder = unpack(f"{data}/web_trafilatura_eval/html.tar.zst", f"{tmp}/snippets")
    where = {f: os.path.join(d, f) for d, _, names in os.walk(folder) for f in names}
    cases = [(where[t["file"]], t) for t in truth.values() if t["file"] in where]

    def judge(text, verbose):
        tp = fn = fp = tn = 0
        rows = []
        for f, t in cases:
            whole = one_form(text[f])
            have = [one_form(s) in whole for s in t["with"]]
            bad = [one_form(s) in whole for s in t["without"]]
            tp, fn = tp + sum(have), fn + len(have) - sum(have)
            fp, tn = fp + sum(bad), tn + len(bad) - sum(bad)
            rows.append((sum(bad) + len(have) - sum(have), os.path.basename(f),
                         [s for s, h in zip(t["with"], have) if not h], [s for s, b in zip(t["without"], bad) if b]))
        if verbose:
            for n, f, miss, extra in sorted(rows, reverse=True)[:25]:
                print(f"   {f}: missing {miss} extra {extra}")
        p, r = tp / (tp + fp or 1), tp / (tp + fn or 1)
        return f"P {p:.3f} R {r:.3f} F1 {2 * p * r / (p + r or 1):.3f} accuracy {(tp + tn) / (tp + tn + fp + fn):.3f}"
    return sorted({f for f, _ in cases}), judge


def readable(data, tmp):
    folder = unpack(f"{data}/web_readability/web_readability.tar.zst", f"{tmp}/readable")
    pages = [d for d, _, names in os.walk(folder) if "source.html" in names and "expected.html" in names]

    def judge(text, verbose):
        score, rows = 0.0, []
        for d in pages:
            gold = open(f"{d}/expected.html", encoding="utf-8").read()
            gold = html.unescape(re.sub(r"<(br|/?p|/?div|/?li|/?h\d|/?tr|/?td)[^>]*>", " ", gold))
            a, b = grams(re.sub(r"<[^>]*>", "", gold), 1), grams(text[f"{d}/source.html"], 1)
            tp = sum((a & b).values())
            f1 = 2 * tp / (sum(a.values()) + sum(b.values()) or 1)
            score += f1
            rows.append((f1, os.path.basename(d), sum(b.values()) - tp, sum(a.values()) - tp))
        if verbose:
            for row in sorted(rows)[:15]:
                print("   %.2f %s extra %d missing %d" % row)
        return f"F1 {score / len(pages):.3f}"
    return sorted(f"{d}/source.html" for d in pages), judge


def main():
    args = [a for a in sys.argv[1:] if a != "-v"]
    wanted = ["trafilatura", "resiliparse", "readability"]
    if "--peers" in args:
        at = args.index("--peers")
        wanted = [w for w in args[at + 1].split(",") if w]
        del args[at : at + 2]
    if len(args) != 2:
        sys.exit(__doc__)
    program, data = os.path.abspath(args[0]), args[1]
    who = {"yh": ours(program), **peers(wanted)}
    with tempfile.TemporaryDirectory() as tmp:
        for name, make in (("articles", articles), ("snippets", snippets), ("readable", readable)):
            files, judge = make(data, tmp)
            times, text = {k: [] for k in who}, {}
            for _ in range(3 if name == "articles" else 1):
                for k, run in who.items():
                    text[k], s = run(files)
                    times[k].append(s)
            for k in who:
                ms = statistics.median(times[k]) / len(files) * 1000
                print(f"{name:9} {len(files):4} pages  {k:12} {judge(text[k], '-v' in sys.argv and k == 'yh')}"
                      f"  {ms:.2f} ms a page", flush=True)
    return 0


main()
