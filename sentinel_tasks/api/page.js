// What the parts of the page share: words, elements, and asking the API. Drawn with textContent only.

export const $ = (id) => document.getElementById(id);

const access = { token: sessionStorage.getItem("token") };

// ── words ───────────────────────────────────────────────────────────────────

export function percent(value) { return value == null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} %`; }

export function memory(value) {
  if (value == null) return "–";
  return value < 1024 ? `${value.toFixed(value < 10 ? 1 : 0)} MiB` : `${(value / 1024).toFixed(2)} GiB`;
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ${Math.floor(seconds % 3600 / 60)}m`;
  return `${Math.floor(seconds / 86400)}d ${Math.floor(seconds % 86400 / 3600)}h`;
}

export function plural(count, word) { return `${count} ${word}${count === 1 ? "" : "s"}`; }

// ── elements ────────────────────────────────────────────────────────────────

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function say(element, text) { if (element.textContent !== text) element.textContent = text; }

export function mark(element, name, value) { if (element.getAttribute(name) !== value) element.setAttribute(name, value); }

// Keeps one child for each key, in this order, so that focus and selection survive an update.
export function keyed(parent, keys, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  keys.forEach((key, index) => {
    let child = known.get(key);
    if (!child) {
      child = create(key);
      child.dataset.key = key;
    }
    known.delete(key);
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, key);
  });
  for (const child of known.values()) child.remove();
}

// ── asking ──────────────────────────────────────────────────────────────────

export function token() { return access.token; }

export function setToken(given) {
  access.token = given;
  sessionStorage.setItem("token", given);
}

export function ask(path, options = {}) {
  const headers = { ...options.headers, ...(access.token ? { "X-TES-Dev-Token": encodedHeader(access.token) } : {}) };
  return fetch(path, { ...options, headers, cache: "no-store" });
}

// Header values are bytes: a token outside ASCII travels as its UTF-8 bytes.
function encodedHeader(text) { return String.fromCharCode(...new TextEncoder().encode(text)); }

function encodedProtocol(text) {
  return "token." + btoa(encodedHeader(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function socketTo(path) {
  const protocols = ["sentinel.v1", ...(access.token ? [encodedProtocol(access.token)] : [])];
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`, protocols);
}
