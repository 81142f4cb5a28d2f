// Says what to do where the pages' scripts do not start: without this, "Loading..." would stand there for ever.
(() => {
  const PATIENCE_MS = 30_000;
  const root = document.documentElement;

  /** @param {string} reason */
  function say(reason) {
    const place = document.getElementById("react-entry-point");
    if (!place || root.dataset.started !== undefined || place.querySelector("[role=alert]")) return;
    const alert = document.createElement("div");
    const title = document.createElement("h1");
    const words = document.createElement("p");
    const again = document.createElement("button");
    alert.setAttribute("role", "alert");
    alert.className = "start-failed";
    title.textContent = "The page did not start";
    words.textContent = `${reason} Load the page again. If that does not help, the server may be out of reach, or a proxy may hold back its scripts; nothing that was recorded is lost.`;
    again.type = "button";
    again.textContent = "Load again";
    again.addEventListener("click", () => location.reload());
    alert.append(title, words, again);
    place.replaceChildren(alert);
  }

  /** Whether a script is of this server; an extension of the browser's may fail as it likes. @param {string} address */
  const ours = (address) => address.startsWith(`${location.origin}/`);

  // A script that cannot be loaded tells only its own element: hence the capture.
  window.addEventListener(
    "error",
    (event) => {
      const script = event.target instanceof HTMLScriptElement ? event.target.src : "";
      if (ours(script)) say(`A script could not be loaded: ${new URL(script).pathname}.`);
      else if (event.message && ours(event.filename)) say(`A script failed: ${event.message}.`);
    },
    true,
  );
  setTimeout(() => say("Its scripts have not come."), PATIENCE_MS);
})();
