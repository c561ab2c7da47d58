"""Links in the documentation lead to existing files and headings, and what doc/standards.md says of tests is true."""

import glob
import os
import re

from support import ROOT, main, ok


def prose(path):
    """The text without its blocks of code, in which # begins a comment."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r"^```.*?^```$", "", file.read(), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """As GitHub makes them of headings: small letters, digits, _ and -, with - for a blank."""
    headings = re.findall(r"^#+ +(.*)$", prose(path), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def links():
    pages = [path for pattern in ("*.md", "doc/*.md", "src/*.md", "test/bench/*.md") for path in glob.glob(os.path.join(ROOT, pattern))]
    checked = 0
    for page in pages:
        broken = []
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if re.match(r"[a-z]+:", target):
                continue
            checked += 1
            name, _, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), name)) if name else page
            if not os.path.exists(path) or (anchor and anchor not in anchors(path)):
                broken.append(target)
        ok(not broken, f"links of {os.path.relpath(page, ROOT)}", broken)
    ok(checked > 40, f"{checked} links were looked at")
    readme = prose(os.path.join(ROOT, "README.md"))
    missing = [page for page in glob.glob("doc/*.md", root_dir=ROOT) if f"]({page})" not in readme]
    ok(not missing, "README.md leads to every page", missing)


def standards():
    """In each row "met" has a test; each test named is a file and words in it."""
    with open(os.path.join(ROOT, "doc", "standards.md"), encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in file if line.startswith("|")]
    rows = [row for row in rows if len(row) != 3 and row[0] not in ("Requirement", "---")]
    words = {"met", "deviates", "not yet", "yours", "out of scope"}
    wrong = []
    for requirement, verdict, *_, test in rows:
        named = re.fullmatch(r'`(test/[^`]+)` "(.+)"', test)
        path = os.path.join(ROOT, named[1]) if named else ""
        if verdict not in words or (verdict == "met" or test) and not named:
            wrong.append(f"{requirement}: {verdict}, {test or 'no test'}")
        elif named and not (os.path.isfile(path) and named[2] in open(path, encoding="utf-8").read()):
            wrong.append(f"{requirement}: {named[1]} has no {named[2]!r}")
    ok(len(rows) > 100 and not wrong, f"{len(rows)} requirements and their tests", wrong)


main(links, standards)
