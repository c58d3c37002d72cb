"""Documents for the comparisons of rules: all the English and Chinese texts of the test data, cut into
pieces of the size of a web page, and made-up ones that are built to be hard."""

import html
import json
import os
import random
import re
import subprocess
import tarfile
import tempfile


def read(path):
    if path.endswith(".zst"):
        raw = subprocess.run(["zstd", "-dcq", "--long=27", path], capture_output=True, check=True).stdout
    else:
        raw = open(path, "rb").read()
    return raw.decode("utf-8", "replace")


def pieces(text, size):
    """Paragraphs put together to about `size` characters."""
    part = ""
    for paragraph in re.split(r"(?<=\n)(?=\n)", text):
        part += paragraph
        if len(part) >= size:
            yield part
            part = ""
    if part:
        yield part


def members(path, suffixes=("",)):
    with tempfile.TemporaryDirectory() as folder:
        tar = os.path.join(folder, "x.tar")
        with open(tar, "wb") as f:
            subprocess.run(["zstd", "-dcq", "--long=27", path], stdout=f, check=True)
        with tarfile.open(tar) as t:
            for m in sorted(t.getmembers(), key=lambda m: m.name):
                if m.isfile() and m.name.endswith(suffixes):
                    yield m.name, t.extractfile(m).read()


def page_text(raw):
    """The visible text of a page, badly: enough for rules to have something ugly to look at."""
    text = raw.decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style).*?</\1>", " ", text)
    text = re.sub(r"(?i)<(br|p|div|li|tr|h\d)[^>]*>", "\n", text)
    text = html.unescape(re.sub(r"(?s)<[^>]*>", " ", text))
    return re.sub(r"[ \t]*\n\s*", "\n", text)


def english(data):
    for name in sorted(os.listdir(data + "/en_gutenberg")):
        if name.endswith(".zst"):
            for i, t in enumerate(pieces(read(f"{data}/en_gutenberg/{name}"), 6000)):
                if i % 4 == 0:
                    yield "gutenberg", t
    for line in read(data + "/en_wiki_c4_demo/c4_demo.jsonl.zst").splitlines():
        yield "c4", json.loads(line)["text"]
    for name in ["en_wiki_c4_demo/wiki_demo.txt.zst", "en_wikitext2/wiki.valid.tokens.zst",
                 "en_grimm/tales.txt.zst", "en_shakespeare/input.txt"]:
        for t in pieces(read(f"{data}/{name}"), 3000):
            yield name.split("/")[0], t
    for name, raw in members(data + "/web_spam_mail/public.tar.zst"):
        yield "mail", raw.decode("utf-8", "replace")
    for name, raw in members(data + "/web_article_bench/html.tar.zst", ("html", "gz")):
        if name.endswith("gz"):
            import gzip
            raw = gzip.decompress(raw)
        yield "page", page_text(raw)
    for name, raw in members(data + "/web_trafilatura_eval/html.tar.zst"):
        yield "page", page_text(raw)
    for v in json.loads(read(data + "/web_article_bench/ground-truth.json")).values():
        yield "article", v["articleBody"]


def chinese(data):
    for name in sorted(os.listdir(data + "/zh_novels")):
        if ".utf8." in name:
            for i, t in enumerate(pieces(read(f"{data}/zh_novels/{name}").replace("\n", "\n\n"), 3000)):
                if i % 4 == 0:
                    yield "novel", t.replace("\n\n", "\n")
    for name in ["zh_modern_md/howtocook.jsonl.zst", "zh_modern_md/oi_wiki.jsonl.zst",
                 "zh_modern_md/d2l_zh.jsonl.zst"]:
        for line in read(f"{data}/{name}").splitlines():
            yield "markdown", json.loads(line)["text"][:20000]
    for name in ["zh_wiki_cmrc", "zh_trad_drcd"]:
        for f in sorted(os.listdir(f"{data}/{name}")):
            if f.endswith("contexts.txt.zst"):
                for t in pieces(read(f"{data}/{name}/{f}").replace("\n", "\n\n"), 1000):
                    yield name, t.replace("\n\n", "\n")
    for f in sorted(os.listdir(data + "/dirty_zh")):
        if f.endswith(".txt"):
            yield "dirty", read(f"{data}/dirty_zh/{f}")


def hostile(n, seed=1):
    """Strings at the borders of the definitions."""
    r = random.Random(seed)
    bits = ["the", "and", "with", "be", "...", "…", "#", "- ", "• ", "\n", "\n\n", " ", "  ", "\t", "\r\n", "\x0b",
            "\x85", "\u2028", "{", "lorem ipsum", "JavaScript", "privacy policy", "Terms of Use", ".", "!", "?", '"',
            "'", "’s", "can't", "I'm", ":-)", "e.g.", "U.S.", "http://a.b.com/x?y=z", "x@y.org", "10:30am", "5km",
            "100%", "$5", "a-b", "--", "—", "[12]", "[edit]", "中文", "的", "。", "，", "！", "在", "年", "A" * 40,
            "word", "hello", "3.14", "1,000", "a.", "b.", "(", ")", "C++", "and/or", "…… ", "،", "ß", "Ⅷ", "²", "e.",
            "é", "日本語", "か", "한국", "🙂", "\u200b", "\u3000", "　的", "0", "9", "Mr.", "Don't", "y'all", "xD"]
    for _ in range(n):
        k = r.choice([3, 10, 60, 300])
        some = [r.choice(bits) for _ in range(r.choice([2, 5, 20, len(bits)]))]
        sep = r.choice(["", " ", " ", "\n"])
        yield "hostile", sep.join(r.choice(some) for _ in range(k))
