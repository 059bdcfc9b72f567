// Run with `node --expose-gc -C source packages/proxy/src/tracing/tracer.bench.ts`: what a request pays to be traced.
import { RequestHead } from "@weft/contract";
import { systemClock, systemRandom } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { silentLog } from "../log.ts";
import { createTracer } from "./tracer.ts";

const fields = ["accept", "*/*", "user-agent", "wrk", "accept-encoding", "gzip", "x-request-id", "1", "cookie", "a=b"];
const plain = new RequestHead("GET", "http", "shop.example", "/cart", fields, 0);
const unsampled = new RequestHead(
  "GET",
  "http",
  "shop.example",
  "/cart",
  [...fields, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"],
  0,
);
const facts = {
  listener: "edge",
  protocolName: "http",
  protocolVersion: "2",
  isTls: true,
  clientAddress: "192.0.2.1",
  clientPort: 4321,
};
const resource = { serviceName: "bench", version: "0", instanceId: "0" };
const deps = {
  resource,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  counters: { spans: 0, spansDropped: 0 },
};
// Nothing listens there: the queue fills, and from then on spans are dropped at its door.
const tracer = createTracer({ otlpEndpoint: "http://127.0.0.1:9/v1/traces", sample: 0 }, deps);
const always = createTracer({ otlpEndpoint: "http://127.0.0.1:9/v1/traces", sample: 1 }, deps);

bench("begin(), no context, not sampled", () => do_not_optimize(tracer.begin(plain, facts)));
bench("begin(), caller does not sample", () => do_not_optimize(tracer.begin(unsampled, facts)));
bench("begin() + try + forward() + end(), sampled", () => {
  const span = always.begin(plain, facts);
  const attempt = span?.beginTry("shop/backend", "10.0.0.1:80", 1);
  do_not_optimize(attempt?.forward(fields));
  attempt?.end(200, -1, "");
  span?.end(200, -1, "");
});

await run();
await Promise.all([tracer.close(), always.close()]);
