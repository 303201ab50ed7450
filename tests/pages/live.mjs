// The live page: `follow URL LAST` notes every row that it ever draws until entry LAST is there, and then how it looks;
// `enter LINK` comes with a token in the link, without one, with a wrong one and with the right one. Prints JSON.
import { faults, withBrowser, withPage } from "./browser.mjs";

const [mode, url, last] = process.argv.slice(2);
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true };
const WALL = { viewport: { width: 1920, height: 1080 }, colorScheme: "dark" };

/** In the page: notes each row of the log as it is drawn, also one that is gone a moment later. */
function note() {
  globalThis.drawn = [];
  const look = (records) => {
    for (const node of records.flatMap((record) => [...record.addedNodes])) {
      if (node.matches?.("#log > li")) globalThis.drawn.push(node.dataset.seq === undefined ? "gap" : Number(node.dataset.seq));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

const text = (page, id) => page.textContent(`#${id}`);
const look = async (page, seen) => ({
  faults: await faults(page),
  wider: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  alarm: await text(page, "alarm"),
  stage: await text(page, "stage"),
  chain: await text(page, "chain"),
  metrics: await text(page, "metrics"),
  turn: await text(page, "turn"),
  sparks: await page.locator("#metrics svg path").count(),
  requests: [...new Set(seen.requests)],
  errors: seen.errors,
});

async function follow(browser) {
  return withPage(WALL, async (page, seen) => {
    await page.addInitScript(note);
    await page.goto(url);
    console.log("looking");
    await page.waitForSelector(`#log > li[data-seq="${last}"]`, { state: "attached", timeout: 120_000 });
    await page.waitForFunction((n) => document.querySelector("#chain").textContent.includes(`Entries${n}`), Number(last) + 1);
    const drawn = await page.evaluate(() => globalThis.drawn);
    const wall = await look(page, seen);
    const phone = await withPage(PHONE, async (small, noted) => {
      await small.goto(url);
      await small.waitForSelector(`#log > li[data-seq="${last}"]`, { state: "attached" });
      return look(small, noted);
    }, browser);
    console.log("changed?");
    // Whoever started this puts another history in the ledger's place now.
    await page.waitForSelector("#alarm:not([hidden])", { timeout: 120_000 });
    const after = await look(page, seen);
    const list = await page.$$eval("#log > li", (rows) => rows.map((row) => Number(row.dataset.seq)));
    return { drawn, wall, phone, after: { ...after, list } };
  }, browser);
}

async function enter(browser) {
  const shown = "#room:not([hidden]) #release";
  const linked = await withPage(PHONE, async (page, seen) => {
    await page.goto(url);
    await page.waitForSelector(shown);
    const [cookie] = await page.context().cookies();
    const reads = await page.evaluate(() => document.cookie);
    await page.reload();
    await page.waitForSelector(shown);
    return { address: page.url(), cookie, reads, requests: seen.requests };
  }, browser);
  const typed = await withPage(PHONE, async (page) => {
    const [plain, token] = url.split("#token=");
    await page.goto(plain);
    await page.waitForSelector("#enter:not([hidden])");
    const before = { text: await page.innerText("body"), faults: await faults(page) };
    await page.fill("#token", "not the token at all");
    await page.click("button");
    await page.waitForSelector("#wrong:not(:empty)");
    const wrong = await page.textContent("#wrong");
    await page.fill("#token", token);
    await page.click("button");
    await page.waitForSelector(shown);
    return { before, wrong };
  }, browser);
  return { linked, typed };
}

console.log(JSON.stringify(await withBrowser(mode === "follow" ? follow : enter)));
