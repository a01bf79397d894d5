// "Earn N points" for the variant on show, counted in whole numbers from what Liquid wrote. No request, ever.

// What themes say when another variant is chosen.
const EVENTS = ['change', 'variant:change', 'variant:changed', 'variantChange', 'variant:update', 'variant:selected', 'popstate'];
const FIELD = 'form[action*="/cart/add"] [name="id"]';
const pairs = (text) => text.trim().split(' ').filter(Boolean).map((each) => each.split('/').map(BigInt));

class Points extends HTMLElement {
  connectedCallback() {
    if (this.dataset.numbered !== 'true') return;
    this.heard = new AbortController();
    const hear = (event) => this.hear(event);
    // Caught on the way down, events that do not bubble are heard too.
    for (const name of EVENTS) window.addEventListener(name, hear, { capture: true, signal: this.heard.signal });
    // Some themes only set a hidden field; its attribute follows its value.
    this.watch = new MutationObserver(hear);
    const field = this.field();
    if (field) this.watch.observe(field, { attributeFilter: ['value'] });
    this.hear();
  }

  disconnectedCallback() {
    this.heard?.abort();
    this.watch?.disconnect();
  }

  /** What this section's cart form would buy. */
  field() {
    return (this.closest('.shopify-section, section, main') ?? document).querySelector(FIELD);
  }

  hear(event) {
    const { variant, variantId, resource } = event?.detail ?? {};
    if (this.show(variant?.id ?? variantId ?? resource?.id)) return;
    // The theme may change form and address after its event.
    requestAnimationFrame(() => this.show(this.field()?.value) || this.show(new URLSearchParams(window.location.search).get('variant')));
  }

  /** False when it is no variant of this product. */
  show(variant) {
    const { prices, text, textUpTo, locale } = this.dataset;
    const price = /^\d+$/.test(variant) && prices.match(new RegExp(`\\b${variant}:(\\d+)`))?.[1];
    if (!price) return false;
    const [points, upTo] = this.count(BigInt(price));
    const form = new Intl.PluralRules(locale).select(points) === 'one' ? 'One' : 'Other';
    const number = new Intl.NumberFormat(locale).format(points);
    const said = ((upTo ? textUpTo : text).replace('[points]', '{points}') || this.dataset[(upTo ? 'upTo' : 'earn') + form]).replace('{points}', number);
    const place = this.querySelector('.regulars-points__text');
    if (place.textContent.trim() !== said) place.textContent = said;
    this.hidden = points === 0;
    return true;
  }

  /** As plugin/domain/earning rounds; and whether an order could give fewer. */
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
