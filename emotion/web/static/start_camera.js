// After the webcam's tab has been opened: press its start button as soon as it is there.
async () => {
  for (let tries = 0; tries < 50; tries += 1) {
    const start = document.querySelector("#webcam-panel [data-do=start]");
    if (start && start.offsetParent) {
      if (!start.disabled) return start.click();
      // Until the panel's script is there the button is off; later because the camera is on.
      if (start.closest(".live").querySelector(".live-stage").dataset.state !== "idle") return;
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
