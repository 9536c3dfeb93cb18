// Added to a report that the local browser serves: links from its cases to every figure of theirs.
(function () {
  "use strict";

  function link(address, text) {
    const made = document.createElement("a");
    made.href = address;
    made.textContent = text;
    return made;
  }

  function add(place, id) {
    if (!/^\d+$/.test(id) || !place || place.querySelector("a.figures")) return;
    const made = link(`/image/${id}`, "every figure");
    made.className = "figures";
    place.append(made);
  }

  function addAll() {
    document.querySelectorAll("[data-case]").forEach((card) => {
      add(card.querySelector(".meta"), card.dataset.case);
    });
  }

  // The enlarged case: it may be open before this script runs, from the address.
  const box = document.getElementById("lightbox");
  const enlarged = (id) => add(box.querySelector(".about .meta"), String(id));
  if (box) {
    box.addEventListener("case", (event) => enlarged(event.detail.id));
    const open = new URLSearchParams(window.location.hash.split("?")[1] || "").get("case");
    if (box.open && open) enlarged(open);
  }

  const list = document.querySelector(".masthead nav ul");
  if (list) {
    const item = document.createElement("li");
    item.append(link("/", "All images"));
    list.prepend(item);
  }
  addAll();
  new MutationObserver(addAll).observe(document.body, { childList: true, subtree: true });
})();
