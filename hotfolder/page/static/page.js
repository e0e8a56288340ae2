/* What a browser adds to the page: news as they come, the slider, chosen pictures, notes that go. */
"use strict";

/* News: each part of the page is morphed into what the server has sent, so focus and open menus stay. */
const parts = [...document.querySelectorAll("[data-part]")];
const connection = document.getElementById("connection");
let late = 0;
if (parts.length) {
  const wanted = parts.map((part) => part.dataset.part);
  const source = new EventSource("/events?parts=" + wanted.join(","));
  for (const part of parts) {
    source.addEventListener(part.dataset.part, (event) => {
      Idiomorph.morph(part, event.data, { morphStyle: "innerHTML" });
      htmx.process(part);
    });
  }
  source.addEventListener("open", () => { clearTimeout(late); late = 0; connection.hidden = true; });
  source.addEventListener("error", () => {
    late ||= setTimeout(() => { connection.hidden = false; }, 2500);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 15000);
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

/* A picture that was on its way to a thumbnail and has none is left blank. */
addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement && !event.target.src.includes("none.svg")) event.target.src = "/static/none.svg";
}, true);

/* The next paintings of the gallery are asked for before its end is seen. */
const ends = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) { ends.unobserve(target); target.click(); }
}, { rootMargin: "1200px" });
const observe_end = () => document.querySelectorAll(".more a").forEach((link) => ends.observe(link));
document.addEventListener("htmx:load", observe_end);

/* Before and after. */
for (const figure of document.querySelectorAll("[data-compare]")) {
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("aria-label", "How much of the picture before it was painted is shown");
  slider.addEventListener("input", () => figure.style.setProperty("--at", slider.value + "%"));
  const tags = [["left", "Before"], ["right-tag", "After"]].map(([side, text]) =>
    Object.assign(document.createElement("span"), { className: "tag " + side, textContent: text }));
  figure.append(slider, ...tags);
  figure.classList.add("ready");
}

/* Chosen pictures, as far as the browser can show them; and a place to drop them. */
for (const label of document.querySelectorAll("[data-drop]")) {
  const input = label.querySelector("input");
  const shown = Object.assign(document.createElement("span"), { className: "chosen" });
  label.append(shown);
  input.addEventListener("change", () => {
    for (const old of shown.querySelectorAll("img")) URL.revokeObjectURL(old.src);
    shown.replaceChildren(...[...input.files].slice(0, 12).map((file) =>
      Object.assign(new Image(), { src: URL.createObjectURL(file), alt: file.name, title: file.name })));
  });
  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    label.addEventListener(name, (event) => {
      label.classList.toggle("over", over);
      if (name === "dragleave") return;
      event.preventDefault();
      if (name === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change"));
      }
    });
  }
}

/* Of the rows for regions, those that are filled in or need another look, and one more. */
const regions = [...document.querySelectorAll(".region[role=group]")];
const show_regions = () => {
  const used = regions.map((row) => !!row.querySelector(".error") || [...row.querySelectorAll("input, select")].some((it) => it.value));
  regions.forEach((row, at) => { row.hidden = at > Math.max(1, 1 + used.lastIndexOf(true)); });
};
for (const row of regions) row.addEventListener("change", show_regions);
show_regions();

/* Notes go by themselves; one with an undo stays longer. A deleted card goes at once. */
const note = document.getElementById("note");
let going = 0;
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== note) return;
  clearTimeout(going);
  if (note.querySelector("[data-reload]")) setTimeout(() => location.reload(), 1500);
  const stays = note.querySelector("[data-stays]");
  going = setTimeout(() => note.replaceChildren(), stays ? 20000 : 6000);
});
document.body.addEventListener("htmx:sendError", () => {
  note.replaceChildren(Object.assign(document.createElement("div"), { className: "toast bad", textContent: "The page cannot be reached. Nothing was done." }));
});
