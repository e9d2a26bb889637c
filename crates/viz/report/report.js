/**
 * The live parts of the report. Without this script the page shows still pictures.
 *
 * Every part is a function that returns what must survive a reload, or nothing. While a run
 * trains, the page reloads itself and each part continues from its stored state.
 */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  const storageKey = `report ${data.name}`;
  const stored = recall();
  const parts = {};

  function recall() {
    try {
      return JSON.parse(sessionStorage.getItem(storageKey)) ?? {};
    } catch {
      return {};
    }
  }

  function remember() {
    const state = {};
    for (const [name, read] of Object.entries(parts)) state[name] = read();
    try {
      sessionStorage.setItem(storageKey, JSON.stringify(state));
    } catch {
      // Without storage, a reload begins anew.
    }
  }

  /** Shows the live form of a part, and hides the still one. */
  function showLive(section) {
    for (const part of section.querySelectorAll(".live")) part.hidden = false;
    for (const part of section.querySelectorAll(".still")) part.hidden = true;
  }

  const thousands = (n) => n.toLocaleString("en-US");
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const pick = (n) => Math.floor(Math.random() * n);

  function normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return radius * Math.cos(2 * Math.PI * Math.random());
  }

  /** Draws gray pixels, 0 to 255, on a canvas of that size. */
  function paint(canvas, pixels, side) {
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    for (let i = 0; i < pixels.length; i++) {
      image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = pixels[i];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  /** Chips to choose one of `names`; `onChoice` gets the index. */
  function chips(fieldset, group, names, chosen, onChoice) {
    const box = fieldset.querySelector(".chips");
    const canvases = names.map((name, i) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = group;
      input.value = i;
      input.checked = i === chosen;
      input.addEventListener("change", () => onChoice(i));
      const canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      label.append(input, canvas, name);
      box.append(label);
      return canvas;
    });
    fieldset.hidden = false;
    return canvases;
  }

  /** Moves the cursors of all charts over the steps. */
  function moveCursors(step) {
    for (const chart of document.querySelectorAll(".chart:has(.cursor)")) {
      const { x0, x1 } = chart.dataset;
      const x = (1000 * (step - x0)) / (x1 - x0);
      chart.querySelector(".cursor").setAttribute("d", `M${x} 0V300`);
    }
  }

  /** A slider over the steps with a play button. `show` draws the moment of an index. */
  function player(steps, show, saved) {
    const [slider, play, name] = [$("step"), $("play"), $("step-name")];
    const last = steps.length - 1;
    slider.max = last;
    const select = (index) => {
      slider.value = index;
      const text = `step ${thousands(steps[index])}`;
      slider.setAttribute("aria-valuetext", text);
      name.textContent = text;
      show(index);
      moveCursors(steps[index]);
    };
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    };
    const start = () => {
      let index = Number(slider.value) >= last ? 0 : Number(slider.value);
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      select(index);
      const pause = reducedMotion.matches ? 1000 : clamp(9000 / steps.length, 90, 500);
      timer = setInterval(() => {
        select(++index);
        if (index >= last) stop();
      }, pause);
    };
    play.addEventListener("click", () => (timer ? stop() : start()));
    slider.addEventListener("input", () => {
      stop();
      select(Number(slider.value));
    });
    // A page in training shows the newest moment, unless an earlier one was selected.
    const found = steps.indexOf(saved?.step);
    select(found >= 0 && !saved.newest ? found : last);
    return () => ({ step: steps[slider.value], newest: Number(slider.value) === last });
  }

  function frames({ side, columns, count, steps, sprites }) {
    const canvas = $("frames");
    const gap = 2;
    const cell = side + gap;
    canvas.width = columns * cell + gap;
    canvas.height = Math.ceil(count / columns) * cell + gap;
    const context = canvas.getContext("2d");
    const images = sprites.map((uri) => {
      const image = new Image();
      image.src = uri;
      return image;
    });
    let wanted = 0;
    const draw = (index) => {
      wanted = index;
      const image = images[index];
      if (!image.complete) {
        image.onload = () => wanted === index && draw(index);
        return;
      }
      context.fillStyle = getComputedStyle(canvas).getPropertyValue("--tile");
      context.fillRect(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < count; i++) {
        const [x, y] = [i % columns, Math.floor(i / columns)];
        const [left, top] = [gap + x * cell, gap + y * cell];
        context.drawImage(image, x * side, y * side, side, side, left, top, side, side);
      }
      canvas.setAttribute("aria-label", `${count} generated images at step ${steps[index]}`);
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(wanted));
    showLive($("noise"));
    parts.player = player(steps, draw, stored.player);
  }

  function densities({ steps, values, paths }) {
    const lines = document.querySelectorAll("#density .line, #belief .line");
    const title = $("value").querySelector("strong");
    const show = (index) => {
      paths[index].forEach((path, n) => lines[n].setAttribute("d", path));
      const value = values[index];
      title.textContent = `Value of the game: ${value === null ? "none" : value.toFixed(2).replace("-", "−")}`;
    };
    showLive($("noise"));
    parts.player = player(steps, show, stored.player);
  }

  /** The generator and the discriminator as functions of and to bytes. */
  function networks({ generator, discriminator, latent, range, side, classes, digits }) {
    const compile = (network) => Networks.compile(network, Networks.bytes(network.data));
    const [low, high] = range;
    const [g, d] = [compile(generator), compile(discriminator)];
    const size = latent.size + (latent.clusters ?? 0);
    const values = { latent: new Float64Array(size), label: [0] };
    const pixels = new Uint8ClampedArray(side * side);
    const image = { image: new Float64Array(side * side), label: [0] };
    return {
      latent,
      side,
      classes,
      digits,
      /** Pixels 0 to 255 that the next call overwrites. */
      generate(z, choice) {
        values.latent.fill(0);
        values.latent.set(z);
        values.label[0] = classes[choice] ?? 0;
        if (latent.clusters) values.latent[latent.size + choice] = latent.scale;
        const made = g(values);
        for (let i = 0; i < pixels.length; i++) {
          pixels[i] = Math.round((255 * (clamp(made[i], low, high) - low)) / (high - low));
        }
        return pixels;
      },
      judge(bytes, choice) {
        for (let i = 0; i < bytes.length; i++)
          image.image[i] = low + ((high - low) * bytes[i]) / 255;
        image.label[0] = classes[choice] ?? 0;
        return d(image)[0];
      },
      draw: () =>
        Float64Array.from({ length: latent.size }, () =>
          latent.kind === "uniform"
            ? latent.low + (latent.high - latent.low) * Math.random()
            : normal(),
        ),
    };
  }

  function make(nets) {
    const { latent, side, classes, digits } = nets;
    const canvas = $("made");
    const conditional = classes.length > 0;
    const choices = conditional ? classes.length : (latent.clusters ?? 0);
    const saved = stored.make?.z?.length === latent.size ? stored.make : {};
    let z = Float64Array.from(saved.z ?? nets.draw());
    let choice = saved.choice ?? pick(Math.max(choices, 1));
    let previews = [];
    let nextPreview = 0;

    const shown = Math.min(latent.size, 16);
    const uniform = latent.kind === "uniform";
    const [low, high] = uniform ? [latent.low, latent.high] : [-3, 3];
    const sliders = Array.from({ length: shown }, (_, i) => {
      const label = document.createElement("label");
      const number = document.createElement("span");
      const input = document.createElement("input");
      number.textContent = i + 1;
      Object.assign(input, { type: "range", min: low, max: high, step: (high - low) / 200 });
      input.setAttribute("aria-label", `Random number ${i + 1}`);
      input.addEventListener("input", () => {
        stop();
        z[i] = input.value;
        show();
      });
      label.append(number, input);
      $("sliders").append(label);
      return input;
    });
    if (shown < latent.size) {
      $("latent-title").textContent = `Random numbers: the first ${shown} of ${latent.size}`;
    }

    function show(moving) {
      paint(canvas, nets.generate(z, choice), side);
      sliders.forEach((input, i) => (input.value = z[i]));
      // The previews follow one by one, and rest while the image moves.
      nextPreview = moving ? choices : 0;
      if (!moving && choices) requestAnimationFrame(preview);
    }

    function preview() {
      if (nextPreview >= choices) return;
      paint(previews[nextPreview], nets.generate(z, nextPreview), side);
      nextPreview += 1;
      requestAnimationFrame(preview);
    }

    const walkButton = $("walk");
    let walking = 0;
    function stop() {
      if (!walking) return;
      cancelAnimationFrame(walking);
      walking = 0;
      walkButton.setAttribute("aria-pressed", "false");
      walkButton.textContent = "Walk";
      show();
    }

    /** Moves along arcs between random latents: sums of normal values stay normal. */
    function walk() {
      walkButton.setAttribute("aria-pressed", "true");
      walkButton.textContent = "Stop";
      let [from, to] = [z.slice(), nets.draw()];
      let began = performance.now();
      let [images, spent] = [0, 0];
      const duration = reducedMotion.matches ? 8000 : 2500;
      const frame = (now) => {
        let share = Math.max(0, now - began) / duration;
        if (share >= 1) {
          [from, to, began, share] = [to, nets.draw(), now, 0];
        }
        const eased = share * share * (3 - 2 * share);
        const angle = (eased * Math.PI) / 2;
        const [a, b] = uniform ? [1 - eased, eased] : [Math.cos(angle), Math.sin(angle)];
        for (let i = 0; i < z.length; i++) z[i] = a * from[i] + b * to[i];
        const start = performance.now();
        show(true);
        spent += performance.now() - start;
        images += 1;
        if (images % 30 === 0) $("pace").textContent = pace(spent / images);
        walking = requestAnimationFrame(frame);
      };
      walking = requestAnimationFrame(frame);
    }

    const pace = (ms) => `One image takes ${ms.toFixed(1)} ms on this machine.`;

    $("random").addEventListener("click", () => {
      stop();
      z = nets.draw();
      if (latent.clusters) {
        choice = pick(latent.clusters);
        $("choice").querySelectorAll("input")[choice].checked = true;
      }
      show();
    });
    walkButton.addEventListener("click", () => (walking ? stop() : walk()));
    $("save").addEventListener("click", () => {
      const large = document.createElement("canvas");
      large.width = large.height = 10 * side;
      const context = large.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(canvas, 0, 0, large.width, large.height);
      large.toBlob((blob) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = digits ? "digit.png" : "image.png";
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      });
    });

    if (choices) {
      const [legend, note] = !conditional
        ? ["Group", "The groups are learned without labels."]
        : digits
          ? ["Digit", "You choose the digit. The random numbers decide how it is written."]
          : ["Class", "You choose the class. The random numbers decide how it looks."];
      $("choice").querySelector("legend").textContent = legend;
      $("choice-note").textContent = note;
      const names = Array.from({ length: choices }, (_, i) =>
        String(conditional ? classes[i] : i + 1),
      );
      previews = chips($("choice"), "choice", names, choice, (i) => {
        choice = i;
        if (!walking) paint(canvas, nets.generate(z, choice), side);
      });
    }
    showLive($("make"));
    show();
    if (saved.walking) walk();
    parts.make = () => ({ z: Array.from(z), choice, walking: walking > 0 });
  }

  /** Draws white strokes. `place` maps a point of a stroke to the canvas. */
  function drawStrokes(context, strokes, lineWidth, place) {
    Object.assign(context, {
      strokeStyle: "#fff",
      lineWidth,
      lineCap: "round",
      lineJoin: "round",
    });
    for (const stroke of strokes) {
      context.beginPath();
      for (const point of stroke) {
        const [x, y] = place(point);
        context.lineTo(x, y);
        // A line without length would be invisible.
        if (stroke.length === 1) context.lineTo(x + 0.01, y);
      }
      context.stroke();
    }
  }

  /**
   * Strokes as the images of MNIST are: scaled into a box of 20x20 pixels, with the center of
   * mass in the middle of 28x28. Returns bytes of `side` x `side`.
   */
  function center(strokes, side) {
    const points = strokes.flat();
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    const penWidth = 2.3;
    // A dot keeps its size.
    const scale = Math.min((20 - penWidth) / Math.max(right - left, bottom - top), 100);
    const fine = 8;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side * fine;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const render = (dx, dy) => {
      const unit = (fine * side) / 28;
      context.setTransform(unit, 0, 0, unit, 0, 0);
      context.fillStyle = "#000";
      context.fillRect(0, 0, 28, 28);
      drawStrokes(context, strokes, penWidth, ([x, y]) => [
        14 + dx + scale * (x - (left + right) / 2),
        14 + dy + scale * (y - (top + bottom) / 2),
      ]);
      const { data: rgba } = context.getImageData(0, 0, canvas.width, canvas.width);
      const pixels = new Float64Array(side * side);
      for (let i = 0; i < rgba.length / 4; i++) {
        const [x, y] = [i % canvas.width, Math.floor(i / canvas.width)];
        const pixel = Math.floor(y / fine) * side + Math.floor(x / fine);
        pixels[pixel] += rgba[4 * i] / (fine * fine);
      }
      return pixels;
    };
    const first = render(0, 0);
    let [mass, mx, my] = [1e-9, 0, 0];
    first.forEach((value, i) => {
      mass += value;
      mx += value * ((i % side) + 0.5);
      my += value * (Math.floor(i / side) + 0.5);
    });
    const offset = (moment) => 14 - (28 / side) * (moment / mass);
    return Uint8ClampedArray.from(render(offset(mx), offset(my)), Math.round);
  }

  function fool(nets, histogram) {
    const [pad, seen, result] = [$("pad"), $("seen"), $("result")];
    const { side, classes, digits } = nets;
    const conditional = classes.length > 0;
    let strokes = stored.fool?.strokes ?? [];
    let [claim, stroke, judged] = [stored.fool?.claim ?? 0, null, null];
    // The pen of the keyboard, in shares of the pad.
    let [penPosition, down] = [[0.5, 0.5], null];
    let steered = false;
    const resolution = 560;
    pad.width = pad.height = resolution;

    const outline = document.querySelector("#logits .line");
    const marker = outline?.cloneNode();
    marker?.setAttribute("class", "cursor");
    marker?.setAttribute("d", "");
    outline?.parentElement.append(marker);

    function drawPad() {
      const context = pad.getContext("2d");
      context.fillStyle = "#000";
      context.fillRect(0, 0, resolution, resolution);
      drawStrokes(context, strokes, resolution / 13, ([x, y]) => [x * resolution, y * resolution]);
      if (steered) {
        context.beginPath();
        context.arc(penPosition[0] * resolution, penPosition[1] * resolution, 14, 0, 7);
        context.fillStyle = down ? "#f29c63" : "#86b6f2";
        context.fill();
      }
    }

    const below = (values, logit) => {
      const count = values.filter((value) => value < logit).length;
      return Math.round((100 * count) / values.length);
    };

    function judge(pixels) {
      judged = pixels;
      paint(seen, pixels, side);
      // The first chip lets the discriminator choose the class that it finds most real.
      const all = Array.from({ length: Math.max(1, classes.length) }, (_, choice) => choice);
      const asked = conditional && claim > 0 ? [claim - 1] : all;
      const logits = asked.map((choice) => nets.judge(pixels, choice));
      const logit = Math.max(...logits);
      const best = classes[logits.indexOf(logit)];
      const name = conditional && claim === 0 ? ` It fits best as ${best}.` : "";
      if (!histogram) {
        result.textContent = `The discriminator's output is ${logit.toFixed(2)}.${name}`;
        return;
      }
      const { low, high, real, fake } = histogram;
      const x = 1000 * clamp((logit - low) / (high - low), 0, 1);
      marker?.setAttribute("d", `M${x} 0V300`);
      result.textContent =
        `More convincing than ${below(real, logit)}% of real ${digits ? "digits" : "images"} and ` +
        `${below(fake, logit)}% of generated ones.${name}`;
    }

    let due = 0;
    function changed() {
      drawPad();
      if (due) return;
      due = requestAnimationFrame(() => {
        due = 0;
        if (strokes.length) judge(center(strokes, side));
      });
    }

    function clear() {
      [strokes, stroke, down, judged] = [[], null, null, null];
      marker?.setAttribute("d", "");
      paint(seen, new Uint8Array(side * side), side);
      result.textContent = `Draw ${digits ? "a digit" : "an image"} to see the output of the discriminator.`;
      drawPad();
    }

    const place = (event) => {
      const box = pad.getBoundingClientRect();
      const share = (value, start, length) => clamp((value - start) / length, 0, 1);
      return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
    };
    pad.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      pad.focus({ preventScroll: true });
      pad.setPointerCapture(event.pointerId);
      steered = false;
      stroke = [place(event)];
      strokes.push(stroke);
      changed();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!stroke) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.push(...(events.length ? events : [event]).map(place));
      changed();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, () => (stroke = null));
    }
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    pad.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (move) {
        penPosition = penPosition.map((value, axis) => clamp(value + move[axis] / 28, 0.02, 0.98));
        if (down) down.push(penPosition);
      } else if (event.key === " ") {
        down = down ? null : [penPosition];
        if (down) strokes.push(down);
      } else if (event.key === "Delete" || event.key === "Backspace") {
        clear();
      } else {
        return;
      }
      event.preventDefault();
      steered = true;
      changed();
    });
    pad.addEventListener("blur", () => {
      [down, steered] = [null, false];
      drawPad();
    });
    $("clear").addEventListener("click", clear);
    $("undo").addEventListener("click", () => {
      strokes.pop();
      if (strokes.length) changed();
      else clear();
    });
    $("let-g").addEventListener("click", () => {
      clear();
      const choices = conditional ? classes.length : (nets.latent.clusters ?? 1);
      const choice = conditional && claim > 0 ? claim - 1 : pick(choices);
      const pixels = nets.generate(nets.draw(), choice).slice();
      const small = document.createElement("canvas");
      paint(small, pixels, side);
      const context = pad.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, resolution, resolution);
      judge(pixels);
    });
    if (conditional) {
      const names = [digits ? "any digit" : "any class", ...classes.map(String)];
      const canvases = chips($("claim"), "claim", names, claim, (i) => {
        claim = i;
        if (judged) judge(judged);
      });
      for (const canvas of canvases) canvas.remove();
    }
    showLive($("fool"));
    clear();
    strokes = stored.fool?.strokes ?? [];
    if (strokes.length) changed();
    parts.fool = () => ({ strokes, claim });
  }

  function game({ side, columns, real, fake, logits_real, logits_fake }, { threshold }) {
    const rounds = 10;
    const sides = [
      { real: true, image: new Image(), logits: logits_real, left: [] },
      { real: false, image: new Image(), logits: logits_fake, left: [] },
    ];
    sides[0].image.src = real;
    sides[1].image.src = fake;
    const card = $("card");
    card.width = card.height = side;
    const buttons = [$("say-real"), $("say-fake")];
    const [next, result, score, round] = [$("next"), $("answer"), $("score"), $("round")];
    let [played, right, discriminator, shown] = [0, 0, 0, null];

    /** The next image that was not shown before; all images again when none is left. */
    function nextRound() {
      const from = sides[pick(2)];
      if (!from.left.length) from.left = from.logits.map((_, i) => i);
      const [index] = from.left.splice(pick(from.left.length), 1);
      shown = { real: from.real, logit: from.logits[index] };
      const draw = () => {
        const [x, y] = [(index % columns) * side, Math.floor(index / columns) * side];
        card.getContext("2d").drawImage(from.image, x, y, side, side, 0, 0, side, side);
      };
      if (from.image.complete) draw();
      else from.image.onload = draw;
      round.textContent = `Image ${played + 1} of ${rounds}`;
      result.textContent = "";
      for (const button of buttons) button.disabled = false;
      next.hidden = true;
    }

    function answer(claim) {
      const correct = claim === shown.real;
      const says = shown.logit > threshold;
      played += 1;
      right += correct;
      discriminator += says === shown.real;
      const truth = shown.real ? "It is real." : "The generator made it.";
      const opinion = `The discriminator says ${says ? "real" : "generated"}.`;
      result.textContent = `${correct ? "Right" : "Wrong"}. ${truth} ${opinion}`;
      score.textContent = `You: ${right} of ${played}. The discriminator: ${discriminator} of ${played}.`;
      for (const button of buttons) button.disabled = true;
      next.hidden = false;
      next.textContent = played === rounds ? "Play again" : "Next image";
      if (played === rounds) {
        const who =
          right > discriminator
            ? "You won."
            : right < discriminator
              ? "The discriminator won."
              : "A draw.";
        result.textContent += ` ${who}`;
      }
      next.focus();
    }

    buttons[0].addEventListener("click", () => answer(true));
    buttons[1].addEventListener("click", () => answer(false));
    next.addEventListener("click", () => {
      if (played === rounds) {
        [played, right, discriminator] = [0, 0, 0];
        score.textContent = "";
      }
      nextRound();
      buttons[0].focus();
    });
    showLive($("game"));
    nextRound();
  }

  function copyButtons() {
    const done = $("copied");
    for (const button of document.querySelectorAll(".copy")) {
      const source = button.parentElement.querySelector("code");
      button.hidden = false;
      button.setAttribute("aria-label", `Copy: ${button.dataset.label}`);
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(source.textContent);
        } catch {
          // Older browsers copy a selection only.
          getSelection().selectAllChildren(source);
          document.execCommand("copy");
        }
        done.textContent = `Copied: ${button.dataset.label}`;
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
    }
  }

  /** Reloads a page in training when it is idle. */
  function reload() {
    let touched = 0;
    for (const type of ["pointerdown", "pointermove", "keydown", "input", "scroll"]) {
      addEventListener(type, () => (touched = performance.now()), { passive: true });
    }
    setInterval(() => {
      // A run that was killed does not write its page any more.
      if (Date.now() - data.written > 15 * 60 * 1000) {
        const note = "The page is older than a quarter of an hour: training has probably stopped.";
        if ($("live-note").textContent !== note) $("live-note").textContent = note;
        return;
      }
      if (document.hidden || performance.now() - touched < 4000) return;
      remember();
      location.reload();
    }, 5000);
  }

  if (data.frames) frames(data.frames);
  if (data.densities) densities(data.densities);
  if (data.networks) {
    try {
      const nets = networks(data.networks);
      make(nets);
      fool(nets, data.histogram);
    } catch (error) {
      console.error(error);
    }
  }
  if (data.game) game(data.game, data.histogram);
  copyButtons();
  if (data.training) reload();
})();
