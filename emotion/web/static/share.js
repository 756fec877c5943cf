// Copy, download and share what was found. Everything happens in the browser; the annotated picture is the one
// on the page. Gradio gives `element`, which stays while the results in it are replaced.

const annotatedPicture = async name => {
  const shown = document.querySelector("#annotated img");
  const answer = await fetch(shown.src);
  return new File([await answer.blob()], name, { type: "image/jpeg" });
};

const save = file => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

const actions = {
  async copy(button) {
    await navigator.clipboard.writeText(button.dataset.text);
    const words = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 2000);
  },
  async picture(button) {
    save(await annotatedPicture(button.dataset.name));
  },
  async send(button) {
    const file = await annotatedPicture(button.dataset.name);
    await navigator.share({ text: button.dataset.text, files: [file] });
  },
};

element.addEventListener("click", event => {
  const button = event.target.closest("[data-share]");
  // Somebody who closes the share dialog, or denies the clipboard, needs no message about it.
  if (button) actions[button.dataset.share](button).catch(() => {});
});

// Phones have a share dialog; most desktop browsers cannot send a file with it.
const offerShare = () => {
  const probe = new File([""], "probe.jpg", { type: "image/jpeg" });
  const can = Boolean(navigator.canShare?.({ files: [probe] }));
  for (const button of element.querySelectorAll("[data-share=send]")) button.hidden = !can;
};
watch("value", offerShare);
offerShare();
