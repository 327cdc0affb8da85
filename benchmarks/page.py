"""Where benchmarks write what they found: `docs/benchmarks.md`, a section for each script.

A section stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. What stands outside is a person's, and is left.
"""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

What the scripts in `benchmarks/` measured.
Each section names its command and its date; run the command to write it anew.
"""


def write_section(name: str, text: str) -> None:
    """Put a text into its section of the page; the page or the section is made where it is missing."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if not re.fullmatch(r"[\w-]+", name) or end in text:
        raise ValueError(f"section {name!r}: a name is one word, and no text holds its own end")
    block = f"{begin}\n{text.strip()}\n{end}"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if found and not closed:
        raise ValueError(f"{PAGE.name}: {begin} is never closed by {end}; mend the page by hand")
    page = f"{before}{block}{after}" if found else f"{page.rstrip()}\n\n{block}\n"
    PAGE.write_text(page, encoding="utf-8", newline="\n")
