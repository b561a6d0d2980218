#!/usr/bin/env python3
"""Makes ../files/notes.jsonl: the private notes of ten simulated organisations, one trade each, nobody real.

Every trade has its own vocabulary, codes, regularities and amount of text, and the note-taking habits that trades
share: a reference with day and time, a priority, a next step and the writer's initials. Training and held-out notes
come from the same trade, and no note's body (all but reference, priority, next step and initials) ever repeats within
a trade, so held-out notes are new texts. usage: trade_notes.py [seed=11] [out=../files/notes.jsonl]
"""

import json
import random
import sys
from pathlib import Path

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
LONG_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


class Trade:
    """A trade's habits. `note` gives the body, the priority and the next step."""

    def __init__(self, r):
        self.r = r
        self.bodies = set()

    def one(self, *choices):
        return self.r.choice(choices)

    def number(self, low, high, step=1):
        return self.r.randrange(low, high + 1, step)

    def text(self):
        body, priority, following = self.note()
        while body in self.bodies:
            body, priority, following = self.note()
        self.bodies.add(body)
        reference = f"{self.code}-{self.number(1000, 9999)}"
        day, time = self.r.choice(DAYS), f"{self.number(8, 17):02d}:{self.number(0, 55, 5):02d}"
        signed = f"Signed {self.r.choice(self.writers)}"
        tail = f"Priority: {priority}. Next step: {following}. {signed}."
        # Half the notes carry the reference last.
        if self.r.random() < 0.5:
            return f"{body} {tail} Ref {reference}, {day} {time}."
        return f"Ref {reference}, {day} {time}. {body} {tail}"


class Clinic(Trade):
    name, code, train, test, writers = "clinic", "CL", 230, 30, ["KV", "AL", "MO", "RT"]

    def note(self):
        complaint, plan = self.r.choice(
            [
                ("a dry cough", "rest and warm fluids"),
                ("a sore throat", "salt water rinse and lozenges"),
                ("lower back pain", "heat pack and gentle stretching"),
                ("an itchy rash on both arms", "zinc cream twice a day"),
                ("a blocked nose", "saline spray at night"),
                ("earache on the left side", "ear drops for five days"),
                ("a throbbing headache", "paracetamol 500 mg and rest"),
                ("stomach cramps", "clear soup and oral rehydration"),
                ("a twisted ankle", "elastic bandage and ice"),
            ]
        )
        fever = self.number(364, 394) / 10
        pulse = self.number(58, 104, 2)
        hot = fever >= 38.5
        review = "call back tomorrow" if hot else f"review in {self.one('three days', 'one week', 'two weeks')}"
        body = (
            f"Patient reports {complaint} since {self.r.choice(LONG_DAYS)}. Temperature {fever:.1f}, pulse {pulse}. "
            f"{self.one('No known allergies.', 'Allergic to penicillin.', 'Lungs clear.', '')} Plan: {plan}."
        ).replace("  ", " ")
        return body, "high" if hot else "normal", review


class Bank(Trade):
    name, code, train, test, writers = "bank", "BR", 180, 28, ["DS", "PN", "EH"]

    def note(self):
        amount, account = self.number(200, 9800, 50), f"{self.number(10, 99)}-{self.number(100, 999)}"
        kind = self.number(0, 3)
        if kind == 0:
            body = (
                f"Account holder {account} asks to raise the overdraft limit to {amount} crowns. Salary paid in "
                "monthly, no arrears."
            )
            return body, "normal", self.one("credit check and written offer", "appointment with the loan desk")
        if kind == 1:
            body = (
                f"Card of account {account} reported {self.one('stolen', 'lost', 'swallowed by the cash machine')}. "
                f"Card blocked, last withdrawal {amount} crowns."
            )
            return body, "high", self.one("send replacement card", "file fraud form and send replacement card")
        if kind == 2:
            body = (
                f"Standing order of {amount} crowns from account {account} failed: "
                f"{self.one('insufficient funds', 'wrong payee number', 'mandate expired')}."
            )
            return body, "normal", "notify account holder by letter"
        body = (
            f"Customer opens a savings account with a deposit of {amount} crowns at {self.number(10, 29) / 10:.1f} "
            f"percent. Identity verified with {self.one('passport', 'identity card')}."
        )
        return body, "low", "archive signed contract"


class Shop(Trade):
    name, code, train, test, writers = "shop", "SH", 250, 32, ["JB", "TW", "NC", "OF"]

    def note(self):
        aisle, item = self.r.choice(
            [
                (1, "oat flakes 500 g"),
                (1, "wholegrain crackers"),
                (2, "tinned chickpeas"),
                (2, "passata 700 ml"),
                (3, "dish soap refill"),
                (3, "bin liners 20 l"),
                (4, "frozen spinach"),
                (4, "vanilla ice cream tub"),
                (5, "sparkling water crate"),
                (5, "orange juice carton"),
            ]
        )
        left, order = self.number(0, 14), self.number(24, 144, 12)
        kind = self.number(0, 2)
        if kind == 0:
            body = (
                f"Stock count aisle {aisle}: {item}, {left} left on shelf, reorder level 10. Reordered {order} units "
                f"from {self.one('Northway Wholesale', 'Greenfold Foods', 'Pelican Trading')}."
            )
            return body, "high" if left < 4 else "low", f"restock aisle {aisle} on delivery"
        if kind == 1:
            body = (
                f"Customer returned {item} from aisle {aisle}: "
                f"{self.one('packaging torn', 'past best-before date', 'wrong price on shelf label')}. Refund "
                f"{self.number(120, 990, 10) / 100:.2f} at till {self.number(1, 4)}."
            )
            return body, "normal", self.one("check rest of batch", "correct shelf label")
        body = (
            f"Delivery short: {item}, invoice says {order}, received {order - 12}. Pallet for aisle {aisle} unloaded "
            f"at dock {self.number(1, 2)}."
        )
        return body, "normal", "claim credit note from supplier"


class School(Trade):
    name, code, train, test, writers = "school", "SC", 200, 26, ["BG", "HI", "LZ"]

    def note(self):
        form = f"{self.number(3, 9)}{self.one('A', 'B', 'C')}"
        kind = self.number(0, 2)
        if kind == 0:
            topic = self.one(
                "fractions", "long division", "photosynthesis", "the water cycle", "irregular verbs", "map reading"
            )
            body = (
                f"Class {form}, {topic} test: average {self.number(48, 92)} of 100, "
                f"{self.number(2, 6)} pupils below pass mark."
            )
            return body, "normal", self.one("remedial worksheet", "retest after holidays")
        if kind == 1:
            days = self.number(1, 5)
            body = (
                f"Pupil in class {form} absent {days} {'day' if days == 1 else 'days'}, "
                f"{self.one('note from parents received', 'no excuse note')}. Homework in "
                f"{self.one('algebra', 'spelling', 'biology', 'geography')} still missing."
            )
            return body, "high" if days > 3 else "low", "phone parents" if days > 3 else "remind pupil in registration"
        outing = self.one(
            "excursion to the planetarium", "excursion to the botanical garden", "sports day", "science fair"
        )
        body = (
            f"Class {form} {outing}: {self.number(18, 29)} pupils, {self.number(2, 3)} supervisors, "
            "permission slips complete."
        )
        return body, "low", self.one("book coach", "order packed lunches")


class Home(Trade):
    name, code, train, test, writers = "smart-home", "HM", 180, 24, ["hub 1", "hub 2"]

    def note(self):
        room = self.one("hallway", "nursery", "utility room", "greenhouse", "master bedroom", "basement")
        kind = self.number(0, 3)
        if kind == 0:
            value = self.number(160, 280, 5) / 10
            body = (
                f"Thermostat {room}: measured {value:.1f} C, setpoint 21.0 C. Radiator valve "
                f"{'closed' if value >= 21 else 'opened'} to {self.number(0, 100, 10)} percent."
            )
            return body, "low", "recheck in 15 minutes"
        if kind == 1:
            battery = self.number(3, 98)
            body = (
                f"Motion sensor {room}: {self.number(0, 40)} events since midnight, battery {battery} percent, signal "
                f"-{self.number(45, 90)} dBm."
            )
            return body, "high" if battery < 15 else "low", "replace battery" if battery < 15 else "none"
        if kind == 2:
            body = (
                f"Energy meter: {self.number(20, 190) / 10:.1f} kWh used today, solar yield "
                f"{self.number(0, 160) / 10:.1f} kWh. "
                f"{self.one('Dishwasher', 'Tumble dryer', 'Heat pump', 'Wall charger')} shifted to {self.number(1, 5)}"
                ":00."
            )
            return body, "low", "report weekly total"
        body = (
            f"Leak detector {room}: moisture alarm, main valve shut automatically after {self.number(2, 30)} seconds. "
            "Push notification sent."
        )
        return body, "high", "inspect and reset valve"


class Workshop(Trade):
    name, code, train, test, writers = "workshop", "WS", 150, 22, ["GD", "UM", "FK"]

    def note(self):
        machine, tool = self.r.choice(
            [
                ("Lathe L2", "carbide insert"),
                ("Milling machine M4", "end mill 8 mm"),
                ("Press brake P1", "die set"),
                ("Band saw S3", "saw blade"),
                ("Surface grinder G5", "grinding wheel"),
            ]
        )
        kind = self.number(0, 2)
        if kind == 0:
            off = self.number(1, 9)
            body = (
                f"{machine}: {self.number(20, 400, 20)} {self.one('flanges', 'bushings', 'brackets', 'shafts')} "
                f"finished, diameter {self.number(12, 60)}.0{off} mm, tolerance 0.05. {self.number(0, 6)} rejects."
            )
            return body, "high" if off > 5 else "low", f"change {tool}" if off > 5 else "continue batch"
        if kind == 1:
            fault = self.one(
                "spindle bearing noisy", "coolant level low", "hydraulic hose sweating", "guard switch sticking"
            )
            body = f"{machine}: {fault} after {self.number(200, 4800, 100)} hours. Lockout tag fitted."
            return body, "high", "maintenance before next shift"
        body = (
            f"{machine}: {tool} worn, swapped after {self.number(40, 300, 10)} cuts in "
            f"{self.one('mild steel', 'stainless 304', 'brass', 'aluminium 6082')}. Feed "
            f"{self.number(5, 30) / 100:.2f} mm, {self.number(300, 2400, 100)} rpm."
        )
        return body, "normal", f"order {tool}"


class Farm(Trade):
    name, code, train, test, writers = "farm", "FC", 120, 20, ["WA", "SE"]

    def note(self):
        kind, plot = self.number(0, 2), f"plot {self.number(1, 24)}"
        if kind == 0:
            body = (
                f"{self.one('Winter wheat', 'Malting barley', 'Rapeseed', 'Sugar beet')}, {plot}: "
                f"{self.number(28, 92) / 10:.1f} t per hectare, moisture {self.number(120, 190) / 10:.1f} percent. "
                f"Trailer to silo {self.number(1, 5)}."
            )
            return body, "normal", self.one("dry grain overnight", "stubble cultivation")
        if kind == 1:
            litres, cells = self.number(800, 2600, 20), self.number(90, 420, 10)
            body = (
                f"Milking parlour: {litres} litres from {litres // 26} cows, cell count {cells}. "
                f"{self.one('Bulk tank at 4 C.', 'Udder wash changed.', 'Tanker collected.')}"
            )
            return body, "high" if cells > 300 else "low", "sample mastitis group" if cells > 300 else "none"
        body = (
            f"{plot.capitalize()} scouted: {self.one('aphids', 'powdery mildew', 'slug damage', 'blackgrass')} on "
            f"{self.number(2, 40)} percent of plants. Growth stage {self.number(21, 65)}, soil "
            f"{self.one('dry', 'moist', 'waterlogged')}."
        )
        return body, "normal", self.one("spray when wind drops", "scout again in five days")


class Hotel(Trade):
    name, code, train, test, writers = "hotel", "HT", 200, 26, ["CY", "VR", "IJ"]

    def note(self):
        room, kind = self.number(1, 5) * 100 + self.number(1, 28), self.number(0, 2)
        if kind == 0:
            nights = self.number(1, 7)
            wish = self.one(
                "feather-free pillows", "a late checkout", "a baby cot", "a parking space", "a wake-up call"
            )
            body = (
                f"Guest in room {room} checked in for {nights} {'night' if nights == 1 else 'nights'}, "
                f"{self.one('half board', 'bed and breakfast', 'full board')}. Requests {wish}."
            )
            return body, "low", self.one("inform housekeeping", "note on key card sleeve")
        if kind == 1:
            complaint = self.one(
                "noisy air conditioning", "no hot water", "a dripping shower", "a stained duvet", "a blocked minibar"
            )
            body = (
                f"Guest in room {room} complains about {complaint}. "
                f"{self.one('Moved to another floor', 'Apologised', 'Voucher for the bar offered')}."
            )
            return body, "high", self.one("send handyman", "send housekeeping")
        body = (
            f"Room {room} vacated, minibar {self.number(0, 48)}.50, city tax {self.number(2, 14)}.00. Linen changed, "
            f"{self.one('umbrella', 'phone charger', 'reading glasses', 'jewellery case')} found."
        )
        return body, "normal", "log lost property at reception"


class Library(Trade):
    name, code, train, test, writers = "library", "LB", 140, 22, ["QP", "XL"]

    def note(self):
        mark, subject = self.r.choice(
            [
                ("520", "astronomy"),
                ("598", "ornithology"),
                ("641", "cookery"),
                ("796", "athletics"),
                ("914", "travel guides"),
                ("936", "ancient history"),
            ]
        )
        shelf, kind = f"{mark}.{self.number(1, 99)}", self.number(0, 2)
        if kind == 0:
            days = self.number(3, 60)
            body = (
                f"Borrower card {self.number(20000, 79999)}: {subject} volume, shelfmark {shelf}, overdue {days} "
                f"days. Fine {days * 10 / 100:.2f}, renewals used up."
            )
            return body, "high" if days > 30 else "normal", "suspend card" if days > 30 else "send reminder"
        if kind == 1:
            body = (
                f"Interlibrary request for {subject}, shelfmark {shelf}, "
                f"{self.one('paperback', 'large print', 'audiobook')} edition. "
                f"{self.one('Available at depot', 'Reserved by another borrower', 'On loan until Friday')}."
            )
            return body, "low", "place hold on return"
        body = (
            f"Returned {subject} volume, shelfmark {shelf}: "
            f"{self.one('spine loose', 'pages annotated', 'dust jacket torn', 'barcode unreadable')}. Withdrawn from "
            "open shelves."
        )
        return body, "normal", self.one("send to bindery", "relabel and reshelve")


class Garage(Trade):
    name, code, train, test, writers = "garage", "GR", 160, 24, ["YB", "ZO", "ET"]

    def note(self):
        car = (
            f"{self.one('Hatchback', 'Estate car', 'Pickup', 'Delivery van')}, {self.number(12, 290)},"
            f"{self.number(0, 999):03d} km"
        )
        kind = self.number(0, 2)
        if kind == 0:
            pads = self.number(1, 9)
            body = (
                f"{car}: brake pads front {pads} mm, rear {self.number(2, 9)} mm, tyre tread "
                f"{self.number(14, 80) / 10:.1f} mm. Brake fluid {self.one('clear', 'dark')}."
            )
            return body, "high" if pads < 3 else "low", "replace front pads" if pads < 3 else "stamp service book"
        if kind == 1:
            code, cause = self.r.choice(
                [
                    ("P0301", "ignition coil cylinder 1"),
                    ("P0420", "catalytic converter"),
                    ("P0128", "thermostat stuck open"),
                    ("P0442", "fuel cap seal"),
                ]
            )
            body = (
                f"{car}: engine warning lamp, fault code {code}, {cause}. "
                f"{self.one('Wiring harness checked.', 'Freeze frame saved.', 'Compression fine.')} Labour "
                f"{self.number(5, 40, 5) / 10:.1f} hours."
            )
            return body, "normal", "quote parts to owner"
        extra = self.one(
            "Cambelt due at next service", "Wiper blades renewed", "Air filter clogged, renewed", "Coolant topped up"
        )
        body = f"{car}: oil and filter changed, {self.number(35, 70) / 10:.1f} l 5W-30. {extra}."
        return body, "low", self.one("road test", "call owner for pickup")


TRADES = [Clinic, Bank, Shop, School, Home, Workshop, Farm, Hotel, Library, Garage]


def rows(seed):
    for position, kind in enumerate(TRADES):
        trade = kind(random.Random(seed * 100 + position))
        for index in range(trade.train + trade.test):
            yield {"worker": trade.name, "split": "train" if index < trade.train else "test", "text": trade.text()}


if __name__ == "__main__":
    options = dict(argument.split("=") for argument in sys.argv[1:])
    out = Path(options.get("out", Path(__file__).parent.parent / "files" / "notes.jsonl"))
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows(int(options.get("seed", 11)))]
    out.write_text("".join(lines))
    print(f"{len(lines)} notes, {out.stat().st_size} bytes")
