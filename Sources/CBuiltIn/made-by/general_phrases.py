"""Phrases and single sentences of the general corpus."""

import words as w
from words import a, ing, past, plural, third


def capital(text):
    return text[0].upper() + text[1:]


class Someone:
    """A character with a name and the pronouns that go with it."""

    def __init__(self, r, name=None):
        girl = r.random() < 0.5
        invented = r.random() < 0.15
        self.name = name or (capital(w.invented(r)) if invented else r.choice(w.GIRLS if girl else w.BOYS))
        self.they, self.them, self.their = ("she", "her", "her") if girl else ("he", "him", "his")


class Phrases:
    """Phrases and sentences from one random stream; the order of the draws is part of the corpus."""

    def __init__(self, r):
        self.r = r
        self.used = {}

    def pick(self, *choices):
        return self.r.choice(choices)

    def maybe(self, text, chance=0.5):
        return text if self.r.random() < chance else ""

    def of(self, name):
        """A word of the kind; a text comes back to words it has used, as real ones do."""
        used = self.used.setdefault(name, [])
        if not used or self.r.random() < 0.65:
            used.append(self.r.choice(getattr(w, name)))
            return used[-1]
        return self.r.choice(used)

    def adjective(self):
        return self.of(self.pick("SIZES", "QUALITIES", "QUALITIES", "COLOURS"))

    def thing(self):
        noun = self.of(self.pick("THINGS", "THINGS", "THINGS", "CLOTHES", "FURNITURE", "FRUITS"))
        if noun.startswith("pair of"):
            return noun
        return f"{self.adjective()} {noun}" if self.r.random() < 0.55 else noun

    def food(self):
        return self.pick(
            self.of("FOODS"),
            plural(self.of("FRUITS")),
            f"{self.of('FOODS')} and {plural(self.of('FRUITS'))}",
            f"{self.pick('hot', 'fresh', 'warm', 'sweet', 'cold')} {self.of('FOODS')}",
        )

    def being(self):
        kind = self.of(self.pick("ANIMALS", "PEOPLE"))
        return (
            f"{self.pick(self.of('CHARACTERS'), self.of('SIZES'), 'old', 'young')} {kind}"
            if self.r.random() < 0.5
            else kind
        )

    def place(self):
        return "the " + self.maybe(self.adjective() + " ", 0.25) + self.of("PLACES")

    def at_place(self):
        return self.pick("in front of", "near", "behind", "next to", "outside", "by") + " " + self.place()

    def in_room(self):
        return self.pick(
            "in the " + self.of("ROOMS"),
            "under the " + self.of("FURNITURE"),
            "on the " + self.of("FURNITURE"),
            "behind the " + self.of("FURNITURE"),
            "near the " + self.of("NATURE"),
        )

    def when(self):
        return self.pick(
            f"on {self.of('DAYS')}",
            f"in the {self.pick('morning', 'afternoon', 'evening')}",
            "at night",
            f"in {self.of('SEASONS')}",
            f"in {self.of('MONTHS')}",
            "every day",
            "after lunch",
            "before dinner",
            f"on {self.of('DAYS')} {self.of('TIMES')}",
            f"at {self.clock()}",
        )

    def clock(self):
        return self.pick(
            f"{self.r.randint(1, 12)} o'clock",
            f"{self.r.randint(6, 23)}:{self.r.choice(range(0, 60, 5)):02d}",
            f"half past {self.r.choice(w.NUMBERS[:10])}",
        )

    def deed(self):
        """What someone does, as (verb, the rest)."""
        kind = self.r.random()
        if kind < 0.35:
            return self.of("HANDLES"), self.pick(
                a(self.thing()), "the " + self.thing(), f"{self.of('NUMBERS')} {plural(self.of('THINGS'))}"
            )
        if kind < 0.5:
            return self.of("COOKS"), self.pick(self.food(), f"{self.pick('some', 'the', 'a lot of')} {self.food()}")
        if kind < 0.65:
            return self.of("SEES"), self.pick(a(self.being()), "the " + self.being())
        if kind < 0.85:
            return self.of("MOVES"), self.pick("to", "towards", "past", "through") + " " + self.place()
        return self.of("ACTS"), self.pick(
            self.at_place(), self.of("ADVERBS"), "for " + self.of("NUMBERS") + " minutes", self.in_room()
        )

    def did(self):
        verb, rest = self.deed()
        return f"{past(verb)} {rest}"

    def does(self):
        verb, rest = self.deed()
        return f"{third(verb)} {rest}"

    def do(self):
        verb, rest = self.deed()
        return f"{verb} {rest}"

    def doing(self):
        verb, rest = self.deed()
        return f"{ing(verb)} {rest}"

    # Sentences.

    def weather(self):
        return self.pick(
            f"It was {a(self.of('WEATHER'))} {self.of('TIMES')}.",
            f"The sky was {self.of('COLOURS')} and the air was {self.of('WEATHER')}.",
            f"The {self.pick('sun', 'moon')} shone on {self.place()}.",
            f"A {self.of('WEATHER')} wind blew over {self.place()}.",
            f"It {self.pick('rained', 'snowed')} all {self.pick('day', 'night', 'morning', 'week')}.",
            f"It was {self.of('WEATHER')} and {self.of('WEATHER')} {self.when()}.",
        )

    def fact(self):
        kind, number = self.r.randrange(16), self.of("NUMBERS")
        animal, person, thing = self.of("ANIMALS"), self.of("PEOPLE"), self.of("THINGS")
        return [
            lambda: f"{capital(a(animal))} is {a(self.adjective())} animal that likes {self.food()}.",
            lambda: f"{capital(a(person))} must be {self.of('CHARACTERS')} and {self.of('CHARACTERS')}.",
            lambda: f"This {thing} is made of {self.of('MATERIALS')} and {self.of('MATERIALS')}.",
            lambda: f"{capital(plural(animal))} live near the {self.of('PLACES')} and {self.do()}.",
            lambda: f"In {self.of('SEASONS')} the {plural(person)} {self.do()}.",
            lambda: f"There are {number} {plural(thing)} {self.in_room()}.",
            lambda: (
                f"The {animal} has {a(self.adjective())} {self.of('BODY')} and {number} {self.of('COLOURS')} spots."
            ),
            lambda: f"The {self.of('VEHICLES')} to {self.place()} leaves at {self.clock()}.",
            lambda: f"{capital(a(thing))} costs {self.r.randint(2, 99)} coins at the {self.of('PLACES')}.",
            lambda: f"If it is {self.of('WEATHER')}, the {person} {self.does()}.",
            lambda: f"The {thing} is {self.of('SIZES')}, but the {self.of('THINGS')} is {self.of('QUALITIES')}.",
            lambda: f"Every {person} who {self.does()} is {self.of('FEELINGS')}.",
            lambda: f"You can {self.do()}, but you cannot {self.do()}.",
            lambda: f"The {self.of('NATURE')} is {self.adjective()} {self.when()}.",
            lambda: f"Never {self.do()} when you are {self.of('FEELINGS')}.",
            lambda: f"In the year {self.r.randint(1600, 1999)} {a(person)} {self.did()}.",
        ][kind]()

    def event(self, who):
        kind = self.r.randrange(16)
        return [
            lambda: f"{capital(who.they)} {self.did()}.",
            lambda: f"{who.name} {self.did()} and {self.did()}.",
            lambda: f"Then {who.they} {self.did()}.",
            lambda: (
                f"{self.pick('Soon', 'Later', 'After that', 'Suddenly', 'At last', 'Next')} {who.they} {self.did()}."
            ),
            lambda: f"{who.name} was {self.of('FEELINGS')} because {who.they} could not {self.do()}.",
            lambda: f"When {who.they} {self.did()}, {who.they} saw {a(self.being())}.",
            lambda: f"{capital(self.of('ADVERBS'))}, {who.name} {self.did()}.",
            lambda: f"{capital(who.their)} {self.of('FAMILY')} {self.did()} and {self.did()}.",
            lambda: f"The {self.being()} {self.did()} {self.when()}.",
            lambda: (
                f"{capital(who.they)} was {ing(self.of('MOVES'))} to {self.place()} when {a(self.being())} "
                f"{self.did()}."
            ),
            lambda: f"{capital(who.they)} {past(self.of('BEGINS'))} to {self.do()}.",
            lambda: f"There {who.they} found {a(self.thing())} and {a(self.thing())}.",
            lambda: f"{who.name} put the {self.thing()} {self.in_room()}.",
            lambda: f'"{capital(self.say())}" said {who.name}.',
            lambda: f"The {self.thing()} was {self.adjective()}, and {who.they} liked it.",
            lambda: f"{capital(who.they)} did not {self.do()}, but {who.they} {self.did()}.",
        ][kind]()

    def say(self):
        return self.pick(
            f"I want to {self.do()},",
            f"where is the {self.thing()}?",
            f"we have to {self.do()} {self.when()},",
            f"look at the {self.being()}!",
            f"please {self.do()},",
            f"I am so {self.of('FEELINGS')} today,",
            f"can you help me to {self.do()}?",
            f"do not {self.do()}!",
            f"this {self.of('THINGS')} is too {self.of('SIZES')},",
            f"let us {self.do()},",
            f"thank you for the {self.thing()},",
            f"what a {self.of('THINGS')}!",
            f"who wants some {self.food()}?",
            f"it is {self.clock()} already,",
            f"my {self.of('BODY')} hurts,",
        )

    def thought(self):
        """One sentence about the things people talk about, so that the base knows their words."""
        one, two = self.of(self.pick("MATTERS", "AFFAIRS", "AFFAIRS")), self.of(self.pick("MATTERS", "AFFAIRS"))
        state, number, deed, other = self.of("STATES"), self.r.randint(1, 100), self.of("DEEDS"), self.of("DEEDS")
        person = self.of("PEOPLE")
        return self.pick(
            f"We talked about the {one} and the {two}.",
            f"The {one} is {state}, but the {two} is {self.of('STATES')}.",
            f"A good {one} needs a good {two}.",
            f"The {person} asked about the {one} of the {two}.",
            f"Without {one} there is no {two}.",
            f"My {self.of('FAMILY')} thinks that the {one} is {state}.",
            f"The {person} has {number} {plural(one)} and no {two}.",
            f"What is the difference between {one} and {two}?",
            f"First comes the {one}, and then comes the {two}.",
            f"It is {state} to {self.do()} before the {one}.",
            f"There was something {state} about the {one} {self.when()}.",
            f"The {one} and the {two} were both {state}.",
            f"{Someone(self.r).name} needs a {two} for the {one}.",
            f"No {one} is as {state} as this {two}.",
            f"She forgot the {one}, so the {two} was {state}.",
            f"The {one} will be {state} {self.when()}.",
            f"They {past(deed)} the {one} and {past(other)} the {two}.",
            f"Who {past(deed)} the {one}?",
            f"{Someone(self.r).name} {past(deed)} {a(one)} about the {self.of('STATES')} {two}.",
            f"The {one} was {state}, so we {past(deed)} {a(two)}.",
            f"Please {deed} the {one} {self.when()}.",
            f"It takes {number} {self.of('UNITS')} to {deed} the {two}.",
            f"The {person} wants to {deed} our {one}.",
            f"{capital(one)} and {two} must {deed} before they {other}.",
            f"We {deed} {plural(one)} with {a(self.of('STATES'))} {two}.",
            (
                f"No {one} {past(deed)} from {self.pick('room', 'page', 'line', 'house')} {number} to "
                f"{self.r.randint(1, 900)}."
            ),
        )

    def code(self):
        """A label such as people put on lockers, seats and boxes."""
        letters = "".join(self.r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(self.r.randint(1, 3)))
        return self.pick(
            f"{letters}{self.r.randint(1, 99)}",
            f"{letters}-{self.r.randint(1, 9999)}",
            f"{self.r.randint(1, 99)}{letters}",
            f"{self.r.randint(10, 99)}-{self.r.randint(100, 999)}",
            letters,
        )

    def amount(self):
        return self.pick(
            f"{self.r.randint(1, 2000)}",
            f"{self.r.randint(1, 200)}",
            f"{self.r.randint(0, 99)}.{self.r.randint(0, 9)}",
            f"{self.r.randint(0, 40)}.{self.r.randint(0, 99):02d}",
            f"{self.r.randint(1, 300)},{self.r.randint(0, 999):03d}",
        )

    def any_word(self):
        if self.r.random() < 0.2:
            return w.invented(self.r)
        noun = self.of(self.pick("MATTERS", "AFFAIRS", "AFFAIRS", "THINGS", "NATURE", "FOODS", "ANIMALS", "PEOPLE"))
        verb = self.of(self.pick("DEEDS", "DEEDS", "HANDLES"))
        other = self.of(self.pick("STATES", "QUALITIES", "MATERIALS", "ADVERBS"))
        return self.pick(noun, noun, plural(noun), verb, self.pick(past, third, ing)(verb), other)

    def label(self):
        """One line of a timetable, score card or label."""
        phrase = " ".join(self.any_word() for _ in range(self.r.randint(1, 3)))
        return self.pick(
            f"{capital(phrase)}: {self.amount()} {self.of('UNITS')}.",
            f"{self.of('SHORT_DAYS')} {self.clock()}, {phrase}.",
            f"{capital(self.of('PLACES'))} {self.code()}, {phrase} {self.amount()}.",
            f"{capital(phrase)}, {self.any_word()} {self.code()}.",
            f"{self.code()}: {phrase}.",
            f"{capital(self.any_word())}: {self.any_word()}, {self.any_word()} and {self.any_word()}.",
            (
                f"{self.of('SHORT_DAYS')} {self.r.randint(1, 30)}: {capital(phrase)} {self.amount()}, "
                f"{self.any_word()} {self.amount()}."
            ),
            f"{capital(phrase)} ({self.any_word()}) {self.amount()} {self.of('UNITS')}.",
        )
