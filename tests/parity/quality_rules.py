"""Decisions, reasons and texts of the quality rules equal to datatrove's, document by document, on all
the English and Chinese texts of the test data and on made-up ones; and words equal to those of spaCy
and jieba, and how well those words fit the ones that people marked.

Also the rules that datatrove does not have, against a second writing-down of their definitions
(_rule_definitions.py). Takes every third document; --all: every one; --quick: every twelfth.

usage: quality_rules.py YH [--quick | --all]   (exit 77: something needed is not here)"""

import json
import multiprocessing
import os
import subprocess
import sys
import warnings

try:
    import datatrove.pipeline.filters as dt
    import jieba
    import spacy
    from datatrove.data import Document
    from datatrove.pipeline.filters.c4_filters import C4BadWordsFilter
    from datatrove.utils.word_tokenizers import load_word_tokenizer
except ImportError as e:
    print("skipped: no Python package", e.name)
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _rule_definitions as definitions
import _texts

TOOL = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "tests", "rule_run")
DATA = os.environ.get("YH_DATA", os.path.join(HERE, "../../../shared/data"))
QUICK, ALL = "--quick" in sys.argv, "--all" in sys.argv
if not os.path.isdir(DATA):
    print("skipped: no test data in", DATA)
    sys.exit(77)
warnings.filterwarnings("ignore")
jieba.setLogLevel(60)
EN, ZH = "eng_Latn", "cmn_Hani"
ZH2 = dict(
    stop_words=list("的年在月是和日了於·為有被人中为他與後也而由"),
    top_n_grams=((2, 0.256), (3, 0.201), (4, 0.171)),
    dup_n_grams=((5, 0.198), (6, 0.182), (7, 0.167), (8, 0.154), (9, 0.14), (10, 0.127)),
)


def ours(args, docs):
    text = "".join(json.dumps({"text": t}) + "\n" for _, t in docs)
    out = subprocess.run([TOOL, *args], input=text.encode(), capture_output=True)
    if out.returncode != 0:
        sys.exit("rule_run: " + out.stderr.decode())
    return [json.loads(line) for line in out.stdout.decode().split("\n")[:-1]]


def chain_of(*filters):
    def run(document):
        for f in filters:
            result = f(document)
            if result is not True:
                return result
        return True

    return run


def chain(*filters):
    return chain_of(*[f.filter for f in filters])


def why_of(run, t):
    """(decided at all, reason or None, text) of one document."""
    document = Document(text=t, id="0")
    try:
        result = run(document)
    except ZeroDivisionError:  # no words and no limits: not defined there
        return False, None, t
    return True, None if result is True else result[1], document.text


TASK = None  # what the processes of a pool do; they are forked behind its setting


def task(i):
    return TASK(i)


def parallel(function, n):
    """function(0) ... function(n - 1) in as many processes as there are cores."""
    global TASK
    TASK = function
    with multiprocessing.get_context("fork").Pool() as pool:
        return pool.map(task, range(n), 64)


def compare(name, params, run, docs, reason=True, text=False):
    """One document after the other: kept or not, why, and what is left of it."""
    bad, removed = 0, {}
    theirs = parallel(lambda i: why_of(run, docs[i][1]), len(docs))
    for (source, t), (defined, why, left), got in zip(docs, theirs, ours([json.dumps(params)], docs)):
        if not defined:
            continue
        if why is not None:
            removed[why] = removed.get(why, 0) + 1
        same = (why is None) == (got["removed"] is None)
        same = same and (why == got["removed"] or not reason)
        if same and why is None and text:
            same = left == got["text"]
        if not same:
            bad += 1
            if bad <= 3:
                print("  differs:", source, repr(t[:60]), "expected:", why, "ours:", got["removed"])
    print(f"{name}: {len(docs)} documents, {sum(removed.values())} removed for {len(removed)} reasons, {bad} differ",
          flush=True)
    return bad


def plain(function):
    """A rule of _rule_definitions as datatrove's filters are: changes the document, True or (False, why)."""

    def run(document):
        result = function(document.text)
        why = result[0] if isinstance(result, tuple) else result
        if isinstance(result, tuple):
            document.text = result[1]
        return True if why is None else (False, why)

    return run


def published(en, zh):
    """The rules that datatrove does not have."""
    bad = compare("refinedweb_lines", {"rule": "refinedweb_lines"}, plain(definitions.refinedweb_lines), en, text=True)
    bad += compare("refinedweb_lines, any loss", {"rule": "refinedweb_lines", "max_removed": 1},
                   plain(lambda t: definitions.refinedweb_lines(t, 1)), en, text=True)
    cut = lambda t: jieba.cut(t)
    repetition = dt.GopherRepetitionFilter(
        language=ZH, dup_line_frac=0, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0,
        top_n_grams=((2, 0.2), (3, 0.18), (4, 0.16)), dup_n_grams=tuple((n, 0.6) for n in range(5, 11))).filter
    bad += compare("mapcc", {"rule": "mapcc"}, chain_of(plain(lambda t: definitions.mapcc(t, cut)), repetition), zh)
    bad += compare("mapcc for books", {"rule": "mapcc", "max_chars": 0, "min_unique": 0},
                   chain_of(plain(lambda t: definitions.mapcc(t, cut, 0, 0)), repetition), zh)
    sensitive = ["时间", "发展", "我们", "老太太", "。", "了", "on", "的"]
    bad += compare("chinesewebtext", {"rule": "chinesewebtext", "list": sensitive},
                   plain(lambda t: definitions.chinesewebtext(t, sensitive)), zh)
    return bad + compare("ccnet", {"rule": "ccnet"}, plain(definitions.ccnet), zh)


def words(kind, language, docs):
    tokenizer = load_word_tokenizer(language)
    bad = total = 0
    theirs = parallel(lambda i: tokenizer.word_tokenize(docs[i][1]), len(docs))
    for (source, t), expected, got in zip(docs, theirs, ours(["--words", kind], docs)):
        total += len(expected)
        if expected != got["words"]:
            bad += 1
            print("  differs:", source, repr(t[:60]))
    print(f"words {kind}: {len(docs)} documents, {total} words, {bad} documents differ")
    return bad


def spans(tokens):
    at, out = 0, set()
    for w in tokens:
        out.add((at, at + len(w)))
        at += len(w)
    return out


def gold():
    """F1 of words against those that people marked (Universal Dependencies, GSD)."""
    folder = os.path.join(DATA, "zh_trad_simp_ud")
    for name in sorted(os.listdir(folder)):
        if ".tsv" not in name:
            continue
        rows = [r.split("\t") for r in _texts.read(os.path.join(folder, name)).splitlines()]
        for column in range(len(rows[0])):
            marked = [r[column].split(" ") for r in rows[1:] if len(r) > column and r[column].count(" ") > 2]
            if len(marked) < 100:
                continue
            docs = [("ud", "".join(m)) for m in marked]
            own = [g["words"] for g in ours(["--words", "chinese"], docs)]
            theirs = [[w for w in jieba.cut(t) if w.strip()] for _, t in docs]
            for who, got in (("ours", own), ("jieba", theirs)):
                hit = sum(len(spans(a) & spans(b)) for a, b in zip(got, marked))
                n, m = sum(map(len, got)), sum(map(len, marked))
                print(f"segmentation {name} column {rows[0][column]}: {who} F1 {2 * hit / (n + m):.4f}")


def main():
    step = 12 if QUICK else 1 if ALL else 3
    en = list(_texts.english(DATA))[::step] + list(_texts.hostile(300 if QUICK else 3000 if ALL else 1000))
    zh = list(_texts.chinese(DATA))[::step] + list(_texts.hostile(100 if QUICK else 1000 if ALL else 500, 2))
    bad = words("english", EN, en) + words("chinese", ZH, zh)
    gold()
    e, z = {"words": "english"}, {"words": "chinese"}
    bad += compare("gopher_quality", {"rule": "gopher_quality", **e}, dt.GopherQualityFilter(language=EN).filter, en)
    bad += compare("gopher_quality zh", {"rule": "gopher_quality", **z, "min_mean_length": 1, "min_alpha": 0.7,
                                          "stop_words": ZH2["stop_words"]},
                   dt.GopherQualityFilter(language=ZH, min_avg_word_length=1, max_non_alpha_words_ratio=0.7,
                                          stop_words=ZH2["stop_words"]).filter, zh)
    bad += compare("gopher_repetition", {"rule": "gopher_repetition", **e},
                   dt.GopherRepetitionFilter(language=EN).filter, en)
    bad += compare("gopher_repetition zh", {"rule": "gopher_repetition", **z},
                   dt.GopherRepetitionFilter(language=ZH).filter, zh)
    bad += compare("c4", {"rule": "c4", **e}, dt.C4QualityFilter(language=EN).filter, en, text=True)
    bad += compare("c4 without terminal", {"rule": "c4", **e, "terminal": False},
                   dt.C4QualityFilter(language=EN, filter_no_terminal_punct=False).filter, en, text=True)
    bad += compare("c4 zh", {"rule": "c4", **z, "terminal": False, "min_words": 0},
                   dt.C4QualityFilter(language=ZH, filter_no_terminal_punct=False, min_words_per_line=-1).filter,
                   zh, text=True)
    bad += compare("fineweb", {"rule": "fineweb", **e}, dt.FineWebQualityFilter(language=EN).filter, en)
    bad += compare("fineweb .1", {"rule": "fineweb", **e, "dup_line_chars": 0.1},
                   dt.FineWebQualityFilter(language=EN, char_duplicates_ratio=0.1).filter, en)
    bad += compare("fineweb2_zh", {"rule": "fineweb2_zh"}, chain(
        dt.GopherRepetitionFilter(language=ZH, dup_line_frac=0.287, dup_para_frac=0, dup_line_char_frac=0,
                                  dup_para_char_frac=0, top_n_grams=ZH2["top_n_grams"], dup_n_grams=ZH2["dup_n_grams"]),
        dt.FineWebQualityFilter(language=ZH, short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=0.106,
                                new_line_ratio=0.178),
        dt.GopherQualityFilter(language=ZH, max_avg_word_length=5, min_avg_word_length=1, min_stop_words=2,
                               stop_words=ZH2["stop_words"], max_non_alpha_words_ratio=0.735)), zh)
    bad += published(en, zh)
    for language, docs in (("en", en), ("zh", zh)):
        path = os.path.join(DATA, "web_badwords", language)
        theirs = C4BadWordsFilter(default_language=language)
        lines = [w.strip() for w in open(path, encoding="utf-8")]
        bad += compare("c4_badwords " + language, {"rule": "c4_badwords", "file": path,
                                                   "match": "word" if language == "en" else "anywhere"},
                       badwords(theirs, language, lines), docs, reason=False)
    if bad:
        sys.exit(f"{bad} decisions differ")


def badwords(theirs, language, lines):
    """datatrove's filter with a list from the test data instead of one from the network."""
    import datatrove.pipeline.filters.c4_filters as module

    words_of = set(lines)
    for allow in module._BADWORDS_ALLOWLIST.values():
        words_of -= allow
    escaped = [module.re.escape(w) for w in words_of if w]
    pattern = "|".join(escaped) if language == "zh" else r"(?:\W|^)({})(?:\W|$)".format("|".join(escaped))
    theirs._badwords_regex[language] = module.re.compile(pattern)
    return theirs.filter


if __name__ == "__main__":
    main()
