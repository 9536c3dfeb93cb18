// Added to a report that the local browser serves: links from its cases to every figure of theirs.
(function () {
  "use strict";

  function link(address, text) {
    const made = document.createElement("a");
    made.href = address;
    made.textContent = text;
    return made;
  }

  function add(card) {
    const id = card.dataset.case;
    const place = card.querySelector(".meta");
    if (!/^\d+$/.test(id) || !place || place.querySelector("a.figures")) return;
    const made = link(`/image/${id}`, "every figure");
    made.className = "figures";
    place.append(made);
  }

  function addAll() {
    document.querySelectorAll("[data-case]").forEach(add);
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
