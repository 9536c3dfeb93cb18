// The case table: every case of the report, to filter, sort and page through. Its state is kept in
// the address's fragment, so that a filtered table or an open case can be sent as a link.
(function () {
  "use strict";

  const audit = window.camAudit;
  const { element } = window.camView;
  const { box, open } = window.camAuditView;
  const marks = window.camAuditMarks;
  const PLACE = "case-table";
  const PAGE = 50;
  const LONGEST = 200; // values of a slice's menu
  const section = document.getElementById(PLACE);
  const body = section.querySelector("tbody");
  const controls = Array.from(section.querySelectorAll("[name]"));
  const FIRST = { true: "", pred: "", flag: "", slice: "", mark: "", text: "", sort: "-severity", page: "1" };
  let state = { ...FIRST };
  let ids = []; // what the filters leave, sorted

  // ---- Columns --------------------------------------------------------------------------------

  const cases = Object.values(audit.cases);
  const predicted = (shown) => shown.predicted || shown.true;
  const truth = (shown) => shown.true;
  const slices = (id) => (audit.slices.of[id] || []).map((place) => audit.slices.names[place]);

  // "<0.001", "52.0%" and "3.25×" as numbers; what does not exist is smaller than everything.
  function number(text) {
    const found = /[\d.]+/.exec(text || "");
    return found ? Number(found[0]) : -1;
  }

  const KEYS = {
    severity: (shown) => shown.severity,
    name: (shown) => shown.name,
    true: (shown) => (truth(shown) ? truth(shown).name : ""),
    pred: (shown) => (answered(shown) ? predicted(shown).name : ""),
    probability: (shown) => (answered(shown) ? number(predicted(shown).probability) : -1),
    mass: (shown) => (answered(shown) ? number(predicted(shown).mass) : -1),
    lift: (shown) => (answered(shown) ? number(predicted(shown).lift) : -1),
    mark: (shown) => marks.of(shown.id),
  };

  function answered(shown) {
    return Boolean(shown.predicted || (shown.true && shown.tone === "right"));
  }

  // ---- State and fragment ---------------------------------------------------------------------

  function written() {
    const told = new URLSearchParams();
    Object.entries(state).forEach(([key, value]) => {
      if (value && value !== FIRST[key]) told.set(key, value);
    });
    return told.size ? `#${PLACE}?${told}` : "";
  }

  function write() {
    const fragment = written();
    const old = window.location.hash;
    if (fragment === old || (!fragment && !old.startsWith(`#${PLACE}`))) return;
    window.history.replaceState(null, "", fragment || `#${PLACE}`);
  }

  function read() {
    const [place, query] = window.location.hash.slice(1).split("?");
    if (place !== PLACE) return false;
    const told = new URLSearchParams(query || "");
    state = { ...FIRST };
    told.forEach((value, key) => {
      if (Object.hasOwn(FIRST, key) || ["case", "gallery"].includes(key)) state[key] = value;
    });
    controls.forEach((control) => (control.value = state[control.name]));
    return true;
  }

  // ---- Rows -----------------------------------------------------------------------------------

  function passes(shown) {
    const text = state.text.toLowerCase();
    return (
      (!state.true || String(truth(shown) ? truth(shown).index : "none") === state.true) &&
      (!state.pred || (answered(shown) && String(predicted(shown).index) === state.pred)) &&
      (!state.flag || shown.flags.includes(state.flag)) &&
      (!state.slice || slices(shown.id).includes(state.slice)) &&
      (!state.mark || (marks.of(shown.id) || "none") === state.mark) &&
      (!text || `${shown.name}\n${shown.sample}\n${shown.reason}`.toLowerCase().includes(text))
    );
  }

  function compare(key, down) {
    const of = KEYS[key];
    return (first, second) => {
      const [one, other] = [of(first), of(second)];
      const order = typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
      return (down ? -order : order) || first.id - second.id;
    };
  }

  function cell(text, className) {
    const made = element("td", className, text);
    if (text === audit.na) made.replaceChildren(element("span", "na", text));
    return made;
  }

  function row(shown) {
    const made = element("tr", shown.tone);
    const head = element("th");
    head.scope = "row";
    const link = element("a", "name", shown.name);
    link.href = shown.src;
    link.dataset.open = shown.id;
    head.append(link);
    const guess = answered(shown) ? predicted(shown) : null;
    made.append(
      head,
      cell(truth(shown) ? truth(shown).name : audit.na, "name"),
      cell(guess ? guess.name : audit.na, "name guess"),
      cell(guess ? guess.probability : audit.na, "num"),
      cell(guess ? guess.mass : audit.na, "num"),
      cell(guess ? guess.lift : audit.na, "num"),
      cell(shown.tags.join(", "), "quiet"),
      cell(marks.word(shown.id)),
    );
    return made;
  }

  function draw() {
    const down = state.sort.startsWith("-");
    const key = state.sort.replace("-", "");
    const sorted = Object.hasOwn(KEYS, key) ? key : "severity";
    ids = cases.filter(passes).sort(compare(sorted, down)).map((shown) => shown.id);
    const pages = Math.max(1, Math.ceil(ids.length / PAGE));
    const page = Math.min(Math.max(1, Number.parseInt(state.page, 10) || 1), pages);
    state.page = String(page);
    const from = (page - 1) * PAGE;
    const shown = ids.slice(from, from + PAGE);
    body.replaceChildren(...shown.map((id) => row(audit.cases[id])));
    say(from, shown.length);
    section.querySelector('[data-page="-1"]').disabled = page === 1;
    section.querySelector('[data-page="1"]').disabled = page === pages;
    section.querySelectorAll("th[data-sort]").forEach((head) => {
      const mine = head.dataset.sort === sorted;
      if (mine) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    write();
  }

  function say(from, n) {
    const figure = (value) => value.toLocaleString("en");
    const range = n ? `${figure(from + 1)} to ${figure(from + n)}` : "none";
    const held = ids.length === cases.length ? "" : ` that match, of ${figure(cases.length)}`;
    const whole = total();
    section.querySelector(".showing").textContent =
      `Showing ${range} of ${figure(ids.length)} cases${held} held here; the run has ` +
      (whole === undefined ? `${audit.audited} images` : `${figure(whole)} such images`);
  }

  // How many the run has of what is asked for; undefined where its tables do not count that.
  function total() {
    const asked = controls.map((control) => control.name).filter((name) => state[name]);
    const counted = { true: state.true, pred: state.pred, flag: state.flag, slice: state.slice };
    const key = asked.join(" ");
    if (key === "true pred") return audit.totals.pair[`${state.true} ${state.pred}`];
    return Object.hasOwn(counted, key) ? audit.totals[key][counted[key]] : undefined;
  }

  // ---- Controls -------------------------------------------------------------------------------

  function change(more) {
    state = { ...state, page: "1", ...more };
    draw();
  }

  function options(name, found) {
    const select = section.querySelector(`[name="${name}"]`);
    const pairs = Array.from(found).sort((one, other) => one[1].localeCompare(other[1]));
    select.append(...pairs.map(([value, words]) => new Option(words, value)));
  }

  function fillOptions() {
    const labelled = cases.filter(truth).map((shown) => [truth(shown).index, truth(shown).name]);
    if (labelled.length < cases.length) labelled.push(["none", "no label"]);
    options("true", new Map(labelled));
    const guessed = cases.filter(answered).map(predicted);
    options("pred", new Map(guessed.map((slot) => [slot.index, slot.name])));
    const raised = new Set(cases.flatMap((shown) => shown.flags));
    options("flag", Object.entries(audit.flags).filter(([flag]) => raised.has(flag)));
  }

  // One group a column; of very many values none, since no one finds theirs in such a list.
  function fillSlices() {
    const select = section.querySelector('[name="slice"]');
    if (!select) return;
    const groups = new Map();
    audit.slices.names.forEach((words) => {
      const column = words.split(" = ")[0];
      if (!groups.has(column)) groups.set(column, element("optgroup"));
      groups.get(column).append(new Option(words, words));
    });
    groups.forEach((group, column) => {
      group.label = column;
      if (group.children.length <= LONGEST) select.append(group);
    });
  }

  function sortBy(key) {
    const descends = state.sort === `-${key}`;
    const ascends = state.sort === key;
    const words = ["name", "true", "pred"].includes(key);
    change({ sort: ascends || (!descends && !words) ? `-${key}` : key });
  }

  function openCase(id, opener) {
    open(ids.includes(id) ? ids : [id], id, opener, "");
  }

  // The case that the address names, in the gallery or the table that it was opened from.
  function openNamed() {
    const id = Number(state.case);
    const place = Object.hasOwn(audit.shelves, state.gallery || "") ? state.gallery : "";
    const shelf = place ? audit.shelves[place] : [];
    if (shelf.includes(id)) open(shelf, id, null, place);
    else if (Object.hasOwn(audit.cases, state.case)) openCase(id, null);
  }

  function onClick(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("[data-open]");
    if (link) {
      event.preventDefault();
      openCase(Number(link.dataset.open), link);
    }
    const head = event.target.closest("[data-sort] button");
    if (head) sortBy(head.parentElement.dataset.sort);
    const pager = event.target.closest("[data-page]");
    if (pager) change({ page: String(Number(state.page) + Number(pager.dataset.page)) });
    if (event.target.closest("[data-do=reset]")) {
      controls.forEach((control) => (control.value = ""));
      change({ ...FIRST });
    }
  }

  // What a link or the address asks for; the keyboard goes on from there.
  function follow() {
    if (!read()) return false;
    draw();
    section.scrollIntoView();
    section.focus({ preventScroll: true });
    if (state.case) openNamed();
    return true;
  }

  // Back and forth through the addresses: one that names no case has none open, an empty one
  // filters nothing.
  function moved() {
    if (box.open && !/[?&]case=/.test(window.location.hash)) box.close();
    if (window.location.hash) {
      follow();
      return;
    }
    state = { ...FIRST };
    controls.forEach((control) => (control.value = state[control.name]));
    draw();
  }

  function start() {
    section.querySelector(".table-controls").hidden = false;
    section.querySelector(".scroll").hidden = false;
    fillOptions();
    fillSlices();
    controls.forEach((control) => {
      control.addEventListener("input", () => change({ [control.name]: control.value }));
    });
    section.addEventListener("click", onClick);
    box.addEventListener("case", (event) => {
      state.case = String(event.detail.id);
      state.gallery = event.detail.place;
      write();
    });
    box.addEventListener("close", () => {
      delete state.case;
      delete state.gallery;
      write();
    });
    marks.onChange(draw);
    window.addEventListener("hashchange", moved);
    if (!follow()) draw();
  }

  start();
})();
