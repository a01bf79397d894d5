// The full rewards page of the customer account.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { useLoaded } from '../../surfaces/loaded.js';
import { Join } from '../../surfaces/Join.jsx';
import { TroubleNote, Waiting } from '../../surfaces/parts.jsx';
import { asCustomer } from '../../surfaces/reach.js';
import { wordsOf } from '../../surfaces/words.js';
import { Balance } from './Balance.jsx';
import { Codes } from './Codes.jsx';
import { Friends } from './Friends.jsx';
import { History } from './History.jsx';
import { Question } from './Question.jsx';
import { Rewards } from './Rewards.jsx';
import { Ways } from './Ways.jsx';

export default async () => {
  render(<RewardsPage />, document.body);
};

function RewardsPage() {
  const words = wordsOf(shopify.i18n);
  const calls = useMemo(() => asCustomer(shopify), []);
  const { value: me, trouble, again, put } = useLoaded(calls.me);
  return (
    <s-page heading={words.t('title')}>
      {trouble ? (
        <TroubleNote words={words} trouble={trouble} again={again} />
      ) : !me ? (
        <Waiting words={words} />
      ) : (
        <Standing words={words} calls={calls} me={me} put={put} />
      )}
    </s-page>
  );
}

/** @param {import('./given.js').Given & { put: (me: any) => void }} given */
function Standing({ words, calls, me, put }) {
  const { t } = words;
  const [fresh, show] = useState(/** @type {any} */ (null));
  const [answered, thank] = useState(false);
  const given = { words, calls, me };
  /** What was redeemed or given back stands above; the rest is asked anew. @param {any} made */
  const changed = async (made) => {
    show(made);
    put(await calls.me().catch(() => ({ ...me, points: made.points ?? me.points })));
  };
  if (me.state === 'guest') {
    return (
      <s-section heading={t('guest_title')}>
        <s-paragraph>{t('guest_text')}</s-paragraph>
        <Ways words={words} programme={me.programme} joined={false} />
      </s-section>
    );
  }
  const joined = me.state === 'member';
  return (
    <s-stack gap="large">
      {joined ? <Balance words={words} me={me} /> : <Join words={words} calls={calls} waiting={me.waiting?.balance ?? 0} done={put} />}
      {me.survey && !answered && <Question words={words} calls={calls} order={me.survey.order} done={() => thank(true)} />}
      {answered && <s-banner tone="success">{t('survey_thanks')}</s-banner>}
      {joined && <Codes {...given} fresh={fresh} changed={changed} />}
      <Rewards {...given} changed={changed} />
      <Ways words={words} programme={me.programme} joined={joined} />
      {joined && <Friends {...given} />}
      {joined && <History {...given} key={me.points.balance} />}
    </s-stack>
  );
}
