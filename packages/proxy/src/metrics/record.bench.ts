// Run with `node --expose-gc -C source packages/proxy/src/metrics/record.bench.ts`: what a request pays to be counted.
import { systemClock } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { MetricsRegistry } from "./registry.ts";
import { renderChunks } from "./render.ts";
import { countAnswer, countGrpcStatus } from "./route-stats.ts";

/** The rule of every route here that has only one. */
const RULE = "rules[0]";

const registry = new MetricsRegistry(systemClock);
const routes = Array.from({ length: 16 }, (_, index) => registry.route(`shop/route-${index}`, RULE));
const cluster = registry.cluster("shop/backend");
const host = registry.host("shop/backend", "10.0.0.1:8080");
const listener = registry.listener("edge");
// Whole numbers that are made beforehand: a fraction made here would count the benchmark's own boxes.
const statuses = [200, 201, 204, 200, 302, 200, 404, 503];
let turn = 0;

bench("countAnswer()", () => {
  turn = (turn + 1) & 0xffff;
  const route = routes[turn & 15];
  if (route !== undefined) countAnswer(route, statuses[turn & 7] ?? 200, 400 + (turn & 0xfff), 128, 65_536);
}).gc("inner");
bench("countGrpcStatus()", () => {
  turn = (turn + 1) & 0xffff;
  const route = routes[turn & 15];
  if (route !== undefined) countGrpcStatus(route, turn & 7);
}).gc("inner");
bench("a histogram", () => {
  turn = (turn + 1) & 0xffff;
  host.durationUs.record(300 + (turn & 0xfff));
}).gc("inner");
bench("a field by a label that is known", () => {
  cluster.outcomes.success++;
}).gc("inner");
const reasons = [
  "cancelled",
  "connection",
  "timeout",
  "refused",
  "internal",
  "protocol",
  "connect",
  "overloaded",
] as const;
bench("a field by a label that varies", () => {
  turn = (turn + 1) & 0xffff;
  listener.resets[reasons[turn & 7] ?? "cancelled"]++;
}).gc("inner");
bench("a field without labels", () => {
  listener.upgrades++;
}).gc("inner");

const large = new MetricsRegistry(systemClock);
for (let index = 0; index < 1000; index++) countAnswer(large.route(`shop/route-${index}`, RULE), 200, index * 10, 1, 1);
bench("MetricsRegistry.snapshot(), 1000 routes", () => do_not_optimize(large.snapshot()));
const snapshot = large.snapshot();
bench("renderChunks(), 1000 routes", () => {
  for (const chunk of renderChunks(snapshot, "openmetrics")) do_not_optimize(chunk);
});

await run();
