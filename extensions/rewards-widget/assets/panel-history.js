// The history: every line says what happened and which numbers made it.

import { h } from './panel-words.js';

const EARNING = ['earn', 'clawback'];
const WORDED = ['signup', 'redeem', 'redeem_reversed', 'expire', 'void', 'adjust', 'forgiven', 'survey'];

export function title({ t }, line) {
  const { kind, order, why } = line;
  const name = why.name ?? why.reward ?? '';
  if (kind === 'earn' && order) return t(why.before ? 'h_changed' : 'h_earn', { order });
  if (EARNING.includes(kind) && !order) return t(`h_${kind}_plain`);
  return t(`h_${kind}`, { order, name });
}

export function reasons({ t, n, has, money, number, ratio }, line, tiers) {
  const { kind, why } = line;
  const parts = [];
  if (EARNING.includes(kind) && why.rate && why.currency) {
    const [points, per] = why.rate;
    parts.push(n('w_rate', points, { amount: money(why.basis_minor ?? 0, why.currency), per: money(per, why.currency) }));
    const [top, bottom] = why.multiplier ?? [1, 1];
    const tier = tiers.find((each) => each.key === why.tier)?.name ?? why.tier;
    if (top !== bottom) parts.push(t('w_tier', { rate: ratio([top, bottom]), tier }));
  }
  if (EARNING.includes(kind) && why.before) parts.push(n('w_change', why.target ?? 0, { before: number(why.before) }));
  if (WORDED.includes(kind)) parts.push(t(`w_${kind}`, { months: why.months }));
  if (kind.startsWith('transfer')) parts.push(t('w_transfer'));
  if (why.because && kind !== 'redeem_reversed' && has(`b_${why.because}`)) parts.push(t(`b_${why.because}`));
  const text = parts.join('; ');
  return text && `${text[0].toLocaleUpperCase()}${text.slice(1)}.`;
}

export function historyList(speak, lines, tiers) {
  return h('ul', { class: 'lines' }, lines.map((line) =>
    h('li', { class: 'line' },
      h('div', { class: 'line-main' },
        h('p', { class: 'strong' }, title(speak, line)),
        h('p', { class: 'quiet' }, reasons(speak, line, tiers)),
        h('p', { class: 'quiet' }, h('time', { datetime: line.at }, speak.date(line.at)))),
      h('p', { class: line.points > 0 ? 'figure gain' : 'figure' }, speak.signed(line.points)))));
}
