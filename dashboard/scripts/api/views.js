/*
 * Named views of pages.
 */

import { askJson } from "./client.js";

/** @import { View } from "../../types/api" */

/** @param {string} page @returns {Promise<View[]>} by name. */
export const views = async (page) => (await askJson(`/views?${new URLSearchParams({ page }).toString()}`)).views;
/** Saves a view, in the place of the page's one of that name. @param {string} page @param {string} name @param {string} query @returns {Promise<View>} */
export const save = (page, name, query) => askJson("/views", { method: "POST", body: { page, name, query } });
/** @param {string} id */
export const remove = (id) => askJson(`/views/${encodeURIComponent(id)}`, { method: "DELETE" });
