// Marks that a person gives to cases: kept in this browser alone, and exported as a JSON file.
(function () {
  "use strict";

  const audit = window.camAudit;
  const { box } = window.camAuditView;
  const STORE = `cam-audit:${audit.run.fingerprint}`;
  const WORDS = { problem: "problem", fine: "fine", unsure: "unsure" };
  const KEYS = { y: "problem", n: "fine", u: "unsure" };
  const listeners = [];
  const buttons = Array.from(box.querySelectorAll("[data-mark]"));
  const saved = load(); // sample → mark
  let current = null; // the case in the lightbox

  // Some browsers keep nothing for a page from the disk: marks then last as long as the page.
  function load() {
    try {
      const found = JSON.parse(window.localStorage.getItem(STORE) || "{}");
      const known = Object.entries(found).filter(([, mark]) => Object.hasOwn(WORDS, mark));
      return new Map(known);
    } catch {
      return new Map();
    }
  }

  function store() {
    try {
      window.localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(saved)));
      return true;
    } catch {
      return false;
    }
  }

  function of(id) {
    return saved.get(audit.cases[id].sample) || "";
  }

  function set(mark) {
    if (current === null) return;
    const { sample } = audit.cases[current];
    if (saved.get(sample) === mark) saved.delete(sample);
    else saved.set(sample, mark);
    const kept = store();
    box.querySelector(".kept").textContent = kept
      ? ""
      : "This browser keeps nothing for this page: export before you close it.";
    show();
    listeners.forEach((listener) => listener());
  }

  function show() {
    const mark = current === null ? "" : of(current);
    buttons.forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.mark === mark));
    });
    const n = Object.values(audit.cases).filter((shown) => of(shown.id)).length;
    document.querySelector(".marked").textContent = n ? `${n.toLocaleString("en")} marked` : "";
  }

  function exported() {
    const marked = Object.values(audit.cases).filter((shown) => of(shown.id));
    return {
      format: "cam-audit-marks/1",
      run: audit.run.name,
      fingerprint: audit.run.fingerprint,
      exported: new Date().toISOString(),
      marks: marked.map((shown) => ({
        index: shown.id, sample_id: shown.sample, path: shown.is_path ? shown.name : null, mark: of(shown.id),
      })),
    };
  }

  function download() {
    const text = JSON.stringify(exported(), null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "marks.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  box.addEventListener("case", (event) => {
    current = event.detail.id;
    show();
  });
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mark]");
    if (button) set(button.dataset.mark);
  });
  document.addEventListener("keydown", (event) => {
    if (!box.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (Object.hasOwn(KEYS, event.key)) set(KEYS[event.key]);
  });
  document.querySelector("[data-do=export]").addEventListener("click", download);
  show();

  window.camAuditMarks = {
    of,
    word: (id) => WORDS[of(id)] || "",
    onChange: (listener) => listeners.push(listener),
  };
})();
