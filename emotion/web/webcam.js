// The webcam panel. Runs in the browser: opens the camera, sends the latest frame, draws what comes back.
//
// Frames go out one at a time and none waits in line: while one is on its way newer ones replace each other,
// so what is drawn is as fresh as the connection allows. The server returns numbers only; boxes and labels
// are drawn here, over the live picture. Gradio calls this with `element`, `trigger`, `watch` and `props`;
// MARKUP and EXPRESSIONS ({label: {colour, ink}}) are put in front of it by webcam_tab.py.

element.innerHTML = MARKUP;
const find = (selector) => element.querySelector(selector);
const stage = find(".live-stage"), video = find("video"), overlay = find(".live-overlay");
const message = find(".live-message"), note = find(".live-note"), hud = find(".live-hud");
const spoken = find(".live-spoken"), timeline = find(".live-timeline");
const startButton = find("[data-do=start]"), stopButton = find("[data-do=stop]");
const snapshotButton = find("[data-do=snapshot]"), cameras = find("[data-do=camera]");
const mirror = find("[data-do=mirror]"), showHud = find("[data-do=hud]");
const labels = Object.keys(EXPRESSIONS);

const LONGEST_SIDE = 512, JPEG_QUALITY = 0.8, PATIENCE_MS = 4000, STALE_MS = 1000, MINUTE_MS = 60000;
const sheet = document.createElement("canvas");

let stream = null;      // the open camera, or null
let run = 0;            // counts openings and closings: replies to an earlier run are thrown away
let goingOn = false;    // whether the camera that is opening goes on with the session
let facing = null;      // which way the last camera looked, where it says so
let session = 0;        // counts starts: another camera goes on with the same session
let sent = null;        // the frame on its way: {n, captured, at, timer}
let latest = null;      // time stamp of the newest camera frame
let waiting = false;    // a newer frame came while one was on its way
let result = null;      // the last reply
let counts = { n: 0, dropped: 0 };
let arrivals = [];      // times of the replies of the last second
let history = [];       // {at, mood} of the last minute
let repliedAt = 0, emptySince = null, paintedAt = 0, timelineAt = 0, spokenAt = 0, spokenText = "";

// ---------------------------------------------------------------- what people are told

const PROBLEMS = {
  insecure: ["This page may not use the camera",
    "Browsers lend the camera only to pages on https:// or on this computer (http://localhost or http://127.0.0.1). Open the app at such an address."],
  embedded: ["The camera is blocked by the page around this app",
    "This app is embedded in another page that does not pass the camera on. Its author has to write allow=\"camera\" in the iframe; or open the app in a tab of its own."],
  denied: ["Permission denied",
    "The browser refused the camera. Click the camera sign beside the address, allow the camera for this page, then press “Start camera” again."],
  missing: ["No camera found",
    "Connect a camera, or switch it on, then press “Start camera” again. The picture and video tabs work without one."],
  taken: ["The camera is busy",
    "Another program or tab is using the camera. Close it there, then press “Start camera” again."],
  unplugged: ["The camera was disconnected", "Connect it again, then press “Start camera”."],
  unknown: ["The camera could not be opened", "Choose another camera or reload the page."],
};

function problemOf(error) {
  const name = error && error.name;
  if (name === "NotAllowedError" || name === "SecurityError") {
    const policy = document.permissionsPolicy || document.featurePolicy;
    const blocked = policy && policy.allowsFeature && !policy.allowsFeature("camera");
    return blocked && window.self !== window.top ? "embedded" : "denied";
  }
  if (name === "NotFoundError" || name === "DevicesNotFoundError") return "missing";
  if (name === "NotReadableError" || name === "TrackStartError" || name === "AbortError") return "taken";
  return "unknown";
}

function tell(title, text, problem) {
  message.hidden = false;
  message.classList.toggle("live-problem", Boolean(problem));
  message.children[0].textContent = title;
  message.children[1].textContent = text;
  stage.dataset.state = problem || "idle";
}

function remark(text) {
  note.hidden = !text;
  if (note.textContent !== text) note.textContent = text;
}

function speak(text, now) {
  // A screen reader must not be flooded: only news, and at most every four seconds.
  if (text === spokenText || now - spokenAt < 4000) return;
  spokenText = text;
  spokenAt = now;
  spoken.textContent = text;
}

// ---------------------------------------------------------------- camera

async function start({ resume = false } = {}) {
  const goesOn = resume && (stream !== null || goingOn);
  halt();
  goingOn = goesOn;
  if (!window.isSecureContext || !navigator.mediaDevices) return tell(...PROBLEMS.insecure, "insecure");
  const mine = ++run;
  tell("Opening the camera …", "Allow its use if the browser asks.");
  startButton.disabled = true;
  let opened = null;
  try {
    opened = await openCamera();
    if (mine !== run) return release(opened);
    if (unseen()) {
      release(opened);
      return letGo("you went to another tab");
    }
    stream = opened;
    video.srcObject = opened;
    await video.play();
  } catch (error) {
    release(opened);
    if (mine !== run) return;
    halt();
    const problem = problemOf(error);
    return tell(...PROBLEMS[problem], problem);
  } finally {
    if (mine === run) startButton.disabled = stream !== null;
  }
  if (mine !== run) return;
  opened.getVideoTracks()[0].addEventListener("ended", () => {
    if (mine === run) { halt(); tell(...PROBLEMS.unplugged, "unplugged"); }
  });
  if (!goesOn) {
    session += 1;
    counts = { n: 0, dropped: 0, startedAt: performance.now() };
    history = [];
  }
  goingOn = false;
  arrivals = [];
  startButton.disabled = true;
  message.hidden = true;
  stage.dataset.state = "live";
  fitStage();
  hud.hidden = !showHud.checked;
  stopButton.disabled = snapshotButton.disabled = false;
  remark("Reading the first frame …");
  listCameras(opened);
  nextFrame();
}

// A phone that is turned while the camera runs swaps the sides of the picture.
function fitStage() {
  if (stream && video.videoWidth) stage.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
}

async function openCamera() {
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  const choice = cameras.value;
  if (choice === "user" || choice === "environment") wanted.facingMode = choice;
  else if (choice) wanted.deviceId = { exact: choice };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    return navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  }
}

function release(media) {
  if (media) media.getTracks().forEach((track) => track.stop());
}

// Everything off: camera, overlay, figures. What is still on its way is ignored.
function halt() {
  run += 1;
  release(stream);
  stream = null;
  video.srcObject = null;
  if (sent) clearTimeout(sent.timer);
  sent = latest = emptySince = null;
  spokenText = "";
  waiting = goingOn = false;
  hud.hidden = true;
  remark("");
  stopButton.disabled = snapshotButton.disabled = true;
  startButton.disabled = false;
  wipe();
}

// No box may outlive the picture that it belongs to.
function wipe() {
  result = null;
  const context = overlay.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, overlay.width, overlay.height);
  showFaces([]);
  showMood(null, 0);
}

function stop() {
  halt();
  tell("The camera is off", "It has been released. The session can still be summed up and saved below.");
  spoken.textContent = "Camera off";
}

// Nobody presses Stop here, so the reason is told: it is read when they come back.
function letGo(why) {
  halt();
  tell("The camera is off", `It was released because ${why}.`);
}

// Whether another tab of the app lies over this one.
function unseen() {
  return stage.offsetParent === null;
}

async function listCameras(opened) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
  const settings = opened.getVideoTracks()[0].getSettings();
  // The viewer's own choice stays for as long as the camera does.
  if (settings.facingMode && settings.facingMode !== facing) setMirror(settings.facingMode !== "environment");
  facing = settings.facingMode;
  if (!devices.length || !devices[0].deviceId) return;
  cameras.replaceChildren(...devices.map((device, index) =>
    new Option(device.label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/, "") || `Camera ${index + 1}`, device.deviceId)));
  cameras.value = settings.deviceId;
}

function offerCameras() {
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const choices = touch ? [["Front camera", "user"], ["Back camera", "environment"]] : [["Default camera", ""]];
  cameras.replaceChildren(...choices.map(([text, value]) => new Option(text, value)));
}

// ---------------------------------------------------------------- frames out

function nextFrame() {
  const mine = run;
  const take = (now, frame) => {
    if (mine !== run) return;
    nextFrame();
    if (result && performance.now() - repliedAt > STALE_MS) wipe();
    latest = (frame && frame.captureTime) || now;
    if (!sent) return send();
    if (waiting) counts.dropped += 1;
    waiting = true;
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(take);
  else requestAnimationFrame(take);
}

function send() {
  waiting = false;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const width = Math.round(video.videoWidth * scale), height = Math.round(video.videoHeight * scale);
  if (!width || !height) return;
  if (sheet.width !== width || sheet.height !== height) { sheet.width = width; sheet.height = height; }
  sheet.getContext("2d").drawImage(video, 0, 0, width, height);
  const frame = { n: ++counts.n, captured: latest, at: performance.now() };
  const mine = run;
  frame.timer = setTimeout(() => {
    if (mine !== run || sent !== frame) return;
    remark("The server is busy or out of reach. Trying again …");
    send();
  }, PATIENCE_MS);
  sent = frame;
  trigger("frame", {
    run: mine, session, n: frame.n, time_s: (latest - counts.startedAt) / 1000,
    image: sheet.toDataURL("image/jpeg", JPEG_QUALITY),
  });
}

// ---------------------------------------------------------------- replies in

function receive(text) {
  const reply = text ? JSON.parse(text) : null;
  if (!reply || !sent || reply.run !== run || reply.n !== sent.n) return;
  const frame = sent, now = performance.now();
  clearTimeout(frame.timer);
  sent = null;
  if (waiting && !reply.busy) send();
  if (reply.busy) return remark("The server is busy. Your turn comes in a moment …");
  if (reply.error) { wipe(); return remark(reply.error); }
  result = reply;
  repliedAt = now;
  const began = performance.now();
  draw(overlay, reply, mirror.checked);
  const drawn = performance.now();
  arrivals = arrivals.filter((at) => now - at < 1000).concat(now);
  const figures = {
    fps: arrivals.length, latency: drawn - frame.captured, round_trip: now - frame.at, draw: drawn - began,
    detect: reply.detect_ms, classify: reply.classify_ms, server: reply.server_ms,
    dropped: counts.dropped, faces: reply.faces.length, n: reply.n,
  };
  element.dispatchEvent(new CustomEvent("expressionframe", { bubbles: true, detail: { ...reply, figures } }));
  if (now - (history.length ? history[history.length - 1].at : 0) >= 100) {
    history = history.filter((entry) => now - entry.at < MINUTE_MS).concat({ at: now, mood: reply.mood });
  }
  emptySince = reply.faces.length ? null : emptySince || now;
  remark(emptySince && now - emptySince > 800 ? "No face in view: come closer, face the camera, add light" : "");
  // Figures and bars are read by people: ten times a second is plenty and leaves time for the picture.
  if (now - paintedAt >= 100) { paintedAt = now; paint(reply, figures, now); }
}

function paint(reply, figures, now) {
  for (const name of ["fps", "dropped", "faces"]) find(`[data-hud=${name}]`).textContent = figures[name];
  find("[data-hud=faces-word]").textContent = figures.faces === 1 ? "face" : "faces";
  find("[data-hud=latency]").textContent = Math.round(figures.latency);
  for (const name of ["detect", "classify", "draw"]) find(`[data-hud=${name}]`).textContent = figures[name].toFixed(1);
  showFaces(reply.faces);
  showMood(reply.mood, reply.faces.length);
  if (now - timelineAt >= 250) { timelineAt = now; drawTimeline(now); }
  const text = reply.faces.map((face) => `Face ${face.id}: ${face.label}`).join(", ");
  speak(text || "No face in view", now);
}

// ---------------------------------------------------------------- drawing

// Boxes and labels in CSS pixels, so that text is as crisp and as large on every screen.
function draw(canvas, reply, mirrored) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || canvas.width, height = canvas.clientHeight || canvas.height;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  drawFaces(context, reply, { width, height, mirrored });
}

function drawFaces(context, reply, { width, height, mirrored }) {
  const scale = Math.min(width / reply.width, height / reply.height);
  const left = (width - reply.width * scale) / 2, top = (height - reply.height * scale) / 2;
  const size = Math.max(13, Math.min(width / 36, 20));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const face of reply.faces) {
    const [x1, y1, x2, y2] = face.box;
    const w = (x2 - x1) * scale, h = (y2 - y1) * scale, y = top + y1 * scale;
    const x = left + (mirrored ? reply.width - x2 : x1) * scale;
    const { colour, ink } = EXPRESSIONS[face.label];
    context.lineWidth = 5;
    context.strokeStyle = "rgb(0 0 0 / 0.45)";
    context.beginPath(); context.roundRect(x, y, w, h, 10); context.stroke();
    context.lineWidth = 3;
    context.strokeStyle = colour;
    context.stroke();
    const text = `${face.id}  ${face.label} ${Math.round(100 * face.confidence)} %`;
    const plate = context.measureText(text).width + 16, tall = size * 1.6;
    const px = Math.max(0, Math.min(x, width - plate)), py = y - tall - 4 >= 0 ? y - tall - 4 : Math.min(y + 4, height - tall);
    context.fillStyle = colour;
    context.beginPath(); context.roundRect(px, py, plate, tall, 6); context.fill();
    context.fillStyle = ink;
    context.fillText(text, px + 8, py + tall / 2 + 1);
  }
}

function bars() {
  return labels.map((label) =>
    `<div class="live-bar" style="--tone:${EXPRESSIONS[label].colour}"><span>${label}</span><div><i></i></div><span>0 %</span></div>`).join("");
}

function fill(holder, values) {
  holder.querySelectorAll(".live-bar").forEach((bar, index) => {
    bar.querySelector("i").style.transform = `scaleX(${values ? values[index] : 0})`;
    bar.lastElementChild.textContent = `${Math.round(100 * (values ? values[index] : 0))} %`;
  });
}

const MOST_CARDS = 6;

function showFaces(faces) {
  const holder = find(".live-faces");
  const shown = faces.slice(0, MOST_CARDS);
  const wanted = shown.map((face) => String(face.id));
  const present = [...holder.querySelectorAll(".live-face")].map((card) => card.dataset.face);
  const more = faces.length - shown.length;
  if (wanted.join() !== present.join() || holder.dataset.more !== String(more)) {
    holder.dataset.more = String(more);
    holder.innerHTML = shown.map((face) =>
      `<article class="live-face" data-face="${Number(face.id)}"><header><span>Face ${Number(face.id)}</span><b></b></header>${bars()}</article>`).join("")
      + (more ? `<p class="live-empty">and ${more} more</p>` : "")
      + (shown.length ? "" : '<p class="live-empty">Each face in view gets its bars here.</p>');
  }
  shown.forEach((face, index) => {
    const card = holder.children[index];
    card.style.setProperty("--tone", EXPRESSIONS[face.label].colour);
    card.querySelector("b").textContent = `${face.label} ${Math.round(100 * face.confidence)} %`;
    fill(card, face.probabilities);
  });
}

function showMood(mood, count) {
  find("[data-mood=count]").textContent = count ? `(${count} ${count === 1 ? "face" : "faces"})` : "";
  fill(find(".live-mood"), mood);
}

// The last minute as stacked bands, newest at the right; gaps where nobody was in view.
function drawTimeline(now) {
  const ratio = window.devicePixelRatio || 1;
  const width = timeline.clientWidth, height = timeline.clientHeight;
  if (!width) return;
  timeline.width = Math.round(width * ratio);
  timeline.height = Math.round(height * ratio);
  const context = timeline.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const across = (at) => Math.round(width - ((now - at) / MINUTE_MS) * width);
  const floor = height - 18;
  history.forEach((entry, index) => {
    if (!entry.mood) return;
    const end = Math.min(index + 1 < history.length ? history[index + 1].at : now, entry.at + 500);
    const x = across(entry.at), wide = across(end) - x;
    let y = floor;
    entry.mood.forEach((value, which) => {
      const tall = value * floor;
      y -= tall;
      context.fillStyle = EXPRESSIONS[labels[which]].colour;
      context.fillRect(x, y, wide, tall);
    });
  });
  context.fillStyle = getComputedStyle(timeline).color;
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

// ---------------------------------------------------------------- snapshot

function snapshot() {
  if (!stream || !video.videoWidth) return;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  if (mirror.checked) { context.translate(canvas.width, 0); context.scale(-1, 1); }
  context.drawImage(video, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (result) drawFaces(context, result, { width: canvas.width, height: canvas.height, mirrored: mirror.checked });
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `expression-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

// ---------------------------------------------------------------- wiring

function setMirror(on) {
  mirror.checked = on;
  stage.dataset.mirror = on ? "on" : "off";
  if (result) draw(overlay, result, on);
}

find(".live-mood").innerHTML = bars();
find(".live-legend").innerHTML = labels.map((label) => `<li style="--tone:${EXPRESSIONS[label].colour}"><i></i>${label}</li>`).join("");
setMirror(true);
offerCameras();
startButton.addEventListener("click", () => start());
stopButton.addEventListener("click", stop);
snapshotButton.addEventListener("click", snapshot);
// The start button is off while the camera is open or opening.
cameras.addEventListener("change", () => {
  if (startButton.disabled) start({ resume: true }); else setMirror(cameras.value !== "environment");
});
video.addEventListener("resize", fitStage);
mirror.addEventListener("change", () => setMirror(mirror.checked));
showHud.addEventListener("change", () => { hud.hidden = !(showHud.checked && stream); });
// The back button shows this page as it was left.
window.addEventListener("pagehide", () => { if (startButton.disabled) letGo("you left this page"); });
new ResizeObserver(() => {
  if (result) draw(overlay, result, mirror.checked);
  drawTimeline(performance.now());
}).observe(stage);
// A camera that films behind another tab of the app would be a nasty surprise.
new IntersectionObserver(() => { if (stream && unseen()) letGo("you went to another tab"); }).observe(stage);
watch("value", () => receive(props.value));
