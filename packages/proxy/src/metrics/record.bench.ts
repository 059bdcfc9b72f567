// Run with `node --expose-gc -C source packages/proxy/src/metrics/record.bench.ts`: what a request pays to be counted.
import { systemClock } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { MetricsRegistry } from "./registry.ts";
import { renderChunks } from "./render.ts";

const registry = new MetricsRegistry(systemClock);
const routes = Array.from({ length: 16 }, (_, index) => registry.route(`shop/route-${index}`));
const cluster = registry.cluster("shop/backend");
const host = cluster.host("10.0.0.1:8080");
const listener = registry.listener("edge");
// Whole numbers that are made beforehand: a fraction made here would count the benchmark's own boxes.
const statuses = [200, 201, 204, 200, 302, 200, 404, 503];
let turn = 0;

bench("RouteStats.record()", () => {
  turn = (turn + 1) & 0xffff;
  const route = routes[turn & 15];
  route?.record(statuses[turn & 7] ?? 200, 400 + (turn & 0xfff), 128, 65_536);
}).gc("inner");
bench("RouteStats.recordGrpc()", () => {
  turn = (turn + 1) & 0xffff;
  routes[turn & 15]?.recordGrpc(turn & 7);
}).gc("inner");
bench("HostStats.record()", () => {
  turn = (turn + 1) & 0xffff;
  host.record((turn & 7) !== 0, 300 + (turn & 0xfff));
}).gc("inner");
bench("ClusterStats.countOutcome()", () => cluster.countOutcome("success")).gc("inner");
bench("ListenerStats.countReset()", () => listener.countReset("cancelled")).gc("inner");
bench("one field", () => {
  listener.requestsHttp2++;
}).gc("inner");

const large = new MetricsRegistry(systemClock);
for (let index = 0; index < 1000; index++) large.route(`shop/route-${index}`).record(200, index * 10, 1, 1);
bench("MetricsRegistry.snapshot(), 1000 routes", () => do_not_optimize(large.snapshot()));
const snapshot = large.snapshot();
bench("renderChunks(), 1000 routes", () => {
  for (const chunk of renderChunks(snapshot, "openmetrics")) do_not_optimize(chunk);
});

await run();
