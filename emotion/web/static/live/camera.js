// The camera: opening it, what is wrong when that fails, its frames, and whether they still come.

import { say } from "./i18n.js";

// Name of what is wrong, which is also the name of the words that say so.
export function problemOf(error) {
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

export function canUseCamera() {
  return window.isSecureContext && Boolean(navigator.mediaDevices);
}

// `choice`: "user", "environment", a device's id, or "" for the browser's own choice.
export async function openCamera(choice) {
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  if (choice === "user" || choice === "environment") wanted.facingMode = choice;
  else if (choice) wanted.deviceId = { exact: choice };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    return navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  }
}

export function release(stream) {
  if (stream) stream.getTracks().forEach((track) => track.stop());
}

export function offerCameras(select) {
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const choices = touch ? [[say("front"), "user"], [say("back"), "environment"]] : [[say("default"), ""]];
  select.replaceChildren(...choices.map(([text, value]) => new Option(text, value)));
}

// The cameras' names are known once one is open.
export async function listCameras(select, stream) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  if (!devices.length || !devices[0].deviceId) return;
  select.replaceChildren(...devices.map((device, index) =>
    new Option(device.label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/, "") || say("camera_number", { number: index + 1 }), device.deviceId)));
  select.value = stream.getVideoTracks()[0].getSettings().deviceId;
}

const FROZEN_MS = 1000, LOOK_EVERY_MS = 200;

// Calls `onFrame(captured, interval)` for each frame of the camera and `onFreeze()` once when none came for a
// second while people could see the page. `stop()` ends both.
export function watchFrames(video, { onFrame, onFreeze }) {
  let stopped = false, cameAt = performance.now(), captured = null, position = -1, frozen = false;

  const take = (now, frame) => {
    if (stopped) return;
    next();
    if (!frame) { // without frame callbacks the screen's own rhythm; only what is new counts
      if (video.currentTime === position) return;
      position = video.currentTime;
    }
    const before = captured;
    captured = (frame && frame.captureTime) || now;
    cameAt = performance.now();
    frozen = false;
    onFrame(captured, before === null ? 0 : captured - before);
  };
  const next = () => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(take);
    else requestAnimationFrame(take);
  };
  let looked = performance.now();
  const timer = setInterval(() => {
    const now = performance.now(), late = now - looked > 3 * LOOK_EVERY_MS;
    looked = now;
    // In the background browsers show no frames, and a page that is held up gets none: no fault of the camera.
    if (document.hidden || late) cameAt = now;
    else if (!frozen && now - cameAt > FROZEN_MS) { frozen = true; onFreeze(); }
  }, LOOK_EVERY_MS);
  next();
  return { stop() { stopped = true; clearInterval(timer); } };
}
