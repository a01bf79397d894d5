// The till: redeeming for the customer in front of it, and putting the code into the cart.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useLoaded, usePress } from '../../surfaces/loaded.js';
import { asTill } from '../../surfaces/reach.js';
import { nameOf } from '../../surfaces/rewards.js';
import { wordsOf } from '../../surfaces/words.js';

export default async () => {
  render(<RedeemAction />, document.body);
};

function RedeemAction() {
  const words = wordsOf(shopify.i18n);
  const { t, n } = words;
  const calls = useMemo(() => asTill(shopify), []);
  const { value: me, trouble, again, put } = useLoaded(calls.me);
  const [fresh, show] = useState(/** @type {any} */ (null));
  /** @param {any} made */
  const changed = async (made) => {
    show(made);
    put(await calls.me().catch(() => me));
  };
  return (
    <s-page heading={t('title')}>
      <s-scroll-box>
        <s-stack gap="base" padding="base">
          {trouble ? (
            <Note text={t(trouble.code === 'no_right' ? 'no_right' : `e_${trouble.kind}`)} press={again} label={t('retry')} />
          ) : !me ? (
            <s-spinner accessibilityLabel={t('loading')} />
          ) : me.state !== 'member' ? (
            <Join words={words} calls={calls} me={me} put={put} />
          ) : (
            <>
              <s-heading>{n('balance', me.points.balance)}</s-heading>
              {fresh && <Made words={words} made={fresh} />}
              {me.rewards.length === 0 && <s-text>{t('rewards_empty')}</s-text>}
              {me.rewards.map((/** @type {any} */ reward) => (
                <Reward key={reward.key} words={words} calls={calls} reward={reward} currency={me.programme.currency} changed={changed} />
              ))}
            </>
          )}
        </s-stack>
      </s-scroll-box>
    </s-page>
  );
}

/** @param {{ text: string, press?: () => void, label?: string }} given */
const Note = ({ text, press, label }) => (
  <>
    <s-banner heading={text} tone="warning" />
    {press && <s-button onClick={press}>{label}</s-button>}
  </>
);

/** @param {{ words: import('../../surfaces/words.js').Words, calls: import('../../surfaces/calls.js').Calls, me: any, put: (me: any) => void }} given */
function Join({ words: { t, n }, calls, me, put }) {
  const { press, busy, trouble } = usePress(async () => put(await calls.join()));
  return (
    <>
      <s-text>{me.waiting?.balance > 0 ? n('waiting', me.waiting.balance) : t('join_text')}</s-text>
      {trouble && <Note text={t(trouble.code === 'by_invitation' ? 'e_by_invitation' : `e_${trouble.kind}`)} />}
      <s-button variant="primary" loading={busy} onClick={press}>
        {t('join')}
      </s-button>
    </>
  );
}

/** @param {{ words: import('../../surfaces/words.js').Words, calls: import('../../surfaces/calls.js').Calls, reward: any, currency: string, changed: (made: any) => Promise<void> }} given */
function Reward({ words, calls, reward, currency, changed }) {
  const { t, n } = words;
  const [asked, ask] = useState(false);
  const { press, busy, trouble } = usePress(async () => {
    const made = await calls.redeem(reward.key);
    ask(false);
    await changed(made);
  });
  return (
    <s-section heading={nameOf(words, reward, currency)}>
      <s-text>{reward.why_not === 'not_enough_points' ? `${n('points', reward.points)} · ${n('missing', reward.missing)}` : n('points', reward.points)}</s-text>
      {trouble && <Note text={t(trouble.lost ? 'e_unknown' : `e_${trouble.kind}`)} />}
      {asked ? (
        <>
          <s-button variant="primary" loading={busy} onClick={press}>
            {t(trouble ? 'retry' : 'confirm_yes')}
          </s-button>
          <s-button onClick={() => ask(false)}>{t('confirm_no')}</s-button>
        </>
      ) : (
        reward.affordable && <s-button onClick={() => ask(true)}>{t('redeem')}</s-button>
      )}
    </s-section>
  );
}

/** @param {{ words: import('../../surfaces/words.js').Words, made: any }} given */
function Made({ words: { t }, made }) {
  const { press, busy, step } = usePress(async () => {
    // The code is this customer's alone: without them in the cart it takes nothing off.
    await shopify.cart.setCustomer({ id: shopify.customer.id });
    await shopify.cart.addCartCodeDiscount(made.code);
    shopify.toast.show(t('in_cart'));
  });
  if (!made.code) return <s-banner heading={t(['refused', 'credited', 'awaiting_shop'].includes(made.state) ? made.state : 'making_long')} />;
  return (
    <s-section heading={t('code_ready')}>
      <s-text type="strong">{made.code}</s-text>
      {step === 'trouble' && <Note text={t('cart_failed')} />}
      {step !== 'done' && (
        <s-button variant="primary" loading={busy} onClick={press}>
          {t('to_cart')}
        </s-button>
      )}
    </s-section>
  );
}
