// Where faces are now: an answer belongs to a frame that was captured some time ago, so its boxes are moved on by
// the speed of their tracks. The server's tracker has a speed, too, but lets it fade, as it is for faces that
// are hidden; here the straight line through the last quarter of a second is nearer.

const WINDOW_MS = 250, LEAST_SIGHTS = 3, FURTHEST_MS = 500, SMALLEST = 8;

export class Motion {
  constructor() { this.sights = []; } // [{at, places: Map(track -> [x, y, width, height])}], oldest first

  // An answer whose frame was captured at `at`.
  add(faces, at) {
    const places = new Map(faces.map(({ track, box: [x1, y1, x2, y2] }) => [track, [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]]));
    const recent = this.sights.filter((sight, index) =>
      at - sight.at < WINDOW_MS || (index > this.sights.length - LEAST_SIGHTS && at - sight.at < 4 * WINDOW_MS));
    this.sights = [...recent, { at, places }];
  }

  // The faces of the last answer, moved to where they should be at `now`.
  moved(faces, now) {
    const last = this.sights.at(-1), ahead = Math.min(Math.max(now - last.at, 0), FURTHEST_MS);
    return faces.map((face) => {
      const place = last.places.get(face.track), speed = this.speed(face.track);
      const [x, y, width, height] = place.map((value, index) => value + speed[index] * ahead);
      const w = Math.max(width, SMALLEST), h = Math.max(height, SMALLEST);
      return { ...face, box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] };
    });
  }

  // Pixels a millisecond of [x, y, width, height]: slope of the least squares line.
  speed(track) {
    const seen = this.sights.filter(({ places }) => places.has(track));
    const middle = mean(seen.map(({ at }) => at));
    const spread = seen.reduce((sum, { at }) => sum + (at - middle) ** 2, 0);
    if (!spread) return [0, 0, 0, 0];
    return [0, 1, 2, 3].map((index) =>
      seen.reduce((sum, { at, places }) => sum + (at - middle) * places.get(track)[index], 0) / spread);
  }
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
