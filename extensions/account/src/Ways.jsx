// How points are earned.

/** @param {{ words: import('../../surfaces/words.js').Words, programme: any, joined: boolean }} given */
export function Ways({ words: { t, n, money }, programme, joined }) {
  const { earning, signup_points: gift, currency, ways } = programme;
  const lines = earning
    .filter((/** @type {any} */ rule) => rule.points > 0)
    .map((/** @type {any} */ rule) => n('way_rate', rule.points, { per: money(rule.per_minor, currency) }));
  if (!joined && gift > 0) lines.push(n('way_signup', gift));
  for (const { name, points } of ways) if (points > 0) lines.push(`${name}: ${n('points', points)}`);
  if (lines.length === 0) return null;
  return (
    <s-section heading={t('ways_title')}>
      <s-unordered-list>
        {lines.map((/** @type {string} */ line) => (
          <s-list-item key={line}>{line}</s-list-item>
        ))}
      </s-unordered-list>
    </s-section>
  );
}
