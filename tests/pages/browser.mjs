// A Chromium for the page tests, driven by playwright-core, and axe-core for accessibility.
//
//     import { withPage, faults } from "./browser.mjs";
//     await withPage({ colorScheme: "dark" }, async (page, seen) => { ... });
//
// `seen.requests` are the addresses that the page asked for, `seen.errors` what its scripts threw and what the
// console called an error.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const peers = createRequire(new URL("../../target/peers/npm/package.json", import.meta.url));
const { chromium } = peers("playwright-core");
const axe = peers.resolve("axe-core/axe.min.js");

/** Starts one browser, gives it to `use`, and closes it whatever happens. */
export async function withBrowser(use) {
  const find = fileURLToPath(new URL("chromium", import.meta.url));
  const executablePath = execFileSync(find, { encoding: "utf8" }).trim();
  const browser = await chromium.launch({ executablePath, headless: true });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** Opens one page in a fresh context of `options` (see playwright's newContext), in `browser` or in one of its own. */
export async function withPage(options, use, browser) {
  if (!browser) return withBrowser((own) => withPage(options, use, own));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], errors: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("websocket", (socket) => seen.requests.push(socket.url()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  try {
    return await use(page, seen);
  } finally {
    await context.close();
  }
}

/**
 * What axe-core finds: `{ impact, rule, help, where }` of each fault. It runs in the page's own main world through
 * the debugger, which a Content-Security-Policy does not hold up. Needs a context that may run scripts.
 */
export async function faults(page, rules = {}) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source());
  const result = await page.evaluate((given) => globalThis.axe.run(document, given), { rules });
  return result.violations.flatMap((rule) =>
    rule.nodes.map((node) => ({
      impact: rule.impact,
      rule: rule.id,
      help: rule.help,
      where: node.target.flat().join(" "),
      why: node.any.concat(node.all).map((check) => check.message).join("; "),
    })),
  );
}

let text;
function source() {
  text ??= peers("node:fs").readFileSync(axe, "utf8");
  return text;
}
