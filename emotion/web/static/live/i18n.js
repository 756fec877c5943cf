// The panel's words in the viewer's language, from languages/*.toml: the server writes words.js for each viewer.

import words from "./words.js";

// The words of that name; `{values}` in them are replaced.
export function say(name, values = {}) {
  return words[`live_${name}`].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export function faces(count) {
  return say(count === 1 ? "face" : "faces");
}

// Markup comes in English: its words are replaced where it says by which.
export function translate(element) {
  for (const [attribute, put] of [
    ["data-word", (part, text) => { part.textContent = text; }],
    ["data-word-title", (part, text) => { part.title = text; }],
    ["data-word-label", (part, text) => { part.setAttribute("aria-label", text); }],
  ]) {
    for (const part of element.querySelectorAll(`[${attribute}]`)) put(part, words[part.getAttribute(attribute)]);
  }
}
