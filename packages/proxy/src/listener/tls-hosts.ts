import type { TlsHost } from "@weft/contract";

/** Every name, and clients that name none. */
const ANY = "*";

/** The host names of a TLS listener: which of them a server name or an authority belongs to. */
export class TlsHosts {
  /** Every name is served: a client need not say which it wants. */
  readonly servesAny: boolean;
  /** True where the host that a client named must be told apart from others. */
  readonly isDivided: boolean;
  readonly #names: ReadonlySet<string>;

  /** No hosts stand for one that serves any name. */
  constructor(hosts: readonly TlsHost[]) {
    this.#names = new Set(hosts.length === 0 ? [ANY] : hosts.map(({ hostname }) => hostname));
    this.servesAny = this.#names.has(ANY);
    this.isDivided = this.#names.size > 1;
  }

  /**
   * The most specific host name that `name` belongs to: exact, the longest wildcard ("*.a" covers "c.b.a"), "*"; null
   * for none. `name` is lower case, "" where the client names none; a dot at its end does not count.
   */
  find(name: string): string | null {
    const names = this.#names;
    const exact = name.endsWith(".") ? name.slice(0, -1) : name;
    if (exact !== "" && names.has(exact)) return exact;
    for (let dot = exact.indexOf(".", 1); dot >= 0; dot = exact.indexOf(".", dot + 1)) {
      const wildcard = `*${exact.slice(dot)}`;
      if (names.has(wildcard)) return wildcard;
    }
    return this.servesAny ? ANY : null;
  }
}
