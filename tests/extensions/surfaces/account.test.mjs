// The customer account: rewards page, profile and order, for members and others, with every kind of trouble.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, cut, open, refused, silent } from './harness.mjs';

const page = (routes, more) => open('account', 'customer-account.page.render', { 'GET /api/history': answers.history, ...routes }, more);
const order = (routes, more) =>
  open('account', 'customer-account.order-status.block.render', routes, {
    ...more,
    change: (shopify) => { shopify.order.value = { id: 'gid://shopify/Order/81', name: '#1001' }; },
  });
const { member, made, undone } = answers;
const richer = { ...member, points: made.points, codes: [made] };

test('a member sees balance, rewards and history in German, and redeems once', async () => {
  const seen = await page({ 'GET /api/me': [member, richer], 'POST /api/redeem': [made] }, { language: 'de' });
  for (const words of ['550 Punkte zum Einlösen', '5 CHF Rabatt', '100 Punkte', 'Gratisversand', 'Verlauf', '+50', 'Willkommensgeschenk', '1 Punkt je 1 CHF Einkauf'])
    assert.ok(seen.text().includes(words), `${words} in\n${seen.text()}`);
  assert.deepEqual(seen.asked.map((one) => [one.key, one.locale, one.token, one.origin])[0], ['GET /api/me', 'de', 'Bearer token-of-the-customer', 'https://app.test']);
  await seen.press('Einlösen: 5 CHF Rabatt');
  assert.ok(seen.text().includes('100 Punkte einlösen?'));
  await Promise.all([seen.press('Ja, einlösen: 5 CHF Rabatt'), seen.press('Ja, einlösen: 5 CHF Rabatt')]);
  const redeemed = seen.asked.filter((one) => one.key === 'POST /api/redeem');
  assert.equal(redeemed.length, 1);
  assert.match(redeemed[0].body.request_key, /^[A-Za-z0-9_-]{8,64}$/);
  assert.equal(redeemed[0].body.nonce, member.nonce);
  for (const words of ['Ihr Code ist da', made.code, '450 Punkte zum Einlösen', 'Er gilt bis 20. Februar 2027.']) assert.ok(seen.text().includes(words), words);
});

test('a lost answer is asked for again under the same key', async () => {
  const seen = await page({ 'GET /api/me': [member, richer], 'POST /api/redeem': [cut, silent, refused(503, 'storage_busy'), made] });
  await seen.press('Redeem: CHF 5 off');
  await seen.press('Yes, redeem: CHF 5 off');
  await seen.until('you pay only once');
  await seen.press('Yes, redeem: CHF 5 off');
  await seen.until(made.code);
  const keys = seen.asked.filter((one) => one.key === 'POST /api/redeem').map((one) => one.body.request_key);
  assert.deepEqual([keys.length, new Set(keys).size], [4, 1]);
});

test('a code that is still being made is waited for, and an unused one is given back', async () => {
  const slow = { ...made, state: 'being_made', code: null };
  const back = { ...member, codes: [] };
  const seen = await page({
    'GET /api/me': [member, richer, back],
    'POST /api/redeem': [slow],
    [`GET /api/redemptions/${made.id}`]: [slow, made],
    [`POST /api/redemptions/${made.id}/undo`]: [refused(403, 'invalid_nonce'), undone],
  });
  await seen.press('Redeem: CHF 5 off');
  await seen.press('Yes, redeem: CHF 5 off');
  assert.ok(seen.text().includes(made.code));
  assert.equal(seen.all('s-clipboard-item')[0].getAttribute('text'), made.code);
  await seen.press('Give back: CHF 5 off');
  await seen.press('Yes, give back: CHF 5 off');
  assert.ok(seen.text().includes('Done. Your points are back.'), seen.text());
  assert.ok(!seen.text().includes(made.code));
});

test('what the app refuses is said, and an ended token is fetched anew', async () => {
  const seen = await page({ 'GET /api/me': [refused(401, 'expired_id_token'), member], 'POST /api/redeem': [refused(409, 'not_enough_points')] });
  await seen.press('Redeem: CHF 5 off');
  await seen.press('Yes, redeem: CHF 5 off');
  assert.ok(seen.text().includes('You do not have enough points for this reward.'), seen.text());
  assert.equal(seen.asked.filter((one) => one.key === 'POST /api/redeem').length, 1);
});

for (const [name, answer, words] of [
  ['offline', cut, 'You seem to be offline'],
  ['busy', refused(429, 'too_many_requests'), 'Please wait a moment'],
  ['a fault', refused(500, 'internal_error'), 'did not work on our side'],
])
  test(`${name}: a calm message, and the retry shows the page`, async () => {
    const seen = await page({ 'GET /api/me': [answer, member] });
    assert.ok(seen.text().includes(words), seen.text());
    await seen.press('Try again');
    assert.ok(seen.text().includes('550 points to spend'));
  });

test('who has not joined sees what waits and joins by a press; a guest what there is to gain', async () => {
  const seen = await page({ 'GET /api/me': [answers.stranger], 'POST /api/join': [member] });
  assert.ok(seen.text().includes('It costs nothing'));
  assert.ok(!seen.text().includes('points to spend'));
  await seen.press('Join now');
  assert.ok(seen.text().includes('550 points to spend'));
  const guest = await page({ 'GET /api/me': [answers.guest] });
  assert.ok(guest.text().includes('Sign in to see your points.'), guest.text());
  assert.ok(guest.text().includes('50 points for joining'), guest.text());
});

test('the link for friends is made when it is asked for', async () => {
  const seen = await page({ 'GET /api/me': [member], 'POST /api/referral': [{ enabled: true, link: 'https://shop.test/?ref=ANNA' }] });
  await seen.press('Show my link');
  assert.equal(seen.all('s-clipboard-item')[0].getAttribute('text'), 'https://shop.test/?ref=ANNA');
});

test('the profile shows the balance and leads to the rewards page', async () => {
  const seen = await open('account', 'customer-account.profile.block.render', { 'GET /api/me': [member] }, { language: 'it' });
  assert.ok(seen.text().includes('550 punti da usare'));
  assert.equal(seen.all('s-link')[0].getAttribute('href'), 'extension://regulars-page');
});

test('an order says its points and takes the answer to its question', async () => {
  const seen = await order({ 'GET /api/orders/81': [answers.order], 'POST /api/survey': [refused(500, 'internal_error'), answers.answered] });
  assert.ok(seen.text().includes('100 points for this order'), seen.text());
  assert.equal(seen.all('s-button').length, 0, 'nothing is sent before a score is chosen');
  await seen.press('Score 9 of 10');
  await seen.type('What is the main reason for your score?', '  Good tea  ');
  await seen.press('Send');
  assert.ok(seen.text().includes('did not work on our side'));
  await seen.press('Send');
  assert.deepEqual(seen.asked.at(-1).body, { order: '81', score: 9, words: 'Good tea', nonce: answers.order.nonce });
  assert.ok(seen.text().includes('Thank you'), seen.text());
});

test('an order without points, of somebody else or without the programme leaves no trace', async () => {
  for (const answer of [{ ...answers.order, state: 'none', points: 0, survey: null }, refused(404, 'no_such_order'), refused(404, 'shop_not_installed')]) {
    const seen = await order({ 'GET /api/orders/81': [answer] });
    assert.equal(seen.text(), '');
  }
  const waiting = await order({ 'GET /api/orders/81': [{ ...answers.order, joined: false, survey: null }] });
  assert.ok(waiting.text().includes('100 points are waiting for you'), waiting.text());
});
