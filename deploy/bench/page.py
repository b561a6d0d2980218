"""What the programs have in common that measure runs of `shoal simulate` and write a page of tables."""
import re
import sys


def arguments(parser):
    """The program's options, and what follows `--` for shoal."""
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    return parser.parse_args(given[:cut]), given[cut + 1:]


def overrides(settings):
    return [part for setting in settings for part in ("--set", setting)]


def slug(name):
    """A name for a file."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def finish(text, page, *others):
    """Writes the page and prints it; others were written beside it."""
    page.write_text(text, encoding="utf-8")
    print(text)
    print(f"written to {' and '.join([str(page), *others])}", file=sys.stderr)


def run(main):
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
