// Words, numbers, money and dates in the language of the extension.

// Minor units by ISO 4217, as the ledger counts them (a test compares): Intl rounds some currencies to whole units.
const WHOLE = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const THOUSANDTHS = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');

/** What money in minor units is divided by. @param {string} currency */
export const unitOf = (currency) => (WHOLE.includes(currency) ? 1 : THOUSANDTHS.includes(currency) ? 1_000 : 100);

/** @typedef {import('@shopify/ui-extensions').I18n} I18n */

/** @param {I18n} i18n */
export function wordsOf(i18n) {
  const here = { inExtensionLocale: true };
  /** @param {number} value */
  const number = (value) => i18n.formatNumber(value, here);
  /** @param {string} key @param {Record<string, string | number>} [values] @returns {string} */
  const t = (key, values) => i18n.translate(key, values);
  /** @param {number} minor @param {string} currency */
  const money = (minor, currency) =>
    i18n.formatCurrency(minor / unitOf(currency), { ...here, currency, trailingZeroDisplay: 'stripIfInteger' });
  return {
    t,
    number,
    money,
    /** In the form that goes with the number. @param {string} key @param {number} points @param {Record<string, string | number>} [values] */
    n: (key, points, values) => t(key, { count: Math.abs(points), points: number(points), ...values }),
    /** @param {string} at */
    date: (at) => i18n.formatDate(new Date(at), { ...here, day: 'numeric', month: 'long', year: 'numeric' }),
  };
}

/** @typedef {ReturnType<typeof wordsOf>} Words */
