"""Writes the same rows as JSON lines and as CSV with Python's own modules. Run in this folder."""
import csv
import json

rows = [
    {"text": "plain", "split": "train", "worker": "ada", "label": "a"},
    {"text": 'a "quoted", word', "split": "test", "worker": "bob", "label": "b"},
    {"text": "two\nlines, \u00fc \U0001f988", "split": "train", "worker": "ada", "label": "a"},
    {"text": " spaces kept ", "split": "train", "worker": "b c", "label": "b"},
]
with open("rows.jsonl", "w") as file:
    for row in rows:
        file.write(json.dumps(row) + "\n")
with open("rows.csv", "w", newline="", encoding="utf-8-sig") as file:  # A byte order mark and CRLF, as Excel writes.
    writer = csv.DictWriter(file, ["worker", "text", "split", "label"], quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(rows)
