// What a report page's script makes of rows that say something else: node rows.mjs FILE. Each digit and each word of
// each row is replaced once, in the page as it is open, and that row judged again. Prints
// { tried, before: what it says of the page as it is, missed: replacements that it took }.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withPage } from "./browser.mjs";

const END = "tell(page);\n})();";
// The script's own functions, handed out: a page whose script was changed is what nobody should trust.
const OPEN = `globalThis.judged = (row) => {
  failures.length = 0;
  try {
    if (!row) judgeRows(page);
    else judgeEach(page, [row]);
    const id = row?.getAttribute("data-item") ?? (row?.getAttribute("data-r") === "approval" ? page.of(row).body.item : undefined);
    if (id) judgeTitle(page, row, null, id);
  } catch (error) { failures.push(error.message); }
  return [...failures];
};
`;

function replaceAll() {
  const ROWS = "[data-e], [data-item]", WORDS = ["done", "failed", "pass", "Blue", "Green", "withdrawn", "alice", "not"];
  const before = globalThis.judged(), missed = [];
  let tried = 0;
  for (const row of document.querySelectorAll(ROWS)) {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest(`${ROWS}, .issue`) !== row) continue;
      const was = node.data;
      for (const { 0: piece, index } of was.matchAll(/\d|\p{L}+/gu)) {
        const other = /\d/.test(piece) ? String((Number(piece) + 1 + (tried % 9)) % 10) : WORDS.filter((one) => one !== piece)[tried % 7];
        node.data = was.slice(0, index) + other + was.slice(index + piece.length);
        tried += 1;
        if (!globalThis.judged(row).length) missed.push(`${was.trim()} -> ${node.data.trim()}`);
      }
      node.data = was;
    }
  }
  return { tried, before, missed };
}

const folder = mkdtempSync(join(tmpdir(), "aether-audit-rows-"));
try {
  const text = readFileSync(process.argv[2], "utf8"), copy = join(folder, "report.html");
  if (!text.includes(END)) throw Error("the script does not end as it did");
  writeFileSync(copy, text.replace(END, () => OPEN + END).replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""));
  await withPage({}, async (page) => {
    await page.goto(pathToFileURL(copy).href);
    await page.waitForFunction(() => globalThis.judged, null, { timeout: 120000 });
    console.log(JSON.stringify(await page.evaluate(replaceAll)));
  });
} finally {
  rmSync(folder, { recursive: true });
}
