// A page with planted faults: what the tools see of it, as JSON. They must see all of them to be worth asking.
import { faults, withPage } from "./browser.mjs";

const page = `<!doctype html><html><head><title>Planted</title></head><body>
<p style="color:#aaa;background:#fff">grey on white</p><img src="http://127.0.0.1:9/picture.png">
<script>throw new Error("thrown on purpose")</script></body></html>`;

await withPage({}, async (tab, seen) => {
  await tab.goto(`data:text/html,${encodeURIComponent(page)}`);
  console.log(JSON.stringify({ faults: await faults(tab), seen }));
});
