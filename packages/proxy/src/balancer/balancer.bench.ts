// Run with `node --expose-gc -C source packages/proxy/src/balancer/balancer.bench.ts`: time and heap per operation.
import type { BalancerPolicy } from "@weft/contract";
import { systemClock, systemRandom } from "@weft/kernel";
import { bench, do_not_optimize, run, summary } from "mitata";
import { createBalancer } from "./create-balancer.ts";
import { type FakeHost, fakeHosts } from "./fake-host.ts";

const POLICIES: readonly BalancerPolicy[] = [
  { type: "round-robin" },
  { type: "random" },
  { type: "least-request", choices: 2 },
  { type: "peak-ewma", decayMs: 10_000 },
  { type: "ring-hash", ringSizeMin: 1024, ringSizeMax: 8_388_608 },
  { type: "maglev", tableSize: 65_537 },
];

const context = { hash: 0, tried: [] };

for (const policy of POLICIES) {
  for (const count of [3, 100, 10_000]) {
    const equal = fakeHosts(Array.from({ length: count }, () => 100));
    const weighted = fakeHosts(Array.from({ length: count }, (_, index) => 100 + (index % 7)));
    summary(() => {
      for (const [name, hosts] of [
        ["equal", equal],
        ["weighted", weighted],
      ] as const) {
        for (const host of hosts) {
          host.activeRequests = 1;
          host.latency = 5;
        }
        const balancer = createBalancer<FakeHost>(policy, systemRandom, systemClock);
        balancer.update(hosts);
        bench(`${policy.type} pick(), ${count} ${name} hosts`, () => {
          context.hash = (context.hash + 0x9e3779b9) >>> 0;
          do_not_optimize(balancer.pick(context));
        }).gc("inner");
      }
    });
  }
  const hosts = fakeHosts(Array.from({ length: 100 }, (_, index) => 100 + (index % 7)));
  const balancer = createBalancer<FakeHost>(policy, systemRandom, systemClock);
  bench(`${policy.type} update(), 100 weighted hosts`, () => balancer.update(hosts));
}

await run();
