// A session of this browser tab: the token that the server knows it by, kept over a reload, and requests with it.

import { say } from "./i18n.js";

const HEADER = "X-Emotion-Token";
const memory = new Map(); // where a browser forbids storage, as in some frames of other sites

export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

export function keep(name, token) {
  memory.set(name, token);
  try { sessionStorage.setItem(`emotion-${name}`, token); } catch { /* lasts until a reload */ }
}

export function kept(name) {
  if (memory.has(name)) return memory.get(name);
  try { return sessionStorage.getItem(`emotion-${name}`); } catch { return null; }
}

// A random token that stays in this browser and tells its records from others'; empty where nothing can be kept.
export function browserToken() {
  try {
    const token = localStorage.getItem("emotion-viewer");
    if (/^[A-Za-z0-9_-]{32}$/.test(token || "")) return token;
    const fresh = newToken();
    localStorage.setItem("emotion-viewer", fresh);
    return fresh;
  } catch { return ""; }
}

// The JSON answer of one of our routes; an error with `status` where there is none.
export async function request(url, token, options = {}, more = {}) {
  const headers = { [HEADER]: token, ...more, ...(options.body ? { "Content-Type": options.body.type || "application/json" } : {}) };
  const response = await fetch(url, { cache: "no-store", ...options, headers });
  let answer = null;
  try { answer = await response.json(); } catch { /* a proxy's page, or the line broke */ }
  if (response.ok && answer) return answer;
  const text = response.status === 401 ? say("logged_out") : answer?.error;
  throw Object.assign(new Error(text || `The server answered ${response.status}.`), { status: response.status });
}
