#!/usr/bin/env python3
"""Writes version1.txt: one envelope of every kind as protocol version 1 puts it on the wire.

Encodes by the protobuf rules alone (https://protobuf.dev/programming-guides/encoding/), from the field numbers of
proto/shoal.proto and without Shoal's code or a protobuf library, so that the file is an independent oracle.
Run: ./make_version1.py > version1.txt
"""
import struct


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return b"" if value == 0 else varint(field << 3) + varint(value)


def blob(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def text(field, value):
    return b"" if value == "" else blob(field, value.encode())


def real32(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def real64(field, value):
    return b"" if value == 0 else varint(field << 3 | 1) + struct.pack("<d", value)


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def run_of(first, count):
    """count bytes: first, first + 1, …"""
    return bytes((first + i) & 0xFF for i in range(count))


LEASE = 2**40 + 5
A, B = run_of(1, 32), run_of(0x80, 32)
SIGNATURE = run_of(0x20, 64)

ADAPTER = (number(1, 1) + number(2, 8) + real64(3, 16.0) + number(4, 2) + real64(5, 0.05)
           + text(7, "q_proj") + text(7, "v_proj"))
ADAPTER_ALL = number(1, 1) + number(2, 4) + real64(3, 8.0) + number(4, 1) + number(6, 1)
# A list of excluded layers; the patterns in ascending order.
ADAPTER_PATTERNS = (number(1, 2) + number(2, 4) + real64(3, 8.0) + number(4, 1) + text(8, r".*\.[qv]_proj")
                    + text(9, "layers.0.self_attn.q_proj") + text(9, "lm_head")
                    + blob(11, text(1, "^model.*q_proj") + number(2, 16)) + blob(11, text(1, "v_proj") + number(2, 2))
                    + blob(12, text(1, "q_proj") + real64(2, 0.5)))
ADAPTER_EXCLUDED = ADAPTER_ALL + text(10, ".*head")
TRAINING = (number(1, 10) + number(2, 8) + number(3, 2) + number(4, 128) + number(5, 1) + real64(6, 3e-3)
            + number(7, 3) + number(8, 5) + number(9, 200) + real64(10, 0.01) + real64(11, 0.9) + real64(12, 0.999)
            + real64(13, 1e-8) + real64(15, 1.0) + number(16, 1))
TRAINING_SGD = (number(1, 1) + number(2, 1) + number(3, 1) + number(4, 64) + number(5, 2) + real64(6, 0.1)
                + number(7, 2) + real64(11, 0.9) + real64(12, 0.999) + real64(13, 1e-8) + real64(14, 0.5)
                + number(16, 1))

MESSAGES = [
    ("enrol", 16, blob(1, A) + blob(2, B)),
    ("enrolled", 17, text(1, "clinic north-2")),
    ("hello", 18, text(1, "shoal 0.1.0") + text(2, "resume") + text(2, "mask") + text(3, "dense")
     + text(3, "eden:bits=4,seed=1") + number(4, 16) + number(5, 2**35) + blob(6, A)),
    ("hello without base model", 18, text(1, "shoal 0.1.0") + number(4, 1) + number(5, 1)),
    ("hello that tells its speed", 18, text(1, "shoal 0.1.0") + number(4, 2) + number(5, 2**32) + real32(121, 37.5)),
    ("welcome", 19, text(1, "shoal 0.1.0") + text(2, "resume") + text(3, "clinic north-2") + number(4, 5000)
     + blob(5, A) + number(6, 128)),
    ("refused", 20, number(1, 4) + text(2, "the base model differs: naïve ≠ 素朴 🐟") + number(3, 1)),
    ("heartbeat", 21, number(1, 3) + number(2, LEASE) + number(3, 7) + number(4, 10) + real32(5, 2.5)),
    ("heartbeat without loss", 21, number(1, 1)),
    ("heartbeat with loss zero", 21, number(1, 4) + real32(5, 0.0)),
    ("heartbeat of a task that waits for its machine", 21, number(1, 3) + number(2, LEASE) + number(110, 1)),
    ("heartbeat with a known next key", 21, number(1, 1) + blob(111, A)),
    ("heartbeat that announces a key", 21, number(1, 1) + blob(111, A) + blob(112, A + B)),
    ("offer", 22, number(1, LEASE) + number(2, 1) + number(3, 30000) + number(4, 600000) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER) + blob(8, TRAINING) + text(9, "eden:bits=4") + fixed64(10, 0xFEDCBA9876543210)),
    ("offer with packed weights", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + number(101, 1)) + text(9, "dense") + fixed64(10, 1)),
    ("offer to evaluate", 22, number(1, 1) + number(2, 2) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)),
    ("offer with patterns", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_PATTERNS) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)),
    ("offer with an excluding pattern", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_EXCLUDED) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)),
    ("offer with a proximal term and a frozen factor", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A)
     + blob(6, B) + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + real64(22, 0.25) + number(23, 2)) + text(9, "dense")
     + fixed64(10, 1)),
    ("offer with error feedback", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "ternary:density=0.01") + fixed64(10, 1) + number(11, 1)),
    ("offer with a residual that decays", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "ternary:density=0.01") + fixed64(10, 1) + number(11, 1)
     + real64(120, 0.5)),
    ("offer with parts that take turns", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "ternary:density=0.01") + fixed64(10, 1) + number(11, 1)
     + number(142, 2)),
    ("offer of passes over the text", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + real64(141, 0.5)) + text(9, "dense") + fixed64(10, 1)),
    ("offer with a residual", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1) + blob(30, A)),
    ("accept", 23, number(1, LEASE)),
    ("decline", 24, number(1, LEASE) + text(2, "policy: no training at night")),
    ("offer with a control variate", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + number(36, 1)) + text(9, "dense") + fixed64(10, 1) + blob(35, A)),
    ("offer with fixed factors", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1) + blob(36, A)),
    ("offer with an own factor", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + number(35, 2)) + text(9, "dense") + fixed64(10, 1)),
    ("offer with a local adapter", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + number(37, 1)) + text(9, "dense") + fixed64(10, 1)),
    ("offer that balances classes", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + text(21, "no") + text(21, "yes") + number(100, 1))
     + text(9, "dense") + fixed64(10, 1)),
    ("offer with a clip and noise", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1) + real64(65, 0.5)
     + real64(66, 0.75) + number(67, 1)),
    ("update commit with a loss of 0", 29, number(1, LEASE) + blob(2, B) + number(3, 1) + number(4, 10)
     + real32(6, 0.0)),
    ("update commit of a clipped update", 29, number(1, LEASE) + blob(2, B) + number(3, 1) + number(4, 10)
     + number(65, 1)),
    ("update commit with its cost", 29, number(1, LEASE) + blob(2, B) + number(3, 1) + number(4, 10)
     + real64(115, 2.5) + real64(116, 40) + number(117, 1)),
    ("object request", 25, blob(1, A) + number(2, 2**33) + number(3, 2**22)),
    ("object chunk", 26, blob(1, A) + number(2, 2**33) + number(3, 2**34)),
    ("update begin", 27, number(1, LEASE) + blob(2, B) + number(3, 9763216) + text(4, "dense")),
    ("update chunk", 28, number(1, LEASE) + number(2, 2**20)),
    ("update commit", 29, number(1, LEASE) + blob(2, B) + number(3, 321) + number(4, 10) + number(5, 81920)
     + real32(6, 1.25)),
    ("update ack, more", 30, number(1, LEASE) + number(2, 2**20)),
    # A oneof's member is written even when it is 0.
    ("update ack, from the start", 30, number(1, LEASE) + varint(2 << 3) + varint(0)),
    ("update ack, committed", 30, number(1, LEASE) + number(3, 1)),
    ("update ack, committed in a later round", 30, number(1, LEASE) + number(3, 1) + number(140, 12)),
    ("update ack, rejected", 30, number(1, LEASE) + text(4, "norm over the limit")),
    ("report", 31, number(1, LEASE) + number(2, 12) + real64(3, 34.5) + real64(4, 101.25)),
    ("record head", 32, blob(1, A) + blob(2, SIGNATURE)),
    ("countersign", 33, blob(1, A) + blob(2, SIGNATURE)),
    ("mask step", 90, number(1, LEASE) + number(2, 4)),
    ("offer with masks", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)
     + blob(90, real32(1, 0.25) + number(2, 127) + number(3, 9) + number(4, 3) + real64(5, 0.125) + real64(6, 0.25)
            + number(7, 2**22))),
    ("offer with noise on single examples", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD + real64(133, 0.125) + real64(134, 1.5)) + text(9, "dense")
     + fixed64(10, 1)),
    ("offer with shared noise", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1) + real64(65, 0.5)
     + number(67, 1)
     + blob(90, real32(1, 0.25) + number(2, 127) + number(3, 1) + number(4, 3) + real64(5, 0.125) + real64(6, 0.25)
            + number(7, 2**22) + real64(130, 1.5e9) + real64(131, 65536.5) + number(132, 4))),
    ("cancel", 37, number(1, LEASE) + text(2, "the round is full")),
    ("goodbye", 38, text(1, "run finished") + number(2, 1)),
    ("accept with credit for the adapter", 23, number(1, LEASE) + number(45, 2**22)),
    ("accept with credit for a catch-up", 23, number(1, LEASE) + number(45, 2**22) + number(75, 1)),
    ("offer with a catch-up", 22, number(1, 1) + number(2, 2) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)
     + blob(75, blob(1, bytes(range(0x40, 0x60))) + blob(2, bytes(range(0x20, 0x40))) + number(3, 12)
            + text(4, "eden:bits=4"))),
    ("offer with a catch-up of changes to one factor", 22, number(1, 1) + number(2, 2) + number(3, 1) + blob(5, A)
     + blob(6, B) + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)
     + blob(75, blob(1, bytes(range(0x40, 0x60))) + blob(2, bytes(range(0x20, 0x40))) + number(3, 12)
            + text(4, "eden:bits=4") + blob(122, bytes([1, 0, 2])))),
    ("offer that takes attempts back", 22, number(1, 1) + number(2, 1) + number(3, 1) + blob(5, A) + blob(6, B)
     + blob(7, ADAPTER_ALL) + blob(8, TRAINING_SGD) + text(9, "dense") + fixed64(10, 1)
     + blob(60, number(1, 3) + number(2, 1)) + blob(60, number(1, 7) + number(2, 2))),
    ("update whole", 45, number(1, LEASE) + blob(2, B) + number(3, 321) + number(4, 10) + number(5, 81920)
     + real32(6, 1.25)),
]

HEADER = number(1, 1) + number(2, 2**63 + 9) + number(3, 77) + text(4, "run-0001") + number(5, 3) + number(6, 1)

for name, field, body in MESSAGES:
    print(f"{name}: {(HEADER + blob(field, body)).hex()}")
