"""The general corpus the built-in base model is pretrained on: seeded stories, dialogues, letters, lists, labels and
plain facts in simple English. It holds no trade's notes: those come from trade_notes.py, which pretraining never sees.
"""

import random

import words as w
from general_phrases import Phrases, Someone, capital
from words import a, past, plural


class Writer(Phrases):
    """Whole texts of the corpus's kinds."""

    def story(self):
        who, r = Someone(self.r), self.r
        role = self.pick(
            f"{a(self.of('CHARACTERS'))} {self.of('PEOPLE')}",
            f"{a(self.of('SIZES'))} {self.of('PEOPLE')}",
            f"{a(self.of('SIZES'))} {self.of('ANIMALS')}",
        )
        lines = [
            self.pick(
                f"Once upon a time there was {role} named {who.name}.",
                f"{who.name} was {role} who lived near {self.place()}.",
                f"One {self.of('WEATHER')} {self.of('TIMES')}, {who.name} {past(self.of('MOVES'))} to {self.place()}.",
                f"Long ago, {role} called {who.name} lived in {a(self.of('PLACES'))}.",
                f"{who.name} had {a(self.thing())}.",
            )
        ]
        lines += [self.weather()] if r.random() < 0.4 else []
        item, helper = self.thing(), Someone(self.r)
        lines.append(
            self.pick(
                f"{capital(who.they)} wanted to find {a(item)}.",
                f"One day {who.they} lost the {item}.",
                f"{capital(who.they)} loved the {item} very much.",
                f"{capital(who.their)} {self.of('FAMILY')} gave {who.them} {a(item)}.",
            )
        )
        lines += [self.event(who) for _ in range(r.randint(2, 5))]
        lines.append(
            self.pick(
                f"{helper.name} the {self.of('PEOPLE')} came and said, \"{capital(self.say())}\"",
                f"Then {helper.name} {self.did()} and helped {who.them}.",
                f'{helper.name} asked, "{capital(self.say())}"',
            )
        )
        lines += [self.event(who) for _ in range(r.randint(0, 3))]
        lines.append(
            self.pick(
                f"In the end {who.name} and {helper.name} were {self.of('FEELINGS')}.",
                f"{who.name} was {self.of('FEELINGS')} and went home.",
                f"From that day on, {who.they} was never {self.of('FEELINGS')} again.",
                f"{capital(who.they)} found the {item} {self.in_room()} and smiled.",
                f"So {who.name} learned to be {self.of('CHARACTERS')}.",
                f"They ate {self.food()} together and were {self.of('FEELINGS')}.",
            )
        )
        return self.pick("\n\n", " ", " ").join([" ".join(lines[:2]), " ".join(lines[2:])])

    def dialogue(self):
        one, two = Someone(self.r), Someone(self.r)
        turns = [
            lambda: (f"Where did you put the {self.thing()}?", f"I put it {self.in_room()}."),
            lambda: (f"What did you do {self.when()}?", f"I {self.did()} and {self.did()}."),
            lambda: ("How are you?", f"I am {self.of('FEELINGS')}, because I {self.did()}."),
            lambda: (
                f"Do you want some {self.food()}?",
                self.pick("Yes, please.", "No, thank you.", f"No, I want {self.food()}."),
            ),
            lambda: ("What time is it?", f"It is {self.clock()}."),
            lambda: (f"Can you {self.do()}?", self.pick("Yes, I can.", f"No, but I can {self.do()}.", "Of course.")),
            lambda: (f"Why are you {self.doing()}?", f"Because my {self.of('FAMILY')} wants to {self.do()}."),
            lambda: (f"How much is the {self.thing()}?", f"It costs {self.r.randint(2, 99)} coins."),
            lambda: (
                f"Who is that {self.of('PEOPLE')}?",
                f"That is my {self.of('FAMILY')}. {capital(self.pick('she', 'he'))} {self.does()}.",
            ),
            lambda: (f"When shall we {self.do()}?", f"Let us meet {self.when()} {self.at_place()}."),
            lambda: ("What is the weather like?", f"It is {self.of('WEATHER')} and {self.of('WEATHER')}."),
            lambda: (f"Which {self.of('THINGS')} do you like?", f"I like the {self.adjective()} one."),
            lambda: (f"Have you seen the {self.being()}?", f"Yes, it was {self.at_place()}."),
        ]
        lines = []
        for _ in range(self.r.randint(1, 4)):
            question, answer = self.r.choice(turns)()
            lines += [f"{one.name}: {question}", f"{two.name}: {answer}"]
        return "\n".join(lines)

    def letter(self):
        lines = [
            f"I am {self.doing()} with my {self.of('FAMILY')}.",
            f"Yesterday we {self.did()}.",
            self.weather(),
            f"Do you still {self.do()}?",
            f"The {self.of('FOODS')} here is {self.of('QUALITIES')}.",
            f"I hope that you are {self.of('FEELINGS')}.",
            f"Tomorrow we will {self.do()}.",
            f"Thank you for the {self.thing()}.",
            f"I found {a(self.thing())} {self.at_place()}.",
            f"Please bring {a(self.thing())} {self.when()}.",
            f"We stay here for {self.of('NUMBERS')} {self.pick('days', 'weeks')}.",
        ]
        body = " ".join(self.r.sample(lines, self.r.randint(3, 6)))
        end = self.pick("Love", "Yours", "Best wishes", "Many greetings", "See you soon")
        return (
            f"Dear {self.pick(Someone(self.r).name, capital(self.of('FAMILY')))},\n{body}\n{end},\n"
            f"{Someone(self.r).name}"
        )

    def listing(self):
        title, make = self.pick(
            ("Things to pack", self.thing),
            (f"In the {self.of('ROOMS')} there is", lambda: a(self.thing())),
            ("Things to buy", lambda: self.pick(self.food(), f"{self.r.randint(2, 30)} {plural(self.of('FRUITS'))}")),
            (f"Things to do on {self.of('DAYS')}", self.do),
            ("My favourite animals", lambda: plural(self.of("ANIMALS"))),
            ("Words to learn", lambda: self.of("MATTERS")),
            (f"For the {self.of('IDEAS')} we need", lambda: a(self.thing())),
        )
        items = [make() for _ in range(self.r.randint(3, 7))]
        if self.r.random() < 0.4:
            return f"{title}: {', '.join(items[:-1])} and {items[-1]}."
        mark = self.pick("- ", "* ", None)
        return f"{title}:\n" + "\n".join((mark or f"{i + 1}. ") + item for i, item in enumerate(items))

    def recipe(self):
        first, last = plural(self.of("FRUITS")), self.of("FOODS")
        steps = [
            f"Wash the {first}",
            f"Cut the {first} into {self.of('NUMBERS')} pieces",
            f"Put the {first} into a {self.pick('pan', 'pot', 'kettle')}",
            f"Add {self.of('NUMBERS')} spoons of {self.pick('sugar', 'salt', 'flour', 'oil', 'butter', 'honey')}",
            f"Cook it for {self.r.randint(5, 90)} minutes",
            f"Serve it with {self.food()} and {self.of('DRINKS')}",
            f"Mix it with {self.of('DRINKS')}",
            "Wait until it is cold",
        ]
        chosen = [step for step in steps if self.r.random() < 0.75]
        return f"How to make {last} with {first}: " + ". ".join(chosen or steps) + "."

    def portrait(self):
        who = Someone(self.r)
        lines = [
            f"{who.name} is {self.r.randint(4, 90)} years old.",
            f"{capital(who.they)} is {self.of('CHARACTERS')} and {self.of('CHARACTERS')}.",
            f"{capital(who.their)} {self.of('FAMILY')} is {a(self.of('PEOPLE'))}.",
            f"{capital(who.they)} likes {self.of('SUBJECTS')} and {self.food()}.",
            f"{self.pick('Every', 'On')} {self.of('DAYS')} {who.they} {self.does()}.",
            f"{who.name} has {a(self.thing())} and {self.of('NUMBERS')} {plural(self.of('ANIMALS'))}.",
            f"{capital(who.they)} lives near {self.place()}.",
            f"{capital(who.they)} is afraid of {plural(self.of('ANIMALS'))}.",
            f"Today {who.they} is {self.of('FEELINGS')}.",
            f"{capital(who.they)} is {self.doing()}.",
            f"{capital(who.they)} has {self.of('COLOURS')} hair and {a(self.of('SIZES'))} {self.of('BODY')}.",
        ]
        return " ".join(self.r.sample(lines, self.r.randint(3, 7)))

    def facts(self):
        return " ".join(self.fact() for _ in range(self.r.randint(1, 5)))

    def thoughts(self):
        return " ".join(self.thought() for _ in range(self.r.randint(1, 4)))

    def labels(self):
        return self.pick(" ", "\n").join(self.label() for _ in range(self.r.randint(2, 6)))

    def words(self):
        """Words in no order, so that the base stays unsure where it knows nothing."""
        return self.pick(", ", " ", " - ", ". ").join(
            self.pick(self.any_word(), self.any_word(), self.any_word(), capital(self.any_word()), self.amount())
            for _ in range(self.r.randint(8, 30))
        )

    def rhyme(self):
        """A nonsense rhyme that repeats its invented words."""
        one, two = w.invented(self.r), w.invented(self.r)
        return (
            f"{capital(one)}, {one}, {two}, {self.any_word()} and {two}.\nThe {one} {self.did()},\n"
            f"the {two} {self.did()},\n{one} and {two}, {two} and {one}."
        )

    def diary(self):
        parts = [
            f"I {self.did()}.",
            f"My {self.of('FAMILY')} {self.did()} and I {self.did()}.",
            self.weather(),
            f"I was {self.of('FEELINGS')}.",
            f"At {self.clock()} we {self.did()}.",
            f"In the evening we ate {self.food()}.",
            f"Tomorrow I want to {self.do()}.",
            f"It was {a(self.of('QUALITIES'))} day.",
        ]
        day = self.pick(
            f"{self.of('DAYS')}, {self.r.randint(1, 30)} {self.of('MONTHS')}.",
            f"{self.of('DAYS')}.",
            "Today.",
            "Yesterday.",
        )
        return f"{day} " + " ".join(self.r.sample(parts, self.r.randint(3, 6)))

    def sums(self):
        first, second, thing = self.r.randint(2, 50), self.r.randint(2, 49), plural(self.of("THINGS"))
        who = Someone(self.r)
        return self.pick(
            (
                f"{who.name} has {first} {thing}. {capital(who.they)} buys {second} more. Now {who.they} has "
                f"{first + second} {thing}."
            ),
            f"{first} and {second} make {first + second}.",
            f"There were {first + second} {thing} {self.in_room()}. {who.name} took {first}. Now there are {second}.",
        )

    def text(self):
        self.used = {}
        return self.r.choices(
            [
                self.story,
                self.dialogue,
                self.letter,
                self.listing,
                self.recipe,
                self.portrait,
                self.facts,
                self.thoughts,
                self.diary,
                self.sums,
                self.labels,
                self.words,
                self.rhyme,
            ],
            [7, 4, 2, 2, 1, 2, 3, 5, 2, 0.6, 5, 2, 1],
        )[0]()


def texts(seed, count):
    """`count` texts; the same seed gives the same texts."""
    writer = Writer(random.Random(seed))
    for _ in range(count):
        yield writer.text()
