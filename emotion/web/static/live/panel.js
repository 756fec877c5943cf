// The webcam panel: puts the parts together. camera.js gives frames, sending.js sends them and hands over what
// the server answers (numbers only), drawing.js and figures.js show it.

import { canUseCamera, listCameras, offerCameras, openCamera, problemOf, release, watchFrames } from "./camera.js";
import { clearOverlay, drawOverlay, saveSnapshot } from "./drawing.js";
import { Figures } from "./figures.js";
import { say, translate } from "./i18n.js";
import { Motion } from "./motion.js";
import { Sender } from "./sending.js";
import { keep, kept, newToken, request } from "./session.js";

const STALE_MS = 1000, EMPTY_MS = 800, PAINT_EVERY_MS = 100, TIMELINE_EVERY_MS = 250, SPEAK_EVERY_MS = 4000;

// `element` holds the panel's markup; `root` is the app's address; `tones` {label: {colour, ink}};
// `props.value` is JSON of what the fields below say: {detector, min_score, half_life_s}.
export function mountPanel({ element, root, tones, props }) {
  translate(element);
  const find = (selector) => element.querySelector(selector);
  const stage = find(".live-stage"), video = find("video"), overlay = find(".live-overlay");
  const message = find(".live-message"), note = find(".live-note"), hud = find(".live-hud");
  const control = (name) => find(`[data-do=${name}]`);
  const figures = new Figures(find, tones);
  const settings = () => JSON.parse(props.value);
  const sender = new Sender({ root, video, settings, on: { reply: onReply, trouble: onTrouble, refused: onRefused } });

  let stream = null;       // the open camera, or null
  let opening = 0;         // counts openings and closings: what an earlier one still does is ignored
  let isOpening = false;
  let frames = null;       // the watch over the camera's frames
  let motion = new Motion();
  let inView = 0;          // when the camera's frame that people see was captured
  let answer = null;       // the last answer of the server, with the time its frame was captured
  let arrivals = [];       // times of the answers of the last second
  let isFrozen = false;    // whether the camera has stopped sending
  let lastFrame = -1, repliedAt = 0, emptySince = null, paintedAt = 0, timelineAt = 0, spokenAt = 0, spokenText = "";
  let facing = null;       // which way the last camera looked, where it says so

  // -------------------------------------------------------------- what people are told

  function showMessage(title, text, problem) {
    message.hidden = false;
    message.classList.toggle("live-problem", Boolean(problem));
    message.children[0].textContent = title;
    message.children[1].textContent = text;
    stage.dataset.state = problem || "idle";
  }

  function showProblem(problem) {
    showMessage(say(problem), say(`${problem}_text`), problem);
  }

  function showNote(text) {
    note.hidden = !text;
    if (note.textContent !== text) note.textContent = text;
  }

  // A screen reader must not be flooded: only news, and at most every four seconds.
  function speak(text, now) {
    if (text === spokenText || now - spokenAt < SPEAK_EVERY_MS) return;
    spokenText = text;
    spokenAt = now;
    find(".live-spoken").textContent = text;
  }

  // -------------------------------------------------------------- on and off

  // `resume`: go on with the session that this tab has, else begin a new one.
  async function start({ resume = false } = {}) {
    turnOff();
    if (!canUseCamera()) return showProblem("insecure");
    const attempt = ++opening;
    isOpening = true;
    control("start").disabled = control("continue").disabled = true;
    showMessage(say("opening"), say("opening_text"));
    let opened = null;
    try {
      const session = await chooseSession(resume);
      opened = await openCamera(control("camera").value);
      if (attempt !== opening) return release(opened);
      if (isUnseen()) { release(opened); return turnOffBecause("left_tab"); }
      stream = opened;
      video.srcObject = opened;
      await video.play();
      if (attempt !== opening) return;
      goLive(session, attempt);
    } catch (error) {
      release(opened);
      if (attempt !== opening) return;
      turnOff();
      showProblem(problemOf(error));
    }
  }

  // Token of the session, and its length so far in milliseconds.
  async function chooseSession(resume) {
    const token = resume && kept("session");
    if (token) {
      try {
        const { known, time_s: seconds } = await request(`${root}live/session`, token);
        return { token, length: known ? 1000 * seconds : 0, isNew: !known };
      } catch { /* the first frame will tell */ }
    }
    const fresh = newToken();
    keep("session", fresh);
    return { token: fresh, length: 0, isNew: true };
  }

  function goLive({ token, length, isNew }, attempt) {
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (attempt === opening) { turnOff(); showProblem("unplugged"); offerToContinue(); }
    });
    isOpening = false;
    if (isNew) figures.forgetHistory();
    lastFrame = -1;
    arrivals = [];
    message.hidden = true;
    stage.dataset.state = "live";
    fitStage();
    hud.hidden = !control("hud").checked;
    control("continue").hidden = true;
    control("stop").disabled = control("snapshot").disabled = false;
    showNote(say("first_frame"));
    followFacing(track);
    listCameras(control("camera"), stream);
    sender.start(token, performance.now() - length);
    frames = watchFrames(video, { onFrame, onFreeze });
  }

  // Everything off: camera, overlay, figures. What is still on its way is ignored.
  function turnOff() {
    opening += 1;
    isOpening = false;
    frames?.stop();
    sender.stop();
    release(stream);
    stream = frames = emptySince = null;
    video.srcObject = null;
    spokenText = "";
    isFrozen = false;
    hud.hidden = true;
    showNote("");
    control("stop").disabled = control("snapshot").disabled = true;
    control("start").disabled = control("continue").disabled = false;
    clear();
  }

  function stop() {
    turnOff();
    showMessage(say("off"), say("released"));
    offerToContinue();
    find(".live-spoken").textContent = say("camera_off");
  }

  // Nobody pressed Stop, so the reason is told: it is read when they come back.
  function turnOffBecause(why) {
    turnOff();
    showMessage(say("off"), say(why));
    offerToContinue();
  }

  function onRefused(text) {
    turnOff();
    showMessage(say("refused"), text, "refused");
  }

  // Where the server still has a session of this tab, after a reload too, it can be continued.
  async function offerToContinue({ after = "" } = {}) {
    const button = control("continue"), token = kept("session"), now = opening;
    button.hidden = true;
    if (!token) return;
    const session = await request(`${root}live/session`, token).catch(() => ({ known: false }));
    if (!session.known || stream || isOpening || now !== opening) return;
    button.hidden = false;
    if (after) showMessage(say("still_here"), say("still_here_text", { length: clock(session.time_s) }));
  }

  // -------------------------------------------------------------- frames and answers

  function onFrame(captured, interval) {
    sender.pace.frameCame(interval);
    if (isFrozen) { isFrozen = false; showNote(say("next_frame")); }
    const stale = Math.max(STALE_MS, 3 * (answer?.frame.roundTrip ?? 0));
    if (answer && performance.now() - repliedAt > stale) clear();
    inView = captured;
    sender.offer(captured);
    if (answer) redraw(captured);
  }

  function onFreeze() {
    isFrozen = true;
    clear();
    hud.hidden = true;
    showNote(say("frozen"));
    find(".live-spoken").textContent = say("frozen");
    video.play().catch(() => {}); // phones pause it when a call comes
  }

  function onTrouble(text) {
    if (text) hud.hidden = true; // its figures are no longer true
    showNote(text);
  }

  function onReply(reply, frame) {
    if (reply.error) { clear(); return showNote(reply.error); }
    if (isFrozen) return; // of a picture that people no longer see as live
    const now = performance.now();
    if (reply.frame <= lastFrame) beginAnew(frame);
    lastFrame = reply.frame;
    answer = { ...reply, captured: frame.captured, frame };
    if (motion.side !== reply.width) motion = Object.assign(new Motion(), { side: reply.width });
    motion.add(reply.faces, frame.captured);
    repliedAt = now;
    redraw(Math.max(inView, frame.captured));
    const drawn = performance.now();
    arrivals = arrivals.filter((at) => now - at < 1000).concat(now);
    const numbers = {
      fps: arrivals.length, latency: drawn - frame.captured, round_trip: frame.roundTrip, draw: drawn - now,
      detect: reply.detect_ms, classify: reply.classify_ms, server: reply.server_ms, wait: reply.wait_ms,
      dropped: sender.dropped, faces: reply.faces.length, n: frame.n,
      in_flight: sender.pace.inFlight, side: Math.max(reply.width, reply.height), bytes: frame.bytes,
    };
    announce("expressionframe", { ...reply, n: frame.n, figures: numbers });
    figures.remember(reply.mean, now);
    emptySince = reply.faces.length ? null : emptySince || now;
    showNote(reply.busy ? say("busy") : emptySince && now - emptySince > EMPTY_MS ? say("nobody") : "");
    // Figures and bars are read by people: ten times a second is plenty and leaves time for the picture.
    if (now - paintedAt >= PAINT_EVERY_MS) { paintedAt = now; paint(reply, numbers, now); }
  }

  // The server was restarted, or an hour has passed: it counts from 0 again, and so does the clock.
  function beginAnew(frame) {
    sender.startedAt = frame.captured;
    figures.forgetHistory();
    find(".live-spoken").textContent = say("new_session");
  }

  function paint(reply, numbers, now) {
    hud.hidden = !control("hud").checked;
    figures.showNumbers(numbers);
    figures.showFaces(reply.faces);
    figures.showMean(reply.mean, reply.faces.length);
    if (now - timelineAt >= TIMELINE_EVERY_MS) { timelineAt = now; figures.drawTimeline(now); }
    speak(reply.faces.map((face) => `${say("number", { number: face.track })}: ${face.label}`).join(", ") || say("no_face"), now);
  }

  // Over the frame that was captured at `captured`.
  function redraw(captured) {
    const now = facesAt(captured);
    drawOverlay(overlay, now, { mirrored: control("mirror").checked, tones });
    announce("expressiondraw", now);
  }

  function facesAt(captured) {
    return { faces: motion.moved(answer.faces, captured), width: answer.width, height: answer.height };
  }

  // No box may outlive the picture that it belongs to.
  function clear() {
    answer = null;
    motion = new Motion();
    clearOverlay(overlay);
    figures.clear();
  }

  function announce(name, detail) {
    element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  // -------------------------------------------------------------- the stage

  // A phone that is turned while the camera runs swaps the sides of the picture.
  function fitStage() {
    if (stream && video.videoWidth) stage.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  }

  function setMirror(on) {
    control("mirror").checked = on;
    stage.dataset.mirror = on ? "on" : "off";
    if (answer) redraw(inView);
  }

  // The viewer's own choice stays for as long as the camera does.
  function followFacing(track) {
    const { facingMode } = track.getSettings();
    if (facingMode && facingMode !== facing) setMirror(facingMode !== "environment");
    facing = facingMode;
  }

  // Whether another tab of the app lies over this one.
  function isUnseen() { return stage.offsetParent === null; }

  setMirror(true);
  control("start").disabled = false; // not before: a press would be lost
  offerCameras(control("camera"));
  control("start").addEventListener("click", () => start());
  control("continue").addEventListener("click", () => start({ resume: true }));
  control("stop").addEventListener("click", stop);
  control("snapshot").addEventListener("click", () => {
    if (stream && video.videoWidth) saveSnapshot(video, answer && facesAt(inView), { mirrored: control("mirror").checked, tones });
  });
  control("camera").addEventListener("change", () => {
    if (stream || isOpening) start({ resume: true }); else setMirror(control("camera").value !== "environment");
  });
  control("mirror").addEventListener("change", () => setMirror(control("mirror").checked));
  control("hud").addEventListener("change", () => { hud.hidden = !(control("hud").checked && stream); });
  video.addEventListener("resize", fitStage);
  window.addEventListener("online", () => sender.tryAgain());
  // The back button shows this page as it was left.
  window.addEventListener("pagehide", () => { if (stream || isOpening) turnOffBecause("left_page"); });
  new ResizeObserver(() => {
    if (answer) redraw(inView);
    figures.drawTimeline(performance.now());
  }).observe(stage);
  // A camera that films behind another tab of the app would be a nasty surprise.
  new IntersectionObserver(() => { if (stream && isUnseen()) turnOffBecause("left_tab"); }).observe(stage);
  offerToContinue({ after: "reload" });
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
