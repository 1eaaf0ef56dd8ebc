// Prints what a first visit loads (gzipped) and fails when it passes the budget. Run after `npm run build`.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetKb = 235;
const dist = new URL("../dist/", import.meta.url);
const gzippedKb = (path) => gzipSync(readFileSync(new URL(path, dist))).length / 1000;

const html = readFileSync(new URL("index.html", dist), "utf8");
const first = new Set([...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]));
const files = readdirSync(new URL("assets/", dist)).filter((name) => /\.(js|css)$/.test(name));

let firstKb = gzippedKb("index.html");
for (const name of files) {
  const path = `assets/${name}`;
  const isFirst = first.has(path);
  if (isFirst) firstKb += gzippedKb(path);
  console.log(`${isFirst ? "first " : "later "} ${gzippedKb(path).toFixed(1).padStart(7)} kB  ${path}`);
}
console.log(`first load: ${firstKb.toFixed(1)} kB gzipped (budget ${budgetKb} kB)`);
if (firstKb > budgetKb) process.exit(1);
