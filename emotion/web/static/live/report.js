// Summary and downloads of a webcam session. The server answers with text; the files are made here in the
// browser, so that a session leaves nothing on the server's disk.

import { saveFile } from "./drawing.js";
import { say } from "./i18n.js";
import { kept, newToken, request } from "./session.js";

export function mountReport({ element, root }) {
  element.innerHTML = `
    <div class="live-controls">
      <button type="button" class="live-button" data-what="summary">${say("summary")}</button>
      <button type="button" class="live-button" data-what="csv">${say("download_csv")}</button>
      <button type="button" class="live-button" data-what="json">${say("download_json")}</button>
    </div>
    <div class="report-text" role="status"></div>`;
  const place = element.querySelector(".report-text");
  let asked = 0, shown = 0;

  async function get(what) {
    const number = ++asked;
    try {
      const answer = await request(`${root}live/report?what=${what}`, kept("session") || newToken());
      if (answer.html === undefined) return saveFile(new Blob([answer.text], { type: answer.type }), answer.name);
      // An older summary may come after a newer one; every download counts.
      if (number > shown) { place.innerHTML = answer.html; shown = number; }
    } catch (error) {
      place.textContent = error.status ? error.message : say("try_again");
    }
  }

  for (const button of element.querySelectorAll("button")) {
    button.addEventListener("click", () => get(button.dataset.what));
  }
}
