// "Earn N points" for the variant on show: counted here, in whole numbers, from what Liquid wrote. No request, ever.

// What themes say when another variant is chosen; a change in any form is heard as well.
const EVENTS = ['change', 'variant:change', 'variant:changed', 'variantChange', 'variant:update', 'variant:selected', 'popstate'];
const FIELD = 'form[action*="/cart/add"] [name="id"]';
const pairs = (text) => text.trim().split(' ').filter(Boolean).map((each) => each.split('/').map(BigInt));

class Points extends HTMLElement {
  connectedCallback() {
    if (this.dataset.numbered !== 'true') return;
    this.heard = new AbortController();
    const hear = (event) => this.hear(event);
    // popstate and what some themes send go to the window; from there everything that bubbles is heard.
    for (const name of EVENTS) window.addEventListener(name, hear, { signal: this.heard.signal });
    // Many themes set a hidden field and tell nobody; its attribute follows its value.
    this.watch = new MutationObserver(hear);
    const field = this.field();
    if (field) this.watch.observe(field, { attributeFilter: ['value'] });
    this.hear();
  }

  disconnectedCallback() {
    this.heard?.abort();
    this.watch?.disconnect();
  }

  /** What the cart form of this part of the page would buy. Two products on one page do not hear each other. */
  field() {
    return (this.closest('.shopify-section, section, main') ?? document).querySelector(FIELD);
  }

  hear(event) {
    const { variant, variantId, resource } = event?.detail ?? {};
    if (this.show(variant?.id ?? variantId ?? resource?.id)) return;
    // The theme may change its own form and address after the event: look once it has.
    requestAnimationFrame(() => this.show(this.field()?.value) || this.show(new URLSearchParams(window.location.search).get('variant')));
  }

  /** Writes the points of that variant; false when it is not one of this product. */
  show(variant) {
    const { prices, text, locale } = this.dataset;
    const price = prices.match(new RegExp(`(?:^| )${variant}:(\\d+)`))?.[1];
    if (!price) return false;
    const [points, upTo] = this.count(BigInt(price));
    const form = new Intl.PluralRules(locale).select(points) === 'one' ? 'One' : 'Other';
    const number = new Intl.NumberFormat(locale).format(points);
    const said = (text.replace('[points]', '{points}') || this.dataset[(upTo ? 'upTo' : 'earn') + form]).replace('{points}', number);
    const place = this.querySelector('.regulars-points__text');
    if (place.textContent.trim() !== said) place.textContent = said;
    this.hidden = points === 0;
    return true;
  }

  /** Points of one price as plugin/domain/earning.py rounds them, and whether an order could give fewer. */
  count(price) {
    const { rules, scale, multiplier, rounding, basketDecides } = this.dataset;
    const [[upper, lower]] = pairs(multiplier);
    let points = 0n;
    let upTo = basketDecides === 'true';
    for (const [gives, per] of pairs(rules)) {
      const top = price * BigInt(scale) * gives * upper;
      const bottom = per * 100n * lower;
      const more = { ceil: bottom - 1n, half_up: bottom / 2n }[rounding] ?? 0n;
      points += (top + more) / bottom;
      if (more && top % bottom) upTo = true;
    }
    return [Number(points), upTo];
  }
}

if (!customElements.get('regulars-points')) customElements.define('regulars-points', Points);
