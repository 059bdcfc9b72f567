import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { renderLine, renderView, Screen, type ViewState } from "./view.ts";

const STATE: ViewState = {
  routes: [
    { route: "default/checkout", requestsPerSecond: 4, successShare: 0.9996, p50Ms: 6.14, p99Ms: 120.4 },
    { route: "other/cart", requestsPerSecond: 0.25, successShare: 1, p50Ms: 1, p99Ms: 2 },
    { route: "default/idle", requestsPerSecond: 0, successShare: 1, p50Ms: null, p99Ms: null },
  ],
  ready: 12,
  processes: 13,
  events: ["12:00:00 payment-1 ended with SIGKILL; it starts again in 5 s"],
};

test("renderView() shows routes in columns, processes, and what happened", () => {
  assert.deepEqual(renderView(STATE), [
    "route        requests/s   success      p50      p99",
    "checkout            4.0    99.9 %   6.1 ms   120 ms",
    "other/cart          0.3   100.0 %   1.0 ms   2.0 ms",
    "idle                0.0         -        -        -",
    "",
    "12 of 13 processes run; Ctrl-C stops them.",
    "  12:00:00 payment-1 ended with SIGKILL; it starts again in 5 s",
  ]);
});

test("renderLine() sums up in one line", () => {
  assert.equal(renderLine(STATE), "4.3 requests/s, 99.9 % success, slowest p99 120 ms, 12/13 processes");
  const idle = { ...STATE, routes: [], ready: 13 };
  assert.equal(renderLine(idle), "0.0 requests/s, - success, slowest p99 -, 13/13 processes");
});

test("Screen.draw() draws over what it drew before and fits the terminal", () => {
  const terminal = Object.assign(new PassThrough(), { columns: 10, rows: 4 });
  terminal.setEncoding("utf8");
  const screen = new Screen(terminal as unknown as NodeJS.WriteStream);
  screen.draw(["first", "a line that is too long", "third", "fourth"]);
  assert.equal(terminal.read(), "\r\u001b[Jfirst\na line th\nthird\n");
  screen.draw(["again"]);
  assert.equal(terminal.read(), "\u001b[3A\r\u001b[Jagain\n");
});

test("Screen.draw() shows what fits 80 x 24 on a terminal that does not know its size", () => {
  for (const size of [{ columns: 0, rows: 0 }, { columns: 1, rows: 1 }, {}]) {
    const terminal = Object.assign(new PassThrough(), size);
    terminal.setEncoding("utf8");
    const lines = Array.from({ length: 30 }, () => "x".repeat(100));
    new Screen(terminal as unknown as NodeJS.WriteStream).draw(lines);
    assert.equal(
      terminal.read(),
      `\r\u001b[J${lines
        .slice(0, 23)
        .map(() => `${"x".repeat(79)}\n`)
        .join("")}`,
    );
  }
});
