"""Deals a JSONL data set out to many owners: each train row of the result is one owner's whole text.

    python3 many_owners.py IN.jsonl OUT.jsonl [OWNERS]

Rows of IN are {"worker", "split", "text"}. The train text of each worker is cut at line ends into pieces of about equal
length, OWNERS of them in all (default 1000), none with text of two workers. The test rows of a worker become one row.
Rows of OUT name no worker: `data.partition: even` with `federation.workers` = OWNERS gives each of them one.
"""
import json
import sys


def pieces(lines, count):
    """`lines` in `count` runs of about equal length, none empty."""
    total = sum(len(line) + 1 for line in lines)
    parts, done = [[] for _ in range(count)], 0
    for index, line in enumerate(lines):
        wanted = min(count - 1, done * count // total)
        # Every later piece still needs a line.
        wanted = min(wanted, index)
        wanted = max(wanted, count - (len(lines) - index))
        parts[wanted].append(line)
        done += len(line) + 1
    return ["\n".join(part) for part in parts if part]


def main(source, target, owners=1000):
    train, test = {}, {}
    for row in map(json.loads, open(source, encoding="utf-8")):
        part = test if row.get("split") == "test" else train
        part.setdefault(row["worker"], []).append(row["text"])
    lines = {worker: "\n".join(texts).split("\n") for worker, texts in train.items()}
    sizes = {worker: sum(map(len, ls)) for worker, ls in lines.items()}
    total = sum(sizes.values())
    counts = {worker: max(1, int(owners * size / total)) for worker, size in sizes.items()}
    # What rounding left goes to those with the longest pieces.
    while sum(counts.values()) < owners:
        longest = max(counts, key=lambda worker: sizes[worker] / counts[worker])
        counts[longest] += 1
    with open(target, "w", encoding="utf-8") as out:
        for worker, ls in lines.items():
            for text in pieces(ls, counts[worker]):
                out.write(json.dumps({"split": "train", "text": text}, ensure_ascii=False) + "\n")
        for texts in test.values():
            out.write(json.dumps({"split": "test", "text": "\n".join(texts)}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))
