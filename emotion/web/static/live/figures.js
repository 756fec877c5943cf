// What stands beside and below the live picture: bars for each face, the mean of all, the last minute, figures.

import { labelText } from "./drawing.js";
import { faces as facesWord, say } from "./i18n.js";

const MOST_CARDS = 6, MINUTE_MS = 60000, HISTORY_EVERY_MS = 100;

export class Figures {
  constructor(find, tones) {
    Object.assign(this, { find, tones, labels: Object.keys(tones), history: [] });
    find(".live-mean").innerHTML = this.bars();
    find(".live-legend").innerHTML = this.labels.map((label) =>
      `<li style="--tone:${tones[label].colour}"><i></i>${label}</li>`).join("");
  }

  // Nothing has been seen yet.
  clear() {
    this.showFaces([]);
    this.showMean(null, 0);
  }

  forgetHistory() { this.history = []; }

  remember(mean, now) {
    if (now - (this.history.at(-1)?.at ?? -Infinity) < HISTORY_EVERY_MS) return;
    this.history = this.history.filter((entry) => now - entry.at < MINUTE_MS).concat({ at: now, mean });
  }

  showNumbers(numbers) {
    const show = (name, text) => { this.find(`[data-hud=${name}]`).textContent = text; };
    for (const name of ["fps", "dropped", "faces"]) show(name, numbers[name]);
    show("faces-word", facesWord(numbers.faces));
    show("latency", Math.round(numbers.latency));
    for (const name of ["detect", "classify", "draw"]) show(name, numbers[name].toFixed(1));
  }

  bars() {
    return this.labels.map((label) =>
      `<div class="live-bar" style="--tone:${this.tones[label].colour}"><span>${label}</span><div><i></i></div><span>0 %</span></div>`).join("");
  }

  showFaces(faces) {
    const holder = this.find(".live-faces"), shown = faces.slice(0, MOST_CARDS);
    const present = [...holder.querySelectorAll(".live-face")].map((card) => card.dataset.face);
    const more = faces.length - shown.length;
    if (shown.map((face) => String(face.track)).join() !== present.join() || holder.dataset.more !== String(more)) {
      holder.dataset.more = String(more);
      holder.innerHTML = shown.map((face) =>
        `<article class="live-face" data-face="${Number(face.track)}"><header><span>${say("number", { number: Number(face.track) })}</span><b></b></header>${this.bars()}</article>`).join("")
        + (more ? `<p class="live-empty">${say("more", { count: more })}</p>` : "")
        + (shown.length ? "" : `<p class="live-empty">${say("no_cards")}</p>`);
    }
    shown.forEach((face, index) => {
      const card = holder.children[index];
      card.style.setProperty("--tone", this.tones[face.label].colour);
      card.querySelector("b").textContent = labelText(face);
      fillBars(card, Object.values(face.probabilities));
    });
  }

  showMean(mean, count) {
    this.find("[data-mean=count]").textContent = count ? `(${count} ${facesWord(count)})` : "";
    fillBars(this.find(".live-mean"), mean);
  }

  // The last minute as stacked bands, newest at the right; gaps where nobody was in view.
  drawTimeline(now) {
    const canvas = this.find(".live-timeline"), ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const across = (at) => Math.round(width - ((now - at) / MINUTE_MS) * width), floor = height - 18;
    this.history.forEach((entry, index) => {
      if (!entry.mean) return;
      const end = Math.min(this.history[index + 1]?.at ?? now, entry.at + 500);
      const x = across(entry.at), wide = across(end) - x;
      let y = floor;
      entry.mean.forEach((value, which) => {
        y -= value * floor;
        context.fillStyle = this.tones[this.labels[which]].colour;
        context.fillRect(x, y, wide, value * floor);
      });
    });
    drawSeconds(context, { across, now, floor, height, ink: getComputedStyle(canvas).color });
  }
}

function fillBars(holder, values) {
  holder.querySelectorAll(".live-bar").forEach((bar, index) => {
    const value = values ? values[index] : 0;
    bar.querySelector("i").style.transform = `scaleX(${value})`;
    bar.lastElementChild.textContent = `${Math.round(100 * value)} %`;
  });
}

function drawSeconds(context, { across, now, floor, height, ink }) {
  context.fillStyle = ink;
  context.font = "11px system-ui, sans-serif";
  for (const seconds of [50, 40, 30, 20, 10]) {
    const x = Math.round(across(now - seconds * 1000)) + 0.5;
    context.globalAlpha = 0.25;
    context.fillRect(x, 0, 1, floor);
    context.globalAlpha = 0.9;
    context.fillText(`−${seconds} s`, x + 4, height - 5);
  }
  context.globalAlpha = 1;
}
