// What Shopify CLI replaces when it bundles.
declare const process: { env: { APP_URL?: string } };
