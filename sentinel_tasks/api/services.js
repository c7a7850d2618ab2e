// The services: how each fares, its log, what it can be told to do, the events, and the other workspaces.

import { $, age, ask, keyed, make, mark, memory, percent, plural, say, socketTo } from "./page.js";

const AGAIN = 2000;        // ms before the next try to hear of the services
const MOST_LINES = 1000;   // of a log that is followed
const MOST_EVENTS = 50;

const state = { found: null, socket: null, again: 0, cpuOf: () => null, open: null, log: [], reading: null, doing: false };

const COLUMNS = [
  { key: "service", label: "Service" },
  { key: "state", label: "State", value: (s) => s.state },
  { key: "cause", label: "Cause", value: (s) => causeOf(s) },
  { key: "uptime", label: "Up", value: (s) => s.uptime_s == null ? "–" : age(s.uptime_s * 1000), number: true },
  { key: "restarts", label: "Restarts", value: (s) => String(s.restarts), number: true },
  { key: "exit", label: "Exit", value: (s) => s.signal ?? (s.exit_code == null ? "–" : String(s.exit_code)), number: true },
  { key: "health", label: "Health", value: (s) => healthOf(s), number: true },
  { key: "cpu", label: "CPU", value: (s) => percent(s.service === state.found.service ? state.found.cpu_percent : state.cpuOf(s.service)), number: true },
  { key: "memory", label: "Memory", value: (s) => memory(s.rss_bytes == null ? null : s.rss_bytes / 1048576), number: true },
  { key: "port", label: "Port", number: true },
];

function causeOf(service) { return [service.error, ...service.notes].filter(Boolean).join("; "); }

function healthOf(service) {
  if (!service.health) return "–";
  if (!service.health.ok) return service.state === "starting" ? "not yet" : "fails";
  return service.health.latency_ms == null ? "ok" : `${Math.round(service.health.latency_ms)} ms`;
}

// ── hearing of them ─────────────────────────────────────────────────────────

export function watchServices(cpuOf) {
  state.cpuOf = cpuOf;
  clearTimeout(state.again);
  if (state.socket) {
    state.socket.onclose = null;
    state.socket.close();
  }
  const socket = state.socket = socketTo("/ws/services");
  socket.onmessage = (event) => {
    state.found = JSON.parse(event.data);
    drawServices();
  };
  socket.onclose = () => { state.again = setTimeout(() => watchServices(cpuOf), AGAIN); };
}

export function forgetServices() {
  clearTimeout(state.again);
  if (state.socket) state.socket.onclose = null;
  state.socket = null;
}

function own() { return state.found.workspaces.find((one) => one.workspace === state.found.workspace)?.services ?? []; }

// ── drawing ─────────────────────────────────────────────────────────────────

export function drawServices() {
  if (!state.found) return;
  const services = own();
  drawProblem(state.found);
  $("states-waiting").hidden = true;
  $("states-empty").hidden = services.length > 0 || state.found.error !== null || state.found.warnings.length > 0;
  $("states").hidden = services.length === 0;
  say($("states-count"), counted(services));
  keyed($("states").tBodies[0], services.map((one) => one.service), createRow,
    (row, name) => drawRow(row, services.find((one) => one.service === name)));
  drawEvents(state.found.events.slice(0, MOST_EVENTS));
  drawOthers(state.found.workspaces.filter((one) => one.workspace !== state.found.workspace));
  if (state.open) drawOpen(services.find((one) => one.service === state.open));
}

function counted(services) {
  const counts = new Map();
  for (const one of services) counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}

function drawProblem(found) {
  $("states-problem").hidden = !found.error && !found.warnings.length;
  say($("states-problem").firstElementChild, found.error ? `The state of the services can't be told: ${found.error}`
    : "Not all that is configured can be used:");
  keyed($("states-problem").querySelector("ul"), found.warnings.map((_, index) => String(index)), () => make("li"),
    (item, index) => say(item, found.warnings[index]));
}

function createRow(name) {
  const row = make("tr");
  for (const column of COLUMNS) {
    const cell = make("td", { "data-column": column.key, "data-label": column.label });
    if (column.number) cell.className = "number";
    if (column.key === "service") {
      const button = make("button", { type: "button", "aria-haspopup": "dialog" }, name);
      button.addEventListener("click", () => openService(name));
      cell.append(button);
    }
    row.append(cell);
  }
  return row;
}

function drawRow(row, service) {
  mark(row, "data-state", service.state);
  COLUMNS.forEach((column, index) => {
    if (column.key === "port") drawPort(row.children[index], service);
    else if (column.value) say(row.children[index], column.value(service));
    row.children[index].toggleAttribute("data-none", row.children[index].textContent === "–");
  });
}

// A link only where somebody listens and has answered by HTTP: a database speaks anything else.
function drawPort(cell, service) {
  const port = service.listener && service.port ? String(service.port) : "–";
  if (!service.listener || !/^https?:/.test(service.url ?? "")) {
    say(cell, port);
    return;
  }
  const address = new URL(service.url);
  if (["localhost", "127.0.0.1", "[::1]"].includes(address.hostname)) address.hostname = location.hostname;
  if (cell.firstElementChild?.getAttribute("href") === address.href) return;
  cell.replaceChildren(make("a", { href: address.href, rel: "noreferrer", "aria-label": `${service.service} on port ${port}` }, port));
}

function drawEvents(events) {
  $("events-empty").hidden = events.length > 0;
  const keys = events.map((event, index) => `${event.time} ${event.service} ${event.event} ${events.length - index}`);
  keyed($("events"), keys, (key) => createEvent(events[keys.indexOf(key)]), () => {});
}

function createEvent(event) {
  const when = new Date(event.time * 1000);
  return make("li", { "data-event": event.event },
    make("time", { datetime: when.toISOString(), title: when.toLocaleString() }, when.toLocaleTimeString()),
    make("strong", {}, event.service ?? ""), make("span", {}, [event.event, event.reason].filter(Boolean).join(": ")));
}

function drawOthers(workspaces) {
  $("others").hidden = workspaces.length === 0;
  keyed($("workspaces"), workspaces.map((one) => one.workspace), createWorkspace, (item, path) => {
    const found = workspaces.find((one) => one.workspace === path);
    say(item.children[1], [found.session && `tmux session ${found.session}`, found.folder !== "here" && `its folder is ${found.folder}`].filter(Boolean).join(" · "));
    keyed(item.children[2], found.services.map((one) => one.service), () => make("li", {}, make("span"), " ", make("span")), (line, name) => {
      const service = found.services.find((one) => one.service === name);
      mark(line, "data-state", service.state);
      say(line.firstChild, `${name}: ${service.state}`);
      drawPort(line.lastChild, service);
      if (line.lastChild.textContent === "–") line.lastChild.textContent = "";
    });
  });
}

function createWorkspace(path) {
  return make("li", {}, make("h3", { title: path }, path), make("p", { class: "soft" }), make("ul"));
}

// ── one service ─────────────────────────────────────────────────────────────

function openService(name) {
  state.open = name;
  say($("service-title"), name);
  say($("told"), "");
  $("log-find").value = "";
  $("service").showModal();
  drawOpen(own().find((one) => one.service === name));
  readLog(name);
}

function drawOpen(service) {
  if (!service) {
    say($("service-state"), "no longer there");
    return;
  }
  mark($("service-state"), "data-state", service.state);
  say($("service-state"), [service.state, causeOf(service)].filter(Boolean).join(": "));
  const isSelf = service.service === state.found.service;
  $("acts").hidden = !state.found.may_act || isSelf;
  $("may-not").hidden = state.found.may_act && !isSelf;
  say($("may-not"), isSelf ? `${service.service} serves this page. In a terminal: sentinel restart ${service.service}`
    : "This page only shows: the API was started with --read-only.");
  const several = instancesOf(service.service);
  $("scale").hidden = several === null;
  if (several && document.activeElement !== $("count") && !state.doing) $("count").value = String(several.count);
  for (const button of $("acts").querySelectorAll("button")) button.disabled = state.doing;
}

// NAME-2 is an instance of NAME if NAME-1 is there and NAME itself is not.
function instancesOf(name) {
  const base = name.match(/^(.+)-[1-9][0-9]*$/)?.[1];
  const names = own().map((one) => one.service);
  if (!base || names.includes(base) || !names.includes(`${base}-1`)) return null;
  return { base, count: names.filter((each) => each.replace(/-[1-9][0-9]*$/, "") === base).length };
}

async function act(verb) {
  const name = verb === "scale" ? instancesOf(state.open).base : state.open;
  const body = verb === "scale" ? JSON.stringify({ count: Number($("count").value) }) : undefined;
  state.doing = true;
  say($("told"), `${verb} ${name} …`);
  drawServices();
  try {
    const answer = await ask(`/api/services/${name}/${verb}`, { method: "POST", body, headers: body ? { "Content-Type": "application/json" } : {} });
    const content = await answer.json();
    say($("told"), content.error ?? `${verb} ${name}: done`);
  } catch {
    say($("told"), "There is no connection. What was asked for may have been done all the same.");
  }
  state.doing = false;
  drawServices();
}

// ── its log ─────────────────────────────────────────────────────────────────

async function readLog(name) {
  state.reading?.abort();
  const reading = state.reading = new AbortController();
  state.log = [];
  drawLog();
  try {
    const answer = await ask(`/api/services/${name}/logs`, { signal: reading.signal });
    if (!answer.ok) throw new Error((await answer.json()).error);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      state.log = [...state.log, ...lines.filter(Boolean).map((line) => JSON.parse(line).line)].filter((line) => line !== undefined).slice(-MOST_LINES);
      drawLog();
    }
    say($("log-count"), `${$("log-count").textContent} – it goes no further: open the service again`);
  } catch (error) {
    if (error.name !== "AbortError") say($("log-count"), `The log can't be read: ${error.message}. Open the service again.`);
  }
}

function drawLog() {
  const wanted = $("log-find").value.trim().toLowerCase();
  const found = wanted ? state.log.filter((line) => line.toLowerCase().includes(wanted)) : state.log;
  $("log").replaceChildren(...found.flatMap((line) => [...withMarks(line, wanted), "\n"]));
  say($("log-count"), !state.log.length ? "Nothing was printed yet." : wanted ? `${found.length} of ${plural(state.log.length, "line")}` : plural(state.log.length, "line"));
  if ($("follow").checked) $("log").scrollTop = $("log").scrollHeight;
}

function withMarks(line, wanted) {
  if (!wanted) return [line];
  const parts = [];
  let from = 0;
  for (let at = line.toLowerCase().indexOf(wanted); at >= 0; at = line.toLowerCase().indexOf(wanted, from)) {
    parts.push(line.slice(from, at), make("mark", {}, line.slice(at, at + wanted.length)));
    from = at + wanted.length;
  }
  return [...parts, line.slice(from)];
}

export function prepareServices() {
  for (const column of COLUMNS) {
    const heading = make("th", { scope: "col", "data-column": column.key }, column.label);
    if (column.number) heading.className = "number";
    $("states").tHead.rows[0].append(heading);
  }
  for (const button of $("acts").querySelectorAll("button")) button.addEventListener("click", () => act(button.value));
  $("log-find").addEventListener("input", drawLog);
  $("follow").addEventListener("change", drawLog);
  $("service").addEventListener("close", () => {
    state.reading?.abort();
    state.open = null;
  });
}
