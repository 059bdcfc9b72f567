import { Histogram } from "@weft/kernel";
import type { RouteSummary, RouteTraffic } from "@weft/proxy";

/** What the admin server says each second, over the last seconds: at gentle traffic one second alone says little. */
export class RouteWindow {
  readonly #seconds: (readonly RouteTraffic[])[] = [];
  readonly #secondsMax: number;

  constructor(secondsMax: number) {
    this.#secondsMax = secondsMax;
  }

  /** Takes the summary of one more second; the oldest is forgotten. */
  add(routes: readonly RouteTraffic[]): void {
    this.#seconds.push(routes);
    if (this.#seconds.length > this.#secondsMax) this.#seconds.shift();
  }

  /**
   * The routes that had requests, by name so that lines stay where they are. Quantiles are those of all requests of the
   * seconds together, not of their worst or average second.
   */
  routes(): readonly RouteSummary[] {
    const totals = new Map<string, Totals>();
    for (const second of this.#seconds) {
      for (const { route, requestsPerSecond, successShare, durations } of second) {
        if (requestsPerSecond === 0) continue;
        const total = totals.get(route) ?? { requests: 0, successes: 0, durations: new Histogram() };
        totals.set(route, total);
        total.requests += requestsPerSecond;
        total.successes += requestsPerSecond * successShare;
        total.durations.merge(durations);
      }
    }
    const seconds = this.#seconds.length;
    return [...totals]
      .map(([route, { requests, successes, durations }]) => ({
        route,
        requestsPerSecond: requests / seconds,
        successShare: successes / requests,
        p50Ms: durations.count === 0 ? null : durations.quantile(0.5) / 1000,
        p99Ms: durations.count === 0 ? null : durations.quantile(0.99) / 1000,
      }))
      .sort((a, b) => (a.route < b.route ? -1 : 1));
  }
}

interface Totals {
  requests: number;
  successes: number;
  readonly durations: Histogram;
}
