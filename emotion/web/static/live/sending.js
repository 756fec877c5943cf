// Frames out, answers in. As many frames are on their way as the line holds (see pace.js), none waits in line:
// where there is no room for a frame, it is dropped, and the newest one is taken as soon as there is.
// A broken line is tried again and again, ever more slowly; nothing here can make the page reload.

import { createEncoder } from "./encoder.js";
import { say } from "./i18n.js";
import { Pace } from "./pace.js";
import { request } from "./session.js";

// One connection carries any number of requests from HTTP/2 on; the page's own tells which one it is.
const [OWN_LOADING] = [...performance.getEntriesByName(import.meta.url), ...performance.getEntriesByType("navigation")];
const MULTIPLEXED = Boolean(OWN_LOADING?.nextHopProtocol) && !OWN_LOADING.nextHopProtocol.startsWith("http/1");

const PATIENCE_MS = 4000, PROBE_EVERY_MS = 5000, LONGEST_PAUSE_MS = 2000;

export class Sender {
  // `video` is read, `settings()` gives what the viewer has chosen, `on` has: reply(reply, frame), trouble(text),
  // refused(text).
  constructor({ root, video, settings, on }) {
    Object.assign(this, { root, video, settings, on });
    this.encode = createEncoder();
    this.run = this.n = 0; // both only rise, so that the server can tell what is newer
    this.stop();
  }

  // From now on frames belong to the session of `token`, whose first one came at `startedAt`.
  start(token, startedAt) {
    this.stop();
    Object.assign(this, { token, startedAt, running: true });
    this.run = Math.max(Date.now(), this.run + 1);
    this.probe();
    this.prober = setInterval(() => this.probe(), PROBE_EVERY_MS);
  }

  stop() {
    this.running = false;
    clearInterval(this.prober);
    clearTimeout(this.retry);
    this.underWay?.forEach((frame) => frame.abort.abort());
    this.underWay = new Set();
    this.pace = new Pace({ multiplexed: MULTIPLEXED });
    this.dropped = this.failures = 0;
    this.shown = this.n; // number of the newest frame whose answer was handed over
    this.latest = null; // capture time of a camera frame that was not sent yet
  }

  // A camera frame is there.
  offer(captured) {
    if (this.latest !== null) this.dropped += 1;
    this.latest = captured;
    this.sendLatest();
  }

  sendLatest() {
    const room = this.failures ? 1 : this.pace.inFlight;
    if (!this.running || this.latest === null || this.underWay.size >= room || this.retry) return;
    const frame = { n: ++this.n, captured: this.latest, at: performance.now(), abort: new AbortController() };
    this.latest = null;
    this.underWay.add(frame);
    this.send(frame, this.run);
  }

  async send(frame, run) {
    const timer = setTimeout(() => frame.abort.abort(), Math.max(PATIENCE_MS, 4 * this.pace.base));
    let reply = null, problem = null;
    try {
      const picture = await this.encode(this.video, this.pace.size);
      frame.encoded = performance.now();
      if (picture) reply = await this.post(frame, run, picture);
    } catch (error) {
      problem = error;
    }
    clearTimeout(timer);
    if (run !== this.run || !this.underWay.delete(frame)) return;
    if (problem) this.failed(problem);
    else if (reply) this.answered(frame, reply);
    this.sendLatest();
  }

  async post(frame, run, { blob, width, height }) {
    Object.assign(frame, { bytes: blob.size, width, height });
    const time = Math.max(frame.captured - this.startedAt, 0) / 1000;
    const query = new URLSearchParams({ run, n: frame.n, time_s: time.toFixed(4), ...this.settings() });
    const url = `${this.root}live/frame?${query}`;
    const response = await request(url, this.token, { method: "POST", body: blob, signal: frame.abort.signal });
    return response;
  }

  answered(frame, reply) {
    const now = performance.now();
    if (this.failures) this.on.trouble("");
    this.failures = 0;
    frame.roundTrip = now - frame.encoded;
    if (reply.error) return this.on.reply(reply, frame);
    if (reply.elsewhere) return this.on.refused(say("elsewhere"));
    if (reply.passed) return;
    const times = { total: now - frame.at, encode: frame.encoded - frame.at, wait: reply.wait_ms, work: reply.server_ms };
    this.pace.replied(times, now);
    if (frame.n < this.shown) return; // a newer one was quicker
    this.shown = frame.n;
    this.on.reply(reply, frame);
  }

  failed(problem) {
    if (problem.status === 401 || problem.status === 403) return this.on.refused(problem.message);
    if (problem.status === 400) return this.on.reply({ error: problem.message }, null);
    this.failures += 1;
    this.underWay.forEach((frame) => frame.abort.abort());
    this.underWay.clear();
    this.on.trouble(say("unreachable"));
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.tryAgain(), Math.min(250 * 2 ** (this.failures - 1), LONGEST_PAUSE_MS));
  }

  tryAgain() {
    clearTimeout(this.retry);
    this.retry = null;
    this.sendLatest();
  }

  // How long does something small take?
  async probe() {
    const run = this.run, began = performance.now();
    try {
      await request(`${this.root}live/session`, this.token);
      if (run === this.run) this.pace.probed(performance.now() - began, performance.now());
    } catch {
      // The frames will notice.
    }
  }
}
