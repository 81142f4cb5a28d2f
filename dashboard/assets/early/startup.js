// Says what to do where the pages' scripts do not start: without this, "Loading..." would stand there for ever.
(() => {
  const PATIENCE_MS = 30_000;
  const root = document.documentElement;

  const started = () => root.dataset.started !== undefined;

  // Beside what Dash draws, which would go over it.
  /** @param {string} reason */
  function say(reason) {
    const place = document.getElementById("react-entry-point");
    if (!place || document.querySelector(".start-failed")) return;
    if (!started()) place.replaceChildren();
    const alert = document.createElement("div");
    const title = document.createElement("h1");
    const words = document.createElement("p");
    const again = document.createElement("button");
    alert.setAttribute("role", "alert");
    alert.className = "start-failed";
    title.textContent = started() ? "A part of the page did not load" : "The page did not start";
    words.textContent = `${reason} Load the page again. If that does not help, the server may be out of reach, or a proxy may hold back its scripts; nothing that was recorded is lost.`;
    again.type = "button";
    again.textContent = "Load again";
    again.addEventListener("click", () => location.reload());
    alert.append(title, words, again);
    place.before(alert);
  }

  /** Whether a script is of this server; an extension of the browser's may fail as it likes. @param {string} address */
  const ours = (address) => address.startsWith(`${location.origin}/`);

  // A script that cannot be loaded tells only its own element: hence the capture.
  window.addEventListener(
    "error",
    (event) => {
      const script = event.target instanceof HTMLScriptElement ? event.target : null;
      if (script?.dataset.told === "elsewhere") return;
      if (script && ours(script.src)) say(`A script could not be loaded: ${new URL(script.src).pathname}.`);
      else if (!started() && event.message && ours(event.filename)) say(`A script failed: ${event.message}.`);
    },
    true,
  );
  setTimeout(() => started() || say("Its scripts have not come."), PATIENCE_MS);
})();
