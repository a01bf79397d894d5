"""What Alpine Tea sells: a dozen things with their variants, words in two languages, and a picture each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devshop.order_records import Product, Variant

if TYPE_CHECKING:
    from devshop.shop import DevShop


@dataclass(frozen=True, slots=True)
class Ware:
    """One thing in the catalogue. `kinds` are the variants: title and price in minor units of shop money.

    `art` names the drawing, `hue` its colours (templates/art.html).
    """

    handle: str
    title: str
    kinds: tuple[tuple[str, int], ...]
    art: str
    hue: str
    collection: str
    english: str
    german: str
    german_title: str
    option: str = "Size"
    gift_card: bool = False


TEA, OUTDOOR = "tea", "outdoor"


def _tin(small: int) -> tuple[tuple[str, int], ...]:
    return ("50 g", small), ("100 g", small * 18 // 10 // 10 * 10), ("250 g", small * 38 // 10 // 10 * 10)


WARES = (
    Ware("mountain-herbs", "Mountain Herbs", _tin(1250), "tin", "spruce", TEA,
         "Edelweiss, lemon balm and silver thyme from 1,400 metres, dried slowly in the shade.",
         "Edelweiss, Zitronenmelisse und Silberthymian von 1400 Metern, langsam im Schatten getrocknet.",
         "Bergkräuter"),
    Ware("alpine-mint", "Alpine Mint", _tin(1150), "tin", "ice", TEA,
         "Three mints from one terraced garden above Poschiavo. Cool, clear, a little stubborn.",
         "Drei Minzen aus einem Terrassengarten über Poschiavo. Kühl, klar, ein wenig eigensinnig.",
         "Alpenminze"),
    Ware("meadow-camomile", "Meadow Camomile", _tin(1090), "tin", "hay", TEA,
         "Whole blossoms, picked by hand before noon. For the end of long days.",
         "Ganze Blüten, vor Mittag von Hand gepflückt. Für das Ende langer Tage.",
         "Wiesenkamille"),
    Ware("ridge-black", "Ridge Black", _tin(1450), "tin", "night", TEA,
         "A malty second flush that stands up to milk, early starts and north faces.",
         "Ein malziger Second Flush für Milch, frühe Aufbrüche und Nordwände.",
         "Gratschwarztee"),
    Ware("glacier-green", "Glacier Green", _tin(1650), "tin", "glacier", TEA,
         "A bright sencha with the taste of snowmelt and fresh grass.",
         "Ein heller Sencha, der nach Schmelzwasser und jungem Gras schmeckt.",
         "Gletschergrün"),
    Ware("alpenglow-rooibos", "Alpenglow Rooibos", _tin(1190), "tin", "glow", TEA,
         "Rooibos with orange peel and Swiss apple, red as the last light on the wall.",
         "Rooibos mit Orangenschale und Schweizer Apfel, rot wie das letzte Licht in der Wand.",
         "Alpenglühen-Rooibos"),
    Ware("hut-mug", "Hut Mug", (("Spruce", 2450), ("Snow", 2450), ("Alpenglow", 2450)), "mug", "glow", OUTDOOR,
         "Enamelled steel, 350 ml. It chips before it breaks, and it looks better for it.",
         "Emaillierter Stahl, 350 ml. Er bekommt Macken, bevor er bricht, und wird davon schöner.",
         "Hüttenbecher", option="Colour"),
    Ware("summit-flask", "Summit Flask", (("0.5 l", 3950), ("0.75 l", 4650), ("1 l", 5450)), "flask", "spruce", OUTDOOR,
         "Keeps tea hot for fourteen hours: long enough for there and back.",
         "Hält Tee vierzehn Stunden heiss: lang genug für hin und zurück.",
         "Gipfelflasche"),
    Ware("stoneware-pot", "Stoneware Pot", (("Granite", 7900), ("Clay", 7900)), "pot", "night", OUTDOOR,
         "Thrown in the Emmental, 0.9 l, with a spout that does not drip. We checked.",
         "Im Emmental gedreht, 0,9 l, mit einem Ausguss, der nicht tropft. Wir haben es geprüft.",
         "Steingutkanne", option="Glaze"),
    Ware("wool-blanket", "Wool Blanket", (("Single", 14900), ("Double", 19900)), "blanket", "hay", OUTDOOR,
         "Swiss wool, felted, 140 by 200 cm. Smells faintly of weather.",
         "Schweizer Wolle, gewalkt, 140 auf 200 cm. Riecht leise nach Wetter.",
         "Wolldecke"),
    Ware("trail-socks", "Trail Socks", (("S", 2450), ("M", 2450), ("L", 2450)), "socks", "ice", OUTDOOR,
         "Merino, reinforced where you stand. Three hundred kilometres, then darn them.",
         "Merino, verstärkt, wo man steht. Dreihundert Kilometer, dann stopfen.",
         "Wandersocken"),
    Ware("gift-card", "Gift Card", (("CHF 25", 2500), ("CHF 50", 5000), ("CHF 100", 10000)), "card", "glacier", OUTDOOR,
         "For those who like to choose for themselves. Sent by e-mail, never expires.",
         "Für alle, die selber wählen. Kommt per E-Mail, verfällt nie.",
         "Geschenkkarte", option="Amount", gift_card=True),
)  # fmt: skip
_BY_HANDLE = {ware.handle: ware for ware in WARES}
_PLAIN = Ware("", "", (), "tin", "hay", TEA, "", "", "")


def ware_of(product: Product) -> Ware:
    """The words and the picture of a product; plain ones for a product that is not in the catalogue."""
    return _BY_HANDLE.get(product.handle, _PLAIN)


def stock(shop: DevShop) -> dict[str, Product]:
    """Puts the catalogue into the shop, once; returns the products by handle."""
    have = {product.handle: product for product in shop.desk.shop.products.values()}
    with shop.desk.change():
        for ware in WARES:
            if ware.handle not in have:
                have[ware.handle] = _create(shop, ware)
    return have


def _create(shop: DevShop, ware: Ware) -> Product:
    ids = shop.desk.ids
    initials = "".join(word[0] for word in ware.handle.split("-")).upper()
    variants = [
        Variant(
            ids.number("ProductVariant"),
            title,
            price,
            f"{initials}-{number}",
            0 if ware.gift_card else 120 * number,
        )
        for number, (title, price) in enumerate(ware.kinds, 1)
    ]
    return shop.create_product(
        ware.title,
        variants[0].price,
        handle=ware.handle,
        variant_id=variants[0].id,
        variants=variants,
        sku=variants[0].sku,
        grams=variants[0].grams,
        vendor="Alpine Tea",
        product_type="Tea" if ware.collection == TEA else "Outdoor",
        gift_card=ware.gift_card,
        requires_shipping=not ware.gift_card,
        taxable=not ware.gift_card,
        tags=[ware.collection],
    )
