// The balance on the profile, with the way to the rewards page.

import '@shopify/ui-extensions/preact';
import { render } from 'preact';
import { useMemo } from 'preact/hooks';
import { Join } from '../../surfaces/Join.jsx';
import { useLoaded } from '../../surfaces/loaded.js';
import { TroubleNote, Waiting } from '../../surfaces/parts.jsx';
import { asCustomer } from '../../surfaces/reach.js';
import { wordsOf } from '../../surfaces/words.js';
import { Balance } from './Balance.jsx';

export default async () => {
  render(<ProfileBlock />, document.body);
};

function ProfileBlock() {
  const words = wordsOf(shopify.i18n);
  const calls = useMemo(() => asCustomer(shopify), []);
  const { value: me, trouble, again, put } = useLoaded(calls.me);
  if (trouble) return <TroubleNote words={words} trouble={trouble} again={again} />;
  if (!me) return <Waiting words={words} />;
  if (me.state === 'guest') return <s-text>{words.t('guest_text')}</s-text>;
  return (
    <s-stack gap="base">
      {me.state === 'member' ? <Balance words={words} me={me} /> : <Join words={words} calls={calls} waiting={me.waiting?.balance ?? 0} done={put} />}
      <s-link href="extension://regulars-page">{words.t('to_rewards')}</s-link>
    </s-stack>
  );
}
