"""Makes a data set on which settings can be chosen without a look at the test: its test rows come from the training rows.

    python3 validation_rows.py IN.jsonl OUT.jsonl [SHARE]

Rows of IN are {"worker", "split", "text"}. The test rows are left out; of each worker's training rows the last SHARE
(default 0.1, at least one) become its test rows.
"""
import json
import sys


def main(source, target, share=0.1):
    workers = {}
    for row in map(json.loads, open(source, encoding="utf-8")):
        if row.get("split") != "test":
            workers.setdefault(row.get("worker"), []).append(row)
    with open(target, "w", encoding="utf-8") as out:
        for rows in workers.values():
            kept = len(rows) - max(1, round(share * len(rows)))
            for index, row in enumerate(rows):
                split = "train" if index < kept else "test"
                out.write(json.dumps({**row, "split": split}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:4]))
