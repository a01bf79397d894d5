// Joining the programme: a press, never a look.

import { usePress } from './loaded.js';
import { TroubleNote } from './parts.jsx';

/** @param {{ words: import('./words.js').Words, calls: import('./calls.js').Calls, waiting: number, done: (me: any) => void }} given */
export function Join({ words, calls, waiting, done }) {
  const { t, n } = words;
  const { press, busy, trouble } = usePress(async () => done(await calls.join()));
  const invited = trouble?.code === 'by_invitation';
  return (
    <s-section heading={waiting > 0 ? n('waiting', waiting) : t('join_title')}>
      <s-stack gap="base">
        <s-paragraph>{t(invited ? 'e_by_invitation' : 'join_text')}</s-paragraph>
        {trouble && !invited && <TroubleNote words={words} trouble={trouble} />}
        {!invited && (
          <s-button variant="primary" loading={busy} onClick={press}>
            {t('join')}
          </s-button>
        )}
      </s-stack>
    </s-section>
  );
}
