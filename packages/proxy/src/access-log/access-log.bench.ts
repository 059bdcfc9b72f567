// Run with `node --expose-gc -C source packages/proxy/src/access-log/access-log.bench.ts`.
import { systemRandom } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { encodeRecord } from "./encode-record.ts";
import { RuleSet } from "./rule.ts";

const entry = {
  startMs: 1_767_225_600_123,
  durationMs: 12.3456,
  method: "GET",
  authority: "shop.example",
  path: "/cart/items?id=42&currency=EUR",
  protocol: "HTTP/2",
  status: 200,
  grpcStatus: -1,
  receivedBytes: 0,
  sentBytes: 512,
  listener: "web",
  route: "shop/cart",
  rule: "rules[0]",
  cluster: "shop/backend",
  host: "10.0.0.1:8080",
  attempts: 1,
  error: "",
  client: "192.0.2.1:4321",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  requestId: "0f8fad5b-d9cb-469f-a165-70867728950e",
};
const errorsOnly = new RuleSet([{ statusMin: 500, durationMsMin: 0, routes: [], sample: 1 }], systemRandom);
const sampled = new RuleSet([{ statusMin: 0, durationMsMin: 0, routes: [], sample: 0.01 }], systemRandom);

bench("isWanted(), errors only", () => do_not_optimize(errorsOnly.isWanted(200, 12.5, "shop/cart"))).gc("inner");
bench("isWanted(), 1 % sampled", () => do_not_optimize(sampled.isWanted(200, 12.5, "shop/cart"))).gc("inner");
// No collection in between: V8 would forget the compiled regular expressions, which no proxy at work does.
bench("encodeRecord()", () => do_not_optimize(encodeRecord(entry)));

await run();
