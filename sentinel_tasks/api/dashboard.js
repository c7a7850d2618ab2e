// The dashboard: the workers, one document a second over the WebSocket; services.js has the services.

import { $, age, ask, keyed, make, mark, memory, percent, plural, say, setToken, socketTo, token } from "./page.js";
import { drawServices, forgetServices, prepareServices, watchServices } from "./services.js";

const KEPT = 300;            // points of history, one a second
const SILENCE = 5000;        // ms without a document: the connection is as good as lost
const PAUSES = [500, 1000, 2000, 5000];
const SVG = "http://www.w3.org/2000/svg";

const COLUMNS = [
  { key: "status", label: "Status", value: (w) => w.status },
  { key: "id", label: "Worker", value: (w) => w.id },
  { key: "service", label: "Service", value: (w) => w.service },
  { key: "pid", label: "PID", value: (w) => w.pid, number: true },
  { key: "cpu", label: "CPU", value: (w) => w.resource_usage.cpu_percent, show: percent, number: true },
  { key: "memory", label: "Memory", value: (w) => w.resource_usage.rss_mb, show: memory, number: true },
  { key: "queue", label: "Queue", value: (w) => w.queue_depth, number: true },
  { key: "messages", label: "Done", value: (w) => w.messages_processed, number: true },
  { key: "errors", label: "Errors", value: (w) => w.errors, number: true },
  { key: "age", label: "Age", value: (w) => Date.now() - Date.parse(w.created_at), show: age, number: true },
  { key: "job", label: "Job", value: (w) => w.current_job ?? w.last_error },
];

const state = {
  workspace: { services: {}, history: [] },
  registry: null,
  history: [],
  lines: new Map(),           // a service's name → the number of its colour
  sort: { key: "service", descending: false },
  failures: 0,
  socket: null,
  silence: 0,
};

// ── drawing ─────────────────────────────────────────────────────────────────

function draw() {
  if (!state.registry) return;
  drawSummary(state.registry.summary);
  drawByService();
  drawServices();
  drawCharts();
  drawWorkers();
}

function drawSummary(summary) {
  const tiles = { total: "Workers", idle: "Idle", working: "Working", error: "Error", total_queue_depth: "Queued" };
  keyed($("summary"), Object.keys(tiles),
    (key) => make("div", {}, make("dt", {}, tiles[key]), make("dd", { "data-status": key })),
    (tile, key) => {
      say(tile.lastChild, String(summary[key]));
      tile.lastChild.toggleAttribute("data-zero", summary[key] === 0);
    });
}

function serviceNames() {
  const names = new Set(Object.keys(state.workspace.services));
  for (const worker of Object.values(state.registry.workers)) names.add(worker.service ?? "");
  return [...names].sort();
}

function lineOf(name) {
  if (!state.lines.has(name)) state.lines.set(name, state.lines.size % 6);
  return `line-${state.lines.get(name)}`;
}

function drawByService() {
  const workers = Object.values(state.registry.workers).filter((worker) => worker.status !== "terminated");
  keyed($("services"), serviceNames(), createService, (card, name) => {
    const mine = workers.filter((worker) => (worker.service ?? "") === name);
    const sum = (look) => mine.reduce((total, worker) => total + (look(worker) ?? 0), 0);
    const itself = name === state.workspace.service && mine.length === 0;
    const counts = ["working", "idle", "error"].map((status) => [status, mine.filter((w) => w.status === status).length]);
    const words = counts.filter(([, count]) => count).map(([status, count]) => `${count} ${status}`).join(", ");
    say(card.children[1], itself ? "this API" : mine.length ? `${plural(mine.length, "worker")}: ${words}` : "no workers");
    const seen = mine.some((worker) => worker.resource_usage.rss_mb != null);
    const usage = seen ? `${percent(sum((w) => w.resource_usage.cpu_percent))} CPU · ${memory(sum((w) => w.resource_usage.rss_mb))} · ` : "";
    say(card.children[2], mine.length ? `${usage}${sum((w) => w.queue_depth)} queued` : "");
    card.children[1].classList.toggle("wrong", mine.some((worker) => worker.status === "error"));
  });
}

function createService(name) {
  const title = make("h3", {}, make("span", { class: `swatch ${lineOf(name)}` }), name || "no service");
  return make("li", {}, title, make("p"), make("p", { class: "soft" }));
}

const CHARTS = {
  cpu: { label: "CPU", show: percent, least: 10, lines: (point) => perService(point, "cpu_percent") },
  memory: { label: "Memory", show: memory, least: 10, lines: (point) => perService(point, "rss_mb") },
  queue: { label: "Queue", show: (value) => `${value} queued`, least: 5, lines: (point) => ({ queue: point.queue_depth }) },
};

function perService(point, field) {
  return Object.fromEntries(Object.entries(point.services).map(([name, usage]) => [name, usage[field]]));
}

function drawCharts() {
  keyed($("charts"), Object.keys(CHARTS), createChart, (panel, key) => drawChart(panel, CHARTS[key], key));
}

function createChart(key) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [["viewBox", "0 0 300 100"], ["preserveAspectRatio", "none"], ["role", "img"]]) svg.setAttribute(name, value);
  return make("div", { class: "chart" }, make("h3", {}, CHARTS[key].label, make("span")), make("div", { class: "axis" }, make("span")), svg,
    make("div", { class: "axis" }, make("span"), make("span", {}, "now")));
}

function drawChart(panel, chart, key) {
  const points = state.history.map((point) => ({ at: Date.parse(point.time), lines: chart.lines(point) }));
  const now = points.length ? points.at(-1).at : Date.now();
  const most = Math.max(chart.least, ...points.flatMap((point) => Object.values(point.lines))) * 1.05;
  const span = Math.min(300, Math.max(60, Math.ceil((now - (points[0]?.at ?? now)) / 60000) * 60));
  const names = [...new Set(points.flatMap((point) => Object.keys(point.lines)))].sort();
  const [title, top, svg, bottom] = panel.children;
  const total = points.length ? Object.values(points.at(-1).lines).reduce((sum, value) => sum + value, 0) : 0;
  say(title.lastChild, chart.show(total));
  say(top.firstChild, chart.show(Math.round(most)));
  say(bottom.firstChild, `${span / 60} min ago`);
  mark(svg, "aria-label", `${chart.label} over the last ${plural(span / 60, "minute")}, now ${chart.show(total)}`);
  while (svg.children.length > names.length) svg.lastChild.remove();
  while (svg.children.length < names.length) svg.append(document.createElementNS(SVG, "polyline"));
  names.forEach((name, index) => {
    const path = points.filter((point) => name in point.lines)
      .map((point) => `${(300 - (now - point.at) * 0.3 / span).toFixed(1)},${(100 - point.lines[name] / most * 100).toFixed(1)}`).join(" ");
    mark(svg.children[index], "points", path);
    mark(svg.children[index], "class", key === "queue" ? "" : lineOf(name));
  });
}

function drawWorkers() {
  const all = Object.values(state.registry.workers);
  const wanted = $("find").value.trim().toLowerCase();
  const found = all.filter((worker) => [worker.id, worker.service, worker.current_job, worker.status, worker.last_error]
    .some((text) => text?.toLowerCase().includes(wanted)));
  $("empty").hidden = all.length > 0;
  $("nothing-found").hidden = !all.length || found.length > 0;
  $("workers").hidden = found.length === 0;
  found.sort(inOrder);
  keyed($("workers").tBodies[0], found.map((worker) => worker.id), createWorker,
    (row, id) => drawWorker(row, state.registry.workers[id]));
}

function inOrder(one, other) {
  const column = COLUMNS.find((candidate) => candidate.key === state.sort.key);
  const [a, b] = [column.value(one), column.value(other)];
  const order = a == null || b == null ? (a == null) - (b == null)
    : typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  const directed = state.sort.descending ? -order : order;
  return directed || one.id.localeCompare(other.id, undefined, { numeric: true });
}

function createWorker(id) {
  const row = make("tr");
  for (const column of COLUMNS) {
    const cell = make("td", { "data-column": column.key, "data-label": column.label });
    if (column.number) cell.className = "number";
    if (column.key === "id") cell.append(openButton(id));
    row.append(cell);
  }
  return row;
}

function openButton(id) {
  const button = make("button", { type: "button", title: "Look into this worker" }, id);
  button.addEventListener("click", () => showDepth(id));
  return button;
}

function drawWorker(row, worker) {
  mark(row, "data-status", worker.status);
  COLUMNS.forEach((column, index) => {
    if (column.key === "id") return;
    const value = column.value(worker);
    say(row.children[index], column.show ? column.show(value) : value == null ? (column.key === "job" ? "" : "–") : String(value));
  });
  const job = row.children[COLUMNS.length - 1];
  job.classList.toggle("wrong", !worker.current_job && Boolean(worker.last_error));
  if (worker.last_error) mark(job, "title", worker.last_error);
  else job.removeAttribute("title");
}

function createHeadings() {
  for (const column of COLUMNS) {
    const button = make("button", { type: "button" }, column.label);
    button.addEventListener("click", () => sortBy(column));
    const heading = make("th", { scope: "col", "data-column": column.key }, button);
    if (column.number) heading.className = "number";
    $("workers").tHead.rows[0].append(heading);
  }
  showSort();
}

function sortBy(column) {
  const again = state.sort.key === column.key;
  state.sort = { key: column.key, descending: again ? !state.sort.descending : Boolean(column.number) };
  showSort();
  draw();
}

function showSort() {
  for (const heading of $("workers").tHead.rows[0].cells) {
    if (heading.dataset.column === state.sort.key) heading.setAttribute("aria-sort", state.sort.descending ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  }
}

async function showDepth(id) {
  say($("depth-title"), id);
  say($("depth-text"), "…");
  $("depth").showModal();
  try {
    const answer = await ask(`/api/workers/snapshot/${encodeURIComponent(id)}`);
    const content = await answer.json();
    const again = answer.headers.get("Retry-After");
    say($("depth-text"), answer.ok ? JSON.stringify(content, null, 2) : content.error + (again ? `; again in ${again} s` : ""));
  } catch {
    say($("depth-text"), "There is no connection.");
  }
}

// ── connection ──────────────────────────────────────────────────────────────

async function connect() {
  let answer;
  try {
    answer = await ask("/api/workspace");
  } catch {
    return lose();
  }
  if (answer.status === 401) return askForToken();
  if (!answer.ok) return lose();
  state.workspace = await answer.json();
  state.history = state.workspace.history;
  showWorkspace();
  openSocket();
}

function openSocket() {
  const socket = state.socket = socketTo("/ws/workers/telemetry");
  socket.onmessage = (event) => receive(socket, JSON.parse(event.data));
  socket.onclose = () => { if (state.socket === socket) lose(); };
  listenFor(socket);
  watchServices(cpuOf);
}

// What the processes of a service use together; null where none of them was seen.
function cpuOf(name) {
  const used = Object.values(state.registry?.workers ?? {}).filter((worker) => worker.service === name && worker.status !== "terminated")
    .map((worker) => worker.resource_usage.cpu_percent).filter((each) => each != null);
  return used.length ? used.reduce((sum, each) => sum + each, 0) : null;
}

function listenFor(socket) {
  clearTimeout(state.silence);
  state.silence = setTimeout(() => {
    if (state.socket !== socket) return;
    socket.onclose = null;
    socket.close();
    lose();
  }, SILENCE);
}

function receive(socket, registry) {
  listenFor(socket);
  state.failures = 0;
  state.registry = registry;
  remember(registry);
  show("live");
  draw();
}

function remember(registry) {
  if (state.history.length && state.history.at(-1).time === registry.timestamp) return;
  const services = {};
  for (const worker of Object.values(registry.workers)) {
    if (worker.status === "terminated") continue;
    const usage = services[worker.service ?? ""] ??= { workers: 0, cpu_percent: 0, rss_mb: 0 };
    usage.workers += 1;
    usage.cpu_percent += worker.resource_usage.cpu_percent ?? 0;
    usage.rss_mb += worker.resource_usage.rss_mb ?? 0;
  }
  state.history.push({ time: registry.timestamp, queue_depth: registry.summary.total_queue_depth, services });
  state.history = state.history.slice(-KEPT);
}

function lose() {
  clearTimeout(state.silence);
  forgetServices();
  state.socket = null;
  const pause = PAUSES[Math.min(state.failures, PAUSES.length - 1)];
  state.failures += 1;
  show("lost");
  setTimeout(connect, pause);
}

function show(connection) {
  mark($("connection"), "data-state", connection);
  say($("connection"), connection);
  document.body.classList.toggle("stale", connection === "lost" && state.registry !== null);
  $("lost").hidden = connection !== "lost";
  if (connection === "lost") {
    const since = state.registry ? ` What is shown is from ${new Date(state.registry.timestamp).toLocaleTimeString()}.` : "";
    say($("lost"), `Lost the connection to the Worker Telemetry API; trying again.${since} If it was stopped, start it in a terminal: inv telemetry.activate`);
  }
}

function showWorkspace() {
  const name = state.workspace.workspace.split("/").filter(Boolean).at(-1) ?? "Workspace";
  say($("workspace"), name);
  document.title = `${name} · services`;
  say($("session"), [state.workspace.workspace, state.workspace.session && `tmux session ${state.workspace.session}`].filter(Boolean).join(" · "));
}

function askForToken() {
  $("ask-problem").hidden = token() === null;
  $("token").value = "";
  $("ask").showModal();
}

$("ask").addEventListener("close", () => {
  setToken($("token").value);
  connect();
});
$("ask").addEventListener("cancel", (event) => event.preventDefault());
$("find").addEventListener("input", draw);
createHeadings();
prepareServices();
connect();
