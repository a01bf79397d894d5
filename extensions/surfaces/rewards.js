// What a reward is called.

/**
 * The merchant's own name, or one made of kind and value.
 * @param {import('./words.js').Words} words
 * @param {any} reward
 * @param {string} currency
 */
export function nameOf({ t, money }, { name, kind, value_minor: value }, currency) {
  if (name) return String(name);
  const amount = value ? money(value, currency) : '';
  if (kind === 'amount_off') return t('reward_amount', { amount });
  return value ? t('reward_shipping_up_to', { amount }) : t('reward_shipping');
}
