import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { assertInteger, type Clock, hashString, mixUint32, type Random, WeftError } from "@weft/kernel";
import { byKey } from "./by-key.ts";
import type { BalancerErrorCode } from "./errors.ts";
import { MAGLEV_TABLE_SIZE_MAX, MAGLEV_TABLE_SIZE_MIN, RING_STEPS_MAX } from "./limits.ts";
import { isPrime } from "./prime.ts";
import { isTried, untriedFrom } from "./untried.ts";

/** The policy's own fields. */
export type MaglevOptions = Extract<BalancerPolicy, { type: "maglev" }>;

const OFFSET_SEED = 0x6d61676c;
const SKIP_SEED = 0x65762121;
const EMPTY = 0xffff_ffff;

class MaglevBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #tableSize: number;
  /** Sorted by key, so that the table does not depend on the order in which hosts were told. */
  #hosts: readonly H[] = [];
  /** Index of the host, by hash modulo table size. */
  #table: Uint32Array = new Uint32Array(0);

  constructor(tableSize: number) {
    assertInteger("tableSize", tableSize, MAGLEV_TABLE_SIZE_MIN, MAGLEV_TABLE_SIZE_MAX);
    if (!isPrime(tableSize)) throw notPrime(tableSize);
    this.#tableSize = tableSize;
  }

  update(hosts: readonly H[]): void {
    this.#hosts = hosts.toSorted(byKey);
    this.#table = hosts.length === 0 ? new Uint32Array(0) : buildTable(this.#hosts, this.#tableSize);
  }

  pick(context: PickContext): H | undefined {
    const table = this.#table;
    if (table.length === 0) return undefined;
    const { tried } = context;
    let entry = mixUint32(context.hash) % table.length;
    if (tried.length === 0) return this.#hosts[table[entry] ?? 0];
    for (let step = 0; step < RING_STEPS_MAX; step++) {
      const host = this.#hosts[table[entry] ?? 0];
      if (host !== undefined && !isTried(host, tried)) return host;
      entry = entry + 1 < table.length ? entry + 1 : 0;
    }
    return untriedFrom(this.#hosts, table[entry] ?? 0, tried);
  }
}

/**
 * Hosts take turns to claim the next free entry of their own permutation (offset + j * skip, a full cycle as the size
 * is a prime). A turn adds a host's weight to its credit, an entry costs the largest weight, so entries follow weights.
 */
function buildTable(hosts: readonly BalancedHost[], size: number): Uint32Array {
  const count = hosts.length;
  const table = new Uint32Array(size).fill(EMPTY);
  const positions = new Uint32Array(count);
  const skips = new Uint32Array(count);
  const credits = new Float64Array(count);
  let weightMax = 0;
  hosts.forEach((host, index) => {
    positions[index] = hashString(host.key, OFFSET_SEED) % size;
    skips[index] = (hashString(host.key, SKIP_SEED) % (size - 1)) + 1;
    weightMax = Math.max(weightMax, host.weight);
  });
  let filled = 0;
  for (;;) {
    for (let index = 0; index < count; index++) {
      const credit = (credits[index] ?? 0) + (hosts[index]?.weight ?? 0);
      if (credit < weightMax) {
        credits[index] = credit;
        continue;
      }
      credits[index] = credit - weightMax;
      let position = positions[index] ?? 0;
      const skip = skips[index] ?? 1;
      while (table[position] !== EMPTY) position = position + skip < size ? position + skip : position + skip - size;
      table[position] = index;
      positions[index] = position;
      if (++filled === size) return table;
    }
  }
}

function notPrime(tableSize: number): WeftError<BalancerErrorCode> {
  return new WeftError(
    "BALANCER_TABLE_NOT_PRIME",
    `Cannot make a Maglev table of ${tableSize} entries: expected a prime, such as 65537`,
    { tableSize },
  );
}

/**
 * Consistent hashing by table (Eisenbud et al., "Maglev", NSDI 2016, section 3.4): shares are even to within 1 % while
 * the table is 100 times the number of hosts, a pick is one read, and a host that goes moves little more than its own
 * keys. A retry takes the next other host of the table. Hosts beyond `tableSize` get no entry: keep it well above.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when `tableSize` is out of bounds
 * @throws WeftError BALANCER_TABLE_NOT_PRIME
 * @example
 * const balancer = createMaglev({ type: "maglev", tableSize: 65_537 }, systemRandom, systemClock);
 */
export function createMaglev<H extends BalancedHost>(
  options: MaglevOptions,
  _random: Random,
  _clock: Clock,
): Balancer<H> {
  return new MaglevBalancer<H>(options.tableSize);
}
