// The pieces that the account and the thank-you page share; POS has elements of its own.

/** A calm message, and a retry where one helps. @param {{ words: import('./words.js').Words, trouble: import('./calls.js').Trouble, again?: () => void }} given */
export function TroubleNote({ words: { t }, trouble, again }) {
  return (
    <s-banner tone="warning">
      <s-stack gap="base">
        <s-text>{t(`e_${trouble.kind}`)}</s-text>
        {again && trouble.kind !== 'session' && (
          <s-button variant="secondary" onClick={again}>
            {t('retry')}
          </s-button>
        )}
      </s-stack>
    </s-banner>
  );
}

/** @param {{ words: import('./words.js').Words }} given */
export const Waiting = ({ words: { t } }) => <s-spinner accessibilityLabel={t('loading')} />;
