// What the pages of the report and of a comparison share: a map's colours, pieces of a case, the
// walk through enlarged cases, keys and clicks. A classic script, since a page opened from the disk
// may load no modules.
window.camView = (function () {
  "use strict";

  const root = document.documentElement;
  const LARGEST = 448; // pixels of an enlarged map's longer side: finer than any grid needs

  // ---- Maps ---------------------------------------------------------------------------------

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

  // `heat`: the grid's cells, row by row, one byte each, as base64.
  function paint(canvas, heat, [gridHeight, gridWidth], { width, height }) {
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

  function enlarged({ width, height }) {
    const scale = LARGEST / Math.max(width, height);
    return { width: Math.round(width * scale), height: Math.round(height * scale) };
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

  function picture({ src, width, height }, alt) {
    return Object.assign(element("img"), { src, width, height, alt });
  }

  // Pixel centres are whole numbers in an outline's path, so the view begins half a pixel earlier.
  function drawOutline(svg, { width, height, outline }) {
    svg.setAttribute("viewBox", `-.5 -.5 ${width} ${height}`);
    svg.querySelectorAll("path").forEach((path) => path.setAttribute("d", outline));
    return svg;
  }

  // Strings go in as text and never as markup: names and paths are not ours. `none` are the words
  // for what does not exist.
  function fill(place, values, none) {
    place.querySelectorAll("[data-f]").forEach((field) => {
      const value = values[field.dataset.f];
      if (value === undefined) return;
      field.textContent = value;
      field.classList.toggle("na", value === none);
    });
  }

  // Cards are shown when they come near the window; a canvas far from it gives its memory back,
  // since a page may hold thousands of them.
  function watching(show) {
    const release = (card) => {
      card.querySelectorAll("canvas").forEach((canvas) => (canvas.width = canvas.height = 0));
    };
    window.addEventListener("beforeprint", () => {
      document.querySelectorAll(".gallery .case").forEach(show);
    });
    return new IntersectionObserver(
      (entries) => entries.forEach((entry) => (entry.isIntersecting ? show : release)(entry.target)),
      { rootMargin: "600px 0px" },
    );
  }

  // ---- One case, enlarged -------------------------------------------------------------------

  // Walks `box`, the dialog, through cases; `draw` fills it with the one of an id.
  function walking(box, draw) {
    let walk = { ids: [], at: 0, opener: null };

    function here() {
      return walk.ids[walk.at];
    }

    function enlarge() {
      box.querySelector('[data-do="previous"]').disabled = walk.at === 0;
      box.querySelector('[data-do="next"]').disabled = walk.at === walk.ids.length - 1;
      const figure = (value) => value.toLocaleString("en");
      box.querySelector(".at").textContent = `${figure(walk.at + 1)} of ${figure(walk.ids.length)}`;
      draw(here());
    }

    function open(ids, id, opener) {
      walk = { ids, at: ids.indexOf(id), opener };
      enlarge();
      if (!box.open) box.showModal();
    }

    function step(by) {
      const at = walk.at + by;
      if (at < 0 || at >= walk.ids.length) return;
      walk.at = at;
      enlarge();
    }

    // Focus returns to what opened the case, or to its like where that was drawn anew.
    box.addEventListener("close", () => {
      const like = [`[data-open="${here()}"]`, `.gallery [data-case="${here()}"] a`];
      const places = [walk.opener, ...like.map((selector) => document.querySelector(selector))];
      const opener = places.find((place) => place && place.isConnected);
      if (opener) opener.focus();
    });
    return { here, open, step };
  }

  // Marks the one button of a group as pressed.
  function press(place, name, value) {
    place.querySelectorAll(`[data-${name}]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    });
  }

  // ---- Controls -----------------------------------------------------------------------------

  function toggle(name) {
    const hidden = root.classList.toggle(`no-${name}`);
    document.querySelectorAll(`[data-toggle="${name}"]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(!hidden));
    });
  }

  function setOpacity(sliders, percent) {
    root.style.setProperty("--heat", percent / 100);
    sliders.forEach((slider) => (slider.value = percent));
  }

  function onKey(event, keys) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, textarea, input:not([type=range])")) return; // is typed in
    if (event.target.matches("input") && event.key.startsWith("Arrow")) return; // moves a slider
    if (Object.hasOwn(keys, event.key)) keys[event.key]();
  }

  function onClick(event, box, clicks) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link opened elsewhere
    if (event.target === box) box.close(); // its backdrop
    for (const [selector, act] of clicks) {
      const found = event.target.closest(selector);
      if (found) {
        event.preventDefault();
        act(found);
        return;
      }
    }
  }

  // Makes the page answer. `choose` shows a map of the enlarged case; `keys` and `clicks` are what
  // a page has beside those that both have.
  function start(box, { step }, choose, keys, clicks) {
    const inBox = (act) => () => box.open && act();
    const all = {
      t: inBox(() => choose("true")),
      p: inBox(() => choose("predicted")),
      0: () => (box.open ? choose("off") : toggle("heat")),
      b: () => toggle("region"),
      ArrowLeft: inBox(() => step(-1)),
      ArrowRight: inBox(() => step(1)),
      ...Object.fromEntries(Object.entries(keys).map(([key, act]) => [key, inBox(act)])),
    };
    const selectors = [
      ["[data-toggle]", (button) => toggle(button.dataset.toggle)],
      ["[data-map]", (button) => choose(button.dataset.map)],
      ['[data-do="close"]', () => box.close()],
      ['[data-do="previous"]', () => step(-1)],
      ['[data-do="next"]', () => step(1)],
      ...clicks,
    ];
    root.classList.add("js");
    document.querySelector(".toolbar").hidden = false;
    paintLegend(document.getElementById("legend"));
    const sliders = document.querySelectorAll(".opacity");
    sliders.forEach((slider) => {
      slider.addEventListener("input", () => setOpacity(sliders, slider.value));
    });
    setOpacity(sliders, sliders[0].value); // a reload keeps a slider where it was
    document.addEventListener("click", (event) => onClick(event, box, selectors));
    document.addEventListener("keydown", (event) => onKey(event, all));
  }

  return { drawOutline, element, enlarged, fill, paint, picture, press, start, walking, watching };
})();
