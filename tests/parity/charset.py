"""The guess of an encoding on chardet's test files (the folder's name is the truth), beside chardet, charset_normalizer
and uchardet where they are installed. A guess is right when it decodes the file to the same text as the truth does."""
import io
import os
import pathlib
import subprocess
import sys
import tarfile

yh, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ.get("SCRATCH", "."))
tool = yh.parent / "tests" / "apply_rules"
data = pathlib.Path(os.environ.get("YH_DATA", pathlib.Path(__file__).resolve().parents[2] / "../shared/data"))
archive = next((data / "web_charset_chardet").glob("*.tar.zst"), None) if data.is_dir() else None
if archive is None or not tool.exists():
    print("skipped: needs the data set web_charset_chardet and build/tests/apply_rules")
    sys.exit(77)
verbose = "-v" in sys.argv
raw = subprocess.run(["zstd", "-dcq", "--long=27", archive], check=True, capture_output=True).stdout
folder = scratch / "charset"
folder.mkdir(parents=True, exist_ok=True)
files = []
with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
    for i, m in enumerate(tar.getmembers()):
        if m.isfile():
            path = folder / f"{i:04d}"
            path.write_bytes(tar.extractfile(m).read())
            files.append((path, m.name.split("/")[-2], m.name))

# names of folders and of programs as Python knows them; supersets count for their parts by the text they give
names = {"johab": "johab", "maccyrillic": "mac_cyrillic", "mac-cyrillic": "mac_cyrillic", "macroman": "mac_roman",
         "macintosh": "mac_roman", "mac-centraleurope": "mac_latin2", "mac-latin2": "mac_latin2", "cp874": "cp874",
         "windows-874": "cp874", "tis-620": "tis-620", "iso-8859-8-i": "iso-8859-8", "big5-hkscs": "big5hkscs",
         "gb2312": "gb18030", "gbk": "gb18030", "euc-tw": "euc-tw", "iso-2022-cn": "iso2022_cn", "hz-gb-2312": "hz",
         "uhc": "cp949", "windows-31j": "cp932", "shift_jis": "cp932", "sjis": "cp932", "x-mac-cyrillic": "mac_cyrillic",
         "ascii": "utf-8", "us-ascii": "utf-8", "viscii": "viscii", "utf-8-sig": "utf-8"}


def decode(bytes_, name):
    name = (name or "").lower()
    for mark in (b"\xef\xbb\xbf",):
        if bytes_.startswith(mark):
            bytes_ = bytes_[len(mark):]
    try:
        return bytes_.decode(names.get(name, name), "replace").lstrip("\ufeff")
    except LookupError:
        return None


def language_off(name):
    # folders are "<encoding>" or "<encoding>-<language>"
    parts = name.lower().split("-")
    for n in range(len(parts), 0, -1):
        candidate = "-".join(parts[:n])
        if decode(b"a", candidate) is not None:
            return candidate
    return None


guess = {}
out = subprocess.run([tool, "--charset", *[p for p, _, _ in files]], check=True, capture_output=True).stdout.decode()
guess["yinghuo"] = [line.split("\t")[0] for line in out.strip("\n").split("\n")]
try:
    import chardet
    guess[f"chardet {chardet.__version__}"] = [chardet.detect(p.read_bytes())["encoding"] for p, _, _ in files]
except ImportError:
    pass
try:
    import charset_normalizer
    best = [charset_normalizer.from_bytes(p.read_bytes()).best() for p, _, _ in files]
    guess[f"charset_normalizer {charset_normalizer.__version__}"] = [b.encoding if b else None for b in best]
except ImportError:
    pass
try:
    lines = subprocess.run(["uchardet", *[p for p, _, _ in files]], check=True, capture_output=True).stdout.decode()
    guess["uchardet"] = [x.rsplit(": ", 1)[-1].split("/")[0] for x in lines.strip().split("\n")]
except (OSError, subprocess.CalledProcessError):
    pass

rate = {}
for who, got in guess.items():
    right = total = 0
    close = 0.0
    for (path, truth, name), g in zip(files, got):
        gold = language_off(truth)
        if gold is None:
            continue
        b = path.read_bytes()
        total += 1
        want, text = decode(b, gold), decode(b, g)
        ok = text is not None and text == want
        right += ok
        if not ok and who == "yinghuo" and verbose:
            same = sum(x == y for x, y in zip(text or "", want)) / max(1, len(want)) if text and len(text) == len(want) else 0
            print(f"  {name}: {g}, not {gold} ({same:.3f} of the text alike)")
    rate[who] = right / total
    print(f"{who}: {right} of {total} files decode to the right text ({right / total:.3f})")

# One stray byte in a text that is otherwise ASCII says little: never an encoding of Central Europe or of Macs.
stray = folder / "stray"
stray.write_bytes(b"The caf\xe9 is open, and so is the garden behind it. " * 3)
quote = folder / "quote"
quote.write_bytes(b"It\x92s a plain English text with one curly apostrophe. Nothing else is in it.\n" * 4)
out = subprocess.run([tool, "--charset", stray, quote], check=True, capture_output=True).stdout.decode().split("\n")
print("one stray byte:", out[0].split("\t")[0], out[1].split("\t")[0])
ok = out[0].startswith("CP1252") and out[1].startswith("CP1252")
sys.exit(0 if ok and rate["yinghuo"] >= 0.75 else 1)
