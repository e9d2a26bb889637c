/**
 * Measures the frames of "walk" in a report: `node walk.mjs REPORT.html [SECONDS]`. CHROMIUM is the
 * browser's program. Prints the time that the page works on a frame, and the frames in a second.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report = "report.html", seconds = "10"] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.addInitScript(() => {
  const request = window.requestAnimationFrame.bind(window);
  window.frames_ = [];
  window.requestAnimationFrame = (callback) =>
    request((now) => {
      const start = performance.now();
      callback(now);
      window.frames_.push({ now, work: performance.now() - start });
    });
});
await page.goto(pathToFileURL(resolve(report)).href);
await page.locator("#walk").click();
// The first second compiles the networks' code.
await page.waitForTimeout(1000);
await page.evaluate(() => (window.frames_.length = 0));
await page.waitForTimeout(1000 * Number(seconds));
const frames = await page.evaluate(() => window.frames_);
await browser.close();

const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))];
const line = (values) =>
  `median ${percentile(values, 0.5).toFixed(1)} ms, 95th percentile ${percentile(values, 0.95).toFixed(1)} ms`;
const intervals = frames.slice(1).map(({ now }, i) => now - frames[i].now);
const span = frames.at(-1).now - frames[0].now;
console.log(`work on a frame: ${line(frames.map(({ work }) => work))}`);
console.log(`between frames:  ${line(intervals)}`);
console.log(
  `${frames.length} frames in ${(span / 1000).toFixed(1)} s: ${((1000 * intervals.length) / span).toFixed(1)} a second`,
);
