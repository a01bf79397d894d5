// The thank-you page: the points that this order has just brought.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo } from 'preact/hooks';
import { Trouble } from '../../surfaces/calls.js';
import { useLoaded } from '../../surfaces/loaded.js';
import { OrderPoints } from '../../surfaces/OrderPoints.jsx';
import { TroubleNote, Waiting } from '../../surfaces/parts.jsx';
import { asCustomer, numberOf } from '../../surfaces/reach.js';
import { wordsOf } from '../../surfaces/words.js';

// Shopify tells the app of an order some seconds after its buyer has arrived here.
const LOOKS = 5;
const LOOK_AGAIN_MS = 2_500;

export default async () => {
  render(<ThankYou />, document.body);
};

function ThankYou() {
  const words = wordsOf(shopify.i18n);
  const calls = useMemo(() => asCustomer(shopify), []);
  const { value: order, trouble, again } = useLoaded(() => arrived(calls, numberOf(shopify.orderConfirmation.value.order.id)));
  if (trouble?.code === 'sign_in') return <s-banner heading={words.t('guest_title')}>{words.t('guest_text')}</s-banner>;
  if (trouble?.code === 'no_such_order') return <s-banner>{words.t('order_soon')}</s-banner>;
  if (trouble?.kind === 'refused') return null;
  if (trouble) return <TroubleNote words={words} trouble={trouble} again={again} />;
  return order ? <OrderPoints words={words} calls={calls} order={order} again={again} /> : <Waiting words={words} />;
}

/** The order, once the app knows it. @param {import('../../surfaces/calls.js').Calls} calls @param {string} id */
async function arrived(calls, id) {
  for (let looks = 1; ; looks += 1) {
    try {
      const order = await calls.order(id);
      // Known, but its payment is not: that is told a moment later.
      if (order.state !== 'none' || looks >= LOOKS) return order;
    } catch (trouble) {
      if (!(trouble instanceof Trouble) || trouble.code !== 'no_such_order' || looks >= LOOKS) throw trouble;
    }
    await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
  }
}
