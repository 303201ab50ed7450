// What report pages say of themselves, in one browser: node proof.mjs LIST, where LIST is a JSON file of
// [{ file, roster?, without? }]. `without` is "webcrypto" or "script". Prints for each { state, word, why, requests, errors }.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { withBrowser, withPage } from "./browser.mjs";

const DONE = () => {
  const word = document.getElementById("proof-word");
  return word && (!document.getElementById("proof-ask").hidden || word.dataset.proof === "failed");
};
const SAYS = () => {
  const word = document.getElementById("proof-word");
  return word
    ? { state: word.dataset.proof, word: word.textContent, why: document.getElementById("proof-why").textContent,
        marked: [...document.querySelectorAll("[data-failed]")].map((row) => row.getAttribute("data-e") ?? row.tagName) }
    : { state: "absent" };
};

/** What one page says, in a tab that may have shown others before. */
async function look(page, seen, { file, roster, without }) {
  const address = pathToFileURL(file).href;
  seen.requests.length = seen.errors.length = 0;
  await page.goto(address);
  if (without !== "script") {
    await page.waitForFunction(DONE, null, { timeout: without ? 3000 : 60000 }).catch(() => {});
    if (roster && await page.locator("#proof-ask").last().isVisible()) await page.locator("#proof-roster").last().fill(roster);
  }
  const says = without === "script"
    ? { state: await page.locator("#proof-word").getAttribute("data-proof"), word: await page.locator("#proof-word").textContent() }
    : await page.evaluate(SAYS);
  return { ...says, errors: [...seen.errors], requests: seen.requests.filter((one) => one !== address) };
}

await withBrowser(async (browser) => {
  const wanted = JSON.parse(readFileSync(process.argv[2], "utf8")), said = new Map();
  await withPage({}, async (page, seen) => {
    for (const one of wanted.filter((one) => !one.without)) said.set(one, await look(page, seen, one));
  }, browser);
  for (const one of wanted.filter((one) => one.without)) {
    await withPage({ javaScriptEnabled: one.without !== "script" }, async (page, seen) => {
      if (one.without === "webcrypto") await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
      said.set(one, await look(page, seen, one));
    }, browser);
  }
  console.log(JSON.stringify(wanted.map((one) => said.get(one))));
});
