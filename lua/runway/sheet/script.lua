-- script.lua: what the contact sheet does when it is used. Without it, the page shows all shots, and its links
-- lead to the films. What a shot says is read here as text, and never written as markup.

return [[
"use strict";
(() => {
  const list = document.getElementById("shots"), form = document.getElementById("tools");
  const count = document.getElementById("count"), none = document.getElementById("none");
  const cards = Array.from(list.children), texts = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const controls = form.elements;

  const plain = (s) => s.normalize("NFKC").toLowerCase();
  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, plain(card.querySelector(".told").textContent));
    return texts.get(card);
  };
  const number = (card, name) => card.dataset[name] === undefined ? -Infinity : Number(card.dataset[name]);
  const ranks = { failed: 0, unknown: 1, busy: 2, waiting: 3, done: 4, left_out: 5 };
  const orders = {
    list: () => 0,
    status: (a, b) => ranks[a.dataset.state] - ranks[b.dataset.state],
    latest: (a, b) => number(b, "at") - number(a, "at"),
    cost: (a, b) => number(b, "cost") - number(a, "cost"),
    time: (a, b) => number(b, "took") - number(a, "took"),
    model: (a, b) => (a.dataset.model || "").localeCompare(b.dataset.model || ""),
  };

  let order = "list";
  const sort = () => {
    if (controls.order.value === order) return;
    order = controls.order.value;
    const by = (a, b) => orders[order](a, b) || a.dataset.n - b.dataset.n;
    list.append(...Array.from(cards).sort(by));
  };

  const show = () => {
    const wanted = controls.state.value, words = plain(controls.text.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const fits = (!wanted || card.dataset.state === wanted) && words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      if (fits) shown++;
    }
    none.hidden = shown > 0;
    count.value = shown === cards.length ? cards.length + (shown === 1 ? " shot" : " shots")
      : shown + " of " + cards.length + " shots";
  };

  // what was chosen stands in the address, so that a reload keeps it
  const keep = () => {
    const said = new URLSearchParams();
    for (const name of ["state", "text", "order"]) {
      const value = controls[name].value;
      if (value && !(name === "order" && value === "list")) said.set(name, value);
    }
    try { history.replaceState(null, "", "#" + said); } catch (_) { /* some browsers keep none for files */ }
  };
  const recall = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    const has = (options, value) => Array.from(options).some((o) => o.value === value);
    controls.text.value = said.get("text") || "";
    controls.state.value = has(controls.state, said.get("state")) ? said.get("state") : "";
    controls.order.value = has(controls.order.options, said.get("order")) ? said.get("order") : "list";
  };
  const change = () => { sort(); show(); keep(); };

  let playing = null;
  const stop = () => {
    if (!playing) return;
    const film = playing.firstElementChild;
    playing = null;
    film.pause();
    film.removeAttribute("src");
    film.load();
    film.remove();
  };
  const play = (stage) => {
    if (!stage || stage === playing && stage.querySelector("video") || still.matches) return;
    stop();
    const film = document.createElement("video");
    film.muted = film.loop = film.playsInline = true;
    film.preload = "none";
    film.tabIndex = -1;
    film.setAttribute("aria-hidden", "true");
    film.src = stage.href;
    film.hidden = true;                       // until there is something to see
    film.addEventListener("playing", () => { film.hidden = false; }, { once: true });
    film.addEventListener("error", () => { film.hidden = true; });
    stage.prepend(film);
    playing = stage;
    film.play().catch(() => {});
  };
  const stageOf = (e) => e.target instanceof Element ? e.target.closest("a.stage[data-play]") : null;
  list.addEventListener("pointerover", (e) => { if (e.pointerType !== "touch") play(stageOf(e)); });
  list.addEventListener("pointerout", (e) => {
    if (playing && !playing.contains(e.relatedTarget) && playing !== document.activeElement) stop();
  });
  list.addEventListener("focusin", (e) => play(stageOf(e)));
  list.addEventListener("focusout", (e) => { if (stageOf(e) === playing) stop(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });

  // a still that was moved away leaves a plain card
  list.addEventListener("error", (e) => { if (e.target instanceof HTMLImageElement) e.target.remove(); }, true);

  // paper shows all of them
  addEventListener("beforeprint", () => {
    for (const image of document.images) image.loading = "eager";
  });

  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("input", change);
  addEventListener("hashchange", () => { recall(); sort(); show(); });
  recall();
  sort();
  show();
  form.parentElement.hidden = false;
})();
]]
