// A page from a file, in one scheme and at one width: what is wrong with it, as JSON.
// Usage: node static.mjs FILE light|dark WIDTH [SCREENSHOT.png]
import { pathToFileURL } from "node:url";
import { faults, withPage } from "./browser.mjs";

const [file, colorScheme, width, picture] = process.argv.slice(2);
await withPage({ colorScheme, viewport: { width: Number(width), height: 900 } }, async (tab, seen) => {
  await tab.goto(pathToFileURL(file).href);
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (picture) await tab.screenshot({ path: picture, fullPage: true });
  console.log(JSON.stringify({ faults: await faults(tab), seen, wide }));
});
