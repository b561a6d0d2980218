"""The vocabulary of the general corpus: everyday English words by meaning, and how English inflects them."""
def split(text):
    """Words by white space; an underscore stands for the space inside a compound."""
    return [word.replace("_", " ") for word in text.split()]


GIRLS = split("""Anna Bella Clara Daisy Ella Flora Grace Hanna Ida Julia Kira Lena Mia Nora Olive Paula Rosa
Sara Tessa Vera Wilma Yara Zoe Amy Beth Carla Dora Emma Frida Greta Heidi Ines Jane Kate Lucy Maria Nina Petra
Ruth Sofia Tilda Una Lily""")
BOYS = split("""Adam Ben Carl David Emil Felix George Hugo Ivan Jack Karl Leo Max Noah Oscar Paul Quinn Robin
Sam Tom Victor Will Yusuf Anton Bruno Daniel Erik Frank Gustav Henry Isaac Jonas Kevin Lucas Martin Nils Otto
Peter Ralph Simon Theo Tim""")
FAMILY = split(
    """mother father sister brother aunt uncle grandmother grandfather cousin friend neighbour twin niece nephew"""
)
PEOPLE = split("""farmer baker painter sailor singer dancer writer driver gardener hunter builder fisherman
teacher nurse doctor pilot soldier shepherd king queen prince princess knight wizard clown thief judge lawyer
tailor barber butcher cook waiter carpenter plumber miner captain guard traveller stranger poet scientist
student artist musician actor swimmer runner climber photographer postman policeman fireman librarian miller
weaver potter smith merchant beggar giant child boy girl man woman""")
ANIMALS = split("""dog cat horse cow pig sheep goat hen duck goose rabbit mouse rat fox wolf bear deer squirrel
hedgehog badger otter beaver frog toad snake lizard turtle owl eagle hawk crow robin sparrow swan parrot penguin
pigeon bee ant spider butterfly beetle snail worm fish whale dolphin seal shark crab lion tiger elephant monkey
giraffe zebra camel donkey pony puppy kitten lamb calf chick foal mole bat moth fly cricket ladybird pelican
stork heron""")
FOODS = split("""bread cheese butter jam honey soup rice pasta porridge cake pie pancake biscuit pudding
chocolate toast sandwich omelette salad stew sausage bacon ham chicken fish beef yoghurt cereal pizza popcorn
cream""")
FRUITS = split("""apple pear plum cherry grape peach orange lemon banana berry strawberry melon fig mango potato
carrot onion tomato cabbage bean pea pumpkin cucumber mushroom radish leek nut egg roll muffin cookie bun""")
DRINKS = split("water milk tea coffee juice lemonade cocoa cider")
PLACES = split("""garden park forest beach market station harbour village town city castle bridge river lake
mountain hill valley field farm meadow island cave tower museum theatre library school church shop bakery cafe
kitchen attic cellar barn stable playground zoo square street corner road path pond desert cliff well mill
lighthouse camp cottage palace office factory airport stadium swimming_pool railway bus_stop post_office
hospital hotel""")
ROOMS = split("kitchen bedroom bathroom hall living_room attic cellar garage study dining_room porch")
FURNITURE = split(
    """table chair bed shelf sofa desk cupboard stool bench lamp mirror carpet drawer wardrobe clock stove cradle"""
)
THINGS = split("""ball book letter box key bag basket hat coat shoe ring coin map rope ladder candle cup plate
spoon fork bottle jar bucket broom brush needle button ribbon kite drum flute bell flag umbrella lantern blanket
pillow picture pencil pen notebook stone shell feather leaf flower stick basin kettle pan pot knife hammer nail
saw spade wheel bicycle boat sledge doll puppet puzzle toy camera radio telephone watch mirror purse ticket
parcel envelope stamp newspaper magazine scarf glove sock shirt dress belt boot jacket apron towel sponge soap
comb whistle trumpet violin guitar piano balloon crown necklace helmet net fishing_rod suitcase cart barrel
chain hook magnet torch battery tent compass telescope mask magic_lamp treasure_chest card""")
VEHICLES = split(
    """car bus train boat ship plane bicycle tractor lorry taxi tram ferry wagon motorbike van sledge balloon"""
)
NATURE = split("""sun moon star sky cloud wind rain snow storm river sea wave sand rock tree grass flower leaf
branch root seed mud ice fog rainbow shadow light fire smoke stream waterfall bush hedge moss""")
CLOTHES = split("coat hat scarf shirt dress jacket jumper pair_of_gloves pair_of_boots raincoat apron cap")
COLOURS = split("red blue green yellow white black brown grey pink orange purple golden silver")
MATERIALS = split("wood stone glass paper wool cotton leather iron silver gold clay brick straw silk copper plastic")
SIZES = split("big small tiny huge little large long short tall wide narrow thin thick round flat")
QUALITIES = split("""old new young clean dirty bright dark soft hard warm cold hot dry wet heavy light strong
weak beautiful ugly fine strange simple empty full broken quiet loud fast slow sharp smooth rough sweet fresh
rare common cheap shiny dusty sturdy wooden useful pretty plain fancy lovely precious ordinary magic""")
CHARACTERS = split("""kind brave clever gentle honest lazy shy proud careful cheerful curious friendly funny
generous greedy patient polite quiet serious silly stubborn wise wild lonely busy helpful noisy rude selfish
foolish fearless humble modest""")
FEELINGS = split("""happy sad angry tired hungry thirsty scared proud surprised worried excited lonely bored
calm glad sorry grateful jealous nervous ashamed sleepy confused hopeful disappointed relieved curious""")
WEATHER = split("sunny rainy windy cloudy foggy snowy stormy warm cold hot cool mild frosty icy wet dry bright grey")
DAYS = split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = split("January February March April May June July August September October November December")
SEASONS = split("spring summer autumn winter")
TIMES = split("morning afternoon evening night")
NUMBERS = split("""two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty""")
ADVERBS = split("""slowly quickly quietly carefully happily sadly gently loudly suddenly finally together alone
again early late bravely kindly calmly eagerly easily softly proudly patiently politely secretly nervously
gladly""")
SUBJECTS = split(
    """history music mathematics drawing science reading geography dancing cooking gardening painting swimming chess"""
)
SHAPES = split("circle square triangle star heart cross line spiral")
IDEAS = split("""idea plan dream story song secret question answer problem promise mistake adventure surprise
lesson joke game wish reason habit rule gift holiday journey birthday festival race contest party dinner concert
wedding trip""")
MATTERS = split("""work money price number name date list page word letter sentence language country law rule
map floor roof wall door window gate fence lock engine machine computer screen keyboard cable wire switch pump
filter pipe tap drain tank motor brake tyre seat mirror road bridge signal message call visit order bill account
loan rate fee coin card bank box shelf stock sale delivery parcel customer guest patient pupil member driver
owner worker team group crowd class lesson test mark homework exercise meeting report note plan review check
repair service order reply request complaint delay change damage leak crack noise smell taste heat light power
water gas oil air dust rust paint glue steel sheet blade screw bolt tool part model size weight height speed
pressure temperature fever cough pain cold rash cut wound throat stomach skin blood heart sleep rest medicine
pill dose diet fluid bed room night key breakfast towel luggage booking arrival harvest crop grain wheat barley
hay seed soil rain pest herd flock milk wool barrel acre book author chapter title copy loan story poem film
sensor alarm camera battery heater kettle oven fridge lamp curtain garden morning evening minute hour day week
month year summer winter start end""")
AFFAIRS = split("""action address advice agreement alarm amount answer area article attempt attention average
balance bargain basement batch benefit bottom branch brand budget building business button cabin calculation
calendar candidate capacity career carriage cause ceiling centre certificate chance charge choice circle claim
climate closet collection column comfort comment committee company comparison competition concern condition
connection contact content contract control conversation copy corner cost council counter couple courage course
cover credit crew culture current cushion cycle damage danger deal debate decision degree demand department
deposit depth description design detail device difference direction discount discovery discussion disease
display distance district document doubt draft duty economy edition education effect effort election emergency
employee employer enemy energy entrance environment equipment error estate estimate evidence examination example
exchange excuse exit expense experience expert explanation export extension fabric failure fashion fault favour
feature figure finger finish flavour flight flow folder form formula frame freedom freight fuel function fund
furniture future gallery gap goal government grade guarantee guess guide handle height hire history hobby holder
household housing hunger identity image impression improvement income increase industry influence information
inspection instruction insurance intention interest interview introduction invention invitation invoice item
joint journal judgement junction keeper kilometre knowledge label labour lack laundry layer leader league
leather lecture level licence limit line link liquid litre loss luck lunch maintenance majority manner margin
market material measure medal member membership memory menu message metal method metre middle minority mirror
mission mixture moment mood motion movement nation need network nerve notice object occasion offer opinion
opportunity option organisation origin outcome output owner package pair panel parent partner passage passenger
passport payment peace percentage performance period permission permit phase phone phrase piece pity plate
pleasure plot pocket policy population position post poverty practice preparation presence pressure prize
procedure process produce product production profession profit programme progress project property proposal
protection provision purchase purpose quality quantity quarter queue range reaction reader reality receipt
reception recipe recognition recommendation record recovery reduction refund region register regulation relation
relief remark reminder removal rent repeat replacement request requirement research reserve resource response
responsibility result revenue reward risk role route routine row rubbish rush sample satisfaction saving scale
scene schedule science score section sector security selection series session set shift shock shortage shower
sight silence site situation skill society software solution sort source space speech stage standard statement
step strategy stress structure style subject success suggestion supplier supply support surface system target
task tax technique technology temper tendency term text theory threat title tone topic total touch tour track
trade traffic training transfer transport treatment trend trial truth type union unit value variety vehicle
version victim victory view volume wage warning waste wealth welcome width winner wonder workshop yield""")
DEEDS = split("""accept add admit advise allow announce apply approve arrange arrive ask assume attach avoid
blame book cancel carry charge check claim close compare complain complete concern confirm connect consider
contain continue copy correct create cross decide deliver demand deny deposit describe design develop discover
discuss divide doubt earn employ encourage examine exchange expect explain fail fit fix guess handle happen hire
identify improve include increase inform inspect install introduce invite involve join judge label last lay lead
limit list load locate lower manage mark match mean measure mention mind mix note notice obtain offer operate
organise owe pass pay perform permit pick point prefer prepare present press prevent print produce protect prove
provide publish punish raise reach receive recommend record reduce register regret reject relate remove renew
rent repair replace reply report request require reserve resist respond rest retire return review ring rise rub
scratch search seem select separate settle shorten solve sort spare spell spill spoil spread stamp state store
stretch succeed suffer suggest suit supply support suppose suspect switch test tie transfer treat trust type
understand unite update upset vary verify vote warn waste wipe withdraw worry""")
STATES = split("""ready late early open closed full empty missing safe free paid sold lost found cheap dear good
bad better worse normal high low steady stable clear loose tight worn torn faulty available overdue complete
careful serious mild severe usual regular important possible necessary difficult easy special certain correct
wrong similar different public private local daily weekly""")
BODY = split("head hand foot arm leg nose ear eye mouth back knee finger toe shoulder neck tail wing paw")

# Verbs by what they take, in the infinitive.
MOVES = split("""walk run go hurry travel ride climb march wander race drive swim sail fly crawl jump return
come stroll rush skip move step sneak""")
ACTS = split("""laugh smile cry sing dance sleep wait rest listen think dream whistle shout yawn sneeze play
work jump nod shiver whisper giggle sigh blush wave clap kneel sit stand""")
HANDLES = split("""find carry take hold drop lose hide throw catch bring lift push pull open wash clean paint
repair buy sell borrow steal break draw touch kick cover fill empty wrap pack unpack show give send keep move
drag build make choose need see watch want like love share return collect count measure cut fold polish shake
squeeze turn use weigh bury""")
COOKS = split("eat cook bake taste share make buy prepare serve enjoy smell finish order bring burn")
SEES = split(
    """see meet follow help watch chase feed find call visit love greet thank hear remember miss forget know trust
save"""
)
BEGINS = split("begin start try want decide need hope learn plan promise forget remember agree like love refuse")

IRREGULAR = {
    "run": "ran",
    "go": "went",
    "ride": "rode",
    "drive": "drove",
    "swim": "swam",
    "fly": "flew",
    "come": "came",
    "sing": "sang",
    "sleep": "slept",
    "think": "thought",
    "sit": "sat",
    "stand": "stood",
    "find": "found",
    "take": "took",
    "hold": "held",
    "lose": "lost",
    "hide": "hid",
    "throw": "threw",
    "catch": "caught",
    "bring": "brought",
    "buy": "bought",
    "sell": "sold",
    "steal": "stole",
    "break": "broke",
    "draw": "drew",
    "give": "gave",
    "send": "sent",
    "keep": "kept",
    "build": "built",
    "make": "made",
    "choose": "chose",
    "see": "saw",
    "cut": "cut",
    "eat": "ate",
    "meet": "met",
    "feed": "fed",
    "hear": "heard",
    "forget": "forgot",
    "know": "knew",
    "begin": "began",
    "shake": "shook",
    "kneel": "knelt",
    "sneak": "sneaked",
    "wake": "woke",
    "get": "got",
    "have": "had",
    "do": "did",
    "say": "said",
    "tell": "told",
    "feel": "felt",
    "leave": "left",
    "grow": "grew",
    "read": "read",
    "write": "wrote",
    "fall": "fell",
    "sweep": "swept",
    "dig": "dug",
    "speak": "spoke",
    "put": "put",
    "let": "let",
    "teach": "taught",
    "win": "won",
    "lend": "lent",
    "show": "showed",
    "lay": "laid",
    "lead": "led",
    "mean": "meant",
    "pay": "paid",
    "ring": "rang",
    "rise": "rose",
    "spread": "spread",
    "understand": "understood",
    "withdraw": "withdrew",
    "fit": "fitted",
    "upset": "upset",
}
DOUBLES = split("""drop plan nod drag wrap skip step grab stop hug run swim sit cut forget begin clap get dig
win put let hop admit permit rub fit regret transfer""")
PLURALS = {
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "child": "children",
    "man": "men",
    "woman": "women",
    "sheep": "sheep",
    "deer": "deer",
    "fish": "fish",
    "leaf": "leaves",
    "shelf": "shelves",
    "knife": "knives",
    "wolf": "wolves",
    "calf": "calves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "fisherman": "fishermen",
    "postman": "postmen",
    "policeman": "policemen",
    "fireman": "firemen",
    "thief": "thieves",
    "mango": "mangoes",
}

ONSETS = split("b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sh st t tr v w y z")
VOWELS = split("a e i o u ai ea ei oo ou")
CODAS = split("b ck d f g l ll m n nd ng nt p r rn s sk ss st t th x") + [""] * 12

# Short forms as on timetables and labels.
SHORT_DAYS = split("Mon Tue Wed Thu Fri Sat Sun")
UNITS = split("cm mm m km g kg l ml percent degrees minutes hours days pages points pieces boxes metres miles")


def invented(r):
    """A word that does not exist, so that the base learns to spell and repeat what it has never met."""
    return "".join(r.choice(ONSETS) + r.choice(VOWELS) + r.choice(CODAS) for _ in range(r.choice([1, 2, 2, 3])))


def ends_in_consonant_y(word):
    return word.endswith("y") and word[-2] not in "aeiou"


def past(verb):
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("e"):
        return verb + "d"
    if ends_in_consonant_y(verb):
        return verb[:-1] + "ied"
    return verb + verb[-1] + "ed" if verb in DOUBLES else verb + "ed"


def third(verb):
    """The third person singular of the present; plural nouns follow the same spelling."""
    if verb == "have":
        return "has"
    if ends_in_consonant_y(verb):
        return verb[:-1] + "ies"
    return verb + "es" if verb.endswith(("s", "sh", "ch", "x", "o", "z")) else verb + "s"


def ing(verb):
    if verb in DOUBLES:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + "ing"


def plural(noun):
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith("o"):
        return noun + "s"
    return third(noun)


def a(phrase):
    """The phrase under its indefinite article."""
    return ("an " if phrase[0].lower() in "aeiou" and not phrase.startswith(("use", "uni")) else "a ") + phrase
