// Run with `node --expose-gc -C source packages/proxy/src/cluster/shard/shard.bench.ts`: time and heap per operation.
// The client is the last of its league: nobody computes more.
import { bench, do_not_optimize, run, summary } from "mitata";
import { leagueClients } from "./league.ts";
import { shardHosts, tell, viewOf } from "./shard.fixture.ts";
import type { ShardAlgorithm } from "./shard-view.ts";

const ALGORITHMS: readonly ShardAlgorithm[] = ["draft", "rendezvous", "ring", "rounds"];
const HOSTS = shardHosts(2000);
const LESS = HOSTS.toSpliced(1234, 1);

for (const size of [20, 400]) {
  const index = leagueClients(HOSTS.length, size) - 1;
  summary(() => {
    for (const algorithm of ALGORITHMS) {
      const view = viewOf(algorithm, index);
      tell(view, HOSTS, size);
      let isLess = false;
      bench(`${algorithm}, ${size} of 2000: one host comes or goes`, () => {
        isLess = !isLess;
        do_not_optimize(tell(view, isLess ? LESS : HOSTS, size));
      }).gc("inner");
    }
  });
  summary(() => {
    for (const algorithm of ALGORITHMS) {
      bench(`${algorithm}, ${size} of 2000: from nothing`, () => {
        do_not_optimize(tell(viewOf(algorithm, index), HOSTS, size));
      }).gc("inner");
    }
  });
  const view = viewOf("draft", index);
  const members = tell(view, HOSTS, size).members.map(({ key }) => key);
  const down = [new Set<string>(), new Set(members.slice(3, 4))];
  let step = 0;
  bench(`draft, ${size} of 2000: a member fails or recovers`, () => {
    do_not_optimize(tell(view, HOSTS, size, down[++step & 1]));
  }).gc("inner");
}

await run();
