import { lookup, type LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import type { Clock } from "@weft/kernel";
import { DNS_SERVER_TIMEOUT_MS, DNS_SERVER_TRIES, DNS_TIMEOUT_MS } from "./limits.ts";

/** One address of a name, and for how long the answer holds. */
export interface DnsAddress {
  readonly address: string;
  readonly ttlMs: number;
}

/**
 * What a name resolves to. `empty`: there is an answer, and it is that the name has no address or does not exist.
 * `failed`: there is no answer. `missingFamily`: the other family answered, this one (4 or 6) failed; 0 for none.
 */
export type DnsAnswer =
  | { readonly type: "addresses"; readonly addresses: readonly DnsAddress[]; readonly missingFamily: 0 | 4 | 6 }
  | { readonly type: "empty"; readonly reason: string }
  | { readonly type: "failed"; readonly reason: string };

/** Asks for the addresses of names. */
export interface DnsResolver {
  /** Never rejects, and ends within `DNS_TIMEOUT_MS`. */
  resolve(name: string): Promise<DnsAnswer>;
  /** Gives up all questions that are open: they end as `failed`. */
  close(): void;
}

/** Options of `createDnsResolver`. */
export interface DnsResolverOptions {
  readonly clock: Clock;
  /** Name servers, "address" or "address:port"; those of the system when left out. */
  readonly servers?: readonly string[];
  /** The system's own resolution (hosts file and the rest), for names that DNS does not have. */
  readonly lookup?: (name: string) => Promise<readonly LookupAddress[]>;
  /** Whether this machine can reach IPv6 addresses; asked per question. */
  readonly hasIpv6?: () => boolean;
}

/** A failure of node:dns that means "nothing there", not "no answer". */
const EMPTY_CODES: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ENONAME"]);

class NodeDnsResolver implements DnsResolver {
  readonly #clock: Clock;
  readonly #resolver: Resolver;
  readonly #lookup: (name: string) => Promise<readonly LookupAddress[]>;
  readonly #hasIpv6: () => boolean;

  constructor(options: DnsResolverOptions) {
    this.#clock = options.clock;
    this.#resolver = new Resolver({ timeout: DNS_SERVER_TIMEOUT_MS, tries: DNS_SERVER_TRIES });
    if (options.servers !== undefined) this.#resolver.setServers(options.servers);
    this.#lookup = options.lookup ?? systemLookup;
    this.#hasIpv6 = options.hasIpv6 ?? hasGlobalIpv6;
  }

  resolve(name: string): Promise<DnsAnswer> {
    if (isIP(name) !== 0) {
      const addresses = [{ address: name, ttlMs: Number.POSITIVE_INFINITY }];
      return Promise.resolve({ type: "addresses", addresses, missingFamily: 0 });
    }
    return new Promise((settle) => {
      const timer = this.#clock.setTimer(() => {
        settle({ type: "failed", reason: `no answer within ${DNS_TIMEOUT_MS} ms` });
      }, DNS_TIMEOUT_MS);
      const finish = (answer: DnsAnswer): void => {
        this.#clock.clearTimer(timer);
        settle(answer);
      };
      this.#ask(name).then(finish, (error: unknown) => finish({ type: "failed", reason: codeOf(error) }));
    });
  }

  close(): void {
    this.#resolver.cancel();
  }

  async #ask(name: string): Promise<DnsAnswer> {
    // RFC 6761, section 6.3: names of this machine are no business of a name server.
    if (/(^|\.)localhost\.?$/i.test(name)) return this.#askSystem(name, { type: "empty", reason: "no such name" });
    const [four, six] = await Promise.all([this.#askFamily(name, 4), this.#askFamily(name, 6)]);
    if (four.type === "addresses" && six.type === "addresses") {
      const addresses = this.#hasIpv6() ? [...four.addresses, ...six.addresses] : four.addresses;
      return { type: "addresses", addresses, missingFamily: 0 };
    }
    if (four.type === "addresses") return six.type === "failed" ? { ...four, missingFamily: 6 } : four;
    if (six.type === "addresses") return four.type === "failed" ? { ...six, missingFamily: 4 } : six;
    return this.#askSystem(name, six.type === "failed" ? six : four);
  }

  async #askFamily(name: string, family: 4 | 6): Promise<DnsAnswer> {
    try {
      const records =
        family === 4
          ? await this.#resolver.resolve4(name, { ttl: true })
          : await this.#resolver.resolve6(name, { ttl: true });
      // A CNAME that leads nowhere is an answer without records.
      if (records.length === 0) return { type: "empty", reason: "ENODATA" };
      const addresses = records.map(({ address, ttl }) => ({ address, ttlMs: ttl * 1000 }));
      return { type: "addresses", addresses, missingFamily: 0 };
    } catch (error) {
      const reason = codeOf(error);
      return { type: EMPTY_CODES.has(reason) ? "empty" : "failed", reason };
    }
  }

  /** The hosts file has no TTL: whoever asks applies its shortest. */
  async #askSystem(name: string, otherwise: DnsAnswer): Promise<DnsAnswer> {
    try {
      const found = await this.#lookup(name);
      const addresses = found.map(({ address }) => ({ address, ttlMs: 0 }));
      return addresses.length === 0 ? otherwise : { type: "addresses", addresses, missingFamily: 0 };
    } catch {
      return otherwise;
    }
  }
}

function systemLookup(name: string): Promise<readonly LookupAddress[]> {
  return promisify(lookup)(name, { all: true });
}

function hasGlobalIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80:")),
  );
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

/**
 * Asks name servers for A and AAAA records together, which, unlike the system's own resolution, tells how long answers
 * hold and blocks no thread. Names that DNS does not have, or while no server answers, are looked up in the system's
 * way (hosts file), and so is localhost. IPv6 addresses are left out where this machine cannot reach them and there
 * are IPv4 ones.
 *
 * @example
 * const resolver = createDnsResolver({ clock: systemClock });
 * const answer = await resolver.resolve("payments.internal");
 */
export function createDnsResolver(options: DnsResolverOptions): DnsResolver {
  return new NodeDnsResolver(options);
}
