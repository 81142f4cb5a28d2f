/*
 * Copying text.
 */

/** Copies text; says so on the button for a moment. @param {HTMLElement} button @param {string} text */
export async function copy(button, text) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow copying here";
  }
  setTimeout(() => (button.textContent = words), 1500);
}
