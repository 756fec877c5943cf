// Keeps the page when the line to the server breaks.
//
// Gradio's script (6.31) takes a request that fails at network level for the end of the session: it reloads the
// whole page as soon as the server answers again, and with it go the camera, the open tab and everything typed.
// That happens when (1) a POST of an event (/run, /queue/join) fails, (2) the stream of a queued event's results
// (/queue/data) breaks, (3) that stream says that the server no longer knows the session. A broken heartbeat
// does nothing; an HTTP error is shown as a message.
//
// So Gradio's requests go through here: (1) is tried again until the server answers, for up to a minute, then
// it fails as an HTTP error; (2) is opened again if nothing came yet, and (2) and (3) end the waiting events
// with a message instead. No other request is touched.

(() => {
  if (window.keepsPage) return;
  window.keepsPage = true;
  const POSTS = /\/gradio_api\/(run|call|api)\/|\/gradio_api\/(queue\/join|upload|cancel|reset|component_server)\b/;
  const STREAM = /\/gradio_api\/queue\/data\b/;
  const PATIENCE_MS = 60000, LONGEST_PAUSE_MS = 2000, NOTICE_AFTER_MS = 1000;
  const LOST = "The line to the server broke while this was under way. Please try again.";
  const GONE = "The server is out of reach. Please try again later.";
  const send = window.fetch.bind(window);
  const lost = new Set(); // requests that are being tried again
  let notice = null;

  window.fetch = async (input, init) => {
    const request = new Request(input, init), url = request.url;
    if (STREAM.test(url)) return stream(request);
    return POSTS.test(url) && request.method === "POST" ? post(request) : send(request);
  };

  // The whole answer, so that it cannot break off either.
  async function post(request) {
    return again(request, async (copy) => {
      const response = await send(copy);
      const body = await response.arrayBuffer();
      const { status, statusText, headers } = response;
      return new Response(body.byteLength ? body : null, { status, statusText, headers });
    }, () => Response.json({ error: GONE, detail: GONE }, { status: 503 }));
  }

  async function stream(request) {
    const response = await again(request, send, () => new Response(endOfEvents(GONE)));
    return response.ok && response.body ? new Response(unbroken(response.body), response) : response;
  }

  // Tries until there is an answer, ever more slowly; then gives up.
  async function again(request, attempt, giveUp) {
    const began = performance.now();
    for (let tries = 0; ; tries += 1) {
      try {
        const response = await attempt(request.clone());
        settle(request);
        return response;
      } catch (error) {
        const late = performance.now() - began > PATIENCE_MS;
        if (request.signal.aborted || late) settle(request);
        if (request.signal.aborted) throw error;
        if (late) return giveUp();
      }
      lost.add(request);
      setTimeout(show, NOTICE_AFTER_MS);
      await new Promise((resolve) => setTimeout(resolve, Math.min(200 * 2 ** tries, LONGEST_PAUSE_MS)));
    }
  }

  // A stream of server-sent events that, where it breaks, ends with a message instead.
  function unbroken(body) {
    const reader = body.getReader(), decoder = new TextDecoder(), encoder = new TextEncoder();
    let rest = "";
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
          const whole = done ? rest.length : rest.lastIndexOf("\n\n") + 2;
          const events = rest.slice(0, whole > 1 ? whole : 0);
          rest = rest.slice(events.length);
          if (/"session_not_found": ?true/.test(events)) throw new Error("the server was restarted");
          if (events) controller.enqueue(encoder.encode(events));
          if (done) controller.close();
          else if (!events) await this.pull(controller);
        } catch (error) {
          if (error?.name === "AbortError") return controller.error(error);
          controller.enqueue(encoder.encode(endOfEvents(LOST)));
          controller.close();
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  // Without an event's number it is for all that wait.
  function endOfEvents(text) {
    const messages = [{ msg: "process_completed", success: false, output: { error: text, visible: true } }, { msg: "close_stream" }];
    return messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join("");
  }

  function settle(request) {
    lost.delete(request);
    show();
  }

  function show() {
    if (!notice && !lost.size) return;
    if (!notice) {
      notice = document.createElement("div");
      notice.id = "line-notice";
      notice.setAttribute("role", "status");
      document.body.append(notice);
    }
    notice.hidden = !lost.size;
    notice.textContent = lost.size ? "The server is out of reach. Trying again …" : "";
  }
})();
