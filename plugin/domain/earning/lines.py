"""Lines: which rules fit a line of an order, and what its money and its units are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from plugin.domain.facts import Line, LineProduct
from plugin.domain.programme import Campaign, LineRule


@dataclass(frozen=True, slots=True)
class Weight:
    """What a line is worth: how often its money counts, points for each unit, and whether it is in the basis at all."""

    times: Fraction
    points: int = 0
    in_basis: bool = True


ORDINARY = Weight(Fraction(1))
NOTHING = Weight(Fraction(0), in_basis=False)


def weight_of(line: Line, rules: tuple[LineRule, ...], product: LineProduct | None) -> Weight:
    """Of the rules that fit: an exclusion before all, then the most points a unit, then the highest multiplier."""
    fitting = [rule for rule in rules if fits(line, rule, product)]
    if any(rule.effect == "exclude" for rule in fitting):
        return NOTHING
    fixed = [rule.points for rule in fitting if rule.effect == "fixed"]
    if fixed:
        return Weight(Fraction(0), max(fixed))
    times = [Fraction(rule.multiplier.numerator, rule.multiplier.denominator) for rule in fitting]
    return Weight(max(times)) if times else ORDINARY


def fits(line: Line, rule: LineRule | Campaign, product: LineProduct | None) -> bool:
    """Whether the rule is about this line. Names are compared without regard to case, as the platform compares tags."""
    if rule.scope == "all":
        return True
    if rule.scope == "product":
        return str(line.product_id) in rule.values
    if rule.scope == "variant":
        return str(line.variant_id) in rule.values
    if rule.scope == "vendor":
        return (line.vendor or "").casefold() in _folded(rule.values)
    if product is None:
        return False
    if rule.scope == "collection":
        return any(str(collection) in rule.values for collection in product.collections)
    names = product.tags if rule.scope == "tag" else (product.type,)
    return any(name.casefold() in _folded(rule.values) for name in names)


def by_line(products: tuple[LineProduct, ...]) -> Mapping[int, LineProduct]:
    """The products by the number of their line."""
    return {one.line_id: one for one in products}


def _folded(values: tuple[str, ...]) -> set[str]:
    return {value.casefold() for value in values}
