import type { BalancedHost } from "@weft/contract";
import type { Random } from "@weft/kernel";
import { AliasTable } from "./alias-table.ts";
import { REDRAWS_MAX } from "./limits.ts";
import { isTried, untriedFrom } from "./untried.ts";
import { hasEqualWeights } from "./weights.ts";

/** Draws hosts by chance in proportion to their weights: what random, least-request and peak EWMA choose from. */
export class Sampler<H extends BalancedHost> {
  readonly #random: Random;
  #hosts: readonly H[] = [];
  /** Undefined while all weigh the same. */
  #table: AliasTable | undefined = undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many hosts there are to draw. */
  get size(): number {
    return this.#hosts.length;
  }

  update(hosts: readonly H[]): void {
    this.#hosts = hosts;
    this.#table = hasEqualWeights(hosts) ? undefined : new AliasTable(hosts.map((host) => host.weight));
  }

  /** One host, tried or not. Undefined only when there is none. */
  draw(): H | undefined {
    return this.#hosts[this.#drawIndex()];
  }

  /** One host that is not in `tried`, while there is one. */
  drawUntried(tried: readonly BalancedHost[]): H | undefined {
    let index = this.#drawIndex();
    if (tried.length === 0) return this.#hosts[index];
    for (let redraw = 0; redraw < REDRAWS_MAX; redraw++) {
      const host = this.#hosts[index];
      if (host === undefined || !isTried(host, tried)) return host;
      index = this.#drawIndex();
    }
    return untriedFrom(this.#hosts, index, tried);
  }

  /** Another host than `first`, and none of `tried`; `first` where there is none. So two draws compare two hosts. */
  drawOther(first: H, tried: readonly BalancedHost[]): H {
    for (let redraw = 0; redraw < REDRAWS_MAX; redraw++) {
      const host = this.#hosts[this.#drawIndex()];
      if (host !== first && host !== undefined && !isTried(host, tried)) return host;
    }
    // One of very many tried, or one that outweighs all others.
    const length = this.#hosts.length;
    let index = this.#random.below(length);
    for (let step = 0; step < length && step < tried.length + 2; step++) {
      const host = this.#hosts[index];
      if (host !== first && host !== undefined && !isTried(host, tried)) return host;
      index = index + 1 < length ? index + 1 : 0;
    }
    return first;
  }

  #drawIndex(): number {
    if (this.#table !== undefined) return this.#table.draw(this.#random);
    return this.#hosts.length === 0 ? 0 : this.#random.below(this.#hosts.length);
  }
}
