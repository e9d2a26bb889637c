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
/** The pages that several tests share, by name. */
const shared = new Map();
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
});
after(() => browser?.close());

/** Loads a report in a new page. `prepare` gets the page before that. */
async function load(name, options = {}, prepare = () => {}) {
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
  await prepare(page);
  await page.goto(address, { timeout: 120_000 });
  return { page, errors, requests };
}

/** Runs `body` on a loaded report. Fails on console errors and on requests. */
async function operate({ page, errors, requests }, body) {
  await body(page);
  assert.deepEqual(errors, [], "console");
  assert.deepEqual(requests, [], "requests");
}

/** Runs `body` on a report of its own. */
async function open(name, body, options, prepare) {
  const loaded = await load(name, options, prepare);
  try {
    await operate(loaded, body);
  } finally {
    await loaded.page.context().close();
  }
}

/** Runs `body` on a report that other tests use too, as loading takes longer than most tests. */
async function share(name, body) {
  if (!shared.has(name)) shared.set(name, await load(name));
  await operate(shared.get(name), body);
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
    for (const point of rest) await page.mouse.move(...place(point));
    await page.mouse.up();
  }
  await page.waitForFunction(() => document.getElementById("result").textContent.includes("%"));
}

test("slider and play button show the snapshots and move the cursors", () =>
  share("modern", async (page) => {
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
  share("modern", async (page) => {
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
  share("conditional", async (page) => {
    assert.equal(await page.locator("#choice legend").textContent(), "Digit");
    await page.locator("#choice input[value='3']").check({ force: true });
    const three = await pixels(page, "made");
    await page.locator("#choice input[value='7']").check({ force: true });
    assert.notDeepEqual(await pixels(page, "made"), three);
    await draw(page, digits[7]);
    assert.match(await text(page, "result"), /It fits best as \d/);
    await page.locator("#claim input[value='1']").check({ force: true });
    assert.doesNotMatch(await text(page, "result"), /fits best/);
  }));

test("drawings are scaled into 20x20 pixels and centered, and get a result", () =>
  share("modern", async (page) => {
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
    const result = /More convincing than \d+% of real digits and \d+% of generated ones/;
    assert.match(await text(page, "result"), result);
    assert.match(await page.locator("#logits .cursor").getAttribute("d"), /^M[\d.]+ 0V300$/);
    await page.locator("#let-g").click();
    assert.match(await text(page, "result"), result);
    await page.locator("#undo").click();
    assert.match(await text(page, "result"), /Draw a digit/);
    writeFileSync(join(folder, "drawn.json"), JSON.stringify(drawn));
  }));

test("ten rounds of the game count both scores", () =>
  share("modern", async (page) => {
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
  share("modern", async (page) => {
    const command = page.locator("#reproduce .command").first();
    await command.locator(".copy").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await command.locator("code").textContent());
    assert.match(copied, /^cargo xtask train --preset modern/);
    assert.match(await text(page, "copied"), /Copied/);
  }));

test("every control is reached in reading order, shows its focus and is operated by keyboard", () =>
  share("modern", async (page) => {
    const focused = () =>
      page.evaluate(() => {
        const focus = document.activeElement;
        const { top, bottom } = focus.getBoundingClientRect();
        // A chip shows the focus of its radio button, which is transparent.
        const outlined = [focus, focus.closest("label:has(canvas)")].some((element) => {
          const { outlineStyle, outlineWidth, opacity } = getComputedStyle(element ?? focus);
          return opacity > 0 && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
        });
        return {
          name: focus.id || focus.name || focus.className || focus.localName,
          place: [...document.querySelectorAll("*")].indexOf(focus),
          outlined,
          visible: bottom > 0 && top < innerHeight,
        };
      });
    await page.locator(".skip").focus();
    const reached = new Set();
    for (let i = 0, last = -1; i < 120; i++) {
      await page.keyboard.press("Tab");
      const { name, place, outlined, visible } = await focused();
      // After the last control, the focus leaves the page.
      if (name === "body" || place < last) break;
      last = place;
      reached.add(name);
      assert.ok(outlined, `the focus on ${name} is invisible`);
      assert.ok(visible, `${name} is outside of the window`);
      if (name === "pad") {
        await page.keyboard.press("Space");
        for (let n = 0; n < 8; n++) await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Space");
        await page.waitForFunction(() =>
          document.getElementById("result").textContent.includes("%"),
        );
      }
      if (name === "say-real") {
        await page.keyboard.press("Enter");
        assert.match(await text(page, "answer"), /^(Right|Wrong)/);
        const next = await focused();
        assert.equal(next.name, "next");
        last = next.place;
        reached.add("next");
      }
    }
    const controls = ["play", "step", "random", "walk", "save", "choice", "pad", "clear", "undo"];
    for (const control of [...controls, "let-g", "say-real", "next", "copy"]) {
      assert.ok(reached.has(control), `no focus on ${control}`);
    }
  }));

test("gaussian shows densities over the steps", () =>
  share("gaussian", async (page) => {
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

/** Before loading: time stands still unless a test lets it pass, and random numbers repeat. */
async function stopTime(page) {
  await page.clock.install({ time: 0 });
  await page.addInitScript(() => {
    let state = 1;
    Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  });
}

test("a page in training reloads itself and keeps the slider", () =>
  open(
    "training",
    async (page) => {
      assert.match(await text(page, "live-note"), /in training/);
      await page.locator("#step").focus();
      await page.keyboard.press("Home");
      const step = await text(page, "step-name");
      await page.evaluate(() => (window.old = true));
      await page.clock.fastForward(10_000);
      await page.waitForFunction(() => !window.old && document.getElementById("step-name")?.value);
      assert.equal(await text(page, "step-name"), step);
    },
    {},
    (page) => page.clock.install(),
  ));

test("a finished page does not reload, and moves only while it walks", () =>
  open(
    "modern",
    async (page) => {
      await page.evaluate(() => (window.old = true));
      await page.clock.pauseAt(100_000);
      const still = await pixels(page, "made");
      await page.clock.runFor(11_000);
      assert.ok(await page.evaluate(() => window.old));
      assert.deepEqual(await pixels(page, "made"), still);

      // Three seconds at 60 frames a second go to two random latents.
      const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0);
      for (const [reducedMotion, fastest] of [
        ["no-preference", 0.15],
        ["reduce", 0.05],
      ]) {
        await page.emulateMedia({ reducedMotion });
        await page.locator("#walk").click();
        const frames = [];
        for (let n = 0; n < 180; n++) {
          await page.clock.runFor(1000 / 60);
          frames.push(await pixels(page, "made"));
        }
        await page.locator("#walk").click();
        const steps = frames.slice(1).map((frame, i) => difference(frame, frames[i]));
        const farthest = Math.max(...frames.map((frame) => difference(frame, frames[0])));
        assert.ok(farthest > 0, `${reducedMotion}: nothing moves`);
        const moving = steps.filter((step) => step > 0).length;
        assert.ok(moving > 0.8 * steps.length, `${reducedMotion}: ${moving} frames differ`);
        const jump = Math.max(...steps) / farthest;
        assert.ok(jump < fastest, `${reducedMotion}: a frame changes by ${jump} of the way`);
      }
    },
    {},
    stopTime,
  ));

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
        share(name, async (page) => {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          assert.equal(overflow, 0, "scrolls sideways");
          await page.evaluate(() => {
            for (const details of document.querySelectorAll("details")) details.open = true;
          });
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() =>
            axe.run({ resultTypes: ["violations"], preload: false }),
          );
          const serious = violations.filter(({ impact }) => /serious|critical/.test(impact));
          const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html)}`);
          assert.deepEqual(told, []);
        }));
    }
  }
}
