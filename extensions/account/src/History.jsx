// The history: every line says what happened and which numbers made it.

import { useState } from 'preact/hooks';
import { useLoaded, usePress } from '../../surfaces/loaded.js';
import { TroubleNote, Waiting } from '../../surfaces/parts.jsx';
import { nameOf } from '../../surfaces/rewards.js';

/** @param {import('./given.js').Given} given */
export function History({ words, calls, me }) {
  const { t, date, number } = words;
  const { value: page, trouble, again } = useLoaded(() => calls.history());
  const [more, add] = useState(/** @type {any[]} */ ([]));
  const last = more[more.length - 1] ?? page;
  const older = usePress(async () => {
    const next = await calls.history(last.next);
    add((before) => [...before, next]);
  });
  const lines = page ? [page, ...more].flatMap((one) => one.lines) : [];
  return (
    <s-section heading={t('history_title')}>
      {trouble ? (
        <TroubleNote words={words} trouble={trouble} again={again} />
      ) : !page ? (
        <Waiting words={words} />
      ) : lines.length === 0 ? (
        <s-paragraph>{t('history_empty')}</s-paragraph>
      ) : (
        <s-stack gap="base">
          {lines.map((line) => {
            const [title, reason] = told(words, line, me.programme.tiers);
            const gain = `${line.points > 0 ? '+' : '−'}${number(Math.abs(line.points))}`;
            return (
              <s-stack key={line.id} direction="inline" gap="base" justifyContent="space-between">
                <s-stack gap="none">
                  <s-text type="strong">{title}</s-text>
                  {reason && <s-text color="subdued">{reason}</s-text>}
                  <s-text color="subdued">{date(line.at)}</s-text>
                </s-stack>
                <s-text type="strong">{gain}</s-text>
              </s-stack>
            );
          })}
          {older.trouble && <TroubleNote words={words} trouble={older.trouble} />}
          {last.next && (
            <s-button variant="secondary" loading={older.busy} onClick={older.press}>
              {t('more')}
            </s-button>
          )}
        </s-stack>
      )}
    </s-section>
  );
}

/**
 * What happened, and why it is that many.
 * @param {import('../../surfaces/words.js').Words} words
 * @param {any} line
 * @param {any[]} tiers
 * @returns {[string, string]}
 */
function told(words, { kind, order: name, points, why }, tiers) {
  const { t, n, money, number } = words;
  const { before, target, because, rate, currency, multiplier: [top, bottom] = [1, 1] } = why;
  if (!['earn', 'clawback'].includes(kind)) {
    const reason = because ? `b_${because}` : why.rule === 'lapsed' ? 'w_lapsed' : `w_${kind}`;
    return [t(`h_${kind}`, { name: why.kind || why.name ? nameOf(words, why, currency) : '' }), t(reason, { months: why.months ?? '' })];
  }
  const order = name ? t('h_order', { order: name }) : t('h_purchase');
  if (kind === 'clawback' && !target) return [`${t(`b_${because ?? 'less'}`, { order })}: ${n('h_gone', before ?? -points)}`, ''];
  const title = before ? n(kind === 'earn' ? 'h_changed' : 'h_less', target, { order, before: number(before) }) : order;
  if (!rate) return [title, ''];
  const counted = n('w_rate', rate[0], { amount: money(why.basis_minor, currency), per: money(rate[1], currency) });
  const tier = tiers.find((each) => each.key === why.tier)?.name ?? why.tier;
  return [title, top === bottom ? counted : `${counted}${t('w_tier', { rate: number(top / bottom), tier })}`];
}
