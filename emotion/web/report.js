// Summary and downloads of a webcam session. The server answers with text; the files are made here in the
// browser, so that a session leaves nothing on the server's disk. Gradio gives `element`, `trigger`, `watch`.

element.innerHTML = `
  <div class="live-controls">
    <button type="button" class="live-button" data-what="summary">Session summary</button>
    <button type="button" class="live-button" data-what="csv">Download CSV</button>
    <button type="button" class="live-button" data-what="json">Download JSON</button>
  </div>
  <div class="report-text" role="status"></div>`;
const place = element.querySelector(".report-text");
const waited = new Set();  // numbers of the clicks without an answer: each answer is used once
let asked = 0, shown = 0;

for (const button of element.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    waited.add(++asked);
    trigger("report", { what: button.dataset.what, n: asked });
  });
}

watch("value", () => {
  const reply = props.value ? JSON.parse(props.value) : null;
  if (!reply || !waited.delete(reply.n)) return;
  if (reply.html) {
    // An older summary may come after a newer one; every download counts.
    if (reply.n > shown) { place.innerHTML = reply.html; shown = reply.n; }
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([reply.text], { type: reply.type }));
  link.download = reply.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
