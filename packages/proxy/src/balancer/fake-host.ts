import type { BalancedHost } from "@weft/contract";

/** A host whose state a test sets by hand. */
export class FakeHost implements BalancedHost {
  readonly key: string;
  readonly weight: number;
  activeRequests: number = 0;
  latency: number = 0;

  constructor(key: string, weight: number = 1) {
    this.key = key;
    this.weight = weight;
  }

  latencyMs(_nowMs: number): number {
    return this.latency;
  }
}

/** One host per weight: "10.0.0.0:80" and so on. */
export function fakeHosts(weights: readonly number[]): FakeHost[] {
  return weights.map((weight, index) => new FakeHost(`10.0.${index >> 8}.${index & 255}:80`, weight));
}
