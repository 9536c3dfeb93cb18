// The report's script: adds maps to its cases, adds cases when asked, and enlarges one.
(function () {
  "use strict";

  const audit = window.camAudit;
  const view = window.camView;
  const { drawOutline, element, paint, picture } = view;
  const SVG = "http://www.w3.org/2000/svg";
  const KINDS = ["true", "predicted"];

  // ---- Pieces of a case ---------------------------------------------------------------------

  function outline(shown) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "region");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS(SVG, "path"), document.createElementNS(SVG, "path"));
    return drawMarks(svg, shown);
  }

  // The object's outline, and the patch that was covered.
  function drawMarks(svg, shown) {
    drawOutline(svg, shown);
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
    stack.append(picture({ ...shown, src: shown.covered }, ""));
    figure.append(stack, element("figcaption", "", "Patch covered"));
    return figure;
  }

  function heatTile(shown, kind) {
    return mapTile(shown, shown[kind], kind, `Map for ${shown[kind].name}`);
  }

  // The map of one word of a caption.
  function wordTile(shown, word, at) {
    return mapTile(shown, word, `word-${at}`, `“${word.name}”: ${word.said}`);
  }

  function mapTile(shown, slot, kind, caption) {
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
    figure.append(stack, element("figcaption", "", caption));
    return figure;
  }

  function addHeatTiles(card) {
    const shown = audit.cases[card.dataset.case];
    const tiles = card.querySelector(".tiles");
    if (tiles.querySelector(".heat")) return;
    const made = KINDS.filter((kind) => shown[kind]).map((kind) => heatTile(shown, kind));
    const words = shown.words.map((word, at) => wordTile(shown, word, at));
    tiles.querySelector(".tile").after(...made, ...words);
  }

  const watcher = view.watching((card) => {
    const shown = audit.cases[card.dataset.case];
    addHeatTiles(card);
    card.querySelectorAll("canvas").forEach((canvas) => {
      paint(canvas, slotFor(shown, canvas.dataset.kind).heat, audit.grid, shown);
    });
  });

  // ---- More cases ---------------------------------------------------------------------------

  const frame = document.getElementById("case").content.querySelector(".case");

  function fill(place, values) {
    view.fill(place, values, audit.na);
  }

  function newCard(id) {
    const shown = audit.cases[id];
    const card = frame.cloneNode(true);
    card.dataset.case = id;
    card.classList.add(shown.tone);
    card.querySelector(".stack").href = shown.src;
    card.querySelector("img").replaceWith(picture(shown, shown.name));
    drawMarks(card.querySelector(".region"), shown);
    fill(card, {
      file: shown.name, area: shown.area, reason: shown.reason, change: shown.change,
      agreement: shown.agreement, question: shown.question,
    });
    card.querySelector(".question").hidden = !shown.question;
    card.querySelector(".change").hidden = !shown.change;
    KINDS.forEach((kind) => {
      const row = card.querySelector(`[data-slot="${kind}"]`);
      row.hidden = !shown[kind];
      if (shown[kind]) fill(row, shown[kind]);
    });
    const tiles = card.querySelector(".tiles");
    if (shown.covered) tiles.append(coveredTile(shown));
    const pictures = [shown.src, shown.true, shown.predicted, shown.covered];
    tiles.dataset.tiles = pictures.filter(Boolean).length + shown.words.length;
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
  const walk = view.walking(box, enlarge);
  let chosen = "true";

  // `place` is the gallery that is walked through; "": the case table, as it is filtered.
  let from = "";

  function open(ids, id, opener, place) {
    from = place;
    walk.open(ids, id, opener);
  }

  function openCard(card) {
    const place = card.closest(".gallery").id;
    open(audit.shelves[place], Number(card.dataset.case), card.querySelector("a"), place);
  }

  function enlarge(id) {
    const shown = audit.cases[id];
    const card = newCard(id);
    fill(card, { slices: (audit.slices.of[id] || []).map((at) => audit.slices.names[at]).join(" · ") });
    const stack = element("div", "stack");
    stack.append(picture(shown, shown.name), element("canvas"), outline(shown));
    stage.replaceChildren(stack);
    box.querySelector("#lightbox-title").textContent = shown.name;
    box.querySelector(".about").replaceChildren(
      ...[".question", ".scores", ".change", ".meta", ".reason", ".tags"].map((part) => card.querySelector(part)),
    );
    if (shown.words.length) box.querySelector(".about").prepend(wordChoice(shown));
    box.querySelector('[data-map="true"]').disabled = !shown.true;
    box.querySelector('[data-map="covered"]').hidden = !shown.covered;
    choose(chosen);
    box.dispatchEvent(new CustomEvent("case", { detail: { id, place: from } }));
  }

  // A button for the map of each noun of the model's caption.
  function wordChoice(shown) {
    const choice = element("div", "choice");
    choice.setAttribute("role", "group");
    choice.setAttribute("aria-label", "Words");
    shown.words.forEach((word, at) => {
      const button = element("button", "", word.name);
      button.type = "button";
      button.dataset.map = `word-${at}`;
      choice.append(button);
    });
    return choice;
  }

  // Where label and prediction are one class, there is one map, and either key shows it.
  function slotFor(shown, kind) {
    if (kind === "off" || kind === "covered") return null;
    if (kind.startsWith("word-")) return shown.words[Number(kind.slice(5))];
    return shown[kind] || shown[kind === "true" ? "predicted" : "true"];
  }

  function choose(wanted) {
    const shown = audit.cases[walk.here()];
    const missing = wanted === "covered" ? !shown.covered : wanted !== "off" && !slotFor(shown, wanted);
    const kind = missing ? "true" : wanted;
    chosen = kind;
    stage.querySelector("img").src = kind === "covered" ? shown.covered : shown.src;
    const slot = slotFor(shown, kind);
    const canvas = stage.querySelector("canvas");
    stage.classList.toggle("painted", Boolean(slot && slot.heat));
    canvas.hidden = !(slot && slot.heat);
    if (!canvas.hidden) paint(canvas, slot.heat, audit.grid, view.enlarged(shown));
    box.querySelector(".map-note").textContent = note(slot, kind);
    view.press(box, "map", kind);
  }

  function note(slot, kind) {
    if (kind === "covered") return "The marked patch is covered.";
    if (!slot) return "No map is shown.";
    return slot.note || `Map for ${slot.name}${slot.said ? `: ${slot.said}` : ""}`;
  }

  document.querySelectorAll(".more").forEach((more) => (more.hidden = false));
  document.querySelectorAll(".gallery .case").forEach((card) => watcher.observe(card));
  view.start(box, walk, choose, { c: () => choose("covered") }, [
    ["[data-more]", showMore],
    [".gallery .tiles", (tiles) => openCard(tiles.closest(".case"))],
  ]);

  window.camAuditView = { box, open }; // what marks and case table build on
})();
