/**
 * Drives a browser through the reports in the folder REPORTS: `modern.html`, `conditional.html`,
 * `gaussian.html`, `training.html` and `compare.html`. CHROMIUM is the browser's program. Writes
 * the ten digits of `digits.json`, as the page sees them, to `drawn.json` in the same folder.
 */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const folder = process.env.REPORTS;
const axe = readFileSync(new URL(import.meta.resolve("axe-core")), "utf8");
const digits = JSON.parse(readFileSync(new URL("digits.json", import.meta.url), "utf8"));
const file = (name) => join(folder, `${name}.html`);

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
});
after(() => browser?.close());

/** Opens a report and runs `body`. Fails on console errors and on requests. */
async function open(name, body, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
    permissions: options.javaScriptEnabled === false ? [] : ["clipboard-read", "clipboard-write"],
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const [errors, requests] = [[], []];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  const address = pathToFileURL(file(name)).href;
  page.on("request", (request) => {
    const url = request.url();
    if (url.split("#")[0] !== address && !/^(data|blob):/.test(url)) requests.push(url);
  });
  await page.goto(address, { timeout: 120_000 });
  try {
    await body(page);
    assert.deepEqual(errors, [], "console");
    assert.deepEqual(requests, [], "requests");
  } finally {
    await context.close();
  }
}

const pixels = (page, id) =>
  page.evaluate((id) => {
    const canvas = document.getElementById(id);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
  }, id);
const text = (page, id) => page.locator(`#${id}`).textContent();

/** Draws strokes with points from 0 to 1 on the pad, by pointer events. */
async function draw(page, strokes) {
  await page.locator("#pad").scrollIntoViewIfNeeded();
  const box = await page.locator("#pad").boundingBox();
  const place = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...place(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...place(point), { steps: 2 });
    await page.mouse.up();
  }
  await page.waitForFunction(() => document.getElementById("verdict").textContent.includes("%"));
}

test("slider and play button show the snapshots and move the cursors", () =>
  open("modern", async (page) => {
    const last = await pixels(page, "frames");
    await page.locator("#step").focus();
    await page.keyboard.press("Home");
    assert.equal(await text(page, "step-name"), "step 0");
    const first = await pixels(page, "frames");
    assert.notDeepEqual(first, last);
    const cursor = () => page.locator("#loss .cursor").getAttribute("d");
    assert.equal(await cursor(), "M0 0V300");
    await page.locator("#play").click();
    await page.waitForFunction(() => document.getElementById("play").textContent === "Play");
    assert.notEqual(await cursor(), "M0 0V300");
    assert.deepEqual(await pixels(page, "frames"), last);
  }));

test("the generator follows the sliders, the group, the buttons and the walk", () =>
  open("modern", async (page) => {
    const seen = [await pixels(page, "made")];
    const changed = async () => {
      const now = await pixels(page, "made");
      for (const before of seen) assert.notDeepEqual(now, before);
      seen.push(now);
    };
    await page.locator("#sliders input").first().focus();
    await page.keyboard.press("End");
    await changed();
    const group = page.locator("#choice input:not(:checked)").first();
    await group.check({ force: true });
    await changed();
    await page.locator("#random").click();
    await changed();
    await page.locator("#walk").click();
    await page.waitForFunction(() => document.getElementById("pace").textContent, null, {
      timeout: 180_000,
    });
    console.log(`walk: ${await text(page, "pace")}`);
    await page.locator("#walk").click();
    await changed();
    assert.equal(await page.locator("#walk").getAttribute("aria-pressed"), "false");
    const download = page.waitForEvent("download");
    await page.locator("#save").click();
    const saved = await (await download).path();
    assert.equal(readFileSync(saved).subarray(1, 4).toString(), "PNG");
  }));

test("the digit of a conditional run selects the image", () =>
  open("conditional", async (page) => {
    assert.equal(await page.locator("#choice legend").textContent(), "Digit");
    await page.locator("#choice input[value='3']").check({ force: true });
    const three = await pixels(page, "made");
    await page.locator("#choice input[value='7']").check({ force: true });
    assert.notDeepEqual(await pixels(page, "made"), three);
    await draw(page, digits[7]);
    assert.match(await text(page, "verdict"), /It fits best as \d/);
    await page.locator("#claim input[value='1']").check({ force: true });
    assert.doesNotMatch(await text(page, "verdict"), /fits best/);
  }));

test("drawings are scaled into 20x20 pixels and centered, and get a verdict", () =>
  open("modern", async (page) => {
    const drawn = {};
    for (const [digit, strokes] of Object.entries(digits)) {
      await page.locator("#clear").click();
      await draw(page, strokes);
      const image = await pixels(page, "seen");
      const lit = image.flatMap((value, i) => (value > 40 ? [[i % 28, Math.floor(i / 28)]] : []));
      for (const axis of [0, 1]) {
        const values = lit.map((place) => place[axis]);
        const length = Math.max(...values) - Math.min(...values) + 1;
        assert.ok(length <= 21, `${digit}: ${length} pixels`);
        const mass = image.reduce((sum, value) => sum + value, 0);
        const place = (i) => (axis ? Math.floor(i / 28) : i % 28) + 0.5;
        const mean = image.reduce((sum, value, i) => sum + value * place(i), 0) / mass;
        assert.ok(Math.abs(mean - 14) < 0.3, `${digit}: center at ${mean}`);
      }
      drawn[digit] = image;
    }
    const verdict = /More convincing than \d+% of real digits and \d+% of generated ones/;
    assert.match(await text(page, "verdict"), verdict);
    assert.match(await page.locator("#verdicts .cursor").getAttribute("d"), /^M[\d.]+ 0V300$/);
    await page.locator("#let-g").click();
    assert.match(await text(page, "verdict"), verdict);
    await page.locator("#undo").click();
    assert.match(await text(page, "verdict"), /Draw a digit/);
    writeFileSync(join(folder, "drawn.json"), JSON.stringify(drawn));
  }));

test("ten rounds of the game count both scores", () =>
  open("modern", async (page) => {
    for (let played = 1; played <= 10; played++) {
      assert.equal(await text(page, "round"), `Image ${played} of 10`);
      await page.locator(played % 2 ? "#say-real" : "#say-fake").click();
      assert.match(await text(page, "answer"), /^(Right|Wrong)\. /);
      const score = new RegExp(`You: \\d+ of ${played}\\. The discriminator: \\d+ of ${played}\\.`);
      assert.match(await text(page, "score"), score);
      if (played === 10) assert.equal(await text(page, "next"), "Play again");
      await page.locator("#next").click();
    }
    assert.equal(await text(page, "round"), "Image 1 of 10");
  }));

test("copy buttons copy the commands", () =>
  open("modern", async (page) => {
    const command = page.locator("#reproduce .command").first();
    await command.locator(".copy").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await command.locator("code").textContent());
    assert.match(copied, /^cargo xtask train --preset modern/);
    assert.match(await text(page, "copied"), /Copied/);
  }));

test("every control is reached and operated by keyboard", () =>
  open("modern", async (page) => {
    const reached = new Set();
    const group = () =>
      page.evaluate(() => document.activeElement.id || document.activeElement.name || "");
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press("Tab");
      const name = await group();
      reached.add(name);
      if (name === "pad") {
        await page.keyboard.press("Space");
        for (let n = 0; n < 8; n++) await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Space");
        await page.waitForFunction(() =>
          document.getElementById("verdict").textContent.includes("%"),
        );
      }
      if (name === "say-real") {
        await page.keyboard.press("Enter");
        assert.match(await text(page, "answer"), /^(Right|Wrong)/);
        assert.equal(await group(), "next");
        reached.add("next");
      }
    }
    const controls = ["play", "step", "random", "walk", "save", "choice", "pad", "clear", "undo"];
    for (const control of [...controls, "let-g", "say-real", "next"]) {
      assert.ok(reached.has(control), `no focus on ${control}`);
    }
  }));

test("gaussian shows densities over the steps", () =>
  open("gaussian", async (page) => {
    const path = (chart, n) => page.locator(`#${chart} .line`).nth(n).getAttribute("d");
    const last = [await path("density", 1), await path("belief", 1)];
    await page.locator("#step").focus();
    await page.keyboard.press("Home");
    assert.notEqual(await path("density", 1), last[0]);
    assert.notEqual(await path("belief", 1), last[1]);
    assert.match(await page.locator("#value strong").textContent(), /Value of the game: [−-]?\d/);
    await page.keyboard.press("End");
    assert.equal(await path("density", 1), last[0]);
  }));

test("a page in training reloads itself and keeps the slider", () =>
  open("training", async (page) => {
    assert.match(await text(page, "live-note"), /in training/);
    await page.locator("#step").focus();
    await page.keyboard.press("Home");
    const step = await text(page, "step-name");
    await page.evaluate(() => (window.old = true));
    await page.waitForFunction(() => !window.old, null, { timeout: 60_000 });
    assert.equal(await text(page, "step-name"), step);
  }));

test("a finished page does not reload", () =>
  open("modern", async (page) => {
    await page.evaluate(() => (window.old = true));
    await page.waitForTimeout(11_000);
    assert.ok(await page.evaluate(() => window.old));
  }));

for (const name of ["modern", "conditional", "gaussian", "training"]) {
  test(`${name} is readable without script`, () =>
    open(
      name,
      async (page) => {
        assert.equal(await page.locator(".live:visible").count(), 0);
        assert.equal(await page.locator("button:visible").count(), 0);
        const kind = name === "gaussian" ? ".moments .chart" : ".strip img";
        assert.ok((await page.locator(`#noise ${kind}`).count()) > 1);
        assert.match(await page.locator("#reproduce code").first().textContent(), /cargo xtask/);
      },
      { javaScriptEnabled: false },
    ));

  test(`${name} has at most 8 MB`, () => {
    assert.ok(statSync(file(name)).size <= 8 << 20);
  });
}

for (const name of ["modern", "conditional", "gaussian", "compare"]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 360]) {
      test(`${name} is accessible and fits ${width} pixels, ${colorScheme}`, () =>
        open(
          name,
          async (page) => {
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            assert.equal(overflow, 0, "scrolls sideways");
            await page.evaluate(() => {
              for (const details of document.querySelectorAll("details")) details.open = true;
            });
            await page.evaluate(axe);
            const { violations } = await page.evaluate(() => axe.run());
            const serious = violations.filter(({ impact }) => /serious|critical/.test(impact));
            const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html)}`);
            assert.deepEqual(told, []);
            if (process.env.SCREENSHOTS) {
              const path = join(process.env.SCREENSHOTS, `${name}-${width}-${colorScheme}.png`);
              await page.screenshot({ path, fullPage: true });
            }
          },
          { colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" },
        ));
    }
  }
}
