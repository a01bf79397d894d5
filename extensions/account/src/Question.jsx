// The one question about an order: a score, a reason if one likes, and only a press that sends it.

import { useState } from 'preact/hooks';
import { usePress } from '../../surfaces/loaded.js';
import { TroubleNote } from '../../surfaces/parts.jsx';

const SCORES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** @param {{ words: import('../../surfaces/words.js').Words, calls: import('../../surfaces/calls.js').Calls, order: string, score?: number | null, done: (answer: any) => void }} given */
export function Question({ words, calls, order, score = null, done }) {
  const { t, number } = words;
  const [chosen, choose] = useState(score);
  const [reason, say] = useState('');
  const { press, busy, trouble } = usePress(async () =>
    done(await calls.survey({ order, score: chosen, ...(reason.trim() && { words: reason.trim() }) })),
  );
  return (
    <s-section heading={t('survey_question')}>
      <s-stack gap="base">
        <s-stack direction="inline" gap="small">
          {SCORES.map((one) => (
            <s-press-button key={one} pressed={one === chosen} accessibilityLabel={t('survey_score', { score: number(one) })} onClick={() => choose(one)}>
              {number(one)}
            </s-press-button>
          ))}
        </s-stack>
        <s-text color="subdued">{`${t('survey_low')} · ${t('survey_high')}`}</s-text>
        {chosen !== null && (
          <>
            <s-text-area label={t('survey_why')} rows={3} maxLength={5000} value={reason} onInput={(event) => say(/** @type {HTMLTextAreaElement} */ (event.target).value)} />
            {trouble && <TroubleNote words={words} trouble={trouble} />}
            <s-button variant="primary" loading={busy} onClick={press}>
              {t('survey_send')}
            </s-button>
          </>
        )}
      </s-stack>
    </s-section>
  );
}
