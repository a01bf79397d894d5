// Words and numbers in the page's language, and elements made of text: nothing here parses HTML.

/** The texts that Liquid wrote, filled in and inflected. */
export function speaker(host) {
  const texts = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
  const { lang, dataset: { shop, digits } } = host;
  const plural = new Intl.PluralRules(lang);
  const whole = new Intl.NumberFormat(lang);
  const put = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? (name === 'shop' ? shop : all));
  return {
    t: (key, values = {}) => put(texts[key] ?? '', values),
    /** In the form that goes with the number. */
    n(key, points, values = {}) {
      const forms = texts[key] ?? {};
      const text = forms[plural.select(Math.abs(points))] ?? forms.other ?? '';
      return put(text, { points: whole.format(points), ...values });
    },
    has: (key) => key in texts,
    number: (value) => whole.format(value),
    signed: (value) => (value > 0 ? '+' : '−') + whole.format(Math.abs(value)),
    /** 5/4 as people write it: 1.25. */
    ratio: ([top, bottom]) => new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(top / bottom),
    /** The year only where it is another one. */
    date(text) {
      const at = new Date(text);
      const year = at.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
      return at.toLocaleDateString(lang, { day: 'numeric', month: 'short', year }).replaceAll(' ', '\u00a0');
    },
    month: (text) => new Date(text).toLocaleDateString(lang, { month: 'long', year: 'numeric' }),
    /** `digits` as the ledger counts them: Intl has none for HUF, where Shopify has two. */
    money: (minor, currency) =>
      new Intl.NumberFormat(lang, { style: 'currency', currency, trailingZeroDisplay: 'stripIfInteger' })
        .format(minor / 10 ** digits),
  };
}

/** An element; `on…` attributes are listeners, strings become text. */
export function h(name, attributes, ...children) {
  const place = /svg|path/.test(name) ? '2000/svg' : '1999/xhtml';
  const element = document.createElementNS(`http://www.w3.org/${place}`, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    // What ARIA calls true is a word, where HTML needs only the name.
    else element.setAttribute(key, value === true && !key.startsWith('aria-') ? '' : value);
  }
  return fill(element, children);
}

/** The element with these children alone; what is empty or false is none. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(9).filter((child) => child || child === 0));
  return element;
}

export const press = (key, words, onclick, kind, more) =>
  h('button', { type: 'button', class: `button ${kind}`, 'data-key': key, onclick, ...more }, words);
export const signIn = ({ dataset }, t) => h('a', { class: 'button main', href: dataset.login, 'data-key': 'login' }, t('login'));

/** Paints, then focuses what has the key `focus`, or the key of what had the focus. */
export function repaint(root, paint, focus) {
  const key = focus ?? root.activeElement?.dataset.key;
  paint();
  const wanted = key && [...root.querySelectorAll('[data-key]')].find((each) => each.dataset.key === key && each.getClientRects().length);
  if (wanted) wanted.focus({ preventScroll: !focus });
  else if (key && !root.activeElement) root.querySelector('dialog[open] .close')?.focus({ preventScroll: true });
}

const SHAPES = {
  open: 'M6 9l6 6 6-6',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  off: 'M6 18 18 6M7.5 8.5a1 1 0 1 0 0-2 1 1 0 0 0 0 2zM16.5 17.5a1 1 0 1 0 0-2 1 1 0 0 0 0 2z',
  parcel: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4l3 2',
};

export const icon = (name) => h('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': true }, h('path', { d: SHAPES[name] }));
