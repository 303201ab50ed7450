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

async function look(browser, { file, roster, without }) {
  const options = { javaScriptEnabled: without !== "script" };
  return withPage(options, async (page, seen) => {
    if (without === "webcrypto") await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
    const address = pathToFileURL(file).href;
    await page.goto(address);
    if (without === "script") {
      const words = await page.locator("#proof-word").textContent();
      return { state: await page.locator("#proof-word").getAttribute("data-proof"), word: words, ...seen, requests: seen.requests.filter((one) => one !== address) };
    }
    await page.waitForFunction(DONE, null, { timeout: without || !roster ? 3000 : 60000 }).catch(() => {});
    if (roster && await page.locator("#proof-ask").isVisible().catch(() => false)) await page.fill("#proof-roster", roster);
    return { ...await page.evaluate(SAYS), errors: seen.errors, requests: seen.requests.filter((one) => one !== address) };
  }, browser);
}

await withBrowser(async (browser) => {
  const said = [];
  for (const one of JSON.parse(readFileSync(process.argv[2], "utf8"))) said.push(await look(browser, one));
  console.log(JSON.stringify(said));
});
