// The comparison's script: lays both runs' maps over its cases, adds and narrows these, and wipes
// between two.
(function () {
  "use strict";

  const audit = window.camCompare;
  const root = document.documentElement;
  const SIDES = ["base", "candidate"];
  const view = window.camView;
  const { drawOutline, element, paint, picture } = view;

  // ---- Cards --------------------------------------------------------------------------------

  const frame = document.getElementById("case").content.querySelector(".case");

  function fill(place, values) {
    view.fill(place, values, audit.na);
  }

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
      if (canvas) paint(canvas, half.true, audit.grids[tile.dataset.side], half);
    });
  }

  const watcher = view.watching(show);

  // ---- Which cases --------------------------------------------------------------------------

  const group = document.getElementById("group");
  const slice = document.getElementById("slice"); // none where the dataset has no further column
  // Select → its name in the address, and which cases have one of its values.
  const menus = [
    { select: group, name: "class", counts: audit.totals.group, has: (id, value) => String(audit.cases[id].group) === value },
    { select: slice, name: "slice", counts: audit.totals.slice, has: (id, value) => audit.slices[value].includes(id) },
  ].filter((menu) => menu.select);

  function chosenMenus() {
    return menus.filter((menu) => menu.select.value !== "");
  }

  function held(shelf) {
    const chosen = chosenMenus();
    const ids = audit.shelves[shelf] || [];
    return ids.filter((id) => chosen.every((menu) => menu.has(id, menu.select.value)));
  }

  // How many images both runs share of what is chosen; undefined where no table counts that.
  function total(shelf) {
    const chosen = chosenMenus();
    if (chosen.length > 1) return undefined;
    const counts = chosen.length ? chosen[0].counts[chosen[0].select.value] : audit.totals.all;
    return counts[shelf];
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
    const whole = total(gallery.id);
    gallery.querySelector(".of").hidden = whole === undefined;
    gallery.querySelector(".total").textContent = (whole || 0).toLocaleString("en");
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

  // The address keeps what is chosen and the open case, #class=3&case=12, so that either can be
  // sent as a link and survives a reload.
  function write(id) {
    const told = new URLSearchParams();
    chosenMenus().forEach((menu) => told.set(menu.name, menu.select.value));
    if (id !== undefined) told.set("case", id);
    window.history.replaceState(null, "", told.size ? `#${told}` : "#cases");
  }

  function pick(select, wanted) {
    const known = Array.from(select.options).some((option) => option.value === wanted);
    select.value = known ? wanted : "";
  }

  // A link to a class, a slice or a bucket: a bucket is shown whole.
  function follow() {
    const hash = window.location.hash.slice(1);
    const told = new URLSearchParams(hash);
    const bucket = Object.hasOwn(audit.shelves, hash);
    if (bucket || menus.some((menu) => told.get(menu.name))) {
      menus.forEach((menu) => pick(menu.select, told.get(menu.name)));
      narrow();
      document.getElementById(bucket ? hash : "cases").scrollIntoView();
    }
    const id = Number(told.get("case") ?? NaN);
    const shelf = Object.keys(audit.shelves).find((name) => held(name).includes(id));
    if (shelf) walk.open(held(shelf), id, null);
  }

  // ---- One case, enlarged -------------------------------------------------------------------

  const box = document.getElementById("lightbox");
  const stage = box.querySelector(".stage");
  const wiper = document.getElementById("wipe");
  const walk = view.walking(box, enlarge);
  let chosen = "true";

  function open(card) {
    const ids = held(card.closest(".gallery").id);
    walk.open(ids, Number(card.dataset.case), card.querySelector("a"));
  }

  function enlarge(id) {
    const shown = audit.cases[id];
    const card = newCard(id);
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
    choose(chosen);
    write(id);
  }

  function choose(kind) {
    const shown = audit.cases[walk.here()];
    chosen = kind;
    SIDES.forEach((side) => {
      const half = shown[side];
      const stack = stage.querySelector(`[data-side="${side}"] .stack`);
      const canvas = stack.querySelector("canvas");
      const heat = kind === "off" ? "" : half[kind];
      stack.classList.toggle("painted", Boolean(heat));
      canvas.hidden = !heat;
      if (heat) paint(canvas, heat, audit.grids[side], view.enlarged(half));
    });
    box.querySelector(".map-note").textContent = note(shown, kind);
    view.press(box, "map", kind);
  }

  function note(shown, kind) {
    if (kind === "off") return "No map is shown.";
    const missing = SIDES.filter((side) => !shown[side][kind]);
    if (missing.length) return `There is no map of the ${missing.join(" and of the ")}.`;
    if (kind === "true") return `Maps for the label, ${shown.label}`;
    return `Maps for the predictions: ${shown.base.prediction}, then ${shown.candidate.prediction}`;
  }

  function arrange(arrangement) {
    stage.classList.toggle("wiping", arrangement === "wipe");
    stage.classList.toggle("beside", arrangement === "beside");
    view.press(box, "view", arrangement);
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

  function start() {
    wiper.addEventListener("input", () => wipe(wiper.value));
    wipe(wiper.value);
    const stack = stage.querySelector(".wipe");
    stack.addEventListener("pointerdown", drag);
    stack.addEventListener("pointermove", drag);
    menus.forEach((menu) => {
      menu.select.addEventListener("change", () => {
        write();
        narrow();
      });
    });
    box.addEventListener("close", () => write());
    window.addEventListener("hashchange", follow);
    document.querySelectorAll(".gallery").forEach((gallery) => {
      const more = gallery.querySelector(".more");
      more.hidden = gallery.querySelectorAll(".case").length >= held(gallery.id).length;
    });
    document.querySelectorAll(".gallery .case").forEach((card) => watcher.observe(card));
    if (chosenMenus().length) narrow(); // a reload keeps what was chosen
    const keys = { w: () => arrange("wipe"), s: () => arrange("beside") };
    view.start(box, walk, choose, keys, [
      ["[data-more]", (button) => {
        const added = add(document.getElementById(button.dataset.more));
        if (added.length) added[0].querySelector("a").focus({ preventScroll: true });
      }],
      ["[data-view]", (button) => arrange(button.dataset.view)],
      [".gallery .tiles", (tiles) => open(tiles.closest(".case"))],
    ]);
    follow();
  }

  start();
})();
