// What points buy: why not, where it cannot be had, and a second press before points are spent.

import { useState } from 'preact/hooks';
import { usePress } from '../../surfaces/loaded.js';
import { TroubleNote } from '../../surfaces/parts.jsx';
import { nameOf } from '../../surfaces/rewards.js';

/** @param {import('./given.js').Given & { changed: (made: any) => Promise<void> }} given */
export function Rewards({ words, calls, me, changed }) {
  const { rewards, programme } = me;
  return (
    <s-section heading={words.t('rewards_title')}>
      {rewards.length === 0 ? (
        <s-paragraph>{words.t('rewards_empty')}</s-paragraph>
      ) : (
        <s-stack gap="base">
          {rewards.map((/** @type {any} */ reward) => (
            <Reward key={reward.key} words={words} calls={calls} reward={reward} currency={programme.currency} changed={changed} />
          ))}
        </s-stack>
      )}
    </s-section>
  );
}

/** @param {{ words: import('../../surfaces/words.js').Words, calls: import('../../surfaces/calls.js').Calls, reward: any, currency: string, changed: (made: any) => Promise<void> }} given */
function Reward({ words, calls, reward, currency, changed }) {
  const { t, n, money } = words;
  const [asked, ask] = useState(false);
  const { press, busy, trouble } = usePress(async () => {
    const made = await calls.redeem(reward.key);
    ask(false);
    await changed(made);
  });
  const name = nameOf(words, reward, currency);
  const details = [n('points', reward.points)];
  if (reward.minimum_minor) details.push(t('minimum', { amount: money(reward.minimum_minor, currency) }));
  if (reward.why_not === 'not_enough_points') details.push(n('missing', reward.missing));
  if (reward.why_not === 'paused') details.push(t('e_paused'));
  return (
    <s-box padding="base" border="base" borderRadius="base">
      <s-stack gap="small">
        <s-text type="strong">{name}</s-text>
        <s-text color="subdued">{details.join(' · ')}</s-text>
        {trouble && (
          <s-banner tone="warning">
            <s-text>{t(trouble.kind === 'refused' ? refusal(trouble.code) : trouble.lost ? 'e_unknown' : `e_${trouble.kind}`)}</s-text>
          </s-banner>
        )}
        {asked ? (
          <s-stack gap="small">
            <s-text>{n('confirm_title', reward.points)}</s-text>
            <s-text color="subdued">{t('confirm_text')}</s-text>
            <s-stack direction="inline" gap="small">
              <s-button variant="primary" loading={busy} accessibilityLabel={`${t('confirm_yes')}: ${name}`} onClick={press}>
                {t(trouble ? 'retry' : 'confirm_yes')}
              </s-button>
              {!busy && (
                <s-button variant="secondary" accessibilityLabel={`${t('confirm_no')}: ${name}`} onClick={() => ask(false)}>
                  {t('confirm_no')}
                </s-button>
              )}
            </s-stack>
          </s-stack>
        ) : (
          reward.affordable && (
            <s-button variant="secondary" accessibilityLabel={`${t('redeem')}: ${name}`} onClick={() => ask(true)}>
              {t('redeem')}
            </s-button>
          )
        )}
      </s-stack>
    </s-box>
  );
}

const KNOWN = ['not_enough_points', 'no_such_reward', 'out_of_stock', 'limit_reached', 'wrong_tier', 'paused'];
/** @param {string} code */
const refusal = (code) => `e_${KNOWN.includes(code) ? code : 'refused'}`;
