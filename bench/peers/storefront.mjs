// The peer of the storefront reads: Express, Shopify's own check of the signature, the same rows from the same file.
import { createRequire } from 'node:module';
import express from 'express';
import '@shopify/shopify-api/adapters/node';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';

const require = createRequire(import.meta.url);
const Database = require('better-sqlite3');
const db = new Database(process.env.DATABASE_URL.slice('sqlite:///'.length), { readonly: true });
// The same as ours.
db.pragma('cache_size = -32768');

const shopify = shopifyApi({
  apiKey: 'bench',
  apiSecretKey: process.env.SHOPIFY_API_SECRET,
  scopes: ['read_orders'],
  hostScheme: 'https',
  hostName: 'bench.example',
  apiVersion: ApiVersion.July26 ?? Object.values(ApiVersion).at(-1),
  isEmbeddedApp: true,
  logger: { level: LogSeverity.Error },
});

// Prepared once. The same rows as ours: the shop must still have the app, a merged customer has another name, and only
// the newest programme counts. Its document is kept in memory, as we keep it.
const shop = db.prepare("SELECT shop_id FROM shops WHERE domain = ? AND state = 'installed'").pluck();
const alias = db.prepare('SELECT member_id FROM aliases WHERE shop_id = ? AND old_id = ?').pluck();
const newest = db.prepare('SELECT MAX(published_at) FROM programmes WHERE shop_id = ?').pluck();
const document = db.prepare('SELECT document FROM programmes WHERE shop_id = ? AND published_at = ?').pluck();
const programmes = new Map();
const member = db.prepare('SELECT status, joined_at, tier FROM members WHERE shop_id = ? AND member_id = ?');
const lots = db.prepare(
  'SELECT remaining, available_at, expires_at FROM lots WHERE shop_id = ? AND member_id = ? AND remaining > 0',
);
const owed = db.prepare(
  'SELECT COALESCE(SUM(remaining), 0) AS owed FROM deficits WHERE shop_id = ? AND member_id = ? AND remaining > 0',
);
const codes = db.prepare(
  "SELECT redemption_id, points, expires_at, code, state, reward FROM redemptions WHERE shop_id = ? AND member_id = ? " +
    "AND state IN ('debited', 'made')",
).safeIntegers();
const question = db.prepare(
  "SELECT i.order_id, o.name FROM invitations i LEFT JOIN orders o ON o.shop_id = i.shop_id AND o.order_id = i.order_id " +
    "WHERE i.shop_id = ? AND i.member_id = ? AND i.state = 'asked' ORDER BY i.due_at DESC LIMIT 1",
);
const progress = db.prepare(
  'SELECT COALESCE(SUM(points), 0) AS points FROM orders WHERE shop_id = ? AND member_id = ? ' +
    'AND processed_at >= ? AND processed_at <= ?',
);
// Ids of entries do not fit a JavaScript number, so they are read as text.
const entries = db.prepare(
  'SELECT CAST(e.entry_id AS TEXT) AS id, e.kind, e.points, e.occurred_at, e.why, COALESCE(e.order_name, ' +
    '(SELECT o.name FROM orders o WHERE o.shop_id = e.shop_id AND o.order_id = e.order_id)) AS name FROM entries e ' +
    'WHERE e.shop_id = ? AND e.member_id = ? ORDER BY e.entry_id DESC LIMIT 20',
);

const time = (ms) => (ms === null ? null : new Date(Number(ms)).toISOString());

async function visitor(request) {
  const known = await shopify.utils.validateHmac(request.query, { signator: 'appProxy' });
  const id = known ? shop.get(request.query.shop) : undefined;
  if (id === undefined) return null;
  const customer = Number(request.query.logged_in_customer_id);
  return [id, alias.get(id, customer) ?? customer];
}

function programmeOf(id) {
  const at = newest.get(id);
  const held = programmes.get(id);
  if (held?.at === at) return held.programme;
  const programme = JSON.parse(document.get(id, at));
  programmes.set(id, { at, programme });
  return programme;
}

function points(rows, now) {
  let available = 0, pending = 0, at = Infinity, delta = 0;
  for (const lot of rows) {
    const open = lot.available_at !== null && lot.available_at <= now;
    const alive = lot.expires_at === null || lot.expires_at > now;
    if (open && alive) available += lot.remaining;
    if (!open) pending += lot.remaining;
    const change = open ? (alive ? lot.expires_at : null) : lot.available_at;
    if (change === null || change > at) continue;
    delta = (change < at ? 0 : delta) + (open ? -lot.remaining : lot.remaining);
    at = change;
  }
  return { available, pending, next: at === Infinity ? null : { at: time(at), points: delta } };
}

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.get('/proxy/me', async (request, response) => {
  const who = await visitor(request);
  if (who === null) return response.status(401).json({ error: { code: 'invalid_signature' } });
  const now = Date.now(), programme = programmeOf(who[0]);
  const found = member.get(...who);
  const since = new Date(now);
  since.setUTCMonth(since.getUTCMonth() - programme.tier_months);
  const held = points(lots.all(...who), now);
  const reached = progress.get(...who, since.getTime(), now).points;
  const above = programme.tiers.find((tier) => tier.threshold > reached);
  const asked = question.get(...who);
  response.set('Cache-Control', 'no-store').json({
    state: 'member',
    member: { id: String(who[1]), since: time(found.joined_at) },
    points: { ...held, owed: owed.get(...who).owed },
    tier: { key: found.tier, progress: reached, next: above && { key: above.key, missing: above.threshold - reached } },
    rewards: programme.rewards.map((reward) => ({
      ...reward,
      affordable: reward.points <= held.available,
      missing: Math.max(0, reward.points - held.available),
    })),
    codes: codes.all(...who).map((code) => ({
      id: String(code.redemption_id),
      state: code.state,
      cost: Number(code.points),
      code: code.code,
      name: JSON.parse(code.reward).name,
      expires_at: time(code.expires_at),
    })),
    survey: asked ? { order: String(asked.order_id), order_name: asked.name } : null,
    programme: { version: programme.version, currency: programme.currency, earning: programme.earning, tiers: programme.tiers },
  });
});
app.get('/proxy/history', async (request, response) => {
  const who = await visitor(request);
  if (who === null) return response.status(401).json({ error: { code: 'invalid_signature' } });
  const lines = entries.all(...who).map((row) => ({
    id: row.id,
    kind: row.kind,
    points: row.points,
    at: time(row.occurred_at),
    order: row.name,
    why: JSON.parse(row.why),
  }));
  response.set('Cache-Control', 'no-store').json({ lines, next: lines.length === 20 ? lines.at(-1).id : null });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
