// The points of one order, as its page and the thank-you page say them.

import { Join } from './Join.jsx';

/** @param {{ words: import('./words.js').Words, calls: import('./calls.js').Calls, order: any, again: () => void }} given */
export function OrderPoints({ words, calls, order: { state, points, available_at: from, joined }, again }) {
  const { t, n, date } = words;
  if (state === 'none') return null;
  if (!joined && points > 0) return <Join words={words} calls={calls} waiting={points} done={again} />;
  const note = { pending: from ? t('order_from', { date: date(from) }) : t('order_open'), available: t('order_ready'), taken_back: '' }[String(state)];
  return (
    <s-section heading={state === 'taken_back' ? t('order_taken') : n('order_points', points)}>
      {note && <s-text color="subdued">{note}</s-text>}
    </s-section>
  );
}
