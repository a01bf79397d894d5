// The till: the customer's balance, redeeming for them, and the code in the cart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, cut, open, refused } from './harness.mjs';

const BASE = '/api/pos/customers/7001';
const till = (target, routes, { token = 'token-of-bob', language = 'en', watch = () => {} } = {}) =>
  open('pos', `pos.customer-details.${target}.render`, routes, {
    language,
    change: (shopify) => {
      shopify.customer.id = 7001;
      shopify.locale.current.value = language;
      shopify.session.getSessionToken = async () => token;
      watch(shopify);
    },
  });
const { member, made } = answers;

test('the block shows the balance and opens the action', async () => {
  let opened = 0;
  const seen = await till('block', { [`GET ${BASE}/me`]: [member] }, { watch: (shopify) => { shopify.action.presentModal = () => { opened += 1; }; } });
  assert.ok(seen.text().includes('550 points to spend'));
  assert.equal(seen.asked[0].token, 'Bearer token-of-bob');
  await seen.press('Redeem');
  assert.equal(opened, 1);
});

test('points become a code, and the code goes into the cart of this customer', async () => {
  const done = [];
  const seen = await till('action', { [`GET ${BASE}/me`]: [member], [`POST ${BASE}/redeem`]: [cut, made] }, {
    language: 'fr',
    watch: ({ cart, toast }) => {
      cart.setCustomer = async (who) => { done.push(who); };
      cart.addCartCodeDiscount = async (code) => { done.push(code); };
      toast.show = (words) => { done.push(words); };
    },
  });
  assert.ok(seen.text().includes('5 CHF de réduction'), seen.text());
  await seen.press('Utiliser des points');
  await seen.press('Oui, utiliser les points');
  const keys = seen.asked.filter((one) => one.key === `POST ${BASE}/redeem`).map((one) => one.body.request_key);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1], 'a lost answer is asked for under the same key');
  assert.ok(seen.text().includes(made.code));
  await seen.press('Ajouter au panier');
  assert.deepEqual(done, [{ id: 7001 }, made.code, 'Le code est dans le panier']);
});

test('a login without a right, and trouble on the way, are said', async () => {
  const seen = await till('block', {}, { token: null });
  assert.ok(seen.text().includes('no right to Regulars'));
  const down = await till('block', { [`GET ${BASE}/me`]: [refused(503, 'storage_busy'), member] });
  await down.press('Try again');
  assert.ok(down.text().includes('550 points to spend'));
});

test('who is no member joins at the till by a press', async () => {
  const seen = await till('action', { [`GET ${BASE}/me`]: [answers.stranger], [`POST ${BASE}/join`]: [member] });
  await seen.press('Add to the programme');
  assert.ok(seen.text().includes('550 points to spend'));
});
