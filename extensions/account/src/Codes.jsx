// The codes that points have become: to copy, to give back, and what has become of the newest.

import { useState } from 'preact/hooks';
import { usePress } from '../../surfaces/loaded.js';
import { nameOf } from '../../surfaces/rewards.js';

// What is worth a sentence of its own; a code that is ready says so itself.
const SAID = ['refused', 'undone', 'credited', 'awaiting_shop', 'used', 'fulfilled', 'expired'];

/** @param {import('./given.js').Given & { fresh: any, changed: (made: any) => Promise<void> }} given */
export function Codes({ words, calls, me, fresh, changed }) {
  const { t } = words;
  const told = fresh && (SAID.includes(fresh.state) ? t(fresh.state) : fresh.state === 'made' ? t('code_ready') : t('making_long'));
  return (
    <>
      {told && <s-banner tone={fresh.state === 'refused' ? 'warning' : 'success'}>{told}</s-banner>}
      {me.codes.length > 0 && (
        <s-section heading={t('codes_title')}>
          <s-stack gap="base">
            {me.codes.map((/** @type {any} */ code) => (
              <Code key={code.id} words={words} calls={calls} code={code} currency={me.programme.currency} changed={changed} />
            ))}
          </s-stack>
        </s-section>
      )}
    </>
  );
}

/** @param {{ words: import('../../surfaces/words.js').Words, calls: import('../../surfaces/calls.js').Calls, code: any, currency: string, changed: (made: any) => Promise<void> }} given */
function Code({ words, calls, code, currency, changed }) {
  const { t, n, date } = words;
  const [asked, ask] = useState(false);
  const { press, busy, trouble } = usePress(async () => {
    const undone = await calls.undo(code.id);
    ask(false);
    await changed(undone);
  });
  const name = nameOf(words, code, currency);
  if (!code.code) {
    return (
      <s-stack gap="small">
        <s-text type="strong">{name}</s-text>
        <s-text color="subdued">{t('making')}</s-text>
      </s-stack>
    );
  }
  return (
    <s-box padding="base" border="base" borderRadius="base">
      <s-stack gap="small">
        <s-text type="strong">{name}</s-text>
        <s-text>{code.code}</s-text>
        <s-text color="subdued">{[t('code_hint'), code.expires_at && t('expires', { date: date(code.expires_at) })].filter(Boolean).join(' ')}</s-text>
        {trouble && (
          <s-banner tone="warning">
            <s-text>{t(trouble.code === 'already_used' ? 'e_already_used' : `e_${trouble.kind}`)}</s-text>
          </s-banner>
        )}
        {asked && <s-text>{n('undo_text', code.cost)}</s-text>}
        <s-stack direction="inline" gap="small">
          <s-button variant="primary" commandFor={`copy-${code.id}`} accessibilityLabel={`${t('copy')}: ${code.code}`}>
            {t('copy')}
          </s-button>
          <s-clipboard-item id={`copy-${code.id}`} text={code.code} />
          <s-button variant="secondary" loading={busy} accessibilityLabel={`${t(asked ? 'undo_yes' : 'undo')}: ${name}`} onClick={asked ? press : () => ask(true)}>
            {t(asked ? 'undo_yes' : 'undo')}
          </s-button>
        </s-stack>
      </s-stack>
    </s-box>
  );
}
