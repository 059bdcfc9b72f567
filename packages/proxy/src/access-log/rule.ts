import type { AccessLogRule } from "@weft/contract";
import type { Random } from "@weft/kernel";

/** Decides by rules which requests are logged: the first that matches says with what chance. */
export class RuleSet {
  readonly #rules: readonly CompiledRule[];
  readonly #random: Random;

  constructor(rules: readonly AccessLogRule[], random: Random) {
    this.#random = random;
    this.#rules = rules.map(({ statusMin, durationMsMin, routes, sample }) => ({
      statusMin,
      durationMsMin,
      routes: routes.length === 0 ? null : new Set(routes),
      sample,
    }));
  }

  isWanted(status: number, durationMs: number, route: string): boolean {
    for (const rule of this.#rules) {
      if (status < rule.statusMin || durationMs < rule.durationMsMin) continue;
      if (rule.routes !== null && !rule.routes.has(route)) continue;
      return rule.sample >= 1 || (rule.sample > 0 && this.#random.next() < rule.sample);
    }
    return false;
  }
}

interface CompiledRule {
  readonly statusMin: number;
  readonly durationMsMin: number;
  readonly routes: ReadonlySet<string> | null;
  readonly sample: number;
}
