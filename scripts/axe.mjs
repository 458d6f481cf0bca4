// Run axe-core over report pages at three widths and in print; also: no request, no console message, no overflow.
// Usage: node scripts/axe.mjs BROWSER FILE…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const views = [[390, "screen"], [768, "screen"], [1280, "screen"], [720, "print"]];
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const [executablePath, ...files] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
let wrong = 0;

function tell(...words) {
  wrong += 1;
  console.log(...words);
}

for (const file of files) {
  for (const [width, media] of views) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, bypassCSP: true });
    page.on("console", (message) => tell(file, width, "console:", message.text()));
    page.on("request", (request) => request.url().startsWith("file:") || tell(file, width, "request:", request.url()));
    await page.emulateMedia({ media });
    await page.goto(`file://${file}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) tell(file, width, media, "wider than the screen by", overflow);
    await page.addScriptTag({ content: axe });
    const { violations } = await page.evaluate((only) => axe.run(document, { runOnly: only }), rules);
    for (const { id, impact, nodes } of violations) tell(file, width, media, id, impact, nodes[0].html.slice(0, 160));
    await page.close();
  }
}
await browser.close();
process.exit(wrong ? 1 : 0);
