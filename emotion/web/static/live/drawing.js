// Boxes and labels over the live picture.

// What a face shows: "happy 92 %", or where that is not sure "sad or neutral 45 / 40 %".
export function labelText(face) {
  const percent = (share) => Math.round(100 * share);
  if (face.sure) return `${face.label} ${percent(face.confidence)} %`;
  return `${face.label} or ${face.second} ${percent(face.confidence)} / ${percent(face.probabilities[face.second])} %`;
}

// Sizes are CSS pixels, so that text is as crisp and as large on every screen.
export function drawOverlay(canvas, answer, options) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || canvas.width, height = canvas.clientHeight || canvas.height;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  drawFaces(context, answer, { width, height, ...options });
}

export function clearOverlay(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
}

// `answer` has the width and height that the boxes are counted in; `tones` {label: {colour, ink}}.
export function drawFaces(context, answer, { width, height, mirrored, tones }) {
  const scale = Math.min(width / answer.width, height / answer.height);
  const left = (width - answer.width * scale) / 2, top = (height - answer.height * scale) / 2;
  const size = Math.max(13, Math.min(width / 36, 20));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const face of answer.faces) {
    const [x1, y1, x2, y2] = face.box;
    const w = (x2 - x1) * scale, h = (y2 - y1) * scale, y = top + y1 * scale;
    const x = left + (mirrored ? answer.width - x2 : x1) * scale;
    const { colour, ink } = tones[face.label];
    context.lineWidth = 5;
    context.strokeStyle = "rgb(0 0 0 / 0.45)";
    context.beginPath(); context.roundRect(x, y, w, h, 10); context.stroke();
    context.lineWidth = 3;
    context.strokeStyle = colour;
    context.stroke();
    const text = `${face.track}  ${labelText(face)}`;
    const plate = context.measureText(text).width + 16, tall = size * 1.6;
    const px = Math.max(0, Math.min(x, width - plate)), py = y - tall - 4 >= 0 ? y - tall - 4 : Math.min(y + 4, height - tall);
    context.fillStyle = colour;
    context.beginPath(); context.roundRect(px, py, plate, tall, 6); context.fill();
    context.fillStyle = ink;
    context.fillText(text, px + 8, py + tall / 2 + 1);
  }
}

// The camera's picture with boxes as a PNG, saved by the browser.
export function saveSnapshot(video, answer, { mirrored, tones }) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  if (mirrored) { context.translate(canvas.width, 0); context.scale(-1, 1); }
  context.drawImage(video, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (answer) drawFaces(context, answer, { width: canvas.width, height: canvas.height, mirrored, tones });
  canvas.toBlob((blob) => {
    const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    saveFile(blob, `expression-${time}.png`);
  }, "image/png");
}

export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
