// The comparison's script: colours both runs' maps, adds and narrows cases, and wipes between two.
// A classic script without imports, since a page opened from the disk may load no modules.
(function () {
  "use strict";

  const audit = window.camCompare;
  const root = document.documentElement;
  const SIDES = ["base", "candidate"];
  const COLOURS = bytes(audit.colours);

  function bytes(base64) {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }

  // ---- Maps ---------------------------------------------------------------------------------

  // Little heat is little paint, so that the picture below stays visible where nothing is hot.
  function put(pixels, at, value) {
    const colour = 3 * Math.round(value);
    pixels[at] = COLOURS[colour];
    pixels[at + 1] = COLOURS[colour + 1];
    pixels[at + 2] = COLOURS[colour + 2];
    pixels[at + 3] = 255 * Math.min(1, value / 160);
  }

  // Where each of `size` pixels falls between the grid's cells: bilinear with half-pixel centres
  // and clamped at the border, the same operator U that the scores are defined with.
  function places(size, cells) {
    return Array.from({ length: size }, (_, pixel) => {
      const at = Math.max(0, ((pixel + 0.5) * cells) / size - 0.5);
      const low = Math.min(Math.floor(at), cells - 1);
      return { low, high: Math.min(low + 1, cells - 1), weight: Math.min(at - low, 1) };
    });
  }

  function mix(first, second, weight) {
    return first + (second - first) * weight;
  }

  function paint(canvas, heat, [gridHeight, gridWidth], width, height) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const grid = bytes(heat);
    const columns = places(width, gridWidth);
    places(height, gridHeight).forEach((row, y) => {
      const upper = row.low * gridWidth;
      const lower = row.high * gridWidth;
      columns.forEach((column, x) => {
        const above = mix(grid[upper + column.low], grid[upper + column.high], column.weight);
        const below = mix(grid[lower + column.low], grid[lower + column.high], column.weight);
        put(image.data, 4 * (y * width + x), mix(above, below, row.weight));
      });
    });
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

  // ---- Cards --------------------------------------------------------------------------------

  const frame = document.getElementById("case").content.querySelector(".case");

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function picture(half, alt) {
    const image = element("img");
    image.src = half.src;
    image.width = half.width;
    image.height = half.height;
    image.alt = alt;
    return image;
  }

  function drawOutline(svg, half) {
    svg.setAttribute("viewBox", `-.5 -.5 ${half.width} ${half.height}`);
    svg.querySelectorAll("path").forEach((path) => path.setAttribute("d", half.outline));
    return svg;
  }

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
    fill(card, { name: shown.name, label: shown.label, moved: shown.moved, agreement: shown.agreement });
    SIDES.forEach((side) => {
      const tile = card.querySelector(`.tile[data-side="${side}"]`);
      tile.querySelector("a").href = shown[side].src;
      tile.querySelector("img").replaceWith(picture(shown[side], `${shown.name}, ${side}`));
      drawOutline(tile.querySelector("svg"), shown[side]);
      const row = card.querySelector(`[data-row="${side}"]`);
      row.classList.add(shown[side].tone);
      fill(row, shown[side]);
    });
    return card;
  }

  function show(card) {
    const shown = audit.cases[card.dataset.case];
    card.querySelectorAll(".tile").forEach((tile) => {
      const half = shown[tile.dataset.side];
      const stack = tile.querySelector(".stack");
      if (!stack.querySelector("canvas, .no-map")) {
        const layer = half.true ? element("canvas") : element("p", "no-map", half.note);
        stack.querySelector("img").after(layer);
      }
      const canvas = stack.querySelector("canvas");
      if (canvas) paint(canvas, half.true, audit.grids[tile.dataset.side], half.width, half.height);
    });
  }

  // A canvas far from the window gives its memory back: a page may hold thousands of them.
  function release(card) {
    card.querySelectorAll("canvas").forEach((canvas) => {
      canvas.width = canvas.height = 0;
    });
  }

  const watcher = new IntersectionObserver(
    (entries) => entries.forEach((entry) => (entry.isIntersecting ? show : release)(entry.target)),
    { rootMargin: "600px 0px" },
  );

  // ---- Which cases --------------------------------------------------------------------------

  const group = document.getElementById("group");

  function held(shelf) {
    const ids = audit.shelves[shelf] || [];
    return group.value === "" ? ids : ids.filter((id) => String(audit.cases[id].group) === group.value);
  }

  function add(gallery) {
    const cards = gallery.querySelector(".cards");
    const ids = held(gallery.id);
    const from = cards.children.length;
    const added = ids.slice(from, from + audit.first).map(newCard);
    cards.append(...added);
    added.forEach((card) => watcher.observe(card));
    gallery.querySelector(".shown").textContent = cards.children.length.toLocaleString("en");
    gallery.querySelector(".kept").textContent = ids.length.toLocaleString("en");
    gallery.querySelector(".more").hidden = cards.children.length >= ids.length;
    return added;
  }

  function narrow() {
    document.querySelectorAll(".gallery").forEach((gallery) => {
      gallery.querySelectorAll(".case").forEach((card) => watcher.unobserve(card));
      gallery.querySelector(".cards").replaceChildren();
      add(gallery);
    });
  }

  // A link to #class=3 narrows the cases to that class; a reload keeps it.
  function follow() {
    const wanted = /^#class=(\d+)$/.exec(window.location.hash);
    if (!wanted) return;
    if (!Array.from(group.options).some((option) => option.value === wanted[1])) return;
    group.value = wanted[1];
    narrow();
    document.getElementById("cases").scrollIntoView();
  }

  // ---- One case, enlarged -------------------------------------------------------------------

  const box = document.getElementById("lightbox");
  const stage = box.querySelector(".stage");
  const wiper = document.getElementById("wipe");
  const LARGEST = 448; // pixels of an enlarged map's longer side: finer than any grid needs
  let walk = { ids: [], at: 0, opener: null };
  let chosen = "true";

  function open(card) {
    const ids = held(card.closest(".gallery").id);
    walk = { ids, at: ids.indexOf(Number(card.dataset.case)), opener: card.querySelector("a") };
    enlarge();
    box.showModal();
  }

  function enlarge() {
    const shown = audit.cases[walk.ids[walk.at]];
    const card = newCard(walk.ids[walk.at]);
    SIDES.forEach((side) => {
      const stack = stage.querySelector(`[data-side="${side}"] .stack`);
      const svg = card.querySelector(`.tile[data-side="${side}"] svg`);
      stack.replaceChildren(picture(shown[side], `${shown.name}, ${side}`), element("canvas"), svg);
    });
    box.querySelector("#lightbox-title").textContent = shown.name;
    box.querySelector(".about").replaceChildren(
      card.querySelector(".scores"), card.querySelector(".meta"),
    );
    box.querySelector(".about").className = "about pair";
    box.querySelector('[data-do="previous"]').disabled = walk.at === 0;
    box.querySelector('[data-do="next"]').disabled = walk.at === walk.ids.length - 1;
    choose(chosen);
  }

  function choose(kind) {
    const shown = audit.cases[walk.ids[walk.at]];
    chosen = kind;
    SIDES.forEach((side) => {
      const half = shown[side];
      const stack = stage.querySelector(`[data-side="${side}"] .stack`);
      const canvas = stack.querySelector("canvas");
      const heat = kind === "off" ? "" : half[kind];
      const scale = LARGEST / Math.max(half.width, half.height);
      stack.classList.toggle("painted", Boolean(heat));
      canvas.hidden = !heat;
      if (!heat) return;
      paint(
        canvas, heat, audit.grids[side],
        Math.round(half.width * scale), Math.round(half.height * scale),
      );
    });
    box.querySelector(".map-note").textContent = note(shown, kind);
    press("map", kind);
  }

  function note(shown, kind) {
    if (kind === "off") return "No map is shown.";
    const missing = SIDES.filter((side) => !shown[side][kind]);
    if (missing.length) return `There is no map of the ${missing.join(" and of the ")}.`;
    if (kind === "true") return `Maps for the label, ${shown.label}`;
    return `Maps for the predictions: ${shown.base.prediction}, then ${shown.candidate.prediction}`;
  }

  function arrange(view) {
    stage.classList.toggle("wiping", view === "wipe");
    stage.classList.toggle("beside", view === "beside");
    press("view", view);
  }

  function press(name, value) {
    box.querySelectorAll(`[data-${name}]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    });
  }

  // Base to the left of the edge, candidate to its right.
  function wipe(percent) {
    wiper.value = percent;
    wiper.setAttribute("aria-valuetext", `${wiper.value}% base`);
    root.style.setProperty("--wipe", `${wiper.value}%`);
  }

  function drag(event) {
    if (!stage.classList.contains("wiping") || !(event.buttons & 1)) return;
    const place = stage.querySelector(".wipe").getBoundingClientRect();
    wipe((100 * (event.clientX - place.left)) / place.width);
    event.preventDefault();
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
    w: () => box.open && arrange("wipe"),
    s: () => box.open && arrange("beside"),
    0: () => (box.open ? choose("off") : toggle("heat")),
    b: () => toggle("region"),
    ArrowLeft: () => box.open && step(-1),
    ArrowRight: () => box.open && step(1),
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select")) return; // letters choose an option
    if (event.target.matches("input") && event.key.startsWith("Arrow")) return; // moves a slider
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (act) act();
  }

  const CLICKS = [
    ["[data-more]", (button) => {
      const added = add(document.getElementById(button.dataset.more));
      if (added.length) added[0].querySelector("a").focus({ preventScroll: true });
    }],
    ["[data-toggle]", (button) => toggle(button.dataset.toggle)],
    ["[data-map]", (button) => choose(button.dataset.map)],
    ["[data-view]", (button) => arrange(button.dataset.view)],
    ['[data-do="close"]', () => box.close()],
    ['[data-do="previous"]', () => step(-1)],
    ['[data-do="next"]', () => step(1)],
    [".gallery .tiles", (tiles) => open(tiles.closest(".case"))],
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
    paintLegend(document.getElementById("legend"));
    sliders.forEach((slider) => {
      slider.addEventListener("input", () => setOpacity(slider.value));
    });
    setOpacity(sliders[0].value); // a reload keeps a slider where it was
    wiper.addEventListener("input", () => wipe(wiper.value));
    wipe(wiper.value);
    const stack = stage.querySelector(".wipe");
    stack.addEventListener("pointerdown", drag);
    stack.addEventListener("pointermove", drag);
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    box.addEventListener("close", () => walk.opener && walk.opener.focus());
    group.addEventListener("change", () => {
      const wanted = group.value === "" ? "#cases" : `#class=${group.value}`;
      window.history.replaceState(null, "", wanted);
      narrow();
    });
    window.addEventListener("hashchange", follow);
    document.querySelectorAll(".gallery").forEach((gallery) => {
      const more = gallery.querySelector(".more");
      more.hidden = gallery.querySelectorAll(".case").length >= held(gallery.id).length;
    });
    document.querySelectorAll(".gallery .case").forEach((card) => watcher.observe(card));
    if (group.value !== "") narrow(); // a reload keeps what was chosen
    follow();
    window.addEventListener("beforeprint", () => {
      document.querySelectorAll(".gallery .case").forEach(show);
    });
  }

  start();
})();
