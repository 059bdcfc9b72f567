/** The page's style: one sheet, readable in light and dark, no asset from anywhere. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --mute: #777; --good: #18864b; --bad: #c9372c; --warn: #b65c02; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem 1.2rem; border-bottom: 1px solid var(--line); padding-bottom: .8rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1.8rem 0 .4rem; }
.mute { color: var(--mute); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .7rem; margin: 1rem 0; }
.tile { background: var(--soft); border-radius: .5rem; padding: .6rem .9rem; }
.tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--mute); }
th, td { padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.sub { padding-left: 1.2rem; }
footer { margin-top: 2rem; color: var(--mute); } footer a { margin-right: .9rem; }
`;

/** Keeps the page's numbers live. Every text goes in by textContent, so no name can become markup. */
export const PAGE_SCRIPT = `
"use strict";
const number = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const ms = (value) => value === null ? "-" : number(value, value < 10 ? 2 : value < 100 ? 1 : 0);
const rows = new Map(Array.from(document.querySelectorAll("tr[data-route]"), (row) => [row.dataset.route, row]));
const put = (id, text) => { const node = document.getElementById(id); if (node) node.textContent = text; };
const events = new EventSource("/api/events");
events.addEventListener("summary", (message) => {
  const event = JSON.parse(message.data);
  put("span", "now");
  put("requests", number(event.requestsPerSecond, event.requestsPerSecond < 10 ? 1 : 0));
  put("connections", number(event.connectionsActive, 0));
  for (const route of event.routes) {
    const cells = rows.get(route.route)?.cells;
    if (cells === undefined) continue;
    cells[1].textContent = number(route.requestsPerSecond, route.requestsPerSecond < 10 ? 1 : 0);
    cells[2].textContent = number(route.successShare * 100, 2) + " %";
    cells[2].className = "n " + (route.successShare >= 0.999 ? "good" : route.successShare >= 0.99 ? "warn" : "bad");
    cells[3].textContent = ms(route.p50Ms);
    cells[4].textContent = ms(route.p99Ms);
  }
});
events.addEventListener("gap", () => put("span", "no answer from the workers"));
events.addEventListener("error", () => put("span", "connection lost"));
`;
