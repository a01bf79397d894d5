// The member's link for friends, made when it is first asked for.

import { useState } from 'preact/hooks';
import { usePress } from '../../surfaces/loaded.js';
import { TroubleNote } from '../../surfaces/parts.jsx';

/** @param {import('./given.js').Given} given */
export function Friends({ words, calls }) {
  const { t } = words;
  const [link, show] = useState('');
  const { press, busy, trouble } = usePress(async () => show((await calls.referral()).link ?? ''));
  // A shop that rewards no referrals says so when asked; then there is nothing to offer.
  if (trouble?.kind === 'refused') return <s-text color="subdued">{t('friends_none')}</s-text>;
  return (
    <s-section heading={t('friends_title')}>
      <s-stack gap="base">
        {trouble && <TroubleNote words={words} trouble={trouble} />}
        {link ? (
          <>
            <s-text>{link}</s-text>
            <s-button variant="secondary" commandFor="copy-link">
              {t('copy')}
            </s-button>
            <s-clipboard-item id="copy-link" text={link} />
          </>
        ) : (
          <s-button variant="secondary" loading={busy} onClick={press}>
            {t('friends_get')}
          </s-button>
        )}
      </s-stack>
    </s-section>
  );
}
