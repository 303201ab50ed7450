"""A report page spoilt in every way that it must notice: by hand, by another page's parts, inside what it carries."""

import base64
import random
import re
import zlib

BEGIN, END = '<script type="text/plain" id="carried">', "</script>"
ROW = re.compile(r'<(tr|li|article)\b[^>]*\bdata-e="(\d+)".*?</\1>', re.S)
# What the rules make of an entry stands in its row, and is for `verify`.
DERIVED = re.compile(r'<span class="issue">.*?</span>', re.S)


def carried(page):
    """The lines of what a page carries."""
    packed = page.partition(BEGIN)[2].partition(END)[0]
    return zlib.decompress(base64.b64decode(packed), -15).decode().splitlines()


def carry(page, lines):
    """The page with other lines."""
    packer = zlib.compressobj(3, zlib.DEFLATED, -15)
    packed = packer.compress("".join(f"{line}\n" for line in lines).encode()) + packer.flush()
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + base64.b64encode(packed).decode() + END + rest.partition(END)[2]


def rows(page):
    """The rows of entries that hold no other row: whole matches."""
    return [found for found in ROW.finditer(page) if found.group(0).count("data-e=") == 1]


def leaves(line):
    """How many entries of the log a line of the block stands for."""
    kind, _, rest = line.partition("\t")
    if kind == "t":
        return int(rest.partition("\t")[0])
    return len(base64.b64decode(rest)) // 32 if kind == "l" else 1


def other_digit(chance, digit):
    return chance.choice([one for one in "0123456789" if one != digit])


def change(chance, text, alphabet):
    """`text` with one of its characters that are in `alphabet` replaced by another of them."""
    at = chance.choice([index for index, one in enumerate(text) if one in alphabet])
    return text[:at] + chance.choice([one for one in alphabet if one != text[at]]) + text[at + 1:]


def digit_in_row(chance, page, _):
    row = chance.choice(rows(page))
    hidden = [range(*found.span()) for found in DERIVED.finditer(row.group(0))]
    spots, inside = [], False
    for index, one in enumerate(row.group(0)):
        inside = one == "<" or (inside and one != ">")
        if one.isdigit() and not inside and not any(index in span for span in hidden):
            spots.append(row.start() + index)
    at = chance.choice(spots)
    return page[:at] + other_digit(chance, page[at]) + page[at + 1:]


def entry(chance, page, _):
    lines = carried(page)
    at = chance.choice([index for index, line in enumerate(lines) if line.startswith("e\t")])
    parts = lines[at].split("\t")
    part = chance.choice([2, 3, 4])
    parts[part] = change(chance, parts[part], "0123456789")
    lines[at] = "\t".join(parts)
    return carry(page, lines)


def entry_and_row(chance, page, _):
    """A value changed in the statement and on the page alike: only the signature tells."""
    lines = carried(page)
    found = [(index, one) for index, line in enumerate(lines) for one in re.findall(r'"value":"([0-9.]{3,})"', line)]
    at, value = chance.choice(found)
    forged = change(chance, value, "123456789") if re.search("[1-9]", value) else value + "1"
    lines[at] = lines[at].replace(value, forged)
    seq = sum(leaves(line) for line in lines[3:at])
    page = re.sub(rf'(data-e="{seq}".*?</(?:tr|li)>)', lambda row: row.group(0).replace(value, forged), page, flags=re.S)
    return carry(page, lines)


def opening(chance, page, _):
    lines = carried(page)
    at = chance.choice([index for index, line in enumerate(lines) if line.startswith("o\t")])
    bytes_ = bytearray(base64.b64decode(lines[at][2:]))
    bytes_[chance.randrange(len(bytes_))] ^= 1 << chance.randrange(5)
    lines[at] = "o\t" + base64.b64encode(bytes_).decode()
    return carry(page, lines)


def checkpoint(chance, page, _):
    lines = carried(page)
    (at,) = [index for index, line in enumerate(lines) if line.startswith("checkpoint\t")]
    note = base64.b64decode(lines[at].split("\t")[1]).decode()
    forged = change(chance, note, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    lines[at] = "checkpoint\t" + base64.b64encode(forged.encode()).decode()
    shown = page if chance.random() < 0.5 else page.replace(note.replace("+", "+"), forged)
    return carry(shown, lines)


def data(chance, page, _):
    """One character of the block as it stands."""
    before, _, rest = page.partition(BEGIN)
    packed, _, after = rest.partition(END)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return before + BEGIN + change(chance, packed, alphabet) + END + after


def removed_row(chance, page, _):
    row = chance.choice(rows(page))
    return page[:row.start()] + page[row.end():]


def reordered_rows(chance, page, _):
    """Two neighbours of one list in each other's place."""
    found = rows(page)
    sort = re.compile(r'data-r="(\w+)"')
    pairs = [
        (a, b) for a, b in zip(found, found[1:])
        if sort.search(a.group(0)).group(1) == sort.search(b.group(0)).group(1) and a.group(2) != b.group(2)
        and sort.search(a.group(0)).group(1) != "rollback" and not page[a.end():b.start()].strip()
    ]
    a, b = chance.choice(pairs)
    return page[:a.start()] + b.group(0) + page[a.end():b.start()] + a.group(0) + page[b.end():]


def other_entry(chance, page, other):
    """An entry, or a row, of another report in the place of one."""
    if chance.random() < 0.5:
        lines, theirs = carried(page), carried(other)
        at = chance.choice([index for index, line in enumerate(lines) if line.startswith("e\t")])
        lines[at] = chance.choice([line for line in theirs if line.startswith("e\t") and line not in lines])
        return carry(page, lines)
    row, theirs = chance.choice(rows(page)), chance.choice(rows(other))
    return page[:row.start()] + theirs.group(0) + page[row.end():]


def added_row(chance, page, _):
    """What looks like one more row, of no entry; or words between rows."""
    row = chance.choice(rows(page))
    bare = re.sub(r' data-(r|e|brief)(="\w+")?| id="e\d+"', "", row.group(0))
    return page[:row.start()] + chance.choice([bare, "Approved by eve.", bare.replace("entry", "entries")]) + page[row.start():]


def hidden_row(chance, page, _):
    """A row that is there, and that nobody sees."""
    row = chance.choice(rows(page))
    tag, seq = row.group(1), row.group(2)
    rule = f'[data-e="{seq}"]{{{chance.choice(["display:none", "opacity:0", "color:transparent", "font-size:0"])}}}'
    attribute = chance.choice(["hidden", "style=display:none", 'style="position:absolute;left:-9999px"', "inert", 'popover=""'])
    return chance.choice([
        page.replace("</style>", rule + "</style>", 1),
        page.replace("<main>", f"<style>{rule}</style><main>", 1),
        page.replace("</head>", f"<style>{rule}</style></head>", 1),
        page[:row.start()] + row.group(0).replace(f"<{tag}", f"<{tag} {attribute}", 1) + page[row.end():],
    ])


def dressed_row(chance, page, _):
    """A row that has its words still, and shows others, or in another light."""
    row = chance.choice(rows(page))
    tag, whole = row.group(1), row.group(0)
    word = chance.choice([found for found in re.finditer(r">([^<>\s][^<>]*)<", whole)])
    told = f"><title>{word.group(1)}</title><span data-title>by eve (cto)</span><"
    attribute = chance.choice(['aria-label="eve (cto)"', 'class="struck"', 'id="proof-ask" hidden', 'data-r="moment"', 'aria-labelledby="people"'])
    made = chance.choice([
        whole[:word.start()] + told + whole[word.end():],
        whole[:word.start()] + ">" + word.group(1) + '<span class="issue">by eve</span><' + whole[word.end():],
        whole[:word.end() - 1] + "<br>by eve" + whole[word.end() - 1:],
        re.sub(rf"^<{tag}( class=\"[^\"]*\")?", f"<{tag} {attribute}", whole),
    ])
    if "data-r=\"moment\"" in whole and 'class="issue"' in made and 'class="issue"' not in whole:
        made = whole.replace("<time", "<code", 1) if "<time" in whole else whole.replace("data-brief", "")
    return page[:row.start()] + made + page[row.end():]


def other_part(chance, page, _):
    """A part that no report has, or one that stands twice, elsewhere, or folded away."""
    section = re.search(r'<section aria-labelledby="approvals">.*?</section>', page, re.S).group(0)
    bare = re.sub(r' data-(r|e)="\w+"', "", section)
    head, table = section[:section.index("<table")], section[section.index("<table"):section.index("</section>")]
    return chance.choice([
        page.replace("</main>", f"{bare}</main>"), page.replace(section, bare.replace('"approvals"', '"signed"') + section),
        page.replace("<main>", "<main><div>All items were signed.</div>"), page.replace("<footer>", "<div>All is well.</div><footer>", 1),
        page.replace(section, f"{head}<details><summary>More</summary>{table}</details></section>"),
        page.replace(section, f"<dialog>{section}</dialog>"), page.replace(section, f"<template>{section}</template>"),
        page.replace(section, "").replace("<footer>", section + "<footer>", 1), page.replace(section, f"{head}<img alt='signed'>{table}</section>"),
        page.replace('<tbody>\n<tr data-r="approval"', '<tbody aria-labelledby="people"><tr><th>Item</th><td>done</td></tr></tbody>\n<tbody>\n<tr data-r="approval"', 1),
        page.replace('<table class="stack">', '<table class="stack"><caption>Countersigned by eve (cto)</caption>', 1),
        page.replace('<h1 data-fact="release">', '<h1>v9.9.9</h1><h1 hidden data-fact="release">', 1),
        page.replace('href="#attention"', 'href="https://example.com/"', 1),
        page.replace('<meta charset="utf-8">', '<meta charset="utf-8"><meta http-equiv="refresh" content="9;url=about:blank">'),
    ])


WAYS = [digit_in_row, entry, entry_and_row, opening, checkpoint, data, removed_row, reordered_rows, other_entry, added_row, hidden_row,
        dressed_row, other_part]


def pages(page, other, count, seed):
    """`count` spoilt pages, each with the name of how: the same ones for the same seed."""
    made = []
    while len(made) < count:
        chance = random.Random(f"{seed}/{len(made)}")
        way = WAYS[len(made) % len(WAYS)]
        spoilt = way(chance, page, other)
        assert spoilt != page, way.__name__
        made.append((way.__name__, spoilt))
    return made
