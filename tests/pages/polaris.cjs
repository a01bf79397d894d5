// Prints every Polaris element with its attributes as Shopify's own types have them: a list of allowed values, or null.
const ts = require("typescript");
const [polaris, bridge] = process.argv.slice(2);
const NAME = "/regulars-check.ts";
const TEXT = `import "${polaris}"; export type Elements = HTMLElementTagNameMap; export type Base = HTMLElement;`;
const host = ts.createCompilerHost({});
const plain = host.getSourceFile;
host.getSourceFile = (name, ...rest) => (name === NAME ? ts.createSourceFile(NAME, TEXT, ts.ScriptTarget.ES2022, true) : plain(name, ...rest));
const options = { target: 99, lib: ["lib.es2022.d.ts", "lib.dom.d.ts"], skipLibCheck: true, types: [] };
const program = ts.createProgram([NAME], options, host);
const checker = program.getTypeChecker();
const source = program.getSourceFile(NAME);
const literals = (type) => (type.isUnion() ? type.types : [type]).map((one) => (one.isStringLiteral() ? one.value : null));
const found = {};
ts.forEachChild(source, (node) => {
  if (!ts.isTypeAliasDeclaration(node) || node.name.text !== "Elements") return;
  for (const element of checker.getTypeAtLocation(node).getProperties()) {
    if (!element.name.startsWith("s-")) continue;
    found[element.name] = {};
    for (const one of checker.getTypeOfSymbolAtLocation(element, source).getProperties()) {
      const file = one.declarations?.[0]?.getSourceFile().fileName ?? "";
      const type = checker.getTypeOfSymbolAtLocation(one, source);
      if (!file.includes("polaris") || type.getCallSignatures().length || one.name.startsWith("__")) continue;
      const values = literals(type);
      found[element.name][one.name.toLowerCase()] = values.includes(null) ? null : values;
    }
  }
});
const fs = require("fs");
// App Bridge owns the navigation; its types name the tag and nothing we set on it.
if (fs.readFileSync(bridge, "utf8").includes("'s-app-nav'")) found["s-app-nav"] = {};
process.stdout.write(JSON.stringify(found));
