/*
 * What Dash lends to the scripts: it sets properties of its components, and calls functions by the names in main.js.
 */

/** Sets properties of the component of this id. @param {string | object} id @param {Record<string, unknown>} props */
export const setProps = (id, props) => window.dash_clientside.set_props(id, props);

/** What a callback returns that leaves its output as it is. */
export const noUpdate = () => window.dash_clientside.no_update;

/** What the callback that runs now was given: lists of inputs, states and outputs with their ids. */
export const callbackContext = () => window.dash_clientside.callback_context;
