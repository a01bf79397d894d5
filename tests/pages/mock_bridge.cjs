// Starts the independent mock of Shopify's admin and prints its port; its settings come as JSON in argv.
const http = require("node:http");
const { MockShopifyAdminServer } = require("@getverdict/mock-bridge");

const admin = new MockShopifyAdminServer(JSON.parse(process.argv[2]));
// Its own start() listens on every interface: here its application alone listens, on this machine only.
const server = http.createServer(admin.app).listen(0, "127.0.0.1", () => {
  admin.config.port = server.address().port;
  process.stdout.write(`${admin.config.port}\n`);
});
