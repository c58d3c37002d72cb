"""Small tokenizers made by Hugging Face's tokenizers, so that every part that is supported is compared,
also those that no published tokenizer at hand uses."""
import json
import os

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

CORPUS = ["The quick brown fox jumps over the lazy dog, isn't it? 1234 times!",
          "\u4f60\u597d\uff0c\u4e16\u754c\uff01 \u6211\u4eec\u7684\u6a21\u578b \u5f88\u5c0f\u3002",
          "\u00dcn\u00efc\u00f6d\u00e9 na\u00efve caf\u00e9 r\u00e9sum\u00e9 \u0130stanbul stra\u00dfe \ufb01ne \u00bd \uff21\uff22",
          "def f(x):\n\treturn x ** 2  # square\n\n\nprint(f(10))", "a  b   c    d \u2581e", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 \u05e9\u05dc\u05d5\u05dd \U0001f600\U0001f468\u200d\U0001f469"] * 40
AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")


def bpe(name, pre=None, norm=None, dec=None, post=None, added=(), alphabet=(), **options):
    t = Tokenizer(models.BPE(unk_token=options.pop("unk_token", None), **options))
    return finish(name, t, pre, norm, dec, post, added,
                  trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False,
                                      initial_alphabet=list(alphabet),
                                      **{k: v for k, v in options.items() if k in AFFIXES}))


def finish(name, t, pre, norm, dec, post, added, trainer, corpus=CORPUS):
    if norm is not None:
        t.normalizer = norm
    if pre is not None:
        t.pre_tokenizer = pre
    if dec is not None:
        t.decoder = dec
    t.train_from_iterator(corpus, trainer)
    if post is not None:
        t.post_processor = post(t)
    if added:
        t.add_tokens(list(added))
    return name, t


def field(message, number):
    """The first length-delimited field of that number in a protocol buffer."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            shift += 7
            at += 1
            if message[at - 1] < 128:
                return value, at
    at = 0
    while at < len(message):
        key, at = varint(at)
        kind = key & 7
        size, at = varint(at) if kind in (0, 2) else ({1: 8, 5: 4}[kind], at)
        if kind == 2 and key >> 3 == number:
            return message[at:at + size]
        at += 0 if kind == 0 else size
    raise ValueError("no field %d" % number)


def charsmap(rule):
    """A normalizer's compiled map as sentencepiece makes it."""
    import io
    import sentencepiece
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, vocab_size=300,
                                             normalization_rule_name=rule, hard_vocab_limit=False, minloglevel=2)
    return field(field(out.getvalue(), 3), 2)


def with_charsmap():
    """As T5's and XLM-R's tokenizer.json are made."""
    P, N, D = pre_tokenizers, normalizers, decoders
    try:
        rules = [(rule, charsmap(rule)) for rule in ("nmt_nfkc", "nfkc_cf")]
    except ImportError:
        print("skipped: made tokenizers with a charsmap, as there is no sentencepiece")
        return
    for rule, m in rules:
        for pre in (P.Metaspace(), P.Sequence([P.WhitespaceSplit(), P.Metaspace()])):
            norm = N.Sequence([N.Precompiled(m), N.Replace(Regex(" {2,}"), " ")]) if rule == "nmt_nfkc" else N.Precompiled(m)
            yield finish("charsmap %s %s" % (rule, type(pre).__name__), Tokenizer(models.Unigram()), pre, norm, D.Metaspace(),
                         lambda t: processors.TemplateProcessing(single="$A </s>",
                                                                 special_tokens=[("</s>", t.token_to_id("</s>"))]), (),
                         trainers.UnigramTrainer(vocab_size=400, unk_token="<unk>", show_progress=False,
                                                 special_tokens=["<unk>", "</s>"]))


def made():
    yield from with_charsmap()
    P, N, D = pre_tokenizers, normalizers, decoders
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            yield bpe("split %s %d" % (behavior, invert), unk_token="<unk>",
                      pre=P.Split(Regex(r"\p{N}|[,.!?]|\s"), behavior, invert=invert))
        yield bpe("punctuation " + behavior, pre=P.Punctuation(behavior), unk_token="<unk>", fuse_unk=True)
        yield bpe("literal " + behavior, pre=P.Split(" ", behavior), unk_token="<unk>")
    yield bpe("no unknown token", pre=P.WhitespaceSplit())
    yield bpe("byte level, few bytes", pre=P.ByteLevel(add_prefix_space=True), dec=D.ByteLevel(),
              post=lambda t: processors.ByteLevel(trim_offsets=True))
    yield bpe("byte level, few bytes, unk", pre=P.ByteLevel(add_prefix_space=False), dec=D.ByteLevel(),
              unk_token="<unk>", post=lambda t: processors.ByteLevel(trim_offsets=True, add_prefix_space=False))
    yield bpe("roberta", pre=P.ByteLevel(add_prefix_space=True), dec=D.ByteLevel(), alphabet=P.ByteLevel.alphabet(),
              post=lambda t: processors.RobertaProcessing(("</s>", t.token_to_id("</s>")),
                                                          ("<s>", t.token_to_id("<s>"))),
              added=[AddedToken("<mask>", lstrip=True, special=True), AddedToken("fox", single_word=True),
                     AddedToken("<r>", rstrip=True)])
    yield bpe("digits", pre=P.Sequence([P.Digits(individual_digits=False), P.ByteLevel(add_prefix_space=False)]),
              dec=D.ByteLevel(), alphabet=P.ByteLevel.alphabet())
    yield bpe("prefix", pre=P.Whitespace(), unk_token="<unk>", continuing_subword_prefix="##")
    yield bpe("suffix", pre=P.BertPreTokenizer(), unk_token="<unk>", end_of_word_suffix="</w>",
              dec=D.BPEDecoder(suffix="</w>"), norm=N.Lowercase())
    yield bpe("clip", norm=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]),
              pre=P.Sequence([P.Split(Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]"
                                            r"|[^\s\p{L}\p{N}]+"), "removed", invert=True),
                              P.ByteLevel(add_prefix_space=False)]),
              dec=D.ByteLevel(), unk_token="<unk>", end_of_word_suffix="</w>", alphabet=P.ByteLevel.alphabet(),
              post=lambda t: processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")),
                                                          trim_offsets=False, add_prefix_space=False))
    for i, pattern in enumerate((r"\w+|[^\w\s]+", r"\W", r"[\w'-]+\b", r"\b\w\w?", r"\w\B.", r"[^\W\d_]+",
                                 r"[\p{L}[0-9_]]+", r"[^[\s]\p{P}]+")):
        yield bpe("word pattern %d" % i, unk_token="<unk>", pre=P.Split(Regex(pattern), "isolated"))
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            yield bpe("metaspace %s %d" % (scheme, split), unk_token="<unk>",
                      pre=P.Metaspace(prepend_scheme=scheme, split=split),
                      dec=D.Metaspace(prepend_scheme=scheme, split=split),
                      added=[AddedToken("<x>"), AddedToken("quick", normalized=True, lstrip=True)])
    yield bpe("whitespace", pre=P.Whitespace(), unk_token="<unk>", norm=N.Sequence([N.NFKC(), N.Strip()]))
    yield bpe("delimiter", pre=P.CharDelimiterSplit("e"), unk_token="<unk>", norm=N.NFD())
    yield bpe("pieces of 5", pre=P.FixedLength(5), unk_token="<unk>", norm=N.NFKD(),
              dec=D.Sequence([D.Replace(Regex("[0-9]"), "#"), D.Strip("a", 1, 0)]))
    yield bpe("normalizers", pre=P.WhitespaceSplit(), unk_token="<unk>",
              norm=N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase(), N.Replace("fox", "wolf"),
                               N.Replace(Regex(r"\d+"), "9"), N.Prepend("x"), N.Nmt(), N.Strip(left=True, right=False)]))
    yield bpe("strip left", norm=N.Strip(left=True, right=False), pre=P.Metaspace(prepend_scheme="first"),
              unk_token="<unk>", added=[AddedToken("<s2>", special=True, lstrip=True, rstrip=True)])
    for name, options in (("bert uncased", {}), ("bert cased", {"lowercase": False}),
                          ("bert accents", {"lowercase": True, "strip_accents": False}),
                          ("bert raw", {"clean_text": False, "handle_chinese_chars": False})):
        t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
        yield finish(name, t, P.BertPreTokenizer(), N.BertNormalizer(**options), D.WordPiece(cleanup=name != "bert raw"),
                     lambda t: processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")),
                                                         ("[CLS]", t.token_to_id("[CLS]"))), (),
                     trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"],
                                               show_progress=False))
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    yield finish("words", t, P.Whitespace(), N.Lowercase(), None, None, (),
                 trainers.WordLevelTrainer(vocab_size=100, special_tokens=["[UNK]"], show_progress=False))
    for fallback in (False, True):
        t = Tokenizer(models.Unigram())
        name, t = finish("unigram %d" % fallback, t, P.Metaspace(), N.NFKC(), D.Sequence([D.Metaspace()] if not fallback else [D.Replace("\u2581", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]),
                         lambda t: processors.TemplateProcessing(single="<s> $A </s>",
                                                                 special_tokens=[("<s>", t.token_to_id("<s>")),
                                                                                 ("</s>", t.token_to_id("</s>"))]), (),
                         trainers.UnigramTrainer(vocab_size=400, unk_token="<unk>", show_progress=False,
                                                 special_tokens=["<unk>", "<s>", "</s>"]))
        j = json.loads(t.to_str())
        if fallback:
            j["model"]["vocab"] += [["<0x%02X>" % b, -20.0] for b in range(256)] + [["qui", -3.0], ["qui", -9.5]]
            j["model"]["byte_fallback"] = True
        yield name, Tokenizer.from_str(json.dumps(j))


def write_all(folder):
    """Writes each to a folder of its own: (name, folder)."""
    for name, t in made():
        path = os.path.join(folder, "made " + name)
        os.makedirs(path, exist_ok=True)
        t.save(os.path.join(path, "tokenizer.json"))
        yield "made: " + name, path
