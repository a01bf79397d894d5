// An order's own page: the points it brought, and the question about it once it has arrived.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useLoaded } from '../../surfaces/loaded.js';
import { OrderPoints } from '../../surfaces/OrderPoints.jsx';
import { TroubleNote, Waiting } from '../../surfaces/parts.jsx';
import { asCustomer, numberOf } from '../../surfaces/reach.js';
import { wordsOf } from '../../surfaces/words.js';
import { Question } from './Question.jsx';

export default async () => {
  render(<OrderBlock />, document.body);
};

function OrderBlock() {
  const id = shopify.order.value?.id;
  // Who looks at it by a link, without signing in, is shown no order.
  return id ? <OneOrder key={id} id={numberOf(id)} /> : null;
}

/** @param {{ id: string }} given */
function OneOrder({ id }) {
  const words = wordsOf(shopify.i18n);
  const calls = useMemo(() => asCustomer(shopify), []);
  const { value: order, trouble, again } = useLoaded(() => calls.order(id));
  const [answered, thank] = useState(/** @type {any} */ (null));
  if (trouble?.code === 'sign_in') return <s-text>{words.t('guest_text')}</s-text>;
  // An order from before the programme, or a shop without one: there is nothing to say.
  if (trouble?.kind === 'refused') return null;
  if (trouble) return <TroubleNote words={words} trouble={trouble} again={again} />;
  if (!order) return <Waiting words={words} />;
  return (
    <s-stack gap="base">
      <OrderPoints words={words} calls={calls} order={order} again={again} />
      {answered ? (
        <s-banner tone="success">{words.t('survey_thanks')}</s-banner>
      ) : (
        order.survey && <Question words={words} calls={calls} order={id} score={order.survey.score} done={thank} />
      )}
    </s-stack>
  );
}
