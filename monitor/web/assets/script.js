// Draws the overview page. Names are data and may be hostile: they enter as text, never as markup.
const POLL_MS = 2000, TIMEOUT_MS = 5000;
const UNREACHABLE_S = 7, QUIET_S = 10, STALLED_S = 15; // three polls; commits come every 0.4 s
let lang = "en", doc = null, answeredAt = null;
const $ = (id) => document.getElementById(id);
const t = (key, values = {}) => TEXTS[lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const named = (key) => (Object.hasOwn(TEXTS[lang].names, key) ? TEXTS[lang].names[key] : key);
const number = (value, digits = 0) =>
  new Intl.NumberFormat(lang, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
const short = (value) =>
  value < 1e6 ? number(value) : new Intl.NumberFormat(lang, { notation: "compact", maximumSignificantDigits: 4 }).format(value);
const rate = (value) => number(value, value < 10 ? 1 : 0);
const percent = (value) => {
  if (value === null) return "–";
  const digits = value === 0 || value === 1 ? 0 : value < 0.01 ? 2 : 1;
  return new Intl.NumberFormat(lang, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
};
const span = (s) => (s === null ? "–" : s < 120 ? `${number(s, s < 10 ? 1 : 0)} s` : t("minutes", { n: number(s / 60) }));
const age = (s) => (s !== null && s < 1 ? `${number(s * 1000)} ms` : span(s));
const clock = (epoch, seconds) =>
  new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }), hourCycle: "h23" }).format(epoch * 1000);
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };

function make(tag, content = [], cls = "") {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}
function drawn(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
const agencyName = (a) =>
  a.registered ? [make("b", make("bdi", a.code)), make("bdi", a[lang] === a.code ? "" : a[lang])] : [make("b", t("unregistered"))];
const agencyCode = (a) => make("bdi", a.registered ? a.code : t("unregistered"));
const serviceName = (s) => make("bdi", s.registered ? s[lang] : t("unregistered"));

function table(id, heads, list, cells) {
  const place = $(id);
  if (!list.rows.length) { place.replaceChildren(make("p", t("none"), "none")); return; }
  const th = (content, scope, role, cls) => { const cell = make("th", content, cls); cell.scope = scope; cell.setAttribute("role", role); return cell; };
  const row = (children) => { const tr = make("tr", children); tr.setAttribute("role", "row"); return tr; };
  const body = list.rows.map((item) => {
    const [first, ...rest] = cells(item);
    for (const cell of rest) cell.setAttribute("role", "cell");
    return row([th(first, "row", "rowheader"), ...rest]);
  });
  const whole = make("table", [
    make("thead", row(heads.map((head) => th(head, "col", "columnheader", TEXT_HEADS.some((key) => head === t(key)) ? "text" : "")))), make("tbody", body),
  ]);
  // A phone lays rows out as grids, which would take a table's meaning from it: say it again.
  whole.setAttribute("role", "table");
  whole.setAttribute("aria-label", place.parentElement.querySelector("h2").textContent);
  place.replaceChildren(whole, ...(list.more ? [make("p", t("more", { n: number(list.more) }), "more")] : []));
}
const TEXT_HEADS = ["kind", "alert"]; // columns of words, not of numbers
const td = (content, cls = "") => make("td", content, cls);
function bar(share) {
  const inner = make("span");
  inner.style.inlineSize = `${Math.max(share, 0) * 100}%`;
  return td(inner, "share");
}
function counted(id, head, list, key) {
  const highest = Math.max(1, ...list.rows.map((row) => row.count));
  table(id, [head, t("count"), ""], list, (row) => [named(row[key]), td(number(row.count)), bar(row.count / highest)]);
}
// The top of an axis: the next number that people read easily.
function axisTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.9999);
}

function drawCurve() {
  const svg = $("curve"), { ago, exchanges, breaches, span: longest } = doc.history;
  const width = svg.clientWidth, height = svg.clientHeight;
  if (!width) return;
  const em = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.75; // the labels' size
  const high = Math.max(0, ...exchanges), worst = Math.max(0, ...breaches), upper = axisTop(high), lower = axisTop(worst);
  const left = 3.4 * em, base = height - 1.7 * em, split = 0.6 * base, tall = base - split - 1.9 * em;
  const seconds = Math.min(longest, Math.max(60, ago[0] || 0));
  const x = (s) => width - (Math.min(s, seconds) / seconds) * (width - left);
  const y = (v) => split - (v / upper) * (split - 1.4 * em);
  const parts = [];
  const rule = (at) => parts.push(drawn("line", { class: "grid", x1: left, x2: width, y1: at, y2: at }));
  const write = (atX, atY, anchor, text, cls = "") => parts.push(drawn("text", { x: atX, y: atY, "text-anchor": anchor, class: cls }, text));
  for (const v of [0, upper / 2, upper]) {
    rule(y(v));
    write(left - 0.6 * em, y(v) + 0.35 * em, "end", number(v, v && v < 5 ? 1 : 0));
  }
  rule(base - tall);
  rule(base);
  write(left - 0.6 * em, base + 0.35 * em, "end", "0");
  write(left - 0.6 * em, base - tall + 0.35 * em, "end", number(lower, lower < 5 ? 1 : 0));
  write(left, 0.75 * em, "start", t("curve_exchanges"));
  write(left, base - tall - 0.5 * em, "start", t("curve_breaches"), "key");
  const minutes = width / (seconds / 60) < 6 * em ? 2 : 1; // between two labels
  for (let m = 0; m * 60 <= seconds; m += minutes) {
    const edge = x(m * 60) - left < 2 * em ? "start" : "middle";
    write(x(m * 60), height - 0.25 * em, m ? edge : "end", m ? t("ago", { n: m }) : t("just_now"));
  }
  if (ago.length) {
    const line = ago.map((s, i) => `${x(s).toFixed(1)} ${y(exchanges[i]).toFixed(1)}`);
    parts.push(drawn("path", { class: "area", d: `M${x(ago[0])} ${split}L${line.join("L")}L${x(ago.at(-1))} ${split}Z` }));
    parts.push(drawn("path", { class: "line", d: `M${line.join("L")}` }));
    const slot = ((width - left) / seconds) * 2; // a point every two seconds
    ago.forEach((s, i) => {
      const size = (breaches[i] / lower) * tall, from = Math.max(x(s) - slot, left);
      if (size > 0) parts.push(drawn("rect", { class: "bar", x: from, y: base - size, width: Math.max(slot * 0.7, 1), height: size }));
    });
  }
  svg.replaceChildren(...parts);
  svg.setAttribute("aria-label", t("curve_label", { n: number(seconds / 60), now: rate(doc.rates.exchanges_10s), high: rate(high), breaches: number(worst, 1) }));
}

function render() {
  if (!doc) return;
  const { totals, rates, lag, event_age, alerts } = doc, arrived = totals.exchanges + totals.duplicates + totals.dead_letters;
  put("rate", rate(rates.exchanges_10s));
  put("rate-note", t("rate_note", { rate: rate(rates.exchanges_60s) }));
  put("agencies", short(totals.agencies_active));
  put("agencies-note", t("agencies_note", { of: number(totals.agencies_registered) }));
  put("breaches", short(totals.breaches));
  put("breaches-note", t("breaches_note", { rate: rate(rates.breaches_60s * 60) }));
  put("letters", short(totals.dead_letters));
  put("letters-note", t("letters_note", { share: percent(arrived ? totals.dead_letters / arrived : 0) }));
  put("lag", short(lag.total));
  put("lag-note", t("lag_note", { n: number(doc.partitions) }));
  const part = (value) => [number(value), " ", make("span", percent(totals.exchanges ? value / totals.exchanges : 0), "note")];
  const within = (value, of) => [number(value), " ", make("span", t("of", { n: number(of) }), "note")];
  $("strip").replaceChildren(...[
    ["exchanges", number(totals.exchanges)], ["failures", part(totals.failures)], ["denied", part(totals.denied)],
    ["services", within(totals.services_active, totals.services_registered)], ["pairs", number(totals.pairs_active)],
    ["duplicates", number(totals.duplicates)], ["late", number(totals.late)],
    ["age50", age(event_age.p50)], ["age99", age(event_age.p99)],
  ].map(([key, value]) => make("div", [make("dt", t(key), "label"), make("dd", value)])));
  const plain = (value) => td(number(value), value ? "" : "zero");
  table("agency-table", [t("agency"), t("asked"), t("answered"), t("unavailable"), t("breaches"), t("mean")], doc.agencies, (a) => [
    agencyName(a), plain(a.asked), plain(a.answered), td(percent(a.failure_share), a.failure_share ? "" : "zero"),
    td([make("span", number(a.breaches), a.breaches ? "warm" : "zero"), make("span", percent(a.breach_share), "beside")]),
    td(a.mean_duration_ms === null ? "–" : age(a.mean_duration_ms / 1000), a.mean_duration_ms === null ? "zero" : ""),
  ]);
  table("pair-table", [t("pair"), t("kind"), t("breaches"), t("of_exchanges")], doc.pairs, (p) => [
    [make("b", [agencyCode(p.consumer), " → ", agencyCode(p.provider)]), make("span", serviceName(p.service), "under")],
    td(named(p.kind), "text"), td(number(p.breaches), "warm"), td(number(p.exchanges)),
  ]);
  const levels = Object.entries(alerts.open).filter(([, count]) => count).reverse();
  put("alerts-note", levels.map(([level, count]) => `${number(count)} ${named(level)}`).join(" · "));
  table("alert-table", [t("level"), t("alert"), t("agency"), t("events"), t("last")], alerts, (a) => [
    [make("b", named(a.level), ["high", "critical"].includes(a.level) && !a.acknowledged ? "warm" : "")],
    td([make("bdi", a.title[lang]), a.acknowledged ? make("span", t("acknowledged"), "under") : ""], "text"),
    td([a.agency.code ? agencyCode(a.agency) : "–"], "text"), td(number(a.count)), td(clock(a.last, true), "zero"),
  ]);
  counted("kind-table", t("kind"), doc.breaches, "breach");
  counted("letter-table", t("reason"), doc.dead_letters, "reason");
  $("lag-strip").replaceChildren(...lag.partitions.rows.map((row) =>
    make("div", [make("dt", make("bdi", `${row.topic}/${row.partition}`), "label"), make("dd", number(row.records), row.records ? "" : "zero")])));
  put("lag-more", lag.partitions.more ? t("more", { n: number(lag.partitions.more) }) : lag.partitions.rows.length ? "" : t("none_read"));
  put("scope", t("scope", { start: clock(doc.started), version: doc.version }));
  document.title = `${rate(rates.exchanges_10s)}/s · ${t("title")}`;
  drawCurve();
}

function showState() {
  const since = answeredAt === null ? null : (performance.now() - answeredAt) / 1000;
  let state = "live", detail;
  if (since === null && document.body.dataset.tried) [state, detail] = ["unreachable", t("detail_never")];
  else if (since === null) [state, detail] = ["loading", ""];
  else if (since > UNREACHABLE_S) [state, detail] = ["unreachable", t("detail_unreachable", { age: span(since), clock: clock(doc.time, true) })];
  else if (!doc.partitions) [state, detail] = ["waiting", t("detail_waiting")];
  else {
    // Both times are the worker's, so that this machine's clock does not matter.
    const idle = doc.last_commit === null ? doc.time - doc.started + since : doc.time - doc.last_commit + since;
    if (doc.lag.total && idle > STALLED_S) [state, detail] = ["stalled", t("detail_stalled", { age: span(idle), records: number(doc.lag.total) })];
    else if (doc.last_commit === null) [state, detail] = ["quiet", t("detail_none")];
    else if (idle > QUIET_S) [state, detail] = ["quiet", t("detail_quiet", { age: span(idle) })];
    else detail = t("detail_live", { age: span(idle) });
  }
  if (state !== "loading") document.body.dataset.state = state;
  put("state", t(`state_${state}`)); // spoken by screen readers when it changes, unlike the seconds after it
  put("detail", detail);
}

async function poll() {
  try {
    const answer = await fetch("/api/overview", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    doc = await answer.json();
    answeredAt = performance.now();
    render();
  } catch { /* the state line says so */ }
  document.body.dataset.tried = "yes";
  showState();
  setTimeout(poll, POLL_MS);
}

function speak(chosen) {
  lang = Object.hasOwn(TEXTS, chosen) ? chosen : "en";
  document.documentElement.lang = lang;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-l]")) node.setAttribute("aria-label", t(node.dataset.l));
  for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
  document.title = t("title");
  render();
  showState();
}
function remembered() { try { return localStorage.getItem("lang"); } catch { return null; } }
for (const button of document.querySelectorAll("[data-lang]")) {
  button.addEventListener("click", () => {
    try { localStorage.setItem("lang", button.dataset.lang); } catch { /* private windows keep nothing */ }
    speak(button.dataset.lang);
  });
}
new ResizeObserver(() => { if (doc) drawCurve(); }).observe($("curve"));
// A wall screen has no one to press the button: /?lang=vi.
speak(new URLSearchParams(location.search).get("lang") || remembered() || navigator.language.slice(0, 2));
setInterval(showState, 1000);
poll();
