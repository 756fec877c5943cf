// A camera frame as JPEG, in a worker where the browser has OffscreenCanvas, so that the page stays smooth.

// Runs in the worker. It is started from its own text: a worker's file must come from the page's own site,
// which the app's does not where another site embeds it.
function work() {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d");
  self.onmessage = async ({ data: { id, bitmap, quality } }) => {
    try {
      if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
      if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
      self.postMessage({ id, blob: await canvas.convertToBlob({ type: "image/jpeg", quality }) });
    } catch (error) {
      self.postMessage({ id, error: String(error) });
    }
  };
}

function startWorker() {
  if (!window.OffscreenCanvas || !OffscreenCanvas.prototype.convertToBlob || !window.createImageBitmap) return null;
  const url = URL.createObjectURL(new Blob([`(${work})()`], { type: "text/javascript" }));
  try {
    return new Worker(url);
  } catch {
    return null; // a page's content security policy may forbid it
  }
}

// The encoder: `encode(video, {side, quality})` gives {blob, width, height}, or null if there is no picture yet.
export function createEncoder() {
  const worker = startWorker();
  const waiting = new Map();
  const canvas = document.createElement("canvas");
  let lastId = 0, broken = !worker;

  if (worker) {
    worker.onmessage = ({ data }) => {
      const { resolve, reject } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.blob) resolve(data.blob); else reject(new Error(data.error));
    };
    worker.onerror = () => {
      broken = true;
      waiting.forEach(({ reject }) => reject(new Error("The worker could not be started.")));
      waiting.clear();
    };
  }

  async function inWorker(video, width, height, quality) {
    const bitmap = await createImageBitmap(video, { resizeWidth: width, resizeHeight: height });
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, bitmap, quality }, [bitmap]);
    });
  }

  function inPage(video, width, height, quality) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    canvas.getContext("2d").drawImage(video, 0, 0, width, height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  }

  return async function encode(video, { side, quality }) {
    const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.round(video.videoWidth * scale), height = Math.round(video.videoHeight * scale);
    if (!width || !height) return null;
    if (!broken) {
      try {
        return { blob: await inWorker(video, width, height, quality), width, height };
      } catch {
        broken = true;
      }
    }
    return { blob: await inPage(video, width, height, quality), width, height };
  };
}
