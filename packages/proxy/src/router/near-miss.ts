import { conditionReasons, describeRule, type ExplainedRule, type Lookup, pathReason } from "./explained-rule.ts";
import { canonicalHost } from "./host.ts";
import { EXPLAIN_HOSTNAMES_MAX, EXPLAIN_NEAR_MISSES_MAX, EXPLAIN_RULES_MAX } from "./limits.ts";
import type { CompiledRule } from "./rule.ts";
import type { RouteTable } from "./table.ts";

/** How far a rule is from matching; the smaller, the nearer. */
interface Distance {
  readonly rule: CompiledRule;
  readonly reasons: readonly string[];
  readonly isHostWrong: boolean;
  /** Characters at the beginning that rule and request have in common. */
  readonly common: number;
}

/** The rules of a table that come nearest to a request that none of them matches; those in `listed` are left out. */
export function findNearMisses(
  table: RouteTable,
  lookup: Lookup,
  listed: ReadonlySet<CompiledRule>,
): { readonly rules: readonly ExplainedRule[]; readonly isTruncated: boolean } {
  const nearest: Distance[] = [];
  for (const rule of table.rules.slice(0, EXPLAIN_RULES_MAX)) {
    if (listed.has(rule)) continue;
    nearest.push(measure(rule, lookup));
    if (nearest.length < 2 * EXPLAIN_NEAR_MISSES_MAX) continue;
    nearest.sort(compareDistance).length = EXPLAIN_NEAR_MISSES_MAX;
  }
  nearest.sort(compareDistance);
  return {
    rules: nearest.slice(0, EXPLAIN_NEAR_MISSES_MAX).map(({ rule, reasons }) => describeRule(rule, reasons)),
    isTruncated: table.rules.length > EXPLAIN_RULES_MAX,
  };
}

function measure(rule: CompiledRule, lookup: Lookup): Distance {
  const { host, pathname } = lookup;
  const isHostWrong = !rule.config.hostnames.some((hostname) => coversHost(hostname, host));
  const isPathWrong = !fitsPath(rule, pathname);
  const reasons = [
    ...(isHostWrong ? [`host ${JSON.stringify(host)} is not ${renderHostnames(rule.config.hostnames)}`] : []),
    ...(isPathWrong ? [pathReason(pathname)] : []),
    ...conditionReasons(rule, lookup),
  ];
  return { rule, reasons, isHostWrong, common: isPathWrong ? commonLength(rule.path, pathname) : pathname.length };
}

/** Fewest reasons first; then those of the right host, then the path with the longest common beginning. */
function compareDistance(one: Distance, other: Distance): number {
  return (
    one.reasons.length - other.reasons.length ||
    Number(one.isHostWrong) - Number(other.isHostWrong) ||
    other.common - one.common ||
    one.rule.order - other.rule.order
  );
}

function fitsPath(rule: CompiledRule, pathname: string): boolean {
  if (rule.pathKind === "regex") return rule.pathPattern?.matches(pathname) === true;
  if (rule.pathKind === "exact") return rule.path === pathname;
  return pathname === rule.path || pathname.startsWith(`${rule.path}/`);
}

function coversHost(hostname: string, host: string): boolean {
  if (hostname === "*") return true;
  return hostname.startsWith("*.") ? host.endsWith(hostname.slice(1)) : canonicalHost(hostname) === host;
}

function renderHostnames(hostnames: readonly string[]): string {
  const shown = hostnames.slice(0, EXPLAIN_HOSTNAMES_MAX).join(", ");
  const more = hostnames.length - EXPLAIN_HOSTNAMES_MAX;
  return more > 0 ? `${shown} or ${more} more` : shown;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length++;
  return length;
}
