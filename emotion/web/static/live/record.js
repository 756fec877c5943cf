// The switch that records the session of the webcam, and the address of its live feed. Both are off at every new
// session; the server says every two seconds how it is going.

import { say as word } from "./i18n.js";
import { browserToken, kept, request } from "./session.js";

const ASK_EVERY_MS = 2000;

export function mountRecord({ element, root }) {
  element.innerHTML = `
    <div class="record-controls">
      <label class="live-check"><input type="checkbox" data-do="record"> ${word("record")}</label>
      <label class="live-check"><input type="checkbox" data-do="feed"> ${word("feed")}</label>
    </div>
    <p class="record-live" role="status" hidden></p>
    <p class="record-feed" hidden></p>`;
  const box = (name) => element.querySelector(`[data-do=${name}]`);
  const live = element.querySelector(".record-live"), feed = element.querySelector(".record-feed");
  let token = null;

  function ask(method = "GET", query = "") {
    const owner = { "X-Emotion-Browser": browserToken() };
    return request(`${root}live/record${query}`, token, { method }, owner);
  }

  function say(paragraph, text, problem = false) {
    paragraph.hidden = !text;
    paragraph.classList.toggle("record-problem", problem);
    if (paragraph.textContent !== text) paragraph.textContent = text;
  }

  function show(state) {
    box("record").checked = state.recording;
    box("record").closest("label").hidden = !state.offered;
    box("feed").checked = Boolean(state.feed);
    const behind = state.problem ? ` ${state.problem} ${word("record_waiting", { count: state.waiting })}` : "";
    const lost = state.lost ? ` ${word("record_lost", { count: state.lost })}` : "";
    if (state.deleted) say(live, word("record_deleted"), true);
    else if (state.recording) say(live, `${word("recording", { session: state.session, place: state.place })}${behind}${lost}`, Boolean(behind));
    else say(live, "");
    element.dataset.recording = state.recording ? "on" : "off";
    say(feed, state.feed ? word("feed_address", { address: `${root}${state.feed}` }) : "");
  }

  async function change(name) {
    const on = box(name).checked;
    token = kept("session");
    if (!token) { box(name).checked = false; return say(live, word("record_first")); }
    try { show(await ask("POST", `?${name}=${on ? 1 : 0}`)); } catch (error) {
      box(name).checked = !on;
      say(live, error.message, true);
    }
  }

  async function follow() {
    // Another token is another session: its recording is off until somebody asks for it.
    const now = kept("session");
    if (now && element.offsetParent !== null && (now !== token || box("record").checked)) {
      token = now;
      try { show(await ask()); } catch { /* the panel above says so */ }
    }
    setTimeout(follow, ASK_EVERY_MS);
  }

  for (const name of ["record", "feed"]) box(name).addEventListener("change", () => change(name));
  follow();
}
