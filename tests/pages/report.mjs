// What a report's page is, on a wide screen, in the dark, on a phone, on paper, and without scripts, as JSON.
//
//     node report.mjs report.html [folder for screenshots]
import path from "node:path";
import { pathToFileURL } from "node:url";
import { faults, withBrowser, withPage } from "./browser.mjs";

const [file, pictures] = process.argv.slice(2);
const WAYS = {
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
  plain: { javaScriptEnabled: false },
};

/** How far the page is wider than its window, and what of it stands out. */
function beyond() {
  const wide = [...document.body.querySelectorAll("*")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 1 && !one.closest(".scroll") && !one.closest("svg");
  });
  const by = document.documentElement.scrollWidth - innerWidth;
  return { by, what: wide.slice(0, 5).map((one) => `${one.tagName}.${one.className}`) };
}

/** Words of pictures that are cut off by the picture's edge. */
function cut() {
  return [...document.querySelectorAll("figure svg text")].flatMap((text) => {
    const [box, frame] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
    const inside = box.left >= frame.left - 4 && box.right <= frame.right + 4 && box.top >= frame.top - 4;
    return box.width === 0 || inside ? [] : [text.textContent];
  });
}

const seen = await withBrowser(async (browser) => {
  const all = {};
  for (const [name, options] of Object.entries(WAYS)) {
    all[name] = await withPage(options, async (page, log) => {
      await page.goto(pathToFileURL(path.resolve(file)).href);
      const found = { title: await page.title(), text: (await page.innerText("main")).length };
      if (options.javaScriptEnabled !== false) {
        await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
        Object.assign(found, { faults: await faults(page), beyond: await page.evaluate(beyond), cut: await page.evaluate(cut) });
        await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = false)));
      }
      if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`) });
      if (name === "light") {
        for (const format of ["A4", "Letter"]) {
          const pdf = await page.pdf({ format, path: pictures && path.join(pictures, `${format}.pdf`) });
          found[format] = pdf.length;
        }
      }
      return { ...found, ...log };
    }, browser);
  }
  return all;
});
console.log(JSON.stringify(seen));
