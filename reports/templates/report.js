// The report's script: colours the maps, adds cases when asked, and enlarges one.
// A classic script without imports, since a page opened from the disk may load no modules.
(function () {
  "use strict";

  const audit = window.camAudit;
  const [gridHeight, gridWidth] = audit.grid;
  const root = document.documentElement;
  const SVG = "http://www.w3.org/2000/svg";
  const KINDS = ["true", "predicted"];

  // ---- Colour -------------------------------------------------------------------------------

  // Inferno, 256 × RGB: a perceptually uniform map, by N. Smith and S. van der Walt (CC0).
  const INFERNO = bytes(
    "AAAEAQAFAQEGAQEIAgEKAgIMAgIOAwIQBAMSBAMUBQQXBgQZBwUbCAUdCQYfCgciCwckDAgmDQgpDgkrEAktEQow" +
    "EgoyFAs0FQs3Fgs5GAw8GQw+GwxBHAxDHgxFHwxIIQxKIwxMJAxPJgxRKAtTKQtVKwtXLQtZLwpbMQpcMgpeNApf" +
    "NglhOAliOQljOwlkPQllPglmQApnQgpoRApoRQppRwtqSQtqSgxrTAxrTQ1sTw1sUQ5sUg5tVA9tVQ9tVxBuWRBu" +
    "WhFuXBJuXRJuXxNuYRNuYhRuZBVuZRVuZxZuaRZuahdubBhubRhubxlucRluchpudBpudRtudxxteBxteh1tfB1t" +
    "fR5tfx5sgB9sgiBshCBrhSFrhyFriCJqiiJqjCNpjSNpjyRpkCVokiVokyZnlSZnlydmmCdmmihlmylknSlknypj" +
    "oCpjoitioyxhpSxgpi1gqC5fqS5eqy9erTBdrjBcsDFbsTJaszJatDNZtjRYtzVXuTVWujZVvDdUvThTvzlSwDpR" +
    "wTpQwztPxDxOxj1Nxz5MyD9LykBKy0FJzEJIzkNHz0RG0EVF0kZE00dD1EhC1UpB10s/2Ew+2U092k4821A73VE6" +
    "3lI431M34FU24VY14lc041kz5Fox5Vww5l0v514u6GAt6WEr6mMq62Qp62Yo7Gcm7Wkl7mok72wj724h8G8g8XEf" +
    "8XMd8nQc83Yb83gZ9HkY9XsX9X0V9n4U9oAT94IS94QQ+IUP+IcO+IkM+YsL+YwK+Y4J+pAI+pIH+pQH+5YG+5cG" +
    "+5kG+5sG+50H/J8H/KEI/KMJ/KUK/KYM/KgN/KoP/KwR/K4S/LAU/LIW/LQY+7Ya+7gd+7of+7wh+74j+sAm+sIo" +
    "+sQq+sYt+ccv+cky+cs1+M03+M8699E999NA9tVD9tdG9dlJ9dtM9N1P9N9T9OFW8+Na8+Vd8uZh8uhl8upp8ext" +
    "8e1x8e918fF58vJ98vSC8/WG8/aK9PiO9fmS9vqW+Pua+fyd+v2h/P+k"
  );

  function bytes(base64) {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }

  // Little heat is little paint, so that the picture below stays visible where nothing is hot.
  function put(pixels, at, value) {
    const colour = 3 * Math.round(value);
    pixels[at] = INFERNO[colour];
    pixels[at + 1] = INFERNO[colour + 1];
    pixels[at + 2] = INFERNO[colour + 2];
    pixels[at + 3] = 255 * Math.min(1, value / 160);
  }

  // ---- Maps ---------------------------------------------------------------------------------

  // Where each of `size` pixels falls between the grid's cells: bilinear with half-pixel centres
  // and clamped at the border, the same operator U that the scores are defined with.
  function places(size, cells) {
    return Array.from({ length: size }, (_, pixel) => {
      const at = Math.max(0, ((pixel + 0.5) * cells) / size - 0.5);
      const low = Math.min(Math.floor(at), cells - 1);
      return { low, high: Math.min(low + 1, cells - 1), weight: Math.min(at - low, 1) };
    });
  }

  function upsampled(grid, width, height) {
    const columns = places(width, gridWidth);
    const values = new Float32Array(width * height);
    places(height, gridHeight).forEach((row, y) => {
      const upper = row.low * gridWidth;
      const lower = row.high * gridWidth;
      columns.forEach((column, x) => {
        const above = mix(grid[upper + column.low], grid[upper + column.high], column.weight);
        const below = mix(grid[lower + column.low], grid[lower + column.high], column.weight);
        values[y * width + x] = mix(above, below, row.weight);
      });
    });
    return values;
  }

  function mix(first, second, weight) {
    return first + (second - first) * weight;
  }

  function paint(canvas, heat, width, height) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    upsampled(bytes(heat), width, height).forEach((value, at) => put(image.data, 4 * at, value));
    context.putImageData(image, 0, 0);
  }

  function paintLegend(canvas) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, 1);
    for (let x = 0; x < canvas.width; x += 1) {
      put(image.data, 4 * x, (255 * x) / (canvas.width - 1));
    }
    context.putImageData(image, 0, 0);
  }

  // ---- Pieces of a case ---------------------------------------------------------------------

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function outline(shown) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "region");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS(SVG, "path"), document.createElementNS(SVG, "path"));
    return drawOutline(svg, shown);
  }

  // Pixel centres are whole numbers in an outline's path, so the view begins half a pixel earlier.
  function drawOutline(svg, shown) {
    svg.setAttribute("viewBox", `-.5 -.5 ${shown.width} ${shown.height}`);
    svg.querySelectorAll("path").forEach((path) => path.setAttribute("d", shown.outline));
    if (shown.patch.length) svg.append(patchBox(shown), patchBox(shown));
    return svg;
  }

  function patchBox(shown) {
    const box = document.createElementNS(SVG, "rect");
    ["x", "y", "width", "height"].forEach((name, at) => box.setAttribute(name, shown.patch[at]));
    return box;
  }

  function coveredTile(shown) {
    const figure = element("figure", "tile covered");
    const stack = element("div", "stack");
    stack.append(picture(shown, "", shown.covered));
    figure.append(stack, element("figcaption", "", "Patch covered"));
    return figure;
  }

  function picture(shown, alt, src = shown.src) {
    const image = element("img");
    image.src = src;
    image.width = shown.width;
    image.height = shown.height;
    image.alt = alt;
    return image;
  }

  function heatTile(shown, kind) {
    const slot = shown[kind];
    const figure = element("figure", "tile heat");
    const stack = element("div", "stack");
    stack.append(picture(shown, ""));
    if (slot.heat) {
      const canvas = element("canvas");
      canvas.dataset.kind = kind;
      stack.append(canvas);
    } else {
      stack.append(element("p", "no-map", slot.note));
    }
    stack.append(outline(shown));
    figure.append(stack, element("figcaption", "", `Map for ${slot.name}`));
    return figure;
  }

  function addHeatTiles(card) {
    const shown = audit.cases[card.dataset.case];
    const tiles = card.querySelector(".tiles");
    if (tiles.querySelector(".heat")) return;
    const made = KINDS.filter((kind) => shown[kind]).map((kind) => heatTile(shown, kind));
    tiles.querySelector(".tile").after(...made);
  }

  function canvases(card) {
    const shown = audit.cases[card.dataset.case];
    return Array.from(card.querySelectorAll("canvas"), (canvas) => [canvas, shown]);
  }

  function show(card) {
    addHeatTiles(card);
    canvases(card).forEach(([canvas, shown]) => {
      paint(canvas, shown[canvas.dataset.kind].heat, shown.width, shown.height);
    });
  }

  // A canvas far from the window gives its memory back: a page may hold thousands of them.
  function release(card) {
    canvases(card).forEach(([canvas]) => {
      canvas.width = canvas.height = 0;
    });
  }

  const watcher = new IntersectionObserver(
    (entries) => entries.forEach((entry) => (entry.isIntersecting ? show : release)(entry.target)),
    { rootMargin: "600px 0px" },
  );

  // ---- More cases ---------------------------------------------------------------------------

  const frame = document.getElementById("case").content.querySelector(".case");

  function fill(place, values) {
    place.querySelectorAll("[data-f]").forEach((field) => {
      const value = values[field.dataset.f];
      if (value === undefined) return;
      field.textContent = value;
      field.classList.toggle("na", value === audit.na);
    });
  }

  // Strings go in as text and never as markup: names and paths are not ours.
  function newCard(id) {
    const shown = audit.cases[id];
    const card = frame.cloneNode(true);
    card.dataset.case = id;
    card.classList.add(shown.tone);
    card.querySelector(".stack").href = shown.src;
    card.querySelector("img").replaceWith(picture(shown, shown.name));
    drawOutline(card.querySelector(".region"), shown);
    fill(card, {
      file: shown.name, area: shown.area, reason: shown.reason, change: shown.change,
      agreement: shown.agreement,
    });
    card.querySelector(".change").hidden = !shown.change;
    KINDS.forEach((kind) => {
      const row = card.querySelector(`[data-slot="${kind}"]`);
      row.hidden = !shown[kind];
      if (shown[kind]) fill(row, shown[kind]);
    });
    const tiles = card.querySelector(".tiles");
    if (shown.covered) tiles.append(coveredTile(shown));
    const pictures = [shown.src, shown.true, shown.predicted, shown.covered];
    tiles.dataset.tiles = pictures.filter(Boolean).length;
    const tags = shown.tags.map((tag) => element("span", "tag", tag));
    card.querySelector(".tags").append(...tags.flatMap((tag) => [tag, " "]));
    return card;
  }

  function showMore(button) {
    const gallery = document.getElementById(button.dataset.more);
    const cards = gallery.querySelector(".cards");
    const all = audit.shelves[gallery.id];
    const from = cards.children.length;
    const added = all.slice(from, from + audit.first).map(newCard);
    cards.append(...added);
    added.forEach((card) => watcher.observe(card));
    gallery.querySelector(".shown").textContent = cards.children.length.toLocaleString("en");
    button.parentElement.hidden = cards.children.length >= all.length;
    added[0].querySelector("a").focus({ preventScroll: true });
  }

  // ---- One case, enlarged -------------------------------------------------------------------

  const box = document.getElementById("lightbox");
  const stage = box.querySelector(".stage");
  const LARGEST = 448; // pixels of an enlarged map's longer side: finer than any grid needs
  let walk = { ids: [], at: 0, opener: null };
  let chosen = "true";

  function openCard(card) {
    const ids = audit.shelves[card.closest(".gallery").id];
    open(ids, Number(card.dataset.case), card.querySelector("a"));
  }

  function open(ids, id, opener) {
    walk = { ids, at: ids.indexOf(id), opener };
    enlarge();
    if (!box.open) box.showModal();
  }

  function enlarge() {
    const id = walk.ids[walk.at];
    const shown = audit.cases[id];
    const card = newCard(id);
    fill(card, { slices: (audit.slices.of[id] || []).map((at) => audit.slices.names[at]).join(" · ") });
    const stack = element("div", "stack");
    stack.append(picture(shown, shown.name), element("canvas"), outline(shown));
    stage.replaceChildren(stack);
    box.querySelector("#lightbox-title").textContent = shown.name;
    box.querySelector(".about").replaceChildren(
      ...[".scores", ".change", ".meta", ".reason", ".tags"].map((part) => card.querySelector(part)),
    );
    box.querySelector('[data-map="true"]').disabled = !shown.true;
    box.querySelector('[data-map="covered"]').hidden = !shown.covered;
    box.querySelector('[data-do="previous"]').disabled = walk.at === 0;
    box.querySelector('[data-do="next"]').disabled = walk.at === walk.ids.length - 1;
    choose(chosen);
    box.dispatchEvent(new CustomEvent("case", { detail: id }));
  }

  // Where label and prediction are one class, there is one map, and either key shows it.
  function slotFor(shown, kind) {
    if (kind === "off" || kind === "covered") return null;
    return shown[kind] || shown[kind === "true" ? "predicted" : "true"];
  }

  function choose(wanted) {
    const shown = audit.cases[walk.ids[walk.at]];
    const kind = wanted === "covered" && !shown.covered ? "true" : wanted;
    chosen = kind;
    stage.querySelector("img").src = kind === "covered" ? shown.covered : shown.src;
    const slot = slotFor(shown, kind);
    const canvas = stage.querySelector("canvas");
    const scale = LARGEST / Math.max(shown.width, shown.height);
    stage.classList.toggle("painted", Boolean(slot && slot.heat));
    canvas.hidden = !(slot && slot.heat);
    if (!canvas.hidden) {
      paint(canvas, slot.heat, Math.round(shown.width * scale), Math.round(shown.height * scale));
    }
    box.querySelector(".map-note").textContent = note(slot, kind);
    box.querySelectorAll("[data-map]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.map === kind));
    });
  }

  function note(slot, kind) {
    if (kind === "covered") return "The marked patch is covered.";
    if (!slot) return "No map is shown.";
    return slot.note || `Map for ${slot.name}`;
  }

  function step(by) {
    const at = walk.at + by;
    if (at < 0 || at >= walk.ids.length) return;
    walk.at = at;
    enlarge();
  }

  // ---- Controls -----------------------------------------------------------------------------

  function toggle(name) {
    const hidden = root.classList.toggle(`no-${name}`);
    const button = document.querySelector(`[data-toggle="${name}"]`);
    button.setAttribute("aria-pressed", String(!hidden));
  }

  const sliders = document.querySelectorAll(".opacity");

  function setOpacity(percent) {
    root.style.setProperty("--heat", percent / 100);
    sliders.forEach((slider) => (slider.value = percent));
  }

  const KEYS = {
    t: () => box.open && choose("true"),
    p: () => box.open && choose("predicted"),
    c: () => box.open && choose("covered"),
    0: () => (box.open ? choose("off") : toggle("heat")),
    b: () => toggle("region"),
    ArrowLeft: () => box.open && step(-1),
    ArrowRight: () => box.open && step(1),
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, textarea, input:not([type=range])")) return; // is typed in
    if (event.target.matches("input") && event.key.startsWith("Arrow")) return; // moves a slider
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (act) act();
  }

  const CLICKS = [
    ["[data-more]", showMore],
    ["[data-toggle]", (button) => toggle(button.dataset.toggle)],
    ["[data-map]", (button) => choose(button.dataset.map)],
    ['[data-do="close"]', () => box.close()],
    ['[data-do="previous"]', () => step(-1)],
    ['[data-do="next"]', () => step(1)],
    [".gallery .tiles", (tiles) => openCard(tiles.closest(".case"))],
  ];

  function onClick(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link opened elsewhere
    if (event.target === box) box.close(); // its backdrop
    for (const [selector, act] of CLICKS) {
      const found = event.target.closest(selector);
      if (found) {
        event.preventDefault();
        act(found);
        return;
      }
    }
  }

  function start() {
    root.classList.add("js");
    document.querySelector(".toolbar").hidden = false;
    document.querySelectorAll(".more").forEach((more) => (more.hidden = false));
    paintLegend(document.getElementById("legend"));
    sliders.forEach((slider) => {
      slider.addEventListener("input", () => setOpacity(slider.value));
    });
    setOpacity(sliders[0].value); // a reload keeps a slider where it was
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    box.addEventListener("close", () => walk.opener && walk.opener.focus());
    document.querySelectorAll(".gallery .case").forEach((card) => watcher.observe(card));
    window.addEventListener("beforeprint", () => {
      document.querySelectorAll(".gallery .case").forEach(show);
    });
  }

  window.camAuditView = { box, element, open }; // what the case table builds on
  start();
})();
