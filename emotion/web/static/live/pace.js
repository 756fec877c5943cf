// How many frames may be on their way, and how large they are: from the times that the last ones took.
//
// `base` is the shortest time that something small needs there and back. As many frames as fit into it are
// sent without waiting for answers. What a frame needs beyond `base` is the time to send its bytes: on a slow
// line frames get smaller before there are fewer of them.

export const MOST_IN_FLIGHT = 8;
const MOST_CONNECTIONS = 6; // of HTTP/1.1 browsers, to one server
const REMEMBERED_MS = 30000, JUDGED_MS = 1000;
const ENOUGH_FPS = 20, SLOW_MS = 40, QUICK_MS = 20;
const LEVELS = [
  { side: 512, quality: 0.8 }, { side: 512, quality: 0.6 }, { side: 400, quality: 0.6 }, { side: 320, quality: 0.55 },
  { side: 256, quality: 0.5 }, { side: 192, quality: 0.45 }, { side: 160, quality: 0.4 },
];

export class Pace {
  // `multiplexed`: whether one connection carries any number of requests (HTTP/2 and later).
  constructor({ multiplexed }) {
    this.multiplexed = multiplexed;
    this.level = 0;
    this.interval = 33; // of the camera, in milliseconds
    this.lapses = []; // {at, ms}: what small requests and whole frames needed, without the server's own time
    this.replies = []; // of the time since the level was judged last
    this.judgedAt = 0;
    this.patience = 4000; // before larger frames are tried, in milliseconds
    this.raisedAt = -Infinity;
    this.goodSince = 0;
    this.work = 20; // encoding and reading a frame, in milliseconds
  }

  get size() { return LEVELS[this.level]; }

  get base() { return this.lapses.reduce((least, { ms }) => Math.min(least, ms), Infinity); }

  get inFlight() {
    if (!this.lapses.length) return 1;
    const lapse = this.base + this.work;
    const most = this.multiplexed ? MOST_IN_FLIGHT : MOST_CONNECTIONS;
    return lapse < this.interval ? 1 : Math.min(Math.ceil(lapse / this.interval + 0.5), most);
  }

  // A camera frame came `ms` after the one before.
  frameCame(ms) {
    if (ms > 0 && ms < 500) this.interval += 0.1 * (ms - this.interval);
  }

  // A request of no size was answered after `ms`.
  probed(ms, now) { this.remember(ms, now); }

  // A frame was answered: `total` from capture to answer, `encode`, `wait` and `work` of it as the names say.
  replied({ total, encode, wait, work }, now) {
    const network = Math.max(total - encode - wait - work, 0);
    this.work += 0.1 * (encode + work - this.work);
    this.remember(network, now);
    this.replies.push(network);
    if (!this.judgedAt) this.judgedAt = this.goodSince = now;
    if (now - this.judgedAt >= JUDGED_MS && (this.replies.length > 2 || now - this.judgedAt >= 2 * JUDGED_MS)) this.judge(now);
  }

  remember(ms, now) {
    this.lapses = this.lapses.filter((lapse) => now - lapse.at < REMEMBERED_MS).concat({ at: now, ms });
  }

  judge(now) {
    const fps = this.replies.length * 1000 / (now - this.judgedAt);
    const sending = median(this.replies) - this.base;
    // On a long line the browser's connections set the limit, not the frames' size.
    const possible = this.inFlight * 1000 / (this.base + this.work);
    const enough = Math.min(ENOUGH_FPS, 700 / this.interval, 0.8 * possible);
    this.replies = [];
    this.judgedAt = now;
    if (fps < enough && sending > Math.max(SLOW_MS, this.base / 3)) {
      if (now - this.raisedAt < 5000) this.patience = Math.min(2 * this.patience, 60000);
      this.level = Math.min(this.level + 1, LEVELS.length - 1);
      this.goodSince = now;
    } else if (sending > QUICK_MS || fps < enough) {
      this.goodSince = now;
    } else if (this.level > 0 && now - this.goodSince > this.patience) {
      this.level -= 1;
      this.raisedAt = this.goodSince = now;
    }
  }
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
