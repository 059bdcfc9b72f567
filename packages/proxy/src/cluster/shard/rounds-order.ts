import { createRandom, hashString } from "@weft/kernel";
import type { ShardClient, ShardHost, ShardOrder } from "./order.ts";

class RoundsOrder<H extends ShardHost> implements ShardOrder<H> {
  readonly #index: number;
  #dealt: readonly H[] = [];

  constructor(index: number) {
    this.#index = index;
  }

  update(hosts: readonly H[], size: number): readonly H[] {
    const shardsPerRound = Math.max(1, Math.floor(hosts.length / size));
    const random = createRandom(Math.floor(this.#index / shardsPerRound));
    const shuffled = hosts.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = random.below(index + 1);
      const [a, b] = [shuffled[index], shuffled[other]];
      if (a === undefined || b === undefined) continue;
      shuffled[index] = b;
      shuffled[other] = a;
    }
    const start = (this.#index % shardsPerRound) * size;
    this.#dealt = [...shuffled.slice(start), ...shuffled.slice(0, start)];
    return this.#dealt.slice(0, size);
  }

  all(): readonly H[] {
    return this.#dealt;
  }
}

/**
 * Deterministic subsetting ("Site Reliability Engineering", chapter 20): clients are numbered, as many in a row as there
 * are whole shards make a round, and each round deals the hosts out in an order of its own. The best balance while no
 * host comes or goes; then nearly everything moves. A client without a number takes one from its key, and balance is that
 * of chance. Weights do not count.
 */
export function createRoundsOrder<H extends ShardHost>(client: ShardClient): ShardOrder<H> {
  return new RoundsOrder<H>(client.index ?? hashString(client.key));
}
