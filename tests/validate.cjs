// Judges documents by html-validate, one JSON string a line in, one JSON list of sentences a line out, until the input ends.
const { HtmlValidate } = require("html-validate");
const readline = require("node:readline");

// Shopify's components (test_admin_markup.py holds them against their types) and ours: anything else is a slip of the pen.
const NAMES = `s-app-nav s-badge s-banner s-button s-link s-number-field s-option s-page s-section s-select s-table s-table-body
  s-table-cell s-table-header s-table-header-row s-table-row s-text-area s-text-field regulars-launcher regulars-points`;
const components = Object.fromEntries(NAMES.split(/\s+/).map((name) => [name, { flow: true, phrasing: true }]));

const judge = new HtmlValidate({
  root: true,
  // The standard's own rules, those for people with assistive technology, and those for whole documents. What is left out
  // is taste: quotes, spaces, letter case.
  extends: ["html-validate:standard", "html-validate:a11y", "html-validate:document"],
  elements: ["html5", components],
  rules: {
    "no-unknown-elements": "error",
    // A component that stands in a table's place has its role; the other elements are to be native ones.
    "prefer-native-element": ["error", { exclude: ["cell", "columnheader", "row", "rowgroup", "table"] }],
    // Shopify wants App Bridge and the components unpinned from its own address, whose stand-ins the development shop serves.
    "require-sri": ["error", { target: "crossorigin", exclude: ["https://cdn.shopify.com/", "http://127.0.0.1:"] }],
  },
});
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const report = judge.validateStringSync(JSON.parse(line));
  const said = report.results.flatMap((one) => one.messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
  process.stdout.write(`${JSON.stringify(said)}\n`);
});
