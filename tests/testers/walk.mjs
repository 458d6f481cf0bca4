// Walk through the page for testers as people do: keyboard only, mouse, without script, two at once, a browser that dies.
// Usage: node walk.mjs BROWSER LINK FOLDER   (FOLDER holds afdruk.png and groot.pdf of 1 GB, and receives screenshots)
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const [executablePath, link, folder] = process.argv.slice(2);
const home = new URL("/", link).href;
const png = readFileSync(`${folder}/afdruk.png`);
const launch = () => chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
let wrong = 0;
let browser = await launch();

const tell = (...words) => {
  wrong += 1;
  console.log(...words);
};
const expect = (holds, ...words) => holds || tell("expected:", ...words);

async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "nl-NL", ...options });
  await context.route("**", (route) => {
    if (!route.request().url().startsWith(home)) tell("request left the page:", route.request().url());
    route.continue();
  });
  const page = await context.newPage();
  page.on("console", (m) => m.type() === "error" && !/status of 4\d\d/.test(m.text()) && tell("console:", m.text()));
  page.on("pageerror", (error) => tell("script:", error.message));
  return page;
}

async function introduce(page, url, name, work) {
  await page.goto(url);
  await page.waitForURL("**/me");
  await page.fill("#by", name);
  await page.fill("#function", work);
  await page.click("button.primary");
  await page.waitForURL(home);
}

async function invitation(page) {
  await page.goto(home);
  await page.click("form[action='/invite'] button");
  return page.textContent("#link");
}

async function tabTo(page, selector) {
  for (let n = 0; n < 120; n += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return;
  }
  tell("not reached by keyboard:", selector);
}

const saved = (page) => page.waitForFunction(() => /bewaard om/.test(document.getElementById("status").textContent));
const kept = (page, count) => page.waitForFunction((n) => document.querySelectorAll("#kept li").length === n, count);

async function looked(page, name, languages = ["nl"]) {
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(over <= 0, name, width, "wider than the screen by", over);
    await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
    await page.evaluate(axe);
    const { violations } = await page.evaluate((only) => window.axe.run(document, { runOnly: only }), rules);
    for (const { id, impact, nodes } of violations) tell(name, width, id, impact, nodes[0].html.slice(0, 200));
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

// Keyboard only: from the link to a recorded statement with a screenshot
const anna = await person();
await anna.goto(link);
await anna.waitForURL("**/me");
expect(!(await anna.evaluate(() => location.href)).includes("token"), "the token out of the address");
await tabTo(anna, "#by");
await anna.keyboard.type("Anna Jansen");
await tabTo(anna, "#function");
await anna.keyboard.type("tester");
await tabTo(anna, "input[value=projectleider]");
await anna.keyboard.press("Space");
await tabTo(anna, "button.primary");
await anna.keyboard.press("Enter");
await anna.waitForURL(home);
await tabTo(anna, ".first a");
await anna.keyboard.press("Enter");
await anna.waitForSelector("form.say");
const first = anna.url();
await tabTo(anna, "input[name=verdict]");
await anna.keyboard.press("Space");
await tabTo(anna, "#statement");
await anna.keyboard.type("Vier accounts ontvangen op 20 november.");
await tabTo(anna, "#files");
const [chooser] = await Promise.all([anna.waitForEvent("filechooser"), anna.keyboard.press("Space")]);
await chooser.setFiles({ name: "afdruk.png", mimeType: "image/png", buffer: png });
await kept(anna, 1);
await tabTo(anna, "button[value=attest]");
await anna.keyboard.press("Enter");
await anna.waitForSelector("#told");
expect(/vastgelegd: geslaagd/.test(await anna.textContent("#told")), "recorded by keyboard");
expect(anna.url() !== first, "the next step after recording");

// Enter in a text field saves a draft, and nothing more
const second = anna.url();
await anna.fill("#statement", "Halverwege getypt");
await anna.focus("#by");
await anna.keyboard.press("Enter");
await saved(anna);
expect(anna.url() === second, "Enter stays on the page");

// Dragging, pasting, refusing
const drop = (files) =>
  anna.evaluate((list) => {
    const data = new DataTransfer();
    for (const [name, text] of list) data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    document.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);
await drop([["gesleept.png", png.toString("base64")], ["x.svg", btoa("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")]]);
await kept(anna, 1);
expect(/SVG met een script/.test(await anna.textContent("#refusals")), "the SVG is refused");
await anna.evaluate((text) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), "x"], "image.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, png.toString("base64"));
await anna.waitForTimeout(600);
expect((await anna.locator("#kept li").count()) === 1, "the same picture is kept once");
await anna.setInputFiles("#files", { name: "te-groot.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(21 << 20, "%PDF-") });
await anna.waitForFunction(() => /groter dan 20 MB/.test(document.getElementById("refusals").textContent));
await anna.setInputFiles("#files", { name: "mail.txt", mimeType: "text/plain", buffer: Buffer.from("Over 999990019 gesproken.") });
await kept(anna, 2);
expect(/gemaskeerd/.test(await anna.textContent("#notes")), "the masked number is told");
await anna.screenshot({ path: `${folder}/form-1280.png`, fullPage: true });
await anna.click("#kept li:last-child button");
await kept(anna, 1);
expect((await anna.locator("#kept img").evaluate((img) => img.naturalWidth)) > 0, "the preview is shown");

// The browser dies half way; the words and the picture are there again, for the same name
await anna.fill("#statement", "Halverwege getypt, en verder");
await saved(anna);
await anna.waitForTimeout(1200);
const invited = await (async () => {
  const other = await anna.context().newPage();
  const found = await invitation(other);
  await other.close();
  return found;
})();
await browser.close();
browser = await launch();
const again = await person();
await introduce(again, invited, "Anna Jansen", "tester");
await again.goto(second);
expect((await again.inputValue("#statement")) === "Halverwege getypt, en verder", "the draft after the browser died");
expect((await again.locator("#kept li").count()) === 1, "its picture too");

// Two at once
const bart = await person();
await introduce(bart, await invitation(again), "Bart de Wit", "projectleider");
await again.goto(second);
await bart.goto(second);
expect(/Anna Jansen werkt ook aan deze stap/.test(await bart.textContent("main")), "the other is seen at work");
await bart.check("input[value=pass]");
await bart.fill("#statement", "Bart was er al.");
await bart.click("button[value=attest]");
await bart.waitForSelector("#told");
await again.fill("#statement", "Anna typt verder");
await again.waitForFunction(() => /Bart de Wit .* intussen vastgelegd/.test(document.getElementById("status").textContent));
await again.check("input[value=warn]");
await again.click("button[value=attest]");
await again.waitForSelector("#faster");
expect((await again.inputValue("#statement")) === "Anna typt verder", "no word lost");
await again.context().close();

// Without script
const plain = await person({ javaScriptEnabled: false });
await introduce(plain, await invitation(bart), "Carla", "gebruiker");
await plain.click(".first a");
await plain.setInputFiles("#files", [{ name: "afdruk.png", mimeType: "image/png", buffer: Buffer.concat([png]) }]);
await plain.click("button.nojs");
expect((await plain.locator("#kept li").count()) === 1, "a file added without script");
await plain.setInputFiles("#files", `${folder}/groot.pdf`);
await plain.click("button.nojs");
expect(/hoogstens 20 MB/.test(await plain.textContent("main")), "a gigabyte is refused in a sentence");
await plain.goto(`${home}`);
await plain.click(".first a");
expect((await plain.locator("#kept li").count()) === 1, "the draft is untouched by the refusal");
await plain.check("input[value=pass]");
await plain.fill("#statement", "Zonder script vastgelegd.");
await plain.click("button[value=attest]");
expect(/is vastgelegd: geslaagd/.test(await plain.textContent("main")), "recorded without script");
await plain.context().close();

// Every page, looked at and held to axe
const eye = await person({ bypassCSP: true });
await eye.goto(await invitation(bart));
await eye.waitForURL("**/me");
await looked(eye, "me");
await introduce(eye, `${home}me`, "Dirk", "technisch specialist");
await looked(eye, "board");
await eye.goto(second);
await looked(eye, "step");
await eye.setInputFiles("#files", { name: "afdruk.png", mimeType: "image/png", buffer: png });
await kept(eye, 1);
await eye.click("details summary");
await eye.click("button[value=attest]");
await eye.waitForSelector("#wrongs");
expect(await eye.evaluate(() => document.activeElement.id === "wrongs"), "focus on what is wrong");
await looked(eye, "wrong");
await bart.goto(second);
await bart.check("input[value=fail]");
await bart.fill("#statement", "Toch niet goed.");
await bart.click("button[value=attest]");
await bart.waitForSelector("#told");
await eye.check("input[value=pass]");
await eye.fill("#statement", "Dirk zegt van wel.");
await eye.click("button[value=attest]");
await eye.waitForSelector("#faster");
await looked(eye, "faster");
await eye.click("button[value=attest]");
await eye.waitForSelector("#told");
await looked(eye, "told");
await eye.goto(`${home}step/tvs-cluster/TC-9a`);
await looked(eye, "production");
await eye.goto(home);
await eye.click("a[href='/declare']");
await looked(eye, "declare");
await eye.fill("#by", "");
await eye.click("button.primary");
await eye.waitForSelector("#wrongs");
await looked(eye, "declare-wrong");
await eye.fill("#by", "Dirk");
await eye.click("button.primary");
await eye.waitForSelector("#told");
await looked(eye, "declared");
await invitation(eye);
await looked(eye, "invite");
await eye.goto(`${home}nergens`);
await looked(eye, "refused");
await eye.goto(`${home}me`);
await eye.check("input[value=en]");
await eye.click("button.primary");
await looked(eye, "board-en");
await eye.goto(second);
await looked(eye, "step-en");
await eye.goto(`${home}report`);
expect(/Chain test/.test(await eye.textContent("body")), "the report as it stands");
await browser.close();
process.exit(wrong ? 1 : 0);
