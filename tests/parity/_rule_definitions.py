"""The rules refinedweb_lines, mapcc, chinesewebtext and ccnet, written down a second time from their
publications, the slow and plain way."""

import collections
import math
import re
import unicodedata

COUNTERS = "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers"
COUNTER = re.compile(r"^\W*\d(?:,|\.|\d)*[kmb]?\s+(?:" + COUNTERS + r")\W*$")
EDITS = [re.compile(r"\s?(?ai:items in cart)"), re.compile(r"\s?(?ai:read more(?:\.\.\.|…))$"),
         re.compile(r"^(?ai:sign-in)\s?")]


def refinedweb_lines(text, max_removed=0.05):
    """(reason or None, text)"""
    out = []
    for whole in re.findall("[^\n]*\n|[^\n]+", text):
        line = whole.rstrip("\n")
        if line:
            if sum(c.isupper() for c in line) / len(line) > 0.5:
                continue
            if sum(unicodedata.category(c) == "Nd" for c in line) / len(line) > 0.999999:
                continue
            if COUNTER.search(line.lower()) or len(line.split()) < 2:
                continue
            if len(line.split()) <= 10:
                edited = line
                for pattern in EDITS:
                    edited = pattern.sub("", edited)
                if not edited.strip():
                    continue
                line = edited
        out.append(line + whole[len(whole.rstrip("\n")) :])
    cut = "".join(out)
    before, after = len(text.split()), len(cut.split())
    if before and (before - after) / before > max_removed:
        return "refinedweb_lines_removed", text
    return None, cut


def share(n, of):
    return n / of if of else 0


def mapcc(text, cut, max_chars=10000, min_unique=0.1):
    """The reason, without the repetition of words, which is gopher_repetition's; cut: jieba's words."""
    n = len(text)
    if n < 50:
        return "mapcc_short"
    if max_chars and n > max_chars:
        return "mapcc_long"
    if sum(len(m) for m in re.findall("【(.*?)】", text)) / n > 0.1:
        return "mapcc_brackets"
    if len(re.findall("#+|＃+", text)) / n > 0.1:
        return "mapcc_hashes"
    if len(re.findall(r"…+|\.{2,}|。{2,}", text)) / n > 0.1:
        return "mapcc_ellipses"
    bare = [c for c in text if re.match(r"[\w\s]", c)]
    if share(sum(unicodedata.category(c) == "Nd" for c in bare), len(bare)) > 0.3:
        return "mapcc_digits"
    ascii_marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    if not any(c in ascii_marks or unicodedata.category(c)[0] == "P" for c in text):
        return "mapcc_no_punctuation"
    counts = collections.Counter(text)
    if min_unique and len(counts) / n <= min_unique:
        return "mapcc_unique"
    if -sum(k / n * math.log(k / n) for k in counts.values()) < 3:
        return "mapcc_entropy"
    sentences = [s.strip() for s in re.split('[.!?;"…。！？；“”]', text)]
    sentences = [s for s in sentences if s]
    if len(sentences) < 2:
        return "mapcc_sentences"
    seen, copies = set(), []
    for s in sentences:
        if s in seen:
            copies.append(s)
        seen.add(s)
    if len(copies) / len(sentences) > 0.3:
        return "mapcc_dup_sentences"
    if sum(map(len, copies)) / sum(map(len, sentences)) > 0.2:
        return "mapcc_dup_sentence_chars"
    lines = text.splitlines()
    if share(sum(line.endswith(("readmore", "展开", "更多", "。。。")) for line in lines), len(lines)) > 0.3:
        return "mapcc_read_more"
    if share(sum(line.startswith(tuple("•●○■□▪▫※·➢‣▶◀◦–")) for line in lines), len(lines)) > 0.9:
        return "mapcc_bullets"
    words = [w for w in cut(text) if re.search(r"\w", w)]
    mean = share(sum(map(len, words)), len(words))
    return "mapcc_word_length" if mean < 1.3 or mean > 10 else None


def chinesewebtext(text, sensitive=()):
    lines = text.split("\n")
    if len(text) <= 200:
        return "webtext_short"
    if len(text) / len(lines) < 10:
        return "webtext_lines"
    if len(re.findall("[\u4e00-\u9fa5]", text)) / len(text) < 0.3:
        return "webtext_han"
    if sum(w in text for w in sensitive) / len(lines) > 0.5:
        return "webtext_sensitive"
    plain = [c for c in text if c not in " \n\t"]
    plain = [c.lower() if len(c.lower()) == 1 else c for c in plain]
    grams = collections.Counter(tuple(plain[i : i + 13]) for i in range(len(plain) - 12))
    total = sum(grams.values())
    again = sum(k for k in grams.values() if k > 1)
    return "webtext_repeated" if share(again, total) > 0.5 else None


def ccnet(text):
    return "ccnet_short" if len(text) < 300 else None
