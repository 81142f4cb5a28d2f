// Prints the fixed texts of the browser's modules below a folder, as JSON: [{file, line, text}]. What is filled in is "…".
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const [folder] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
const found = files.flatMap((name) => literals(join(folder, name)));
process.stdout.write(JSON.stringify(found));

function literals(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const texts = [];
  const visit = (node) => {
    const text = textOf(node);
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    if (text !== null && !ts.isImportDeclaration(node.parent)) texts.push({ file, line: line + 1, text });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

function textOf(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join("");
}
