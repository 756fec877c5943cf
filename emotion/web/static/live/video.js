// The video tab's buttons and progress. Begins a video through Gradio, which has the file, and then asks the
// server every half second how far it is: by the video's token, so also after a reload or a broken line.

import { say } from "./i18n.js";
import { browserToken, keep, kept, newToken, request } from "./session.js";

const ASK_EVERY_MS = 500, LONGEST_PAUSE_MS = 4000, PATIENCE_MS = 10000;
const BEGUN_MS = 90000; // the request that begins a video is tried again for a minute
const note = (text, problem) => `<div class="video-progress"><p${problem ? ' class="video-problem"' : ""} role="status">${text}</p></div>`;

export function mountVideo({ element, root, trigger }) {
  element.innerHTML = `
    <div class="live-controls">
      <button type="button" class="live-button live-primary" id="video-start">${say("read_video")}</button>
      <button type="button" class="live-button" id="video-cancel" disabled>${say("cancel")}</button>
    </div>
    <div class="video-state"></div>`;
  const start = element.querySelector("#video-start"), cancel = element.querySelector("#video-cancel");
  const state = element.querySelector(".video-state");
  let followed = null; // token of the video that is asked for

  function show(html, busy) {
    if (state.dataset.html !== html) state.innerHTML = html;
    state.dataset.html = html;
    start.disabled = busy;
    cancel.disabled = !busy;
  }

  async function follow(token, { begunAt = -Infinity } = {}) {
    followed = token;
    let pause = ASK_EVERY_MS, wasKnown = false;
    while (followed === token) {
      try {
        const job = await request(`${root}video/job`, token, { signal: AbortSignal.timeout(PATIENCE_MS) });
        if (followed !== token) return;
        pause = ASK_EVERY_MS;
        if (job.known) {
          wasKnown = true;
          show(job.html, !job.ended);
          if (job.done) trigger("results", { token });
          if (job.ended) return;
        } else if (wasKnown || performance.now() - begunAt > BEGUN_MS) {
          keep("video", "");
          return show(note(say("video_gone"), true), false);
        }
      } catch (error) {
        if (followed !== token) return;
        if (error.status === 401 || error.status === 403) return show(note(error.message, true), false);
        show(note(say("video_broken")), true);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  start.addEventListener("click", () => {
    const token = newToken();
    keep("video", token);
    show(note(say("handing_over")), true);
    trigger("begin", { token, browser: browserToken() });
    follow(token, { begunAt: performance.now() });
  });
  cancel.addEventListener("click", async () => {
    cancel.disabled = true;
    // Should the line be broken just now, it is cancelled as soon as it is back.
    const token = followed;
    for (let tries = 0; tries < 20 && followed === token; tries += 1) {
      try { return await request(`${root}video/job`, token, { method: "DELETE" }); } catch {
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  });
  if (kept("video")) follow(kept("video"));
}
