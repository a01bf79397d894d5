// The thank-you page: the points of an order of which the app is told some seconds later.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, cut, open, refused } from './harness.mjs';

const thanks = (routes, language = 'en') =>
  open('thank-you', 'purchase.thank-you.block.render', routes, {
    language,
    change: (shopify) => { shopify.orderConfirmation.value = { order: { id: 'gid://shopify/OrderIdentity/81' } }; },
  });
const order = { ...answers.order, survey: null };

test('the order is looked for until the app knows it and its payment', async () => {
  const seen = await thanks({ 'GET /api/orders/81': [refused(404, 'no_such_order'), { ...order, state: 'none', points: 0 }, order] }, 'de');
  assert.ok(seen.text().includes('100 Punkte für diese Bestellung'), seen.text());
  assert.ok(seen.text().includes('Einlösbar, sobald die Bestellung da'));
  assert.equal(seen.asked.length, 3);
});

test('an order that does not come is promised, and not for ever asked for', async () => {
  const seen = await thanks({ 'GET /api/orders/81': [refused(404, 'no_such_order')] });
  assert.ok(seen.text().includes('being counted'));
  assert.equal(seen.asked.length, 5);
});

test('a guest is told where the points wait; who has not joined joins here', async () => {
  const guest = await thanks({ 'GET /api/orders/81': [refused(401, 'sign_in')] });
  assert.ok(guest.text().includes('with the e-mail address of this order'));
  const seen = await thanks({ 'GET /api/orders/81': [{ ...order, joined: false }, order], 'POST /api/join': [answers.member] });
  await seen.press('Join now');
  assert.ok(seen.text().includes('100 points for this order'), seen.text());
});

test('trouble is calm and mended by a retry; a shop without a programme shows nothing', async () => {
  const seen = await thanks({ 'GET /api/orders/81': [cut, order] });
  await seen.press('Try again');
  assert.ok(seen.text().includes('100 points for this order'));
  const none = await thanks({ 'GET /api/orders/81': [refused(404, 'shop_not_installed')] });
  assert.equal(none.text(), '');
});
