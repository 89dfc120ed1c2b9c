// Boxes open and shut, and the card of the node that is looked at stands below. Nothing is fetched.
(() => {
  "use strict";
  for (const figure of document.querySelectorAll(".cr-graph")) {
    const states = [...figure.querySelectorAll(".cr-state")];
    const card = figure.querySelector(".cr-card");
    if (!card) continue; // a still picture: nothing in it is read or opened
    let told = null;

    const nodes = () => [...states.find((s) => !s.hidden).querySelectorAll("[tabindex]")];

    const tell = (node) => {
      if (node === told) return;
      told = node;
      const lines = (node.querySelector(":scope > title")?.textContent ?? "").split("\n");
      const warning = node.querySelector(":scope > .warn > title");
      if (warning) lines.push("! " + warning.textContent);
      card.replaceChildren(...lines.map((line, k) => {
        const p = document.createElement(k ? "p" : "strong");
        p.textContent = line;
        return p;
      }));
    };

    const show = (box) => {
      const group = box.dataset.group;
      const to = Number(box.dataset.to);
      states.forEach((s, k) => { s.hidden = k !== to; });
      const again = [...states[to].querySelectorAll("[data-group]")]
        .find((n) => n.dataset.group === group) ?? nodes()[0];
      again?.focus({ preventScroll: true });
      again?.scrollIntoView({ block: "nearest", inline: "center" });
    };

    figure.addEventListener("click", (event) => {
      const box = event.target.closest("[data-to]");
      if (box) show(box);
    });
    const look = (event) => {
      const node = event.target.closest(".node, [data-to]");
      if (node) tell(node);
    };
    figure.addEventListener("focusin", look);
    figure.addEventListener("mouseover", look);
    figure.addEventListener("keydown", (event) => {
      const here = event.target;
      if ((event.key === "Enter" || event.key === " ") && here.dataset?.to) {
        event.preventDefault();
        show(here);
        return;
      }
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by && here.matches?.("[tabindex]")) {
        const all = nodes();
        const next = all[all.indexOf(here) + by];
        if (next) {
          event.preventDefault();
          next.focus();
          next.scrollIntoView({ block: "nearest", inline: "nearest" });
        }
      }
    });
  }
})();
