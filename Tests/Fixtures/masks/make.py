"""Writes secure-aggregation.json: what Tests/SecureAggregationTests compare with, computed from the definitions alone
with Python's integers and fractions. Run: python3 make.py > secure-aggregation.json"""
import hashlib
import json
import random
from fractions import Fraction
from math import ceil, comb, floor

PRIME = 2**61 - 1
draw = random.Random(7)


def field():
    numbers = [0, 1, 2, PRIME - 1, PRIME - 2, 2**60, 8] + [draw.randrange(PRIME) for _ in range(9)]
    return [
        {"a": a, "b": b, "sum": (a + b) % PRIME, "difference": (a - b) % PRIME, "product": a * b % PRIME,
         "inverse": pow(a, -1, PRIME) if a else 0}
        for a in numbers for b in numbers
    ]


def shamir(threshold, points, secret):
    """Secrets are little-endian numbers of 256 bits in limbs of 52; every limb has its own polynomial."""
    number = int.from_bytes(secret, "little")
    limbs = [number >> (52 * i) & (2**52 - 1) for i in range(5)]
    polynomials = [[limb] + [draw.randrange(PRIME) for _ in range(threshold - 1)] for limb in limbs]
    shares = [
        b"".join(
            (sum(c * x**power for power, c in enumerate(p)) % PRIME).to_bytes(8, "little") for p in polynomials).hex()
        for x in points
    ]
    return {"threshold": threshold, "points": points, "secret": secret.hex(), "shares": shares}


def tail(least, population, marked, draws):
    ways = sum(
        comb(marked, x) * comb(population - marked, draws - x)
        for x in range(max(0, least), min(draws, marked) + 1) if draws - x <= population - marked)
    return Fraction(ways, comb(population, draws))


def degree(n, corrupt, dropout, security, correctness):
    """The fewest neighbours and the smallest threshold, by trying all of them."""
    m, d = ceil(Fraction(corrupt) * n), floor(Fraction(dropout) * n)
    secure, correct = Fraction(1, 2**(security + 1)), Fraction(1, 2**correctness)
    for k in list(range(2, n - 1, 2)) + [n - 1]:
        for t in range(k // 2 + 1, k + 1):
            cuts = 0 if k == n - 1 else Fraction(n * (n - 1), 2) * tail(2 * t - k, n, m, k)
            if n * tail(2 * t - k, n - 1, m, k) <= secure and cuts <= secure:
                if n * tail(k - t + 1, n - 1, d, k) <= correct:
                    return k, t
                break
    return None


def degrees():
    table = []
    for n in (4, 5, 10, 12, 20, 50, 100, 200, 500, 1000):
        for corrupt, dropout in (("1/10", "1/20"), ("1/10", "1/10"), ("1/5", "1/10"), ("0", "1/3"), ("1/10", "1/3")):
            if n >= 500 and dropout == "1/3":
                continue
            found = degree(n, corrupt, dropout, 40 + 40, 20)
            table.append({
                "cohort": n, "corrupt": float(Fraction(corrupt)), "dropout": float(Fraction(dropout)),
                "neighbours": found[0] if found else 0, "threshold": found[1] if found else 0})
    return table


def tree(entries):
    """RFC 9162, section 2.1.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    half = 1
    while 2 * half < len(entries):
        half *= 2
    return hashlib.sha256(b"\1" + tree(entries[:half]) + tree(entries[half:])).digest()


def packed(bits, count):
    words = [draw.randrange(2**bits) for _ in range(count)]
    number = sum(word << (index * bits) for index, word in enumerate(words))
    return {"bits": bits, "words": words, "bytes": number.to_bytes((count * bits + 7) // 8, "little").hex()}


print(json.dumps({
    "field": field(),
    "shamir": [
        shamir(1, [1], bytes(32)), shamir(2, [3, 1], bytes([255]) * 32),
        shamir(5, [9, 4, 1000, 77, 2], bytes(range(32))), shamir(40, list(range(1, 80, 2)), draw.randbytes(32)),
    ],
    "tails": [
        {"least": a, "population": n, "marked": m, "draws": k, "probability": float(tail(a, n, m, k))}
        for n, m, k in ((9, 1, 4), (99, 10, 22), (999, 100, 96), (999, 50, 66), (9999, 1000, 120), (20, 20, 5))
        for a in (0, 1, k // 4, k // 2, k)
    ],
    "degrees": degrees(),
    "trees": [
        {"entries": [bytes([i] * (i % 5)).hex() for i in range(n)],
         "root": tree([bytes([i] * (i % 5)) for i in range(n)]).hex()} for n in (1, 2, 3, 7, 8, 13, 100)
    ],
    "packed": [packed(bits, count) for bits in (1, 7, 8, 18, 31, 32) for count in (1, 3, 64)],
}, separators=(",", ":")))
