// Runs Shopify's theme check over the folder named as first argument and prints its offenses as JSON.
import { themeCheckRun } from '@shopify/theme-check-node';

// The checker reports progress on standard output; only our line belongs there.
console.log = console.info = console.error;
const { offenses } = await themeCheckRun(process.argv[2]);
const shown = offenses.map(({ check, message, uri, severity, start }) => ({ check, message, uri, severity, line: start.line + 1 }));
process.stdout.write(JSON.stringify(shown));
