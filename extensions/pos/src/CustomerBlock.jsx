// The till: a customer's balance in their details, and the way to redeem for them.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo } from 'preact/hooks';
import { useLoaded } from '../../surfaces/loaded.js';
import { asTill } from '../../surfaces/reach.js';
import { wordsOf } from '../../surfaces/words.js';

export default async () => {
  render(<CustomerBlock />, document.body);
};

function CustomerBlock() {
  const words = wordsOf(shopify.i18n);
  const { t, n } = words;
  const calls = useMemo(() => asTill(shopify), []);
  const { value: me, trouble, again } = useLoaded(calls.me);
  const open = (/** @type {string} */ label) => (
    <s-button slot="secondary-actions" onClick={() => shopify.action.presentModal()}>
      {label}
    </s-button>
  );
  return (
    <s-pos-block heading={t('title')}>
      {trouble ? (
        <>
          <s-text>{t(trouble.code === 'no_right' ? 'no_right' : `e_${trouble.kind}`)}</s-text>
          {trouble.code !== 'no_right' && (
            <s-button slot="secondary-actions" onClick={again}>
              {t('retry')}
            </s-button>
          )}
        </>
      ) : !me ? (
        <s-text>{t('loading')}</s-text>
      ) : me.state === 'member' ? (
        <>
          <s-text type="strong">{n('balance', me.points.balance)}</s-text>
          {me.points.pending > 0 && <s-text>{n('pending', me.points.pending)}</s-text>}
          {me.tier && <s-text>{me.tier.name}</s-text>}
          {open(t('redeem'))}
        </>
      ) : (
        <>
          <s-text>{me.waiting?.balance > 0 ? n('waiting', me.waiting.balance) : t('not_member')}</s-text>
          {open(t('join'))}
        </>
      )}
    </s-pos-block>
  );
}
