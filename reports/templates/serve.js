// The local browser's script: keys, and how an image is drawn. Pages work without it.
(function () {
  "use strict";

  const root = document.documentElement;

  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) link.click();
    return Boolean(link);
  }

  // ---- The list -----------------------------------------------------------------------------

  const rows = Array.from(document.querySelectorAll(".rows a.open"));

  function step(by) {
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
    rows[Math.min(Math.max(next, 0), rows.length - 1)].focus();
    return true;
  }

  function search() {
    const field = document.querySelector("[data-key='/']");
    if (field) field.select();
    return Boolean(field);
  }

  // ---- One image ----------------------------------------------------------------------------

  function toggle(button) {
    if (!button) return false;
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    const { toggle: what, only } = button.dataset;
    if (what) root.classList.toggle(`no-${what}`, !shown);
    if (only) document.querySelector(`[data-map="${only}"]`).hidden = !shown;
    return true;
  }

  const slider = document.querySelector(".opacity");
  if (slider) {
    const apply = () => root.style.setProperty("--heat", slider.value / 100);
    slider.addEventListener("input", apply);
    apply(); // a reload keeps a slider where it was
  }
  document.querySelectorAll("[data-toggle], [data-only]").forEach((button) => {
    button.addEventListener("click", () => toggle(button));
  });
  // A picture may be damaged, or its file gone since: its place then says so by staying grey.
  document.querySelectorAll(".photo").forEach((photo) => {
    const blank = () => photo.closest(".stack").classList.add("blank");
    if (photo.complete && !photo.naturalWidth) blank();
    photo.addEventListener("error", blank);
  });

  // ---- Keys ---------------------------------------------------------------------------------

  const button = (selector) => () => toggle(document.querySelector(selector));
  const onImage = Boolean(slider);
  const KEYS = onImage
    ? {
        ArrowLeft: () => follow("[data-walk='previous']"),
        ArrowRight: () => follow("[data-walk='next']"),
        u: () => follow("[data-walk='up']"),
        0: button("[data-toggle='heat']"),
        b: button("[data-toggle='region']"),
        t: button("[data-only='true']"),
        p: button("[data-only='pred']"),
      }
    : {
        "/": search,
        j: () => step(1),
        k: () => step(-1),
        n: () => follow("[data-page='next']"),
        p: () => follow("[data-page='previous']"),
      };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (act && act()) event.preventDefault();
  });
})();
