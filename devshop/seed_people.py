"""Who buys at Alpine Tea: believable names and addresses in four countries, habits, and what they say afterwards."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

# country -> (share, locale, carrier, days a parcel takes from and to)
COUNTRIES = {
    "CH": (62, "de", "Swiss Post", (1, 3)),
    "DE": (20, "de", "DHL", (2, 5)),
    "AT": (10, "de", "DPD", (3, 5)),
    "FR": (8, "en", "La Poste", (3, 6)),
}
CURRENCIES = {"CH": "CHF", "DE": "EUR", "AT": "EUR", "FR": "EUR"}
_COUNTRY_NAMES = {"CH": "Switzerland", "DE": "Germany", "AT": "Austria", "FR": "France"}
_FIRST = {
    "CH": "Anna Luca Mia Noah Lea Jonas Nina Reto Selina Urs Claudia Fabian Ladina Gian Corina Beat Sandra Marco "
    "Chiara Elio Flurina Andri Vreni Silvan Barbara Yannick Elena Matteo Ursina Kaspar Aline Remo Seraina Tobias",
    "DE": "Lena Paul Hannah Felix Marie Jan Katharina Lukas Sophie Maximilian Greta Moritz Johanna Henrik Frieda "
    "Anton Merle Jakob Antje Carsten Birgit Uwe Ines Torben",
    "AT": "Magdalena Florian Theresa Lukas Valentina Stefan Resi Korbinian Hannah Sepp Julia Leopold Marlene Georg",
    "FR": "Camille Hugo Chloé Louis Manon Jules Élise Antoine Inès Théo Amélie Bastien Margaux Rémi",
}
_LAST = {
    "CH": "Keller Huber Meier Rossi Bernasconi Zbinden Aebischer Caduff Wyss Baumann Gerber Steiner Bieri Frei "
    "Brunner Favre Rochat Camenzind Inauen Schmid Bianchi Tschudi von-Arx Cavegn Graf Odermatt Egli Hofmann Vogt",
    "DE": "Schneider Hoffmann Becker Wagner Krause Lehmann Voigt Petersen Brandt Köhler Winkler Sommer Jansen "
    "Öztürk Nowak Albrecht Reuter Böhm",
    "AT": "Gruber Pichler Moser Hofer Leitner Egger Fuchs Eder Wallner Brandstätter Auer Kofler",
    "FR": "Moreau Lefèvre Girard Rousseau Fontaine Chevalier Dubois Marchand Perrin Blanchard",
}
_PLACES = {
    "CH": "8004 Zurich|3011 Bern|4051 Basel|6003 Lucerne|7000 Chur|9000 St. Gallen|8400 Winterthur|6500 Bellinzona|"
    "1003 Lausanne|3900 Brig|7500 St. Moritz|8750 Glarus|6430 Schwyz|4500 Solothurn",
    "DE": "80331 Munich|79098 Freiburg|70173 Stuttgart|20095 Hamburg|10115 Berlin|50667 Cologne|04109 Leipzig|"
    "88131 Lindau",
    "AT": "6020 Innsbruck|1010 Vienna|5020 Salzburg|8010 Graz|6900 Bregenz",
    "FR": "74000 Annecy|38000 Grenoble|69001 Lyon|67000 Strasbourg|75011 Paris",
}
_STREETS = {
    "CH": "Bahnhofstrasse|Dorfweg|Seestrasse|Alpenblick|Kirchgasse|Rütiweg|Mühlebach",
    "DE": "Hauptstraße|Gartenweg|Lindenallee|Am Anger|Schillerstraße|Bergstraße",
    "AT": "Dorfstraße|Brunnenweg|Lärchenweg|Kirchplatz|Feldgasse",
    "FR": "rue des Tilleuls|chemin du Lac|rue Pasteur|place de l'Église",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One customer of the story. `days_between` orders on average; None buys once."""

    first_name: str
    last_name: str
    email: str
    country: str
    locale: str
    street: str
    postcode: str
    city: str
    arrives_on: float  # days after the story's start
    days_between: float | None
    joins: bool
    content: float  # 0 hard to please to 1 pleased by anything
    likes: tuple[str, ...]  # handles, most liked first

    @property
    def address(self) -> dict[str, object]:
        """The fields of an address in the shop, without its id."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "address1": self.street,
            "zip": self.postcode,
            "city": self.city,
            "province": self.city,
            "province_code": self.country,
            "country": _COUNTRY_NAMES[self.country],
            "country_code": self.country,
            "phone": "",
        }


def people(chance: random.Random, count: int, days: int, wares: list[str]) -> list[Person]:
    """So many customers, the same for the same chance; they arrive over the days, a few more towards the end."""
    return [_person(chance, number, days, wares) for number in range(count)]


def _person(chance: random.Random, number: int, days: int, wares: list[str]) -> Person:
    country = chance.choices(list(COUNTRIES), [share for share, *_ in COUNTRIES.values()])[0]
    first, last = chance.choice(_FIRST[country].split()), chance.choice(_LAST[country].split())
    postcode, _, city = chance.choice(_PLACES[country].split("|")).partition(" ")
    habit = chance.choices(("once", "now_and_then", "regular"), (52, 32, 16))[0]
    between = {"once": None, "now_and_then": chance.uniform(24, 45), "regular": chance.uniform(9, 18)}[habit]
    likes = list(wares)
    chance.shuffle(likes)
    return Person(
        first_name=first,
        last_name=last.replace("-", " "),
        email=f"{_plain(first)}.{_plain(last)}{number}@example.{country.lower()}",
        country=country,
        locale=COUNTRIES[country][1],
        street=f"{chance.choice(_STREETS[country].split('|'))} {chance.randint(1, 88)}",
        postcode=postcode,
        city=city,
        # A third were there from the start, the others come evenly; nobody in the last two days.
        arrives_on=chance.uniform(0, 9) if chance.random() < 0.33 else chance.uniform(0, max(1, days - 2)),
        days_between=between,
        joins=chance.random() < (0.62 if habit == "once" else 0.9),
        content=min(1.0, max(0.0, chance.gauss(0.74, 0.2))),
        likes=tuple(likes[:4]),
    )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().replace(" ", "")


_WORDS = {
    "de": (
        ("Kam zwei Tage zu spät und der Deckel war offen.", "Leider nicht, was ich erwartet habe.",
         "Die Dose war verbeult.", "Lange nichts gehört, dann stand das Paket beim Nachbarn."),
        ("Guter Tee, Versand etwas teuer.", "Schön verpackt, Geschmack ist okay.", "Alles in Ordnung.",
         "Könnte kräftiger sein."),
        ("Bester Bergkräutertee seit langem!", "Schnell da, liebevoll verpackt.", "Die Kanne tropft wirklich nicht.",
         "Mein Lieblingsladen für Tee.", "Danke für die handgeschriebene Karte!"),
    ),
    "en": (
        ("The parcel took almost three weeks.", "The lid arrived dented.", "Not the colour I ordered."),
        ("Nice tea, a bit pricey.", "Good, but the parcel was late.", "All fine."),
        ("Lovely blend, arrived quickly.", "The mug is even nicer than in the picture.", "Will order again for sure."),
    ),
}  # fmt: skip


def answer(chance: random.Random, person: Person, days_late: int) -> tuple[int, str | None]:
    """What somebody answers to the question: a score from 0 to 10 and perhaps a few words."""
    mood = person.content * 11.2 - 0.9 * min(days_late, 6) + chance.gauss(0.6, 1.1)
    score = min(10, max(0, round(mood)))
    band = 0 if score <= 6 else 1 if score <= 8 else 2
    says = chance.random() < (0.75 if band == 0 else 0.45)
    return score, chance.choice(_WORDS[person.locale][band]) if says else None
