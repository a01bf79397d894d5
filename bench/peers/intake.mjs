// The peer of the intake: Shopify's Express library validates, the usual driver inserts the same row, durably.
import { createRequire } from 'node:module';
import express from 'express';
import { ApiVersion, shopifyApp } from '@shopify/shopify-app-express';
import { DeliveryMethod, LogSeverity } from '@shopify/shopify-api';

const require = createRequire(import.meta.url);
const url = process.env.DATABASE_URL;
const columns = 'shop_id, webhook_id, topic, api_version, received_at, due_at, body';

// Both engines: a prepared statement that finds the shop's number by its domain, as ours does, and only while it has the app.
function sqlite(path) {
  const Database = require('better-sqlite3');
  const db = new Database(path);
  // The same settings as ours. The driver's own default in WAL mode is NORMAL, which may lose what was acknowledged.
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'wal_autocheckpoint = 10000', 'cache_size = -32768'])
    db.pragma(pragma);
  const insert = db.prepare(
    `INSERT INTO inbox (${columns}) SELECT shop_id, ?, ?, ?, ?, ?, ? FROM shops ` +
      "WHERE domain = ? AND state IN ('installed', 'uninstalled') ON CONFLICT DO NOTHING",
  );
  return async (domain, ...row) => insert.run(...row, domain);
}

async function postgresql(connectionString) {
  const { Pool } = require('pg');
  const pool = new Pool({ connectionString, max: 16, options: '-c synchronous_commit=on' });
  const text =
    `INSERT INTO inbox (${columns}) SELECT shop_id, $2, $3, $4, $5, $6, $7 FROM shops ` +
    "WHERE domain = $1 AND state IN ('installed', 'uninstalled') ON CONFLICT DO NOTHING";
  return (...row) => pool.query({ name: 'insert', text, values: row });
}

const store = url.startsWith('sqlite:///') ? sqlite(url.slice('sqlite:///'.length)) : await postgresql(url);
const shopify = shopifyApp({
  api: {
    apiKey: 'bench',
    apiSecretKey: process.env.SHOPIFY_API_SECRET,
    scopes: ['read_orders'],
    hostScheme: 'https',
    hostName: 'bench.example',
    apiVersion: ApiVersion.July26 ?? Object.values(ApiVersion).at(-1),
    isEmbeddedApp: true,
    logger: { level: LogSeverity.Error },
  },
  auth: { path: '/auth', callbackPath: '/auth/callback' },
  webhooks: { path: '/webhooks' },
});
const handler = {
  deliveryMethod: DeliveryMethod.Http,
  callbackUrl: '/webhooks',
  callback: async (topic, domain, body, webhookId, apiVersion) => {
    const now = Date.now();
    await store(domain, webhookId, topic, apiVersion, now, now, Buffer.from(body));
  },
};
const app = express();
app.post('/webhooks', shopify.processWebhooks({ webhookHandlers: { ORDERS_PAID: handler } }));
app.listen(Number(process.env.PORT), '127.0.0.1');
