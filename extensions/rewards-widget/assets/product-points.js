// "Earn N points" for the variant on show: counted here, in whole numbers, from what Liquid wrote. No request, ever.

/** Points of one price, as plugin/domain/earning.py rounds them; `exact` is false when something was rounded up. */
export function count(price, { rules, scale, multiplier, rounding }) {
  let points = 0n;
  let exact = true;
  for (const [per, minor] of rules) {
    const top = BigInt(price) * scale * per * multiplier[0];
    const bottom = minor * 100n * multiplier[1];
    if (rounding === 'ceil') points += (top + bottom - 1n) / bottom;
    else if (rounding === 'half_up') points += (2n * top + bottom) / (2n * bottom);
    else points += top / bottom;
    if (top % bottom && rounding !== 'floor') exact = false;
  }
  return { points: Number(points), exact };
}

const pair = (text) => text.split('/').map(BigInt);
const words = (text) => text.trim().split(/\s+/).filter(Boolean);
// What themes say when another variant is chosen; a change in any form is heard as well.
const EVENTS = ['change', 'variant:change', 'variant:changed', 'variantChange', 'variant:update', 'variant:selected', 'popstate'];

class Points extends HTMLElement {
  connectedCallback() {
    const { prices, rules, scale, multiplier, rounding, numbered } = this.dataset;
    this.prices = new Map(words(prices).map((each) => each.split(':')));
    this.programme = { rules: words(rules).map(pair), scale: BigInt(scale), multiplier: pair(multiplier), rounding };
    if (numbered !== 'true' || this.prices.size < 1) return;
    this.heard = new AbortController();
    const hear = (event) => this.hear(event);
    for (const name of EVENTS) {
      (name === 'popstate' ? window : document).addEventListener(name, hear, { signal: this.heard.signal });
    }
    // Many themes set a hidden field and tell nobody; its attribute follows its value.
    this.watch = new MutationObserver(() => this.hear());
    const field = this.scope().querySelector('form[action*="/cart/add"] [name="id"]');
    if (field) this.watch.observe(field, { attributes: true, attributeFilter: ['value'] });
    this.hear();
  }

  disconnectedCallback() {
    this.heard?.abort();
    this.watch?.disconnect();
  }

  /** The part of the page that sells this product: its own section, so that two blocks do not hear each other. */
  scope() {
    return this.closest('.shopify-section, section, main') ?? document;
  }

  hear(event) {
    const told = event?.detail?.variant?.id ?? event?.detail?.variantId ?? event?.detail?.resource?.id;
    if (this.show(told)) return;
    // The theme may change its own form and address after the event: look once it has.
    queueMicrotask(() => requestAnimationFrame(() => {
      const field = this.scope().querySelector('form[action*="/cart/add"] [name="id"]');
      this.show(field?.value) || this.show(new URLSearchParams(window.location.search).get('variant'));
    }));
  }

  /** Writes the points of that variant; false when it is not one of this product. */
  show(variant) {
    const price = this.prices.get(String(variant));
    if (price === undefined) return false;
    const { points, exact } = count(price, this.programme);
    const { text, basketDecides, locale } = this.dataset;
    const form = new Intl.PluralRules(locale).select(points) === 'one' ? 'One' : 'Other';
    const upTo = basketDecides === 'true' || !exact;
    const number = new Intl.NumberFormat(locale).format(points);
    const pattern = this.dataset[`${upTo ? 'upTo' : ''}${upTo ? form : form.toLowerCase()}`];
    const said = text ? text.replaceAll('[points]', number) : pattern.replace('{points}', number);
    const place = this.querySelector('.regulars-points__text');
    if (place.textContent.trim() !== said) place.textContent = said;
    this.hidden = points === 0;
    return true;
  }
}

if (!customElements.get('regulars-points')) customElements.define('regulars-points', Points);
