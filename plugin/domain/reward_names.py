"""What a reward is called, in the reader's language, when the merchant gave it no name."""

from __future__ import annotations

from collections.abc import Mapping

from plugin.domain.programme import Reward
from plugin.domain.values import decimal_text

LOCALES = ("en", "de", "fr", "it")
_WORDS = {
    "en": {
        "amount_off": "{amount} off",
        "percent_off": "{percent} % off",
        "percent_off_up_to": "{percent} % off, {amount} at most",
        "free_shipping": "Free shipping",
        "free_product": "A free product",
        "product": "{percent} % off a product",
        "gift_card": "{amount} gift card",
        "store_credit": "{amount} store credit",
        "manual": "A gift from the shop",
    },
    "de": {
        "amount_off": "{amount} Rabatt",
        "percent_off": "{percent} % Rabatt",
        "percent_off_up_to": "{percent} % Rabatt, höchstens {amount}",
        "free_shipping": "Gratisversand",
        "free_product": "Ein Produkt gratis",
        "product": "{percent} % Rabatt auf ein Produkt",
        "gift_card": "Geschenkkarte über {amount}",
        "store_credit": "{amount} Guthaben",
        "manual": "Ein Geschenk vom Shop",
    },
    "fr": {
        "amount_off": "{amount} de réduction",
        "percent_off": "{percent} % de réduction",
        "percent_off_up_to": "{percent} % de réduction, {amount} au plus",
        "free_shipping": "Livraison gratuite",
        "free_product": "Un produit offert",
        "product": "{percent} % de réduction sur un produit",
        "gift_card": "Carte cadeau de {amount}",
        "store_credit": "{amount} de crédit boutique",
        "manual": "Un cadeau de la boutique",
    },
    "it": {
        "amount_off": "{amount} di sconto",
        "percent_off": "{percent} % di sconto",
        "percent_off_up_to": "{percent} % di sconto, al massimo {amount}",
        "free_shipping": "Spedizione gratuita",
        "free_product": "Un prodotto in omaggio",
        "product": "{percent} % di sconto su un prodotto",
        "gift_card": "Carta regalo da {amount}",
        "store_credit": "{amount} di credito negozio",
        "manual": "Un regalo del negozio",
    },
}
# The widget has words of its own for these; every other kind reaches it with its name made.
SAID_BY_WIDGET = ("amount_off", "free_shipping")


def language(locale: str | None) -> str:
    """The language of ours that a locale such as de-CH means; English for all others."""
    found = (locale or "").partition("-")[0].lower()
    return found if found in LOCALES else "en"


def name_of(reward: Reward, currency: str, locale: str | None = None) -> str:
    """The merchant's own name, or one made from kind and value, such as "CHF 5 off".

    `currency`: the programme's, unless the reward was chosen in another.
    """
    if reward.name:
        return reward.name
    kind: str = reward.kind
    if kind == "percent_off" and reward.value_minor:
        kind = "percent_off_up_to"
    elif kind == "product" and reward.percent == 100:
        kind = "free_product"
    amount = money(reward.value_minor or 0, reward.currency or currency)
    return _WORDS[language(locale)][kind].format(amount=amount, percent=reward.percent)


def for_widget(reward: Reward, currency: str, locale: str | None) -> str | None:
    """The name that the widget is sent: None where it makes one itself, in the shop's words."""
    if reward.name or (reward.kind in SAID_BY_WIDGET and not reward.currency):
        return reward.name or None
    return name_of(reward, currency, locale)


def told(reward: Reward, currency: str) -> dict[str, object]:
    """What an entry keeps about a reward, so that the history can name it when the programme no longer has it."""
    if reward.name:
        return {"reward": reward.key, "name": reward.name}
    kept: dict[str, object] = {
        "reward": reward.key,
        "name": None,
        "kind": reward.kind,
        "value_minor": reward.value_minor,
        "currency": reward.currency or currency,
    }
    return kept | ({"percent": reward.percent} if reward.percent else {})


def of_entry(why: Mapping[str, object], locale: str | None = None) -> str | None:
    """The name of the reward that an entry tells of; None when it tells of none."""
    kind = str(why.get("kind"))
    if kind not in _WORDS["en"]:
        return str(why["name"]) if why.get("name") else None
    value, percent = why.get("value_minor"), why.get("percent")
    reward = Reward(
        "",
        kind,  # type: ignore[arg-type]  # it is one of the words above
        "",
        0,
        value if isinstance(value, int) else None,
        percent=percent if isinstance(percent, int) else 0,
    )
    return name_of(reward, str(why.get("currency")), locale)


def money(amount_minor: int, currency: str) -> str:
    """An amount as a name says it: CHF 5, but CHF 5.50."""
    whole, _, cents = decimal_text(amount_minor, currency).partition(".")
    return f"{currency} {whole}.{cents}" if cents.strip("0") else f"{currency} {whole}"
