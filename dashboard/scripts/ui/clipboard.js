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
    button.textContent = "Copying is not allowed here";
  }
  setTimeout(() => (button.textContent = words), 1500);
}
