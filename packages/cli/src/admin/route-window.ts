import type { RouteSummary } from "@weft/proxy";

/** What the admin server says each second, over the last seconds: at gentle traffic one second alone says little. */
export class RouteWindow {
  readonly #seconds: (readonly RouteSummary[])[] = [];
  readonly #secondsMax: number;

  constructor(secondsMax: number) {
    this.#secondsMax = secondsMax;
  }

  /** Takes the summary of one more second; the oldest is forgotten. */
  add(routes: readonly RouteSummary[]): void {
    this.#seconds.push(routes);
    if (this.#seconds.length > this.#secondsMax) this.#seconds.shift();
  }

  /**
   * The routes that had requests, by name so that lines stay where they are. Rates and medians are averages, weighted by
   * the requests of each second; the 99th percentile is that of the worst second.
   */
  routes(): readonly RouteSummary[] {
    const totals = new Map<string, Totals>();
    for (const second of this.#seconds) {
      for (const summary of second) {
        if (summary.requestsPerSecond === 0) continue;
        let total = totals.get(summary.route);
        if (total === undefined)
          totals.set(summary.route, (total = { requests: 0, successes: 0, p50: 0, timed: 0, p99: null }));
        addSecond(total, summary);
      }
    }
    const seconds = this.#seconds.length;
    return [...totals]
      .map(([route, total]) => ({
        route,
        requestsPerSecond: total.requests / seconds,
        successShare: total.successes / total.requests,
        p50Ms: total.timed === 0 ? null : total.p50 / total.timed,
        p99Ms: total.p99,
      }))
      .sort((a, b) => (a.route < b.route ? -1 : 1));
  }
}

interface Totals {
  requests: number;
  successes: number;
  /** Sum of medians, each times the requests that it stands for. */
  p50: number;
  timed: number;
  p99: number | null;
}

function addSecond(total: Totals, { requestsPerSecond, successShare, p50Ms, p99Ms }: RouteSummary): void {
  total.requests += requestsPerSecond;
  total.successes += requestsPerSecond * successShare;
  if (p50Ms !== null) {
    total.p50 += p50Ms * requestsPerSecond;
    total.timed += requestsPerSecond;
  }
  if (p99Ms !== null) total.p99 = Math.max(total.p99 ?? 0, p99Ms);
}
