// The balance, what is still to come, and the tier.

import { unitOf } from '../../surfaces/words.js';

// An expiry further away than this is no news.
const SOON_MS = 92 * 864e5;

/** @param {{ words: import('../../surfaces/words.js').Words, me: any }} given */
export function Balance({ words, me }) {
  const { t, n, number, date } = words;
  const { points, tier } = me;
  const { balance, pending, owed, next } = points;
  const lines = [];
  if (pending > 0) {
    const when = next?.points > 0 ? n(next.points === pending ? 'next_whole' : 'next_open', next.points, { date: date(next.at) }) : t('pending_note');
    lines.push(`${n('pending', pending)}, ${when}`);
  }
  if (next?.points < 0 && Date.parse(next.at) - Date.now() < SOON_MS) lines.push(n('next_expire', -next.points, { date: date(next.at) }));
  if (owed > 0) lines.push(n('owed', owed));
  return (
    <s-section heading={n('balance', balance, { number: number(balance) })}>
      <s-stack gap="base">
        {lines.map((line) => (
          <s-text key={line}>{line}</s-text>
        ))}
        {tier && <Tier words={words} tier={tier} currency={me.programme.currency} />}
      </s-stack>
    </s-section>
  );
}

/** @param {{ words: import('../../surfaces/words.js').Words, tier: any, currency: string }} given */
function Tier({ words: { t, number, money }, tier: { name, next, progress, basis }, currency }) {
  // Money counts in whole units here.
  const said = (/** @type {number} */ value) => (basis === 'money' ? money(value * unitOf(currency), currency) : number(value));
  const key = basis === 'points' ? 'tier_progress' : `tier_progress_${basis}`;
  const way = next ? t(key, { points: said(progress), amount: said(next.from), tier: next.name }) : t('tier_top');
  return (
    <s-stack gap="small">
      <s-text type="strong">{name}</s-text>
      <s-text color="subdued">{way}</s-text>
      {next && <s-progress accessibilityLabel={way} value={Math.min(progress, next.from)} max={next.from} />}
    </s-stack>
  );
}
